//! Two books of a day: totals first, then row by row.

use std::fmt::Write;

use anyhow::{Result, bail};
use clap::Args;
use medpay::reconcile::{Difference, Report, Row, compare, inject};
use medpay::{BooksReply, BooksRequest, Day, PayReply, PayRequest};
use serde_json::json;
use services::operator::Operator;
use types::{Fen, ProviderId, Seed};
use wire::{ReplyBody, RequestBody};

use super::{Answer, ask, today, words};

/// What `pay reconcile` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Reconcile {
    /// Whose books, such as h-0001.
    provider: ProviderId,
    /// Which day; otherwise today.
    #[arg(long)]
    day: Option<Day>,
    /// Put aside what differs, until it is resolved.
    #[arg(long)]
    park: bool,
    /// Close the day: pay out what is owed and not put aside.
    #[arg(long)]
    close: bool,
    /// Spoil the provider's book first, by this seed, and say whether all of that was found.
    #[arg(long, value_name = "SEED")]
    spoil: Option<u64>,
}

/// How many rows of a thousand are spoiled.
const SPOILED_PER_THOUSAND: u64 = 200;

pub(super) async fn run(operator: &Operator, asked: &Reconcile) -> Result<Answer> {
    let (provider, day) = (asked.provider, asked.day.unwrap_or_else(today));
    let (mut platform, mut hospital) = (Vec::new(), Vec::new());
    // What was booked on another day is found on the days around.
    for day in [day.before(), day, day.next()] {
        platform.extend(payer_rows(operator, provider, day).await?);
        hospital.extend(clinic_rows(operator, provider, day).await?);
    }
    let mut found = None;
    if let Some(seed) = asked.spoil {
        let mut chance = Seed(seed).stream("injector", 0);
        let (of_day, others): (Vec<Row>, Vec<Row>) = hospital.into_iter().partition(|row| row.day == day);
        let (spoiled, key) = inject(&of_day, SPOILED_PER_THOUSAND, &mut chance);
        hospital = spoiled.into_iter().chain(others).collect();
        let report = compare(day, &platform, &hospital);
        let told = report.differences.iter().map(|one| (one.settlement, one.refund, one.class));
        found = Some((key.len(), told.eq(key)));
    }
    let report = compare(day, &platform, &hospital);
    let mut text = in_words(&report);
    if let Some((made, exact)) = found {
        let exact = if exact { "exactly these" } else { "not these" };
        let _ = write!(text, "\n{made} differences were made, {exact} were found");
    }
    if asked.park {
        for &difference in &report.differences {
            let reply = ask(operator, PayRequest::Park { provider, day, difference }).await?;
            let _ = write!(text, "\n{}", words::reply(&reply));
        }
    }
    if asked.close {
        let reply = ask(operator, PayRequest::Close { provider, day }).await?;
        let _ = write!(text, "\n{}", words::reply(&reply));
    }
    let fine = report.differences.is_empty() && found.is_none_or(|(_, exact)| exact);
    Ok((text, json!({ "report": report, "found": found }), fine))
}

fn in_words(report: &Report) -> String {
    let mut text = format!(
        "{}\n  payer     {}\n  provider  {}\n",
        report.day,
        words::totals(&report.platform),
        words::totals(&report.hospital)
    );
    for Difference { settlement, refund, class, amount } in &report.differences {
        let class = serde_json::to_value(class).unwrap_or_default();
        let class = class.as_str().unwrap_or_default();
        let refund = if *refund { " (reversal)" } else { "" };
        let _ = writeln!(text, "  {class:<16} {settlement}{refund}  ¥{}", Fen::new(*amount));
    }
    let _ = match report.differences.len() {
        0 => write!(text, "the books agree"),
        count => write!(text, "{count} differences"),
    };
    text
}

async fn payer_rows(operator: &Operator, provider: ProviderId, day: Day) -> Result<Vec<Row>> {
    let mut all = Vec::new();
    loop {
        let after = u32::try_from(all.len())?;
        match ask(operator, PayRequest::Detail { provider, day, after }).await? {
            PayReply::Detail { rows, more } => {
                all.extend(rows);
                if !more {
                    return Ok(all);
                }
            }
            other => bail!("payer: {}", words::reply(&other)),
        }
    }
}

async fn clinic_rows(operator: &Operator, provider: ProviderId, day: Day) -> Result<Vec<Row>> {
    let mut all = Vec::new();
    loop {
        let after = u32::try_from(all.len())?;
        let request = BooksRequest { provider, day, after };
        let ReplyBody::Books(BooksReply { rows, more }) = operator.ask(RequestBody::Books(request)).await?
        else {
            bail!("the clinic answers another question")
        };
        all.extend(rows);
        if !more {
            return Ok(all);
        }
    }
}
