//! Which codes were accepted, for as long as they could be accepted again.

use std::collections::{BTreeMap, BTreeSet};

use types::{ReplyTo, Timestamp, VerifierId};

use crate::keys::KeyId;
use crate::{Demand, VerifyRequest};

/// A code's own id, which is unique among the codes of one key.
pub(crate) type CodeKey = (KeyId, Box<[u8]>);

/// Codes accepted lately. Bounded: when it is full, no further code is let in until one leaves.
#[derive(Debug)]
pub(crate) struct ReplayCache {
    max: usize,
    seen: BTreeMap<CodeKey, Sighting>,
    /// The same codes in the order in which they leave.
    leaving: BTreeSet<(Timestamp, CodeKey)>,
}

/// The request for which a code was accepted.
#[derive(Debug)]
struct Sighting {
    first_seen: Timestamp,
    from: ReplyTo,
    verifier: VerifierId,
    reference: String,
    demand: Demand,
}

/// What the cache knows of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Never seen; seen now.
    Fresh,
    /// Seen in this very request, which was delivered again.
    SameRequest { first_seen: Timestamp },
    /// Seen in another request.
    Replayed { first_seen: Timestamp },
    /// Not to be told: there is no room to remember it.
    Full,
}

impl ReplayCache {
    pub(crate) fn new(max: usize) -> Self {
        Self { max, seen: BTreeMap::new(), leaving: BTreeSet::new() }
    }

    /// Remembers a code that passed every other check, until the moment `leaves`.
    pub(crate) fn see(
        &mut self,
        now: Timestamp,
        code: CodeKey,
        leaves: Timestamp,
        from: &ReplyTo,
        request: &VerifyRequest,
    ) -> Answer {
        if let Some(sighting) = self.seen.get(&code) {
            let first_seen = sighting.first_seen;
            return if sighting.is_of(from, request) {
                Answer::SameRequest { first_seen }
            } else {
                Answer::Replayed { first_seen }
            };
        }
        if self.seen.len() >= self.max {
            return Answer::Full;
        }
        self.leaving.insert((leaves, code.clone()));
        self.seen.insert(code, Sighting::new(now, from, request));
        Answer::Fresh
    }

    /// Forgets the codes whose time has come: they are refused as expired from now on.
    pub(crate) fn forget(&mut self, now: Timestamp) {
        while self.next_leave().is_some_and(|leaves| leaves <= now) {
            let (_, code) = self.leaving.pop_first().expect("one is about to leave");
            self.seen.remove(&code);
        }
    }

    /// When the next code leaves.
    pub(crate) fn next_leave(&self) -> Option<Timestamp> {
        self.leaving.first().map(|&(leaves, _)| leaves)
    }

    pub(crate) fn len(&self) -> usize {
        self.seen.len()
    }
}

impl Sighting {
    fn new(now: Timestamp, from: &ReplyTo, request: &VerifyRequest) -> Self {
        Self {
            first_seen: now,
            from: from.clone(),
            verifier: request.verifier,
            reference: request.reference.clone(),
            demand: request.demand,
        }
    }

    /// Equal addresses are one request. That it also asks the same is not trusted but seen: otherwise a counter that
    /// uses an address twice would have one code accepted for two bills.
    fn is_of(&self, from: &ReplyTo, request: &VerifyRequest) -> bool {
        self.from == *from
            && self.verifier == request.verifier
            && self.reference == request.reference
            && self.demand == request.demand
    }
}
