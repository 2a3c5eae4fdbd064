//! `kitecity up`: the whole city in one process.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use eid::Readers;
use medpay::Policies;
use scenario::{Cast, CastSpec, Play, Script};
use services::Link;
use services::access::Secret;
use services::broker::Broker;
use services::console::Console;
use services::fleet::Outward;
use services::health::Health;
use services::journal::{Founding, Identity, KeyFile, Store};
use services::time::wall_now;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use types::{LuminaireId, Timestamp};
use wire::RoleName;
use wire::dialect::{Dialect, Register};

use crate::config::Config;
use crate::ground::Ground;
use crate::interrupt::{self, Interrupt, apart};
use crate::secured::Shown;
use crate::{Settings, descriptors, outward, secured, serve};

mod broker;
pub(crate) mod greeting;

use greeting::{Greeting, Lan};

/// How long the roles may take to say goodbye.
pub(crate) const DRAIN_WITHIN: Duration = Duration::from_secs(3);
/// How long the roles may take to be on the bus before the city says which are not.
const READY_WITHIN: Duration = Duration::from_secs(10);
/// Reports of roles on the bus that wait to be read.
const READY_REPORTS_MAX: usize = 64;
/// What is started, in this order: the clock last, so that all are there when time begins.
const ROLES: [RoleName; 12] = [
    RoleName::Console,
    RoleName::Issuer,
    RoleName::Verifier,
    RoleName::Payer,
    RoleName::Clinic,
    RoleName::Lighting,
    RoleName::Iotda,
    RoleName::Streetlights,
    RoleName::HomeAssistant,
    RoleName::Residents,
    RoleName::Fleet,
    RoleName::Clock,
];

/// The user asked for something that cannot be.
#[derive(Debug)]
pub(crate) struct UsageError(pub(crate) String);

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// For trouble with what the user wrote: settings, policies, devices.
impl From<anyhow::Error> for UsageError {
    fn from(error: anyhow::Error) -> Self {
        Self(format!("{error:#}"))
    }
}

/// A city, planned but not started.
pub(crate) struct City {
    pub(crate) config: Config,
    pub(crate) cast: Arc<Cast>,
    /// What its clock shows when it wakes.
    pub(crate) start: Timestamp,
    /// Devices from outside that are luminaires.
    pub(crate) devices: Arc<Register>,
    /// How its luminaires speak to a platform outside, if they do.
    pub(crate) outward: Option<Outward>,
    /// The luminaires that Home Assistant sees.
    pub(crate) shown: Vec<LuminaireId>,
    secret: Secret,
    /// Where its state is kept, if it is.
    pub(crate) kept: Option<Kept>,
    /// Whether it may run already, in other processes: then its clock goes on from there.
    pub(crate) joined: bool,
}

/// Where a city's state is kept.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) store: Store,
    /// The number of the first start.
    pub(crate) start: u64,
}

impl City {
    /// Reads the settings and plans the city, for those who only visit it.
    pub(crate) fn plan(settings: &Settings) -> Result<Self> {
        Self::planned(settings, false)
    }

    /// The same, and opens the folder where its state is kept, if there is to be one.
    pub(crate) fn found(settings: &Settings) -> Result<Self> {
        Self::planned(settings, true)
    }

    /// The same, for a role of a city that may run already.
    pub(crate) fn join(settings: &Settings) -> Result<Self> {
        Ok(Self { joined: true, ..Self::found(settings)? })
    }

