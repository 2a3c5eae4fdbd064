//! Orders, and coming and going of connections.

use scenario::{Disturbance, Luminaires, Observer, Order};
use types::Timestamp;
use wire::{BusInput, Light, Message, RoleName};

use crate::Sim;
use crate::client::{Client, Who, index_of};
use crate::clock::LocalClock;
use crate::sim::{Due, What};

/// A luminaire that nothing was heard of for so long is dead to the broker, which says so for it \[ms\].
pub const KEEP_ALIVE_MS: i64 = 90_000;
/// After the broker or a link is back, clients connect within this time, each at a moment of its own \[ms\].
const RECONNECT_SPREAD_MS: u64 = 5_000;

impl Sim {
    pub(crate) fn obey(&mut self, order: Order, observer: &mut impl Observer) {
        match order {
            Order::Send(message) => {
                self.send_up(Client::role(RoleName::Scenario), &message, observer);
            }
            Order::Disturb(disturbance) => self.disturb(disturbance),
            Order::BrokerOutage { until } => self.take_broker_away(until),
            Order::Crash { role, until } => self.crash(role, until),
            Order::Drift { who, ppm, step_ms } => self.drift(who, ppm, step_ms, observer),
        }
    }

    fn disturb(&mut self, disturbance: Disturbance) {
        if disturbance.until <= self.now {
            return;
        }
        let client = Client::role(RoleName::Scenario);
        if self.network.begin(self.now, disturbance, self.clients()) {
            let at = self.now.plus_millis(KEEP_ALIVE_MS);
            self.queue.push(at, Due { client, what: What::KeepAlive });
        }
        self.queue.push(disturbance.until, Due { client, what: What::Calm });
    }

    /// Forgets disturbances that are over. Clients that were cut off for long must connect anew.
    pub(crate) fn calm_down(&mut self) {
        for client in self.network.end(self.now) {
            if !self.link_mut(client).connected {
                self.connect_soon(client);
            }
        }
    }

    /// The broker drops clients it has heard nothing of, and publishes their wills.
    pub(crate) fn drop_dead(&mut self, observer: &mut impl Observer) {
        for client in self.network.cut_since(self.now.plus_millis(-KEEP_ALIVE_MS)) {
            let link = self.link_mut(client);
            if std::mem::take(&mut link.connected) {
                link.disconnect();
                self.publish_will(client, observer);
            }
        }
    }

    fn publish_will(&mut self, client: Client, observer: &mut impl Observer) {
        let will = match client.who() {
            Who::Lamp(index) => self.lamps[index].role.will(),
            Who::Cabinet(index) => self.cabinets[index].role.will(),
            Who::Role(_) => return,
        };
        self.publish(client, &will, observer);
    }

    fn take_broker_away(&mut self, until: Timestamp) {
        if until <= self.now {
            return;
        }
        let until = self.broker_down_until.map_or(until, |before| before.max(until));
        if self.broker_down_until.replace(until).is_none() {
            self.broker_lost_at = self.now;
        }
        for client in self.clients() {
            self.link_mut(client).disconnect();
        }
        let client = Client::role(RoleName::Scenario);
        self.queue.push(until, Due { client, what: What::BrokerBack });
    }

    /// The broker is back with what it kept. If it was away for long, it takes those who were connected for dead.
    pub(crate) fn broker_back(&mut self, observer: &mut impl Observer) {
        if self.broker_down_until.is_none_or(|until| until > self.now) {
            return;
        }
        self.broker_down_until = None;
        let long = self.now.millis_since(self.broker_lost_at) >= KEEP_ALIVE_MS;
        for client in self.clients() {
            if long && self.retained.is_online(client.who()) {
                self.publish_will(client, observer);
            }
        }
        for client in self.clients() {
            self.connect_soon(client);
        }
    }

