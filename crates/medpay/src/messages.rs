//! What the roles of medical payment say to each other. `wire` puts these on topics.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use types::{BillId, Fen, ProviderId, ResidentId, Timestamp};
use uuid::Uuid;

use crate::day::Day;
use crate::policy::Care;

mod desk;

pub use desk::{
    BooksReply, BooksRequest, PayReply, PayRequest, RefundLine, Resolution, SettledBill, Statement,
};

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
    /// Which kind of care it was.
    #[serde(default, skip_serializing_if = "Care::is_outpatient")]
    pub care: Care,
    /// The day of business it belongs to; none = the day on which it is presettled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Day>,
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
    /// Paid by the supplementary fund, over the pooled fund's cap.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub supplement: Fen,
    /// Paid from the beneficiary's personal account.
    pub account: Fen,
    /// Paid from the account of a family member.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub family: Fen,
    /// Paid by the beneficiary in cash.
    pub cash: Fen,
}

impl Split {
    /// What the bill is paid from: these add up to its total.
    pub fn sources(&self) -> [Fen; 5] {
        [self.pool, self.supplement, self.account, self.family, self.cash]
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_nothing(amount: &Fen) -> bool {
    *amount == Fen::ZERO
}

/// One step of the reasoning behind a split, for the beneficiary to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceStep {
    /// Which rule, such as `deductible.level_2`.
    pub rule: Cow<'static, str>,
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
    /// A family member who agreed, and whose account pays after the beneficiary's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<ResidentId>,
}

impl From<Bill> for PresettleRequest {
    fn from(bill: Bill) -> Self {
        Self { bill, family: None }
    }
}

/// Payer → provider: the split, or why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PresettleReply {
    /// How it would be paid, until `expires`.
    Presettled {
        /// The bill.
        bill: BillId,
        /// The name of this presettlement.
        presettlement: Uuid,
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
    /// The beneficiary's fresh e-ID code, or that of the family member who pays too, as scanned at the till.
    pub code: String,
    /// The presettlement that was shown; if another one is in force, the payment is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presettlement: Option<Uuid>,
    /// Whether the cash is paid elsewhere: then everything is set aside until that is confirmed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub hold: bool,
}

impl SettleRequest {
    /// Pays at once, by whatever presettlement is in force.
    pub fn new(bill: BillId, code: String) -> Self {
        Self { bill, code, presettlement: None, hold: false }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_false(flag: &bool) -> bool {
    !flag
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
    /// Set aside until the cash is confirmed, or the moment given.
    Held {
        /// The bill.
        bill: BillId,
        /// This settlement, to be confirmed.
        settlement: Uuid,
        /// How it will be paid.
        split: Split,
        /// When it is let go otherwise.
        until: Timestamp,
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
    /// Nobody knows this item, or not in this category.
    #[error("line {line}: no such item in this category")]
    ItemUnknown {
        /// Which line, from 1.
        line: u32,
    },
    /// The beneficiary is not insured here, or not for this care on this day.
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
    /// Policy, deductible, cap or account changed since the presettlement.
    #[error("presettlement is stale, presettle again")]
    PresettlementStale {
        /// How the bill would be paid now, if that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fresh: Option<Split>,
    },
    /// The account has less than it was to pay: it was emptied or frozen since the presettlement.
    #[error("account has only {available} yuan")]
    AccountInsufficient {
        /// What it has \[fen\].
        available: Fen,
    },
    /// The beneficiary's bills of the day would be over the limit.
    #[error("over the daily limit of {limit} yuan, of which {used} are used")]
    LimitDailyExceeded {
        /// What a day's bills may come to \[fen\].
        limit: Fen,
        /// What they came to before this one \[fen\].
        used: Fen,
    },
    /// The beneficiary paid too often in an hour.
    #[error("more than {limit} payments in an hour")]
    LimitHourlyExceeded {
        /// How many there may be.
        limit: u32,
    },
    /// No settlement of this id that could be reversed, captured or shown.
    #[error("no such settlement")]
    SettlementUnknown,
    /// The settlement was reversed.
    #[error("settlement was reversed by {reversal}")]
    AlreadyReversed {
        /// Its counter-entries.
        reversal: Uuid,
    },
    /// More is to be refunded than was settled.
    #[error("the lines to refund were not settled like that")]
    RefundExceedsSettled,
    /// The provider is owed less than was to be taken back.
    #[error("provider is not owed that much")]
    NotOwed,
    /// The books of this day are closed.
    #[error("day of business is closed")]
    DayClosed,
    /// A request without correlation data: it could not be known again.
    #[error("request has no idempotency key")]
    IdempotencyKeyMissing,
    /// The same key, and another request.
    #[error("idempotency key was used for another request")]
    IdempotencyKeyReused,
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
    /// The code was used before.
    #[error("e-ID code was used before")]
    EidTokenReplayed,
    /// The code belongs to someone else, who did not agree to pay.
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
