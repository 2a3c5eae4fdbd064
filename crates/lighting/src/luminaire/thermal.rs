use std::f64::consts::TAU;

use serde::Deserialize;
use types::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Timestamp};

use super::NEVER;
use super::model::LuminaireModelError;

/// How warm a driver gets, and what it does about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ThermalConfig {
    /// How much warmer than the air the driver is at rated power, in the long run \[K\], `0..=150`.
    pub rise_k: u16,
    /// Time in which it comes by 63 % closer to that \[min\], `1..=600`.
    pub tau_min: u16,
    /// From this temperature on it gives less light \[°C\], `20..=150`.
    pub derate_c: i16,
    /// What it still gives just below `shutdown_c` \[%\], `1..=99`.
    pub derate_to_percent: u8,
    /// At this temperature it gives none \[°C\], over `derate_c`, at most 200.
    pub shutdown_c: i16,
    /// When it has cooled to this temperature it comes on again \[°C\], below `derate_c`, at least 0.
    pub restart_c: i16,
    /// The air around it.
    pub climate: Climate,
}

/// The temperature of the air: two sines, one through the year, one through the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Climate {
    /// Mean of a year \[°C\], `-40..=40`.
    pub mean_c: i16,
    /// How much warmer the mean of the warmest day is \[K\], `0..=40`.
    pub season_k: i16,
    /// How much warmer than its mean a day gets \[K\], `0..=30`.
    pub daily_k: i16,
    /// How much warmer than usual it is: a heat wave \[K\], `-20..=30`.
    pub heat_wave_k: i16,
}

impl Default for ThermalConfig {
    /// A driver that stays far below its limit in this climate.
    fn default() -> Self {
        Self {
            rise_k: 35,
            tau_min: 30,
            derate_c: 85,
            derate_to_percent: 50,
            shutdown_c: 95,
            restart_c: 80,
            climate: Climate::default(),
        }
    }
}

impl Default for Climate {
    /// About that of Weifang: −2 °C in January, 27 °C in July, and 5 K more in the afternoon.
    fn default() -> Self {
        Self { mean_c: 13, season_k: 14, daily_k: 5, heat_wave_k: 0 }
    }
}

/// The warmest day of the year \[days after 1 January\]: 24 July.
const WARMEST_DAY: f64 = 204.0;
/// The warmest time of the day \[ms after midnight\].
const WARMEST_MS: i64 = 15 * HOUR_MS;
/// A year \[days\].
const YEAR_DAYS: f64 = 365.25;
/// In so many steps a driver goes from full output to the lowest.
const STEPS: u8 = 10;
/// A crossing is there when it is as near as this \[K\].
const NEAR_K: f64 = 0.01;
/// How close the search for a crossing looks \[ms\].
const LOOK_MS_MIN: f64 = SECOND_MS as f64;
/// How far ahead it looks at most \[ms\]; then it looks anew.
const LOOK_MS_MAX: i64 = DAY_MS;
/// In so many looks a search finds a crossing, or a moment to look anew.
const LOOKS_MAX: usize = 64;

impl ThermalConfig {
    pub(super) fn check(&self) -> Result<(), LuminaireModelError> {
        let climate = &self.climate;
        let fields = [
            ("rise_k", i32::from(self.rise_k), (0, 150)),
            ("tau_min", self.tau_min.into(), (1, 600)),
            ("derate_c", self.derate_c.into(), (20, 150)),
            ("derate_to_percent", self.derate_to_percent.into(), (1, 99)),
            ("shutdown_c", self.shutdown_c.into(), (i32::from(self.derate_c) + 1, 200)),
            ("restart_c", self.restart_c.into(), (0, i32::from(self.derate_c) - 1)),
            ("mean_c", climate.mean_c.into(), (-40, 40)),
            ("season_k", climate.season_k.into(), (0, 40)),
            ("daily_k", climate.daily_k.into(), (0, 30)),
            ("heat_wave_k", climate.heat_wave_k.into(), (-20, 30)),
        ];
        fields
            .into_iter()
            .try_for_each(|(name, value, range)| LuminaireModelError::check_range(name, value, range))
    }

    /// Whether a luminaire that gets `rise_k` warmer than the air never gets so warm that it gives less light.
    pub(super) fn stays_cool(&self, rise_k: f64) -> bool {
        let Climate { mean_c, season_k, daily_k, heat_wave_k } = self.climate;
        f64::from(mean_c + season_k + daily_k + heat_wave_k) + rise_k < f64::from(self.derate_c)
    }

