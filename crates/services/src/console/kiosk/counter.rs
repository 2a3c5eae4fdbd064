//! What a kiosk can tell by itself, when it has no network.

use eid::{KeySet, KioskState, RefusalReason, Verdict, Verifier, VerifyRequest, verifier};
use serde::Serialize;
use types::{Core, ReplyTo, Timestamp};

/// What a kiosk here runs.
const SOFTWARE: &str = concat!("kitecity ", env!("CARGO_PKG_VERSION"));

/// A verifier of the kiosk's own, with the keys that came last.
///
/// It remembers what the kiosk accepted, with a network or without: a code that was good here once is not good again
/// when the plug is pulled, nor when it is back.
#[derive(Debug)]
pub(crate) struct Counter {
    verifier: Verifier,
    offline: bool,
    /// Keys that were published while there was no network.
    missed: Option<KeySet>,
    /// How many codes it judged: each showing is a request of its own.
    judged: u64,
}

/// How much a counter knows, and how old that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Knowledge {
    /// Whether it has no network.
    pub(crate) offline: bool,
    /// The version of the keys; `None` without any.
    pub(crate) version: Option<u32>,
    /// Their age \[s\].
    pub(crate) keys_age_s: Option<i64>,
    /// The age of the list of revoked cards \[s\]; `None` without one.
    pub(crate) status_age_s: Option<i64>,
    /// Accepted codes that it remembers.
    pub(crate) remembered: usize,
}

impl Counter {
    pub(crate) fn new(verifier: Verifier) -> Self {
        Self { verifier, offline: false, missed: None, judged: 0 }
    }

    pub(crate) fn is_offline(&self) -> bool {
        self.offline
    }

    /// The issuer published keys. Without a network they are not heard until it is back.
    pub(crate) fn hear(&mut self, now: Timestamp, keys: &KeySet) {
        if self.offline {
            self.missed = Some(keys.clone());
        } else if let Err(error) = self.verifier.adopt(now, keys) {
            tracing::warn!(%error, "the kiosk cannot use the issuer's keys");
        }
    }

    /// Pulls the plug, or puts it back.
    pub(crate) fn set_offline(&mut self, now: Timestamp, offline: bool) {
        self.offline = offline;
        if !offline && let Some(keys) = self.missed.take() {
            self.hear(now, &keys);
        }
    }

    /// Judges a code, and remembers it if it is good.
    pub(crate) fn judge(&mut self, now: Timestamp, request: VerifyRequest) -> Verdict {
        self.judged += 1;
        let from = ReplyTo { path: "kiosk".into(), correlation: self.judged.to_be_bytes().into() };
        let mut out = Vec::new();
        self.verifier.handle(now, verifier::Input::Verify { from, request }, &mut out);
        let verdict = out.into_iter().find_map(|output| match output {
            verifier::Output::Verdict { verdict, .. } => Some(verdict),
            _ => None,
        });
        verdict.expect("a verifier answers every request at once")
    }

    /// What the city's verifier said, unless the code was good here before while nobody could be asked.
    pub(crate) fn confirm(&mut self, now: Timestamp, request: VerifyRequest, verdict: Verdict) -> Verdict {
        if let Verdict::Refused(_) = verdict {
            return verdict;
        }
        match self.judge(now, request) {
            Verdict::Refused(own) if own.reason == RefusalReason::TokenReplayed => Verdict::Refused(own),
            // For anything else, such as keys that have not come yet, the city's verifier knows better.
            _ => verdict,
        }
    }

    /// What operators are told. It hands no verdicts on that it gave without a network.
    pub(crate) fn state(&self) -> KioskState {
        if self.offline {
            return KioskState::Offline;
        }
        KioskState::Online {
            software: SOFTWARE.to_owned().try_into().expect("a name"),
            keys_issued: self.verifier.keys_issued(),
            status_issued: self.verifier.status_issued(),
            queued: None,
        }
    }

