//! `$oc/devices/{device_id}/…`: who sends what where.

use crate::filter_matches;

/// What every topic of a device begins with.
const PREFIX: &str = "$oc/devices/";

/// Where devices publish, as filters over all devices; the last two are the platform's own words on who is connected,
/// and who was not let in.
pub const UP_FILTERS: [&str; 10] = [
    "$oc/devices/+/sys/properties/report",
    "$oc/devices/+/sys/gateway/sub_devices/properties/report",
    "$oc/devices/+/sys/commands/response/+",
    "$oc/devices/+/sys/properties/set/response/+",
    "$oc/devices/+/sys/properties/get/response/+",
    "$oc/devices/+/sys/shadow/get/+",
    "$oc/devices/+/sys/messages/up",
    "$oc/devices/+/sys/events/up",
    STATUS_FILTER,
    REFUSED_FILTER,
];
const STATUS_FILTER: &str = "$oc/devices/+/sys/status";
const REFUSED_FILTER: &str = "$oc/devices/+/sys/logins/refused";

/// Where the platform publishes to a device, below its own level.
const DOWN: [&str; 6] = [
    "sys/commands/+",
    "sys/properties/set/+",
    "sys/properties/get/+",
    "sys/shadow/get/response/+",
    "sys/messages/down",
    "sys/events/down",
];

/// Where a device publishes; requests by their id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum UpTopic {
    Report,
    GatewayReport,
    CommandResponse(String),
    SetResponse(String),
    GetResponse(String),
    ShadowGet(String),
    Message,
    Events,
    Status,
    Refused,
}

impl UpTopic {
    /// Below the device's own level.
    pub(super) fn path(&self) -> String {
        let request = |prefix: &str, id: &str| format!("sys/{prefix}/request_id={id}");
        match self {
            Self::Report => "sys/properties/report".to_owned(),
            Self::GatewayReport => "sys/gateway/sub_devices/properties/report".to_owned(),
            Self::CommandResponse(id) => request("commands/response", id),
            Self::SetResponse(id) => request("properties/set/response", id),
            Self::GetResponse(id) => request("properties/get/response", id),
            Self::ShadowGet(id) => request("shadow/get", id),
            Self::Message => "sys/messages/up".to_owned(),
            Self::Events => "sys/events/up".to_owned(),
            Self::Status => "sys/status".to_owned(),
            Self::Refused => "sys/logins/refused".to_owned(),
        }
    }
}

/// Where the platform publishes; requests by their id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DownTopic {
    Command(String),
    Set(String),
    Get(String),
    Shadow(String),
    Message,
    Events,
}

impl DownTopic {
    /// Below the device's own level.
    pub(super) fn path(&self) -> String {
        let request = |prefix: &str, id: &str| format!("sys/{prefix}/request_id={id}");
        match self {
            Self::Command(id) => request("commands", id),
            Self::Set(id) => request("properties/set", id),
            Self::Get(id) => request("properties/get", id),
            Self::Shadow(id) => request("shadow/get/response", id),
            Self::Message => "sys/messages/down".to_owned(),
            Self::Events => "sys/events/down".to_owned(),
        }
    }
}

/// Splits a topic into the device and what stands behind it.
pub fn device_of(topic: &str) -> Option<(&str, &str)> {
    topic.strip_prefix(PREFIX)?.split_once('/').filter(|(device, _)| !device.is_empty())
}

/// Reads a topic that devices publish on.
pub(super) fn parse_up(topic: &str) -> Option<(&str, UpTopic)> {
    let (device, rest) = device_of(topic)?;
    let request = |prefix: &str| request_of(rest, prefix);
    let topic = match rest {
        "sys/properties/report" => UpTopic::Report,
        "sys/gateway/sub_devices/properties/report" => UpTopic::GatewayReport,
        "sys/messages/up" => UpTopic::Message,
        "sys/events/up" => UpTopic::Events,
        "sys/status" => UpTopic::Status,
        "sys/logins/refused" => UpTopic::Refused,
        _ => request("sys/commands/response/")
            .map(UpTopic::CommandResponse)
            .or_else(|| request("sys/properties/set/response/").map(UpTopic::SetResponse))
            .or_else(|| request("sys/properties/get/response/").map(UpTopic::GetResponse))
            .or_else(|| request("sys/shadow/get/").map(UpTopic::ShadowGet))?,
    };
    Some((device, topic))
}

/// Reads a topic that the platform publishes on.
pub(super) fn parse_down(topic: &str) -> Option<(&str, DownTopic)> {
    let (device, rest) = device_of(topic)?;
    let request = |prefix: &str| request_of(rest, prefix);
    let topic = match rest {
        "sys/messages/down" => DownTopic::Message,
        "sys/events/down" => DownTopic::Events,
        _ => request("sys/commands/")
            .map(DownTopic::Command)
            .or_else(|| request("sys/properties/set/").map(DownTopic::Set))
            .or_else(|| request("sys/properties/get/").map(DownTopic::Get))
            .or_else(|| request("sys/shadow/get/response/").map(DownTopic::Shadow))?,
    };
    Some((device, topic))
}

