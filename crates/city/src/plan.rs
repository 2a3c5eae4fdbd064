use std::borrow::Cow;

use types::{CabinetId, DistrictId, LuminaireId, Position, ProviderId};

use crate::branches::{park, riverside};
use crate::clinics::{Corner, clinics};
use crate::district::{District, districts, districts_elsewhere};
use crate::graph::Graph;
use crate::grid::{Grid, bounds_of};
use crate::growth::{cell_key, complete_up_to, fringe};
use crate::lamps::{Lamps, light};
use crate::lattice::Lattice;
use crate::placed::{Labels, Placed, PlacedError, Town, town};
use crate::plane::Plane;
use crate::ring::{Ring, rings};
use crate::route::{Route, route};
use crate::shape::{Point, contains, distance};
use crate::sites::{Area, CabinetSite, Clinic, LuminaireSite};
use crate::spec::{CitySpec, SpecError};
use crate::street::{RoadClass, Street};
use crate::streets::{Streets, streets};
use crate::units::{Unit, units};

/// Where the city's coordinates begin: 36.71° N, 119.16° E, in the middle of Weifang.
pub const ORIGIN: Position = Position { lat: 36.71, lon: 119.16 };

/// Side of the squares in which luminaires are looked for \[m\].
const SQUARE_M: f64 = 100.0;

/// What stands where: streets, water, luminaires, cabinets, clinics.
///
/// Coordinates are metres on its [`plane`](Self::plane), that is, east and north of [`ORIGIN`] unless the city is
/// [`around`](Self::around) real luminaires. The same spec gives the same plan on every machine.
///
/// # Numbers
///
/// The city grows from its middle. Luminaires are numbered in the order they would be put up, so the plan of a city
/// with more luminaires begins with all luminaires of the smaller one: same numbers, places, cabinets, circuits and
/// phases; only the last cabinet may get more luminaires. Lit streets keep their index and their name, and grow
/// longer at the ends. Clinics keep their numbers once the city has corners enough to keep them 900 m apart.
#[derive(Clone, Debug)]
pub struct Plan {
    spec: CitySpec,
    plane: Plane,
    labels: Labels,
    districts: [District; 4],
    streets: Vec<Street>,
    luminaires: Vec<LuminaireSite>,
    cabinets: Vec<CabinetSite>,
    clinics: Vec<Clinic>,
    water: Vec<Area>,
    parks: Vec<Area>,
    graph: Graph,
    grid: Grid,
}

impl Plan {
    /// Draws the city.
    ///
    /// # Errors
    ///
    /// [`SpecError`] if a number of the spec is out of range.
    pub fn generate(spec: &CitySpec) -> Result<Self, SpecError> {
        spec.check()?;
        let districts = districts();
        let (lattice, units, lamps) = grow(spec, &districts);
        let Lamps { mut luminaires, mut cabinets, luminaire_streets, cabinet_streets, lit } = lamps;

        let (Streets { streets, indices, cells }, graph) = streets(&lattice, &units, lit);
        for (luminaire, street) in luminaires.iter_mut().zip(&luminaire_streets) {
            luminaire.street = indices[street];
        }
        for (cabinet, street) in cabinets.iter_mut().zip(&cabinet_streets) {
            cabinet.street = indices[street];
        }
        let corners = corners(&luminaires, &streets);
        let here = |luminaire: &LuminaireSite| (luminaire.x_m, luminaire.y_m);
        let grid = Grid::new(SQUARE_M, luminaires.iter().map(here).map(|at| (at, at)));
        Ok(Self {
            spec: *spec,
            plane: Plane::WEIFANG,
            labels: Labels::default(),
            clinics: clinics(spec.seed, Plane::WEIFANG, &corners, &districts, spec.clinics),
            water: vec![river(&lattice, &cells)],
            parks: parks(&lattice, &rings(&lattice), fringe(lit)),
            districts,
            streets,
            luminaires,
            cabinets,
            graph,
            grid,
        })
    }

