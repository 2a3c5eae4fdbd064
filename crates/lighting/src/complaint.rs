//! What people say of luminaires.

use serde::{Deserialize, Serialize};
use types::{LuminaireId, ResidentId, Timestamp};

/// Somebody → CMS: a complaint about a luminaire, or that it was seen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComplaintRequest {
    /// A resident says that something is wrong with it. The same resident says so once: again changes nothing.
    File {
        /// Which luminaire.
        luminaire: LuminaireId,
        /// Who says so.
        resident: ResidentId,
        /// What is wrong.
        about: Complaint,
    },
    /// An operator has seen to it.
    Close {
        /// Which luminaire.
        luminaire: LuminaireId,
    },
}

impl ComplaintRequest {
    /// The luminaire it is about.
    pub fn luminaire(&self) -> LuminaireId {
        match *self {
            Self::File { luminaire, .. } | Self::Close { luminaire } => luminaire,
        }
    }
}

/// What somebody in the street sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Complaint {
    /// It is dark.
    Dark,
    /// It burns by day.
    BurnsByDay,
    /// It flickers, or goes on and off.
    Flickers,
    /// It is bent, broken, or hangs loose.
    Damaged,
}

/// CMS → whoever complained, or closed a complaint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComplaintReply {
    /// It is open.
    Open {
        /// About which luminaire.
        luminaire: LuminaireId,
        /// How many residents complained of it so far.
        residents: u32,
    },
    /// It is closed.
    Closed {
        /// About which luminaire.
        luminaire: LuminaireId,
    },
    /// Nothing was done.
    Refused {
        /// About which luminaire.
        luminaire: LuminaireId,
        /// Why not.
        reason: ComplaintRefusal,
    },
}

impl ComplaintReply {
    /// The luminaire it is about.
    pub fn luminaire(&self) -> LuminaireId {
        match *self {
            Self::Open { luminaire, .. } | Self::Closed { luminaire } | Self::Refused { luminaire, .. } => {
                luminaire
            }
        }
    }
}

/// Why a complaint was not taken, or not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComplaintRefusal {
    /// The luminaire is not in the register.
    UnknownLuminaire,
    /// Nobody complained of it.
    NothingOpen,
    /// This resident complained of many lately.
    TooMany {
        /// When another one is taken.
        retry_at: Timestamp,
    },
    /// All residents together complained of more than is kept.
    Full,
}
