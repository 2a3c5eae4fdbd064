//! What readers have asked holders for, and the holders' answers.

use std::collections::{BTreeMap, VecDeque};

use types::{ReplyTo, ResidentId, Timestamp, VerifierId};

use super::{Output, Verifier};
use crate::consent::{
    AskReply, AskRequest, ConsentRequest, HolderReply, HolderRequest, REQUEST_LIFE_MS,
    REQUESTS_A_RESIDENT_MAX,
};
use crate::{Demand, Nonce, Profile, QrText, Refusal, RefusalReason, Verdict, VerifyRequest};

/// Requests and answers kept at once. Beyond that, readers are told to wait.
const REQUESTS_MAX: usize = 16_384;

/// Requests under way and answers not yet over, by their nonces.
#[derive(Debug, Default)]
pub(super) struct Requests {
    all: BTreeMap<Nonce, Asked>,
    /// The same in the order in which they are over: each lives as long as every other.
    leaving: VecDeque<(Timestamp, Nonce)>,
    /// How many there ever were: what makes a nonce new.
    count: u64,
}

#[derive(Debug)]
struct Asked {
    consent: ConsentRequest,
    /// Where the question came from: the same one again gets the same answer.
    from: ReplyTo,
    answer: Answer,
}

#[derive(Clone, Debug)]
enum Answer {
    Waiting,
    Denied,
    Shared(Box<Verdict>),
}

impl Asked {
    fn is_waiting_for(&self, resident: ResidentId) -> bool {
        self.consent.resident == resident && matches!(self.answer, Answer::Waiting)
    }

    fn told(&self) -> AskReply {
        let ConsentRequest { request, expires, .. } = self.consent;
        match &self.answer {
            Answer::Waiting => AskReply::Waiting { request, expires },
            Answer::Denied => AskReply::Denied,
            Answer::Shared(verdict) => AskReply::Answered((**verdict).clone()),
        }
    }
}

impl Requests {
    /// Forgets what is over.
    pub(super) fn forget(&mut self, now: Timestamp) {
        while self.next_leave().is_some_and(|leaves| leaves <= now) {
            let (_, request) = self.leaving.pop_front().expect("one is about to leave");
            self.all.remove(&request);
        }
    }

    /// When the next one is over.
    pub(super) fn next_leave(&self) -> Option<Timestamp> {
        self.leaving.front().map(|&(leaves, _)| leaves)
    }

    fn waiting_for(&self, resident: ResidentId) -> impl Iterator<Item = &Asked> {
        self.all.values().filter(move |asked| asked.is_waiting_for(resident))
    }
}

impl Verifier {
    pub(super) fn answer_reader(
        &mut self,
        now: Timestamp,
        from: ReplyTo,
        request: &AskRequest,
        out: &mut Vec<Output>,
    ) {
        let reply = match *request {
            AskRequest::Look { verifier, request } => {
                let asked = self.requests.all.get(&request);
                let asked = asked.filter(|asked| asked.consent.verifier == verifier);
                asked.map_or(AskReply::Unknown, Asked::told)
            }
            AskRequest::Ask { verifier, resident, profile } => {
                self.ask(now, &from, (verifier, resident, profile), out)
            }
        };
        out.push(Output::AskReply { to: from, reply });
    }

    fn ask(
        &mut self,
        now: Timestamp,
        from: &ReplyTo,
        (verifier, resident, profile): (VerifierId, ResidentId, Profile),
        out: &mut Vec<Output>,
    ) -> AskReply {
        let is_same = |asked: &&Asked| {
            let consent = &asked.consent;
            asked.from == *from
                && (consent.verifier, consent.resident, consent.profile) == (verifier, resident, profile)
        };
        if let Some(again) = self.requests.all.values().find(is_same) {
            return again.told();
        }
        if !self.reader(verifier).may_ask_for(profile) {
            return AskReply::Refused(RefusalReason::ScopeNotGranted);
        }
        let is_full = self.requests.all.len() >= REQUESTS_MAX;
        if is_full || self.requests.waiting_for(resident).count() >= REQUESTS_A_RESIDENT_MAX {
            return AskReply::Refused(RefusalReason::RateLimited);
        }
        let count = self.requests.count;
        self.requests.count += 1;
        let request = Nonce(self.pseudonyms.bytes(&format!("request {count} at {}", now.as_millis())));
        let expires = now.plus_millis(REQUEST_LIFE_MS);
        let consent = ConsentRequest { request, resident, verifier, profile, asked: now, expires };
        out.push(Output::Consent(consent.clone()));
        let asked = Asked { consent, from: from.clone(), answer: Answer::Waiting };
        let told = asked.told();
        self.requests.leaving.push_back((expires, request));
        self.requests.all.insert(request, asked);
        told
    }

    pub(super) fn answer_holder(
        &mut self,
        now: Timestamp,
        from: ReplyTo,
        request: HolderRequest,
        out: &mut Vec<Output>,
    ) {
        let reply = match request {
            HolderRequest::History { resident } => HolderReply::History(self.history.of(resident)),
            HolderRequest::Pending { resident } => {
                let mut waiting: Vec<ConsentRequest> =
                    self.requests.waiting_for(resident).map(|asked| asked.consent.clone()).collect();
                waiting.sort_by_key(|consent| (consent.asked, consent.request));
                HolderReply::Pending(waiting)
            }
            HolderRequest::Speak { resident, code } => self.take_spoken(now, &from, resident, code),
            HolderRequest::Answer { resident, request, code } => {
                self.take_answer(now, &from, (resident, request), code, out)
            }
        };
        out.push(Output::HolderReply { to: from, reply });
    }

    /// An answer that was given stays, also if it is delivered again.
    fn take_answer(
        &mut self,
        now: Timestamp,
        from: &ReplyTo,
        (resident, request): (ResidentId, Nonce),
        code: Option<QrText>,
        out: &mut Vec<Output>,
    ) -> HolderReply {
        let asked = self.requests.all.get_mut(&request).filter(|asked| asked.consent.resident == resident);
        let Some(asked) = asked else { return HolderReply::Unknown };
        let consent = match (&asked.answer, &code) {
            (Answer::Waiting, Some(_)) => asked.consent.clone(),
            (Answer::Waiting, None) => {
                asked.answer = Answer::Denied;
                return HolderReply::Denied;
            }
            (Answer::Denied, _) => return HolderReply::Denied,
            (Answer::Shared(_), _) => return HolderReply::Shared,
        };
        match self.check_answer(now, from, &consent, code.unwrap_or_else(|| QrText(String::new())), out) {
            Ok(verdict) => {
                if let Some(asked) = self.requests.all.get_mut(&request) {
                    asked.answer = Answer::Shared(Box::new(verdict));
                }
                HolderReply::Shared
            }
            Err(refusal) => HolderReply::Refused(refusal),
        }
    }

    /// A code that answers a request is judged as at a counter that showed the request as its challenge.
    fn check_answer(
        &mut self,
        now: Timestamp,
        from: &ReplyTo,
        consent: &ConsentRequest,
        code: QrText,
        out: &mut Vec<Output>,
    ) -> Result<Verdict, Refusal> {
        let demand = Demand { profile: Some(consent.profile), challenge: Some(consent.request) };
        let request = VerifyRequest { code, verifier: consent.verifier, reference: String::new(), demand };
        let (verdict, event) = self.judge(now, from, &request, Some(consent.resident));
        out.extend(event.map(Output::Event));
        match verdict {
            Verdict::Accepted { .. } => Ok(verdict),
            Verdict::Refused(refusal) => Err(refusal),
        }
    }
}

#[cfg(test)]
mod tests;
