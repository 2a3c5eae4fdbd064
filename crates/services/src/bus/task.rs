//! The task of one client: connects, subscribes, sends, receives, and starts over.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason, Publish, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, ClientError, ConnectionError, Event, EventLoop, Request};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::outbox::Outbox;
use super::packets::{self, Trouble};
use super::{BusEvent, ClientOptions, FLUSH_WITHIN};

/// Messages handed to rumqttc ahead of the network. More would only have to be taken back when the connection breaks.
const AHEAD_MAX: usize = 32;
/// Waits between two tries to connect: the first, doubled each time up to the last.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// A connection that stands this long is worth an immediate return when it breaks.
const STEADY: Duration = Duration::from_secs(10);
/// How long the broker may be silent after the goodbye before the connection is closed from this side.
///
/// Not at once: to close with acknowledgements unread resets the connection, and the broker may then lose what it has
/// not read. And not only when the broker closes: rmqtt 0.24 does not.
pub(super) const LINGER: Duration = Duration::from_millis(100);
/// Connections in a row that stood, but not for long, before a second client with the same id is suspected.
///
/// MQTT 5.0, 3.1.4 has the broker say "session taken over", but rmqtt 0.24 closes the connection before it says so,
/// and Mosquitto 2.0.11 says nothing: the two clients would push each other out as fast as they can.
const BRIEF_MAX: u32 = 3;

/// Drives a client until its goodbye, or until nobody listens any more.
pub(super) async fn run<T: Copy + Send + Sync + 'static>(
    options: ClientOptions,
    outbox: Arc<Outbox>,
    tag: T,
    events: mpsc::Sender<(T, BusEvent)>,
) {
    let task = Task { options, outbox: outbox.clone(), tag, events, failures: 0, brief: 0, told: None };
    // Also when the task is dropped half-way: `closed` must not wait for a task that is no more.
    let _end = EndGuard(outbox);
    task.run().await;
}

struct EndGuard(Arc<Outbox>);

impl Drop for EndGuard {
    fn drop(&mut self) {
        self.0.end();
    }
}

struct Task<T> {
    options: ClientOptions,
    outbox: Arc<Outbox>,
    tag: T,
    events: mpsc::Sender<(T, BusEvent)>,
    /// Connections in a row that did not come to stand for long.
    failures: u32,
    /// Those among them that stood.
    brief: u32,
    /// What the listener knows about why there is no connection.
    told: Option<String>,
}

/// One connection.
struct Connection {
    client: AsyncClient,
    /// Since when every subscription is granted.
    ready: Option<Instant>,
    /// The goodbye is among what rumqttc has to send.
    leaving: bool,
    /// When the goodbye takes too long.
    deadline: Option<Instant>,
    /// The goodbye is sent; when the broker has been silent for long enough.
    silent: Option<Instant>,
    /// The newest packet id, to tell which unacknowledged message is older.
    newest: u16,
}

/// How a connection ended.
enum End {
    /// For good.
    Over,
    /// With trouble.
    Trouble(Trouble),
}

