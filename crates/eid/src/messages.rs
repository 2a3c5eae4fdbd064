//! What the roles of e-ID say to each other. `wire` puts these on topics.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use types::{ResidentId, Timestamp, VerifierId};

/// The text of a QR code: base45 of zlib of a COSE_Sign1 with claim 169.
///
/// Personal data: `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct QrText(pub String);

impl fmt::Debug for QrText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QrText({} characters)", self.0.len())
    }
}

/// Which attributes a credential discloses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// A pairwise pseudonym only.
    Anon,
    /// Whether the holder is 18 or older.
    Age,
    /// Name, birth date and gender.
    #[default]
    Name,
    /// All text attributes.
    Full,
}

/// Holder → issuer: put this resident on my phone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolRequest {
    /// The 18-character resident number (synthetic, region 370799).
    pub resident_no: String,
    /// The name as registered.
    pub name: String,
}

impl fmt::Debug for EnrolRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnrolRequest(hidden)")
    }
}

/// Issuer → holder: enrolled, or why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnrolReply {
    /// The resident is known by this pseudonym from now on.
    Enrolled(ResidentId),
    /// Not enrolled.
    Refused(EnrolRefusal),
}

/// Why a resident was not enrolled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnrolRefusal {
    /// Not 18 characters, or the check character is wrong.
    ResidentChecksum,
    /// Not one of this city's region codes.
    ResidentRegion,
    /// The birth date does not exist.
    ResidentDate,
    /// No such resident, or the name differs: one answer for both.
    ResidentUnknown,
    /// Deceased or moved away.
    ResidentInactive,
}

/// Holder → issuer: a code to show now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueRequest {
    /// Whose code.
    pub resident: ResidentId,
    /// What it discloses.
    pub profile: Profile,
}

/// Issuer → holder: the code, or why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IssueReply {
    /// A fresh code.
    Issued {
        /// What the QR shows.
        code: QrText,
        /// When it was issued.
        issued: Timestamp,
        /// When it is worthless.
        expires: Timestamp,
    },
    /// Not enrolled.
    NotEnrolled,
}

/// Verifier's counter → verifier: is this code good, now, for this purpose?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyRequest {
    /// What was scanned.
    pub code: QrText,
    /// Who asks.
    pub verifier: VerifierId,
    /// What for, as an opaque reference: a bill's hash for a payment, empty at a kiosk.
    #[serde(default)]
    pub reference: String,
}

/// What the verifier answers.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The code is genuine, current and was never seen before.
    Accepted {
        /// The holder's pseudonym.
        resident: ResidentId,
        /// The attributes disclosed, by name.
        disclosed: BTreeMap<String, String>,
        /// The code's own id (`cti`) in hex; never accepted again.
        code_id: String,
        /// When the code was issued.
        issued: Timestamp,
        /// The reference of the request.
        reference: String,
    },
    /// Not accepted.
    Refused(Refusal),
}

/// Hides what was disclosed.
impl fmt::Debug for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted { resident, code_id, .. } => write!(f, "Accepted({resident}, code {code_id})"),
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
}

/// The exact reason of a refusal, in the order in which they are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
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
    /// The signature does not fit.
    SignatureInvalid,
    /// Its time is over.
    TokenExpired,
    /// Its time has not come.
    TokenNotYetValid,
    /// No claim 169 inside.
    ClaimMissing,
    /// Accepted before.
    TokenReplayed,
}

/// Issuer → verifiers, retained: the keys to check signatures with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySet {
    /// Grows with every change; a lower one is refused.
    pub version: u32,
    /// The keys in use.
    pub keys: Vec<PublicKey>,
}

/// One Ed25519 verification key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// Key id, 16 hex digits.
    pub kid: String,
    /// The key, 64 hex digits.
    pub ed25519: String,
}

/// What e-ID tells everyone. No personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EidEvent {
    /// A resident was enrolled.
    Enrolled {
        /// Who.
        resident: ResidentId,
    },
    /// A code was issued.
    Issued {
        /// To whom.
        resident: ResidentId,
        /// With which attributes.
        profile: Profile,
    },
    /// A code was accepted.
    Verified {
        /// Whose.
        resident: ResidentId,
        /// By whom.
        verifier: VerifierId,
    },
    /// A code was refused.
    Rejected {
        /// By whom.
        verifier: VerifierId,
        /// Why.
        reason: RefusalReason,
    },
}
