//! The cabinets: each a client of its own, and the wire from it to its luminaires.

use lighting::{Leg, Load};
use scenario::Observer;
use types::{CabinetId, Core, Timestamp};
use wire::roles::CabinetRole;
use wire::{BusInput, Message};

use crate::Sim;
use crate::client::{Client, Link, NEVER, index_of};
use crate::sim::{Due, What};

/// A cabinet and its connection.
#[derive(Debug)]
pub(crate) struct Cabinet {
    pub(crate) role: CabinetRole,
    pub(crate) link: Link,
}

impl Cabinet {
    pub(crate) fn new(role: CabinetRole) -> Self {
        Self { role, link: Link::new() }
    }
}

/// The place of a cabinet, if there may be one.
pub(crate) fn cabinet_index(cabinet: CabinetId) -> Option<usize> {
    cabinet.0.checked_sub(1).map(|index| index as usize)
}

impl Sim {
    pub(crate) fn cabinet_timeout(&mut self, index: usize, observer: &mut impl Observer) {
        let (now, cabinet) = (self.now, &mut self.cabinets[index]);
        if cabinet.link.armed != now {
            return;
        }
        cabinet.link.armed = NEVER;
        if cabinet.role.next_timeout().is_some_and(|due| due <= now) {
            self.with_cabinet(index, observer, CabinetRole::handle_timeout);
        } else {
            self.arm_cabinet(index);
        }
    }

    /// Hands a cabinet a message, or that it is connected.
    pub(crate) fn tell_cabinet(&mut self, index: usize, input: BusInput, observer: &mut impl Observer) {
        self.with_cabinet(index, observer, |role, now, out| role.handle(now, input, out));
    }

    /// Something happens at a cabinet, if it is one of the city's.
    pub(crate) fn happen_at_cabinet(
        &mut self,
        cabinet: CabinetId,
        message: Message,
        observer: &mut impl Observer,
    ) {
        if let Some(index) = cabinet_index(cabinet).filter(|&index| index < self.cabinets.len()) {
            self.tell_cabinet(index, BusInput::Message(message), observer);
        }
    }

    /// Lets one cabinet act, sends what it says, hands on what it switched, and queues it for when it wants the time.
    fn with_cabinet(
        &mut self,
        index: usize,
        observer: &mut impl Observer,
        act: impl FnOnce(&mut CabinetRole, Timestamp, &mut Vec<Message>),
    ) {
        let now = self.now;
        self.events += 1;
        let mut out = self.spare.pop().unwrap_or_default();
        if self.cabinets[index].role.is_about_to_measure(now) {
            let load = self.load_on(index);
            self.cabinets[index].role.measure(now, load, &mut out);
        }
        act(&mut self.cabinets[index].role, now, &mut out);
        let switched = self.cabinets[index].role.take_switched();
        self.send_all(Client::cabinet(index), out, observer);
        for (leg, live) in switched {
            self.switch_leg(index, leg, live, observer);
        }
        self.arm_cabinet(index);
    }

    fn switch_leg(&mut self, index: usize, leg: Leg, live: bool, observer: &mut impl Observer) {
        let plan = self.cast.plan().clone();
        for site in plan.cabinets()[index].luminaires().filter_map(|id| plan.luminaire(id)) {
            if let Some(lamp) = index_of(site.id).filter(|_| site.leg() == leg) {
                self.with_lamp(lamp, observer, |role, now, out| role.set_supply(now, live, out));
            }
        }
    }

    fn load_on(&self, index: usize) -> Load {
        let plan = self.cast.plan();
        let mut load = Load::default();
        for site in plan.cabinets()[index].luminaires().filter_map(|id| plan.luminaire(id)) {
            if let Some(lamp) = index_of(site.id) {
                load.add(site.phase, self.lamps[lamp].role.draw(self.lamp_now(lamp)));
            }
        }
        load
    }

    /// Queues a cabinet for when it wants the time next, unless it is queued for an earlier moment.
    pub(crate) fn arm_cabinet(&mut self, index: usize) {
        let cabinet = &mut self.cabinets[index];
        let Some(next) = cabinet.role.next_timeout() else { return };
        let at = next.max(self.now.plus_millis(1));
        if at < cabinet.link.armed {
            cabinet.link.armed = at;
            self.queue.push(at, Due { client: Client::cabinet(index), what: What::Timeout });
        }
    }
}
