//! One luminaire with its controller.

mod defect;
mod drive;
mod firmware;
mod io;
mod meter;
mod model;
mod recent;
mod schedule;

use std::sync::Arc;

use types::{Core, MINUTE_MS, Timestamp};

use self::defect::{Defect, Glow};
use self::drive::Drive;
use self::firmware::{Firmware, Outage, Step, Trouble};
pub use self::io::{Input, LuminaireConfig, Output};
use self::meter::Meter;
pub use self::model::{LuminaireModel, LuminaireModelConfig, LuminaireModelError};
use self::recent::Recent;
pub use self::schedule::{Schedule, Sun};
use crate::{
    AckResult, AstroTable, CommandAck, DimCommand, DimLevel, Fault, LightState, Mode, Programme, Report,
    Stamp, Telemetry,
};

/// One luminaire with its controller: obeys commands, keeps its programme, fades, measures.
///
/// ```text
/// override, sensor, programme ──▶ target ──fade──▶ in_effect ──faults──▶ actual ──▶ power, energy
/// ```
///
/// - `target`: the override until its end; else, while someone is near, the programme's presence level; else the
///   programme; else off.
/// - `in_effect` moves to `target` at one constant speed: a fade over half the range takes half of
///   [`fade_ms`](LuminaireModelConfig::fade_ms). A new target takes over from wherever the fade is.
/// - `actual` follows `in_effect` unless the lamp is broken.
///
/// State is told when target or mode change, when a fade has arrived, when a fault shows, and after each command.
/// Telemetry is told regularly, when a fade has arrived, when a fault shows, and every minute while `in_effect` and
/// `actual` disagree. Called late, a luminaire tells how things stand once, not once for each moment missed; its meter
/// counts as if it had been called in time.
#[derive(Debug)]
pub struct Luminaire {
    meter: Meter,
    model: Arc<LuminaireModel>,
    astro: Arc<AstroTable>,
    schedule: Option<Schedule>,
    /// Until when `held_level` is held; does not matter if there is none.
    held_until: Timestamp,
    /// Until when someone counts as near; [`NOBODY`] if no one does.
    presence_until: Timestamp,
    drive: Drive,
    telemetry_at: Timestamp,
    wake_at: Timestamp,
    obeyed: Recent,
    firmware: Firmware,
    astro_shift_ms: i32,
    report_offset_ms: u32,
    switch_count: u32,
    epoch: u32,
    seq: u32,
    /// The level that overrides the programme.
    held_level: Option<DimLevel>,
    target: DimLevel,
    mode: Mode,
    defect: Defect,
}

/// What there is to tell.
#[derive(Clone, Copy, Debug, Default)]
struct Due {
    state: bool,
    telemetry: bool,
    firmware: bool,
}

/// Before all time: until when nobody is near.
const NOBODY: Timestamp = Timestamp::from_millis(i64::MIN);
/// The end of time: when what never ends would end.
const NEVER: Timestamp = Timestamp::from_millis(i64::MAX);
/// Time between two telemetry reports while `in_effect` and `actual` disagree \[ms\].
const DISAGREEMENT_PERIOD_MS: i64 = MINUTE_MS;
/// Supply voltage at every luminaire \[mV\]. The feeder's voltage drop is not modelled.
const SUPPLY_MV: u32 = 220_000;

impl Core for Luminaire {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        let mut due = self.catch_up(now);
        if self.defect.is_mute() && !matches!(input, Input::Fault(_) | Input::Repair) {
            // Without supply it hears nothing.
            self.tell(due, now, out);
            return;
        }
        match input {
            Input::Connected => due = Due::ALL,
            Input::Command(command) => {
                let ack = self.answer(command, now);
                out.push(Output::Ack(Report { stamp: self.stamp(now), body: ack }));
                // Also after one seen before: the sender learns what holds now.
                due.state = true;
            }
            Input::Programme(programme) => self.take_programme(programme, now),
            Input::Firmware(order) => {
                let body = self.firmware.take(order, now);
                out.push(Output::Firmware(Report { stamp: self.stamp(now), body }));
            }
            Input::Presence { hold_ms } if hold_ms <= 0 => {}
            Input::Presence { hold_ms } => {
                self.presence_until = self.presence_until.max(now.plus_millis(hold_ms));
            }
            Input::Fault(fault) => due.add(self.break_by(fault, now, out)),
            Input::Repair => due.add(self.repair(now)),
        }
        due.add(self.retarget(now));
        self.tell(due, now, out);
    }

    fn handle_timeout(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let due = self.catch_up(now);
        self.tell(due, now, out);
    }

    #[inline]
    fn next_timeout(&self) -> Option<Timestamp> {
        Some(self.wake_at)
    }
}

