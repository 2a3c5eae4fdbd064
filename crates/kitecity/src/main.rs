//! `kitecity`: a smart city on a laptop.
#![allow(clippy::print_stdout, reason = "data on stdout is the binary's privilege")]

mod ask;
mod bench;
mod chaos;
mod config;
mod descriptors;
mod doctor;
mod eid;
mod export;
#[cfg(test)]
mod fuzz;
mod ground;
mod import;
mod interrupt;
mod lamp;
mod lamps_file;
mod out;
mod outfile;
mod outward;
mod pay;
mod process;
mod report;
mod run;
mod secured;
mod serve;
mod up;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use services::Link;
use services::access::Secret;
use services::bus::BusAddress;
use services::health::Health;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};
use types::RunId;
use wire::RoleName;
use wire::dialect::Dialect;

/// Exit code for wrong usage or settings.
const EXIT_USAGE: u8 = 2;
/// Exit code for trouble while running.
const EXIT_RUNTIME: u8 = 1;

/// Libraries that write whole packets to the log below this level, passwords and codes among them.
const WORDY: [&str; 4] = ["rmqtt", "rumqttc", "hyper", "rustls"];

/// A smart city on a laptop: street lighting, e-ID and medical payment on an MQTT bus. SIMULATED / 模拟.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

/// Settings that beat the file.
#[derive(Clone, Debug, Args)]
pub(crate) struct Settings {
    /// Settings file (otherwise config/city.toml, if there is one).
    #[arg(long, global = true, env = "KITECITY_CONFIG")]
    config: Option<PathBuf>,
    /// Use this broker (mqtt://host:port, or mqtts:// with TLS) instead of the embedded one.
    #[arg(long, global = true, env = "KITECITY_BROKER")]
    broker: Option<BusAddress>,
    /// What passwords are made from; processes of one city share it. Otherwise a new one at each start.
    #[arg(long, global = true, env = "KITECITY_SECRET", hide_env_values = true)]
    secret: Option<String>,
    /// Name of this city on the bus.
    #[arg(long, global = true, env = "KITECITY_RUN")]
    run: Option<RunId>,
    /// Same seed, same city.
    #[arg(long, global = true, env = "KITECITY_SEED")]
    seed: Option<u64>,
    /// Luminaires, 1 to 200000.
    #[arg(long, global = true, env = "KITECITY_LUMINAIRES")]
    luminaires: Option<u32>,
    /// Build the city around the real luminaires of this file, made by `kitecity import lamps`.
    #[arg(long, global = true, env = "KITECITY_LAMPS", value_name = "FILE", conflicts_with = "luminaires")]
    lamps: Option<PathBuf>,
    /// City seconds per wall second, 1 to 3600.
    #[arg(long, global = true, env = "KITECITY_SPEED")]
    speed: Option<u32>,
    /// Keep the state of e-ID and payment in this folder, and go on from there at the next start.
    #[arg(long, global = true, env = "KITECITY_DATA", value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// What opens the city's secret in the data folder: words or bytes of yours, 16 at least; made at the first start if
    /// there is none. Otherwise FOLDER.key.
    #[arg(long, global = true, env = "KITECITY_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Where the embedded broker listens.
    #[arg(long, global = true, env = "KITECITY_MQTT_LISTEN")]
    mqtt_listen: Option<SocketAddr>,
    /// Where the pages are served.
    #[arg(long, global = true, env = "KITECITY_HTTP_LISTEN")]
    http_listen: Option<SocketAddr>,
    /// Serve the phone pages, and nothing else, to the network here, such as 192.168.1.5:8090 or 0.0.0.0:8090; devices
    /// show a PIN that is printed.
    #[arg(long, global = true, env = "KITECITY_LAN", value_name = "ADDRESS")]
    lan: Option<SocketAddr>,
    /// Speak TLS 1.3 and nothing else where pages are served and the embedded broker listens.
    #[arg(long, global = true, env = "KITECITY_TLS")]
    tls: bool,
    /// Show this certificate (PEM, with its chain) instead of a self-signed one; also to brokers that ask for one.
    #[arg(long, global = true, env = "KITECITY_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its key (PEM).
    #[arg(long, global = true, env = "KITECITY_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// With --tls, let only those in whose certificate one of these authorities has signed (PEM).
    #[arg(long, global = true, env = "KITECITY_TLS_CLIENT_CA", value_name = "FILE")]
    tls_client_ca: Option<PathBuf>,
    /// Trust these certificates (PEM), not this machine's authorities, at `--broker mqtts://`.
    #[arg(long, global = true, env = "KITECITY_TLS_CA", value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// Let MQTT clients without a user name in, with an operator's rights.
    #[arg(long, global = true)]
    open: bool,
    /// Show this many luminaires to Home Assistant, 0 to 1000.
    #[arg(long, global = true, env = "KITECITY_HOME_ASSISTANT", value_name = "LIGHTS")]
    home_assistant: Option<u32>,
    /// Have the luminaires be devices of the platform at --broker, in its words: iotda, streetlights or homeassistant.
    #[arg(long, global = true, env = "KITECITY_DIALECT")]
    dialect: Option<Dialect>,
    /// Which devices they are there, `[[device]]` by `[[device]]` (otherwise all of them, as `kitecity devices` prints).
    #[arg(long, global = true, env = "KITECITY_DEVICES", value_name = "FILE")]
    devices: Option<PathBuf>,
    /// Have them subscribe to what is for them, where the platform does not send it unasked.
    #[arg(long, global = true)]
    subscribe: bool,
    /// Leave these roles to other processes or to your own programs (repeatable).
    #[arg(long, global = true, value_name = "ROLE")]
    without: Vec<RoleName>,
}

