//! `kitecity bench fleet`: many luminaires, each with its own connection, on one machine.
//!
//! The broker with the CMS, and the fleet, are processes of their own, so that each has its own file limit and its
//! memory can be told apart. This process only listens and commands.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use services::bus::BusAddress;

use super::started::Started;
use super::watcher::{Phase, Watcher};
use crate::process::{Process, quiet, this_program};
use crate::{Settings, out};

/// City seconds per wall second: at this speed a report of every quarter of an hour is one of every ten seconds.
const SPEED: u32 = 90;
/// What is not needed.
const WITHOUT: [&str; 7] = ["fleet", "console", "issuer", "verifier", "payer", "clinic", "residents"];
/// What the measured processes share.
const SECRET: &str = "bench fleet";

/// What was measured.
struct Measured {
    what: &'static str,
    connected_in: Duration,
    seconds: u64,
    phase: Phase,
    broker_kb: u64,
    fleet_kb: u64,
}

/// Measures the embedded broker, and Mosquitto beside it if there is one.
pub(super) fn run(settings: &Settings, seconds: u64) -> Result<()> {
    let luminaires = settings.luminaires.unwrap_or(10_000);
    out::line(&super::machine())?;
    out::line(&format!(
        "{luminaires} luminaires, each with a connection, one report per 10 s, for {seconds} s"
    ))?;
    rlimit::increase_nofile_limit(4_096).context("cannot raise the file limit")?;
    tell(&measure("embedded", luminaires, seconds, None)?, luminaires)?;
    match mosquitto() {
        Some(program) => tell(&measure("Mosquitto", luminaires, seconds, Some(program))?, luminaires),
        None => out::line("Mosquitto is not installed: nothing to compare with"),
    }
}

fn tell(measured: &Measured, luminaires: u32) -> Result<()> {
    let per_luminaire = |kb: u64| kb as f64 / f64::from(luminaires);
    let phase = &measured.phase;
    out::line(&format!(
        "{:<10} all connected in {:.1} s; {} reports ({:.0}/s), {} missing; {} commands acknowledged, {} not, p50 {:.1} ms, p99 {:.1} ms; \
         per luminaire {:.1} KB fleet + {:.1} KB broker and CMS",
        measured.what,
        measured.connected_in.as_secs_f64(),
        phase.reports,
        phase.reports as f64 / measured.seconds as f64,
        phase.missing,
        phase.acknowledged(),
        phase.unanswered,
        phase.percentile_ms(50),
        phase.percentile_ms(99),
        per_luminaire(measured.fleet_kb),
        per_luminaire(measured.broker_kb),
    ))
}

fn measure(what: &'static str, luminaires: u32, seconds: u64, outside: Option<PathBuf>) -> Result<Measured> {
    let folder = std::env::temp_dir().join(format!("kitecity-bench-{}", std::process::id()));
    let (broker, address) = match outside {
        Some(program) => {
            let (broker, address) = start_mosquitto(&program, &folder)?;
            (Some(broker), Some(address))
        }
        None => (None, None),
    };
    let city = start_city(luminaires, address.as_ref())?;
    let address = city.bus;
    let fleet =
        Process::spawn(kitecity(luminaires)?.args(["serve", "fleet", "--broker", &address.to_string()]))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (connected_in, phase) = runtime.block_on(async {
        let mut watcher = Watcher::join(address, SECRET);
        let connected_in = watcher.until_online(luminaires).await?;
        let phase = watcher.measure(Duration::from_secs(seconds)).await;
        watcher.leave();
        Ok::<_, anyhow::Error>((connected_in, phase))
    })?;
    let broker_kb = city.process.resident_kb() + broker.as_ref().map_or(0, Process::resident_kb);
    Ok(Measured { what, connected_in, seconds, phase, broker_kb, fleet_kb: fleet.resident_kb() })
}

fn kitecity(luminaires: u32) -> Result<Command> {
    let mut command = this_program()?;
    command.args([
        "--secret",
        SECRET,
        "--luminaires",
        &luminaires.to_string(),
        "--speed",
        &SPEED.to_string(),
    ]);
    command.env("KITECITY_LOG", "off").current_dir(std::env::temp_dir());
    Ok(command)
}

/// The CMS and the clock, with the embedded broker unless there is one outside.
fn start_city(luminaires: u32, outside: Option<&BusAddress>) -> Result<Started> {
    let mut command = kitecity(luminaires)?;
    command.args(["up", "--mqtt-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"]);
    command.args(WITHOUT.iter().flat_map(|role| ["--without", role]));
    if let Some(address) = outside {
        command.args(["--broker", &address.to_string()]);
    }
    Started::spawn(&mut command)
}

fn start_mosquitto(program: &PathBuf, folder: &PathBuf) -> Result<(Process, BusAddress)> {
    let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    std::fs::create_dir_all(folder)?;
    let file = folder.join("mosquitto.conf");
    std::fs::write(
        &file,
        format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nset_tcp_nodelay true\n"
        ),
    )?;
    let broker = Process::spawn(quiet(Command::new(program).arg("-c").arg(&file)))?;
    let began = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        ensure!(began.elapsed() < Duration::from_secs(5), "Mosquitto did not start");
        std::thread::yield_now();
    }
    Ok((broker, BusAddress::plain("127.0.0.1", port)))
}

fn mosquitto() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders)
        .chain(["/usr/sbin".into()])
        .map(|folder| folder.join("mosquitto"))
        .find(|file| file.is_file())
}
