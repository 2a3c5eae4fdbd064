//! A city around luminaires that stand somewhere real.

use std::collections::BTreeMap;

use lighting::Phase;
use types::{CabinetId, LuminaireId, Position};

use crate::district::{District, district_at};
use crate::grid::bounds_of;
use crate::network::{Network, network};
use crate::plane::Plane;
use crate::shape::{Point, distance};
use crate::sites::{CabinetSite, LuminaireSite};
use crate::spec::SpecError;
use crate::street::RoadClass;

/// A luminaire as its owner knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// What its owner calls it.
    pub label: Box<str>,
    /// Where it stands \[degrees\].
    pub position: Position,
    /// The class of its street.
    pub class: RoadClass,
    /// Power at full output \[mW\], at least `standby_mw`.
    pub rated_mw: u32,
    /// Power without light \[mW\].
    pub standby_mw: u32,
    /// How high above the road it hangs \[m\].
    pub height_m: f64,
    /// The road it lights \[m²\], more than 0.
    pub road_m2: f64,
    /// The name of its street; may be empty.
    pub street: Box<str>,
    /// What its owner calls the cabinet that feeds it.
    pub cabinet: Box<str>,
    /// The cabinet's circuit it is on, from 1.
    pub circuit: u8,
    /// The phase it draws from.
    pub phase: Phase,
}

/// Luminaires of one city, at most.
pub const PLACED_MAX: usize = 1_000_000;
/// No luminaire is further from the middle of all \[m\].
pub const PLACED_RADIUS_M: f64 = 100_000.0;

/// Why there is no city around these luminaires.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlacedError {
    /// There is none, or there are too many.
    #[error("a city has 1 to {PLACED_MAX} luminaires, these are {0}")]
    Count(usize),
    /// One is too far from the others.
    #[error("luminaire `{label}` is {:.0} km from the middle of all, at most {:.0} km are possible", distance_m / 1e3, PLACED_RADIUS_M / 1e3)]
    Far {
        /// Which.
        label: Box<str>,
        /// How far \[m\].
        distance_m: f64,
    },
    /// A number of residents or clinics is out of range.
    #[error(transparent)]
    Spec(#[from] SpecError),
}

/// What their owners call luminaires and cabinets, in the order of their numbers; empty in a city that was made up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Labels {
    pub(crate) luminaires: Vec<Box<str>>,
    /// The street that its owner says each luminaire is on.
    pub(crate) streets: Vec<Box<str>>,
    pub(crate) cabinets: Vec<Box<str>>,
}

/// Luminaires, cabinets and streets around them.
#[derive(Debug)]
pub(crate) struct Town {
    pub(crate) plane: Plane,
    pub(crate) labels: Labels,
    pub(crate) luminaires: Vec<LuminaireSite>,
    pub(crate) cabinets: Vec<CabinetSite>,
    pub(crate) network: Network,
}

/// Numbers the luminaires cabinet by cabinet, in the order in which the cabinets come, and draws streets along them.
pub(crate) fn town(lamps: &[Placed], districts: &[District]) -> Result<Town, PlacedError> {
    let plane = plane_of(lamps)?;
    let fed = by_cabinet(lamps);
    let order: Vec<&Placed> = fed.iter().flat_map(|(_, lamps)| lamps.iter().copied()).collect();
    let points: Vec<Point> = order.iter().map(|lamp| plane.point(lamp.position)).collect();
    let network = network(&order, &points);
    let mut town = Town {
        plane,
        labels: Labels {
            luminaires: order.iter().map(|lamp| lamp.label.clone()).collect(),
            streets: order.iter().map(|lamp| lamp.street.clone()).collect(),
            cabinets: fed.iter().map(|(label, _)| (*label).into()).collect(),
        },
        luminaires: Vec::with_capacity(order.len()),
        cabinets: Vec::with_capacity(fed.len()),
        network,
    };
    for (_, lamps) in &fed {
        town.add_cabinet(lamps, &points, districts);
    }
    Ok(town)
}

