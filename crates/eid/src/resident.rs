use std::fmt;

use serde::{Deserialize, Serialize};
use types::ResidentId;

use crate::ResidentNo;

/// One synthetic resident, as the census knows them.
///
/// Personal data: `Debug` shows the pseudonym and the life state only.
#[derive(Clone, PartialEq, Eq)]
pub struct Resident {
    /// The pseudonym by which every other part of the city knows them.
    pub id: ResidentId,
    /// The resident number.
    pub number: ResidentNo,
    /// The name in Chinese.
    pub name_zh: String,
    /// The name in Latin letters.
    pub name_en: String,
    /// The birth date, the same as in the number.
    pub birth: BirthDate,
    /// The gender, the same as in the number.
    pub gender: Gender,
    /// The address; lines end in `\n`.
    pub address: String,
    /// The district's region code (GB/T 2260), 3707xx. Unlike the number's region, this one is real.
    pub district_code: u32,
    /// What their portrait is drawn from: a generated tile, no face.
    pub portrait: u64,
    /// Whether they live here.
    pub life: LifeState,
}

impl fmt::Debug for Resident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Resident({}, {:?}, hidden)", self.id, self.life)
    }
}

/// Male or female, as a resident number tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gender {
    /// Male: 1 in claim 169.
    Male,
    /// Female: 2 in claim 169.
    Female,
}

/// Whether a resident may have an e-ID.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LifeState {
    /// Lives here.
    #[default]
    Active,
    /// Has died.
    Deceased,
    /// Has moved to another city.
    Moved,
}

/// A date of the Gregorian calendar on which somebody was born.
///
/// Always a day that exists, in the years `1800..=2199`. Personal data: `Debug` hides it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BirthDate {
    year: u16,
    month: u8,
    day: u8,
}

/// A date that is not in the calendar, or not in the years `1800..=2199`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such birth date")]
pub struct NoSuchDate;

impl BirthDate {
    /// That day of that month, both counted from 1.
    ///
    /// # Errors
    ///
    /// [`NoSuchDate`] if it does not exist or the year is not in `1800..=2199`.
    pub fn new(year: u16, month: u8, day: u8) -> Result<Self, NoSuchDate> {
        if !(1800..=2199).contains(&year) || !(1..=days_in_month(year, month)).contains(&day) {
            return Err(NoSuchDate);
        }
        Ok(Self { year, month, day })
    }

    /// The date that many days after 1970-01-01 (before, if negative).
    ///
    /// # Errors
    ///
    /// [`NoSuchDate`] if the year is not in `1800..=2199`.
    pub fn from_days(days: i64) -> Result<Self, NoSuchDate> {
        // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`: years begin in March, so
        // that the leap day is the last of its year, and eras are the 400 years after which the calendar repeats.
        if !(-100_000..100_000).contains(&days) {
            return Err(NoSuchDate);
        }
        let days = days + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = era * 400 + year_of_era + i64::from(month <= 2);
        Self::new(year as u16, month as u8, day as u8)
    }

    /// The year, `1800..=2199`.
    pub fn year(self) -> u16 {
        self.year
    }

    /// The month, `1..=12`.
    pub fn month(self) -> u8 {
        self.month
    }

    /// The day of the month, `1..=31`.
    pub fn day(self) -> u8 {
        self.day
    }

    /// Eight digits, as claim 169 wants them.
    pub fn to_yyyymmdd(self) -> String {
        format!("{:04}{:02}{:02}", self.year, self.month, self.day)
    }

    /// Completed years of life on a day \[days since 1970-01-01\]; 0 before birth.
    ///
    /// Who is born on 29 February completes a year on 1 March of a year without that day.
    pub fn age_on(self, local_day: i64) -> u16 {
        let Ok(today) = Self::from_days(local_day) else { return 0 };
        let birthday_is_ahead = (today.month, today.day) < (self.month, self.day);
        today.year.saturating_sub(self.year).saturating_sub(u16::from(birthday_is_ahead))
    }
}

impl fmt::Debug for BirthDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BirthDate(hidden)")
    }
}

/// 0 for a month that does not exist.
fn days_in_month(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u8::from(leap),
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(year: u16, month: u8, day: u8) -> BirthDate {
        BirthDate::new(year, month, day).unwrap()
    }

    #[test]
    fn a_day_that_is_not_in_the_calendar_is_refused() {
        for (year, month, day) in [
            (2023, 2, 29),
            (1900, 2, 29),
            (2000, 2, 30),
            (2001, 4, 31),
            (2001, 13, 1),
            (2001, 1, 0),
            (1799, 1, 1),
        ] {
            assert_eq!(BirthDate::new(year, month, day), Err(NoSuchDate), "{year}-{month}-{day}");
        }
        for days in [i64::MIN, i64::MAX, -100_000, 99_999] {
            assert_eq!(BirthDate::from_days(days), Err(NoSuchDate), "{days}");
        }
    }

    #[test]
    fn days_since_the_epoch_are_dates() {
        let check = |days, expected| assert_eq!(BirthDate::from_days(days), Ok(expected), "{days}");
        check(0, date(1970, 1, 1));
        check(-1, date(1969, 12, 31));
        check(11_016, date(2000, 2, 29));
        check(19_782, date(2024, 2, 29));
        check(20_561, date(2026, 4, 18));
    }

    #[test]
    fn one_is_seventeen_until_the_day_before_the_eighteenth_birthday() {
        let born = date(2008, 4, 18);
        assert_eq!((born.age_on(20_560), born.age_on(20_561)), (17, 18));
    }

    #[test]
    fn a_leap_day_child_completes_a_year_on_the_first_of_march() {
        let born = date(2004, 2, 29);
        let first_of_march_2022 = 19_052;
        assert_eq!(BirthDate::from_days(first_of_march_2022), Ok(date(2022, 3, 1)));
        assert_eq!((born.age_on(first_of_march_2022 - 1), born.age_on(first_of_march_2022)), (17, 18));
    }

    #[test]
    fn nobody_is_older_than_zero_before_birth() {
        assert_eq!(date(2030, 1, 1).age_on(0), 0);
        assert_eq!(date(2030, 1, 1).age_on(i64::MAX), 0);
    }

    #[test]
    fn debug_hides_who_it_is() {
        let resident = Resident {
            id: ResidentId(42),
            number: ResidentNo::new(crate::UNREAL_REGION, date(1988, 1, 2), 1).unwrap(),
            name_zh: "张伟".into(),
            name_en: "Zhang Wei".into(),
            birth: date(1988, 1, 2),
            gender: Gender::Male,
            address: "Kite Street 1".into(),
            district_code: 370_705,
            portrait: 42,
            life: LifeState::Active,
        };
        let shown = format!("{resident:?}");
        assert_eq!(shown, "Resident(r-0042, Active, hidden)");
    }
}
