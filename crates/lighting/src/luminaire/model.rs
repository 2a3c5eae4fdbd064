use std::fmt::Display;

use serde::Deserialize;
use types::DAY_MS;

use super::dali::{DimmingConfig, PPM};
use super::electrics::ElectricsConfig;
use super::photometry::{Photometry, PhotometryConfig};
use super::thermal::ThermalConfig;
use crate::DimLevel;

/// What all luminaires of one type have in common, as given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LuminaireModelConfig {
    /// Active power at full output \[mW\], `1..=10_000_000`.
    pub rated_mw: u32,
    /// Active power without light \[mW\], at most `rated_mw`.
    pub standby_mw: u32,
    /// Time of a fade from off to full output \[ms\]: 0 (at once) or a multiple of 100, at most 600 000.
    pub fade_ms: u32,
    /// Time between two regular telemetry reports \[ms\], `1_000..=86_400_000`.
    pub report_period_ms: u32,
    /// How it behaves.
    pub physics: Physics,
}

/// How luminaires of one kind behave, whatever their power.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Physics {
    /// What the driver makes of a level.
    pub dimming: DimmingConfig,
    /// What it is on its supply.
    pub electrics: ElectricsConfig,
    /// What light it gives, and how that ages.
    pub photometry: PhotometryConfig,
    /// How warm it gets.
    pub thermal: ThermalConfig,
}

impl Physics {
    /// Whether a luminaire can be so.
    ///
    /// # Errors
    ///
    /// [`LuminaireModelError::OutOfRange`] names the number that is impossible.
    pub fn check(&self) -> Result<(), LuminaireModelError> {
        self.dimming.check()?;
        self.electrics.check()?;
        self.photometry.check()?;
        self.thermal.check()
    }
}

/// What all luminaires of one type have in common: power, fade, report period, physics. Checked, and shared by them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LuminaireModel {
    config: LuminaireModelConfig,
    /// Fine steps of level in one percent. A fade moves by one fine step per millisecond.
    steps_per_percent: u32,
    parts: Parts,
    /// What the driver gives for 0, 1, … 100 % \[fine steps\].
    reached: [u32; 101],
    photometry: Photometry,
}

/// Why a luminaire model makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LuminaireModelError {
    /// No power, or more than any street light takes.
    #[error("rated power of {0} mW is not in 1..=10000000")]
    Rated(u32),
    /// More power without light than with it.
    #[error("standby power of {standby_mw} mW is over the rated {rated_mw} mW")]
    Standby {
        /// Without light \[mW\].
        standby_mw: u32,
        /// At full output \[mW\].
        rated_mw: u32,
    },
    /// A fade that is too long, or takes no whole number of milliseconds per percent.
    #[error("fade of {0} ms is not a multiple of 100 in 0..=600000")]
    Fade(u32),
    /// Reports too close together or too far apart.
    #[error("report period of {0} ms is not in 1000..=86400000")]
    ReportPeriod(u32),
    /// A number of its [`Physics`] that no luminaire can have.
    #[error("`{name}` is {value}, expected {min} to {max}")]
    OutOfRange {
        /// Its key.
        name: &'static str,
        /// What was given.
        value: String,
        /// The least it can be.
        min: String,
        /// The most it can be.
        max: String,
    },
}

impl LuminaireModelError {
    pub(super) fn out_of_range<T: Display>(name: &'static str, value: T, (min, max): (T, T)) -> Self {
        Self::OutOfRange { name, value: value.to_string(), min: min.to_string(), max: max.to_string() }
    }

    pub(super) fn check_range<T: Display + PartialOrd>(
        name: &'static str,
        value: T,
        (min, max): (T, T),
    ) -> Result<(), Self> {
        if (&min..=&max).contains(&&value) {
            Ok(())
        } else {
            Err(Self::out_of_range(name, value, (min, max)))
        }
    }
}

/// Highest rated power of one luminaire \[mW\].
const RATED_MW_MAX: u32 = 10_000_000;
/// Longest fade from off to full output \[ms\].
const FADE_MS_MAX: u32 = 600_000;
/// Shortest time between two regular reports \[ms\].
const REPORT_PERIOD_MS_MIN: u32 = 1_000;

