//! The simulated luminaires and cabinets: each is an MQTT client of its own, all run by one task.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::sync::Arc;

use city::Plan;
use futures_util::future::join_all;
use scenario::{Cast, CastError, Sensors};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use types::{Core, LuminaireId, Timestamp};
use wire::dialect::{Moment, Portrait, Register};
use wire::roles::LuminaireRole;
use wire::{BusInput, ClockState, Message, RoleName, Walker};

use self::cabinets::Cabinet;
use self::connection::{Connection, native};
use crate::bus::{BusAddress, BusEvent};
use crate::link::{Link, Port};
use crate::time::{RoleClock, wall_now};

mod cabinets;
mod connection;

/// What a lamp gives for its power, where a platform is told light: that of good LED luminaires \[lm/W\].
const LUMENS_PER_WATT: u32 = 140;
/// Events of all clients waiting for the fleet's task.
const EVENTS_MAX: usize = 16_384;
/// The fleet's own client, beside those of the devices: hears the clock, who walks where, and faults to put in.
const WORLD_FILTERS: [&str; 3] = ["sim/clock", "sim/presence", "sim/fault/+/+"];

/// How luminaires speak to a platform outside.
#[derive(Clone, Debug)]
pub struct Outward {
    /// Where it is.
    pub platform: BusAddress,
    /// Which devices they are: those without one keep still.
    pub devices: Arc<Register>,
    /// Whether they subscribe to what is for them, or the platform sends it unasked.
    pub subscribes: bool,
}

/// Where luminaires have the time from, and who walks by.
#[derive(Debug)]
pub enum World {
    /// From the city's bus.
    Bus(Link),
    /// There is no city: time runs so, and nobody walks.
    Alone(ClockState),
}

/// Runs all cabinets of `cast`, and all its luminaires but those `left_out` – to devices from outside – until `stop` says so.
///
/// With `outward`, luminaires are devices of a platform outside, which commands them; what they say is told on the
/// city's bus too, so that its map shows them. Then there are no cabinets: the feeders are the platform's.
///
/// # Errors
///
/// [`CastError`] if a luminaire of the plan cannot be made.
pub async fn run(
    world: World,
    cast: Cast,
    left_out: BTreeSet<LuminaireId>,
    outward: Option<Outward>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), CastError> {
    let (mut clock, mut senses) = match world {
        World::Bus(link) => {
            let (port, events) = link.connect(RoleName::Fleet, &WORLD_FILTERS);
            (RoleClock::City(None), Some(Senses { link, port, events }))
        }
        World::Alone(state) => (RoleClock::City(Some(state)), None),
    };
    let start = loop {
        if let Some(now) = clock.now() {
            break now;
        }
        tokio::select! {
            Some(message) = next(&mut senses) => if let Message::Clock(state) = message {
                clock.follow(state);
            },
            _ = stop.changed() => return Ok(()),
        }
    };
    let (sender, events) = mpsc::channel(EVENTS_MAX);
    let cabinets: Vec<Cabinet> = match (&outward, &senses) {
        (None, Some(senses)) => cabinets::connect(&senses.link, cast.cabinets(start), &sender),
        _ => Vec::new(),
    };
    let lamps: Vec<Lamp> = cast
        .luminaires(start)?
        .into_iter()
        .enumerate()
        .map(|(index, role)| {
            let connection = match (&outward, &senses) {
                _ if left_out.contains(&role.id()) => None,
                (Some(outward), _) => portrait(outward, &cast, role.id()).map(|portrait| {
                    Connection::foreign(outward, &role, portrait, Unit::Lamp(index), sender.clone())
                }),
                (None, Some(senses)) => {
                    let (id, unit) = (role.id().to_string(), Unit::Lamp(index));
                    let (will, filter) = (role.will(), role.filter());
                    Some(Connection::Native(native(&senses.link, id, &will, &filter, unit, sender.clone())))
                }
                (None, None) => None,
            };
            Lamp { connection, role }
        })
        .collect();
    let connecting = lamps.iter().filter(|lamp| lamp.connection.is_some()).count();
    tracing::info!(luminaires = lamps.len(), connecting, cabinets = cabinets.len(), "fleet connects");
    // From the start: a moment that the first inputs do not move would otherwise never be noted.
    let lamp_timers = lamps
        .iter()
        .enumerate()
        .filter(|(_, lamp)| lamp.connection.is_some())
        .filter_map(|(index, lamp)| Some(Reverse((lamp.role.next_timeout()?, Unit::Lamp(index)))));
    let cabinet_timers = cabinets
        .iter()
        .enumerate()
        .filter_map(|(index, cabinet)| Some(Reverse((cabinet.role.next_timeout()?, Unit::Cabinet(index)))));
    let timers = cabinet_timers.chain(lamp_timers).collect();
    let (plan, mirrors) = (cast.plan().clone(), outward.is_some());
    let sensors = Sensors::new(plan.clone());
    let fleet = Fleet { senses, mirrors, plan, sensors, lamps, cabinets, timers, clock, out: Vec::new() };
    fleet.run(events, stop).await;
    Ok(())
}