/// Luminaires under what their cabinet is called, in the order in which cabinets are named first.
fn by_cabinet(lamps: &[Placed]) -> Vec<(&str, Vec<&Placed>)> {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut fed: Vec<(&str, Vec<&Placed>)> = Vec::new();
    for lamp in lamps {
        let place = *places.entry(&lamp.cabinet).or_insert(fed.len());
        if place == fed.len() {
            fed.push((&lamp.cabinet, Vec::new()));
        }
        fed[place].1.push(lamp);
    }
    fed
}

impl Plane {
    /// A map around the middle of all, to a hundredth of a degree, so that one more luminaire seldom moves it.
    ///
    /// # Errors
    ///
    /// [`PlacedError`] if there are none, too many, or they are too far apart.
    pub fn of_lamps(lamps: &[Placed]) -> Result<Self, PlacedError> {
        plane_of(lamps)
    }
}

fn plane_of(lamps: &[Placed]) -> Result<Plane, PlacedError> {
    if lamps.is_empty() || lamps.len() > PLACED_MAX {
        return Err(PlacedError::Count(lamps.len()));
    }
    let (low, high) = bounds_of(lamps.iter().map(|lamp| (lamp.position.lat, lamp.position.lon)));
    let middle = |low: f64, high: f64| ((low + high) * 50.0).round() / 100.0;
    let plane = Plane::around(Position { lat: middle(low.0, high.0), lon: middle(low.1, high.1) });
    let far = |lamp: &&Placed| distance(plane.point(lamp.position), (0.0, 0.0)) > PLACED_RADIUS_M;
    match lamps.iter().find(far) {
        Some(lamp) => Err(PlacedError::Far {
            label: lamp.label.clone(),
            distance_m: distance(plane.point(lamp.position), (0.0, 0.0)),
        }),
        None => Ok(plane),
    }
}

impl Town {
    /// Adds one cabinet, beside the luminaire in the middle of its list, with its luminaires.
    fn add_cabinet(&mut self, lamps: &[&Placed], points: &[Point], districts: &[District]) {
        let first = self.luminaires.len();
        let number = |index: usize| LuminaireId(index as u32 + 1);
        let id = CabinetId(self.cabinets.len() as u32 + 1);
        let middle = first + lamps.len() / 2;
        let at = (points[middle].0 + CABINET_ASIDE_M, points[middle].1 + CABINET_ASIDE_M);
        let district = districts[district_at(at)].id;
        for (&lamp, index) in lamps.iter().zip(first..) {
            self.luminaires.push(LuminaireSite {
                id: number(index),
                position: lamp.position,
                x_m: points[index].0,
                y_m: points[index].1,
                street: self.network.beside[index],
                cabinet: id,
                circuit: lamp.circuit,
                phase: lamp.phase,
                district,
                rated_mw: lamp.rated_mw,
                standby_mw: lamp.standby_mw,
                road_m2: lamp.road_m2,
                height_m: lamp.height_m,
                class: lamp.class,
            });
        }
        self.cabinets.push(CabinetSite {
            id,
            position: self.plane.place(at),
            x_m: at.0,
            y_m: at.1,
            district,
            street: self.network.beside[middle],
            first: number(first),
            last: number(first + lamps.len() - 1),
        });
    }
}

/// A cabinet stands this far east and north of a luminaire \[m\].
const CABINET_ASIDE_M: f64 = 2.0;

#[cfg(test)]
pub(crate) mod tests {
    use types::Seed;

    use super::*;
    use crate::{CitySpec, Plan};