    /// A city around luminaires that stand somewhere real: streets follow them, people and clinics are made up as in
    /// [`generate`](Self::generate). Of `spec`, the number of luminaires does not count.
    ///
    /// # Errors
    ///
    /// [`PlacedError`] if there are none, too many, or they are too far apart; or a number of `spec` is out of range.
    pub fn around(spec: &CitySpec, lamps: &[Placed]) -> Result<Self, PlacedError> {
        CitySpec { luminaires: 1, ..*spec }.check()?;
        let districts = districts_elsewhere();
        let Town { plane, labels, luminaires, cabinets, network } = town(lamps, &districts)?;
        let spec = CitySpec { luminaires: luminaires.len() as u32, ..*spec };
        let corners: Vec<Corner> = network.streets.iter().flat_map(ends).collect();
        let here = |luminaire: &LuminaireSite| (luminaire.x_m, luminaire.y_m);
        Ok(Self {
            clinics: clinics(spec.seed, plane, &corners, &districts, spec.clinics),
            grid: Grid::new(SQUARE_M, luminaires.iter().map(here).map(|at| (at, at))),
            graph: Graph::new(&network.streets),
            streets: network.streets,
            water: Vec::new(),
            parks: Vec::new(),
            spec,
            plane,
            labels,
            districts,
            luminaires,
            cabinets,
        })
    }

    /// What it was made from.
    pub fn spec(&self) -> &CitySpec {
        &self.spec
    }

    /// Its map: which point is which place.
    pub fn plane(&self) -> &Plane {
        &self.plane
    }

    /// What the owner of a luminaire calls it; its number in a city that was made up.
    pub fn label(&self, id: LuminaireId) -> Cow<'_, str> {
        label(&self.labels.luminaires, id.0).unwrap_or_else(|| id.to_string().into())
    }

    /// The same for a cabinet.
    pub fn cabinet_label(&self, id: CabinetId) -> Cow<'_, str> {
        label(&self.labels.cabinets, id.0).unwrap_or_else(|| id.to_string().into())
    }

    /// All luminaires as their owner would know them; [`around`](Self::around) makes the same of them again.
    pub fn placed(&self) -> Vec<Placed> {
        self.luminaires.iter().map(|site| self.placed_at(site)).collect()
    }

    fn placed_at(&self, site: &LuminaireSite) -> Placed {
        let street = || self.streets[site.street].name_zh.as_str().into();
        Placed {
            label: self.label(site.id).into(),
            position: site.position,
            class: site.class,
            rated_mw: site.rated_mw,
            standby_mw: site.standby_mw,
            height_m: site.height_m,
            road_m2: site.road_m2,
            street: label(&self.labels.streets, site.id.0).map_or_else(street, Box::from),
            cabinet: self.cabinet_label(site.cabinet).into(),
            circuit: site.circuit,
            phase: site.phase,
        }
    }

    /// All districts, also those the city has not grown into yet.
    pub fn districts(&self) -> &[District] {
        &self.districts
    }

    /// All streets: the lit ones, and dark ones around them.
    pub fn streets(&self) -> &[Street] {
        &self.streets
    }

    /// All luminaires in the order of their numbers.
    pub fn luminaires(&self) -> &[LuminaireSite] {
        &self.luminaires
    }

    /// All cabinets in the order of their numbers.
    pub fn cabinets(&self) -> &[CabinetSite] {
        &self.cabinets
    }

    /// All clinics in the order of their numbers; number 1 is the city hospital.
    pub fn clinics(&self) -> &[Clinic] {
        &self.clinics
    }

    /// The river.
    pub fn water(&self) -> &[Area] {
        &self.water
    }

    /// The parks.
    pub fn parks(&self) -> &[Area] {
        &self.parks
    }

    /// South-west and north-east corner of the rectangle around all streets \[m east, m north\].
    pub fn bounds(&self) -> ((f64, f64), (f64, f64)) {
        bounds_of(self.streets.iter().flat_map(|street| street.points.iter().copied()))
    }

    /// One luminaire.
    pub fn luminaire(&self, id: LuminaireId) -> Option<&LuminaireSite> {
        self.luminaires.get(index(id.0)?)
    }

    /// One cabinet.
    pub fn cabinet(&self, id: CabinetId) -> Option<&CabinetSite> {
        self.cabinets.get(index(id.0)?)
    }

    /// One clinic.
    pub fn clinic(&self, id: ProviderId) -> Option<&Clinic> {
        self.clinics.get(index(id.0)?)
    }

    /// The district of a luminaire.
    pub fn district_of(&self, id: LuminaireId) -> Option<DistrictId> {
        self.luminaire(id).map(|luminaire| luminaire.district)
    }

    /// The luminaires at most `radius_m` away from a place, in no particular but always the same order.
    pub fn luminaires_near(&self, x_m: f64, y_m: f64, radius_m: f64) -> impl Iterator<Item = &LuminaireSite> {
        self.grid
            .near((x_m, y_m), radius_m)
            .map(|luminaire| &self.luminaires[luminaire as usize])
            .filter(move |luminaire| distance((luminaire.x_m, luminaire.y_m), (x_m, y_m)) <= radius_m)
    }

    /// The way on foot between two places, each [m east, m north]: to the nearest street, along streets, and to the
    /// place. Works for any two places, also far outside the city.
    pub fn route(&self, from: (f64, f64), to: (f64, f64)) -> Route {
        route(&self.graph, from, to)
    }

    /// Whether a place is in the river.
    pub fn is_water(&self, at: (f64, f64)) -> bool {
        self.water.iter().any(|water| contains(&water.points, at))
    }

    /// Index in [`streets`](Self::streets) of the street closest to a place, and the closest point on it
    /// \[m east, m north\].
    pub fn nearest_street(&self, x_m: f64, y_m: f64) -> (usize, (f64, f64)) {
        let snap = self.graph.snap((x_m, y_m));
        (self.graph.pieces[snap.piece as usize].street as usize, snap.point)
    }
}

