//! `kitecity pay`: a reception, a till and a back office at the command line, on a city that runs already.

mod bill;
mod desk;
mod file;
mod reconcile;
mod stay;
mod terminal;
mod words;

use std::io::Read;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use medpay::{CashChannel, Day, PayReply, PayRequest, SettleReply, SettleRequest, VisitReply, VisitRequest};
use serde::Serialize;
use services::operator::Operator;
use types::{BillId, ProviderId, ResidentId};
use wire::{ReplyBody, RequestBody};

use crate::Settings;
use crate::ask::{Answer, Asked, on_bus};
use crate::interrupt::apart;

/// The longest code that is read \[bytes\].
const CODE_BYTES_MAX: u64 = 16 * 1024;

/// What can be done with bills and payments.
#[derive(Debug, Subcommand)]
pub(crate) enum Pay {
    /// Treat a resident at a provider, and print the bill and how it would be paid.
    Visit(Asked<Visit>),
    /// Pay a bill at the till with an e-ID code.
    Settle(Asked<Settle>),
    /// Say how far a bill is; with `--qr`, show the code by which its cash part is paid.
    Bill(Asked<bill::Show>),
    /// Open a stay in hospital.
    Admit(Asked<stay::Admit>),
    /// Take cash before a bill is settled, at admission, or give it back.
    Deposit(Asked<stay::Deposit>),
    /// Add lines to a stay, and say how it would be paid if it ended now.
    Interim(Asked<stay::Interim>),
    /// End a stay: its lines become one bill, to be paid with `settle --stay`.
    Discharge(Asked<stay::Discharge>),
    /// List settled bills, or those to be paid.
    Bills(Asked<Bills>),
    /// Say why a bill was paid as it was, step by step.
    Trace(Asked<desk::Trace>),
    /// Take a settlement back as a whole.
    Reverse(Asked<desk::Reverse>),
    /// Give back some of the lines: the settlement is reversed and what is left is settled.
    Refund(Asked<desk::Refund>),
    /// Say that the cash of a held settlement was paid, or was not.
    Confirm(Asked<desk::Confirm>),
    /// Let a family member agree, by their code, to pay for a beneficiary too.
    Link(Asked<desk::Link>),
    /// Freeze an account, or thaw it.
    Freeze(Asked<desk::Freeze>),
    /// Say where a beneficiary stands.
    Statement(Asked<desk::Statement>),
    /// Compare the payer's book of a day with a provider's own.
    Reconcile(Asked<reconcile::Reconcile>),
    /// Terminals that work while nobody can be asked.
    #[command(subcommand)]
    Terminal(terminal::Terminal),
    /// Resolve a difference that was put aside, or list those that are.
    Resolve(Asked<desk::Resolve>),
}

/// What `pay visit` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Visit {
    /// Where, such as h-0001.
    #[arg(long)]
    provider: ProviderId,
    /// Who, such as r-0042.
    #[arg(long)]
    resident: ResidentId,
}

/// What `pay settle` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Settle {
    /// Which bill.
    #[arg(value_parser = bill_id)]
    bill: BillId,
    /// The beneficiary's code; `-` = the standard input.
    #[arg(default_value = "-", allow_hyphen_values = true)]
    code: String,
    /// The family member who is known to pay too, such as r-0043.
    #[arg(long)]
    family: Option<ResidentId>,
    /// Spare the accounts: what they would pay is paid in cash.
    #[arg(long)]
    spare_accounts: bool,
    /// How the cash part is paid: counter, wechat, alipay or unionpay.
    #[arg(long, value_name = "CHANNEL", default_value = "counter")]
    cash: CashChannel,
    /// It is the bill of a stay, which the payer keeps: ask there, and not at the till.
    #[arg(long)]
    stay: bool,
}

/// What `pay bills` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Bills {
    /// Of this provider only.
    #[arg(long)]
    provider: Option<ProviderId>,
    /// Of this resident only.
    #[arg(long)]
    resident: Option<ResidentId>,
    /// Those that are there to be paid, instead of those that were.
    #[arg(long)]
    unpaid: bool,
}

fn bill_id(text: &str) -> Result<BillId, uuid::Error> {
    text.parse().map(BillId)
}

