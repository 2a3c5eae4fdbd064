//! The city's clock, as the bus tells it.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use types::Timestamp;

/// The fastest the city runs \[city seconds per wall second\].
pub const SPEED_MAX: u32 = 3_600;

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
}

impl ClockState {
    /// What the city's clock shows when the wall's shows `wall`.
    pub fn city_at(&self, wall: Timestamp) -> Timestamp {
        let passed = wall.millis_since(self.wall).max(0);
        self.city.plus_millis(if self.paused { 0 } else { passed.saturating_mul(i64::from(self.speed)) })
    }

    /// How long from `wall` until the city's clock shows `city` \[wall ms\]; `None` while it stands.
    pub fn wall_ms_until(&self, city: Timestamp, wall: Timestamp) -> Option<i64> {
        let missing = city.millis_since(self.city_at(wall));
        let speed = i64::from(self.speed.max(1));
        if missing <= 0 { Some(0) } else { (!self.paused).then(|| (missing + speed - 1) / speed) }
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
}

fn read_moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let moment = Timestamp::deserialize(deserializer)?;
    if (Timestamp::default()..CLOCKS_END).contains(&moment) {
        return Ok(moment);
    }
    Err(D::Error::custom(format!("a clock that shows {moment}, expected a moment from 1970 to 2099")))
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
