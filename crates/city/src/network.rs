//! Streets along luminaires: drawn where only luminaires are known.
//!
//! Luminaires that stand close together are one node. Two nodes are joined if no third one is nearer to both of them
//! (the relative neighbourhood graph), which follows rows of luminaires and turns at crossings. What is still apart
//! is joined by the shortest links between neighbours along a curve that visits the plane square by square.

use crate::grid::{Grid, bounds_of};
use crate::near::NearSet;
use crate::placed::Placed;
use crate::shape::{Point, distance};
use crate::street::{RoadClass, Street};

/// Luminaires closer than this are one node \[m\].
const NODE_M: f64 = 35.0;
/// Neighbours are looked for this far away \[m\].
const REACH_M: f64 = 120.0;
/// Without two nodes there is no street: then one of this length is drawn \[m\].
const STUB_M: f64 = 60.0;

/// Streets, and which one each luminaire stands on.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) streets: Vec<Street>,
    pub(crate) beside: Vec<usize>,
}

type Edge = (usize, usize);

/// The streets along `lamps`, which stand at `points`.
pub(crate) fn network(lamps: &[&Placed], points: &[Point]) -> Network {
    let (node_of, mut nodes) = nodes(points);
    if nodes.len() == 1 {
        nodes.push((nodes[0].0 + STUB_M, nodes[0].1));
    }
    let mut edges = neighbours(&nodes);
    join(&nodes, &mut edges);
    let chains = chains(nodes.len(), &edges);

    let mut street_of = vec![usize::MAX; nodes.len()];
    for (street, chain) in chains.iter().enumerate() {
        for &node in chain {
            street_of[node] = street_of[node].min(street);
        }
    }
    let beside: Vec<usize> = node_of.iter().map(|&node| street_of[node]).collect();
    let mut first = vec![None; chains.len()];
    for (&street, lamp) in beside.iter().zip(lamps) {
        first[street].get_or_insert(*lamp);
    }
    let streets = chains.iter().zip(&first).enumerate();
    let streets = streets.map(|(number, (chain, lamp))| street(number, chain, &nodes, *lamp)).collect();
    Network { streets, beside }
}

/// The node of each point, and where the nodes are.
fn nodes(points: &[Point]) -> (Vec<usize>, Vec<Point>) {
    let mut nodes = NearSet::new(bounds_of(points.iter().copied()));
    let node_of =
        points.iter().map(|&at| nodes.find(at, NODE_M).unwrap_or_else(|| nodes.add(at)) as usize).collect();
    (node_of, nodes.into_points())
}

/// Pairs of nodes with no third one nearer to both.
fn neighbours(nodes: &[Point]) -> Vec<Edge> {
    let grid = Grid::new(REACH_M, nodes.iter().map(|&at| (at, at)));
    let mut edges = Vec::new();
    let mut near = Vec::new();
    for (a, &at) in nodes.iter().enumerate() {
        near.clear();
        let others = grid.near(at, REACH_M).map(|b| b as usize).filter(|&b| b != a);
        near.extend(others.filter(|&b| distance(at, nodes[b]) <= REACH_M));
        for &b in near.iter().filter(|&&b| b > a) {
            let length = distance(at, nodes[b]);
            let closer = |&c: &usize| {
                c != b && distance(at, nodes[c]) < length && distance(nodes[b], nodes[c]) < length
            };
            if !near.iter().any(closer) {
                edges.push((a, b));
            }
        }
    }
    edges
}

/// Adds links until every node can be reached from every other.
fn join(nodes: &[Point], edges: &mut Vec<Edge>) {
    let mut groups = Groups((0..nodes.len()).collect());
    for &(a, b) in edges.iter() {
        groups.join(a, b);
    }
    let (low, _) = bounds_of(nodes.iter().copied());
    let mut along: Vec<(u64, usize)> =
        nodes.iter().enumerate().map(|(node, &at)| (curve(at, low), node)).collect();
    along.sort_unstable();
    let mut links: Vec<Edge> = along.windows(2).map(|pair| (pair[0].1, pair[1].1)).collect();
    let length = |&(a, b): &Edge| distance(nodes[a], nodes[b]);
    links.sort_by(|a, b| length(a).total_cmp(&length(b)).then(a.cmp(b)));
    edges.extend(links.into_iter().filter(|&(a, b)| groups.join(a, b)));
}

