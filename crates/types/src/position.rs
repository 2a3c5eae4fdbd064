use serde::{Deserialize, Serialize};

/// A place on the ground \[degrees, WGS 84\].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// North of the equator, `-90..=90`.
    pub lat: f64,
    /// East of Greenwich, `-180..=180`.
    pub lon: f64,
}

/// Length of one degree of latitude \[m\].
const METRES_PER_DEGREE: f64 = 111_320.0;
/// Cosine of Weifang's latitude, 36.71° N. One constant for the whole city keeps distances cheap and, since no libm
/// is involved, the same on every machine.
const COS_LAT: f64 = 0.801_6;

impl Position {
    /// The place `east` and `north` metres from here. Good to a part in a thousand within Weifang.
    #[must_use]
    pub fn offset_m(self, east: f64, north: f64) -> Self {
        Self {
            lat: self.lat + north / METRES_PER_DEGREE,
            lon: self.lon + east / (METRES_PER_DEGREE * COS_LAT),
        }
    }

    /// Metres east and north of `origin`.
    pub fn metres_from(self, origin: Self) -> (f64, f64) {
        let east = (self.lon - origin.lon) * METRES_PER_DEGREE * COS_LAT;
        let north = (self.lat - origin.lat) * METRES_PER_DEGREE;
        (east, north)
    }

    /// Distance to `other` \[m\].
    pub fn distance_m(self, other: Self) -> f64 {
        let (east, north) = self.metres_from(other);
        (east * east + north * north).sqrt()
    }
}
