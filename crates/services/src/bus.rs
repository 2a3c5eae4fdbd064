//! Clients of the bus (rumqttc, MQTT 5), and in `plain` of other brokers (MQTT 3.1.1). Nothing else in the city names that crate.
//!
//! One task drives each client, between two bounded queues:
//!
//! ```text
//! publish() → queue → task ⇄ broker      never waits; refuses when the queue is full
//! listener  ←  events ←  task            waits for room, and meanwhile reads nothing: the broker queues
//! ```
//!
//! The listener never waits for the task, so the task may wait for the listener: neither can hold the other up for
//! ever. The queue outlives connections, which rumqttc's own does not: it forgets what it holds when the broker forgot
//! the session. So what was not acknowledged comes back into the queue and is sent again, at least once.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use wire::{Delivery, Frame};

use crate::tls::Trust;
use crate::trace::Trace;

mod outbox;
mod packets;
mod plain;
mod task;

use outbox::Outbox;
pub(crate) use plain::{PlainClient, PlainOptions};

/// The largest packet, both ways \[bytes\].
const PACKET_BYTES_MAX: u32 = 1024 * 1024;
/// How long a client that says goodbye may take to send what is queued.
const FLUSH_WITHIN: Duration = Duration::from_secs(3);

/// Where a broker is, and how it is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusAddress {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Whom to trust there; `None` = without TLS.
    pub trust: Option<Trust>,
}

impl BusAddress {
    /// Without TLS.
    pub fn plain(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port, trust: None }
    }
}

impl fmt::Display for BusAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.trust.is_some() { "mqtts" } else { "mqtt" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

/// Why a text is not the address of a broker.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a broker address like `mqtt://127.0.0.1:1883`, or `mqtts://…` with TLS")]
pub struct BusAddressError(String);

impl FromStr for BusAddress {
    type Err = BusAddressError;

    fn from_str(text: &str) -> Result<Self, BusAddressError> {
        let wrong = || BusAddressError(text.to_owned());
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let (trust, usual) = match scheme {
            "mqtt" => (None, 1883),
            "mqtts" => (Some(Trust::of_system(None).map_err(|_| wrong())?), 8883),
            _ => return Err(wrong()),
        };
        let rest = rest.trim_end_matches('/');
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| wrong())?),
            None => (rest, usual),
        };
        if host.is_empty() || host.contains(['/', '@', ' ']) {
            return Err(wrong());
        }
        Ok(Self { host: host.to_owned(), port, trust })
    }
}

/// Who a client is and what it listens to.
#[derive(Clone)]
pub struct ClientOptions {
    /// Which broker.
    pub address: BusAddress,
    /// Its client id.
    pub client_id: String,
    /// User name and password.
    pub credentials: Option<(String, String)>,
    /// Whether it is one of thousands: smaller queues.
    pub device: bool,
    /// What the broker says when it is gone.
    pub will: Option<Frame>,
    /// What it subscribes to, whole filters, at QoS 1.
    pub filters: Vec<String>,
}

/// Without the password.
impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions")
            .field("address", &self.address)
            .field("client_id", &self.client_id)
            .field("username", &self.credentials.as_ref().map(|(username, _)| username))
            .field("device", &self.device)
            .field("filters", &self.filters)
            .finish_non_exhaustive()
    }
}

/// A message as it came in.
#[derive(Clone, Debug)]
pub struct Received {
    topic: String,
    payload: Bytes,
    retained: bool,
    response_topic: Option<String>,
    correlation: Option<Bytes>,
    trace: Option<Trace>,
}

impl Received {
    /// One that came in before and was kept.
    pub(crate) fn kept(
        topic: String,
        payload: Vec<u8>,
        response_topic: Option<String>,
        correlation: Option<Vec<u8>>,
    ) -> Self {
        let correlation = correlation.map(Bytes::from);
        Self { topic, payload: payload.into(), retained: false, response_topic, correlation, trace: None }
    }

    /// One that came in by MQTT 3.1.1.
    fn plain(topic: String, payload: Bytes, retained: bool) -> Self {
        Self { topic, payload, retained, response_topic: None, correlation: None, trace: None }
    }

