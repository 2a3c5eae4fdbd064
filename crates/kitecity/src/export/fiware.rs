//! Luminaires, circuits and cabinets as FIWARE Smart Data Models, in the key-values form.
//!
//! Source: smart-data-models/dataModel.Streetlighting, Streetlight 0.2.1, StreetlightGroup 0.1.1,
//! StreetlightControlCabinet 0.1.0. A group is a circuit of a cabinet.

use std::collections::BTreeMap;

use anyhow::Result;
use chrono::{DateTime, SecondsFormat};
use city::{CabinetSite, LuminaireSite, Plan};
use lighting::{LightState, Report};
use serde_json::{Value, json};
use types::{CabinetId, LuminaireId, Position, RunId};

use super::{Live, Seen, write_list};

/// Writes a list of entities.
pub(super) fn write(plan: &Plan, run: RunId, live: Option<&Live>, to: &mut Vec<u8>) -> Result<()> {
    write_list("", entities(&Names { plan, run }, live), "", to)
}

/// Makes the ids of entities.
#[derive(Clone, Copy, Debug)]
struct Names<'a> {
    plan: &'a Plan,
    run: RunId,
}

impl Names<'_> {
    fn streetlight(&self, id: LuminaireId) -> String {
        format!("urn:ngsi-ld:Streetlight:{}:{id}", self.run)
    }

    fn group(&self, cabinet: CabinetId, circuit: u8) -> String {
        format!("urn:ngsi-ld:StreetlightGroup:{}:{cabinet}-{circuit}", self.run)
    }

    fn cabinet(&self, id: CabinetId) -> String {
        format!("urn:ngsi-ld:StreetlightControlCabinet:{}:{id}", self.run)
    }
}

fn entities<'a>(names: &'a Names<'_>, live: Option<&'a Live>) -> impl Iterator<Item = Value> + 'a {
    let seen = move |id| live.and_then(|live| live.of_one(id));
    let lights = names.plan.luminaires().iter().map(move |site| streetlight(names, site, seen(site.id)));
    let fed = names.plan.cabinets().iter().flat_map(move |cabinet| {
        let circuits = circuits(names.plan, cabinet);
        let control = control_cabinet(names, cabinet, circuits.keys().copied());
        let groups = circuits.into_iter().map(move |(circuit, lamps)| group(names, cabinet, circuit, &lamps));
        std::iter::once(control).chain(groups)
    });
    lights.chain(fed)
}

fn streetlight(names: &Names<'_>, site: &LuminaireSite, seen: Option<&Seen>) -> Value {
    let street = &names.plan.streets()[site.street];
    let mut entity = json!({
        "id": names.streetlight(site.id),
        "type": "Streetlight",
        "name": names.plan.label(site.id),
        "location": point(site.position),
        "address": { "streetAddress": street.name_zh },
        "locationCategory": "road",
        "status": "ok",
        "controllingMethod": "individual",
        "powerRating": f64::from(site.rated_mw) / 1e3,
        "lanternHeight": site.height_m,
        "circuit": site.circuit.to_string(),
        "feederPillarNum": names.plan.cabinet_label(site.cabinet),
        "streetPoleNum": names.plan.label(site.id),
        "refStreetlightGroup": names.group(site.cabinet, site.circuit),
        "refStreetlightControlCabinet": names.cabinet(site.cabinet),
    });
    if let Some(report) = seen.and_then(|seen| seen.state.as_ref()) {
        add_state(&mut entity, report);
    }
    entity
}

/// What a luminaire said of its light.
fn add_state(entity: &mut Value, report: &Report<LightState>) {
    let LightState { in_effect, actual, .. } = report.body;
    let driven_but_dark = in_effect.percent() > 0 && actual.percent() == 0;
    entity["status"] = json!(if driven_but_dark { "defectiveLamp" } else { "ok" });
    entity["powerState"] = json!(match actual.percent() {
        0 => "off",
        100 => "on",
        _ => "low",
    });
    entity["illuminanceLevel"] = json!(f64::from(actual.percent()) / 100.0);
    let at = DateTime::from_timestamp_millis(report.stamp.ts.as_millis());
    entity["observationDateTime"] = json!(at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)));
}

fn control_cabinet(names: &Names<'_>, site: &CabinetSite, circuits: impl Iterator<Item = u8>) -> Value {
    json!({
        "id": names.cabinet(site.id),
        "type": "StreetlightControlCabinet",
        "name": names.plan.cabinet_label(site.id),
        "location": point(site.position),
        "workingMode": "automatic",
        "features": ["astronomicalClock", "individualControl"],
        "refStreetlightGroup": circuits.map(|circuit| names.group(site.id, circuit)).collect::<Vec<_>>(),
    })
}

fn group(names: &Names<'_>, cabinet: &CabinetSite, circuit: u8, lamps: &[LuminaireId]) -> Value {
    json!({
        "id": names.group(cabinet.id, circuit),
        "type": "StreetlightGroup",
        "location": point(cabinet.position),
        "circuitId": circuit.to_string(),
        "switchingMode": ["night-ON"],
        "refStreetlightControlCabinet": names.cabinet(cabinet.id),
        "refStreetlight": lamps.iter().map(|&lamp| names.streetlight(lamp)).collect::<Vec<_>>(),
    })
}

