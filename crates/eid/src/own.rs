//! What a holder asks the issuer about their own phones and guardians. `wire` puts these on topics.

use serde::{Deserialize, Serialize};
use types::{MINUTE_MS, ResidentId, Timestamp};

use crate::{ManageRefusal, Nonce, Scope};

/// How long a nonce waits for a phone's proof \[ms\].
pub const NONCE_LIFE_MS: i64 = 5 * MINUTE_MS;

/// Holder → issuer. Who asks is the business of whoever puts it on the bus, as with [`IssueRequest`](crate::IssueRequest).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnRequest {
    /// Something for a phone to sign.
    Nonce {
        /// Whose phone.
        resident: ResidentId,
    },
    /// This phone is mine.
    Register {
        /// Whose.
        resident: ResidentId,
        /// The phone's key (P-256): 66 hex digits of a compressed point.
        key: String,
        /// The nonce.
        nonce: Nonce,
        /// The phone's ES256 signature over [`OwnRequest::registration`], 128 hex digits.
        proof: String,
    },
    /// Which phones are mine?
    Phones {
        /// Whose.
        resident: ResidentId,
    },
    /// This phone is lost.
    Forget {
        /// Whose.
        resident: ResidentId,
        /// Its id.
        phone: String,
    },
    /// Somebody may show my identity.
    Entrust {
        /// Whose, of age: for a child, the counter does it.
        resident: ResidentId,
        /// Who.
        guardian: ResidentId,
        /// For what.
        scope: Scope,
        /// For how long \[days\], `1..=1_826`.
        days: u32,
    },
    /// Not any more. Each of the two may say so.
    EndGrant {
        /// Who says so.
        resident: ResidentId,
        /// The guardian.
        guardian: ResidentId,
        /// Whose identity.
        ward: ResidentId,
    },
}

impl OwnRequest {
    /// Of whom it tells.
    pub fn resident(&self) -> ResidentId {
        match self {
            Self::Nonce { resident }
            | Self::Register { resident, .. }
            | Self::Phones { resident }
            | Self::Forget { resident, .. }
            | Self::Entrust { resident, .. }
            | Self::EndGrant { resident, .. } => *resident,
        }
    }

    /// What a phone signs to be registered: a line of text, so that any program can.
    pub fn registration(resident: ResidentId, key: &str, nonce: Nonce) -> String {
        format!("kitecity eid phone {resident} {key} {}", crate::keys::to_hex(&nonce.0))
    }
}

/// Issuer → holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnReply {
    /// Sign this.
    Nonce {
        /// The nonce; it is taken once.
        nonce: Nonce,
        /// When it is over.
        expires: Timestamp,
    },
    /// The phone is registered.
    Registered {
        /// Its id: 16 hex digits, from its key's thumbprint (RFC 9679).
        phone: String,
    },
    /// The ids of all phones.
    Phones {
        /// In the order of their keys.
        phones: Vec<String>,
    },
    /// Done.
    Done,
    /// Not done.
    Refused(OwnRefusal),
}

/// Why it was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnRefusal {
    /// Not enrolled, or not any more: one answer for whoever asks about others.
    NotEnrolled,
    /// The key did not sign this, or the nonce is another's, was used, or is over.
    KeyProofInvalid,
    /// The resident has as many phones as one may have.
    TooManyPhones,
    /// No such phone or grant.
    Unknown,
    /// A guardian is of age, lives here, and is another person than the ward.
    NoGuardian,
    /// Who is not of age gets a guardian at the counter.
    NotOfAge,
    /// Not 1 to 1,826 days.
    DaysOutOfRange,
    /// As many guardians as one may have.
    TooMany,
}

/// Whether a guardian is unknown or unfit is one answer: the holder is no clerk.
impl From<ManageRefusal> for OwnRefusal {
    fn from(refusal: ManageRefusal) -> Self {
        match refusal {
            ManageRefusal::Unknown | ManageRefusal::NoGuardian | ManageRefusal::TooEarly => Self::NoGuardian,
            ManageRefusal::DaysOutOfRange => Self::DaysOutOfRange,
            ManageRefusal::TooMany => Self::TooMany,
        }
    }
}
