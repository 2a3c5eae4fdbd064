use std::collections::BTreeSet;

use types::Seed;

use super::*;
use crate::lamps::{CABINET_MAX, GAP_MIN_M};
use crate::shape::lerp;

fn spec(seed: u64, luminaires: u32) -> CitySpec {
    CitySpec { seed: Seed(seed), luminaires, residents: 100, clinics: 8 }
}

fn plan(seed: u64, luminaires: u32) -> Plan {
    Plan::generate(&spec(seed, luminaires)).unwrap()
}

fn at(site: &LuminaireSite) -> Point {
    (site.x_m, site.y_m)
}

/// A number that changes if any coordinate or number of the plan does.
fn digest(plan: &Plan) -> u64 {
    let streets = plan.streets().iter().flat_map(|street| street.points.iter().copied());
    let sites =
        plan.luminaires().iter().flat_map(|site| [at(site), (site.street as f64, site.cabinet.0.into())]);
    let clinics = plan.clinics().iter().map(|clinic| (clinic.x_m, clinic.y_m));
    streets
        .chain(sites)
        .chain(clinics)
        .flat_map(|(x, y)| [x.to_bits(), y.to_bits()])
        .fold(0, |digest, bits| (digest ^ bits).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23))
}

#[test]
fn a_city_that_cannot_be_is_refused() {
    assert_eq!(Plan::generate(&spec(1, 200_001)).unwrap_err().field, "luminaires");
}

#[test]
fn the_same_seed_gives_the_same_plan_and_another_seed_another() {
    assert_eq!(digest(&plan(1, 2_000)), digest(&plan(1, 2_000)));
    assert_ne!(digest(&plan(1, 2_000)), digest(&plan(2, 2_000)));
}

/// [`digest`] of the plan of 2,000 luminaires and seed 1.
const GOLDEN: u64 = 4_563_155_327_155_454_966;

#[test]
fn this_machine_draws_the_city_every_machine_draws() {
    // Changes only when the drawing is meant to change; then take the new one.
    assert_eq!(digest(&plan(1, 2_000)), GOLDEN);
}

#[test]
fn there_are_exactly_as_many_luminaires_as_asked_for() {
    for count in [1, 2, 99, 2_000, 20_000] {
        let plan = plan(5, count);
        assert_eq!(plan.luminaires().len(), count as usize);
        for (number, site) in (1..).zip(plan.luminaires()) {
            assert_eq!(site.id, LuminaireId(number));
            assert_eq!(plan.luminaire(site.id), Some(site));
        }
        assert_eq!(plan.luminaire(LuminaireId(0)), None);
        assert_eq!(plan.luminaire(LuminaireId(count + 1)), None);
    }
}

#[test]
fn a_smaller_city_is_the_beginning_of_every_larger_one() {
    for seed in 0..5 {
        let largest = plan(seed, 9_000);
        for count in [1, 99, 700, 2_000, 4_321] {
            let plan = plan(seed, count);
            let rest = largest.luminaires().iter();
            assert!(plan.luminaires().iter().zip(rest).all(|(a, b)| a == b), "seed {seed}, {count}");
            let full = plan.cabinets().len() - 1;
            assert_eq!(plan.cabinets()[..full], largest.cabinets()[..full]);
            let lit: BTreeSet<usize> = plan.luminaires().iter().map(|site| site.street).collect();
            assert!(lit.iter().all(|&k| plan.streets()[k].name_zh == largest.streets()[k].name_zh));
        }
    }
}

#[test]
fn luminaires_stand_at_the_kerb_of_their_street_and_not_in_each_other_s_way() {
    let plan = plan(3, 20_000);
    for site in plan.luminaires() {
        let street = &plan.streets()[site.street];
        let off = street.locate(at(site)).distance_m - street.width_m / 2.0;
        assert!((-3.0..3.0).contains(&off), "{site:?} is {off} m off");
        assert_eq!(site.class, street.class);
        let (near, near_position) =
            (plan.luminaires_near(site.x_m, site.y_m, GAP_MIN_M - 0.001), site.position);
        assert_eq!(near.map(|other| other.id).collect::<Vec<_>>(), [site.id]);
        assert!(distance(plan.plane().point(near_position), at(site)) < 0.01);
    }
}

#[test]
fn cabinets_feed_up_to_sixty_luminaires_near_them_on_two_circuits() {
    let plan = plan(3, 20_000);
    let mut fed = 0;
    for (number, cabinet) in (1..).zip(plan.cabinets()) {
        assert_eq!(cabinet.id, CabinetId(number));
        assert!((1..=CABINET_MAX).contains(&cabinet.luminaires().len()));
        for id in cabinet.luminaires() {
            fed += 1;
            let site = plan.luminaire(id).unwrap();
            assert_eq!((id.0, site.cabinet, site.district), (fed, cabinet.id, cabinet.district));
            assert!(distance(at(site), (cabinet.x_m, cabinet.y_m)) < 1_200.0, "{site:?} {cabinet:?}");
        }
    }
    assert_eq!(fed, 20_000);
    assert!(plan.cabinets().len() < 20_000 / 25, "{} cabinets", plan.cabinets().len());
}

