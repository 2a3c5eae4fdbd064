//! Which streets a city has, and their shapes: every lit one, and those a little further out.

use std::collections::BTreeMap;

use crate::graph::Graph;
use crate::growth::fringe;
use crate::lattice::Lattice;
use crate::names::Heading;
use crate::street::{RoadClass, Street};
use crate::units::{Run, StreetKey, Unit};

/// The streets of a city.
#[derive(Debug)]
pub(crate) struct Streets {
    pub(crate) streets: Vec<Street>,
    /// The index of each street.
    pub(crate) indices: BTreeMap<StreetKey, usize>,
    /// The cells with streets in them.
    pub(crate) cells: Vec<(i32, i32)>,
}

/// What is known of a street while its runs are gathered.
struct Draft {
    /// The key of its first run to be lit.
    key: f64,
    /// Places of its first and last run.
    from: i32,
    to: i32,
}

/// The streets of a city lit up to `lit`: those of every run up to its fringe, the arterials around every cell among
/// them, and what lies between two runs of the same street. Rings are there when they are lit.
///
/// Streets are in the order in which their first runs are lit; those without a way to the others are left out.
pub(crate) fn streets(lattice: &Lattice, units: &[Unit], lit: f64) -> (Streets, Graph) {
    let mut drawn = draw(lattice, units, lit);
    let mut graph = Graph::new(&drawn.streets);
    let reached = graph.reached_streets(drawn.streets.len());
    if reached.contains(&false) {
        // Only dark ends at the fringe: what is lit lies well inside it.
        drawn.keep(&reached);
        graph = Graph::new(&drawn.streets);
    }
    (drawn, graph)
}

fn draw(lattice: &Lattice, units: &[Unit], lit: f64) -> Streets {
    let fringe = fringe(lit);
    let mut drafts = BTreeMap::new();
    let mut cells = Vec::new();
    for unit in units.iter().take_while(|unit| unit.key <= fringe) {
        for run in &unit.runs {
            if unit.key <= lit || run.street.class() != RoadClass::Ring {
                draft(&mut drafts, run.street, run.place, unit.key);
            }
        }
        cells.extend(unit.cell);
    }
    for &(i, j) in &cells {
        // Known by now, if it is lit before the fringe; otherwise it comes after all that are.
        for (heading, line, place) in [
            (Heading::East, j, i),
            (Heading::East, j + 1, i),
            (Heading::North, i, j),
            (Heading::North, i + 1, j),
        ] {
            draft(&mut drafts, StreetKey::Arterial(heading, line), place, fringe);
        }
    }

    let mut runs: BTreeMap<(StreetKey, i32), &Run> = BTreeMap::new();
    for run in units.iter().flat_map(|unit| &unit.runs) {
        if drafts.get(&run.street).is_some_and(|draft: &Draft| (draft.from..=draft.to).contains(&run.place)) {
            runs.insert((run.street, run.place), run);
        }
    }
    let mut order: Vec<(StreetKey, Draft)> = drafts.into_iter().collect();
    order.sort_by(|(a_key, a), (b_key, b)| a.key.total_cmp(&b.key).then(a_key.cmp(b_key)));
    let streets = order
        .iter()
        .map(|(key, draft)| {
            let runs = runs.range((*key, draft.from)..=(*key, draft.to)).map(|(_, run)| *run);
            street(lattice, *key, runs)
        })
        .collect();
    let indices = order.iter().zip(0..).map(|((key, _), index)| (*key, index)).collect();
    Streets { streets, indices, cells }
}

impl Streets {
    /// Leaves out the streets that are not in `keep`.
    fn keep(&mut self, keep: &[bool]) {
        let mut kept = keep.iter();
        self.streets.retain(|_| kept.next().copied().unwrap_or(false));
        let before = |index: usize| keep[..index].iter().filter(|keep| **keep).count();
        self.indices.retain(|_, index| keep[*index]);
        for index in self.indices.values_mut() {
            *index = before(*index);
        }
    }
}

fn draft(drafts: &mut BTreeMap<StreetKey, Draft>, street: StreetKey, place: i32, key: f64) {
    let draft = drafts.entry(street).or_insert(Draft { key, from: place, to: place });
    draft.from = draft.from.min(place);
    draft.to = draft.to.max(place);
}

fn street<'a>(lattice: &Lattice, key: StreetKey, runs: impl Iterator<Item = &'a Run>) -> Street {
    let mut points = Vec::new();
    for run in runs {
        // A run begins where the last one ended.
        points.extend_from_slice(&run.points[usize::from(!points.is_empty())..]);
    }
    let name = key.name(lattice);
    Street { class: key.class(), name_en: name.en, name_zh: name.zh, width_m: key.width_m(), points }
}
