//! What can be said about a run: every message on the bus by name and field, and every luminaire by field.
//!
//! [`kinds`] is the catalogue of messages, [`lamps`] that of luminaires.

mod answers;
mod bills;
mod cabinets;
mod groups;
mod identity;
mod kinds;
mod lamps;
mod luminaires;
mod payment;
mod which;

use std::borrow::Cow;
use std::cmp::Ordering;

pub(crate) use kinds::Field;
pub use kinds::{KINDS, Kind};
pub(crate) use lamps::{LAMP_FIELDS, LampField, Lamps, index_of};
use serde::Serialize;
pub(crate) use which::kind_of;

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// The message has no such thing, or it is not known yet.
    Missing,
    /// A number, in the unit that the field's name ends with.
    Number(f64),
    /// Yes or no.
    Flag(bool),
    /// A word or an id.
    Text(Cow<'static, str>),
}

impl Value {
    pub(crate) fn of(number: impl Into<f64>) -> Self {
        Self::Number(number.into())
    }

    pub(crate) fn id(id: &impl std::fmt::Display) -> Self {
        Self::Text(id.to_string().into())
    }

    /// The word that stands for a value in payloads.
    pub(crate) fn word(value: &impl Serialize) -> Self {
        match serde_json::to_value(value) {
            Ok(serde_json::Value::String(word)) => Self::Text(word.into()),
            Ok(serde_json::Value::Object(tagged)) => {
                tagged.keys().next().map_or(Self::Missing, |word| Self::Text(word.clone().into()))
            }
            _ => Self::Missing,
        }
    }

    /// How two values compare; values of two kinds do not.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.partial_cmp(b),
            (Self::Flag(a), Self::Flag(b)) => Some(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing => f.write_str("unknown"),
            Self::Number(number) => write!(f, "{}", (number * 1_000.0).round() / 1_000.0),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// What can be asked about a luminaire at any moment.
pub fn lamp_field_names() -> impl Iterator<Item = &'static str> {
    LAMP_FIELDS.iter().map(|field| field.name)
}

/// What values a field can have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Type {
    /// A number from the first to the second.
    Number(f64, f64),
    /// Yes or no.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A luminaire of the city.
    Lamp,
    /// A resident of the city.
    Resident,
    /// A provider of the city.
    Provider,
    /// Any text.
    Text,
}

/// Any number.
pub(crate) const NUMBER: Type = Type::Number(f64::MIN, f64::MAX);
/// A number of things, or an amount of something.
pub(crate) const AMOUNT: Type = Type::Number(0.0, f64::MAX);
/// A dim level \[%\].
pub(crate) const LEVEL: Type = Type::Number(0.0, 100.0);
/// Why a luminaire gives its level.
pub(crate) const MODE: Type = Type::Word(&["default", "programme", "override", "sensor"]);
/// Kinds of alarm.
pub(crate) const ALARM: Type = Type::Word(&[
    "lamp_failure",
    "lamp_unexpected_on",
    "relay_failure",
    "dimming_failure",
    "cycling_failure",
    "meter_failure",
    "clock_failure",
    "communication_failure",
    "supply_loss",
    "supply_voltage_too_low",
    "power_factor_too_low",
    "lamp_power_too_low",
    "control_gear_failure",
    "control_gear_comm_failure",
    "thermal_derating",
    "thermal_shutdown",
    "flooding",
    "duplicate_identity",
    "complaint",
]);

/// Kinds of incident.
pub(crate) const INCIDENT: Type = Type::Word(&[
    "communication_failure",
    "supply_loss",
    "supply_voltage_too_low",
    "circuit_breaker_tripped",
    "cabinet_door_open",
    "switching_error_on",
    "switching_error_off",
]);

impl Type {
    /// In words, for a mistake.
    pub(crate) fn describe(self) -> String {
        match self {
            Self::Number(min, max) if min > f64::MIN && max < f64::MAX => format!("a number {min} to {max}"),
            Self::Number(min, _) if min > f64::MIN => format!("a number of at least {min}"),
            Self::Number(..) => "a number".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Word(words) => format!("one of {}", words.join(", ")),
            Self::Lamp => "a luminaire such as l-0012".to_owned(),
            Self::Resident => "a resident such as r-0042".to_owned(),
            Self::Provider => "a provider such as h-0003".to_owned(),
            Self::Text => "a text".to_owned(),
        }
    }
}
