//! Who may publish and subscribe what. Deny by default; one table, and the broker asks it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use types::{CabinetId, DistrictId, LuminaireId, RunId, Timestamp, VerifierId};
use wire::dialect::{Device, Dialect, Register, home_assistant, streetlights};
use wire::iotda::{self, LoginError};
use wire::roles::READER_CLIENT;
use wire::{Directory, RoleName, Topic, filter_matches, prefix};

/// What all passwords of one run are made from. Processes that share it know each other's credentials.
#[derive(Clone)]
pub struct Secret([u8; 32]);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

impl Secret {
    /// A secret from the operating system.
    pub fn random() -> Self {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        bytes[16..].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        Self(bytes)
    }

    /// A secret from words, such as the value of `KITECITY_SECRET`.
    pub fn from_words(words: &str) -> Self {
        Self(mac(b"kitecity secret", words.as_bytes()))
    }

    /// To be kept, sealed.
    pub(crate) fn to_bytes(&self) -> [u8; 32] {
        self.0
    }

    /// The opposite.
    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The password of a user: 32 hex digits.
    pub fn password_for(&self, username: &str) -> String {
        mac(&self.0, username.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// 32 bytes for one purpose, such as a signing key.
    pub fn key_for(&self, purpose: &str) -> [u8; 32] {
        mac(&self.0, format!("key/{purpose}").as_bytes())
    }

    /// Whether `password` is the one of `username`. Takes the same time wherever they differ.
    pub fn admits(&self, username: &str, password: &[u8]) -> bool {
        let expected = self.password_for(username);
        let differing = expected.bytes().zip(password).fold(0, |sum, (a, b)| sum | (a ^ b));
        password.len() == expected.len() && differing == 0
    }
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// The user name of Home Assistant.
const HOME_ASSISTANT: &str = "homeassistant";
/// Where Home Assistant says that it is there; its will says that it is not.
const HOME_ASSISTANT_STATUS: &str = "homeassistant/status";

/// Who a client is, by its user name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Principal {
    /// A luminaire: user name and client id are its id.
    Device(LuminaireId),
    /// A cabinet, likewise.
    Cabinet(CabinetId),
    /// A service: `svc-` and its role.
    Service(RoleName),
    /// The person who runs the city: `operator`.
    Operator,
    /// Someone who looks on: `viewer`.
    Viewer,
    /// A reader of e-ID codes: `reader-` and its name, such as `reader-museum`.
    Reader(VerifierId),
    /// A device from outside that speaks a dialect: its place in the register. See [`Rules::principal`].
    Outside(usize),
    /// Home Assistant, if lights are shown to it: `homeassistant`. See [`Rules::principal`].
    HomeAssistant,
}

impl Principal {
    /// What kind of client it is, in one word.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Device(_) => "luminaire",
            Self::Cabinet(_) => "cabinet",
            Self::Service(_) => "service",
            Self::Operator => "operator",
            Self::Viewer => "viewer",
            Self::Reader(_) => "reader",
            Self::Outside(_) => "outside_device",
            Self::HomeAssistant => "home_assistant",
        }
    }

    /// The client of this user name, if there is such a user in every city.
    pub fn of(username: &str) -> Option<Self> {
        match username {
            "operator" => Some(Self::Operator),
            "viewer" => Some(Self::Viewer),
            _ => match (username.strip_prefix("svc-"), username.strip_prefix(READER_CLIENT)) {
                (Some(role), _) => role.parse().ok().map(Self::Service),
                (_, Some(name)) => name.parse().ok().map(Self::Reader),
                _ => {
                    let cabinet = || username.parse().ok().map(Self::Cabinet);
                    username.parse().ok().map(Self::Device).or_else(cabinet)
                }
            },
        }
    }
}

/// To publish or to subscribe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send.
    Publish,
    /// Receive.
    Subscribe,
}

use Action::{Publish, Subscribe};
use RoleName::{
    Clinic, Clock, Console, Fleet, HomeAssistant, Iotda, Issuer, Lighting, Payer, Residents, Scenario,
    Streetlights, Verifier,
};

