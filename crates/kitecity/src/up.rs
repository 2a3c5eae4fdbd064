//! `kitecity up`: the whole city in one process.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use city::CitySpec;
use eid::qr::{Level, Symbol};
use scenario::{Cast, CastSpec};
use services::Link;
use services::access::{Rules, Secret};
use services::broker::{Broker, BrokerConfig};
use services::bus::BusAddress;
use services::console::Console;
use services::time::wall_now;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use types::{Seed, Timestamp};
use wire::RoleName;

use crate::config::Config;
use crate::{Settings, serve};

/// How long the roles may take to say goodbye.
const DRAIN_WITHIN: Duration = Duration::from_secs(3);
/// How long the roles may take to be on the bus before the city says which are not.
const READY_WITHIN: Duration = Duration::from_secs(10);
/// Reports of roles on the bus that wait to be read.
const READY_REPORTS_MAX: usize = 64;
/// Descriptors beside two per luminaire.
const DESCRIPTORS_BESIDE: u64 = 512;
/// What is started, in this order: the clock last, so that all are there when time begins.
const ROLES: [RoleName; 9] = [
    RoleName::Console,
    RoleName::Issuer,
    RoleName::Verifier,
    RoleName::Payer,
    RoleName::Clinic,
    RoleName::Lighting,
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

/// A city, planned but not started.
pub(crate) struct City {
    pub(crate) config: Config,
    pub(crate) cast: Arc<Cast>,
    secret: Secret,
}

impl City {
    /// Reads the settings and plans the city.
    pub(crate) fn plan(settings: &Settings) -> Result<Self> {
        let usage = |error: anyhow::Error| UsageError(format!("{error:#}"));
        let mut config = Config::load(settings.config.as_deref()).map_err(usage)?;
        apply(&mut config, settings);
        config.check().map_err(usage)?;
        let secret = settings.secret.as_deref().map_or_else(Secret::random, Secret::from_words);
        let spec = CastSpec {
            city: CitySpec {
                seed: Seed(config.city.seed),
                luminaires: config.city.luminaires,
                residents: config.city.residents,
                clinics: config.city.clinics,
            },
            year: config.year(),
            policy: config.policy().map_err(usage)?,
            issuer_key: secret.key_for("issuer"),
            start: u64::try_from(wall_now().as_millis() / 1_000).unwrap_or(0),
        };
        let cast = Cast::new(spec).map_err(|error| UsageError(format!("config: {error}")))?;
        Ok(Self { config, cast: Arc::new(cast), secret })
    }

    /// What its clock shows when it wakes.
    pub(crate) fn start(&self) -> Timestamp {
        self.config.start(self.cast.astro())
    }
}

fn apply(config: &mut Config, settings: &Settings) {
    let city = &mut config.city;
    city.run = settings.run.unwrap_or(city.run);
    city.seed = settings.seed.unwrap_or(city.seed);
    city.luminaires = settings.luminaires.unwrap_or(city.luminaires);
    city.speed = settings.speed.unwrap_or(city.speed);
    config.broker.listen = settings.mqtt_listen.unwrap_or(config.broker.listen);
    config.broker.open |= settings.open;
    config.console.listen = settings.http_listen.unwrap_or(config.console.listen);
}

/// The runtime of everything but the broker.
pub(crate) fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")
}

/// Runs the city until Ctrl-C.
pub(crate) fn run(settings: &Settings) -> Result<()> {
    let began = Instant::now();
    let city = City::plan(settings)?;
    raise_descriptor_limit(city.config.city.luminaires);
    let broker = match &settings.broker {
        Some(_) => None,
        None => Some(start_broker(&city)?),
    };
    let address = match (&settings.broker, &broker) {
        (Some(address), _) => address.clone(),
        (None, Some(broker)) => of(broker),
        (None, None) => unreachable!("without an outside broker one was started"),
    };
    // An outside broker asks for our passwords only if it was given them, and that is what a secret says.
    let secret = (broker.is_some() || settings.secret.is_some()).then(|| city.secret.clone());
    let link = Link { address, run: city.config.city.run, secret, ready: None };
    runtime()?.block_on(live(&city, link, broker.as_ref(), &settings.without, began))
}

