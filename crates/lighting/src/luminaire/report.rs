//! What a luminaire tells, and when.

use types::{MINUTE_MS, SECOND_MS, Timestamp};

use super::defect::{Defect, Glow};
use super::electrics::ElectricsConfig;
use super::operation::Operation;
use super::thermal::Thermal;
use super::{Luminaire, Output};
use crate::{DimLevel, Gear, LightState, Report, Stamp, Telemetry};

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
        let is_limited = |thermal: &Thermal| thermal.limit_percent(self.model.thermal()) < 100;
        let troubled = !self.gear_answers()
            || self.thermal.as_deref().is_some_and(is_limited)
            || self.glow(now) != Glow::Follows;
        troubled.then_some(TROUBLE_PERIOD_MS)
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
        let Operation { level, output, power_mw, power_factor_pm } = self.operation(now);
        let voltage_mv = self.supply_mv(power_mw);
        Telemetry {
            power_mw,
            voltage_mv,
            energy_mwh: self.meter.energy_mwh(&self.model),
            burning_s: self.meter.burning_s(),
            switch_count: self.switch_count,
            in_effect: self.model.level(level, self.target),
            current_ma: ElectricsConfig::current_ma(power_mw, power_factor_pm, voltage_mv),
            power_factor_pm,
            flux_lm: self.flux_lm(output, now),
            gear: self.gear(now),
        }
    }

    fn gear_answers(&self) -> bool {
        self.defect.lets_gear_answer() || self.drive.is_off()
    }

    /// What the control gear has to say of itself.
    fn gear(&self, now: Timestamp) -> Option<Gear> {
        let answers = self.gear_answers();
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
