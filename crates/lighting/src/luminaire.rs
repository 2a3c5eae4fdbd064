//! One luminaire with its controller.

pub mod dali;
mod defect;
mod demand;
mod drive;
mod electrics;
mod firmware;
mod io;
mod meter;
mod model;
mod operation;
mod photometry;
mod recent;
mod report;
mod schedule;
mod supply;
mod thermal;

use std::sync::Arc;

use types::{Core, HOUR_MS, Timestamp};

pub use self::dali::{Control, DimmingConfig};
use self::defect::{Defect, Glow};
use self::drive::Drive;
pub use self::electrics::ElectricsConfig;
use self::firmware::{Firmware, Outage, Step};
pub use self::io::{Input, LuminaireConfig, Output};
use self::meter::Meter;
pub use self::model::{LuminaireModel, LuminaireModelConfig, LuminaireModelError, Physics};
pub use self::photometry::PhotometryConfig;
pub(crate) use self::recent::Recent;
use self::report::Due;
pub use self::schedule::{Schedule, Sun};
use self::thermal::Thermal;
pub use self::thermal::{Climate, ThermalConfig};
use crate::{AstroTable, DimLevel, Mode, Report};

/// One luminaire with its controller: obeys commands, keeps its programme, fades, measures.
///
/// ```text
/// override, sensor, programme ──▶ target ──limits, fade──▶ in_effect ──faults──▶ actual ──▶ power, energy, flux
/// ```
///
/// - `target`: the override until its end; else, while someone is near, the programme's presence level; else the
///   programme; else off.
/// - `in_effect` moves at one constant speed to what the driver can do of `target`: its own steps, its minimum, constant
///   light output, less when it is hot. A fade over half the range takes half of
///   [`fade_ms`](LuminaireModelConfig::fade_ms). A new target takes over from wherever the fade is.
/// - `actual` follows `in_effect` unless the lamp is broken.
///
/// What it counts, its programme and its override survive a loss of supply; that someone is near does not. It comes back
/// from dark to what is then due, and never over it.
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
    /// When something changes by itself next.
    change_at: Timestamp,
    obeyed: Recent,
    firmware: Firmware,
    astro_shift_ms: i32,
    report_offset_ms: u32,
    switch_count: u32,
    epoch: u32,
    seq: u32,
    /// Voltage lost on the way from the cabinet at full light \[mV\].
    feeder_drop_mv: u32,
    /// When the glass was cleaned last \[local days since 1970-01-01\].
    cleaned_day: i32,
    /// Only while it is hot or was: most never are.
    thermal: Option<Box<Thermal>>,
    /// Whether its feeder is live.
    fed: bool,
    /// The level that overrides the programme.
    held_level: Option<DimLevel>,
    target: DimLevel,
    mode: Mode,
    defect: Defect,
}

/// Before all time: until when nobody is near.
const NOBODY: Timestamp = Timestamp::from_millis(i64::MIN);
/// The end of time: when what never ends would end.
const NEVER: Timestamp = Timestamp::from_millis(i64::MAX);
impl Core for Luminaire {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        if let Input::Presence { hold_ms } = input
            && self.senses_nothing_new(hold_ms, now)
        {
            return;
        }
        let mut due = self.catch_up(now);
        if !self.is_running() && !input.is_physical() {
            // Without supply it hears nothing.
            self.tell(due, now, out);
            return;
        }
        match input {
            Input::Connected => due = Due { firmware: true, ..Due::BOTH },
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
            Input::Clean => self.cleaned_day = day_of(now),
            Input::Supply(fed) => due.add(self.feed(fed, now, out)),
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
        Some(self.telemetry_at.min(self.change_at))
    }
}

