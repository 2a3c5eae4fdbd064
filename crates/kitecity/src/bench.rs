//! `kitecity bench`: how fast it is on this machine.

mod fleet;
mod hostile;
mod long;
mod pay;
mod reconnect;
mod started;
mod watcher;

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use anyhow::Result;
use city::CitySpec;
use clap::Subcommand;
use eid::Profile;
use scenario::{Cast, CastSpec};
use sim::bench::{self, Stopwatch, Weather};
use types::Seed;

use crate::run::policy_of;
use crate::{Settings, out};

/// Cities that are measured \[luminaires\].
const SIZES: [u32; 3] = [1_000, 10_000, 100_000];
/// What a rate is held against \[events per core-second\].
const EVENTS_TARGET: f64 = 10e6;
/// How often a night is played; the best counts, since other programs only make it slower.
const NIGHTS: usize = 5;

/// What to measure.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Bench {
    /// Virtual time: events per core-second, a night, a year. `cargo bench -p sim` prints NeXosim beside it.
    Sim,
    /// Live: many luminaires with a connection each (10,000, or --luminaires), beside Mosquitto if there is one.
    Fleet {
        /// How long to measure \[s\].
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// Live: how long until every luminaire (of 10,000, or --luminaires) is back after the broker died.
    Reconnect,
    /// Live: a whole city at 600 times the speed of life, and whether its memory stays flat.
    Long {
        /// How long to run it \[s\].
        #[arg(long, default_value_t = 3_600, value_parser = clap::value_parser!(u64).range(12..))]
        seconds: u64,
    },
    /// Live: how long commands to honest luminaires (1,000, or --luminaires) take, alone and beside hostile
    /// clients. Fails if a command is lost.
    Hostile(hostile::HostileArgs),
    /// Codes of e-ID: issued, proved by a phone, drawn and verified, beside the bare signatures in them.
    Eid,
    /// Splits of bills per second, and durable settlements per second beside the disk's sync time.
    Pay(pay::PayArgs),
}

/// Measures and prints.
pub(crate) fn run(what: &Bench, settings: &Settings) -> Result<()> {
    match what {
        Bench::Sim => simulation(settings),
        Bench::Fleet { seconds } => fleet::run(settings, *seconds),
        Bench::Reconnect => reconnect::run(settings),
        Bench::Long { seconds } => long::run(settings, *seconds),
        Bench::Hostile(args) => hostile::run(args, settings),
        Bench::Eid => codes(),
        Bench::Pay(args) => pay::run(args, settings),
    }
}

fn codes() -> Result<()> {
    let began = Instant::now();
    out::line(&machine())?;
    out::line("one core, best of seven rounds")?;
    eid::bench::measure(&Profile::ALL, &|| began.elapsed(), |cost| out::line(&cost.to_string()))
}

fn simulation(settings: &Settings) -> Result<()> {
    let began = Instant::now();
    let wall: &dyn Fn() -> Duration = &|| began.elapsed();
    out::line(&machine())?;
    out::line("half a day with per-device messages, digest on; M events per second of one core")?;
    out::line("luminaires      calm   rough   calm of 10 M")?;
    for luminaires in SIZES {
        let cast = cast(settings, luminaires, 1, 0)?;
        let rate = |weather| Ok::<_, anyhow::Error>(bench::half_day(&cast, weather, wall)?.events_per_s());
        let (calm, rough) = (rate(Weather::Calm)?, rate(Weather::Rough)?);
        let share = 100.0 * calm / EVENTS_TARGET;
        out::line(&format!("{luminaires:>10} {:>9.2} {:>7.2} {share:>13.0} %", calm / 1e6, rough / 1e6))?;
    }
    night("luminaires only", &cast(settings, 1_000, 1, 0)?, wall)?;
    night("people in the streets", &cast(settings, 1_000, 1_000, 3)?, wall)?;
    year(&cast(settings, 100_000, 1, 0)?, wall)
}

fn night(what: &str, cast: &Cast, wall: Stopwatch<'_>) -> Result<()> {
    let nights: Vec<_> = (0..NIGHTS).map(|_| bench::night(cast, wall)).collect::<Result<_, _>>()?;
    let Some(best) = nights.iter().min_by_key(|night| night.took) else { return Ok(()) };
    let (took, events) = (best.took.as_millis(), best.events);
    out::line(&format!("a night of 1,000 luminaires, {what}: {took} ms, {events} events (best of {NIGHTS})"))
}

fn year(cast: &Cast, wall: Stopwatch<'_>) -> Result<()> {
    for cores in [1, 2] {
        let cores = NonZeroUsize::new(cores).unwrap_or(NonZeroUsize::MIN);
        let (energy, took) = bench::year(cast, cores, wall)?;
        let mwh = energy.energy_mwh / 1_000_000_000;
        out::line(&format!(
            "a year of 100,000 luminaires, energy by policy, {cores} core(s): {:.1} s, {mwh} MWh",
            took.as_secs_f64()
        ))?;
    }
    Ok(())
}

fn cast(settings: &Settings, luminaires: u32, residents: u32, clinics: u32) -> Result<Cast> {
    let policy = policy_of(settings)?;
    let city = CitySpec { seed: Seed(settings.seed.unwrap_or(7)), luminaires, residents, clinics };
    Ok(Cast::new(CastSpec::new(city, 2026, policy))?)
}

/// The machine, for whoever compares figures.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": processor unknown");
    let build = if cfg!(debug_assertions) { "debug build: figures mean nothing" } else { "release build" };
    format!("{}, {cores} cores, {build}", model.trim_start_matches([' ', '\t', ':']))
}