/// Does it.
pub(crate) fn run(what: &Pay, settings: &Settings) -> Result<ExitCode> {
    match what {
        Pay::Visit(asked) => on_bus(asked, settings, async |operator, visit| {
            let body = VisitRequest::new(visit.provider, visit.resident);
            match operator.ask(RequestBody::Visit(body)).await? {
                ReplyBody::Visit(reply) => {
                    let fine = matches!(reply, VisitReply::Billed { .. });
                    Ok((words::visit(&reply), serde_json::to_value(reply)?, fine))
                }
                _ => bail!("the clinic answers another question"),
            }
        }),
        Pay::Settle(asked) => on_bus(asked, settings, async |operator, settle| {
            let given = settle.code.clone();
            let code = apart(move || read(given)).await?;
            let body = SettleRequest {
                family: settle.family,
                spare_accounts: settle.spare_accounts,
                cash_channel: settle.cash,
                ..SettleRequest::new(settle.bill, code)
            };
            let body = if settle.stay { RequestBody::Settle(body) } else { RequestBody::Till(body) };
            match operator.ask(body).await? {
                ReplyBody::Till(reply) | ReplyBody::Settle(reply) => {
                    let fine = matches!(reply, SettleReply::Settled { .. });
                    Ok((words::settled(&reply), serde_json::to_value(reply)?, fine))
                }
                _ => bail!("the till answers another question"),
            }
        }),
        Pay::Bill(asked) => on_bus(asked, settings, async |operator, show| bill::run(operator, &show).await),
        Pay::Bills(asked) => {
            on_bus(asked, settings, async |operator, bills| all_bills(operator, &bills).await)
        }
        Pay::Terminal(what) => terminal::run(what, settings),
        Pay::Admit(asked) => at_desk(asked, settings),
        Pay::Deposit(asked) => at_desk(asked, settings),
        Pay::Interim(asked) => on_bus(asked, settings, async |operator, interim| {
            let stay::Interim { stay, lines } = interim;
            let lines = apart(move || stay::read_lines(lines)).await?;
            desk(operator, PayRequest::Interim { stay, lines }).await
        }),
        Pay::Discharge(asked) => {
            on_bus(asked, settings, async |operator, discharge| stay::end(operator, &discharge).await)
        }
        Pay::Trace(asked) => at_desk(asked, settings),
        Pay::Reverse(asked) => at_desk(asked, settings),
        Pay::Refund(asked) => at_desk(asked, settings),
        Pay::Confirm(asked) => at_desk(asked, settings),
        Pay::Freeze(asked) => at_desk(asked, settings),
        Pay::Statement(asked) => at_desk(asked, settings),
        Pay::Resolve(asked) => at_desk(asked, settings),
        Pay::Link(asked) => on_bus(asked, settings, async |operator, link| {
            let desk::Link { beneficiary, family, code } = link;
            let code = apart(move || read(code)).await?;
            desk(operator, PayRequest::Link { beneficiary, family, code }).await
        }),
        Pay::Reconcile(asked) => {
            on_bus(asked, settings, async |operator, reconcile| reconcile::run(operator, &reconcile).await)
        }
    }
}

/// Asks the payer.
async fn ask(operator: &Operator, request: PayRequest) -> Result<PayReply> {
    match operator.ask(RequestBody::Pay(request)).await? {
        ReplyBody::Pay(reply) => Ok(reply),
        _ => bail!("the payer answers another question"),
    }
}

/// What is one request to the payer.
fn at_desk<T: Args + Clone + Into<PayRequest>>(asked: &Asked<T>, settings: &Settings) -> Result<ExitCode> {
    on_bus(asked, settings, async |operator, what| desk(operator, what.into()).await)
}

async fn desk(operator: &Operator, request: PayRequest) -> Result<Answer> {
    let reply = ask(operator, request).await?;
    Ok((words::reply(&reply), serde_json::to_value(&reply)?, !matches!(reply, PayReply::Refused(_))))
}

/// Every page of a list.
async fn all_bills(operator: &Operator, asked: &Bills) -> Result<Answer> {
    if asked.unpaid {
        let request = PayRequest::Unpaid { beneficiary: asked.resident, provider: asked.provider };
        return desk(operator, request).await;
    }
    let mut all = Vec::new();
    loop {
        let after = all.last().map(|bill: &medpay::SettledBill| bill.settlement);
        let request = PayRequest::Bills { beneficiary: asked.resident, provider: asked.provider, after };
        match ask(operator, request).await? {
            PayReply::Bills { bills, more } => {
                all.extend(bills);
                if !more {
                    return Ok((words::bills(&all), to_json(&all)?, true));
                }
            }
            other => return Ok((words::reply(&other), to_json(&other)?, false)),
        }
    }
}

fn to_json(value: &impl Serialize) -> Result<serde_json::Value> {
    Ok(serde_json::to_value(value)?)
}

/// The code itself, or what the standard input says up to its end. Blanks belong to a code, line ends do not.
fn read(given: String) -> Result<String> {
    let mut code = given;
    if code == "-" {
        code.clear();
        std::io::stdin().take(CODE_BYTES_MAX).read_to_string(&mut code).context("cannot read the code")?;
    }
    Ok(code.trim_end_matches(['\r', '\n']).to_owned())
}

/// Today, in the city's local time.
fn today() -> Day {
    Day::of(services::time::wall_now())
}