impl LuminaireModel {
    /// The model of these properties.
    ///
    /// # Errors
    ///
    /// [`LuminaireModelError`] for a property out of the range that [`LuminaireModelConfig`] states.
    pub fn new(config: LuminaireModelConfig) -> Result<Self, LuminaireModelError> {
        let LuminaireModelConfig { rated_mw, standby_mw, fade_ms, report_period_ms, physics } = config;
        if !(1..=RATED_MW_MAX).contains(&rated_mw) {
            return Err(LuminaireModelError::Rated(rated_mw));
        }
        if standby_mw > rated_mw {
            return Err(LuminaireModelError::Standby { standby_mw, rated_mw });
        }
        if fade_ms > FADE_MS_MAX || !fade_ms.is_multiple_of(100) {
            return Err(LuminaireModelError::Fade(fade_ms));
        }
        if !(REPORT_PERIOD_MS_MIN..=DAY_MS as u32).contains(&report_period_ms) {
            return Err(LuminaireModelError::ReportPeriod(report_period_ms));
        }
        physics.check()?;
        let steps_per_percent = (fade_ms / 100).max(1);
        Ok(Self {
            config,
            steps_per_percent,
            parts: Parts::new(rated_mw, standby_mw, steps_per_percent),
            reached: reached(&physics.dimming, steps_per_percent),
            photometry: Photometry::new(physics.photometry, rated_mw),
        })
    }

    /// Active power at full output \[mW\].
    pub fn rated_mw(&self) -> u32 {
        self.config.rated_mw
    }

    /// Active power without light \[mW\].
    pub fn standby_mw(&self) -> u32 {
        self.config.standby_mw
    }

    /// Time of a fade from off to full output \[ms\].
    pub fn fade_ms(&self) -> u32 {
        self.config.fade_ms
    }

    /// Time between two regular telemetry reports \[ms\].
    pub fn report_period_ms(&self) -> u32 {
        self.config.report_period_ms
    }

    pub(super) fn electrics(&self) -> &ElectricsConfig {
        &self.config.physics.electrics
    }

    pub(super) fn thermal(&self) -> &ThermalConfig {
        &self.config.physics.thermal
    }

    pub(super) fn photometry(&self) -> &Photometry {
        &self.photometry
    }

    /// What the driver gives when told to give `level` \[fine steps\], at `current_ppm` of full current: its own
    /// minimum at least, unless it is told to give nothing.
    pub(super) fn reached(&self, level: DimLevel, current_ppm: u32) -> u32 {
        let full = self.reached[usize::from(level.percent())];
        if current_ppm == PPM || full == 0 {
            return full;
        }
        let reduced = u64::from(full) * u64::from(current_ppm) / u64::from(PPM);
        (reduced as u32).max(self.reached[1])
    }

    /// This many percent of full output, in fine steps.
    pub(super) fn fine(&self, level: DimLevel) -> u32 {
        u32::from(level.percent()) * self.steps_per_percent
    }

    /// Full output in fine steps.
    pub(super) fn fine_full(&self) -> u32 {
        self.fine(DimLevel::FULL)
    }

    /// A level in percent, to the nearest: a lamp with any light never reads as off.
    ///
    /// A driver that gives what comes nearest to `asked` in its own steps gives `asked`.
    pub(super) fn level(&self, fine: u32, asked: DimLevel) -> DimLevel {
        let percent = ((fine + self.steps_per_percent / 2) / self.steps_per_percent).max(u32::from(fine > 0));
        let is_asked = fine == self.reached[usize::from(asked.percent())];
        if is_asked && percent.abs_diff(asked.percent().into()) <= CONTROL_STEP_PERCENT {
            return asked;
        }
        DimLevel::from_percent(percent as u8).unwrap_or(DimLevel::FULL)
    }

    /// How many parts of a milliwatt [`parts_lit`](Self::parts_lit) and [`parts_standby`](Self::parts_standby) count.
    pub(super) fn parts_per_mw(&self) -> u64 {
        self.parts.per_mw
    }

    /// Active power with light, in whole parts of a milliwatt, when `percent` of the LEDs burn.
    ///
    /// `standby + (rated − standby) · (0.05 + 0.95 · level)`: linear in the level, and with these parts always whole.
    pub(super) fn parts_lit(&self, fine: u32, percent: u8) -> u64 {
        let Parts { standby, least, per_fine, .. } = self.parts;
        standby + (least + per_fine * u64::from(fine)) * u64::from(percent)
    }

    /// Active power without light, in whole parts of a milliwatt.
    pub(super) fn parts_standby(&self) -> u64 {
        self.parts.standby
    }
}

/// Active power in whole parts of a milliwatt, worked out once: counted with at every event of every luminaire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Parts {
    per_mw: u64,
    standby: u64,
    /// Of each percent of the LEDs, above `standby`, at the least light.
    least: u64,
    /// More of it for each fine step.
    per_fine: u64,
}

impl Parts {
    fn new(rated_mw: u32, standby_mw: u32, steps_per_percent: u32) -> Self {
        let (span_mw, steps) = (u64::from(rated_mw - standby_mw), u64::from(steps_per_percent));
        let per_mw = 200_000 * steps;
        Self {
            per_mw,
            standby: u64::from(standby_mw) * per_mw,
            least: span_mw * 100 * steps,
            per_fine: span_mw * 19,
        }
    }
}

/// How far from what is asked the nearest step of a driver is at most \[%\]: near full output they are 2.8 % apart.
const CONTROL_STEP_PERCENT: u32 = 2;

