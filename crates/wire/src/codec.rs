//! Topics and payloads ⇄ messages. The only place that turns one into the other.

use eid::ConsentRequest;
use lighting::FirmwareAction;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use types::{CabinetId, DistrictId, ReplyTo, ResidentId, RunId, Slug};
use uuid::Uuid;

use crate::channels::{self, Channel};
use crate::cloud_event::{self, CloudEvent, SpecVersion};
use crate::device::{Dim, Down, Plain, Standing, Status, Switch, Up, Version};
use crate::{
    Event, EventBody, Light, Message, Reply, ReplyBody, Request, RequestBody, Segment, Topic, prefix,
    shard_of,
};

/// The longest payload that is read \[bytes\].
pub const PAYLOAD_BYTES_MAX: usize = 64 * 1024;

/// A message as it leaves for the bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The whole topic.
    pub topic: String,
    /// The payload, JSON.
    pub payload: Vec<u8>,
    /// How it travels.
    pub channel: &'static Channel,
    /// Where the answer goes.
    pub response_topic: Option<String>,
    /// What the answer repeats.
    pub correlation: Option<Vec<u8>>,
}

/// A message as it comes from the bus.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// The whole topic.
    pub topic: &'a str,
    /// The payload.
    pub payload: &'a [u8],
    /// Where the answer goes, if the sender used MQTT 5.
    pub response_topic: Option<&'a str>,
    /// What the answer repeats, if the sender used MQTT 5.
    pub correlation: Option<&'a [u8]>,
}

/// Why a message from the bus could not be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// No row of the table has this topic.
    #[error("topic belongs to no known channel")]
    UnknownTopic,
    /// The payload is over [`PAYLOAD_BYTES_MAX`].
    #[error("payload of {0} bytes is over the limit of {PAYLOAD_BYTES_MAX}")]
    TooLong(usize),
    /// The payload is not the JSON this topic carries.
    #[error("{reason}")]
    Payload {
        /// Which byte is wrong, from 0.
        offset: usize,
        /// What was expected there.
        reason: String,
    },
    /// A request without a place for the answer.
    #[error("request has no response topic below `rsp/`")]
    NoReplyTopic,
}

impl DecodeError {
    /// Which byte of the payload is wrong; 0 if it is not about a byte.
    pub fn offset(&self) -> usize {
        if let Self::Payload { offset, .. } = self { *offset } else { 0 }
    }
}

/// Puts a message on its topic.
pub fn encode(run: RunId, message: &Message) -> Frame {
    let (topic, payload) = match message {
        Message::Light { district, luminaire, body } => match body {
            Light::State(report) => (Topic::LightState(*district, *luminaire), json(&Up::from(report))),
            Light::Telemetry(report) => {
                (Topic::LightTelemetry(*district, *luminaire), json(&Up::from(report)))
            }
            Light::Ack(report) => (Topic::LightAck(*district, *luminaire), json(&Up::from(report))),
            Light::Online(online) => {
                (Topic::LightStatus(*district, *luminaire), plain(&Status { online: *online }))
            }
            Light::Command(command) => {
                (Topic::LightCommand(*district, *luminaire), json(&Down::<Dim>::from(command)))
            }
            Light::Programme(programme) => (Topic::LightProgramme(*district, *luminaire), plain(programme)),
            Light::Firmware(report) => (Topic::LightFirmware(*district, *luminaire), json(&Up::from(report))),
            Light::FirmwareOrder(order) => {
                (Topic::LightFirmwareOrder(*district, *luminaire), json(&Down::<FirmwareAction>::from(order)))
            }
            Light::Alarms(standing) => {
                (Topic::LightAlarms(*district, *luminaire), plain(&Standing { standing: *standing }))
            }
        },
        Message::Cabinet { district, cabinet, body } => encode_segment(*district, *cabinet, body),
        Message::Event(event) => encode_event(event),
        Message::Request(request) => encode_request(request),
        Message::Reply(reply) => encode_reply(reply),
        Message::EidKeys(keys) => (Topic::EidKeys, plain(keys)),
        Message::EidConsent(asked) => (Topic::EidConsent(asked.resident), plain(asked)),
        Message::EidKiosk { reader, state } => (Topic::EidKiosk(*reader), plain(state)),
        Message::Clock(state) => (Topic::Clock, plain(state)),
        Message::Presence(walkers) => (Topic::Presence, plain(walkers)),
        Message::Fault { district, luminaire, order } => (Topic::Fault(*district, *luminaire), plain(order)),
        Message::CabinetEvent { district, cabinet, event } => {
            (Topic::CabinetEvent(*district, *cabinet), plain(event))
        }
        Message::DeadLetter { consumer, letter } => (Topic::DeadLetter(*consumer), plain(letter)),
    };
    let (response_topic, correlation) = match message {
        Message::Request(request) => {
            let path = format!("{}{}", prefix(run), Topic::Reply(request.reply_to.path.to_string()));
            (Some(path), Some(request.reply_to.correlation.to_vec()))
        }
        Message::Reply(reply) => (None, Some(reply.to.correlation.to_vec())),
        _ => (None, None),
    };
    let channel = channels::of(&topic);
    Frame { topic: format!("{}{topic}", prefix(run)), payload, channel, response_topic, correlation }
}

