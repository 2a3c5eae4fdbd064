//! What a counter asks the verifier, and what that answers. `wire` puts these on topics.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use types::{ResidentId, Timestamp, VerifierId};

use crate::{Nonce, Profile, Pseudonym, QrText};

/// Verifier's counter → verifier: is this code good, now, for this purpose?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyRequest {
    /// What was scanned; or the digits of a [`SpokenCode`](crate::SpokenCode), which are no code of their own.
    pub code: QrText,
    /// Who asks.
    pub verifier: VerifierId,
    /// What for, as an opaque reference: a bill's hash for a payment, empty at a kiosk.
    #[serde(default)]
    pub reference: String,
    /// What the counter wants beside a good code.
    #[serde(default, skip_serializing_if = "Demand::is_nothing")]
    pub demand: Demand,
}

/// What a counter wants beside a good code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// The attributes it asked for: no more are told, and fewer will not do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// The nonce of the challenge it showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<Nonce>,
}

impl Demand {
    /// Whether any good code will do.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// How a code was shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// As a code that the issuer had just signed.
    #[default]
    Code,
    /// By the phone it is bound to.
    Phone,
    /// On a printed card: genuine, but anybody may hold it.
    Card,
}

impl Shown {
    fn is_code(&self) -> bool {
        *self == Self::Code
    }
}

/// How old the knowledge behind a verdict is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freshness {
    /// Age of the key set \[s\].
    pub keys_age_s: i64,
    /// Age of the status list \[s\]; `None` without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_age_s: Option<i64>,
}

/// What the verifier answers.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The code is genuine, current and was never seen before.
    Accepted {
        /// Who the holder is to this reader.
        pseudonym: Pseudonym,
        /// Who the holder is to the city, for a reader that [is told](crate::Reader::identifies).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resident: Option<ResidentId>,
        /// The attributes disclosed, by name.
        disclosed: BTreeMap<String, String>,
        /// The code's own id (`cti`) in hex; never accepted again.
        code_id: String,
        /// When the code was issued.
        issued: Timestamp,
        /// The reference of the request.
        reference: String,
        /// How it was shown.
        #[serde(default, skip_serializing_if = "Shown::is_code")]
        shown: Shown,
        /// Who showed it, if it was not the holder but their guardian: who that is to this reader.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        guardian: Option<Pseudonym>,
        /// Whether it could not be told if the card was revoked.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        unconfirmed: bool,
        /// How old the verifier's knowledge is.
        #[serde(default)]
        freshness: Freshness,
    },
    /// Not accepted.
    Refused(Refusal),
}

/// Hides what was disclosed.
impl fmt::Debug for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted { pseudonym, code_id, .. } => write!(f, "Accepted({pseudonym}, code {code_id})"),
            Self::Refused(refusal) => write!(f, "Refused({refusal:?})"),
        }
    }
}

/// Why a code was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The exact reason.
    pub reason: RefusalReason,
    /// When the code was first accepted, for [`RefusalReason::TokenReplayed`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<Timestamp>,
    /// When to try again, for [`RefusalReason::RateLimited`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
}

/// The exact reason of a refusal, in the order in which they are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// This counter had too many codes refused lately.
    RateLimited,
    /// Nobody reads these digits aloud, or not any more.
    SpokenUnknown,
    /// Nothing was read.
    QrEmpty,
    /// Not base45.
    QrNotBase45,
    /// Longer than a QR code can be, or inflates past 64 KiB.
    QrTooLarge,
    /// The zlib stream is broken.
    QrBadCompression,
    /// Not a COSE_Sign1 with a CWT inside.
    CoseInvalid,
    /// Signed with another algorithm than EdDSA or ES256.
    AlgNotAllowed,
    /// Signed by an unknown issuer.
    IssuerUnknown,
    /// The key that signed it was given up: compromised, or retired too long ago.
    IssuerKeyRevoked,
    /// The signature does not fit.
    SignatureInvalid,
    /// Its time, or that of the phone's proof, is over.
    TokenExpired,
    /// Its time, or that of the phone's proof, has not come.
    TokenNotYetValid,
    /// No claim 169 inside.
    ClaimMissing,
    /// It must be shown by a phone, and no phone's proof is there.
    HolderProofMissing,
    /// Another phone made the proof, or it was altered.
    HolderProofInvalid,
    /// The proof was made for another counter, or for none.
    AudienceMismatch,
    /// Accepted before.
    TokenReplayed,
    /// Never good again.
    CredentialRevoked,
    /// Not good for now.
    CredentialSuspended,
    /// Whether it was revoked cannot be told, and this counter must know.
    StatusStale,
    /// The guardian's grant has ended, or the ward is of age.
    GuardianshipEnded,
    /// The counter asks for more than it may, or the guardian's grant is not for this purpose.
    ScopeNotGranted,
    /// The holder discloses less than was asked for.
    ConsentDenied,
}

impl RefusalReason {
    /// All of them, in their order.
    pub const ALL: [Self; 24] = [
        Self::RateLimited,
        Self::SpokenUnknown,
        Self::QrEmpty,
        Self::QrNotBase45,
        Self::QrTooLarge,
        Self::QrBadCompression,
        Self::CoseInvalid,
        Self::AlgNotAllowed,
        Self::IssuerUnknown,
        Self::IssuerKeyRevoked,
        Self::SignatureInvalid,
        Self::TokenExpired,
        Self::TokenNotYetValid,
        Self::ClaimMissing,
        Self::HolderProofMissing,
        Self::HolderProofInvalid,
        Self::AudienceMismatch,
        Self::TokenReplayed,
        Self::CredentialRevoked,
        Self::CredentialSuspended,
        Self::StatusStale,
        Self::GuardianshipEnded,
        Self::ScopeNotGranted,
        Self::ConsentDenied,
    ];
}
