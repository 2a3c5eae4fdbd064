//! The way of a message: up to the broker, and down to each listener.

use scenario::Observer;
use types::Timestamp;
use wire::{BusInput, Light, Message, RoleName, Segment};

use crate::Sim;
use crate::cabinets::cabinet_index;
use crate::client::{Client, Link, Who, index_of, luminaire_at};
use crate::lamps::Lamp;
use crate::network::Way;
use crate::sim::{Due, What};

/// How long a message takes from the broker to a listener \[ms\].
const DOWN_MS: i64 = 20;

/// A message as it waits. Nearly all are about one luminaire, and stay small.
#[derive(Clone, Debug)]
enum Said {
    /// About the luminaire at this place, under its own topic.
    Light(u32, Light),
    /// Anything else.
    Other(Box<Message>),
}

impl Said {
    /// `message`, and the place of the luminaire it is about.
    fn new(about: Option<usize>, message: &Message) -> Self {
        match (about, message) {
            (Some(index), Message::Light { body, .. }) => Self::Light(index as u32, body.clone()),
            _ => Self::Other(Box::new(message.clone())),
        }
    }
}

/// A message on its way.
#[derive(Debug)]
pub(crate) struct Flight {
    said: Said,
    way: Way,
    /// Which message of its link it is.
    index: u32,
    /// In which connection it travels.
    session: u16,
}

/// A message on its way down, which takes as long as any undisturbed one. Nearly all do: they arrive in the order they
/// were sent, and need no queue that sorts.
#[derive(Clone, Debug)]
pub(crate) struct Down {
    pub(crate) at: Timestamp,
    pub(crate) to: Client,
    session: u16,
    said: Said,
}

/// Places kept for messages on their way down when there are none: a burst must not hold its memory for ever.
const SPARE_DOWNS_MAX: usize = 4_096;

/// Places kept in an emptied list of messages.
const SPARE_MESSAGES_MAX: usize = 256;
/// Messages on their way down for which memory is fetched at once, if there are many.
const WARM_DOWNS: usize = 16;

impl Sim {
    /// Sends what a client says, and keeps the emptied list.
    pub(crate) fn send_all(
        &mut self,
        from: Client,
        mut messages: Vec<Message>,
        observer: &mut impl Observer,
    ) {
        if messages.is_empty() {
            self.spare.push(messages);
            return;
        }
        for message in &messages {
            self.send_up(from, message, observer);
        }
        messages.clear();
        if messages.capacity() <= SPARE_MESSAGES_MAX {
            self.spare.push(messages);
        }
    }

    /// Sends a message up, or keeps it until there is a connection.
    pub(crate) fn send_up(&mut self, from: Client, message: &Message, observer: &mut impl Observer) {
        let link = self.link_mut(from);
        link.sent = link.sent.wrapping_add(1);
        let (index, connected) = (link.sent, link.connected);
        if connected {
            self.send_numbered(from, index, message, observer);
        } else {
            self.keep(from, index, message);
        }
    }

    /// Sends message number `index` of a client that is connected.
    pub(crate) fn send_numbered(
        &mut self,
        from: Client,
        index: u32,
        message: &Message,
        observer: &mut impl Observer,
    ) {
        if self.network.is_quiet() {
            self.publish(from, message, observer);
            return;
        }
        let session = self.link_mut(from).session;
        let link = (from, Way::Up, message.is_lossy());
        let arrivals = self.network.arrivals(link, index, self.now, self.now);
        for &at in arrivals.as_slice() {
            if at <= self.now {
                self.publish(from, message, observer);
            } else {
                let said = Said::new(self.about(from, message), message);
                self.fly(from, at, Flight { said, way: Way::Up, index, session });
            }
        }
    }

    /// A message is at the broker.
    ///
    /// By reference, and copied once for each listener: moving it from hand to hand cost more than all else.
    pub(crate) fn publish(&mut self, from: Client, message: &Message, observer: &mut impl Observer) {
        self.messages += 1;
        let now = self.now;
        let link = match from.who() {
            Who::Role(place) => &mut self.links[place],
            Who::Lamp(index) => &mut self.lamps[index].link,
            Who::Cabinet(index) => &mut self.cabinets[index].link,
        };
        link.chain = self.digest.note(from, link.chain, now, message);
        observer.observe(now, message);
        let about = self.about(from, message);
        match (about, message) {
            (Some(index), Message::Light { body, .. }) => {
                self.retained.keep_light(index, body);
                // A luminaire's filter names its district, too.
                if matches!(body, Light::Command(_) | Light::Programme(_) | Light::FirmwareOrder(_)) {
                    self.send_down(Client::lamp(index), about, message);
                }
            }
            _ => {
                self.retained.keep(message);
                self.send_to_cabinet(message);
            }
        }
        for role in self.routes.of(message) {
            self.send_down(Client::role(role), about, message);
        }
    }

    /// Sends a command down to the cabinet it is for; a cabinet's filter names its district, too.
    fn send_to_cabinet(&mut self, message: &Message) {
        if let Message::Cabinet { district, cabinet, body: Segment::Command(_) } = message
            && let Some(index) = cabinet_index(*cabinet)
            && self.cabinets.get(index).is_some_and(|known| known.role.district() == *district)
        {
            self.send_down(Client::cabinet(index), None, message);
        }
    }

