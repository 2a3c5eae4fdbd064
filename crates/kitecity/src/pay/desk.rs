//! What a back office asks a payer: each of these is one request.

use clap::{Args, ValueEnum};
use medpay::{Day, PayRequest, RefundLine, Resolution};
use types::{ProviderId, ResidentId};
use uuid::Uuid;

use super::today;

/// A settlement to be explained.
#[derive(Clone, Debug, Args)]
pub(crate) struct Trace {
    /// Which settlement.
    settlement: Uuid,
}

impl From<Trace> for PayRequest {
    fn from(Trace { settlement }: Trace) -> Self {
        Self::Trace { settlement }
    }
}

/// A settlement to be taken back.
#[derive(Clone, Debug, Args)]
pub(crate) struct Reverse {
    /// Which settlement.
    settlement: Uuid,
}

impl From<Reverse> for PayRequest {
    fn from(Reverse { settlement }: Reverse) -> Self {
        Self::Reverse { settlement }
    }
}

/// What `pay refund` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Refund {
    /// Which settlement.
    settlement: Uuid,
    /// How many thousandths of a unit of a line are given back, such as `--line 2=3000` (repeatable).
    #[arg(long = "line", value_parser = refund_line, required = true)]
    lines: Vec<RefundLine>,
}

impl From<Refund> for PayRequest {
    fn from(Refund { settlement, lines }: Refund) -> Self {
        Self::Refund { settlement, lines }
    }
}

/// What `pay confirm` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Confirm {
    /// Which settlement.
    settlement: Uuid,
    /// The cash was not paid: let go of what is set aside.
    #[arg(long)]
    unpaid: bool,
}

impl From<Confirm> for PayRequest {
    fn from(Confirm { settlement, unpaid }: Confirm) -> Self {
        Self::Confirm { settlement, paid: !unpaid }
    }
}

/// What `pay freeze` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Freeze {
    /// Whose account, such as r-0042.
    resident: ResidentId,
    /// Let it be used again.
    #[arg(long)]
    thaw: bool,
}

impl From<Freeze> for PayRequest {
    fn from(Freeze { resident, thaw }: Freeze) -> Self {
        Self::Freeze { beneficiary: resident, frozen: !thaw }
    }
}

/// A resident.
#[derive(Clone, Debug, Args)]
pub(crate) struct Statement {
    /// Who, such as r-0042.
    resident: ResidentId,
}

impl From<Statement> for PayRequest {
    fn from(Statement { resident }: Statement) -> Self {
        Self::Statement { beneficiary: resident }
    }
}

/// What `pay resolve` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Resolve {
    /// Whose books, such as h-0001.
    provider: ProviderId,
    /// Which settlement; without it, what is put aside is listed.
    #[arg(requires = "action")]
    settlement: Option<Uuid>,
    /// How.
    #[arg(value_enum)]
    action: Option<Action>,
    /// It is about the reversal of the settlement.
    #[arg(long, requires = "settlement")]
    refund: bool,
    /// Which day; otherwise today.
    #[arg(long)]
    day: Option<Day>,
}

/// How a difference is resolved.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Action {
    /// The payer's book is right; the provider corrects its own.
    Rebook,
    /// The provider's book is right; the city's budget bears the difference.
    Accept,
    /// The settlement is taken back.
    Reverse,
}

impl From<Resolve> for PayRequest {
    fn from(Resolve { provider, settlement, action, refund, day }: Resolve) -> Self {
        let day = day.unwrap_or_else(today);
        let (Some(settlement), Some(action)) = (settlement, action) else {
            return Self::Parked { provider, day };
        };
        let action = match action {
            Action::Rebook => Resolution::Rebook,
            Action::Accept => Resolution::Accept,
            Action::Reverse => Resolution::Reverse,
        };
        Self::Resolve { provider, day, settlement, refund, action }
    }
}

/// What `pay link` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Link {
    /// Who pays, such as r-0002.
    #[arg(long)]
    pub(super) family: ResidentId,
    /// For whom, such as r-0001.
    #[arg(long = "for")]
    pub(super) beneficiary: ResidentId,
    /// The code of who pays; `-` = the standard input.
    #[arg(default_value = "-", allow_hyphen_values = true)]
    pub(super) code: String,
}

fn refund_line(text: &str) -> Result<RefundLine, String> {
    let parsed = text.split_once('=').and_then(|(line, quantity)| {
        Some(RefundLine { line: line.parse().ok()?, quantity_milli: quantity.parse().ok()? })
    });
    parsed.ok_or_else(|| format!("`{text}` is not like `2=3000`: line, and thousandths of a unit"))
}
