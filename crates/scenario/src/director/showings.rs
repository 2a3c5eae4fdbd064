//! People who show their e-ID codes at readers, each in the way the reader wants.

use std::collections::BTreeMap;
use std::sync::Arc;

use city::Plan;
use eid::{
    Assurance, Challenge, Demand, EnrolReply, EnrolRequest, IssueReply, IssueRequest, Nonce, Phone, PhoneKey,
    Profile, QrText, Reader, Readers, VerifyRequest, phone,
};
use types::{Core, ResidentId, Stream, Timestamp, VerifierId};
use wire::{Reply, ReplyBody, RequestBody};

/// Somebody shows a code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShowDeed {
    pub(crate) resident: ResidentId,
    pub(crate) kiosk: VerifierId,
    /// Otherwise what the reader asks for first.
    pub(crate) profile: Option<Profile>,
    /// The last code once more, as from a screenshot.
    pub(crate) again: bool,
}

/// A showing that waits for an answer of the issuer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Showing {
    resident: ResidentId,
    kiosk: VerifierId,
    profile: Profile,
    challenge: Option<Nonce>,
}

/// The next question, and the showing that its answer goes on with.
pub(crate) type Step = (RequestBody, Option<Showing>);

/// Everybody who shows codes.
#[derive(Debug)]
pub(crate) struct Showings {
    plan: Arc<Plan>,
    readers: Arc<Readers>,
    /// Codes being got, by the number of the question.
    waiting: BTreeMap<u32, Showing>,
    /// Of those who came to a reader that wants a phone's proof; at most one for each resident.
    phones: BTreeMap<ResidentId, Phone>,
    /// What each resident showed last.
    codes: BTreeMap<ResidentId, QrText>,
    nonces: Stream,
}

impl Showings {
    pub(crate) fn new(plan: Arc<Plan>, readers: Arc<Readers>) -> Self {
        let nonces = plan.spec().seed.stream("challenges of scenario", 0);
        let (waiting, phones, codes) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { plan, readers, waiting, phones, codes, nonces }
    }

    /// The first step; enrolling twice does no harm. A copy of a code that was never shown is a new code.
    pub(crate) fn begin(&mut self, deed: ShowDeed) -> Option<Step> {
        let ShowDeed { resident, kiosk, profile, again } = deed;
        let reader = self.readers.named(kiosk);
        let asked = || reader.and_then(|reader| reader.may_ask.first().copied());
        let profile = profile.or_else(asked).unwrap_or_default();
        let wants_answer = reader.is_some_and(|reader| reader.assurance == Assurance::Challenge);
        let challenge = wants_answer.then(|| Nonce(self.nonces.bytes()));
        let showing = Showing { resident, kiosk, profile, challenge };
        if let Some(code) = self.codes.get(&resident).filter(|_| again) {
            return Some(self.present(showing, code.clone()));
        }
        let person = city::Residents::new(&self.plan).get(resident)?.person;
        let enrol = EnrolRequest { resident_no: person.number.as_str().to_owned(), name: person.name_zh };
        Some((RequestBody::Enrol(enrol), Some(showing)))
    }

    /// The answer to this question goes on with this showing.
    pub(crate) fn wait(&mut self, question: u32, showing: Showing) {
        self.waiting.insert(question, showing);
    }

    /// The next step: enrolled → a code, or a phone's credentials → presented.
    pub(crate) fn go_on(&mut self, question: u32, reply: &Reply) -> Option<Step> {
        let showing = self.waiting.remove(&question)?;
        let wants_phone = |reader: &Reader| reader.assurance != Assurance::Code;
        match &reply.body {
            ReplyBody::Enrol(EnrolReply::Enrolled(_))
                if self.readers.named(showing.kiosk).is_some_and(wants_phone) =>
            {
                self.take_out_phone(reply.time, showing)
            }
            ReplyBody::Enrol(EnrolReply::Enrolled(resident)) => {
                let issue = IssueRequest { resident: *resident, profile: showing.profile };
                Some((RequestBody::Issue(issue), Some(showing)))
            }
            ReplyBody::Issue(IssueReply::Issued { code, .. }) => Some(self.present(showing, code.clone())),
            ReplyBody::Credential(credentials) => {
                let input = phone::Input::Reply(credentials.clone());
                self.tell_phone(reply.time, showing, [input])
            }
            _ => None,
        }
    }

    /// The phone's clock is the issuer's, as it was told it: the city's clock may run faster than e-ID's.
    fn take_out_phone(&mut self, now: Timestamp, showing: Showing) -> Option<Step> {
        let Showing { kiosk: verifier, profile, challenge, .. } = showing;
        match challenge {
            None => self.tell_phone(now, showing, [phone::Input::Show { profile, ward: None }]),
            Some(nonce) => {
                let challenge = Challenge { verifier, nonce, profile };
                self.tell_phone(now, showing, [phone::Input::Challenged(challenge), phone::Input::Agree])
            }
        }
    }

    fn tell_phone(
        &mut self,
        now: Timestamp,
        showing: Showing,
        inputs: impl IntoIterator<Item = phone::Input>,
    ) -> Option<Step> {
        let seed = self.plan.spec().seed;
        let phone = self.phones.entry(showing.resident).or_insert_with(|| {
            let number = u64::from(showing.resident.0);
            let key = PhoneKey::from_seed(seed.stream("phone keys of scenario", number).bytes());
            Phone::new(showing.resident, key, seed.stream("phone nonces of scenario", number))
        });
        let mut outputs = Vec::new();
        for input in inputs {
            phone.handle(now, input, &mut outputs);
        }
        // A phone that has a code to show may ask for more in advance: that can wait for the next showing.
        let displayed = outputs.iter().find_map(|output| match output {
            phone::Output::Display { code, .. } => Some(code.clone()),
            _ => None,
        });
        let asked = outputs.into_iter().find_map(|output| match output {
            phone::Output::Request(request) => Some((RequestBody::Credential(request), Some(showing))),
            _ => None,
        });
        displayed.map(|code| self.present(showing, code)).or(asked)
    }

    fn present(&mut self, showing: Showing, code: QrText) -> Step {
        let Showing { resident, kiosk: verifier, profile, challenge } = showing;
        self.codes.insert(resident, code.clone());
        // A reader asks within what it may ask; a holder may disclose less, and then sees what comes of it.
        let asked = |reader: &Reader| {
            Some(profile).filter(|profile| reader.may_ask_for(*profile)).or(reader.may_ask.first().copied())
        };
        let demand = Demand { profile: self.readers.named(verifier).and_then(asked), challenge };
        (RequestBody::Verify(VerifyRequest { code, verifier, reference: String::new(), demand }), None)
    }
}
