//! `kitecity chaos`: a city in many processes, of which any may be struck at any time, and an audit of what it promised.
//!
//! ```text
//! found → start → load ─┬─ strike, mend, strike … ─┬→ heal → finish → lamps → alarms → end → audit the journals
//!                       └─ clients that ask again ─┘
//! ```

use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};
use services::Link;
use services::bus::BusAddress;
use services::proxy::Proxy;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use types::Seed;
use uuid::Uuid;

use self::load::Load;
use self::record::Record;
use self::report::Report;
use self::streets::Streets;
use self::town::{Places, Town};
use crate::up::City;
use crate::{Settings, interrupt, out};

mod audit;
pub(crate) mod blows;
mod judge;
mod load;
mod record;
mod report;
pub(crate) mod streets;
mod strike;
pub(crate) mod town;

/// Exit code if a promise was broken.
const EXIT_BROKEN: u8 = 99;
/// Exit code for Ctrl-C before the verdict.
const EXIT_INTERRUPTED: u8 = 130;
/// Luminaires, unless asked otherwise.
const LUMINAIRES: u32 = 200;
/// City seconds per wall second: a quarter of an hour, after which a luminaire reports, in a second and a half.
const SPEED: u32 = 600;
/// How often it is looked whether a process ended by itself.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long the city may take until all its services work.
const WORKS_WITHIN: Duration = Duration::from_secs(120);
/// How long clients may take to finish when all is healed.
const FINISH_WITHIN: Duration = Duration::from_secs(150);
/// How long the processes may take to end when asked to.
const END_WITHIN: Duration = Duration::from_secs(10);

/// What `chaos` takes; the seed is that of `--seed`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ChaosArgs {
    /// How long the city is struck; half a minute is 0.5.
    #[arg(long, default_value_t = 5.0, value_parser = minutes)]
    minutes: f64,
    /// How often something is struck \[s\], in the mean. On a busy machine processes take longer to start.
    #[arg(long, default_value_t = 1.0, value_parser = every)]
    every: f64,
    /// End when so many processes were killed, if that is before.
    #[arg(long)]
    kills: Option<u64>,
    /// What is between the broker and all others.
    #[arg(long, value_enum, default_value_t)]
    network: Network,
    /// Print figures and verdict as JSON.
    #[arg(long)]
    json: bool,
    /// Keep data and logs also if all is well.
    #[arg(long)]
    keep: bool,
}

/// What is between the broker and all others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Network {
    /// Nothing bad.
    #[default]
    Fair,
    /// A network that is slow, lossy, half-open or cut now and then.
    Flaky,
}

fn minutes(text: &str) -> Result<f64, String> {
    let minutes = text.parse().ok().filter(|minutes| (0.05..=1_440.0).contains(minutes));
    minutes.ok_or_else(|| format!("`{text}` is not 0.05 to 1440 minutes"))
}

fn every(text: &str) -> Result<f64, String> {
    let every = text.parse().ok().filter(|every| (0.1..=600.0).contains(every));
    every.ok_or_else(|| format!("`{text}` is not 0.1 to 600 seconds"))
}

/// Does it.
pub(crate) fn run(args: &ChaosArgs, settings: &Settings) -> Result<ExitCode> {
    if settings.broker.is_some() || settings.data.is_some() {
        bail!(crate::up::UsageError(
            "chaos makes broker and data folder itself: leave out --broker and --data".to_owned()
        ));
    }
    let (args, settings) = (args.clone(), settings.clone());
    let report = interrupt::run(async |mut interrupt| {
        interrupt.unless(async { Chaos::ready(args.clone(), &settings).await?.run().await }).await
    })?;
    let Some(report) = report else { return Ok(ExitCode::from(EXIT_INTERRUPTED)) };
    out::line(&if args.json { serde_json::to_string_pretty(&report)? } else { report.words() })?;
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_BROKEN) })
}

/// Everything that a run needs.
struct Chaos {
    args: ChaosArgs,
    settings: Settings,
    city: Arc<City>,
    folder: TempDir,
    town: Town,
    proxy: Option<Proxy>,
    link: Link,
    record: Record,
    report: Report,
}

