use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// A place on the ground \[degrees, WGS 84\].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// North of the equator, `-90..=90`.
    #[serde(deserialize_with = "read_latitude")]
    pub lat: f64,
    /// East of Greenwich, `-180..=180`.
    #[serde(deserialize_with = "read_longitude")]
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

fn read_latitude<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    read_degrees(deserializer, 90.0)
}

fn read_longitude<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    read_degrees(deserializer, 180.0)
}

fn read_degrees<'de, D: Deserializer<'de>>(deserializer: D, max: f64) -> Result<f64, D::Error> {
    let degrees = f64::deserialize(deserializer)?;
    if degrees.abs() <= max {
        return Ok(degrees);
    }
    Err(D::Error::custom(format!("{degrees} degrees, expected -{max} to {max}")))
}