    /// What a driver without any power is at `now` \[°C\]: the air, with the lag of a body of this time constant. The
    /// lag behind the season is too small to count.
    fn idle_c(&self, now: Timestamp) -> f64 {
        let Climate { mean_c, season_k, daily_k, heat_wave_k } = self.climate;
        let day = now.local_day() as f64 + now.local_time_ms() as f64 / DAY_MS as f64;
        let season = libm::cos(TAU * (day - WARMEST_DAY) / YEAR_DAYS);
        let lag = TAU * f64::from(self.tau_min) * MINUTE_MS as f64 / DAY_MS as f64;
        let since_warmest = TAU * (now.local_time_ms() - WARMEST_MS) as f64 / DAY_MS as f64;
        let daily = libm::cos(since_warmest - libm::atan(lag)) / libm::sqrt(1.0 + lag * lag);
        f64::from(mean_c + heat_wave_k) + f64::from(season_k) * season + f64::from(daily_k) * daily
    }

    /// What a driver is at `now` that has had the power of `rise_k` for long \[K → °C\].
    pub(super) fn settled_c(&self, rise_k: f64, now: Timestamp) -> f64 {
        self.idle_c(now) + rise_k
    }

    /// How fast [`idle_c`](Self::idle_c) changes at most \[K/ms\].
    fn idle_slope_max(&self) -> f64 {
        let Climate { season_k, daily_k, .. } = self.climate;
        TAU * (f64::from(daily_k) + f64::from(season_k) / YEAR_DAYS) / DAY_MS as f64
    }

    fn tau_ms(&self) -> f64 {
        f64::from(self.tau_min) * MINUTE_MS as f64
    }

    /// Where a driver goes from `step` to the next \[°C\]: from the last, it shuts down.
    fn upper_c(&self, step: u8) -> f64 {
        let width_k = f64::from(self.shutdown_c - self.derate_c) / f64::from(STEPS);
        f64::from(self.derate_c) + width_k * f64::from(step)
    }
}

/// The temperature of one driver, and what it allows.
///
/// Between two turns of its power the temperature is known in closed form: the air's, lagging behind, plus a rise that
/// decays towards that of the power. Nothing is sampled; the moment of the next crossing is searched for once.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Thermal {
    /// How much warmer than without power it was at `since` \[K\].
    rise_k: f64,
    /// Towards which rise it goes \[K\].
    goal_k: f64,
    since: Timestamp,
    next: Timestamp,
    /// Steps of derating, to [`STEPS`].
    step: u8,
    shut: bool,
    deratings: u16,
    shutdowns: u16,
}

impl Thermal {
    /// One that has had the power of `goal_k` for long.
    pub(super) fn settled(config: &ThermalConfig, goal_k: f64, now: Timestamp) -> Self {
        let mut thermal = Self {
            rise_k: goal_k,
            goal_k,
            since: now,
            next: NEVER,
            step: 0,
            shut: false,
            deratings: 0,
            shutdowns: 0,
        };
        thermal.next = thermal.look_ahead(config, now);
        thermal
    }

    /// The same by a clock that was set `by_ms` forward.
    pub(super) fn shifted(self, by_ms: i64) -> Self {
        let next = if self.next == NEVER { NEVER } else { self.next.plus_millis(by_ms) };
        Self { since: self.since.plus_millis(by_ms), next, ..self }
    }

    /// Its power turns: from now on it goes towards another rise.
    pub(super) fn turn(&mut self, config: &ThermalConfig, goal_k: f64, now: Timestamp) {
        if goal_k.total_cmp(&self.goal_k).is_eq() {
            return;
        }
        self.rise_k = self.rise_k(config, now);
        (self.goal_k, self.since) = (goal_k, now);
        self.next = self.look_ahead(config, now);
    }

    /// Gives less, more or no light, if it has become time for that.
    pub(super) fn change(&mut self, config: &ThermalConfig, now: Timestamp) {
        let temperature_c = self.temperature_c(config, now);
        let (lower_c, upper_c) = self.bounds_c(config);
        if temperature_c >= upper_c - NEAR_K {
            if self.step == STEPS {
                self.shut = true;
                self.shutdowns = self.shutdowns.saturating_add(1);
            } else {
                self.deratings = self.deratings.saturating_add(u16::from(self.step == 0));
                self.step += 1;
            }
        } else if temperature_c <= lower_c + NEAR_K {
            self.step = if self.shut { 0 } else { self.step.saturating_sub(1) };
            self.shut = false;
        }
        self.next = self.look_ahead(config, now);
    }

    /// When to call [`change`](Self::change) next.
    pub(super) fn next_change(&self) -> Timestamp {
        self.next
    }

    /// The highest output it allows \[%\].
    pub(super) fn limit_percent(&self, config: &ThermalConfig) -> u8 {
        let taken = (100 - u16::from(config.derate_to_percent)) * u16::from(self.step) / u16::from(STEPS);
        if self.shut { 0 } else { 100 - taken as u8 }
    }

