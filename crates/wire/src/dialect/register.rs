//! Which device is which luminaire.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use types::LuminaireId;

use super::{Dialect, streetlights};
use crate::iotda::{device_of, may_be_published_by_device};

/// Characters of a device id at most.
const ID_CHARS_MAX: usize = 256;
/// Characters of an API key at least.
const KEY_CHARS_MIN: usize = 8;
/// Names that are users of the bus already.
const TAKEN: [&str; 3] = ["homeassistant", "operator", "viewer"];

/// What a device proves itself with. Not shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct DeviceSecret(pub String);

impl fmt::Debug for DeviceSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceSecret(hidden)")
    }
}

/// A device that logs in: a luminaire, a gateway, or both.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// What it speaks.
    pub dialect: Dialect,
    /// Its id, such as `{product_id}_{node_id}`.
    pub id: String,
    /// What its passwords are made from, or its API key.
    pub secret: DeviceSecret,
    /// Which luminaire it is, if it is one.
    #[serde(default)]
    pub lamp: Option<LuminaireId>,
    /// The devices it speaks for, if it is a gateway.
    #[serde(default)]
    pub children: Vec<Child>,
    /// What it measures at full output, if that is known and its dialect tells light \[lm\].
    #[serde(default)]
    pub lumens: Option<u32>,
}

impl Device {
    /// The name it logs in with: its id, or with an API key that key.
    pub fn user_name(&self) -> &str {
        match self.dialect {
            Dialect::Streetlights => &self.secret.0,
            Dialect::Iotda | Dialect::HomeAssistant => &self.id,
        }
    }

    /// Whether it may publish on `topic`: on its own, and a gateway asks there for the shadows of those behind it.
    pub fn may_publish(&self, topic: &str) -> bool {
        if self.dialect == Dialect::Streetlights {
            return topic == streetlights::measured_topic(&self.id);
        }
        device_of(topic).is_some_and(|(device, rest)| {
            let own = device == self.id && may_be_published_by_device(topic);
            own || rest.starts_with("sys/shadow/get/")
                && may_be_published_by_device(topic)
                && self.children.iter().any(|child| child.id == device)
        })
    }
}

/// A device behind a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Child {
    /// Its id.
    pub id: String,
    /// Which luminaire it is.
    pub lamp: LuminaireId,
}

/// Why a device cannot stand in a register.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// An id that does not fit into a topic, or is a user of the bus already.
    #[error(
        "`{0}` is no device id: 1 to {ID_CHARS_MAX} of A-Z, a-z, 0-9, `_` and `-`, and no user of the bus"
    )]
    Id(String),
    /// An empty secret.
    #[error("device `{0}` has an empty secret")]
    Secret(String),
    /// Two devices of one id.
    #[error("device `{0}` stands in the register twice")]
    Twice(String),
    /// Two devices for one luminaire.
    #[error("luminaire {0} has two devices")]
    LampTwice(LuminaireId),
    /// Neither a luminaire nor a gateway.
    #[error("device `{0}` has neither a `lamp` nor `children`")]
    Nothing(String),
    /// A dialect in which no device joins.
    #[error("device `{0}`: `homeassistant` is no dialect of a device; iotda and streetlights are")]
    Dialect(String),
    /// Something its dialect does not have.
    #[error("device `{device}`: `{what}` is not for the dialect {dialect}")]
    NotFor {
        /// Its id.
        device: String,
        /// Which setting.
        what: &'static str,
        /// Its dialect.
        dialect: Dialect,
    },
    /// An API key that is not fit to be a user name.
    #[error(
        "device `{0}`: its secret is its API key, which must be 8 to {ID_CHARS_MAX} of A-Z, a-z, 0-9, `_` and `-`, \
         no user of the bus, and of no other device"
    )]
    Key(String),
}

/// The devices of a city.
#[derive(Clone, Debug, Default)]
pub struct Register {
    devices: Vec<Device>,
    by_id: BTreeMap<String, usize>,
    by_user: BTreeMap<String, usize>,
    by_lamp: BTreeMap<LuminaireId, usize>,
}

