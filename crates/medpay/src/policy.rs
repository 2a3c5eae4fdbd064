use serde::Deserialize;
use types::Fen;

/// The whole of something \[basis points\].
pub(crate) const WHOLE_BP: u16 = 10_000;
/// Longest time a presettlement may be valid \[s\].
const VALIDITY_S_MAX: u32 = 86_400;

/// The rules of one outpatient insurance: who pays what part of a bill.
///
/// Data, not code, and demo data at that: see `config/policies/demo.toml`. One that was read from a file is
/// [checked](Self::check); after changing a number, as a policy study does, check it again.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "PolicyFile")]
pub struct Policy {
    /// Its name.
    pub id: String,
    /// Which edition of it, from 1.
    pub version: u32,
    /// What the beneficiary pays first each year, by the level of this visit's provider \[fen\].
    pub deductible: ByLevel<Fen>,
    /// What the pooled fund pays of the rest, `0..=10_000` \[basis points\].
    pub ratio_bp: ByLevel<u16>,
    /// What the pooled fund pays for one beneficiary in a year, at most \[fen\].
    pub cap: Fen,
    /// Whether the personal account may pay what the fund does not, except category C.
    pub account_usable: bool,
    /// How long a presettlement may be paid, `1..=86_400` \[s\].
    pub presettlement_validity_s: u32,
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

/// A policy as its file is laid out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    id: String,
    version: u32,
    presettlement_validity_s: u32,
    deductible: Levels<Fen>,
    ratio_bp: Levels<u16>,
    cap: Cap,
    account: PersonalAccount,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Levels<T> {
    by_level: ByLevel<T>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cap {
    year: Fen,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonalAccount {
    usable: bool,
}

impl TryFrom<PolicyFile> for Policy {
    type Error = PolicyError;

    fn try_from(file: PolicyFile) -> Result<Self, PolicyError> {
        let policy = Self {
            id: file.id,
            version: file.version,
            deductible: file.deductible.by_level,
            ratio_bp: file.ratio_bp.by_level,
            cap: file.cap.year,
            account_usable: file.account.usable,
            presettlement_validity_s: file.presettlement_validity_s,
        };
        policy.check()?;
        Ok(policy)
    }
}

/// Why a policy cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// It has no name.
    #[error("policy id is empty")]
    IdEmpty,
    /// Its edition is not from 1.
    #[error("`version` is 0, editions count from 1")]
    Version,
    /// An amount is below zero.
    #[error("`{field}` is {got} fen, must not be negative")]
    Negative {
        /// Which one.
        field: &'static str,
        /// What was given \[fen\].
        got: i64,
    },
    /// A ratio is over the whole.
    #[error("`ratio_bp` is {got}, at most 10000")]
    Ratio {
        /// What was given \[basis points\].
        got: u16,
    },
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
        let amounts = self.deductible.all().map(|amount| ("deductible", amount));
        for (field, amount) in amounts.into_iter().chain([("cap", self.cap)]) {
            if amount < Fen::ZERO {
                return Err(PolicyError::Negative { field, got: amount.get() });
            }
        }
        if let Some(got) = self.ratio_bp.all().into_iter().find(|&ratio| ratio > WHOLE_BP) {
            return Err(PolicyError::Ratio { got });
        }
        if !(1..=VALIDITY_S_MAX).contains(&self.presettlement_validity_s) {
            return Err(PolicyError::Validity { got: self.presettlement_validity_s });
        }
        Ok(())
    }

    /// The largest deductible of any level: what a beneficiary can pay first in a year, at most \[fen\].
    pub fn deductible_max(&self) -> Fen {
        self.deductible.all().into_iter().max().expect("there are three levels")
    }
}

/// The policy of `config/policies/demo.toml`, for tests.
#[cfg(test)]
pub(crate) fn demo() -> Policy {
    toml::from_str(include_str!("../../../config/policies/demo.toml"))
        .expect("the demo policy is well formed")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = include_str!("../../../config/policies/demo.toml");

    fn refusal(from: &str, to: &str) -> String {
        assert!(FILE.contains(from), "{from}");
        toml::from_str::<Policy>(&FILE.replace(from, to)).unwrap_err().to_string()
    }

    #[test]
    fn a_file_with_an_unknown_or_a_missing_field_is_refused() {
        assert!(refusal("version = 1", "version = 1\nsurprise = 1").contains("surprise"));
        assert!(refusal("year = 600000", "year = 600000\nmonth = 1").contains("month"));
        assert!(refusal("3 = 60000", "4 = 60000").contains('4'));
        assert!(refusal("usable = true", "").contains("usable"));
    }

    #[test]
    fn a_file_with_a_fraction_of_a_fen_or_senseless_numbers_is_refused() {
        refusal("1 = 20000", "1 = 20000.5");
        assert!(refusal("year = 600000", "year = -1").contains("`cap` is -1 fen"));
        assert!(refusal("1 = 8000", "1 = 10001").contains("`ratio_bp` is 10001"));
    }

    #[test]
    fn a_policy_with_senseless_numbers_is_refused() {
        let check = |change: fn(&mut Policy)| {
            let mut policy = demo();
            change(&mut policy);
            policy.check()
        };
        assert_eq!(check(|p| p.id.clear()), Err(PolicyError::IdEmpty));
        assert_eq!(check(|p| p.version = 0), Err(PolicyError::Version));
        assert_eq!(
            check(|p| p.deductible.level_2 = Fen::new(-1)),
            Err(PolicyError::Negative { field: "deductible", got: -1 })
        );
        assert_eq!(check(|p| p.cap = Fen::new(-5)), Err(PolicyError::Negative { field: "cap", got: -5 }));
        assert_eq!(check(|p| p.ratio_bp.level_3 = 10_001), Err(PolicyError::Ratio { got: 10_001 }));
        assert_eq!(check(|p| p.presettlement_validity_s = 0), Err(PolicyError::Validity { got: 0 }));
    }

    #[test]
    fn the_demo_policy_is_good_and_knows_three_levels() {
        let policy = demo();
        assert_eq!(policy.check(), Ok(()));
        assert_eq!(policy.ratio_bp.at(2), Some(7_000));
        assert_eq!((policy.ratio_bp.at(0), policy.ratio_bp.at(4)), (None, None));
        assert_eq!(policy.deductible_max(), Fen::new(60_000));
    }
}
