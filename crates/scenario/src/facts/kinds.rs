use eid::{EidEvent, EnrolReply, IssueReply, Verdict};
use lighting::{
    CampaignReply, CampaignReport, ComplaintReply, FirmwareAction, Gear, GroupReply, GroupReport, LightState,
    Telemetry,
};
use medpay::{Entry, PayEvent, PayRefusal, PayReply, PresettleReply, SettleReply, Split, VisitReply};
use wire::{EventBody, FaultOrder, Light, Message, ReplyBody, Request, RequestBody, WalkEvent};

use super::cabinets::{ACK, COMMAND, EVENT, INCIDENT_FIELDS, ONLINE, STATE, TELEMETRY};
use super::payment::{CLOSED, DIFF, ENTRY, FLAGGED};
use super::{ALARM, AMOUNT, LEVEL, MODE, NUMBER, Type, Value};

/// One kind of message on the bus, as scenarios name it.
#[derive(Debug)]
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub about: &'static str,
    pub(crate) fields: &'static [Field],
}

impl Kind {
    /// What can be asked about it.
    pub fn field_names(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().map(|field| field.name)
    }
}

/// Something a message says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) of_type: Type,
    pub(crate) read: fn(&Message) -> Value,
}

pub(super) const fn field(name: &'static str, of_type: Type, read: fn(&Message) -> Value) -> Field {
    Field { name, of_type, read }
}

const fn kind(name: &'static str, about: &'static str, fields: &'static [Field]) -> Kind {
    Kind { name, about, fields }
}

/// Reads a field of messages of one form: `read!(pattern => value)`.
macro_rules! read {
    ($pattern:pat => $value:expr) => {
        |message| match message {
            $pattern => $value,
            _ => Value::Missing,
        }
    };
}

const LAMP: Field = field("lamp", Type::Lamp, |message| match message {
    Message::Light { luminaire, .. } | Message::Fault { luminaire, .. } => Value::id(luminaire),
    Message::Event(event) => match &event.body {
        EventBody::Alarm(alarm) => Value::id(&alarm.luminaire),
        _ => Value::Missing,
    },
    Message::Request(request) => match &request.body {
        RequestBody::Dim(body) => Value::id(&body.luminaire),
        RequestBody::Complain(body) => Value::id(&body.luminaire()),
        _ => Value::Missing,
    },
    Message::Reply(reply) => match &reply.body {
        ReplyBody::Dim(body) => Value::id(&body.luminaire),
        ReplyBody::DimRefused(body) => Value::id(&body.luminaire),
        ReplyBody::Complain(body) => Value::id(&body.luminaire()),
        _ => Value::Missing,
    },
    _ => Value::Missing,
});
const DISTRICT: Field = field("district", Type::Text, |message| match message {
    Message::Light { district, .. } | Message::Fault { district, .. } => Value::id(district),
    _ => Value::Missing,
});
const ALARM_FIELDS: &[Field] = &[
    LAMP,
    field("kind", ALARM, |message| match message {
        Message::Event(event) => match &event.body {
            EventBody::Alarm(alarm) => Value::word(&alarm.kind),
            _ => Value::Missing,
        },
        _ => Value::Missing,
    }),
];

