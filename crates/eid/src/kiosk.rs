//! How a reader at a counter stands, as it tells itself.

use serde::{Deserialize, Serialize};
use types::Timestamp;

/// The longest name of software \[characters\].
const SOFTWARE_CHARS_MAX: usize = 64;

/// Reader → operators, retained: how it stands. Its will says that it is gone.
///
/// Moments, not ages: what is retained must still be true when it is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum KioskState {
    /// It has no connection, or was told to ask nobody.
    Offline,
    /// It asks the city's verifier, and would know this much without it.
    Online {
        /// What it runs.
        software: SoftwareName,
        /// When the keys it has were signed; none without keys.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        keys_issued: Option<Timestamp>,
        /// When the list of revoked cards that it has was signed; none without one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status_issued: Option<Timestamp>,
        /// Verdicts it gave while it could ask nobody, and has not handed on yet; none from a reader that hands none on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        queued: Option<u32>,
    },
}

/// What a reader runs, such as `kitecity 0.1.0`: 1 to 64 characters, none of them a control character.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SoftwareName(String);

/// Why a text does not name software.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("software is named in 1 to {SOFTWARE_CHARS_MAX} characters, none of them a control character")]
pub struct NoSoftwareName;

impl TryFrom<String> for SoftwareName {
    type Error = NoSoftwareName;

    fn try_from(text: String) -> Result<Self, NoSoftwareName> {
        let fits = (1..=SOFTWARE_CHARS_MAX).contains(&text.chars().count());
        if fits && !text.chars().any(char::is_control) { Ok(Self(text)) } else { Err(NoSoftwareName) }
    }
}

impl From<SoftwareName> for String {
    fn from(name: SoftwareName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn software_without_a_name_or_with_one_that_would_break_a_line_is_refused() {
        for text in ["", "a\nb", "a\u{1b}[2J", &"x".repeat(65)] {
            assert_eq!(SoftwareName::try_from(text.to_owned()), Err(NoSoftwareName), "{text:?}");
        }
        assert!(SoftwareName::try_from("核验机 2.1".to_owned()).is_ok());
    }
}
