//! In which order the city grows.
//!
//! Every piece of street has a key that depends on the seed and on the piece alone. Luminaires are put up in the order
//! of the keys, so that a city of 2,000 luminaires is the middle of the city of 20,000: the same luminaires with the
//! same numbers, and 18,000 more around them.

use types::Seed;

use crate::lattice::{Lattice, RIVER, pair, signed};
use crate::names::Heading;
use crate::shape::{Point, lerp};

/// A city is wider than it is deep.
const WIDE: f64 = 1.14;
const DEEP: f64 = 0.90;
/// The middle of the growing city: between the first quarter and the river \[m east of the origin\].
const MIDDLE_EAST_M: f64 = -260.0;
/// How uneven the edge of the city is: keys are off by at most this share.
const RAGGED: f64 = 0.09;
/// Beyond the last lit piece, streets are on the plan, but dark: this much further out \[share, m\].
const FRINGE: (f64, f64) = (1.22, 350.0);

/// How far out a place is \[m\]: round the middle, in ellipses.
pub(crate) fn outness(at: Point) -> f64 {
    let (x, y) = ((at.0 - MIDDLE_EAST_M) / WIDE, at.1 / DEEP);
    (x * x + y * y).sqrt()
}

/// Key of the piece of arterial from node (i, j) to the next in its heading.
pub(crate) fn arterial_key(lattice: &Lattice, heading: Heading, i: i32, j: i32) -> f64 {
    let (end, purpose) = match heading {
        Heading::East => (lattice.node(i + 1, j), "east-key"),
        Heading::North => (lattice.node(i, j + 1), "north-key"),
    };
    outness(lerp(lattice.node(i, j), end, 0.5)) * ragged(lattice.seed, purpose, i, j)
}

/// Key of the branch streets of cell (i, j). Quarters are lit after the arterials around them, but for the first one.
pub(crate) fn cell_key(lattice: &Lattice, i: i32, j: i32) -> f64 {
    let out = outness(middle(lattice, i, j));
    match (i, j) {
        (0, 0) => 0.0,
        (RIVER, _) => out * 1.02 + 60.0,
        _ => (out * 1.1 + 170.0) * ragged(lattice.seed, "cell-key", i, j),
    }
}

/// Up to where a city lit up to `lit` has streets at all.
pub(crate) fn fringe(lit: f64) -> f64 {
    lit * FRINGE.0 + FRINGE.1
}

/// Every piece of street with a lower key than this is on `lattice`.
pub(crate) fn complete_up_to(lattice: &Lattice) -> f64 {
    let half = lattice.half;
    let sides = [
        (MIDDLE_EAST_M - lattice.column(-half)) / WIDE,
        (lattice.column(half) - MIDDLE_EAST_M) / WIDE,
        -lattice.row(-half) / DEEP,
        lattice.row(half) / DEEP,
    ];
    // Bends and uneven nodes bring the next piece a little closer.
    sides.iter().fold(f64::INFINITY, |least, side| least.min(side - 200.0)) * (1.0 - RAGGED)
}

/// The middle of cell (i, j).
pub(crate) fn middle(lattice: &Lattice, i: i32, j: i32) -> Point {
    let [a, b, c, d] = lattice.corners(i, j);
    lerp(lerp(a, b, 0.5), lerp(d, c, 0.5), 0.5)
}

fn ragged(seed: Seed, purpose: &str, i: i32, j: i32) -> f64 {
    1.0 + RAGGED * signed(&mut seed.stream(purpose, pair(i, j)))
}
