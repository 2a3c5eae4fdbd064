//! The verifier: says whether a code is good, now and for the first time.

use types::{Core, ReplyTo, ResidentId, SECOND_MS, Timestamp, VerifierId};

use crate::keys::TrustedKeys;
use crate::rate::Failures;
use crate::replay::ReplayCache;
use crate::status::PublishedStatus;
use crate::{
    AskReply, AskRequest, ConsentRequest, EidEvent, Freshness, HolderReply, HolderRequest, KeySet,
    KeySetRefused, PseudonymKey, Reader, Readers, Refusal, RefusalReason, RootKey, Verdict, VerifyRequest,
};

mod checks;
mod ended;
mod history;
mod requests;
mod spoken;

use ended::EndedHolders;
use history::History;
use requests::Requests;
use spoken::Spoken;

/// How far the clocks of issuer, phone and verifier may be apart \[ms\].
pub const SKEW_MS: i64 = 5 * SECOND_MS;

/// Codes remembered at once: 4,000 accepted per second, each for 65 s.
///
/// When there are more, a code that passes every other check is refused as
/// [`TokenReplayed`](RefusalReason::TokenReplayed) without `first_seen`: that it is new could not be told any more.
/// No code is forgotten before it expires.
pub const SEEN_MAX: usize = 262_144;

/// Counters whose refusals are counted at once.
const COUNTERS_MAX: usize = 4_096;

/// What can happen to a verifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The issuer's keys. A set that is refused leaves the present one in place; a key that cannot be read is left
    /// out.
    Keys(KeySet),
    /// A counter scanned a code.
    Verify {
        /// Where the verdict goes.
        from: ReplyTo,
        /// The code and what for.
        request: VerifyRequest,
    },
    /// A reader asks for the attributes of somebody who is not at its counter.
    Ask {
        /// Where the answer goes.
        from: ReplyTo,
        /// What it asks.
        request: AskRequest,
    },
    /// A holder asks about themselves, or answers a reader.
    Holder {
        /// Where the answer goes.
        from: ReplyTo,
        /// What.
        request: HolderRequest,
    },
}

/// What a verifier wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Answer the counter.
    Verdict {
        /// To whom.
        to: ReplyTo,
        /// The answer.
        verdict: Verdict,
    },
    /// Answer a reader.
    AskReply {
        /// To whom.
        to: ReplyTo,
        /// The answer.
        reply: AskReply,
    },
    /// Answer a holder.
    HolderReply {
        /// To whom.
        to: ReplyTo,
        /// The answer.
        reply: HolderReply,
    },
    /// Tell a phone what a reader asks for.
    Consent(ConsentRequest),
    /// Tell everyone.
    Event(EidEvent),
}

/// Checks codes with the issuer's keys and accepts each one once.
///
/// The checks run from cheap to dear, and a code gets into the memory of accepted ones only after its signatures
/// passed: otherwise anybody could fill it. Needs nobody but the keys, and those only now and then: without a network
/// it goes on for as long as a key set may be old.
#[derive(Debug)]
pub struct Verifier {
    keys: TrustedKeys,
    pseudonyms: PseudonymKey,
    status: Option<PublishedStatus>,
    ended: EndedHolders,
    seen: ReplayCache,
    readers: Readers,
    /// What a counter without a preset is.
    any_reader: Reader,
    refusals: Failures<VerifierId>,
    history: History,
    requests: Requests,
    spoken: Spoken,
}

/// A code that passed, and whether it did so before in the same request.
struct Pass {
    verdict: Verdict,
    resident: ResidentId,
    is_repeated: bool,
}

impl Verifier {
    /// A verifier without keys, that will take those signed by `root`; its readers are [lenient](Readers::lenient), and
    /// their pseudonyms are made with a key that is no secret.
    pub fn new(root: RootKey) -> Self {
        Self::with_seen_max(root, SEEN_MAX)
    }

    fn with_seen_max(root: RootKey, max: usize) -> Self {
        Self {
            keys: TrustedKeys::new(root),
            pseudonyms: PseudonymKey::open(&root),
            status: None,
            ended: EndedHolders::default(),
            seen: ReplayCache::new(max),
            readers: Readers::lenient(),
            any_reader: Reader::any(),
            refusals: Failures::new(COUNTERS_MAX),
            history: History::default(),
            requests: Requests::default(),
            spoken: Spoken::default(),
        }
    }

    /// The same with other readers, such as the [presets](Readers::presets).
    #[must_use]
    pub fn with_readers(mut self, readers: Readers) -> Self {
        self.readers = readers;
        self
    }