impl Register {
    /// The register of these devices.
    ///
    /// # Errors
    ///
    /// The position of the first device that cannot stand in it, and why.
    pub fn new(devices: Vec<Device>) -> Result<Self, (usize, RegisterError)> {
        let mut ids = BTreeSet::new();
        let mut lamps = BTreeSet::new();
        let mut by_user = BTreeMap::new();
        for (index, device) in devices.iter().enumerate() {
            check(device, &mut ids, &mut lamps).map_err(|error| (index, error))?;
        }
        for (index, device) in devices.iter().enumerate() {
            // An id that is another's key, or the other way round, would let one in as the other.
            let user = device.user_name();
            let taken = by_user.insert(user.to_owned(), index).is_some();
            if taken || (user != device.id && ids.contains(user)) {
                return Err((index, RegisterError::Key(device.id.clone())));
            }
        }
        let by_id = devices.iter().enumerate().map(|(index, device)| (device.id.clone(), index)).collect();
        let lamps = devices.iter().enumerate().filter_map(|(index, device)| Some((device.lamp?, index)));
        let by_lamp = lamps.collect();
        Ok(Self { devices, by_id, by_user, by_lamp })
    }

    /// The same for devices that join a city. Lights of Home Assistant do not: the city plays the lights there.
    ///
    /// # Errors
    ///
    /// The position of the first device that cannot, and why.
    pub fn joining(devices: Vec<Device>) -> Result<Self, (usize, RegisterError)> {
        let foreign = devices.iter().position(|device| device.dialect == Dialect::HomeAssistant);
        match foreign {
            Some(index) => Err((index, RegisterError::Dialect(devices[index].id.clone()))),
            None => Self::new(devices),
        }
    }

    /// Whether nobody stands in it.
    pub fn is_empty(&self) -> bool {
        self.devices.is_empty()
    }

    /// The devices that log in, in the order of the settings.
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// The place of the device with this id.
    pub fn place_of(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The place of the device that logs in with this name.
    pub fn place_of_user(&self, name: &str) -> Option<usize> {
        self.by_user.get(name).copied()
    }

    /// The device that is this luminaire and logs in for it itself.
    pub fn of_lamp(&self, lamp: LuminaireId) -> Option<&Device> {
        self.by_lamp.get(&lamp).map(|&place| &self.devices[place])
    }

    /// Those that speak `dialect`, with their places.
    pub fn speaking(&self, dialect: Dialect) -> impl Iterator<Item = (usize, &Device)> {
        self.devices.iter().enumerate().filter(move |(_, device)| device.dialect == dialect)
    }

    /// The luminaires that are devices, those behind gateways too.
    pub fn lamps(&self) -> impl Iterator<Item = LuminaireId> + '_ {
        self.devices
            .iter()
            .flat_map(|device| device.lamp.into_iter().chain(device.children.iter().map(|child| child.lamp)))
    }
}

fn check(
    device: &Device,
    ids: &mut BTreeSet<String>,
    lamps: &mut BTreeSet<LuminaireId>,
) -> Result<(), RegisterError> {
    let Device { dialect, id, secret, lamp, children, lumens } = device;
    let not_for = |what| Err(RegisterError::NotFor { device: id.clone(), what, dialect: *dialect });
    match dialect {
        Dialect::Iotda | Dialect::HomeAssistant if lumens.is_some() => return not_for("lumens"),
        Dialect::Streetlights | Dialect::HomeAssistant if !children.is_empty() => return not_for("children"),
        Dialect::Streetlights if secret.0.len() < KEY_CHARS_MIN || !is_id(&secret.0) => {
            return Err(RegisterError::Key(id.clone()));
        }
        Dialect::Iotda | Dialect::Streetlights | Dialect::HomeAssistant => {}
    }
    if lamp.is_none() && children.is_empty() {
        return Err(RegisterError::Nothing(id.clone()));
    }
    if secret.0.is_empty() {
        return Err(RegisterError::Secret(id.clone()));
    }
    for id in std::iter::once(id).chain(children.iter().map(|child| &child.id)) {
        if !is_id(id) {
            return Err(RegisterError::Id(id.clone()));
        }
        if !ids.insert(id.clone()) {
            return Err(RegisterError::Twice(id.clone()));
        }
    }
    let twice =
        lamp.iter().chain(children.iter().map(|child| &child.lamp)).find(|lamp| !lamps.insert(**lamp));
    twice.map_or(Ok(()), |lamp| Err(RegisterError::LampTwice(*lamp)))
}

