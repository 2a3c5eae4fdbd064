//! Ring roads: rectangles with round corners.

use crate::growth::outness;
use crate::lattice::Lattice;
use crate::shape::{Point, length};

/// A ring road.
#[derive(Debug)]
pub(crate) struct Ring {
    /// Counts the rings from the centre.
    pub(crate) index: usize,
    /// Up to where the city must be lit for this ring to be lit next.
    pub(crate) key: f64,
    /// Middle and half size of the rectangle before bending \[m\].
    centre: Point,
    half: (f64, f64),
    radius: f64,
}

/// Between which lines each ring runs: from this one on both sides to the next further out.
const LINES: [(i32, i32); 4] = [(2, 1), (5, 4), (10, 9), (17, 16)];
/// How far from the inner to the outer of the two lines, for columns and for rows.
const BETWEEN: (f64, f64) = (0.42, 0.68);
/// Radius of the corners as a share of the shorter half side.
const ROUND: f64 = 0.7;
/// Distance between the points of a straight side \[m\], so that sides bend with the city.
const STEP_M: f64 = 160.0;
/// Sine of 0°, 7.5°, … 90°. A table, because sines differ from machine to machine.
const SINES: [f64; 13] = [
    0.0,
    0.130_526,
    0.258_819,
    0.382_683,
    0.5,
    0.608_761,
    std::f64::consts::FRAC_1_SQRT_2,
    0.793_353,
    0.866_025,
    0.923_880,
    0.965_926,
    0.991_445,
    1.0,
];

/// All rings, also those far outside a small lattice: which streets are near them must not depend on its size.
pub(crate) fn rings(lattice: &Lattice) -> Vec<Ring> {
    LINES.iter().enumerate().map(|(index, &lines)| Ring::new(lattice, index, lines)).collect()
}

impl Ring {
    fn new(lattice: &Lattice, index: usize, (column, row): (i32, i32)) -> Self {
        let between = |inner: f64, outer: f64, share: f64| inner + share * (outer - inner);
        let west = between(lattice.column(-column), lattice.column(-column - 1), BETWEEN.0);
        let east = between(lattice.column(column), lattice.column(column + 1), BETWEEN.0);
        let south = between(lattice.row(1 - row), lattice.row(-row), BETWEEN.1);
        let north = between(lattice.row(row), lattice.row(row + 1), BETWEEN.1);
        let half = ((east - west) / 2.0, (north - south) / 2.0);
        let radius = half.0.min(half.1) * ROUND;
        let centre = ((west + east) / 2.0, (south + north) / 2.0);
        // Lit as a whole, when the city has all but reached its far ends.
        let key = outness((half.0, 0.0)).max(outness((0.0, half.1))) * 0.78;
        Self { index, key, centre, half, radius }
    }

    /// How far outside the ring a place is, both before bending \[m\]; negative inside.
    pub(crate) fn distance_unbent(&self, at: Point) -> f64 {
        let x = (at.0 - self.centre.0).abs() - self.half.0 + self.radius;
        let y = (at.1 - self.centre.1).abs() - self.half.1 + self.radius;
        let (outside_x, outside_y) = (x.max(0.0), y.max(0.0));
        (outside_x * outside_x + outside_y * outside_y).sqrt() + x.max(y).min(0.0) - self.radius
    }

    /// Its centre line, clockwise from the middle of the north side; ends where it begins.
    pub(crate) fn points(&self, lattice: &Lattice) -> Vec<Point> {
        let (w, h) = (self.half.0 - self.radius, self.half.1 - self.radius);
        // The corners' centres clockwise from north-east, each with the two directions its arc turns between.
        let corners = [
            ((w, h), (0.0, 1.0), (1.0, 0.0)),
            ((w, -h), (1.0, 0.0), (0.0, -1.0)),
            ((-w, -h), (0.0, -1.0), (-1.0, 0.0)),
            ((-w, h), (-1.0, 0.0), (0.0, 1.0)),
        ];
        let top = (0.0, self.half.1);
        let mut outline = vec![top];
        for (centre, from, to) in corners {
            let last = SINES.len() - 1;
            for step in 0..=last {
                let (sin, cos) = (SINES[step] * self.radius, SINES[last - step] * self.radius);
                let point = (centre.0 + from.0 * cos + to.0 * sin, centre.1 + from.1 * cos + to.1 * sin);
                extend_to(&mut outline, point);
            }
        }
        extend_to(&mut outline, top);
        let place = |(x, y): Point| lattice.bend((self.centre.0 + x, self.centre.1 + y));
        outline.into_iter().map(place).collect()
    }
}

/// Adds `point`, and points on the way to it if it is far.
fn extend_to(outline: &mut Vec<Point>, point: Point) {
    let last = outline[outline.len() - 1];
    let steps = (length(&[last, point]) / STEP_M) as u32 + 1;
    outline
        .extend((1..=steps).map(|step| crate::shape::lerp(last, point, f64::from(step) / f64::from(steps))));
}
