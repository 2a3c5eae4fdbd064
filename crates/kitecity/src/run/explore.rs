//! `kitecity sim explore`: nights from seeds, until one leaves a city that is not whole.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use clap::{Args, Subcommand};
use lighting::AstroTable;
use medpay::Policies;
use scenario::{Standing, Verdict};
use sim::explore::{Case, YEAR};

use super::EXIT_FAILED;
use super::cores::on_all_cores;
use super::progress::SeedsBar;
use crate::config::Config;
use crate::outfile::OutFile;
use crate::{Settings, out};

/// Virtual time.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum SimCommand {
    /// Play random nights – faults, bad networks, crashes, people – and see that the city is whole again after each.
    ///
    /// Exit codes: 0 all were, 99 one was not: then a scenario file has the least that it takes.
    Explore(ExploreArgs),
}

/// How far to look.
#[derive(Clone, Debug, Args)]
pub(crate) struct ExploreArgs {
    /// How many seeds.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..))]
    cases: u64,
    /// How long at most; then as many seeds as there is time for.
    #[arg(long, value_name = "N", conflicts_with = "cases", value_parser = clap::value_parser!(u64).range(1..))]
    minutes: Option<u64>,
    /// The first seed; the others follow it.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Where the scenario of a seed that fails goes.
    #[arg(long, value_name = "FILE", default_value = "explored.toml")]
    out: PathBuf,
    /// Print one line of JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// What came of it.
///
/// With `--json` it is a line such as this one, here folded:
///
/// ```json
/// {"first_seed": 0, "cases": 500, "wall_ms": 61200, "failed": 137, "troubles": ["disturb"], "file": "explored.toml"}
/// ```
///
/// `failed` is the smallest seed that did, `troubles` the deeds it takes; `null` and none if all cities were whole.
#[derive(Debug, serde::Serialize)]
struct Explored {
    first_seed: u64,
    /// Cases played.
    cases: u64,
    /// How long all took \[wall ms\].
    wall_ms: u64,
    failed: Option<u64>,
    troubles: Vec<&'static str>,
    file: Option<String>,
}

/// What all workers share.
struct Search<'a> {
    policies: Policies,
    sun: Arc<AstroTable>,
    next: AtomicU64,
    end: u64,
    until: Option<Instant>,
    found: AtomicBool,
    played: AtomicU64,
    /// Seeds that failed.
    failed: Mutex<Vec<u64>>,
    bar: &'a SeedsBar,
}

/// Looks.
pub(crate) fn explore(args: &ExploreArgs, settings: &Settings) -> Result<ExitCode> {
    let file = OutFile::ready("--out", &args.out)?;
    let began = Instant::now();
    let cases = args.minutes.is_none().then_some(args.cases);
    let bar = SeedsBar::new(cases);
    let search = Search {
        policies: Config::of(settings)?.policy()?,
        sun: Arc::new(city::astro_table(YEAR).map_err(|error| anyhow!("{error}"))?),
        next: AtomicU64::new(args.first),
        end: args.first.saturating_add(cases.unwrap_or(u64::MAX)),
        until: args.minutes.map(|minutes| began + Duration::from_secs(minutes * 60)),
        found: AtomicBool::new(false),
        played: AtomicU64::new(0),
        failed: Mutex::default(),
        bar: &bar,
    };
    on_all_cores(|| search.work())?;
    let failed = search.failed.lock().unwrap_or_else(PoisonError::into_inner).iter().min().copied();
    let smallest = failed.map(|seed| search.shrink(seed)).transpose()?;
    if let Some(case) = &smallest {
        file.write(&case.text())?;
    }
    let explored = Explored {
        first_seed: args.first,
        cases: search.played.load(Ordering::Relaxed),
        wall_ms: began.elapsed().as_millis() as u64,
        failed,
        troubles: smallest.iter().flat_map(Case::troubles).collect(),
        file: smallest.map(|_| args.out.display().to_string()),
    };
    drop(bar);
    print(&explored, args.json)?;
    Ok(ExitCode::from(if failed.is_some() { EXIT_FAILED } else { 0 }))
}

impl Search<'_> {
    /// Plays one seed after the other. Seeds before one that fails are played all the same: the smallest is told.
    fn work(&self) -> Result<()> {
        while !self.found.load(Ordering::Relaxed) && self.until.is_none_or(|until| Instant::now() < until) {
            let seed = self.next.fetch_add(1, Ordering::Relaxed);
            if seed >= self.end {
                return Ok(());
            }
            let broken = is_broken(&self.play(&Case::of(seed))?);
            self.played.fetch_add(1, Ordering::Relaxed);
            if broken {
                self.failed.lock().unwrap_or_else(PoisonError::into_inner).push(seed);
                self.found.store(true, Ordering::Relaxed);
            }
            self.bar.step(usize::from(broken));
        }
        Ok(())
    }

    fn play(&self, case: &Case) -> Result<Verdict> {
        case.play(&self.policies, &self.sun)
            .map_err(|error| anyhow!(error))
            .context("a case cannot be played")
    }

    fn shrink(&self, seed: u64) -> Result<Case> {
        eprintln!("seed {seed} left a city that is not whole; looking for what it takes");
        let mut trouble = None;
        let smallest = Case::of(seed).shrink(|case| match self.play(case) {
            Ok(verdict) => is_broken(&verdict),
            Err(error) => {
                trouble = Some(error);
                false
            }
        });
        trouble.map_or(Ok(smallest), Err)
    }
}

fn is_broken(verdict: &Verdict) -> bool {
    verdict.standing() != Standing::Passed
}

fn print(explored: &Explored, json: bool) -> Result<()> {
    if json {
        return out::line(&serde_json::to_string(explored)?);
    }
    let seconds = explored.wall_ms as f64 / 1_000.0;
    out::line(&match (&explored.failed, &explored.file) {
        (Some(seed), Some(file)) => format!(
            "seed {seed} of {} failed in {seconds:.1} s; it takes: {}\n  again: kitecity run {file}",
            explored.cases,
            if explored.troubles.is_empty() {
                "nothing at all".to_owned()
            } else {
                explored.troubles.join(", ")
            }
        ),
        _ => format!("{} cities were whole after their nights, in {seconds:.1} s", explored.cases),
    })
}