    fn planned(settings: &Settings, keep: bool) -> Result<Self> {
        let mut config = Config::of(settings)?;
        apply(&mut config, settings);
        config.check().map_err(UsageError::from)?;
        let policy = config.policy().map_err(UsageError::from)?;
        let readers = config.readers().map_err(UsageError::from)?;
        let mut ground = Ground::of(&config)?;
        let (mut secret, start) = (secret_of(settings), start_number());
        let mut kept = None;
        if let Some(folder) = config.storage.folder().filter(|_| keep) {
            let offered = Founding { start, secret };
            let opened = Store::open(
                folder,
                &identity(&config, &ground, &policy, &readers),
                &offered,
                settings.secret.is_some(),
                &settings.key_file.clone().map_or_else(|| KeyFile::beside(folder), KeyFile::at),
            );
            let (store, founding) = opened.map_err(|error| UsageError(format!("{error}")))?;
            secret = founding.secret;
            kept = Some(Kept { store, start: founding.start });
        }
        let sun = ground.sun(config.year())?;
        let (physics, burning_h) = config.luminaires().map_err(UsageError::from)?;
        let spec = CastSpec {
            city: config.city_spec(),
            year: config.year(),
            policy,
            issuer_key: secret.key_for("issuer"),
            start,
            switched_cabinets: 0,
            physics,
            burning_h,
        };
        let cast = ground.cast(spec, sun)?.with_readers(readers);
        let start = config.start(cast.astro());
        let outward = outward::of(settings, config.city.run, &secret, cast.directory())?;
        Ok(Self { kept, outward, ..Self::of_cast(config, cast, start, secret)? })
    }

    fn of_cast(config: Config, cast: Cast, start: Timestamp, secret: Secret) -> Result<Self> {
        let devices = Arc::new(config.devices(cast.directory()).map_err(UsageError::from)?);
        let shown = sample(&cast, config.homeassistant.lights as usize);
        let (outward, kept, joined) = (None, None, false);
        Ok(Self { joined, config, cast: Arc::new(cast), start, devices, outward, shown, secret, kept })
    }

    /// What its passwords are made from.
    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The city of a scenario, to be played live.
    pub(crate) fn of_script(script: &Script, seed: u64, settings: &Settings) -> Result<Self> {
        let mut config = Config::of(settings)?;
        apply(&mut config, settings);
        config.city.speed = settings.speed.unwrap_or_else(|| script.speed());
        config.check().map_err(UsageError::from)?;
        let secret = secret_of(settings);
        let policy = config.policy().map_err(UsageError::from)?;
        let mut spec = script.cast_spec(seed, policy);
        spec.issuer_key = secret.key_for("issuer");
        spec.start = start_number();
        let readers = config.readers().map_err(UsageError::from)?;
        let mut ground = Ground::of(&config)?;
        let sun = ground.sun(script.year())?;
        let cast = ground.cast(spec, sun)?.with_readers(readers);
        let start = script.start(cast.astro()).map_err(|mistake| UsageError(mistake.to_string()))?;
        Self::of_cast(config, cast, start, secret)
    }
}

/// So many luminaires of the whole city, evenly spread.
fn sample(cast: &Cast, count: usize) -> Vec<LuminaireId> {
    let all = cast.plan().luminaires();
    let count = count.min(all.len());
    (0..count).map(|nth| all[nth * all.len() / count].id).collect()
}

/// Whatever would make the roles that keep a journal other ones, if it were changed.
fn identity(config: &Config, ground: &Ground, policy: &Policies, readers: &Readers) -> Identity {
    let city = &config.city;
    vec![
        ("city.run", city.run.to_string()),
        ("city.seed", city.seed.to_string()),
        ("city.luminaires", ground.luminaires().unwrap_or(city.luminaires).to_string()),
        ("city.lamps", ground.digest().unwrap_or("made up").to_owned()),
        ("city.residents", city.residents.to_string()),
        ("city.clinics", city.clinics.to_string()),
        ("payment.policy", policy.fingerprint()),
        ("eid.readers", readers.fingerprint()),
    ]
}

/// Different at each start of a city, so that no id is used twice.
pub(crate) fn start_number() -> u64 {
    u64::try_from(wall_now().as_millis() / 1_000).unwrap_or(0)
}

fn secret_of(settings: &Settings) -> Secret {
    settings.secret.as_deref().map_or_else(Secret::random, Secret::from_words)
}

