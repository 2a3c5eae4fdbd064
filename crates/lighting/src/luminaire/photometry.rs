use serde::Deserialize;
use types::{DAY_MS, HOUR_MS};

use super::model::LuminaireModelError;

/// What light a luminaire gives, and how it ages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PhotometryConfig {
    /// Luminous efficacy when new and clean at full output \[lm/W\], `1..=300`.
    pub efficacy_lm_per_w: u32,
    /// After so many hours of light the LEDs give 80 % of what they gave when new \[h\], `1_000..=1_000_000`: "L80".
    pub l80_h: u32,
    /// What dirt takes in a year without cleaning \[‰\], `0..=500`.
    pub dirt_pm_per_year: u16,
    /// Constant light output: the driver gives so much of the flux when new, always, and more current as the LEDs age
    /// \[%\], `50..=99`; 0 = it does not.
    pub constant_percent: u8,
}

impl Default for PhotometryConfig {
    /// 140 lm/W, L80 at 100,000 h, 3 % of dirt a year, no constant light output.
    fn default() -> Self {
        Self { efficacy_lm_per_w: 140, l80_h: 100_000, dirt_pm_per_year: 30, constant_percent: 0 }
    }
}

impl PhotometryConfig {
    pub(super) fn check(&self) -> Result<(), LuminaireModelError> {
        let fields: [(&str, u32, (u32, u32)); 3] = [
            ("efficacy_lm_per_w", self.efficacy_lm_per_w, (1, 300)),
            ("l80_h", self.l80_h, (1_000, 1_000_000)),
            ("dirt_pm_per_year", self.dirt_pm_per_year.into(), (0, 500)),
        ];
        for (name, value, (min, max)) in fields {
            LuminaireModelError::check_range(name, value, (min, max))?;
        }
        match self.constant_percent {
            0 => Ok(()),
            percent => LuminaireModelError::check_range("constant_percent", percent, (50, 99)),
        }
    }
}

/// How the light of one type of luminaire ages, as tables: looked up at every report of every luminaire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Photometry {
    flux_lm: u32,
    /// What the LEDs still give after 0, 1, 2, … [`AGE_STEP_H`] of light \[millionths\]: `exp(−k · hours)`.
    depreciation_ppm: Box<[u32]>,
    /// What gets through the dirt after 0, 1, 2, … [`DIRT_STEP_DAYS`] \[millionths\].
    dirt_ppm: Box<[u32]>,
    constant_ppm: u32,
}

/// Hours of light from one entry of the table of ageing to the next. Between them it is straight to within 10⁻⁵.
const AGE_STEP_H: u64 = 1_000;
/// Entries: after that a luminaire ages no further.
const AGE_STEPS: usize = 301;
/// Days from one entry of the table of dirt to the next.
const DIRT_STEP_DAYS: u64 = 73;
/// Entries: ten years.
const DIRT_STEPS: usize = 51;
const PPM: u64 = super::dali::PPM as u64;

impl Photometry {
    pub(super) fn new(config: PhotometryConfig, rated_mw: u32) -> Self {
        let per_age = libm::log(0.8) * AGE_STEP_H as f64 / f64::from(config.l80_h);
        let left_after_year = 1.0 - f64::from(config.dirt_pm_per_year) / 1e3;
        let per_dirt = libm::log(left_after_year) * DIRT_STEP_DAYS as f64 / 365.0;
        let flux_lm = u64::from(config.efficacy_lm_per_w) * u64::from(rated_mw) / 1_000;
        Self {
            flux_lm: flux_lm as u32,
            depreciation_ppm: decay(per_age, AGE_STEPS),
            dirt_ppm: decay(per_dirt, DIRT_STEPS),
            constant_ppm: u32::from(config.constant_percent) * PPM as u32 / 100,
        }
    }

    /// What the LEDs still give after so much time with light \[ms → millionths\].
    fn depreciation_ppm(&self, burning_ms: u64) -> u64 {
        between(&self.depreciation_ppm, burning_ms, AGE_STEP_H * HOUR_MS as u64)
    }

    /// The part of full current at which the flux stays constant \[ms with light → millionths\]; full current once the
    /// LEDs are too old.
    pub(super) fn constant_ppm(&self, burning_ms: u64) -> u32 {
        match self.constant_ppm {
            0 => PPM as u32,
            constant => (u64::from(constant) * PPM / self.depreciation_ppm(burning_ms)).min(PPM) as u32,
        }
    }

