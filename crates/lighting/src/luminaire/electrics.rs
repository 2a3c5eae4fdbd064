use serde::Deserialize;

use super::model::LuminaireModelError;

/// What a luminaire is on its supply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ElectricsConfig {
    /// Voltage at the cabinet \[mV\], `100_000..=400_000`.
    pub nominal_mv: u32,
    /// With less its controller and its driver stop \[mV\], below `nominal_mv`.
    pub reset_mv: u32,
    /// Power factor at 0 % (standby), 10 %, … 100 % output \[‰\], `1..=1_000` each; in between on a straight line.
    pub power_factor_pm: [u16; 11],
}

impl Default for ElectricsConfig {
    /// 220 V, and a driver of the usual kind: 0.97 at full light, 0.90 at half, 0.75 at 20 %.
    fn default() -> Self {
        Self {
            nominal_mv: 220_000,
            reset_mv: 188_000,
            power_factor_pm: [450, 620, 750, 820, 870, 900, 930, 945, 955, 965, 970],
        }
    }
}

impl ElectricsConfig {
    pub(super) fn check(&self) -> Result<(), LuminaireModelError> {
        let out_of_range = LuminaireModelError::out_of_range::<u32>;
        if !(100_000..=400_000).contains(&self.nominal_mv) {
            return Err(out_of_range("nominal_mv", self.nominal_mv, (100_000, 400_000)));
        }
        if !(1..self.nominal_mv).contains(&self.reset_mv) {
            return Err(out_of_range("reset_mv", self.reset_mv, (1, self.nominal_mv - 1)));
        }
        match self.power_factor_pm.iter().find(|&&factor| !(1..=1_000).contains(&factor)) {
            Some(&factor) => Err(LuminaireModelError::out_of_range("power_factor_pm", factor, (1, 1_000))),
            None => Ok(()),
        }
    }

    /// Power factor at an output of `share_pm` \[‰ of full output → ‰\].
    pub(super) fn power_factor_pm(&self, share_pm: u32) -> u16 {
        let (place, beyond) = ((share_pm / 100).min(10) as usize, share_pm % 100);
        let [below, above] = [place, (place + 1).min(10)].map(|place| u32::from(self.power_factor_pm[place]));
        ((below * (100 - beyond) + above * beyond) / 100) as u16
    }

    /// Current at this power, power factor and voltage \[mW, ‰, mV → mA\], to the nearest; without voltage none.
    pub(super) fn current_ma(power_mw: u32, factor_pm: u16, voltage_mv: u32) -> u32 {
        let volt_factors = u64::from(factor_pm) * u64::from(voltage_mv);
        if volt_factors == 0 {
            return 0;
        }
        let current_ma = (u64::from(power_mw) * 1_000_000 + volt_factors / 2) / volt_factors;
        u32::try_from(current_ma).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: fn() -> ElectricsConfig = ElectricsConfig::default;

    #[test]
    fn impossible_supplies_are_refused_by_name() {
        for (config, words) in [
            (
                ElectricsConfig { nominal_mv: 99_999, ..USUAL() },
                "`nominal_mv` is 99999, expected 100000 to 400000",
            ),
            (ElectricsConfig { reset_mv: 220_000, ..USUAL() }, "`reset_mv` is 220000, expected 1 to 219999"),
            (
                ElectricsConfig { power_factor_pm: [0; 11], ..USUAL() },
                "`power_factor_pm` is 0, expected 1 to 1000",
            ),
            (
                ElectricsConfig { power_factor_pm: [1_001; 11], ..USUAL() },
                "`power_factor_pm` is 1001, expected 1 to 1000",
            ),
        ] {
            assert_eq!(config.check().unwrap_err().to_string(), words);
        }
        assert_eq!(USUAL().check(), Ok(()));
    }

    #[test]
    fn the_power_factor_falls_with_the_level_on_straight_lines() {
        let at = |share_pm| USUAL().power_factor_pm(share_pm);
        assert_eq!([0, 200, 500, 1_000].map(at), [450, 750, 900, 970]);
        assert_eq!((at(250), at(550), at(1_001)), (785, 915, 970));
    }

    #[test]
    fn current_is_apparent_power_over_voltage() {
        // 80 W at 0.97 and 220 V: 82.5 VA, 375 mA.
        assert_eq!(ElectricsConfig::current_ma(80_000, 970, 220_000), 375);
        assert_eq!(ElectricsConfig::current_ma(80_000, 970, 190_000), 434);
        assert_eq!(ElectricsConfig::current_ma(80_000, 970, 0), 0);
        assert_eq!(ElectricsConfig::current_ma(u32::MAX, 1, 1), u32::MAX);
    }
}
