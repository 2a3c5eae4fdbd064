//! The simulated luminaires and cabinets: each is an MQTT client of its own, all run by one task.

mod cabinets;

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::sync::Arc;

use city::{ORIGIN, Plan};
use scenario::{Cast, CastError};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use types::{Core, LuminaireId, Timestamp};
use wire::roles::LuminaireRole;
use wire::{BusInput, Message, RoleName, Walker, decode, encode, prefix};

use self::cabinets::Cabinet;
use crate::bus::{BusClient, BusEvent, ClientOptions};
use crate::link::{Link, Port};
use crate::time::RoleClock;

/// How far a presence sensor sees \[m\].
const SENSOR_RANGE_M: f64 = 35.0;
/// Events of all clients waiting for the fleet's task.
const EVENTS_MAX: usize = 16_384;
/// The fleet's own client, beside those of the luminaires: hears the clock, who walks where, and faults to put in.
const WORLD_FILTERS: [&str; 3] = ["sim/clock", "sim/presence", "sim/fault/+/+"];

/// Runs all cabinets of `cast`, and all its luminaires but those `left_out` – to devices from outside – until `stop` says so.
///
/// # Errors
///
/// [`CastError`] if a luminaire of the plan cannot be made.
pub async fn run(
    link: Link,
    cast: Cast,
    left_out: BTreeSet<LuminaireId>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), CastError> {
    let (mut port, mut world) = link.connect(RoleName::Fleet, &WORLD_FILTERS);
    let mut clock = RoleClock::City(None);
    let start = loop {
        if let Some(now) = clock.now() {
            break now;
        }
        tokio::select! {
            Some(((), event)) = world.recv() => match event {
                BusEvent::Connected => link.tell_ready(RoleName::Fleet),
                BusEvent::Message(received) => if let Some(Message::Clock(state)) = port.read(&received) {
                    clock.follow(state);
                },
                BusEvent::Disconnected { .. } | BusEvent::Refused { .. } => {}
            },
            _ = stop.changed() => return Ok(()),
        }
    };
    let (sender, events) = mpsc::channel(EVENTS_MAX);
    let cabinets: Vec<Cabinet> = cast
        .cabinets(start)
        .into_iter()
        .enumerate()
        .map(|(index, role)| Cabinet::new(&link, role, index, sender.clone()))
        .collect();
    let lamps: Vec<Lamp> = cast
        .luminaires(start)?
        .into_iter()
        .enumerate()
        .map(|(index, role)| {
            let present = !left_out.contains(&role.id());
            let bus = present.then(|| {
                let (id, unit) = (role.id().to_string(), Unit::Lamp(index));
                connect(&link, id, &role.will(), &role.filter(), unit, sender.clone())
            });
            Lamp { role, bus }
        })
        .collect();
    tracing::info!(
        luminaires = lamps.len(),
        cabinets = cabinets.len(),
        left_out = left_out.len(),
        "fleet connects"
    );
    // From the start: a moment that the first inputs do not move would otherwise never be noted.
    let lamp_timers = lamps
        .iter()
        .enumerate()
        .filter(|(_, lamp)| lamp.bus.is_some())
        .filter_map(|(index, lamp)| Some(Reverse((lamp.role.next_timeout()?, Unit::Lamp(index)))));
    let cabinet_timers = cabinets
        .iter()
        .enumerate()
        .filter_map(|(index, cabinet)| Some(Reverse((cabinet.role.next_timeout()?, Unit::Cabinet(index)))));
    let timers = cabinet_timers.chain(lamp_timers).collect();
    let fleet = Fleet { link, plan: cast.plan().clone(), lamps, cabinets, timers, clock, out: Vec::new() };
    fleet.run(port, world, events, stop).await;
    Ok(())
}

/// A device's client: its name is its id.
fn connect(
    link: &Link,
    id: String,
    will: &Message,
    filter: &str,
    unit: Unit,
    events: mpsc::Sender<(Unit, BusEvent)>,
) -> BusClient {
    let options = ClientOptions {
        address: link.address.clone(),
        credentials: link.credentials(&id),
        client_id: id,
        device: true,
        will: Some(encode(link.run, will)),
        filters: vec![format!("{}{filter}", prefix(link.run))],
    };
    BusClient::spawn(options, unit, events)
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
    bus: Option<BusClient>,
}

