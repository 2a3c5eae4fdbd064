//! From rows to the luminaires of a city: doubles and strays are refused, and what is missing is made up.

use std::collections::HashMap;

use city::{PLACED_MAX, PLACED_RADIUS_M, Placed, Plane, RoadClass};
use lighting::Phase;
use types::Position;

use super::cabinets;
use super::row::Draft;

/// Refused rows whose reason is kept; all are counted.
const REASONS_KEPT_MAX: usize = 100_000;
/// From so much power on a road is taken for a ring or an arterial, where no class is said \[mW\].
const RING_FROM_MW: u32 = 180_000;
const ARTERIAL_FROM_MW: u32 = 90_000;

/// Luminaires so far.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    drafts: Vec<Draft>,
    /// The row of each.
    rows: Vec<u64>,
    /// The row that has a label.
    labels: HashMap<Box<str>, u64>,
    pub(super) refusals: Refusals,
}

/// Rows that are no luminaires.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    pub(super) count: u64,
    /// Rows and reasons of the first.
    pub(super) kept: Vec<(u64, String)>,
}

impl Refusals {
    fn add(&mut self, row: u64, why: String) {
        self.count += 1;
        if self.kept.len() < REASONS_KEPT_MAX {
            self.kept.push((row, why));
        }
    }
}

/// How many luminaires something was made up for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct MadeUp {
    pub(super) classes: usize,
    pub(super) watts: usize,
    pub(super) heights: usize,
    pub(super) cabinets: usize,
    pub(super) circuits: usize,
}

impl Gathered {
    /// Takes what a row says. Without a label it is called after its row.
    ///
    /// # Errors
    ///
    /// If there are too many.
    pub(super) fn take(&mut self, row: u64, draft: Result<Draft, String>) -> Result<(), String> {
        let mut draft = match draft {
            Ok(draft) => draft,
            Err(why) => {
                self.refusals.add(row, why);
                return Ok(());
            }
        };
        if draft.label.is_empty() {
            draft.label = format!("row-{row}").into();
        }
        if let Some(first) = self.labels.get(&draft.label) {
            self.refusals.add(row, format!("id `{}` is that of row {first} already", draft.label));
            return Ok(());
        }
        if self.drafts.len() == PLACED_MAX {
            return Err(format!("a city has at most {PLACED_MAX} luminaires: divide the file"));
        }
        self.labels.insert(draft.label.clone(), row);
        self.drafts.push(draft);
        self.rows.push(row);
        Ok(())
    }

    /// Refuses what is far from the middle of all: a stray would blow up the map. Their middle is the median, which a
    /// few strays do not move.
    pub(super) fn refuse_strays(&mut self) {
        let Some(middle) = middle(&self.drafts) else { return };
        let plane = Plane::around(middle);
        // The map's own middle is up to half a radius away from the median.
        let radius = PLACED_RADIUS_M / 2.0;
        let away = |position: Position| {
            let (x, y) = plane.point(position);
            x.hypot(y)
        };
        let mut rows = self.rows.iter();
        let refusals = &mut self.refusals;
        let kept: Vec<bool> = self
            .drafts
            .iter()
            .map(|draft| {
                let row = *rows.next().expect("as many rows as drafts");
                let distance = away(draft.position);
                if distance <= radius {
                    return true;
                }
                let Position { lat, lon } = draft.position;
                let swapped = lon.abs() <= 90.0 && away(Position { lat: lon, lon: lat }) <= radius;
                let hint = if swapped { "; swapped it would be among them (--swap)" } else { "" };
                refusals.add(row, format!("{lat}, {lon} is {:.0} km from the others{hint}", distance / 1e3));
                false
            })
            .collect();
        let mut keep = kept.iter();
        self.drafts.retain(|_| *keep.next().unwrap_or(&false));
    }

    /// The luminaires, and what had to be made up for them.
    pub(super) fn complete(mut self) -> (Vec<Placed>, MadeUp, Refusals) {
        let count = |missing: fn(&Draft) -> bool| self.drafts.iter().filter(|draft| missing(draft)).count();
        let made_up = MadeUp {
            classes: count(|draft| draft.class.is_none()),
            watts: count(|draft| draft.rated_mw.is_none()),
            heights: count(|draft| draft.height_m.is_none()),
            cabinets: count(|draft| draft.cabinet.is_empty()),
            circuits: count(|draft| draft.circuit.is_none()),
        };
        cabinets::assign(&mut self.drafts);
        self.sort_by_cabinet();
        let lamps = self.drafts.into_iter().enumerate().map(|(nth, draft)| place(draft, nth)).collect();
        (lamps, made_up, self.refusals)
    }
}

