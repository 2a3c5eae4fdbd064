//! What a payer answers a back office and an operator.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use types::{BillId, Fen, ProviderId, ResidentId, TerminalId, Timestamp};
use uuid::Uuid;

use super::{Bill, PayRefusal, Split, TraceStep};
use crate::adjudicate::DepositUse;
use crate::day::Day;
use crate::offline::Forwarded;
use crate::policy::Insured;
use crate::reconcile::{Row, Totals};

/// Payer → someone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayReply {
    /// Settled bills; `more` = there are others after these.
    Bills {
        /// The page.
        bills: Vec<SettledBill>,
        /// Whether it is not the last.
        more: bool,
    },
    /// Bills that are kept or presettled, and not paid; `more` = there are others.
    Unpaid {
        /// The first page.
        bills: Vec<UnpaidBill>,
        /// Whether it is not the last.
        more: bool,
    },
    /// Somebody is insured.
    Eligible(Eligibility),
    /// A bill is kept.
    Filed {
        /// Which.
        bill: BillId,
    },
    /// A bill can be paid like this, until `expires`.
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
    /// A stay is open.
    Admitted {
        /// Which.
        stay: BillId,
        /// Under which policy, such as `emp_inpatient_demo@1`.
        policy: String,
        /// What the beneficiary pays first of this stay \[fen\]: less for a second one in a year.
        deductible: Fen,
        /// Stays of this year that were settled before.
        earlier: u32,
    },
    /// How a stay would be paid if it ended now.
    Interim {
        /// Which.
        stay: BillId,
        /// The parts.
        split: Split,
        /// What would become of the deposit; `due` is what is missing of it.
        deposit: DepositUse,
    },
    /// A stay has ended, and this is its bill.
    Discharged {
        /// With the id of the stay.
        bill: Box<Bill>,
    },
    /// Cash was taken before a bill is settled, or given back.
    Deposited {
        /// Which bill.
        bill: BillId,
        /// What there is for it now \[fen\].
        balance: Fen,
    },
    /// How far a bill is.
    Bill {
        /// The bill.
        bill: Box<Bill>,
        /// How far it is.
        state: BillState,
    },
    /// Where a beneficiary stands.
    Statement(Statement),
    /// Why a bill was paid like this.
    Trace {
        /// The bill.
        bill: Box<SettledBill>,
        /// By which policy, such as `emp_outpatient_demo@1`.
        policy: Cow<'static, str>,
        /// Step by step.
        trace: Vec<TraceStep>,
    },
    /// A settlement was taken back.
    Reversed {
        /// Which.
        settlement: Uuid,
        /// Its counter-entries.
        reversal: Uuid,
    },
    /// A settlement was taken back, and what is left was settled.
    Refunded {
        /// Which.
        settlement: Uuid,
        /// Its counter-entries.
        reversal: Uuid,
        /// The settlement of what is left.
        replacement: Uuid,
        /// How that is paid.
        split: Split,
    },
    /// A held settlement was captured or voided.
    Confirmed {
        /// Which.
        settlement: Uuid,
        /// Whether it is paid.
        paid: bool,
    },
    /// A family member agreed to pay.
    Linked {
        /// For whom.
        beneficiary: ResidentId,
        /// Who pays.
        family: ResidentId,
    },
    /// An account is frozen, or not any more.
    Frozen {
        /// Whose.
        beneficiary: ResidentId,
        /// Whether it is.
        frozen: bool,
    },
    /// What a day comes to.
    Totals(Totals),
    /// What a day is made of; `more` = there are rows after these.
    Detail {
        /// The page.
        rows: Vec<Row>,
        /// Whether it is not the last.
        more: bool,
    },
    /// What is put aside for a day; `more` = there are others, to be seen when these are resolved.
    Parked {
        /// One by one.
        parked: Vec<Parked>,
        /// Whether these are not all.
        more: bool,
    },
    /// A difference was put aside, or resolved.
    Suspense {
        /// What is put aside for the day, now \[fen\].
        balance: Fen,
    },
    /// A terminal may work offline.
    Allowed {
        /// Which.
        terminal: TerminalId,
        /// What it may take from accounts, in sum \[fen\].
        total: Fen,
        /// The number of its next voucher.
        next: u64,
    },
    /// What became of the vouchers of a terminal.
    Forwarded {
        /// Which.
        terminal: TerminalId,
        /// One by one.
        vouchers: Vec<Forwarded>,
        /// The number of its next voucher.
        next: u64,
    },
    /// A day is closed.
    Closed {
        /// What was paid out for it \[fen\].
        paid_out: Fen,
    },
    /// Not done; nothing was changed.
    Refused(PayRefusal),
}