async fn live(
    city: &City,
    mut link: Link,
    broker: Option<&Broker>,
    without: &[RoleName],
    began: Instant,
) -> Result<()> {
    let (stop, stopped) = watch::channel(false);
    let (ready, mut reports) = mpsc::channel(READY_REPORTS_MAX);
    link.ready = Some(ready);
    let mut console =
        Some(Console::bind(city.config.console.listen).await.context("no free port for the console")?);
    let page = console.as_ref().map(Console::address);
    let city =
        Arc::new(City { config: city.config.clone(), cast: city.cast.clone(), secret: city.secret.clone() });
    let mut roles = JoinSet::new();
    for role in ROLES.into_iter().filter(|role| !without.contains(role)) {
        let console = (role == RoleName::Console)
            .then(|| console.take().map(|console| (console, broker.map(Broker::counters))))
            .flatten();
        let (city, link, stopped) = (city.clone(), link.clone(), stopped.clone());
        roles.spawn(async move { serve::start(role, &city, link, console, stopped).await });
    }
    let mut missing: BTreeSet<RoleName> = ROLES.into_iter().filter(|role| !without.contains(role)).collect();
    let all_there = async {
        while !missing.is_empty()
            && let Some(role) = reports.recv().await
        {
            missing.remove(&role);
        }
    };
    tokio::select! {
        outcome = tokio::time::timeout(READY_WITHIN, all_there) => if outcome.is_err() {
            let names: Vec<&str> = missing.iter().map(|role| role.as_str()).collect();
            eprintln!("not on the bus yet: {}", names.join(", "));
        },
        // A role that cannot play, or Ctrl-C while starting.
        Some(ended) = roles.join_next() => ended.context("a role broke")??,
        signal = tokio::signal::ctrl_c() => return signal.context("cannot wait for Ctrl-C"),
    }
    if let Some(page) = page {
        greet(&city, &link, page, began);
    }
    loop {
        tokio::select! {
            signal = tokio::signal::ctrl_c() => { signal.context("cannot wait for Ctrl-C")?; break; }
            Some(ended) = roles.join_next() => ended.context("a role broke")??,
        }
    }
    eprintln!("stopping …");
    let _ = stop.send(true);
    let drained =
        tokio::time::timeout(DRAIN_WITHIN, async { while roles.join_next().await.is_some() {} }).await;
    roles.abort_all();
    let how = if drained.is_ok() { "" } else { ", not all roles said goodbye" };
    eprintln!("the city ran for {:.0} s{how}.", began.elapsed().as_secs_f64());
    Ok(())
}

fn start_broker(city: &City) -> Result<Broker> {
    let settings = &city.config.broker;
    let config =
        BrokerConfig { mqtt: settings.listen, websocket: Some(settings.websocket), open: settings.open };
    let rules = Rules::new(city.config.city.run, city.cast.directory().clone());
    let broker = Broker::start(config, rules, city.secret.clone())?;
    if broker.mqtt_addr() != settings.listen && settings.listen.port() != 0 {
        eprintln!("port {} is taken: MQTT is at {} instead", settings.listen.port(), broker.mqtt_addr());
    }
    Ok(broker)
}

fn of(broker: &Broker) -> BusAddress {
    BusAddress { host: broker.mqtt_addr().ip().to_string(), port: broker.mqtt_addr().port() }
}

fn raise_descriptor_limit(luminaires: u32) {
    let wanted = 2 * u64::from(luminaires) + DESCRIPTORS_BESIDE;
    match rlimit::increase_nofile_limit(wanted) {
        Ok(limit) if limit < wanted => eprintln!(
            "this process may open {limit} files, {luminaires} luminaires want {wanted}: raise `ulimit -n`, \
             or run the fleet on its own with `kitecity serve fleet`"
        ),
        _ => {}
    }
}

/// Says where everything is.
fn greet(city: &City, link: &Link, page: std::net::SocketAddr, began: Instant) {
    let phone = format!("http://{page}/phone");
    let BusAddress { host, port } = &link.address;
    println!("Kitecity `{}` – SIMULATED / 模拟 – ready in {} ms", link.run, began.elapsed().as_millis());
    println!();
    println!("  console  http://{page}/");
    println!("  phone    {phone}");
    println!("  kiosk    http://{page}/kiosk");
    println!("  bus      mqtt://{host}:{port}  topics kitecity/v1/{}/…", link.run);
    match &link.secret {
        Some(secret) => {
            let password = secret.password_for("operator");
            println!("           user operator, password {password}");
            println!();
            println!(
                "  listen   mosquitto_sub -h {host} -p {port} -u operator -P {password} -t 'kitecity/#' -v"
            );
            let lamp = city.cast.plan().luminaires().first();
            if let Some(lamp) = lamp {
                println!(
                    "  dim      mosquitto_pub -h {host} -p {port} -u operator -P {password} -t \
                     kitecity/v1/{}/light/{}/{}/down/cmd -m '{{\"v\":1,\"id\":\"x1\",\"d\":{{\"level\":40}}}}'",
                    link.run, lamp.district, lamp.id
                );
            }
        }
        None => println!("           an outside broker, without passwords"),
    }
    if let Ok(symbol) = Symbol::from_text(&phone, Level::Low) {
        println!();
        println!("{}", symbol.to_terminal());
        println!("  the phone page, on this machine");
    }
}
