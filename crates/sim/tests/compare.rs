//! Lighting policies over the same city, people and night.

use std::sync::{Arc, LazyLock};

use city::CitySpec;
use lighting::AstroTable;
use scenario::{Cast, CastSpec, Comparison, Figures, LightingPolicy};
use sim::Sim;
use types::{DAY_MS, HOUR_MS, Seed, Timestamp};

static SUN: LazyLock<Arc<AstroTable>> = LazyLock::new(|| Arc::new(city::astro_table(2026).unwrap()));
const PAYMENT: &str = include_str!("../../../config/policies/demo.toml");
const ALWAYS: &str = include_str!("../../../config/lighting/always-100.toml");
const MIDNIGHT: &str = include_str!("../../../config/lighting/midnight-dim.toml");
const FESTIVAL: &str = include_str!("../../../config/lighting/kite-festival.toml");
const ADAPTIVE: &str = include_str!("../../../config/lighting/presence-adaptive.toml");

fn measure(policy: &str) -> Figures {
    measure_on(policy, 20_777)
}

/// The night that begins in the evening of this day.
fn measure_on(policy: &str, day: i64) -> Figures {
    let policy: LightingPolicy = toml::from_str(policy).unwrap();
    let city = CitySpec { seed: Seed(7), luminaires: 150, residents: 100, clinics: 2 };
    let payment = toml::from_str(PAYMENT).unwrap();
    let spec = CastSpec::new(city, 2026, payment);
    let cast = Cast::under_sun(spec, SUN.clone()).unwrap().lit_by(&policy);
    let start = Timestamp::from_local(day, 12 * HOUR_MS);
    let end = start.plus_millis(DAY_MS);
    let mut comparison = Comparison::new(cast.plan().clone(), SUN.clone(), start);
    Sim::new(&cast, "test".parse().unwrap(), start).unwrap().run_until(end, &mut comparison);
    comparison.conclude(&policy.name, end)
}

#[test]
fn a_festival_night_is_brighter_than_one_before_and_beats_the_weekend_it_falls_on() {
    // 2026-04-16 is a Thursday, the festival begins on Saturday the 18th, and the 25th is a Saturday after it.
    let energy = [20_559, 20_561, 20_568].map(|day| measure_on(FESTIVAL, day).energy_kwh);
    let [thursday, festival, weekend] = energy;
    assert!(festival > weekend * 1.05 && weekend > thursday * 1.02, "{energy:?}");
    assert_eq!(thursday, measure_on(MIDNIGHT, 20_559).energy_kwh, "other nights are as ever");
}

#[test]
fn less_light_costs_less_energy_and_more_shortfall() {
    let (always, midnight) = (measure(ALWAYS), measure(MIDNIGHT));
    assert!(midnight.energy_kwh < always.energy_kwh * 0.85, "{midnight:?}");
    assert!(midnight.shortfall_person_hours > always.shortfall_person_hours, "{midnight:?}");
    assert!(midnight.over_lighting_kwh < always.over_lighting_kwh, "{midnight:?}");
    assert_eq!(always.person_hours, midnight.person_hours, "the same people walk");
}

#[test]
fn light_for_those_who_are_there_saves_energy_without_leaving_them_in_the_dark() {
    let (midnight, adaptive) = (measure(MIDNIGHT), measure(ADAPTIVE));
    assert!(adaptive.energy_kwh < midnight.energy_kwh, "{adaptive:?}");
    assert!(adaptive.shortfall_person_hours < midnight.shortfall_person_hours, "{adaptive:?}");
    // Light runs ahead: those below class are those who step out of a door.
    assert!(adaptive.below_class_percent < midnight.below_class_percent / 2.0, "{adaptive:?}");
    assert!(adaptive.dim_changes > midnight.dim_changes, "{adaptive:?}");
    assert!(adaptive.response.is_some_and(|spread| spread.p95_ms < 10_000), "{adaptive:?}");
}

#[test]
fn the_energy_of_full_light_is_rated_power_times_the_hours_of_the_night() {
    let always = measure(ALWAYS);
    let day = 20_777;
    let night_h = SUN.sunrise(day + 1).millis_since(SUN.sunset(day)) as f64 / HOUR_MS as f64;
    let plan = city::Plan::generate(&CitySpec { seed: Seed(7), luminaires: 150, residents: 100, clinics: 2 })
        .unwrap();
    let expected_wh: f64 = plan
        .luminaires()
        .iter()
        .map(|site| {
            let (rated, standby) = (f64::from(site.rated_mw) / 1e3, f64::from(site.standby_mw) / 1e3);
            rated * night_h + standby * (24.0 - night_h)
        })
        .sum();
    let off = (always.energy_kwh * 1e3 / expected_wh - 1.0).abs();
    // Staggered switching, fades, and readings up to a quarter of an hour old.
    assert!(off < 0.005, "{} of {expected_wh} Wh", always.energy_kwh * 1e3);
    assert!(always.oracle_kwh < always.energy_kwh);
}