    /// Queues a client to connect, a little later than others.
    fn connect_soon(&mut self, client: Client) {
        let link = self.link_mut(client);
        let (session, place) = (link.session, u64::from(client.number()) << 16);
        let mut chance = self.cast.plan().spec().seed.stream("reconnect", place | u64::from(session));
        let at = match client.who() {
            // The scenario is no client of the network.
            Who::Role(role) if role == RoleName::Scenario as usize => self.now,
            _ => self.now.plus_millis(chance.below(RECONNECT_SPREAD_MS) as i64),
        };
        self.queue.push(at, Due { client, what: What::Connect });
    }

    /// Connects a client, unless something is in its way; what is then will have it try again.
    pub(crate) fn connect(&mut self, client: Client, observer: &mut impl Observer) {
        let crashed =
            |place: usize| self.services[place].as_ref().is_some_and(|service| service.down_until.is_some());
        let down = matches!(client.who(), Who::Role(place) if crashed(place));
        if self.broker_down_until.is_some() || self.network.is_cut(client) || down {
            return;
        }
        if std::mem::replace(&mut self.link_mut(client).connected, true) {
            return;
        }
        match client.who() {
            Who::Lamp(index) => {
                if let Some(programme) = self.retained.programme(index).cloned() {
                    let role = &self.lamps[index].role;
                    let (district, luminaire) = (role.district(), role.id());
                    let message = Message::Light { district, luminaire, body: Light::Programme(programme) };
                    self.send_down(client, Some(index), &message);
                }
                self.tell_lamp(index, BusInput::Connected, observer);
            }
            Who::Cabinet(index) => self.tell_cabinet(index, BusInput::Connected, observer),
            Who::Role(place) if place == RoleName::Clock as usize => {
                let state = self.clock_state();
                self.send_up(client, &state, observer);
            }
            Who::Role(place) => {
                self.send_retained(RoleName::ALL[place]);
                self.empty_outbox(client, observer);
                self.tell_service(place, BusInput::Connected, observer);
            }
        }
    }

    /// Sends a role what is kept for it.
    fn send_retained(&mut self, role: RoleName) {
        let (lamps, cabinets) = (&self.lamps, &self.cabinets);
        let all = self.retained.all(|who| match who {
            Who::Cabinet(index) => cabinets[index].role.district(),
            Who::Lamp(index) | Who::Role(index) => lamps[index].role.district(),
        });
        let kept: Vec<Message> = all.filter(|message| self.routes.of(message).contains(role)).collect();
        for message in kept {
            let about = self.about(Client::role(role), &message);
            self.send_down(Client::role(role), about, &message);
        }
    }

    fn crash(&mut self, role: RoleName, until: Timestamp) {
        if until <= self.now {
            return;
        }
        let client = Client::role(role);
        let Some(service) = &mut self.services[role as usize] else { return };
        let until = service.down_until.map_or(until, |before| before.max(until));
        service.down_until = Some(until);
        self.link_mut(client).disconnect();
        self.queue.push(until, Due { client, what: What::Restart });
    }

    /// A role starts again from its journal, and connects.
    pub(crate) fn restart(&mut self, client: Client, observer: &mut impl Observer) {
        let Who::Role(place) = client.who() else { return };
        let Some(service) = &mut self.services[place] else { return };
        if service.down_until.is_none_or(|until| until > self.now) {
            return;
        }
        service.restart(&self.cast);
        service.look_at_books(self.now);
        self.connect(client, observer);
        self.arm_service(place);
    }

    fn drift(&mut self, who: Luminaires, ppm: i32, step_ms: i64, observer: &mut impl Observer) {
        let (Some(first), Some(last)) = (index_of(who.first), index_of(who.last)) else { return };
        for index in first..=last.min(self.lamps.len() - 1) {
            let local = self.lamp_now(index).plus_millis(step_ms);
            if step_ms != 0 {
                self.with_lamp(index, observer, |role, now, out| role.step_clock(now, step_ms, out));
            }
            self.clocks.insert(index, LocalClock::new(self.now, local, ppm));
            self.lamps[index].link.skewed = true;
            self.arm_lamp(index);
        }
    }
}
