use crate::shape::Point;

/// Which things lie where: every thing is listed in the squares its bounding box touches.
#[derive(Clone, Debug)]
pub(crate) struct Grid {
    origin: Point,
    square_m: f64,
    columns: usize,
    rows: usize,
    /// `items[starts[square]..starts[square + 1]]` lie in a square.
    starts: Vec<u32>,
    items: Vec<u32>,
}

/// The opposite corners of a rectangle, south-west first.
pub(crate) type Bounds = (Point, Point);

/// The smallest rectangle around all points; a point at the origin if there is none.
pub(crate) fn bounds_of(points: impl IntoIterator<Item = Point>) -> Bounds {
    let grow =
        |(low, high): Bounds, (x, y): Point| ((low.0.min(x), low.1.min(y)), (high.0.max(x), high.1.max(y)));
    let mut points = points.into_iter();
    points.next().map_or(((0.0, 0.0), (0.0, 0.0)), |first| points.fold((first, first), grow))
}

impl Grid {
    /// Files thing `k` under the `k`-th of `boxes`.
    pub(crate) fn new(square_m: f64, boxes: impl Iterator<Item = Bounds> + Clone) -> Self {
        let (low, high) = bounds_of(boxes.clone().flat_map(|(low, high)| [low, high]));
        let columns = ((high.0 - low.0) / square_m) as usize + 1;
        let rows = ((high.1 - low.1) / square_m) as usize + 1;
        let mut grid = Self { origin: low, square_m, columns, rows, starts: Vec::new(), items: Vec::new() };
        let mut starts = vec![0u32; columns * rows + 1];
        for bounds in boxes.clone() {
            grid.each_square(bounds, |square| starts[square + 1] += 1);
        }
        for square in 0..columns * rows {
            starts[square + 1] += starts[square];
        }
        let mut items = vec![0u32; starts[columns * rows] as usize];
        let mut next = starts.clone();
        for (item, bounds) in (0u32..).zip(boxes) {
            grid.each_square(bounds, |square| {
                items[next[square] as usize] = item;
                next[square] += 1;
            });
        }
        (grid.starts, grid.items) = (starts, items);
        grid
    }

    /// Calls `visit` with everything filed within `radius` of `at`, and some beyond; things in several squares come
    /// several times.
    pub(crate) fn near(&self, (x, y): Point, radius: f64) -> impl Iterator<Item = u32> + '_ {
        let (low, high) = self.squares(((x - radius, y - radius), (x + radius, y + radius)));
        (low.1..=high.1).flat_map(move |row| {
            let first = self.starts[row * self.columns + low.0];
            let last = self.starts[row * self.columns + high.0 + 1];
            self.items[first as usize..last as usize].iter().copied()
        })
    }

    /// The squares and what is filed in each.
    pub(crate) fn squares_with_items(&self) -> impl Iterator<Item = &[u32]> {
        self.starts.windows(2).map(|pair| &self.items[pair[0] as usize..pair[1] as usize])
    }

    /// A radius at which [`near`](Self::near) `at` sees everything.
    pub(crate) fn reach(&self, (x, y): Point) -> f64 {
        let width = self.square_m * self.columns as f64 + (x - self.origin.0).abs();
        let height = self.square_m * self.rows as f64 + (y - self.origin.1).abs();
        width.max(height)
    }

    fn each_square(&self, bounds: Bounds, mut visit: impl FnMut(usize)) {
        let (low, high) = self.squares(bounds);
        for row in low.1..=high.1 {
            for column in low.0..=high.0 {
                visit(row * self.columns + column);
            }
        }
    }

    /// The squares at the corners of a rectangle; what is outside counts as in the nearest square.
    fn squares(&self, (low, high): Bounds) -> ((usize, usize), (usize, usize)) {
        // A float below 0 becomes 0 here, which is the clamping wanted.
        let column = |x: f64| (((x - self.origin.0) / self.square_m) as usize).min(self.columns - 1);
        let row = |y: f64| (((y - self.origin.1) / self.square_m) as usize).min(self.rows - 1);
        ((column(low.0), row(low.1)), (column(high.0), row(high.1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_finds_all_that_is_near_also_from_outside() {
        let points = [(0.0, 0.0), (95.0, 0.0), (500.0, 300.0)];
        let grid = Grid::new(100.0, points.iter().map(|&point| (point, point)));
        assert_eq!(grid.near((10.0, 10.0), 20.0).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(grid.near((900.0, 900.0), 50.0).collect::<Vec<_>>(), [2]);
        let far = (-5_000.0, 0.0);
        assert_eq!(grid.near(far, grid.reach(far)).count(), 3);
    }
}
