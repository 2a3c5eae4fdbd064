//! The streets as a graph: crossings, and the straight pieces of street between them.

use crate::grid::{Grid, bounds_of};
use crate::near::NearSet;
use crate::shape::{Point, closest_share, distance, lerp, meeting};
use crate::street::Street;

/// Crossings, ends and bends of streets, and the straight pieces between them.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Point>,
    pub(crate) pieces: Vec<Piece>,
    /// `neighbours[starts[node]..starts[node + 1]]` are a node's.
    starts: Vec<u32>,
    neighbours: Vec<Neighbour>,
    grid: Grid,
}

/// A straight piece of street between two nodes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    pub(crate) nodes: [u32; 2],
    /// Index of its street.
    pub(crate) street: u32,
    pub(crate) length_cm: u32,
}

/// A node next to another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Neighbour {
    pub(crate) node: u32,
    pub(crate) length_cm: u32,
}

/// A place on a street.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Snap {
    pub(crate) piece: u32,
    pub(crate) point: Point,
    pub(crate) distance_m: f64,
}

/// Streets that come this close to each other meet \[m\].
const SLACK_M: f64 = 0.5;
/// Crossings closer than this are one \[m\].
const SAME_M: f64 = 1.0;
/// Side of the squares in which pieces of street are looked for \[m\].
const SQUARE_M: f64 = 200.0;

impl Graph {
    pub(crate) fn new(streets: &[Street]) -> Self {
        let lines: Vec<(u32, Point, Point)> = (0u32..)
            .zip(streets)
            .flat_map(|(street, s)| s.points.windows(2).map(move |pair| (street, pair[0], pair[1])))
            .collect();
        let (cuts, nodes) = cut(&lines);
        let pieces = pieces(&lines, &cuts, &nodes);
        let boxes = pieces.iter().map(|piece| bounds_of(piece.nodes.map(|node| nodes[node as usize])));
        let grid = Grid::new(SQUARE_M, boxes);
        let (starts, neighbours) = neighbours(nodes.len(), &pieces);
        Self { nodes, pieces, starts, neighbours, grid }
    }

    /// The nodes next to one.
    pub(crate) fn neighbours(&self, node: u32) -> &[Neighbour] {
        let (start, end) = (self.starts[node as usize], self.starts[node as usize + 1]);
        &self.neighbours[start as usize..end as usize]
    }

    pub(crate) fn node(&self, node: u32) -> Point {
        self.nodes[node as usize]
    }

    /// Which of `streets` can be reached from the first one.
    pub(crate) fn reached_streets(&self, streets: usize) -> Vec<bool> {
        let mut seen = vec![false; self.nodes.len()];
        let mut open = vec![self.pieces[0].nodes[0]];
        while let Some(node) = open.pop() {
            if !std::mem::replace(&mut seen[node as usize], true) {
                open.extend(self.neighbours(node).iter().map(|neighbour| neighbour.node));
            }
        }
        let mut reached = vec![false; streets];
        for piece in &self.pieces {
            reached[piece.street as usize] |= seen[piece.nodes[0] as usize];
        }
        reached
    }

    /// The closest place on any street.
    pub(crate) fn snap(&self, at: Point) -> Snap {
        let reach = self.grid.reach(at);
        let mut radius = SQUARE_M / 2.0;
        loop {
            let best = self
                .grid
                .near(at, radius)
                .map(|piece| self.snap_to(piece, at))
                .min_by(|a, b| a.distance_m.total_cmp(&b.distance_m).then(a.piece.cmp(&b.piece)));
            match best {
                Some(snap) if snap.distance_m <= radius || radius > reach => return snap,
                _ => radius *= 2.0,
            }
        }
    }

    fn snap_to(&self, piece: u32, at: Point) -> Snap {
        let [a, b] = self.pieces[piece as usize].nodes.map(|node| self.node(node));
        let point = lerp(a, b, closest_share(a, b, at));
        Snap { piece, point, distance_m: distance(point, at) }
    }
}

/// A node on a line: the line, how far along it \[share\], the node.
type Cut = (u32, f64, u32);

/// Finds the nodes on every line, sorted along it.
fn cut(lines: &[(u32, Point, Point)]) -> (Vec<Cut>, Vec<Point>) {
    let grid = Grid::new(SQUARE_M, lines.iter().map(|&(_, a, b)| bounds_of([a, b])));
    let mut nodes = NearSet::new(bounds_of(lines.iter().flat_map(|&(_, a, b)| [a, b])));
    let mut node_at = |at: Point| nodes.find(at, SAME_M).unwrap_or_else(|| nodes.add(at));
    let mut cuts: Vec<Cut> = Vec::with_capacity(lines.len() * 4);
    for (line, &(_, a, b)) in (0u32..).zip(lines) {
        cuts.push((line, 0.0, node_at(a)));
        cuts.push((line, 1.0, node_at(b)));
    }
    for square in grid.squares_with_items() {
        for (k, &first) in square.iter().enumerate() {
            for &second in &square[k + 1..] {
                let ((street_a, a0, a1), (street_b, b0, b1)) =
                    (lines[first as usize], lines[second as usize]);
                if street_a == street_b {
                    continue;
                }
                if let Some((s, t)) = meeting((a0, a1), (b0, b1), SLACK_M) {
                    let node = node_at(lerp(a0, a1, s));
                    cuts.push((first, s, node));
                    cuts.push((second, t, node));
                }
            }
        }
    }
    cuts.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2)));
    (cuts, nodes.into_points())
}

fn pieces(lines: &[(u32, Point, Point)], cuts: &[Cut], nodes: &[Point]) -> Vec<Piece> {
    let between = |pair: &[Cut]| {
        let ((line, _, a), (other, _, b)) = (pair[0], pair[1]);
        (line == other && a != b).then(|| Piece {
            nodes: [a, b],
            street: lines[line as usize].0,
            // Rounded up, so that a straight line is never longer than a way.
            length_cm: (distance(nodes[a as usize], nodes[b as usize]) * 100.0) as u32 + 1,
        })
    };
    cuts.windows(2).filter_map(between).collect()
}

fn neighbours(nodes: usize, pieces: &[Piece]) -> (Vec<u32>, Vec<Neighbour>) {
    let mut starts = vec![0u32; nodes + 1];
    for node in pieces.iter().flat_map(|piece| piece.nodes) {
        starts[node as usize + 1] += 1;
    }
    for node in 0..nodes {
        starts[node + 1] += starts[node];
    }
    let mut next = starts.clone();
    let mut neighbours = vec![Neighbour { node: 0, length_cm: 0 }; pieces.len() * 2];
    for &Piece { nodes: [a, b], length_cm, .. } in pieces {
        for (from, node) in [(a, b), (b, a)] {
            neighbours[next[from as usize] as usize] = Neighbour { node, length_cm };
            next[from as usize] += 1;
        }
    }
    (starts, neighbours)
}
