use city::{LuminaireSite, Plan};
use lighting::{AlarmChange, Mode};
use types::LuminaireId;
use wire::{EventBody, Light, Message};

use super::{AMOUNT, LEVEL, MODE, Type, Value};

/// What is known of one luminaire from the bus.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lamp {
    told: bool,
    online: bool,
    target: u8,
    in_effect: u8,
    actual: u8,
    mode: Mode,
    power_mw: u32,
    energy_mwh: u64,
    burning_s: u64,
    switch_count: u32,
    starts: u32,
    /// The highest output its gear allows itself \[%\]; `None` = it never said.
    limit: Option<u8>,
    /// A bit for each kind that is open: an alarm told twice is one.
    alarms: u32,
}

/// Something that can be said about a luminaire at any moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LampField {
    pub(crate) name: &'static str,
    pub(crate) of_type: Type,
    read: fn(&Lamp, &LuminaireSite) -> Value,
}

const fn field(name: &'static str, of_type: Type, read: fn(&Lamp, &LuminaireSite) -> Value) -> LampField {
    LampField { name, of_type, read }
}

/// The catalogue.
pub(crate) const LAMP_FIELDS: &[LampField] = &[
    field("lamp", Type::Lamp, |_, site| Value::id(&site.id)),
    field("district", Type::Text, |_, site| Value::id(&site.district)),
    field("cabinet", Type::Text, |_, site| Value::id(&site.cabinet)),
    field("told", Type::Flag, |lamp, _| Value::Flag(lamp.told)),
    field("online", Type::Flag, |lamp, _| Value::Flag(lamp.online)),
    field("target", LEVEL, |lamp, _| Value::of(lamp.target)),
    field("in_effect", LEVEL, |lamp, _| Value::of(lamp.in_effect)),
    field("actual", LEVEL, |lamp, _| Value::of(lamp.actual)),
    field("mode", MODE, |lamp, _| Value::word(&lamp.mode)),
    field("power_w", AMOUNT, |lamp, _| Value::Number(f64::from(lamp.power_mw) / 1e3)),
    field("energy_wh", AMOUNT, |lamp, _| Value::Number(lamp.energy_mwh as f64 / 1e3)),
    field("burning_s", AMOUNT, |lamp, _| Value::Number(lamp.burning_s as f64)),
    field("switch_count", AMOUNT, |lamp, _| Value::of(lamp.switch_count)),
    field("starts", AMOUNT, |lamp, _| Value::of(lamp.starts)),
    field("limit", LEVEL, |lamp, _| Value::of(lamp.limit.unwrap_or(100))),
    field("alarms", AMOUNT, |lamp, _| Value::of(lamp.alarms.count_ones())),
    field("rated_w", AMOUNT, |_, site| Value::Number(f64::from(site.rated_mw) / 1e3)),
];

impl LampField {
    /// The field of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        LAMP_FIELDS.iter().copied().find(|field| field.name == name)
    }
}

/// All luminaires of the city, as the bus shows them.
#[derive(Debug)]
pub(crate) struct Lamps {
    plan: std::sync::Arc<Plan>,
    lamps: Vec<Lamp>,
}

impl Lamps {
    pub(crate) fn new(plan: std::sync::Arc<Plan>) -> Self {
        let lamps = vec![Lamp::default(); plan.luminaires().len()];
        Self { plan, lamps }
    }

    pub(crate) fn count(&self) -> usize {
        self.lamps.len()
    }

    /// The value of a field of a luminaire, counted from 0.
    pub(crate) fn read(&self, index: usize, field: LampField) -> Value {
        match (self.lamps.get(index), self.plan.luminaires().get(index)) {
            (Some(lamp), Some(site)) => (field.read)(lamp, site),
            _ => Value::Missing,
        }
    }

    /// What all luminaires draw now, as far as they told \[mW\].
    pub(crate) fn power_mw(&self) -> u64 {
        self.lamps.iter().map(|lamp| u64::from(lamp.power_mw)).sum()
    }

    /// What all luminaires used, as far as they told \[mWh\].
    pub(crate) fn energy_mwh(&self) -> u64 {
        self.lamps.iter().map(|lamp| lamp.energy_mwh).sum()
    }

    /// How many give light.
    pub(crate) fn lit(&self) -> usize {
        self.lamps.iter().filter(|lamp| lamp.actual > 0).count()
    }

    /// Takes note of a message; tells which luminaire it changed.
    pub(crate) fn observe(&mut self, message: &Message) -> Option<usize> {
        match message {
            Message::Light { luminaire, body, .. } => {
                let index = index_of(*luminaire);
                let lamp = self.lamps.get_mut(index)?;
                match body {
                    Light::State(report) => {
                        let state = &report.body;
                        (lamp.told, lamp.mode) = (true, state.mode);
                        lamp.target = state.target.percent();
                        lamp.in_effect = state.in_effect.percent();
                        lamp.actual = state.actual.percent();
                    }
                    Light::Telemetry(report) => {
                        let readings = &report.body;
                        lamp.power_mw = readings.power_mw;
                        lamp.energy_mwh = readings.energy_mwh;
                        lamp.burning_s = readings.burning_s;
                        lamp.switch_count = readings.switch_count;
                        lamp.starts = report.stamp.epoch;
                        lamp.limit = readings.gear.map(|gear| gear.limit.percent());
                    }
                    Light::Online(online) => lamp.online = *online,
                    _ => return None,
                }
                Some(index)
            }
            Message::Event(event) => {
                let EventBody::Alarm(alarm) = &event.body else { return None };
                let index = index_of(alarm.luminaire);
                let lamp = self.lamps.get_mut(index)?;
                let open = 1 << alarm.kind as u32;
                match alarm.change {
                    AlarmChange::Raised => lamp.alarms |= open,
                    AlarmChange::Cleared => lamp.alarms &= !open,
                }
                Some(index)
            }
            _ => None,
        }
    }
}

pub(crate) fn index_of(luminaire: LuminaireId) -> usize {
    luminaire.0.wrapping_sub(1) as usize
}