    /// Luminaires along a cross of two streets, `arm` of them each way, 30 m apart.
    pub(crate) fn cross(middle: Position, arm: i32) -> Vec<Placed> {
        let plane = Plane::around(middle);
        let east = (-arm..=arm).map(|k| (f64::from(k) * 30.0, 5.0, 1));
        let spots = east.chain((-arm..=arm).map(|k| (5.0, f64::from(k) * 30.0, 2)));
        spots
            .enumerate()
            .map(|(n, (x, y, street))| Placed {
                label: format!("P{n}").into(),
                position: plane.place((x, y)),
                class: RoadClass::Branch,
                rated_mw: 60_000,
                standby_mw: 500,
                height_m: 8.0,
                road_m2: 400.0,
                street: format!("Street {street}").into(),
                cabinet: format!("box {street}").into(),
                circuit: 3,
                phase: Phase::S,
            })
            .collect()
    }

    fn spec() -> CitySpec {
        CitySpec { seed: Seed(7), luminaires: 1, residents: 40, clinics: 2 }
    }

    const QINGDAO: Position = Position { lat: 36.07, lon: 120.38 };

    #[test]
    fn no_luminaires_and_luminaires_of_two_countries_are_no_city() {
        assert_eq!(Plan::around(&spec(), &[]).unwrap_err(), PlacedError::Count(0));
        let mut lamps = cross(QINGDAO, 2);
        lamps[3].position = Position { lat: 51.5, lon: 0.1 };
        let error = Plan::around(&spec(), &lamps).unwrap_err();
        assert!(matches!(error, PlacedError::Far { .. }), "{error}");
        let error = Plan::around(&CitySpec { residents: 0, ..spec() }, &cross(QINGDAO, 2)).unwrap_err();
        assert!(matches!(error, PlacedError::Spec(SpecError { field: "residents", .. })), "{error}");
    }

    #[test]
    fn luminaires_stand_where_they_are_said_to_and_are_numbered_by_cabinet() {
        let lamps = cross(QINGDAO, 10);
        let plan = Plan::around(&spec(), &lamps).unwrap();
        assert_eq!((plan.luminaires().len(), plan.spec().luminaires), (lamps.len(), lamps.len() as u32));
        assert_eq!(plan.cabinets().len(), 2);
        for cabinet in plan.cabinets() {
            for id in cabinet.luminaires() {
                let site = plan.luminaire(id).unwrap();
                let lamp = lamps.iter().find(|lamp| *lamp.label == *plan.label(id)).unwrap();
                assert_eq!((site.position, site.cabinet, site.circuit), (lamp.position, cabinet.id, 3));
                assert_eq!(*lamp.cabinet, *plan.cabinet_label(cabinet.id));
                assert!(distance(plan.plane().point(site.position), (site.x_m, site.y_m)) < 1e-6);
            }
        }
    }

    #[test]
    fn a_plan_gives_back_the_luminaires_it_was_made_from() {
        let lamps = cross(QINGDAO, 10);
        let plan = Plan::around(&spec(), &lamps).unwrap();
        assert_eq!(plan.placed(), lamps);
        let made_up = Plan::generate(&CitySpec { luminaires: 70, ..spec() }).unwrap();
        let again = Plan::around(&spec(), &made_up.placed()).unwrap();
        let stand = |plan: &Plan| {
            plan.luminaires().iter().map(|site| (site.id, site.position, site.cabinet)).collect::<Vec<_>>()
        };
        assert_eq!(stand(&again), stand(&made_up));
    }

    #[test]
    fn people_live_and_walk_along_the_luminaires() {
        for arm in [0, 1, 40] {
            let plan = Plan::around(&spec(), &cross(QINGDAO, arm)).unwrap();
            assert_eq!(plan.clinics().len(), 2);
            for citizen in crate::Residents::new(&plan).iter() {
                let near = plan.luminaires_near(citizen.home.0, citizen.home.1, 60.0).count();
                assert!(near > 0, "arm {arm}: {:?}", citizen.home);
                let clinic = &plan.clinics()[0];
                let route = plan.route(citizen.home, (clinic.x_m, clinic.y_m));
                assert!(route.length_m() < 5_000.0);
            }
        }
    }

    #[test]
    fn the_same_luminaires_make_the_same_city() {
        let made = || format!("{:?}", Plan::around(&spec(), &cross(QINGDAO, 30)).unwrap());
        assert_eq!(made(), made());
    }
}
