use std::fmt;

use serde::{Deserialize, Serialize};

/// One second \[ms\].
pub const SECOND_MS: i64 = 1_000;
/// One minute \[ms\].
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
/// One hour \[ms\].
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// One day \[ms\]. China has no daylight saving time: every day is this long.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// Local time minus UTC in China, all year round \[ms\].
pub const LOCAL_OFFSET_MS: i64 = 8 * HOUR_MS;

/// A moment \[ms since 1970-01-01T00:00:00Z\].
///
/// Which clock it belongs to – the city's or the wall's – is known from where it stands, not from the value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `millis` after (before, if negative) the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The moment `millis` later. Stops at the end of time instead of wrapping.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Local calendar day in China \[days since 1970-01-01\].
    pub const fn local_day(self) -> i64 {
        self.0.saturating_add(LOCAL_OFFSET_MS).div_euclid(DAY_MS)
    }

    /// Time since local midnight in China \[ms\], `0..DAY_MS`.
    pub const fn local_time_ms(self) -> i64 {
        self.0.saturating_add(LOCAL_OFFSET_MS).rem_euclid(DAY_MS)
    }

    /// The moment `time_ms` after local midnight of `local_day`.
    pub const fn from_local(local_day: i64, time_ms: i64) -> Self {
        Self(local_day.saturating_mul(DAY_MS).saturating_add(time_ms).saturating_sub(LOCAL_OFFSET_MS))
    }

    /// How long after `earlier` this is \[ms\]; negative if it is before.
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_midnight_is_sixteen_hundred_utc_of_the_day_before() {
        let midnight = Timestamp::from_local(20_561, 0);
        assert_eq!((midnight.local_day(), midnight.local_time_ms()), (20_561, 0));
        assert_eq!(midnight.plus_millis(-1).local_day(), 20_560);
        assert_eq!(midnight.as_millis() % DAY_MS, 16 * HOUR_MS);
    }
}