    /// For the decoder.
    pub fn delivery(&self) -> Delivery<'_> {
        Delivery {
            topic: &self.topic,
            payload: &self.payload,
            response_topic: self.response_topic.as_deref(),
            correlation: self.correlation.as_deref(),
        }
    }

    /// Where it came in.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Which trace it belongs to, if its sender said so.
    pub(crate) fn trace(&self) -> Option<Trace> {
        self.trace
    }

    /// Whether the broker had kept it, so that it tells of the past.
    pub fn is_retained(&self) -> bool {
        self.retained
    }
}

/// What happens to a client.
#[derive(Clone, Debug)]
pub enum BusEvent {
    /// Connected, and every subscription granted.
    Connected,
    /// A message. Retained ones may come just before [`Connected`](Self::Connected).
    Message(Received),
    /// The connection is lost, or there never was one; it tries again by itself. Told once, not for each try.
    Disconnected {
        /// Why.
        reason: String,
    },
    /// The broker does not let it in, or not listen; it tries again, slowly. Told once for each reason.
    ///
    /// If the broker says that another client came with the same client id, this one ends: the two would push each
    /// other out for ever. Most brokers do not say so; then it is told as a suspicion, and the client slows down.
    Refused {
        /// Why.
        reason: String,
    },
}

/// The queue of a client is full: the message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the client's queue is full")]
pub struct QueueFull;

/// A handle to publish with. Cheap to clone.
#[derive(Clone, Debug)]
pub struct BusClient {
    outbox: Arc<Outbox>,
}

impl BusClient {
    /// Starts a client. Its events go to `events` with `tag`, so that one listener can serve thousands.
    ///
    /// It ends when it said goodbye, or when nobody listens to its events any more.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn spawn<T: Copy + Send + Sync + 'static>(
        options: ClientOptions,
        tag: T,
        events: mpsc::Sender<(T, BusEvent)>,
    ) -> Self {
        let outbox = Arc::new(Outbox::new(options.device));
        tokio::spawn(task::run(options, outbox.clone(), tag, events));
        Self { outbox }
    }

    /// Hands a message to the client's task. Never waits.
    ///
    /// A message that can never be sent – over 1 MiB, on something that is no topic, or after the goodbye – is taken,
    /// logged and counted as [`refused`](Self::refused): to try it again would block those behind it.
    ///
    /// # Errors
    ///
    /// [`QueueFull`]: the message was not taken, and is counted. Try again later.
    pub fn publish(&self, frame: Frame) -> Result<(), QueueFull> {
        self.publish_in(None, frame)
    }

    /// The same for a message that belongs to a trace. A question that belongs to none begins one.
    pub(crate) fn publish_in(&self, trace: Option<Trace>, frame: Frame) -> Result<(), QueueFull> {
        self.outbox.push(packets::publish(trace, frame))
    }

    /// How many of the messages it took are over: the broker has acknowledged them, or they will never be sent.
    ///
    /// Messages are over in the order they were taken, but for those on their way at the same moment.
    pub fn done(&self) -> u64 {
        self.outbox.done()
    }

    /// Messages not taken by this client, expired in its queue, or refused by the broker.
    pub fn refused(&self) -> u64 {
        self.outbox.refused()
    }

    /// Says goodbye after what is queued, but takes no longer than three seconds for it. The will is not sent.
    pub fn disconnect(&self) {
        self.outbox.close();
    }

    /// Waits until the goodbye is said. Without a [`disconnect`](Self::disconnect) before it, this waits for one.
    pub async fn closed(&self) {
        self.outbox.ended().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_scheme_host_or_port_number_is_refused() {
        for text in
            ["", "127.0.0.1:1883", "mqtt://", "mqtt://:1883", "mqtt://h:port", "mqtt://h:99999", "ws://h:1"]
        {
            assert!(text.parse::<BusAddress>().is_err(), "{text}");
        }
        assert_eq!("mqtt://h".parse(), Ok(BusAddress::plain("h", 1883)));
        let secured: BusAddress = "mqtts://h".parse().unwrap();
        assert_eq!((secured.trust.is_some(), secured.to_string()), (true, "mqtts://h:8883".to_owned()));
    }
}
