//! Double entry: what is owed to whom, moved only in groups of transfers that happen together.

use std::collections::BTreeMap;

use types::{Fen, ProviderId, ResidentId};
use uuid::Uuid;

/// Transfers of one group, at most.
pub const TRANSFERS_MAX: usize = 8;
/// Groups a ledger remembers, at most. When it is full, it refuses: a forgotten group could be posted twice.
pub const GROUPS_MAX: usize = 2_000_000;

/// Something that has a balance: its credits less its debits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Account {
    /// Where the money of the city comes from. Runs below zero.
    WorldBudget,
    /// The pooled fund. Never below zero.
    PoolFund,
    /// A beneficiary's personal account. Never below zero.
    Personal(ResidentId),
    /// Cash taken at tills. Runs below zero, by what was taken.
    CashClearing,
    /// What the payer owes a provider. Never below zero.
    Payable(ProviderId),
    /// Where quota comes from and returns to. Runs below zero.
    QuotaWorld,
    /// What a beneficiary has still to pay first this year. Never below zero.
    DeductibleQuota(ResidentId),
    /// What the fund may still pay for a beneficiary this year. Never below zero.
    CapQuota(ResidentId),
}

/// What a balance counts. One is never exchanged for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// Money \[fen\].
    Cny,
    /// Permission to spend or have spent money \[fen\].
    Quota,
}

impl Account {
    /// What it counts.
    pub fn unit(self) -> Unit {
        match self {
            Self::WorldBudget
            | Self::PoolFund
            | Self::Personal(_)
            | Self::CashClearing
            | Self::Payable(_) => Unit::Cny,
            Self::QuotaWorld | Self::DeductibleQuota(_) | Self::CapQuota(_) => Unit::Quota,
        }
    }

    /// Whether it may never fall below zero.
    pub fn is_bounded(self) -> bool {
        !matches!(self, Self::WorldBudget | Self::CashClearing | Self::QuotaWorld)
    }
}

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

/// Why a group was not posted. No balance changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// It has no transfers, or too many.
    #[error("group {group} has {got} transfers, must be 1 to {TRANSFERS_MAX}")]
    Size {
        /// The group.
        group: Uuid,
        /// How many.
        got: usize,
    },
    /// Its id was posted with other transfers.
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
    /// An account has less than was asked of it.
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
    /// [`GROUPS_MAX`] groups are posted.
    #[error("ledger is full")]
    Full,
}

/// All accounts, and every group ever posted to them.
///
/// The balances of each unit add up to zero after every call.
#[derive(Debug, Default)]
pub struct Ledger {
    balances: BTreeMap<Account, Fen>,
    posted: BTreeMap<Uuid, Box<[Transfer]>>,
}

impl Ledger {
    /// Posts all transfers of `group`, or none. Posting the same group again changes nothing.
    ///
    /// # Panics
    ///
    /// If a unit would no longer add up to zero, which no group can cause.
    ///
    /// # Errors
    ///
    /// [`LedgerError`], and nothing is posted.
    pub fn apply(&mut self, group: &Group) -> Result<(), LedgerError> {
        let id = group.id;
        if let Some(posted) = self.posted.get(&id) {
            let same = **posted == *group.transfers;
            return if same { Ok(()) } else { Err(LedgerError::Conflict { group: id }) };
        }
        if group.transfers.is_empty() || group.transfers.len() > TRANSFERS_MAX {
            return Err(LedgerError::Size { group: id, got: group.transfers.len() });
        }
        if self.posted.len() >= GROUPS_MAX {
            return Err(LedgerError::Full);
        }
        let mut changed = BTreeMap::new();
        for transfer in &group.transfers {
            self.stage(id, transfer, &mut changed)?;
        }
        self.assert_balanced(&changed);
        self.balances.append(&mut changed);
        self.posted.insert(id, group.transfers.clone().into_boxed_slice());
        Ok(())
    }

    /// The balance of `account`; zero if nothing was ever posted to it.
    pub fn balance(&self, account: Account) -> Fen {
        self.balances.get(&account).copied().unwrap_or_default()
    }

    /// All accounts something was posted to, with their balances, in order.
    pub fn balances(&self) -> impl Iterator<Item = (Account, Fen)> + '_ {
        self.balances.iter().map(|(&account, &balance)| (account, balance))
    }

    /// The sum of all balances of `unit`: always zero. In 128 bits, to be sure that it is the sum. Visits all
    /// accounts.
    pub fn imbalance(&self, unit: Unit) -> i128 {
        self.balances()
            .filter(|(account, _)| account.unit() == unit)
            .map(|(_, fen)| i128::from(fen.get()))
            .sum()
    }

    /// How many groups are posted.
    pub fn group_count(&self) -> usize {
        self.posted.len()
    }

    /// The balances summed to zero before, so they do after if what would change adds up to nothing in each unit.
    /// Checked in every build, at the cost of the group's accounts rather than of all.
    fn assert_balanced(&self, changed: &BTreeMap<Account, Fen>) {
        let (mut cny, mut quota) = (0_i128, 0_i128);
        for (&account, &balance) in changed {
            let difference = i128::from(balance.get()) - i128::from(self.balance(account).get());
            match account.unit() {
                Unit::Cny => cny += difference,
                Unit::Quota => quota += difference,
            }
        }
        assert_eq!((cny, quota), (0, 0), "each transfer takes from one account what it gives to another");
    }

    /// Adds the effect of one transfer to the balances that would change.
    fn stage(
        &self,
        group: Uuid,
        transfer: &Transfer,
        changed: &mut BTreeMap<Account, Fen>,
    ) -> Result<(), LedgerError> {
        let &Transfer { debit, credit, amount } = transfer;
        if amount <= Fen::ZERO {
            return Err(LedgerError::AmountNotPositive { group });
        }
        if debit == credit || debit.unit() != credit.unit() {
            return Err(LedgerError::Sides { group, debit, credit });
        }
        let now = |account, changed: &BTreeMap<_, _>| {
            changed.get(&account).copied().unwrap_or_else(|| self.balance(account))
        };
        let overflow = |_| LedgerError::Overflow { group };
        let debited = now(debit, changed).minus(amount).map_err(overflow)?;
        let credited = now(credit, changed).plus(amount).map_err(overflow)?;
        if debit.is_bounded() && debited < Fen::ZERO {
            return Err(LedgerError::Insufficient { group, account: debit });
        }
        changed.insert(debit, debited);
        changed.insert(credit, credited);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
