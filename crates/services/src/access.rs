//! Who may publish and subscribe what. Deny by default; one table, and the broker asks it.

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use types::{LuminaireId, RunId};
use wire::{Directory, RoleName, filter_matches, prefix};

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

    /// As 64 hex digits, to be kept.
    pub(crate) fn to_hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The opposite; `None` if it is not 64 hex digits.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
        }
        Some(Self(bytes))
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

/// Who a client is, by its user name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal {
    /// A luminaire: user name and client id are its id.
    Device(LuminaireId),
    /// A service: `svc-` and its role.
    Service(RoleName),
    /// The person who runs the city: `operator`.
    Operator,
    /// Someone who looks on: `viewer`.
    Viewer,
}

impl Principal {
    /// The client of this user name, if there is such a user.
    pub fn of(username: &str) -> Option<Self> {
        match username {
            "operator" => Some(Self::Operator),
            "viewer" => Some(Self::Viewer),
            _ => match username.strip_prefix("svc-") {
                Some(role) => role.parse().ok().map(Self::Service),
                None => username.parse().ok().map(Self::Device),
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
use RoleName::{Clinic, Clock, Console, Fleet, Issuer, Lighting, Payer, Residents, Scenario, Verifier};

/// What a service may do beside what all may, below `kitecity/v1/{run}/`.
pub const SERVICE_RULES: &[(RoleName, Action, &str)] = &[
    (Lighting, Publish, "light/+/+/down/+"),
    (Lighting, Publish, "evt/lighting/#"),
    (Lighting, Subscribe, "light/#"),
    (Fleet, Publish, "light/+/+/up/+"),
    (Fleet, Publish, "light/+/+/status"),
    (Fleet, Subscribe, "light/+/+/down/+"),
    (Issuer, Publish, "eid/keys"),
    (Issuer, Publish, "evt/eid/#"),
    (Verifier, Publish, "evt/eid/#"),
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
    (Console, Publish, "sim/fault/+/+"),
    (Console, Subscribe, "#"),
];

/// The rules of one run.
#[derive(Clone, Debug)]
pub struct Rules {
    prefix: String,
    directory: Arc<Directory>,
}

impl Rules {
    /// The rules of `run`; `directory` tells in which district each luminaire stands.
    pub fn new(run: RunId, directory: Arc<Directory>) -> Self {
        Self { prefix: prefix(run), directory }
    }

    /// Whether this client may be who it says: a device's client id is its id, a service's begins with its name.
    pub fn may_connect(&self, who: Principal, username: &str, client_id: &str) -> bool {
        match who {
            Principal::Device(id) => client_id == username && self.directory.contains_key(&id),
            Principal::Service(_) => client_id == username || client_id.starts_with(&format!("{username}-")),
            Principal::Operator | Principal::Viewer => {
                Principal::of(client_id).is_none_or(|other| other == who)
            }
        }
    }

    /// Whether this client may publish on `topic`.
    pub fn may_publish(&self, who: Principal, topic: &str) -> bool {
        let Some(topic) = topic.strip_prefix(&self.prefix) else { return false };
        match who {
            Principal::Device(id) => self.device_home(id).is_some_and(|home| {
                topic.strip_prefix(&home).is_some_and(|rest| rest == "status" || filter_matches("up/+", rest))
            }),
            Principal::Service(role) => {
                self.allowed(role, Publish, role.as_str()).any(|rule| covers(&rule, topic))
            }
            Principal::Operator => !matches!(topic, "sim/clock" | "eid/keys"),
            Principal::Viewer => false,
        }
    }

    /// Whether this client may leave a will on `topic`. The broker delivers wills unasked, so they are checked here.
    pub fn may_will(&self, who: Principal, topic: &str) -> bool {
        let own_status = |id| Some(format!("{}{}status", self.prefix, self.device_home(id)?));
        match who {
            Principal::Device(id) => own_status(id).is_some_and(|own| own == topic),
            _ => self.may_publish(who, topic),
        }
    }

    /// Whether this client may subscribe to `filter`, without `$share/…/`; `shared` says that it had that.
    ///
    /// Only services and the operator share: a lookout that joined a service's group would take messages from it.
    pub fn may_subscribe(&self, who: Principal, client_id: &str, filter: &str, shared: bool) -> bool {
        if who == Principal::Operator && covers("kitecity/#", filter) {
            return true;
        }
        let Some(filter) = filter.strip_prefix(&self.prefix) else { return false };
        match who {
            Principal::Device(id) => {
                let home = self.device_home(id);
                !shared && home.is_some_and(|home| covers(&format!("{home}down/+"), filter))
            }
            Principal::Service(role) => {
                self.allowed(role, Subscribe, client_id).any(|rule| covers(&rule, filter))
            }
            Principal::Operator => true,
            Principal::Viewer => {
                let seen = ["light/+/+/up/state", "light/+/+/status", "sim/#"];
                !shared && seen.iter().any(|rule| covers(rule, filter))
            }
        }
    }

    /// `light/{district}/{id}/`
    fn device_home(&self, id: LuminaireId) -> Option<String> {
        Some(format!("light/{}/{id}/", self.directory.get(&id)?))
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
mod tests {
    use super::*;

    fn rules() -> Rules {
        let directory = Directory::from([
            (LuminaireId(1), "kuiwen".parse().unwrap()),
            (LuminaireId(2), "kuiwen".parse().unwrap()),
        ]);
        Rules::new("demo".parse().unwrap(), Arc::new(directory))
    }

    fn at(topic: &str) -> String {
        format!("kitecity/v1/demo/{topic}")
    }

    #[test]
    fn a_device_is_kept_to_its_own_topics() {
        let (rules, me) = (rules(), Principal::Device(LuminaireId(1)));
        for topic in [
            "light/kuiwen/l-0002/up/state",
            "light/hanting/l-0001/up/state",
            "light/kuiwen/l-0001/down/cmd",
            "light/kuiwen/l-0001/up/state/x",
            "sim/clock",
            "rpc/lighting/s00/dim",
            "evt/lighting/alarm/s00/raised",
        ] {
            assert!(!rules.may_publish(me, &at(topic)), "{topic}");
            assert!(!rules.may_will(me, &at(topic)), "{topic}");
        }
        assert!(!rules.may_publish(me, "kitecity/v1/other/light/kuiwen/l-0001/up/state"));
        assert!(!rules.may_will(me, &at("light/kuiwen/l-0001/up/state")));
        for filter in [
            "light/kuiwen/+/down/cmd",
            "light/kuiwen/l-0001/#",
            "light/kuiwen/l-0001/up/state",
            "#",
            "light/#",
            "light/kuiwen/l-0002/down/+",
            "+/kuiwen/l-0001/down/cmd",
        ] {
            assert!(!rules.may_subscribe(me, "l-0001", &at(filter), false), "{filter}");
        }
        assert!(!rules.may_subscribe(me, "l-0001", &at("light/kuiwen/l-0001/down/+"), true));
        assert!(!rules.may_subscribe(me, "l-0001", "#", false));
        assert!(!rules.may_connect(me, "l-0001", "l-0002"));
        assert!(!rules.may_connect(Principal::Device(LuminaireId(9)), "l-0009", "l-0009"));

        assert!(rules.may_connect(me, "l-0001", "l-0001"));
        assert!(rules.may_publish(me, &at("light/kuiwen/l-0001/up/state")));
        assert!(rules.may_will(me, &at("light/kuiwen/l-0001/status")));
        assert!(rules.may_subscribe(me, "l-0001", &at("light/kuiwen/l-0001/down/+"), false));
        assert!(rules.may_subscribe(me, "l-0001", &at("light/kuiwen/l-0001/down/cmd"), false));
    }

    #[test]
    fn only_the_issuer_publishes_keys_and_only_the_clock_the_time() {
        let rules = rules();
        for role in RoleName::ALL {
            let who = Principal::Service(role);
            assert_eq!(rules.may_publish(who, &at("eid/keys")), role == Issuer, "{role}");
            assert_eq!(rules.may_publish(who, &at("sim/clock")), role == Clock, "{role}");
        }
        for topic in ["eid/keys", "sim/clock"] {
            assert!(!rules.may_publish(Principal::Operator, &at(topic)));
        }
    }

    #[test]
    fn a_service_reads_only_its_own_questions_and_answers() {
        let (rules, payer) = (rules(), Principal::Service(Payer));
        for filter in ["rpc/verifier/#", "rpc/#", "rsp/#", "rsp/svc-clinic/#", "light/#", "#"] {
            assert!(!rules.may_subscribe(payer, "svc-payer", &at(filter), false), "{filter}");
        }
        assert!(rules.may_subscribe(payer, "svc-payer", &at("rpc/payer/#"), true));
        assert!(rules.may_subscribe(payer, "svc-payer", &at("rsp/svc-payer/#"), false));
    }

    #[test]
    fn a_viewer_publishes_nothing_and_sees_no_questions() {
        let rules = rules();
        assert!(!rules.may_publish(Principal::Viewer, &at("light/kuiwen/l-0001/down/cmd")));
        for filter in ["kitecity/#", "light/#", "rpc/#"] {
            assert!(!rules.may_subscribe(Principal::Viewer, "x", &at(filter), false), "{filter}");
        }
        assert!(!rules.may_subscribe(Principal::Viewer, "x", &at("light/+/+/up/state"), true));
        assert!(rules.may_subscribe(Principal::Viewer, "x", &at("light/+/+/up/state"), false));
        assert!(rules.may_subscribe(Principal::Operator, "x", "kitecity/#", false));
        assert!(!rules.may_subscribe(Principal::Operator, "x", "#", false));
        assert!(!rules.may_subscribe(Principal::Operator, "x", "$SYS/#", false));
    }

    #[test]
    fn a_wrong_password_is_not_admitted() {
        let secret = Secret::from_words("kite");
        let good = secret.password_for("l-0001");
        for bad in ["", "x", &good[1..], &secret.password_for("l-0002"), &format!("{good}0")] {
            assert!(!secret.admits("l-0001", bad.as_bytes()), "{bad}");
        }
        assert!(secret.admits("l-0001", good.as_bytes()));
    }

    #[test]
    fn each_topic_has_its_publishers_and_no_others() {
        let rules = rules();
        let check = |topic: &str, allowed: &[RoleName]| {
            let publishers: Vec<RoleName> = RoleName::ALL
                .into_iter()
                .filter(|role| rules.may_publish(Principal::Service(*role), &at(topic)))
                .collect();
            assert_eq!(publishers.len(), allowed.len(), "{topic}: {publishers:?}");
            assert!(allowed.iter().all(|role| publishers.contains(role)), "{topic}: {publishers:?}");
        };
        check("light/kuiwen/l-0001/down", &[]);
        check("light/kuiwen/l-0001/up/state/x", &[]);
        check("dlq", &[]);
        check("rpc/payer/s00", &[]);
        check("light/kuiwen/l-0001/up/state", &[Fleet]);
        check("light/kuiwen/l-0001/status", &[Fleet]);
        check("light/kuiwen/l-0001/down/cmd", &[Lighting, Scenario]);
        check("evt/lighting/l-0001/s00/alarm", &[Lighting]);
        check("evt/eid/x/s00/issued", &[Issuer, Verifier]);
        check("evt/medpay/x/s00/settled", &[Payer, Clinic]);
        check("evt/city/x/s00/walked", &[Residents]);
        check("sim/presence", &[Residents]);
        check("sim/fault/kuiwen/l-0001", &[Scenario, Console]);
        check("dlq/payer", &[Payer]);
        check("rpc/payer/s00/adjudicate", &RoleName::ALL);
        check("rsp/svc-payer/x", &RoleName::ALL);
    }

    #[test]
    fn a_wider_filter_is_not_covered() {
        for (rule, filter) in [
            ("a/+", "a/#"),
            ("a/b", "a/+"),
            ("a/+/c", "a/#"),
            ("a/+/c", "a/+/+"),
            ("a/b/#", "a/#"),
            ("a/b/#", "a/+/c"),
            ("a/b", "a"),
            ("a", "a/b"),
            ("a/#", "#"),
            ("a/#", "+/b"),
            ("a/#", "$SYS/#"),
        ] {
            assert!(!covers(rule, filter), "{rule} {filter}");
        }
        for (rule, filter) in
            [("a/#", "a"), ("a/#", "a/+/c/#"), ("a/+", "a/b"), ("a/+", "a/+"), ("a/+/c", "a/+/c")]
        {
            assert!(covers(rule, filter), "{rule} {filter}");
        }
    }

    #[test]
    fn an_unknown_user_is_nobody() {
        for username in ["", "svc-", "svc-root", "l-1", "admin", "operator "] {
            assert_eq!(Principal::of(username), None, "{username}");
        }
    }
}