    /// The same, and the pseudonyms of its readers are made with a secret key.
    #[must_use]
    pub fn with_pseudonyms(mut self, key: PseudonymKey) -> Self {
        self.pseudonyms = key;
        self
    }

    /// The version of the keys it checks with, if it has any.
    pub fn key_set_version(&self) -> Option<u32> {
        self.keys.version()
    }

    /// How many accepted codes it remembers, at most [`SEEN_MAX`].
    pub fn seen_len(&self) -> usize {
        self.seen.len()
    }

    /// When the keys it checks with were signed.
    pub fn keys_issued(&self) -> Option<Timestamp> {
        self.keys.issued()
    }

    /// When the list of revoked cards that it has was signed.
    pub fn status_issued(&self) -> Option<Timestamp> {
        self.status.as_ref().map(|status| status.issued)
    }

    /// How old its knowledge is.
    pub fn freshness(&self, now: Timestamp) -> Freshness {
        let age = |issued: Timestamp| now.millis_since(issued).div_euclid(SECOND_MS).max(0);
        Freshness {
            keys_age_s: self.keys.issued().map_or(i64::MAX, age),
            status_age_s: self.status.as_ref().map(|status| age(status.issued)),
        }
    }

    /// Takes the issuer's keys, what it tells of phones and holders, and the status list that comes with them if one of the keys signed it.
    ///
    /// # Errors
    ///
    /// [`KeySetRefused`]; then nothing changes.
    pub fn adopt(&mut self, now: Timestamp, set: &KeySet) -> Result<(), KeySetRefused> {
        self.keys.adopt(now, set)?;
        self.ended = EndedHolders::read(&set.ended);
        if let Some((token, status)) = set.status.as_deref().and_then(PublishedStatus::read)
            && let Some((_, key)) = self.keys.find(now, token.kid())
            && key.is_good(now)
            && token.is_signed_by(&key.key)
        {
            self.status = Some(status);
        }
        Ok(())
    }

    fn reader(&self, name: VerifierId) -> &Reader {
        self.readers.named(name).unwrap_or(&self.any_reader)
    }

    fn answer(&mut self, now: Timestamp, from: ReplyTo, request: &VerifyRequest, out: &mut Vec<Output>) {
        let (verdict, event) = self.judge(now, &from, request, None);
        out.push(Output::Verdict { to: from, verdict });
        out.extend(event.map(Output::Event));
    }

    fn judge(
        &mut self,
        now: Timestamp,
        from: &ReplyTo,
        request: &VerifyRequest,
        holder: Option<ResidentId>,
    ) -> (Verdict, Option<EidEvent>) {
        let verifier = request.verifier;
        match self.verify(now, from, request, holder) {
            Ok(Pass { verdict, resident, is_repeated }) => {
                (verdict, (!is_repeated).then_some(EidEvent::Verified { resident, verifier }))
            }
            Err(refusal) => {
                self.count(now, verifier, refusal.reason);
                let event = EidEvent::Rejected { verifier, reason: refusal.reason };
                (Verdict::Refused(refusal), Some(event))
            }
        }
    }

    fn forget(&mut self, now: Timestamp) {
        self.seen.forget(now);
        self.requests.forget(now);
        self.spoken.forget(now);
    }

    fn count(&mut self, now: Timestamp, verifier: VerifierId, reason: RefusalReason) {
        if reason != RefusalReason::RateLimited {
            self.refusals.note(now, verifier);
        }
    }
}

impl Core for Verifier {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        // The driver may be late with the timeout; expired codes must not take the room of new ones.
        self.forget(now);
        match input {
            // There is nobody to tell of a refusal: the set is retained, and its sender has gone on.
            Input::Keys(set) => drop(self.adopt(now, &set)),
            Input::Verify { from, request } => self.answer(now, from, &request, out),
            Input::Ask { from, request } => self.answer_reader(now, from, &request, out),
            Input::Holder { from, request } => self.answer_holder(now, from, request, out),
        }
    }

    fn handle_timeout(&mut self, now: Timestamp, _out: &mut Vec<Output>) {
        self.forget(now);
    }

    fn next_timeout(&self) -> Option<Timestamp> {
        [self.seen.next_leave(), self.requests.next_leave(), self.spoken.next_leave()]
            .into_iter()
            .flatten()
            .min()
    }
}

impl From<RefusalReason> for Refusal {
    fn from(reason: RefusalReason) -> Self {
        Self { reason, first_seen: None, retry_at: None }
    }
}

#[cfg(test)]
mod cases;
#[cfg(test)]
mod tests;
