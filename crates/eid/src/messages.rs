//! What the roles of e-ID say to each other. `wire` puts these on topics.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use types::{ResidentId, Timestamp, VerifierId};

use crate::{Algorithm, Nonce};

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

impl Profile {
    /// All profiles, from the one that tells least.
    pub const ALL: [Self; 4] = [Self::Anon, Self::Age, Self::Name, Self::Full];

    /// Its name on the bus.
    pub fn name(self) -> &'static str {
        match self {
            Self::Anon => "anon",
            Self::Age => "age",
            Self::Name => "name",
            Self::Full => "full",
        }
    }
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
    /// Too many tries in vain, for this number or by this caller. Try again in a minute.
    RateLimited,
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

/// Credentials issued at once, at most.
pub const CREDENTIALS_MAX: u8 = 20;

/// Holder's phone → issuer: credentials that are bound to this phone's key.
///
/// Whoever signs it has the key. Who asks is the bus's business, as with [`IssueRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialRequest {
    /// Whose phone it is.
    pub resident: ResidentId,
    /// Whose identity they are, if the resident is a guardian.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ward: Option<ResidentId>,
    /// What they disclose.
    pub profile: Profile,
    /// How many, `1..=20`; each with an id of its own.
    pub count: u8,
    /// When it was asked, by the phone's clock.
    pub asked: Timestamp,
    /// The phone's key (P-256): 66 hex digits of a compressed point.
    pub key: String,
    /// The phone's ES256 signature over all of the above, 128 hex digits.
    pub proof: String,
}

/// Issuer → phone: the credentials, or why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialReply {
    /// Fresh credentials. None of them is a code yet: the phone's proof is missing.
    Issued {
        /// Each as the text of a code.
        credentials: Vec<QrText>,
    },
    /// No credentials.
    Refused(CredentialRefusal),
}

/// Why a phone got no credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialRefusal {
    /// The request is not signed by the key it names, or was not made now.
    KeyProofInvalid,
    /// Fewer than one, or more than [`CREDENTIALS_MAX`].
    CountOutOfRange,
    /// Not enrolled, or not any more: one answer for whoever asks about others.
    NotEnrolled,
    /// The resident has as many phones as one may have.
    TooManyPhones,
    /// There is no grant for this ward, or it has ended.
    GuardianshipEnded,
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
        /// How it was shown.
        #[serde(default, skip_serializing_if = "Shown::is_code")]
        shown: Shown,
        /// Who showed it, if it was not the holder but their guardian.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        guardian: Option<ResidentId>,
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
    pub const ALL: [Self; 23] = [
        Self::RateLimited,
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

/// Issuer → verifiers, retained: the keys to check signatures with, and what was revoked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySet {
    /// Grows with every change; a lower one is refused.
    pub version: u32,
    /// When it was signed.
    pub issued: Timestamp,
    /// The keys, whatever their state.
    pub keys: Vec<PublicKey>,
    /// The status list of long-lived cards: base45 of a status list token, signed by one of the keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The root's Ed25519 signature over all of the above, 128 hex digits.
    pub signature: String,
}

/// One verification key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// Key id, 16 hex digits.
    pub kid: String,
    /// What it signs with.
    pub alg: Algorithm,
    /// The key: 64 hex digits, or 66 of a compressed point of P-256.
    pub key: String,
    /// Where it is in its life.
    pub state: KeyState,
    /// Until when a retired key verifies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// Where a key is in its life. It only ever moves down this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum KeyState {
    /// Known in advance; signs nothing yet.
    Next,
    /// Signs.
    Active,
    /// Signs no more; what it signed is good until that ends.
    Retired,
    /// In the wrong hands: nothing it signed is good.
    Compromised,
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