/// Reads a message.
///
/// # Errors
///
/// [`DecodeError`] says what is wrong and where. Nothing in `delivery` makes this panic.
pub fn decode(run: RunId, delivery: Delivery<'_>) -> Result<Message, DecodeError> {
    let topic =
        delivery.topic.strip_prefix(&prefix(run)).and_then(Topic::parse).ok_or(DecodeError::UnknownTopic)?;
    if delivery.payload.len() > PAYLOAD_BYTES_MAX {
        return Err(DecodeError::TooLong(delivery.payload.len()));
    }
    let payload = delivery.payload;
    let light = |district, luminaire, body| Message::Light { district, luminaire, body };
    let segment = |district, cabinet, body| Message::Cabinet { district, cabinet, body };
    Ok(match topic {
        Topic::LightState(d, l) => light(d, l, Light::State(read::<Up<_>>(payload)?.into())),
        Topic::LightTelemetry(d, l) => light(d, l, Light::Telemetry(read::<Up<_>>(payload)?.into())),
        Topic::LightAck(d, l) => light(d, l, Light::Ack(read::<Up<_>>(payload)?.into())),
        Topic::LightStatus(d, l) => light(d, l, Light::Online(read_plain::<Status>(payload)?.online)),
        Topic::LightCommand(d, l) => light(d, l, Light::Command(read::<Down<Dim>>(payload)?.into())),
        Topic::LightProgramme(d, l) => light(d, l, Light::Programme(read_plain(payload)?)),
        Topic::LightFirmware(d, l) => light(d, l, Light::Firmware(read::<Up<_>>(payload)?.into())),
        Topic::LightFirmwareOrder(d, l) => {
            light(d, l, Light::FirmwareOrder(read::<Down<FirmwareAction>>(payload)?.into()))
        }
        Topic::LightAlarms(d, l) => light(d, l, Light::Alarms(read_plain::<Standing>(payload)?.standing)),
        Topic::CabinetState(d, c) => segment(d, c, Segment::State(read::<Up<_>>(payload)?.into())),
        Topic::CabinetTelemetry(d, c) => segment(d, c, Segment::Telemetry(read::<Up<_>>(payload)?.into())),
        Topic::CabinetAck(d, c) => segment(d, c, Segment::Ack(read::<Up<_>>(payload)?.into())),
        Topic::CabinetStatus(d, c) => segment(d, c, Segment::Online(read_plain::<Status>(payload)?.online)),
        Topic::CabinetCommand(d, c) => segment(d, c, Segment::Command(read::<Down<Switch>>(payload)?.into())),
        Topic::Event { service, aggregate, event, .. } => decode_event(payload, [service, aggregate, event])?,
        Topic::Request { service, method, .. } => decode_request(run, delivery, service, method)?,
        Topic::Reply(path) => decode_reply(delivery, path)?,
        Topic::EidKeys => Message::EidKeys(read_plain(payload)?),
        Topic::EidConsent(resident) => Message::EidConsent(consent_for(resident, payload)?),
        Topic::EidKiosk(reader) => Message::EidKiosk { reader, state: read_plain(payload)? },
        Topic::Clock => Message::Clock(read_plain(payload)?),
        Topic::Presence => Message::Presence(read_plain(payload)?),
        Topic::Fault(district, luminaire) => {
            Message::Fault { district, luminaire, order: read_plain(payload)? }
        }
        Topic::CabinetEvent(district, cabinet) => {
            Message::CabinetEvent { district, cabinet, event: read_plain(payload)? }
        }
        Topic::DeadLetter(consumer) => Message::DeadLetter { consumer, letter: read_plain(payload)? },
    })
}

/// A request on another resident's topic would be put to the wrong phone.
fn consent_for(resident: ResidentId, payload: &[u8]) -> Result<ConsentRequest, DecodeError> {
    let asked: ConsentRequest = read_plain(payload)?;
    if asked.resident == resident {
        return Ok(asked);
    }
    Err(DecodeError::Payload { offset: 0, reason: "the payload is for another resident".to_owned() })
}

