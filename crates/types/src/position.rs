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
