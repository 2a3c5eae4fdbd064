//! What a luminaire tells, and when.

use types::{DAY_MS, MINUTE_MS, SECOND_MS, Timestamp};

use super::defect::{Defect, Glow};
use super::electrics::ElectricsConfig;
use super::{Luminaire, Output, day_of};
use crate::{DimLevel, Draw, Gear, LightState, Report, Stamp, Telemetry};

/// Time between two telemetry reports while something is not as it should be \[ms\].
const TROUBLE_PERIOD_MS: i64 = MINUTE_MS;
/// The same while the voltage is too low: that may be over soon \[ms\].
const BROWNOUT_PERIOD_MS: i64 = 10 * SECOND_MS;

/// What there is to tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    pub(super) state: bool,
    pub(super) telemetry: bool,
    /// That it is on the bus.
    pub(super) online: bool,
    /// How its firmware stands, if it was ever to change.
    pub(super) firmware: bool,
}

impl Due {
    pub(super) const NOTHING: Self = Self { state: false, telemetry: false, online: false, firmware: false };
    pub(super) const BOTH: Self = Self { state: true, telemetry: true, ..Self::NOTHING };
    pub(super) const EVERYTHING: Self = Self { online: true, firmware: true, ..Self::BOTH };

    pub(super) fn add(&mut self, more: Self) {
        self.state |= more.state;
        self.telemetry |= more.telemetry;
        self.online |= more.online;
        self.firmware |= more.firmware;
    }
}

impl Luminaire {
    /// Tells what is due, unless there is nothing to tell it with, and plans the next call.
    pub(super) fn tell(&mut self, due: Due, now: Timestamp, out: &mut Vec<Output>) {
        if self.is_running() {
            self.say(due, now, out);
        } else if due.telemetry {
            self.telemetry_at = self.next_regular_report(now);
        }
        self.plan(now);
    }

    pub(super) fn say(&mut self, due: Due, now: Timestamp, out: &mut Vec<Output>) {
        if due.online {
            out.push(Output::Online(true));
        }
        if let Some(body) = self.firmware.state().filter(|_| due.firmware) {
            out.push(Output::Firmware(Report { stamp: self.stamp(now), body }));
        }
        if due.state {
            let body = self.state(now);
            out.push(Output::State(Report { stamp: self.stamp(now), body }));
        }
        if due.telemetry {
            let body = self.telemetry(now);
            out.push(Output::Telemetry(Report { stamp: self.stamp(now), body }));
            self.telemetry_at = self.next_regular_report(now);
        }
    }

    pub(super) fn plan(&mut self, now: Timestamp) {
        if let Some(period_ms) = self.trouble_period_ms(now) {
            self.telemetry_at = self.telemetry_at.min(now.plus_millis(period_ms));
        }
        self.wake_at = self.telemetry_at.min(self.next_change());
    }

    /// How soon it reports again if something is not as it should be \[ms\].
    fn trouble_period_ms(&self, now: Timestamp) -> Option<i64> {
        if !self.is_running() {
            return None;
        }
        match self.defect {
            Defect::Brownout(_) => return Some(BROWNOUT_PERIOD_MS),
            Defect::Flooding(per_second) => return Some((SECOND_MS / i64::from(per_second)).max(1)),
            _ => {}
        }
        let limited = self.gear(now).is_some_and(|gear| gear.limit < DimLevel::FULL || !gear.answers);
        (limited || self.glow(now) != Glow::Follows).then_some(TROUBLE_PERIOD_MS)
    }

    pub(super) fn next_regular_report(&self, now: Timestamp) -> Timestamp {
        let period_ms = i64::from(self.model.report_period_ms());
        let since_last_ms =
            now.as_millis().saturating_sub(i64::from(self.report_offset_ms)).rem_euclid(period_ms);
        now.plus_millis(period_ms - since_last_ms)
    }

    pub(super) fn stamp(&mut self, now: Timestamp) -> Stamp {
        self.seq = self.seq.saturating_add(1);
        Stamp { epoch: self.epoch, seq: self.seq, ts: now }
    }

    pub(super) fn state(&self, now: Timestamp) -> LightState {
        let level = self.drive.level(now);
        let percent = |fine| self.model.level(fine, self.target);
        let actual = percent(self.glow(now).output(level));
        LightState { target: self.target, in_effect: percent(level), actual, mode: self.mode }
    }