    /// Temperature of the driver \[°C\].
    pub(super) fn temperature_c(&self, config: &ThermalConfig, now: Timestamp) -> f64 {
        config.idle_c(now) + self.rise_k(config, now)
    }

    /// How often it began to give less light, and how often it shut down.
    pub(super) fn counts(&self) -> (u16, u16) {
        (self.deratings, self.shutdowns)
    }

    fn rise_k(&self, config: &ThermalConfig, now: Timestamp) -> f64 {
        let passed_ms = now.millis_since(self.since).max(0) as f64;
        self.goal_k + (self.rise_k - self.goal_k) * libm::exp(-passed_ms / config.tau_ms())
    }

    /// Below and above what it gives more, or less, light \[°C\]. It gives more only one step below where it came to
    /// give less, so that it does not swing.
    fn bounds_c(&self, config: &ThermalConfig) -> (f64, f64) {
        if self.shut {
            return (config.restart_c.into(), f64::INFINITY);
        }
        let lower = match self.step {
            0 => f64::NEG_INFINITY,
            step => 2.0 * config.upper_c(step - 1) - config.upper_c(step),
        };
        (lower, config.upper_c(self.step))
    }

    /// The next moment at which a bound is crossed, or an earlier one to look anew.
    ///
    /// Goes ahead only as far as the temperature cannot have come to a bound at its fastest, so that none is missed.
    fn look_ahead(&self, config: &ThermalConfig, now: Timestamp) -> Timestamp {
        if self.step == 0 && !self.shut && config.stays_cool(self.rise_k(config, now).max(self.goal_k)) {
            return NEVER;
        }
        let (lower_c, upper_c) = self.bounds_c(config);
        let mut at = now;
        for _ in 0..LOOKS_MAX {
            let rise_k = self.rise_k(config, at);
            let temperature_c = config.idle_c(at) + rise_k;
            let gap_k = (upper_c - temperature_c).min(temperature_c - lower_c);
            if gap_k <= NEAR_K || at.millis_since(now) >= LOOK_MS_MAX {
                break;
            }
            let slope = (self.goal_k - rise_k).abs() / config.tau_ms() + config.idle_slope_max();
            let free_ms = (gap_k / slope).clamp(LOOK_MS_MIN, LOOK_MS_MAX as f64);
            at = at.plus_millis(free_ms as i64);
        }
        at.max(now.plus_millis(1))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TAU_MS: i64 = 30 * MINUTE_MS;

    /// A driver in air that always has `mean_c`.
    fn still(mean_c: i16) -> ThermalConfig {
        let climate = Climate { mean_c, season_k: 0, daily_k: 0, heat_wave_k: 0 };
        ThermalConfig { climate, ..ThermalConfig::default() }
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_local(20_000, ms)
    }

    /// Plays until `end`; the steps with their times \[min, %\].
    fn play(thermal: &mut Thermal, config: &ThermalConfig, end: Timestamp) -> Vec<(i64, u8)> {
        let mut told = vec![];
        while thermal.next_change() <= end {
            let now = thermal.next_change();
            let before = thermal.limit_percent(config);
            thermal.change(config, now);
            assert!(thermal.next_change() > now, "it does not go on");
            let limit = thermal.limit_percent(config);
            if limit != before {
                told.push((now.millis_since(at(0)) / MINUTE_MS, limit));
            }
        }
        told
    }

    #[test]
    fn impossible_drivers_and_climates_are_refused_by_name() {
        let usual = ThermalConfig::default();
        let climate = |climate| ThermalConfig { climate, ..usual };
        for (config, words) in [
            (ThermalConfig { rise_k: 151, ..usual }, "`rise_k` is 151, expected 0 to 150"),
            (ThermalConfig { tau_min: 0, ..usual }, "`tau_min` is 0, expected 1 to 600"),
            (ThermalConfig { derate_to_percent: 0, ..usual }, "`derate_to_percent` is 0, expected 1 to 99"),
            (ThermalConfig { shutdown_c: 85, ..usual }, "`shutdown_c` is 85, expected 86 to 200"),
            (ThermalConfig { restart_c: 85, ..usual }, "`restart_c` is 85, expected 0 to 84"),
            (climate(Climate { mean_c: 41, ..Climate::default() }), "`mean_c` is 41, expected -40 to 40"),
            (
                climate(Climate { heat_wave_k: 31, ..Climate::default() }),
                "`heat_wave_k` is 31, expected -20 to 30",
            ),
        ] {
            assert_eq!(config.check().unwrap_err().to_string(), words);
        }
        assert_eq!(usual.check(), Ok(()));
    }

    #[test]
    fn a_driver_that_cannot_get_hot_has_no_moments_of_its_own() {
        let config = ThermalConfig::default();
        let mut thermal = Thermal::settled(&config, 0.0, at(0));
        thermal.turn(&config, 35.0, at(0));
        assert_eq!(thermal.next_change(), NEVER);
    }

    #[test]
    fn after_one_time_constant_it_has_63_percent_of_the_rise() {
        let config = still(20);
        let mut thermal = Thermal::settled(&config, 0.0, at(0));
        thermal.turn(&config, 40.0, at(0));
        let rise_k = thermal.temperature_c(&config, at(TAU_MS)) - 20.0;
        assert!((rise_k / 40.0 - 0.632_12).abs() < 1e-4, "{rise_k} K");
        // A turn half way changes nothing of where it is.
        thermal.turn(&config, 41.0, at(TAU_MS));
        assert!((thermal.temperature_c(&config, at(TAU_MS)) - 20.0 - rise_k).abs() < 1e-9);
    }

    #[test]
    fn the_air_is_warmest_in_july_and_in_the_afternoon_and_the_driver_follows_it_late() {
        let config = ThermalConfig::default();
        let idle = |day, hour| config.idle_c(Timestamp::from_local(day, hour * HOUR_MS));
        // 24 July and 22 January of 1970.
        assert!((31.0..33.0).contains(&idle(204, 15)) && idle(204, 3) < idle(204, 15) - 9.0);
        assert!((-7.0..-5.0).contains(&idle(21, 3)));
        let half_past = config.idle_c(Timestamp::from_local(204, 15 * HOUR_MS + 30 * MINUTE_MS));
        assert!(half_past > idle(204, 15) && half_past > idle(204, 16));
    }

    #[test]
    fn it_gives_less_in_steps_and_shuts_down_and_comes_back_when_it_has_cooled() {
        let config = still(30);
        let mut thermal = Thermal::settled(&config, 30.0, at(0));
        thermal.turn(&config, 120.0, at(0));
        let told = play(&mut thermal, &config, at(40 * MINUTE_MS));
        let limits: Vec<u8> = told.iter().map(|(_, limit)| *limit).collect();
        assert_eq!(limits, [95, 90, 85, 80, 75, 70, 65, 60, 55, 50, 0]);
        // 60 °C at first, 85 °C when 90 · (1 − e^(−t/30 min)) = 25.
        assert_eq!(told[0].0, 9);
        // Dark, it cools from 95 to 80 °C: 65 · e^(−t/30 min) = 50.
        thermal.turn(&config, 0.0, thermal.next_change().min(at(40 * MINUTE_MS)));
        let back = play(&mut thermal, &config, at(DAY_MS));
        assert_eq!(back.iter().map(|(_, limit)| *limit).collect::<Vec<_>>(), [100]);
        assert_eq!((thermal.counts(), thermal.next_change()), ((1, 1), NEVER));
    }

    #[test]
    fn a_temperature_between_two_steps_swings_nothing() {
        let config = still(30);
        let mut thermal = Thermal::settled(&config, 0.0, at(0));
        thermal.turn(&config, 57.5, at(0));
        assert_eq!(play(&mut thermal, &config, at(3 * HOUR_MS)).len(), 3);
        // One step cooler is not enough to give more; two are.
        thermal.turn(&config, 56.5, at(3 * HOUR_MS));
        assert_eq!(play(&mut thermal, &config, at(6 * HOUR_MS)), []);
        thermal.turn(&config, 55.5, at(6 * HOUR_MS));
        assert_eq!(play(&mut thermal, &config, at(9 * HOUR_MS)).len(), 1);
    }

    proptest! {
        #[test]
        fn no_crossing_is_missed(goals_k in prop::collection::vec(0.0f64..130.0, 1..6), hour in 0i64..24) {
            let config = ThermalConfig::default();
            let mut now = Timestamp::from_local(204, hour * HOUR_MS);
            let mut thermal = Thermal::settled(&config, 0.0, now);
            for goal_k in goals_k {
                thermal.turn(&config, goal_k, now);
                let end = now.plus_millis(2 * HOUR_MS);
                while now < end {
                    while thermal.next_change() <= now {
                        let due = thermal.next_change();
                        thermal.change(&config, due);
                    }
                    let (lower_c, upper_c) = thermal.bounds_c(&config);
                    let temperature_c = thermal.temperature_c(&config, now);
                    prop_assert!(temperature_c < upper_c + 0.2 && temperature_c > lower_c - 0.2);
                    now = now.plus_millis(10 * SECOND_MS);
                }
            }
        }
    }
}
