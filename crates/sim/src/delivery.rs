//! The way of a message: up to the broker, and down to each listener.

use scenario::Observer;
use types::Timestamp;
use wire::{BusInput, Light, Message, RoleName};

use crate::Sim;
use crate::client::{Client, Link, Who, index_of};
use crate::network::Way;
use crate::sim::{Due, What};

/// How long a message takes from the broker to a listener \[ms\].
const DOWN_MS: i64 = 20;

/// A message on its way.
#[derive(Debug)]
pub(crate) struct Flight {
    message: Message,
    way: Way,
    /// In which connection it travels.
    session: u16,
}

impl Sim {
    /// Sends what a client says, and keeps the emptied list.
    pub(crate) fn send_all(&mut self, from: Client, mut said: Vec<Message>, observer: &mut impl Observer) {
        for message in said.drain(..) {
            self.send_up(from, message, observer);
        }
        self.spare.push(said);
    }

    /// Sends a message up. Without a connection it is lost: a client tells how things stand when it is back.
    pub(crate) fn send_up(&mut self, from: Client, message: Message, observer: &mut impl Observer) {
        let link = self.link_mut(from);
        link.sent = link.sent.wrapping_add(1);
        if !link.connected {
            return;
        }
        let (index, session) = (link.sent, link.session);
        if self.network.is_quiet() {
            self.publish(from, message, observer);
            return;
        }
        let arrivals = self.network.arrivals((from, Way::Up), index, self.now, self.now);
        for &at in arrivals.as_slice() {
            if at <= self.now {
                self.publish(from, message.clone(), observer);
            } else {
                let flight = Flight { message: message.clone(), way: Way::Up, session };
                self.fly(from, at, flight);
            }
        }
    }

    /// A message is at the broker.
    pub(crate) fn publish(&mut self, from: Client, message: Message, observer: &mut impl Observer) {
        self.messages += 1;
        let chain = self.link_mut(from).chain;
        let chain = self.digest.note(from, chain, self.now, &message);
        self.link_mut(from).chain = chain;
        observer.observe(self.now, &message);
        self.retained.keep(&message);
        self.route(message);
    }

    fn route(&mut self, message: Message) {
        if let Some(index) = self.addressee(&message) {
            self.send_down(Client::lamp(index), message.clone());
        }
        let mut listeners = self.routes.of(&message);
        let Some(mut role) = listeners.next() else { return };
        for next in listeners {
            self.send_down(Client::role(role), message.clone());
            role = next;
        }
        self.send_down(Client::role(role), message);
    }

    /// The luminaire that a message is for.
    fn addressee(&self, message: &Message) -> Option<usize> {
        let Message::Light { district, luminaire, body: Light::Command(_) | Light::Programme(_) } = message
        else {
            return None;
        };
        let index = index_of(*luminaire)?;
        // Its filter names its district, too.
        self.lamps.get(index).filter(|lamp| lamp.role.district() == *district).map(|_| index)
    }

    /// Sends a message down, if the client is there to take it.
    pub(crate) fn send_down(&mut self, to: Client, message: Message) {
        let link = self.link_mut(to);
        if !link.connected {
            return;
        }
        link.received = link.received.wrapping_add(1);
        let (index, session) = (link.received, link.session);
        let at = self.now.plus_millis(DOWN_MS);
        if self.network.is_quiet() {
            self.fly(to, at, Flight { message, way: Way::Down, session });
            return;
        }
        let arrivals = self.network.arrivals((to, Way::Down), index, self.now, at);
        for &at in arrivals.as_slice() {
            self.fly(to, at, Flight { message: message.clone(), way: Way::Down, session });
        }
    }

    fn fly(&mut self, client: Client, at: Timestamp, flight: Flight) {
        let number = self.flights.insert(flight);
        self.queue.push(at, Due { client, what: What::Arrival(number) });
    }

    /// A message is at the end of its way. If the connection it travelled in is gone, so is the message.
    pub(crate) fn arrive(&mut self, client: Client, number: u32, observer: &mut impl Observer) {
        let Some(Flight { message, way, session }) = self.flights.take(number) else { return };
        let link = self.link_mut(client);
        if !link.connected || link.session != session {
            return;
        }
        match (way, client.who()) {
            (Way::Up, _) => self.publish(client, message, observer),
            (Way::Down, Who::Lamp(index)) => self.tell_lamp(index, BusInput::Message(message), observer),
            (Way::Down, Who::Role(place)) if place == RoleName::Fleet as usize => {
                self.happen(message, observer);
            }
            (Way::Down, Who::Role(place)) => self.tell_service(place, BusInput::Message(message), observer),
        }
    }

    pub(crate) fn tell_lamp(&mut self, index: usize, input: BusInput, observer: &mut impl Observer) {
        self.with_lamp(index, observer, |role, now, out| {
            types::Core::handle(role, now, input, out);
        });
    }

    pub(crate) fn tell_service(&mut self, place: usize, input: BusInput, observer: &mut impl Observer) {
        let Some(service) = &mut self.services[place] else { return };
        self.events += 1;
        let mut out = self.spare.pop().unwrap_or_default();
        service.handle(self.now, input, &mut out);
        self.send_all(Client::role(RoleName::ALL[place]), out, observer);
        self.arm_service(place);
    }

    pub(crate) fn link_mut(&mut self, client: Client) -> &mut Link {
        match client.who() {
            Who::Role(place) => &mut self.links[place],
            Who::Lamp(index) => &mut self.lamps[index].link,
        }
    }
}
