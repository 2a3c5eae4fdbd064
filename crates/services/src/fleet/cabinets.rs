//! The simulated cabinets, and the wire from each to its luminaires.

use lighting::{Leg, Load};
use types::{CabinetId, Core, Timestamp};
use wire::roles::CabinetRole;
use wire::{BusInput, Message, encode};

use super::{Fleet, Unit, connect};
use crate::bus::{BusClient, BusEvent};
use crate::link::Link;

/// A cabinet and its client.
pub(super) struct Cabinet {
    pub(super) role: CabinetRole,
    pub(super) bus: BusClient,
}

impl Cabinet {
    pub(super) fn new(
        link: &Link,
        role: CabinetRole,
        index: usize,
        events: tokio::sync::mpsc::Sender<(Unit, BusEvent)>,
    ) -> Self {
        let bus =
            connect(link, role.id().to_string(), &role.will(), &role.filter(), Unit::Cabinet(index), events);
        Self { role, bus }
    }
}

impl Fleet {
    /// Something happens at a cabinet, if it is one of the city's.
    pub(super) fn happen_at_cabinet(&mut self, cabinet: CabinetId, message: &Message) {
        let index = cabinet.0.wrapping_sub(1) as usize;
        if index < self.cabinets.len() {
            let input = BusInput::Message(message.clone());
            self.with_cabinet(index, |role, now, out| role.handle(now, input, out));
        }
    }

    /// Lets one cabinet act, publishes what it says, hands on what it switched, and notes when it wants the time next.
    pub(super) fn with_cabinet(
        &mut self,
        index: usize,
        act: impl FnOnce(&mut CabinetRole, Timestamp, &mut Vec<Message>),
    ) {
        let Some(now) = self.clock.now() else { return };
        let load = self.cabinets[index].role.is_about_to_measure(now).then(|| self.load_on(index, now));
        let Cabinet { role, bus } = &mut self.cabinets[index];
        let before = role.next_timeout();
        if let Some(load) = load {
            role.measure(now, load, &mut self.out);
        }
        act(role, now, &mut self.out);
        for message in self.out.drain(..) {
            // A full queue means no connection: everything is told anew when it is back.
            let _ = bus.publish(encode(self.link.run, &message));
        }
        let next = role.next_timeout();
        for (leg, live) in role.take_switched() {
            self.switch_leg(index, leg, live);
        }
        self.note_timer(before, next, Unit::Cabinet(index));
    }

    fn switch_leg(&mut self, index: usize, leg: Leg, live: bool) {
        let plan = self.plan.clone();
        for site in plan.cabinets()[index].luminaires().filter_map(|id| plan.luminaire(id)) {
            if site.leg() == leg {
                self.with(site.id.0 as usize - 1, |role, now, out| role.set_supply(now, live, out));
            }
        }
    }

    fn load_on(&self, index: usize, now: Timestamp) -> Load {
        let mut load = Load::default();
        for site in self.plan.cabinets()[index].luminaires().filter_map(|id| self.plan.luminaire(id)) {
            let lamp = &self.lamps[site.id.0 as usize - 1];
            // What a device from outside draws, nobody knows here.
            if lamp.bus.is_some() {
                load.add(site.phase, lamp.role.draw(now));
            }
        }
        load
    }
}