impl Gathered {
    /// Cabinet by cabinet, in the order in which they come: as a city numbers them.
    fn sort_by_cabinet(&mut self) {
        let mut places: HashMap<Box<str>, usize> = HashMap::new();
        for draft in &self.drafts {
            let next = places.len();
            places.entry(draft.cabinet.clone()).or_insert(next);
        }
        self.drafts.sort_by_key(|draft| places[&draft.cabinet]);
    }
}

fn middle(drafts: &[Draft]) -> Option<Position> {
    let median = |part: fn(&Draft) -> f64| {
        let mut parts: Vec<f64> = drafts.iter().map(part).collect();
        let half = parts.len() / 2;
        (!parts.is_empty()).then(|| *parts.select_nth_unstable_by(half, f64::total_cmp).1)
    };
    Some(Position { lat: median(|draft| draft.position.lat)?, lon: median(|draft| draft.position.lon)? })
}

/// Fills in what the class of the road suggests.
fn place(draft: Draft, nth: usize) -> Placed {
    let class = draft.class.unwrap_or_else(|| class_by_power(draft.rated_mw));
    let rated_mw = draft.rated_mw.unwrap_or_else(|| class.rated_mw());
    Placed {
        label: draft.label,
        position: draft.position,
        class,
        rated_mw,
        standby_mw: draft.standby_mw.unwrap_or_else(|| class.standby_mw().min(rated_mw)),
        height_m: draft.height_m.unwrap_or_else(|| class.height_m()),
        road_m2: draft.road_m2.unwrap_or_else(|| class.width_m() * class.spacing_m()),
        street: draft.street,
        cabinet: draft.cabinet,
        circuit: draft.circuit.unwrap_or(1),
        phase: draft.phase.unwrap_or([Phase::R, Phase::S, Phase::T][nth % 3]),
    }
}

fn class_by_power(rated_mw: Option<u32>) -> RoadClass {
    match rated_mw {
        Some(RING_FROM_MW..) => RoadClass::Ring,
        Some(ARTERIAL_FROM_MW..) => RoadClass::Arterial,
        _ => RoadClass::Branch,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(label: &str, lat: f64, lon: f64) -> Draft {
        Draft {
            label: label.into(),
            position: Position { lat, lon },
            class: None,
            rated_mw: None,
            standby_mw: None,
            height_m: None,
            road_m2: None,
            street: "".into(),
            cabinet: "".into(),
            circuit: None,
            phase: None,
        }
    }

    fn gathered(drafts: Vec<Draft>) -> Gathered {
        let mut all = Gathered::default();
        for (row, draft) in (2..).zip(drafts) {
            all.take(row, Ok(draft)).unwrap();
        }
        all
    }

    #[test]
    fn doubles_and_strays_are_refused_by_row() {
        let mut all = gathered(vec![
            draft("a", 36.7, 119.1),
            draft("a", 36.8, 119.1),
            draft("b", 36.7, 119.2),
            draft("c", 51.5, 0.1),
            draft("", 36.7, 119.2),
        ]);
        all.refuse_strays();
        let (lamps, _, refusals) = all.complete();
        assert_eq!(lamps.iter().map(|lamp| &*lamp.label).collect::<Vec<_>>(), ["a", "b", "row-6"]);
        assert_eq!(refusals.kept[0], (3, "id `a` is that of row 2 already".to_owned()));
        assert!(refusals.kept[1].0 == 5 && refusals.kept[1].1.contains("km from the others"), "{refusals:?}");
    }

    #[test]
    fn a_stray_that_is_swapped_is_said_to_be() {
        let mut all = gathered(vec![draft("a", 42.0, 75.0), draft("b", 42.1, 75.0), draft("c", 75.0, 42.0)]);
        all.refuse_strays();
        assert!(all.refusals.kept[0].1.contains("--swap"), "{:?}", all.refusals);
    }

    #[test]
    fn what_is_missing_comes_from_the_class_and_the_class_from_the_power() {
        let mut strong = draft("a", 36.7, 119.1);
        strong.rated_mw = Some(250_000);
        let (lamps, made_up, _) = gathered(vec![strong, draft("b", 36.7, 119.1)]).complete();
        let classes: Vec<_> = lamps.iter().map(|lamp| (lamp.class, lamp.rated_mw, lamp.height_m)).collect();
        assert_eq!(classes, [(RoadClass::Ring, 250_000, 12.0), (RoadClass::Branch, 60_000, 8.0)]);
        assert_eq!(made_up, MadeUp { classes: 2, watts: 1, heights: 2, cabinets: 2, circuits: 2 });
    }
}