fn encode_segment(district: DistrictId, cabinet: CabinetId, body: &Segment) -> (Topic, Vec<u8>) {
    match body {
        Segment::State(report) => (Topic::CabinetState(district, cabinet), json(&Up::from(report))),
        Segment::Telemetry(report) => (Topic::CabinetTelemetry(district, cabinet), json(&Up::from(report))),
        Segment::Ack(report) => (Topic::CabinetAck(district, cabinet), json(&Up::from(report))),
        Segment::Online(online) => {
            (Topic::CabinetStatus(district, cabinet), plain(&Status { online: *online }))
        }
        Segment::Command(command) => {
            (Topic::CabinetCommand(district, cabinet), json(&Down::<Switch>::from(command)))
        }
    }
}

fn encode_event(event: &Event) -> (Topic, Vec<u8>) {
    let (service, aggregate, subject) = event.body.about();
    let (name, data) = event.body.tagged();
    let envelope = CloudEvent {
        specversion: SpecVersion::V1,
        id: event.id,
        source: format!("/kitecity/{service}"),
        kind: cloud_event::kind(&[service, aggregate, &name]),
        time: event.time,
        replyto: None,
        correlationid: None,
        data,
        subject: Some(subject.clone()),
    };
    let topic = Topic::Event {
        service: slug(service),
        aggregate: slug(aggregate),
        shard: shard_of(&subject),
        event: slug(&name),
    };
    (topic, json(&envelope))
}

fn decode_event(payload: &[u8], [service, aggregate, event]: [Slug; 3]) -> Result<Message, DecodeError> {
    let envelope: CloudEvent = read(payload)?;
    let body = EventBody::from_tagged((service.as_str(), aggregate.as_str(), event.as_str()), envelope.data)
        .ok_or(DecodeError::UnknownTopic)?
        .map_err(in_data)?;
    Ok(Message::Event(Event { id: envelope.id, time: envelope.time, body }))
}

fn encode_request(request: &Request) -> (Topic, Vec<u8>) {
    let service = request.body.service().as_str();
    let (method, subject, data) = request.body.parts();
    let envelope = CloudEvent {
        specversion: SpecVersion::V1,
        id: request.id,
        source: format!("/kitecity/{}", request.reply_to.path),
        kind: cloud_event::kind(&[service, method]),
        subject: None,
        time: request.time,
        replyto: None,
        correlationid: None,
        data,
    };
    (
        Topic::Request { service: slug(service), shard: shard_of(&subject), method: slug(method) },
        json(&envelope),
    )
}

fn decode_request(
    run: RunId,
    delivery: Delivery<'_>,
    service: Slug,
    method: Slug,
) -> Result<Message, DecodeError> {
    let envelope: CloudEvent = read(delivery.payload)?;
    let reply_prefix = format!("{}rsp/", prefix(run));
    let topic = delivery.response_topic.or(envelope.replyto.as_deref()).ok_or(DecodeError::NoReplyTopic)?;
    // Answers go below `rsp/` only: a caller must not make a service publish where the caller may not.
    let path =
        topic.strip_prefix(&reply_prefix).filter(|path| !path.contains(['+', '#']) && !path.is_empty());
    let correlation =
        delivery.correlation.or(envelope.correlationid.as_deref().map(str::as_bytes)).unwrap_or_default();
    let reply_to = ReplyTo {
        path: path.ok_or(DecodeError::NoReplyTopic)?.into(),
        correlation: correlation[..correlation.len().min(64)].into(),
    };
    let body = RequestBody::from_parts(service.as_str(), method.as_str(), envelope.data)
        .ok_or(DecodeError::UnknownTopic)?
        .map_err(in_data)?;
    Ok(Message::Request(Request { id: envelope.id, time: envelope.time, reply_to, body }))
}

fn encode_reply(reply: &Reply) -> (Topic, Vec<u8>) {
    let (service, method, data) = reply.body.parts();
    let envelope = CloudEvent {
        specversion: SpecVersion::V1,
        id: Uuid::new_v8(fingerprint(&reply.to)),
        source: format!("/kitecity/{service}"),
        kind: cloud_event::kind(&[service, method, "reply"]),
        subject: None,
        time: reply.time,
        replyto: None,
        correlationid: std::str::from_utf8(&reply.to.correlation).ok().map(str::to_owned),
        data,
    };
    (Topic::Reply(reply.to.path.to_string()), json(&envelope))
}

