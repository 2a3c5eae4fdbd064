//! Other platforms' ways to speak of a street lamp over MQTT.
//!
//! ```text
//! device of theirs ══ their topics ══▶ Bridge ══ light/… ══▶ CMS        a device from outside joins the city
//! Luminaire ──▶ Face ══ their topics ══▶ platform of theirs             our luminaires join a platform outside
//! ```
//!
//! A [`Bridge`] plays the platform, a [`Face`] the device; both use the payload types of their dialect, so that what one
//! writes the other reads. [`Register`] says which device is which luminaire, for both.
//!
//! [`iotda`](crate::iotda) is the largest and has a module of its own; [`streetlights`] and [`home_assistant`] are here.
//! `docs/dialects.md` tells users what is modelled.

pub mod home_assistant;
pub mod streetlights;

mod bridge;
mod face;
mod keeper;
mod register;
mod voice;

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

pub use bridge::{Bridge, Said};
pub use face::{Face, Heard, Login, Moment, Portrait, face};
pub use keeper::{Keeper, Site, Sites};
pub use register::{Child, Device, DeviceSecret, Register, RegisterError};
pub(crate) use voice::{Meter, NOMINAL_MV, Voice};

/// A dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum Dialect {
    /// The device protocol of Huawei IoTDA.
    Iotda,
    /// The Streetlights API, the example of AsyncAPI.
    Streetlights,
    /// Lights as Home Assistant discovers them over MQTT.
    HomeAssistant,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Iotda, Self::Streetlights, Self::HomeAssistant];

    /// Its name in settings and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Iotda => "iotda",
            Self::Streetlights => "streetlights",
            Self::HomeAssistant => "homeassistant",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Dialect {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|dialect| dialect.as_str() == text);
        known.ok_or_else(|| {
            let all = Self::ALL.map(Self::as_str).join(", ");
            format!("`{text}` is no dialect; dialects are {all}")
        })
    }
}

impl TryFrom<String> for Dialect {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}
