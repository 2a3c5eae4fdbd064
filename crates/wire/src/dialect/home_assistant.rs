//! Lights as Home Assistant discovers them over MQTT.
//!
//! ```text
//! homeassistant/light/{node}/config        what it is and where it speaks, retained; empty = it is no more
//! homeassistant/light/{node}/availability  online | offline, retained
//! homeassistant/light/{node}/state         {"state": "ON", "brightness": 102, "color_mode": "brightness"}, retained
//! homeassistant/light/{node}/set           {"state": "ON", "brightness": 102}    from Home Assistant
//! ```
//!
//! Source: the pages "MQTT" and "MQTT Light" (JSON schema) of the Home Assistant documentation.

use lighting::DimLevel;
use serde::{Deserialize, Serialize};
use types::LuminaireId;

use crate::{Channel, DecodeError, Frame, PAYLOAD_BYTES_MAX, codec};

mod bridge;
mod face;

pub use bridge::{HomeAssistantBridge, SAMPLE_MAX};
pub use face::DeviceFace;

/// What every topic begins with.
const PREFIX: &str = "homeassistant/light/";
/// Full output, as commands and states write it: the arc power level 254 of DALI.
pub const BRIGHTNESS_SCALE: u8 = 254;
/// Characters of a node id at most.
const NODE_CHARS_MAX: usize = 256;
/// Where Home Assistant commands lights.
pub const SET_FILTER: &str = "homeassistant/light/+/set";

const fn channel(retain: bool, expiry_s: Option<u32>) -> Channel {
    Channel {
        name: "homeAssistant",
        address: "homeassistant/light/{node}/…",
        summary: "Of lights as Home Assistant discovers them.",
        sender: "homeassistant",
        at_least_once: true,
        retain,
        expiry_s,
        content_type: "application/json",
        example: "{}",
        more_examples: &[],
    }
}

/// How what lights tell travels.
static KEPT: Channel = channel(true, None);
/// How commands travel.
static COMMANDS: Channel = channel(false, Some(20));

/// What a light says, or is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Word {
    /// What it is; `None` = it is no more.
    Config(Option<Box<Config>>),
    /// Whether it is there.
    Available(bool),
    /// How much light it gives.
    State(DimLevel),
    /// Give so much; `None` = on, and no more was said.
    Set(Option<DimLevel>),
}

/// What a light is, and where it speaks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// What the other topics begin with.
    #[serde(rename = "~")]
    base: String,
    name: String,
    unique_id: String,
    schema: String,
    cmd_t: String,
    stat_t: String,
    avty_t: String,
    brightness: bool,
    supported_color_modes: Vec<String>,
    brightness_scale: u8,
    dev: ConfigDevice,
    #[serde(rename = "o")]
    origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ConfigDevice {
    ids: Vec<String>,
    name: String,
    mf: String,
    mdl: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Origin {
    name: String,
}

impl Config {
    /// The description of the light `node` that people call `name`.
    pub fn new(node: &str, name: &str) -> Self {
        let of = |what: &str| what.to_owned();
        Self {
            base: format!("{PREFIX}{node}"),
            name: of(name),
            unique_id: of(node),
            schema: of("json"),
            cmd_t: of("~/set"),
            stat_t: of("~/state"),
            avty_t: of("~/availability"),
            brightness: true,
            supported_color_modes: vec![of("brightness")],
            brightness_scale: BRIGHTNESS_SCALE,
            dev: ConfigDevice {
                ids: vec![of(node)],
                name: of(name),
                mf: of("Kitecity (simulated)"),
                mdl: of("street light"),
            },
            origin: Origin { name: of("kitecity") },
        }
    }
}

#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum OnOff {
    On,
    Off,
}

#[derive(Serialize, Deserialize)]
struct Light {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<OnOff>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    brightness: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    color_mode: Option<String>,
}

/// The node id of a luminaire of the city `run`.
pub fn node_of(run: types::RunId, luminaire: LuminaireId) -> String {
    format!("{}{luminaire}", node_prefix(run))
}

/// What the node ids of the city `run` begin with.
fn node_prefix(run: types::RunId) -> String {
    format!("kitecity-{run}-")
}

/// Whether a topic is of this protocol.
pub fn is_home_assistant(topic: &str) -> bool {
    topic.starts_with(PREFIX)
}