impl Settings {
    /// How a client of its own reaches `run`, on a broker that runs already.
    pub(crate) fn link(&self, run: RunId) -> Link {
        let usual = || BusAddress::plain("127.0.0.1", 1883);
        Link {
            address: self.broker.clone().unwrap_or_else(usual),
            run,
            secret: self.secret.as_deref().map(Secret::from_words),
            ready: None,
            health: Health::default(),
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the whole city (the default).
    Up,
    /// Start one role on its own, on a broker that runs already.
    Serve {
        /// clock, lighting, fleet, issuer, verifier, payer, clinic, residents, console, iotda,
        /// streetlights or homeassistant.
        role: RoleName,
    },
    /// Print the devices that the luminaires are with --dialect, to be registered on the platform.
    Devices,
    /// Play scenarios, and say whether their expectations came true.
    ///
    /// Exit codes: 0 all came true, 99 one did not, 98 nothing was tested (what an expectation waits for never
    /// happened), 2 a mistake in a file, 130 interrupted.
    Run(run::RunArgs),
    /// Look for what no city should come to, in virtual time.
    #[command(subcommand)]
    Sim(run::explore::SimCommand),
    /// Find mistakes in scenarios without playing them.
    Check(run::CheckArgs),
    /// Show or verify e-ID codes, on a city that runs already.
    #[command(subcommand)]
    Eid(eid::Eid),
    /// Compare street lighting policies.
    #[command(subcommand)]
    Lamp(lamp::Lamp),
    /// Give out what stands in the city.
    #[command(subcommand)]
    Export(export::Export),
    /// Bring in what stands in a real city.
    #[command(subcommand)]
    Import(import::Import),
    /// Bills and payments, on a city that runs already: exit code 0 = done, 1 = refused, or the books differ.
    #[command(subcommand)]
    Pay(pay::Pay),
    /// Print a machine-readable description.
    Schema {
        /// Of what.
        what: Schema,
    },
    /// Measure how fast it is on this machine.
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Torment a city – kill, stop and restart its processes and its broker, all from the seed – and audit what it
    /// promised: exit code 0 = nothing lost and nothing doubled, 99 = something was.
    Chaos(chaos::ChaosArgs),
    /// Print completions for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Check what this machine has for running a city.
    Doctor,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Schema {
    /// The topics and payloads of the bus (AsyncAPI 3).
    Asyncapi,
    /// What is served to programs over HTTP (OpenAPI 3.1).
    Openapi,
    /// Scenario files (JSON Schema 2020-12).
    Scenario,
}

fn main() -> ExitCode {
    let mut cli = Cli::parse();
    start_log();
    let trusting = secured::trust(&mut cli.settings).map_err(anyhow::Error::from);
    match trusting.and_then(|()| perform(cli.command.unwrap_or(Command::Up), &cli.settings)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("kitecity: {error:#}");
            ExitCode::from(if error.is::<up::UsageError>() { EXIT_USAGE } else { EXIT_RUNTIME })
        }
    }
}

/// Logs to the error output what `KITECITY_LOG` says, but for what would tell secrets.
fn start_log() {
    let wanted = EnvFilter::try_from_env("KITECITY_LOG")
        .unwrap_or_else(|_| EnvFilter::new("warn,rmqtt=error,kitecity=info"));
    let discreet = filter_fn(|about| {
        let wordy = WORDY.iter().any(|library| about.target().starts_with(library));
        !wordy || *about.level() <= tracing_subscriber::filter::LevelFilter::INFO
    });
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(lines.with_filter(wanted.and(discreet))).init();
}

fn perform(command: Command, settings: &Settings) -> anyhow::Result<ExitCode> {
    outward::check(settings, &command)?;
    match command {
        Command::Devices => outward::print(settings)?,
        Command::Up => up::run(settings)?,
        Command::Serve { role } => serve::run(role, settings)?,
        Command::Run(args) => return run::run(&args, settings),
        Command::Sim(run::explore::SimCommand::Explore(args)) => {
            return run::explore::explore(&args, settings);
        }
        Command::Check(args) => return run::check(&args, settings),
        Command::Eid(what) => return eid::run(&what, settings),
        Command::Export(what) => return export::run(&what, settings),
        Command::Import(what) => return import::run(&what),
        Command::Lamp(what) => return lamp::run(&what, settings),
        Command::Chaos(args) => return chaos::run(&args, settings),
        Command::Pay(what) => return pay::run(&what, settings),
        Command::Schema { what: Schema::Asyncapi } => {
            out::line(&format!("{:#}", wire::asyncapi::document("127.0.0.1:1883")))?;
        }
        Command::Schema { what: Schema::Openapi } => {
            out::line(&format!("{:#}", services::console::openapi()))?
        }
        Command::Schema { what: Schema::Scenario } => out::line(&format!("{:#}", scenario::schema()))?,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "kitecity", &mut script);
            out::line(String::from_utf8_lossy(&script).trim_end())?;
        }
        Command::Bench(what) => bench::run(&what, settings)?,
        Command::Doctor => doctor::run(settings)?,
    }
    Ok(ExitCode::SUCCESS)
}
