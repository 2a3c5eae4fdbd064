use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::graph::{Graph, Snap};
use crate::shape::{Point, distance, lerp};

/// A way on foot from one place to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// Its corners, and how far each is from the start.
    points: Vec<Point>,
    lengths: Vec<f64>,
}

impl Route {
    fn new(points: impl IntoIterator<Item = Point>) -> Self {
        let mut route = Self { points: Vec::new(), lengths: Vec::new() };
        for point in points {
            let step = route.points.last().map_or(0.0, |&last| distance(last, point));
            if route.points.is_empty() || step > 0.0 {
                route.lengths.push(route.length_m() + step);
                route.points.push(point);
            }
        }
        route
    }

    /// How long it is \[m\].
    pub fn length_m(&self) -> f64 {
        self.lengths.last().copied().unwrap_or(0.0)
    }

    /// Its corners, from start to end \[m east, m north of the city's origin\].
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }

    /// Where one is after walking so far \[m → m east, m north\]. Before the start it is the start, past the end the end.
    pub fn at(&self, distance_m: f64) -> (f64, f64) {
        let next = self.lengths.partition_point(|&length| length < distance_m).clamp(1, self.points.len());
        if next == self.points.len() {
            return self.points[next - 1];
        }
        let (before, after) = (self.lengths[next - 1], self.lengths[next]);
        lerp(self.points[next - 1], self.points[next], ((distance_m - before) / (after - before)).max(0.0))
    }
}

/// Node not reached yet.
const FAR: u32 = u32::MAX;

/// The shortest way along the streets: from `from` to the nearest street, along streets, and off them to `to`.
///
/// Looks at each crossing of the city at most once. Costs are whole centimetres, so that the choice between two ways
/// is the same everywhere.
pub(crate) fn route(graph: &Graph, from: Point, to: Point) -> Route {
    let (start, goal) = (graph.snap(from), graph.snap(to));
    if distance(from, to) <= start.distance_m + goal.distance_m {
        // Neighbours go straight across the yard.
        return Route::new([from, to]);
    }
    let way = if start.piece == goal.piece { Vec::new() } else { shortest(graph, start, goal) };
    let corners = way.into_iter().map(|node| graph.node(node));
    Route::new([from, start.point].into_iter().chain(corners).chain([goal.point, to]))
}

/// The nodes between two places on different pieces of street.
///
/// Dijkstra's algorithm with the straight distance to the goal added (A*), which sees a fraction of the nodes.
fn shortest(graph: &Graph, start: Snap, goal: Snap) -> Vec<u32> {
    let ends = |snap: Snap| {
        graph.pieces[snap.piece as usize].nodes.map(|node| (node, cm(graph.node(node), snap.point)))
    };
    let goal_ends = ends(goal);
    let ahead = |node: u32| cm(graph.node(node), goal.point);
    let mut reached = vec![(FAR, FAR); graph.nodes.len()];
    let mut queue = BinaryHeap::new();
    for (node, cost) in ends(start) {
        reached[node as usize] = (cost, FAR);
        queue.push(Reverse((cost + ahead(node), cost, node)));
    }
    let mut best = (FAR, FAR);
    while let Some(Reverse((estimate, cost, node))) = queue.pop() {
        if estimate >= best.0 {
            break;
        }
        if cost > reached[node as usize].0 {
            continue;
        }
        for (end, rest) in goal_ends {
            if end == node && cost + rest < best.0 {
                best = (cost + rest, node);
            }
        }
        for neighbour in graph.neighbours(node) {
            let cost = cost + neighbour.length_cm;
            if cost < reached[neighbour.node as usize].0 {
                reached[neighbour.node as usize] = (cost, node);
                queue.push(Reverse((cost + ahead(neighbour.node), cost, neighbour.node)));
            }
        }
    }
    // All streets are connected, so an end was found; were they not, the way would be a straight line.
    let mut way: Vec<u32> = std::iter::successors((best.1 != FAR).then_some(best.1), |&node| {
        Some(reached[node as usize].1).filter(|&n| n != FAR)
    })
    .collect();
    way.reverse();
    way
}

/// Straight distance, rounded down \[cm\].
fn cm(a: Point, b: Point) -> u32 {
    (distance(a, b) * 100.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walking_is_clamped_at_both_ends() {
        let route = Route::new([(0.0, 0.0), (30.0, 0.0), (30.0, 0.0), (30.0, 40.0)]);
        assert_eq!(route.length_m(), 70.0);
        assert_eq!(route.at(-5.0), (0.0, 0.0));
        assert_eq!(route.at(50.0), (30.0, 20.0));
        assert_eq!(route.at(71.0), (30.0, 40.0));
    }

    #[test]
    fn a_way_to_where_one_is_has_no_length() {
        let route = Route::new([(3.0, 4.0), (3.0, 4.0)]);
        assert_eq!((route.length_m(), route.at(10.0)), (0.0, (3.0, 4.0)));
    }
}
