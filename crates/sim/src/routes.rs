//! Who listens to what, worked out once.

use types::{CabinetId, LuminaireId, ReplyTo, ResidentId};
use wire::{Light, Message, RoleName, Segment, Topic, filter_matches};

/// For each kind of message the roles that listen to it, as a set of places in [`RoleName::ALL`].
///
/// Filters are matched once, against one topic of each kind: roles tell messages apart by kind and service, and none
/// asks for one district or luminaire only (a test holds every message of a day to its topic).
#[derive(Debug)]
pub(crate) struct Routes {
    kinds: [Listeners; KINDS],
    requests: [Listeners; RoleName::ALL.len()],
    /// By client id, for answers.
    clients: Vec<(String, Listeners)>,
}

/// Roles, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listeners(u16);

const KINDS: usize = 23;

impl Routes {
    /// The routes to roles with these filters.
    pub(crate) fn new<'a>(roles: impl Iterator<Item = (RoleName, Vec<&'a str>)>) -> Self {
        let roles: Vec<(RoleName, Vec<&str>)> = roles.collect();
        let listeners = |topic: &str| {
            let listens = |filters: &[&str]| filters.iter().any(|filter| filter_matches(filter, topic));
            let set = roles.iter().filter(|(_, filters)| listens(filters));
            Listeners(set.fold(0, |set, (role, _)| set | 1 << *role as u16))
        };
        Self {
            kinds: topics().map(|topic| listeners(&topic)),
            requests: RoleName::ALL.map(|role| listeners(&format!("rpc/{role}/s00/x"))),
            clients: roles.iter().map(|(role, _)| (role.client_id(), Listeners(1 << *role as u16))).collect(),
        }
    }

    /// The roles that listen to `message`.
    pub(crate) fn of(&self, message: &Message) -> Listeners {
        match message {
            Message::Request(request) => self.requests[request.body.service() as usize],
            Message::Reply(reply) => self.caller(&reply.to),
            Message::Light { body, .. } => self.of_light(body),
            Message::Event(_) => self.kinds[6],
            Message::EidKeys(_) => self.kinds[7],
            Message::Clock(_) => self.kinds[8],
            Message::Presence(_) => self.kinds[9],
            Message::Fault { .. } => self.kinds[10],
            Message::DeadLetter { .. } => self.kinds[11],
            Message::Cabinet { body, .. } => self.kinds[segment_kind(body)],
            Message::CabinetEvent { .. } => self.kinds[17],
            Message::EidConsent(_) => self.kinds[20],
            Message::EidKiosk { .. } => self.kinds[22],
        }
    }

    /// The same for a message of a luminaire.
    pub(crate) fn of_light(&self, body: &Light) -> Listeners {
        self.kinds[light_kind(body)]
    }

    fn caller(&self, to: &ReplyTo) -> Listeners {
        let client = to.path.split('/').next().unwrap_or_default();
        self.clients.iter().find(|(id, _)| id == client).map_or(Listeners::default(), |(_, set)| *set)
    }
}

impl Listeners {
    pub(crate) fn contains(self, role: RoleName) -> bool {
        self.0 & 1 << role as u16 != 0
    }
}

impl Iterator for Listeners {
    type Item = RoleName;

    fn next(&mut self) -> Option<RoleName> {
        let role = *RoleName::ALL.get(self.0.trailing_zeros() as usize)?;
        self.0 &= self.0 - 1;
        Some(role)
    }
}

fn light_kind(body: &Light) -> usize {
    match body {
        Light::State(_) => 0,
        Light::Telemetry(_) => 1,
        Light::Ack(_) => 2,
        Light::Online(_) => 3,
        Light::Command(_) => 4,
        Light::Programme(_) => 5,
        Light::Firmware(_) => 18,
        Light::FirmwareOrder(_) => 19,
        Light::Alarms(_) => 21,
    }
}

fn segment_kind(body: &Segment) -> usize {
    match body {
        Segment::State(_) => 12,
        Segment::Telemetry(_) => 13,
        Segment::Ack(_) => 14,
        Segment::Online(_) => 15,
        Segment::Command(_) => 16,
    }
}

/// One topic of each kind, in the order of `Routes::of`.
fn topics() -> [String; KINDS] {
    let (district, luminaire, cabinet) = ("x".parse().expect("a slug"), LuminaireId(0), CabinetId(0));
    let slug = || "x".parse().expect("a slug");
    [
        Topic::LightState(district, luminaire),
        Topic::LightTelemetry(district, luminaire),
        Topic::LightAck(district, luminaire),
        Topic::LightStatus(district, luminaire),
        Topic::LightCommand(district, luminaire),
        Topic::LightProgramme(district, luminaire),
        Topic::Event { service: slug(), aggregate: slug(), shard: 0, event: slug() },
        Topic::EidKeys,
        Topic::Clock,
        Topic::Presence,
        Topic::Fault(district, luminaire),
        Topic::DeadLetter(slug()),
        Topic::CabinetState(district, cabinet),
        Topic::CabinetTelemetry(district, cabinet),
        Topic::CabinetAck(district, cabinet),
        Topic::CabinetStatus(district, cabinet),
        Topic::CabinetCommand(district, cabinet),
        Topic::CabinetEvent(district, cabinet),
        Topic::LightFirmware(district, luminaire),
        Topic::LightFirmwareOrder(district, luminaire),
        Topic::EidConsent(ResidentId(0)),
        Topic::LightAlarms(district, luminaire),
        Topic::EidKiosk("x".parse().expect("a slug")),
    ]
    .map(|topic| topic.to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use city::CitySpec;
    use scenario::{Cast, CastSpec, Observer, Order};
    use types::{HOUR_MS, RunId, Seed, Timestamp};
    use wire::{encode, prefix};

    use crate::Sim;

    use super::*;

    /// Holds every message to its topic.
    struct Check {
        run: RunId,
        routes: Arc<Routes>,
        roles: Vec<(RoleName, Vec<String>)>,
        matched: u64,
    }

    impl Observer for Check {
        fn observe(&mut self, _: Timestamp, message: &Message) {
            let topic = encode(self.run, message).topic;
            let topic = topic.strip_prefix(&prefix(self.run)).unwrap();
            for (role, filters) in &self.roles {
                let expected = filters.iter().any(|filter| filter_matches(filter, topic));
                assert_eq!(self.routes.of(message).contains(*role), expected, "{role} and {topic}");
                self.matched += u64::from(expected);
            }
        }

        fn wakes_at(&self) -> Option<Timestamp> {
            None
        }

        fn wake(&mut self, _: Timestamp, _: &mut Vec<Order>) {}
    }

    #[test]
    fn who_hears_a_message_is_who_asks_for_its_topic() {
        let city = CitySpec { seed: Seed(7), luminaires: 50, residents: 50, clinics: 2 };
        let policy = toml::from_str(include_str!("../../../config/policies/demo.toml")).unwrap();
        let cast = Cast::new(CastSpec::new(city, 2026, policy)).unwrap();
        let start = cast.astro().sunset(20_561);
        let run = "sim".parse().unwrap();
        let mut sim = Sim::new(&cast, run, start).unwrap();
        let roles = sim.services.iter().flatten().map(|service| {
            let (name, filters) = (service.role.name(), service.role.filters());
            let answers = format!("rsp/{}/#", name.client_id());
            (name, filters.into_iter().map(str::to_owned).chain([answers]).collect())
        });
        let mut check = Check { run, routes: sim.routes.clone(), roles: roles.collect(), matched: 0 };
        sim.run_until(start.plus_millis(3 * HOUR_MS), &mut check);
        assert!(check.matched > 1_000);
    }
}