    /// Luminous flux \[lm\] at an output of `share_ppm`, after so much time with light and so long since the last
    /// cleaning \[ms\].
    pub(super) fn flux_lm(&self, share_ppm: u64, burning_ms: u64, uncleaned_ms: u64) -> u32 {
        let dirt_ppm = between(&self.dirt_ppm, uncleaned_ms, DIRT_STEP_DAYS * DAY_MS as u64);
        let clean = u64::from(self.flux_lm) * share_ppm / PPM * self.depreciation_ppm(burning_ms) / PPM;
        (clean * dirt_ppm / PPM) as u32
    }
}

/// `exp(rate · n)` \[millionths\].
fn decay(rate: f64, steps: usize) -> Box<[u32]> {
    (0..steps).map(|n| libm::round(libm::exp(rate * n as f64) * PPM as f64) as u32).collect()
}

/// What the table says, on a straight line between two entries; beyond its end the last.
fn between(table: &[u32], at: u64, step: u64) -> u64 {
    let place = (at / step) as usize;
    let Some(&[below, above]) = table.get(place..place + 2) else {
        return table[table.len() - 1].into();
    };
    // A million times the longest step is far below the largest number.
    u64::from(below) - u64::from(below - above) * (at % step) / step
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = HOUR_MS as u64;
    const YEAR: u64 = 365 * DAY_MS as u64;

    fn photometry(constant_percent: u8) -> Photometry {
        let config = PhotometryConfig { constant_percent, ..PhotometryConfig::default() };
        config.check().unwrap();
        Photometry::new(config, 100_000)
    }

    #[test]
    fn impossible_light_is_refused_by_name() {
        let usual = PhotometryConfig::default();
        for (config, words) in [
            (
                PhotometryConfig { efficacy_lm_per_w: 0, ..usual },
                "`efficacy_lm_per_w` is 0, expected 1 to 300",
            ),
            (PhotometryConfig { l80_h: 999, ..usual }, "`l80_h` is 999, expected 1000 to 1000000"),
            (
                PhotometryConfig { dirt_pm_per_year: 501, ..usual },
                "`dirt_pm_per_year` is 501, expected 0 to 500",
            ),
            (
                PhotometryConfig { constant_percent: 100, ..usual },
                "`constant_percent` is 100, expected 50 to 99",
            ),
        ] {
            assert_eq!(config.check().unwrap_err().to_string(), words);
        }
    }

    #[test]
    fn leds_keep_80_percent_after_100_000_hours_and_64_after_twice_that() {
        let flux = |hours| photometry(0).flux_lm(PPM, hours * HOUR, 0);
        assert_eq!([0, 100_000, 200_000].map(flux), [14_000, 11_200, 8_960]);
        // Between two entries of the table it is near the curve.
        let exact = 14_000.0 * libm::exp(libm::log(0.8) * 0.505);
        assert!((f64::from(flux(50_500)) - exact).abs() < 1.5, "{} {exact}", flux(50_500));
        assert_eq!(flux(u64::MAX / HOUR), flux(300_000));
    }

    #[test]
    fn dirt_takes_its_share_a_year_until_it_is_cleaned_off() {
        let flux = |uncleaned| photometry(0).flux_lm(PPM, 0, uncleaned);
        assert_eq!([0, YEAR, 2 * YEAR].map(flux), [14_000, 13_580, 13_172]);
    }

    #[test]
    fn constant_light_output_begins_low_and_keeps_the_flux_until_full_current_is_not_enough() {
        let (photometry, at) = (photometry(80), |hours: u64| hours * HOUR);
        let current = |hours| photometry.constant_ppm(at(hours));
        assert_eq!((current(0), current(100_000), current(150_000)), (800_000, 1_000_000, 1_000_000));
        assert!(current(50_000) > 850_000 && current(50_000) < 900_000);
        for hours in (0..=100_000).step_by(7_300) {
            let flux = photometry.flux_lm(current(hours).into(), at(hours), 0);
            assert!((11_198..=11_200).contains(&flux), "{hours} h: {flux} lm");
        }
        assert!(photometry.flux_lm(current(150_000).into(), at(150_000), 0) < 10_100);
    }
}
