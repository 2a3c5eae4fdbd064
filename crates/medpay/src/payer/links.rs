use std::collections::{BTreeMap, VecDeque};

use types::{BillId, ReplyTo, ResidentId, Timestamp};

/// Consents that wait for the verifier, at most.
pub(super) const LINKS_MAX: usize = 1_000;

/// A family member's consent that waits for the verifier.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) from: ReplyTo,
    pub(super) fingerprint: u128,
    pub(super) beneficiary: ResidentId,
    pub(super) family: ResidentId,
    pub(super) reference: String,
    deadline: Timestamp,
}

impl Link {
    pub(super) fn new(
        from: ReplyTo,
        fingerprint: u128,
        (beneficiary, family): (ResidentId, ResidentId),
        reference: String,
        deadline: Timestamp,
    ) -> Self {
        Self { from, fingerprint, beneficiary, family, reference, deadline }
    }
}

/// All of them. The verifier is asked under an id that looks like a bill's.
#[derive(Debug, Default)]
pub(super) struct Links {
    waiting: BTreeMap<BillId, Link>,
    /// All wait equally long, so the first to come is the first due. Ids that are answered stay until then.
    order: VecDeque<(Timestamp, BillId)>,
}

impl Links {
    pub(super) fn is_full(&self) -> bool {
        self.order.len() >= LINKS_MAX
    }

    pub(super) fn asks(&self, from: &ReplyTo) -> bool {
        self.waiting.values().any(|link| link.from == *from)
    }

    pub(super) fn begin(&mut self, id: BillId, link: Link) {
        self.order.push_back((link.deadline, id));
        self.waiting.insert(id, link);
    }

    /// The one that was answered.
    pub(super) fn end(&mut self, id: BillId) -> Option<Link> {
        self.waiting.remove(&id)
    }

    /// One whose answer is late.
    pub(super) fn due(&mut self, now: Timestamp) -> Option<Link> {
        while let Some(&(_, id)) = self.order.front().filter(|(deadline, _)| *deadline <= now) {
            self.order.pop_front();
            if let Some(link) = self.waiting.remove(&id) {
                return Some(link);
            }
        }
        None
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.order.front().map(|&(deadline, _)| deadline)
    }
}