    pub(super) fn telemetry(&self, now: Timestamp) -> Telemetry {
        let level = self.drive.level(now);
        let (power_mw, voltage_mv) = (self.power_mw(now), self.supply_mv(now));
        let output = u64::from(self.glow(now).output(level));
        let full = u64::from(self.model.fine_full());
        let power_factor_pm = self.power_factor_pm(now);
        Telemetry {
            power_mw,
            voltage_mv,
            energy_mwh: self.meter.energy_mwh(&self.model),
            burning_s: self.meter.burning_s(),
            switch_count: self.switch_count,
            in_effect: self.model.level(level, self.target),
            current_ma: ElectricsConfig::current_ma(power_mw, power_factor_pm, voltage_mv),
            power_factor_pm,
            flux_lm: self.flux_lm(output * 1_000_000 / full, now),
            gear: self.gear(now),
        }
    }

    /// What it takes from its feeder at `now`, which is not before the last call nor after the next moment it waits for.
    pub fn draw(&self, now: Timestamp) -> Draw {
        let (mut meter, glow) = (self.meter, self.glow(self.meter.counted_to()));
        meter.count(&self.model, self.drive, glow, self.defect.metered_percent(), now);
        let power_mw = self.power_mw(now);
        let apparent_mva = u64::from(power_mw) * 1_000 / u64::from(self.power_factor_pm(now).max(1));
        Draw {
            power_mw,
            apparent_mva: u32::try_from(apparent_mva).unwrap_or(u32::MAX),
            energy_mwh: meter.energy_mwh(&self.model),
        }
    }

    /// Power factor \[‰\]; 0 without power.
    fn power_factor_pm(&self, now: Timestamp) -> u16 {
        if self.power_mw(now) == 0 {
            return 0;
        }
        let output = u64::from(self.glow(now).output(self.drive.level(now)));
        self.model.electrics().power_factor_pm((output * 1_000 / u64::from(self.model.fine_full())) as u32)
    }

    fn power_mw(&self, now: Timestamp) -> u32 {
        let parts = self.glow(now).parts(&self.model, self.drive, self.drive.level(now));
        u32::try_from(parts / self.model.parts_per_mw()).unwrap_or(u32::MAX)
    }

    /// Voltage at its terminals \[mV\]. The others on its phase are taken to be as bright as it is: they keep the same
    /// programme.
    pub(super) fn supply_mv(&self, now: Timestamp) -> u32 {
        let cabinet_mv = match self.defect {
            Defect::SupplyLoss => 0,
            _ if !self.fed => 0,
            Defect::Brownout(mv) | Defect::Stopped(mv) => mv,
            _ => self.model.electrics().nominal_mv,
        };
        let load_mw = u64::from(self.power_mw(now));
        let drop_mv = u64::from(self.feeder_drop_mv) * load_mw / u64::from(self.model.rated_mw());
        cabinet_mv.saturating_sub(u32::try_from(drop_mv).unwrap_or(u32::MAX))
    }

    fn flux_lm(&self, share_ppm: u64, now: Timestamp) -> u32 {
        let uncleaned_days = u64::try_from(day_of(now) - self.cleaned_day).unwrap_or(0);
        let uncleaned_ms = uncleaned_days * DAY_MS as u64;
        self.model.photometry().flux_lm(share_ppm, self.meter.burning_ms(), uncleaned_ms)
    }

    /// What the control gear has to say of itself.
    fn gear(&self, now: Timestamp) -> Option<Gear> {
        let answers = self.defect.lets_gear_answer() || self.drive.is_off();
        if answers && self.thermal.is_none() {
            return None;
        }
        let (config, full) = (self.model.thermal(), DimLevel::FULL);
        let (temperature_c, limit, (derating_count, shutdown_count)) = match self.thermal.as_deref() {
            Some(thermal) => {
                let limit = DimLevel::from_percent(thermal.limit_percent(config)).unwrap_or(full);
                (thermal.temperature_c(config, now), limit, thermal.counts())
            }
            None => (config.settled_c(self.rise_k(100, self.drive.goal(), now), now), full, (0, 0)),
        };
        let temperature_c = libm::round(temperature_c) as i16;
        Some(Gear { temperature_c, limit, answers, derating_count, shutdown_count })
    }
}
