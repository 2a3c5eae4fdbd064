//! `kitecity export`: the luminaires of a city, for other programs.

mod fiware;
mod geojson;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use city::Plan;
use clap::{Args, Subcommand, ValueEnum};
use lighting::{LightState, Report};
use services::glance;
use types::LuminaireId;
use wire::{Light, Message};

use crate::eid::Entry;
use crate::interrupt::{self, apart};
use crate::outfile::OutFile;
use crate::up::City;
use crate::{Settings, lamps_file, out};

/// Exit code for Ctrl-C before all was read.
const EXIT_INTERRUPTED: u8 = 130;
/// What the broker keeps of luminaires.
const KEPT: [&str; 2] = ["light/+/+/up/state", "light/+/+/status"];

/// What can be exported.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Export {
    /// The luminaires of the settings' city; with --broker also how they are right now.
    Lamps(LampsArgs),
}

/// In which form, and where to.
#[derive(Clone, Debug, Args)]
pub(crate) struct LampsArgs {
    /// The form.
    #[arg(long, value_enum, default_value_t = Form::Csv)]
    format: Form,
    /// Where to; otherwise to stdout.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    entry: Entry,
}

/// A form of export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A lamps file, which `--lamps` reads.
    Csv,
    /// A GeoJSON collection of points.
    Geojson,
    /// FIWARE Smart Data Models, key-values: Streetlight, StreetlightGroup, StreetlightControlCabinet.
    Fiware,
}

/// How luminaires are, as far as the broker knows.
#[derive(Clone, Debug, Default)]
struct Live(BTreeMap<LuminaireId, Seen>);

/// The last that was heard of one.
#[derive(Clone, Debug, Default)]
struct Seen {
    state: Option<Report<LightState>>,
    online: Option<bool>,
}

/// Exports.
pub(crate) fn run(what: &Export, settings: &Settings) -> Result<ExitCode> {
    let Export::Lamps(args) = what;
    let to = args.out.as_deref().map(|path| OutFile::ready("--out", path)).transpose()?;
    let Some((city, live)) = look(args, settings)? else { return Ok(ExitCode::from(EXIT_INTERRUPTED)) };
    let text = text(args.format, &city, live.as_ref())?;
    match to {
        Some(to) => to.write(&text)?,
        None => out::line(text.trim_end())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The plan, and what a running city says of it; `None` after Ctrl-C.
fn look(args: &LampsArgs, settings: &Settings) -> Result<Option<(City, Option<Live>)>> {
    interrupt::run(async |mut interrupt| {
        let planned = settings.clone();
        let Some(city) = interrupt.unless(apart(move || City::plan(&planned))).await? else {
            return Ok(None);
        };
        if settings.broker.is_none() {
            return Ok(Some((city, None)));
        }
        let link = settings.link(city.config.city.run);
        let kept = async {
            let kept = glance::retained(&link, args.entry.password(), &KEPT).await;
            kept.context("cannot join the city: give --broker, and --password or --secret, as it has them")
        };
        let Some(kept) = interrupt.unless(kept).await? else { return Ok(None) };
        let live = Live::of(kept);
        let (seen, all) = (live.0.len(), city.cast.plan().luminaires().len());
        if seen < all {
            eprintln!(
                "the broker knows how {seen} of {all} luminaires are; the others are told from the plan alone"
            );
        }
        Ok(Some((city, Some(live))))
    })
}

impl Live {
    fn of(kept: Vec<Message>) -> Self {
        let mut live = Self::default();
        for message in kept {
            let Message::Light { luminaire, body, .. } = message else { continue };
            let seen = live.0.entry(luminaire).or_default();
            match body {
                Light::State(report) => seen.state = Some(report),
                Light::Online(online) => seen.online = Some(online),
                _ => {}
            }
        }
        live
    }

    fn of_one(&self, id: LuminaireId) -> Option<&Seen> {
        self.0.get(&id)
    }
}

fn text(form: Form, city: &City, live: Option<&Live>) -> Result<String> {
    let plan: &Plan = city.cast.plan();
    let mut text = Vec::new();
    match form {
        Form::Csv => lamps_file::write(&plan.placed(), &mut text)?,
        Form::Geojson => {
            geojson::write(&plan.placed(), |id| live.and_then(|live| live.of_one(id)), &mut text)?
        }
        Form::Fiware => fiware::write(plan, city.config.city.run, live, &mut text)?,
    }
    Ok(String::from_utf8(text)?)
}

/// Writes a list of JSON values, each on a line of its own.
fn write_list(
    before: &str,
    values: impl Iterator<Item = serde_json::Value>,
    after: &str,
    to: &mut Vec<u8>,
) -> Result<()> {
    writeln!(to, "{before}[")?;
    for (nth, value) in values.enumerate() {
        if nth > 0 {
            writeln!(to, ",")?;
        }
        serde_json::to_writer(&mut *to, &value)?;
    }
    writeln!(to, "\n]{after}")?;
    Ok(())
}
