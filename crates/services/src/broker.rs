//! The embedded MQTT broker (rmqtt). Nothing else in the city names it.
//!
//! It runs on threads of its own, so that a busy city does not starve it, and speaks MQTT 3.1.1 and 5 on one port.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::{Duration, Instant};

use rmqtt::context::ServerContext;
use rmqtt::net::{Builder, Listener};
use rmqtt::server::MqttServer;
use tokio::runtime::Runtime;

use crate::access::{Rules, Secret};
use crate::ports::{PORTS_TRIED, first_free, listen};
use crate::tls::ServerTls;

mod cut;
mod front;
mod guard;
mod pace;
mod presence;
mod retained;
mod routes;
mod takeover;

pub use cut::{CUT_MAX, Cuts};
use front::{Callers, Front};
use guard::Guard;
use presence::Presence;

/// Messages kept for one slow client; beyond it the broker drops, and counts.
const QUEUE_MAX: usize = 100_000;
/// Subscriptions of one client; more are refused. A service has some dozens.
const SUBSCRIPTIONS_MAX: usize = 1_000;
/// Messages on their way to one client without its acknowledgement.
const INFLIGHT_MAX: u16 = 256;
/// How long the listener may take to answer after it is bound. Where a broker starts again, thousands of luminaires
/// are there before the first question whether it does.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long its connections may take to end.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// How the broker listens.
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    /// Where MQTT 3.1.1 and 5 are spoken. Port 0 or a taken one = the next free one. Where others than this machine come,
    /// who is not let in within 10 s is sent away.
    pub mqtt: SocketAddr,
    /// Where MQTT over WebSocket is spoken, if at all.
    pub websocket: Option<SocketAddr>,
    /// Whether clients without a user name come in, with an operator's rights.
    pub open: bool,
    /// Whether who is not let in within 10 s is sent away where only this machine comes, too.
    pub guarded: bool,
    /// With it, nothing but TLS is spoken at these addresses. The city's own clients then have a port to themselves on
    /// 127.0.0.1: a handshake for each of thousands of luminaires of the same process would protect nothing.
    pub tls: Option<ServerTls>,
}

/// Where it listens.
#[derive(Clone, Copy, Debug)]
struct Addresses {
    mqtt: SocketAddr,
    websocket: Option<SocketAddr>,
    /// For clients of this process: without TLS, and nobody stands before it.
    own: SocketAddr,
}

/// Why the broker did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// No port near the one asked for is free.
    #[error("no free port from {first} on ({PORTS_TRIED} tried)")]
    NoPort {
        /// The address asked for.
        first: SocketAddr,
        /// What the last try said.
        #[source]
        source: io::Error,
    },
    /// The system gave no threads, or the broker does not answer.
    #[error("broker does not start")]
    Start(#[source] io::Error),
    /// The broker refuses its settings.
    #[error("broker settings: {0}")]
    Settings(String),
}

/// What the broker counts.
#[derive(Debug, Default)]
pub struct Counters {
    /// Messages taken from clients.
    pub messages: AtomicU64,
    /// Connections refused: wrong password, wrong client id, or a will on a foreign topic.
    pub refused_connects: AtomicU64,
    /// Connections from beyond this machine, or with TLS, closed because their client was not let in in time.
    pub not_in_time: AtomicU64,
    /// The same, because too many came after them whose client was not let in either.
    pub crowded_out: AtomicU64,
    /// Messages refused for their topic.
    pub refused_publishes: AtomicU64,
    /// Messages of a device that said too many in one second.
    pub limited: AtomicU64,
    /// Subscriptions refused.
    pub refused_subscribes: AtomicU64,
    /// Deliveries dropped: the client was too slow, went away, or the message expired.
    pub dropped: AtomicU64,
    /// Messages not retained, because there are too many already; they were delivered all the same.
    pub unretained: AtomicU64,
    /// Messages retained now.
    pub retained: AtomicU64,
    /// Their topics and payloads \[bytes\].
    pub retained_bytes: AtomicU64,
}

/// What a console in the same process has of the broker.
#[derive(Clone, Debug)]
pub struct Inside {
    /// What it counts.
    pub counters: Arc<Counters>,
    /// How its connections can be cut.
    pub cuts: Arc<Cuts>,
}

/// A running broker. Stops when dropped.
#[derive(Debug)]
pub struct Broker {
    addresses: Addresses,
    inside: Inside,
    runtime: Option<Runtime>,
}

