use std::collections::BTreeSet;

use city::CitySpec;
use medpay::VisitRequest;
use scenario::{Cast, CastSpec, Nobody, Observer, Order};
use types::{ProviderId, ReplyTo, ResidentId, SECOND_MS, Seed};
use uuid::Uuid;
use wire::{Message, Request, RequestBody};

use super::*;

fn visit(number: u32) -> Order {
    let body = VisitRequest::new(ProviderId(number), ResidentId(1));
    let reply_to = ReplyTo { path: "svc-scenario/1".into(), correlation: number.to_be_bytes().into() };
    let (id, time) = (Uuid::from_u128(number.into()), Timestamp::default());
    Order::Send(Message::Request(Request { id, time, reply_to, body: RequestBody::Visit(body) }))
}

/// Sends all its orders at once.
struct AtOnce(Timestamp, Vec<Order>);

impl Observer for AtOnce {
    fn observe(&mut self, _: Timestamp, _: &Message) {}

    fn wakes_at(&self) -> Option<Timestamp> {
        (!self.1.is_empty()).then_some(self.0)
    }

    fn wake(&mut self, _: Timestamp, orders: &mut Vec<Order>) {
        orders.append(&mut self.1);
    }
}

/// A resident is treated at `visits` clinics at once: each asks the payer, and is answered.
fn visits(visits: u32) -> impl FnMut() -> (Sim, AtOnce, Timestamp) {
    let city = CitySpec { seed: Seed(7), luminaires: 1, residents: 2, clinics: 3 };
    let policy = toml::from_str(include_str!("../../../../config/policies/demo.toml")).unwrap();
    let cast = Cast::new(CastSpec::new(city, 2026, policy)).unwrap();
    let start = cast.astro().sunset(20_561);
    move || {
        let mut sim = Sim::new(&cast, "sim".parse().unwrap(), start).unwrap();
        let at = start.plus_millis(SECOND_MS);
        sim.run_until(at, &mut Nobody);
        (sim, AtOnce(at, (1..=visits).map(visit).collect()), start.plus_millis(20 * SECOND_MS))
    }
}

/// How many orders there were, and what they came to, by all that was said in them.
fn all(path: Path, visited: u32) -> (Tally, BTreeSet<u64>) {
    let bounds = Bounds { troubles_max: 0, runs_max: 100_000 };
    let mut digests = BTreeSet::new();
    let tally = explore(path, bounds, visits(visited), |sim, _| {
        digests.insert(sim.digest());
    });
    (tally.unwrap(), digests)
}

#[test]
fn more_orders_than_the_bound_are_no_answer() {
    let bounds = Bounds { troubles_max: 0, runs_max: 3 };
    assert_eq!(every_order(bounds, visits(2), |_, _| ()), Err(TooMany { runs_max: 3 }));
}

#[test]
fn each_order_of_two_chains_of_three_messages_is_played_once() {
    let (tally, _) = all(Path::sleepless(0), 2);
    // Six places, three of them for the first chain.
    assert_eq!((tally.runs, tally.given_up), (20, 0));
}

#[test]
fn an_order_that_is_left_out_was_told_from_another_by_nobody() {
    for (visits, troubles) in [(2, 0), (2, 1)] {
        let (every, said_in_every) = all(Path::sleepless(troubles), visits);
        let (fewer, said_in_fewer) = all(Path::new(troubles), visits);
        assert!(fewer.runs < every.runs, "{fewer:?} of {every:?}");
        assert_eq!(said_in_fewer, said_in_every, "{visits} visits, {troubles} troubles");
    }
}

#[test]
fn a_trouble_lets_a_clinic_ask_again() {
    let (_, calm) = all(Path::new(0), 1);
    let (troubled, said) = all(Path::new(1), 1);
    assert_eq!(calm.len(), 1);
    // Each of three messages is lost, comes twice, or late; a message that comes twice may do so last.
    assert!(troubled.runs > 9 && said.is_superset(&calm) && said.len() > 3, "{troubled:?} {}", said.len());
}