impl Luminaire {
    /// A luminaire that is switched on for the first time: off, without a programme, its meter at zero.
    pub fn new(config: LuminaireConfig, now: Timestamp) -> Self {
        let LuminaireConfig { model, astro, astro_shift_ms, report_offset_ms, feeder_drop_mv, burning_h } =
            config;
        let mut luminaire = Self {
            meter: Meter::new(u64::from(burning_h) * HOUR_MS as u64, now),
            model,
            astro,
            schedule: None,
            held_until: NEVER,
            held_level: None,
            presence_until: NOBODY,
            drive: Drive::resting(0, now),
            telemetry_at: now,
            change_at: now,
            obeyed: Recent::default(),
            firmware: Firmware::default(),
            astro_shift_ms,
            report_offset_ms,
            switch_count: 0,
            epoch: 1,
            seq: 0,
            feeder_drop_mv,
            cleaned_day: day_of(now),
            thermal: None,
            fed: true,
            target: DimLevel::OFF,
            mode: Mode::Default,
            defect: Defect::None,
        };
        luminaire.telemetry_at = luminaire.next_regular_report(now);
        luminaire.watch_heat(now);
        luminaire.change_at = luminaire.next_change();
        luminaire
    }

    /// The same, as the controller's `epoch`th start; 1 is the first. For a driver that remembers starts, so that
    /// readers who saw an earlier start do not take new messages for old ones.
    #[must_use]
    pub fn with_epoch(self, epoch: u32) -> Self {
        Self { epoch, ..self }
    }

    /// A second device set up as it once was: of the same type, without a programme, and with counters of its own.
    #[must_use]
    pub fn namesake(&self, now: Timestamp) -> Self {
        let config = LuminaireConfig {
            model: Arc::clone(&self.model),
            astro: Arc::clone(&self.astro),
            astro_shift_ms: self.astro_shift_ms,
            report_offset_ms: self.report_offset_ms,
            feeder_drop_mv: self.feeder_drop_mv,
            burning_h: 0,
        };
        Self::new(config, now)
    }

