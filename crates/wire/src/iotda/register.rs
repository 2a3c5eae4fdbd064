//! Which device is which luminaire.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use types::LuminaireId;

use super::topic::{device_of, may_be_published_by_device};

/// Characters of a device id at most.
const ID_CHARS_MAX: usize = 256;
/// Names that are users of the bus already.
const TAKEN: [&str; 2] = ["operator", "viewer"];

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
    /// Its id and user name, such as `{product_id}_{node_id}`.
    pub id: String,
    /// What its passwords are made from.
    pub secret: DeviceSecret,
    /// Which luminaire it is, if it is one.
    #[serde(default)]
    pub lamp: Option<LuminaireId>,
    /// The devices it speaks for, if it is a gateway.
    #[serde(default)]
    pub children: Vec<Child>,
}

impl Device {
    /// Whether it may publish on `topic`: on its own, and a gateway asks there for the shadows of those behind it.
    pub fn may_publish(&self, topic: &str) -> bool {
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
}

/// The devices of a city.
#[derive(Clone, Debug, Default)]
pub struct Register {
    devices: Vec<Device>,
    by_id: BTreeMap<String, usize>,
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
        for (index, device) in devices.iter().enumerate() {
            check(device, &mut ids, &mut lamps).map_err(|error| (index, error))?;
        }
        let by_id = devices.iter().enumerate().map(|(index, device)| (device.id.clone(), index)).collect();
        Ok(Self { devices, by_id })
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
    let Device { id, secret, lamp, children } = device;
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
            id: id.to_owned(),
            secret: DeviceSecret("12345678".to_owned()),
            lamp: lamp.map(LuminaireId),
            children: children.iter().map(child).collect(),
        }
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
    fn a_secret_is_not_shown() {
        assert!(!format!("{:?}", device("p_1", Some(1), &[])).contains("12345678"));
    }
}
