//! The embedded MQTT broker (rmqtt). Nothing else in the city names it.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rmqtt::codec::v5::SubscribeAckReason;
use rmqtt::context::ServerContext;
use rmqtt::hook::{Handler, HookResult, Parameter, ReturnType, Type};
use rmqtt::net::{Builder, Listener};
use rmqtt::server::MqttServer;
use rmqtt::types::{AuthResult, ConnectInfo, LastWill, PublishAclResult, SubscribeAclResult};
use tokio::runtime::Runtime;

use crate::access::{Principal, Rules, Secret};

/// Ports tried, from the one asked for upwards, before giving up.
const PORTS_TRIED: u16 = 20;
/// Messages kept for one slow client; beyond it the broker drops, and counts.
const QUEUE_MAX: usize = 100_000;
/// Messages on their way to one client without its acknowledgement.
const INFLIGHT_MAX: u16 = 256;
/// How long the listener may take to answer after it is bound.
const READY_WITHIN: Duration = Duration::from_secs(5);

/// How the broker listens.
#[derive(Clone, Copy, Debug)]
pub struct BrokerConfig {
    /// Where MQTT 3.1.1 and 5 are spoken. Port 0 or a taken one = the next free one.
    pub mqtt: SocketAddr,
    /// Where MQTT over WebSocket is spoken, if at all.
    pub websocket: Option<SocketAddr>,
    /// Whether clients without a user name come in, with an operator's rights.
    pub open: bool,
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
    /// Connections refused: wrong password, wrong client id, or a will on a foreign topic.
    pub refused_connects: AtomicU64,
    /// Messages refused for their topic.
    pub refused_publishes: AtomicU64,
    /// Subscriptions refused.
    pub refused_subscribes: AtomicU64,
    /// Messages dropped because a client was too slow.
    pub dropped: AtomicU64,
}

/// A running broker. Stops when dropped.
#[derive(Debug)]
pub struct Broker {
    mqtt: SocketAddr,
    websocket: Option<SocketAddr>,
    counters: Arc<Counters>,
    runtime: Option<Runtime>,
}

impl Broker {
    /// Starts the broker and waits until it answers.
    ///
    /// # Errors
    ///
    /// [`BrokerError`] if no port is free or the broker does not come up.
    pub fn start(config: BrokerConfig, rules: Rules, secret: Secret) -> Result<Self, BrokerError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("broker")
            .enable_all()
            .build()
            .map_err(BrokerError::Start)?;
        let counters = Arc::new(Counters::default());
        let guard = Guard { rules, secret, open: config.open, counters: counters.clone() };
        let (mqtt, websocket) = runtime.block_on(launch(config, guard))?;
        wait_until_it_answers(mqtt)?;
        Ok(Self { mqtt, websocket, counters, runtime: Some(runtime) })
    }

    /// Where MQTT is spoken.
    pub fn mqtt_addr(&self) -> SocketAddr {
        self.mqtt
    }

    /// Where MQTT over WebSocket is spoken.
    pub fn websocket_addr(&self) -> Option<SocketAddr> {
        self.websocket
    }

    /// What it counted so far.
    pub fn counters(&self) -> Arc<Counters> {
        self.counters.clone()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn launch(config: BrokerConfig, guard: Guard) -> Result<(SocketAddr, Option<SocketAddr>), BrokerError> {
    let context = ServerContext::new().busy_check_enable(false).build().await;
    let settings = |error: rmqtt::Error| BrokerError::Settings(error.to_string());
    rmqtt_retainer::register(&context, true, false).await.map_err(settings)?;
    rmqtt_shared_subscription::register(&context, true, false).await.map_err(settings)?;
    let register = context.extends.hook_mgr().register();
    for kind in [
        Type::ClientAuthenticate,
        Type::ClientSubscribeCheckAcl,
        Type::MessagePublishCheckAcl,
        Type::MessageDropped,
    ] {
        register.add(kind, Box::new(guard.clone())).await;
    }
    register.start().await;

    let (tcp, mqtt) = bind("mqtt", config.mqtt)?;
    let mut server = MqttServer::new(context).listener(tcp.tcp().map_err(settings)?);
    let mut websocket = None;
    if let Some(wanted) = config.websocket {
        let (listener, address) = bind("websocket", wanted)?;
        server = server.listener(listener.ws().map_err(settings)?);
        websocket = Some(address);
    }
    tokio::spawn(async move {
        if let Err(error) = server.build().run().await {
            tracing::error!(%error, "broker ended");
        }
    });
    // The hooks stay registered only as long as this lives.
    tokio::spawn(async move {
        let _register = register;
        std::future::pending::<()>().await;
    });
    Ok((mqtt, websocket))
}

fn bind(name: &str, wanted: SocketAddr) -> Result<(Listener, SocketAddr), BrokerError> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for step in 0..PORTS_TRIED {
        let mut address = wanted;
        if wanted.port() != 0 {
            address.set_port(wanted.port().saturating_add(step));
        }
        // Asked with the system's own listener first: it tells a taken port from other trouble, and what port 0 became.
        match TcpListener::bind(address).and_then(|probe| probe.local_addr()) {
            Ok(free) => match listener(name, free) {
                Ok(listener) => return Ok((listener, free)),
                Err(error) => last = io::Error::other(error.to_string()),
            },
            Err(error) => last = error,
        }
    }
    Err(BrokerError::NoPort { first: wanted, source: last })
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
        // Clients without a user name reach the guard too: it decides.
        .allow_anonymous(false)
        .allow_zero_keepalive(true)
        .max_inflight(NonZeroU16::new(INFLIGHT_MAX).expect("not zero"))
        .max_mqueue_len(QUEUE_MAX)
        .max_topic_aliases(32)
        // Without it every message would be worthless after five minutes, retained ones too.
        .message_expiry_interval(Duration::ZERO)
        .bind()
}

