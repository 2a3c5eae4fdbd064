//! `kitecity run` and `kitecity check`: scenarios as tests.

mod again;
mod cores;
pub(crate) mod explore;
mod live;
mod print;
mod progress;
mod report;
mod seeds;
mod stage;
mod virtually;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use eid::Readers;
use lighting::AstroTable;
use medpay::Policies;
use scenario::{RunOptions, Script, Standing, Verdict};

use self::report::{Reports, Section};
use self::seeds::SeedRange;
pub(crate) use self::stage::Stage;
use crate::config::Config;
use crate::ground::Ground;
use crate::up::UsageError;
use crate::{Settings, out};

/// Exit code when an expectation did not come true.
const EXIT_FAILED: u8 = 99;
/// Exit code when nothing was tested.
const EXIT_INCONCLUSIVE: u8 = 98;
/// Exit code after Ctrl-C.
const EXIT_INTERRUPTED: u8 = 130;
/// Scenario files larger than this are not even read \[bytes\].
const FILE_BYTES_MAX: u64 = 1_000_000;
/// What `--slack` is if it is not given.
const SLACK_USUAL: &str = "2s";

/// What to play, and how.
#[derive(Clone, Debug, Args)]
pub(crate) struct RunArgs {
    /// Scenario files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Play on a real broker, at the speed of the scenario (or `--speed`), so that real devices can join.
    #[arg(long)]
    live: bool,
    /// Live: added to each `within`, in wall time.
    #[arg(long, default_value = SLACK_USUAL, value_name = "DURATION")]
    slack: String,
    /// Play once with each of these seeds, such as 1..1000 (both included), and print the smallest that fails.
    #[arg(long, conflicts_with_all = ["live", "seed"])]
    seeds: Option<SeedRange>,
    /// A value for `$name` in the files (repeatable).
    #[arg(long = "param", value_name = "NAME=VALUE")]
    params: Vec<String>,
    /// Play also what has no expectations.
    #[arg(long)]
    no_expect: bool,
    /// Print one line of JSON per run instead of text.
    #[arg(long)]
    json: bool,
    /// Write what came of it as JUnit XML, for build servers.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write a report for people: one HTML file with everything in it.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// What to check.
#[derive(Clone, Debug, Args)]
pub(crate) struct CheckArgs {
    /// Scenario files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// A value for `$name` in the files (repeatable).
    #[arg(long = "param", value_name = "NAME=VALUE")]
    params: Vec<String>,
}

/// One scenario, played once.
///
/// With `--json` it is a line such as this one, here folded. Moments are \[ms since 1970\] and durations \[ms\], both of
/// the city's clock unless they say `wall`. `spread` is `null` but for `after`, `failure` but for what failed, `log` in
/// live runs; `standing` is `passed`, `inconclusive` or `failed`. `messages` has a pair for each kind that came.
/// Fields may be added, those here stay.
///
/// ```json
/// {"file": "a.toml", "seed": 7, "live": false, "wall_ms": 812, "again": "kitecity run a.toml --seed 7",
///  "log": {"events": 5120, "digest": "00d1f2…"}, "scenario": "First night", "start": 1776508680000, "end": …,
///  "outcomes": [{"name": "…", "says": "…", "standing": "failed", "measured": "…",
///    "spread": {"count": 9, "p50_ms": 40, "p99_ms": 60, "max_ms": 60},
///    "failure": {"at": …, "entity": "l-0012", "expected": "…", "seen": "…", "before": ["…"]}, "failures": 1}],
///  "never_begun": 0,
///  "record": {"samples": [{"at": …, "power_mw": 0, "lit": 0}],
///    "alarms": [{"at": …, "lamp": "l-0012", "kind": "lamp_failure", "raised": true}],
///    "settlements": [{"at": …, "bill": "b-1", "total_fen": 3, "pool_fen": 2, "account_fen": 1, "cash_fen": 0}],
///    "messages": [["lamp.state", 200]], "energy_mwh": 0,
///    "ledger": {"total_fen": 3, "pool_fen": 2, "account_fen": 1, "cash_fen": 0}}}
/// ```
///
/// With `--seeds` there is one line per scenario instead: [`seeds::Explored`].
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Played {
    /// The file.
    pub(crate) file: String,
    /// The seed of its city.
    pub(crate) seed: u64,
    /// Whether on a real broker.
    pub(crate) live: bool,
    /// How long it took \[wall ms\].
    pub(crate) wall_ms: u64,
    /// The command that plays it once more.
    pub(crate) again: String,
    /// Virtual time only: events so far, and the digest of the event log.
    pub(crate) log: Option<Log>,
    /// What came of it.
    #[serde(flatten)]
    pub(crate) verdict: Verdict,
}

impl Played {
    /// In which time it was played.
    fn mode(&self) -> &'static str {
        if self.live { "live" } else { "virtual" }
    }
}

/// What the settings say of payment and e-ID.
#[derive(Clone, Debug)]
struct Rules {
    policy: Policies,
    readers: Readers,
}

impl Rules {
    fn of(settings: &Settings) -> Result<Self, UsageError> {
        Self::of_config(&Config::of(settings)?)
    }

    fn of_config(config: &Config) -> Result<Self, UsageError> {
        Ok(Self { policy: config.policy()?, readers: config.readers()? })
    }
}

