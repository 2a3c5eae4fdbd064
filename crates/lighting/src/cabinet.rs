//! One cabinet with its segment controller.

mod feeder;
mod load;
mod messages;

use std::sync::Arc;

use types::{Core, DAY_MS, MINUTE_MS, SECOND_MS, Timestamp};

pub(crate) use self::feeder::LEGS;
pub use self::feeder::{CIRCUITS, Circuit, Leg, Phase, Phases};
pub use self::load::{Draw, Load};
pub use self::messages::{
    CabinetEvent, CabinetState, CabinetTelemetry, CircuitState, Control, Incident, IncidentKind,
    PhaseReadings, SwitchCommand,
};
use crate::luminaire::Recent;
use crate::{AckResult, AstroTable, CommandAck, Report, Stamp};

/// What a cabinet is made of, and where it stands.
#[derive(Clone, Debug)]
pub struct CabinetConfig {
    /// When its contactors are closed if no command says otherwise.
    pub style: FeederStyle,
    /// The sun at the city's reference point.
    pub astro: Arc<AstroTable>,
    /// How much later (earlier, if negative) the sun rises and sets here \[ms\].
    pub astro_shift_ms: i32,
    /// Time between two regular reports of the meter \[ms\], over 0.
    pub report_period_ms: u32,
    /// Where its regular reports fall within that period \[ms\].
    pub report_offset_ms: u32,
}

/// When a cabinet's feeders are live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FeederStyle {
    /// Always: luminaires switch themselves.
    #[default]
    AlwaysLive,
    /// From a little before sunset to a little after sunrise, by the cabinet's astro clock: by day luminaires are dead,
    /// and gone from the bus.
    CabinetSwitched,
}

/// What can happen to a cabinet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// It has the bus again, and tells how it stands.
    Connected,
    /// Hold a contactor, or leave it to the cabinet.
    Command(SwitchCommand),
    /// Someone or something was at the cabinet.
    Event(CabinetEvent),
    /// What hangs on it takes this now. A driver says so before it gives the time for a report: see
    /// [`Cabinet::reports_at`].
    Load(Load),
}

/// What comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Tell the bus: contactors, breakers, door.
    State(Report<CabinetState>),
    /// Tell the bus: the meter.
    Telemetry(Report<CabinetTelemetry>),
    /// Tell the bus: a command was obeyed or refused.
    Ack(Report<CommandAck>),
    /// Nothing for the bus: the luminaires of a leg now have mains voltage, or have it no more.
    Supply {
        /// Which leg.
        leg: Leg,
        /// Whether they have it.
        live: bool,
    },
}

/// One cabinet: a contactor for each circuit, a breaker for each phase of it, a door, a three-phase meter.
///
/// ```text
/// command, astro clock ──▶ wanted ──jammed?──▶ closed ──tripped?──▶ leg live ──▶ luminaires
/// ```
///
/// The controller itself hangs on the busbar, before the contactors: it talks while its feeders are dead. State is told
/// when anything of it changes and after each command, telemetry regularly and once a change has settled.
#[derive(Debug)]
pub struct Cabinet {
    config: CabinetConfig,
    contactors: [Contactor; CIRCUITS],
    door_open: bool,
    /// The legs that are live, as last told to the luminaires.
    live: [bool; LEGS],
    load: Load,
    telemetry_at: Timestamp,
    /// When the astro clock wants something else next.
    turn_at: Timestamp,
    night: bool,
    obeyed: Recent,
    epoch: u32,
    seq: u32,
}

#[derive(Clone, Copy, Debug)]
struct Contactor {
    control: Control,
    /// Until when a command holds it; does not matter if none does.
    held_until: Timestamp,
    wanted: bool,
    closed: bool,
    jammed: bool,
    tripped: Phases,
}

/// Feeders are live this long before sunset and after sunrise \[ms\], so that luminaires are awake at their first step
/// and have finished their last.
const LEAD_MS: i64 = 10 * MINUTE_MS;
/// How long after a change the meter is read \[ms\].
const SETTLE_MS: i64 = SECOND_MS;
/// The end of time.
const NEVER: Timestamp = Timestamp::from_millis(i64::MAX);

impl Core for Cabinet {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        let before = self.state();
        self.release(now);
        match input {
            Input::Connected => {
                self.settle(now, before, out);
                self.tell_state(now, out);
                self.tell_telemetry(now, out);
                return;
            }
            Input::Command(command) => {
                let result = self.obey(&command, now);
                let body = CommandAck { command: command.id, result, reason: None };
                out.push(Output::Ack(Report { stamp: self.stamp(now), body }));
            }
            Input::Event(event) => self.suffer(event),
            Input::Load(load) => self.load = load,
        }
        self.settle(now, before, out);
    }

    fn handle_timeout(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let before = self.state();
        self.release(now);
        self.settle(now, before, out);
        if self.telemetry_at <= now {
            self.tell_telemetry(now, out);
        }
    }

    fn next_timeout(&self) -> Option<Timestamp> {
        let held = |contactor: &Contactor| match contactor.control {
            Control::Auto => NEVER,
            Control::On | Control::Off => contactor.held_until,
        };
        let clock = self.telemetry_at.min(self.turn_at);
        Some(self.contactors.iter().map(held).fold(clock, Timestamp::min))
    }
}

