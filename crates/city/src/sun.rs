use lighting::{AstroTable, SunDay};
use solar_positioning::{Horizon, Location, SolarEvents, delta_t};
use types::{DAY_MS, Position, Timestamp};

use crate::plan::ORIGIN;

/// Julian date of 1970-01-01T00:00:00Z.
const EPOCH_JULIAN: f64 = 2_440_587.5;
/// How much earlier the sun rises and sets per degree further east \[ms\]: 24 h for 360°.
const EARLIER_MS_PER_DEGREE: f64 = 240_000.0;
/// For which years the sun is known.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2199;

/// Why there is no table of the sun.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SunError {
    /// The year is too far away.
    #[error(transparent)]
    Year(#[from] YearError),
    /// The sun does not rise and then set within one day of the city's clock.
    #[error(
        "at {:.4} N, {:.4} E the sun does not rise and set within one day of the city's clock, which is China's (UTC+8)",
        at.lat, at.lon
    )]
    Place {
        /// Where.
        at: Position,
    },
}

/// A year without a table of the sun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sun is known for the years 1900 to 2199, not for {0}")]
pub struct YearError(pub i32);

/// Sunrise and sunset at [`ORIGIN`] for every local day of a year.
///
/// The upper edge of the sun on a level horizon through average air: its middle at −0.833°. Good to a few seconds,
/// which is better than the air keeps to.
///
/// # Errors
///
/// [`YearError`] outside 1900 to 2199.
///
/// Source: Reda and Andreas, Solar Position Algorithm (SPA), NREL/TP-560-34302.
pub fn astro_table(year: i32) -> Result<AstroTable, YearError> {
    match astro_table_at(year, ORIGIN) {
        Err(SunError::Year(error)) => Err(error),
        table => Ok(table.expect("in Weifang the sun rises and sets every day")),
    }
}

/// The same at any place whose days fit China's clock: about 75° to 165° E, between the polar circles.
///
/// # Errors
///
/// [`SunError`] outside 1900 to 2199, and where the sun does not rise and set every day.
pub fn astro_table_at(year: i32, at: Position) -> Result<AstroTable, SunError> {
    if !YEARS.contains(&year) {
        return Err(YearError(year).into());
    }
    let (first, next) = (first_day(year), first_day(year + 1));
    let days: Option<Vec<SunDay>> = (first..next).map(|day| sun_day(day, at)).collect();
    days.and_then(|days| AstroTable::new(first, days).ok()).ok_or(SunError::Place { at })
}

/// The first sunrise and the first sunset at a place in the 24 hours from a moment on, as in [`astro_table`].
///
/// `None` if the sun stays above or below the horizon, or the moment is outside 1900 to 2199.
pub fn sunrise_and_sunset(from: Timestamp, at: Position) -> Option<(Timestamp, Timestamp)> {
    let year = 1970 + from.local_day().div_euclid(365) as i32;
    let delta_t = delta_t::estimate(f64::from(year) + 0.5).ok().filter(|_| YEARS.contains(&year))?;
    let location = Location { latitude: at.lat, longitude: at.lon };
    let (start, events) = (julian(from), SolarEvents::new());
    let rise = events
        .next_rise_from_julian(start, start + 1.0, location, delta_t, Horizon::SunriseSunset)
        .ok()??;
    let set =
        events.next_set_from_julian(start, start + 1.0, location, delta_t, Horizon::SunriseSunset).ok()??;
    let moment = |event: f64| from.plus_millis(((event - start) * DAY_MS as f64).round() as i64);
    Some((moment(rise), moment(set)))
}

/// How much later the sun rises and sets at a place than at `origin` \[ms\]; negative in the east.
///
/// By longitude alone. Latitude adds up to 50 s at the edges of the largest city, at the solstices.
pub fn astro_shift_ms(position: Position, origin: Position) -> i32 {
    ((origin.lon - position.lon) * EARLIER_MS_PER_DEGREE).round() as i32
}

fn sun_day(local_day: i64, at: Position) -> Option<SunDay> {
    let midnight = Timestamp::from_local(local_day, 0);
    let (rise, set) = sunrise_and_sunset(midnight, at)?;
    let ms = |event: Timestamp| u32::try_from(event.millis_since(midnight)).ok();
    Some(SunDay { sunrise_ms: ms(rise)?, sunset_ms: ms(set)? })
}

/// Julian date of a moment.
fn julian(at: Timestamp) -> f64 {
    EPOCH_JULIAN + at.as_millis() as f64 / DAY_MS as f64
}

/// 1 January of a year \[days since 1970-01-01\].
fn first_day(year: i32) -> i64 {
    let before = i64::from(year) - 1;
    365 * before + before / 4 - before / 100 + before / 400 - 719_162
}

#[cfg(test)]
mod tests {
    use types::{HOUR_MS, MINUTE_MS, SECOND_MS};

    use super::*;

    /// Local midnight of a day of 2026, counted from 1 January as 0.
    fn day(of_year: i64) -> i64 {
        first_day(2026) + of_year
    }

    fn sun(of_year: i64) -> (i64, i64) {
        let table = astro_table(2026).unwrap();
        (table.sunrise(day(of_year)).local_time_ms(), table.sunset(day(of_year)).local_time_ms())
    }

