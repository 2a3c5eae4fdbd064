//! The bus client against the embedded broker and against Mosquitto, and the embedded broker's rules.
//!
//! No test waits for a time: each waits for a state, and fails if that does not come.

mod any_broker;
mod conformance;
mod embedded;
mod secured;
mod strangers;

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use services::access::{Rules, Secret};
use services::broker::{Broker, BrokerConfig};
use services::bus::{BusAddress, BusClient, BusEvent, ClientOptions, Received};
use services::tls::ServerTls;
use tokio::sync::mpsc;
use types::LuminaireId;
use wire::{Channel, Directory, Frame};

/// No state takes longer to come.
const PATIENCE: Duration = Duration::from_secs(20);

const fn channel(name: &'static str, at_least_once: bool, retain: bool) -> Channel {
    Channel {
        name,
        address: name,
        summary: "",
        sender: "",
        at_least_once,
        retain,
        expiry_s: None,
        content_type: "application/json",
        example: "{}",
        more_examples: &[],
    }
}

static EVENT: Channel = channel("event", true, false);
static STATE: Channel = channel("state", true, true);
static TELEMETRY: Channel = channel("telemetry", false, false);

fn at(topic: &str) -> String {
    format!("kitecity/v1/demo/{topic}")
}

fn frame(channel: &'static Channel, topic: &str, payload: &str) -> Frame {
    Frame { topic: at(topic), payload: payload.into(), channel, response_topic: None, correlation: None }
}

fn secret() -> Secret {
    Secret::from_words("kite")
}

fn start_at(port: u16, open: bool) -> Broker {
    start(port, open, None)
}

fn start(port: u16, open: bool, tls: Option<ServerTls>) -> Broker {
    start_on(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), open, tls)
}

fn start_on(mqtt: SocketAddr, open: bool, tls: Option<ServerTls>) -> Broker {
    let kuiwen = "kuiwen".parse().unwrap();
    let directory: Directory = (1..=1_000).map(|number| (LuminaireId(number), kuiwen)).collect();
    let rules = Rules::new("demo".parse().unwrap(), Arc::new(directory));
    Broker::start(
        BrokerConfig {
            mqtt,
            websocket: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
            open,
            guarded: false,
            tls,
        },
        rules,
        secret(),
    )
    .unwrap()
}

fn address_of(broker: &Broker) -> BusAddress {
    BusAddress::plain("127.0.0.1", broker.mqtt_addr().port())
}

/// A client and what it heard.
struct Client {
    bus: BusClient,
    events: mpsc::Receiver<((), BusEvent)>,
}

impl Client {
    fn spawn(options: ClientOptions) -> Self {
        let (sender, events) = mpsc::channel(64);
        Self { bus: BusClient::spawn(options, (), sender), events }
    }

    /// A client that is in.
    async fn connected(options: ClientOptions) -> Self {
        let mut client = Self::spawn(options);
        client.until_connected().await;
        client
    }

    async fn event(&mut self) -> BusEvent {
        within("an event", self.events.recv()).await.expect("the task goes on").1
    }

    async fn until_connected(&mut self) {
        loop {
            match self.event().await {
                BusEvent::Connected => return,
                BusEvent::Refused { reason } => panic!("refused: {reason}"),
                _ => {}
            }
        }
    }

    async fn refused(&mut self) -> String {
        loop {
            match self.event().await {
                BusEvent::Refused { reason } => return reason,
                BusEvent::Connected => panic!("was let in"),
                _ => {}
            }
        }
    }

    async fn message(&mut self) -> Received {
        loop {
            if let BusEvent::Message(received) = self.event().await {
                return received;
            }
        }
    }

    /// Topic and payload of the next message.
    async fn heard(&mut self) -> (String, String) {
        text(&self.message().await)
    }
}

fn text(received: &Received) -> (String, String) {
    let payload = String::from_utf8(received.delivery().payload.to_vec()).unwrap();
    (received.topic().strip_prefix("kitecity/v1/demo/").unwrap().to_owned(), payload)
}

async fn within<T>(what: &str, wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// Waits until a count is reached.
async fn reaches(what: &str, wanted: u64, count: impl Fn() -> u64) {
    within(what, async {
        while count() < wanted {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

fn user(address: &BusAddress, username: &str, filters: &[&str]) -> ClientOptions {
    ClientOptions {
        address: address.clone(),
        client_id: username.to_owned(),
        credentials: Some((username.to_owned(), secret().password_for(username))),
        device: username.starts_with("l-"),
        will: None,
        filters: filters.iter().map(|filter| at(filter)).collect(),
    }
}
