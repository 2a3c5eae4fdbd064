//! What is lit in one go: a piece of arterial, a ring, a quarter's branch streets, a piece of riverside.

use crate::branches::{BANK_M, branches, riverside};
use crate::growth::{arterial_key, cell_key, complete_up_to};
use crate::lattice::{Lattice, RIVER, pair};
use crate::names::{Heading, Name, arterial, branch, ring, riverside as riverside_name};
use crate::ring::Ring;
use crate::shape::Point;
use crate::street::RoadClass;

/// Which street, in every city of one seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StreetKey {
    /// A row or column of the lattice.
    Arterial(Heading, i32),
    /// A ring road, counted from the centre.
    Ring(usize),
    /// The street along the west or east bank.
    Riverside { west: bool },
    /// A branch street of a cell.
    Branch { cell: (i32, i32), heading: Heading, rank: u32 },
}

/// How luminaires stand along a street.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Arrangement {
    /// In pairs, one on each side.
    Opposite,
    /// In turns on the left and on the right.
    Staggered,
    /// All on the left, or all on the right.
    OneSide { left: bool },
}

/// A stretch of one street.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) street: StreetKey,
    /// Its place along the street: the line number at its start. Runs of a street join in this order.
    pub(crate) place: i32,
    pub(crate) points: Vec<Point>,
}

/// What is lit in one go.
#[derive(Debug)]
pub(crate) struct Unit {
    /// Units are lit in the order of their keys (see `growth`).
    pub(crate) key: f64,
    /// The cell, if these are the streets of one.
    pub(crate) cell: Option<(i32, i32)>,
    pub(crate) runs: Vec<Run>,
}

/// Arterials with luminaires on both sides and more lanes: Dongfeng Street and Beihai Road.
const WIDE_ROW: i32 = 1;
const WIDE_COLUMN: i32 = 4;

/// All units on the lattice, in the order they are lit.
pub(crate) fn units(lattice: &Lattice, rings: &[Ring]) -> Vec<Unit> {
    let lines = || lattice.span();
    let gaps = || -lattice.half..lattice.half;
    let eastward = lines().flat_map(|j| gaps().map(move |i| (Heading::East, i, j)));
    let northward = lines().flat_map(|i| gaps().map(move |j| (Heading::North, i, j)));
    let cells = gaps().flat_map(|j| gaps().map(move |i| (i, j)));

    let complete = complete_up_to(lattice);
    let mut units: Vec<Unit> = eastward
        .chain(northward)
        .map(|(heading, i, j)| arterial_unit(lattice, heading, i, j))
        .chain(cells.map(|(i, j)| cell_unit(lattice, rings, i, j)))
        .chain(rings.iter().filter(|ring| ring.key <= complete).map(|ring| ring_unit(lattice, ring)))
        .filter(|unit| !unit.runs.is_empty())
        .collect();
    units.sort_by(|a, b| a.key.total_cmp(&b.key).then_with(|| a.runs[0].street.cmp(&b.runs[0].street)));
    units
}

fn arterial_unit(lattice: &Lattice, heading: Heading, i: i32, j: i32) -> Unit {
    let (line, place, end) = match heading {
        Heading::East => (j, i, lattice.node(i + 1, j)),
        Heading::North => (i, j, lattice.node(i, j + 1)),
    };
    let street = StreetKey::Arterial(heading, line);
    let run = Run { street, place, points: vec![lattice.node(i, j), end] };
    Unit { key: arterial_key(lattice, heading, i, j), cell: None, runs: vec![run] }
}

fn ring_unit(lattice: &Lattice, ring: &Ring) -> Unit {
    let run = Run { street: StreetKey::Ring(ring.index), place: 0, points: ring.points(lattice) };
    Unit { key: ring.key, cell: None, runs: vec![run] }
}

fn cell_unit(lattice: &Lattice, rings: &[Ring], i: i32, j: i32) -> Unit {
    let bank = |west| Run {
        street: StreetKey::Riverside { west },
        place: j,
        points: riverside(lattice, j, west, BANK_M),
    };
    let runs = if i == RIVER {
        vec![bank(true), bank(false)]
    } else {
        let run = |branch: crate::branches::Branch| Run {
            street: StreetKey::Branch { cell: (i, j), heading: branch.heading, rank: branch.rank },
            place: 0,
            points: branch.points.to_vec(),
        };
        branches(lattice, rings, i, j).into_iter().map(run).collect()
    };
    Unit { key: cell_key(lattice, i, j), cell: Some((i, j)), runs }
}

impl StreetKey {
    pub(crate) fn class(self) -> RoadClass {
        match self {
            Self::Arterial(..) => RoadClass::Arterial,
            Self::Ring(_) => RoadClass::Ring,
            Self::Riverside { .. } | Self::Branch { .. } => RoadClass::Branch,
        }
    }