#[test]
fn two_thousand_luminaires_light_a_city_of_four_districts_and_every_class_of_road() {
    for seed in 0..10 {
        let plan = plan(seed, 2_000);
        let districts: BTreeSet<_> = plan.luminaires().iter().map(|site| site.district).collect();
        assert_eq!(districts.len(), 4, "seed {seed}");
        for class in RoadClass::ALL {
            let count = plan.luminaires().iter().filter(|site| site.class == class).count();
            assert!(count > 300, "seed {seed}: {count} on {class}");
        }
        let (low, high) = bounds_of(plan.luminaires().iter().map(at));
        assert!((3_000.0..5_500.0).contains(&(high.0 - low.0)), "seed {seed}: {low:?} {high:?}");
        assert!((2_100.0..4_500.0).contains(&(high.1 - low.1)), "seed {seed}: {low:?} {high:?}");
    }
}

#[test]
fn what_is_near_is_found_and_nothing_else() {
    let plan = plan(8, 3_000);
    for (x, y, radius) in
        [(0.0, 0.0, 300.0), (900.0, -400.0, 45.0), (-9_000.0, 0.0, 8_000.0), (0.0, 0.0, 1e9)]
    {
        let mut found: Vec<LuminaireId> = plan.luminaires_near(x, y, radius).map(|site| site.id).collect();
        found.sort();
        let all = plan.luminaires().iter().filter(|site| distance(at(site), (x, y)) <= radius);
        assert_eq!(found, all.map(|site| site.id).collect::<Vec<_>>());
    }
}

#[test]
fn clinics_are_as_many_as_asked_for_apart_and_on_dry_land() {
    for (count, luminaires) in [(0, 2_000), (8, 100), (100, 1), (100, 2_000), (20, 20_000)] {
        let plan = Plan::generate(&CitySpec { clinics: count, ..spec(6, luminaires) }).unwrap();
        assert_eq!(plan.clinics().len(), count as usize);
        for (number, clinic) in (1..).zip(plan.clinics()) {
            assert_eq!((clinic.id, plan.clinic(clinic.id)), (ProviderId(number), Some(clinic)));
            assert!((1..=3).contains(&clinic.level) && !plan.is_water((clinic.x_m, clinic.y_m)));
            let apart = |other: &Clinic| distance((clinic.x_m, clinic.y_m), (other.x_m, other.y_m)) >= 10.0;
            assert!(plan.clinics()[number as usize..].iter().all(apart));
        }
        let names: BTreeSet<_> = plan.clinics().iter().map(|clinic| &clinic.name_zh).collect();
        assert_eq!(names.len(), plan.clinics().len());
    }
}

#[test]
fn every_street_can_be_reached_from_every_other() {
    for (seed, luminaires) in (0..60).zip([1, 40, 150, 700, 2_000, 5_000, 20_000].into_iter().cycle()) {
        let plan = plan(seed, luminaires);
        assert!(!plan.graph.reached_streets(plan.streets().len()).contains(&false), "{seed}, {luminaires}");
    }
}

#[test]
fn a_route_begins_and_ends_where_asked_and_keeps_to_the_streets() {
    let plan = plan(1, 2_000);
    let mut stream = Seed(1).stream("walks", 0);
    let mut anywhere = || (stream.fraction() * 3_000.0 - 1_500.0, stream.fraction() * 2_400.0 - 1_200.0);
    for _ in 0..200 {
        let (from, to) = (anywhere(), anywhere());
        let route = plan.route(from, to);
        assert_eq!((route.at(0.0), route.at(route.length_m() + 1.0)), (from, to));
        let straight = distance(from, to);
        assert!(route.length_m() >= straight - 0.01 && route.length_m() < 2.0 * straight + 1_500.0);
        // All but the first and the last leg lie on a street.
        let on_street = &route.points()[1..route.points().len() - 1];
        for pair in on_street.windows(2) {
            let middle = lerp(pair[0], pair[1], 0.5);
            assert!(distance(middle, plan.nearest_street(middle.0, middle.1).1) < 1.5, "{pair:?}");
        }
    }
}

#[test]
fn no_other_way_is_shorter() {
    let plan = plan(2, 600);
    let (from, to) = (plan.graph.node(0), plan.graph.node(plan.graph.nodes.len() as u32 - 1));
    let whole = plan.route(from, to).length_m();
    for node in 0..plan.graph.nodes.len() as u32 {
        let over = plan.graph.node(node);
        let detour = plan.route(from, over).length_m() + plan.route(over, to).length_m();
        // Costs are rounded to centimetres, and snapping may land on the near side of a node.
        assert!(whole <= detour + 2.0, "{whole} m, but {detour} m over {over:?}");
    }
}

#[test]
fn places_far_outside_the_city_have_a_way_too() {
    let plan = plan(1, 100);
    let route = plan.route((-50_000.0, 0.0), (0.0, 90_000.0));
    assert!(route.length_m() > 100_000.0);
    assert_eq!(route.at(1e9), (0.0, 90_000.0));
    assert_eq!(plan.route((3.0, 4.0), (3.0, 4.0)).at(10.0), (3.0, 4.0));
}