/// What a driver gives for each whole percent \[fine steps\].
fn reached(dimming: &DimmingConfig, steps_per_percent: u32) -> [u32; 101] {
    std::array::from_fn(|percent| {
        let level = DimLevel::from_percent(percent as u8).expect("an index of 101");
        let output_ppm = u64::from(dimming.output_ppm(level));
        let fine = (output_ppm * 100 * u64::from(steps_per_percent) + u64::from(PPM) / 2) / u64::from(PPM);
        (fine as u32).max(u32::from(output_ppm > 0))
    })
}

#[cfg(test)]
mod tests {
    use super::super::dali::Control;
    use super::*;

    const fn percent(percent: u8) -> DimLevel {
        match DimLevel::from_percent(percent) {
            Ok(level) => level,
            Err(_) => DimLevel::FULL,
        }
    }

    /// 80.5 W, 0.5 W in standby, every level can be reached.
    fn good() -> LuminaireModelConfig {
        let dimming = DimmingConfig { control: Control::Analogue, ..DimmingConfig::default() };
        LuminaireModelConfig {
            rated_mw: 80_500,
            standby_mw: 500,
            fade_ms: 2_000,
            report_period_ms: 900_000,
            physics: Physics { dimming, ..Physics::default() },
        }
    }

    fn model(dimming: DimmingConfig) -> LuminaireModel {
        let physics = Physics { dimming, ..Physics::default() };
        LuminaireModel::new(LuminaireModelConfig { physics, ..good() }).unwrap()
    }

    #[test]
    fn a_property_out_of_range_is_refused() {
        let check = |config, error| assert_eq!(LuminaireModel::new(config), Err(error));
        check(LuminaireModelConfig { rated_mw: 0, ..good() }, LuminaireModelError::Rated(0));
        let standby = LuminaireModelError::Standby { standby_mw: 90_000, rated_mw: 80_500 };
        check(LuminaireModelConfig { standby_mw: 90_000, ..good() }, standby);
        check(LuminaireModelConfig { fade_ms: 2_050, ..good() }, LuminaireModelError::Fade(2_050));
        check(
            LuminaireModelConfig { report_period_ms: 999, ..good() },
            LuminaireModelError::ReportPeriod(999),
        );
        let thermal = ThermalConfig { rise_k: 999, ..ThermalConfig::default() };
        let physics = Physics { thermal, ..Physics::default() };
        let out_of_range = LuminaireModelError::out_of_range("rise_k", 999, (0, 150));
        check(LuminaireModelConfig { physics, ..good() }, out_of_range);
    }

    #[test]
    fn power_is_linear_in_the_level_above_an_offset() {
        for fade_ms in [0, 100, 2_000, 600_000] {
            let model = LuminaireModel::new(LuminaireModelConfig { fade_ms, ..good() }).unwrap();
            for (level, power_mw) in [(0, 4_500), (10, 12_100), (50, 42_500), (100, 80_500)] {
                let parts = model.parts_lit(model.fine(percent(level)), 100);
                assert_eq!(parts, power_mw * model.parts_per_mw(), "{level} % at {fade_ms} ms");
            }
            assert_eq!(model.parts_standby(), 500 * model.parts_per_mw());
            // Of half of the LEDs half of what is above standby.
            assert_eq!(model.parts_lit(model.fine_full(), 50), 40_500 * model.parts_per_mw());
        }
    }

    #[test]
    fn a_little_light_does_not_read_as_off() {
        let model = model(good().physics.dimming);
        let level = |fine| model.level(fine, DimLevel::OFF).percent();
        assert_eq!([0, 1, 29, 30, 2_000].map(level), [0, 1, 1, 2, 100]);
    }

    #[test]
    fn the_steps_of_the_driver_read_as_what_was_asked_and_its_minimum_does_not() {
        let model = model(DimmingConfig { min_output_pm: 100, ..DimmingConfig::default() });
        for asked in (10..=100).map(percent) {
            assert_eq!(model.level(model.reached(asked, PPM), asked), asked);
        }
        for asked in [1, 2, 5, 7].map(percent) {
            assert_eq!(model.level(model.reached(asked, PPM), asked), percent(10));
        }
        // Half the light is arc power level 229: 50.53 %.
        assert_eq!(model.reached(percent(50), PPM), 1_011);
        assert_eq!(model.reached(DimLevel::OFF, PPM), 0);
    }

    #[test]
    fn less_current_gives_less_but_never_less_than_the_minimum() {
        let model = model(DimmingConfig { min_output_pm: 100, control: Control::Analogue });
        assert_eq!(model.reached(percent(50), PPM * 8 / 10), 800);
        assert_eq!(model.reached(percent(11), PPM / 2), 200);
        assert_eq!(model.reached(DimLevel::OFF, PPM / 2), 0);
    }
}
