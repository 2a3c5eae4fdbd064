use lighting::{Circuit, Leg, Phase};
use serde::Serialize;
use types::{CabinetId, DistrictId, LuminaireId, Position, ProviderId};

use crate::street::RoadClass;

/// Where one luminaire stands and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LuminaireSite {
    /// Its number, from 1 without gaps.
    pub id: LuminaireId,
    /// Where it stands \[degrees\].
    pub position: Position,
    /// East of the city's origin \[m\].
    pub x_m: f64,
    /// North of the city's origin \[m\].
    pub y_m: f64,
    /// Index of its street in [`Plan::streets`](crate::Plan::streets).
    pub street: usize,
    /// The cabinet that feeds it.
    pub cabinet: CabinetId,
    /// The cabinet's circuit it is on, from 1.
    pub circuit: u8,
    /// The phase it draws from.
    pub phase: Phase,
    /// The district of its cabinet.
    pub district: DistrictId,
    /// Power at full output \[mW\].
    pub rated_mw: u32,
    /// Power without light \[mW\].
    pub standby_mw: u32,
    /// The road it lights: its share of its street, from kerb to kerb \[m²\].
    pub road_m2: f64,
    /// How high above the road it hangs \[m\].
    pub height_m: f64,
    /// The class of its street.
    pub class: RoadClass,
}

impl LuminaireSite {
    /// What it hangs on at its cabinet.
    pub fn leg(&self) -> Leg {
        Leg { circuit: Circuit::of_register(self.circuit), phase: self.phase }
    }
}

/// Where one cabinet (feeder pillar) stands and which luminaires it feeds: they have consecutive numbers, and are
/// at most 60 unless its owner says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CabinetSite {
    /// Its number, from 1 without gaps.
    pub id: CabinetId,
    /// Where it stands \[degrees\].
    pub position: Position,
    /// East of the city's origin \[m\].
    pub x_m: f64,
    /// North of the city's origin \[m\].
    pub y_m: f64,
    /// The district it stands in.
    pub district: DistrictId,
    /// The street it stands on: index in [`Plan::streets`](crate::Plan::streets).
    pub street: usize,
    /// The first luminaire it feeds.
    pub first: LuminaireId,
    /// The last luminaire it feeds.
    pub last: LuminaireId,
}

impl CabinetSite {
    /// The luminaires it feeds.
    pub fn luminaires(&self) -> impl ExactSizeIterator<Item = LuminaireId> + use<> {
        // Exact because numbers stay far below `u32::MAX`.
        let (first, count) = (self.first.0, self.last.0 - self.first.0 + 1);
        (0..count).map(move |k| LuminaireId(first + k))
    }
}

/// A clinic or hospital.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Clinic {
    /// Its number, from 1 without gaps.
    pub id: ProviderId,
    /// Its English name.
    pub name_en: String,
    /// Its Chinese name.
    pub name_zh: String,
    /// Level of care: 1 community clinic, 2 district hospital, 3 city hospital.
    pub level: u8,
    /// Where it stands \[degrees\].
    pub position: Position,
    /// East of the city's origin \[m\].
    pub x_m: f64,
    /// North of the city's origin \[m\].
    pub y_m: f64,
    /// The district it stands in.
    pub district: DistrictId,
}

/// An area drawn on the map: water or a park.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Area {
    /// Its English name.
    pub name_en: String,
    /// Its Chinese name.
    pub name_zh: String,
    /// Its outline \[m east, m north of the city's origin\]; the last point joins the first.
    pub points: Vec<(f64, f64)>,
}
