//! Double entry: what is owed to whom, moved only in groups of transfers that happen together.
//!
//! ```text
//!          ┌─ capture ─▶ posted ─ reverse ─▶ counter-entries, posted as a group of their own
//! hold ─▶ pending
//!          └─ void, expiry ─▶ voided
//! ```
//!
//! What is pending cannot be spent a second time. Nothing is ever edited or deleted. [`Ledger::all`] links steps: all
//! of them happen, or none.

use std::collections::{BTreeMap, BTreeSet};

use types::{Fen, Timestamp};
use uuid::Uuid;

mod account;
mod stage;

pub use account::{Account, Quota, Unit};
use stage::Stage;

/// Transfers of one group, at most.
pub const TRANSFERS_MAX: usize = 8;
/// Groups a ledger remembers, at most. When it is full, it refuses: a forgotten group could be posted twice.
pub const GROUPS_MAX: usize = 2_000_000;
/// Steps linked together, at most.
pub const STEPS_MAX: usize = 8;

/// An amount that leaves one account for another of the same unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Whose balance falls.
    pub debit: Account,
    /// Whose balance rises.
    pub credit: Account,
    /// By how much, above zero.
    pub amount: Fen,
}

/// Transfers that happen together or not at all, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its id. The same id again means the same group, delivered twice.
    pub id: Uuid,
    /// At least one, at most [`TRANSFERS_MAX`].
    pub transfers: Vec<Transfer>,
}

/// One step of what happens to a ledger. Doing the same step again changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Move now.
    Post(Group),
    /// Set aside what would be moved, until the moment given.
    Hold(Group, Timestamp),
    /// Move what was set aside.
    Capture(Uuid),
    /// Free what was set aside.
    Void(Uuid),
    /// Move back what a group moved.
    Reverse {
        /// The group.
        of: Uuid,
        /// The id of the counter-entries.
        by: Uuid,
    },
}

/// How far a group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Set aside until then.
    Pending(Timestamp),
    /// Moved.
    Posted,
    /// Freed, by hand or because it had expired.
    Voided,
}

/// Why a step was not done. No balance changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// It has no transfers, or too many; or too many steps are linked.
    #[error("group {group} has {got} transfers, must be 1 to {TRANSFERS_MAX}")]
    Size {
        /// The group.
        group: Uuid,
        /// How many.
        got: usize,
    },
    /// Its id is taken by other transfers, or by another step.
    #[error("group {group} was posted with other transfers")]
    Conflict {
        /// The group.
        group: Uuid,
    },
    /// An amount is not above zero.
    #[error("group {group}: an amount is not above zero")]
    AmountNotPositive {
        /// The group.
        group: Uuid,
    },
    /// The two sides count different things, or are one account.
    #[error("group {group}: {debit:?} cannot be transferred to {credit:?}")]
    Sides {
        /// The group.
        group: Uuid,
        /// The debit side.
        debit: Account,
        /// The credit side.
        credit: Account,
    },
    /// An account has less than was asked of it, counting what is set aside.
    #[error("group {group}: {account:?} has too little")]
    Insufficient {
        /// The group.
        group: Uuid,
        /// The account.
        account: Account,
    },
    /// A balance would not fit.
    #[error("group {group}: a balance does not fit in 64 bits")]
    Overflow {
        /// The group.
        group: Uuid,
    },
    /// There is no such group.
    #[error("group {group} is unknown")]
    Unknown {
        /// The group.
        group: Uuid,
    },
    /// The group is not pending.
    #[error("group {group} is not pending")]
    NotPending {
        /// The group.
        group: Uuid,
    },
    /// The group is not posted, or is a reversal itself.
    #[error("group {group} cannot be reversed")]
    NotReversible {
        /// The group.
        group: Uuid,
    },
    /// The group was reversed before.
    #[error("group {group} was reversed by {by}")]
    AlreadyReversed {
        /// The group.
        group: Uuid,
        /// Its counter-entries.
        by: Uuid,
    },
    /// [`GROUPS_MAX`] groups are kept.
    #[error("ledger is full")]
    Full,
}

/// What an account has, and what pending groups will take from it and bring to it \[fen each\].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    balance: Fen,
    out: Fen,
    into: Fen,
}

