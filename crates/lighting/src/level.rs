use std::fmt;

use serde::{Deserialize, Serialize};

/// Light output requested from, or reported by, a luminaire \[% of full output\].
///
/// Always `0..=100`; 0 is off. How percent becomes watts is the luminaire model's business.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct DimLevel(u8);

/// A dim level over 100 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("dim level {0} is over 100 %")]
pub struct DimLevelTooHigh(pub u8);

impl DimLevel {
    /// No light.
    pub const OFF: Self = Self(0);
    /// All the light there is.
    pub const FULL: Self = Self(100);

    /// The level of this many percent.
    ///
    /// # Errors
    ///
    /// [`DimLevelTooHigh`] over 100.
    pub const fn from_percent(percent: u8) -> Result<Self, DimLevelTooHigh> {
        if percent > 100 { Err(DimLevelTooHigh(percent)) } else { Ok(Self(percent)) }
    }

    /// The level in percent.
    pub const fn percent(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for DimLevel {
    type Error = DimLevelTooHigh;

    fn try_from(percent: u8) -> Result<Self, DimLevelTooHigh> {
        Self::from_percent(percent)
    }
}

impl From<DimLevel> for u8 {
    fn from(level: DimLevel) -> Self {
        level.0
    }
}

impl fmt::Display for DimLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.0)
    }
}
