use serde::{Deserialize, Serialize};
use types::Fen;

use crate::day::Day;

mod book;
mod file;

pub use book::{Limits, Policies, PoliciesError};

/// The whole of something \[basis points\].
pub(crate) const WHOLE_BP: u16 = 10_000;
/// Longest time a presettlement may be valid \[s\].
const VALIDITY_S_MAX: u32 = 86_400;
/// Tiers of one policy, at most.
pub(crate) const TIERS_MAX: usize = 8;

/// How somebody is insured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Insured {
    /// Employee insurance, at work.
    #[default]
    Employee,
    /// Employee insurance, retired.
    Retired,
    /// Resident insurance.
    Resident,
}

/// The insurance that pays, and whose fund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// Employee basic medical insurance (insutype 310).
    Employee,
    /// Resident basic medical insurance (insutype 390).
    Resident,
}

impl Insured {
    /// Whose fund pays.
    pub fn scheme(self) -> Scheme {
        match self {
            Self::Employee | Self::Retired => Scheme::Employee,
            Self::Resident => Scheme::Resident,
        }
    }
}

/// Kind of care.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Care {
    /// A visit.
    #[default]
    Outpatient,
    /// A visit for a registered chronic illness.
    Chronic,
    /// A stay in hospital, as a whole.
    Inpatient,
}

impl Care {
    /// Whether it is the usual kind.
    pub fn is_outpatient(&self) -> bool {
        *self == Self::Outpatient
    }
}

/// What becomes of a fraction of a fen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// Half a fen and more become a whole one.
    HalfUp,
    /// It is dropped.
    Down,
}

/// Rounding of each step that can leave a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundingRules {
    /// Price times quantity of a line.
    pub line: Rounding,
    /// The patient's first share of a line.
    pub first_share: Rounding,
    /// What pooled and supplementary fund pay, tier by tier.
    pub fund: Rounding,
}

/// How long a deductible counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// What was paid before in the year counts.
    Year,
    /// Each stay has its own.
    Admission,
}

/// The rules of one insurance for one kind of care: who pays what part of a bill.
///
/// Data, not code, and demo data at that: see `config/policies/demo.toml`. One that was read from a file is
/// [checked](Self::check); after changing a number, as a policy study does, check it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its name; editions of one policy share it, and so does what was used up under them.
    pub id: String,
    /// Which edition of it, from 1.
    pub version: u32,
    /// The first and the last day of business it is for.
    pub valid: (Day, Day),
    /// For whom.
    pub insured: Vec<Insured>,
    /// For which kind of care.
    pub care: Care,
    /// What becomes of fractions.
    pub rounding: RoundingRules,
    /// What the beneficiary pays first, by the level of this visit's provider \[fen\].
    pub deductible: ByLevel<Fen>,
    /// How long that counts.
    pub deductible_per: Period,
    /// The deductible of the second and later stays of a year, `0..=10_000` \[basis points of the first\].
    pub later_admission_bp: u16,
    /// What the pooled fund pays of the rest, `0..=10_000` \[basis points\]. Not used if there are tiers.
    pub ratio_bp: ByLevel<u16>,
    /// The same in steps, by what is eligible.
    pub tiers: Vec<Tier>,
    /// Added to the ratio for the retired \[basis points\].
    pub retired_add_bp: u16,
    /// Taken from the ratio for those insured in another region \[basis points\].
    pub cross_region_sub_bp: u16,
    /// What the pooled fund pays for one beneficiary in a year, at most \[fen\].
    pub cap: Fen,
    /// The same for the retired \[fen\].
    pub cap_retired: Fen,
    /// What the supplementary fund pays of what the cap cut off.
    pub supplement: Option<Supplement>,
    /// Whether the personal account may pay what the funds do not, except category C.
    pub account_usable: bool,
    /// Whether the account of a family member who agreed may pay after it.
    pub family_usable: bool,
    /// How long a presettlement may be paid, `1..=86_400` \[s\].
    pub presettlement_validity_s: u32,
}

/// One step of a ratio that depends on the amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Up to which eligible amount \[fen\]; none = without end.
    pub upto: Option<Fen>,
    /// What the pooled fund pays of it, `0..=10_000` \[basis points\].
    pub bp: u16,
}

/// The supplementary fund's part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Supplement {
    /// What it pays of what is over the cap, `0..=10_000` \[basis points\].
    pub bp: u16,
    /// What it pays for one beneficiary in a year, at most \[fen\].
    pub year: Fen,
}

/// One value for each level of provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByLevel<T> {
    /// Community clinics.
    #[serde(rename = "1")]
    pub level_1: T,
    /// District hospitals.
    #[serde(rename = "2")]
    pub level_2: T,
    /// Large hospitals.
    #[serde(rename = "3")]
    pub level_3: T,
}

impl<T: Copy> ByLevel<T> {
    /// The same value at every level.
    pub fn all_at(value: T) -> Self {
        Self { level_1: value, level_2: value, level_3: value }
    }

    /// The value for `level`; `None` unless it is 1, 2 or 3.
    pub fn at(&self, level: u8) -> Option<T> {
        match level {
            1 => Some(self.level_1),
            2 => Some(self.level_2),
            3 => Some(self.level_3),
            _ => None,
        }
    }

