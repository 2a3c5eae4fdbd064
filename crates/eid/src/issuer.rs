//! The issuer: enrols residents and signs their codes.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use types::{Core, DAY_MS, ReplyTo, ResidentId, SECOND_MS, Stream, Timestamp};

use crate::attribute::claim_169;
use crate::encode::{CodeHead, claims_set, pack, sign};
use crate::guardian::{Grants, Guardianship, comes_of_age};
use crate::keyring::KeyRing;
use crate::rate::Failures;
use crate::{
    Algorithm, CredentialReply, CredentialRequest, EidEvent, EnrolRefusal, EnrolReply, EnrolRequest,
    IssueReply, IssueRequest, KeySet, KeyState, LifeState, OwnReply, OwnRequest, Profile, PseudonymKey,
    QrText, Registry, RootKey, STATUS_TTL_MS, Scope,
};

mod counter;
mod endings;
mod own;
mod phones;

use counter::Cards;
pub use counter::{CARD_DAYS_MAX, ManageRefusal, ManageReply, ManageRequest};
use endings::Endings;
use own::Nonces;
use phones::Phones;
pub use phones::{CREDENTIAL_LIFE_S, PHONES_MAX};

/// How long a code may be shown \[s\].
pub const CODE_LIFE_S: i64 = 60;
/// How often the keys are published anew \[ms\], so that no verifier on the bus finds them too old.
pub const REPUBLISH_MS: i64 = DAY_MS;
/// Enrolments that may fail in a minute for one resident number: nobody guesses the name that belongs to it.
const FAILURES_A_NUMBER_MAX: u32 = 5;
/// The same for one caller, which may be a counter or a web page with many people behind it.
const FAILURES_A_CALLER_MAX: u32 = 120;
/// Numbers, and callers, whose failures are counted at once.
const FAILURE_KEYS_MAX: usize = 16_384;

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
    /// A phone wants credentials for its own key.
    Credentials {
        /// Where the answer goes.
        from: ReplyTo,
        /// What it wants, signed by that key.
        request: CredentialRequest,
    },
    /// A clerk at the issuer's counter wants something done.
    Manage {
        /// Where the answer goes.
        from: ReplyTo,
        /// What.
        request: ManageRequest,
    },
    /// A holder asks about their own phones and guardians.
    Own {
        /// Where the answer goes.
        from: ReplyTo,
        /// What.
        request: OwnRequest,
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
    /// Answer a phone with a key of its own.
    CredentialReply {
        /// To whom.
        to: ReplyTo,
        /// The answer.
        reply: CredentialReply,
    },
    /// Answer a clerk.
    ManageReply {
        /// To whom.
        to: ReplyTo,
        /// The answer.
        reply: ManageReply,
    },
    /// Answer a holder.
    OwnReply {
        /// To whom.
        to: ReplyTo,
        /// The answer.
        reply: OwnReply,
    },
    /// Tell everyone.
    Event(EidEvent),
}

