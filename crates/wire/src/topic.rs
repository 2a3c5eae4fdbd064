//! Topics of the city, and nothing else: what a topic's payload is, `codec` knows.

use std::fmt;

use types::{CabinetId, DistrictId, LuminaireId, ResidentId, RunId, Slug, VerifierId, fnv1a};

use crate::channels::{self, Channel};

/// A place on the bus, below `kitecity/v1/{run}/`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// `light/{district}/{luminaire}/up/state`
    LightState(DistrictId, LuminaireId),
    /// `light/{district}/{luminaire}/up/tele`
    LightTelemetry(DistrictId, LuminaireId),
    /// `light/{district}/{luminaire}/up/ack`
    LightAck(DistrictId, LuminaireId),
    /// `light/{district}/{luminaire}/status`
    LightStatus(DistrictId, LuminaireId),
    /// `light/{district}/{luminaire}/down/cmd`
    LightCommand(DistrictId, LuminaireId),
    /// `light/{district}/{luminaire}/down/cfg`
    LightProgramme(DistrictId, LuminaireId),
    /// `light/{district}/{luminaire}/up/fw`
    LightFirmware(DistrictId, LuminaireId),
    /// `light/{district}/{luminaire}/down/fw`
    LightFirmwareOrder(DistrictId, LuminaireId),
    /// `light/{district}/{luminaire}/alarms`
    LightAlarms(DistrictId, LuminaireId),
    /// `light/{district}/{cabinet}/up/state`
    CabinetState(DistrictId, CabinetId),
    /// `light/{district}/{cabinet}/up/tele`
    CabinetTelemetry(DistrictId, CabinetId),
    /// `light/{district}/{cabinet}/up/ack`
    CabinetAck(DistrictId, CabinetId),
    /// `light/{district}/{cabinet}/status`
    CabinetStatus(DistrictId, CabinetId),
    /// `light/{district}/{cabinet}/down/cmd`
    CabinetCommand(DistrictId, CabinetId),
    /// `evt/{service}/{aggregate}/s{shard}/{event}`
    Event {
        /// Which service tells.
        service: Slug,
        /// What kind of thing it is about.
        aggregate: Slug,
        /// Which shard that thing is in.
        shard: u8,
        /// What happened.
        event: Slug,
    },
    /// `rpc/{service}/s{shard}/{method}`
    Request {
        /// Which service is asked.
        service: Slug,
        /// Which shard the thing asked about is in.
        shard: u8,
        /// What is asked.
        method: Slug,
    },
    /// `rsp/{caller}/…`
    Reply(String),
    /// `eid/keys`
    EidKeys,
    /// `eid/consent/{resident}`
    EidConsent(ResidentId),
    /// `eid/kiosk/{reader}/state`
    EidKiosk(VerifierId),
    /// `sim/clock`
    Clock,
    /// `sim/presence`
    Presence,
    /// `sim/fault/{district}/{luminaire}`
    Fault(DistrictId, LuminaireId),
    /// `sim/fault/{district}/{cabinet}`
    CabinetEvent(DistrictId, CabinetId),
    /// `dlq/{consumer}`
    DeadLetter(Slug),
}

/// What all topics of one run begin with, with the last slash.
pub fn prefix(run: RunId) -> String {
    format!("kitecity/v1/{run}/")
}

/// How many shards events and requests are spread over.
const SHARDS: u64 = 16;

/// The shard of a thing, so that one consumer of many can take its share and still see each thing's events in order.
pub fn shard_of(subject: &str) -> u8 {
    ((fnv1a(subject.bytes()) >> 32) % SHARDS) as u8
}

