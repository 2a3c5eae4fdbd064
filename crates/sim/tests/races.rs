//! Two tills and one cap: whatever comes first, the fund pays no more than the cap.

mod common;
mod races {
    pub(crate) mod forgetful;
    pub(crate) mod tills;
}

use std::collections::BTreeMap;

use eid::EnrolRequest;
use medpay::{Care, Insured};
use races::forgetful::Forgetful;
use races::tills::{PATIENT, Till, Tills};
use scenario::{Cast, CastSpec};
use sim::Sim;
use sim::interleave::{Bounds, Tally, every_order};
use types::{SECOND_MS, Seed, Timestamp};

/// What the fund pays for one beneficiary in a year \[fen\]: each of the two bills alone has room in it.
const CAP: i64 = 3_000;

/// A city whose demo policy for outpatients has no deductible, and a cap of [`CAP`].
fn cast() -> Cast {
    let demo = include_str!("../../../config/policies/demo.toml");
    let small = demo.replacen("{ 1 = 20000, 2 = 40000, 3 = 60000 }", "{ 1 = 0, 2 = 0, 3 = 0 }", 1).replacen(
        "{ year = 600000, retired = 700000 }",
        &format!("{{ year = {CAP} }}"),
        1,
    );
    let city = city::CitySpec { seed: Seed(7), luminaires: 1, residents: 2, clinics: 2 };
    Cast::new(CastSpec::new(city, 2026, toml::from_str(&small).unwrap())).unwrap()
}

fn outpatient(cast: &Cast) -> medpay::Policy {
    let day = medpay::Day::of(common::before_dusk(cast));
    let payer = cast.payer().unwrap();
    payer.core().policies().choose(Insured::Employee, Care::Outpatient, day).unwrap().1.clone()
}

fn patient(cast: &Cast) -> EnrolRequest {
    let person = city::Residents::new(cast.plan()).get(PATIENT).unwrap().person;
    EnrolRequest { resident_no: person.number.as_str().to_owned(), name: person.name_zh }
}

/// A race of two tills.
#[derive(Clone, Copy, Debug)]
struct Race {
    tills: [Till; 2],
    /// From the treatment on, not only from when both bills are presettled.
    from_treatment: bool,
    troubles_max: u32,
}

impl Race {
    const fn of(tills: [Till; 2]) -> Self {
        Self { tills, from_treatment: false, troubles_max: 0 }
    }

    /// The city when it begins. Nobody leaves home, and nothing else happens, within the first minute.
    fn scene(self, cast: &Cast, forgetful: bool) -> (Sim, Tills, Timestamp) {
        let at = |seconds| common::before_dusk(cast).plus_millis(seconds * SECOND_MS);
        let mut sim = Sim::new(cast, "sim".parse().unwrap(), at(0)).unwrap();
        if forgetful {
            sim.replace(Box::new(Forgetful::new(outpatient(cast))));
        }
        let mut tills = Tills::new(self.tills, at(1), patient(cast));
        sim.run_until(at(2), &mut tills);
        tills.treat_at(at(2), self.from_treatment);
        if !self.from_treatment {
            sim.run_until(at(3), &mut tills);
            tills.pay_at(at(3));
        }
        (sim, tills, at(59))
    }

    /// In how many orders so many bills were settled, and the fund paid so much \[fen\].
    fn outcomes(self, forgetful: bool) -> (Tally, BTreeMap<(usize, i64), u64>) {
        let cast = cast();
        let bounds = Bounds { troubles_max: self.troubles_max, runs_max: 200_000 };
        let mut outcomes = BTreeMap::new();
        let tally = every_order(
            bounds,
            || self.scene(&cast, forgetful),
            |_, tills| *outcomes.entry((tills.settled(), tills.paid_by_fund())).or_default() += 1,
        );
        let tally = tally.unwrap();
        eprintln!("{self:?}: {tally:?}; settled, paid by the fund: orders {outcomes:?}");
        (tally, outcomes)
    }
}

fn over_cap(paid: &BTreeMap<(usize, i64), u64>) -> u64 {
    paid.iter().filter(|((_, fund), _)| *fund > CAP).map(|(_, runs)| runs).sum()
}

const TILLS: [[Till; 2]; 3] = [[Till::Pays; 2], [Till::Pays, Till::Holds], [Till::Holds; 2]];

#[test]
fn a_payer_that_sets_nothing_aside_overspends_the_cap_in_some_orders_and_in_some_not() {
    for tills in TILLS {
        let (tally, outcomes) = Race::of(tills).outcomes(true);
        let over = over_cap(&outcomes);
        assert!(0 < over && over < tally.runs, "{tills:?}: over the cap in {over} of {}", tally.runs);
    }
}

#[test]
fn i11_in_every_order_one_till_is_paid_and_the_other_told_that_the_cap_is_gone() {
    for tills in TILLS {
        let (tally, outcomes) = Race::of(tills).outcomes(false);
        assert!(tally.runs > 1);
        assert!(outcomes.keys().all(|&(settled, fund)| settled == 1 && 0 < fund && fund <= CAP));
    }
}

#[test]
fn i11_no_message_that_is_lost_late_or_doubled_makes_room_in_a_cap() {
    let race = Race { troubles_max: 1, ..Race::of([Till::Pays, Till::Holds]) };
    let (tally, outcomes) = race.outcomes(false);
    assert!(tally.runs > 1);
    assert_eq!(over_cap(&outcomes), 0);
}

#[test]
fn i11_from_the_treatment_on_the_cap_is_never_overspent_and_somebody_is_always_paid() {
    let race = Race { from_treatment: true, ..Race::of([Till::Pays, Till::Holds]) };
    let (tally, outcomes) = race.outcomes(false);
    assert!(tally.runs > 1);
    assert!(outcomes.keys().all(|&(settled, fund)| settled > 0 && fund <= CAP));
}
