//! What the roles of e-ID say to each other. `wire` puts these on topics.

use std::fmt;

use serde::{Deserialize, Serialize};
use types::{ResidentId, Timestamp, VerifierId};

use crate::{Algorithm, CardStatus, RefusalReason};

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
    /// A pseudonym only, another one for each reader.
    Anon,
    /// Whether the holder is 18 or older.
    Age,
    /// Name, birth date and gender.
    #[default]
    Name,
    /// All text attributes.
    Full,
    /// Name, birth date, gender and a portrait.
    Photo,
}

impl Profile {
    /// All profiles.
    pub const ALL: [Self; 5] = [Self::Anon, Self::Age, Self::Name, Self::Full, Self::Photo];

    /// Its name on the bus.
    pub fn name(self) -> &'static str {
        match self {
            Self::Anon => "anon",
            Self::Age => "age",
            Self::Name => "name",
            Self::Full => "full",
            Self::Photo => "photo",
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
    /// Phones and holders that ended within a day, while credentials from before could be shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<Ended>,
    /// The root's Ed25519 signature over all of the above, 128 hex digits.
    pub signature: String,
}

/// A phone, or a holder, whose credentials are not good before their day is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The phone's id, 16 hex digits; without it, the holder is meant, however they are shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Whose, by a [name](crate::PseudonymKey::holder) that only the city's issuer and verifier can tell.
    pub holder: String,
    /// Never good again, or not for now.
    pub status: CardStatus,
    /// Since when. Sessions from before have ended too.
    pub since: Timestamp,
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
    /// What a resident has is not good any more, or not for now.
    Revoked {
        /// Whose.
        resident: ResidentId,
        /// This phone, by its id; without it and `card`, everything.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        phone: Option<String>,
        /// This card, by its number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        card: Option<u32>,
        /// For now, or for good.
        status: CardStatus,
    },
    /// A key of the issuer has come to another state of its life.
    Key {
        /// Its id, 16 hex digits.
        kid: String,
        /// The state.
        state: KeyState,
    },
}
