//! One luminaire that is a device: what it told, and how that reads on the bus.

use std::collections::VecDeque;

use lighting::{AckResult, CommandAck, DimCommand, DimLevel, LightState, Mode, Report, Stamp, Telemetry};
use serde_json::{Map, Value};
use types::{CommandId, DistrictId, HOUR_MS, LuminaireId, Timestamp};

use super::light::Reading;
use super::shadow::Shadow;
use crate::{Light, Message};

/// The voltage of a device that never told one \[mV\]: the nominal one in China.
const NOMINAL_MV: u32 = 220_000;
/// Commands whose outcome is remembered.
const ANSWERS_MAX: usize = 16;

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// On its way.
    Waiting,
    /// Obeyed.
    Done,
    /// Refused by the device, or never answered.
    Failed,
}

/// A luminaire that is a device.
#[derive(Debug)]
pub(super) struct Lamp {
    pub(super) id: LuminaireId,
    district: DistrictId,
    /// The place of the device that logs in for it.
    pub(super) device: usize,
    /// Its own device id.
    pub(super) object: String,
    pub(super) online: bool,
    pub(super) shadow: Shadow,
    /// What the device was asked to take and answered to, so that it is not asked again and again.
    pub(super) settled: Map<String, Value>,
    /// Whether an answer to such a question is awaited.
    pub(super) setting: bool,
    /// Whether it took the programme.
    pub(super) has_programme: bool,
    /// When its override ends, by the city's clock.
    pub(super) override_ends: Option<Timestamp>,
    known: Reading,
    meter: Meter,
    stamp: Stamp,
    answers: VecDeque<(CommandId, Answer)>,
    /// The newest request that was obeyed.
    obeyed: u64,
}

/// Counts energy for a device without a meter.
#[derive(Debug, Default)]
struct Meter {
    /// \[mW·ms\]
    energy: u128,
    since: Option<Timestamp>,
}

impl Meter {
    /// The reading \[mWh\], if `power_mw` was drawn since the last one.
    fn run(&mut self, power_mw: u32, at: Timestamp) -> u64 {
        let passed_ms = self.since.map_or(0, |since| at.millis_since(since).max(0));
        self.since = self.since.max(Some(at));
        self.energy += u128::from(power_mw) * passed_ms.unsigned_abs() as u128;
        u64::try_from(self.energy / HOUR_MS.unsigned_abs() as u128).unwrap_or(u64::MAX)
    }
}

impl Lamp {
    pub(super) fn new(
        (id, district): (LuminaireId, DistrictId),
        device: usize,
        object: String,
        epoch: u32,
    ) -> Self {
        Self {
            id,
            district,
            device,
            object,
            online: false,
            shadow: Shadow::default(),
            settled: Map::new(),
            setting: false,
            has_programme: false,
            override_ends: None,
            known: Reading::default(),
            meter: Meter::default(),
            stamp: Stamp { epoch, seq: 0, ts: Timestamp::default() },
            answers: VecDeque::new(),
            obeyed: 0,
        }
    }

    /// A message of this luminaire.
    pub(super) fn message(&self, body: Light) -> Message {
        Message::Light { district: self.district, luminaire: self.id, body }
    }

    fn report<T>(&mut self, ts: Timestamp, body: T) -> Report<T> {
        self.stamp = Stamp { seq: self.stamp.seq.wrapping_add(1), ts, ..self.stamp };
        Report { stamp: self.stamp, body }
    }

    /// Takes what the device told; says on the bus what is news. `at` – by the city's clock, if that is known.
    pub(super) fn take(&mut self, reading: Reading, at: Option<Timestamp>, out: &mut Vec<Message>) {
        let drawn_mw = self.known.power_mw.unwrap_or(0);
        self.known.update(reading);
        let Some(at) = at else { return };
        if reading.is_of_light() {
            out.push(self.state(at));
        }
        let metered = self.meter.run(drawn_mw, at);
        if reading.is_of_power()
            && let Some(power_mw) = self.known.power_mw
        {
            let telemetry = self.telemetry(power_mw, metered);
            let report = self.report(at, telemetry);
            out.push(self.message(Light::Telemetry(report)));
        }
    }

    fn telemetry(&self, power_mw: u32, metered: u64) -> Telemetry {
        let known = &self.known;
        Telemetry {
            power_mw,
            voltage_mv: known.voltage_mv.unwrap_or(NOMINAL_MV),
            energy_mwh: known.energy_mwh.unwrap_or(metered),
            burning_s: known.burning_s.unwrap_or(0),
            switch_count: known.switch_count.unwrap_or(0),
            in_effect: self.in_effect(),
        }
    }

    fn in_effect(&self) -> DimLevel {
        self.known.level.or(self.known.actual).unwrap_or_default()
    }

    /// The three levels, as far as they are known.
    pub(super) fn state(&mut self, at: Timestamp) -> Message {
        let in_effect = self.in_effect();
        let otherwise = if self.has_programme { Mode::Programme } else { Mode::Default };
        let state = LightState {
            target: self.known.target.unwrap_or(in_effect),
            in_effect,
            actual: self.known.actual.unwrap_or(in_effect),
            mode: self.known.mode.unwrap_or(otherwise),
        };
        let report = self.report(at, state);
        self.message(Light::State(report))
    }

    /// Whether it ever told of its light.
    pub(super) fn is_known(&self) -> bool {
        self.known.is_of_light()
    }

    /// Answers a command on the bus.
    pub(super) fn ack(&mut self, at: Timestamp, command: &CommandId, result: AckResult) -> Message {
        let report = self.report(at, CommandAck { command: command.clone(), result, reason: None });
        self.message(Light::Ack(report))
    }

    /// Says on the bus that the device refused a command, and why; at most [`lighting::REASON_BYTES_MAX`].
    pub(super) fn refuse(&mut self, at: Timestamp, command: &CommandId, reason: &str) -> Message {
        let (command, result) = (command.clone(), AckResult::Failed);
        let report = self.report(at, CommandAck { command, result, reason: Some(reason.into()) });
        self.message(Light::Ack(report))
    }

    /// What became of a command, if it came before.
    pub(super) fn answer(&self, command: &CommandId) -> Option<Answer> {
        self.answers.iter().find(|(id, _)| id == command).map(|(_, answer)| *answer)
    }

    /// Notes what became of a command.
    pub(super) fn set_answer(&mut self, command: &CommandId, answer: Answer) {
        if let Some(known) = self.answers.iter_mut().find(|(id, _)| id == command) {
            known.1 = answer;
            return;
        }
        if self.answers.len() == ANSWERS_MAX {
            self.answers.pop_front();
        }
        self.answers.push_back((command.clone(), answer));
    }

    /// The device obeyed this request: it holds the level of `command`, or went back to its programme. What an older
    /// request asked for does not count any more.
    pub(super) fn obey(&mut self, request: u64, command: Option<&DimCommand>) {
        if request < self.obeyed {
            return;
        }
        self.obeyed = request;
        let level = command.and_then(|command| command.level);
        self.known.target = level;
        self.known.mode = level.map(|_| Mode::Override);
        self.override_ends = command.filter(|_| level.is_some()).and_then(|command| command.until);
    }
}
