//! Levels as drivers understand them.

use serde::Deserialize;

use super::model::LuminaireModelError;
use crate::DimLevel;

/// How a level reaches the driver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// DALI arc power levels on the logarithmic curve, as drivers come from the factory.
    #[default]
    DaliLog,
    /// DALI arc power levels on the linear curve.
    DaliLinear,
    /// A voltage of 1 to 10 V: every level can be reached.
    Analogue,
}

/// What a driver makes of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DimmingConfig {
    /// How the level reaches it.
    pub control: Control,
    /// The physical minimum level: the least output it can hold \[‰\], `1..=1_000`. It gives no less, except nothing.
    pub min_output_pm: u16,
}

impl Default for DimmingConfig {
    fn default() -> Self {
        Self { control: Control::default(), min_output_pm: 10 }
    }
}

impl DimmingConfig {
    pub(super) fn check(&self) -> Result<(), LuminaireModelError> {
        let (min, max) = (1, 1_000);
        if (min..=max).contains(&self.min_output_pm) {
            return Ok(());
        }
        Err(LuminaireModelError::out_of_range("min_output_pm", self.min_output_pm, (min, max)))
    }

    /// What the driver gives when told to give `level` \[millionths of full output\].
    pub(super) fn output_ppm(&self, level: DimLevel) -> u32 {
        if level == DimLevel::OFF {
            return 0;
        }
        let asked_ppm = u32::from(level.percent()) * PPM / 100;
        let min_ppm = u32::from(self.min_output_pm) * 1_000;
        let nearest = |ppm| match self.control {
            Control::Analogue => ppm,
            Control::DaliLog => ArcPower::nearest(ppm, Curve::Logarithmic).output_ppm(Curve::Logarithmic),
            Control::DaliLinear => ArcPower::nearest(ppm, Curve::Linear).output_ppm(Curve::Linear),
        };
        nearest(asked_ppm).max(nearest(min_ppm))
    }
}

/// Full output \[millionths\].
pub(super) const PPM: u32 = 1_000_000;

/// How arc power levels become output (IEC 62386-102).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// Each level gives 2.8 % more than the one below, from 0.1 % to 100 %: even steps to the eye.
    Logarithmic,
    /// Each level gives 1/254 of full output more.
    Linear,
}

/// An arc power level of DALI: 0 = off, 254 = full output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ArcPower(u8);

impl ArcPower {
    /// No light.
    pub const OFF: Self = Self(0);
    /// Full output.
    pub const MAX: Self = Self(254);

    /// The level of a byte on the DALI bus; `None` for 255, MASK: no change.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        if byte == u8::MAX { None } else { Some(Self(byte)) }
    }

    /// The byte on the DALI bus.
    pub const fn byte(self) -> u8 {
        self.0
    }

    /// Output at this level \[millionths of full output\].
    ///
    /// Logarithmic: `10^((n − 1) · 3 / 253 − 1)` %.
    pub fn output_ppm(self, curve: Curve) -> u32 {
        match (self.0, curve) {
            (0, _) => 0,
            (n, Curve::Linear) => u32::from(n) * PPM / u32::from(Self::MAX.0),
            (n, Curve::Logarithmic) => {
                let percent = libm::pow(10.0, f64::from(n - 1) * 3.0 / 253.0 - 1.0);
                libm::round(percent * f64::from(PPM) / 100.0) as u32
            }
        }
    }

    /// The level whose output comes nearest to `ppm` \[millionths of full output\]; of light at least the lowest.
    pub fn nearest(ppm: u32, curve: Curve) -> Self {
        if ppm == 0 {
            return Self::OFF;
        }
        let near = match curve {
            Curve::Linear => f64::from(ppm) * f64::from(Self::MAX.0) / f64::from(PPM),
            Curve::Logarithmic => {
                1.0 + 253.0 / 3.0 * (libm::log10(f64::from(ppm) * 100.0 / f64::from(PPM)) + 1.0)
            }
        };
        let below = (near.max(1.0) as u8).clamp(1, Self::MAX.0);
        let candidates = [Self(below), Self(below.saturating_add(1).min(Self::MAX.0))];
        let [low, high] = candidates.map(|level| level.output_ppm(curve).abs_diff(ppm));
        candidates[usize::from(high < low)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mask_is_no_level() {
        assert_eq!(ArcPower::from_byte(255), None);
        assert_eq!(ArcPower::from_byte(254), Some(ArcPower::MAX));
        assert_eq!(ArcPower::from_byte(0).map(ArcPower::byte), Some(0));
    }

    #[test]
    fn a_physical_minimum_of_nothing_or_of_more_than_everything_is_refused() {
        for min_output_pm in [0, 1_001] {
            let error = DimmingConfig { min_output_pm, ..DimmingConfig::default() }.check().unwrap_err();
            assert_eq!(error.to_string(), format!("`min_output_pm` is {min_output_pm}, expected 1 to 1000"));
        }
    }

    // The values that DALI drivers publish.
    #[test]
    fn the_logarithmic_curve_gives_the_published_values() {
        for (level, percent) in [
            (0, 0.0),
            (1, 0.100),
            (85, 0.991),
            (128, 3.206),
            (170, 10.09),
            (195, 19.97),
            (210, 30.08),
            (220, 39.52),
            (229, 50.53),
            (235, 59.53),
            (241, 70.12),
            (246, 80.38),
            (250, 89.65),
            (254, 100.0),
        ] {
            let got = f64::from(ArcPower(level).output_ppm(Curve::Logarithmic)) / 1e4;
            let tolerance = if percent < 10.0 { 0.0006 } else { 0.006 };
            assert!((got - percent).abs() < tolerance, "level {level}: {got} %, expected {percent} %");
        }
    }

    #[test]
    fn half_the_light_is_level_229_and_not_127() {
        assert_eq!(ArcPower::nearest(PPM / 2, Curve::Logarithmic), ArcPower(229));
        assert_eq!(ArcPower::nearest(PPM / 2, Curve::Linear), ArcPower(127));
        assert_eq!(ArcPower(127).output_ppm(Curve::Logarithmic) / 10_000, 3);
    }

    #[test]
    fn every_level_is_the_nearest_to_its_own_output() {
        for curve in [Curve::Logarithmic, Curve::Linear] {
            for level in (0..=254).map(ArcPower) {
                assert_eq!(ArcPower::nearest(level.output_ppm(curve), curve), level, "{curve:?}");
            }
        }
    }

    #[test]
    fn between_nothing_and_the_physical_minimum_there_is_only_the_minimum() {
        for control in [Control::DaliLog, Control::DaliLinear, Control::Analogue] {
            let dimming = DimmingConfig { control, min_output_pm: 100 };
            let of = |percent| dimming.output_ppm(DimLevel::from_percent(percent).unwrap());
            assert_eq!(of(0), 0);
            assert!(of(1) == of(9) && (96_000..=104_000).contains(&of(1)), "{control:?}: {}", of(1));
            assert!(of(20) > of(10) && of(100) == PPM, "{control:?}");
        }
    }
}