/// Enrols residents of the registry and signs codes for those enrolled.
///
/// A request that is delivered twice is answered twice: enrolling again changes nothing, and a second code is as good
/// as the first. At most the whole registry is enrolled. Whoever is not enrolled, suspended, dead or gone gets one and
/// the same answer, so that nobody can find out who lives here.
///
/// Its keys rotate by themselves every 30 days, and are published anew every day.
#[derive(Debug)]
pub struct Issuer {
    registry: Registry,
    name: String,
    keys: KeyRing,
    code_ids: Stream,
    enrolled: BTreeSet<ResidentId>,
    /// Who is no longer what the census says.
    lives: BTreeMap<ResidentId, LifeState>,
    suspended: BTreeSet<ResidentId>,
    phones: Phones,
    nonces: Nonces,
    grants: Grants,
    cards: Cards,
    endings: Endings,
    /// What holders are called in what is published.
    names: PseudonymKey,
    /// Enrolments that failed, by the hash of the number and by caller.
    failed_numbers: Failures<[u8; 16]>,
    failed_callers: Failures<Box<str>>,
    /// When the keys were last published.
    published: Option<Timestamp>,
    /// In which states everyone was told that the keys are.
    told: BTreeMap<String, KeyState>,
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
        Self {
            registry,
            name: name.into(),
            keys,
            code_ids,
            enrolled: BTreeSet::new(),
            lives: BTreeMap::new(),
            suspended: BTreeSet::new(),
            phones: Phones::default(),
            nonces: Nonces::default(),
            grants: Grants::default(),
            cards: Cards::new(),
            endings: Endings::default(),
            names: PseudonymKey::of_issuer(seed),
            failed_numbers: Failures::new(FAILURE_KEYS_MAX),
            failed_callers: Failures::new(FAILURE_KEYS_MAX),
            published: None,
            told: BTreeMap::new(),
        }
    }

    /// The same, with the guardians of children whom the census knows: pairs of a guardian and a ward. Each may show
    /// the ward's identity until that comes of age, unless the counter ends it. Whoever is of age already, and whoever
    /// has [`GRANTS_MAX`](crate::GRANTS_MAX) guardians, gets no more.
    #[must_use]
    pub fn with_guardians(mut self, pairs: impl IntoIterator<Item = (ResidentId, ResidentId)>) -> Self {
        let always = Timestamp::from_millis(i64::MIN);
        for (guardian, ward) in pairs {
            if let Some(ward) = self.registry.by_id(ward) {
                let until = comes_of_age(ward.birth);
                let grant = Guardianship { guardian, scope: Scope::All, until };
                // One too many is left out.
                let _ = self.grants.give(always, ward, grant);
            }
        }
        self
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
        let status = self.cards.status().map(|list| {
            let (key, kid) = self.keys.sign_with(now.plus_millis(STATUS_TTL_MS));
            list.publish(now, key, kid)
        });
        self.published = Some(now);
        self.endings.forget(now);
        self.keys.publish(now, status, self.endings.told(&self.names))
    }

    /// Publishes them, and tells what has become of which key since the last time.
    fn publish(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let set = self.key_set(now);
        let states: BTreeMap<String, KeyState> =
            set.keys.iter().map(|key| (key.kid.clone(), key.state)).collect();
        let before = std::mem::replace(&mut self.told, states);
        out.push(Output::Keys(set));
        if before.is_empty() {
            return;
        }
        let changed = self.told.iter().filter(|(kid, state)| before.get(*kid) != Some(*state));
        out.extend(changed.map(|(kid, &state)| Output::Event(EidEvent::Key { kid: kid.clone(), state })));
    }

    /// What the census and the counter say of a resident's life.
    fn life(&self, resident: ResidentId) -> Option<LifeState> {
        let person = self.registry.by_id(resident)?;
        Some(self.lives.get(&resident).copied().unwrap_or(person.life))
    }

    fn is_active(&self, resident: ResidentId) -> bool {
        self.life(resident) == Some(LifeState::Active) && !self.suspended.contains(&resident)
    }

    fn may_show(&self, resident: ResidentId) -> bool {
        self.enrolled.contains(&resident) && self.is_active(resident)
    }

    fn enrol(
        &mut self,
        now: Timestamp,
        from: &ReplyTo,
        request: &EnrolRequest,
    ) -> (EnrolReply, Option<EidEvent>) {
        match self.check_enrolment(now, from, request) {
            Ok(resident) => {
                let is_new = self.enrolled.insert(resident);
                (EnrolReply::Enrolled(resident), is_new.then_some(EidEvent::Enrolled { resident }))
            }
            Err(refusal) => (EnrolReply::Refused(refusal), None),
        }
    }

    /// The limits come first, and for numbers that nobody has too: they tell nothing.
    fn check_enrolment(
        &mut self,
        now: Timestamp,
        from: &ReplyTo,
        request: &EnrolRequest,
    ) -> Result<ResidentId, EnrolRefusal> {
        let digest = Sha256::digest(request.resident_no.trim());
        let number: [u8; 16] = *digest.first_chunk().expect("a SHA-256 has 32 bytes");
        let caller = from.path.clone();
        let by_number = self.failed_numbers.blocked_until(now, &number, FAILURES_A_NUMBER_MAX);
        let by_caller = self.failed_callers.blocked_until(now, &caller, FAILURES_A_CALLER_MAX);
        if by_number.or(by_caller).is_some() {
            return Err(EnrolRefusal::RateLimited);
        }
        let resident = self.registry.check_enrolment(request).map(|resident| resident.id);
        let resident = resident.and_then(|resident| match self.life(resident) {
            Some(LifeState::Active) => Ok(resident),
            _ => Err(EnrolRefusal::ResidentInactive),
        });
        if resident.is_err() {
            self.failed_numbers.note(now, number);
            self.failed_callers.note(now, caller);
        }
        resident
    }

    fn issue(&mut self, now: Timestamp, request: IssueRequest) -> (IssueReply, Option<EidEvent>) {
        let IssueRequest { resident, profile } = request;
        if !self.may_show(resident) {
            return (IssueReply::NotEnrolled, None);
        }
        // CWT counts whole seconds. Rounding down can only shorten a life.
        let issued = seconds(now);
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
                self.publish(now, out);
                None
            }
            Input::Enrol { from, request } => {
                let (reply, event) = self.enrol(now, &from, &request);
                out.push(Output::EnrolReply { to: from, reply });
                event
            }
            Input::Issue { from, request } => {
                let (reply, event) = self.issue(now, request);
                out.push(Output::IssueReply { to: from, reply });
                event
            }
            Input::Credentials { from, request } => {
                self.answer_phone(now, from, &request, out);
                None
            }
            Input::Manage { from, request } => {
                self.answer_clerk(now, from, request, out);
                None
            }
            Input::Own { from, request } => {
                self.answer_own(now, from, request, out);
                None
            }
        };
        out.extend(event.map(Output::Event));
    }

    fn handle_timeout(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        if self.next_timeout().is_some_and(|due| due <= now) {
            if self.keys.rotates_at().is_some_and(|due| due <= now) {
                // Its notice is long over: a key signs for longer than that.
                let _ = self.keys.rotate(now);
            }
            self.publish(now, out);
        }
    }

    /// Nothing before the keys were published for the first time.
    fn next_timeout(&self) -> Option<Timestamp> {
        let republish = self.published?.plus_millis(REPUBLISH_MS);
        Some(self.keys.rotates_at().map_or(republish, |rotates| rotates.min(republish)))
    }
}

/// CWT counts whole seconds.
fn seconds(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(SECOND_MS)
}

#[cfg(test)]
mod tests;
