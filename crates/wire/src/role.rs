use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use medpay::Payer;
use types::{Core, DistrictId, LuminaireId, Slug, Stream, Timestamp};
use uuid::Uuid;

use crate::{Light, Message};

/// One client of the bus: a core, and what it listens to.
///
/// Both drivers run roles and nothing else; the live one carries the messages over MQTT, the virtual one as values.
pub trait Role: Core<Input = BusInput, Output = Message> + Send {
    /// Which role this is.
    fn name(&self) -> RoleName;

    /// The same as [`handle`](Core::handle) with a [`Message::Light`], for a driver with very many of those: a role that
    /// hears most of them can take them without a whole [`Message`] being put together for each. Whether it did; if
    /// not, [`handle`](Core::handle) must be called.
    fn handle_light(
        &mut self,
        _now: Timestamp,
        _luminaire: LuminaireId,
        _body: &Light,
        _out: &mut Vec<Message>,
    ) -> bool {
        false
    }

    /// Reads what it knows of a luminaire that it will soon hear of; see [`lighting::Luminaire::warm`].
    fn warm(&self, _luminaire: LuminaireId) -> i64 {
        0
    }

    /// The payer in it, for a driver that looks whether its books are right.
    fn payer(&self) -> Option<&Payer> {
        None
    }

    /// What it keeps now of things that have a written bound, for whoever watches how close to it it comes.
    fn kept(&self) -> Vec<Kept> {
        Vec::new()
    }

    /// What it subscribes to, below `kitecity/v1/{run}/`. `rsp/{client}/#` is always subscribed for it.
    fn filters(&self) -> Vec<&'static str>;
}

/// How full one store of a role is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// What is kept there: one word for all cities and times.
    pub what: &'static str,
    /// Entries now.
    pub entries: usize,
    /// Entries at most.
    pub max: usize,
}

/// What the bus tells a role.
#[derive(Clone, Debug, PartialEq)]
pub enum BusInput {
    /// The bus is there, again: publish what should be retained.
    Connected,
    /// A message came.
    Message(Message),
}

/// The roles of the city.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RoleName {
    /// The city's clock.
    Clock,
    /// The central management system of street lighting.
    Lighting,
    /// The simulated luminaires.
    Fleet,
    /// The issuer of e-ID codes.
    Issuer,
    /// The verifier of e-ID codes.
    Verifier,
    /// The payer of medical bills.
    Payer,
    /// The providers of medical care.
    Clinic,
    /// The residents in the streets.
    Residents,
    /// The pages.
    Console,
    /// A scenario that plays and watches.
    Scenario,
    /// The bridge to devices that speak the protocol of Huawei IoTDA.
    Iotda,
    /// The bridge to lamps of the Streetlights API.
    Streetlights,
    /// The bridge to Home Assistant.
    HomeAssistant,
}

impl RoleName {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Clock,
        Self::Lighting,
        Self::Fleet,
        Self::Issuer,
        Self::Verifier,
        Self::Payer,
        Self::Clinic,
        Self::Residents,
        Self::Console,
        Self::Scenario,
        Self::Iotda,
        Self::Streetlights,
        Self::HomeAssistant,
    ];

    /// Its name on the bus and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clock => "clock",
            Self::Lighting => "lighting",
            Self::Fleet => "fleet",
            Self::Issuer => "issuer",
            Self::Verifier => "verifier",
            Self::Payer => "payer",
            Self::Clinic => "clinic",
            Self::Residents => "residents",
            Self::Console => "console",
            Self::Scenario => "scenario",
            Self::Iotda => "iotda",
            Self::Streetlights => "streetlights",
            Self::HomeAssistant => "homeassistant",
        }
    }

    /// The same as a slug.
    pub fn slug(self) -> Slug {
        self.as_str().parse().expect("role names are slugs")
    }

    /// Its client id and user name on the bus.
    pub fn client_id(self) -> String {
        format!("svc-{}", self.as_str())
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RoleName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = || Self::ALL.map(Self::as_str).join(", ");
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no role; roles are {}", all()))
    }
}

/// Which district each luminaire is in.
pub type Directory = BTreeMap<LuminaireId, DistrictId>;

/// Makes ids for events and requests: UUID version 7, from the time and a seeded stream.
#[derive(Clone, Debug)]
pub struct MessageIds(Stream);

impl MessageIds {
    /// Ids from this stream. Two roles need two streams.
    pub fn new(stream: Stream) -> Self {
        Self(stream)
    }

    /// The next id.
    pub fn next(&mut self, now: Timestamp) -> Uuid {
        let millis = u64::try_from(now.as_millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &self.0.bytes()).into_uuid()
    }
}