/// What a service may do beside what all may, below `kitecity/v1/{run}/`.
pub const SERVICE_RULES: &[(RoleName, Action, &str)] = &[
    (Lighting, Publish, "light/+/+/down/+"),
    (Lighting, Publish, "light/+/+/alarms"),
    (Lighting, Publish, "evt/lighting/#"),
    (Lighting, Subscribe, "light/#"),
    (Fleet, Publish, "light/+/+/up/+"),
    (Fleet, Publish, "light/+/+/status"),
    (Fleet, Subscribe, "light/+/+/down/+"),
    (Issuer, Publish, "eid/keys"),
    (Issuer, Publish, "evt/eid/#"),
    (Verifier, Publish, "evt/eid/#"),
    (Verifier, Publish, "eid/consent/+"),
    (Verifier, Subscribe, "eid/keys"),
    (Payer, Publish, "evt/medpay/#"),
    (Clinic, Publish, "evt/medpay/#"),
    (Clock, Publish, "sim/clock"),
    (Residents, Publish, "sim/presence"),
    (Residents, Publish, "evt/city/#"),
    (Scenario, Publish, "sim/fault/+/+"),
    (Scenario, Publish, "evt/scenario/#"),
    (Scenario, Publish, "light/+/+/down/+"),
    (Scenario, Subscribe, "#"),
    (Iotda, Publish, "light/+/+/up/+"),
    (Iotda, Publish, "light/+/+/status"),
    (Iotda, Subscribe, "light/+/+/down/+"),
    (Streetlights, Publish, "light/+/+/up/+"),
    (Streetlights, Publish, "light/+/+/status"),
    (Streetlights, Subscribe, "light/+/+/down/+"),
    (HomeAssistant, Subscribe, "light/+/+/up/state"),
    (HomeAssistant, Subscribe, "light/+/+/status"),
    (Console, Publish, "sim/fault/+/+"),
    (Console, Subscribe, "#"),
];

/// Who may ask e-ID what, beside the operator, who runs the issuer's counter too. What is not here, no service asks.
///
/// The console asks for people who have shown it who they are: the operator, readers and holders, by what they send over
/// HTTP. It is why it may ask so much.
///
/// What is not of e-ID every service may ask.
pub const EID_QUESTIONS: &[(&str, &[RoleName])] = &[
    ("rpc/issuer/+/enrol", &[Console, Residents, Scenario]),
    ("rpc/issuer/+/issue", &[Console, Residents, Scenario]),
    ("rpc/issuer/+/credential", &[Console, Residents, Scenario]),
    ("rpc/issuer/+/manage", &[Console]),
    ("rpc/issuer/+/own", &[Console]),
    ("rpc/verifier/+/verify", &[Console, Payer, Scenario]),
    ("rpc/verifier/+/ask", &[Console]),
    ("rpc/verifier/+/holder", &[Console]),
];

/// What a reader of e-ID codes asks on the bus, as its own client: nobody else's name will do; the verifier sees to that.
const READER_QUESTIONS: [&str; 2] = ["rpc/verifier/+/verify", "rpc/verifier/+/ask"];

/// The rules of one run.
#[derive(Clone, Debug)]
pub struct Rules {
    prefix: String,
    directory: Arc<Directory>,
    cabinets: Arc<BTreeMap<CabinetId, DistrictId>>,
    devices: Arc<Register>,
    /// The node ids of the lights that are shown to Home Assistant.
    lights: Arc<BTreeSet<String>>,
}

impl Rules {
    /// The rules of `run`; `directory` tells in which district each luminaire stands.
    pub fn new(run: RunId, directory: Arc<Directory>) -> Self {
        Self {
            prefix: prefix(run),
            directory,
            cabinets: Arc::default(),
            devices: Arc::default(),
            lights: Arc::default(),
        }
    }

    /// The same, and these cabinets come in too, each with its district.
    #[must_use]
    pub fn with_cabinets(self, cabinets: BTreeMap<CabinetId, DistrictId>) -> Self {
        Self { cabinets: Arc::new(cabinets), ..self }
    }

    /// The same, and the devices of `register` come in too.
    #[must_use]
    pub fn with_devices(self, register: Arc<Register>) -> Self {
        Self { devices: register, ..self }
    }

    /// The same, and Home Assistant comes in too: it sees and commands the lights with these node ids.
    #[must_use]
    pub fn with_lights(self, lights: BTreeSet<String>) -> Self {
        Self { lights: Arc::new(lights), ..self }
    }

    /// The client of this user name, if there is such a user.
    pub fn principal(&self, username: &str) -> Option<Principal> {
        if username == HOME_ASSISTANT && !self.lights.is_empty() {
            return Some(Principal::HomeAssistant);
        }
        Principal::of(username).or_else(|| self.devices.place_of_user(username).map(Principal::Outside))
    }

