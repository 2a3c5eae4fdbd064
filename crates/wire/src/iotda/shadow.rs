//! What the platform wants of a device, and what the device told last.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use types::Timestamp;

use super::payload::{ServiceReport, write_moment};

/// Services of one device that are remembered.
const SERVICES_MAX: usize = 16;
/// Properties of one service that are remembered.
const PROPERTIES_MAX: usize = 64;

/// The shadow of one device.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Shadow(BTreeMap<String, Service>);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Service {
    desired: Half,
    reported: Half,
    version: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Half {
    properties: Map<String, Value>,
    at: Option<Timestamp>,
}

impl Half {
    fn show(&self) -> Value {
        json!({ "properties": self.properties, "event_time": self.at.map(write_moment) })
    }
}

impl Shadow {
    /// Takes what a device told.
    ///
    /// # Errors
    ///
    /// A name that no shadow can hold, or too much to remember. Then nothing is taken.
    pub(super) fn report(&mut self, now: Timestamp, report: &ServiceReport) -> Result<(), String> {
        if let Some(name) = report.properties.keys().find(|name| name.contains(['.', '$'])) {
            let name: String = name.chars().take(32).collect();
            return Err(format!("property `{name}` has a `.` or `$` in its name"));
        }
        let full = self.0.len() >= SERVICES_MAX && !self.0.contains_key(&report.service);
        let reported = self.0.get(&report.service).map(|service| &service.reported.properties);
        let new = |name: &&String| reported.is_none_or(|known| !known.contains_key(*name));
        let count = reported.map_or(0, Map::len) + report.properties.keys().filter(new).count();
        if full || count > PROPERTIES_MAX {
            return Err(format!(
                "over {SERVICES_MAX} services or {PROPERTIES_MAX} properties of one service to remember"
            ));
        }
        let service = self.0.entry(report.service.clone()).or_default();
        service.reported.properties.extend(report.properties.clone());
        service.reported.at = Some(now);
        service.version += 1;
        Ok(())
    }

    /// Wants a property; tells whether that is news.
    pub(super) fn desire(&mut self, now: Timestamp, service: &str, name: &str, value: Value) -> bool {
        let service = self.0.entry(service.to_owned()).or_default();
        if service.desired.properties.get(name) == Some(&value) {
            return false;
        }
        service.desired.properties.insert(name.to_owned(), value);
        service.desired.at = Some(now);
        service.version += 1;
        true
    }

    /// Whether a property is wanted.
    pub(super) fn desires(&self, service: &str, name: &str) -> bool {
        self.0.get(service).is_some_and(|service| service.desired.properties.contains_key(name))
    }

    /// What is wanted of a service and was not told to be so.
    pub(super) fn missing(&self, service: &str) -> Map<String, Value> {
        let Some(service) = self.0.get(service) else { return Map::new() };
        let told = &service.reported.properties;
        let desired = service.desired.properties.iter();
        desired
            .filter(|(name, value)| told.get(*name) != Some(value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// As the protocol writes it; only one service, if asked so.
    pub(super) fn show(&self, only: Option<&str>) -> Vec<Value> {
        let asked = self.0.iter().filter(|(id, _)| only.is_none_or(|only| only == id.as_str()));
        asked
            .map(|(id, service)| {
                json!({
                    "service_id": id, "desired": service.desired.show(), "reported": service.reported.show(),
                    "version": service.version,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_744_592_400_000);

    fn report(service: &str, properties: Value) -> ServiceReport {
        let Value::Object(properties) = properties else { panic!("{properties}") };
        ServiceReport { service: service.to_owned(), properties, event_time: None }
    }

    #[test]
    fn names_and_numbers_no_shadow_can_hold_are_refused() {
        let mut shadow = Shadow::default();
        assert!(shadow.report(NOW, &report("Light", json!({ "a.b": 1, "level": 1 }))).is_err());
        assert!(shadow.report(NOW, &report("Light", json!({ "$a": 1 }))).is_err());
        let many: Map<String, Value> = (0..65).map(|number| (format!("p{number}"), json!(0))).collect();
        assert!(shadow.report(NOW, &report("Light", Value::Object(many))).is_err());
        assert_eq!(shadow.show(None), [Value::Null; 0]);
        for number in 0..16 {
            shadow.report(NOW, &report(&format!("s{number}"), json!({ "a": 1 }))).unwrap();
        }
        assert!(shadow.report(NOW, &report("s16", json!({ "a": 1 }))).is_err());
    }

    #[test]
    fn what_is_wanted_is_missing_until_it_is_told() {
        let mut shadow = Shadow::default();
        assert!(shadow.desire(NOW, "Light", "programme", json!(1)));
        assert!(!shadow.desire(NOW, "Light", "programme", json!(1)));
        shadow.report(NOW, &report("Light", json!({ "level": 4 }))).unwrap();
        assert_eq!(Value::Object(shadow.missing("Light")), json!({ "programme": 1 }));
        let expected = json!([{
            "service_id": "Light",
            "desired": { "properties": { "programme": 1 }, "event_time": "20250414T010000Z" },
            "reported": { "properties": { "level": 4 }, "event_time": "20250414T010000Z" },
            "version": 2,
        }]);
        assert_eq!(Value::Array(shadow.show(Some("Light"))), expected);
        assert_eq!(shadow.show(Some("Other")), [Value::Null; 0]);
        shadow.report(NOW, &report("Light", json!({ "programme": 1 }))).unwrap();
        assert!(shadow.missing("Light").is_empty());
    }
}
