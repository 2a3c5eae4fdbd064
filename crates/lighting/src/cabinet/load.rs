//! What a cabinet's meter measures.

use super::feeder::Phase;
use super::messages::{CabinetTelemetry, PhaseReadings};

/// What one luminaire takes from its feeder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Draw {
    /// Active power now \[mW\].
    pub power_mw: u32,
    /// Apparent power now \[mVA\].
    pub apparent_mva: u32,
    /// Energy so far \[mWh\].
    pub energy_mwh: u64,
}

/// What all luminaires of a cabinet take together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    power_mw: [u64; Phase::ALL.len()],
    apparent_mva: [u64; Phase::ALL.len()],
    energy_mwh: u64,
}

/// Voltage at the busbar \[mV\].
const BUSBAR_MV: u32 = 220_000;

impl Load {
    /// One luminaire more.
    pub fn add(&mut self, phase: Phase, draw: Draw) {
        self.power_mw[phase as usize] += u64::from(draw.power_mw);
        self.apparent_mva[phase as usize] += u64::from(draw.apparent_mva);
        self.energy_mwh += draw.energy_mwh;
    }

    /// As the meter shows it.
    pub(super) fn readings(&self) -> CabinetTelemetry {
        let of = |phase: Phase| {
            let (power, apparent) = (self.power_mw[phase as usize], self.apparent_mva[phase as usize]);
            let power_factor = (power * 1_000).checked_div(apparent).unwrap_or(1_000);
            PhaseReadings {
                power_mw: u32::try_from(power).unwrap_or(u32::MAX),
                voltage_mv: BUSBAR_MV,
                current_ma: u32::try_from(apparent * 1_000 / u64::from(BUSBAR_MV)).unwrap_or(u32::MAX),
                power_factor_permille: power_factor.min(1_000) as u16,
            }
        };
        CabinetTelemetry { phases: Phase::ALL.map(of), energy_mwh: self.energy_mwh }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_connected_draws_nothing_at_full_voltage() {
        let idle = PhaseReadings { voltage_mv: 220_000, power_factor_permille: 1_000, ..Default::default() };
        assert_eq!(Load::default().readings(), CabinetTelemetry { phases: [idle; 3], energy_mwh: 0 });
    }

    #[test]
    fn each_phase_has_its_own_readings_and_the_energy_is_one_sum() {
        let mut load = Load::default();
        let draw = Draw { power_mw: 97_000, apparent_mva: 100_000, energy_mwh: 5 };
        load.add(Phase::R, draw);
        load.add(Phase::R, draw);
        load.add(Phase::T, Draw { power_mw: 0, apparent_mva: 0, ..draw });
        let CabinetTelemetry { phases: [r, s, t], energy_mwh } = load.readings();
        // 2 · 97 W at 0.97: 200 VA, at 220 V.
        assert_eq!((r.power_mw, r.current_ma, r.power_factor_permille), (194_000, 909, 970));
        assert_eq!((s.power_mw, t.current_ma, energy_mwh), (0, 0, 15));
    }
}
