//! Which phones and holders ended lately: told to verifiers for as long as credentials from before could still be shown.

use std::collections::VecDeque;

use types::{ResidentId, SECOND_MS, Timestamp};

use super::phones::CREDENTIAL_LIFE_S;
use crate::keys::{KeyId, to_hex};
use crate::status::CardStatus;
use crate::{Ended, PseudonymKey};

/// Endings told at once: with them, a set of keys stays a message that the bus takes. When there are more within a day,
/// the oldest is not told any more; what is left of its credentials' day is then good again.
pub(super) const ENDINGS_MAX: usize = 200;
/// Phones that one resident may lose within a day; then they get no further one, so that nobody pushes out what others lost.
const LOST_A_RESIDENT_MAX: usize = 8;

/// All of them, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Endings {
    all: VecDeque<Ending>,
}

#[derive(Debug, PartialEq, Eq)]
struct Ending {
    resident: ResidentId,
    /// Which phone of theirs; `None` = the resident, however they are shown.
    phone: Option<KeyId>,
    status: CardStatus,
    since: Timestamp,
}

impl Endings {
    pub(super) fn add(
        &mut self,
        since: Timestamp,
        resident: ResidentId,
        phone: Option<KeyId>,
        status: CardStatus,
    ) {
        self.all.retain(|ending| (ending.resident, ending.phone) != (resident, phone));
        self.forget(since);
        if self.all.len() >= ENDINGS_MAX {
            self.all.pop_front();
        }
        self.all.push_back(Ending { resident, phone, status, since });
    }

    /// The resident is well again, and so are these phones of theirs.
    pub(super) fn lift(&mut self, resident: ResidentId, phones: &[KeyId]) {
        let is_well = |phone: Option<KeyId>| phone.is_none_or(|phone| phones.contains(&phone));
        self.all.retain(|ending| ending.resident != resident || !is_well(ending.phone));
    }

    /// Whether this phone was lost within a day. It may have been found, by somebody.
    pub(super) fn has_lost(&self, phone: KeyId) -> bool {
        self.all.iter().any(|ending| ending.phone == Some(phone) && ending.status == CardStatus::Revoked)
    }

    /// Whether a resident has lost so many phones lately that they get no further one.
    pub(super) fn has_lost_too_many(&self, resident: ResidentId) -> bool {
        let lost = self.all.iter().filter(|ending| ending.resident == resident && ending.phone.is_some());
        lost.count() >= LOST_A_RESIDENT_MAX
    }

    /// Forgets those from whose time no credential is left.
    pub(super) fn forget(&mut self, now: Timestamp) {
        let is_over = |ending: &Ending| now.millis_since(ending.since) > CREDENTIAL_LIFE_S * SECOND_MS;
        while self.all.front().is_some_and(is_over) {
            self.all.pop_front();
        }
    }

    /// As they are published.
    pub(super) fn told(&self, names: &PseudonymKey) -> Vec<Ended> {
        let told = self.all.iter().map(|ending| Ended {
            phone: ending.phone.map(|phone| to_hex(&phone)),
            holder: names.holder(ending.resident),
            status: ending.status,
            since: ending.since,
        });
        told.collect()
    }
}

#[cfg(test)]
mod tests;