    /// The device at this place of the register.
    pub fn device(&self, place: usize) -> &Device {
        &self.devices.devices()[place]
    }

    /// The id of the device at this place of the register.
    pub fn device_id(&self, place: usize) -> &str {
        &self.device(place).id
    }

    /// Whether the device at `place` of the register may log in so; `now` by the wall's clock.
    ///
    /// # Errors
    ///
    /// [`LoginError`] says what is wrong.
    pub fn admits_device(
        &self,
        place: usize,
        client_id: &str,
        password: &[u8],
        now: Timestamp,
    ) -> Result<(), LoginError> {
        let device = self.device(place);
        match device.dialect {
            Dialect::Streetlights if client_id != device.id => Err(LoginError::ClientId),
            // Its user name is its API key.
            Dialect::Streetlights if !password.is_empty() => Err(LoginError::Password),
            Dialect::Streetlights => Ok(()),
            _ => iotda::admits(&device.id, client_id, password, &device.secret.0, now),
        }
    }

    /// Whose client id this is, if it is kept for someone.
    fn owner(&self, client_id: &str) -> Option<Principal> {
        let device = iotda::ClientId::parse(client_id).map_or(client_id, |client| client.device);
        self.devices.place_of(device).map(Principal::Outside).or_else(|| self.principal(device))
    }

    /// Whether this client may be who it says: a device's client id is its id, a service's begins with its name.
    pub fn may_connect(&self, who: Principal, username: &str, client_id: &str) -> bool {
        match who {
            Principal::Device(_) | Principal::Cabinet(_) => {
                client_id == username && self.device_home(who).is_some()
            }
            // A longer one could be another reader's.
            Principal::Reader(_) => client_id == username,
            Principal::Service(_) => client_id == username || client_id.starts_with(&format!("{username}-")),
            Principal::Operator | Principal::Viewer | Principal::HomeAssistant => {
                self.owner(client_id).is_none_or(|other| other == who)
            }
            Principal::Outside(place) => self.owner(client_id) == Some(Principal::Outside(place)),
        }
    }

    /// Whether this client may publish on `topic`.
    pub fn may_publish(&self, who: Principal, topic: &str) -> bool {
        // MQTT 5.0, 3.3.2.1: a topic to publish on has no wildcards; a rule must not take them for words.
        if topic.contains(['#', '+']) {
            return false;
        }
        if let Principal::Outside(place) = who {
            return self.device(place).may_publish(topic);
        }
        match who {
            Principal::Service(Iotda) if iotda::may_be_published_by_platform(topic) => return true,
            Principal::Service(Streetlights) if streetlights::is_action(topic) => return true,
            Principal::Service(HomeAssistant) if home_assistant::is_home_assistant(topic) => {
                return home_assistant::commanded_node(topic).is_none();
            }
            Principal::HomeAssistant => {
                let shown =
                    home_assistant::commanded_node(topic).is_some_and(|node| self.lights.contains(node));
                return shown || topic == HOME_ASSISTANT_STATUS;
            }
            _ => {}
        }
        let Some(topic) = topic.strip_prefix(&self.prefix) else { return false };
        match who {
            Principal::Device(_) | Principal::Cabinet(_) => self.device_home(who).is_some_and(|home| {
                topic.strip_prefix(&home).is_some_and(|rest| rest == "status" || filter_matches("up/+", rest))
            }),
            Principal::Service(role) if is_for_eid(topic) => {
                EID_QUESTIONS.iter().any(|(rule, askers)| covers(rule, topic) && askers.contains(&role))
            }
            Principal::Service(role) => {
                self.allowed(role, Publish, role.as_str()).any(|rule| covers(&rule, topic))
            }
            Principal::Reader(name) => {
                topic == kiosk_state(name) || READER_QUESTIONS.iter().any(|rule| covers(rule, topic))
            }
            Principal::Operator => !matches!(topic, "sim/clock" | "eid/keys"),
            Principal::Viewer | Principal::Outside(_) | Principal::HomeAssistant => false,
        }
    }

    /// Whether this client may leave a will on `topic`. The broker delivers wills unasked, so they are checked here.
    pub fn may_will(&self, who: Principal, topic: &str) -> bool {
        match who {
            Principal::Device(_) | Principal::Cabinet(_) => {
                self.device_home(who).is_some_and(|home| format!("{}{home}status", self.prefix) == topic)
            }
            Principal::Reader(name) => format!("{}{}", self.prefix, kiosk_state(name)) == topic,
            _ => self.may_publish(who, topic),
        }
    }

