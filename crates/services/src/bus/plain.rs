//! Clients of brokers that are not ours, in MQTT 3.1.1: what devices in the field speak.
//!
//! Simpler than [`BusClient`](super::BusClient): what was on its way when the connection broke is lost, because a device
//! tells everything anew when it is back. And it logs in anew each time, because passwords may be of the hour.

use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, Incoming, LastWill, MqttOptions,
    NetworkOptions, Outgoing, QoS, SubscribeFilter, SubscribeReasonCode,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};
use wire::Frame;
use wire::dialect::Login;

use super::packets::{CONNECT_WITHIN_S, KEEP_ALIVE, qos_level, transport};
use super::task::{Steadiness, backoff};
use super::{BusAddress, BusEvent, FLUSH_WITHIN, PACKET_BYTES_MAX, QueueFull, Received};
use crate::metrics::metrics;

/// Messages waiting in one client; beyond it the newest are dropped.
const QUEUE_MAX: usize = 32;
/// Messages on their way without an acknowledgement.
const INFLIGHT_MAX: u16 = 16;

/// Who a client is and what it listens to.
pub(crate) struct PlainOptions {
    /// Which broker.
    pub(crate) address: BusAddress,
    /// How it logs in this time.
    pub(crate) login: Box<dyn Fn() -> Login + Send + Sync>,
    /// What the broker says when it is gone.
    pub(crate) will: Option<Frame>,
    /// What it subscribes to, at QoS 1.
    pub(crate) filters: Vec<String>,
}

/// A handle to publish with.
#[derive(Debug)]
pub(crate) struct PlainClient {
    queue: mpsc::Sender<Frame>,
    task: JoinHandle<()>,
}

impl PlainClient {
    /// Starts a client. Its events go to `events` with `tag`. It ends when the handle is closed or dropped.
    pub(crate) fn spawn<T: Copy + Send + Sync + 'static>(
        options: PlainOptions,
        tag: T,
        events: mpsc::Sender<(T, BusEvent)>,
    ) -> Self {
        let (queue, outgoing) = mpsc::channel(QUEUE_MAX);
        let task = tokio::spawn(Task { options, outgoing, tag, events, told: None }.run());
        Self { queue, task }
    }

    /// Hands a message to the client's task. Never waits.
    pub(crate) fn publish(&self, frame: Frame) -> Result<(), QueueFull> {
        self.queue.try_send(frame).map_err(|_| {
            metrics().client_queue_full.with_label_values(&["foreign"]).inc();
            QueueFull
        })
    }

    /// Says goodbye after what is queued, and waits until it is said, but no longer than three seconds.
    pub(crate) async fn close(self) {
        drop(self.queue);
        let _ = self.task.await;
    }
}

struct Task<T> {
    options: PlainOptions,
    outgoing: mpsc::Receiver<Frame>,
    tag: T,
    events: mpsc::Sender<(T, BusEvent)>,
    /// What the listener knows about why there is no connection.
    told: Option<String>,
}

/// Why a connection ended.
enum End {
    /// For good.
    Over,
    /// The next may stand.
    Lost(String),
    /// The broker does not want this client as it is.
    Refused(String),
}

