//! Pseudonyms per reader: the same holder is somebody else to each, so that two of them cannot put together what they
//! know.

use std::fmt;
use std::str::FromStr;

use ring::hmac;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use types::{ResidentId, VerifierId};

use crate::RootKey;
use crate::keys::{derive, from_hex, to_hex};

/// What every pseudonym begins with.
const PREFIX: &str = "p-";

/// Who a holder is to one reader: always the same to that one, another to every other one.
///
/// As a text, `p-` and 32 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pseudonym([u8; 16]);

/// A text is no pseudonym.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no pseudonym: expected `p-` and 32 hex digits")]
pub struct NoPseudonym;

impl fmt::Display for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", to_hex(&self.0))
    }
}

impl FromStr for Pseudonym {
    type Err = NoPseudonym;

    /// Accepts exactly what `Display` writes.
    fn from_str(text: &str) -> Result<Self, NoPseudonym> {
        let read = text.strip_prefix(PREFIX).and_then(from_hex).map(Self);
        read.filter(|pseudonym| pseudonym.to_string() == text).ok_or(NoPseudonym)
    }
}

impl Serialize for Pseudonym {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Pseudonym {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What a verifier makes pseudonyms with. Whoever has it can tell who is behind them; `Debug` hides it.
#[derive(Clone)]
pub struct PseudonymKey(hmac::Key);

impl PseudonymKey {
    /// The key of the city whose issuer was made from `seed`.
    pub fn of_issuer(seed: [u8; 32]) -> Self {
        Self::new(derive(seed, "pseudonyms", 0))
    }

    /// A key that is no secret, for a verifier that was given none. A city has few enough residents to try them all, so
    /// it keeps readers apart only as long as nobody tries.
    pub(crate) fn open(root: &RootKey) -> Self {
        Self::new(derive(root.to_bytes(), "pseudonyms", 0))
    }

    fn new(secret: [u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &secret))
    }

    /// Who `resident` is to `verifier`.
    pub fn pseudonym(&self, resident: ResidentId, verifier: VerifierId) -> Pseudonym {
        Pseudonym(self.bytes(&format!("{verifier}/{resident}")))
    }

    /// A name for `resident` by which issuer and verifier of a city know each other's word, and nobody else: 16 hex
    /// digits.
    pub fn holder(&self, resident: ResidentId) -> String {
        to_hex(&self.bytes::<8>(&format!("holder {resident}")))
    }

    /// Bytes that nobody else can foretell, and the same for the same words.
    pub(crate) fn bytes<const N: usize>(&self, words: &str) -> [u8; N] {
        let tag = hmac::sign(&self.0, words.as_bytes());
        *tag.as_ref().first_chunk().expect("at most 32 bytes are asked for")
    }
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PseudonymKey(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn what_is_no_pseudonym_is_refused() {
        let digits = "0".repeat(32);
        for text in ["", "p-", "r-0042", &digits, &format!("p-{digits}0"), &format!("P-{digits}"), "p-zz"] {
            assert_eq!(text.parse::<Pseudonym>(), Err(NoPseudonym), "{text}");
        }
    }

    #[test]
    fn nobody_is_the_same_to_two_readers_nor_two_people_to_one_nor_anybody_in_two_cities() {
        let keys = [PseudonymKey::of_issuer([1; 32]), PseudonymKey::of_issuer([2; 32])];
        let mut all = BTreeSet::new();
        for key in &keys {
            for reader in ["bus", "museum", "kiosk"] {
                for number in 1..=20 {
                    let pseudonym = key.pseudonym(ResidentId(number), reader.parse().unwrap());
                    assert_eq!(pseudonym.to_string().parse(), Ok(pseudonym));
                    all.insert(pseudonym);
                }
            }
        }
        assert_eq!(all.len(), 2 * 3 * 20);
    }

    #[test]
    fn a_key_is_not_printed() {
        assert_eq!(format!("{:?}", PseudonymKey::of_issuer([1; 32])), "PseudonymKey(hidden)");
    }
}
