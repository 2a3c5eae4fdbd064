//! What messages of cabinets say.

use lighting::{CabinetState, CabinetTelemetry, Circuit, CircuitState, Incident, Leg, Phase, SwitchCommand};
use wire::{Event, EventBody, Message, Segment};

use super::kinds::{Field, field};
use super::{AMOUNT, INCIDENT, Type, Value};

const CABINET: Field = field("cabinet", Type::Text, |message| match message {
    Message::Cabinet { cabinet, .. } | Message::CabinetEvent { cabinet, .. } => Value::id(cabinet),
    Message::Event(Event { body: EventBody::Incident(incident), .. }) => Value::id(&incident.cabinet),
    _ => Value::Missing,
});
const CONTROL: Type = Type::Word(&["auto", "on", "off"]);

pub(super) const STATE: &[Field] = &[
    CABINET,
    field("wanted", AMOUNT, |message| circuits(message, |circuit| circuit.wanted)),
    field("closed", AMOUNT, |message| circuits(message, |circuit| circuit.closed)),
    field("tripped", AMOUNT, |message| state(message, |state| tripped(state).into())),
    field("live", AMOUNT, |message| {
        state(message, |state| count(Leg::all().filter(|leg| state.is_live(*leg))))
    }),
    field("door_open", Type::Flag, |message| match message {
        Message::Cabinet { body: Segment::State(report), .. } => Value::Flag(report.body.door_open),
        _ => Value::Missing,
    }),
];

pub(super) const TELEMETRY: &[Field] = &[
    CABINET,
    field("power_w", AMOUNT, |message| {
        phases(message, |readings| readings.phases.map(|phase| phase.power_mw))
    }),
    field("power_r_w", AMOUNT, |message| power_w(message, Phase::R)),
    field("power_s_w", AMOUNT, |message| power_w(message, Phase::S)),
    field("power_t_w", AMOUNT, |message| power_w(message, Phase::T)),
    field("energy_wh", AMOUNT, |message| telemetry(message, |body| body.energy_mwh as f64 / 1e3)),
];

pub(super) const ACK: &[Field] = &[
    CABINET,
    field("command", Type::Text, |message| match message {
        Message::Cabinet { body: Segment::Ack(report), .. } => Value::id(&report.body.command),
        _ => Value::Missing,
    }),
    field("result", Type::Word(&["done", "expired"]), |message| match message {
        Message::Cabinet { body: Segment::Ack(report), .. } => Value::word(&report.body.result),
        _ => Value::Missing,
    }),
];

pub(super) const ONLINE: &[Field] = &[
    CABINET,
    field("online", Type::Flag, |message| match message {
        Message::Cabinet { body: Segment::Online(online), .. } => Value::Flag(*online),
        _ => Value::Missing,
    }),
];

pub(super) const COMMAND: &[Field] = &[
    CABINET,
    field("command", Type::Text, |message| command(message, |command| Value::id(&command.id))),
    field("circuit", AMOUNT, |message| command(message, |command| number(command.circuit))),
    field("control", CONTROL, |message| command(message, |command| Value::word(&command.control))),
];

pub(super) const EVENT: &[Field] = &[
    CABINET,
    field("event", Type::Word(&["trip", "reclose", "jam", "free", "open_door", "close_door"]), |message| {
        match message {
            Message::CabinetEvent { event, .. } => Value::word(event),
            _ => Value::Missing,
        }
    }),
];

/// `circuit` is missing if an incident is not about one circuit alone.
pub(super) const INCIDENT_FIELDS: &[Field] = &[
    CABINET,
    field("kind", INCIDENT, |message| incident(message, |incident| Value::word(&incident.kind))),
    field("circuit", AMOUNT, |message| {
        incident(message, |incident| incident.circuit.map_or(Value::Missing, number))
    }),
    field("phases", Type::Text, |message| incident(message, |incident| Value::id(&incident.phases))),
    field("luminaires", AMOUNT, |message| incident(message, |incident| Value::of(incident.luminaires))),
    field("street_m", AMOUNT, |message| incident(message, |incident| Value::of(incident.street_m))),
];

fn incident(message: &Message, part: fn(&Incident) -> Value) -> Value {
    match message {
        Message::Event(Event { body: EventBody::Incident(incident), .. }) => part(incident),
        _ => Value::Missing,
    }
}

fn state(message: &Message, part: fn(&CabinetState) -> f64) -> Value {
    match message {
        Message::Cabinet { body: Segment::State(report), .. } => Value::Number(part(&report.body)),
        _ => Value::Missing,
    }
}

/// How many circuits are so.
fn circuits(message: &Message, so: fn(&CircuitState) -> bool) -> Value {
    match message {
        Message::Cabinet { body: Segment::State(report), .. } => {
            Value::Number(count(report.body.circuits.iter().filter(|circuit| so(circuit))))
        }
        _ => Value::Missing,
    }
}

/// How many breakers have tripped: one for each phase of each circuit.
fn tripped(state: &CabinetState) -> u8 {
    state.circuits.iter().flat_map(|circuit| circuit.tripped.iter()).fold(0, |tripped, _| tripped + 1)
}

fn telemetry(message: &Message, part: fn(&CabinetTelemetry) -> f64) -> Value {
    match message {
        Message::Cabinet { body: Segment::Telemetry(report), .. } => Value::Number(part(&report.body)),
        _ => Value::Missing,
    }
}

fn phases(message: &Message, power_mw: fn(&CabinetTelemetry) -> [u32; 3]) -> Value {
    match message {
        Message::Cabinet { body: Segment::Telemetry(report), .. } => {
            let sum: u64 = power_mw(&report.body).into_iter().map(u64::from).sum();
            Value::Number(sum as f64 / 1e3)
        }
        _ => Value::Missing,
    }
}

fn power_w(message: &Message, phase: Phase) -> Value {
    match message {
        Message::Cabinet { body: Segment::Telemetry(report), .. } => {
            Value::Number(f64::from(report.body.phases[phase as usize].power_mw) / 1e3)
        }
        _ => Value::Missing,
    }
}

fn command(message: &Message, part: fn(&SwitchCommand) -> Value) -> Value {
    match message {
        Message::Cabinet { body: Segment::Command(command), .. } => part(command),
        _ => Value::Missing,
    }
}

fn number(circuit: Circuit) -> Value {
    Value::of(circuit.number())
}

fn count<T>(things: impl Iterator<Item = T>) -> f64 {
    things.count() as f64
}
