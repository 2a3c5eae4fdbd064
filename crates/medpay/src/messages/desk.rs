//! What a provider's back office and an operator ask a payer. Its answers are in `answer`.

use serde::{Deserialize, Serialize};
use types::{BillId, Fen, ProviderId, ResidentId, TerminalId};
use uuid::Uuid;

use super::{Bill, BillLine, CashChannel};
use crate::day::Day;
use crate::offline::{TerminalKey, Voucher};
use crate::policy::Care;
use crate::reconcile::Difference;

/// Someone → payer: anything but presettling and settling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayRequest {
    /// Which bills are settled, the oldest first, a page at a time?
    Bills {
        /// Of this beneficiary only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        beneficiary: Option<ResidentId>,
        /// Of this provider only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provider: Option<ProviderId>,
        /// Those after this settlement.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<Uuid>,
    },
    /// Which bills are there to be paid? Presettled ones first. The first page only: whoever pays sees the others.
    Unpaid {
        /// Of this beneficiary only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        beneficiary: Option<ResidentId>,
        /// Of this provider only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provider: Option<ProviderId>,
    },
    /// Is somebody insured for a kind of care, and how?
    Eligibility {
        /// Who.
        beneficiary: ResidentId,
        /// For which care.
        #[serde(default)]
        care: Care,
        /// On which day; none = today.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        day: Option<Day>,
    },
    /// Keep a bill, to be presettled later by its id.
    File {
        /// The bill.
        bill: Box<Bill>,
    },
    /// How would a bill be paid that the payer keeps?
    Presettle {
        /// Which.
        bill: BillId,
        /// A family member who agreed, and whose account pays after the beneficiary's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        family: Option<ResidentId>,
    },
    /// Open a stay in hospital: deposits can be taken for it, and lines added, until it is discharged.
    Admit {
        /// Its id, chosen by the provider; its bill will have it too.
        stay: BillId,
        /// Who treats.
        provider: ProviderId,
        /// Level of the provider, 1 (community) to 3 (large hospital).
        level: u8,
        /// Who is treated.
        beneficiary: ResidentId,
    },
    /// Add lines to a stay, and tell how it would be paid if it ended now.
    Interim {
        /// Which.
        stay: BillId,
        /// What was done since; none to ask only.
        #[serde(default)]
        lines: Vec<BillLine>,
    },
    /// End a stay: all its lines become one bill, which is kept and settled like any other.
    Discharge {
        /// Which.
        stay: BillId,
    },
    /// Take cash before a bill is settled, at admission; it pays the cash part then, and the rest is given back.
    Deposit {
        /// Which bill, kept or presettled; or which stay.
        bill: BillId,
        /// How much \[fen\], more than nothing.
        amount: Fen,
        /// Whether it is given back instead.
        #[serde(default)]
        back: bool,
        /// How it is paid, or given back.
        #[serde(default, skip_serializing_if = "CashChannel::is_counter")]
        cash_channel: CashChannel,
    },
    /// How far is a bill?
    Bill {
        /// Which.
        bill: BillId,
    },
    /// Where does a beneficiary stand today?
    Statement {
        /// Who.
        beneficiary: ResidentId,
    },
    /// Why was a bill paid like this?
    Trace {
        /// Which settlement.
        settlement: Uuid,
    },
    /// Take a settlement back as a whole.
    Reverse {
        /// Which.
        settlement: Uuid,
    },
    /// Take a settlement back, and settle what is left of its lines.
    Refund {
        /// Which.
        settlement: Uuid,
        /// What is given back.
        lines: Vec<RefundLine>,
    },
    /// The cash of a held settlement was paid, or was not.
    Confirm {
        /// Which.
        settlement: Uuid,
        /// Whether it was paid.
        paid: bool,
    },
    /// A family member agrees, by a fresh code, to pay for a beneficiary from their account.
    Link {
        /// For whom.
        beneficiary: ResidentId,
        /// Who pays.
        family: ResidentId,
        /// The code of who pays.
        code: String,
    },
    /// Freeze an account, or thaw it.
    Freeze {
        /// Whose.
        beneficiary: ResidentId,
        /// Whether it is frozen from now on.
        frozen: bool,
    },
    /// What does a day come to?
    Totals {
        /// Whose.
        provider: ProviderId,
        /// Which.
        day: Day,
    },
    /// What is it made of, a page at a time?
    Detail {
        /// Whose.
        provider: ProviderId,
        /// Which.
        day: Day,
        /// How many rows to leave out.
        #[serde(default)]
        after: u32,
    },
    /// A difference of the books of a day: put aside what it is about, until it is resolved.
    Park {
        /// Whose.
        provider: ProviderId,
        /// Which day.
        day: Day,
        /// What differs.
        difference: Difference,
    },
    /// Which differences of a day are put aside? The first hundred.
    Parked {
        /// Whose.
        provider: ProviderId,
        /// Which day.
        day: Day,
    },
    /// Resolve a difference that was put aside.
    Resolve {
        /// Whose.
        provider: ProviderId,
        /// Which day.
        day: Day,
        /// Which settlement.
        settlement: Uuid,
        /// Whether it is about its reversal.
        #[serde(default)]
        refund: bool,
        /// How.
        action: Resolution,
    },
    /// Let a terminal take so much from accounts while nobody can be asked; it replaces what was left.
    Allow {
        /// Which.
        terminal: TerminalId,
        /// Whose.
        provider: ProviderId,
        /// What it signs with; its own choice.
        key: TerminalKey,
        /// From an account, at once \[fen\].
        per_payment: Fen,
        /// From accounts, in sum \[fen\].
        total: Fen,
    },
    /// What a terminal took while nobody could be asked, in order.
    Forward {
        /// Which.
        terminal: TerminalId,
        /// At most [`VOUCHERS_MAX`](crate::offline::VOUCHERS_MAX).
        vouchers: Vec<Voucher>,
    },
    /// Close a day: what it owes is paid out, and nothing more is booked on it.
    Close {
        /// Whose.
        provider: ProviderId,
        /// Which.
        day: Day,
    },
}

impl PayRequest {
    /// Whether it changes anything, so that it must not be done twice.
    pub fn changes(&self) -> bool {
        !matches!(
            self,
            Self::Bills { .. }
                | Self::Unpaid { .. }
                | Self::Bill { .. }
                | Self::Eligibility { .. }
                | Self::Statement { .. }
                | Self::Trace { .. }
                | Self::Totals { .. }
                | Self::Detail { .. }
                | Self::Parked { .. }
        )
    }
}

/// How a difference is resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// The payer's book is right; the provider corrects its own.
    Rebook,
    /// The provider's book is right; the city's budget bears the difference.
    Accept,
    /// The settlement is taken back.
    Reverse,
}

/// What is given back of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundLine {
    /// Which line of the bill, from 1.
    pub line: u32,
    /// How much of it \[1/1000 unit\].
    pub quantity_milli: u32,
}

/// Someone → clinic: what is in a provider's own book of a day, a page at a time?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BooksRequest {
    /// Whose.
    pub provider: ProviderId,
    /// Which day.
    pub day: Day,
    /// How many rows to leave out.
    #[serde(default)]
    pub after: u32,
}
