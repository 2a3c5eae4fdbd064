//! The luminaires: each a client of its own, with a clock of its own if it goes wrong.

use scenario::Observer;
use types::{Core, Timestamp};
use wire::roles::LuminaireRole;
use wire::{BusInput, Message};

use crate::Sim;
use crate::client::{Client, Link, NEVER, index_of};
use crate::sim::{Due, What};

/// A luminaire and its connection, side by side in memory.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Lamp {
    pub(crate) role: LuminaireRole,
    pub(crate) link: Link,
}

impl Lamp {
    pub(crate) fn new(role: LuminaireRole) -> Self {
        Self { role, link: Link::new() }
    }

    /// See [`lighting::Luminaire::warm`].
    pub(crate) fn warm(&self) -> i64 {
        self.role.warm() ^ self.link.chain as i64 ^ i64::from(self.link.skewed)
    }
}

impl Sim {
    pub(crate) fn lamp_timeout(&mut self, index: usize, observer: &mut impl Observer) {
        let now = self.now;
        let local = self.lamp_now(index);
        let lamp = &mut self.lamps[index];
        if lamp.link.armed != now {
            return;
        }
        lamp.link.armed = NEVER;
        if lamp.role.next_timeout().is_some_and(|due| due <= local) {
            self.events += 1;
            let mut outputs = std::mem::take(&mut self.lamp_outputs);
            lamp.role.run_timeout(local, &mut outputs);
            for output in outputs.drain(..) {
                let message = self.lamps[index].role.message_of(output);
                self.send_up(Client::lamp(index), &message, observer);
            }
            self.lamp_outputs = outputs;
        }
        self.arm_lamp(index);
    }

    /// Lets one luminaire act, sends what it says, and queues it for when it wants the time next.
    pub(crate) fn with_lamp(
        &mut self,
        index: usize,
        observer: &mut impl Observer,
        act: impl FnOnce(&mut LuminaireRole, Timestamp, &mut Vec<Message>),
    ) {
        let local = self.lamp_now(index);
        self.events += 1;
        let mut out = self.spare.pop().unwrap_or_default();
        act(&mut self.lamps[index].role, local, &mut out);
        self.send_all(Client::lamp(index), out, observer);
        self.arm_lamp(index);
    }

    /// A message of the streets, as the fleet's own client hears it.
    pub(crate) fn happen(&mut self, message: Message, observer: &mut impl Observer) {
        match message {
            Message::Presence(walkers) => {
                for index in self.sensors.sense(self.now, &walkers).into_iter().filter_map(index_of) {
                    self.with_lamp(index, observer, LuminaireRole::sense_presence);
                }
            }
            Message::Fault { luminaire, .. } => {
                if let Some(index) = index_of(luminaire).filter(|&index| index < self.lamps.len()) {
                    self.with_lamp(index, observer, |role, now, out| {
                        role.handle(now, BusInput::Message(message), out);
                    });
                }
            }
            Message::CabinetEvent { cabinet, .. } => self.happen_at_cabinet(cabinet, message, observer),
            _ => {}
        }
    }

    /// What a luminaire's own clock shows.
    pub(crate) fn lamp_now(&self, index: usize) -> Timestamp {
        if !self.lamps[index].link.skewed {
            return self.now;
        }
        self.clocks.get(&index).map_or(self.now, |clock| clock.at(self.now))
    }

    /// Queues a luminaire for when it wants the time next, unless it is queued for an earlier moment.
    pub(crate) fn arm_lamp(&mut self, index: usize) {
        let lamp = &mut self.lamps[index];
        let Some(mut at) = lamp.role.next_timeout() else { return };
        if lamp.link.skewed
            && let Some(clock) = self.clocks.get(&index)
        {
            at = clock.city_at(at);
        }
        let at = at.max(self.now.plus_millis(1));
        if at < lamp.link.armed {
            lamp.link.armed = at;
            self.queue.push(at, Due { client: Client::lamp(index), what: What::Timeout });
        }
    }
}
