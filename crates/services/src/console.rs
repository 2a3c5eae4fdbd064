//! The pages: what the bus says, for browsers; and what people do there, for the bus.
//!
//! One task listens to the bus and keeps `view::View` up to date; HTTP handlers read it, and ask services by
//! `Caller`. Only the bus leads from here to a service.

mod attack;
mod bills;
mod bus;
mod events;
mod groups;
mod http;
pub(crate) mod kiosk;
mod lamps;
mod lan;
mod metrics;
mod pages;
mod past;
mod phone;
mod plan;
mod ready;
mod scenarios;
mod till;
mod traffic;
mod view;
mod wallet;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eid::ConsentRequest;
use lighting::Group;
use scenario::Cast;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, broadcast, mpsc, watch};
use tokio::task::JoinError;
use tokio::time::interval;
use types::GroupId;
use wire::{Event, Message, RoleName, prefix};

pub use self::http::openapi;
use self::lan::Pairing;
pub use self::lan::Pin;
use self::scenarios::Scenarios;
use self::traffic::{Seen, Traffic};
use self::view::View;
use self::wallet::Wallets;
use crate::access::Secret;
use crate::broker::Inside;
use crate::bus::{BusEvent, Received};
use crate::caller::Caller;
use crate::health::Health;
use crate::http::Origins;
use crate::http::server::{Limits, serve};
use crate::identity::{Identity, KioskStates, PublishedKeys};
use crate::link::Link;
use crate::ports;
use crate::runner::Runner;
use crate::time::wall_now;
use crate::tls::ServerTls;

/// How often changed lamps go to the browsers.
const LAMPS_EVERY: Duration = Duration::from_millis(100);
/// Ticks of [`LAMPS_EVERY`] between two rounds of figures.
const STATS_EVERY: u32 = 10;
/// Server-sent events waiting for one browser; a slower one misses some and is sent everything anew.
const EVENTS_MAX: usize = 2_048;
/// What the clients of this machine may take up: much, but not everything.
const LIMITS: Limits = Limits {
    connections: 1_024,
    connections_each: 1_024,
    requests_per_s: 5_000,
    requests_at_once: 10_000,
    head_within: Duration::from_secs(15),
    answer_within: Duration::from_secs(30),
};

/// What the network may take up: some phones, each with its pages.
const LAN_LIMITS: Limits = Limits {
    connections: 256,
    connections_each: 16,
    requests_per_s: 20,
    requests_at_once: 200,
    head_within: Duration::from_secs(15),
    answer_within: Duration::from_secs(15),
};

/// One server-sent event.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) event: &'static str,
    pub(crate) data: String,
}

/// What every handler needs.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) cast: Arc<Cast>,
    pub(crate) run: String,
    pub(crate) seed: u64,
    pub(crate) view: Arc<Mutex<View>>,
    pub(crate) groups: Arc<BTreeMap<GroupId, Group>>,
    pub(crate) traffic: Arc<Mutex<Traffic>>,
    pub(crate) caller: Caller,
    pub(crate) told: broadcast::Sender<Told>,
    pub(crate) scenarios: Arc<Scenarios>,
    pub(crate) kiosk: Arc<kiosk::Kiosk>,
    pub(crate) wallets: Arc<Wallets>,
    /// How an operator joins the bus, for what no service may do.
    pub(crate) link: Link,
    /// The broker, if it runs in this process.
    pub(crate) broker: Option<Inside>,
    /// What services tell everyone, as it is heard.
    pub(crate) events: broadcast::Sender<Event>,
    /// What readers ask residents for, as it is heard.
    pub(crate) consents: broadcast::Sender<ConsentRequest>,
    /// Held during an attack: one at a time.
    pub(crate) attacking: Arc<tokio::sync::Mutex<()>>,
    pub(crate) identity: Identity,
    pub(crate) listeners: Arc<Semaphore>,
    pub(crate) health: Health,
}