    /// Whether this client may subscribe to `filter`, without `$share/…/`; `shared` says that it had that.
    ///
    /// Only services and the operator share: a lookout that joined a service's group would take messages from it.
    pub fn may_subscribe(&self, who: Principal, client_id: &str, filter: &str, shared: bool) -> bool {
        let seen_by_operator = ["kitecity/#", "$oc/#", "smartylighting/#", "homeassistant/#"];
        if who == Principal::Operator && seen_by_operator.iter().any(|rule| covers(rule, filter)) {
            return true;
        }
        match who {
            Principal::Outside(place) => {
                let actions = streetlights::action_filter(self.device_id(place));
                return !shared
                    && match self.device(place).dialect {
                        Dialect::Streetlights => covers(&actions, filter),
                        _ => self.heard_as(who, filter).is_some(),
                    };
            }
            Principal::HomeAssistant => return !shared && covers("homeassistant/#", filter),
            Principal::Service(Iotda) if iotda::UP_FILTERS.iter().any(|rule| covers(rule, filter)) => {
                return true;
            }
            Principal::Service(Streetlights) if filter == streetlights::MEASURED_FILTER => return true,
            Principal::Service(HomeAssistant) if filter == home_assistant::SET_FILTER => return true,
            _ => {}
        }
        let Some(filter) = filter.strip_prefix(&self.prefix) else { return false };
        match who {
            Principal::Device(_) | Principal::Cabinet(_) => {
                let home = self.device_home(who);
                !shared && home.is_some_and(|home| covers(&format!("{home}down/+"), filter))
            }
            Principal::Service(role) => {
                self.allowed(role, Subscribe, client_id).any(|rule| covers(&rule, filter))
            }
            Principal::Reader(_) => {
                !shared && (filter == "eid/keys" || covers(&format!("rsp/{client_id}/#"), filter))
            }
            Principal::Operator => true,
            Principal::Viewer => {
                let seen = ["light/+/+/up/state", "light/+/+/status", "sim/#"];
                !shared && seen.iter().any(|rule| covers(rule, filter))
            }
            Principal::Outside(_) | Principal::HomeAssistant => false,
        }
    }

    /// What a device's subscription to `filter` becomes; see [`iotda::canonical_filter`].
    pub fn heard_as(&self, who: Principal, filter: &str) -> Option<String> {
        let Principal::Outside(place) = who else { return None };
        iotda::canonical_filter(self.device_id(place), filter)
    }

    /// `light/{district}/{id}/` of a luminaire or cabinet of this city.
    fn device_home(&self, who: Principal) -> Option<String> {
        match who {
            Principal::Device(id) => Some(format!("light/{}/{id}/", self.directory.get(&id)?)),
            Principal::Cabinet(id) => Some(format!("light/{}/{id}/", self.cabinets.get(&id)?)),
            _ => None,
        }
    }

    fn allowed(&self, role: RoleName, action: Action, client_id: &str) -> impl Iterator<Item = String> {
        let common = match action {
            Publish => vec!["rpc/+/+/+".to_owned(), "rsp/#".to_owned(), format!("dlq/{role}")],
            Subscribe => vec![
                "evt/#".to_owned(),
                "sim/#".to_owned(),
                format!("rpc/{role}/#"),
                format!("rsp/{client_id}/#"),
            ],
        };
        let own = SERVICE_RULES.iter().filter(move |(who, what, _)| (*who, *what) == (role, action));
        common.into_iter().chain(own.map(|(_, _, rule)| (*rule).to_owned()))
    }
}

/// Where a reader says how it stands, and its will that it is gone.
fn kiosk_state(name: VerifierId) -> String {
    Topic::EidKiosk(name).to_string()
}

/// Whether this is a question to issuer or verifier.
fn is_for_eid(topic: &str) -> bool {
    ["rpc/issuer/#", "rpc/verifier/#"].iter().any(|rule| covers(rule, topic))
}

/// Whether every topic that `filter` matches is matched by `rule` too. A topic is a filter without wildcards.
fn covers(rule: &str, filter: &str) -> bool {
    let mut rule_levels = rule.split('/');
    let mut filter_levels = filter.split('/');
    loop {
        match (rule_levels.next(), filter_levels.next()) {
            (Some("#"), _) | (None, None) => return true,
            (_, Some("#")) => return false,
            (Some("+"), Some(_)) => {}
            (Some(allowed), Some(wanted)) if allowed == wanted => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests;
