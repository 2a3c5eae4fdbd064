use types::DAY_MS;

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
}

/// What all luminaires of one type have in common: power, fade, report period. Checked, and shared by them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LuminaireModel {
    config: LuminaireModelConfig,
    /// Fine steps of level in one percent. A fade moves by one fine step per millisecond.
    steps_per_percent: u32,
}

/// Why a luminaire model makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
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
        let LuminaireModelConfig { rated_mw, standby_mw, fade_ms, report_period_ms } = config;
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
        Ok(Self { config, steps_per_percent: (fade_ms / 100).max(1) })
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

    /// A level in fine steps.
    pub(super) fn fine(&self, level: DimLevel) -> u32 {
        u32::from(level.percent()) * self.steps_per_percent
    }

    /// Full output in fine steps.
    pub(super) fn fine_full(&self) -> u32 {
        self.fine(DimLevel::FULL)
    }

    /// A level in percent, rounded up: a lamp with any light never reads as off.
    pub(super) fn level(&self, fine: u32) -> DimLevel {
        let percent = fine.div_ceil(self.steps_per_percent);
        u8::try_from(percent)
            .ok()
            .and_then(|percent| DimLevel::from_percent(percent).ok())
            .unwrap_or(DimLevel::FULL)
    }

    /// How many parts of a milliwatt [`parts_lit`](Self::parts_lit) and [`parts_standby`](Self::parts_standby) count.
    pub(super) fn parts_per_mw(&self) -> u64 {
        2_000 * u64::from(self.steps_per_percent)
    }

    /// Active power with light, in whole parts of a milliwatt.
    ///
    /// `standby + (rated − standby) · (0.05 + 0.95 · level)`: linear in the level, and with these parts always whole.
    pub(super) fn parts_lit(&self, fine: u32) -> u64 {
        let span_mw = u64::from(self.config.rated_mw - self.config.standby_mw);
        self.parts_standby() + span_mw * (100 * u64::from(self.steps_per_percent) + 19 * u64::from(fine))
    }

    /// Active power without light, in whole parts of a milliwatt.
    pub(super) fn parts_standby(&self) -> u64 {
        u64::from(self.config.standby_mw) * self.parts_per_mw()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: LuminaireModelConfig =
        LuminaireModelConfig { rated_mw: 80_500, standby_mw: 500, fade_ms: 2_000, report_period_ms: 900_000 };

    #[test]
    fn a_property_out_of_range_is_refused() {
        let check = |config, error| assert_eq!(LuminaireModel::new(config), Err(error));
        check(LuminaireModelConfig { rated_mw: 0, ..GOOD }, LuminaireModelError::Rated(0));
        let standby = LuminaireModelError::Standby { standby_mw: 90_000, rated_mw: 80_500 };
        check(LuminaireModelConfig { standby_mw: 90_000, ..GOOD }, standby);
        check(LuminaireModelConfig { fade_ms: 2_050, ..GOOD }, LuminaireModelError::Fade(2_050));
        check(LuminaireModelConfig { report_period_ms: 999, ..GOOD }, LuminaireModelError::ReportPeriod(999));
    }

    #[test]
    fn power_is_linear_in_the_level_above_an_offset() {
        for fade_ms in [0, 100, 2_000, 600_000] {
            let model = LuminaireModel::new(LuminaireModelConfig { fade_ms, ..GOOD }).unwrap();
            for (percent, power_mw) in [(0, 4_500), (10, 12_100), (50, 42_500), (100, 80_500)] {
                let fine = model.fine(DimLevel::from_percent(percent).unwrap());
                assert_eq!(
                    model.parts_lit(fine),
                    power_mw * model.parts_per_mw(),
                    "{percent} % at {fade_ms} ms"
                );
            }
            assert_eq!(model.parts_standby(), 500 * model.parts_per_mw());
        }
    }

    #[test]
    fn a_little_light_does_not_read_as_off() {
        let model = LuminaireModel::new(GOOD).unwrap();
        let percent = |fine| model.level(fine).percent();
        assert_eq!([0, 1, 20, 21, 2_000].map(percent), [0, 1, 1, 2, 100]);
    }
}