/// What a platform is told of a luminaire, if it is one of its devices.
fn portrait(outward: &Outward, cast: &Cast, id: LuminaireId) -> Option<Portrait> {
    let device = outward.devices.of_lamp(id)?.clone();
    let site = &cast.plan().luminaires()[id.0 as usize - 1];
    let lumens = site.rated_mw / 1_000 * LUMENS_PER_WATT;
    Some(Portrait { device, name: cast.luminaire_name(id), lumens })
}

/// The fleet's own client, beside those of the luminaires.
struct Senses {
    link: Link,
    port: Port,
    events: mpsc::Receiver<((), BusEvent)>,
}

/// The next thing that the city says. Waits for ever if there is no city.
async fn next(senses: &mut Option<Senses>) -> Option<Message> {
    let Some(senses) = senses else { return std::future::pending().await };
    loop {
        match senses.events.recv().await {
            Some(((), BusEvent::Connected)) => senses.link.tell_ready(RoleName::Fleet),
            Some(((), BusEvent::Message(received))) => {
                if let Some(message) = senses.port.read(&received) {
                    return Some(message);
                }
            }
            Some(((), BusEvent::Disconnected { .. } | BusEvent::Refused { .. })) => {}
            None => return std::future::pending().await,
        }
    }
}

/// One client of the fleet, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    Cabinet(usize),
    Lamp(usize),
}

struct Lamp {
    role: LuminaireRole,
    /// `None` = a device from outside is this luminaire: this one keeps its place, and still.
    connection: Option<Connection>,
}

struct Fleet {
    senses: Option<Senses>,
    /// Whether what luminaires say is told on the city's bus too, because it goes elsewhere.
    mirrors: bool,
    plan: Arc<Plan>,
    sensors: Sensors,
    lamps: Vec<Lamp>,
    /// None if the luminaires are devices of a platform outside.
    cabinets: Vec<Cabinet>,
    /// When who wants the time. Entries go stale when its next moment moves; stale ones do no harm.
    timers: BinaryHeap<Reverse<(Timestamp, Unit)>>,
    clock: RoleClock,
    out: Vec<Message>,
}