/// A group, and what became of it.
#[derive(Clone, Debug)]
struct Record {
    transfers: Box<[Transfer]>,
    state: State,
    reverses: Option<Uuid>,
    reversed_by: Option<Uuid>,
}

/// All accounts, and every group there ever was.
///
/// The balances of each unit add up to zero after every call, and no bounded account has less than what is set aside
/// of it.
#[derive(Debug, Default)]
pub struct Ledger {
    accounts: BTreeMap<Account, Sums>,
    groups: BTreeMap<Uuid, Record>,
    /// The pending groups, by when they expire.
    pending: BTreeSet<(Timestamp, Uuid)>,
}

impl Ledger {
    /// Posts all transfers of `group`, or none. Posting the same group again changes nothing.
    ///
    /// # Errors
    ///
    /// [`LedgerError`], and nothing is posted.
    pub fn apply(&mut self, group: &Group) -> Result<(), LedgerError> {
        self.run(|stage| stage.post(group))
    }

    /// Does all of `steps`, or nothing.
    ///
    /// # Panics
    ///
    /// If a unit would no longer add up to zero, which no step can cause.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] of the first step that cannot be done, and nothing is done.
    pub fn all(&mut self, steps: &[Step]) -> Result<(), LedgerError> {
        if steps.len() > STEPS_MAX {
            return Err(LedgerError::Size { group: Uuid::nil(), got: steps.len() });
        }
        self.run(|stage| steps.iter().try_for_each(|step| stage.step(step)))
    }

    fn run(
        &mut self,
        work: impl FnOnce(&mut Stage<'_>) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        let mut stage = Stage::new(self);
        work(&mut stage)?;
        let (accounts, groups) = stage.finish();
        self.accounts.extend(accounts);
        for (id, record) in groups {
            self.keep(id, record);
        }
        Ok(())
    }

    fn keep(&mut self, id: Uuid, record: Record) {
        let expires = |state| if let State::Pending(expires) = state { Some((expires, id)) } else { None };
        if let Some(timer) = expires(record.state) {
            self.pending.insert(timer);
        }
        let now = record.state;
        if let Some(before) = self.groups.insert(id, record)
            && before.state != now
            && let Some(timer) = expires(before.state)
        {
            self.pending.remove(&timer);
        }
    }

    /// Voids what is pending and has expired: its ids, in the order of expiry.
    pub fn expire(&mut self, now: Timestamp) -> Vec<Uuid> {
        let due: Vec<Uuid> =
            self.pending.iter().take_while(|(expires, _)| *expires <= now).map(|&(_, id)| id).collect();
        for &id in &due {
            self.all(&[Step::Void(id)]).expect("what is pending can be voided");
        }
        due
    }

    /// When [`expire`](Self::expire) has something to do.
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.pending.first().map(|&(expires, _)| expires)
    }

    /// The balance of `account`; zero if nothing was ever posted to it.
    pub fn balance(&self, account: Account) -> Fen {
        self.sums(account).balance
    }

    /// Its balance less what is set aside.
    pub fn available(&self, account: Account) -> Fen {
        let Sums { balance, out, .. } = self.sums(account);
        balance.minus(out).expect("no hold was let in that does not fit")
    }

    /// All accounts something was ever to be posted to, with their balances, in order.
    pub fn balances(&self) -> impl Iterator<Item = (Account, Fen)> + '_ {
        self.accounts.iter().map(|(&account, sums)| (account, sums.balance))
    }

    /// The sum of all balances of `unit`: always zero. In 128 bits, to be sure that it is the sum. Visits all
    /// accounts.
    pub fn imbalance(&self, unit: Unit) -> i128 {
        self.balances()
            .filter(|(account, _)| account.unit() == unit)
            .map(|(_, fen)| i128::from(fen.get()))
            .sum()
    }

    /// How many groups there are, in any state.
    pub fn group_count(&self) -> usize {
        self.groups.len()
    }

    /// How many groups are pending.
    pub fn pending_count(&self) -> usize {
        self.pending.len()
    }

    /// How far a group is.
    pub fn state(&self, group: Uuid) -> Option<State> {
        self.groups.get(&group).map(|record| record.state)
    }

    /// What a group moves.
    pub fn transfers(&self, group: Uuid) -> &[Transfer] {
        self.groups.get(&group).map_or(&[], |record| &record.transfers)
    }

    fn sums(&self, account: Account) -> Sums {
        self.accounts.get(&account).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
