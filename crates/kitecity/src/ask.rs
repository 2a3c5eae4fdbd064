//! Questions at the command line to a city that runs already: join, ask, print, leave.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use services::operator::Operator;

use crate::Settings;
use crate::config::Config;
use crate::eid::{Entry, leave};
use crate::interrupt;

/// Exit code for what was refused, or is not as it should be.
const EXIT_REFUSED: u8 = 1;
/// Exit code for Ctrl-C before there was an answer.
const EXIT_INTERRUPTED: u8 = 130;

/// Arguments, and how an operator gets in.
#[derive(Clone, Debug, Args)]
pub(crate) struct Asked<T: Args> {
    #[command(flatten)]
    what: T,
    /// Print the answer as it is on the bus.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    entry: Entry,
}

/// An answer: in words, as it is on the bus, and whether it is a good one.
pub(crate) type Answer = (String, serde_json::Value, bool);

/// Joins the city, does `work`, prints what comes of it.
pub(crate) fn on_bus<T: Args + Clone>(
    asked: &Asked<T>,
    settings: &Settings,
    work: impl AsyncFnOnce(&Operator, T) -> Result<Answer>,
) -> Result<ExitCode> {
    let config = Config::of(settings)?;
    let run = settings.run.unwrap_or(config.city.run);
    let answer = interrupt::run(async |mut interrupt| {
        let asking = async {
            let operator = asked.entry.join(settings, run).await?;
            let answer = work(&operator, asked.what.clone()).await;
            leave(operator).await;
            answer
        };
        interrupt.unless(asking).await
    })?;
    let Some((words, json, fine)) = answer else { return Ok(ExitCode::from(EXIT_INTERRUPTED)) };
    crate::out::line(&if asked.json { json.to_string() } else { words })?;
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::from(EXIT_REFUSED) })
}
