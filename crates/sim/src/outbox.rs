//! What a service said and the broker does not have.

use std::collections::BTreeMap;

use scenario::Observer;
use types::Timestamp;
use wire::Message;

use crate::Sim;
use crate::client::{Client, Who};

/// Messages waiting in one service, as live; beyond it what is new is lost.
const WAITING_MAX: usize = 16_384;

/// The messages of one service that wait for a connection, in the order in which they were said.
#[derive(Debug, Default)]
pub(crate) struct Outbox(BTreeMap<u32, Waiting>);

#[derive(Debug)]
struct Waiting {
    message: Message,
    /// From when on it is worthless.
    expires: Option<Timestamp>,
}

impl Sim {
    /// Keeps what a service said as its message number `index`, to be sent when there is a connection. What a luminaire
    /// said is gone: it tells how things stand when it is back.
    pub(crate) fn keep(&mut self, from: Client, index: u32, message: &Message) {
        let Who::Role(place) = from.who() else { return };
        if message.is_lossy() || self.outboxes[place].0.len() == WAITING_MAX {
            return;
        }
        let seconds = wire::encode(self.run, message).channel.expiry_s;
        let expires = seconds.map(|seconds| self.now.plus_millis(i64::from(seconds) * 1_000));
        self.outboxes[place].0.insert(index, Waiting { message: message.clone(), expires });
    }

    /// Sends what waits, the oldest first, if there is a connection.
    pub(crate) fn empty_outbox(&mut self, from: Client, observer: &mut impl Observer) {
        let Who::Role(place) = from.who() else { return };
        if !self.links[place].connected {
            return;
        }
        for (index, waiting) in std::mem::take(&mut self.outboxes[place].0) {
            if waiting.expires.is_none_or(|at| at > self.now) {
                self.send_numbered(from, index, &waiting.message, observer);
            }
        }
    }
}