fn circuits(plan: &Plan, cabinet: &CabinetSite) -> BTreeMap<u8, Vec<LuminaireId>> {
    let mut circuits: BTreeMap<u8, Vec<LuminaireId>> = BTreeMap::new();
    for site in cabinet.luminaires().filter_map(|id| plan.luminaire(id)) {
        circuits.entry(site.circuit).or_default().push(site.id);
    }
    circuits
}

fn point(at: Position) -> Value {
    json!({ "type": "Point", "coordinates": [at.lon, at.lat] })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use city::CitySpec;
    use lighting::{DimLevel, Mode, Stamp};
    use types::{Seed, Timestamp};

    use super::*;

    /// What each model asks for, and the only words that are allowed where there is a list.
    const REQUIRED: [(&str, &[&str]); 3] = [
        ("Streetlight", &["id", "type", "location", "status"]),
        ("StreetlightGroup", &["id", "type"]),
        ("StreetlightControlCabinet", &["id", "type", "refStreetlightGroup", "workingMode"]),
    ];
    const WORDS: [(&str, &[&str]); 7] = [
        ("status", &["ok", "defectiveLamp", "columnIssue", "brokenLantern"]),
        ("powerState", &["on", "off", "low", "bootingUp"]),
        ("controllingMethod", &["group", "individual"]),
        (
            "locationCategory",
            &[
                "facade",
                "sidewalk",
                "pedestrianPath",
                "road",
                "playground",
                "park",
                "garden",
                "bridge",
                "tunnel",
                "parking",
                "centralIsland",
            ],
        ),
        ("workingMode", &["automatic", "manual", "semiautomatic"]),
        ("features", &["astronomicalClock", "individualControl"]),
        (
            "switchingMode",
            &["night-ON", "night-OFF", "night-LOW", "always-ON", "day-ON", "day-OFF", "day-LOW"],
        ),
    ];

    fn exported(live: Option<&Live>) -> Vec<Value> {
        let spec = CitySpec { seed: Seed(7), luminaires: 130, residents: 1, clinics: 0 };
        let plan = Plan::generate(&spec).unwrap();
        let mut text = Vec::new();
        write(&plan, "demo".parse().unwrap(), live, &mut text).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    fn state(in_effect: u8, actual: u8) -> Live {
        let level = |percent| DimLevel::from_percent(percent).unwrap();
        let body = LightState {
            target: level(in_effect),
            in_effect: level(in_effect),
            actual: level(actual),
            mode: Mode::Programme,
        };
        let stamp = Stamp { epoch: 1, seq: 1, ts: Timestamp::from_millis(1_776_510_000_000) };
        let seen = Seen { state: Some(Report { stamp, body }), online: Some(true) };
        Live([(LuminaireId(1), seen)].into())
    }

    fn of_type<'a>(entities: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
        entities.iter().filter(move |entity| entity["type"] == kind)
    }

    #[test]
    fn every_entity_has_what_its_model_requires_and_no_word_that_is_not_allowed() {
        let entities = exported(Some(&state(40, 40)));
        for (kind, required) in REQUIRED {
            assert!(of_type(&entities, kind).count() > 0, "{kind}");
            for entity in of_type(&entities, kind) {
                assert!(required.iter().all(|name| !entity[*name].is_null()), "{entity}");
            }
        }
        for entity in &entities {
            for (name, words) in WORDS {
                let value = &entity[name];
                let said: Vec<&Value> = value.as_array().map_or(vec![value], |all| all.iter().collect());
                let allowed = |word: &&Value| word.as_str().is_some_and(|word| words.contains(&word));
                assert!(value.is_null() || said.iter().all(allowed), "{name} of {entity}");
            }
            let level = &entity["illuminanceLevel"];
            assert!(level.is_null() || (0.0..=1.0).contains(&level.as_f64().unwrap()), "{entity}");
        }
    }

    #[test]
    fn references_lead_to_entities_and_back() {
        let entities = exported(None);
        let ids: BTreeSet<&str> = entities.iter().map(|entity| entity["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), entities.len(), "each id once");
        for entity in &entities {
            for name in ["refStreetlight", "refStreetlightGroup", "refStreetlightControlCabinet"] {
                let value = &entity[name];
                let all: Vec<&Value> = value.as_array().map_or(vec![value], |all| all.iter().collect());
                assert!(
                    value.is_null() || all.iter().all(|id| ids.contains(id.as_str().unwrap())),
                    "{entity}"
                );
            }
        }
        let grouped = of_type(&entities, "StreetlightGroup")
            .map(|group| group["refStreetlight"].as_array().unwrap().len())
            .sum::<usize>();
        assert_eq!(grouped, 130);
    }

    #[test]
    fn a_running_city_tells_levels_and_lamps_that_are_driven_but_dark() {
        let first = |live: &Live| exported(Some(live))[0].clone();
        let dimmed = first(&state(40, 40));
        assert_eq!((&dimmed["powerState"], &dimmed["illuminanceLevel"]), (&json!("low"), &json!(0.4)));
        assert_eq!(dimmed["observationDateTime"], "2026-04-18T11:00:00Z");
        assert_eq!(first(&state(100, 0))["status"], "defectiveLamp");
        assert_eq!(first(&state(0, 0))["status"], "ok");
        assert!(exported(None)[0]["powerState"].is_null());
    }
}
