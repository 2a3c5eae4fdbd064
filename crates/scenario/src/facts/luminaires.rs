//! What messages of luminaires say.

use lighting::{FirmwareAction, Gear, LightState, Telemetry};
use wire::{EventBody, FaultOrder, Light, Message, ReplyBody, RequestBody};

use super::kinds::{Field, field, read};
use super::{ALARM, AMOUNT, LEVEL, MODE, NUMBER, Type, Value};

pub(super) const LAMP: Field = field("lamp", Type::Lamp, |message| match message {
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

pub(super) const STATE: &[Field] = &[
    LAMP,
    DISTRICT,
    field("target", LEVEL, |message| state(message, |state| Value::of(state.target.percent()))),
    field("in_effect", LEVEL, |message| state(message, |state| Value::of(state.in_effect.percent()))),
    field("actual", LEVEL, |message| state(message, |state| Value::of(state.actual.percent()))),
    field("mode", MODE, |message| state(message, |state| Value::word(&state.mode))),
];

pub(super) const TELEMETRY: &[Field] = &[
    LAMP,
    DISTRICT,
    field("power_w", AMOUNT, |message| telemetry(message, |body| f64::from(body.power_mw) / 1e3)),
    field("voltage_v", AMOUNT, |message| telemetry(message, |body| f64::from(body.voltage_mv) / 1e3)),
    field("energy_wh", AMOUNT, |message| telemetry(message, |body| body.energy_mwh as f64 / 1e3)),
    field("burning_s", AMOUNT, |message| telemetry(message, |body| body.burning_s as f64)),
    field("switch_count", AMOUNT, |message| telemetry(message, |body| body.switch_count.into())),
    field("in_effect", LEVEL, |message| telemetry(message, |body| body.in_effect.percent().into())),
    field("current_a", AMOUNT, |message| telemetry(message, |body| f64::from(body.current_ma) / 1e3)),
    field("power_factor", AMOUNT, |message| telemetry(message, |body| f64::from(body.power_factor_pm) / 1e3)),
    field("flux_lm", AMOUNT, |message| telemetry(message, |body| body.flux_lm.into())),
    field("gear_c", NUMBER, |message| gear(message, |gear| gear.temperature_c.into())),
    field("limit", LEVEL, |message| gear(message, |gear| gear.limit.percent().into())),
    field("deratings", AMOUNT, |message| gear(message, |gear| gear.derating_count.into())),
    field("shutdowns", AMOUNT, |message| gear(message, |gear| gear.shutdown_count.into())),
];

pub(super) const ACK: &[Field] = &[
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
];

pub(super) const ONLINE: &[Field] = &[
    LAMP,
    field(
        "online",
        Type::Flag,
        read!(Message::Light { body: Light::Online(online), .. } => Value::Flag(*online)),
    ),
];

pub(super) const COMMAND: &[Field] = &[
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
];

pub(super) const PROGRAMME: &[Field] = &[
    LAMP,
    field(
        "version",
        AMOUNT,
        read!(Message::Light { body: Light::Programme(programme), .. } => Value::of(programme.version)),
    ),
];

pub(super) const FAULT: &[Field] = &[
    LAMP,
    field(
        "order",
        Type::Word(&["break", "repair"]),
        read!(Message::Fault { order, .. } => Value::Text(match order { FaultOrder::Repair => "repair", FaultOrder::Clean => "clean", FaultOrder::Break(_) => "break" }.into())),
    ),
];

pub(super) const FIRMWARE: &[Field] = &[
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
];

pub(super) const FIRMWARE_ORDER: &[Field] = &[
    LAMP,
    field(
        "action",
        Type::Word(&["install", "roll_back"]),
        read!(Message::Light { body: Light::FirmwareOrder(order), .. } => {
            let install = matches!(order.action, FirmwareAction::Install(_));
            Value::Text(if install { "install" } else { "roll_back" }.into())
        }),
    ),
];

pub(super) const STANDING: &[Field] = &[
    LAMP,
    field(
        "standing",
        AMOUNT,
        read!(Message::Light { body: Light::Alarms(standing), .. } => {
            Value::Number(standing.iter().count() as f64)
        }),
    ),
];

pub(super) const DIM: &[Field] = &[
    LAMP,
    field("level", LEVEL, |message| match message {
        Message::Request(request) => match &request.body {
            RequestBody::Dim(body) => body.level.map_or(Value::Missing, |level| Value::of(level.percent())),
            _ => Value::Missing,
        },
        _ => Value::Missing,
    }),
];

pub(super) const ALARMED: &[Field] = &[
    LAMP,
    field("kind", ALARM, |message| match message {
        Message::Event(event) => match &event.body {
            EventBody::Alarm(alarm) => Value::word(&alarm.kind),
            _ => Value::Missing,
        },
        _ => Value::Missing,
    }),
];

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