impl Luminaire {
    /// A luminaire that is switched on for the first time: off, without a programme, its meter at zero.
    pub fn new(config: LuminaireConfig, now: Timestamp) -> Self {
        let LuminaireConfig { model, astro, astro_shift_ms, report_offset_ms } = config;
        let mut luminaire = Self {
            meter: Meter::new(now),
            model,
            astro,
            schedule: None,
            held_until: NEVER,
            held_level: None,
            presence_until: NOBODY,
            drive: Drive::resting(0, now),
            telemetry_at: now,
            wake_at: now,
            obeyed: Recent::default(),
            firmware: Firmware::default(),
            astro_shift_ms,
            report_offset_ms,
            switch_count: 0,
            epoch: 1,
            seq: 0,
            target: DimLevel::OFF,
            mode: Mode::Default,
            defect: Defect::None,
        };
        luminaire.telemetry_at = luminaire.next_regular_report(now);
        luminaire.plan(now);
        luminaire
    }

    /// The same, as the controller's `epoch`th start; 1 is the first. For a driver that remembers starts, so that
    /// readers who saw an earlier start do not take new messages for old ones.
    #[must_use]
    pub fn with_epoch(self, epoch: u32) -> Self {
        Self { epoch, ..self }
    }

    /// Reads a word from all over it, for a driver of very many: called for several that are due soon, one after the
    /// other, it has the processor fetch their memory at once instead of one by one as each is due.
    #[inline]
    pub fn warm(&self) -> i64 {
        let times =
            [self.meter.counted_to(), self.drive.start(), self.wake_at, self.telemetry_at, self.held_until];
        let schedule = self.schedule.as_ref().map_or(0, |schedule| schedule.valid_until().as_millis());
        times.iter().fold(schedule ^ i64::from(self.seq), |all, time| all ^ time.as_millis())
    }

    /// Its clock is set `by_ms` forward (back, if negative) at `now`; from the next call on `now` is by the new time.
    ///
    /// What has passed stays passed: the meter, a fade, and how long someone counts as near go on as they were. The
    /// programme, the end of an override and the regular reports follow the new time.
    pub fn step_clock(&mut self, now: Timestamp, by_ms: i64, out: &mut Vec<Output>) {
        let mut due = self.catch_up(now);
        let now = now.plus_millis(by_ms);
        self.meter = self.meter.shifted(by_ms);
        self.drive = self.drive.shifted(by_ms);
        self.defect = self.defect.shifted(by_ms);
        self.firmware.shift(by_ms);
        if self.presence_until != NOBODY {
            self.presence_until = self.presence_until.plus_millis(by_ms);
        }
        self.release(now);
        let sun = Sun { table: &self.astro, shift_ms: self.astro_shift_ms };
        if let Some(schedule) = &mut self.schedule {
            schedule.refresh(sun, now);
        }
        self.telemetry_at = self.next_regular_report(now);
        due.add(self.retarget(now));
        self.tell(due, now, out);
    }

    /// Whether it has mains voltage. Without it says nothing and hears nothing.
    pub fn has_supply(&self) -> bool {
        !self.defect.is_mute()
    }

    /// Applies, each at its own moment, what has become due.
    fn catch_up(&mut self, now: Timestamp) -> Due {
        let mut due = Due { telemetry: self.telemetry_at <= now, ..Due::default() };
        loop {
            let at = self.next_change();
            if at > now {
                break;
            }
            self.count(at);
            if self.defect.next_change(self.drive, at.plus_millis(-1)) == Some(at) {
                self.switch_count += u32::from(self.glow(at) == Glow::Follows);
                due.add(Due::BOTH);
            }
            if self.drive.arrival() == Some(at) {
                self.drive = Drive::resting(self.drive.goal(), at);
                due.add(Due::BOTH);
            }
            due.add(self.step_firmware(at));
            self.release(at);
            let sun = Sun { table: &self.astro, shift_ms: self.astro_shift_ms };
            if let Some(schedule) = self.schedule.as_mut().filter(|schedule| schedule.valid_until() <= at) {
                schedule.refresh(sun, at);
            }
            if self.presence_until <= at {
                self.presence_until = NOBODY;
            }
            due.add(self.retarget(at));
        }
        self.count(now);
        due
    }

