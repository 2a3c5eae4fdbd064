//! The Streetlights API, the example that AsyncAPI explains itself with.
//!
//! ```text
//! smartylighting/streetlights/1/0/event/{id}/lighting/measured   {"lumens": 9800, "sentAt": "…"}       the lamp says
//! smartylighting/streetlights/1/0/action/{id}/turn/on|off        {"command": "on", "sentAt": "…"}      the lamp hears
//! smartylighting/streetlights/1/0/action/{id}/dim                {"percentage": 40, "sentAt": "…"}
//! ```
//!
//! No answers, no programme, no presence: what is measured is all that is known. Source: `streetlights-mqtt` among the
//! examples of the AsyncAPI specification.

use chrono::{DateTime, SecondsFormat};
use lighting::DimLevel;
use serde::{Deserialize, Serialize};
use types::Timestamp;

use crate::{Channel, DecodeError, Frame, PAYLOAD_BYTES_MAX, codec};

mod bridge;
mod face;

pub use bridge::StreetlightsBridge;
pub use face::DeviceFace;

/// What every topic begins with.
const PREFIX: &str = "smartylighting/streetlights/1/0/";
/// The most that a lamp may measure \[lm\].
const LUMENS_MAX: u64 = 10_000_000;
/// Where lamps say what they measure.
pub const MEASURED_FILTER: &str = "smartylighting/streetlights/1/0/event/+/lighting/measured";

/// How messages of this protocol travel: at QoS 1, as its document has it.
static CHANNEL: Channel = Channel {
    name: "streetlights",
    address: "smartylighting/streetlights/1/0/…",
    summary: "Of the Streetlights API.",
    sender: "streetlights",
    at_least_once: true,
    retain: false,
    expiry_s: Some(20),
    content_type: "application/json",
    example: "{}",
    more_examples: &[],
};

/// What a lamp says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// How much light there is \[lm\].
    pub lumens: u64,
    /// When it was sent; `None` if it does not say.
    pub sent_at: Option<Timestamp>,
}

/// What a lamp hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Turn on.
    On,
    /// Turn off.
    Off,
    /// Give this much.
    Dim(DimLevel),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MeasuredPayload {
    lumens: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent_at: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TurnPayload {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    command: Option<Turn>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent_at: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Turn {
    On,
    Off,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DimPayload {
    percentage: DimLevel,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent_at: Option<String>,
}

/// Whether a topic is of this protocol.
pub fn is_streetlights(topic: &str) -> bool {
    topic.starts_with(PREFIX)
}

/// Where the lamp `id` says what it measures.
pub fn measured_topic(id: &str) -> String {
    format!("{PREFIX}event/{id}/lighting/measured")
}

/// What the lamp `id` may subscribe to: these, or what they cover.
pub fn action_filter(id: &str) -> String {
    format!("{PREFIX}action/{id}/#")
}

/// Whether a topic is one that lamps are told something on.
pub fn is_action(topic: &str) -> bool {
    topic.strip_prefix(PREFIX).and_then(action_of).is_some()
}

/// Reads what a lamp says: its id, and what.
///
/// # Errors
///
/// [`DecodeError`] says what is wrong and where. Nothing in `payload` makes this panic.
pub fn decode_measured<'a>(topic: &'a str, payload: &[u8]) -> Result<(&'a str, Measured), DecodeError> {
    let rest = topic.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix("event/"));
    let id = rest.and_then(|rest| rest.strip_suffix("/lighting/measured"));
    let id = id.filter(|id| !id.is_empty() && !id.contains('/')).ok_or(DecodeError::UnknownTopic)?;
    let MeasuredPayload { lumens, sent_at } = read(payload)?;
    if lumens > LUMENS_MAX {
        return Err(wrong(format!("`lumens` is {lumens}, expected 0 to {LUMENS_MAX}")));
    }
    Ok((id, Measured { lumens, sent_at: moment(sent_at)? }))
}

/// Puts what the lamp `id` says on its topic.
pub fn encode_measured(id: &str, measured: &Measured) -> Frame {
    let payload = MeasuredPayload { lumens: measured.lumens, sent_at: measured.sent_at.map(written) };
    frame(measured_topic(id), codec::json(&payload))
}

/// Reads what a lamp is told: its id, and what.
///
/// # Errors
///
/// [`DecodeError`] says what is wrong and where. Nothing in `payload` makes this panic.
pub fn decode_action<'a>(topic: &'a str, payload: &[u8]) -> Result<(&'a str, Action), DecodeError> {
    let (id, what) = topic.strip_prefix(PREFIX).and_then(action_of).ok_or(DecodeError::UnknownTopic)?;
    let turn = |to: Turn, action: Action| {
        let TurnPayload { command, sent_at } = read(payload)?;
        moment(sent_at)?;
        if command.is_some_and(|command| command != to) {
            return Err(wrong("`command` contradicts the topic".to_owned()));
        }
        Ok(action)
    };
    let action = match what {
        "turn/on" => turn(Turn::On, Action::On)?,
        "turn/off" => turn(Turn::Off, Action::Off)?,
        _ => {
            let DimPayload { percentage, sent_at } = read(payload)?;
            moment(sent_at)?;
            Action::Dim(percentage)
        }
    };
    Ok((id, action))
}

/// Puts what the lamp `id` is told on its topic.
pub fn encode_action(id: &str, action: Action, sent_at: Timestamp) -> Frame {
    let sent_at = Some(written(sent_at));
    let (what, payload) = match action {
        Action::On => ("turn/on", codec::json(&TurnPayload { command: Some(Turn::On), sent_at })),
        Action::Off => ("turn/off", codec::json(&TurnPayload { command: Some(Turn::Off), sent_at })),
        Action::Dim(percentage) => ("dim", codec::json(&DimPayload { percentage, sent_at })),
    };
    frame(format!("{PREFIX}action/{id}/{what}"), payload)
}

/// The lamp and the action of what stands behind [`PREFIX`].
fn action_of(rest: &str) -> Option<(&str, &str)> {
    let (id, what) = rest.strip_prefix("action/")?.split_once('/')?;
    (!id.is_empty() && ["turn/on", "turn/off", "dim"].contains(&what)).then_some((id, what))
}

fn read<T: serde::de::DeserializeOwned>(payload: &[u8]) -> Result<T, DecodeError> {
    if payload.len() > PAYLOAD_BYTES_MAX {
        return Err(DecodeError::TooLong(payload.len()));
    }
    codec::read(payload)
}

fn frame(topic: String, payload: Vec<u8>) -> Frame {
    Frame { topic, payload, channel: &CHANNEL, response_topic: None, correlation: None }
}

fn wrong(reason: String) -> DecodeError {
    DecodeError::Payload { offset: 0, reason }
}

fn written(at: Timestamp) -> String {
    DateTime::from_timestamp_millis(at.as_millis())
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// RFC 3339, as the document's `date-time` is.
fn moment(text: Option<String>) -> Result<Option<Timestamp>, DecodeError> {
    let Some(text) = text else { return Ok(None) };
    let read = DateTime::parse_from_rfc3339(&text);
    let read = read.map_err(|_| wrong("`sentAt` is no time such as 2026-04-18T11:00:00Z".to_owned()))?;
    Ok(Some(Timestamp::from_millis(read.timestamp_millis())))
}

#[cfg(test)]
mod tests;
