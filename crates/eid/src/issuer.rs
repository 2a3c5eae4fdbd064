//! The issuer: enrols residents and signs their codes.

use std::collections::BTreeSet;

use types::{Core, ReplyTo, ResidentId, SECOND_MS, Stream, Timestamp};

use crate::attribute::claim_169;
use crate::encode::{CodeHead, claims_set, pack, sign};
use crate::keyring::KeyRing;
use crate::{
    Algorithm, EidEvent, EnrolReply, EnrolRequest, IssueReply, IssueRequest, KeySet, Profile, QrText,
    Registry, RootKey,
};

/// How long a code may be shown \[s\].
pub const CODE_LIFE_S: i64 = 60;

/// What can happen to an issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The bus is there (again): what is retained on it may be gone.
    Connected,
    /// A resident wants an e-ID.
    Enrol {
        /// Where the answer goes.
        from: ReplyTo,
        /// Who they say they are.
        request: EnrolRequest,
    },
    /// A phone wants a code.
    Issue {
        /// Where the answer goes.
        from: ReplyTo,
        /// Whose code, and what it discloses.
        request: IssueRequest,
    },
}

/// What an issuer wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Publish these keys, retained.
    Keys(KeySet),
    /// Answer an enrolment.
    EnrolReply {
        /// To whom.
        to: ReplyTo,
        /// The answer.
        reply: EnrolReply,
    },
    /// Answer a phone.
    IssueReply {
        /// To whom.
        to: ReplyTo,
        /// The answer.
        reply: IssueReply,
    },
    /// Tell everyone.
    Event(EidEvent),
}

/// Enrols residents of the registry and signs codes for those enrolled.
///
/// A request that is delivered twice is answered twice: enrolling again changes nothing, and a second code is as good
/// as the first. Nobody is ever taken off; at most the whole registry is enrolled.
#[derive(Debug)]
pub struct Issuer {
    registry: Registry,
    name: String,
    keys: KeyRing,
    code_ids: Stream,
    enrolled: BTreeSet<ResidentId>,
}

impl Issuer {
    /// An issuer with nobody enrolled.
    ///
    /// `seed` – the secret Ed25519 key (RFC 8032, 5.1.5). `name` – goes into every code as `iss`; a few letters,
    /// since it makes the symbol larger. `code_ids` – where the ids of codes (`cti`) come from.
    pub fn new(registry: Registry, seed: [u8; 32], name: impl Into<String>, code_ids: Stream) -> Self {
        Self::signing_with(Algorithm::EdDsa, registry, seed, name, code_ids)
    }

    /// The same with another algorithm.
    pub fn signing_with(
        algorithm: Algorithm,
        registry: Registry,
        seed: [u8; 32],
        name: impl Into<String>,
        code_ids: Stream,
    ) -> Self {
        let keys = KeyRing::new(seed, algorithm);
        Self { registry, name: name.into(), keys, code_ids, enrolled: BTreeSet::new() }
    }

    /// The key to check its key sets with.
    pub fn root(&self) -> RootKey {
        self.keys.root()
    }

    /// The census it enrols from.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The keys its codes can be checked with, signed now.
    pub fn key_set(&mut self, now: Timestamp) -> KeySet {
        self.keys.publish(now, None)
    }

    fn enrol(&mut self, request: &EnrolRequest) -> (EnrolReply, Option<EidEvent>) {
        match self.registry.check_enrolment(request) {
            Ok(resident) => {
                let is_new = self.enrolled.insert(resident.id);
                let event = is_new.then_some(EidEvent::Enrolled { resident: resident.id });
                (EnrolReply::Enrolled(resident.id), event)
            }
            Err(refusal) => (EnrolReply::Refused(refusal), None),
        }
    }

    fn issue(&mut self, now: Timestamp, request: IssueRequest) -> (IssueReply, Option<EidEvent>) {
        let IssueRequest { resident, profile } = request;
        if !self.enrolled.contains(&resident) {
            return (IssueReply::NotEnrolled, None);
        }
        // CWT counts whole seconds. Rounding down can only shorten a life.
        let issued = now.as_millis().div_euclid(SECOND_MS);
        let expires = issued.saturating_add(CODE_LIFE_S);
        let code = self.sign_code(resident, profile, now, issued, expires);
        let at = |seconds: i64| Timestamp::from_millis(seconds.saturating_mul(SECOND_MS));
        let reply = IssueReply::Issued { code, issued: at(issued), expires: at(expires) };
        (reply, Some(EidEvent::Issued { resident, profile }))
    }

    fn sign_code(
        &mut self,
        resident: ResidentId,
        profile: Profile,
        now: Timestamp,
        issued: i64,
        expires: i64,
    ) -> QrText {
        let resident = self.registry.by_id(resident).expect("only residents of the registry are enrolled");
        let code_id = self.code_ids.bytes();
        let head = CodeHead { issuer: &self.name, issued, expires, code_id, phone: None, status: None };
        let payload = claims_set(&head, claim_169(resident, profile, now.local_day(), None));
        let ends = Timestamp::from_millis(expires.saturating_mul(SECOND_MS));
        let (key, kid) = self.keys.sign_with(ends);
        pack(&sign(payload, key, kid))
    }
}