impl<T: Copy + Send + Sync + 'static> Task<T> {
    async fn run(mut self) {
        let mut steadiness = Steadiness::default();
        loop {
            let Login { client_id, credentials } = (self.options.login)();
            let mqtt = self.options.mqtt(&client_id, credentials);
            let began = Instant::now();
            match self.connection(mqtt).await {
                End::Over => return,
                End::Lost(reason) => {
                    steadiness.lost(began.elapsed());
                    self.tell_trouble(BusEvent::Disconnected { reason: reason.clone() }, reason).await;
                }
                End::Refused(reason) => {
                    steadiness.refused();
                    self.tell_trouble(BusEvent::Refused { reason: reason.clone() }, reason).await;
                }
            }
            let again = Instant::now() + backoff(&client_id, steadiness.failures());
            // Meanwhile nothing is kept: it is told anew when it is back.
            loop {
                tokio::select! {
                    () = sleep_until(again) => break,
                    frame = self.outgoing.recv() => if frame.is_none() { return },
                }
            }
        }
    }

    /// One connection, from the first packet to its end.
    async fn connection(&mut self, mqtt: MqttOptions) -> End {
        let (client, mut event_loop) = AsyncClient::new(mqtt, QUEUE_MAX);
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        network.set_connection_timeout(CONNECT_WITHIN_S);
        event_loop.set_network_options(network);
        let mut connection = Connection { client, ready: false, leaving: None };
        loop {
            let end = match self.poll(&mut event_loop, &mut connection).await {
                None | Some(Err(_)) if connection.leaving.is_some() => Some(End::Over),
                None => Some(End::Over),
                Some(Ok(event)) => self.take(event, &mut connection).await,
                Some(Err(error)) => Some(end_of(&error)),
            };
            if let Some(end) = end {
                return end;
            }
        }
    }

    /// The next event, feeding rumqttc meanwhile. `None` = the goodbye took too long.
    ///
    /// The poll is never given up half-way: a packet could be half written.
    async fn poll(
        &mut self,
        event_loop: &mut EventLoop,
        connection: &mut Connection,
    ) -> Option<Result<Event, ConnectionError>> {
        let mut poll = std::pin::pin!(event_loop.poll());
        loop {
            let deadline = connection.leaving;
            tokio::select! {
                outcome = &mut poll => return Some(outcome),
                frame = self.outgoing.recv(), if deadline.is_none() => match frame {
                    Some(frame) if connection.ready => connection.publish(frame),
                    Some(_) => {}
                    None if !connection.ready => return None,
                    None => {
                        let _ = connection.client.try_disconnect();
                        connection.leaving = Some(Instant::now() + FLUSH_WITHIN);
                    }
                },
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => return None,
            }
        }
    }

    async fn take(&mut self, event: Event, connection: &mut Connection) -> Option<End> {
        match event {
            Event::Outgoing(Outgoing::Disconnect) => {
                // What is on its way to the broker should arrive before this side closes.
                sleep(super::task::LINGER).await;
                return Some(End::Over);
            }
            Event::Incoming(Incoming::ConnAck(_)) if self.options.filters.is_empty() => {
                self.stand(connection).await;
            }
            Event::Incoming(Incoming::ConnAck(_)) => {
                let filters = self.options.filters.iter();
                let filters = filters.map(|path| SubscribeFilter::new(path.clone(), QoS::AtLeastOnce));
                if connection.client.try_subscribe_many(filters).is_err() {
                    return Some(End::Refused("a filter is malformed".to_owned()));
                }
            }
            Event::Incoming(Incoming::SubAck(ack)) => {
                if ack.return_codes.contains(&SubscribeReasonCode::Failure) {
                    return Some(End::Refused("a subscription is refused".to_owned()));
                }
                self.stand(connection).await;
            }
            Event::Incoming(Incoming::Publish(publish)) => {
                let received = Received::plain(publish.topic, publish.payload, publish.retain);
                self.tell(BusEvent::Message(received)).await;
            }
            Event::Incoming(_) | Event::Outgoing(_) => {}
        }
        None
    }

    async fn stand(&mut self, connection: &mut Connection) {
        connection.ready = true;
        self.told = None;
        self.tell(BusEvent::Connected).await;
    }

    async fn tell_trouble(&mut self, event: BusEvent, reason: String) {
        if self.told.as_ref() != Some(&reason) {
            self.told = Some(reason);
            self.tell(event).await;
        }
    }

    /// Waits for room, unless the handle is closed: then nobody has to listen any more.
    async fn tell(&mut self, event: BusEvent) {
        if self.outgoing.is_closed() {
            return;
        }
        let _ = self.events.send((self.tag, event)).await;
    }
}

/// One connection.
struct Connection {
    client: AsyncClient,
    /// Every subscription is granted.
    ready: bool,
    /// The goodbye is among what rumqttc has to send; when that takes too long.
    leaving: Option<Instant>,
}

impl Connection {
    fn publish(&self, frame: Frame) {
        let Frame { topic, payload, channel, .. } = frame;
        if self.client.try_publish(topic, qos_level(channel), channel.retain, payload).is_err() {
            tracing::debug!("message dropped: the client's queue is full");
        }
    }
}

impl PlainOptions {
    fn mqtt(&self, client_id: &str, credentials: Option<(String, String)>) -> MqttOptions {
        let mut mqtt = MqttOptions::new(client_id, &self.address.host, self.address.port);
        mqtt.set_keep_alive(KEEP_ALIVE);
        mqtt.set_max_packet_size(PACKET_BYTES_MAX as usize, PACKET_BYTES_MAX as usize);
        mqtt.set_inflight(INFLIGHT_MAX);
        mqtt.set_transport(transport(&self.address));
        if let Some((username, password)) = credentials {
            mqtt.set_credentials(username, password);
        }
        if let Some(will) = &self.will {
            let (qos, retain) = (qos_level(will.channel), will.channel.retain);
            mqtt.set_last_will(LastWill::new(&will.topic, will.payload.clone(), qos, retain));
        }
        mqtt
    }
}

fn end_of(error: &ConnectionError) -> End {
    match error {
        ConnectionError::ConnectionRefused(ConnectReturnCode::ServiceUnavailable) => {
            End::Lost("the broker is not ready".to_owned())
        }
        ConnectionError::ConnectionRefused(code) => End::Refused(match code {
            ConnectReturnCode::BadClientId => "the client id is refused".to_owned(),
            ConnectReturnCode::BadUserNamePassword => "wrong user name or password".to_owned(),
            ConnectReturnCode::NotAuthorized => "not authorised".to_owned(),
            other => format!("the broker answers {other:?}"),
        }),
        other => End::Lost(other.to_string()),
    }
}

/// Tests against real brokers are in `tests/`.
#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_refusal_is_told_from_a_loss() {
        let refused = |code| matches!(end_of(&ConnectionError::ConnectionRefused(code)), End::Refused(_));
        assert!(refused(ConnectReturnCode::BadUserNamePassword));
        assert!(refused(ConnectReturnCode::BadClientId));
        assert!(!refused(ConnectReturnCode::ServiceUnavailable));
        assert!(matches!(end_of(&ConnectionError::NetworkTimeout), End::Lost(_)));
    }

    #[test]
    fn a_lost_connection_is_tried_again_later_and_later() {
        let mut steadiness = Steadiness::default();
        let mut wait = Duration::ZERO;
        for _ in 0..5 {
            steadiness.lost(Duration::ZERO);
            let next = backoff("p_1", steadiness.failures());
            assert!(next > wait / 2, "{next:?} after {wait:?}");
            wait = next;
        }
        steadiness.lost(Duration::from_secs(3_600));
        assert_eq!(steadiness.failures(), 1);
    }
}