    /// The place of the luminaire that a message is about, if it is under that luminaire's own topic.
    pub(crate) fn about(&self, from: Client, message: &Message) -> Option<usize> {
        let Message::Light { district, luminaire, .. } = message else { return None };
        let index = index_of(*luminaire)?;
        // What a luminaire says of itself is.
        let ours = |lamp: &&Lamp| from == Client::lamp(index) || lamp.role.district() == *district;
        self.lamps.get(index).filter(ours).map(|_| index)
    }

    /// Sends a message down, if the client is there to take it. `about`: see there.
    pub(crate) fn send_down(&mut self, to: Client, about: Option<usize>, message: &Message) {
        let link = self.link_mut(to);
        if !link.connected {
            return;
        }
        link.received = link.received.wrapping_add(1);
        let (index, session) = (link.received, link.session);
        let at = self.now.plus_millis(DOWN_MS);
        if self.network.is_quiet() {
            self.downs.push_back(Down { at, to, session, said: Said::new(about, message) });
            return;
        }
        if self.network.path_mut().is_some() {
            self.hold_back(Down { at, to, session, said: Said::new(about, message) });
            return;
        }
        let arrivals = self.network.arrivals((to, Way::Down, message.is_lossy()), index, self.now, at);
        for &arrival in arrivals.as_slice() {
            let said = Said::new(about, message);
            if arrival == at {
                self.downs.push_back(Down { at, to, session, said });
            } else {
                self.fly(to, arrival, Flight { said, way: Way::Down, index, session });
            }
        }
    }

    /// Has listeners fetch from memory what they know of the luminaires that the next messages are about.
    fn warm_downs(&self) {
        for down in self.downs.range(WARM_DOWNS..2 * WARM_DOWNS) {
            if let (Said::Light(index, _), Who::Role(place)) = (&down.said, down.to.who())
                && let Some(service) = &self.services[place]
            {
                std::hint::black_box(service.role.warm(luminaire_at(*index as usize)));
            }
        }
    }

    /// The next message that came down undisturbed has arrived.
    pub(crate) fn come_down(&mut self, observer: &mut impl Observer) {
        if self.downs.len() > 2 * WARM_DOWNS && self.downs.len().is_multiple_of(WARM_DOWNS) {
            self.warm_downs();
        }
        let Some(Down { to, session, said, .. }) = self.downs.front() else { return };
        let to = *to;
        let link = match to.who() {
            Who::Role(place) => &self.links[place],
            Who::Lamp(index) => &self.lamps[index].link,
            Who::Cabinet(index) => &self.cabinets[index].link,
        };
        let arrives = link.connected && link.session == *session;
        // The way of nearly all: taken where it lies.
        if let (Said::Light(index, body), Who::Role(place)) = (said, to.who())
            && arrives
            && let Some(service) = &mut self.services[place]
        {
            self.events += 1;
            let index = *index as usize;
            let about = (luminaire_at(index), &self.lamps[index].role);
            let mut out = self.spare.pop().unwrap_or_default();
            service.handle_light(self.now, about, body, &mut out);
            self.downs.pop_front();
            self.send_all(to, out, observer);
            self.arm_service(place);
        } else if let Some(Down { said, .. }) = self.downs.pop_front()
            && arrives
        {
            let message = self.message(said);
            self.tell(to, message, observer);
        }
        if self.downs.is_empty() && self.downs.capacity() > SPARE_DOWNS_MAX {
            self.downs.shrink_to_fit();
        }
    }

    /// Hands a message to whom it is for.
    fn tell(&mut self, to: Client, message: Message, observer: &mut impl Observer) {
        match to.who() {
            Who::Lamp(index) => self.tell_lamp(index, BusInput::Message(message), observer),
            Who::Cabinet(index) => self.tell_cabinet(index, BusInput::Message(message), observer),
            Who::Role(place) if place == RoleName::Fleet as usize => self.happen(message, observer),
            Who::Role(place) => self.tell_service(place, BusInput::Message(message), observer),
        }
    }

    /// Has a message come down at `at`.
    pub(crate) fn fly_down(&mut self, at: Timestamp, down: Down) {
        let Down { to, session, said, .. } = down;
        self.fly(to, at, Flight { said, way: Way::Down, index: 0, session });
    }

    fn fly(&mut self, client: Client, at: Timestamp, flight: Flight) {
        let number = self.flights.insert(flight);
        self.queue.push(at, Due { client, what: What::Arrival(number) });
    }

    /// A message is at the end of its way. If the connection it travelled in is gone, so is the message, and a service
    /// knows that nobody acknowledged it: it says it again, at once if it has a new connection.
    pub(crate) fn arrive(&mut self, client: Client, number: u32, observer: &mut impl Observer) {
        let Some(Flight { said, way, index, session }) = self.flights.take(number) else { return };
        let link = self.link_mut(client);
        let arrives = link.connected && link.session == session;
        let message = self.message(said);
        match way {
            Way::Up if !arrives => {
                self.keep(client, index, &message);
                self.empty_outbox(client, observer);
            }
            Way::Down if !arrives => {}
            Way::Up => self.publish(client, &message, observer),
            Way::Down => self.tell(client, message, observer),
        }
    }

    /// The message that waited.
    fn message(&self, said: Said) -> Message {
        match said {
            Said::Light(index, body) => {
                let role = &self.lamps[index as usize].role;
                Message::Light { district: role.district(), luminaire: role.id(), body }
            }
            Said::Other(message) => *message,
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
            Who::Cabinet(index) => &mut self.cabinets[index].link,
        }
    }
}