impl Core for Issuer {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        let event = match input {
            Input::Connected => {
                out.push(Output::Keys(self.key_set(now)));
                None
            }
            Input::Enrol { from, request } => {
                let (reply, event) = self.enrol(&request);
                out.push(Output::EnrolReply { to: from, reply });
                event
            }
            Input::Issue { from, request } => {
                let (reply, event) = self.issue(now, request);
                out.push(Output::IssueReply { to: from, reply });
                event
            }
        };
        out.extend(event.map(Output::Event));
    }

    fn handle_timeout(&mut self, _now: Timestamp, _out: &mut Vec<Output>) {}

    fn next_timeout(&self) -> Option<Timestamp> {
        None
    }
}

#[cfg(test)]
mod tests {
    use types::Seed;

    use super::*;
    use crate::testing::{SEED, now, registry, reply_to, resident};
    use crate::{EnrolRefusal, decode_code};

    fn issuer() -> Issuer {
        Issuer::new(registry(), SEED, "test", Seed(1).stream("cti", 0))
    }

    fn after(issuer: &mut Issuer, now: Timestamp, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        issuer.handle(now, input, &mut out);
        out
    }

    fn enrol(resident_no: &str, name: &str) -> Input {
        let request = EnrolRequest { resident_no: resident_no.to_owned(), name: name.to_owned() };
        Input::Enrol { from: reply_to("phone"), request }
    }

    fn issue(n: u32, profile: Profile) -> Input {
        Input::Issue { from: reply_to("phone"), request: IssueRequest { resident: ResidentId(n), profile } }
    }

    fn issued(outputs: &[Output]) -> (&QrText, Timestamp, Timestamp) {
        match &outputs[0] {
            Output::IssueReply { reply: IssueReply::Issued { code, issued, expires }, .. } => {
                (code, *issued, *expires)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_refused_enrolment_is_answered_and_nobody_is_told() {
        let expected = EnrolReply::Refused(EnrolRefusal::ResidentChecksum);
        assert_eq!(
            after(&mut issuer(), now(), enrol("1", "nobody")),
            [Output::EnrolReply { to: reply_to("phone"), reply: expected }]
        );
    }

    #[test]
    fn nobody_gets_a_code_before_being_enrolled() {
        let expected = [Output::IssueReply { to: reply_to("phone"), reply: IssueReply::NotEnrolled }];
        assert_eq!(after(&mut issuer(), now(), issue(1, Profile::Name)), expected);
        assert_eq!(after(&mut issuer(), now(), issue(999_999, Profile::Name)), expected);
    }

    #[test]
    fn enrolling_twice_is_told_once() {
        let (mut issuer, known) = (issuer(), resident(1));
        let input = || enrol(known.number.as_str(), &known.name_zh);
        let reply = Output::EnrolReply { to: reply_to("phone"), reply: EnrolReply::Enrolled(known.id) };
        let event = Output::Event(EidEvent::Enrolled { resident: known.id });
        assert_eq!(after(&mut issuer, now(), input()), [reply.clone(), event]);
        assert_eq!(after(&mut issuer, now(), input()), [reply]);
    }

    #[test]
    fn a_code_lives_for_sixty_seconds_from_the_second_it_was_issued_in() {
        let (mut issuer, known) = (issuer(), resident(1));
        after(&mut issuer, now(), enrol(known.number.as_str(), &known.name_zh));
        let outputs = after(&mut issuer, now().plus_millis(999), issue(1, Profile::Name));
        let (code, issued, expires) = issued(&outputs);
        assert_eq!((issued, expires), (now(), now().plus_millis(60_000)));
        let claims = decode_code(&code.0).unwrap().claims().unwrap();
        assert_eq!((claims.issued, claims.expires), (issued, expires));
        assert_eq!(
            outputs[1],
            Output::Event(EidEvent::Issued { resident: known.id, profile: Profile::Name })
        );
    }

    #[test]
    fn two_codes_of_one_moment_have_two_ids() {
        let (mut issuer, known) = (issuer(), resident(1));
        after(&mut issuer, now(), enrol(known.number.as_str(), &known.name_zh));
        let first = after(&mut issuer, now(), issue(1, Profile::Anon));
        let second = after(&mut issuer, now(), issue(1, Profile::Anon));
        assert_ne!(issued(&first).0, issued(&second).0);
    }

    #[test]
    fn the_age_profile_tells_adults_from_children_on_the_day_of_issue() {
        let mut issuer = issuer();
        let known = resident(1);
        after(&mut issuer, now(), enrol(known.number.as_str(), &known.name_zh));
        let mut over_18 = |now: Timestamp| {
            let outputs = after(&mut issuer, now, issue(1, Profile::Age));
            let claims = decode_code(&issued(&outputs).0.0).unwrap().claims().unwrap();
            claims.identity.unwrap().disclosed.into_values().next().unwrap()
        };
        // Born on 1951-02-02; adult from 1969-02-02 on, which is day -333.
        assert_eq!(over_18(Timestamp::from_local(-333, 0).plus_millis(-1)), "false");
        assert_eq!(over_18(Timestamp::from_local(-333, 0)), "true");
    }

    #[test]
    fn the_keys_are_published_whenever_the_bus_is_there() {
        let mut issuer = issuer();
        for _ in 0..2 {
            let out = after(&mut issuer, now(), Input::Connected);
            assert!(matches!(&out[..], [Output::Keys(set)] if set.keys.len() == 2), "{out:?}");
        }
    }

    #[test]
    fn debug_shows_neither_the_secret_key_nor_a_name() {
        let shown = format!("{:?}", issuer());
        assert!(!shown.contains("42, 42") && !shown.contains("Wang"), "{shown}");
    }
}
