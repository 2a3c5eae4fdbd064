//! What the roles of medical payment say to each other. `wire` puts these on topics.

use serde::{Deserialize, Serialize};
use types::{BillId, Fen, ProviderId, ResidentId, Timestamp};
use uuid::Uuid;

/// A provider's bill for one visit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    /// Its id, chosen by the provider.
    pub id: BillId,
    /// Who treated.
    pub provider: ProviderId,
    /// Level of the provider, 1 (community) to 3 (large hospital).
    pub level: u8,
    /// Who was treated.
    pub beneficiary: ResidentId,
    /// What was done, in order; at least one.
    pub lines: Vec<BillLine>,
    /// The sum of the lines, as the provider computed it.
    pub total: Fen,
}

/// One position of a bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillLine {
    /// The provider's item code.
    pub item: String,
    /// Reimbursement category.
    pub category: Category,
    /// Price of one unit.
    pub unit_price: Fen,
    /// Quantity \[1/1000 unit\].
    pub quantity_milli: u32,
    /// Highest unit price that counts, if the policy caps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_limit: Option<Fen>,
    /// The patient's first share of a category-B item \[basis points\].
    #[serde(default)]
    pub preself_bp: u16,
}

/// Reimbursement category of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Category {
    /// Fully in scope.
    A,
    /// In scope after the patient's first share.
    B,
    /// Not insured.
    C,
}

/// How a bill is paid \[fen each\]. The parts always add up to the bill's total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// The whole bill.
    pub total: Fen,
    /// Of which in scope of the insurance.
    pub in_scope: Fen,
    /// Of which taken by the deductible.
    pub deductible: Fen,
    /// Paid by the pooled fund.
    pub pool: Fen,
    /// Paid from the beneficiary's personal account.
    pub account: Fen,
    /// Paid by the beneficiary in cash.
    pub cash: Fen,
}

/// One step of the reasoning behind a split, for the beneficiary to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceStep {
    /// Which rule, such as `deductible.level_2`.
    pub rule: String,
    /// What it was applied to \[fen\].
    pub input: Fen,
    /// What came out \[fen\].
    pub output: Fen,
}

/// Provider → payer: how would this bill be paid?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresettleRequest {
    /// The bill.
    pub bill: Bill,
}

/// Payer → provider: the split, or why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PresettleReply {
    /// How it would be paid, until `expires`.
    Presettled {
        /// The bill.
        bill: BillId,
        /// The parts.
        split: Split,
        /// Why.
        trace: Vec<TraceStep>,
        /// When this stops being valid.
        expires: Timestamp,
    },
    /// Not possible; nothing was kept.
    Refused(PayRefusal),
}

/// Till → payer: pay this bill with this code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettleRequest {
    /// A presettled bill.
    pub bill: BillId,
    /// The beneficiary's fresh e-ID code, as scanned at the till.
    pub code: String,
}

/// Payer → till: paid, or why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettleReply {
    /// Paid.
    Settled {
        /// The bill.
        bill: BillId,
        /// This settlement.
        settlement: Uuid,
        /// How it was paid.
        split: Split,
    },
    /// Not paid; nothing is held.
    Refused {
        /// The bill.
        bill: BillId,
        /// Why.
        refusal: PayRefusal,
    },
}

/// Why the payer did not do what was asked. Nothing was changed, nothing is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum PayRefusal {
    /// The total is not the sum of the lines.
    #[error("bill total is {got} fen, its lines add up to {expected}")]
    BillTotalMismatch {
        /// Sum of the lines \[fen\].
        expected: i64,
        /// The total given \[fen\].
        got: i64,
    },
    /// A price, quantity or share is out of range, or the sum does not fit.
    #[error("line {line}: amount out of range")]
    AmountInvalid {
        /// Which line, from 1; 0 is the bill as a whole.
        line: u32,
    },
    /// The beneficiary is not insured here.
    #[error("beneficiary is not covered")]
    CoverageInactive,
    /// No presettled bill of this id.
    #[error("bill is not presettled")]
    BillUnknown,
    /// The same bill id was presettled with other contents.
    #[error("bill id is in use for another bill")]
    BillConflict,
    /// The presettlement is over.
    #[error("presettlement has expired")]
    PresettlementExpired,
    /// Deductible, cap or account changed since the presettlement.
    #[error("presettlement is stale, presettle again")]
    PresettlementStale,
    /// A settlement of this bill waits for the e-ID answer.
    #[error("a settlement of this bill is in progress")]
    SettlementInProgress,
    /// The bill is paid.
    #[error("bill is already settled as {settlement}")]
    BillAlreadySettled {
        /// The settlement that paid it.
        settlement: Uuid,
    },
    /// The verifier refused the code.
    #[error("e-ID code refused: {reason}")]
    EidRefused {
        /// The verifier's reason.
        reason: String,
    },
    /// The code is older than 60 s.
    #[error("e-ID code is too old")]
    EidTokenExpired,
    /// The code belongs to someone else.
    #[error("the holder of the code is not the beneficiary")]
    PayerNotAuthorized,
    /// The verifier did not answer in 2 s.
    #[error("e-ID verification is unavailable")]
    EidUnavailable,
    /// Too many bills or settlements at once.
    #[error("the payer is at its limit of open bills")]
    Busy,
}

/// Payer → verifier, mapped in `wire`: is this code good for this bill?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityCheck {
    /// The bill, for the answer to find its way back.
    pub bill: BillId,
    /// Which try at paying this bill: a late answer to an earlier one must not count.
    pub attempt: u32,
    /// The code as scanned.
    pub code: String,
    /// What the answer must repeat: the hash of the bill and the attempt, in hex.
    pub reference: String,
}

/// Verifier → payer, mapped in `wire`: the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityAnswer {
    /// The bill of the question.
    pub bill: BillId,
    /// The attempt of the question.
    pub attempt: u32,
    /// What the verifier found.
    pub result: IdentityResult,
}

/// What the verifier found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentityResult {
    /// The code is good.
    Accepted {
        /// Whose it is.
        resident: ResidentId,
        /// Its id, never accepted again.
        code_id: String,
        /// When it was issued.
        issued: Timestamp,
        /// The reference of the question.
        reference: String,
    },
    /// The code is not good.
    Refused {
        /// Why.
        reason: String,
    },
}

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
    /// A settlement was refused.
    #[serde(rename = "refused")]
    SettlementRefused {
        /// The bill.
        bill: BillId,
        /// Why.
        refusal: PayRefusal,
    },
}

/// Reception → clinic: a patient is here; make the bill for what was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitRequest {
    /// At which provider.
    pub provider: ProviderId,
    /// Who.
    pub beneficiary: ResidentId,
}

/// Clinic → patient: the bill to pay, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VisitReply {
    /// A presettled bill.
    Billed {
        /// The bill.
        bill: BillId,
        /// How it would be paid.
        split: Split,
        /// Until when.
        expires: Timestamp,
    },
    /// No bill.
    Refused(PayRefusal),
    /// The payer did not answer.
    PayerUnavailable,
}

/// Patient → clinic's till: pay this bill with this code.
pub type TillRequest = SettleRequest;

/// Till → patient: paid, or why not.
pub type TillReply = SettleReply;