impl Fleet {
    async fn run(mut self, mut events: mpsc::Receiver<(Unit, BusEvent)>, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let due = self.timers.peek().map(|Reverse((at, _))| *at);
            tokio::select! {
                Some((unit, event)) = events.recv() => match unit {
                    Unit::Lamp(index) => self.lamp_event(index, event),
                    Unit::Cabinet(index) => self.cabinet_event(index, event),
                },
                Some(message) = next(&mut self.senses) => self.world(&message),
                () = sleep(self.clock.sleep_until(due)) => {}
                _ = stop.changed() => {}
            }
            self.tick();
        }
        let cabinets = self.cabinets.into_iter().map(Cabinet::into_connection);
        let lamps = self.lamps.into_iter().filter_map(|lamp| lamp.connection);
        let mut connections: Vec<Connection> = cabinets.chain(lamps).collect();
        connections.iter_mut().for_each(Connection::leaves);
        join_all(connections.into_iter().map(Connection::closed)).await;
        if let Some(senses) = &mut self.senses {
            senses.port.close().await;
        }
    }

    fn lamp_event(&mut self, index: usize, event: BusEvent) {
        let Some(now) = self.now() else { return };
        let lamp = &mut self.lamps[index];
        let (id, Some(connection)) = (lamp.role.id(), &mut lamp.connection) else { return };
        let inputs = match event {
            BusEvent::Connected => {
                connection.stands(now);
                vec![BusInput::Connected]
            }
            BusEvent::Message(received) => {
                let link = self.senses.as_ref().map(|senses| &senses.link);
                match connection.reads(link, now, &received) {
                    Ok(inputs) => inputs,
                    Err(error) => {
                        let topic = received.topic();
                        tracing::debug!(topic, %error, "a luminaire ignores what it does not understand");
                        return;
                    }
                }
            }
            BusEvent::Disconnected { reason } => {
                tracing::debug!(luminaire = %id, reason, "bus lost");
                return;
            }
            BusEvent::Refused { reason } => {
                tracing::warn!(luminaire = %id, reason, "refused by the bus");
                return;
            }
        };
        for input in inputs {
            self.with(index, |role, now, out| role.handle(now, input, out));
        }
    }

    fn now(&self) -> Option<Moment> {
        let wall = wall_now();
        Some(Moment { wall, city: self.clock.now()? })
    }

    fn world(&mut self, message: &Message) {
        match message {
            Message::Clock(state) => self.clock.follow(*state),
            Message::Presence(walkers) => self.presence(walkers),
            Message::Fault { luminaire, .. } => {
                let index = luminaire.0.wrapping_sub(1) as usize;
                if index < self.lamps.len() {
                    let input = BusInput::Message(message.clone());
                    self.with(index, |role, now, out| role.handle(now, input, out));
                }
            }
            Message::CabinetEvent { cabinet, .. } => self.happen_at_cabinet(*cabinet, message),
            _ => {}
        }
    }

    fn presence(&mut self, walkers: &[Walker]) {
        let Some(now) = self.clock.now() else { return };
        for id in self.sensors.sense(now, walkers) {
            let index = id.0 as usize - 1;
            self.with(index, |role, now, out| role.sense_presence(now, out));
        }
    }

    fn tick(&mut self) {
        let Some(now) = self.clock.now() else { return };
        while let Some(&Reverse((at, unit))) = self.timers.peek()
            && at <= now
        {
            self.timers.pop();
            let is_due = |next: Option<Timestamp>| next.is_some_and(|due| due <= now);
            match unit {
                Unit::Lamp(index) if is_due(self.lamps[index].role.next_timeout()) => {
                    self.with(index, |role, now, out| role.handle_timeout(now, out));
                }
                Unit::Cabinet(index) if is_due(self.cabinets[index].role.next_timeout()) => {
                    self.with_cabinet(index, |role, now, out| role.handle_timeout(now, out));
                }
                _ => {}
            }
        }
    }

    /// Lets one luminaire act, publishes what it says, and notes when it wants the time next.
    fn with(&mut self, index: usize, act: impl FnOnce(&mut LuminaireRole, Timestamp, &mut Vec<Message>)) {
        let Some(moment) = self.now() else { return };
        let now = moment.city;
        let lamp = &mut self.lamps[index];
        let Some(connection) = &mut lamp.connection else { return };
        let before = lamp.role.next_timeout();
        act(&mut lamp.role, now, &mut self.out);
        let link = self.senses.as_ref().map(|senses| &senses.link);
        self.out.iter().for_each(|message| connection.says(link, moment, message));
        if let Some(senses) = self.senses.as_mut().filter(|_| self.mirrors) {
            self.out.drain(..).for_each(|message| senses.port.send(message));
        }
        self.out.clear();
        let next = lamp.role.next_timeout();
        self.note_timer(now, before, next, Unit::Lamp(index));
    }

    /// Notes when a client wants the time next, unless that is noted already.
    fn note_timer(&mut self, now: Timestamp, before: Option<Timestamp>, next: Option<Timestamp>, unit: Unit) {
        match next {
            Some(next) if before != Some(next) || next <= now => self.timers.push(Reverse((next, unit))),
            _ => {}
        }
    }
}
