use types::{Seed, Stream};

use crate::shape::{Point, lerp};

/// The arterials' grid: columns run north, rows run east, and they meet at nodes.
///
/// Line `i` of a larger lattice is line `i` of a smaller one: a city grows at its edges only. The origin lies in the
/// middle of cell (0, 0), whose south-west node is (0, 0). The river fills the column of cells with `i == RIVER`.
#[derive(Debug)]
pub(crate) struct Lattice {
    pub(crate) seed: Seed,
    /// Columns and rows run from `-half` to `half`.
    pub(crate) half: i32,
    /// Lines are known from `-reach` to `reach`, nodes only within `half`.
    reach: i32,
    columns: Vec<f64>,
    rows: Vec<f64>,
    nodes: Vec<Point>,
}

/// The column of cells the river runs through.
pub(crate) const RIVER: i32 = -1;
/// Lines known on every lattice: the outermost ring road runs among them, and it is the same on all.
const LINES_MIN: i32 = 18;
/// Width of the river's column \[m\]: water, two riverside streets and the blocks beside them.
const RIVER_GAP_M: f64 = 520.0;
/// Distance between the points that bend the city \[m\].
const BEND_M: f64 = 2_300.0;
/// How far the bends move a point, at most \[m\].
pub(crate) const BEND_MAX_M: f64 = 95.0;
/// How far a node is off its lines, at most \[m\].
const NODE_JITTER_M: f64 = 22.0;

impl Lattice {
    pub(crate) fn new(seed: Seed, half: i32) -> Self {
        let reach = half.max(LINES_MIN);
        let columns = lines(reach, |i| {
            if i == RIVER { RIVER_GAP_M } else { gap(790.0, i, seed.stream("column", pair(i, 0))) }
        });
        let rows = lines(reach, |j| gap(690.0, j, seed.stream("row", pair(0, j))));
        let mut lattice = Self { seed, half, reach, columns, rows, nodes: Vec::new() };
        lattice.nodes = lattice
            .span()
            .flat_map(|j| lattice.span().map(move |i| (i, j)))
            .map(|(i, j)| lattice.bent_node(i, j))
            .collect();
        lattice
    }

    /// The numbers of the lines.
    pub(crate) fn span(&self) -> std::ops::RangeInclusive<i32> {
        -self.half..=self.half
    }

    /// East of column `i`, before bending \[m\].
    pub(crate) fn column(&self, i: i32) -> f64 {
        self.columns[(i + self.reach) as usize]
    }

    /// North of row `j`, before bending \[m\].
    pub(crate) fn row(&self, j: i32) -> f64 {
        self.rows[(j + self.reach) as usize]
    }

    /// Where column `i` crosses row `j`.
    pub(crate) fn node(&self, i: i32, j: i32) -> Point {
        let width = 2 * self.half as usize + 1;
        self.nodes[(j + self.half) as usize * width + (i + self.half) as usize]
    }

    /// Corners of cell (i, j): south-west, south-east, north-east, north-west.
    pub(crate) fn corners(&self, i: i32, j: i32) -> [Point; 4] {
        [self.node(i, j), self.node(i + 1, j), self.node(i + 1, j + 1), self.node(i, j + 1)]
    }

    /// Bends the drawing board a little, so that no street is ruled.
    pub(crate) fn bend(&self, (x, y): Point) -> Point {
        let (u, v) = (x / BEND_M, y / BEND_M);
        let (i, j) = (u.floor(), v.floor());
        let (s, t) = (smooth(u - i), smooth(v - j));
        let push = |di: i32, dj: i32| {
            let mut stream = self.seed.stream("bend", pair(i as i32 + di, j as i32 + dj));
            (signed(&mut stream), signed(&mut stream))
        };
        let south = lerp(push(0, 0), push(1, 0), s);
        let north = lerp(push(0, 1), push(1, 1), s);
        let (dx, dy) = lerp(south, north, t);
        (x + BEND_MAX_M * dx, y + BEND_MAX_M * dy)
    }

    /// About where a point was before bending: off by a few metres.
    pub(crate) fn unbend(&self, at: Point) -> Point {
        let back = |from: Point| {
            let bent = self.bend(from);
            (at.0 - (bent.0 - from.0), at.1 - (bent.1 - from.1))
        };
        back(back(at))
    }

    fn bent_node(&self, i: i32, j: i32) -> Point {
        let mut stream = self.seed.stream("node", pair(i, j));
        let (dx, dy) = (signed(&mut stream) * NODE_JITTER_M, signed(&mut stream) * NODE_JITTER_M);
        self.bend((self.column(i) + dx, self.row(j) + dy))
    }
}

/// Two line numbers as one entity of a random stream.
pub(crate) fn pair(i: i32, j: i32) -> u64 {
    u64::from(i as u32) << 32 | u64::from(j as u32)
}

/// A number in `-1.0..1.0`.
pub(crate) fn signed(stream: &mut Stream) -> f64 {
    stream.fraction() * 2.0 - 1.0
}

/// From 0 to 1 without a kink at either end.
pub(crate) fn smooth(t: f64) -> f64 {
    t * t * (3.0 - 2.0 * t)
}

/// Distance between line `i` and the next \[m\]: wider further out, and uneven.
fn gap(base: f64, i: i32, mut stream: Stream) -> f64 {
    let outward = f64::from(if i < 0 { -i - 1 } else { i }.min(12));
    (base + 30.0 * outward) * (1.0 + 0.11 * signed(&mut stream))
}

/// Places lines `-half..=half` by the gaps between them, with the origin in the middle of gap 0.
fn lines(half: i32, gap: impl Fn(i32) -> f64) -> Vec<f64> {
    let zero = -gap(0) / 2.0;
    let west = (-half..0).rev().scan(zero, |at, i| {
        *at -= gap(i);
        Some(*at)
    });
    let mut lines: Vec<f64> = west.collect();
    lines.reverse();
    lines.push(zero);
    lines.extend((0..half).scan(zero, |at, i| {
        *at += gap(i);
        Some(*at)
    }));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_lattice_has_the_smaller_one_in_its_middle() {
        let (small, large) = (Lattice::new(Seed(7), 4), Lattice::new(Seed(7), 9));
        for (i, j) in [(0, 0), (-4, 4), (3, -2)] {
            assert_eq!(small.node(i, j), large.node(i, j));
        }
    }

    #[test]
    fn unbending_undoes_bending() {
        let lattice = Lattice::new(Seed(3), 4);
        for at in [(0.0, 0.0), (1_234.0, -987.0), (-3_000.0, 2_500.0)] {
            let back = lattice.unbend(lattice.bend(at));
            assert!(crate::shape::distance(at, back) < 10.0, "{at:?} {back:?}");
        }
    }

    #[test]
    fn lines_are_in_order_around_the_origin() {
        let lattice = Lattice::new(Seed(3), 6);
        assert!(lattice.column(0) < 0.0 && lattice.column(1) > 0.0);
        assert!(lattice.span().skip(1).all(|i| lattice.column(i) > lattice.column(i - 1) + 400.0));
    }
}
