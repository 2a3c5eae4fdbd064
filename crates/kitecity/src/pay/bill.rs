//! One bill: how far it is, and the code by which its cash part is paid.

use std::io::IsTerminal;

use anyhow::{Context, Result};
use clap::Args;
use eid::qr::{Level, Symbol};
use medpay::emv::BillCode;
use medpay::{PayReply, PayRequest};
use serde_json::json;
use services::operator::Operator;
use types::BillId;

use super::{Answer, ask, bill_id, to_json, words};

/// What `pay bill` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Show {
    /// Which bill.
    #[arg(value_parser = bill_id)]
    bill: BillId,
    /// Show the EMV QR code of what is to be paid in cash; piped, its text only.
    #[arg(long)]
    qr: bool,
}

pub(super) async fn run(operator: &Operator, show: &Show) -> Result<Answer> {
    let reply = ask(operator, PayRequest::Bill { bill: show.bill }).await?;
    match &reply {
        PayReply::Bill { bill, state } if show.qr => {
            let code = BillCode::of(bill, state).with_context(|| words::state(state))?;
            let text = code.encode().context("this bill has no code")?;
            Ok((in_words(&text)?, json!({ "emv": text, "cash": code.amount }), true))
        }
        _ => Ok((words::reply(&reply), to_json(&reply)?, !matches!(reply, PayReply::Refused(_)))),
    }
}

/// The code to be scanned, if somebody looks; for a program, what it says.
fn in_words(text: &str) -> Result<String> {
    if !std::io::stdout().is_terminal() {
        return Ok(text.to_owned());
    }
    let symbol = Symbol::from_text(text, Level::Medium).context("this code has no symbol")?;
    Ok(format!("{}\n{text}", symbol.to_terminal()))
}
