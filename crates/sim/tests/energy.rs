//! The short way to a season's energy gives what the long way does.

mod common;

use std::num::NonZeroUsize;

use city::calendars;
use common::{Script, empty_streets};
use sim::{Energy, Sim, energy};
use types::{DAY_MS, HOUR_MS, Timestamp};
use wire::Light;

const LUMINAIRES: u32 = 12;

fn cores(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

fn noon() -> Timestamp {
    Timestamp::from_local(20_561, 12 * HOUR_MS)
}

#[test]
fn the_number_of_cores_changes_nothing_but_the_time() {
    let cast = empty_streets(LUMINAIRES);
    let until = noon().plus_millis(30 * DAY_MS);
    let of = |count| energy(&cast, &calendars(), noon(), until, cores(count)).unwrap();
    assert!(of(1).energy_mwh > 0);
    assert!([2, 5, 64].into_iter().all(|count| of(count) == of(1)));
}

#[test]
fn less_light_takes_less_energy_but_no_fewer_switch_ons() {
    let cast = empty_streets(LUMINAIRES);
    let until = noon().plus_millis(DAY_MS);
    let [full, half] = [
        calendars(),
        calendars().map(|mut programme| {
            let late = programme.steps.iter().copied().filter(|step| step.at != lighting::StepTime::Clock(0));
            programme.steps = late.collect();
            programme
        }),
    ]
    .map(|programmes| energy(&cast, &programmes, noon(), until, cores(1)).unwrap());
    // Without the step at midnight, the level of the late evening lasts all night.
    assert!(full.energy_mwh < half.energy_mwh);
    assert_eq!((full.switch_count, half.switch_count), (u64::from(LUMINAIRES), u64::from(LUMINAIRES)));
}

#[test]
fn a_meter_that_is_asked_once_shows_what_one_shows_that_told_everything() {
    // A smaller city is the beginning of a larger one, so that one luminaire is the difference of two.
    let casts: Vec<_> = (1..=4).map(empty_streets).collect();
    let mut sim = Sim::new(&casts[3], "sim".parse().unwrap(), noon()).unwrap();
    let mut script = Script::default();
    sim.run_until(noon().plus_millis(2 * DAY_MS), &mut script);
    for luminaire in 1..=4u32 {
        let readings = |(at, body)| match body {
            Light::Telemetry(report) => Some((at, report.body.energy_mwh, report.body.burning_s)),
            _ => None,
        };
        let (at, energy_mwh, burning_s) = script.of(luminaire).into_iter().rev().find_map(readings).unwrap();
        let short = |count: usize| match count {
            0 => Energy::default(),
            _ => energy(&casts[count - 1], &calendars(), noon(), at, cores(1)).unwrap(),
        };
        let (with, without) = (short(luminaire as usize), short(luminaire as usize - 1));
        assert!(burning_s > 0);
        assert_eq!(with.energy_mwh - without.energy_mwh, energy_mwh, "luminaire {luminaire}");
        assert_eq!(with.burning_s - without.burning_s, burning_s, "luminaire {luminaire}");
    }
}
