//! What a resident would have in their hands: the number and the name that they enrol with.

use std::process::ExitCode;

use ::eid::EnrolRequest;
use anyhow::Result;
use clap::Args;
use types::ResidentId;

use super::person;
use crate::Settings;
use crate::interrupt::{self, apart};
use crate::up::City;

/// What `eid papers` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Papers {
    /// Whose, such as r-0042.
    #[arg(long)]
    resident: ResidentId,
}

/// Prints them as `POST /v1/enrollments` takes them. Needs no city that runs: they follow from its seed.
pub(super) fn run(papers: &Papers, settings: &Settings) -> Result<ExitCode> {
    let settings = settings.clone();
    let planned =
        interrupt::run(async |mut interrupt| interrupt.unless(apart(move || City::plan(&settings))).await)?;
    let Some(city) = planned else { return Ok(ExitCode::from(super::EXIT_INTERRUPTED)) };
    let person = person(&city, papers.resident)?;
    let request = EnrolRequest { resident_no: person.number.as_str().to_owned(), name: person.name_zh };
    println!("{}", serde_json::to_string(&request)?);
    Ok(ExitCode::SUCCESS)
}
