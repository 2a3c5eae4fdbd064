//! Sunrise and sunset against tables that others have published, and the burning hours that follow from them.
//!
//! Tables name whole minutes, so an exact time is up to 30 s away from what they say.

use std::sync::Arc;

use city::{astro_table_at, calendars, sunrise_and_sunset};
use lighting::luminaire::{Input, Output};
use lighting::{
    AstroTable, Luminaire, LuminaireConfig, LuminaireModel, LuminaireModelConfig, Physics, SunDay,
};
use types::{Core, DAY_MS, HOUR_MS, MINUTE_MS, Position, SECOND_MS, Timestamp};

/// How far our exact time may be from a published minute: half of that minute, and the 60 s that are promised.
const OFF_MS_MAX: i64 = 30 * SECOND_MS + 60 * SECOND_MS;
/// How far it is on average over a year, where rounding cancels out.
const MEAN_OFF_MS_MAX: i64 = 5 * SECOND_MS;

/// U. S. Naval Observatory, "Rise and Set for the Sun for 2023": Fredonia, Arizona, at the latitude of Weifang. Rows are
/// days, columns are sunrise and sunset of each month.
const FREDONIA_2023: &str = include_str!("fredonia-2023.txt");
const FREDONIA: Position = Position { lat: 36.95, lon: -112.52 };
const FREDONIA_ZONE_H: i64 = -7;

/// The same for 2019, 0° E 60° N, in Universal Time: month, day, sunrise, sunset.
const SIXTY_NORTH_2019: [(i64, i64, i64, i64); 12] = [
    (1, 1, 902, 1505),
    (2, 11, 750, 1640),
    (3, 1, 659, 1726),
    (3, 21, 600, 1816),
    (4, 11, 456, 1907),
    (5, 1, 359, 1957),
    (6, 21, 236, 2128),
    (7, 21, 315, 2056),
    (8, 11, 404, 2005),
    (9, 21, 541, 1804),
    (11, 1, 721, 1605),
    (12, 21, 902, 1454),
];

/// Cities of China on 27 December 2022, as their local press gave them; the places are the middles of the cities.
const CHINA_2022: [(&str, Position, i64, i64); 6] = [
    ("Beijing", Position { lat: 39.905, lon: 116.391 }, 734, 1655),
    ("Shanghai", Position { lat: 31.230, lon: 121.474 }, 651, 1658),
    ("Changchun", Position { lat: 43.88, lon: 125.32 }, 711, 1607),
    ("Hefei", Position { lat: 31.86, lon: 117.28 }, 709, 1714),
    ("Tianjin", Position { lat: 39.13, lon: 117.19 }, 729, 1655),
    ("Kunming", Position { lat: 25.04, lon: 102.71 }, 752, 1827),
];

/// Days before the first of each month, in a year without a leap day.
const BEFORE_MONTH: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
/// 1 January \[days since 1970-01-01\].
const YEAR_2019: i64 = 17_897;
const YEAR_2022: i64 = 18_993;
const YEAR_2023: i64 = 19_358;

/// A time of day written as a number: 734 is 07:34.
fn ms(hhmm: i64) -> i64 {
    hhmm / 100 * HOUR_MS + hhmm % 100 * MINUTE_MS
}

/// How much later we have sunrise and sunset of a day than a table \[ms\].
fn off(day: i64, zone_h: i64, at: Position, published: (i64, i64)) -> (i64, i64) {
    let midnight = Timestamp::from_millis(day * DAY_MS - zone_h * HOUR_MS);
    let (rise, set) = sunrise_and_sunset(midnight, at).expect("the sun rises and sets");
    (rise.millis_since(midnight) - ms(published.0), set.millis_since(midnight) - ms(published.1))
}

fn assert_close((rise, set): (i64, i64), what: &str) {
    assert!(rise.abs() <= OFF_MS_MAX && set.abs() <= OFF_MS_MAX, "{what}: {rise} ms, {set} ms");
}

/// Day of the year from 0, sunrise and sunset.
fn fredonia() -> Vec<(i64, i64, i64)> {
    let mut days: Vec<_> = FREDONIA_2023
        .lines()
        .flat_map(|line| {
            let day: i64 = line[..2].parse().expect("a row begins with its day");
            (0..12).filter_map(move |month| {
                let cell = line.get(4 + 11 * month..13 + 11 * month)?;
                let (rise, set) = cell.split_once(' ')?;
                Some((BEFORE_MONTH[month] + day - 1, rise.parse().ok()?, set.parse().ok()?))
            })
        })
        .collect();
    days.sort_unstable();
    days
}

#[test]
fn a_minute_and_a_half_off_would_be_seen() {
    let (rise, set) = off(YEAR_2023, FREDONIA_ZONE_H, FREDONIA, (743 + 2, 1724));
    assert!(rise.abs() > OFF_MS_MAX && set.abs() < OFF_MS_MAX, "{rise} {set}");
}

