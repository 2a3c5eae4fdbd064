//! Payloads of the device protocol ⇄ typed messages, for both sides: what one writes, the other reads.

use chrono::{DateTime, NaiveDateTime};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use types::{MINUTE_MS, Timestamp};

use crate::Channel;

mod down;
mod up;

pub use down::{decode_down, encode_down};
pub use up::{decode_up, encode_up};

/// How far apart time zones are \[ms\].
const ZONE_STEP_MS: i64 = 15 * MINUTE_MS;
/// The furthest time zone from UTC \[ms\].
const ZONE_MAX_MS: i64 = 14 * 60 * MINUTE_MS;
/// How the documentation writes a time.
const TIME: &str = "%Y%m%dT%H%M%SZ";

/// What a device says.
#[derive(Clone, Debug, PartialEq)]
pub enum Up {
    /// Its properties.
    Report(Vec<ServiceReport>),
    /// The properties of devices behind a gateway, by their ids.
    GatewayReport(Vec<(String, Vec<ServiceReport>)>),
    /// The answer to a command.
    CommandResponse {
        /// The request it answers.
        request: String,
        /// 0 = obeyed.
        result_code: i64,
    },
    /// The answer to properties that were set.
    SetResponse {
        /// The request it answers.
        request: String,
        /// 0 = taken.
        result_code: i64,
    },
    /// The answer to the question for properties.
    GetResponse {
        /// The request it answers.
        request: String,
        /// The properties.
        services: Vec<ServiceReport>,
    },
    /// A question for the shadow.
    ShadowGet {
        /// The request to answer.
        request: String,
        /// Of a device behind the gateway.
        object: Option<String>,
        /// Only this service; `None` = all.
        service: Option<String>,
    },
    /// A message in the device's own words.
    Message,
    /// Events.
    Events(Vec<DeviceEvent>),
    /// The platform's own word: whether the device is connected.
    Status(bool),
    /// The platform's own word: someone who said to be this device was not let in.
    Refused {
        /// How often since the platform began.
        count: u64,
        /// Why, the last time.
        reason: String,
    },
}

/// The properties of one service of a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceReport {
    /// Which service.
    #[serde(rename = "service_id")]
    pub service: String,
    /// Property by property.
    #[serde(default, deserialize_with = "some_or_none")]
    pub properties: Map<String, Value>,
    /// When they were read, as the device wrote it; see [`moment`].
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub event_time: Option<String>,
}

/// Something that happened to a device, a question, or an answer to one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeviceEvent {
    /// Such as `$time_sync`.
    #[serde(rename = "service_id", default, deserialize_with = "some_or_none")]
    pub service: String,
    /// Such as `time_sync_request`.
    #[serde(rename = "event_type")]
    pub kind: String,
    /// When, as its sender wrote it; see [`moment`].
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub event_time: Option<String>,
    /// To be repeated in the answer.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// More.
    #[serde(default, deserialize_with = "some_or_none")]
    pub paras: Map<String, Value>,
}

/// What the platform says to a device.
#[derive(Clone, Debug, PartialEq)]
pub enum Down {
    /// Do something.
    Command {
        /// To be repeated in the answer.
        request: String,
        /// Which device it is for: itself, or one behind it.
        object: String,
        /// Of which service.
        service: String,
        /// What to do.
        name: String,
        /// With what.
        paras: Value,
    },
    /// Take these properties.
    SetProperties {
        /// To be repeated in the answer.
        request: String,
        /// Which device it is for.
        object: String,
        /// By service.
        services: Vec<ServiceReport>,
    },
    /// Tell your properties.
    GetProperties {
        /// To be repeated in the answer.
        request: String,
        /// Which device is asked.
        object: String,
        /// Of which service.
        service: String,
    },
    /// Your shadow.
    Shadow {
        /// The request it answers.
        request: String,
        /// Whose.
        object: String,
        /// By service, as the protocol writes it.
        services: Vec<Value>,
    },
    /// A message in the platform's own words.
    Message,
    /// Answers to events, and questions.
    Events {
        /// Which device they are for.
        object: String,
        /// What.
        events: Vec<DeviceEvent>,
    },
}

/// An array, or nothing at all; `null` is nothing.
fn some_or_none<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(reader: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(reader)?.unwrap_or_default())
}

/// A text; `null` and an empty one are none.
fn text<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(reader)?.filter(|text| !text.is_empty()))
}

/// How messages of the protocol travel.
static CHANNEL: Channel = Channel {
    name: "iotda",
    address: "$oc/devices/{device_id}/sys/…",
    summary: "Between a platform and a device that speak the protocol of Huawei IoTDA.",
    sender: "iotda",
    at_least_once: true,
    retain: false,
    expiry_s: Some(20),
    content_type: "application/json",
    example: "{}",
    more_examples: &[],
};

/// A moment, as the documentation writes it. The bounds of chrono are 262 000 years away.
pub(super) fn write_moment(at: Timestamp) -> String {
    DateTime::from_timestamp_millis(at.as_millis()).unwrap_or_default().format(TIME).to_string()
}

/// The moment a device wrote, by its own clock; `None` if it is none.
///
/// `yyyyMMdd'T'HHmmss'Z'` is UTC. The Python library writes `yyyy-MM-ddTHH:mm:ssZ` and means its local time: of its
/// distance from `received` (the wall's clock) the quarter hours are the time zone.
pub fn moment(text: &str, received: Timestamp) -> Option<Timestamp> {
    let read = |format: &str| {
        let naive = NaiveDateTime::parse_from_str(text, format).ok()?;
        Some(Timestamp::from_millis(naive.and_utc().timestamp_millis()))
    };
    if let Some(utc) = read(TIME).or_else(|| read("%Y%m%dT%H%M%S%.fZ")) {
        return Some(utc);
    }
    let local = read("%Y-%m-%dT%H:%M:%S%.fZ")?;
    let off_ms = local.millis_since(received);
    let zone_ms = off_ms.saturating_add(ZONE_STEP_MS / 2).div_euclid(ZONE_STEP_MS) * ZONE_STEP_MS;
    Some(if zone_ms.abs() <= ZONE_MAX_MS { local.plus_millis(-zone_ms) } else { local })
}

#[cfg(test)]
mod tests;
