//! `kitecity bench fleet`: many luminaires, each with its own connection, on one machine.
//!
//! The broker with the CMS, and the fleet, are processes of their own, so that each has its own file limit and its
//! memory can be told apart. This process only listens and commands.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lighting::{DimCommand, DimLevel, Report};
use services::access::Secret;
use services::bus::{BusAddress, BusClient, BusEvent, ClientOptions};
use tokio::sync::mpsc;
use tokio::time::{interval, timeout};
use types::{DistrictId, LuminaireId, RunId};
use wire::{Light, Message, decode, encode, prefix};

use crate::process::{Process, quiet, this_program};
use crate::{Settings, out};

/// City seconds per wall second: at this speed a report of every quarter of an hour is one of every ten seconds.
const SPEED: u32 = 90;
/// How long everyone may take to connect.
const CONNECT_WITHIN: Duration = Duration::from_secs(180);
/// How long a command may take to be acknowledged before it counts as lost.
const ACK_WITHIN: Duration = Duration::from_secs(10);
/// Time between two commands.
const COMMAND_EVERY: Duration = Duration::from_millis(25);
/// Events of the bus that wait to be counted.
const EVENTS_MAX: usize = 65_536;
/// What is not needed.
const WITHOUT: [&str; 7] = ["fleet", "console", "issuer", "verifier", "payer", "clinic", "residents"];
/// What the measured processes share.
const SECRET: &str = "bench fleet";

