//! What messages say of bills and of who pays which part.

use medpay::{PayEvent, PresettleReply, SettleReply, Split, VisitReply};
use wire::{EventBody, Message, ReplyBody, RequestBody, WalkEvent};

use super::kinds::{Field, field};
use super::{AMOUNT, NUMBER, Type, Value};

pub(super) const BILL: Field = field("bill", Type::Text, |message| match message {
    Message::Event(event) => match &event.body {
        EventBody::Pay(
            PayEvent::BillCreated { bill, .. }
            | PayEvent::BillPresettled { bill, .. }
            | PayEvent::BillSettled { bill, .. }
            | PayEvent::BillReversed { bill, .. }
            | PayEvent::BillReleased { bill, .. }
            | PayEvent::SettlementRefused { bill, .. }
            | PayEvent::RiskFlagged { bill, .. },
        ) => Value::id(bill),
        _ => Value::Missing,
    },
    Message::Request(request) => match &request.body {
        RequestBody::Presettle(body) => Value::id(&body.bill.id),
        RequestBody::Settle(body) | RequestBody::Till(body) => Value::id(&body.bill),
        _ => Value::Missing,
    },
    Message::Reply(reply) => match &reply.body {
        ReplyBody::Presettle(PresettleReply::Presettled { bill, .. })
        | ReplyBody::Visit(VisitReply::Billed { bill, .. })
        | ReplyBody::Settle(SettleReply::Settled { bill, .. } | SettleReply::Refused { bill, .. })
        | ReplyBody::Till(SettleReply::Settled { bill, .. } | SettleReply::Refused { bill, .. }) => {
            Value::id(bill)
        }
        _ => Value::Missing,
    },
    _ => Value::Missing,
});
pub(super) const PROVIDER: Field = field("provider", Type::Provider, |message| match message {
    Message::Event(event) => match &event.body {
        EventBody::Pay(
            PayEvent::BillCreated { provider, .. }
            | PayEvent::BillSettled { provider, .. }
            | PayEvent::BillReversed { provider, .. }
            | PayEvent::ReconClosed { provider, .. }
            | PayEvent::ReconDiff { provider, .. },
        )
        | EventBody::Walk(WalkEvent::Departed { provider, .. } | WalkEvent::Arrived { provider, .. }) => {
            Value::id(provider)
        }
        _ => Value::Missing,
    },
    Message::Request(request) => match &request.body {
        RequestBody::Visit(body) => Value::id(&body.provider),
        RequestBody::Walk(body) => Value::id(&body.provider),
        _ => Value::Missing,
    },
    _ => Value::Missing,
});
pub(super) const CREATED: &[Field] = &[
    BILL,
    PROVIDER,
    field("total_fen", AMOUNT, |message| match message {
        Message::Event(event) => match &event.body {
            EventBody::Pay(PayEvent::BillCreated { total, .. }) => Value::Number(total.get() as f64),
            _ => Value::Missing,
        },
        _ => Value::Missing,
    }),
];

const SPLIT_FIELDS: [Field; 4] = [
    field("total_fen", AMOUNT, |message| split_part(message, |split| split.total.get())),
    field("pool_fen", AMOUNT, |message| split_part(message, |split| split.pool.get())),
    field("account_fen", AMOUNT, |message| split_part(message, |split| split.account.get())),
    field("cash_fen", AMOUNT, |message| split_part(message, |split| split.cash.get())),
];
/// What the parts of a split add up to, less its total: 0, or money came from nowhere.
const UNBALANCED: Field = field("unbalanced_fen", NUMBER, |message| {
    split_part(message, |split| {
        split.sources().iter().map(|part| part.get()).sum::<i64>() - split.total.get()
    })
});
pub(super) const PRESETTLED: &[Field] =
    &[BILL, SPLIT_FIELDS[0], SPLIT_FIELDS[1], SPLIT_FIELDS[2], SPLIT_FIELDS[3], UNBALANCED];
pub(super) const SETTLED: &[Field] =
    &[BILL, PROVIDER, SPLIT_FIELDS[0], SPLIT_FIELDS[1], SPLIT_FIELDS[2], SPLIT_FIELDS[3], UNBALANCED];

fn split_part(message: &Message, part: fn(&Split) -> i64) -> Value {
    let split = match message {
        Message::Event(event) => match &event.body {
            EventBody::Pay(PayEvent::BillPresettled { split, .. } | PayEvent::BillSettled { split, .. }) => {
                split
            }
            _ => return Value::Missing,
        },
        Message::Reply(reply) => match &reply.body {
            ReplyBody::Presettle(PresettleReply::Presettled { split, .. })
            | ReplyBody::Visit(VisitReply::Billed { split, .. })
            | ReplyBody::Settle(SettleReply::Settled { split, .. })
            | ReplyBody::Till(SettleReply::Settled { split, .. }) => split,
            _ => return Value::Missing,
        },
        _ => return Value::Missing,
    };
    Value::Number(part(split) as f64)
}
