//! `GET /metrics` of a running city: what Prometheus reads there, line by line.

use std::collections::{BTreeMap, BTreeSet};

use city_tests::{City, Outsider, wait_for};
use serde_json::{Value, json};
use tempfile::tempdir;

const MANUAL: &str = include_str!("../../docs/metrics.md");

/// What was scraped.
#[derive(Default)]
struct Scrape {
    /// Name of a family and what it is.
    kinds: BTreeMap<String, String>,
    /// A sample with its labels, as it is written, and its value.
    samples: BTreeMap<String, f64>,
}

impl Scrape {
    fn of(city: &City) -> Self {
        let mut response = ureq::get(format!("{}/metrics", city.page)).call().expect("metrics");
        let media = response.headers()["content-type"].to_str().expect("ASCII").to_owned();
        assert!(media.starts_with("text/plain; version=0.0.4"), "{media}");
        Self::read(&response.body_mut().read_to_string().expect("text"))
    }

    /// Reads the format strictly.
    fn read(text: &str) -> Self {
        let mut all = Self::default();
        let mut helped = BTreeSet::new();
        let mut family = String::new();
        assert!(text.ends_with('\n'));
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect("a name and a help");
                assert!(helped.insert(name.to_owned()) && !help.is_empty(), "{line}");
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a name and a kind");
                assert!(helped.contains(name), "{line}");
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert!(all.kinds.insert(name.to_owned(), kind.to_owned()).is_none(), "{line}");
                name.clone_into(&mut family);
            } else {
                all.sample(&family, line);
            }
        }
        all
    }

    fn sample(&mut self, family: &str, line: &str) {
        let (sample, value) = line.rsplit_once(' ').expect("a sample and a value");
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
        let (name, labels) = sample.split_once('{').unwrap_or((sample, "}"));
        let suffix = name.strip_prefix(family).unwrap_or_else(|| panic!("{line} stands under {family}"));
        let suffixes: &[&str] =
            if self.kinds[family] == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
        assert!(suffixes.contains(&suffix), "{line}");
        let labels = labels.strip_suffix('}').unwrap_or_else(|| panic!("{line}"));
        for label in labels.split("\",").filter(|label| !label.is_empty()) {
            let (_, word) = label.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
            let digits = word.trim_end_matches('"').chars().filter(char::is_ascii_digit).count();
            let is_number = label.starts_with("le=") || label.starts_with("status=");
            let is_interface = word.starts_with("/v1/");
            assert!(digits == 0 || is_number || is_interface, "a label that may name somebody: {line}");
        }
        assert!(self.samples.insert(sample.to_owned(), value).is_none(), "twice: {line}");
    }

    fn at(&self, sample: &str) -> f64 {
        self.samples.get(sample).copied().unwrap_or_default()
    }
}

/// The families of the manual: name, kind, whether it has labels.
fn manual() -> BTreeMap<&'static str, (&'static str, bool)> {
    let rows = MANUAL.lines().filter_map(|line| line.strip_prefix("| `kitecity_"));
    let families = rows.map(|row| {
        let mut cells = row.split('|').map(str::trim);
        let name = cells.next().expect("a name").trim_end_matches('`');
        let kind = cells.next().expect("a kind");
        (name, (kind, !cells.next().expect("labels").is_empty()))
    });
    families.collect()
}

#[test]
fn prometheus_reads_every_line_and_finds_what_the_manual_names_and_nothing_else() {
    let folder = tempdir().unwrap();
    let city =
        City::start(&["--luminaires", "40", "--speed", "60", "--data", folder.path().to_str().unwrap()]);
    wait_for("a luminaire lit", || city.actual("l-0005").filter(|&level| level > 0));
    let scrape = Scrape::of(&city);
    let manual = manual();
    for (name, kind) in &scrape.kinds {
        let known = manual.get(name.trim_start_matches("kitecity_"));
        assert_eq!(known.map(|(kind, _)| *kind), Some(kind.as_str()), "{name} in docs/metrics.md");
    }
    for (name, (_, has_labels)) in manual {
        let there = scrape.kinds.contains_key(&format!("kitecity_{name}"));
        // One with labels appears with the first thing it counts.
        assert!(there || has_labels, "{name} is in docs/metrics.md, and not scraped");
    }
    for sample in [
        "kitecity_broker_connections",
        "kitecity_broker_retained_messages",
        "kitecity_broker_retained_bytes",
        r#"kitecity_broker_messages_received_total{channel="lightState",class="luminaire"}"#,
        r#"kitecity_broker_messages_delivered_total{channel="lightState",class="service"}"#,
        r#"kitecity_broker_received_bytes_total{channel="clock",class="service"}"#,
        "kitecity_luminaires_lit",
        "kitecity_luminaires_power_watts",
        "kitecity_journal_commits_total",
        "kitecity_journal_commit_seconds_count",
        r#"kitecity_role_up{role="lighting"}"#,
        r#"kitecity_role_entries_max{role="verifier",store="used_codes"}"#,
        r#"kitecity_role_entries_max{role="lighting",store="pending_commands"}"#,
    ] {
        wait_for(sample, || (Scrape::of(&city).at(sample) > 0.0).then_some(()));
    }
}

#[test]
fn counters_move_when_something_is_refused_or_done() {
    let city = City::start(&["--luminaires", "20", "--without", "residents"]);
    let before = Scrape::of(&city);
    let grows = |sample: &str| {
        wait_for(sample, || (Scrape::of(&city).at(sample) > before.at(sample)).then_some(()));
    };

    Outsider::connect(city.mqtt_port, "stranger", Some(("operator", "guess"))).refusal();
    grows("kitecity_broker_connects_refused_total");

    wait_for("the luminaire on the bus", || city.actual("l-0005"));
    city.operator().publish(&city.lamp_topic("l-0005", "up/state"), "not json");
    grows(r#"kitecity_dead_letters_total{consumer="lighting"}"#);

    let code = wait_for("a code", || city.get("/api/phone/r-0003/code")["code"].as_str().map(str::to_owned));
    let verdicts = [(), ()].map(|()| city.post("/api/kiosk/verify", &json!({ "code": code })));
    assert_eq!(verdicts.map(|told: Value| told["verdict"].clone()), [json!("accepted"), json!("refused")]);
    grows(r#"kitecity_verifications_total{verdict="accepted"}"#);
    grows(r#"kitecity_verifications_total{verdict="token_replayed"}"#);
    grows(r#"kitecity_http_requests_total{method="POST",route="/api/kiosk/verify",status="200"}"#);
    grows(r#"kitecity_http_request_seconds_count{route="/api/phone/{resident}/code"}"#);
    grows(r#"kitecity_role_entries{role="verifier",store="used_codes"}"#);

    city.next_event("stats").expect("events");
    grows(r#"kitecity_http_requests_total{method="GET",route="/api/events",status="200"}"#);
}