impl Chaos {
    /// Founds the city, whose processes do not run yet.
    async fn ready(args: ChaosArgs, settings: &Settings) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("kitecity-chaos-").tempdir()?;
        let logs = folder.path().join("logs");
        std::fs::create_dir(&logs)?;
        let seed = settings.seed.unwrap_or(7);
        let settings = Settings {
            data: Some(folder.path().join("city")),
            secret: Some(Uuid::new_v4().to_string()),
            seed: Some(seed),
            luminaires: Some(settings.luminaires.unwrap_or(LUMINAIRES)),
            speed: Some(settings.speed.unwrap_or(SPEED)),
            ..settings.clone()
        };
        // Before any of its processes: they would all found it at the same time.
        let city = Arc::new(City::found(&settings)?);
        let broker = free_address()?;
        let proxy = match args.network {
            Network::Fair => None,
            Network::Flaky => Some(Proxy::start(broker, Seed(seed)).await?),
        };
        let bus = of(proxy.as_ref().map_or(broker, Proxy::address));
        let town = Town::new(settings.clone(), Places { broker: of(broker), bus: bus.clone(), logs });
        let link = Link { address: bus, ..settings.link(city.config.city.run) };
        let report = Report {
            seed,
            luminaires: city.cast.plan().luminaires().len(),
            network: if proxy.is_some() { "flaky" } else { "fair" },
            ..Report::default()
        };
        let record = Record::default();
        Ok(Self { args, settings, city, folder, town, proxy, link, record, report })
    }

    async fn run(mut self) -> Result<Report> {
        self.town.start_all()?;
        let (stop, over) = watch::channel(false);
        let streets = Streets::watch("streets", &self.link, self.city.secret(), self.town.lives());
        let load = self.load(over);
        let clients = load.begin().await?;
        self.works().await?;
        self.strike().await?;
        let _ = stop.send(true);
        self.finish(clients).await?;
        self.judge_lamps(&streets).await;
        self.judge_alarms(&streets, &load).await?;
        self.end().await;
        self.audit()?;
        Ok(self.reported(&streets))
    }

    fn load(&self, over: watch::Receiver<bool>) -> Load {
        Load {
            city: self.city.clone(),
            link: self.link.clone(),
            seed: Seed(self.report.seed),
            record: self.record.clone(),
            lives: self.town.lives(),
            over,
        }
    }

    /// Waits until every service has served somebody: what never worked cannot be broken.
    async fn works(&mut self) -> Result<()> {
        let began = Instant::now();
        loop {
            let served = {
                let told = self.record.lock();
                !told.settled.is_empty() && !told.accepted.is_empty() && told.obeyed > 0
            };
            if served {
                return Ok(());
            }
            ensure!(began.elapsed() < WORKS_WITHIN, "the city does not work, before anything was struck");
            self.town.revive(|_| false)?;
            sleep(LOOK_EVERY).await;
        }
    }

    /// Lets all clients come to an end.
    async fn finish(&mut self, mut clients: JoinSet<()>) -> Result<()> {
        let deadline = Instant::now() + FINISH_WITHIN;
        while !clients.is_empty() {
            self.town.revive(|_| false)?;
            if Instant::now() > deadline {
                self.record.broken(format!("{} clients wait in vain for an answer", clients.len()));
                return Ok(());
            }
            if let Ok(Some(ended)) = timeout(LOOK_EVERY, clients.join_next()).await {
                ended.context("a client broke")?;
            }
        }
        Ok(())
    }

    /// Ends all processes, if they end.
    async fn end(&mut self) {
        let deadline = Instant::now() + END_WITHIN;
        loop {
            let left = self.town.end();
            if left.is_empty() {
                return;
            }
            if Instant::now() > deadline {
                left.into_iter().for_each(|part| {
                    self.record.broken(format!("{part} does not end"));
                    self.town.kill(part);
                });
                return;
            }
            sleep(LOOK_EVERY).await;
        }
    }

    fn audit(&mut self) -> Result<()> {
        let city = City::found(&self.settings).context("the data folder cannot be opened again")?;
        self.report.journals = audit::read(&city, &self.record)?;
        Ok(())
    }

    fn reported(mut self, streets: &Streets) -> Report {
        self.report.note(&self.record.lock());
        self.report.alarms = streets.lock().alarms_seen();
        self.report.fallen = self.town.fallen.iter().map(ToString::to_string).collect();
        if self.args.keep || !self.report.passed() {
            self.report.folder = Some(self.folder.keep().display().to_string());
        }
        self.report
    }
}

/// An address nobody listens at.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr())?)
}

fn of(address: SocketAddr) -> BusAddress {
    BusAddress::plain(address.ip().to_string(), address.port())
}
