use types::{BillId, ProviderId, ResidentId, TerminalId};

use crate::day::Day;
use crate::messages::CashChannel;
use crate::policy::Scheme;

/// Something that has a balance: its credits less its debits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Account {
    /// Where the money of the city comes from. Runs below zero.
    WorldBudget,
    /// The pooled fund of an insurance. Never below zero.
    PoolFund(Scheme),
    /// The supplementary fund. Never below zero.
    SupplementFund,
    /// A beneficiary's personal account. Never below zero.
    Personal(ResidentId),
    /// Cash taken by one channel. Runs below zero, by what was taken.
    CashClearing(CashChannel),
    /// What the payer owes a provider. Never below zero.
    Payable(ProviderId),
    /// What was paid out to a provider's bank. Never below zero.
    SettleBank(ProviderId),
    /// What a provider's books and the payer's differ by on a day, until that is resolved.
    Suspense(ProviderId, Day),
    /// Cash that was paid before a bill was settled, at admission. Never below zero.
    Deposit(BillId),
    /// What a terminal may still take from accounts while nobody can be asked. Never below zero.
    Offline(TerminalId),
    /// Where quota comes from and returns to. Runs below zero.
    QuotaWorld,
    /// What a beneficiary has still to pay first. Never below zero.
    DeductibleQuota(Quota),
    /// What the pooled fund may still pay. Never below zero.
    CapQuota(Quota),
    /// What the supplementary fund may still pay. Never below zero.
    SupplementQuota(Quota),
}

/// Whose quota it is, under which plan, in which year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quota {
    /// Whose.
    pub resident: ResidentId,
    /// The number of the policy among the payer's.
    pub plan: u8,
    /// The year of business.
    pub year: u16,
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
            | Self::PoolFund(_)
            | Self::SupplementFund
            | Self::Personal(_)
            | Self::CashClearing(_)
            | Self::Payable(_)
            | Self::SettleBank(_)
            | Self::Suspense(..)
            | Self::Deposit(_)
            | Self::Offline(_) => Unit::Cny,
            Self::QuotaWorld | Self::DeductibleQuota(_) | Self::CapQuota(_) | Self::SupplementQuota(_) => {
                Unit::Quota
            }
        }
    }

    /// Whether it may never fall below zero.
    pub fn is_bounded(self) -> bool {
        !matches!(self, Self::WorldBudget | Self::CashClearing(_) | Self::Suspense(..) | Self::QuotaWorld)
    }
}