impl App {
    /// The view, locked. A handler that panicked leaves it whole: it only reads.
    pub(crate) fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What went over the bus lately, locked in the same way.
    pub(crate) fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The console, ready to be run.
#[derive(Debug)]
pub struct Console {
    listener: TcpListener,
    tls: Option<ServerTls>,
    address: SocketAddr,
    lan: Option<Lan>,
    runner: Option<Arc<dyn Runner>>,
}

/// The listener for the network.
#[derive(Debug)]
struct Lan {
    listener: TcpListener,
    address: SocketAddr,
    pairing: Arc<Pairing>,
}

impl Console {
    /// Takes the port, and one for phones of the network if `lan` is given; a taken one = the next free one.
    ///
    /// # Errors
    ///
    /// What the system says of the last port tried.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn bind(
        wanted: SocketAddr,
        lan: Option<SocketAddr>,
        tls: Option<ServerTls>,
    ) -> std::io::Result<Self> {
        let listener = ports::listen(wanted)?;
        let lan = lan.map(|wanted| {
            let listener = ports::listen(wanted)?;
            Ok::<_, std::io::Error>(Lan {
                address: listener.local_addr()?,
                listener,
                pairing: Arc::default(),
            })
        });
        Ok(Self { address: listener.local_addr()?, listener, tls, lan: lan.transpose()?, runner: None })
    }

    /// The same console, on which scenarios can be played.
    #[must_use]
    pub fn with_runner(self, runner: Arc<dyn Runner>) -> Self {
        Self { runner: Some(runner), ..self }
    }

    /// Where phones of the network find theirs, and the PINs for it: the one that is good, and each that comes after.
    pub fn lan(&self) -> Option<(SocketAddr, watch::Receiver<Pin>)> {
        self.lan.as_ref().map(|lan| (lan.address, lan.pairing.pins()))
    }

    /// Where it is served, without a path.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme(), self.address)
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    fn origins(&self, address: SocketAddr) -> Origins {
        Origins::new(address, self.tls.as_ref().map(|tls| tls.certificate().clone()))
    }

    /// Serves the pages until `stop` says so. `broker` is the embedded one, if it runs in this process.
    pub async fn run(
        mut self,
        link: Link,
        cast: Arc<Cast>,
        broker: Option<Inside>,
        mut stop: watch::Receiver<bool>,
    ) {
        let (port, events) = link.connect(RoleName::Console, &["#"]);
        let (caller, questions) = Caller::new(&RoleName::Console.client_id());
        let (told, _) = broadcast::channel(EVENTS_MAX);
        let (events_of_services, _) = broadcast::channel(EVENTS_MAX);
        let counters = broker.as_ref().map(|broker| broker.counters.clone());
        let secret = link.secret.clone().unwrap_or_else(Secret::random);
        let identity = Identity {
            caller: caller.clone(),
            secret: secret.clone(),
            readers: cast.readers().clone(),
            kiosks: KioskStates::default(),
            keys: PublishedKeys::default(),
            names: cast.names(),
            now: wall_now,
        };
        let app = App {
            identity,
            run: link.run.to_string(),
            seed: cast.plan().spec().seed.0,
            view: Arc::new(Mutex::new(View::new(&cast, counters))),
            kiosk: Arc::new(kiosk::Kiosk::new(cast.offline_verifier())),
            groups: Arc::new(groups::by_name(cast.plan())),
            traffic: Arc::new(Mutex::new(Traffic::new(prefix(link.run)))),
            cast,
            caller: caller.clone(),
            told,
            scenarios: Arc::new(Scenarios::new(self.runner.take())),
            link: link.clone(),
            broker,
            events: events_of_services,
            consents: broadcast::channel(EVENTS_MAX).0,
            attacking: Arc::default(),
            wallets: Arc::new(Wallets::new(secret)),
            listeners: events::room(),
            health: link.health.clone(),
        };
        let telling = kiosk::state::tell(link.clone(), app.kiosk.clone(), stop.clone());
        let hearing = listen(link, app.clone(), port, events, questions, stop.clone());
        let mut listening = tokio::spawn(async { tokio::join!(hearing, telling) });
        let acceptor = self.tls.as_ref().map(ServerTls::acceptor);
        let to_network = self.lan.take().map(|Lan { listener, address, pairing }| {
            let router = lan::router(app.clone(), self.origins(address), pairing);
            serve(listener, acceptor.clone(), router, LAN_LIMITS)
        });
        let to_network = async {
            match to_network {
                Some(serving) => serving.await,
                None => std::future::pending().await,
            }
        };
        let router = http::router(app, self.origins(self.address));
        tokio::select! {
            () = serve(self.listener, acceptor, router, LIMITS) => {}
            () = to_network => {}
            _ = stop.changed() => {}
            // Pages that nobody keeps up to date must not look alive.
            outcome = &mut listening => return pass_on_panic(outcome),
        }
        pass_on_panic(listening.await);
    }
}