/// A scenario about to be played, and what that takes.
#[derive(Clone, Copy, Debug)]
struct Job<'a> {
    script: &'a Script,
    args: &'a RunArgs,
    settings: &'a Settings,
    options: &'a RunOptions,
    rules: &'a Rules,
    ground: &'a Ground,
    sun: &'a Arc<AstroTable>,
}

impl Job<'_> {
    fn seed(&self) -> u64 {
        self.settings.seed.unwrap_or_else(|| self.script.seed())
    }

    /// The command that plays it once more.
    fn again(&self, seed: u64) -> String {
        again::command(self.script.file_name(), seed, self.args, self.settings)
    }
}

/// The event log of a virtual run, in two numbers.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub(crate) struct Log {
    pub(crate) events: u64,
    #[serde(serialize_with = "as_hex")]
    pub(crate) digest: u64,
}

fn as_hex<S: serde::Serializer>(digest: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{digest:016x}"))
}

/// Plays all files.
pub(crate) fn run(args: &RunArgs, settings: &Settings) -> Result<ExitCode> {
    let rules = Rules::of(settings)?;
    let mut ground = ground_of(settings)?;
    let scripts = read_all(&args.files, &args.params)?;
    // All mistakes come first: a run must not stop half-way because of the last file.
    let reports = Reports::ready(args)?;
    let options = RunOptions { slack_ms: 0, live: args.live, no_expect: args.no_expect };
    for script in &scripts {
        let seed = settings.seed.unwrap_or_else(|| script.seed());
        let sun = ground.sun(script.year())?;
        virtually::ready(script, seed, &rules, &options, (&ground, &sun))?;
    }
    let mut worst = Standing::Passed;
    let mut sections = Vec::new();
    for script in &scripts {
        let sun = &ground.sun(script.year())?;
        let job = Job { script, args, settings, options: &options, rules: &rules, ground: &ground, sun };
        let Some(section) = play(job)? else {
            if reports.wanted() {
                eprintln!("interrupted: no report is written");
            }
            return Ok(ExitCode::from(EXIT_INTERRUPTED));
        };
        worst = worst.max(section.standing());
        if reports.wanted() {
            sections.push(section);
        }
    }
    reports.write(&sections)?;
    Ok(ExitCode::from(match worst {
        Standing::Passed => 0,
        Standing::Inconclusive => EXIT_INCONCLUSIVE,
        Standing::Failed => EXIT_FAILED,
    }))
}

/// Plays one and prints what came of it; `None` after Ctrl-C.
fn play(job: Job<'_>) -> Result<Option<Section>> {
    if let Some(range) = job.args.seeds {
        let explored = seeds::explore(job, range)?;
        print::explored(&explored, job.args)?;
        return Ok(Some(Section::Seeds(Box::new(explored))));
    }
    let played = if job.args.live { live::play(job)? } else { Some(virtually::play(job, job.seed())?) };
    let Some(played) = played else { return Ok(None) };
    print::played(&played, job.args)?;
    Ok(Some(Section::Run(Box::new(played))))
}

/// Finds the mistakes of all files.
pub(crate) fn check(args: &CheckArgs, settings: &Settings) -> Result<ExitCode> {
    let rules = Rules::of(settings)?;
    let mut ground = ground_of(settings)?;
    let mut mistakes = 0;
    for file in &args.files {
        let outcome = read(file, &args.params).and_then(|script| {
            let sun = ground.sun(script.year())?;
            virtually::ready(&script, script.seed(), &rules, &RunOptions::default(), (&ground, &sun))
        });
        match outcome {
            Ok(_) => out::line(&format!("{}: good", file.display()))?,
            Err(error) => {
                eprintln!("{error:#}");
                mistakes += 1;
            }
        }
    }
    Ok(ExitCode::from(if mistakes == 0 { 0 } else { crate::EXIT_USAGE }))
}

/// What the cities of the settings are built on.
fn ground_of(settings: &Settings) -> Result<Ground> {
    Ok(Ground::of(&Config::of(settings)?)?)
}

/// The rules of payment of the settings.
pub(crate) fn policy_of(settings: &Settings) -> Result<Policies> {
    Ok(Config::of(settings)?.policy().map_err(UsageError::from)?)
}

fn read_all(files: &[PathBuf], params: &[String]) -> Result<Vec<Script>> {
    files.iter().map(|file| read(file, params)).collect()
}

fn read(file: &PathBuf, params: &[String]) -> Result<Script> {
    let usage = |message: String| anyhow::Error::from(UsageError(message));
    let name = file.display().to_string();
    let length = std::fs::metadata(file).map_err(|error| usage(format!("{name}: {error}")))?.len();
    if length > FILE_BYTES_MAX {
        return Err(usage(format!(
            "{name}: a scenario has at most {FILE_BYTES_MAX} bytes, this file has {length}"
        )));
    }
    let text = std::fs::read_to_string(file).map_err(|error| usage(format!("{name}: {error}")))?;
    let params: BTreeMap<String, String> = params
        .iter()
        .map(|param| {
            param.split_once('=').ok_or_else(|| usage(format!("--param {param}: expected NAME=VALUE")))
        })
        .map(|param| param.map(|(key, value)| (key.to_owned(), value.to_owned())))
        .collect::<Result<_>>()?;
    Script::parse(&name, &text, &params).map_err(|mistake| usage(mistake.to_string()))
}
