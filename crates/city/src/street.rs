use std::fmt;

use serde::{Deserialize, Serialize};

use crate::shape::{Point, closest_share, distance, length, lerp};

/// What a street is for; decides its width, its luminaires and its lighting calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoadClass {
    /// A ring road around the centre.
    Ring,
    /// A street through the city.
    Arterial,
    /// A street within a quarter.
    Branch,
}

impl RoadClass {
    /// All classes, in the order of the lighting calendars.
    pub const ALL: [Self; 3] = [Self::Ring, Self::Arterial, Self::Branch];

    /// Power of one luminaire at full output \[mW\].
    pub const fn rated_mw(self) -> u32 {
        match self {
            Self::Ring => 200_000,
            Self::Arterial => 140_000,
            Self::Branch => 60_000,
        }
    }

    /// Power of one luminaire that gives no light: controller and driver in standby \[mW\].
    pub const fn standby_mw(self) -> u32 {
        match self {
            Self::Ring => 900,
            Self::Arterial => 700,
            Self::Branch => 500,
        }
    }

    /// How high its luminaires hang above the road \[m\].
    pub const fn height_m(self) -> f64 {
        match self {
            Self::Ring => 12.0,
            Self::Arterial => 10.0,
            Self::Branch => 8.0,
        }
    }

    /// Width between the kerbs, where nothing else is known \[m\].
    pub const fn width_m(self) -> f64 {
        match self {
            Self::Ring => 36.0,
            Self::Arterial => 28.0,
            Self::Branch => 12.0,
        }
    }

    /// Distance from one luminaire, or pair of them, to the next along the street \[m\].
    pub const fn spacing_m(self) -> f64 {
        match self {
            Self::Ring => 40.0,
            Self::Arterial => 35.0,
            Self::Branch => 29.0,
        }
    }
}

/// As in topics and payloads: `ring`, `arterial`, `branch`.
impl fmt::Display for RoadClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ring => "ring",
            Self::Arterial => "arterial",
            Self::Branch => "branch",
        })
    }
}

/// A street.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Street {
    /// What it is for.
    pub class: RoadClass,
    /// Its English name.
    pub name_en: String,
    /// Its Chinese name.
    pub name_zh: String,
    /// Width between the kerbs \[m\].
    pub width_m: f64,
    /// Its centre line \[m east, m north of the city's origin\]; at least two points. A ring ends where it begins.
    pub points: Vec<(f64, f64)>,
}

impl Street {
    /// Length of the centre line \[m\].
    pub fn length_m(&self) -> f64 {
        length(&self.points)
    }

    /// Where on this street a place lies.
    pub(crate) fn locate(&self, place: Point) -> Located {
        let mut before = 0.0;
        let mut best =
            Located { along_m: 0.0, point: self.points[0], distance_m: f64::INFINITY, left: false };
        for pair in self.points.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            let share = closest_share(a, b, place);
            let point = lerp(a, b, share);
            let (length, distance_m) = (distance(a, b), distance(point, place));
            if distance_m < best.distance_m {
                let left = (b.0 - a.0) * (place.1 - a.1) > (b.1 - a.1) * (place.0 - a.0);
                best = Located { along_m: before + share * length, point, distance_m, left };
            }
            before += length;
        }
        best
    }
}

/// A place as seen from a street.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Located {
    /// How far from the street's start \[m\].
    pub(crate) along_m: f64,
    /// The closest point of the centre line.
    pub(crate) point: Point,
    /// How far the place is from it \[m\].
    pub(crate) distance_m: f64,
    /// Whether it is on the left, walking from the start.
    pub(crate) left: bool,
}
