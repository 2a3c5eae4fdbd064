use crate::grid::Bounds;
use crate::shape::{Point, distance};

/// Points that can be asked, while more are added, whether one of them is close to a place.
#[derive(Debug)]
pub(crate) struct NearSet {
    origin: Point,
    columns: usize,
    rows: usize,
    /// The point last added in each square, and for each point the one added before it in its square.
    last: Vec<u32>,
    before: Vec<u32>,
    points: Vec<Point>,
}

/// Side of a square \[m\].
const SQUARE_M: f64 = 40.0;
const NONE: u32 = u32::MAX;

impl NearSet {
    /// No points yet; those within `bounds` will be found fastest.
    pub(crate) fn new((low, high): Bounds) -> Self {
        let columns = ((high.0 - low.0) / SQUARE_M) as usize + 1;
        let rows = ((high.1 - low.1) / SQUARE_M) as usize + 1;
        let last = vec![NONE; columns * rows];
        Self { origin: low, columns, rows, last, before: Vec::new(), points: Vec::new() }
    }

    /// A point less than `radius` metres from `at`, if there is one. `radius` is less than a square's side.
    pub(crate) fn find(&self, at: Point, radius: f64) -> Option<u32> {
        let low = self.square((at.0 - radius, at.1 - radius));
        let high = self.square((at.0 + radius, at.1 + radius));
        for row in low.1..=high.1 {
            for column in low.0..=high.0 {
                let mut point = self.last[row * self.columns + column];
                while point != NONE {
                    if distance(self.points[point as usize], at) < radius {
                        return Some(point);
                    }
                    point = self.before[point as usize];
                }
            }
        }
        None
    }

    /// Adds a point and returns its number, counted from 0.
    pub(crate) fn add(&mut self, at: Point) -> u32 {
        let (column, row) = self.square(at);
        let last = &mut self.last[row * self.columns + column];
        let number = self.points.len() as u32;
        self.before.push(std::mem::replace(last, number));
        self.points.push(at);
        number
    }

    /// The points in the order they were added.
    pub(crate) fn into_points(self) -> Vec<Point> {
        self.points
    }

    fn square(&self, at: Point) -> (usize, usize) {
        // A float below 0 becomes 0 here: what is outside counts as in the nearest square.
        let column = ((at.0 - self.origin.0) / SQUARE_M) as usize;
        let row = ((at.1 - self.origin.1) / SQUARE_M) as usize;
        (column.min(self.columns - 1), row.min(self.rows - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_found_across_a_square_s_border_and_outside_the_bounds() {
        let mut set = NearSet::new(((0.0, 0.0), (100.0, 100.0)));
        assert_eq!(set.find((40.5, 10.0), 5.0), None);
        set.add((39.5, 10.0));
        set.add((-300.0, 10.0));
        assert_eq!(set.find((40.5, 10.0), 5.0), Some(0));
        assert_eq!(set.find((45.0, 10.0), 5.0), None);
        assert_eq!(set.find((-301.0, 10.0), 5.0), Some(1));
        assert_eq!(set.into_points().len(), 2);
    }
}
