//! What a device says ⇄ bytes.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{CHANNEL, DeviceEvent, ServiceReport, Up, text};
use crate::iotda::topic::{self, UpTopic};
use crate::{DecodeError, Frame, PAYLOAD_BYTES_MAX, codec};

#[derive(Serialize, Deserialize)]
struct Services<T> {
    services: Vec<T>,
}

#[derive(Serialize, Deserialize)]
struct Child {
    device_id: String,
    services: Vec<ServiceReport>,
}

#[derive(Serialize, Deserialize)]
struct Children {
    devices: Vec<Child>,
}

#[derive(Serialize, Deserialize)]
struct Response {
    #[serde(default)]
    result_code: i64,
}

#[derive(Default, Serialize, Deserialize)]
struct ShadowGet {
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    object_device_id: Option<String>,
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    service_id: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Refused {
    count: u64,
    reason: String,
}

#[derive(Serialize, Deserialize)]
struct Presence {
    status: Status,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    Online,
    Offline,
}

/// Reads what a device says: its id, and what.
///
/// # Errors
///
/// [`DecodeError`] says what is wrong and where. Nothing in `payload` makes this panic.
pub fn decode_up<'a>(topic: &'a str, payload: &[u8]) -> Result<(&'a str, Up), DecodeError> {
    let (device, topic) = topic::parse_up(topic).ok_or(DecodeError::UnknownTopic)?;
    if payload.len() > PAYLOAD_BYTES_MAX {
        return Err(DecodeError::TooLong(payload.len()));
    }
    let up = match topic {
        UpTopic::Report => Up::Report(codec::read::<Services<_>>(payload)?.services),
        UpTopic::GatewayReport => {
            let children: Children = codec::read(payload)?;
            Up::GatewayReport(
                children.devices.into_iter().map(|child| (child.device_id, child.services)).collect(),
            )
        }
        UpTopic::CommandResponse(request) => {
            Up::CommandResponse { request, result_code: codec::read::<Response>(payload)?.result_code }
        }
        UpTopic::SetResponse(request) => {
            Up::SetResponse { request, result_code: codec::read::<Response>(payload)?.result_code }
        }
        UpTopic::GetResponse(request) => {
            Up::GetResponse { request, services: codec::read::<Services<_>>(payload)?.services }
        }
        UpTopic::ShadowGet(request) => {
            // An empty question asks for everything.
            let asked: ShadowGet =
                if payload.is_empty() { ShadowGet::default() } else { codec::read(payload)? };
            Up::ShadowGet { request, object: asked.object_device_id, service: asked.service_id }
        }
        UpTopic::Message => Up::Message,
        UpTopic::Events => Up::Events(codec::read::<Services<DeviceEvent>>(payload)?.services),
        UpTopic::Refused => {
            let Refused { count, reason } = codec::read(payload)?;
            Up::Refused { count, reason }
        }
        UpTopic::Status => Up::Status(matches!(codec::read::<Presence>(payload)?.status, Status::Online)),
    };
    Ok((device, up))
}

/// Puts what `device` says on its topic.
pub fn encode_up(device: &str, up: &Up) -> Frame {
    let services = |services: &[ServiceReport]| codec::json(&json!({ "services": services }));
    let response = |result_code: i64| codec::json(&Response { result_code });
    let (topic, payload) = match up {
        Up::Report(reports) => (UpTopic::Report, services(reports)),
        Up::GatewayReport(children) => {
            let devices = children.iter().cloned();
            let devices = devices.map(|(device_id, services)| Child { device_id, services }).collect();
            (UpTopic::GatewayReport, codec::json(&Children { devices }))
        }
        Up::CommandResponse { request, result_code } => {
            (UpTopic::CommandResponse(request.clone()), response(*result_code))
        }
        Up::SetResponse { request, result_code } => {
            (UpTopic::SetResponse(request.clone()), response(*result_code))
        }
        Up::GetResponse { request, services: reports } => {
            (UpTopic::GetResponse(request.clone()), services(reports))
        }
        Up::ShadowGet { request, object, service } => {
            let asked = ShadowGet { object_device_id: object.clone(), service_id: service.clone() };
            (UpTopic::ShadowGet(request.clone()), codec::json(&asked))
        }
        Up::Message => (UpTopic::Message, codec::json(&json!({ "content": "" }))),
        Up::Events(events) => (UpTopic::Events, codec::json(&json!({ "services": events }))),
        Up::Refused { count, reason } => {
            (UpTopic::Refused, codec::json(&Refused { count: *count, reason: reason.clone() }))
        }
        Up::Status(online) => {
            let status = if *online { Status::Online } else { Status::Offline };
            (UpTopic::Status, codec::json(&Presence { status }))
        }
    };
    let (response_topic, correlation) = (None, None);
    Frame { topic: topic::of(device, &topic.path()), payload, channel: &CHANNEL, response_topic, correlation }
}
