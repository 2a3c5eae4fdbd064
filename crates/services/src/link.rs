//! How a role reaches the bus.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus::IntGauge;
use tokio::sync::mpsc;
use types::RunId;
use wire::{DeadLetter, DecodeError, Frame, Message, RoleName, decode, encode, prefix};

use crate::access::Secret;
use crate::bus::{BusAddress, BusClient, BusEvent, ClientOptions, Received};
use crate::health::Health;
use crate::metrics::metrics;
use crate::trace::Trace;

/// Events waiting for one role; beyond it the broker queues instead.
pub(crate) const EVENTS_MAX: usize = 1_024;
/// Messages of one role waiting for room in its client; beyond it the newest are dropped, and counted.
const OUTBOX_MAX: usize = 250_000;
/// Dead letters one role publishes; all are counted, but a flood of rubbish must not become two floods.
const DEAD_LETTERS_TOLD_MAX: u64 = 1_000;

/// The longest reason a dead letter gives \[characters\]: a reader's words may quote the payload, which may be secret.
const REASON_CHARS_MAX: usize = 120;

/// The bus of one run, and how to get in.
#[derive(Clone, Debug)]
pub struct Link {
    /// Which broker.
    pub address: BusAddress,
    /// Which city on it.
    pub run: RunId,
    /// What passwords are made from; `None` = a broker that asks for none.
    pub secret: Option<Secret>,
    /// Hears of each role that is on the bus, with every subscription granted.
    pub ready: Option<mpsc::Sender<RoleName>>,
    /// Where the roles of this process say how they are.
    pub health: Health,
}

impl Link {
    /// User name and password of a client.
    pub(crate) fn credentials(&self, username: &str) -> Option<(String, String)> {
        self.secret.as_ref().map(|secret| (username.to_owned(), secret.password_for(username)))
    }

    /// Tells that `role` is on the bus. Told again after each reconnect; who waits for it listens only once.
    pub(crate) fn tell_ready(&self, role: RoleName) {
        if let Some(ready) = &self.ready {
            let _ = ready.try_send(role);
        }
    }

    /// Connects a service.
    pub(crate) fn connect(&self, role: RoleName, filters: &[&str]) -> (Port, mpsc::Receiver<((), BusEvent)>) {
        self.connect_beyond(role, filters, Vec::new())
    }

    /// The same, for one that also listens to topics of another protocol: `foreign` are whole filters.
    pub(crate) fn connect_beyond(
        &self,
        role: RoleName,
        filters: &[&str],
        foreign: Vec<String>,
    ) -> (Port, mpsc::Receiver<((), BusEvent)>) {
        let client_id = role.client_id();
        let prefix = prefix(self.run);
        let mut filters: Vec<String> = filters.iter().map(|filter| format!("{prefix}{filter}")).collect();
        if filters.iter().all(|filter| !filter.ends_with("/#") || filter.len() > prefix.len() + 1) {
            filters.push(format!("{prefix}rsp/{client_id}/#"));
        }
        filters.extend(foreign);
        let options = ClientOptions {
            address: self.address.clone(),
            credentials: self.credentials(&client_id),
            client_id,
            device: false,
            will: None,
            filters,
        };
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        let bus = BusClient::spawn(options, (), sender);
        (
            Port {
                run: self.run,
                role,
                bus,
                outbox: VecDeque::new(),
                waiting: metrics().outbox.with_label_values(&[&role.to_string()]),
                sent: 0,
                dropped: 0,
                dead_letters: Arc::default(),
            },
            events,
        )
    }
}

/// What waits for room: our own message, smaller than its bytes, or one of another protocol.
#[derive(Debug)]
enum Outgoing {
    Message(Option<Trace>, Message),
    Frame(Frame),
}

/// One service's place on the bus: messages in and out.
#[derive(Debug)]
pub(crate) struct Port {
    run: RunId,
    role: RoleName,
    bus: BusClient,
    outbox: VecDeque<Outgoing>,
    /// How many wait there, for the metrics.
    waiting: IntGauge,
    /// Messages given to [`Port::send`], and those of them that were dropped there.
    sent: u64,
    dropped: u64,
    dead_letters: Arc<AtomicU64>,
}

impl Port {
    /// What came in, or `None` if it could not be understood: then it is counted and told as a dead letter.
    pub(crate) fn read(&mut self, received: &Received) -> Option<Message> {
        match decode(self.run, received.delivery()) {
            Ok(message) => Some(message),
            Err(error) => {
                self.not_understood(received.topic(), &error);
                None
            }
        }
    }

    /// Counts a message that could not be understood, and tells of it.
    pub(crate) fn not_understood(&mut self, topic: &str, error: &DecodeError) {
        self.refuse(topic, error.offset(), &error.to_string());
    }

    /// Counts a message that is refused, and tells of it.
    pub(crate) fn refuse(&mut self, topic: &str, offset: usize, reason: &str) {
        let count = self.dead_letters.fetch_add(1, Ordering::Relaxed) + 1;
        metrics().dead_letters.with_label_values(&[&self.role.to_string()]).inc();
        if count <= DEAD_LETTERS_TOLD_MAX {
            let reason = reason.chars().take(REASON_CHARS_MAX).collect();
            let letter = DeadLetter { topic: topic.to_owned(), offset, reason };
            tracing::debug!(role = %self.role, topic = letter.topic, reason = letter.reason, "dead letter");
            self.send(Message::DeadLetter { consumer: self.role.slug(), letter });
        } else {
            metrics().dead_letters_untold.with_label_values(&[&self.role.to_string()]).inc();
        }
    }

    /// Sends as soon as there is room.
    pub(crate) fn send(&mut self, message: Message) {
        self.send_in(None, message);
    }

    /// The same for a message that belongs to a trace.
    pub(crate) fn send_in(&mut self, trace: Option<Trace>, message: Message) {
        self.queue(Outgoing::Message(trace, message));
    }

    /// The same, for a message of another protocol.
    pub(crate) fn send_frame(&mut self, frame: Frame) {
        self.queue(Outgoing::Frame(frame));
    }

    fn queue(&mut self, outgoing: Outgoing) {
        self.sent += 1;
        if self.outbox.len() < OUTBOX_MAX {
            self.outbox.push_back(outgoing);
        } else {
            self.dropped += 1;
            metrics().outbox_dropped.with_label_values(&[&self.role.to_string()]).inc();
            tracing::warn!(role = %self.role, "outbox full, message dropped");
        }
        self.flush();
    }

    /// Hands over what there is room for.
    pub(crate) fn flush(&mut self) {
        self.hand_over();
        self.waiting.set(self.outbox.len() as i64);
    }

    fn hand_over(&mut self) {
        while let Some(outgoing) = self.outbox.front() {
            let (trace, frame) = match outgoing {
                Outgoing::Message(trace, message) => (*trace, encode(self.run, message)),
                Outgoing::Frame(frame) => (None, frame.clone()),
            };
            if self.bus.publish_in(trace, frame).is_err() {
                return;
            }
            self.outbox.pop_front();
        }
    }

    /// Whether something waits for room.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// How many messages were to be sent so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// How many of them are over: the broker has them, or they will never be sent.
    pub(crate) fn done(&self) -> u64 {
        self.bus.done() + self.dropped
    }

    /// Says goodbye, and waits until it is said.
    pub(crate) async fn close(&mut self) {
        self.flush();
        self.bus.disconnect();
        self.bus.closed().await;
    }
}