impl Broker {
    /// Starts the broker and waits until it answers.
    ///
    /// # Errors
    ///
    /// [`BrokerError`] if no port is free or the broker does not come up.
    pub fn start(config: BrokerConfig, rules: Rules, secret: Secret) -> Result<Self, BrokerError> {
        let counters = Arc::new(Counters::default());
        let probe = Probe { username: "viewer", password: secret.password_for("viewer") };
        let counted = counters.clone();
        // On a thread of its own: the caller may be async, where neither a runtime nor a socket may block.
        let start = move || {
            let runtime = runtime()?;
            let (addresses, cuts) = runtime.block_on(launch(config, rules, secret, counted))?;
            probe.wait_for(addresses.own).map_err(BrokerError::Start)?;
            Ok((runtime, addresses, cuts))
        };
        let (runtime, addresses, cuts) = apart("broker-start", start)?
            .unwrap_or_else(|| Err(BrokerError::Start(io::Error::other("its thread panicked"))))?;
        Ok(Self { addresses, inside: Inside { counters, cuts }, runtime: Some(runtime) })
    }

    /// Where MQTT is spoken, with TLS if that was asked for.
    pub fn mqtt_addr(&self) -> SocketAddr {
        self.addresses.mqtt
    }

    /// Where MQTT over WebSocket is spoken.
    pub fn websocket_addr(&self) -> Option<SocketAddr> {
        self.addresses.websocket
    }

    /// Where clients of this machine find MQTT without TLS.
    pub fn own_addr(&self) -> SocketAddr {
        reachable(self.addresses.own)
    }

    /// What it counted so far.
    pub fn counters(&self) -> Arc<Counters> {
        self.inside.counters.clone()
    }

    /// For a console in this process.
    pub fn inside(&self) -> Inside {
        self.inside.clone()
    }

    /// Ends all connections and gives the ports back before it returns.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Without a thread there is nothing to wait on; the system takes the ports back with the process.
            let _ = apart("broker-stop", move || runtime.shutdown_timeout(STOP_WITHIN));
        }
    }
}

/// Runs `work` where blocking is allowed. `None` = it panicked.
fn apart<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<Option<T>, BrokerError> {
    let thread = thread::Builder::new().name(name.to_owned()).spawn(work).map_err(BrokerError::Start)?;
    Ok(thread.join().ok())
}

fn runtime() -> Result<Runtime, BrokerError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("broker")
        .enable_all()
        .build()
        .map_err(BrokerError::Start)
}

async fn launch(
    config: BrokerConfig,
    rules: Rules,
    secret: Secret,
    counters: Arc<Counters>,
) -> Result<(Addresses, Arc<Cuts>), BrokerError> {
    let context = ServerContext::new()
        .busy_check_enable(false)
        // Said here so that no files are looked for.
        .plugins_config_map_add("rmqtt-shared-subscription", "strategy = \"round_robin\"")
        .build()
        .await;
    let settings = |error: rmqtt::Error| BrokerError::Settings(error.to_string());
    rmqtt_shared_subscription::register(&context, true, false).await.map_err(settings)?;
    retained::keep_here(&context, counters.clone()).await;
    routes::change_one_at_a_time(&context).await;
    presence::subscribe_devices(&context, rules.clone()).await;
    let presence = Presence::new(context.clone());
    let cuts = Arc::new(Cuts::new(context.clone()));
    let pace = Arc::default();
    let callers = Callers::default();
    let guard = Guard {
        context: context.clone(),
        rules,
        secret,
        open: config.open,
        counters: counters.clone(),
        presence,
        cuts: cuts.clone(),
        pace,
        callers: callers.clone(),
    };
    let register = context.extends.hook_mgr().register();
    for question in guard::QUESTIONS {
        register.add(question, Box::new(guard.clone())).await;
    }
    register.start().await;

    let door = Door { tls: config.tls, guarded: config.guarded, callers, counters };
    let (tcp, mqtt, own) = door.open("mqtt", config.mqtt)?;
    let mut server = MqttServer::new(context).listener(tcp.tcp().map_err(settings)?);
    let mut websocket = None;
    if let Some(wanted) = config.websocket {
        let (listener, address, _) = door.open("websocket", wanted)?;
        server = server.listener(listener.ws().map_err(settings)?);
        websocket = Some(address);
    }
    tokio::spawn(async move {
        // Not `start`: that ends the process when a listener fails.
        let outcome = server.build().run().await;
        tracing::error!(?outcome, "broker ended");
        // The hooks stay registered only as long as this lives.
        drop(register);
    });
    Ok((Addresses { mqtt, websocket, own }, cuts))
}

/// How ports are opened: as they are, or with a [`Front`] before them.
struct Door {
    tls: Option<ServerTls>,
    guarded: bool,
    callers: Callers,
    counters: Arc<Counters>,
}

