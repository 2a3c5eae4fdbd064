use std::collections::BTreeMap;
use std::sync::Arc;

use city::{LuminaireSite, Plan};
use types::{LuminaireId, SECOND_MS, Timestamp};
use wire::Walker;

/// How far a presence sensor sees \[m\].
const RANGE_M: f64 = 35.0;
/// A luminaire hears of someone so long before they come into its range \[s\]: until they are seen again, and it has faded
/// to full light.
const AHEAD_S: f64 = 15.0;
/// Sights further apart than this tell nothing of a speed \[ms\].
const SIGHTS_APART_MS_MAX: i64 = 30 * SECOND_MS;
/// Nobody is faster \[m/s\]: it is somebody else, or a jump of the clock.
const SPEED_M_PER_S_MAX: f64 = 40.0;
/// More than any sum of distances is off by in floating point \[m\].
const ROUNDING_M: f64 = 1e-3;

type Point = (f64, f64);

/// The presence sensors of a city's luminaires.
///
/// A luminaire that sees someone tells the ones ahead, so that the light runs before whoever comes, at their speed: 20 m
/// before a walker, 200 m before a car.
#[derive(Clone, Debug)]
pub struct Sensors {
    plan: Arc<Plan>,
    /// Where each walk was seen last; only of those who are still out.
    seen: BTreeMap<u32, (Timestamp, Point)>,
}

impl Sensors {
    /// The sensors of `plan`.
    pub fn new(plan: Arc<Plan>) -> Self {
        Self { plan, seen: BTreeMap::new() }
    }

    /// The luminaires that hear of someone, each once, in the order of their numbers.
    pub fn sense(&mut self, now: Timestamp, walkers: &[Walker]) -> Vec<LuminaireId> {
        let before = std::mem::take(&mut self.seen);
        let mut heard = Vec::new();
        for walker in walkers {
            let at = self.plan.plane().point(walker.at);
            let ahead = before.get(&walker.walk).map_or((0.0, 0.0), |&sight| way_ahead(sight, (now, at)));
            self.along(at, ahead, &mut heard);
            self.seen.insert(walker.walk, (now, at));
        }
        heard.sort_unstable();
        heard.dedup();
        heard
    }

    /// Adds whoever stands near a straight way.
    fn along(&self, from: Point, ahead: Point, heard: &mut Vec<LuminaireId>) {
        let steps = (length(ahead) / RANGE_M).ceil().max(1.0);
        // Someone who stands still has no way ahead, but a place.
        let steps = if ahead == (0.0, 0.0) { 0 } else { steps as u32 };
        let sights = || {
            let share = move |step| f64::from(step) / f64::from(steps.max(1));
            (0..=steps).map(share).map(|share| (from.0 + ahead.0 * share, from.1 + ahead.1 * share))
        };
        // One look around the middle of the way finds all that any sight on it does, and some more.
        let middle = (from.0 + ahead.0 / 2.0, from.1 + ahead.1 / 2.0);
        let around =
            self.plan.luminaires_near(middle.0, middle.1, RANGE_M + length(ahead) / 2.0 + ROUNDING_M);
        let is_seen =
            |site: &&LuminaireSite| sights().any(|at| length((at.0 - site.x_m, at.1 - site.y_m)) <= RANGE_M);
        heard.extend(around.filter(is_seen).map(|site| site.id));
    }
}

fn length((east, north): Point) -> f64 {
    // A square root gives the same bits on every machine.
    (east * east + north * north).sqrt()
}

/// How far someone gets in [`AHEAD_S`] if they go on as they came; nowhere if that cannot be known.
fn way_ahead((then, was): (Timestamp, Point), (now, is): (Timestamp, Point)) -> Point {
    let apart_ms = now.millis_since(then);
    let (east, north) = (is.0 - was.0, is.1 - was.1);
    let seconds = apart_ms as f64 / SECOND_MS as f64;
    let too_fast = length((east, north)) > SPEED_M_PER_S_MAX * seconds;
    if !(1..=SIGHTS_APART_MS_MAX).contains(&apart_ms) || too_fast {
        return (0.0, 0.0);
    }
    (east / seconds * AHEAD_S, north / seconds * AHEAD_S)
}

#[cfg(test)]
mod tests {
    use city::{CitySpec, Placed, RoadClass};
    use lighting::Phase;
    use types::{Position, Seed};

    use super::*;

    /// Luminaires every 30 m along a straight street, and someone on it.
    fn street() -> (Sensors, impl Fn(f64) -> Walker) {
        let plane = city::Plane::around(Position { lat: 36.71, lon: 119.16 });
        let lamp = move |n: i32| Placed {
            label: format!("{n}").into(),
            position: plane.place((f64::from(n) * 30.0, 0.0)),
            class: RoadClass::Branch,
            rated_mw: 60_000,
            standby_mw: 500,
            height_m: 8.0,
            road_m2: 348.0,
            street: "".into(),
            cabinet: "K".into(),
            circuit: 1,
            phase: Phase::R,
        };
        let lamps: Vec<Placed> = (-20..=20).map(lamp).collect();
        let spec = CitySpec { seed: Seed(1), luminaires: 1, residents: 1, clinics: 0 };
        let plan = Arc::new(Plan::around(&spec, &lamps).unwrap());
        (Sensors::new(plan), move |east| Walker { walk: 1, at: plane.place((east, 0.0)) })
    }

    /// Where the luminaires that hear of it stand \[m east\], first and last.
    fn heard(sensors: &mut Sensors, at_s: i64, walker: Walker) -> (f64, f64) {
        let heard = sensors.sense(Timestamp::from_millis(at_s * SECOND_MS), &[walker]);
        let east = |id: &LuminaireId| f64::from(id.0 as i32 - 21) * 30.0;
        (heard.first().map_or(f64::NAN, east), heard.last().map_or(f64::NAN, east))
    }

    #[test]
    fn nobody_far_away_hears_of_someone_who_stands() {
        let (mut sensors, at) = street();
        for second in [0, 10, 20] {
            assert_eq!(heard(&mut sensors, second, at(0.0)), (-30.0, 30.0));
        }
        assert!(sensors.sense(Timestamp::from_millis(30_000), &[]).is_empty());
    }

    #[test]
    fn a_jump_is_no_speed() {
        let (mut sensors, at) = street();
        heard(&mut sensors, 0, at(-600.0));
        assert_eq!(heard(&mut sensors, 10, at(0.0)), (-30.0, 30.0), "60 m/s");
        assert_eq!(heard(&mut sensors, 100, at(60.0)), (30.0, 90.0), "a minute and a half later");
        assert_eq!(heard(&mut sensors, 100, at(90.0)), (60.0, 120.0), "at once");
    }

    #[test]
    fn light_runs_ahead_of_a_walker_and_further_ahead_of_a_car() {
        let (mut sensors, at) = street();
        heard(&mut sensors, 0, at(0.0));
        assert_eq!(heard(&mut sensors, 10, at(15.0)), (0.0, 60.0), "1.5 m/s");
        let (mut sensors, at) = street();
        heard(&mut sensors, 0, at(-140.0));
        assert_eq!(heard(&mut sensors, 10, at(0.0)), (-30.0, 240.0), "14 m/s");
    }
}
