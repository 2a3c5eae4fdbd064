//! The rules of the house.

use std::collections::BTreeMap;
use std::path::Path;

use cargo_metadata::{DependencyKind, MetadataCommand};

/// What each crate of the house may stand on. Arrows point down only.
const FLOORS: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("eid", &["types"]),
    ("medpay", &["types"]),
    ("lighting", &["types"]),
    ("city", &["types", "eid", "medpay", "lighting"]),
    ("wire", &["types", "eid", "medpay", "lighting"]),
    ("scenario", &["types", "eid", "medpay", "lighting", "city", "wire"]),
    ("sim", &["types", "eid", "medpay", "lighting", "city", "wire", "scenario"]),
    ("services", &["types", "eid", "medpay", "lighting", "city", "wire", "scenario"]),
    ("kitecity", &["types", "eid", "medpay", "lighting", "city", "wire", "scenario", "sim", "services"]),
    ("city-tests", &[]),
];

/// What no pure crate may stand on.
const IMPURE: &[&str] = &["tokio", "axum", "rumqttc", "rmqtt", "rusqlite", "rand", "getrandom", "mio"];

/// The crates without clock, sockets, files or ambient randomness.
const PURE: &[&str] = &["types", "eid", "medpay", "lighting", "city", "wire", "scenario", "sim"];

fn dependencies() -> BTreeMap<String, Vec<String>> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec().expect("cargo metadata");
    metadata
        .packages
        .iter()
        .map(|package| {
            let normal =
                package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
            (package.name.to_string(), normal.map(|dependency| dependency.name.clone()).collect())
        })
        .collect()
}

#[test]
fn arrows_point_down_only() {
    let floors: BTreeMap<_, _> = FLOORS.iter().copied().collect();
    for (name, depends_on) in dependencies() {
        let allowed =
            floors.get(name.as_str()).unwrap_or_else(|| panic!("`{name}` has no floor in this house"));
        for other in depends_on.iter().filter(|other| floors.contains_key(other.as_str())) {
            assert!(allowed.contains(&other.as_str()), "`{name}` must not stand on `{other}`");
        }
    }
}

#[test]
fn pure_crates_stay_pure() {
    let all = dependencies();
    for name in PURE {
        for other in &all[*name] {
            assert!(!IMPURE.contains(&other.as_str()), "`{name}` is pure and must not depend on `{other}`");
        }
        let fence = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../crates/{name}/clippy.toml"));
        let fence = std::fs::read_to_string(&fence).unwrap_or_else(|_| panic!("`{name}` has no clippy.toml"));
        assert!(fence.contains("std::time::SystemTime::now"), "the fence of `{name}` has a hole");
    }
}
