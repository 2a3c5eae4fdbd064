use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use scenario::{Cast, CastError, Observer, Sensors};
use types::{RunId, Timestamp};
use wire::{ClockState, Message, Role, RoleName};

use crate::cabinets::Cabinet;
use crate::client::{Client, Link, NEVER, Who, luminaire_at};
use crate::clock::LocalClock;
use crate::delivery::{Down, Flight};
use crate::digest::Digest;
use crate::lamps::Lamp;
use crate::network::Network;
use crate::outbox::Outbox;
use crate::retained::Retained;
use crate::routes::Routes;
use crate::service::{ROLES, Service};
use crate::slab::Slab;
use crate::wheel::Wheel;

/// A city in virtual time.
///
/// Everyone connects at the start. Call [`run_until`](Self::run_until) as often as you like: where it stops between two
/// calls changes nothing.
pub struct Sim {
    pub(crate) cast: Cast,
    pub(crate) run: RunId,
    pub(crate) now: Timestamp,
    pub(crate) queue: Wheel<Due>,
    /// Messages that are on their way down as fast as any, the next to arrive first.
    pub(crate) downs: VecDeque<Down>,
    /// All others on their way.
    pub(crate) flights: Slab<Flight>,
    /// By place in [`RoleName::ALL`].
    pub(crate) services: [Option<Service>; RoleName::ALL.len()],
    /// The same places; also of roles that run elsewhere or nowhere.
    pub(crate) links: [Link; RoleName::ALL.len()],
    /// The same places.
    pub(crate) outboxes: [Outbox; RoleName::ALL.len()],
    pub(crate) lamps: Box<[Lamp]>,
    pub(crate) cabinets: Box<[Cabinet]>,
    /// The clocks that are not the city's, by place of the luminaire.
    pub(crate) clocks: BTreeMap<usize, LocalClock>,
    pub(crate) sensors: Sensors,
    pub(crate) network: Network,
    pub(crate) routes: Arc<Routes>,
    pub(crate) retained: Retained,
    /// When the broker is back, if it is gone.
    pub(crate) broker_down_until: Option<Timestamp>,
    /// When it last went.
    pub(crate) broker_lost_at: Timestamp,
    pub(crate) digest: Digest,
    pub(crate) events: u64,
    pub(crate) messages: u64,
    /// Emptied lists, for their memory.
    pub(crate) spare: Vec<Vec<Message>>,
    pub(crate) lamp_outputs: Vec<lighting::luminaire::Output>,
}

/// Something due. Small: the wheel moves it about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    pub(crate) client: Client,
    pub(crate) what: What,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    /// The client wants the time.
    Timeout,
    /// A message, by number, is at the end of its way.
    Arrival(u32),
    /// The client tries to connect.
    Connect,
    /// The broker looks for connections that died.
    KeepAlive,
    /// A disturbance may be over.
    Calm,
    /// The broker may be back.
    BrokerBack,
    /// The role may start again.
    Restart,
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim")
            .field("now", &self.now)
            .field("events", &self.events)
            .field("messages", &self.messages)
            .finish_non_exhaustive()
    }
}

impl Sim {
    /// The city of `cast`, waking at `start`.
    ///
    /// # Errors
    ///
    /// [`CastError`] if a role cannot be made.
    pub fn new(cast: &Cast, run: RunId, start: Timestamp) -> Result<Self, CastError> {
        let mut services = [const { None }; RoleName::ALL.len()];
        for role in ROLES {
            services[role as usize] = Service::new(cast, role)?;
        }
        let lamps: Box<[Lamp]> = cast.luminaires(start)?.into_iter().map(Lamp::new).collect();
        let cabinets: Box<[Cabinet]> = cast.cabinets(start).into_iter().map(Cabinet::new).collect();
        let mut sim = Self {
            cast: cast.clone(),
            run,
            now: start,
            queue: Wheel::new(start),
            downs: VecDeque::new(),
            flights: Slab::new(),
            routes: Arc::new(routes(&services)),
            services,
            links: [const { Link::new() }; RoleName::ALL.len()],
            outboxes: Default::default(),
            clocks: BTreeMap::new(),
            sensors: Sensors::new(cast.plan().clone()),
            network: Network::new(cast.plan().spec().seed),
            retained: Retained::new(lamps.len(), cabinets.len()),
            lamps,
            cabinets,
            broker_down_until: None,
            broker_lost_at: start,
            digest: Digest::new(run),
            events: 0,
            messages: 0,
            spare: Vec::new(),
            lamp_outputs: Vec::new(),
        };
        for client in sim.clients() {
            sim.queue.push(start, Due { client, what: What::Connect });
        }
        Ok(sim)
    }

