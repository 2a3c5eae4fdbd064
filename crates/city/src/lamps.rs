//! Puts luminaires and cabinets along the streets.

use lighting::Phase;
use types::{CabinetId, LuminaireId};

use crate::district::{District, district_at};
use crate::lattice::Lattice;
use crate::near::NearSet;
use crate::plane::Plane;
use crate::shape::{Point, Walk, length};
use crate::sites::{CabinetSite, LuminaireSite};
use crate::units::{Arrangement, Run, StreetKey, Unit};

/// Luminaires one cabinet feeds, at most.
pub(crate) const CABINET_MAX: usize = 60;
/// Two luminaires never stand closer \[m\]: at a crossing one serves both streets.
pub(crate) const GAP_MIN_M: f64 = 7.0;
/// A luminaire stands this far behind the kerb \[m\].
const KERB_M: f64 = 1.0;
/// A cabinet stands this far behind the luminaire in the middle of its stretch [share of that one's distance from the
/// middle of the street].
const CABINET_BEHIND: f64 = 1.25;

/// The first luminaires of a city, with streets still by key.
#[derive(Debug)]
pub(crate) struct Lamps {
    pub(crate) luminaires: Vec<LuminaireSite>,
    pub(crate) cabinets: Vec<CabinetSite>,
    /// The street of each luminaire and each cabinet.
    pub(crate) luminaire_streets: Vec<StreetKey>,
    pub(crate) cabinet_streets: Vec<StreetKey>,
    /// Key of the last unit with a luminaire.
    pub(crate) lit: f64,
}

/// A place for a luminaire: where it stands, and the middle of the street beside it.
#[derive(Clone, Copy, Debug)]
struct Spot {
    at: Point,
    middle: Point,
    street: StreetKey,
}

/// Puts up the first `count` luminaires, or `None` if the units do not have so many.
///
/// Each unit is divided among cabinets as if it were lit to its end, so that the luminaires of a smaller city are the
/// first luminaires of every larger one, cabinets, circuits and phases included.
pub(crate) fn light(lattice: &Lattice, units: &[Unit], districts: &[District], count: u32) -> Option<Lamps> {
    let (low, high) = (-lattice.half, lattice.half);
    let mut taken = NearSet::new((lattice.node(low, low), lattice.node(high, high)));
    let mut lamps = Lamps {
        luminaires: Vec::with_capacity(count as usize),
        cabinets: Vec::new(),
        luminaire_streets: Vec::with_capacity(count as usize),
        cabinet_streets: Vec::new(),
        lit: 0.0,
    };
    for unit in units {
        let spots = spots(unit, &mut taken);
        for stretch in even_chunks(&spots, CABINET_MAX) {
            lamps.add_cabinet(stretch, districts, count as usize);
            if lamps.luminaires.len() == count as usize {
                lamps.lit = unit.key;
                return Some(lamps);
            }
        }
    }
    None
}

impl Lamps {
    /// Adds one cabinet with its luminaires, but no more than `count` luminaires altogether.
    fn add_cabinet(&mut self, stretch: &[Spot], districts: &[District], count: usize) {
        let spot = stretch[stretch.len() / 2];
        let behind = |middle: f64, at: f64| middle + (at - middle) * CABINET_BEHIND;
        let at = (behind(spot.middle.0, spot.at.0), behind(spot.middle.1, spot.at.1));
        let id = CabinetId(self.cabinets.len() as u32 + 1);
        let district = districts[district_at(at)].id;
        let first = LuminaireId(self.luminaires.len() as u32 + 1);
        let lit = stretch.len().min(count - self.luminaires.len());
        for (k, spot) in stretch[..lit].iter().enumerate() {
            let class = spot.street.class();
            self.luminaires.push(LuminaireSite {
                id: LuminaireId(first.0 + k as u32),
                position: Plane::WEIFANG.place(spot.at),
                x_m: spot.at.0,
                y_m: spot.at.1,
                street: 0,
                cabinet: id,
                // One circuit leaves the cabinet each way.
                circuit: if k < stretch.len().div_ceil(2) { 1 } else { 2 },
                phase: Phase::ALL[k % 3],
                district,
                rated_mw: class.rated_mw(),
                standby_mw: class.standby_mw(),
                road_m2: spot.street.road_m2(),
                height_m: class.height_m(),
                class,
            });
            self.luminaire_streets.push(spot.street);
        }
        self.cabinets.push(CabinetSite {
            id,
            position: Plane::WEIFANG.place(at),
            x_m: at.0,
            y_m: at.1,
            district,
            street: 0,
            first,
            last: LuminaireId(self.luminaires.len() as u32),
        });
        self.cabinet_streets.push(spot.street);
    }
}

/// Where the luminaires of a unit stand, in the order of its runs.
fn spots(unit: &Unit, taken: &mut NearSet) -> Vec<Spot> {
    let mut spots = Vec::new();
    for run in &unit.runs {
        along(run, |spot| {
            if taken.find(spot.at, GAP_MIN_M).is_none() {
                taken.add(spot.at);
                spots.push(spot);
            }
        });
    }
    spots
}

/// Visits the places for luminaires along a run, at even distances.
fn along(run: &Run, mut visit: impl FnMut(Spot)) {
    let street = run.street;
    let usable = length(&run.points) - 2.0 * street.clear_m();
    let count = (usable / street.spacing_m() + 0.5) as u32;
    let side = street.width_m() / 2.0 + KERB_M;
    let mut walk = Walk::new(&run.points);
    for k in 0..count {
        let share = (f64::from(k) + 0.5) / f64::from(count);
        let (middle, left) = walk.at(street.clear_m() + usable * share);
        let mut stand = |side: f64| {
            visit(Spot { at: (middle.0 + left.0 * side, middle.1 + left.1 * side), middle, street });
        };
        match street.arrangement() {
            Arrangement::Opposite => {
                stand(side);
                stand(-side);
            }
            Arrangement::Staggered => stand(if k % 2 == 0 { side } else { -side }),
            Arrangement::OneSide { left } => stand(if left { side } else { -side }),
        }
    }
}

/// Cuts into the fewest chunks of at most `max`, all of about the same size.
fn even_chunks<T>(all: &[T], max: usize) -> impl Iterator<Item = &[T]> {
    let chunks = all.len().div_ceil(max);
    (0..chunks).map(move |k| &all[k * all.len() / chunks..(k + 1) * all.len() / chunks])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_even_and_not_too_large() {
        let sizes = |count: usize| even_chunks(&vec![(); count], 60).map(<[()]>::len).collect::<Vec<_>>();
        assert_eq!(sizes(0), [0; 0]);
        assert_eq!(sizes(60), [60]);
        assert_eq!(sizes(61), [30, 31]);
        assert_eq!(sizes(170), [56, 57, 57]);
    }
}
