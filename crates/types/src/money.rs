use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount of money \[fen, 1/100 yuan\]. May be negative where a difference is meant.
///
/// No floats: amounts are added and compared as integers, and an overflow is an error, not a wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fen(i64);

/// A sum that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("amount does not fit in 64 bits")]
pub struct MoneyError;

impl Fen {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// This many fen.
    pub const fn new(fen: i64) -> Self {
        Self(fen)
    }

    /// The amount in fen.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The sum of both.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] if it does not fit.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_add(other.0).map(Self).ok_or(MoneyError)
    }

    /// What is left after taking `other` away; negative if `other` is larger.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] if it does not fit.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_sub(other.0).map(Self).ok_or(MoneyError)
    }

    /// The sum of many.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] if it does not fit.
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::ZERO, Self::plus)
    }
}

/// Yuan with two decimals: `Fen::new(-1_205)` is `-12.05`.
impl fmt::Display for Fen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let fen = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", fen / 100, fen % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_that_overflows_is_an_error() {
        assert_eq!(Fen::new(i64::MAX).plus(Fen::new(1)), Err(MoneyError));
        assert_eq!(Fen::sum([Fen::new(i64::MIN), Fen::new(-1)]), Err(MoneyError));
    }

    #[test]
    fn fen_are_shown_as_yuan() {
        assert_eq!(Fen::new(-1_205).to_string(), "-12.05");
        assert_eq!(Fen::new(7).to_string(), "0.07");
    }
}
