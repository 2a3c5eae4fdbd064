//! What came of a question.

use eid::{EidEvent, EnrolReply, IssueReply, Verdict};
use lighting::{CampaignReply, ComplaintReply, GroupReply};
use medpay::{PayEvent, PayRefusal, PayReply, PresettleReply, SettleReply, VisitReply};
use wire::{EventBody, Message, ReplyBody};

use super::kinds::{Field, field};
use super::{Type, Value};

/// Why something was refused; empty if it was not.
pub(super) const REASON: Field = field("reason", Type::Text, |message| match message {
    Message::Event(event) => match &event.body {
        EventBody::Eid(EidEvent::Rejected { reason, .. }) => Value::word(reason),
        EventBody::Pay(PayEvent::SettlementRefused { refusal, .. }) => code(refusal),
        _ => Value::Missing,
    },
    Message::Reply(reply) => match &reply.body {
        ReplyBody::Verify(Verdict::Refused(refusal)) => Value::word(&refusal.reason),
        ReplyBody::Enrol(EnrolReply::Refused(refusal)) => Value::word(refusal),
        ReplyBody::Settle(SettleReply::Refused { refusal, .. })
        | ReplyBody::Till(SettleReply::Refused { refusal, .. })
        | ReplyBody::Pay(PayReply::Refused(refusal))
        | ReplyBody::Presettle(PresettleReply::Refused(refusal))
        | ReplyBody::Visit(VisitReply::Refused(refusal)) => code(refusal),
        ReplyBody::DimRefused(refused) => Value::Text(refused.reason.clone().into()),
        ReplyBody::DimGroup(GroupReply::Refused { reason, .. }) => Value::word(reason),
        ReplyBody::Firmware(CampaignReply::Refused { reason, .. }) => Value::word(reason),
        ReplyBody::Complain(ComplaintReply::Refused { reason, .. }) => Value::word(reason),
        ReplyBody::Dim(report) => {
            report.reason.as_ref().map_or(Value::Missing, |reason| Value::Text(reason.to_string().into()))
        }
        _ => Value::Missing,
    },
    Message::DeadLetter { letter, .. } => Value::Text(letter.reason.clone().into()),
    _ => Value::Missing,
});
/// What an answer says, in one word.
pub(super) const RESULT: Field = field("result", Type::Text, |message| match message {
    Message::Reply(reply) => match &reply.body {
        ReplyBody::Dim(report) => Value::word(&report.status),
        ReplyBody::DimRefused(_) => Value::Text("refused".into()),
        ReplyBody::DimGroup(body) => Value::word(body),
        ReplyBody::Firmware(body) => Value::word(body),
        ReplyBody::Complain(body) => Value::word(body),
        ReplyBody::Enrol(body) => Value::word(body),
        ReplyBody::Issue(IssueReply::Issued { .. }) => Value::Text("issued".into()),
        ReplyBody::Issue(IssueReply::NotEnrolled) => Value::Text("not_enrolled".into()),
        ReplyBody::Credential(body) => Value::word(body),
        ReplyBody::Manage(body) => Value::word(body),
        ReplyBody::Own(body) => Value::word(body),
        ReplyBody::Ask(body) => Value::word(body),
        ReplyBody::Holder(body) => Value::word(body),
        ReplyBody::Verify(Verdict::Accepted { .. }) => Value::Text("accepted".into()),
        ReplyBody::Verify(Verdict::Refused(_)) => Value::Text("refused".into()),
        ReplyBody::Presettle(body) => Value::word(body),
        ReplyBody::Settle(body) | ReplyBody::Till(body) => Value::word(body),
        ReplyBody::Visit(body) => Value::word(body),
        ReplyBody::Pay(body) => Value::word(body),
        ReplyBody::Books(_) => Value::Text("rows".into()),
        ReplyBody::Walk(body) => Value::word(body),
        ReplyBody::Clock(_) => Value::Text("set".into()),
    },
    _ => Value::Missing,
});

fn code(refusal: &PayRefusal) -> Value {
    let value = serde_json::to_value(refusal).unwrap_or_default();
    value["code"].as_str().map_or(Value::Missing, |code| Value::Text(code.to_owned().into()))
}