    pub(crate) fn knowledge(&self, now: Timestamp) -> Knowledge {
        let (version, freshness) = (self.verifier.key_set_version(), self.verifier.freshness(now));
        Knowledge {
            offline: self.offline,
            version,
            keys_age_s: version.map(|_| freshness.keys_age_s),
            status_age_s: freshness.status_age_s,
            remembered: self.verifier.seen_len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use city::{CitySpec, Plan, Residents};
    use eid::issuer::{self, Issuer};
    use eid::{
        Demand, EnrolRequest, IssueReply, IssueRequest, ManageRequest, Profile, QrText, Registry, RootKey,
    };
    use types::{ResidentId, Seed};

    use super::*;

    const KEY: [u8; 32] = [42; 32];
    const NOW: Timestamp = Timestamp::from_millis(1_776_510_000_000);

    struct City {
        issuer: Issuer,
        plan: Arc<Plan>,
    }

    impl City {
        fn new() -> Self {
            let spec = CitySpec { seed: Seed(1), luminaires: 10, residents: 5, clinics: 1 };
            let plan = Arc::new(Plan::generate(&spec).unwrap());
            let people = Residents::new(&plan);
            let registry =
                Registry::new((1..=5).filter_map(|id| people.get(ResidentId(id))).map(|it| it.person));
            Self { issuer: Issuer::new(registry, KEY, "kitecity", Seed(1).stream("ids", 0)), plan }
        }

        fn tell(&mut self, input: issuer::Input) -> Vec<issuer::Output> {
            let mut out = Vec::new();
            self.issuer.handle(NOW, input, &mut out);
            out
        }

        fn code(&mut self) -> VerifyRequest {
            let person = Residents::new(&self.plan).get(ResidentId(1)).unwrap().person;
            let request =
                EnrolRequest { resident_no: person.number.as_str().to_owned(), name: person.name_zh };
            self.tell(issuer::Input::Enrol { from: from(), request });
            let request = IssueRequest { resident: ResidentId(1), profile: Profile::Age };
            let out = self.tell(issuer::Input::Issue { from: from(), request });
            let code = out.into_iter().find_map(|output| match output {
                issuer::Output::IssueReply { reply: IssueReply::Issued { code, .. }, .. } => Some(code),
                _ => None,
            });
            request_of(code.unwrap())
        }

        /// What is published when the active key is in the wrong hands.
        fn compromised(&mut self) -> KeySet {
            let kid = self.issuer.key_set(NOW).keys[0].kid.clone();
            self.tell(issuer::Input::Manage { from: from(), request: ManageRequest::CompromiseKey { kid } });
            self.issuer.key_set(NOW)
        }
    }

    fn from() -> ReplyTo {
        ReplyTo { path: "test".into(), correlation: [1].into() }
    }

    fn request_of(code: QrText) -> VerifyRequest {
        VerifyRequest {
            code,
            verifier: "kiosk".parse().unwrap(),
            reference: String::new(),
            demand: Demand::default(),
        }
    }

    fn counter(city: &mut City) -> Counter {
        let mut counter = Counter::new(Verifier::new(RootKey::of_issuer(KEY)));
        counter.hear(NOW, &city.issuer.key_set(NOW));
        counter
    }

    fn reason(verdict: &Verdict) -> Option<RefusalReason> {
        match verdict {
            Verdict::Accepted { .. } => None,
            Verdict::Refused(refusal) => Some(refusal.reason),
        }
    }

    #[test]
    fn without_keys_nothing_is_accepted_and_no_age_is_told() {
        let mut counter = Counter::new(Verifier::new(RootKey::of_issuer(KEY)));
        let verdict = counter.judge(NOW, City::new().code());
        assert_eq!(reason(&verdict), Some(RefusalReason::IssuerUnknown));
        assert_eq!(counter.knowledge(NOW).keys_age_s, None);
        assert!(matches!(counter.state(), KioskState::Online { keys_issued: None, status_issued: None, .. }));
    }

    #[test]
    fn a_code_that_was_good_without_a_network_is_not_good_again_with_one() {
        let mut city = City::new();
        let (mut counter, request) = (counter(&mut city), city.code());
        counter.set_offline(NOW, true);
        let accepted = counter.judge(NOW, request.clone());
        assert_eq!(reason(&accepted), None);
        assert_eq!(reason(&counter.judge(NOW, request.clone())), Some(RefusalReason::TokenReplayed));
        counter.set_offline(NOW, false);
        let verdict = counter.confirm(NOW, request, accepted);
        assert_eq!(reason(&verdict), Some(RefusalReason::TokenReplayed));
    }

    #[test]
    fn a_code_that_was_good_with_a_network_is_not_good_again_without_one() {
        let mut city = City::new();
        let (mut counter, request) = (counter(&mut city), city.code());
        let online = counter.judge(NOW, city.code());
        assert_eq!(reason(&counter.confirm(NOW, request.clone(), online)), None);
        counter.set_offline(NOW, true);
        assert_eq!(reason(&counter.judge(NOW, request)), Some(RefusalReason::TokenReplayed));
    }

    #[test]
    fn keys_published_meanwhile_are_not_known_until_the_network_is_back() {
        let mut city = City::new();
        let mut counter = counter(&mut city);
        let (first, second) = (city.code(), city.code());
        counter.set_offline(NOW, true);
        let before = counter.knowledge(NOW.plus_millis(60_000));
        counter.hear(NOW, &city.compromised());
        assert_eq!(counter.knowledge(NOW.plus_millis(60_000)), before);
        assert_eq!(before.keys_age_s, Some(60));
        assert_eq!(counter.state(), KioskState::Offline);
        assert_eq!(reason(&counter.judge(NOW, first)), None);
        counter.set_offline(NOW, false);
        assert!(counter.knowledge(NOW).version > before.version);
        assert!(matches!(counter.state(), KioskState::Online { keys_issued: Some(NOW), .. }));
        assert_eq!(reason(&counter.judge(NOW, second)), Some(RefusalReason::IssuerKeyRevoked));
    }
}
