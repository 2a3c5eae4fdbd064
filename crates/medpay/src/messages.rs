//! What the roles of medical payment say to each other. `wire` puts these on topics.

use std::borrow::Cow;
use std::num::NonZeroU8;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use types::{BillId, Fen, ProviderId, ResidentId, Timestamp};
use uuid::Uuid;

use crate::day::Day;
use crate::policy::Care;

mod answer;
mod desk;
mod event;
mod refusal;

pub use answer::{BillState, BooksReply, Eligibility, Parked, PayReply, SettledBill, Statement, UnpaidBill};
pub use desk::{BooksRequest, PayRequest, RefundLine, Resolution};
pub use event::{AccountUse, Entry, LimitRule, PayEvent, Replacement};
pub use refusal::PayRefusal;

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

impl Bill {
    /// Whether it is this beneficiary's and this provider's, where one is given.
    pub(crate) fn is_of(&self, beneficiary: Option<ResidentId>, provider: Option<ProviderId>) -> bool {
        beneficiary.is_none_or(|whose| whose == self.beneficiary)
            && provider.is_none_or(|whose| whose == self.provider)
    }
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

    /// Whether they do add up, and none is less than nothing.
    pub fn adds_up(&self) -> bool {
        let parts = self.sources();
        parts.iter().all(|&part| part >= Fen::ZERO) && Fen::sum(parts) == Ok(self.total)
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
    /// The family member who is known to pay too; if the presettlement has another, or none, the payment is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<ResidentId>,
    /// The patient spares the accounts, also the family member's: what they would pay is paid in cash.
    #[serde(default, skip_serializing_if = "is_false")]
    pub spare_accounts: bool,
    /// How the cash part is paid.
    #[serde(default, skip_serializing_if = "CashChannel::is_counter")]
    pub cash_channel: CashChannel,
}

impl SettleRequest {
    /// Pays at once, by whatever presettlement is in force, the cash part at the counter.
    pub fn new(bill: BillId, code: String) -> Self {
        Self {
            bill,
            code,
            presettlement: None,
            hold: false,
            family: None,
            spare_accounts: false,
            cash_channel: CashChannel::default(),
        }
    }
}

/// How cash reaches a provider. The ledger clears each on an account of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CashChannel {
    /// Notes, coins or a card at the provider's counter.
    #[default]
    Counter,
    /// WeChat Pay.
    Wechat,
    /// Alipay.
    Alipay,
    /// UnionPay.
    Unionpay,
}

impl FromStr for CashChannel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "counter" => Ok(Self::Counter),
            "wechat" => Ok(Self::Wechat),
            "alipay" => Ok(Self::Alipay),
            "unionpay" => Ok(Self::Unionpay),
            _ => Err(format!("`{text}` is no way to pay cash: counter, wechat, alipay or unionpay")),
        }
    }
}

impl CashChannel {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
    pub(crate) fn is_counter(&self) -> bool {
        *self == Self::Counter
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

/// Reception → clinic: a patient is here; make the bill for what was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitRequest {
    /// At which provider.
    pub provider: ProviderId,
    /// Who.
    pub beneficiary: ResidentId,
    /// How many nights they stay in hospital, at most [`NIGHTS_MAX`](crate::provider::NIGHTS_MAX); none = they go home. The answer
    /// comes when they are discharged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nights: Option<NonZeroU8>,
}

impl VisitRequest {
    /// A visit that ends on the same day.
    pub const fn new(provider: ProviderId, beneficiary: ResidentId) -> Self {
        Self { provider, beneficiary, nights: None }
    }
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
