//! Which streets a city has, and their shapes: every lit one, and those a little further out.

use std::collections::BTreeMap;

use crate::lattice::Lattice;
use crate::names::Heading;
use crate::street::Street;
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

/// Makes streets of all runs up to `fringe`, of the arterials around every cell among them, and of what lies between
/// two runs of the same street. Streets are in the order in which their first runs are lit.
pub(crate) fn streets(lattice: &Lattice, units: &[Unit], fringe: f64) -> Streets {
    let mut drafts = BTreeMap::new();
    let mut cells = Vec::new();
    for unit in units {
        if unit.key > fringe {
            break;
        }
        for run in &unit.runs {
            draft(&mut drafts, run.street, run.place, unit.key);
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
