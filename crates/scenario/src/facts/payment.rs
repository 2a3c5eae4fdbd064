//! What the payer tells of accounts, limits and the books of a day.

use medpay::reconcile::Difference;
use medpay::{Entry, PayEvent};
use wire::{Event, EventBody, Message};

use super::bills::{BILL, PROVIDER};
use super::identity::RESIDENT;
use super::kinds::{Field, field};
use super::{AMOUNT, NUMBER, Type, Value};

pub(super) const ENTRY: &[Field] = &[
    RESIDENT,
    field("account", Type::Word(&["own", "family"]), |message| {
        entry(message, |entry| Value::word(&entry.account))
    }),
    field("amount_fen", AMOUNT, |message| entry(message, |entry| Value::Number(entry.amount.get() as f64))),
    field("settlement", Type::Text, |message| entry(message, |entry| Value::id(&entry.settlement))),
];

pub(super) const FLAGGED: &[Field] = &[
    RESIDENT,
    BILL,
    field("rule", Type::Word(&["daily", "hourly", "offline"]), |message| {
        told(message, |event| match event {
            PayEvent::RiskFlagged { rule, .. } => Value::word(rule),
            _ => Value::Missing,
        })
    }),
];

pub(super) const CLOSED: &[Field] = &[
    PROVIDER,
    DAY,
    field("paid_out_fen", AMOUNT, |message| {
        told(message, |event| match event {
            PayEvent::ReconClosed { paid_out, .. } => Value::Number(paid_out.get() as f64),
            _ => Value::Missing,
        })
    }),
];

pub(super) const DIFF: &[Field] = &[
    PROVIDER,
    DAY,
    field("class", CLASS, |message| difference(message, |difference| Value::word(&difference.class))),
    field("amount_fen", NUMBER, |message| {
        difference(message, |difference| Value::Number(difference.amount as f64))
    }),
    field("settlement", Type::Text, |message| {
        difference(message, |difference| Value::id(&difference.settlement))
    }),
];

/// The day of business.
const DAY: Field = field("day", Type::Text, |message| {
    told(message, |event| match event {
        PayEvent::ReconClosed { day, .. } | PayEvent::ReconDiff { day, .. } => Value::id(day),
        _ => Value::Missing,
    })
});
const CLASS: Type = Type::Word(&[
    "platform_only",
    "hospital_only",
    "amount_diff",
    "split_diff",
    "duplicate",
    "date_shift",
    "refund_missing",
]);

fn entry(message: &Message, part: fn(&Entry) -> Value) -> Value {
    told(message, |event| match event {
        PayEvent::AccountDebited(entry) | PayEvent::AccountCredited(entry) => part(entry),
        _ => Value::Missing,
    })
}

fn difference(message: &Message, part: fn(&Difference) -> Value) -> Value {
    told(message, |event| match event {
        PayEvent::ReconDiff { difference, .. } => part(difference),
        _ => Value::Missing,
    })
}

fn told(message: &Message, part: impl Fn(&PayEvent) -> Value) -> Value {
    match message {
        Message::Event(Event { body: EventBody::Pay(event), .. }) => part(event),
        _ => Value::Missing,
    }
}