fn decode_reply(delivery: Delivery<'_>, path: String) -> Result<Message, DecodeError> {
    let envelope: CloudEvent = read(delivery.payload)?;
    let correlation =
        delivery.correlation.or(envelope.correlationid.as_deref().map(str::as_bytes)).unwrap_or_default();
    let to = ReplyTo { path: path.into(), correlation: correlation.into() };
    let body = ReplyBody::from_kind(&envelope.kind, envelope.data)
        .ok_or_else(|| DecodeError::Payload {
            offset: 0,
            reason: format!("unknown type `{}`", envelope.kind),
        })?
        .map_err(in_data)?;
    Ok(Message::Reply(Reply { to, time: envelope.time, body }))
}

/// An id for a reply: the same for the same question, so that a reply sent twice is known as one.
fn fingerprint(to: &ReplyTo) -> [u8; 16] {
    let bytes = to.path.bytes().chain(to.correlation.iter().copied());
    let hash = bytes.fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, |hash: u128, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    });
    hash.to_be_bytes()
}

pub(crate) fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("every payload type has string keys and no failing serializer")
}

fn plain(value: &impl Serialize) -> Vec<u8> {
    json(&Plain { v: Version, d: value })
}

fn slug(text: &str) -> Slug {
    text.parse().expect("names in this crate are slugs")
}

pub(crate) fn read<T: DeserializeOwned>(payload: &[u8]) -> Result<T, DecodeError> {
    serde_json::from_slice(payload).map_err(|error| DecodeError::Payload {
        offset: offset_of(payload, &error),
        reason: without_values(&error.to_string()),
    })
}

fn read_plain<T: DeserializeOwned>(payload: &[u8]) -> Result<T, DecodeError> {
    read::<Plain<T>>(payload).map(|envelope| envelope.d)
}

#[allow(clippy::needless_pass_by_value, reason = "map_err hands it over")]
fn in_data(error: serde_json::Error) -> DecodeError {
    DecodeError::Payload { offset: 0, reason: format!("data: {}", without_values(&error.to_string())) }
}

/// The reader's words without the texts of the payload that they quote: those may be secret, and end in dead letters.
///
/// Numbers and the names of keys stay.
fn without_values(reason: &str) -> String {
    let hide = |text: &str, quote: char| -> Option<String> {
        let start = text.find(quote)? + 1;
        let end = start + text[start..].rfind(quote)?;
        Some(format!("{}…{}", &text[..start], &text[end..]))
    };
    let of_value = reason.starts_with("unknown variant") || reason.contains("` is not ");
    let value_end =
        reason.find("`,").or_else(|| reason.find("` is not ")).map_or(reason.len(), |end| end + 1);
    let (value, rest) = reason.split_at(if of_value { value_end } else { 0 });
    let value = hide(value, '`').unwrap_or_else(|| value.to_owned());
    format!("{value}{}", hide(rest, '"').unwrap_or_else(|| rest.to_owned()))
}

/// Where in the payload the JSON reader stopped \[bytes from 0\].
fn offset_of(payload: &[u8], error: &serde_json::Error) -> usize {
    let before: usize = payload
        .split_inclusive(|&byte| byte == b'\n')
        .take(error.line().saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    (before + error.column().saturating_sub(1)).min(payload.len())
}

/// Splits what serde writes for an enum, `{"name": data}`, into name and data.
pub(crate) fn split_tag(value: &impl Serialize) -> (String, Value) {
    match serde_json::to_value(value).expect("domain types are JSON") {
        Value::Object(map) => map.into_iter().next().expect("an externally tagged enum has one key"),
        other => unreachable!("an externally tagged enum with fields, got {other}"),
    }
}

/// The opposite of [`split_tag`].
pub(crate) fn join_tag<T: DeserializeOwned>(name: &str, data: Value) -> serde_json::Result<T> {
    serde_json::from_value(Value::Object(Map::from_iter([(name.to_owned(), data)])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_do_not_quote_what_may_be_secret() {
        for (reason, told) in [
            ("unknown variant `3707990`, expected `a` or `b`", "unknown variant `…`, expected `a` or `b`"),
            ("unknown field `levle`, expected `level`", "unknown field `levle`, expected `level`"),
            ("invalid type: string \"37\"0799\", expected u8", "invalid type: string \"…\", expected u8"),
            ("`secret` is not an id like `l-0412`", "`…` is not an id like `l-0412`"),
            ("invalid value: integer `300`, expected u8", "invalid value: integer `300`, expected u8"),
            ("missing field `v` at line 1 column 2", "missing field `v` at line 1 column 2"),
        ] {
            assert_eq!(without_values(reason), told);
        }
    }
}
