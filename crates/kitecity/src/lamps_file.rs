//! Lamps files: the luminaires of a real city, as `kitecity import lamps` writes them and `--lamps` reads them.
//!
//! CSV in UTF-8 with commas and exactly the columns of [`Field::ALL`]; docs/lamps.md describes them.

use std::path::Path;

use anyhow::{Context, Result, bail};
use city::Placed;
use sha2::{Digest, Sha256};

use crate::import::{self, Field};

/// Real luminaires, and the file they come from.
#[derive(Clone, Debug)]
pub(crate) struct LampsFile {
    pub(crate) lamps: Vec<Placed>,
    /// Changes when the file does.
    pub(crate) digest: String,
}

impl LampsFile {
    /// Reads one; every row must be good.
    ///
    /// # Errors
    ///
    /// In words, with the line and the remedy.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let name = path.display();
        let lamps = import::read_lamps_file(path).with_context(|| format!("lamps {name}"))?;
        let bytes = std::fs::read(path).with_context(|| format!("lamps {name}"))?;
        let digest = Sha256::digest(&bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { lamps, digest })
    }
}

/// The heading.
pub(crate) fn heads() -> [&'static str; Field::ALL.len()] {
    Field::ALL.map(Field::name)
}

/// Writes one.
pub(crate) fn write(lamps: &[Placed], to: &mut dyn std::io::Write) -> Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    csv.write_record(heads())?;
    for lamp in lamps {
        csv.write_record(Field::ALL.map(|field| text(lamp, field)))?;
    }
    csv.flush()?;
    Ok(())
}

/// What a lamps file says of a luminaire in one column.
pub(crate) fn text(lamp: &Placed, field: Field) -> String {
    let watts = |milliwatts: u32| (f64::from(milliwatts) / 1e3).to_string();
    match field {
        Field::Id => lamp.label.to_string(),
        Field::Lat => lamp.position.lat.to_string(),
        Field::Lon => lamp.position.lon.to_string(),
        Field::Class => lamp.class.to_string(),
        Field::Watts => watts(lamp.rated_mw),
        Field::Standby => watts(lamp.standby_mw),
        Field::Height => lamp.height_m.to_string(),
        Field::Road => lamp.road_m2.to_string(),
        Field::Street => lamp.street.to_string(),
        Field::Cabinet => lamp.cabinet.to_string(),
        Field::Circuit => lamp.circuit.to_string(),
        Field::Phase => lamp.phase.to_string(),
    }
}

/// That a heading is that of a lamps file.
pub(crate) fn check_heads(found: &[String]) -> Result<()> {
    if found != heads() {
        bail!(
            "this is no lamps file: its first line should be `{}`. Make one with `kitecity import lamps FILE --out lamps.csv`",
            heads().join(",")
        );
    }
    Ok(())
}
