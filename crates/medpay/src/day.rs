use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use types::Timestamp;

/// A day of business, in the city's local time; written `2026-04-18`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(i32);

/// A text that is no day from 1970 to 9999.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no day such as `2026-04-18`")]
pub struct DayError;

impl Day {
    /// The day on which `at` falls; 1970-01-01 for what was before.
    pub fn of(at: Timestamp) -> Self {
        Self(i32::try_from(at.local_day()).unwrap_or(i32::MAX).clamp(0, LAST))
    }

    /// The day after.
    #[must_use]
    pub fn next(self) -> Self {
        Self((self.0 + 1).min(LAST))
    }

    /// The day before.
    #[must_use]
    pub fn before(self) -> Self {
        Self((self.0 - 1).max(0))
    }

    /// Its year.
    pub fn year(self) -> u16 {
        self.date().0
    }

    /// Year, month and day. Source: Howard Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`.
    fn date(self) -> (u16, u8, u8) {
        let days = self.0 + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        ((year_of_era + era * 400 + i32::from(month <= 2)) as u16, month as u8, day as u8)
    }

    /// The opposite.
    fn of_date(year: i32, month: i32, day: i32) -> Self {
        let year = year - i32::from(month <= 2);
        let (era, year_of_era) = (year / 400, year % 400);
        let shifted = if month > 2 { month - 3 } else { month + 9 };
        let of_year = (153 * shifted + 2) / 5 + day - 1;
        let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
        Self(era * 146_097 + of_era - 719_468)
    }
}

/// 9999-12-31.
const LAST: i32 = 2_932_896;

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        let mut numbers = text.splitn(3, '-').map(|part| part.parse::<i32>().ok());
        let (Some(Some(year)), Some(Some(month)), Some(Some(day))) =
            (numbers.next(), numbers.next(), numbers.next())
        else {
            return Err(DayError);
        };
        if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return Err(DayError);
        }
        // What is no date, such as the 30th of February, comes out as another one.
        let parsed = Self::of_date(year, month, day);
        if parsed.to_string() == text { Ok(parsed) } else { Err(DayError) }
    }
}

impl TryFrom<String> for Day {
    type Error = DayError;

    fn try_from(text: String) -> Result<Self, DayError> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_day_is_refused() {
        for text in
            ["", "2026", "2026-4-18", "2026-02-30", "2026-13-01", "1969-12-31", "2026-04-18x", "x-1-1"]
        {
            assert_eq!(text.parse::<Day>(), Err(DayError), "{text}");
        }
    }

    #[test]
    fn every_day_is_read_as_it_is_written() {
        for number in 0..=LAST {
            let day = Day(number);
            let (year, month, date) = day.date();
            assert_eq!(Day::of_date(year.into(), month.into(), date.into()), day);
        }
        for text in ["1970-01-01", "2024-02-29", "2026-12-31", "9999-12-31"] {
            assert_eq!(text.parse::<Day>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn the_day_begins_at_local_midnight() {
        let midnight = Timestamp::from_local(20_561, 0);
        assert_eq!(Day::of(midnight).to_string(), "2026-04-18");
        assert_eq!(Day::of(midnight.plus_millis(-1)), Day::of(midnight).before());
    }
}
