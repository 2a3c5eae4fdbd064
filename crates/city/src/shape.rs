//! Points and polylines on the plane \[m east, m north of the city's origin\].
//!
//! Only `+ - * /` and square roots: these give the same bits on every machine, sines do not.

/// A point \[m east, m north\].
pub(crate) type Point = (f64, f64);

pub(crate) fn distance(a: Point, b: Point) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    (dx * dx + dy * dy).sqrt()
}

/// The point `t` of the way from `a` to `b`.
pub(crate) fn lerp(a: Point, b: Point, t: f64) -> Point {
    (a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t)
}

/// The point of segment `a`–`b` closest to `p`, as a share of the way from `a`, `0..=1`.
pub(crate) fn closest_share(a: Point, b: Point, p: Point) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let square = dx * dx + dy * dy;
    if square <= 0.0 { 0.0 } else { (((p.0 - a.0) * dx + (p.1 - a.1) * dy) / square).clamp(0.0, 1.0) }
}

/// Where two segments meet, as shares of the way along each. Segments that end within `slack` metres of each other
/// meet as well, so that a street ending at another one is joined to it.
pub(crate) fn meeting(a: (Point, Point), b: (Point, Point), slack: f64) -> Option<(f64, f64)> {
    let (ax, ay) = (a.1.0 - a.0.0, a.1.1 - a.0.1);
    let (bx, by) = (b.1.0 - b.0.0, b.1.1 - b.0.1);
    let cross = ax * by - ay * bx;
    let (length_a, length_b) = (distance(a.0, a.1), distance(b.0, b.1));
    // Under about 3°: two streets running beside each other do not cross.
    if cross.abs() < 0.05 * length_a * length_b {
        return None;
    }
    let (ox, oy) = (b.0.0 - a.0.0, b.0.1 - a.0.1);
    let (s, t) = ((ox * by - oy * bx) / cross, (ox * ay - oy * ax) / cross);
    let inside = |share: f64, length: f64| share * length >= -slack && (share - 1.0) * length <= slack;
    (inside(s, length_a) && inside(t, length_b)).then(|| (s.clamp(0.0, 1.0), t.clamp(0.0, 1.0)))
}

/// Length of a polyline \[m\].
pub(crate) fn length(points: &[Point]) -> f64 {
    points.windows(2).map(|pair| distance(pair[0], pair[1])).sum()
}

/// Whether a point is inside an outline, whose last point joins the first.
pub(crate) fn contains(outline: &[Point], (x, y): Point) -> bool {
    let mut inside = false;
    let mut a = outline[outline.len() - 1];
    for &b in outline {
        // Counts the sides to the east of the point: an odd number of them surrounds it.
        if (a.1 > y) != (b.1 > y) && x < a.0 + (b.0 - a.0) * (y - a.1) / (b.1 - a.1) {
            inside = !inside;
        }
        a = b;
    }
    inside
}

/// Walks along a polyline: each call to [`at`](Self::at) must ask for a distance not before the last one.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    points: &'a [Point],
    /// Index of the segment walked now, and how far its start is from the polyline's start.
    segment: usize,
    before: f64,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(points: &'a [Point]) -> Self {
        Self { points, segment: 0, before: 0.0 }
    }

    /// The point `along` metres from the start, and the unit vector to the left of the walking direction.
    pub(crate) fn at(&mut self, along: f64) -> (Point, Point) {
        loop {
            let (a, b) = (self.points[self.segment], self.points[self.segment + 1]);
            let length = distance(a, b);
            if along <= self.before + length || self.segment + 2 == self.points.len() {
                let share = if length > 0.0 { (along - self.before) / length } else { 0.0 };
                let left =
                    if length > 0.0 { ((a.1 - b.1) / length, (b.0 - a.0) / length) } else { (0.0, 0.0) };
                return (lerp(a, b, share.clamp(0.0, 1.0)), left);
            }
            self.before += length;
            self.segment += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_street_that_ends_just_short_of_another_meets_it() {
        let main = ((0.0, 0.0), (100.0, 0.0));
        assert_eq!(meeting(main, ((50.0, 0.2), (50.0, 80.0)), 0.5), Some((0.5, 0.0)));
        assert_eq!(meeting(main, ((50.0, 2.0), (50.0, 80.0)), 0.5), None);
        assert_eq!(meeting(main, ((0.0, 5.0), (100.0, 5.0)), 0.5), None);
    }

    #[test]
    fn inside_is_inside() {
        let square = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)];
        assert!(contains(&square, (5.0, 5.0)));
        assert!(!contains(&square, (15.0, 5.0)) && !contains(&square, (-5.0, 5.0)));
    }

    #[test]
    fn a_walk_turns_the_corner() {
        let points = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)];
        let mut walk = Walk::new(&points);
        assert_eq!(walk.at(5.0), ((5.0, 0.0), (0.0, 1.0)));
        assert_eq!(walk.at(15.0), ((10.0, 5.0), (-1.0, 0.0)));
        assert_eq!(walk.at(99.0).0, (10.0, 10.0));
        assert_eq!(length(&points), 20.0);
    }
}