/// How far a bill is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BillState {
    /// No bill yet: a stay that goes on, with the lines so far.
    Admitted {
        /// What is deposited for it \[fen\].
        deposit: Fen,
    },
    /// Filed, and never presettled, or so long ago that it is forgotten.
    Draft,
    /// It can be paid.
    Presettled {
        /// The name of the presettlement.
        presettlement: Uuid,
        /// How it would be paid.
        split: Split,
        /// What will become of the deposit, if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deposit: Option<DepositUse>,
        /// Until when.
        expires: Timestamp,
    },
    /// The presettlement is over, or something changed since; another one makes it payable again.
    Expired {
        /// The name of the presettlement.
        presettlement: Uuid,
    },
    /// The verifier is asked about a code.
    Settling {
        /// By which presettlement.
        presettlement: Uuid,
    },
    /// Everything is set aside until the cash is confirmed.
    Held {
        /// The settlement to be confirmed.
        settlement: Uuid,
        /// How it will be paid.
        split: Split,
        /// What will become of the deposit, if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deposit: Option<DepositUse>,
        /// When it is let go otherwise.
        until: Timestamp,
    },
    /// Paid.
    Settled {
        /// The newest settlement.
        settlement: Uuid,
        /// How.
        split: Split,
        /// What became of the deposit, if there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deposit: Option<DepositUse>,
    },
    /// Paid, and taken back as a whole.
    Reversed {
        /// The newest settlement.
        settlement: Uuid,
        /// What took it back.
        reversal: Uuid,
        /// How it had been paid.
        split: Split,
    },
}

/// How somebody is insured for a kind of care on a day, and where they stand \[fen\].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Eligibility {
    /// Who.
    pub beneficiary: ResidentId,
    /// On which day.
    pub day: Day,
    /// Under which policy, such as `emp_outpatient_demo@1`.
    pub policy: String,
    /// As what.
    pub insured: Insured,
    /// Counted towards the deductible this year.
    pub deductible_used: Fen,
    /// Paid by the pooled fund this year.
    pub fund_used: Fen,
    /// What the personal account could pay.
    pub balance: Fen,
}

/// A difference of two books that is put aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// Which settlement.
    pub settlement: Uuid,
    /// Whether it is about its reversal.
    pub refund: bool,
    /// What the payer's book has more \[fen\].
    pub amount: i64,
}

/// A bill in a list that is not paid yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnpaidBill {
    /// The bill.
    pub bill: BillId,
    /// Who treated.
    pub provider: ProviderId,
    /// Who was treated.
    pub beneficiary: ResidentId,
    /// How much it is.
    pub total: Fen,
    /// How far it is.
    pub state: BillState,
}

/// A settled bill in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettledBill {
    /// The settlement.
    pub settlement: Uuid,
    /// The bill.
    pub bill: BillId,
    /// Who treated.
    pub provider: ProviderId,
    /// Who was treated.
    pub beneficiary: ResidentId,
    /// The day of business.
    pub day: Day,
    /// When it was settled.
    pub settled: Timestamp,
    /// How.
    pub split: Split,
    /// What took it back, if something did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reversal: Option<Uuid>,
}

/// Where a beneficiary stands today \[fen each\].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Who.
    pub beneficiary: ResidentId,
    /// On the personal account.
    pub balance: Fen,
    /// Paid towards the outpatient deductible this year.
    pub deductible_used: Fen,
    /// Paid by the pooled fund for outpatient care this year.
    pub fund_used: Fen,
    /// Bills that are settled and not reversed.
    pub settled: u32,
}

/// Clinic → someone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BooksReply {
    /// The page.
    pub rows: Vec<Row>,
    /// Whether it is not the last.
    pub more: bool,
}