impl<T: Copy + Send + Sync + 'static> Task<T> {
    async fn run(mut self) {
        loop {
            let End::Trouble(trouble) = self.connection().await else { return };
            match trouble {
                Trouble::Lost(_) if self.brief >= BRIEF_MAX => {
                    let reason = "each connection is lost soon: is there another client with this client id?";
                    self.failures = u32::MAX;
                    self.tell_trouble(reason.to_owned(), true).await;
                }
                Trouble::Lost(reason) => self.tell_trouble(reason, false).await,
                Trouble::TooLarge(max) => {
                    self.tell_trouble(format!("the broker takes at most {max} bytes"), false).await;
                }
                Trouble::Refused(reason) => {
                    self.failures = u32::MAX;
                    self.tell_trouble(reason, true).await;
                }
                Trouble::TakenOver => {
                    self.tell_trouble("another client came with the same client id".to_owned(), true).await;
                    return;
                }
            }
            self.failures = self.failures.saturating_add(1);
            tokio::select! {
                () = sleep(backoff(&self.options.client_id, self.failures)) => {}
                () = self.events.closed() => return,
                // Without a connection there is no way to send what is queued.
                () = self.outbox.closing() => return,
            }
        }
    }

    /// One connection, from the first packet to what is left of it.
    async fn connection(&mut self) -> End {
        // A new event loop each time: the old one may wait for ever for an acknowledgement of a lost session.
        let (client, mut event_loop) = AsyncClient::new(packets::options(&self.options), AHEAD_MAX);
        let mut connection =
            Connection { client, ready: None, leaving: false, deadline: None, silent: None, newest: 0 };
        let end = loop {
            let end = match self.poll(&mut event_loop, &mut connection).await {
                Some(Ok(event)) => self.take(event, &mut connection).await,
                Some(Err(_)) if connection.leaving => Some(End::Over),
                Some(Err(error)) => Some(End::Trouble(packets::trouble(&error))),
                None => Some(End::Over),
            };
            if let Some(end) = end {
                break end;
            }
        };
        if let End::Trouble(trouble) = &end {
            self.judge(connection.ready);
            self.recover(&mut event_loop, connection.newest, trouble).await;
        }
        end
    }

    /// The next event, feeding rumqttc meanwhile. `None` = nobody waits for it any more.
    ///
    /// The poll is never given up half-way: a packet could be half written.
    async fn poll(
        &self,
        event_loop: &mut EventLoop,
        connection: &mut Connection,
    ) -> Option<Result<Event, ConnectionError>> {
        if event_loop.state.events.is_empty() {
            // rumqttc reserves room for a hundred, and goes round in it: 39 KB for each of thousands of clients.
            event_loop.state.events = VecDeque::new();
        }
        let mut poll = std::pin::pin!(event_loop.poll());
        loop {
            self.feed(connection);
            let deadline = connection.silent.into_iter().chain(connection.deadline).min();
            tokio::select! {
                outcome = &mut poll => return Some(outcome),
                () = self.outbox.news() => {}
                () = self.events.closed() => return None,
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => return None,
            }
        }
    }

    /// Hands rumqttc what it has room for, and the goodbye after the last message.
    fn feed(&self, connection: &mut Connection) {
        let closing = self.outbox.is_closing();
        if closing {
            connection.deadline.get_or_insert_with(|| Instant::now() + FLUSH_WITHIN);
        }
        if connection.ready.is_none() || connection.leaving {
            return;
        }
        while let Some(publish) = self.outbox.pop() {
            let acknowledged = publish.qos != QoS::AtMostOnce;
            if let Some(left) = hand_over(&connection.client, publish) {
                self.outbox.put_back(vec![left]);
                return;
            }
            if !acknowledged {
                self.outbox.count_done();
            }
        }
        if closing {
            connection.leaving = connection.client.try_disconnect().is_ok();
        }
    }

    async fn take(&mut self, event: Event, connection: &mut Connection) -> Option<End> {
        let sent_goodbye = matches!(event, Event::Outgoing(rumqttc::Outgoing::Disconnect));
        if sent_goodbye || connection.silent.is_some() {
            connection.silent = Some(Instant::now() + LINGER);
        }
        match event {
            Event::Outgoing(rumqttc::Outgoing::Publish(id)) => connection.newest = id,
            Event::Outgoing(_) => {}
            Event::Incoming(Packet::ConnAck(_)) if self.options.filters.is_empty() => {
                self.stand(connection).await
            }
            Event::Incoming(Packet::ConnAck(_)) => {
                // Before any message: their packet ids and that of the subscription could be the same.
                let sent = connection.client.try_subscribe_many(packets::filters(&self.options));
                return sent.err().map(|_| refused("a filter is malformed".to_owned()));
            }
            Event::Incoming(Packet::SubAck(ack)) => match self.first_refused(&ack.return_codes) {
                Some(reason) => return Some(refused(reason)),
                None => self.stand(connection).await,
            },
            Event::Incoming(Packet::Publish(publish)) => {
                self.tell(BusEvent::Message(packets::received(publish))).await;
            }
            Event::Incoming(Packet::PubAck(ack)) => {
                self.outbox.count_done();
                if !matches!(ack.reason, PubAckReason::Success | PubAckReason::NoMatchingSubscribers) {
                    tracing::warn!(client_id = self.options.client_id, reason = ?ack.reason, "message refused by the broker");
                    self.outbox.count_refused();
                }
            }
            Event::Incoming(_) => {}
        }
        None
    }

    async fn stand(&mut self, connection: &mut Connection) {
        connection.ready = Some(Instant::now());
        // What was suspected is not disproved by one more connection.
        if self.brief < BRIEF_MAX {
            self.told = None;
        }
        self.tell(BusEvent::Connected).await;
    }

    /// Takes note of how long the connection stood.
    fn judge(&mut self, ready: Option<Instant>) {
        match ready {
            Some(since) if since.elapsed() >= STEADY => (self.failures, self.brief) = (0, 0),
            Some(_) => self.brief = self.brief.saturating_add(1),
            None => {}
        }
    }

    fn first_refused(&self, codes: &[SubscribeReasonCode]) -> Option<String> {
        let granted =
            |code: Option<&SubscribeReasonCode>| matches!(code, Some(SubscribeReasonCode::Success(_)));
        let (index, filter) =
            self.options.filters.iter().enumerate().find(|(index, _)| !granted(codes.get(*index)))?;
        Some(format!("subscription to `{}` refused: {:?}", filter, codes.get(index)))
    }

    /// Saves what a broken connection leaves: messages received and acknowledged but not told yet, and messages not
    /// acknowledged by the broker, which go back into the queue, oldest first.
    async fn recover(&self, event_loop: &mut EventLoop, newest: u16, trouble: &Trouble) {
        for event in std::mem::take(&mut event_loop.state.events) {
            match event {
                Event::Incoming(Packet::Publish(publish)) => {
                    self.tell(BusEvent::Message(packets::received(publish))).await;
                }
                Event::Incoming(Packet::PubAck(_)) => self.outbox.count_done(),
                _ => {}
            }
        }
        let collided = event_loop.state.collision.take();
        event_loop.clean();
        let (mut unacknowledged, unsent): (Vec<_>, Vec<_>) = std::mem::take(&mut event_loop.pending)
            .into_iter()
            .filter_map(|request| match request {
                Request::Publish(publish) => Some(publish),
                _ => None,
            })
            .partition(|publish| publish.pkid != 0);
        // Packet ids go round: those above the newest are from the round before.
        unacknowledged.sort_by_key(|publish| (publish.pkid <= newest, publish.pkid));
        let messages = unacknowledged.into_iter().chain(collided).chain(unsent);
        self.outbox.put_back(messages.filter(|publish| self.fits(publish, trouble)).map(afresh).collect());
    }

    /// Whether the broker takes a message of this size: one that it does not would end every connection.
    fn fits(&self, publish: &Publish, trouble: &Trouble) -> bool {
        let size = publish.topic.len() + publish.payload.len();
        let fits = !matches!(trouble, Trouble::TooLarge(max) if size.saturating_add(256) > *max as usize);
        if !fits {
            self.outbox.refuse(publish, "the broker takes only smaller ones");
        }
        fits
    }

    async fn tell_trouble(&mut self, reason: String, refused: bool) {
        if self.told.as_ref() == Some(&reason) || (self.told.is_some() && !refused) {
            tracing::debug!(client_id = self.options.client_id, reason, "still no connection");
            return;
        }
        self.told = Some(reason.clone());
        self.tell(if refused { BusEvent::Refused { reason } } else { BusEvent::Disconnected { reason } })
            .await;
    }

    /// Waits for room, and meanwhile reads nothing. The listener is not waiting for this task: [`Outbox::push`] never
    /// waits, and once the goodbye began nobody has to listen any more. A listener that is gone is noticed in `poll`.
    async fn tell(&self, event: BusEvent) {
        tokio::select! {
            biased;
            _ = self.events.send((self.tag, event)) => {}
            () = self.outbox.closing() => {}
        }
    }
}