    /// When something changes by itself next.
    fn next_change(&self) -> Timestamp {
        let schedule = self.schedule.as_ref().map_or(NEVER, Schedule::valid_until);
        let held = if self.held_level.is_some() { self.held_until } else { NEVER };
        let presence = if self.presence_until == NOBODY { NEVER } else { self.presence_until };
        let defect = self.defect.next_change(self.drive, self.meter.counted_to()).unwrap_or(NEVER);
        let arrival = self.drive.arrival().unwrap_or(NEVER);
        schedule.min(held).min(presence).min(arrival).min(defect).min(self.firmware.next_step())
    }

    /// Goes on with an update. After a start it counts its messages anew in a higher epoch; its counters, its override
    /// and its programme stay.
    fn step_firmware(&mut self, now: Timestamp) -> Due {
        match self.firmware.step(now) {
            None => Due::default(),
            Some(Step::Tell) => Due { firmware: true, ..Due::default() },
            Some(Step::Restarted) => {
                (self.epoch, self.seq) = (self.epoch.saturating_add(1), 0);
                Due::ALL
            }
        }
    }

    fn answer(&mut self, command: DimCommand, now: Timestamp) -> CommandAck {
        if self.firmware.outage() != Outage::None {
            let reason = Some("firmware is being installed".into());
            return CommandAck { command: command.id, result: AckResult::Failed, reason };
        }
        let result = self.obey(&command, now);
        CommandAck { command: command.id, result, reason: None }
    }

    fn obey(&mut self, command: &DimCommand, now: Timestamp) -> AckResult {
        if self.obeyed.contains(&command.id) {
            return AckResult::Done;
        }
        if command.until.is_some_and(|until| until <= now) {
            return AckResult::Expired;
        }
        self.obeyed.insert(&command.id);
        (self.held_level, self.held_until) = (command.level, command.until.unwrap_or(NEVER));
        AckResult::Done
    }

    /// Ends an override whose time is over.
    fn release(&mut self, now: Timestamp) {
        if self.held_until <= now {
            self.held_level = None;
        }
    }

    fn take_programme(&mut self, programme: Programme, now: Timestamp) {
        if self.schedule.as_ref().is_none_or(|present| present.version() <= programme.version) {
            let sun = Sun { table: &self.astro, shift_ms: self.astro_shift_ms };
            self.schedule = Some(Schedule::new(programme, sun, now));
        }
    }

    /// Breaks; what broke before is as good as repaired. A lost supply is told with the last charge.
    fn break_by(&mut self, fault: Fault, now: Timestamp, out: &mut Vec<Output>) -> Due {
        if let Some(trouble) = Trouble::from_fault(fault) {
            self.firmware.break_by(trouble);
            return Due::default();
        }
        let before = self.glow(now);
        self.defect = Defect::from_fault(fault, self.drive.level(now), now);
        if self.defect.is_mute() {
            self.say(Due::BOTH, now, out);
        }
        self.shown(before, now)
    }

    /// Works again; after a lost supply it tells how it stands.
    fn repair(&mut self, now: Timestamp) -> Due {
        let (before, was_mute) = (self.glow(now), self.defect.is_mute());
        self.defect = Defect::None;
        let mut due = if was_mute { Due::BOTH } else { self.shown(before, now) };
        due.firmware = self.firmware.repair();
        due
    }

    /// What there is to tell if the light is not what it was.
    fn shown(&self, before: Glow, now: Timestamp) -> Due {
        let shows = self.glow(now) != before;
        Due { state: shows, telemetry: shows, firmware: false }
    }

    /// Sets off towards the level that now counts, if it is another one.
    fn retarget(&mut self, now: Timestamp) -> Due {
        let (target, mode) = self.wanted(now);
        let mut due = Due { state: (target, mode) != (self.target, self.mode), ..Due::default() };
        (self.target, self.mode) = (target, mode);
        let goal = self.model.fine(target);
        if goal != self.drive.goal() {
            self.switch_count += u32::from(self.drive.is_off());
            self.drive = match self.model.fade_ms() {
                0 => Drive::resting(goal, now),
                _ => self.drive.towards(goal, now),
            };
            if !self.drive.is_moving() {
                due = Due::BOTH;
            }
        }
        due
    }

