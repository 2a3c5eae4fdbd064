//! Electronic identity shown as a dynamic QR code.
//!
//! A resident enrols once. From then on their phone shows a code that lives for seconds, and whoever scans it learns
//! what the resident chose to disclose – once: the second time, the same code is refused.
//!
//! ```text
//!            enrol, credentials                shows                      verify
//!   holder ───────────────────▶ issuer    holder ┄┄┄┄┄┄▶ counter ───────────────────▶ verifier
//!          ◀───────────────────    │              ◀┄┄┄┄┄┄         ◀───────────────────     ▲
//!            once a day            │             challenge                verdict          │
//!                                  └─────────────── signed key set, status list ───────────┘
//! ```
//!
//! Read [`Issuer`] and [`Verifier`] first, then the two holders: a [`Phone`] makes the rotating part of its codes with a
//! key of its own, network or not; a [`Holder`] has none and asks the issuer for each code. All are [`types::Core`]s
//! that know each other only by messages, so that a real phone, counter or issuer can take any of their places.
//!
//! The text of a code is a claim 169 token as any reader of that format expects it: CWT (RFC 8392) in COSE_Sign1
//! (RFC 9052), signed with Ed25519 or ES256, zlib, base45 (RFC 9285); a phone's proof is a countersignature (RFC 9338)
//! where other readers do not look. [`decode_code`] takes one apart without any state; [`qr::Symbol`] draws one;
//! [`advice`] words every refusal for people; [`audit`] keeps verdicts so that a changed line is found. Formats, the
//! order of checks and all reasons are in `docs/eid.md`.
//!
//! # What it does not do
//!
//! - A code that is relayed live is accepted, unless the reader gives a challenge; and with one, a video call to the
//!   holder still passes. Only a look at the person ends that.
//! - Readers are told a [`Pseudonym`] of their own; whoever takes a code apart reads in it which resident it is.
//! - Root and issuer key come from one seed, in one process: in a real city the root stays offline.
//! - It is a model: every number has the region [`UNREAL_REGION`], which no real person's number has.
//! - No I/O, no clock, no ambient randomness.

pub mod advice;
mod attribute;
pub mod audit;
pub mod bench;
mod challenge;
mod consent;
mod decode;
mod encode;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod guardian;
pub mod holder;
pub mod issuer;
mod keyring;
mod keys;
mod kiosk;
mod messages;
mod own;
pub mod phone;
mod portrait;
mod proof;
mod pseudonym;
pub mod qr;
mod rate;
mod reader;
mod registry;
mod replay;
mod resident;
mod resident_no;
mod signature;
mod spoken;
mod status;
#[cfg(test)]
mod testing;
mod verdict;
pub mod verifier;
mod zlib;

pub use attribute::Attribute;
pub use challenge::{CHALLENGE_PREFIX, Challenge, NoChallenge, Nonce};
pub use consent::{
    AskReply, AskRequest, ConsentRequest, HISTORY_MAX, HolderReply, HolderRequest, REQUEST_LIFE_MS,
    REQUESTS_A_RESIDENT_MAX, Showing,
};
pub use decode::{Claims, DecodedCode, Identity, decode_code};
pub use guardian::GRANTS_MAX;
pub use keyring::{KEY_ACTIVE_MS, KEY_NOTICE_MS, RotateRefused};
pub use keys::{KEY_SET_AGE_MS_MAX, KEYS_MAX, KeySetRefused, RootKey};
pub use kiosk::{KioskState, NoSoftwareName, SoftwareName};
pub use messages::{
    CREDENTIALS_MAX, CredentialRefusal, CredentialReply, CredentialRequest, EidEvent, Ended, EnrolRefusal,
    EnrolReply, EnrolRequest, IssueReply, IssueRequest, KeySet, KeyState, Profile, PublicKey, QrText,
};
pub use own::{NONCE_LIFE_MS, OwnRefusal, OwnReply, OwnRequest};
pub use proof::PROOF_LIFE_S;
pub use pseudonym::{NoPseudonym, Pseudonym, PseudonymKey};
pub use reader::{Assurance, Reader, Readers, Scope, StalePolicy};
pub use registry::Registry;
pub use resident::{BirthDate, Gender, LifeState, NoSuchDate, Resident};
pub use resident_no::{ResidentNo, ResidentNoError, UNREAL_REGION};
pub use signature::Algorithm;
pub use spoken::{NoSpokenCode, SPOKEN_LIFE_MS, SpokenCode};
pub use status::{CardStatus, STATUS_LIST_LEN, STATUS_TTL_MS};
pub use verdict::{Demand, Freshness, Refusal, RefusalReason, Shown, Verdict, VerifyRequest};

pub use holder::Holder;
pub use issuer::{Issuer, ManageRefusal, ManageReply, ManageRequest};
pub use phone::{Phone, PhoneKey};
pub use verifier::Verifier;
