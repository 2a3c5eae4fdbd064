//! Nights that are unlike the others: a calendar's rules by date and weekday.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::messages::shared;
use crate::{DimLevel, ProgrammeStep};

/// What counts in some nights instead of the programme's own steps. A night belongs to the day whose evening it is.
///
/// Of a programme's rules the first that fits a night counts, and no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NightRule {
    /// The first evening \[local days since 1970-01-01\]; `None` = ever since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<i64>,
    /// The last evening, at least `from`; `None` = for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<i64>,
    /// Only on these days of the week; empty = on all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weekdays: Vec<Weekday>,
    /// In the order they take effect, as in a programme.
    #[serde(with = "shared")]
    pub steps: Arc<[ProgrammeStep]>,
    /// Level while someone is near; `None` = presence does nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presence_level: Option<DimLevel>,
}

/// A programme's rules, shared by all who hold a copy. Takes memory only if there are any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nights(Option<Arc<Vec<NightRule>>>);

impl Nights {
    /// These rules; of those that fit a night the first counts.
    pub fn new(rules: Vec<NightRule>) -> Self {
        Self((!rules.is_empty()).then(|| Arc::new(rules)))
    }

    /// Whether all nights are alike.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// All of them, the first first.
    pub fn rules(&self) -> &[NightRule] {
        self.0.as_ref().map_or(&[], |rules| rules)
    }

    /// The rule that counts in the night that begins in the evening of `local_day`.
    pub fn of(&self, local_day: i64) -> Option<&NightRule> {
        self.rules().iter().find(|rule| rule.fits(local_day))
    }
}

impl Serialize for Nights {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.rules())
    }
}

impl<'de> Deserialize<'de> for Nights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::new)
    }
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weekday {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Weekday {
    /// All of them, from Monday on.
    pub const ALL: [Self; 7] = [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];

    /// That of a local day \[days since 1970-01-01, a Thursday\].
    pub fn of(local_day: i64) -> Self {
        Self::ALL[(local_day.rem_euclid(7) as usize + 3) % 7]
    }
}

impl NightRule {
    /// Whether it counts in the night that begins in the evening of `local_day`.
    pub fn fits(&self, local_day: i64) -> bool {
        self.from.is_none_or(|from| from <= local_day)
            && self.to.is_none_or(|to| local_day <= to)
            && (self.weekdays.is_empty() || self.weekdays.contains(&Weekday::of(local_day)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(from: Option<i64>, to: Option<i64>, weekdays: &[Weekday]) -> NightRule {
        NightRule { from, to, weekdays: weekdays.to_vec(), steps: Arc::from([]), presence_level: None }
    }

    #[test]
    fn a_night_outside_the_dates_or_on_another_weekday_does_not_fit() {
        let fits = |rule: &NightRule| [99, 100, 101, 102].map(|day| rule.fits(day));
        assert_eq!(fits(&rule(Some(100), Some(101), &[])), [false, true, true, false]);
        assert_eq!(fits(&rule(Some(101), None, &[])), [false, false, true, true]);
        assert_eq!(fits(&rule(None, Some(99), &[])), [true, false, false, false]);
        // Day 100 is 1970-04-11, a Saturday.
        assert_eq!(fits(&rule(None, None, &[Weekday::Sat])), [false, true, false, false]);
        assert_eq!(fits(&rule(Some(101), None, &[Weekday::Sat])), [false; 4]);
    }
}
