//! Codes that were handed in to be spoken: eight digits stand for each.

use std::collections::{BTreeMap, BTreeSet};

use types::{MINUTE_MS, ReplyTo, ResidentId, Timestamp, VerifierId};

use super::checks::showing_of;
use super::{COUNTERS_MAX, SKEW_MS, Verifier};
use crate::consent::HolderReply;
use crate::rate::Failures;
use crate::spoken::{SPOKEN_LIFE_MS, SpokenCode};
use crate::{PseudonymKey, QrText, Refusal, RefusalReason, Shown};

/// Spoken codes kept at once. Beyond that, holders are told to wait.
///
/// It is also what guessing meets: of a hundred million numbers, at most so many are somebody's.
const SPOKEN_MAX: usize = 1_000;
/// How long digits are remembered after they are over \[ms\], so that who comes late is told that they are late.
const REMEMBERED_MS: i64 = MINUTE_MS;
/// Digits that nobody has, by one reader in a minute.
const WRONG_A_READER_MAX: u32 = 5;
/// The same by all readers together, which may be one person with many names.
const WRONG_MAX: u32 = 20;
/// Spoken codes for one resident in a minute.
const ASKED_A_RESIDENT_MAX: u32 = 5;
/// Residents whose wishes are counted at once.
const RESIDENTS_MAX: usize = 4_096;
/// Numbers tried for a new code: that so many are taken, one after the other, does not happen.
const TRIES_MAX: usize = 8;

/// The codes by their digits.
#[derive(Debug)]
pub(super) struct Spoken {
    all: BTreeMap<SpokenCode, HandedIn>,
    /// The same in the order in which they are forgotten.
    leaving: BTreeSet<(Timestamp, SpokenCode)>,
    /// How many there ever were: what makes digits new.
    count: u64,
    asked: Failures<ResidentId>,
    wrong: Failures<VerifierId>,
    wrong_in_all: Failures<()>,
}

/// A code that was handed in.
#[derive(Debug)]
struct HandedIn {
    /// Where it came from: the same question again gets the same digits.
    from: ReplyTo,
    code: QrText,
    expires: Timestamp,
}

impl Default for Spoken {
    fn default() -> Self {
        Self {
            all: BTreeMap::new(),
            leaving: BTreeSet::new(),
            count: 0,
            asked: Failures::new(RESIDENTS_MAX),
            wrong: Failures::new(COUNTERS_MAX),
            wrong_in_all: Failures::new(1),
        }
    }
}

impl Spoken {
    /// Forgets what has been over for long.
    pub(super) fn forget(&mut self, now: Timestamp) {
        while self.next_leave().is_some_and(|leaves| leaves <= now) {
            let (_, spoken) = self.leaving.pop_first().expect("one is about to leave");
            self.all.remove(&spoken);
        }
    }

    /// When the next one is forgotten.
    pub(super) fn next_leave(&self) -> Option<Timestamp> {
        self.leaving.first().map(|&(leaves, _)| leaves)
    }

    /// The code behind what a reader was told. Digits that are nobody's count against it, so that it cannot try them all.
    pub(super) fn heard(
        &mut self,
        now: Timestamp,
        verifier: VerifierId,
        spoken: SpokenCode,
    ) -> Result<&QrText, Refusal> {
        let by_reader = self.wrong.blocked_until(now, &verifier, WRONG_A_READER_MAX);
        let in_all = self.wrong_in_all.blocked_until(now, &(), WRONG_MAX);
        if let Some(retry_at) = by_reader.max(in_all) {
            return Err(Refusal { retry_at: Some(retry_at), ..RefusalReason::RateLimited.into() });
        }
        let Some(handed_in) = self.all.get(&spoken) else {
            self.wrong.note(now, verifier);
            self.wrong_in_all.note(now, ());
            return Err(RefusalReason::SpokenUnknown.into());
        };
        if now >= handed_in.expires.plus_millis(SKEW_MS) {
            return Err(RefusalReason::TokenExpired.into());
        }
        Ok(&handed_in.code)
    }

    fn again(&self, from: &ReplyTo) -> Option<HolderReply> {
        let (&spoken, HandedIn { expires, .. }) = self.all.iter().find(|(_, one)| one.from == *from)?;
        Some(HolderReply::Spoken { spoken, expires: *expires })
    }

    /// Digits for a code, unless there are too many.
    fn take_in(
        &mut self,
        now: Timestamp,
        key: &PseudonymKey,
        resident: ResidentId,
        handed_in: HandedIn,
    ) -> Result<SpokenCode, RefusalReason> {
        let is_full = self.all.len() >= SPOKEN_MAX;
        if is_full || self.asked.blocked_until(now, &resident, ASKED_A_RESIDENT_MAX).is_some() {
            return Err(RefusalReason::RateLimited);
        }
        let spoken = self.new_digits(now, key).ok_or(RefusalReason::RateLimited)?;
        self.asked.note(now, resident);
        self.leaving.insert((handed_in.expires.plus_millis(REMEMBERED_MS), spoken));
        self.all.insert(spoken, handed_in);
        Ok(spoken)
    }

    fn new_digits(&mut self, now: Timestamp, key: &PseudonymKey) -> Option<SpokenCode> {
        let count = self.count;
        self.count += TRIES_MAX as u64;
        let words = |number: u64| format!("spoken code {number} at {}", now.as_millis());
        let tried = (count..self.count).map(|number| SpokenCode::chosen_by(key.bytes(&words(number))));
        tried.into_iter().find(|spoken| !self.all.contains_key(spoken))
    }
}

impl Verifier {
    /// Keeps a code that its holder wants to read aloud. It is judged when a reader has heard it; what could never pass
    /// gets no digits.
    pub(super) fn take_spoken(
        &mut self,
        now: Timestamp,
        from: &ReplyTo,
        resident: ResidentId,
        code: QrText,
    ) -> HolderReply {
        if let Some(again) = self.spoken.again(from) {
            return again;
        }
        let taken = self.living_until(now, resident, &code).and_then(|ends| {
            let expires = ends.min(now.plus_millis(SPOKEN_LIFE_MS));
            let handed_in = HandedIn { from: from.clone(), code, expires };
            let spoken = self.spoken.take_in(now, &self.pseudonyms, resident, handed_in)?;
            Ok(HolderReply::Spoken { spoken, expires })
        });
        taken.unwrap_or_else(|reason| HolderReply::Refused(reason.into()))
    }

    /// When a code of this holder's own, or of their ward, ends by itself. A card does not live.
    fn living_until(
        &self,
        now: Timestamp,
        resident: ResidentId,
        code: &QrText,
    ) -> Result<Timestamp, RefusalReason> {
        let (_, code, claims, identity) = self.genuine(now, &code.0)?;
        let showing = showing_of(now, &code, &claims)?;
        let shown_by = identity.guardianship.map_or(identity.resident, |grant| grant.guardian);
        if shown_by != resident {
            return Err(RefusalReason::HolderProofInvalid);
        }
        if showing.shown == Shown::Card {
            return Err(RefusalReason::HolderProofMissing);
        }
        Ok(showing.expires(&claims))
    }
}

#[cfg(test)]
mod tests;
