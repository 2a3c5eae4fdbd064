//! `kitecity lamp`: lighting policies over the same city, people and nights; commands to a city that runs already.

mod dim;
mod firmware;

mod report;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use scenario::{Cast, CastSpec, Comparison, Figures, LightingPolicy, local_day};
use sim::Sim;
use types::{DAY_MS, HOUR_MS, RunId, Timestamp};

use crate::ask::{Asked, on_bus};
use crate::config::{Config, parse};
use crate::ground::Ground;
use crate::outfile::OutFile;
use crate::up::UsageError;
use crate::{Settings, out};

/// The policies that are compared when none are named.
const BUILT_IN: [(&str, &str); 4] = [
    ("config/lighting/always-100.toml", include_str!("../../../config/lighting/always-100.toml")),
    ("config/lighting/midnight-dim.toml", include_str!("../../../config/lighting/midnight-dim.toml")),
    (
        "config/lighting/constant-light-dim.toml",
        include_str!("../../../config/lighting/constant-light-dim.toml"),
    ),
    (
        "config/lighting/presence-adaptive.toml",
        include_str!("../../../config/lighting/presence-adaptive.toml"),
    ),
];
/// When a day of comparison begins: at noon, so that a night stays whole.
const FIRST_HOUR: i64 = 12;

/// Street lighting.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Lamp {
    /// Run lighting policies over the same city, people and nights, and print what each costs and gives.
    Compare(CompareArgs),
    /// Override luminaires of a city that runs, and wait until they obeyed: exit code 0 = all did, 1 = not all.
    Dim(Asked<dim::Dim>),
    /// Update the firmware of a group of a city that runs, and wait for the last table: exit code 0 = all updated.
    Firmware(Asked<firmware::Firmware>),
}

/// What to compare.
#[derive(Clone, Debug, Args)]
pub(crate) struct CompareArgs {
    /// Policy files; otherwise four of config/lighting.
    policies: Vec<PathBuf>,
    /// The first day, from noon on.
    #[arg(long, default_value = "2026-11-20")]
    date: String,
    /// How many days and nights, 1 to 31.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=31))]
    nights: u32,
    /// One line of JSON per policy instead of a table.
    #[arg(long)]
    json: bool,
    /// Write a report for people: one HTML file with the curves of the night in it.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// What was compared, and what came of it.
#[derive(Debug)]
struct Compared {
    policies: Vec<LightingPolicy>,
    /// In the order of the policies.
    figures: Vec<Figures>,
    seed: u64,
    date: String,
    start: Timestamp,
    end: Timestamp,
}

/// Does it, or says what is wrong with a file.
pub(crate) fn run(what: &Lamp, settings: &Settings) -> Result<ExitCode> {
    match what {
        Lamp::Compare(args) => compare(args, settings),
        Lamp::Firmware(asked) => {
            on_bus(asked, settings, async |operator, order| firmware::run(operator, order).await)
        }
        Lamp::Dim(asked) => on_bus(asked, settings, async |operator, dim| dim::run(operator, dim).await),
    }
}

fn compare(args: &CompareArgs, settings: &Settings) -> Result<ExitCode> {
    let policies = policies(args)?;
    let (year, day) = local_day(&args.date).map_err(|message| UsageError(format!("--date: {message}")))?;
    let mut ground = Ground::of(&Config::of(settings)?)?;
    let sun = ground.sun(year)?;
    let spec = cast_spec(settings, year)?;
    let start = Timestamp::from_local(day, FIRST_HOUR * HOUR_MS);
    let end = start.plus_millis(i64::from(args.nights) * DAY_MS);
    let report = args.report.as_deref().map(|path| OutFile::ready("--report", path)).transpose()?;
    let mut figures = Vec::new();
    for policy in &policies {
        let measured = measure(policy, ground.cast(spec.clone(), sun.clone())?, start, end)?;
        if args.json {
            out::line(&serde_json::to_string(&measured)?)?;
        }
        figures.push(measured);
    }
    let seed = spec.city.seed.0;
    let compared = Compared { policies, figures, seed, date: args.date.clone(), start, end };
    if !args.json {
        out::line(&table::text(&compared))?;
    }
    if let Some(report) = report {
        report.write(&report::page(&compared)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn policies(args: &CompareArgs) -> Result<Vec<LightingPolicy>> {
    let usage = UsageError::from;
    if args.policies.is_empty() {
        return BUILT_IN.iter().map(|(name, text)| Ok(parse(text, name).map_err(usage)?)).collect();
    }
    let read = |file: &PathBuf| -> Result<LightingPolicy> {
        let name = file.display().to_string();
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {name}"));
        Ok(parse(&text.map_err(usage)?, &name).map_err(usage)?)
    };
    args.policies.iter().map(read).collect()
}

fn cast_spec(settings: &Settings, year: i32) -> Result<CastSpec> {
    let mut config = Config::of(settings)?;
    config.city.seed = settings.seed.unwrap_or(config.city.seed);
    config.city.luminaires = settings.luminaires.unwrap_or(config.city.luminaires);
    let policy = config.policy().map_err(UsageError::from)?;
    let (physics, burning_h) = config.luminaires().map_err(UsageError::from)?;
    Ok(CastSpec { physics, burning_h, ..CastSpec::new(config.city_spec(), year, policy) })
}

fn measure(policy: &LightingPolicy, city: Cast, start: Timestamp, end: Timestamp) -> Result<Figures> {
    let cast = city.lit_by(policy);
    let mut comparison = Comparison::new(cast.plan().clone(), cast.astro().clone(), start);
    let run: RunId = "compare".parse()?;
    Sim::new(&cast, run, start)?.run_until(end, &mut comparison);
    Ok(comparison.conclude(&policy.name, end))
}
