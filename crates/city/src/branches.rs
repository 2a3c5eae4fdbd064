//! The streets within one cell of the lattice.

use crate::growth::{middle, outness};
use crate::lattice::{BEND_MAX_M, Lattice, RIVER, pair, signed, smooth};
use crate::names::Heading;
use crate::ring::Ring;
use crate::shape::{Point, distance, lerp, meeting};

/// Distance between branch streets in the centre \[m\].
const BLOCK_M: f64 = 165.0;
/// How much wider blocks get per metre outwards, and at most \[m\].
const BLOCK_WIDENS: f64 = 0.045;
const BLOCK_MAX_M: f64 = 320.0;
/// A branch street keeps this distance from a ring road it runs along \[m\].
const RING_CLEAR_M: f64 = 75.0;
/// Of a hundred cells outside the centre, this many are parks.
const PARKS_PERCENT: u64 = 9;
/// No parks within \[m\].
const PARKS_FROM_M: f64 = 850.0;
/// No ring road comes closer to the middle of a park \[m\].
const PARK_RING_M: f64 = 700.0;
/// How far a park keeps from the middle of the streets around it \[share of the cell\].
const PARK_INSET: f64 = 0.11;
/// The riverside streets' distance from the water \[m\].
pub(crate) const BANK_M: f64 = 20.0;
/// Points of the river per cell.
const RIVER_STEPS: i32 = 6;

/// One branch street, within one cell.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) heading: Heading,
    /// Counts the streets of one heading in a cell.
    pub(crate) rank: u32,
    pub(crate) points: [Point; 2],
}

/// Branch streets of cell (i, j): none in a park, nor beside the river.
pub(crate) fn branches(lattice: &Lattice, rings: &[Ring], i: i32, j: i32) -> Vec<Branch> {
    if i == RIVER || is_park(lattice, rings, i, j) {
        return Vec::new();
    }
    let [a, b, c, d] = lattice.corners(i, j);
    let across = |heading, (from, to): (&[f64], &[f64]), (a, b): (Point, Point), (d, c): (Point, Point)| {
        connect(from, to)
            .zip(0..)
            .map(|((start, end), rank)| Branch {
                heading,
                rank,
                points: [lerp(a, b, start), lerp(d, c, end)],
            })
            .collect::<Vec<_>>()
    };
    let (south, north) = (doors(lattice, Heading::East, i, j), doors(lattice, Heading::East, i, j + 1));
    let (west, east) = (doors(lattice, Heading::North, i, j), doors(lattice, Heading::North, i + 1, j));
    let mut northward = across(Heading::North, (&south, &north), (a, b), (d, c));
    let mut eastward = across(Heading::East, (&west, &east), (a, d), (b, c));

    // One heading goes right through; some of the other end at it.
    let mut stream = lattice.seed.stream("stubs", pair(i, j));
    let (cut, whole) =
        if stream.below(2) == 0 { (&mut northward, &eastward) } else { (&mut eastward, &northward) };
    for branch in cut.iter_mut() {
        if stream.fraction() < 0.3 && !whole.is_empty() {
            let at = &whole[stream.below(whole.len() as u64) as usize];
            shorten(branch, at, stream.below(2) == 0);
        }
    }
    alternate(northward, eastward)
        .filter(|branch| !rings.iter().any(|ring| runs_along(lattice, branch, ring)))
        .collect()
}

/// The outline of the park in cell (i, j), if there is one.
pub(crate) fn park(lattice: &Lattice, rings: &[Ring], i: i32, j: i32) -> Option<Vec<Point>> {
    let centre = middle(lattice, i, j);
    is_park(lattice, rings, i, j)
        .then(|| lattice.corners(i, j).iter().map(|&corner| lerp(corner, centre, 2.0 * PARK_INSET)).collect())
}

fn is_park(lattice: &Lattice, rings: &[Ring], i: i32, j: i32) -> bool {
    let centre = middle(lattice, i, j);
    i != RIVER
        && outness(centre) > PARKS_FROM_M
        && lattice.seed.stream("park", pair(i, j)).below(100) < PARKS_PERCENT
        && !rings.iter().any(|ring| is_near(lattice, ring, centre, PARK_RING_M))
}

