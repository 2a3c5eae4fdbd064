//! Whom and what messages of the e-ID are about.

use eid::{EidEvent, EnrolReply, KioskState, Verdict};
use medpay::{Entry, PayEvent};
use wire::{EventBody, Message, ReplyBody, RequestBody, WalkEvent};

use super::kinds::{Field, field};
use super::{Type, Value};

pub(super) const RESIDENT: Field = field("resident", Type::Resident, |message| match message {
    Message::Event(event) => match &event.body {
        EventBody::Eid(
            EidEvent::Enrolled { resident }
            | EidEvent::Issued { resident, .. }
            | EidEvent::Verified { resident, .. }
            | EidEvent::Revoked { resident, .. },
        )
        | EventBody::Pay(
            PayEvent::AccountDebited(Entry { beneficiary: resident, .. })
            | PayEvent::AccountCredited(Entry { beneficiary: resident, .. })
            | PayEvent::RiskFlagged { beneficiary: resident, .. },
        )
        | EventBody::Walk(WalkEvent::Departed { resident, .. } | WalkEvent::Arrived { resident, .. }) => {
            Value::id(resident)
        }
        _ => Value::Missing,
    },
    Message::Request(request) => match &request.body {
        RequestBody::Issue(body) => Value::id(&body.resident),
        RequestBody::Own(body) => Value::id(&body.resident()),
        RequestBody::Holder(body) => Value::id(&body.resident()),
        RequestBody::Walk(body) => Value::id(&body.resident),
        RequestBody::Visit(body) => Value::id(&body.beneficiary),
        _ => Value::Missing,
    },
    Message::Reply(reply) => match &reply.body {
        ReplyBody::Enrol(EnrolReply::Enrolled(resident))
        | ReplyBody::Verify(Verdict::Accepted { resident: Some(resident), .. }) => Value::id(resident),
        _ => Value::Missing,
    },
    _ => Value::Missing,
});
pub(super) const VERIFIER: Field = field("verifier", Type::Text, |message| match message {
    Message::EidKiosk { reader, .. } => Value::id(reader),
    Message::Event(event) => match &event.body {
        EventBody::Eid(EidEvent::Verified { verifier, .. } | EidEvent::Rejected { verifier, .. }) => {
            Value::id(verifier)
        }
        _ => Value::Missing,
    },
    Message::Request(request) => match &request.body {
        RequestBody::Verify(body) => Value::id(&body.verifier),
        _ => Value::Missing,
    },
    _ => Value::Missing,
});
/// How a reader stands.
pub(super) const KIOSK: &[Field] = &[
    VERIFIER,
    field("online", Type::Flag, |message| match message {
        Message::EidKiosk { state, .. } => Value::Flag(*state != KioskState::Offline),
        _ => Value::Missing,
    }),
];
pub(super) const PROFILE: Field =
    field("profile", Type::Word(&["anon", "age", "name", "full"]), |message| match message {
        Message::Event(event) => match &event.body {
            EventBody::Eid(EidEvent::Issued { profile, .. }) => Value::word(profile),
            _ => Value::Missing,
        },
        Message::Request(request) => match &request.body {
            RequestBody::Issue(body) => Value::word(&body.profile),
            _ => Value::Missing,
        },
        _ => Value::Missing,
    });
pub(super) const STATUS: Field =
    field("status", Type::Word(&["revoked", "suspended"]), |message| match message {
        Message::Event(event) => match &event.body {
            EventBody::Eid(EidEvent::Revoked { status, .. }) => Value::word(status),
            _ => Value::Missing,
        },
        _ => Value::Missing,
    });
pub(super) const KEY_STATE: Field =
    field("state", Type::Word(&["next", "active", "retired", "compromised"]), |message| match message {
        Message::Event(event) => match &event.body {
            EventBody::Eid(EidEvent::Key { state, .. }) => Value::word(state),
            _ => Value::Missing,
        },
        _ => Value::Missing,
    });