    /// Runs until the clock shows `until`: everything that is due then or before has happened. Shows each message to
    /// `observer` as it reaches the broker, and does what it orders.
    ///
    /// # Panics
    ///
    /// If the payer's books are wrong ([`medpay::Payer::audit`]), which no run can cause: it says which invariant is
    /// broken, and the seed and the moment at which that is seen.
    pub fn run_until(&mut self, until: Timestamp, observer: &mut impl Observer) {
        let mut orders = Vec::new();
        let mut woken = None;
        loop {
            // An observer that wants the time again at the moment it got it, gets it a millisecond later.
            let again = woken.map_or(self.now, |at: Timestamp| self.now.max(at.plus_millis(1)));
            let wake = observer.wakes_at().map_or(NEVER, |at| at.max(again));
            // While messages wait to be chosen, time stands.
            let stands = self.network.has_waiting();
            let until = if stands { self.now } else { until };
            let limit = until.min(wake.plus_millis(-1));
            let down = self.downs.front().map_or(NEVER, |down| down.at);
            if let Some((at, due)) = self.next_due(limit.min(down)) {
                self.now = at;
                self.act(due, observer);
            } else if down <= limit {
                self.now = down;
                self.come_down(observer);
            } else if wake <= until {
                (self.now, woken) = (wake, Some(wake));
                observer.wake(wake, &mut orders);
                for order in orders.drain(..) {
                    self.obey(order, observer);
                }
            } else if stands && self.take_turn(observer) {
                woken = None;
            } else {
                break;
            }
        }
        self.now = self.now.max(until);
        let now = self.now;
        self.services.iter_mut().flatten().for_each(|service| service.look_at_books(now));
    }

    /// Has `role` play in place of the city's role of that name, from its start. It keeps no journal: after a crash it
    /// goes on as it was.
    pub fn replace(&mut self, role: Box<dyn Role>) {
        let place = role.name() as usize;
        self.services[place] = Some(Service::stranger(role));
        self.routes = Arc::new(routes(&self.services));
    }

    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// A number that two runs share only if every role said the same at the same moments in the same order.
    pub fn digest(&self) -> u64 {
        self.digest.value()
    }

    /// How often a luminaire or a service took an input or the time.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Messages that reached the broker.
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// How many luminaires there are.
    pub fn luminaires(&self) -> usize {
        self.lamps.len()
    }

    /// Everyone, in the order in which they connect.
    pub(crate) fn clients(&self) -> impl Iterator<Item = Client> + use<> {
        let cabinets = (0..self.cabinets.len()).map(Client::cabinet);
        let lamps = (0..self.lamps.len()).map(Client::lamp);
        RoleName::ALL.into_iter().map(Client::role).chain(cabinets).chain(lamps)
    }

    /// What is due first, within `limit`. Warms the luminaires that are due soon: a large city is in no cache.
    fn next_due(&mut self, limit: Timestamp) -> Option<(Timestamp, Due)> {
        let (lamps, services) = (&self.lamps, &self.services);
        let cms = services[RoleName::Lighting as usize].as_ref();
        self.queue.pop(limit, |due, many| {
            if let (What::Timeout, Who::Lamp(index)) = (due.what, due.client.who()) {
                // If many at one moment, their messages arrive only after all of them have had the time.
                let cms = cms.filter(|_| !many);
                let known = cms.map_or(0, |cms| cms.role.warm(luminaire_at(index)));
                std::hint::black_box(known ^ lamps[index].warm());
            }
        })
    }

    fn act(&mut self, due: Due, observer: &mut impl Observer) {
        match (due.what, due.client.who()) {
            (What::Timeout, Who::Lamp(index)) => self.lamp_timeout(index, observer),
            (What::Timeout, Who::Cabinet(index)) => self.cabinet_timeout(index, observer),
            (What::Timeout, Who::Role(place)) => self.service_timeout(place, observer),
            (What::Arrival(number), _) => self.arrive(due.client, number, observer),
            (What::Connect, _) => self.connect(due.client, observer),
            (What::KeepAlive, _) => self.drop_dead(observer),
            (What::Calm, _) => self.calm_down(),
            (What::BrokerBack, _) => self.broker_back(observer),
            (What::Restart, _) => self.restart(due.client, observer),
        }
    }

    fn service_timeout(&mut self, place: usize, observer: &mut impl Observer) {
        let now = self.now;
        let link = &mut self.links[place];
        if link.armed != now {
            return;
        }
        link.armed = NEVER;
        let Some(service) = &mut self.services[place] else { return };
        if service.down_until.is_some() {
            return;
        }
        if service.role.next_timeout().is_some_and(|due| due <= now) {
            self.events += 1;
            let mut out = self.spare.pop().unwrap_or_default();
            service.handle_timeout(now, &mut out);
            self.send_all(Client::role(RoleName::ALL[place]), out, observer);
        }
        self.arm_service(place);
    }

    /// Queues a role for when it wants the time next, unless it is queued for an earlier moment.
    pub(crate) fn arm_service(&mut self, place: usize) {
        let Some(service) = self.services[place].as_ref().filter(|service| service.down_until.is_none())
        else {
            return;
        };
        let Some(next) = service.role.next_timeout() else { return };
        let at = next.max(self.now.plus_millis(1));
        if at < self.links[place].armed {
            self.links[place].armed = at;
            self.queue.push(at, Due { client: Client::role(RoleName::ALL[place]), what: What::Timeout });
        }
    }

    /// What the city's clock says of itself: here it is the wall's.
    pub(crate) fn clock_state(&self) -> Message {
        Message::Clock(ClockState::running(self.now, self.now, 1))
    }
}

/// Where messages go. The fleet's own client hears what happens in the streets; luminaires are told apart by number.
fn routes(services: &[Option<Service>]) -> Routes {
    let fleet = (RoleName::Fleet, vec!["sim/clock", "sim/presence", "sim/fault/+/+"]);
    let services = services.iter().flatten().map(|service| (service.role.name(), service.role.filters()));
    Routes::new(services.chain([fleet]))
}
