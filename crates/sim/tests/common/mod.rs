//! A small city, and observers for it.

#![allow(dead_code, reason = "each test file uses its own part")]

use city::CitySpec;
use scenario::{Cast, CastSpec, Observer, Order};
use sim::Sim;
use types::{LuminaireId, MINUTE_MS, Seed, Timestamp};
use wire::Message;

/// A city of these numbers.
pub(crate) fn cast_of(city: CitySpec) -> Cast {
    let policy = toml::from_str(include_str!("../../../../config/policies/demo.toml")).unwrap();
    Cast::new(CastSpec::new(city, 2026, policy)).unwrap()
}

/// A city with people in the streets.
pub(crate) fn cast(seed: u64) -> Cast {
    cast_of(CitySpec { seed: Seed(seed), luminaires: 100, residents: 50, clinics: 2 })
}

/// A city of luminaires only: nobody leaves home where there is no clinic to go to.
pub(crate) fn empty_streets(luminaires: u32) -> Cast {
    cast_of(CitySpec { seed: Seed(7), luminaires, residents: 1, clinics: 0 })
}

/// Half an hour before sunset on the kite festival's Saturday.
pub(crate) fn before_dusk(cast: &Cast) -> Timestamp {
    cast.astro().sunset(20_561).plus_millis(-30 * MINUTE_MS)
}

/// The city of `cast` at [`before_dusk`].
pub(crate) fn evening(cast: &Cast) -> (Sim, Timestamp) {
    let start = before_dusk(cast);
    (Sim::new(cast, "sim".parse().unwrap(), start).unwrap(), start)
}

/// Shows every message to a closure.
pub(crate) struct Watch<F>(pub(crate) F);

impl<F: FnMut(Timestamp, &Message)> Observer for Watch<F> {
    fn observe(&mut self, now: Timestamp, message: &Message) {
        (self.0)(now, message);
    }

    fn wakes_at(&self) -> Option<Timestamp> {
        None
    }

    fn wake(&mut self, _: Timestamp, _: &mut Vec<Order>) {}
}

/// Gives orders at their moments, and keeps every message.
#[derive(Default)]
pub(crate) struct Script {
    orders: Vec<(Timestamp, Order)>,
    pub(crate) heard: Vec<(Timestamp, Message)>,
}

impl Script {
    /// These orders, in any order.
    pub(crate) fn new(mut orders: Vec<(Timestamp, Order)>) -> Self {
        orders.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        Self { orders, heard: Vec::new() }
    }

    /// The messages of one luminaire: those it sent, and those it was sent.
    pub(crate) fn of(&self, luminaire: u32) -> Vec<(Timestamp, wire::Light)> {
        let about = |(at, message): &(Timestamp, Message)| match message {
            Message::Light { luminaire: LuminaireId(id), body, .. } if *id == luminaire => {
                Some((*at, body.clone()))
            }
            _ => None,
        };
        self.heard.iter().filter_map(about).collect()
    }
}

impl Observer for Script {
    fn observe(&mut self, now: Timestamp, message: &Message) {
        self.heard.push((now, message.clone()));
    }

    fn wakes_at(&self) -> Option<Timestamp> {
        self.orders.last().map(|(at, _)| *at)
    }

    fn wake(&mut self, now: Timestamp, orders: &mut Vec<Order>) {
        while let Some((_, order)) = self.orders.pop_if(|(at, _)| *at <= now) {
            orders.push(order);
        }
    }
}
