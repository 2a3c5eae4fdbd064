//! `kitecity bench hostile`: an honest fleet, first alone, then beside clients that mean harm.
//!
//! The broker with CMS, clock and console, and the fleet, are processes of their own. The broker is guarded as one that
//! strangers reach: it sends away who says nothing. Its password is made for this run.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use services::access::Secret;
use tempfile::NamedTempFile;
use types::{LuminaireId, Seed};
use uuid::Uuid;

use super::started::{Metrics, Started};
use super::watcher::{Phase, Watcher};
use crate::process::{Process, this_program};
use crate::up::UsageError;
use crate::{Settings, config, out};

mod attackers;
mod kinds;
mod packets;

use attackers::{ATTACKERS, Attackers, DEVICE_SECRET, Tallies, Target, device_id};
use kinds::{KINDS, Seen};

/// Honest luminaires, unless asked otherwise.
const LUMINAIRES: u32 = 1_000;
/// The calm part is this share of the hostile one.
const CALM_SHARE: u32 = 4;
/// What is not needed.
const WITHOUT: [&str; 6] = ["fleet", "issuer", "verifier", "payer", "clinic", "residents"];
/// City seconds per wall second that there can be.
const SPEEDS: std::ops::RangeInclusive<u64> = 1..=3_600;

/// How long, and how fast.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct HostileArgs {
    /// City hours of hostile traffic; a quarter as many before it are calm.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    hours: u64,
    /// In how many seconds of the wall they pass \[s\].
    #[arg(long, default_value_t = 240, value_parser = clap::value_parser!(u64).range(16..))]
    seconds: u64,
}

impl HostileArgs {
    /// City seconds per wall second.
    fn speed(&self) -> Result<u64, UsageError> {
        let speed = self.hours * 3_600 / self.seconds;
        if SPEEDS.contains(&speed) {
            return Ok(speed);
        }
        let Self { hours, seconds } = self;
        Err(UsageError(format!(
            "{hours} h in {seconds} s are {speed} times the speed of life, not 1 to 3600; change --hours or --seconds"
        )))
    }
}

/// The processes, and what starts them.
struct Town {
    /// Names the devices that hostile clients misuse.
    settings: NamedTempFile,
    secret: String,
    seed: Seed,
    luminaires: u32,
    speed: u64,
}

/// Measures, prints, and fails if a command was lost.
pub(super) fn run(args: &HostileArgs, settings: &Settings) -> Result<()> {
    let town = Town::plan(args, settings)?;
    let (lasting, honest) = (Duration::from_secs(args.seconds), town.honest());
    out::line(&super::machine())?;
    out::line(&format!(
        "{honest} luminaires at {} times the speed of life: {} s calm, then {} s = {} city hours beside {ATTACKERS} \
         hostile clients; seed {}",
        town.speed,
        (lasting / CALM_SHARE).as_secs(),
        lasting.as_secs(),
        args.hours,
        town.seed.0
    ))?;
    rlimit::increase_nofile_limit(16_384).context("cannot raise the file limit")?;
    let city = Started::spawn(&mut town.city()?)?;
    let _fleet =
        Process::spawn(town.kitecity()?.args(["serve", "fleet", "--broker", &city.bus.to_string()]))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut watcher = runtime.block_on(async { Watcher::join(city.bus.clone(), &town.secret) });
    runtime.block_on(watcher.until_online(honest))?;
    out::line("part     commands  unanswered   p50 ms   p99 ms   reports  missing  gone  city MiB")?;
    let calm = runtime.block_on(watcher.measure(lasting / CALM_SHARE));
    tell("calm", &calm, &city)?;

    let before = city.metrics()?;
    let attackers = Attackers::loose(Target {
        address: socket_of(&city)?,
        secret: Secret::from_words(&town.secret),
        lamps: watcher.lamps(),
        seed: town.seed,
    })?;
    let hostile = runtime.block_on(watcher.measure(lasting));
    let tallies = attackers.stop();
    tell("hostile", &hostile, &city)?;
    out::line(&format!("p99 hostile / calm: {:.2}", hostile.percentile_ms(99) / calm.percentile_ms(99)))?;
    tell_kinds(&tallies, &before, &city.metrics()?)?;
    runtime.block_on(async { watcher.leave() });
    let lost = calm.unanswered + hostile.unanswered;
    ensure!(lost == 0, "{lost} commands to honest luminaires were not acknowledged");
    Ok(())
}

