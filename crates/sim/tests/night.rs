//! A night in virtual time.

mod common;

use std::collections::BTreeMap;

use common::{Script, Watch, cast, empty_streets, evening};
use lighting::DimLevel;
use medpay::PayEvent;
use scenario::{Nobody, Order};
use types::{HOUR_MS, LuminaireId, MINUTE_MS, ProviderId, ReplyTo, ResidentId, Timestamp};
use wire::{EventBody, Light, Message, Request, RequestBody, WalkRequest};

#[test]
fn no_lamp_is_lit_before_dusk_and_all_are_after() {
    let (mut sim, start) = evening(&cast(7));
    let mut lit = BTreeMap::new();
    let mut watch = |_: Timestamp, message: &Message| {
        if let Message::Light { luminaire, body: Light::State(report), .. } = message {
            lit.insert(*luminaire, report.body.actual);
        }
    };
    sim.run_until(start.plus_millis(28 * MINUTE_MS), &mut Watch(&mut watch));
    sim.run_until(start.plus_millis(33 * MINUTE_MS), &mut Watch(&mut watch));
    assert_eq!(lit.len(), 100);
    assert!(lit.values().all(|&level| level == DimLevel::FULL), "{lit:?}");
    assert!(lit.contains_key(&LuminaireId(100)));
}

#[test]
fn the_same_seed_gives_the_same_night_and_another_seed_another() {
    let digest = |seed| {
        let (mut sim, start) = evening(&cast(seed));
        sim.run_until(start.plus_millis(3 * HOUR_MS), &mut Nobody);
        (sim.digest(), sim.events(), sim.messages())
    };
    assert_eq!(digest(7), digest(7));
    assert_ne!(digest(7).0, digest(8).0);
}

#[test]
fn where_a_run_stops_between_two_calls_changes_nothing() {
    let cast = cast(7);
    let (mut whole, start) = evening(&cast);
    whole.run_until(start.plus_millis(HOUR_MS), &mut Nobody);
    let (mut pieces, _) = evening(&cast);
    for millis in (0..=HOUR_MS).step_by(7_777).chain([HOUR_MS]) {
        pieces.run_until(start.plus_millis(millis), &mut Nobody);
        assert_eq!(pieces.now(), start.plus_millis(millis));
    }
    assert_eq!((whole.digest(), whole.events()), (pieces.digest(), pieces.events()));
}

#[test]
fn one_more_luminaire_changes_nothing_for_the_others() {
    let night = |luminaires| {
        let (mut sim, start) = evening(&empty_streets(luminaires));
        let mut script = Script::default();
        sim.run_until(start.plus_millis(8 * HOUR_MS), &mut script);
        script
    };
    let (without, with) = (night(60), night(61));
    assert!(without.of(61).is_empty());
    assert!(with.of(61).len() > 30);
    for luminaire in 1..=60 {
        assert!(without.of(luminaire).len() > 30);
        assert_eq!(without.of(luminaire), with.of(luminaire), "luminaire {luminaire}");
    }
}

#[test]
fn a_walk_to_the_clinic_ends_in_a_settled_bill() {
    let (mut sim, start) = evening(&cast(7));
    let at = start.plus_millis(MINUTE_MS);
    let body =
        RequestBody::Walk(WalkRequest { resident: ResidentId(3), provider: ProviderId(1), nights: None });
    let reply_to = ReplyTo { path: "test/1".into(), correlation: [1].into() };
    let request = Request { id: uuid::Uuid::from_u128(1), time: at, reply_to, body };
    let mut script = Script::new(vec![(at, Order::Send(Message::Request(request)))]);
    sim.run_until(start.plus_millis(3 * HOUR_MS), &mut script);
    let settled = script.heard.iter().find_map(|(_, message)| match message {
        Message::Event(event) => match &event.body {
            EventBody::Pay(PayEvent::BillSettled { provider: ProviderId(1), split, .. }) => Some(*split),
            _ => None,
        },
        _ => None,
    });
    let split = settled.expect("a settled bill");
    assert_eq!(split.pool.get() + split.account.get() + split.cash.get(), split.total.get());
}

#[test]
fn walkers_are_sensed_by_the_luminaires_they_pass() {
    let (mut sim, start) = evening(&cast(7));
    let mut sensed = 0;
    let mut watch = |_: Timestamp, message: &Message| {
        if let Message::Light { body: Light::State(report), .. } = message {
            sensed += u32::from(report.body.mode == lighting::Mode::Sensor);
        }
    };
    sim.run_until(start.plus_millis(6 * HOUR_MS), &mut Watch(&mut watch));
    assert!(sensed > 0);
}
