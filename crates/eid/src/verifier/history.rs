//! What was shown of each resident, to whom, when: for that resident alone.

use std::collections::{BTreeMap, VecDeque};

use types::{ResidentId, Timestamp, VerifierId};

use crate::consent::{HISTORY_MAX, Showing};
use crate::decode::Identity;
use crate::{RefusalReason, Verdict};

/// Residents whose showings are remembered, at most: as many as the largest census. Beyond that, nobody new is.
const RESIDENTS_MAX: usize = 1_000_000;

/// The latest showings of each resident, at most [`HISTORY_MAX`].
///
/// A refusal counts only if the issuer's signature was good: then the code was once this resident's, and somebody else
/// may have it. The same refusal again and again is one entry, so that nobody washes out what came before.
#[derive(Debug, Default)]
pub(super) struct History {
    by_resident: BTreeMap<ResidentId, VecDeque<Showing>>,
}

impl History {
    /// What is remembered of a resident, the newest last.
    pub(super) fn of(&self, resident: ResidentId) -> Vec<Showing> {
        self.by_resident.get(&resident).into_iter().flatten().cloned().collect()
    }

    pub(super) fn note_accepted(
        &mut self,
        at: Timestamp,
        verifier: VerifierId,
        identity: &Identity,
        verdict: &Verdict,
    ) {
        let Verdict::Accepted { disclosed, .. } = verdict else { return };
        let disclosed = disclosed.keys().cloned().collect();
        self.note(identity, Showing { at, verifier, disclosed, refused: None, guardian: None, times: 1 });
    }

    pub(super) fn note_refused(
        &mut self,
        at: Timestamp,
        verifier: VerifierId,
        identity: &Identity,
        reason: RefusalReason,
    ) {
        let (disclosed, refused) = (Vec::new(), Some(reason));
        self.note(identity, Showing { at, verifier, disclosed, refused, guardian: None, times: 1 });
    }

    fn note(&mut self, identity: &Identity, mut showing: Showing) {
        let resident = identity.resident;
        showing.guardian = identity.guardianship.map(|guardianship| guardianship.guardian);
        if self.by_resident.len() >= RESIDENTS_MAX && !self.by_resident.contains_key(&resident) {
            return;
        }
        let showings = self.by_resident.entry(resident).or_default();
        let is_same = |other: &&mut Showing| {
            showing.refused.is_some()
                && (other.verifier, other.refused, other.guardian)
                    == (showing.verifier, showing.refused, showing.guardian)
        };
        if let Some(same) = showings.back_mut().filter(is_same) {
            (same.at, same.times) = (showing.at, same.times.saturating_add(1));
            return;
        }
        if showings.len() >= HISTORY_MAX {
            showings.pop_front();
        }
        showings.push_back(showing);
    }
}