fn label(labels: &[Box<str>], number: u32) -> Option<Cow<'_, str>> {
    labels.get(index(number)?).map(|label| Cow::Borrowed(&**label))
}

/// Index of what has this number, counted from 1.
fn index(number: u32) -> Option<usize> {
    usize::try_from(number).ok()?.checked_sub(1)
}

/// Lights units on larger and larger lattices, until one has all the streets of the city.
fn grow(spec: &CitySpec, districts: &[District]) -> (Lattice, Vec<Unit>, Lamps) {
    // About the side of a square with so many luminaires. Only speed depends on it.
    let mut half = 5 + (f64::from(spec.luminaires).sqrt() / 22.0) as i32;
    loop {
        let lattice = Lattice::new(spec.seed, half);
        let units = units(&lattice, &rings(&lattice));
        let complete = complete_up_to(&lattice);
        match light(&lattice, &units, districts, spec.luminaires) {
            Some(lamps) if fringe(lamps.lit) <= complete => return (lattice, units, lamps),
            _ => half += 2 + half / 8,
        }
    }
}

/// Corners where clinics may stand: ends of lit branch streets, in the order in which these are lit.
fn corners(luminaires: &[LuminaireSite], streets: &[Street]) -> Vec<Corner> {
    let mut lit: Vec<usize> = luminaires.iter().map(|luminaire| luminaire.street).collect();
    lit.dedup();
    let mut seen = vec![false; streets.len()];
    lit.retain(|&street| !std::mem::replace(&mut seen[street], true));
    lit.into_iter()
        .map(|street| &streets[street])
        // Riversides are branch streets too, but not straight; and no place for a clinic.
        .filter(|street| street.class == RoadClass::Branch && street.points.len() == 2)
        .flat_map(ends)
        .collect()
}

/// Both ends of a street.
fn ends(street: &Street) -> [Corner; 2] {
    let corner = |crossing: Point| Corner { crossing, half_width_m: street.width_m / 2.0 + 8.0 };
    [corner(street.points[0]), corner(street.points[street.points.len() - 1])]
}

/// The river through all rows of the plan, and a little beyond.
fn river(lattice: &Lattice, cells: &[(i32, i32)]) -> Area {
    let rows = || cells.iter().map(|&(_, j)| j);
    let south = rows().min().unwrap_or(0).max(1 - lattice.half) - 1;
    let north = rows().max().unwrap_or(0).min(lattice.half - 2) + 1;
    let bank = |west| (south..=north).flat_map(move |j| riverside(lattice, j, west, 0.0));
    let mut points: Vec<Point> = bank(true).collect();
    let east: Vec<Point> = bank(false).collect();
    points.extend(east.into_iter().rev());
    points.dedup();
    Area { name_en: "Bailang River".to_owned(), name_zh: "白浪河".to_owned(), points }
}

/// Every park among the streets.
fn parks(lattice: &Lattice, rings: &[Ring], fringe: f64) -> Vec<Area> {
    let gaps = || -lattice.half..lattice.half;
    gaps()
        .flat_map(|j| gaps().map(move |i| (i, j)))
        .filter(|&(i, j)| cell_key(lattice, i, j) <= fringe)
        .filter_map(|(i, j)| park(lattice, rings, i, j))
        .map(|points| Area { name_en: "Park".to_owned(), name_zh: "公园".to_owned(), points })
        .collect()
}

#[cfg(test)]
mod tests;
