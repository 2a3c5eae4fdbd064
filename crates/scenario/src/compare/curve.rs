use serde::Serialize;
use types::{HOUR_MS, MINUTE_MS, Timestamp};

/// Time from one to the next \[ms\].
const STEP_MS: i64 = MINUTE_MS;

/// How a city stands at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Minute {
    /// When.
    pub at: Timestamp,
    /// Power of all luminaires, as far as they told \[kW\].
    pub power_kw: f64,
    /// Mean level of all luminaires \[%\].
    pub level_percent: f64,
    /// People in the streets.
    pub people: usize,
    /// Energy since the start, from the power of each minute \[kWh\].
    pub energy_kwh: f64,
}

/// minutes: 1,440 a day, and no comparison lasts longer than a month.
#[derive(Debug)]
pub(super) struct Curve {
    next: Timestamp,
    pub(super) minutes: Vec<Minute>,
}

impl Curve {
    pub(super) fn new(start: Timestamp) -> Self {
        Self { next: start, minutes: Vec::new() }
    }

    /// It stood like this until `now`.
    pub(super) fn stood_until(&mut self, now: Timestamp, power_kw: f64, level_percent: f64, people: usize) {
        while self.next <= now {
            let before = self.minutes.last().map_or(0.0, |last| last.energy_kwh);
            let hours = if self.minutes.is_empty() { 0.0 } else { STEP_MS as f64 / HOUR_MS as f64 };
            let energy_kwh = before + power_kw * hours;
            self.minutes.push(Minute { at: self.next, power_kw, level_percent, people, energy_kwh });
            self.next = self.next.plus_millis(STEP_MS);
        }
    }

    /// The steepest rise of power from one minute to the next \[kW/min\].
    pub(super) fn steepest_kw_per_min(&self) -> f64 {
        self.minutes.windows(2).map(|pair| pair[1].power_kw - pair[0].power_kw).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_without_messages_is_as_the_last_one_was() {
        let mut curve = Curve::new(Timestamp::from_millis(0));
        curve.stood_until(Timestamp::from_millis(30_000), 0.0, 0.0, 0);
        curve.stood_until(Timestamp::from_millis(3 * MINUTE_MS + 1), 60.0, 50.0, 2);
        let power: Vec<f64> = curve.minutes.iter().map(|minute| minute.power_kw).collect();
        assert_eq!(power, [0.0, 60.0, 60.0, 60.0]);
        assert_eq!(curve.minutes[3].energy_kwh, 3.0);
        assert_eq!(curve.steepest_kw_per_min(), 60.0);
    }
}