fn is_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let user = TAKEN.contains(&text) || text.starts_with("svc-") || text.parse::<LuminaireId>().is_ok();
    (1..=ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(allowed) && !user
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(id: &str, lamp: Option<u32>, children: &[(&str, u32)]) -> Device {
        let child = |(id, lamp): &(&str, u32)| Child { id: (*id).to_owned(), lamp: LuminaireId(*lamp) };
        Device {
            dialect: Dialect::Iotda,
            id: id.to_owned(),
            secret: DeviceSecret("12345678".to_owned()),
            lamp: lamp.map(LuminaireId),
            children: children.iter().map(child).collect(),
            lumens: None,
        }
    }

    fn streetlight(id: &str, key: &str, lamp: u32) -> Device {
        let secret = DeviceSecret(key.to_owned());
        Device { dialect: Dialect::Streetlights, secret, ..device(id, Some(lamp), &[]) }
    }

    #[test]
    fn what_contradicts_itself_is_refused_with_its_place() {
        for (second, words) in [
            (device("p_1", Some(2), &[]), "device `p_1` stands in the register twice"),
            (device("p_2", Some(1), &[]), "luminaire l-0001 has two devices"),
            (device("p_2", None, &[("p_3", 3), ("p_3", 4)]), "device `p_3` stands in the register twice"),
            (device("p_2", Some(3), &[("p_3", 3)]), "luminaire l-0003 has two devices"),
            (device("p_2", None, &[]), "device `p_2` has neither a `lamp` nor `children`"),
            (device("p/2", Some(2), &[]), "`p/2` is no device id"),
            (device("p_2", None, &[("+", 2)]), "`+` is no device id"),
            (device("svc-payer", Some(2), &[]), "`svc-payer` is no device id"),
            (device("l-0007", Some(2), &[]), "`l-0007` is no device id"),
        ] {
            let (place, error) = Register::new(vec![device("p_1", Some(1), &[]), second]).unwrap_err();
            assert_eq!(place, 1);
            assert!(error.to_string().starts_with(words), "{error}");
        }
        for (second, words) in [
            (streetlight("s2", "key", 2), "device `s2`: its secret is its API key"),
            (streetlight("s2", "operator", 2), "device `s2`: its secret is its API key"),
            (streetlight("s2", "p_1_p_1_", 2), ""),
            (streetlight("s2", "12 45678", 2), "device `s2`: its secret is its API key"),
            (
                Device {
                    children: device("x", None, &[("y", 3)]).children,
                    ..streetlight("s2", "abcdefgh", 2)
                },
                "device `s2`: `children` is not for the dialect streetlights",
            ),
            (
                Device { lumens: Some(9), ..device("p_2", Some(2), &[]) },
                "device `p_2`: `lumens` is not for the dialect iotda",
            ),
            (
                Device { dialect: Dialect::HomeAssistant, ..device("p_2", Some(2), &[]) },
                "device `p_2`: `homeassistant` is no dialect of a device",
            ),
        ] {
            let outcome = Register::joining(vec![device("p_1", Some(1), &[]), second]);
            let told = outcome.err().map(|(_, error)| error.to_string()).unwrap_or_default();
            assert!(told.starts_with(words) && told.is_empty() == words.is_empty(), "{told}");
        }
        let pretender = streetlight("s2", "gateway-1", 2);
        assert!(Register::new(vec![device("gateway-1", Some(1), &[]), pretender]).is_err());
        let secretless = Device { secret: DeviceSecret(String::new()), ..device("p_1", Some(1), &[]) };
        assert!(Register::new(vec![secretless]).is_err());
    }

    #[test]
    fn a_gateway_asks_for_shadows_of_its_children_and_says_nothing_else_for_them() {
        let gateway = device("p_g", None, &[("p_c", 1)]);
        for topic in [
            "$oc/devices/p_c/sys/properties/report",
            "$oc/devices/p_c/sys/shadow/get/response/request_id=1",
            "$oc/devices/p_c/user/x",
            "$oc/devices/p_d/sys/shadow/get/request_id=1",
            "$oc/devices/p_g/sys/status",
        ] {
            assert!(!gateway.may_publish(topic), "{topic}");
        }
        assert!(gateway.may_publish("$oc/devices/p_c/sys/shadow/get/request_id=1"));
        assert!(gateway.may_publish("$oc/devices/p_g/sys/properties/report"));
    }

    #[test]
    fn a_streetlight_logs_in_with_its_key_and_says_only_what_it_measures() {
        let register = Register::new(vec![streetlight("s1", "abcdefgh", 1)]).unwrap();
        assert_eq!((register.place_of_user("s1"), register.place_of_user("abcdefgh")), (None, Some(0)));
        let device = &register.devices()[0];
        for topic in [
            "smartylighting/streetlights/1/0/event/s2/lighting/measured",
            "smartylighting/streetlights/1/0/action/s1/turn/on",
            "$oc/devices/s1/sys/properties/report",
        ] {
            assert!(!device.may_publish(topic), "{topic}");
        }
        assert!(device.may_publish("smartylighting/streetlights/1/0/event/s1/lighting/measured"));
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert!(!format!("{:?}", device("p_1", Some(1), &[])).contains("12345678"));
    }
}