impl Cabinet {
    /// A cabinet as it stands at `now` if nothing ever happened to it: all legs live, until its clock is asked.
    pub fn new(config: CabinetConfig, now: Timestamp) -> Self {
        let contactor = Contactor {
            control: Control::Auto,
            held_until: NEVER,
            wanted: true,
            closed: true,
            jammed: false,
            tripped: Phases::NONE,
        };
        let mut cabinet = Self {
            config,
            contactors: [contactor; CIRCUITS],
            door_open: false,
            live: [true; LEGS],
            load: Load::default(),
            telemetry_at: now,
            turn_at: now,
            night: true,
            obeyed: Recent::default(),
            epoch: 1,
            seq: 0,
        };
        cabinet.telemetry_at = cabinet.next_regular_report(now);
        cabinet
    }

    /// The same, as the controller's `epoch`th start; see [`Luminaire::with_epoch`](crate::Luminaire::with_epoch).
    #[must_use]
    pub fn with_epoch(self, epoch: u32) -> Self {
        Self { epoch, ..self }
    }

    /// When it reads its meter next, unless something happens to it before.
    pub fn reports_at(&self) -> Timestamp {
        self.telemetry_at
    }

    /// Ends commands whose time is over, and asks the astro clock.
    fn release(&mut self, now: Timestamp) {
        for contactor in &mut self.contactors {
            if contactor.control != Control::Auto && contactor.held_until <= now {
                contactor.control = Control::Auto;
            }
        }
        if self.turn_at <= now {
            (self.night, self.turn_at) = self.ask_clock(now);
        }
    }

    /// Whether feeders should be live by the sun, and when to ask again.
    fn ask_clock(&self, now: Timestamp) -> (bool, Timestamp) {
        if self.config.style == FeederStyle::AlwaysLive {
            return (true, NEVER);
        }
        let (noon_ms, shift_ms) = (DAY_MS / 2, i64::from(self.config.astro_shift_ms));
        let evening = now.plus_millis(-noon_ms).local_day();
        let on = self.config.astro.sunset(evening).plus_millis(shift_ms - LEAD_MS);
        let off = self.config.astro.sunrise(evening + 1).plus_millis(shift_ms + LEAD_MS);
        if now < on {
            (false, on)
        } else if now < off {
            (true, off)
        } else {
            (false, Timestamp::from_local(evening + 1, noon_ms))
        }
    }

    fn obey(&mut self, command: &SwitchCommand, now: Timestamp) -> AckResult {
        if self.obeyed.contains(&command.id) {
            return AckResult::Done;
        }
        if command.until.is_some_and(|until| until <= now) {
            return AckResult::Expired;
        }
        self.obeyed.insert(&command.id);
        let contactor = &mut self.contactors[command.circuit.index()];
        (contactor.control, contactor.held_until) = (command.control, command.until.unwrap_or(NEVER));
        AckResult::Done
    }

    fn suffer(&mut self, event: CabinetEvent) {
        let contactors = &mut self.contactors;
        match event {
            CabinetEvent::Trip { circuit, phases } => {
                let tripped = &mut contactors[circuit.index()].tripped;
                *tripped = tripped.union(phases);
            }
            CabinetEvent::Reclose { circuit, phases } => {
                let tripped = &mut contactors[circuit.index()].tripped;
                *tripped = tripped.without(phases);
            }
            CabinetEvent::Jam(circuit) => contactors[circuit.index()].jammed = true,
            CabinetEvent::Free(circuit) => contactors[circuit.index()].jammed = false,
            CabinetEvent::OpenDoor => self.door_open = true,
            CabinetEvent::CloseDoor => self.door_open = false,
        }
    }

    /// Moves the contactors, tells the luminaires what they have, and the bus what is new.
    fn settle(&mut self, now: Timestamp, before: CabinetState, out: &mut Vec<Output>) {
        for contactor in &mut self.contactors {
            contactor.wanted = match contactor.control {
                Control::Auto => self.night,
                Control::On => true,
                Control::Off => false,
            };
            if !contactor.jammed {
                contactor.closed = contactor.wanted;
            }
        }
        let state = self.state();
        for leg in Leg::all() {
            let (live, known) = (state.is_live(leg), &mut self.live[leg.index()]);
            if std::mem::replace(known, live) != live {
                out.push(Output::Supply { leg, live });
            }
        }
        if state != before {
            self.tell_state(now, out);
            self.telemetry_at = self.telemetry_at.min(now.plus_millis(SETTLE_MS));
        }
    }

    fn state(&self) -> CabinetState {
        let circuits = self.contactors.map(|Contactor { control, wanted, closed, tripped, .. }| {
            CircuitState { control, wanted, closed, tripped }
        });
        CabinetState { circuits, door_open: self.door_open }
    }

    fn tell_state(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let body = self.state();
        out.push(Output::State(Report { stamp: self.stamp(now), body }));
    }

    fn tell_telemetry(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let body = self.load.readings();
        out.push(Output::Telemetry(Report { stamp: self.stamp(now), body }));
        self.telemetry_at = self.next_regular_report(now);
    }

    fn next_regular_report(&self, now: Timestamp) -> Timestamp {
        let period_ms = i64::from(self.config.report_period_ms.max(1));
        let since_last_ms = (now.as_millis() - i64::from(self.config.report_offset_ms)).rem_euclid(period_ms);
        now.plus_millis(period_ms - since_last_ms)
    }

    fn stamp(&mut self, now: Timestamp) -> Stamp {
        self.seq = self.seq.saturating_add(1);
        Stamp { epoch: self.epoch, seq: self.seq, ts: now }
    }
}

#[cfg(test)]
mod tests;