fn wait_until_it_answers(address: SocketAddr) -> Result<(), BrokerError> {
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        match TcpStream::connect_timeout(&address, READY_WITHIN) {
            Ok(_) => return Ok(()),
            Err(error) if Instant::now() > deadline => return Err(BrokerError::Start(error)),
            Err(_) => std::thread::yield_now(),
        }
    }
}

/// Stands at the door: asks the rules about everyone and everything.
#[derive(Clone)]
struct Guard {
    rules: Rules,
    secret: Secret,
    open: bool,
    counters: Arc<Counters>,
}

impl Guard {
    fn authenticate(&self, client: &ConnectInfo) -> AuthResult {
        let client_id: &str = client.client_id();
        let Some(who) = self.principal(client) else {
            tracing::warn!(client_id, "refused: wrong user name or password");
            return AuthResult::BadUsernameOrPassword;
        };
        let username = client.username().map_or("", |name| &name[..]);
        let will = client.last_will();
        let will_topic = will.as_ref().map(|will| match will {
            LastWill::V3(will) => &will.topic[..],
            LastWill::V5(will) => &will.topic[..],
        });
        if !username.is_empty() && !self.rules.may_connect(who, username, client_id) {
            tracing::warn!(client_id, username, "refused: not the client id of this user");
            return AuthResult::NotAuthorized;
        }
        if let Some(topic) = will_topic.filter(|topic| !self.rules.may_will(who, topic)) {
            tracing::warn!(client_id, topic, "refused: a will on a foreign topic");
            return AuthResult::NotAuthorized;
        }
        AuthResult::Allow(false, None)
    }

    fn principal(&self, client: &ConnectInfo) -> Option<Principal> {
        let Some(username) = client.username() else {
            return self.open.then_some(Principal::Operator);
        };
        let password: &[u8] = client.password().map_or(&[], |password| password);
        self.secret.admits(username, password).then(|| Principal::of(username))?
    }

    /// Who a connected client is: it was authenticated under this name.
    fn known(&self, username: Option<&str>) -> Option<Principal> {
        username.map_or(self.open.then_some(Principal::Operator), Principal::of)
    }
}

#[async_trait]
impl Handler for Guard {
    async fn hook(&self, parameter: &Parameter, so_far: Option<HookResult>) -> ReturnType {
        match parameter {
            Parameter::ClientAuthenticate(client) => {
                let result = self.authenticate(client);
                if !matches!(result, AuthResult::Allow(..)) {
                    self.counters.refused_connects.fetch_add(1, Ordering::Relaxed);
                }
                (false, Some(HookResult::AuthResult(result)))
            }
            Parameter::ClientSubscribeCheckAcl(session, subscribe) => {
                let who = self.known(session.id.username.as_ref().map(|name| &name[..]));
                let shared = subscribe.opts.has_shared_group();
                let filter: &str = &subscribe.topic_filter;
                if who.is_some_and(|who| self.rules.may_subscribe(who, &session.id.client_id, filter, shared))
                {
                    let granted = SubscribeAclResult::new_success(subscribe.opts.qos(), None);
                    return (true, Some(HookResult::SubscribeAclResult(granted)));
                }
                self.counters.refused_subscribes.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(client_id = &session.id.client_id[..], filter, "subscription refused");
                let refused = SubscribeAclResult::new_failure(SubscribeAckReason::NotAuthorized);
                (false, Some(HookResult::SubscribeAclResult(refused)))
            }
            Parameter::MessagePublishCheckAcl(session, publish) => {
                let who = self.known(session.id.username.as_ref().map(|name| &name[..]));
                let topic: &str = &publish.topic;
                if who.is_some_and(|who| self.rules.may_publish(who, topic)) {
                    return (true, Some(HookResult::PublishAclResult(PublishAclResult::allow())));
                }
                self.counters.refused_publishes.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(client_id = &session.id.client_id[..], topic, "message refused");
                (false, Some(HookResult::PublishAclResult(PublishAclResult::rejected(false, None))))
            }
            Parameter::MessageDropped(..) => {
                self.counters.dropped.fetch_add(1, Ordering::Relaxed);
                (true, so_far)
            }
            _ => (true, so_far),
        }
    }
}
