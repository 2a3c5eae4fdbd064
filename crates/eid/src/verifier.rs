//! The verifier: says whether a code is good, now and for the first time.

use std::collections::BTreeMap;

use ed25519_dalek::VerifyingKey;
use types::{Core, ReplyTo, ResidentId, SECOND_MS, Timestamp};

use crate::decode::{Claims, Identity};
use crate::keys::{KeyId, to_hex};
use crate::replay::{Answer, ReplayCache};
use crate::{EidEvent, KeySet, Refusal, RefusalReason, Verdict, VerifyRequest, decode_code};

/// How far the clocks of issuer and verifier may be apart \[ms\].
pub const SKEW_MS: i64 = 5 * SECOND_MS;

/// Codes remembered at once: 4,000 accepted per second, each for 65 s.
///
/// When there are more, a code that passes every other check is refused as
/// [`TokenReplayed`](RefusalReason::TokenReplayed) without `first_seen`: that it is new could not be told any more.
/// No code is forgotten before it expires.
pub const SEEN_MAX: usize = 262_144;

/// Keys of one key set. A larger set is refused.
pub const KEYS_MAX: usize = 64;

/// What can happen to a verifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The issuer's keys. A set with a lower version than the present one, or with too many keys, is refused; a key
    /// that cannot be read is left out.
    Keys(KeySet),
    /// A counter scanned a code.
    Verify {
        /// Where the verdict goes.
        from: ReplyTo,
        /// The code and what for.
        request: VerifyRequest,
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
    /// Tell everyone.
    Event(EidEvent),
}

/// Checks codes with the issuer's keys and accepts each one once.
///
/// The checks run from cheap to dear, and a code gets into the memory of accepted ones only after the last of them:
/// otherwise anybody could fill it. Needs nobody but the keys; without them every issuer is unknown.
#[derive(Debug)]
pub struct Verifier {
    keys: BTreeMap<KeyId, VerifyingKey>,
    /// None before the first set.
    key_set_version: Option<u32>,
    seen: ReplayCache,
}

/// A code that passed, and whether it did so before in the same request.
struct Pass {
    verdict: Verdict,
    resident: ResidentId,
    is_repeated: bool,
}

impl Verifier {
    /// A verifier without keys.
    pub fn new() -> Self {
        Self::with_seen_max(SEEN_MAX)
    }

    fn with_seen_max(max: usize) -> Self {
        Self { keys: BTreeMap::new(), key_set_version: None, seen: ReplayCache::new(max) }
    }

    /// The version of the keys it checks with, if it has any.
    pub fn key_set_version(&self) -> Option<u32> {
        self.key_set_version
    }

    /// How many accepted codes it remembers, at most [`SEEN_MAX`].
    pub fn seen_len(&self) -> usize {
        self.seen.len()
    }

    fn adopt(&mut self, set: &KeySet) {
        let is_older = self.key_set_version.is_some_and(|version| set.version < version);
        if is_older || set.keys.len() > KEYS_MAX {
            return;
        }
        self.key_set_version = Some(set.version);
        self.keys = set.keys.iter().filter_map(|key| key.read()).collect();
    }

    fn verify(&mut self, now: Timestamp, from: &ReplyTo, request: &VerifyRequest) -> Result<Pass, Refusal> {
        let code = decode_code(&request.code.0)?;
        let (kid, key) = self.key(code.kid()).ok_or(RefusalReason::IssuerUnknown)?;
        if !code.is_signed_by(key) {
            return Err(RefusalReason::SignatureInvalid.into());
        }
        let mut claims = code.claims()?;
        check_times(now, &claims)?;
        let identity = claims.identity.take().ok_or(RefusalReason::ClaimMissing)?;

        let leaves = claims.expires.plus_millis(SKEW_MS);
        let is_repeated = match self.seen.see(now, (kid, claims.code_id.clone()), leaves, from, request) {
            Answer::Fresh => false,
            Answer::SameRequest => true,
            Answer::Replayed { first_seen } => return Err(replayed(Some(first_seen))),
            Answer::Full => return Err(replayed(None)),
        };
        let resident = identity.resident;
        Ok(Pass { verdict: accepted(identity, &claims, request), resident, is_repeated })
    }

    fn key(&self, kid: Option<&[u8]>) -> Option<(KeyId, &VerifyingKey)> {
        let kid = kid?.try_into().ok()?;
        Some((kid, self.keys.get(&kid)?))
    }

    fn answer(&mut self, now: Timestamp, from: ReplyTo, request: &VerifyRequest, out: &mut Vec<Output>) {
        let verifier = request.verifier;
        let (verdict, event) = match self.verify(now, &from, request) {
            Ok(Pass { verdict, resident, is_repeated }) => {
                (verdict, (!is_repeated).then_some(EidEvent::Verified { resident, verifier }))
            }
            Err(refusal) => {
                let event = EidEvent::Rejected { verifier, reason: refusal.reason };
                (Verdict::Refused(refusal), Some(event))
            }
        };
        out.push(Output::Verdict { to: from, verdict });
        out.extend(event.map(Output::Event));
    }
}

impl Default for Verifier {
    fn default() -> Self {
        Self::new()
    }
}

impl Core for Verifier {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        // The driver may be late with the timeout; expired codes must not take the room of new ones.
        self.seen.forget(now);
        match input {
            Input::Keys(set) => self.adopt(&set),
            Input::Verify { from, request } => self.answer(now, from, &request, out),
        }
    }

    fn handle_timeout(&mut self, now: Timestamp, _out: &mut Vec<Output>) {
        self.seen.forget(now);
    }

    fn next_timeout(&self) -> Option<Timestamp> {
        self.seen.next_leave()
    }
}

impl From<RefusalReason> for Refusal {
    fn from(reason: RefusalReason) -> Self {
        Self { reason, first_seen: None }
    }
}

fn replayed(first_seen: Option<Timestamp>) -> Refusal {
    Refusal { reason: RefusalReason::TokenReplayed, first_seen }
}

/// Good from `valid_from - SKEW_MS` up to, but not at, `expires + SKEW_MS`.
fn check_times(now: Timestamp, claims: &Claims) -> Result<(), RefusalReason> {
    if now >= claims.expires.plus_millis(SKEW_MS) {
        Err(RefusalReason::TokenExpired)
    } else if now < claims.valid_from.plus_millis(-SKEW_MS) {
        Err(RefusalReason::TokenNotYetValid)
    } else {
        Ok(())
    }
}

fn accepted(identity: Identity, claims: &Claims, request: &VerifyRequest) -> Verdict {
    let named = |(attribute, value): (crate::Attribute, String)| (attribute.name().to_owned(), value);
    Verdict::Accepted {
        resident: identity.resident,
        disclosed: identity.disclosed.into_iter().map(named).collect(),
        code_id: to_hex(&claims.code_id),
        issued: claims.issued,
        reference: request.reference.clone(),
    }
}

#[cfg(test)]
mod tests;
