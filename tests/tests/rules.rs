//! The rules of the house.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

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
    ("smoke", &[]),
    ("city-tests", &[]),
];

/// What no pure crate may stand on.
const IMPURE: &[&str] = &["tokio", "axum", "rumqttc", "rmqtt", "rusqlite", "rand", "getrandom", "mio"];

/// The crates without clock, sockets, files or ambient randomness.
const PURE: &[&str] = &["types", "eid", "medpay", "lighting", "city", "wire", "scenario", "sim"];

/// Licences that a dependency may have. `deny.toml` says the same.
const LICENCES: &[&str] =
    &["Apache-2.0", "BSD-3-Clause", "CDLA-Permissive-2.0", "ISC", "MIT", "Unicode-3.0", "Unlicense", "Zlib"];

/// Dependencies with another licence. `webdriver` drives the browser in tests, unchanged, and is in nothing for users.
const LICENCE_OF_ITS_OWN: &[(&str, &str)] = &[("webdriver", "MPL-2.0")];

/// What there is once: TLS, HTTP, CBOR, hashes.
const STACKS: &[&str] = &[
    "rustls",
    "rustls-webpki",
    "tokio-rustls",
    "ring",
    "http",
    "hyper",
    "axum",
    "ciborium",
    "coset",
    "digest",
    "sha1",
    "sha2",
    "hmac",
];

/// What would be a second one of these.
const SECOND_STACKS: &[&str] = &[
    "aws-lc-rs",
    "native-tls",
    "openssl",
    "actix-web",
    "reqwest",
    "minicbor",
    "serde_cbor",
    "blake3",
    "md-5",
];

/// Of these there are two versions, and why.
const TWICE: &[(&str, &str)] = &[
    ("digest", "the `sha1` of WebSocket handshakes is of the generation before"),
    ("http", "`webdriver`, in browser tests only, is of the generation before"),
    ("rustls-webpki", "`rumqttc` names the one before in its error type"),
];

fn manifest() -> MetadataCommand {
    let mut command = MetadataCommand::new();
    command.manifest_path(house("Cargo.toml"));
    command
}

fn house(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn text(path: &str) -> String {
    std::fs::read_to_string(house(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The largest picture that people who read the README wait for \[bytes\].
const PICTURE_BYTES_MAX: u64 = 250_000;

/// Everything that is built, from others too, on any platform.
fn everything() -> Metadata {
    manifest().other_options(["--locked".to_owned()]).exec().expect("cargo metadata")
}

fn dependencies() -> BTreeMap<String, Vec<String>> {
    let metadata = manifest().no_deps().exec().expect("cargo metadata");
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
        let fence = text(&format!("crates/{name}/clippy.toml"));
        assert!(fence.contains("std::time::SystemTime::now"), "the fence of `{name}` has a hole");
    }
}

/// Whether one of the licences to choose from is allowed, in each part of an SPDX expression that joins several.
fn is_allowed(expression: &str, allowed: impl Fn(&str) -> bool) -> bool {
    expression.replace('/', " OR ").split(" AND ").all(|part| {
        part.split(" OR ")
            .any(|licence| allowed(licence.trim_matches(|c: char| c.is_whitespace() || "()".contains(c))))
    })
}

#[test]
fn every_joined_licence_must_be_allowed_and_one_of_those_to_choose_from() {
    let allowed = |licence: &str| LICENCES.contains(&licence);
    for expression in ["GPL-3.0-only", "MIT AND GPL-3.0-only", "(MIT OR Apache-2.0) AND OpenSSL", ""] {
        assert!(!is_allowed(expression, allowed), "{expression}");
    }
    for expression in ["MIT", "GPL-3.0-only OR MIT", "Unlicense/MIT", "(MIT OR GPL-2.0-only) AND ISC"] {
        assert!(is_allowed(expression, allowed), "{expression}");
    }
}

#[test]
fn every_dependency_has_a_licence_that_is_allowed() {
    for package in everything().packages {
        let name = package.name.as_str();
        let licence = package.license.unwrap_or_default();
        let allowed = |one: &str| LICENCES.contains(&one) || LICENCE_OF_ITS_OWN.contains(&(name, one));
        assert!(is_allowed(&licence, allowed), "`{name}` {}: licence `{licence}`", package.version);
    }
}

#[test]
fn there_is_one_stack_of_each_kind() {
    let mut versions: BTreeMap<String, usize> = BTreeMap::new();
    for package in everything().packages {
        *versions.entry(package.name.to_string()).or_default() += 1;
    }
    for second in SECOND_STACKS {
        assert!(!versions.contains_key(*second), "`{second}` does what another dependency does already");
    }
    let twice = STACKS.iter().filter(|name| versions.get(**name).is_some_and(|&count| count > 1));
    let mut twice: Vec<&str> = twice.copied().collect();
    twice.sort_unstable();
    assert_eq!(twice, TWICE.iter().map(|(name, _)| *name).collect::<Vec<_>>());
}

#[test]
fn cargo_deny_is_told_the_same() {
    let deny = text("deny.toml");
    let once = STACKS.iter().filter(|name| TWICE.iter().all(|(twice, _)| twice != *name));
    let own = LICENCE_OF_ITS_OWN.iter().flat_map(|(name, licence)| [name, licence]);
    for name in LICENCES.iter().chain(SECOND_STACKS).chain(once).chain(own) {
        assert!(deny.contains(&format!("\"{name}\"")), "deny.toml lacks `{name}`");
    }
}

#[test]
fn no_crate_of_the_house_is_unsafe() {
    assert!(text("Cargo.toml").contains("[workspace.lints.rust]\nunsafe_code = \"forbid\""));
    for package in manifest().no_deps().exec().expect("cargo metadata").packages {
        let manifest = std::fs::read_to_string(&package.manifest_path).expect("a manifest");
        assert!(manifest.contains("[lints]\nworkspace = true"), "`{}` has lints of its own", package.name);
    }
}

#[test]
fn every_page_has_a_picture_in_the_readme_that_is_small_and_described() {
    let readme = text("README.md");
    let pages = std::fs::read_dir(house("crates/services/pages")).expect("the pages");
    let files = pages.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
    let names: Vec<String> = files.filter_map(|file| file.strip_suffix(".html").map(str::to_owned)).collect();
    assert!(names.len() >= 8, "{names:?}");
    for page in names {
        let picture = format!("docs/pictures/{}.png", if page == "index" { "console" } else { &page });
        let before = readme.split(&format!("src=\"{picture}\"")).next().filter(|before| *before != readme);
        let before =
            before.unwrap_or_else(|| panic!("README.md shows no {picture}: KITECITY_PICTURES makes it"));
        let tag = &before[before.rfind('<').expect("a tag")..];
        assert!(tag.contains("alt=\"") && !tag.contains("alt=\"\""), "{picture} is not described: {tag}");
        let bytes =
            std::fs::metadata(house(&picture)).unwrap_or_else(|error| panic!("{picture}: {error}")).len();
        assert!(bytes <= PICTURE_BYTES_MAX, "{picture} has {bytes} bytes: make it smaller with pngquant");
    }
}
