use std::collections::{BTreeMap, BTreeSet};

use types::{BillId, ReplyTo, ResidentId, Timestamp};
use uuid::Uuid;

use super::EXPIRED_KEPT_MS;
use crate::adjudicate::{DepositUse, Standing};
use crate::day::Day;
use crate::messages::{Bill, BillState, CashChannel, PresettleReply, Split, TraceStep};

/// A presettled bill.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) bill: Bill,
    pub(super) split: Split,
    pub(super) trace: Vec<TraceStep>,
    /// Where the beneficiary stood when it was split.
    pub(super) standing: Standing,
    pub(super) expires: Timestamp,
    /// The name of this presettlement: a payment may say that it means this one.
    pub(super) presettlement: Uuid,
    /// Id and version of what it was judged by.
    pub(super) policy: (String, u32),
    pub(super) day: Day,
    /// The family member whose account pays too.
    pub(super) family: Option<ResidentId>,
    /// The split is no longer right; a new presettlement must replace it before the bill can be paid.
    pub(super) stale: bool,
    /// Attempts at paying so far; also the number of the newest.
    pub(super) attempts: u32,
    /// The attempt that waits for the verifier.
    pub(super) asking: Option<Asking>,
    /// What is set aside until the cash is confirmed.
    pub(super) held: Option<Held>,
}

/// A settlement whose cash is still to be paid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) settlement: Uuid,
    pub(super) until: Timestamp,
    pub(super) means: Means,
}

/// An attempt at paying that waits for the verifier.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) from: ReplyTo,
    pub(super) fingerprint: u128,
    pub(super) deadline: Timestamp,
    pub(super) means: Means,
}

/// How a patient wants to pay.
#[derive(Clone, Copy, Debug)]
pub(super) struct Means {
    /// The cash is paid elsewhere, and confirmed later.
    pub(super) hold: bool,
    /// Neither account pays.
    pub(super) spare_accounts: bool,
    pub(super) cash: CashChannel,
}

impl Open {
    /// When something happens to it: the verifier is late, or an expired presettlement is forgotten.
    fn due(&self) -> Timestamp {
        match (&self.asking, &self.held) {
            (Some(asking), _) => asking.deadline,
            (None, Some(held)) => held.until,
            (None, None) => self.expires.plus_millis(EXPIRED_KEPT_MS),
        }
    }

    /// Whether it is being paid.
    pub(super) fn is_busy(&self) -> bool {
        self.asking.is_some() || self.held.is_some()
    }

    /// Whether the split may still be paid, or is being paid. Until then it is not replaced: nobody shall pay by a
    /// split that was changed behind their back.
    pub(super) fn stands(&self, now: Timestamp) -> bool {
        self.is_busy() || (!self.stale && now < self.expires)
    }

    /// How far it is.
    pub(super) fn state(&self, now: Timestamp, deposit: Option<DepositUse>) -> BillState {
        let (presettlement, split) = (self.presettlement, self.split);
        match self.held {
            Some(Held { settlement, until, .. }) => BillState::Held { settlement, split, deposit, until },
            None if self.asking.is_some() => BillState::Settling { presettlement },
            None if self.stands(now) => {
                BillState::Presettled { presettlement, split, deposit, expires: self.expires }
            }
            None => BillState::Expired { presettlement },
        }
    }

    pub(super) fn reply(&self) -> PresettleReply {
        PresettleReply::Presettled {
            bill: self.bill.id,
            presettlement: self.presettlement,
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
    /// The bill of each settlement that is held.
    held: BTreeMap<Uuid, BillId>,
}

impl OpenBills {
    pub(super) fn len(&self) -> usize {
        self.bills.len()
    }

    pub(super) fn get(&self, id: BillId) -> Option<&Open> {
        self.bills.get(&id)
    }

    /// All of them, by id.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Open> {
        self.bills.values()
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

    pub(super) fn remove(&mut self, id: BillId) -> Option<Open> {
        let open = self.bills.remove(&id)?;
        self.timers.remove(&(open.due(), id));
        Some(open)
    }

    /// Takes note that a settlement is held, or is not any more.
    pub(super) fn hold(&mut self, id: BillId, held: Option<Held>) {
        let before = self.change(id, |open| std::mem::replace(&mut open.held, held)).flatten();
        if let Some(before) = before {
            self.held.remove(&before.settlement);
        }
        if let Some(held) = held {
            self.held.insert(held.settlement, id);
        }
    }

    /// All that are held.
    pub(super) fn held_bills(&self) -> impl Iterator<Item = Held> + '_ {
        self.bills.values().filter_map(|open| open.held)
    }

    /// The bill of a held settlement.
    pub(super) fn held(&self, settlement: Uuid) -> Option<BillId> {
        self.held.get(&settlement).copied()
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
