use std::collections::{BTreeMap, BTreeSet};

use types::{BillId, ReplyTo, Timestamp};

use super::EXPIRED_KEPT_MS;
use crate::messages::{Bill, PresettleReply, Split, TraceStep};

/// A presettled bill.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) bill: Bill,
    pub(super) split: Split,
    pub(super) trace: Vec<TraceStep>,
    pub(super) expires: Timestamp,
    /// The split is no longer right; a new presettlement must replace it before the bill can be paid.
    pub(super) stale: bool,
    /// Attempts at paying so far; also the number of the newest.
    pub(super) attempts: u32,
    /// The attempt that waits for the verifier.
    pub(super) asking: Option<Asking>,
}

/// An attempt at paying that waits for the verifier.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) from: ReplyTo,
    pub(super) deadline: Timestamp,
}

impl Open {
    /// When something happens to it: the verifier is late, or an expired presettlement is forgotten.
    fn due(&self) -> Timestamp {
        self.asking.as_ref().map_or(self.expires.plus_millis(EXPIRED_KEPT_MS), |asking| asking.deadline)
    }

    /// Whether the split may still be paid, or is being paid. Until then it is not replaced: nobody shall pay by a
    /// split that was changed behind their back.
    pub(super) fn stands(&self, now: Timestamp) -> bool {
        self.asking.is_some() || (!self.stale && now < self.expires)
    }

    pub(super) fn reply(&self) -> PresettleReply {
        PresettleReply::Presettled {
            bill: self.bill.id,
            split: self.split,
            trace: self.trace.clone(),
            expires: self.expires,
        }
    }
}

/// All presettled bills, each with one timer.
#[derive(Debug, Default)]
pub(super) struct OpenBills {
    bills: BTreeMap<BillId, Open>,
    /// One for each bill, at [`Open::due`]: every change of a bill goes through here to keep it so.
    timers: BTreeSet<(Timestamp, BillId)>,
}

impl OpenBills {
    pub(super) fn len(&self) -> usize {
        self.bills.len()
    }

    pub(super) fn get(&self, id: BillId) -> Option<&Open> {
        self.bills.get(&id)
    }

    /// A bill whose time has come.
    pub(super) fn due(&self, now: Timestamp) -> Option<BillId> {
        self.timers.first().filter(|(due, _)| *due <= now).map(|&(_, id)| id)
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.timers.first().map(|&(due, _)| due)
    }

    /// Adds a bill, or replaces it.
    pub(super) fn put(&mut self, open: Open) {
        let id = open.bill.id;
        self.remove(id);
        self.timers.insert((open.due(), id));
        self.bills.insert(id, open);
    }

    pub(super) fn remove(&mut self, id: BillId) {
        if let Some(open) = self.bills.remove(&id) {
            self.timers.remove(&(open.due(), id));
        }
    }

    pub(super) fn change<R>(&mut self, id: BillId, how: impl FnOnce(&mut Open) -> R) -> Option<R> {
        let open = self.bills.get_mut(&id)?;
        self.timers.remove(&(open.due(), id));
        let result = how(open);
        self.timers.insert((open.due(), id));
        Some(result)
    }

    /// Ends the attempt that waits for the verifier, if one does.
    pub(super) fn end_attempt(&mut self, id: BillId) -> Option<Asking> {
        self.change(id, |open| open.asking.take()).flatten()
    }

    #[cfg(test)]
    pub(super) fn timer_count(&self) -> usize {
        self.timers.len()
    }
}