fn request_of(rest: &str, prefix: &str) -> Option<String> {
    Some(rest.strip_prefix(prefix)?.strip_prefix("request_id=")?.to_owned())
}

/// The topic of a device.
pub(super) fn of(device: &str, rest: &str) -> String {
    format!("{PREFIX}{device}/{rest}")
}

/// What a device hears without asking for it: official device libraries never subscribe to system topics.
pub fn down_filters(device: &str) -> Vec<String> {
    DOWN.iter().map(|rest| of(device, rest)).collect()
}

/// What a subscription of a device becomes: the one of [`down_filters`] that stands for it, or itself if it is one of
/// the device's own `user/…` topics. `None` = nothing of its own.
///
/// A broker delivers a message once for each subscription that matches. So that a device which subscribes in its own
/// words hears everything once all the same, its words become those of the subscription it has already.
pub fn canonical_filter(device: &str, filter: &str) -> Option<String> {
    let rest = filter.strip_prefix(PREFIX)?.strip_prefix(device)?.strip_prefix('/')?;
    if rest.starts_with("user/") {
        return Some(filter.to_owned());
    }
    DOWN.iter().find(|down| filter_matches(down, rest) || overlap(down, rest)).map(|down| of(device, down))
}

/// Whether some topic matches both filters.
fn overlap(a: &str, b: &str) -> bool {
    let (mut a, mut b) = (a.split('/'), b.split('/'));
    loop {
        match (a.next(), b.next()) {
            (Some("#"), _) | (_, Some("#")) | (None, None) => return true,
            (Some(a), Some(b)) if a == b || a == "+" || b == "+" => {}
            _ => return false,
        }
    }
}

/// Whether a device may publish here, below its own level.
pub(crate) fn may_be_published_by_device(topic: &str) -> bool {
    let up = UP_FILTERS.iter().filter(|filter| ![STATUS_FILTER, REFUSED_FILTER].contains(*filter));
    up.clone().any(|filter| filter_matches(filter, topic))
        || device_of(topic).is_some_and(|(_, rest)| rest.starts_with("user/"))
}

/// Whether the platform may publish here.
pub fn may_be_published_by_platform(topic: &str) -> bool {
    device_of(topic).is_some_and(|(_, rest)| DOWN.iter().any(|down| filter_matches(down, rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_topic_of_a_device_is_not_read() {
        for topic in [
            "",
            "$oc/devices/",
            "$oc/devices//sys/properties/report",
            "$oc/devices/p_1/sys/properties",
            "$oc/devices/p_1/sys/commands/request_id=1",
            "$oc/devices/p_1/sys/commands/response/1",
            "kitecity/v1/demo/sim/clock",
        ] {
            assert_eq!(parse_up(topic), None, "{topic}");
        }
        let topic = "$oc/devices/p_1/sys/commands/response/request_id=a b=c";
        assert_eq!(parse_up(topic), Some(("p_1", UpTopic::CommandResponse("a b=c".to_owned()))));
    }

    #[test]
    fn a_subscription_becomes_the_one_that_is_there_already() {
        let check = |filter: &str, expected: Option<&str>| {
            let expected = expected.map(|rest| format!("$oc/devices/p_1/{rest}"));
            assert_eq!(canonical_filter("p_1", filter), expected, "{filter}");
        };
        check("#", None);
        check("$oc/devices/+/sys/commands/#", None);
        check("$oc/devices/p_2/sys/commands/#", None);
        check("$oc/devices/p_1x/sys/commands/#", None);
        check("$oc/devices/p_1/sys/properties/report", None);
        check("$oc/devices/p_1/sys/status", None);
        check("$oc/devices/p_1/sys/commands/#", Some("sys/commands/+"));
        check("$oc/devices/p_1/sys/commands/+", Some("sys/commands/+"));
        check("$oc/devices/p_1/sys/commands/request_id=7", Some("sys/commands/+"));
        check("$oc/devices/p_1/sys/properties/get/#", Some("sys/properties/get/+"));
        check("$oc/devices/p_1/sys/#", Some("sys/commands/+"));
        check("$oc/devices/p_1/user/any", Some("user/any"));
    }

    #[test]
    fn a_device_does_not_speak_for_the_platform() {
        for rest in [
            "sys/commands/request_id=1",
            "sys/events/down",
            "sys/status",
            "sys/logins/refused",
            "sys/x",
            "sys/shadow/get",
        ] {
            assert!(!may_be_published_by_device(&of("p_1", rest)), "{rest}");
        }
        assert!(may_be_published_by_device(&of("p_1", "sys/shadow/get/request_id=1")));
        assert!(may_be_published_by_device(&of("p_1", "user/any")));
        assert!(!may_be_published_by_platform(&of("p_1", "sys/events/up")));
        assert!(may_be_published_by_platform(&of("p_1", "sys/events/down")));
    }
}
