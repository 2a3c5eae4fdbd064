//! Clients of the bus (rumqttc, MQTT 5). Nothing else in the city names that crate.
//!
//! One task polls each client. Publishing never waits: it hands the message to the task's bounded queue, or says that
//! the queue is full. The task is the only one that reads from the broker; when its listener is slow it stops reading,
//! so that the broker queues instead of this process. The listener may publish meanwhile without waiting for the task,
//! and so neither waits for the other.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnectReturnCode, Filter, LastWill, Packet, PublishProperties, SubscribeReasonCode,
};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, StateError};
use tokio::sync::mpsc;
use wire::{Delivery, Frame};

/// The largest packet, both ways \[bytes\].
const PACKET_BYTES_MAX: u32 = 1024 * 1024;
/// Messages waiting in one client, connected or not; beyond it [`BusClient::publish`] refuses.
const SERVICE_QUEUE_MAX: usize = 16_384;
/// The same for a device, of which there are thousands.
const DEVICE_QUEUE_MAX: usize = 32;
/// Waits between two tries to connect: the first, doubled each time up to the last.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// Where a broker is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusAddress {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// Why a text is not the address of a broker.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a broker address like `mqtt://127.0.0.1:1883`")]
pub struct BusAddressError(String);

impl FromStr for BusAddress {
    type Err = BusAddressError;

    fn from_str(text: &str) -> Result<Self, BusAddressError> {
        let wrong = || BusAddressError(text.to_owned());
        let rest = text.strip_prefix("mqtt://").ok_or_else(wrong)?.trim_end_matches('/');
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| wrong())?),
            None => (rest, 1883),
        };
        if host.is_empty() || host.contains(['/', '@', ' ']) {
            return Err(wrong());
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

/// Who a client is and what it listens to.
#[derive(Clone, Debug)]
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

/// A message as it came in.
#[derive(Clone, Debug)]
pub struct Received {
    topic: String,
    payload: Bytes,
    response_topic: Option<String>,
    correlation: Option<Bytes>,
}

impl Received {
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
}

/// What happens to a client.
#[derive(Clone, Debug)]
pub enum BusEvent {
    /// Connected, and every subscription granted.
    Connected,
    /// A message.
    Message(Received),
    /// The connection is lost; it tries again by itself.
    Disconnected {
        /// Why.
        reason: String,
    },
    /// The broker does not let it in, or not listen; it tries again, slowly.
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
    client: AsyncClient,
    refused: Arc<AtomicU64>,
}

impl BusClient {
    /// Starts a client. Its events go to `events` with `tag`, so that one listener can serve thousands.
    pub fn spawn<T: Copy + Send + 'static>(
        options: ClientOptions,
        tag: T,
        events: mpsc::Sender<(T, BusEvent)>,
    ) -> Self {
        let queue = if options.device { DEVICE_QUEUE_MAX } else { SERVICE_QUEUE_MAX };
        let (client, event_loop) = AsyncClient::new(mqtt_options(&options), queue);
        let filters =
            options.filters.iter().map(|path| Filter::new(path.clone(), QoS::AtLeastOnce)).collect();
        let poller =
            Poller { event_loop, client: client.clone(), filters, tag, events, client_id: options.client_id };
        tokio::spawn(poller.run());
        Self { client, refused: Arc::default() }
    }

    /// Hands a message to the client's task.
    ///
    /// # Errors
    ///
    /// [`QueueFull`]: the message was not taken, and is counted.
    pub fn publish(&self, frame: Frame) -> Result<(), QueueFull> {
        let channel = frame.channel;
        let qos = if channel.at_least_once { QoS::AtLeastOnce } else { QoS::AtMostOnce };
        let properties = PublishProperties {
            payload_format_indicator: Some(1),
            message_expiry_interval: channel.expiry_s,
            response_topic: frame.response_topic,
            correlation_data: frame.correlation.map(Bytes::from),
            content_type: Some(channel.content_type.to_owned()),
            ..PublishProperties::default()
        };
        self.client
            .try_publish_with_properties(frame.topic, qos, channel.retain, frame.payload, properties)
            .map_err(|_| {
                self.refused.fetch_add(1, Ordering::Relaxed);
                QueueFull
            })
    }

    /// Messages not taken so far.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Says goodbye after what is queued. The will is not sent.
    pub fn disconnect(&self) {
        let _ = self.client.try_disconnect();
    }
}

fn mqtt_options(options: &ClientOptions) -> MqttOptions {
    let mut mqtt = MqttOptions::new(&options.client_id, &options.address.host, options.address.port);
    mqtt.set_keep_alive(Duration::from_secs(30));
    mqtt.set_clean_start(true);
    mqtt.set_max_packet_size(Some(PACKET_BYTES_MAX));
    // The default reserves a slot for each of 65,535 packet ids: 8 MB a client.
    mqtt.set_outgoing_inflight_upper_limit(if options.device { 16 } else { 128 });
    mqtt.set_connection_timeout(5);
    if let Some((username, password)) = &options.credentials {
        mqtt.set_credentials(username, password);
    }
    if let Some(will) = &options.will {
        let qos = if will.channel.at_least_once { QoS::AtLeastOnce } else { QoS::AtMostOnce };
        mqtt.set_last_will(LastWill::new(&will.topic, will.payload.clone(), qos, will.channel.retain, None));
    }
    mqtt
}