    pub(crate) fn name(self, lattice: &Lattice) -> Name {
        match self {
            Self::Arterial(heading, line) => arterial(lattice.seed, heading, line),
            Self::Ring(index) => ring(index),
            Self::Riverside { west } => riverside_name(west),
            Self::Branch { cell, heading, rank } => {
                branch(lattice.seed, heading, spiral(cell) * RANKS_MAX + rank)
            }
        }
    }

    /// Width between the kerbs \[m\].
    pub(crate) fn width_m(self) -> f64 {
        match self {
            Self::Arterial(..) if self.is_wide() => 40.0,
            Self::Ring(_) | Self::Arterial(..) => self.class().width_m(),
            Self::Riverside { .. } => 14.0,
            Self::Branch { rank, .. } => {
                if rank.is_multiple_of(3) {
                    16.0
                } else {
                    12.0
                }
            }
        }
    }

    pub(crate) fn arrangement(self) -> Arrangement {
        match self {
            Self::Ring(_) => Arrangement::Opposite,
            Self::Arterial(..) if self.is_wide() => Arrangement::Opposite,
            Self::Arterial(..) => Arrangement::Staggered,
            // Towards the water, where people walk.
            Self::Riverside { west } => Arrangement::OneSide { left: !west },
            Self::Branch { cell, rank, .. } => {
                Arrangement::OneSide { left: pair(cell.0, rank as i32).is_multiple_of(2) }
            }
        }
    }

    /// Road that one of its luminaires lights \[m²\].
    pub(crate) fn road_m2(self) -> f64 {
        let sharing = if matches!(self.arrangement(), Arrangement::Opposite) { 2.0 } else { 1.0 };
        self.width_m() * self.spacing_m() / sharing
    }

    /// Distance from one luminaire, or pair of them, to the next along the street \[m\].
    pub(crate) fn spacing_m(self) -> f64 {
        self.class().spacing_m()
    }

    /// Distance of the first luminaire of a run from the crossing where it begins, at least \[m\].
    pub(crate) fn clear_m(self) -> f64 {
        match self {
            Self::Ring(_) => 0.0,
            Self::Arterial(..) => 7.0,
            Self::Riverside { .. } | Self::Branch { .. } => 8.0,
        }
    }

    fn is_wide(self) -> bool {
        matches!(self, Self::Arterial(Heading::East, WIDE_ROW) | Self::Arterial(Heading::North, WIDE_COLUMN))
    }
}

/// No cell has more branch streets of one heading.
const RANKS_MAX: u32 = 8;

/// The number of a cell, counted in squares around cell (0, 0).
fn spiral((i, j): (i32, i32)) -> u32 {
    let shell = i.abs().max(j.abs());
    let inside = (2 * shell - 1).max(0).pow(2);
    // Not a walk around the shell, but one number per cell of it: top and bottom rows, then the two sides.
    let side = 2 * shell + 1;
    let within = match () {
        () if shell == 0 => 0,
        () if j == -shell => i + shell,
        () if j == shell => side + i + shell,
        () if i == -shell => 2 * side + j + shell - 1,
        () => 2 * side + (side - 2) + j + shell - 1,
    };
    (inside + within).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use types::Seed;

    use super::*;
    use crate::ring::rings;

    #[test]
    fn every_cell_has_its_own_number() {
        let numbers: BTreeSet<u32> = (-9..=9).flat_map(|i| (-9..=9).map(move |j| spiral((i, j)))).collect();
        assert_eq!((numbers.len(), numbers.last()), (361, Some(&360)));
    }

    #[test]
    fn a_larger_lattice_begins_with_the_same_units() {
        let of = |half| {
            let lattice = Lattice::new(Seed(5), half);
            let complete = complete_up_to(&lattice);
            let units = units(&lattice, &rings(&lattice));
            units.into_iter().take_while(|unit| unit.key <= complete).collect::<Vec<_>>()
        };
        let large = of(16);
        for half in 4..16 {
            let small = of(half);
            assert!(small.len() > 50 && large.len() > small.len());
            for (a, b) in small.iter().zip(&large) {
                assert_eq!(a.key, b.key, "half {half}");
                assert!(
                    a.runs.iter().zip(&b.runs).all(|(a, b)| a.street == b.street && a.points == b.points)
                );
            }
        }
    }

    #[test]
    fn no_cell_has_more_branch_streets_than_there_are_names_for() {
        let lattice = Lattice::new(Seed(2), 20);
        let most =
            units(&lattice, &rings(&lattice)).iter().flat_map(|unit| &unit.runs).fold(0, |most, run| {
                if let StreetKey::Branch { rank, .. } = run.street { most.max(rank) } else { most }
            });
        assert!(most < RANKS_MAX, "{most}");
    }
}
