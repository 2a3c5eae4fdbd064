use serde::{Deserialize, Serialize};
use types::{BillId, Fen, ProviderId, ResidentId};
use uuid::Uuid;

use super::{PayRefusal, Split};
use crate::day::Day;
use crate::reconcile::Difference;

/// What medical payment tells everyone. Opaque ids and amounts only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayEvent {
    /// A provider made a bill.
    #[serde(rename = "created")]
    BillCreated {
        /// The bill.
        bill: BillId,
        /// Whose.
        provider: ProviderId,
        /// How much.
        total: Fen,
    },
    /// The payer knows how it would be paid.
    #[serde(rename = "presettled")]
    BillPresettled {
        /// The bill.
        bill: BillId,
        /// How.
        split: Split,
    },
    /// The bill is paid.
    #[serde(rename = "settled")]
    BillSettled {
        /// The bill.
        bill: BillId,
        /// Whose.
        provider: ProviderId,
        /// The settlement.
        settlement: Uuid,
        /// How.
        split: Split,
    },
    /// A settlement was taken back.
    #[serde(rename = "reversed")]
    BillReversed {
        /// The bill.
        bill: BillId,
        /// Whose.
        provider: ProviderId,
        /// The settlement.
        settlement: Uuid,
        /// Its counter-entries.
        reversal: Uuid,
        /// How it had been paid.
        split: Split,
        /// What is left of it was settled anew.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replacement: Option<Box<Replacement>>,
    },
    /// The cash of a held settlement was not confirmed in time, or not paid: all is let go.
    #[serde(rename = "released")]
    BillReleased {
        /// The bill.
        bill: BillId,
        /// The settlement that did not come about.
        settlement: Uuid,
    },
    /// A settlement was refused.
    #[serde(rename = "refused")]
    SettlementRefused {
        /// The bill.
        bill: BillId,
        /// Why.
        refusal: PayRefusal,
    },
    /// A personal account paid. What is only set aside is not told.
    #[serde(rename = "debited")]
    AccountDebited(Entry),
    /// A personal account was given back what it had paid.
    #[serde(rename = "credited")]
    AccountCredited(Entry),
    /// A limit kept a bill from being paid.
    #[serde(rename = "flagged")]
    RiskFlagged {
        /// Whose bill.
        beneficiary: ResidentId,
        /// The bill.
        bill: BillId,
        /// Which limit.
        rule: LimitRule,
    },
    /// The payer's book of a day is closed.
    #[serde(rename = "closed")]
    ReconClosed {
        /// Whose day.
        provider: ProviderId,
        /// Which.
        day: Day,
        /// What was paid out for it.
        paid_out: Fen,
    },
    /// A difference of the two books of a day was put aside.
    #[serde(rename = "diff")]
    ReconDiff {
        /// Whose day.
        provider: ProviderId,
        /// Which.
        day: Day,
        /// The difference.
        difference: Difference,
    },
}

/// A transfer to or from a personal account that was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Whose account it is.
    pub beneficiary: ResidentId,
    /// Whose bill it is about.
    pub account: AccountUse,
    /// How much \[fen\], above zero.
    pub amount: Fen,
    /// The settlement that was paid, or taken back.
    pub settlement: Uuid,
}

/// Whose bill a personal account pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountUse {
    /// The owner's.
    Own,
    /// A family member's, with the owner's consent.
    Family,
}

/// A limit on what is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitRule {
    /// What a beneficiary's bills of a day may come to.
    Daily,
    /// How many bills a beneficiary may pay in an hour.
    Hourly,
    /// What a terminal without a connection may take from accounts.
    Offline,
}

/// What took the place of a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    /// Its id.
    pub settlement: Uuid,
    /// How it is paid.
    pub split: Split,
}