/// The task of one client.
struct Poller<T> {
    event_loop: EventLoop,
    client: AsyncClient,
    filters: Vec<Filter>,
    tag: T,
    events: mpsc::Sender<(T, BusEvent)>,
    client_id: String,
}

impl<T: Copy + Send + 'static> Poller<T> {
    /// Polls until the listener is gone or the client said goodbye.
    async fn run(mut self) {
        let mut failures = 0;
        loop {
            let outcome = self.event_loop.poll().await;
            let event = match outcome {
                Ok(Event::Incoming(packet)) => self.incoming(packet, &mut failures),
                Ok(Event::Outgoing(rumqttc::Outgoing::Disconnect)) => return,
                Ok(Event::Outgoing(_)) => None,
                Err(ConnectionError::RequestsDone) => return,
                Err(error) => {
                    let event = describe(&error);
                    let slow = matches!(event, BusEvent::Refused { .. });
                    if self.events.send((self.tag, event)).await.is_err() {
                        return;
                    }
                    failures = if slow { u32::MAX } else { failures.saturating_add(1) };
                    tokio::time::sleep(backoff(&self.client_id, failures)).await;
                    None
                }
            };
            if let Some(event) = event
                && self.events.send((self.tag, event)).await.is_err()
            {
                return;
            }
        }
    }

    fn incoming(&self, packet: Packet, failures: &mut u32) -> Option<BusEvent> {
        match packet {
            Packet::ConnAck(_) => {
                *failures = 0;
                if self.filters.is_empty() {
                    return Some(BusEvent::Connected);
                }
                // A full queue cannot hold the subscription: the connection is useless, and the broker will end it.
                self.client.try_subscribe_many(self.filters.clone()).err().map(|_| BusEvent::Disconnected {
                    reason: "no room in the queue to subscribe".to_owned(),
                })
            }
            Packet::SubAck(ack) => Some(self.granted(&ack.return_codes)),
            Packet::Publish(publish) => {
                let properties = publish.properties.unwrap_or_default();
                Some(BusEvent::Message(Received {
                    topic: String::from_utf8_lossy(&publish.topic).into_owned(),
                    payload: publish.payload,
                    response_topic: properties.response_topic,
                    correlation: properties.correlation_data,
                }))
            }
            _ => None,
        }
    }

    fn granted(&self, codes: &[SubscribeReasonCode]) -> BusEvent {
        let refused = codes
            .iter()
            .zip(&self.filters)
            .find(|(code, _)| !matches!(code, SubscribeReasonCode::Success(_)));
        match refused {
            None => BusEvent::Connected,
            Some((code, filter)) => {
                BusEvent::Refused { reason: format!("subscription to `{}` refused: {code:?}", filter.path) }
            }
        }
    }
}

/// What an error of the connection means to the listener.
fn describe(error: &ConnectionError) -> BusEvent {
    match error {
        ConnectionError::ConnectionRefused(code) => {
            let reason = match code {
                ConnectReturnCode::BadUserNamePassword => "wrong user name or password".to_owned(),
                ConnectReturnCode::NotAuthorized => "not authorised: client id, or will topic".to_owned(),
                other => format!("{other:?}"),
            };
            BusEvent::Refused { reason }
        }
        ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, .. }) => {
            BusEvent::Disconnected { reason: format!("broker said goodbye: {reason_code:?}") }
        }
        other => BusEvent::Disconnected { reason: other.to_string() },
    }
}

/// How long to wait before the next try: doubled each time, and spread so that thousands do not come back at once.
fn backoff(client_id: &str, failures: u32) -> Duration {
    let (first, last) = BACKOFF;
    let wait = first.saturating_mul(1 << failures.saturating_sub(1).min(6)).min(last);
    let spread = client_id
        .bytes()
        .fold(failures.wrapping_mul(0x9e37), |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    wait.mul_f64(0.5 + f64::from(spread % 1024) / 2048.0)
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
        assert_eq!("mqtt://h".parse(), Ok(BusAddress { host: "h".to_owned(), port: 1883 }));
    }

    #[test]
    fn the_wait_grows_and_is_bounded() {
        let waits: Vec<_> = (1..20).map(|failures| backoff("l-0001", failures)).collect();
        assert!(waits[0] <= BACKOFF.0, "{waits:?}");
        assert!(waits[10] >= BACKOFF.1 / 2 && waits.iter().all(|wait| *wait <= BACKOFF.1), "{waits:?}");
    }
}