/// Where branch streets leave the arterial from node (i, j) \[shares of its length\]. Both cells beside it use the same
/// places, so that branch streets cross arterials.
fn doors(lattice: &Lattice, heading: Heading, i: i32, j: i32) -> Vec<f64> {
    let (next, purpose) = match heading {
        Heading::East => ((i + 1, j), "east-doors"),
        Heading::North => ((i, j + 1), "north-doors"),
    };
    let (start, end) = (lattice.node(i, j), lattice.node(next.0, next.1));
    let block = (BLOCK_M + BLOCK_WIDENS * outness(lerp(start, end, 0.5))).min(BLOCK_MAX_M);
    let mut stream = lattice.seed.stream(purpose, pair(i, j));
    let blocks = (distance(start, end) / block + 0.5 + 0.4 * signed(&mut stream)) as u32;
    let blocks = blocks.max(2);
    (1..blocks).map(|door| (f64::from(door) + 0.17 * signed(&mut stream)) / f64::from(blocks)).collect()
}

/// Joins doors on opposite sides; the side with more of them leaves some without a street.
fn connect<'a>(from: &'a [f64], to: &'a [f64]) -> impl Iterator<Item = (f64, f64)> + 'a {
    let count = from.len().min(to.len());
    let pick = move |doors: &[f64], k: usize| doors[(2 * k + 1) * doors.len() / (2 * count)];
    (0..count).map(move |k| (pick(from, k), pick(to, k)))
}

/// Ends `branch` where it meets `at`.
fn shorten(branch: &mut Branch, at: &Branch, keep_start: bool) {
    let [start, end] = branch.points;
    if let Some((share, _)) = meeting((start, end), (at.points[0], at.points[1]), 0.0) {
        let corner = lerp(start, end, share);
        branch.points = if keep_start { [start, corner] } else { [corner, end] };
    }
}

/// One of each in turn: neighbours in this order lie near each other.
fn alternate(a: Vec<Branch>, b: Vec<Branch>) -> impl Iterator<Item = Branch> {
    let rounds = a.len().max(b.len());
    let (mut a, mut b) = (a.into_iter(), b.into_iter());
    (0..rounds).flat_map(move |_| [a.next(), b.next()]).flatten()
}

/// Whether a branch street has a stretch close beside a ring road.
fn runs_along(lattice: &Lattice, branch: &Branch, ring: &Ring) -> bool {
    let [start, end] = branch.points;
    let steps = (distance(start, end) / 50.0) as u32 + 1;
    let close = (0..=steps)
        .map(|step| lerp(start, end, f64::from(step) / f64::from(steps)))
        .filter(|&point| is_near(lattice, ring, point, RING_CLEAR_M))
        .count();
    // Crossing it squarely takes three or four of these steps.
    close > 5
}

/// Whether a ring road comes within `radius` of a place.
fn is_near(lattice: &Lattice, ring: &Ring, at: Point, radius: f64) -> bool {
    // Most places are far from it, bent or not; that is cheap to see.
    ring.distance_unbent(at).abs() < radius + 2.0 * BEND_MAX_M
        && ring.distance_unbent(lattice.unbend(at)).abs() < radius
}

/// A line along the river in cell (RIVER, j), south to north, `off` metres away from the water on one side.
pub(crate) fn riverside(lattice: &Lattice, j: i32, west: bool, off: f64) -> Vec<Point> {
    let [a, b, c, d] = lattice.corners(RIVER, j);
    let side = if west { -1.0 } else { 1.0 };
    let at = |step: i32| {
        let share = f64::from(step) / f64::from(RIVER_STEPS);
        let north = f64::from(j) + share;
        let middle = 0.5 + 0.13 * wave(lattice, "meander", north * 1.4);
        let half = 46.0 + 20.0 * wave(lattice, "width", north * 0.9);
        let (left, right) = (lerp(a, d, share), lerp(b, c, share));
        lerp(left, right, middle + side * (half + off) / distance(left, right))
    };
    (0..=RIVER_STEPS).map(at).collect()
}

/// A smooth wave between -1 and 1.
fn wave(lattice: &Lattice, purpose: &str, at: f64) -> f64 {
    let whole = at.floor();
    let value = |i: i32| signed(&mut lattice.seed.stream(purpose, pair(i, 0)));
    let (before, after) = (value(whole as i32), value(whole as i32 + 1));
    before + (after - before) * smooth(at - whole)
}