    /// NOAA's solar calculator (Meeus, low precision), with the functions of the platform: sunrise and sunset
    /// \[min after local midnight\].
    fn noaa(of_year: i64) -> (f64, f64) {
        let solve = |hour: f64, side: f64| {
            let t = (julian(Timestamp::from_local(day(of_year), 0)) + hour / 24.0 - 2_451_545.0) / 36_525.0;
            let long = (280.46646 + t * (36000.76983 + t * 0.0003032)).to_radians();
            let anomaly = (357.52911 + t * (35999.05029 - 0.0001537 * t)).to_radians();
            let eccentricity = 0.016708634 - t * 0.000042037;
            let centre = (1.914602 - t * 0.004817) * anomaly.sin()
                + 0.019993 * (2.0 * anomaly).sin()
                + 0.000289 * (3.0 * anomaly).sin();
            let node = (125.04 - 1934.136 * t).to_radians();
            let apparent = (long.to_degrees() + centre - 0.00569 - 0.00478 * node.sin()).to_radians();
            let tilt = (23.439291 - 0.013004 * t + 0.00256 * node.cos()).to_radians();
            let declination = (tilt.sin() * apparent.sin()).asin();
            let y = (tilt / 2.0).tan().powi(2);
            let equation = 4.0
                * (y * (2.0 * long).sin() - 2.0 * eccentricity * anomaly.sin()
                    + 4.0 * eccentricity * y * anomaly.sin() * (2.0 * long).cos()
                    - 0.5 * y * y * (4.0 * long).sin()
                    - 1.25 * eccentricity * eccentricity * (2.0 * anomaly).sin())
                .to_degrees();
            let latitude = ORIGIN.lat.to_radians();
            let cosine = 90.833f64.to_radians().cos() / (latitude.cos() * declination.cos())
                - latitude.tan() * declination.tan();
            720.0 - 4.0 * ORIGIN.lon - equation + 480.0 + side * 4.0 * cosine.acos().to_degrees()
        };
        (solve(6.0, -1.0), solve(18.0, 1.0))
    }

    #[test]
    fn the_first_of_january_is_where_the_calendar_has_it() {
        assert_eq!((first_day(1970), first_day(2000), first_day(2026)), (0, 10_957, 20_454));
    }

    #[test]
    fn a_year_too_far_away_is_refused() {
        assert_eq!(astro_table(1899).err(), Some(YearError(1899)));
        assert_eq!(astro_table(2200).err(), Some(YearError(2200)));
    }

    #[test]
    fn a_place_whose_days_do_not_fit_the_clock_is_refused() {
        for at in [Position { lat: 51.48, lon: 0.0 }, Position { lat: 78.2, lon: 120.0 }] {
            assert_eq!(astro_table_at(2026, at).err(), Some(SunError::Place { at }));
        }
        assert!(astro_table_at(2026, Position { lat: 22.3, lon: 114.2 }).is_ok());
    }

    #[test]
    fn on_20_march_day_and_night_are_about_equal() {
        let (rise, set) = sun(78);
        let length = set - rise;
        assert!((12 * HOUR_MS + 5 * MINUTE_MS..12 * HOUR_MS + 12 * MINUTE_MS).contains(&length), "{length}");
        // Noon is at 12:03:22 by longitude and 7 min 23 s later by the equation of time; sunset 6 h 4 min after it.
        let about = 18 * HOUR_MS + 14 * MINUTE_MS + 45 * SECOND_MS;
        assert!((set - about).abs() < 30 * SECOND_MS, "{set}");
    }

    #[test]
    fn solstices_have_the_longest_and_the_shortest_day() {
        let table = astro_table(2026).unwrap();
        let length = |of_year| table.sunset(day(of_year)).millis_since(table.sunrise(day(of_year)));
        let about = |hours, minutes, seconds| hours * HOUR_MS + minutes * MINUTE_MS + seconds * SECOND_MS;
        // cos H = (sin -0.833° - sin φ sin δ) / (cos φ cos δ) with δ = ±23.436°: H = 110.06° and 72.33°.
        assert!((length(171) - about(14, 40, 30)).abs() < 20 * SECOND_MS, "{}", length(171));
        assert!((length(355) - about(9, 38, 40)).abs() < 20 * SECOND_MS, "{}", length(355));
        let (shortest, longest) = (length(355) - SECOND_MS, length(171) + SECOND_MS);
        assert!((0..365).all(|of_year| (shortest..=longest).contains(&length(of_year))));
    }

    #[test]
    fn independent_equations_agree_within_seconds() {
        let table = astro_table(2026).unwrap();
        for of_year in 0..365 {
            let (rise, set) = noaa(of_year);
            let off = |at: Timestamp, minutes: f64| at.local_time_ms() - (minutes * MINUTE_MS as f64) as i64;
            let (rise, set) = (off(table.sunrise(day(of_year)), rise), off(table.sunset(day(of_year)), set));
            assert!(rise.abs() < 15 * SECOND_MS && set.abs() < 15 * SECOND_MS, "{of_year}: {rise} {set}");
        }
    }

    #[test]
    fn a_night_is_lit_for_about_eleven_and_a_half_hours_on_average() {
        let dark: i64 = (0..365).map(|of_year| DAY_MS - (sun_of(of_year).1 - sun_of(of_year).0)).sum();
        assert!((4_250..4_360).contains(&(dark / HOUR_MS)), "{}", dark / HOUR_MS);
    }

    fn sun_of(of_year: i64) -> (i64, i64) {
        let sun = sun_day(day(of_year), ORIGIN).unwrap();
        (i64::from(sun.sunrise_ms), i64::from(sun.sunset_ms))
    }

    #[test]
    fn the_sun_is_earlier_in_the_east() {
        assert_eq!(astro_shift_ms(ORIGIN, ORIGIN), 0);
        assert_eq!(astro_shift_ms(Position { lon: ORIGIN.lon + 0.25, ..ORIGIN }, ORIGIN), -60_000);
    }
}