#[test]
fn every_day_of_a_year_at_the_latitude_of_weifang_is_as_the_naval_observatory_has_it() {
    let days = fredonia();
    assert_eq!(days.len(), 365);
    let offs: Vec<_> = days
        .iter()
        .map(|&(of_year, rise, set)| off(YEAR_2023 + of_year, FREDONIA_ZONE_H, FREDONIA, (rise, set)))
        .collect();
    for (of_year, off) in offs.iter().enumerate() {
        assert_close(*off, &format!("day {of_year}"));
    }
    for mean in
        [offs.iter().map(|off| off.0).sum::<i64>() / 365, offs.iter().map(|off| off.1).sum::<i64>() / 365]
    {
        assert!(mean.abs() <= MEAN_OFF_MS_MAX, "{mean} ms");
    }
}

#[test]
fn far_in_the_north_and_in_chinese_cities_it_is_as_published() {
    for (month, day, rise, set) in SIXTY_NORTH_2019 {
        let date = YEAR_2019 + BEFORE_MONTH[month as usize - 1] + day - 1;
        assert_close(
            off(date, 0, Position { lat: 60.0, lon: 0.0 }, (rise, set)),
            &format!("60° N, {month}-{day}"),
        );
    }
    for (city, at, rise, set) in CHINA_2022 {
        assert_close(off(YEAR_2022 + 360, 8, at, (rise, set)), city);
    }
}

#[test]
fn the_dark_hours_of_a_year_are_those_of_the_published_table() {
    let published: i64 = fredonia().iter().map(|&(_, rise, set)| DAY_MS - (ms(set) - ms(rise))).sum();
    // The nights of a year depend on the latitude alone, but for the seconds by which a day differs from the next.
    let table = astro_table_at(2023, Position { lon: 119.16, ..FREDONIA }).unwrap();
    let ours: i64 = (YEAR_2023..YEAR_2023 + 365)
        .map(|day| DAY_MS - table.sunset(day).millis_since(table.sunrise(day)))
        .sum();
    // 60 s a night would be 365 min; rounding cancels out.
    assert!((ours - published).abs() < 60 * MINUTE_MS, "{ours} ms and {published} ms");
    assert!((4_200..4_400).contains(&(ours / HOUR_MS)), "{} h", ours / HOUR_MS);
}

/// Our sun at the place of the table, by its clock.
fn fredonia_astro() -> AstroTable {
    let day = |day: i64| {
        let (rise, set) = off(day, FREDONIA_ZONE_H, FREDONIA, (0, 0));
        SunDay { sunrise_ms: rise as u32, sunset_ms: set as u32 }
    };
    AstroTable::new(YEAR_2023, (YEAR_2023..=YEAR_2023 + 365).map(day).collect()).unwrap()
}

/// A luminaire under that sun, with the programme of a ring road: it burns from sunset to sunrise.
fn luminaire(start: Timestamp) -> Luminaire {
    let model = LuminaireModelConfig {
        rated_mw: 200_000,
        standby_mw: 900,
        fade_ms: 2_000,
        report_period_ms: 900_000,
        physics: Physics::default(),
    };
    let config = LuminaireConfig {
        model: Arc::new(LuminaireModel::new(model).unwrap()),
        astro: Arc::new(fredonia_astro()),
        astro_shift_ms: 0,
        report_offset_ms: 0,
        feeder_drop_mv: 0,
        burning_h: 0,
    };
    let mut luminaire = Luminaire::new(config, start);
    let [ring, ..] = calendars();
    luminaire.handle(start, Input::Programme(ring), &mut Vec::new());
    luminaire
}

/// What its meter says at `now`, read by connecting to it \[s\].
fn burning_s(luminaire: &mut Luminaire, now: Timestamp) -> i64 {
    let mut out = Vec::new();
    luminaire.handle(now, Input::Connected, &mut out);
    let read = out.iter().find_map(|output| match output {
        Output::Telemetry(report) => Some(report.body.burning_s),
        _ => None,
    });
    read.and_then(|seconds| i64::try_from(seconds).ok()).expect("who connects is told the readings")
}

#[test]
fn a_luminaire_burns_each_night_as_long_as_it_is_dark_by_the_published_table() {
    let days = fredonia();
    let noon = |of_year: i64| Timestamp::from_millis((YEAR_2023 + of_year) * DAY_MS + 4 * HOUR_MS);
    let mut luminaire = luminaire(noon(0));
    let (mut before, mut sum) = (0, 0);
    for pair in days.windows(2) {
        let ((of_year, _, set), (_, rise, _)) = (pair[0], pair[1]);
        let published_s = (DAY_MS - ms(set) + ms(rise)) / SECOND_MS;
        let burnt = burning_s(&mut luminaire, noon(of_year + 1));
        let off_s = burnt - before - published_s;
        // Both ends of the night are rounded to a minute in the table.
        assert!(off_s.abs() <= 60 + 60, "night of day {of_year}: {off_s} s");
        (before, sum) = (burnt, sum + off_s);
    }
    let nights = days.len() as i64 - 1;
    assert!((sum / nights).abs() <= MEAN_OFF_MS_MAX / SECOND_MS, "{} s a night", sum / nights);
}
