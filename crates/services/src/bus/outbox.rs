//! What one client still has to send.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rumqttc::v5::mqttbytes::v5::Publish;
use tokio::sync::{Notify, watch};

use super::{PACKET_BYTES_MAX, QueueFull};
use crate::metrics::metrics;

/// Messages waiting in one service, connected or not; beyond it the outbox is full.
const SERVICE_MAX: usize = 16_384;
/// The same for a device, of which there are thousands.
const DEVICE_MAX: usize = 32;
/// The most that properties and header add to topic and payload of what this city sends \[bytes\].
const HEADER_BYTES_MAX: usize = 1_024;

/// How far the client is with its goodbye.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Open,
    Closing,
    Ended,
}

/// The queue between those who publish and the client's task.
#[derive(Debug)]
pub(super) struct Outbox {
    queue: Mutex<VecDeque<Queued>>,
    max: usize,
    /// What kind of client it is, for the metrics.
    class: &'static str,
    refused: AtomicU64,
    /// Messages that were taken and are over.
    done: AtomicU64,
    phase: watch::Sender<Phase>,
    /// Rings when there is something new for the task: a message, or the goodbye.
    bell: Notify,
}

/// A message, and from when on it is worthless.
#[derive(Debug)]
struct Queued {
    publish: Publish,
    expires: Option<Instant>,
}

impl Outbox {
    pub(super) fn new(device: bool) -> Self {
        Self {
            queue: Mutex::default(),
            max: if device { DEVICE_MAX } else { SERVICE_MAX },
            class: if device { "device" } else { "service" },
            refused: AtomicU64::new(0),
            done: AtomicU64::new(0),
            phase: watch::Sender::new(Phase::Open),
            bell: Notify::new(),
        }
    }

    /// Takes a message, unless there is no room.
    pub(super) fn push(&self, publish: Publish) -> Result<(), QueueFull> {
        let size = publish.topic.len() + publish.payload.len() + HEADER_BYTES_MAX;
        let sendable = rumqttc::valid_topic(&String::from_utf8_lossy(&publish.topic));
        if !sendable || size > PACKET_BYTES_MAX as usize || self.is_closing() {
            self.refuse(&publish, "it cannot be sent");
            return Ok(());
        }
        let mut queue = self.queue();
        if queue.len() >= self.max {
            self.refused.fetch_add(1, Ordering::Relaxed);
            metrics().client_queue_full.with_label_values(&[self.class]).inc();
            return Err(QueueFull);
        }
        queue.push_back(Queued::from(publish));
        drop(queue);
        self.bell.notify_one();
        Ok(())
    }

    /// The next message that is still worth sending.
    pub(super) fn pop(&self) -> Option<Publish> {
        let mut queue = self.queue();
        loop {
            let Some(queued) = queue.pop_front() else {
                // Thousands of queues stand empty most of the time.
                *queue = VecDeque::new();
                return None;
            };
            if queued.expires.is_none_or(|at| at > Instant::now()) {
                return Some(queued.publish);
            }
            self.refuse(&queued.publish, "it expired before there was a connection");
        }
    }

    /// Puts messages back in front, in this order. They may exceed the maximum: it is for new ones.
    pub(super) fn put_back(&self, messages: Vec<Publish>) {
        let mut queue = self.queue();
        for publish in messages.into_iter().rev() {
            queue.push_front(Queued::from(publish));
        }
    }

    /// Counts and logs a message that will not be sent.
    pub(super) fn refuse(&self, publish: &Publish, why: &str) {
        self.count_refused();
        self.count_done();
        tracing::debug!(topic = %String::from_utf8_lossy(&publish.topic), why, "message dropped");
    }

    /// Counts a message that the broker refused.
    pub(super) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        metrics().client_refused.with_label_values(&[self.class]).inc();
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Counts a message that the broker has, or that is gone for good.
    pub(super) fn count_done(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Begins the goodbye.
    pub(super) fn close(&self) {
        self.advance(Phase::Closing);
        self.bell.notify_one();
    }

    pub(super) fn is_closing(&self) -> bool {
        *self.phase.borrow() != Phase::Open
    }

    /// Waits until the goodbye begins.
    pub(super) async fn closing(&self) {
        self.reached(Phase::Closing).await;
    }

    /// The task is over.
    pub(super) fn end(&self) {
        self.advance(Phase::Ended);
    }

    /// Waits until the task is over.
    pub(super) async fn ended(&self) {
        self.reached(Phase::Ended).await;
    }

    /// Waits until there may be something new.
    pub(super) async fn news(&self) {
        self.bell.notified().await;
    }

    fn advance(&self, to: Phase) {
        self.phase.send_if_modified(|phase| {
            let later = to > *phase;
            *phase = to.max(*phase);
            later
        });
    }

    async fn reached(&self, wanted: Phase) {
        // Fails only when the sender is gone, and that is here.
        let _ = self.phase.subscribe().wait_for(|phase| *phase >= wanted).await;
    }

    /// A panic elsewhere cannot leave the queue half changed: every change is one call.
    fn queue(&self) -> MutexGuard<'_, VecDeque<Queued>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Publish> for Queued {
    fn from(publish: Publish) -> Self {
        let expiry_s = publish.properties.as_ref().and_then(|properties| properties.message_expiry_interval);
        let expires = expiry_s.map(|seconds| Instant::now() + Duration::from_secs(seconds.into()));
        Self { publish, expires }
    }
}

#[cfg(test)]
mod tests {
    use rumqttc::v5::mqttbytes::QoS;

    use super::*;

    fn message(topic: &str) -> Publish {
        Publish::new(topic, QoS::AtLeastOnce, "x", None)
    }

    #[test]
    fn a_full_outbox_refuses_and_counts() {
        let outbox = Outbox::new(true);
        for _ in 0..DEVICE_MAX {
            outbox.push(message("a")).unwrap();
        }
        assert_eq!(outbox.push(message("a")), Err(QueueFull));
        assert_eq!(outbox.refused(), 1);
        outbox.pop().unwrap();
        outbox.push(message("a")).unwrap();
    }

    #[test]
    fn what_cannot_be_sent_does_not_block_what_can() {
        let outbox = Outbox::new(false);
        for bad in ["a/+", "#"] {
            outbox.push(message(bad)).unwrap();
        }
        let huge = vec![0; PACKET_BYTES_MAX as usize];
        outbox.push(Publish::new("a", QoS::AtLeastOnce, huge, None)).unwrap();
        outbox.push(message("good")).unwrap();
        assert_eq!(outbox.pop().map(|publish| publish.topic), Some("good".into()));
        assert_eq!(outbox.refused(), 3);
    }

    #[test]
    fn an_expired_message_is_not_sent() {
        let outbox = Outbox::new(false);
        let mut late = message("late");
        late.properties = Some(rumqttc::v5::mqttbytes::v5::PublishProperties {
            message_expiry_interval: Some(0),
            ..Default::default()
        });
        outbox.push(late).unwrap();
        assert_eq!(outbox.pop(), None);
        assert_eq!((outbox.refused(), outbox.done()), (1, 1));
    }

    #[test]
    fn what_comes_back_goes_first_and_in_order() {
        let outbox = Outbox::new(false);
        outbox.push(message("c")).unwrap();
        outbox.put_back(vec![message("a"), message("b")]);
        let order: Vec<_> = std::iter::from_fn(|| outbox.pop()).map(|publish| publish.topic).collect();
        assert_eq!(order, ["a", "b", "c"]);
    }
}