fn tell(part: &str, phase: &Phase, city: &Started) -> Result<()> {
    out::line(&format!(
        "{part:<8} {:>8} {:>11} {:>8.1} {:>8.1} {:>9} {:>8} {:>5} {:>9.1}",
        phase.acknowledged(),
        phase.unanswered,
        phase.percentile_ms(50),
        phase.percentile_ms(99),
        phase.reports,
        phase.missing,
        phase.gone,
        city.process.resident_kb() as f64 / 1_024.0
    ))
}

/// What hostile clients got.
fn tell_kinds(tallies: &Tallies, before: &Metrics, after: &Metrics) -> Result<()> {
    let counted = |name: &str| (after.sum(name) - before.sum(name)) as u64;
    out::line("kind          tried   refused  what it does; who says no")?;
    for (kind, tally) in KINDS.iter().zip(tallies) {
        let (refused, who) = match kind.seen {
            Seen::ByClient(None) => (tally.refused, "the client is told".to_owned()),
            Seen::ByClient(Some(counter)) => {
                (tally.refused, format!("the client is told; {counter} +{}", counted(counter)))
            }
            Seen::ByCounter(counter) => (counted(counter), counter.to_owned()),
            Seen::Bounded(counter) => (counted(counter), format!("100,000 messages wait for it; {counter}")),
        };
        let (name, does, tried) = (kind.name, kind.does, tally.tried);
        out::line(&format!("{name:<10} {tried:>8} {refused:>9}  {does}; {who}"))?;
    }
    out::line(&format!("retained messages: {:+}", counted("kitecity_broker_retained_messages")))
}

fn socket_of(city: &Started) -> Result<SocketAddr> {
    let (host, port) = (&city.bus.host, city.bus.port);
    format!("{host}:{port}").parse().with_context(|| format!("`{host}` is no address"))
}

impl Town {
    fn plan(args: &HostileArgs, settings: &Settings) -> Result<Self, UsageError> {
        if settings.broker.is_some() || settings.data.is_some() || settings.speed.is_some() {
            let words =
                "this city has a broker and a speed of its own; leave out --broker, --data and --speed";
            return Err(UsageError(words.to_owned()));
        }
        let speed = args.speed()?;
        let luminaires = settings.luminaires.unwrap_or(LUMINAIRES).saturating_add(ATTACKERS as u32);
        let settings_file = settings_file().context("cannot write settings for the city")?;
        Ok(Self {
            settings: settings_file,
            secret: Uuid::new_v4().to_string(),
            seed: Seed(settings.seed.unwrap_or(7)),
            luminaires,
            speed,
        })
    }

    /// Those whose devices nobody has stolen.
    fn honest(&self) -> u32 {
        self.luminaires - ATTACKERS as u32
    }

    fn kitecity(&self) -> Result<Command> {
        let mut command = this_program()?;
        command.arg("--config").arg(self.settings.path());
        command.args(["--luminaires", &self.luminaires.to_string(), "--speed", &self.speed.to_string()]);
        command.args(["--seed", &self.seed.0.to_string()]);
        // Not an argument: others could read it in the list of processes.
        command.env("KITECITY_SECRET", &self.secret).env("KITECITY_LOG", "off");
        command.current_dir(std::env::temp_dir());
        Ok(command)
    }

    fn city(&self) -> Result<Command> {
        let mut command = self.kitecity()?;
        command.args(["up", "--mqtt-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"]);
        command.args(WITHOUT.iter().flat_map(|role| ["--without", role]));
        Ok(command)
    }
}

/// The built-in settings with a guarded broker, and a device from outside for each hostile client.
fn settings_file() -> Result<NamedTempFile> {
    let mut text = config::BUILT_IN.replacen("guarded = false", "guarded = true", 1);
    for number in 0..ATTACKERS {
        let (id, lamp) = (device_id(number), LuminaireId(number as u32 + 1));
        write!(
            text,
            "\n[[device]]\ndialect = \"iotda\"\nid = \"{id}\"\nsecret = \"{DEVICE_SECRET}\"\nlamp = \"{lamp}\"\n"
        )?;
    }
    let mut file = tempfile::Builder::new().suffix(".toml").tempfile()?;
    file.write_all(text.as_bytes())?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_that_no_city_has_is_refused_with_the_remedy() {
        let slow = HostileArgs { hours: 1, seconds: 7_200 }.speed().unwrap_err().to_string();
        assert!(slow.contains("0 times") && slow.contains("--seconds"), "{slow}");
        let fast = HostileArgs { hours: 100, seconds: 16 }.speed().unwrap_err().to_string();
        assert!(fast.contains("22500 times"), "{fast}");
        assert_eq!(HostileArgs { hours: 24, seconds: 240 }.speed().unwrap(), 360);
    }
}
