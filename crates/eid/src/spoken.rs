//! What a holder reads aloud where no camera can read their code.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use types::MINUTE_MS;

/// Digits of a spoken code.
const DIGITS: usize = 8;
/// How many spoken codes there can be.
const COUNT: u64 = 10u64.pow(DIGITS as u32);

/// How long digits stand for a code \[ms\], at most: no longer than the code itself is good.
pub const SPOKEN_LIFE_MS: i64 = MINUTE_MS;

/// Eight digits that stand for one fresh code, which the verifier keeps.
///
/// As a text, the digits. Whoever knows them in time may use them once, so `Debug` hides them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpokenCode(u32);

/// A text is no spoken code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no spoken code: expected eight digits")]
pub struct NoSpokenCode;

impl SpokenCode {
    /// The one that these bytes choose.
    pub(crate) fn chosen_by(bytes: [u8; 8]) -> Self {
        Self((u64::from_be_bytes(bytes) % COUNT) as u32)
    }
}

impl fmt::Display for SpokenCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0DIGITS$}", self.0)
    }
}

impl fmt::Debug for SpokenCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SpokenCode(hidden)")
    }
}

impl FromStr for SpokenCode {
    type Err = NoSpokenCode;

    /// Accepts eight digits; blanks between and around them are of no account, as people write them down in groups.
    fn from_str(text: &str) -> Result<Self, NoSpokenCode> {
        let mut value = 0;
        let mut digits = 0;
        for character in text.chars().filter(|character| !character.is_ascii_whitespace()) {
            let digit = character.to_digit(10).filter(|_| digits < DIGITS).ok_or(NoSpokenCode)?;
            (value, digits) = (10 * value + digit, digits + 1);
        }
        if digits == DIGITS { Ok(Self(value)) } else { Err(NoSpokenCode) }
    }
}

impl Serialize for SpokenCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SpokenCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_eight_digits_is_no_spoken_code() {
        for text in
            ["", "1234567", "123456789", "1234567a", "12345678.", "１２３４５６７８", "6BFOXN12", "-1234567"]
        {
            assert_eq!(text.parse::<SpokenCode>(), Err(NoSpokenCode), "{text}");
        }
    }

    #[test]
    fn digits_are_read_in_groups_too_and_keep_their_noughts() {
        for text in ["00001234", "0000 1234", " 00 00 12 34\n"] {
            assert_eq!(text.parse(), Ok(SpokenCode(1234)), "{text}");
        }
        assert_eq!(SpokenCode(1234).to_string(), "00001234");
        assert_eq!(
            SpokenCode::chosen_by([0xff; 8]).to_string().parse(),
            Ok(SpokenCode::chosen_by([0xff; 8]))
        );
    }

    #[test]
    fn digits_are_not_printed() {
        assert_eq!(format!("{:?}", SpokenCode(12_345_678)), "SpokenCode(hidden)");
    }
}