    /// The level that counts, and why.
    fn wanted(&self, now: Timestamp) -> (DimLevel, Mode) {
        let Some(schedule) = &self.schedule else {
            return self.held_level.map_or((DimLevel::OFF, Mode::Default), |held| (held, Mode::Override));
        };
        let near = self.presence_until > now;
        match (self.held_level, schedule.presence_level().filter(|_| near)) {
            (Some(held), _) => (held, Mode::Override),
            (None, Some(raised)) => (raised, Mode::Sensor),
            (None, None) => (schedule.level(), Mode::Programme),
        }
    }

    fn count(&mut self, now: Timestamp) {
        if self.defect == Defect::MeterFrozen {
            self.meter.skip(now);
        } else {
            let glow = self.glow(self.meter.counted_to());
            self.meter.count(&self.model, self.drive, glow, now);
        }
    }

    fn glow(&self, now: Timestamp) -> Glow {
        if self.firmware.outage() == Outage::Dark {
            return Glow::Dead;
        }
        self.defect.glow(self.drive, &self.model, now)
    }

    /// Tells what is due, unless there is nothing to tell it with, and plans the next call.
    fn tell(&mut self, due: Due, now: Timestamp, out: &mut Vec<Output>) {
        if !self.defect.is_mute() {
            self.say(due, now, out);
        } else if due.telemetry {
            self.telemetry_at = self.next_regular_report(now);
        }
        self.plan(now);
    }

    fn say(&mut self, due: Due, now: Timestamp, out: &mut Vec<Output>) {
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

    fn plan(&mut self, now: Timestamp) {
        if self.glow(now) != Glow::Follows && !self.defect.is_mute() {
            self.telemetry_at = self.telemetry_at.min(now.plus_millis(DISAGREEMENT_PERIOD_MS));
        }
        self.wake_at = self.telemetry_at.min(self.next_change());
    }

    fn next_regular_report(&self, now: Timestamp) -> Timestamp {
        let period_ms = i64::from(self.model.report_period_ms());
        let since_last_ms =
            now.as_millis().saturating_sub(i64::from(self.report_offset_ms)).rem_euclid(period_ms);
        now.plus_millis(period_ms - since_last_ms)
    }

    fn stamp(&mut self, now: Timestamp) -> Stamp {
        self.seq = self.seq.saturating_add(1);
        Stamp { epoch: self.epoch, seq: self.seq, ts: now }
    }

    fn state(&self, now: Timestamp) -> LightState {
        let in_effect = self.model.level(self.drive.level(now));
        let actual = match self.glow(now) {
            Glow::Follows => in_effect,
            Glow::Holds(level) => self.model.level(level),
            Glow::Standby | Glow::Dead => DimLevel::OFF,
        };
        LightState { target: self.target, in_effect, actual, mode: self.mode }
    }

    fn telemetry(&self, now: Timestamp) -> Telemetry {
        let fine = self.drive.level(now);
        let parts = match self.glow(now) {
            Glow::Follows if self.drive.is_off() => self.model.parts_standby(),
            Glow::Follows => self.model.parts_lit(fine),
            Glow::Holds(level) => self.model.parts_lit(level),
            Glow::Standby => self.model.parts_standby(),
            Glow::Dead => 0,
        };
        Telemetry {
            power_mw: u32::try_from(parts / self.model.parts_per_mw()).unwrap_or(u32::MAX),
            voltage_mv: if self.defect.is_mute() { 0 } else { SUPPLY_MV },
            energy_mwh: self.meter.energy_mwh(&self.model),
            burning_s: self.meter.burning_s(),
            switch_count: self.switch_count,
            in_effect: self.model.level(fine),
        }
    }
}

impl Due {
    /// State and readings.
    const BOTH: Self = Self { state: true, telemetry: true, firmware: false };
    /// The same, and the firmware.
    const ALL: Self = Self { firmware: true, ..Self::BOTH };

    fn add(&mut self, more: Self) {
        self.state |= more.state;
        self.telemetry |= more.telemetry;
        self.firmware |= more.firmware;
    }
}

#[cfg(test)]
mod tests;