pub(super) const RESIDENT: Field = field("resident", Type::Resident, |message| match message {
    Message::Event(event) => match &event.body {
        EventBody::Eid(
            EidEvent::Enrolled { resident }
            | EidEvent::Issued { resident, .. }
            | EidEvent::Verified { resident, .. },
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
const VERIFIER: Field = field("verifier", Type::Text, |message| match message {
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
const PROFILE: Field =
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
/// Why something was refused; empty if it was not.
const REASON: Field = field("reason", Type::Text, |message| match message {
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
const RESULT: Field = field("result", Type::Text, |message| match message {
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
const BILL_SPLIT: &[Field] =
    &[BILL, SPLIT_FIELDS[0], SPLIT_FIELDS[1], SPLIT_FIELDS[2], SPLIT_FIELDS[3], UNBALANCED];
const SETTLED: &[Field] =
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

fn code(refusal: &PayRefusal) -> Value {
    let value = serde_json::to_value(refusal).unwrap_or_default();
    value["code"].as_str().map_or(Value::Missing, |code| Value::Text(code.to_owned().into()))
}

fn state(message: &Message, part: fn(&LightState) -> Value) -> Value {
    match message {
        Message::Light { body: Light::State(report), .. } => part(&report.body),
        _ => Value::Missing,
    }
}

/// A part of what the control gear says of itself, if it does.
fn gear(message: &Message, part: fn(&Gear) -> f64) -> Value {
    match message {
        Message::Light { body: Light::Telemetry(report), .. } => {
            report.body.gear.map_or(Value::Missing, |gear| Value::Number(part(&gear)))
        }
        _ => Value::Missing,
    }
}

fn telemetry(message: &Message, part: fn(&Telemetry) -> f64) -> Value {
    match message {
        Message::Light { body: Light::Telemetry(report), .. } => Value::Number(part(&report.body)),
        _ => Value::Missing,
    }
}

const GROUP: Field = field("group", Type::Text, |message| match message {
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

const NONE: &[Field] = &[];
const REPLY: &[Field] = &[RESULT, REASON];

/// Every kind of message.
pub const KINDS: &[Kind] = &[
    kind(
        "lamp.state",
        "A luminaire tells its three levels.",
        &[
            LAMP,
            DISTRICT,
            field("target", LEVEL, |message| state(message, |state| Value::of(state.target.percent()))),
            field("in_effect", LEVEL, |message| state(message, |state| Value::of(state.in_effect.percent()))),
            field("actual", LEVEL, |message| state(message, |state| Value::of(state.actual.percent()))),
            field("mode", MODE, |message| state(message, |state| Value::word(&state.mode))),
        ],
    ),
    kind(
        "lamp.telemetry",
        "A luminaire tells its readings.",
        &[
            LAMP,
            DISTRICT,
            field("power_w", AMOUNT, |message| telemetry(message, |body| f64::from(body.power_mw) / 1e3)),
            field("voltage_v", AMOUNT, |message| telemetry(message, |body| f64::from(body.voltage_mv) / 1e3)),
            field("energy_wh", AMOUNT, |message| telemetry(message, |body| body.energy_mwh as f64 / 1e3)),
            field("burning_s", AMOUNT, |message| telemetry(message, |body| body.burning_s as f64)),
            field("switch_count", AMOUNT, |message| telemetry(message, |body| body.switch_count.into())),
            field("in_effect", LEVEL, |message| telemetry(message, |body| body.in_effect.percent().into())),
            field("current_a", AMOUNT, |message| telemetry(message, |body| f64::from(body.current_ma) / 1e3)),
            field("power_factor", AMOUNT, |message| {
                telemetry(message, |body| f64::from(body.power_factor_pm) / 1e3)
            }),
            field("flux_lm", AMOUNT, |message| telemetry(message, |body| body.flux_lm.into())),
            field("gear_c", NUMBER, |message| gear(message, |gear| gear.temperature_c.into())),
            field("limit", LEVEL, |message| gear(message, |gear| gear.limit.percent().into())),
            field("deratings", AMOUNT, |message| gear(message, |gear| gear.derating_count.into())),
            field("shutdowns", AMOUNT, |message| gear(message, |gear| gear.shutdown_count.into())),
        ],
    ),
    kind(
        "lamp.ack",
        "A luminaire answers a command.",
        &[
            LAMP,
            field(
                "command",
                Type::Text,
                read!(Message::Light { body: Light::Ack(report), .. } => Value::id(&report.body.command)),
            ),
            field(
                "result",
                Type::Word(&["done", "expired", "failed"]),
                read!(Message::Light { body: Light::Ack(report), .. } => Value::word(&report.body.result)),
            ),
        ],
    ),
    kind(
        "lamp.online",
        "A luminaire is connected, or not any more.",
        &[
            LAMP,
            field(
                "online",
                Type::Flag,
                read!(Message::Light { body: Light::Online(online), .. } => Value::Flag(*online)),
            ),
        ],
    ),
    kind(
        "lamp.command",
        "A luminaire is told to hold a level, or (without level) to go back to its programme.",
        &[
            LAMP,
            field(
                "command",
                Type::Text,
                read!(Message::Light { body: Light::Command(command), .. } => Value::id(&command.id)),
            ),
            field(
                "level",
                LEVEL,
                read!(Message::Light { body: Light::Command(command), .. } => command.level.map_or(Value::Missing, |level| Value::of(level.percent()))),
            ),
        ],
    ),
    kind(
        "lamp.programme",
        "A luminaire is given its programme.",
        &[
            LAMP,
            field(
                "version",
                AMOUNT,
                read!(Message::Light { body: Light::Programme(programme), .. } => Value::of(programme.version)),
            ),
        ],
    ),
    kind(
        "lamp.fault",
        "A luminaire breaks, or is repaired.",
        &[
            LAMP,
            field(
                "order",
                Type::Word(&["break", "repair"]),
                read!(Message::Fault { order, .. } => Value::Text(match order { FaultOrder::Repair => "repair", FaultOrder::Clean => "clean", FaultOrder::Break(_) => "break" }.into())),
            ),
        ],
    ),
    kind("cabinet.state", "A cabinet tells of its contactors, breakers and door.", STATE),
    kind("cabinet.telemetry", "A cabinet tells what its meter shows.", TELEMETRY),
    kind("cabinet.ack", "A cabinet answers a command.", ACK),
    kind("cabinet.online", "A cabinet is connected, or not any more.", ONLINE),
    kind("cabinet.command", "A cabinet is told to hold a contactor, or to see to it itself.", COMMAND),
    kind("cabinet.event", "A breaker trips, a door is opened, …", EVENT),
    kind("alarm.raised", "The CMS raises an alarm.", ALARM_FIELDS),
    kind("alarm.cleared", "The CMS takes an alarm back.", ALARM_FIELDS),
    kind(
        "incident.raised",
        "The CMS raises an incident: of a cabinet, or of at least half of its luminaires.",
        INCIDENT_FIELDS,
    ),
    kind("incident.cleared", "The CMS takes an incident back.", INCIDENT_FIELDS),
    kind("eid.enrolled", "A resident's phone is enrolled.", &[RESIDENT]),
    kind("eid.issued", "A code was issued.", &[RESIDENT, PROFILE]),
    kind("eid.verified", "A code was accepted.", &[RESIDENT, VERIFIER]),
    kind("eid.rejected", "A code was refused.", &[VERIFIER, REASON]),
    kind(
        "bill.created",
        "A provider made a bill.",
        &[
            BILL,
            PROVIDER,
            field("total_fen", AMOUNT, |message| match message {
                Message::Event(event) => match &event.body {
                    EventBody::Pay(PayEvent::BillCreated { total, .. }) => Value::Number(total.get() as f64),
                    _ => Value::Missing,
                },
                _ => Value::Missing,
            }),
        ],
    ),
    kind("bill.presettled", "The payer split a bill.", BILL_SPLIT),
    kind("bill.settled", "A bill is paid.", SETTLED),
    kind("bill.refused", "A bill was not paid.", &[BILL, REASON]),
    kind("walk.departed", "A resident left for a provider.", &[RESIDENT, PROVIDER]),
    kind("walk.arrived", "A resident is there.", &[RESIDENT, PROVIDER]),
    kind(
        "request.dim",
        "The CMS is asked to override a luminaire.",
        &[
            LAMP,
            field("level", LEVEL, |message| match message {
                Message::Request(request) => match &request.body {
                    RequestBody::Dim(body) => {
                        body.level.map_or(Value::Missing, |level| Value::of(level.percent()))
                    }
                    _ => Value::Missing,
                },
                _ => Value::Missing,
            }),
        ],
    ),
    kind("request.enrol", "The issuer is asked to enrol a phone.", NONE),
    kind("request.issue", "The issuer is asked for a code.", &[RESIDENT, PROFILE]),
    kind("request.credential", "The issuer is asked for credentials for a phone's key.", NONE),
    kind("request.manage", "A clerk at the issuer's counter wants something done.", NONE),
    kind("request.own", "A holder asks the issuer about their own phones or guardians.", &[RESIDENT]),
    kind("request.verify", "The verifier is asked about a code.", &[VERIFIER]),
    kind("request.ask", "A reader asks for the attributes of somebody who is not there.", &[VERIFIER]),
    kind("request.holder", "A holder asks what was shown, or answers a reader.", &[RESIDENT]),
    kind("request.presettle", "The payer is asked to split a bill.", &[BILL]),
    kind("request.settle", "The payer is asked to pay a bill.", &[BILL]),
    kind("request.visit", "A patient is at a provider.", &[RESIDENT, PROVIDER]),
    kind("request.till", "A patient pays at the till.", &[BILL]),
    kind("request.clock", "The clock is asked to run otherwise.", NONE),
    kind("request.walk", "A resident is asked to walk to a provider.", &[RESIDENT, PROVIDER]),
    kind("reply.dim", "How far a command is.", &[LAMP, RESULT, REASON]),
    kind("reply.enrol", "The issuer's answer.", REPLY),
    kind("reply.issue", "The issuer's answer.", REPLY),
    kind("reply.credential", "The issuer's answer.", REPLY),
    kind("reply.manage", "The issuer's answer.", REPLY),
    kind("reply.own", "The issuer's answer.", REPLY),
    kind("reply.verify", "The verifier's answer.", &[RESULT, REASON, RESIDENT]),
    kind("reply.ask", "The verifier's answer.", REPLY),
    kind("reply.holder", "The verifier's answer.", REPLY),
    kind("reply.presettle", "The payer's answer.", &[RESULT, REASON, BILL]),
    kind("reply.settle", "The payer's answer.", &[RESULT, REASON, BILL]),
    kind("reply.visit", "The provider's answer.", &[RESULT, REASON, BILL]),
    kind("reply.till", "The till's answer.", &[RESULT, REASON, BILL]),
    kind("reply.clock", "The clock's answer.", REPLY),
    kind("reply.walk", "Whether the resident goes.", REPLY),
    kind("eid.keys", "The issuer tells its keys.", NONE),
    kind("eid.consent", "A phone is told what a reader asks its owner for.", &[RESIDENT, VERIFIER]),
    kind("clock", "How the city's clock runs.", NONE),
    kind("presence", "Where people walk.", NONE),
    kind(
        "dead_letter",
        "A consumer could not understand a message.",
        &[
            REASON,
            field("consumer", Type::Text, read!(Message::DeadLetter { consumer, .. } => Value::id(consumer))),
            field(
                "topic",
                Type::Text,
                read!(Message::DeadLetter { letter, .. } => Value::Text(letter.topic.clone().into())),
            ),
        ],
    ),
    kind(
        "request.dim_group",
        "The CMS is asked to override a group.",
        &[
            GROUP,
            field("level", LEVEL, |message| match message {
                Message::Request(Request { body: RequestBody::DimGroup(body), .. }) => {
                    body.level.map_or(Value::Missing, |level| Value::of(level.percent()))
                }
                _ => Value::Missing,
            }),
        ],
    ),
    kind(
        "reply.dim_group",
        "How far the command to a group is: how many luminaires have which status, and when the last one obeyed.",
        &[
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
        ],
    ),
    kind(
        "lamp.firmware",
        "A luminaire tells what firmware it runs, and how far an update is.",
        &[
            LAMP,
            field(
                "version",
                Type::Text,
                read!(Message::Light { body: Light::Firmware(report), .. } => Value::id(&report.body.version)),
            ),
            field(
                "phase",
                Type::Word(&["idle", "downloading", "verifying", "installing", "rebooting"]),
                read!(Message::Light { body: Light::Firmware(report), .. } => Value::word(&report.body.phase)),
            ),
            field(
                "code",
                Type::Number(0.0, 255.0),
                read!(Message::Light { body: Light::Firmware(report), .. } => {
                    report.body.result.map_or(Value::Missing, |result| Value::of(u8::from(result)))
                }),
            ),
        ],
    ),
    kind(
        "lamp.firmware_order",
        "A luminaire is told to change its firmware.",
        &[
            LAMP,
            field(
                "action",
                Type::Word(&["install", "roll_back"]),
                read!(Message::Light { body: Light::FirmwareOrder(order), .. } => {
                    let install = matches!(order.action, FirmwareAction::Install(_));
                    Value::Text(if install { "install" } else { "roll_back" }.into())
                }),
            ),
        ],
    ),
    kind(
        "lamp.alarms",
        "The CMS tells which alarms of a luminaire stand; 0 = the last has ended.",
        &[
            LAMP,
            field(
                "standing",
                AMOUNT,
                read!(Message::Light { body: Light::Alarms(standing), .. } => {
                    Value::Number(standing.iter().count() as f64)
                }),
            ),
        ],
    ),
    kind("request.firmware", "The CMS is asked to update the firmware of a group.", &[GROUP]),
    kind(
        "reply.firmware",
        "How far a firmware campaign is: how many luminaires stand where.",
        &[
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
        ],
    ),
    kind("bill.reversed", "A settlement was taken back.", &[BILL, PROVIDER]),
    kind("bill.released", "The cash of a held settlement was not paid.", &[BILL]),
    kind("request.pay", "The payer is asked for something else.", NONE),
    kind("reply.pay", "The payer's answer.", REPLY),
    kind("request.complain", "People complain of a luminaire, or it was seen to.", &[LAMP]),
    kind("reply.complain", "What became of a complaint.", &[LAMP, RESULT, REASON]),
    kind("request.books", "The clinic is asked for a book.", NONE),
    kind("reply.books", "The clinic's answer.", &[RESULT]),
    kind("account.debited", "A personal account paid.", ENTRY),
    kind("account.credited", "A personal account was given back what it had paid.", ENTRY),
    kind("risk.flagged", "A limit kept a bill from being paid.", FLAGGED),
    kind("recon.closed", "The payer's book of a day is closed.", CLOSED),
    kind("recon.diff", "A difference of the two books of a day was put aside.", DIFF),
];
