//! Payloads of the device protocol ⇄ typed messages.

use chrono::{DateTime, NaiveDateTime};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};
use types::{MINUTE_MS, Timestamp};

use super::topic::{self, UpTopic};
use crate::codec;
use crate::{Channel, DecodeError, Frame, PAYLOAD_BYTES_MAX};

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
}

/// The properties of one service of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceReport {
    /// Which service.
    pub service: String,
    /// Property by property.
    pub properties: Map<String, Value>,
    /// When they were read, as the device wrote it; see [`moment`].
    pub event_time: Option<String>,
}

/// Something that happened to a device, or a question to the platform.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceEvent {
    /// Such as `$time_sync`.
    pub service: String,
    /// Such as `time_sync_request`.
    pub kind: String,
    /// To be repeated in the answer.
    pub event_id: Option<String>,
    /// More.
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
        service: &'static str,
        /// What to do.
        name: &'static str,
        /// With what.
        paras: Value,
    },
    /// Take these properties.
    SetProperties {
        /// To be repeated in the answer.
        request: String,
        /// Which device it is for.
        object: String,
        /// Of which service.
        service: String,
        /// Property by property.
        properties: Map<String, Value>,
    },
    /// Tell your properties.
    GetProperties {
        /// To be repeated in the answer.
        request: String,
        /// Which device is asked.
        object: String,
        /// Of which service.
        service: &'static str,
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
    /// An answer to an event, or a question.
    Event {
        /// Which device it is for.
        object: String,
        /// When \[wall\].
        time: Timestamp,
        /// What.
        event: DeviceEvent,
    },
}

/// An array, or nothing at all; `null` is nothing.
fn some_or_none<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(reader: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(reader)?.unwrap_or_default())
}

#[derive(Deserialize)]
struct RawService {
    service_id: String,
    #[serde(default, deserialize_with = "some_or_none")]
    properties: Map<String, Value>,
    #[serde(default)]
    event_time: Option<String>,
}

#[derive(Deserialize)]
struct RawServices {
    services: Vec<RawService>,
}

#[derive(Deserialize)]
struct RawChild {
    device_id: String,
    services: Vec<RawService>,
}

#[derive(Deserialize)]
struct RawChildren {
    devices: Vec<RawChild>,
}

#[derive(Deserialize)]
struct RawResponse {
    #[serde(default)]
    result_code: i64,
}

#[derive(Default, Deserialize)]
struct RawShadowGet {
    #[serde(default)]
    object_device_id: Option<String>,
    #[serde(default)]
    service_id: Option<String>,
}

#[derive(Deserialize)]
struct RawEvent {
    #[serde(default, deserialize_with = "some_or_none")]
    service_id: String,
    event_type: String,
    #[serde(default)]
    event_id: Option<String>,
    #[serde(default, deserialize_with = "some_or_none")]
    paras: Map<String, Value>,
}

#[derive(Deserialize)]
struct RawEvents {
    services: Vec<RawEvent>,
}

#[derive(Deserialize)]
struct RawStatus {
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    Online,
    Offline,
}

impl From<RawService> for ServiceReport {
    fn from(raw: RawService) -> Self {
        let event_time = raw.event_time.filter(|time| !time.is_empty());
        Self { service: raw.service_id, properties: raw.properties, event_time }
    }
}

impl From<RawEvent> for DeviceEvent {
    fn from(raw: RawEvent) -> Self {
        let event_id = raw.event_id.filter(|id| !id.is_empty());
        Self { service: raw.service_id, kind: raw.event_type, event_id, paras: raw.paras }
    }
}

fn reports(raw: Vec<RawService>) -> Vec<ServiceReport> {
    raw.into_iter().map(ServiceReport::from).collect()
}