impl Topic {
    /// Reads what stands after [`prefix`].
    ///
    /// `None` for what belongs to no row of the table.
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        Some(match parts[..] {
            ["light", district, device, ref rest @ ..] => {
                let district = district.parse().ok()?;
                match device.parse() {
                    Ok(luminaire) => Self::of_luminaire(district, luminaire, rest)?,
                    Err(_) => Self::of_cabinet(district, device.parse().ok()?, rest)?,
                }
            }
            ["evt", service, aggregate, shard, event] => Self::Event {
                service: service.parse().ok()?,
                aggregate: aggregate.parse().ok()?,
                shard: parse_shard(shard)?,
                event: event.parse().ok()?,
            },
            ["rpc", service, shard, method] => Self::Request {
                service: service.parse().ok()?,
                shard: parse_shard(shard)?,
                method: method.parse().ok()?,
            },
            ["rsp", _, ..] => Self::Reply(text["rsp/".len()..].to_owned()),
            ["eid", "keys"] => Self::EidKeys,
            ["eid", "consent", resident] => Self::EidConsent(resident.parse().ok()?),
            ["eid", "kiosk", reader, "state"] => Self::EidKiosk(reader.parse().ok()?),
            ["sim", "clock"] => Self::Clock,
            ["sim", "presence"] => Self::Presence,
            ["sim", "fault", district, device] => {
                let district = district.parse().ok()?;
                match device.parse() {
                    Ok(luminaire) => Self::Fault(district, luminaire),
                    Err(_) => Self::CabinetEvent(district, device.parse().ok()?),
                }
            }
            ["dlq", consumer] => Self::DeadLetter(consumer.parse().ok()?),
            _ => return None,
        })
    }

    /// Its row of the table.
    pub fn channel(&self) -> &'static Channel {
        channels::of(self)
    }

    fn of_luminaire(district: DistrictId, luminaire: LuminaireId, rest: &[&str]) -> Option<Self> {
        Some(match rest {
            ["up", "state"] => Self::LightState(district, luminaire),
            ["up", "tele"] => Self::LightTelemetry(district, luminaire),
            ["up", "ack"] => Self::LightAck(district, luminaire),
            ["status"] => Self::LightStatus(district, luminaire),
            ["down", "cmd"] => Self::LightCommand(district, luminaire),
            ["down", "cfg"] => Self::LightProgramme(district, luminaire),
            ["up", "fw"] => Self::LightFirmware(district, luminaire),
            ["down", "fw"] => Self::LightFirmwareOrder(district, luminaire),
            ["alarms"] => Self::LightAlarms(district, luminaire),
            _ => return None,
        })
    }

    fn of_cabinet(district: DistrictId, cabinet: CabinetId, rest: &[&str]) -> Option<Self> {
        Some(match rest {
            ["up", "state"] => Self::CabinetState(district, cabinet),
            ["up", "tele"] => Self::CabinetTelemetry(district, cabinet),
            ["up", "ack"] => Self::CabinetAck(district, cabinet),
            ["status"] => Self::CabinetStatus(district, cabinet),
            ["down", "cmd"] => Self::CabinetCommand(district, cabinet),
            _ => return None,
        })
    }
}

fn parse_shard(text: &str) -> Option<u8> {
    let digits = text.strip_prefix('s').filter(|digits| digits.len() == 2)?;
    u8::from_str_radix(digits, 16).ok().filter(|&shard| format!("{shard:02x}") == digits)
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LightState(district, luminaire) => write!(f, "light/{district}/{luminaire}/up/state"),
            Self::LightTelemetry(district, luminaire) => write!(f, "light/{district}/{luminaire}/up/tele"),
            Self::LightAck(district, luminaire) => write!(f, "light/{district}/{luminaire}/up/ack"),
            Self::LightStatus(district, luminaire) => write!(f, "light/{district}/{luminaire}/status"),
            Self::LightCommand(district, luminaire) => write!(f, "light/{district}/{luminaire}/down/cmd"),
            Self::LightProgramme(district, luminaire) => write!(f, "light/{district}/{luminaire}/down/cfg"),
            Self::LightFirmware(district, luminaire) => write!(f, "light/{district}/{luminaire}/up/fw"),
            Self::LightFirmwareOrder(district, luminaire) => {
                write!(f, "light/{district}/{luminaire}/down/fw")
            }
            Self::LightAlarms(district, luminaire) => write!(f, "light/{district}/{luminaire}/alarms"),
            Self::CabinetState(district, cabinet) => write!(f, "light/{district}/{cabinet}/up/state"),
            Self::CabinetTelemetry(district, cabinet) => write!(f, "light/{district}/{cabinet}/up/tele"),
            Self::CabinetAck(district, cabinet) => write!(f, "light/{district}/{cabinet}/up/ack"),
            Self::CabinetStatus(district, cabinet) => write!(f, "light/{district}/{cabinet}/status"),
            Self::CabinetCommand(district, cabinet) => write!(f, "light/{district}/{cabinet}/down/cmd"),
            Self::Event { service, aggregate, shard, event } => {
                write!(f, "evt/{service}/{aggregate}/s{shard:02x}/{event}")
            }
            Self::Request { service, shard, method } => write!(f, "rpc/{service}/s{shard:02x}/{method}"),
            Self::Reply(path) => write!(f, "rsp/{path}"),
            Self::EidKeys => f.write_str("eid/keys"),
            Self::EidConsent(resident) => write!(f, "eid/consent/{resident}"),
            Self::EidKiosk(reader) => write!(f, "eid/kiosk/{reader}/state"),
            Self::Clock => f.write_str("sim/clock"),
            Self::Presence => f.write_str("sim/presence"),
            Self::Fault(district, luminaire) => write!(f, "sim/fault/{district}/{luminaire}"),
            Self::CabinetEvent(district, cabinet) => write!(f, "sim/fault/{district}/{cabinet}"),
            Self::DeadLetter(consumer) => write!(f, "dlq/{consumer}"),
        }
    }
}