/// How far along the curve a point is: the bits of both coordinates in turn (Morton's order).
fn curve(at: Point, low: Point) -> u64 {
    let spread =
        |metres: f64| (0..32).fold(0u64, |bits, bit| bits | (((metres as u64) >> bit) & 1) << (2 * bit));
    spread(at.0 - low.0) | spread(at.1 - low.1) << 1
}

/// Which nodes can be reached from each other: each points to one of its group, the last to itself.
struct Groups(Vec<usize>);

impl Groups {
    fn find(&mut self, mut node: usize) -> usize {
        while self.0[node] != node {
            self.0[node] = self.0[self.0[node]];
            node = self.0[node];
        }
        node
    }

    /// Makes two groups one; `false` if they were.
    fn join(&mut self, a: usize, b: usize) -> bool {
        let (a, b) = (self.find(a), self.find(b));
        self.0[a.max(b)] = a.min(b);
        a != b
    }
}

/// Cuts the edges into streets, which end where not exactly two edges meet.
fn chains(nodes: usize, edges: &[Edge]) -> Vec<Vec<usize>> {
    let mut at: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    for (edge, &(a, b)) in edges.iter().enumerate() {
        at[a].push(edge);
        at[b].push(edge);
    }
    let mut used = vec![false; edges.len()];
    let ends = (0..nodes).filter(|&node| at[node].len() != 2);
    // Rings have no end: they begin anywhere.
    let starts = ends.chain(0..nodes);
    let mut chains = Vec::new();
    for start in starts {
        for &edge in &at[start] {
            if !used[edge] {
                chains.push(chain(start, edge, edges, &at, &mut used));
            }
        }
    }
    chains
}

fn chain(start: usize, first: usize, edges: &[Edge], at: &[Vec<usize>], used: &mut [bool]) -> Vec<usize> {
    let mut chain = vec![start];
    let mut next = Some(first);
    while let Some(edge) = next {
        used[edge] = true;
        let (a, b) = edges[edge];
        let node = if chain[chain.len() - 1] == a { b } else { a };
        chain.push(node);
        next = at[node].iter().copied().find(|&edge| at[node].len() == 2 && !used[edge]);
    }
    chain
}

/// `lamp` – the first luminaire on it; its owner knows the street's name.
fn street(number: usize, chain: &[usize], nodes: &[Point], lamp: Option<&Placed>) -> Street {
    let class = lamp.map_or(RoadClass::Branch, |lamp| lamp.class);
    let known = lamp.map(|lamp| lamp.street.to_string()).filter(|name| !name.is_empty());
    Street {
        class,
        name_en: known.clone().unwrap_or_else(|| format!("Street {}", number + 1)),
        name_zh: known.unwrap_or_else(|| format!("{}号街", number + 1)),
        width_m: class.width_m(),
        points: chain.iter().map(|&node| nodes[node]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use types::Position;

    use super::*;
    use crate::Plane;
    use crate::placed::tests::cross;

    fn drawn(lamps: &[Placed]) -> Network {
        let plane = Plane::around(lamps[0].position);
        let points: Vec<Point> = lamps.iter().map(|lamp| plane.point(lamp.position)).collect();
        network(&lamps.iter().collect::<Vec<_>>(), &points)
    }

    #[test]
    fn two_crossing_rows_make_four_arms_that_meet() {
        let network = drawn(&cross(Position { lat: 36.0, lon: 120.0 }, 20));
        assert_eq!(network.streets.len(), 4, "{:?}", network.streets);
        let total: f64 = network.streets.iter().map(Street::length_m).sum();
        assert!((total - 2_400.0).abs() < 200.0, "{total}");
    }

    #[test]
    fn what_is_far_apart_is_joined_once() {
        let mut lamps = cross(Position { lat: 36.0, lon: 120.0 }, 3);
        lamps.extend(cross(Position { lat: 36.1, lon: 120.0 }, 3));
        let graph = crate::graph::Graph::new(&drawn(&lamps).streets);
        let streets = drawn(&lamps).streets.len();
        assert!(!graph.reached_streets(streets).contains(&false));
    }

    #[test]
    fn every_luminaire_is_beside_a_street_that_there_is() {
        let network = drawn(&cross(Position { lat: 36.0, lon: 120.0 }, 12));
        assert!(network.beside.iter().all(|&street| street < network.streets.len()));
    }
}
