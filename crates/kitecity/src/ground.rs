//! What cities are built on: streets that are made up, or real luminaires.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use city::{ORIGIN, Plan, Plane};
use lighting::AstroTable;
use scenario::{Cast, CastSpec};
use types::Position;

use crate::config::Config;
use crate::lamps_file::LampsFile;
use crate::up::UsageError;

/// The ground, and the sun over it in the years asked for, which is slow to compute.
#[derive(Debug)]
pub(crate) struct Ground {
    lamps: Option<LampsFile>,
    middle: Position,
    suns: BTreeMap<i32, Arc<AstroTable>>,
}

impl Ground {
    /// Reads the lamps file of the settings, if they name one.
    ///
    /// # Errors
    ///
    /// As a mistake of the user: a file that cannot be read, or has a bad row.
    pub(crate) fn of(config: &Config) -> Result<Self, UsageError> {
        let lamps = config.city.lamps_file().map(LampsFile::read).transpose()?;
        let middle = match &lamps {
            Some(file) => {
                Plane::of_lamps(&file.lamps).map_err(|error| UsageError(error.to_string()))?.origin()
            }
            None => ORIGIN,
        };
        Ok(Self { lamps, middle, suns: BTreeMap::new() })
    }

    /// What tells real luminaires from others; nothing where streets are made up.
    pub(crate) fn digest(&self) -> Option<&str> {
        self.lamps.as_ref().map(|file| file.digest.as_str())
    }

    /// How many real luminaires there are.
    pub(crate) fn luminaires(&self) -> Option<u32> {
        self.lamps.as_ref().map(|file| file.lamps.len() as u32)
    }

    /// The sun of a year.
    pub(crate) fn sun(&mut self, year: i32) -> Result<Arc<AstroTable>, UsageError> {
        if let Some(sun) = self.suns.get(&year) {
            return Ok(sun.clone());
        }
        let sun = city::astro_table_at(year, self.middle).map_err(|error| UsageError(error.to_string()))?;
        Ok(self.suns.entry(year).or_insert(Arc::new(sun)).clone())
    }

    /// A city, and who plays in it. With real luminaires it has as many as these are.
    pub(crate) fn cast(&self, spec: CastSpec, sun: Arc<AstroTable>) -> Result<Cast, UsageError> {
        let usage = |error: &dyn std::fmt::Display| UsageError(format!("config: {error}"));
        match &self.lamps {
            Some(file) => {
                let plan = Plan::around(&spec.city, &file.lamps).map_err(|error| usage(&error))?;
                Ok(Cast::of_plan(spec, Arc::new(plan), sun))
            }
            None => Cast::under_sun(spec, sun).map_err(|error| usage(&error)),
        }
    }
}