/// Whether `filter` (with `+` and `#`) matches `topic`, as MQTT 5.0, 4.7 has it.
pub fn filter_matches(filter: &str, topic: &str) -> bool {
    let mut filter_levels = filter.split('/');
    let mut topic_levels = topic.split('/');
    loop {
        match (filter_levels.next(), topic_levels.next()) {
            (Some("#"), _) => return true,
            (Some("+"), Some(_)) => {}
            (Some(wanted), Some(level)) if wanted == level => {}
            (None, None) => return true,
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_outside_the_table_are_not_read() {
        for text in [
            "",
            "light",
            "light/kuiwen/l-1/up/state",
            "light/kuiwen/l-0001/up/stat",
            "light/kuiwen/l-0001/up/state/x",
            "light/kuiwen/c-0001/down/cfg",
            "light/kuiwen/c-0001/alarms",
            "light/kuiwen/r-0001/up/state",
            "sim/fault/kuiwen/h-0001",
            "evt/eid/resident/s1/issued",
            "evt/eid/resident/sFF/issued",
            "rpc/eid/s00",
            "rsp/",
            "sim/clock/",
            "eid/consent/l-0001",
            "eid/kiosk/bus",
            "eid/kiosk/Bus/state",
            "eid/kiosk/bus/state/x",
            "dlq/",
        ] {
            let read = Topic::parse(text);
            assert!(read.is_none() || text == "rsp/", "{text}: {read:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for text in [
            "light/kuiwen/l-0001/up/state",
            "light/kuiwen/l-0001/up/tele",
            "light/kuiwen/l-0001/up/ack",
            "light/kuiwen/l-0001/status",
            "light/kuiwen/l-0001/down/cmd",
            "light/kuiwen/l-0001/down/cfg",
            "light/kuiwen/l-0001/up/fw",
            "light/kuiwen/l-0001/down/fw",
            "light/kuiwen/l-0001/alarms",
            "light/kuiwen/c-0001/up/state",
            "light/kuiwen/c-0001/up/tele",
            "light/kuiwen/c-0001/up/ack",
            "light/kuiwen/c-0001/status",
            "light/kuiwen/c-0001/down/cmd",
            "sim/fault/kuiwen/c-0001",
            "evt/medpay/bill/s0f/settled",
            "rpc/verifier/s00/verify",
            "rsp/svc-payer/x/y",
            "eid/keys",
            "eid/consent/r-0042",
            "eid/kiosk/school-gate/state",
            "sim/clock",
            "sim/presence",
            "sim/fault/kuiwen/l-0001",
            "dlq/lighting",
        ] {
            assert_eq!(Topic::parse(text).map(|topic| topic.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn filters_match_as_mqtt_says() {
        assert!(filter_matches("light/+/+/up/state", "light/kuiwen/l-0001/up/state"));
        assert!(filter_matches("light/#", "light"));
        assert!(!filter_matches("light/+", "light"));
        assert!(!filter_matches("light/+", "light/a/b"));
        assert!(!filter_matches("a/b", "a"));
    }
}
