use types::{DAY_MS, Timestamp};

/// Sunrise and sunset of one local day at the city's reference point \[ms after local midnight each\].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SunDay {
    /// When the sun rises, before `sunset_ms`.
    pub sunrise_ms: u32,
    /// When it sets, at most one day after midnight.
    pub sunset_ms: u32,
}

/// Sunrise and sunset of every local day at the city's reference point.
///
/// Made once per city and shared; each luminaire adds its own shift. Never empty. A day outside the table has the sun
/// of the same position modulo the table's length: a table of one year serves every year.
#[derive(Clone, Debug)]
pub struct AstroTable {
    first_day: i64,
    days: Box<[SunDay]>,
}

/// Why a table of the sun makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AstroTableError {
    /// There must be at least one day.
    #[error("a table of the sun needs at least one day")]
    Empty,
    /// Sunrise at or after sunset, or sunset after the end of the day.
    #[error("local day {day}: sunrise at {} ms and sunset at {} ms do not fit one day", .sun.sunrise_ms, .sun.sunset_ms)]
    Day {
        /// Which one \[days since 1970-01-01\].
        day: i64,
        /// What was given.
        sun: SunDay,
    },
}

impl AstroTable {
    /// The sun from `first_day` on \[local days since 1970-01-01\], one entry a day.
    ///
    /// # Errors
    ///
    /// [`AstroTableError`] for no days at all, or a day whose sun does not rise and then set within it.
    pub fn new(first_day: i64, days: Vec<SunDay>) -> Result<Self, AstroTableError> {
        if days.is_empty() {
            return Err(AstroTableError::Empty);
        }
        for (day, &sun) in (first_day..).zip(&days) {
            if sun.sunrise_ms >= sun.sunset_ms || i64::from(sun.sunset_ms) > DAY_MS {
                return Err(AstroTableError::Day { day, sun });
            }
        }
        Ok(Self { first_day, days: days.into() })
    }

    /// When the sun rises on `local_day`.
    pub fn sunrise(&self, local_day: i64) -> Timestamp {
        Timestamp::from_local(local_day, i64::from(self.day(local_day).sunrise_ms))
    }

    /// When the sun sets on `local_day`.
    pub fn sunset(&self, local_day: i64) -> Timestamp {
        Timestamp::from_local(local_day, i64::from(self.day(local_day).sunset_ms))
    }

    /// The sun on `local_day`.
    pub(crate) fn day(&self, local_day: i64) -> SunDay {
        let position = local_day.saturating_sub(self.first_day);
        let known = usize::try_from(position).ok().and_then(|position| self.days.get(position));
        // Most days are in the table, and need no division.
        known.copied().unwrap_or_else(|| self.days[position.rem_euclid(self.days.len() as i64) as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sun(sunrise_ms: u32, sunset_ms: u32) -> SunDay {
        SunDay { sunrise_ms, sunset_ms }
    }

    #[test]
    fn a_table_without_days_is_refused() {
        assert_eq!(AstroTable::new(0, vec![]).unwrap_err(), AstroTableError::Empty);
    }

    #[test]
    fn a_day_whose_sun_sets_before_it_rises_or_after_midnight_is_refused() {
        for bad in [sun(5, 5), sun(6, 5), sun(5, DAY_MS as u32 + 1)] {
            let error = AstroTable::new(100, vec![sun(1, 2), bad]).unwrap_err();
            assert_eq!(error, AstroTableError::Day { day: 101, sun: bad });
        }
    }

    #[test]
    fn a_day_outside_the_table_has_the_sun_of_its_position_modulo_the_length() {
        let table = AstroTable::new(100, vec![sun(1, 10), sun(2, 20), sun(3, 30)]).unwrap();
        for (day, sunrise_ms) in [(100, 1), (102, 3), (103, 1), (99, 3), (97, 1), (-2, 1)] {
            assert_eq!(table.sunrise(day), Timestamp::from_local(day, sunrise_ms), "day {day}");
            assert_eq!(table.sunset(day), Timestamp::from_local(day, 10 * sunrise_ms), "day {day}");
        }
    }
}
