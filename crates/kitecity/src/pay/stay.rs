//! A stay in hospital, from admission to discharge.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use medpay::{BillLine, CashChannel, PayReply, PayRequest};
use services::operator::Operator;
use types::{BillId, Fen, ProviderId, ResidentId};
use uuid::Uuid;

use super::file::read_list;
use super::{Answer, ask, bill_id, desk, to_json, words};

/// What `pay admit` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Admit {
    /// Where, such as h-0001.
    #[arg(long)]
    provider: ProviderId,
    /// Its level, 1 (community) to 3 (large hospital).
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=3))]
    level: u8,
    /// Who, such as r-0042.
    #[arg(long)]
    resident: ResidentId,
    /// The id of the stay; otherwise a new one.
    #[arg(long, value_parser = bill_id)]
    stay: Option<BillId>,
}

impl From<Admit> for PayRequest {
    fn from(Admit { provider, level, resident, stay }: Admit) -> Self {
        let stay = stay.unwrap_or_else(|| BillId(Uuid::new_v4()));
        Self::Admit { stay, provider, level, beneficiary: resident }
    }
}

/// What `pay deposit` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Deposit {
    /// Which stay, or which bill.
    #[arg(value_parser = bill_id)]
    stay: BillId,
    /// How much, in fen.
    #[arg(value_parser = clap::value_parser!(i64).range(1..))]
    fen: i64,
    /// Give it back instead.
    #[arg(long)]
    back: bool,
    /// How it is paid: counter, wechat, alipay or unionpay.
    #[arg(long, value_name = "CHANNEL", default_value = "counter")]
    cash: CashChannel,
}

impl From<Deposit> for PayRequest {
    fn from(Deposit { stay, fen, back, cash }: Deposit) -> Self {
        Self::Deposit { bill: stay, amount: Fen::new(fen), back, cash_channel: cash }
    }
}

/// What `pay interim` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Interim {
    /// Which stay.
    #[arg(value_parser = bill_id)]
    pub(super) stay: BillId,
    /// A file with the lines to add, a JSON list as over HTTP; `-` = the standard input.
    #[arg(long, value_name = "FILE")]
    pub(super) lines: Option<PathBuf>,
}

/// The lines to be added; none if no file is given.
pub(super) fn read_lines(file: Option<PathBuf>) -> Result<Vec<BillLine>> {
    file.map_or_else(|| Ok(Vec::new()), |file| read_list(&file, "lines"))
}

/// What `pay discharge` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Discharge {
    /// Which stay.
    #[arg(value_parser = bill_id)]
    stay: BillId,
    /// A family member who agreed, and whose account pays after the beneficiary's.
    #[arg(long)]
    family: Option<ResidentId>,
}

/// Ends a stay and presettles its bill, so that it can be paid.
pub(super) async fn end(operator: &Operator, discharge: &Discharge) -> Result<Answer> {
    let Discharge { stay, family } = *discharge;
    match ask(operator, PayRequest::Discharge { stay }).await? {
        PayReply::Discharged { .. } => desk(operator, PayRequest::Presettle { bill: stay, family }).await,
        other => Ok((words::reply(&other), to_json(&other)?, false)),
    }
}