/// Reads what a device says: its id, and what.
///
/// # Errors
///
/// [`DecodeError`] says what is wrong and where. Nothing in `payload` makes this panic.
pub fn decode<'a>(topic: &'a str, payload: &[u8]) -> Result<(&'a str, Up), DecodeError> {
    let (device, topic) = topic::parse_up(topic).ok_or(DecodeError::UnknownTopic)?;
    if payload.len() > PAYLOAD_BYTES_MAX {
        return Err(DecodeError::TooLong(payload.len()));
    }
    let up = match topic {
        UpTopic::Report => Up::Report(reports(codec::read::<RawServices>(payload)?.services)),
        UpTopic::GatewayReport => {
            let raw: RawChildren = codec::read(payload)?;
            let child = |raw: RawChild| (raw.device_id, reports(raw.services));
            Up::GatewayReport(raw.devices.into_iter().map(child).collect())
        }
        UpTopic::CommandResponse(request) => {
            Up::CommandResponse { request, result_code: codec::read::<RawResponse>(payload)?.result_code }
        }
        UpTopic::SetResponse(request) => {
            Up::SetResponse { request, result_code: codec::read::<RawResponse>(payload)?.result_code }
        }
        UpTopic::GetResponse(request) => {
            let services = reports(codec::read::<RawServices>(payload)?.services);
            Up::GetResponse { request, services }
        }
        UpTopic::ShadowGet(request) => shadow_get(request, payload)?,
        UpTopic::Message => Up::Message,
        UpTopic::Events => {
            let raw: RawEvents = codec::read(payload)?;
            Up::Events(raw.services.into_iter().map(DeviceEvent::from).collect())
        }
        UpTopic::Status => Up::Status(matches!(codec::read::<RawStatus>(payload)?.status, Status::Online)),
    };
    Ok((device, up))
}

/// An empty question asks for everything.
fn shadow_get(request: String, payload: &[u8]) -> Result<Up, DecodeError> {
    let raw: RawShadowGet = if payload.is_empty() { RawShadowGet::default() } else { codec::read(payload)? };
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    Ok(Up::ShadowGet { request, object: given(raw.object_device_id), service: given(raw.service_id) })
}

/// How messages to devices travel.
static DOWNWARDS: Channel = Channel {
    name: "iotdaDown",
    address: "$oc/devices/{device_id}/sys/…",
    summary: "To a device that speaks the protocol of Huawei IoTDA.",
    sender: "iotda",
    at_least_once: true,
    retain: false,
    expiry_s: Some(20),
    content_type: "application/json",
    example: "{}",
};

/// Puts a message to `device` on its topic.
pub fn encode(device: &str, down: &Down) -> Frame {
    let (rest, payload) = match down {
        Down::Command { request, object, service, name, paras } => (
            format!("sys/commands/request_id={request}"),
            json!({ "object_device_id": object, "service_id": service, "command_name": name, "paras": paras }),
        ),
        Down::SetProperties { request, object, service, properties } => (
            format!("sys/properties/set/request_id={request}"),
            json!({
                "object_device_id": object,
                "services": [{ "service_id": service, "properties": properties }],
            }),
        ),
        Down::GetProperties { request, object, service } => (
            format!("sys/properties/get/request_id={request}"),
            json!({ "object_device_id": object, "service_id": service }),
        ),
        Down::Shadow { request, object, services } => (
            format!("sys/shadow/get/response/request_id={request}"),
            json!({ "object_device_id": object, "shadow": services }),
        ),
        Down::Event { object, time, event } => ("sys/events/down".to_owned(), {
            let mut service = json!({
                "service_id": event.service, "event_type": event.kind,
                "event_time": write_moment(*time), "paras": event.paras,
            });
            if let Some(id) = &event.event_id {
                service["event_id"] = json!(id);
            }
            json!({ "object_device_id": object, "services": [service] })
        }),
    };
    let (response_topic, correlation) = (None, None);
    let payload = codec::json(&payload);
    Frame { topic: topic::of(device, &rest), payload, channel: &DOWNWARDS, response_topic, correlation }
}

/// The platform's own word on whether `device` is connected: topic and payload. To be retained.
pub fn encode_status(device: &str, online: bool) -> (String, Vec<u8>) {
    let status = if online { "ONLINE" } else { "OFFLINE" };
    (topic::of(device, "sys/status"), codec::json(&json!({ "status": status })))
}

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