impl Door {
    /// The broker's listener; where it is reached from outside; and from this process.
    ///
    /// Where only this machine comes, and speaks no TLS, nobody stands before the broker unless it is wanted: that costs
    /// three descriptors for each of thousands of luminaires, and guards against none who could not do worse.
    fn open(
        &self,
        name: &str,
        wanted: SocketAddr,
    ) -> Result<(Listener, SocketAddr, SocketAddr), BrokerError> {
        if self.tls.is_none() && !self.guarded && wanted.ip().is_loopback() {
            let (listener, address) = bind(name, wanted)?;
            return Ok((listener, address, address));
        }
        let (listener, own) = bind(name, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let no_port = |source| BrokerError::NoPort { first: wanted, source };
        let outside = listen(wanted).map_err(no_port)?;
        let address = outside.local_addr().map_err(no_port)?;
        let tls = self.tls.as_ref().map(ServerTls::acceptor);
        let front = Front::new(tls, own, self.callers.clone(), self.counters.clone());
        tokio::spawn(front.run(outside));
        Ok((listener, address, own))
    }
}

fn bind(name: &str, wanted: SocketAddr) -> Result<(Listener, SocketAddr), BrokerError> {
    let bound = first_free(wanted, |address| {
        // Asked with the system's own listener first: it tells a taken port from other trouble, and what port 0 became.
        let free = TcpListener::bind(address)?.local_addr()?;
        let listener = listener(name, free).map_err(|error| io::Error::other(error.to_string()))?;
        Ok((listener, free))
    });
    bound.map_err(|source| BrokerError::NoPort { first: wanted, source })
}

fn listener(name: &str, address: SocketAddr) -> rmqtt::Result<Listener> {
    Builder::new()
        .name(name)
        .laddr(address)
        .backlog(4_096)
        .nodelay(true)
        .reuseaddr(Some(true))
        .max_connections(200_000)
        .max_handshaking_limit(20_000)
        .max_packet_size(1024 * 1024)
        // Clients without a user name reach the guard too: it decides, and it checks their wills.
        .allow_anonymous(false)
        .allow_zero_keepalive(true)
        .max_inflight(NonZeroU16::new(INFLIGHT_MAX).expect("not zero"))
        .max_mqueue_len(QUEUE_MAX)
        .max_subscriptions(SUBSCRIPTIONS_MAX)
        .max_topic_aliases(32)
        // MQTT 5.0, 4.4: nothing is sent again on a connection that stands. A slow client would see everything twice.
        .message_retry_interval(Duration::ZERO)
        // Without it every message would be worthless after five minutes, retained ones too.
        .message_expiry_interval(Duration::ZERO)
        .bind()
}

/// A client that only wants to know whether the broker answers.
struct Probe {
    username: &'static str,
    password: String,
}

impl Probe {
    /// Tries until the broker accepts a connection. That the port is open proves nothing: the system opens it.
    fn wait_for(&self, bound: SocketAddr) -> io::Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            match self.connect(reachable(bound)) {
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => thread::sleep(Duration::from_millis(1)),
                Ok(()) => return Ok(()),
            }
        }
    }

    /// One try. It waits for its turn: one that gave up would begin again at the end of the queue.
    fn connect(&self, address: SocketAddr) -> io::Result<()> {
        let mut stream = TcpStream::connect_timeout(&address, READY_WITHIN)?;
        stream.set_read_timeout(Some(READY_WITHIN))?;
        stream.write_all(&self.connect_packet())?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer)?;
        stream.write_all(&[0xe0, 0])?;
        // MQTT 3.1.1, 3.2: the fixed header, no session, accepted.
        match answer {
            [0x20, 2, _, 0] => Ok(()),
            _ => Err(io::Error::other(format!("answered {answer:02x?} to a connect packet"))),
        }
    }

    /// MQTT 3.1.1, 3.1: a clean session with user name and password, keep-alive 5 s.
    fn connect_packet(&self) -> Vec<u8> {
        let mut packet = vec![0x10, 0, 0, 4, b'M', b'Q', b'T', b'T', 4, 0xc2, 0, 5];
        for text in ["kitecity-probe", self.username, &self.password] {
            packet.extend([0, text.len() as u8]);
            packet.extend(text.as_bytes());
        }
        // One byte says the length: the three texts are far below 128 bytes together.
        packet[1] = (packet.len() - 2) as u8;
        packet
    }
}

/// Where a listener on all addresses is reached from here.
fn reachable(bound: SocketAddr) -> SocketAddr {
    let ip = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, bound.port())
}
