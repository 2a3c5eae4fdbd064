//! The simulated luminaires: each is an MQTT client of its own, all run by one task.

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

use crate::bus::{BusClient, BusEvent, ClientOptions};
use crate::link::{Link, Port};
use crate::time::RoleClock;

/// How far a presence sensor sees \[m\].
const SENSOR_RANGE_M: f64 = 35.0;
/// Events of all luminaires waiting for the fleet's task.
const EVENTS_MAX: usize = 16_384;
/// The fleet's own client, beside those of the luminaires: hears the clock, who walks where, and faults to put in.
const WORLD_FILTERS: [&str; 3] = ["sim/clock", "sim/presence", "sim/fault/+/+"];

/// Runs all luminaires of `cast` but those `left_out` – to devices from outside – until `stop` says so.
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
    let (sender, lamp_events) = mpsc::channel(EVENTS_MAX);
    let lamps: Vec<Lamp> = cast
        .luminaires(start)?
        .into_iter()
        .enumerate()
        .map(|(index, role)| {
            let present = !left_out.contains(&role.id());
            Lamp { bus: present.then(|| connect(&link, &role, index, sender.clone())), role }
        })
        .collect();
    tracing::info!(luminaires = lamps.len(), left_out = left_out.len(), "fleet connects");
    // From the start: a moment that the first inputs do not move would otherwise never be noted.
    let timers = lamps
        .iter()
        .enumerate()
        .filter(|(_, lamp)| lamp.bus.is_some())
        .filter_map(|(index, lamp)| Some(Reverse((lamp.role.next_timeout()?, index))))
        .collect();
    let fleet = Fleet { link, plan: cast.plan().clone(), lamps, timers, clock, out: Vec::new() };
    fleet.run(port, world, lamp_events, stop).await;
    Ok(())
}

fn connect(
    link: &Link,
    role: &LuminaireRole,
    index: usize,
    events: mpsc::Sender<(usize, BusEvent)>,
) -> BusClient {
    let id = role.id().to_string();
    let options = ClientOptions {
        address: link.address.clone(),
        credentials: link.credentials(&id),
        client_id: id,
        device: true,
        will: Some(encode(link.run, &role.will())),
        filters: vec![format!("{}{}", prefix(link.run), role.filter())],
    };
    BusClient::spawn(options, index, events)
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
    /// When which luminaire wants the time. Entries go stale when its next moment moves; stale ones do no harm.
    timers: BinaryHeap<Reverse<(Timestamp, usize)>>,
    clock: RoleClock,
    out: Vec<Message>,
}

impl Fleet {
    async fn run(
        mut self,
        mut port: Port,
        mut world: mpsc::Receiver<((), BusEvent)>,
        mut lamp_events: mpsc::Receiver<(usize, BusEvent)>,
        mut stop: watch::Receiver<bool>,
    ) {
        while !*stop.borrow() {
            let due = self.timers.peek().map(|Reverse((at, _))| *at);
            tokio::select! {
                Some((index, event)) = lamp_events.recv() => self.lamp_event(index, event),
                Some(((), event)) = world.recv() => if let BusEvent::Message(received) = event
                    && let Some(message) = port.read(&received) {
                    self.world(&message);
                },
                () = sleep(self.clock.sleep_until(due)) => {}
                _ = stop.changed() => {}
            }
            self.tick();
        }
        for bus in self.lamps.iter().filter_map(|lamp| lamp.bus.as_ref()) {
            bus.disconnect();
        }
        for bus in self.lamps.iter().filter_map(|lamp| lamp.bus.as_ref()) {
            bus.closed().await;
        }
        port.close().await;
    }

    fn lamp_event(&mut self, index: usize, event: BusEvent) {
        let input = match event {
            BusEvent::Connected => BusInput::Connected,
            BusEvent::Message(received) => match decode(self.link.run, received.delivery()) {
                Ok(message) => BusInput::Message(message),
                Err(error) => {
                    tracing::debug!(topic = received.topic(), %error, "a luminaire ignores what it does not understand");
                    return;
                }
            },
            BusEvent::Disconnected { reason } => {
                tracing::debug!(luminaire = %self.lamps[index].role.id(), reason, "bus lost");
                return;
            }
            BusEvent::Refused { reason } => {
                tracing::warn!(luminaire = %self.lamps[index].role.id(), reason, "refused by the bus");
                return;
            }
        };
        self.with(index, |role, now, out| role.handle(now, input, out));
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
        while let Some(&Reverse((at, index))) = self.timers.peek()
            && at <= now
        {
            self.timers.pop();
            if self.lamps[index].role.next_timeout().is_some_and(|due| due <= now) {
                self.with(index, |role, now, out| role.handle_timeout(now, out));
            }
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
        match lamp.role.next_timeout() {
            Some(next) if before != Some(next) || next <= now => self.timers.push(Reverse((next, index))),
            _ => {}
        }
    }
}
