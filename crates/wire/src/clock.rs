//! The city's clock, as the bus tells it.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use types::Timestamp;

/// The fastest the city runs \[city seconds per wall second\].
pub const SPEED_MAX: u32 = 3_600;

/// The longest step: a day \[min of the city's clock\].
pub const STEP_MIN_MAX: u32 = 1_440;

/// The moment all clocks end before: the first of 2100. A clock beyond it would have luminaires catch up on ages.
const CLOCKS_END: Timestamp = Timestamp::from_millis(4_102_444_800_000);

/// How the city's clock runs: it shows `city` when the wall's shows `wall`, and is `speed` times as fast from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockState {
    /// What the city's clock shows, from 1970 to 2099.
    #[serde(deserialize_with = "read_moment")]
    pub city: Timestamp,
    /// What the wall's clock shows at that moment, from 1970 to 2099.
    #[serde(deserialize_with = "read_moment")]
    pub wall: Timestamp,
    /// City seconds per wall second, `1..=`[`SPEED_MAX`].
    #[serde(deserialize_with = "read_speed")]
    pub speed: u32,
    /// Whether the city's clock stands.
    pub paused: bool,
    /// What it shows when it comes to stand by itself; `None` = it runs on.
    #[serde(default, deserialize_with = "read_stop", skip_serializing_if = "Option::is_none")]
    pub stands_at: Option<Timestamp>,
}

impl ClockState {
    /// A clock that runs on from `city`, at `speed`.
    pub fn running(city: Timestamp, wall: Timestamp, speed: u32) -> Self {
        Self { city, wall, speed, paused: false, stands_at: None }
    }

    /// What the city's clock shows when the wall's shows `wall`.
    pub fn city_at(&self, wall: Timestamp) -> Timestamp {
        let passed = wall.millis_since(self.wall).max(0);
        let running =
            self.city.plus_millis(if self.paused { 0 } else { passed.saturating_mul(i64::from(self.speed)) });
        self.stands_at.map_or(running, |stop| running.min(stop.max(self.city)))
    }

    /// How long from `wall` until the city's clock shows `city` \[wall ms\]; `None` while it stands, or if it will
    /// stand before.
    pub fn wall_ms_until(&self, city: Timestamp, wall: Timestamp) -> Option<i64> {
        let missing = city.millis_since(self.city_at(wall));
        let speed = i64::from(self.speed.max(1));
        let stands = self.paused || self.stands_at.is_some_and(|stop| stop < city);
        if missing <= 0 { Some(0) } else { (!stands).then(|| (missing + speed - 1) / speed) }
    }
}

/// A change to the clock; what is not given stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockChange {
    /// City seconds per wall second, `1..=`[`SPEED_MAX`].
    #[serde(default, deserialize_with = "read_new_speed", skip_serializing_if = "Option::is_none")]
    pub speed: Option<u32>,
    /// Whether the clock should stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
    /// Run so far ahead, fast, and then stand \[min of the city's clock\], `1..=`[`STEP_MIN_MAX`].
    #[serde(default, deserialize_with = "read_step", skip_serializing_if = "Option::is_none")]
    pub step_min: Option<u32>,
}

fn read_stop<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Option::deserialize(deserializer)?.map(check_moment).transpose()
}

fn read_step<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    match Option::deserialize(deserializer)? {
        Some(minutes) if !(1..=STEP_MIN_MAX).contains(&minutes) => {
            Err(D::Error::custom(format!("a step of {minutes} min, expected 1 to {STEP_MIN_MAX}")))
        }
        step => Ok(step),
    }
}

fn read_moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    check_moment(Timestamp::deserialize(deserializer)?)
}

fn check_moment<E: Error>(moment: Timestamp) -> Result<Timestamp, E> {
    if (Timestamp::default()..CLOCKS_END).contains(&moment) {
        return Ok(moment);
    }
    Err(E::custom(format!("a clock that shows {moment}, expected a moment from 1970 to 2099")))
}

fn read_speed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    check_speed(u32::deserialize(deserializer)?)
}

fn read_new_speed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    Option::deserialize(deserializer)?.map(check_speed).transpose()
}

fn check_speed<E: Error>(speed: u32) -> Result<u32, E> {
    if (1..=SPEED_MAX).contains(&speed) {
        return Ok(speed);
    }
    Err(E::custom(format!("speed {speed}, expected 1 to {SPEED_MAX}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_no_time_or_of_more_than_a_day_is_refused() {
        for text in [r#"{"step_min":0}"#, r#"{"step_min":1441}"#, r#"{"step_min":-1}"#] {
            assert!(serde_json::from_str::<ClockChange>(text).is_err(), "{text}");
        }
        assert_eq!(
            serde_json::from_str::<ClockChange>(r#"{"step_min":1440}"#).unwrap().step_min,
            Some(1_440)
        );
    }

    #[test]
    fn a_clock_does_not_run_past_where_it_is_to_stand() {
        let at = Timestamp::from_millis;
        let clock = ClockState { stands_at: Some(at(60_000)), ..ClockState::running(at(0), at(0), 60) };
        assert_eq!(
            [500, 1_000, 9_000].map(|wall| clock.city_at(at(wall))),
            [at(30_000), at(60_000), at(60_000)]
        );
        assert_eq!(clock.wall_ms_until(at(60_000), at(500)), Some(500));
        assert_eq!(clock.wall_ms_until(at(60_001), at(500)), None, "it never shows that");
    }

    #[test]
    fn a_change_to_a_speed_no_clock_has_is_refused_and_one_without_a_speed_is_not() {
        for text in [r#"{"speed":0}"#, r#"{"speed":3601}"#, r#"{"speed":-1}"#] {
            assert!(serde_json::from_str::<ClockChange>(text).is_err(), "{text}");
        }
        for (text, speed) in [(r#"{"speed":3600}"#, Some(3_600)), (r#"{"speed":null}"#, None), ("{}", None)] {
            assert_eq!(
                serde_json::from_str::<ClockChange>(text).map(|change| change.speed).ok(),
                Some(speed)
            );
        }
    }
}