/// What was measured.
struct Measured {
    what: &'static str,
    connected_in: Duration,
    seconds: u64,
    reports: u64,
    missing: u64,
    acks: Vec<Duration>,
    unanswered: usize,
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
    let mut acks = measured.acks.clone();
    acks.sort_unstable();
    let rank = |percent: usize| acks.get((acks.len() * percent / 100).min(acks.len().saturating_sub(1)));
    let millis = |time: Option<&Duration>| time.map_or(f64::NAN, |time| time.as_secs_f64() * 1e3);
    out::line(&format!(
        "{:<10} all connected in {:.1} s; {} reports ({:.0}/s), {} missing; {} commands acknowledged, {} not, p50 {:.1} ms, p99 {:.1} ms; \
         per luminaire {:.1} KB fleet + {:.1} KB broker and CMS",
        measured.what,
        measured.connected_in.as_secs_f64(),
        measured.reports,
        measured.reports as f64 / measured.seconds as f64,
        measured.missing,
        acks.len(),
        measured.unanswered,
        millis(rank(50)),
        millis(rank(99)),
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
    let (city, address) = start_city(luminaires, address.as_ref())?;
    let fleet =
        Process::spawn(kitecity(luminaires)?.args(["serve", "fleet", "--broker", &address.to_string()]))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut measured =
        runtime.block_on(async { Watcher::join(address).measure(what, luminaires, seconds).await })?;
    measured.fleet_kb = fleet.resident_kb();
    measured.broker_kb = city.resident_kb() + broker.as_ref().map_or(0, Process::resident_kb);
    Ok(measured)
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
fn start_city(luminaires: u32, outside: Option<&BusAddress>) -> Result<(Process, BusAddress)> {
    let mut command = kitecity(luminaires)?;
    command.args(["up", "--mqtt-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"]);
    command.args(WITHOUT.iter().flat_map(|role| ["--without", role]));
    if let Some(address) = outside {
        command.args(["--broker", &address.to_string()]);
    }
    let mut city = Process::spawn(command.stdout(Stdio::piped()))?;
    let mut output = BufReader::new(city.take_output()?);
    let mut line = String::new();
    while output.read_line(&mut line)? > 0 {
        if let Some((_, rest)) = line.split_once("mqtt://") {
            let address = rest.split_whitespace().next().unwrap_or_default();
            let address = format!("mqtt://{address}").parse().map_err(anyhow::Error::msg)?;
            // It goes on talking, and must not find that nobody listens.
            city.keep_output(output.into_inner());
            return Ok((city, address));
        }
        line.clear();
    }
    anyhow::bail!("the city did not start; try `kitecity up --luminaires {luminaires} --without fleet`")
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

/// Hears every luminaire, and commands some.
struct Watcher {
    bus: BusClient,
    events: mpsc::Receiver<((), BusEvent)>,
    run: RunId,
    /// Where each luminaire is, and the count of its last message.
    seen: BTreeMap<LuminaireId, (DistrictId, u32, u32)>,
    online: usize,
    reports: u64,
    missing: u64,
    waiting: BTreeMap<String, Instant>,
    acks: Vec<Duration>,
}

impl Watcher {
    fn join(address: BusAddress) -> Self {
        let run: RunId = "demo".parse().expect("a slug");
        let password = Secret::from_words(SECRET).password_for("operator");
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        let options = ClientOptions {
            address,
            client_id: "operator-bench".to_owned(),
            credentials: Some(("operator".to_owned(), password)),
            device: false,
            will: None,
            filters: vec![format!("{}light/#", prefix(run))],
        };
        let bus = BusClient::spawn(options, (), sender);
        Self {
            bus,
            events,
            run,
            seen: BTreeMap::new(),
            online: 0,
            reports: 0,
            missing: 0,
            waiting: BTreeMap::new(),
            acks: Vec::new(),
        }
    }

    async fn measure(mut self, what: &'static str, luminaires: u32, seconds: u64) -> Result<Measured> {
        let began = Instant::now();
        while self.online < luminaires as usize || self.seen.len() < luminaires as usize {
            let left = CONNECT_WITHIN.saturating_sub(began.elapsed());
            let event = timeout(left, self.events.recv()).await;
            let event = event.with_context(|| format!("{} of {luminaires} came", self.online))?;
            self.take(event.context("the bus is gone")?.1);
        }
        let connected_in = began.elapsed();
        (self.reports, self.missing) = (0, 0);
        let lamps: Vec<(LuminaireId, DistrictId)> =
            self.seen.iter().map(|(id, (district, ..))| (*id, *district)).collect();
        let mut clock = interval(COMMAND_EVERY);
        let (began, mut number) = (Instant::now(), 0_usize);
        while began.elapsed() < Duration::from_secs(seconds) {
            tokio::select! {
                Some(((), event)) = self.events.recv() => self.take(event),
                _ = clock.tick() => {
                    // Far apart in the city, each once in a long while.
                    self.command(lamps[number.wrapping_mul(7_919) % lamps.len()], number);
                    number += 1;
                }
            }
        }
        let (reports, missing) = (self.reports, self.missing);
        while !self.waiting.is_empty()
            && let Ok(Some(((), event))) = timeout(ACK_WITHIN, self.events.recv()).await
        {
            self.take(event);
        }
        self.bus.disconnect();
        let (acks, unanswered) = (self.acks, self.waiting.len());
        Ok(Measured {
            what,
            connected_in,
            seconds,
            reports,
            missing,
            acks,
            unanswered,
            broker_kb: 0,
            fleet_kb: 0,
        })
    }

    fn command(&mut self, (luminaire, district): (LuminaireId, DistrictId), number: usize) {
        let id = format!("bench-{number}");
        let level = DimLevel::from_percent((number % 101) as u8).ok();
        let command = DimCommand { id: id.parse().expect("a command id"), level, until: None };
        let message = Message::Light { district, luminaire, body: Light::Command(command) };
        if self.bus.publish(encode(self.run, &message)).is_ok() {
            self.waiting.insert(id, Instant::now());
        }
    }

    fn take(&mut self, event: BusEvent) {
        let BusEvent::Message(received) = event else { return };
        let Ok(Message::Light { district, luminaire, body }) = decode(self.run, received.delivery()) else {
            return;
        };
        match body {
            Light::Online(true) => self.online += 1,
            Light::State(report) => self.count(luminaire, district, &report),
            Light::Telemetry(report) => self.count(luminaire, district, &report),
            Light::Ack(report) => {
                self.count(luminaire, district, &report);
                if let Some(sent) = self.waiting.remove(report.body.command.as_str()) {
                    self.acks.push(sent.elapsed());
                }
            }
            _ => {}
        }
    }

    /// Each luminaire counts its messages: a gap is a message that was lost.
    fn count<T>(&mut self, luminaire: LuminaireId, district: DistrictId, report: &Report<T>) {
        self.reports += 1;
        let (epoch, seq) = (report.stamp.epoch, report.stamp.seq);
        if let Some((_, before_epoch, before)) = self.seen.insert(luminaire, (district, epoch, seq))
            && before_epoch == epoch
        {
            self.missing += u64::from(seq.saturating_sub(before.saturating_add(1)));
        }
    }
}