fn refused(reason: String) -> End {
    End::Trouble(Trouble::Refused(reason))
}

/// Gives the message back if there is no room.
fn hand_over(client: &AsyncClient, publish: Publish) -> Option<Publish> {
    let topic = String::from_utf8_lossy(&publish.topic).into_owned();
    let Publish { qos, retain, payload, properties, .. } = publish;
    match client.try_publish_with_properties(topic, qos, retain, payload, properties.unwrap_or_default()) {
        Err(
            ClientError::TryRequest(Request::Publish(left)) | ClientError::Request(Request::Publish(left)),
        ) => Some(left),
        Ok(()) | Err(_) => None,
    }
}

/// As if it had never been sent: the next session knows nothing of it.
fn afresh(mut publish: Publish) -> Publish {
    publish.pkid = 0;
    publish.dup = false;
    publish
}

/// How often in a row a connection did not come to stand for long, for a client that does not look closer.
#[derive(Debug, Default)]
pub(super) struct Steadiness(u32);

impl Steadiness {
    /// A connection is lost, or never stood, after so long.
    pub(super) fn lost(&mut self, stood: Duration) {
        self.0 = if stood >= STEADY { 1 } else { self.0.saturating_add(1) };
    }

    /// The broker does not want this client: the longest wait.
    pub(super) fn refused(&mut self) {
        self.0 = u32::MAX;
    }

    pub(super) fn failures(&self) -> u32 {
        self.0
    }
}

/// How long to wait before the next try: doubled each time, and spread so that thousands do not come back at once.
pub(super) fn backoff(client_id: &str, failures: u32) -> Duration {
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
    fn the_wait_grows_and_is_bounded() {
        let waits: Vec<_> = (1..20).map(|failures| backoff("l-0001", failures)).collect();
        assert!(waits[0] <= BACKOFF.0, "{waits:?}");
        assert!(waits[10] >= BACKOFF.1 / 2 && waits.iter().all(|wait| *wait <= BACKOFF.1), "{waits:?}");
    }

    #[test]
    fn clients_that_fail_together_do_not_come_back_together() {
        let waits: std::collections::BTreeSet<_> =
            (0..1_000).map(|number| backoff(&format!("l-{number:04}"), 1)).collect();
        assert!(waits.len() > 300, "{} different waits", waits.len());
    }
}
