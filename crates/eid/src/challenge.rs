//! The challenge: what a counter shows a phone when it wants a proof made for it alone.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use types::VerifierId;

use crate::Profile;
use crate::keys::{from_hex, to_hex};

/// What every challenge begins with.
pub const CHALLENGE_PREFIX: &str = "EIDC:";

/// Eight bytes that nobody else has. Sixteen hex digits in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nonce(pub [u8; 8]);

impl Serialize for Nonce {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for Nonce {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        from_hex(&text).map(Self).ok_or_else(|| serde::de::Error::custom("a nonce is 16 hex digits"))
    }
}

/// Who asks, for what, and with which nonce.
///
/// Its text is a small QR symbol: `EIDC:MUSEUM:0011223344556677:AGE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Who asks.
    pub verifier: VerifierId,
    /// The answer must repeat it.
    pub nonce: Nonce,
    /// What should be disclosed.
    pub profile: Profile,
}

/// A text is no challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no challenge: expected `EIDC:`, a verifier, 16 hex digits and a profile, with colons between")]
pub struct NoChallenge;

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verifier, nonce, profile } = self;
        let rest = format!("{verifier}:{}:{}", to_hex(&nonce.0), profile.name());
        write!(f, "{CHALLENGE_PREFIX}{}", rest.to_ascii_uppercase())
    }
}

impl FromStr for Challenge {
    type Err = NoChallenge;

    /// Accepts exactly what `Display` writes.
    fn from_str(text: &str) -> Result<Self, NoChallenge> {
        let read = || {
            let rest = text.strip_prefix(CHALLENGE_PREFIX)?.to_ascii_lowercase();
            let mut parts = rest.split(':');
            let verifier = parts.next()?.parse().ok()?;
            let nonce = Nonce(from_hex(parts.next()?)?);
            let name = parts.next()?;
            let profile = Profile::ALL.into_iter().find(|profile| profile.name() == name)?;
            Some(Self { verifier, nonce, profile })
        };
        read().filter(|challenge| challenge.to_string() == text).ok_or(NoChallenge)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_challenge_is_refused() {
        for text in [
            "",
            "EIDC:",
            "EIDC:MUSEUM:0011223344556677",
            "EIDC:MUSEUM:001122334455667:AGE",
            "EIDC:MUSEUM:0011223344556677:AGES",
            "EIDC:MUSEUM:0011223344556677:AGE:",
            "EIDC:A_B:0011223344556677:AGE",
            "eidc:museum:0011223344556677:age",
            "EIDC:museum:0011223344556677:AGE",
        ] {
            assert_eq!(text.parse::<Challenge>(), Err(NoChallenge), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_challenge_is_read_back(name in "[a-z0-9-]{1,15}", nonce: [u8; 8], at in 0..Profile::ALL.len()) {
            let verifier = name.parse().unwrap();
            let challenge = Challenge { verifier, nonce: Nonce(nonce), profile: Profile::ALL[at] };
            let text = challenge.to_string();
            prop_assert_eq!(text.parse(), Ok(challenge));
            prop_assert!(text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b"-:".contains(&b)));
        }

        #[test]
        fn any_text_is_answered(text in "(EIDC:)?.{0,60}") {
            let _ = text.parse::<Challenge>();
        }
    }
}