struct Fleet {
    link: Link,
    plan: Arc<Plan>,
    lamps: Vec<Lamp>,
    cabinets: Vec<Cabinet>,
    /// When who wants the time. Entries go stale when its next moment moves; stale ones do no harm.
    timers: BinaryHeap<Reverse<(Timestamp, Unit)>>,
    clock: RoleClock,
    out: Vec<Message>,
}

impl Fleet {
    async fn run(
        mut self,
        mut port: Port,
        mut world: mpsc::Receiver<((), BusEvent)>,
        mut events: mpsc::Receiver<(Unit, BusEvent)>,
        mut stop: watch::Receiver<bool>,
    ) {
        while !*stop.borrow() {
            let due = self.timers.peek().map(|Reverse((at, _))| *at);
            tokio::select! {
                Some((unit, event)) = events.recv() => self.event(unit, event),
                Some(((), event)) = world.recv() => if let BusEvent::Message(received) = event
                    && let Some(message) = port.read(&received) {
                    self.world(&message);
                },
                () = sleep(self.clock.sleep_until(due)) => {}
                _ = stop.changed() => {}
            }
            self.tick();
        }
        for bus in self.clients() {
            bus.disconnect();
        }
        for bus in self.clients() {
            bus.closed().await;
        }
        port.close().await;
    }

    fn clients(&self) -> impl Iterator<Item = &BusClient> {
        let lamps = self.lamps.iter().filter_map(|lamp| lamp.bus.as_ref());
        self.cabinets.iter().map(|cabinet| &cabinet.bus).chain(lamps)
    }

    fn event(&mut self, unit: Unit, event: BusEvent) {
        let input = match event {
            BusEvent::Connected => BusInput::Connected,
            BusEvent::Message(received) => match decode(self.link.run, received.delivery()) {
                Ok(message) => BusInput::Message(message),
                Err(error) => {
                    tracing::debug!(topic = received.topic(), %error, "a device ignores what it does not understand");
                    return;
                }
            },
            BusEvent::Disconnected { reason } => {
                tracing::debug!(?unit, reason, "bus lost");
                return;
            }
            BusEvent::Refused { reason } => {
                tracing::warn!(?unit, reason, "refused by the bus");
                return;
            }
        };
        match unit {
            Unit::Lamp(index) => self.with(index, |role, now, out| role.handle(now, input, out)),
            Unit::Cabinet(index) => self.with_cabinet(index, |role, now, out| role.handle(now, input, out)),
        }
    }

    fn world(&mut self, message: &Message) {
        match message {
            Message::Clock(state) => self.clock.follow(*state),
            Message::Presence(walkers) => walkers.iter().for_each(|walker| self.presence(walker)),
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

    fn presence(&mut self, walker: &Walker) {
        let (x, y) = walker.at.metres_from(ORIGIN);
        let plan = self.plan.clone();
        for site in plan.luminaires_near(x, y, SENSOR_RANGE_M) {
            let index = site.id.0 as usize - 1;
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

    /// Notes when a client wants the time next, unless that is noted already.
    fn note_timer(&mut self, before: Option<Timestamp>, next: Option<Timestamp>, unit: Unit) {
        let Some(next) = next else { return };
        if before != Some(next) || self.clock.now().is_some_and(|now| next <= now) {
            self.timers.push(Reverse((next, unit)));
        }
    }

    /// Lets one luminaire act, publishes what it says, and notes when it wants the time next.
    fn with(&mut self, index: usize, act: impl FnOnce(&mut LuminaireRole, Timestamp, &mut Vec<Message>)) {
        let Some(now) = self.clock.now() else { return };
        let lamp = &mut self.lamps[index];
        let Some(bus) = &lamp.bus else { return };
        let before = lamp.role.next_timeout();
        act(&mut lamp.role, now, &mut self.out);
        for message in self.out.drain(..) {
            // A full queue means no connection: everything is told anew when it is back.
            let _ = bus.publish(encode(self.link.run, &message));
        }
        let next = lamp.role.next_timeout();
        self.note_timer(before, next, Unit::Lamp(index));
    }
}
