//! A night in virtual time.

use city::CitySpec;
use lighting::DimLevel;
use medpay::PayEvent;
use scenario::{Cast, CastSpec};
use sim::Night;
use types::{HOUR_MS, LuminaireId, MINUTE_MS, ProviderId, ReplyTo, ResidentId, Seed, Timestamp};
use wire::{EventBody, Light, Message, Request, RequestBody, WalkRequest};

fn cast(seed: u64) -> Cast {
    let policy = toml::from_str(include_str!("../../../config/policies/demo.toml")).unwrap();
    let city = CitySpec { seed: Seed(seed), luminaires: 100, residents: 50, clinics: 2 };
    Cast::new(CastSpec { city, year: 2026, policy, issuer_key: [7; 32], start: 1 }).unwrap()
}

/// Half an hour before sunset on the kite festival's Saturday.
fn before_dusk(cast: &Cast) -> Timestamp {
    cast.astro().sunset(20_561).plus_millis(-30 * MINUTE_MS)
}

fn night(seed: u64) -> (Night, Timestamp) {
    let cast = cast(seed);
    let start = before_dusk(&cast);
    (Night::new(&cast, "sim".parse().unwrap(), start).unwrap(), start)
}

#[test]
fn no_lamp_is_lit_before_dusk_and_all_are_after() {
    let (mut night, start) = night(7);
    let mut lit = std::collections::BTreeMap::new();
    let mut watch = |_: Timestamp, message: &Message| {
        if let Message::Light { luminaire, body: Light::State(report), .. } = message {
            lit.insert(*luminaire, report.body.actual);
        }
    };
    night.run_until(start.plus_millis(28 * MINUTE_MS), &mut watch);
    night.run_until(start.plus_millis(33 * MINUTE_MS), &mut watch);
    assert_eq!(lit.len(), 100);
    assert!(lit.values().all(|&level| level == DimLevel::FULL), "{lit:?}");
    assert!(lit.contains_key(&LuminaireId(100)));
}

#[test]
fn the_same_seed_gives_the_same_night_and_another_seed_another() {
    let digest = |seed| {
        let (mut night, start) = night(seed);
        night.run_until(start.plus_millis(3 * HOUR_MS), |_, _| {});
        night.digest()
    };
    assert_eq!(digest(7), digest(7));
    assert_ne!(digest(7), digest(8));
}

#[test]
fn a_walk_to_the_clinic_ends_in_a_settled_bill() {
    let (mut night, start) = night(7);
    night.run_until(start.plus_millis(MINUTE_MS), |_, _| {});
    let body = RequestBody::Walk(WalkRequest { resident: ResidentId(3), provider: ProviderId(1) });
    let reply_to = ReplyTo { path: "test/1".into(), correlation: [1].into() };
    let request = Request { id: uuid::Uuid::from_u128(1), time: night.now(), reply_to, body };
    night.send(&Message::Request(request));
    let mut settled = Vec::new();
    night.run_until(start.plus_millis(3 * HOUR_MS), |_, message| {
        if let Message::Event(event) = message
            && let EventBody::Pay(PayEvent::BillSettled { provider, split, .. }) = &event.body
        {
            settled.push((*provider, *split));
        }
    });
    let (_, split) = settled.iter().find(|(provider, _)| *provider == ProviderId(1)).expect("a settled bill");
    assert_eq!(split.pool.get() + split.account.get() + split.cash.get(), split.total.get());
}