fn pass_on_panic<T>(outcome: Result<T, JoinError>) {
    if let Err(error) = outcome
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}

/// Listens to the bus, and tells the browsers.
async fn listen(
    link: Link,
    app: App,
    mut port: crate::link::Port,
    mut events: mpsc::Receiver<((), BusEvent)>,
    mut questions: mpsc::Receiver<Message>,
    mut stop: watch::Receiver<bool>,
) {
    let mut ticks = interval(LAMPS_EVERY);
    let mut round = 0;
    while !*stop.borrow() {
        tokio::select! {
            Some(((), event)) = events.recv() => match event {
                BusEvent::Message(received) => {
                    app.view().count_message();
                    let message = port.read(&received);
                    note(&app, &received, message.as_ref());
                    match message {
                        Some(message) => tell(&app, received.topic(), &message),
                        None => app.view().count_dead_letter(),
                    }
                }
                BusEvent::Connected => {
                    link.health.bus(RoleName::Console, true);
                    link.tell_ready(RoleName::Console);
                }
                BusEvent::Disconnected { reason } | BusEvent::Refused { reason } => {
                    link.health.bus(RoleName::Console, false);
                    tracing::warn!(reason, "console has no bus");
                }
            },
            Some(question) = questions.recv() => port.send(question),
            _ = ticks.tick() => {
                round += 1;
                link.health.turn(RoleName::Console);
                let lamps = app.view().take_changes();
                if let Some(lamps) = lamps {
                    let _ = app.told.send(Told { event: "lamps", data: lamps });
                }
                if round % STATS_EVERY == 0 {
                    app.traffic().measure(u64::from(STATS_EVERY) * LAMPS_EVERY.as_millis() as u64);
                    let stats = app.view().stats();
                    let _ = app.told.send(Told { event: "stats", data: stats.to_string() });
                }
            }
            _ = stop.changed() => {}
        }
        port.flush();
    }
    port.close().await;
}

/// For who wants to read it on the bus view.
fn note(app: &App, received: &Received, message: Option<&Message>) {
    let at = app.view().city_now();
    let delivery = received.delivery();
    let (topic, payload, retained) = (delivery.topic, delivery.payload, received.is_retained());
    app.traffic().take(Seen { at, topic, payload, retained, message });
}

fn tell(app: &App, topic: &str, message: &Message) {
    app.kiosk.hear(message);
    match message {
        Message::EidKeys(keys) => app.identity.keys.take(keys),
        Message::EidKiosk { reader, state } => {
            app.identity.kiosks.take(&app.identity.readers, *reader, state);
        }
        // Nobody may be listening.
        Message::EidConsent(asked) => drop(app.consents.send(asked.clone())),
        Message::Reply(reply) => {
            app.caller.answer(reply);
        }
        _ => {}
    }
    let told = app.view().take(message);
    for (event, data) in told {
        let _ = app.told.send(Told { event, data: data.to_string() });
    }
    if let Message::Event(event) = message {
        metrics::count(&event.body);
        // Nobody may be listening.
        let _ = app.events.send(event.clone());
        let (summary_en, summary_zh) = view::summary(event);
        let kind = topic.rsplit('/').next().unwrap_or_default();
        // By the city's clock for all: e-ID and payment keep to the wall's, and two clocks in one list confuse.
        let at = app.view().city_now();
        let data = json!({
            "at_ms": at, "topic": topic, "type": kind, "summary_en": summary_en, "summary_zh": summary_zh,
        });
        let _ = app.told.send(Told { event: "feed", data: data.to_string() });
    }
}