fn apply(config: &mut Config, settings: &Settings) {
    let city = &mut config.city;
    city.run = settings.run.unwrap_or(city.run);
    city.seed = settings.seed.unwrap_or(city.seed);
    city.luminaires = settings.luminaires.unwrap_or(city.luminaires);
    city.speed = settings.speed.unwrap_or(city.speed);
    if let Some(folder) = &settings.data {
        config.storage.data.clone_from(folder);
    }
    config.homeassistant.lights = settings.home_assistant.unwrap_or(config.homeassistant.lights);
    config.broker.listen = settings.mqtt_listen.unwrap_or(config.broker.listen);
    config.broker.open |= settings.open;
    config.console.listen = settings.http_listen.unwrap_or(config.console.listen);
    config.console.lan = settings.lan.or(config.console.lan);
    secured::apply(&mut config.tls, settings);
}

/// Runs the city until Ctrl-C.
pub(crate) fn run(settings: &Settings) -> Result<()> {
    let began = Instant::now();
    interrupt::run(async |mut interrupt| {
        let settings = settings.clone();
        let Some(prepared) =
            interrupt.unless(apart(move || Prepared::new(City::found(&settings)?, &settings))).await?
        else {
            eprintln!("stopped before the city was there.");
            return Ok(());
        };
        prepared.live(interrupt, began).await
    })
}

/// A city whose broker answers, and who it is to be played by.
pub(crate) struct Prepared {
    city: Arc<City>,
    broker: Option<Broker>,
    shown: Option<Shown>,
    link: Link,
    roles: BTreeSet<RoleName>,
}

impl Prepared {
    /// Starts the city's broker, unless there is one outside.
    pub(crate) fn new(city: City, settings: &Settings) -> Result<Self> {
        let wanted = descriptors::wanted(city.cast.plan().luminaires().len(), 2);
        descriptors::raise(wanted, ", or run the fleet on its own with `kitecity serve fleet`");
        let shown = Shown::of(&city)?;
        // With a dialect, the outside broker is the luminaires' platform, and the city has its own.
        let outside = settings.broker.as_ref().filter(|_| city.outward.is_none());
        let (address, broker) = match outside {
            Some(address) => (address.clone(), None),
            None => {
                let broker = broker::start(&city, shown.as_ref().map(Shown::tls))?;
                (broker::own_address(&broker), Some(broker))
            }
        };
        // An outside broker asks for our passwords only if it was given them, and that is what a secret says.
        let secret = (broker.is_some() || settings.secret.is_some()).then(|| city.secret.clone());
        let health =
            Health::keeping(city.kept.as_ref().and(city.config.storage.folder()).map(Path::to_owned));
        let link = Link { address, run: city.config.city.run, secret, ready: None, health };
        let speaking = |dialect| city.devices.speaking(dialect).next().is_some();
        let played = |role: &RoleName| match role {
            RoleName::Iotda => speaking(Dialect::Iotda),
            RoleName::Streetlights => speaking(Dialect::Streetlights),
            RoleName::HomeAssistant => !city.shown.is_empty(),
            // The platform outside commands them.
            RoleName::Lighting => city.outward.is_none(),
            _ => true,
        };
        let roles =
            ROLES.into_iter().filter(played).filter(|role| !settings.without.contains(role)).collect();
        Ok(Self { city: Arc::new(city), broker, shown, link, roles })
    }

