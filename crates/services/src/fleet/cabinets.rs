//! The simulated cabinets, and the wire from each to its luminaires.

use lighting::{Leg, Load};
use tokio::sync::mpsc;
use types::{CabinetId, Core, Timestamp};
use wire::roles::CabinetRole;
use wire::{BusInput, Message, decode, encode};

use super::connection::{Connection, native};
use super::{Fleet, Unit};
use crate::bus::{BusClient, BusEvent};
use crate::link::Link;

/// A cabinet and its client.
pub(super) struct Cabinet {
    pub(super) role: CabinetRole,
    client: BusClient,
}

/// Connects each cabinet to the city's bus.
pub(super) fn connect(
    link: &Link,
    roles: Vec<CabinetRole>,
    events: &mpsc::Sender<(Unit, BusEvent)>,
) -> Vec<Cabinet> {
    let connect = |(index, role): (usize, CabinetRole)| {
        let (id, unit) = (role.id().to_string(), Unit::Cabinet(index));
        let client = native(link, id, &role.will(), &role.filter(), unit, events.clone());
        Cabinet { role, client }
    };
    roles.into_iter().enumerate().map(connect).collect()
}

impl Cabinet {
    pub(super) fn into_connection(self) -> Connection {
        Connection::Native(self.client)
    }
}

impl Fleet {
    pub(super) fn cabinet_event(&mut self, index: usize, event: BusEvent) {
        let (Some(senses), cabinet) = (&self.senses, self.cabinets[index].role.id()) else { return };
        let input = match event {
            BusEvent::Connected => BusInput::Connected,
            BusEvent::Message(received) => match decode(senses.link.run, received.delivery()) {
                Ok(message) => BusInput::Message(message),
                Err(error) => {
                    let topic = received.topic();
                    tracing::debug!(topic, %error, "a cabinet ignores what it does not understand");
                    return;
                }
            },
            BusEvent::Disconnected { reason } => {
                tracing::debug!(%cabinet, reason, "bus lost");
                return;
            }
            BusEvent::Refused { reason } => {
                tracing::warn!(%cabinet, reason, "refused by the bus");
                return;
            }
        };
        self.with_cabinet(index, |role, now, out| role.handle(now, input, out));
    }

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
        let Some(run) = self.senses.as_ref().map(|senses| senses.link.run) else { return };
        let load = self.cabinets[index].role.is_about_to_measure(now).then(|| self.load_on(index, now));
        let Cabinet { role, client } = &mut self.cabinets[index];
        let before = role.next_timeout();
        if let Some(load) = load {
            role.measure(now, load, &mut self.out);
        }
        act(role, now, &mut self.out);
        for message in self.out.drain(..) {
            // A full queue means no connection: everything is told anew when it is back.
            let _ = client.publish(encode(run, &message));
        }
        let next = role.next_timeout();
        for (leg, live) in role.take_switched() {
            self.switch_leg(index, leg, live);
        }
        self.note_timer(now, before, next, Unit::Cabinet(index));
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
            if lamp.connection.is_some() {
                load.add(site.phase, lamp.role.draw(now));
            }
        }
        load
    }
}
