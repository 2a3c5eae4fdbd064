//! What readers ask holders for from afar, and what holders ask the verifier about themselves. `wire` puts these on
//! topics.
//!
//! A reader names a resident and a profile; the phone is told, asks its owner, and answers with a code that has the
//! request as its challenge: so a request is answered by one phone, once, for one reader, and checked like any code.

use serde::{Deserialize, Serialize};
use types::{MINUTE_MS, ResidentId, Timestamp, VerifierId};

use crate::{Nonce, Profile, QrText, Refusal, RefusalReason, SpokenCode, Verdict};

/// How long a request waits for its answer, and an answer for its reader \[ms\].
pub const REQUEST_LIFE_MS: i64 = 5 * MINUTE_MS;
/// Requests that wait for one resident, at most; beyond that, readers are told to wait.
pub const REQUESTS_A_RESIDENT_MAX: usize = 8;
/// Showings that are remembered for one resident, at most; beyond that, the oldest is forgotten.
pub const HISTORY_MAX: usize = 64;

/// Reader → verifier: somebody's attributes, please.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskRequest {
    /// Ask a holder who is not at the counter.
    Ask {
        /// Who asks.
        verifier: VerifierId,
        /// Whom, as they have told the reader.
        resident: ResidentId,
        /// For what.
        profile: Profile,
    },
    /// What has become of a request?
    Look {
        /// Who asks.
        verifier: VerifierId,
        /// Which.
        request: Nonce,
    },
}

impl AskRequest {
    /// Who asks.
    pub fn verifier(&self) -> VerifierId {
        match self {
            Self::Ask { verifier, .. } | Self::Look { verifier, .. } => *verifier,
        }
    }
}

/// Verifier → reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskReply {
    /// The holder was told, or will be; also if there is no such resident.
    Waiting {
        /// The request.
        request: Nonce,
        /// When it is over.
        expires: Timestamp,
    },
    /// The holder agreed, and their code was accepted.
    Answered(Verdict),
    /// The holder does not agree.
    Denied,
    /// Nobody knows this request, or not any more: it is over, or another reader's.
    Unknown,
    /// The reader may not ask for this, or has to wait.
    Refused(RefusalReason),
}

/// Verifier → phone: a reader asks for attributes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentRequest {
    /// The request; the answering code has it as its challenge.
    pub request: Nonce,
    /// Whom it is for.
    pub resident: ResidentId,
    /// Who asks.
    pub verifier: VerifierId,
    /// For what.
    pub profile: Profile,
    /// When it was asked.
    pub asked: Timestamp,
    /// When it is over.
    pub expires: Timestamp,
}

/// Holder → verifier. Who asks is the business of whoever puts it on the bus: it tells of one resident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HolderRequest {
    /// What was shown, to whom, when?
    History {
        /// Whose history.
        resident: ResidentId,
    },
    /// Who waits for an answer?
    Pending {
        /// Whose.
        resident: ResidentId,
    },
    /// A code that the holder wants to read aloud.
    Speak {
        /// Whose phone it is: the code is their own, or their ward's.
        resident: ResidentId,
        /// The code.
        code: QrText,
    },
    /// The answer to a request.
    Answer {
        /// Whose.
        resident: ResidentId,
        /// Which request.
        request: Nonce,
        /// A code that has the request as its challenge; without it, the holder does not agree.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<QrText>,
    },
}

impl HolderRequest {
    /// Of whom it tells.
    pub fn resident(&self) -> ResidentId {
        match self {
            Self::History { resident }
            | Self::Pending { resident }
            | Self::Speak { resident, .. }
            | Self::Answer { resident, .. } => *resident,
        }
    }
}

/// Verifier → holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HolderReply {
    /// The newest last, at most [`HISTORY_MAX`].
    History(Vec<Showing>),
    /// The oldest first, at most [`REQUESTS_A_RESIDENT_MAX`].
    Pending(Vec<ConsentRequest>),
    /// Read these digits aloud.
    Spoken {
        /// They stand for the code, once.
        spoken: SpokenCode,
        /// When they are over.
        expires: Timestamp,
    },
    /// The reader was told what it asked for.
    Shared,
    /// The reader was told that the holder does not agree.
    Denied,
    /// No such request waits for this resident.
    Unknown,
    /// The code was refused; a request waits on.
    Refused(Refusal),
}

/// One showing of a resident's identity, for that resident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Showing {
    /// When it was judged; the last time of several.
    pub at: Timestamp,
    /// By whom.
    pub verifier: VerifierId,
    /// The attributes that were told, by name; none if it was refused.
    pub disclosed: Vec<String>,
    /// Why it was refused, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<RefusalReason>,
    /// The guardian who showed it, if it was not the resident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardian: Option<ResidentId>,
    /// How often the same was refused in a row.
    pub times: u32,
}