    async fn live(mut self, mut interrupt: Interrupt, began: Instant) -> Result<()> {
        let (stop, stopped) = watch::channel(false);
        let (ready, reports) = mpsc::channel(READY_REPORTS_MAX);
        self.link.ready = Some(ready);
        let console = self.console(self.city.config.console.lan)?;
        let page = console.url();
        let lan = Lan::of(&console);
        let mut roles = self.start(console, &stopped);
        let interrupted = tokio::select! {
            () = all_there(self.roles.clone(), reports) => false,
            broken = first_broken(&mut roles) => return Err(broken),
            () = interrupt.came() => true,
        };
        if !interrupted {
            let greeting = Greeting {
                page,
                bus: broker::reached_at(self.broker.as_ref(), &self.link, self.shown.as_ref())?,
                shown: self.shown.as_ref(),
                began,
            };
            greeting::print(&self.city, &self.link, &greeting);
            tokio::select! {
                broken = first_broken(&mut roles) => return Err(broken),
                () = interrupt.came() => {}
                () = greeting::tell_pins(lan) => {}
            }
        }
        eprintln!("stopping …");
        let _ = stop.send(true);
        let drained = drain(roles).await;
        let how = if drained { "" } else { ", not all roles said goodbye" };
        eprintln!("the city ran for {:.0} s{how}.", began.elapsed().as_secs_f64());
        Ok(())
    }

    /// Plays a scenario in the city until its end; tells whether it came to that before Ctrl-C.
    ///
    /// `progress` – is shown the city's clock again and again.
    pub(crate) async fn play(
        self,
        mut interrupt: Interrupt,
        play: &mut Play,
        progress: impl FnMut(Timestamp),
    ) -> Result<bool> {
        let (stop, stopped) = watch::channel(false);
        let console = self.console(None)?;
        eprintln!("live at {}/ and {}", console.url(), self.link.address);
        let mut roles = self.start(console, &stopped);
        let ended = tokio::select! {
            ended = services::play::run(self.link.clone(), play, progress, stopped.clone()) => ended,
            broken = first_broken(&mut roles) => return Err(broken),
            () = interrupt.came() => false,
        };
        let _ = stop.send(true);
        drain(roles).await;
        Ok(ended)
    }

    /// Takes the console's port, and `lan` for phones of the network.
    fn console(&self, lan: Option<SocketAddr>) -> Result<Console> {
        let tls = self.shown.as_ref().map(Shown::tls);
        Console::bind(self.city.config.console.listen, lan, tls).context("no free port for the console")
    }

    /// Starts the roles, in the order of [`ROLES`].
    fn start(&self, console: Console, stopped: &watch::Receiver<bool>) -> JoinSet<Result<()>> {
        let mut console = Some((console, self.broker.as_ref().map(Broker::inside)));
        let mut roles = JoinSet::new();
        for role in ROLES.into_iter().filter(|role| self.roles.contains(role)) {
            let console = if role == RoleName::Console { console.take() } else { None };
            let (city, link, stopped) = (self.city.clone(), self.link.clone(), stopped.clone());
            roles.spawn(async move { serve::start(role, &city, link, console, stopped).await });
        }
        roles
    }
}

/// Waits until all of `missing` are on the bus, but not for ever: then it says which are not.
async fn all_there(mut missing: BTreeSet<RoleName>, mut reports: mpsc::Receiver<RoleName>) {
    let arriving = async {
        while !missing.is_empty()
            && let Some(role) = reports.recv().await
        {
            missing.remove(&role);
        }
    };
    if timeout(READY_WITHIN, arriving).await.is_err() {
        let names: Vec<&str> = missing.iter().map(|role| role.as_str()).collect();
        eprintln!("not on the bus yet: {}", names.join(", "));
    }
}

/// Waits for a role that cannot play. Without roles nothing breaks.
async fn first_broken(roles: &mut JoinSet<Result<()>>) -> anyhow::Error {
    while let Some(ended) = roles.join_next().await {
        if let Err(error) = ended.context("a role broke").flatten() {
            return error;
        }
    }
    std::future::pending().await
}

/// Waits until all roles have said goodbye, but not for ever.
async fn drain(mut roles: JoinSet<Result<()>>) -> bool {
    timeout(DRAIN_WITHIN, async { while roles.join_next().await.is_some() {} }).await.is_ok()
}