/// The node of a topic where a light is commanded.
pub fn commanded_node(topic: &str) -> Option<&str> {
    topic.strip_prefix(PREFIX)?.strip_suffix("/set").filter(|node| is_node(node))
}

fn is_node(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=NODE_CHARS_MAX).contains(&text.len()) && text.bytes().all(allowed)
}

/// Where the light `node` is commanded.
pub fn set_topic(node: &str) -> String {
    format!("{PREFIX}{node}/set")
}

/// Reads a word: of or to which light, and what.
///
/// # Errors
///
/// [`DecodeError`] says what is wrong and where. Nothing in `payload` makes this panic.
pub fn decode<'a>(topic: &'a str, payload: &[u8]) -> Result<(&'a str, Word), DecodeError> {
    let (node, what) =
        topic.strip_prefix(PREFIX).and_then(|rest| rest.split_once('/')).ok_or(DecodeError::UnknownTopic)?;
    if !is_node(node) {
        return Err(DecodeError::UnknownTopic);
    }
    if payload.len() > PAYLOAD_BYTES_MAX {
        return Err(DecodeError::TooLong(payload.len()));
    }
    let word = match what {
        "config" if payload.is_empty() => Word::Config(None),
        "config" => Word::Config(Some(codec::read(payload)?)),
        "availability" => match payload {
            b"online" => Word::Available(true),
            b"offline" => Word::Available(false),
            _ => return Err(wrong("expected `online` or `offline`".to_owned())),
        },
        "state" => {
            let light: Light = codec::read(payload)?;
            Word::State(level(&light)?.ok_or_else(|| wrong("missing field `brightness`".to_owned()))?)
        }
        "set" => Word::Set(level(&codec::read(payload)?)?),
        _ => return Err(DecodeError::UnknownTopic),
    };
    Ok((node, word))
}

/// Puts a word of or to the light `node` on its topic.
pub fn encode(node: &str, word: &Word) -> Frame {
    let (what, payload, channel) = match word {
        Word::Config(None) => ("config", Vec::new(), &KEPT),
        Word::Config(Some(config)) => ("config", codec::json(config), &KEPT),
        Word::Available(there) => {
            ("availability", if *there { b"online".to_vec() } else { b"offline".to_vec() }, &KEPT)
        }
        Word::State(level) => ("state", codec::json(&written(Some(*level), true)), &KEPT),
        Word::Set(level) => ("set", codec::json(&written(*level, false)), &COMMANDS),
    };
    let (response_topic, correlation) = (None, None);
    Frame { topic: format!("{PREFIX}{node}/{what}"), payload, channel, response_topic, correlation }
}

/// The level a command or a state gives; `None` = on, without saying how much.
fn level(light: &Light) -> Result<Option<DimLevel>, DecodeError> {
    match (light.state, light.brightness) {
        (Some(OnOff::Off), _) => Ok(Some(DimLevel::OFF)),
        (_, Some(brightness)) if brightness > BRIGHTNESS_SCALE => {
            Err(wrong(format!("`brightness` is {brightness}, expected 0 to {BRIGHTNESS_SCALE}")))
        }
        (_, Some(brightness)) => Ok(Some(of_brightness(brightness))),
        (Some(OnOff::On), None) => Ok(None),
        (None, None) => Err(wrong("neither `state` nor `brightness`".to_owned())),
    }
}

fn written(level: Option<DimLevel>, tells: bool) -> Light {
    let on = level != Some(DimLevel::OFF);
    Light {
        state: Some(if on { OnOff::On } else { OnOff::Off }),
        brightness: level.filter(|_| on).map(to_brightness),
        color_mode: (on && tells).then(|| "brightness".to_owned()),
    }
}

/// Any light stays light: the lowest brightness but 0 is 1 %.
fn of_brightness(brightness: u8) -> DimLevel {
    let scale = u32::from(BRIGHTNESS_SCALE);
    let percent = (u32::from(brightness) * 100 + scale / 2) / scale;
    let percent = if brightness == 0 { 0 } else { percent.max(1) };
    DimLevel::from_percent(percent as u8).unwrap_or(DimLevel::FULL)
}

fn to_brightness(level: DimLevel) -> u8 {
    ((u32::from(level.percent()) * u32::from(BRIGHTNESS_SCALE) + 50) / 100) as u8
}

fn wrong(reason: String) -> DecodeError {
    DecodeError::Payload { offset: 0, reason }
}

#[cfg(test)]
mod tests;
