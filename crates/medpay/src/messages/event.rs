use serde::{Deserialize, Serialize};
use types::{BillId, Fen, ProviderId};
use uuid::Uuid;

use super::{PayRefusal, Split};

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
}

/// What took the place of a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    /// Its id.
    pub settlement: Uuid,
    /// How it is paid.
    pub split: Split,
}
