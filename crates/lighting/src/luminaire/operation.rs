//! What a luminaire gives and takes at a moment.

use types::{DAY_MS, Timestamp};

use super::defect::Defect;
use super::{Luminaire, day_of};
use crate::Draw;

/// What a luminaire gives and takes at a moment, worked out once for all who ask.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    /// Where its driver is \[fine steps\].
    pub(super) level: u32,
    /// Light that is given \[fine steps\].
    pub(super) output: u32,
    pub(super) power_mw: u32,
    /// \[‰\]; 0 without power.
    pub(super) power_factor_pm: u16,
}

impl Luminaire {
    /// What it takes from its feeder at `now`, which is not before the last call nor after the next moment it waits for.
    pub fn draw(&self, now: Timestamp) -> Draw {
        let (mut meter, glow) = (self.meter, self.glow(self.meter.counted_to()));
        meter.count(&self.model, self.drive, glow, self.defect.metered_percent(), now);
        let Operation { power_mw, power_factor_pm, .. } = self.operation(now);
        let apparent_mva = u64::from(power_mw) * 1_000 / u64::from(power_factor_pm.max(1));
        Draw {
            power_mw,
            apparent_mva: u32::try_from(apparent_mva).unwrap_or(u32::MAX),
            energy_mwh: meter.energy_mwh(&self.model),
        }
    }

    #[inline]
    pub(super) fn operation(&self, now: Timestamp) -> Operation {
        let (level, glow) = (self.drive.level(now), self.glow(now));
        let output = glow.output(level);
        let parts = glow.parts(&self.model, self.drive, level);
        let power_mw = u32::try_from(parts / self.model.parts_per_mw()).unwrap_or(u32::MAX);
        let power_factor_pm = if power_mw == 0 { 0 } else { self.power_factor_pm(output) };
        Operation { level, output, power_mw, power_factor_pm }
    }

    /// Voltage at its terminals when it takes so much power \[mW → mV\]. The others on its phase are taken to be as
    /// bright as it is: they keep the same programme.
    pub(super) fn supply_mv(&self, power_mw: u32) -> u32 {
        let cabinet_mv = match self.defect {
            Defect::SupplyLoss => 0,
            _ if !self.fed => 0,
            Defect::Brownout(mv) | Defect::Stopped(mv) => mv,
            _ => self.model.electrics().nominal_mv,
        };
        let drop_mv = u64::from(self.feeder_drop_mv) * u64::from(power_mw) / u64::from(self.model.rated_mw());
        cabinet_mv.saturating_sub(u32::try_from(drop_mv).unwrap_or(u32::MAX))
    }

    /// Luminous flux at this output \[fine steps → lm\].
    pub(super) fn flux_lm(&self, output: u32, now: Timestamp) -> u32 {
        let share_ppm = u64::from(output) * 1_000_000 / u64::from(self.model.fine_full());
        let uncleaned_days = u64::try_from(day_of(now) - self.cleaned_day).unwrap_or(0);
        let uncleaned_ms = uncleaned_days * DAY_MS as u64;
        self.model.photometry().flux_lm(share_ppm, self.meter.burning_ms(), uncleaned_ms)
    }

    fn power_factor_pm(&self, output: u32) -> u16 {
        let share_pm = u64::from(output) * 1_000 / u64::from(self.model.fine_full());
        self.model.electrics().power_factor_pm(share_pm as u32)
    }
}
