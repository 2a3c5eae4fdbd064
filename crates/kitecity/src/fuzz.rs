//! What must hold for any file that a user names, one function for each kind; driven by the kept corpus of `fuzz/`, and
//! by what chance makes of it. A binary has no targets for cargo-fuzz.

use std::collections::BTreeMap;

use anyhow::Result;
use city::{CitySpec, Plan};
use medpay::Policies;
use types::{DistrictId, LuminaireId, Seed};
use wire::Directory;
use wire::dialect::Dialect;

use crate::{config, import, lamps_file};

fn directory() -> Directory {
    let district: DistrictId = "kuiwen".parse().expect("a name");
    (1..=60).map(|lamp| (LuminaireId(lamp), district)).collect()
}

/// Mistakes are told by the file's name.
fn told<T>(outcome: Result<T>) {
    if let Err(error) = outcome {
        assert!(format!("{error:#}").starts_with("any.toml"), "{error:#}");
    }
}

fn settings(data: &[u8]) {
    let read = config::read(&String::from_utf8_lossy(data), "any.toml");
    if let Ok(settings) = &read {
        let _ = (settings.check(), settings.luminaires(), settings.city_spec());
        told(settings.devices(&directory()));
    }
    told(read);
}

fn devices(data: &[u8]) {
    for dialect in Dialect::ALL {
        told(config::devices_of(&String::from_utf8_lossy(data), "any.toml", dialect, &directory()));
    }
}

fn readers(data: &[u8]) {
    told(config::checked_readers(&String::from_utf8_lossy(data), "any.toml"));
}

fn policies(data: &[u8]) {
    told(config::parse::<Policies>(&String::from_utf8_lossy(data), "any.toml"));
}

/// What is imported is written as a lamps file and read back as the same, and a city stands around it or says why not.
fn lamps(data: &[u8]) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), data).expect("the file is written");
    let _ = import::read_lamps_file(file.path());
    let Ok(lamps) = import::read_any(file.path()) else { return };
    if lamps.is_empty() {
        return;
    }
    let mut text = Vec::new();
    lamps_file::write(&lamps, &mut text).expect("to memory");
    std::fs::write(file.path(), text).expect("the file is written");
    assert_eq!(import::read_lamps_file(file.path()).expect("our own file"), lamps);
    let city = CitySpec { seed: Seed(1), luminaires: lamps.len() as u32, residents: 10, clinics: 1 };
    let _ = Plan::around(&city, &lamps);
}

#[test]
fn every_file_is_read_or_refused_in_words() {
    let kinds: BTreeMap<&str, fn(&[u8])> = BTreeMap::from([
        ("settings", settings as fn(&[u8])),
        ("devices", devices),
        ("readers", readers),
        ("policies", policies),
    ]);
    for (name, target) in kinds {
        smoke::run(name, 500, target);
    }
}

#[test]
fn every_list_of_luminaires_is_read_or_refused_in_words() {
    smoke::run("lamps", 500, lamps);
}
