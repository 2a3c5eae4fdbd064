//! The envelope of events, requests and replies: CloudEvents 1.0, structured JSON.

use chrono::{DateTime, SecondsFormat};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use types::Timestamp;
use uuid::Uuid;

/// The content type of a structured CloudEvent.
pub(crate) const CONTENT_TYPE: &str = "application/cloudevents+json";

/// A CloudEvent with its data still as JSON. Unknown attributes are ignored, as the standard asks.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CloudEvent {
    pub(crate) specversion: SpecVersion,
    pub(crate) id: Uuid,
    pub(crate) source: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    #[serde(serialize_with = "write_time", deserialize_with = "read_time")]
    pub(crate) time: Timestamp,
    /// Where the answer goes, for callers without MQTT 5 properties.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) replyto: Option<String>,
    /// What the answer repeats, for callers without MQTT 5 properties.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) correlationid: Option<String>,
    pub(crate) data: Value,
}

/// The one version of CloudEvents that is read and written.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum SpecVersion {
    #[serde(rename = "1.0")]
    V1,
}

/// The `type` of a message: `city.kite.{service}.{aggregate}.{what}.v1`.
pub(crate) fn kind(parts: &[&str]) -> String {
    format!("city.kite.{}.v1", parts.join("."))
}

fn write_time<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    let time = DateTime::from_timestamp_millis(time.as_millis())
        .ok_or_else(|| serde::ser::Error::custom("time is outside the calendar"))?;
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

fn read_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    let time = DateTime::parse_from_rfc3339(&text).map_err(D::Error::custom)?;
    Ok(Timestamp::from_millis(time.timestamp_millis()))
}
