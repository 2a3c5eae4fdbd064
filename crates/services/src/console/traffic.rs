//! What went over the bus lately: how much on which topics, the last messages of each, dead letters.

use std::collections::VecDeque;

use serde_json::{Value, json};
use types::Timestamp;
use wire::{CHANNELS, DeadLetter, Message, ReplyBody, RoleName, Topic, filter_matches};

/// Messages kept of each row of the table, so that those of busy topics do not push out the others'.
const KEPT_MAX: usize = 64;
/// The longest payload that is kept whole \[bytes\].
const PAYLOAD_BYTES_MAX: usize = 4_096;
/// Dead letters kept.
const DEAD_MAX: usize = 200;
/// Topics that are in no row of the table.
const OTHERS: usize = CHANNELS.len();

/// The traffic of late.
#[derive(Debug)]
pub(crate) struct Traffic {
    /// What topics begin with.
    prefix: String,
    /// By the row of the table; the last is for topics that are in none.
    rows: Vec<Row>,
    dead: VecDeque<(Timestamp, String, DeadLetter)>,
    dead_count: u64,
    /// Messages so far.
    count: u64,
}

#[derive(Clone, Debug, Default)]
struct Row {
    count: u64,
    /// `count` at the last measurement.
    before: u64,
    per_s: f64,
    kept: VecDeque<Kept>,
}

#[derive(Clone, Debug)]
struct Kept {
    number: u64,
    at: Timestamp,
    topic: Box<str>,
    retained: bool,
    bytes: usize,
    payload: Payload,
}

#[derive(Clone, Debug)]
enum Payload {
    Whole(Box<[u8]>),
    /// Its beginning.
    Cut(Box<[u8]>),
    /// It may hold someone's code or bill, or nobody knows what it holds.
    Withheld,
}

/// A message as it came in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) at: Timestamp,
    pub(crate) topic: &'a str,
    pub(crate) payload: &'a [u8],
    pub(crate) retained: bool,
    /// What it says; `None` if it cannot be read.
    pub(crate) message: Option<&'a Message>,
}

impl Traffic {
    /// `prefix` – what topics of this run begin with.
    pub(crate) fn new(prefix: String) -> Self {
        Self {
            prefix,
            rows: vec![Row::default(); OTHERS + 1],
            dead: VecDeque::new(),
            dead_count: 0,
            count: 0,
        }
    }

    pub(crate) fn take(&mut self, seen: Seen<'_>) {
        let topic = seen.topic.strip_prefix(&self.prefix).unwrap_or(seen.topic);
        let channel = Topic::parse(topic).map(|topic| topic.channel());
        let place = channel.and_then(|channel| CHANNELS.iter().position(|row| row.name == channel.name));
        let row = &mut self.rows[place.unwrap_or(OTHERS)];
        row.count += 1;
        self.count += 1;
        if row.kept.len() == KEPT_MAX {
            row.kept.pop_front();
        }
        row.kept.push_back(Kept {
            number: self.count,
            at: seen.at,
            topic: topic.into(),
            retained: seen.retained,
            bytes: seen.payload.len(),
            payload: payload_of(&seen),
        });
        if let Some(Message::DeadLetter { consumer, letter }) = seen.message {
            self.dead_count += 1;
            if self.dead.len() == DEAD_MAX {
                self.dead.pop_front();
            }
            self.dead.push_back((seen.at, consumer.to_string(), letter.clone()));
        }
    }

    /// So much time has passed since the last measurement \[ms\].
    pub(crate) fn measure(&mut self, passed_ms: u64) {
        for row in &mut self.rows {
            row.per_s = (row.count - row.before) as f64 * 1_000.0 / passed_ms.max(1) as f64;
            row.before = row.count;
        }
    }

    /// Topics with their rates, and the dead letters, newest first.
    pub(crate) fn overview(&self) -> Value {
        let rows = CHANNELS.iter().zip(&self.rows).map(|(channel, row)| {
            json!({
                "name": channel.name, "address": channel.address, "summary": channel.summary,
                "sender": channel.sender, "count": row.count, "per_s": row.per_s,
            })
        });
        let others = &self.rows[OTHERS];
        let dead = self.dead.iter().rev().map(|(at, consumer, letter)| {
            json!({
                "at_ms": at, "consumer": consumer, "topic": letter.topic, "offset": letter.offset,
                "reason": letter.reason,
            })
        });
        json!({
            "topics": rows.collect::<Vec<_>>(),
            "others": { "count": others.count, "per_s": others.per_s },
            "dead": dead.collect::<Vec<_>>(),
            "dead_count": self.dead_count,
        })
    }

    /// The newest messages whose topic fits `filter`, newest first; the prefix may be left out.
    pub(crate) fn messages(&self, filter: &str, most: usize) -> Value {
        let filter = filter.strip_prefix(&self.prefix).unwrap_or(filter);
        let fits = |kept: &&Kept| filter_matches(filter, &kept.topic);
        let mut found: Vec<&Kept> = self.rows.iter().flat_map(|row| &row.kept).filter(fits).collect();
        found.sort_by_key(|kept| std::cmp::Reverse(kept.number));
        found.into_iter().take(most).map(Kept::head).collect()
    }

    /// One message, as long as it is kept.
    pub(crate) fn message(&self, number: u64) -> Option<Value> {
        let kept = self.rows.iter().flat_map(|row| &row.kept).find(|kept| kept.number == number)?;
        let mut value = kept.head();
        let (text, note) = match &kept.payload {
            Payload::Whole(bytes) => (pretty(bytes), None),
            Payload::Cut(bytes) => (String::from_utf8_lossy(bytes).into_owned(), Some("cut")),
            Payload::Withheld => (String::new(), Some("withheld")),
        };
        value["payload"] = text.into();
        value["note"] = note.into();
        Some(value)
    }
}

impl Kept {
    fn head(&self) -> Value {
        json!({
            "number": self.number, "at_ms": self.at, "topic": self.topic, "bytes": self.bytes,
            "retained": self.retained,
        })
    }
}

fn payload_of(seen: &Seen<'_>) -> Payload {
    if seen.message.is_none_or(is_personal) {
        return Payload::Withheld;
    }
    match seen.payload.get(..PAYLOAD_BYTES_MAX) {
        Some(beginning) if seen.payload.len() > PAYLOAD_BYTES_MAX => Payload::Cut(beginning.into()),
        _ => Payload::Whole(seen.payload.into()),
    }
}

/// Whether it is a question or an answer of e-ID or payment: these carry codes and bills of people.
fn is_personal(message: &Message) -> bool {
    match message {
        Message::Request(request) => matches!(
            request.body.service(),
            RoleName::Issuer | RoleName::Verifier | RoleName::Payer | RoleName::Clinic
        ),
        Message::Reply(reply) => !matches!(
            reply.body,
            ReplyBody::Dim(_)
                | ReplyBody::DimRefused(_)
                | ReplyBody::DimGroup(_)
                | ReplyBody::Firmware(_)
                | ReplyBody::Clock(_)
                | ReplyBody::Walk(_)
        ),
        _ => false,
    }
}

/// JSON with a line for each value; anything else as it is.
fn pretty(bytes: &[u8]) -> String {
    let value: Result<Value, _> = serde_json::from_slice(bytes);
    value
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests;