    /// Reads a word from all over it, for a driver of very many: called for several that are due soon, one after the
    /// other, it has the processor fetch their memory at once instead of one by one as each is due.
    #[inline]
    pub fn warm(&self) -> i64 {
        let times =
            [self.meter.counted_to(), self.drive.start(), self.change_at, self.telemetry_at, self.held_until];
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
        self.thermal = self.thermal.take().map(|thermal| Box::new(thermal.shifted(by_ms)));
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

    /// Applies, each at its own moment, what has become due.
    fn catch_up(&mut self, now: Timestamp) -> Due {
        debug_assert_eq!(self.change_at, self.next_change(), "what changes that ends with `retarget`");
        let mut due = Due { telemetry: self.telemetry_at <= now, ..Due::NOTHING };
        while self.change_at <= now {
            let at = self.change_at;
            self.count(at);
            due.add(self.turn_defect(at));
            if self.drive.arrival() == Some(at) {
                self.drive = Drive::resting(self.drive.goal(), at);
                due.add(Due::BOTH);
            }
            if let Some(thermal) = self.thermal.as_deref_mut().filter(|thermal| thermal.next_change() <= at) {
                thermal.change(self.model.thermal(), at);
            }
            due.add(self.step_firmware(at));
            self.release(at);
            let sun = Sun { table: &self.astro, shift_ms: self.astro_shift_ms };
            if let Some(schedule) = self.schedule.as_mut().filter(|schedule| schedule.valid_until() <= at) {
                schedule.refresh(sun, at);
            }
            due.add(self.retarget(at));
        }
        self.count(now);
        due
    }

    /// When something changes by itself next. Asked once after each change, and not at each report.
    fn next_change(&self) -> Timestamp {
        let schedule = self.schedule.as_ref().map_or(NEVER, Schedule::valid_until);
        let held = if self.held_level.is_some() { self.held_until } else { NEVER };
        let presence = if self.presence_until == NOBODY { NEVER } else { self.presence_until };
        let defect = self.defect.next_change(self.drive, self.meter.counted_to()).unwrap_or(NEVER);
        let heat = self.thermal.as_ref().map_or(NEVER, |thermal| thermal.next_change());
        let arrival = self.drive.arrival().unwrap_or(NEVER);
        let firmware = self.firmware.next_step();
        schedule.min(held).min(presence).min(arrival).min(defect).min(heat).min(firmware)
    }

    /// Goes on with an update. After a start it counts its messages anew in a higher epoch; its counters, its override
    /// and its programme stay.
    fn step_firmware(&mut self, now: Timestamp) -> Due {
        match self.firmware.step(now) {
            None => Due::NOTHING,
            Some(Step::Tell) => Due { firmware: true, ..Due::NOTHING },
            Some(Step::Restarted) => {
                (self.epoch, self.seq) = (self.epoch.saturating_add(1), 0);
                Due { firmware: true, ..Due::BOTH }
            }
        }
    }

    /// Sets off towards the level that now counts, if it is another one. To be called after whatever may change that,
    /// or when something changes next.
    fn retarget(&mut self, now: Timestamp) -> Due {
        if self.presence_until <= now {
            self.presence_until = NOBODY;
        }
        let (target, mode) = self.wanted(now);
        let mut due = Due { state: (target, mode) != (self.target, self.mode), ..Due::NOTHING };
        (self.target, self.mode) = (target, mode);
        let goal = self.goal();
        if goal != self.drive.goal() {
            self.switch_count += u32::from(self.drive.is_off());
            self.drive = match self.model.fade_ms() {
                0 => Drive::resting(goal, now),
                _ => self.drive.towards(goal, now),
            };
            if !self.drive.is_moving() {
                due.add(Due::BOTH);
            }
        }
        if self.thermal.is_some() {
            self.heat(now);
        }
        self.change_at = self.next_change();
        due
    }

    /// What the driver can do of the target \[fine steps\].
    fn goal(&self) -> u32 {
        let current_ppm = self.model.photometry().constant_ppm(self.meter.burning_ms());
        let reached = self.model.reached(self.target, current_ppm);
        self.thermal.as_ref().map_or(reached, |thermal| {
            let percent = thermal.limit_percent(self.model.thermal());
            reached.min(self.model.fine(DimLevel::from_percent(percent).unwrap_or(DimLevel::FULL)))
        })
    }

    /// From now on its temperature goes towards that of its present power. A fade counts as what it leads to: it is
    /// short for a driver.
    fn heat(&mut self, now: Timestamp) {
        let rise_k = self.rise_k(self.defect.heat_percent(), self.drive.goal(), now);
        if let Some(thermal) = self.thermal.as_deref_mut() {
            thermal.turn(self.model.thermal(), rise_k, now);
        }
    }

    /// How much warmer than the air it is in the long run while its driver is at `level` \[fine steps → K\].
    fn rise_k(&self, heat_percent: u16, level: u32, now: Timestamp) -> f64 {
        let rated = u64::from(self.model.rated_mw()) * self.model.parts_per_mw();
        let load = self.glow(now).parts(&self.model, self.drive, level) as f64 / rated as f64;
        f64::from(self.model.thermal().rise_k) * f64::from(heat_percent) / 100.0 * load
    }

    /// Begins to watch its temperature if it can get hot: as if it had been as it is for long.
    fn watch_heat(&mut self, now: Timestamp) {
        let (config, heat_percent) = (self.model.thermal(), self.defect.heat_percent());
        let most_k = f64::from(config.rise_k) * f64::from(heat_percent) / 100.0;
        if self.thermal.is_none() && !config.stays_cool(most_k) {
            let now_k = self.rise_k(100, self.drive.goal(), now);
            self.thermal = Some(Box::new(Thermal::settled(config, now_k, now)));
        }
    }

    fn count(&mut self, now: Timestamp) {
        let glow = self.glow(self.meter.counted_to());
        self.meter.count(&self.model, self.drive, glow, self.defect.metered_percent(), now);
    }

    #[inline]
    fn glow(&self, now: Timestamp) -> Glow {
        if !self.fed || self.firmware.outage() == Outage::Dark {
            return Glow::Dead;
        }
        match self.defect {
            Defect::None => Glow::Follows,
            defect => defect.glow(self.drive, &self.model, now),
        }
    }
}

fn day_of(now: Timestamp) -> i32 {
    i32::try_from(now.local_day()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
