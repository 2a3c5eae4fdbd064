//! What the platform says ⇄ bytes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CHANNEL, DeviceEvent, Down, ServiceReport, text};
use crate::iotda::topic::{self, DownTopic};
use crate::{DecodeError, Frame, PAYLOAD_BYTES_MAX, codec};

/// What every payload to a device holds, and more: `object_device_id` is the device itself, or one behind it.
#[derive(Serialize, Deserialize)]
struct For<T> {
    #[serde(default, deserialize_with = "text")]
    object_device_id: Option<String>,
    #[serde(flatten)]
    more: T,
}

#[derive(Serialize, Deserialize)]
struct Command {
    service_id: String,
    command_name: String,
    #[serde(default)]
    paras: Value,
}

#[derive(Serialize, Deserialize)]
struct Services<T> {
    services: Vec<T>,
}

#[derive(Serialize, Deserialize)]
struct Asked {
    service_id: String,
}

#[derive(Serialize, Deserialize)]
struct Shadow {
    shadow: Vec<Value>,
}

/// Reads what the platform says to a device: the device's id, and what.
///
/// # Errors
///
/// [`DecodeError`] says what is wrong and where. Nothing in `payload` makes this panic.
pub fn decode_down<'a>(topic: &'a str, payload: &[u8]) -> Result<(&'a str, Down), DecodeError> {
    let (device, topic) = topic::parse_down(topic).ok_or(DecodeError::UnknownTopic)?;
    if payload.len() > PAYLOAD_BYTES_MAX {
        return Err(DecodeError::TooLong(payload.len()));
    }
    let object = |given: Option<String>| given.unwrap_or_else(|| device.to_owned());
    let down = match topic {
        DownTopic::Command(request) => {
            let For { object_device_id, more } = codec::read::<For<Command>>(payload)?;
            let Command { service_id: service, command_name: name, paras } = more;
            Down::Command { request, object: object(object_device_id), service, name, paras }
        }
        DownTopic::Set(request) => {
            let For { object_device_id, more } = codec::read::<For<Services<ServiceReport>>>(payload)?;
            Down::SetProperties { request, object: object(object_device_id), services: more.services }
        }
        DownTopic::Get(request) => {
            let For { object_device_id, more } = codec::read::<For<Asked>>(payload)?;
            Down::GetProperties { request, object: object(object_device_id), service: more.service_id }
        }
        DownTopic::Shadow(request) => {
            let For { object_device_id, more } = codec::read::<For<Shadow>>(payload)?;
            Down::Shadow { request, object: object(object_device_id), services: more.shadow }
        }
        DownTopic::Message => Down::Message,
        DownTopic::Events => {
            let For { object_device_id, more } = codec::read::<For<Services<DeviceEvent>>>(payload)?;
            Down::Events { object: object(object_device_id), events: more.services }
        }
    };
    Ok((device, down))
}

/// Puts a message to `device` on its topic.
pub fn encode_down(device: &str, down: &Down) -> Frame {
    let (topic, payload) = match down {
        Down::Command { request, object, service, name, paras } => {
            let (service_id, command_name) = (service.clone(), name.clone());
            let command = Command { service_id, command_name, paras: paras.clone() };
            (DownTopic::Command(request.clone()), written(object, command))
        }
        Down::SetProperties { request, object, services } => {
            (DownTopic::Set(request.clone()), written(object, Services { services: services.clone() }))
        }
        Down::GetProperties { request, object, service } => {
            (DownTopic::Get(request.clone()), written(object, Asked { service_id: service.clone() }))
        }
        Down::Shadow { request, object, services } => {
            (DownTopic::Shadow(request.clone()), written(object, Shadow { shadow: services.clone() }))
        }
        Down::Message => (DownTopic::Message, written(device, serde_json::json!({ "content": "" }))),
        Down::Events { object, events } => {
            (DownTopic::Events, written(object, Services { services: events.clone() }))
        }
    };
    let (response_topic, correlation) = (None, None);
    Frame { topic: topic::of(device, &topic.path()), payload, channel: &CHANNEL, response_topic, correlation }
}

fn written<T: Serialize>(object: &str, more: T) -> Vec<u8> {
    codec::json(&For { object_device_id: Some(object.to_owned()), more })
}