    fn all(&self) -> [T; 3] {
        [self.level_1, self.level_2, self.level_3]
    }
}

/// Why a policy cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// It has no name.
    #[error("policy id is empty")]
    IdEmpty,
    /// Its edition is not from 1.
    #[error("`version` is 0, editions count from 1")]
    Version,
    /// It ends before it begins.
    #[error("`valid` ends on {until}, before it begins on {from}")]
    Valid {
        /// The first day.
        from: Day,
        /// The last day.
        until: Day,
    },
    /// It is for nobody.
    #[error("`insured` names nobody")]
    Nobody,
    /// An amount is below zero.
    #[error("`{field}` is {got} fen, must not be negative")]
    Negative {
        /// Which one.
        field: &'static str,
        /// What was given \[fen\].
        got: i64,
    },
    /// A ratio is over the whole.
    #[error("`{field}` is {got}, at most 10000")]
    Ratio {
        /// Which one.
        field: &'static str,
        /// What was given \[basis points\].
        got: u16,
    },
    /// Tiers do not rise to one without end.
    #[error("`tiers` must rise, be at most {TIERS_MAX}, and only the last, always, be without `upto`")]
    Tiers,
    /// A presettlement would be valid for no time, or for too long.
    #[error("`presettlement_validity_s` is {got}, must be 1 to 86400")]
    Validity {
        /// What was given \[s\].
        got: u32,
    },
}

impl Policy {
    /// Whether its numbers make sense.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] with the first one that does not.
    pub fn check(&self) -> Result<(), PolicyError> {
        if self.id.is_empty() {
            return Err(PolicyError::IdEmpty);
        }
        if self.version == 0 {
            return Err(PolicyError::Version);
        }
        let (from, until) = self.valid;
        if until < from {
            return Err(PolicyError::Valid { from, until });
        }
        if self.insured.is_empty() {
            return Err(PolicyError::Nobody);
        }
        self.check_amounts()?;
        self.check_ratios()?;
        if !(1..=VALIDITY_S_MAX).contains(&self.presettlement_validity_s) {
            return Err(PolicyError::Validity { got: self.presettlement_validity_s });
        }
        Ok(())
    }

    fn check_amounts(&self) -> Result<(), PolicyError> {
        let [one, two, three] = self.deductible.all().map(|amount| ("deductible", amount));
        let supplement = self.supplement.map_or(Fen::ZERO, |supplement| supplement.year);
        let caps = [("cap", self.cap), ("cap.retired", self.cap_retired), ("supplement", supplement)];
        for (field, amount) in [one, two, three].into_iter().chain(caps) {
            if amount < Fen::ZERO {
                return Err(PolicyError::Negative { field, got: amount.get() });
            }
        }
        Ok(())
    }

    fn check_ratios(&self) -> Result<(), PolicyError> {
        let tiers = self.tiers.iter().map(|tier| tier.bp);
        let supplement = self.supplement.map(|supplement| supplement.bp);
        let ratios = self.ratio_bp.all().into_iter().chain(tiers);
        let ratios = ratios.chain([self.retired_add_bp, self.cross_region_sub_bp]).chain(supplement);
        let named = ratios.map(|ratio| ("ratio_bp", ratio));
        let mut named = named.chain([("deductible.later_admission_bp", self.later_admission_bp)]);
        if let Some((field, got)) = named.find(|&(_, ratio)| ratio > WHOLE_BP) {
            return Err(PolicyError::Ratio { field, got });
        }
        let ends: Vec<Option<Fen>> = self.tiers.iter().map(|tier| tier.upto).collect();
        let rise = ends.windows(2).all(|pair| match pair {
            [Some(lower), Some(upper)] => Fen::ZERO < *lower && lower < upper,
            [Some(lower), None] => Fen::ZERO < *lower,
            _ => false,
        });
        let ends_open = ends.last().is_none_or(Option::is_none);
        if rise && ends_open && ends.len() <= TIERS_MAX { Ok(()) } else { Err(PolicyError::Tiers) }
    }

    /// The largest deductible of any level: what a beneficiary can pay first in a year, at most \[fen\].
    pub fn deductible_max(&self) -> Fen {
        self.deductible.all().into_iter().max().expect("there are three levels")
    }

    /// What the pooled fund pays in a year for somebody insured so, at most \[fen\].
    pub fn cap_for(&self, insured: Insured) -> Fen {
        if insured == Insured::Retired { self.cap_retired } else { self.cap }
    }
}

/// The general outpatient policy of `config/policies/demo.toml`, for tests.
#[cfg(test)]
pub(crate) fn demo() -> Policy {
    demo_book()
        .choose(Insured::Employee, Care::Outpatient, Day::default().next())
        .expect("it is there")
        .1
        .clone()
}

/// All of `config/policies/demo.toml`, for tests.
#[cfg(test)]
pub(crate) fn demo_book() -> Policies {
    toml::from_str(include_str!("../../../config/policies/demo.toml"))
        .expect("the demo policies are well formed")
}

#[cfg(test)]
mod tests;
