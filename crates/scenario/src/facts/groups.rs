//! What is asked of groups of luminaires, and how far it is.

use lighting::{CampaignReply, CampaignReport, GroupReply, GroupReport};
use wire::{Message, ReplyBody, Request, RequestBody};

use super::answers::{REASON, RESULT};
use super::kinds::{Field, field};
use super::{AMOUNT, LEVEL, Type, Value};

pub(super) const GROUP: Field = field("group", Type::Text, |message| match message {
    Message::Request(request) => match &request.body {
        RequestBody::DimGroup(body) => Value::id(&body.group),
        RequestBody::Firmware(body) => Value::id(&body.group),
        _ => Value::Missing,
    },
    Message::Reply(reply) => match &reply.body {
        ReplyBody::DimGroup(GroupReply::Running(report) | GroupReply::Finished(report)) => {
            Value::id(&report.group)
        }
        ReplyBody::Firmware(
            CampaignReply::Running(report) | CampaignReply::Finished(report) | CampaignReply::Halted(report),
        ) => Value::id(&report.group),
        ReplyBody::DimGroup(GroupReply::Refused { group, .. })
        | ReplyBody::Firmware(CampaignReply::Refused { group, .. }) => Value::id(group),
        _ => Value::Missing,
    },
    _ => Value::Missing,
});

pub(super) const DIM: &[Field] = &[
    GROUP,
    field("level", LEVEL, |message| match message {
        Message::Request(Request { body: RequestBody::DimGroup(body), .. }) => {
            body.level.map_or(Value::Missing, |level| Value::of(level.percent()))
        }
        _ => Value::Missing,
    }),
];

pub(super) const DIMMED: &[Field] = &[
    GROUP,
    RESULT,
    REASON,
    field("luminaires", AMOUNT, |message| group(message, |report| report.luminaires)),
    field("pending", AMOUNT, |message| group(message, |report| report.tally.pending)),
    field("sent", AMOUNT, |message| group(message, |report| report.tally.sent)),
    field("delivered", AMOUNT, |message| group(message, |report| report.tally.delivered)),
    field("successful", AMOUNT, |message| group(message, |report| report.tally.successful)),
    field("failed", AMOUNT, |message| group(message, |report| report.tally.failed)),
    field("expired", AMOUNT, |message| group(message, |report| report.tally.expired)),
    field("timeout", AMOUNT, |message| group(message, |report| report.tally.timeout)),
    field("last_lamp_s", AMOUNT, |message| {
        group_value(message, |report| {
            report.last_lamp_ms.map_or(Value::Missing, |ms| Value::Number(ms as f64 / 1e3))
        })
    }),
];

pub(super) const CAMPAIGN: &[Field] = &[
    GROUP,
    RESULT,
    REASON,
    field("luminaires", AMOUNT, |message| campaign(message, |report| report.luminaires)),
    field("waiting", AMOUNT, |message| campaign(message, |report| report.table.waiting)),
    field("updating", AMOUNT, |message| campaign(message, |report| report.table.updating)),
    field("updated", AMOUNT, |message| campaign(message, |report| report.table.updated)),
    field("failed", AMOUNT, |message| campaign(message, |report| report.table.failed)),
    field("hung", AMOUNT, |message| campaign(message, |report| report.table.hung)),
    field("rolling_back", AMOUNT, |message| campaign(message, |report| report.table.rolling_back)),
    field("rolled_back", AMOUNT, |message| campaign(message, |report| report.table.rolled_back)),
    field("stuck", AMOUNT, |message| campaign(message, |report| report.table.stuck)),
    field("left_out", AMOUNT, |message| campaign(message, |report| report.table.left_out)),
    field("not_begun", AMOUNT, |message| campaign(message, |report| report.table.not_begun)),
];

fn group(message: &Message, part: fn(&GroupReport) -> u32) -> Value {
    group_value(message, |report| Value::of(part(report)))
}

fn group_value(message: &Message, part: impl Fn(&GroupReport) -> Value) -> Value {
    match message {
        Message::Reply(reply) => match &reply.body {
            ReplyBody::DimGroup(GroupReply::Running(report) | GroupReply::Finished(report)) => part(report),
            _ => Value::Missing,
        },
        _ => Value::Missing,
    }
}

fn campaign(message: &Message, part: fn(&CampaignReport) -> u32) -> Value {
    match message {
        Message::Reply(reply) => match &reply.body {
            ReplyBody::Firmware(
                CampaignReply::Running(report)
                | CampaignReply::Finished(report)
                | CampaignReply::Halted(report),
            ) => Value::of(part(report)),
            _ => Value::Missing,
        },
        _ => Value::Missing,
    }
}
