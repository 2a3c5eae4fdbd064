//! One luminaire that is a device: what it told, and how that reads on the bus.

use std::collections::VecDeque;

use lighting::{AckResult, CommandAck, DimCommand, DimLevel, FirmwareOrder, LightState, Mode, Telemetry};
use serde_json::{Map, Value};
use types::{CommandId, LuminaireId, Timestamp};

use super::light::Reading;
use super::shadow::Shadow;
use crate::dialect::{Keeper, Meter, NOMINAL_MV, Site, Voice};
use crate::{Light, Message};

/// Commands whose outcome is remembered.
const ANSWERS_MAX: usize = 16;

/// Unanswered questions after which a device counts as one that takes no programme.
const SETS_UNANSWERED_MAX: u8 = 2;

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
    /// Whether it was asked to take the programme and did not: then it is told each level.
    pub(super) refuses_programme: bool,
    /// Questions to take something that were not answered, in a row.
    pub(super) sets_unanswered: u8,
    /// What it should give now, to be told if it does not know by itself.
    pub(super) keeper: Keeper,
    /// The level it was last told so.
    pub(super) told: Option<DimLevel>,
    /// It did not obey that: it is told again with its next report, not before.
    pub(super) step_failed: bool,
    pub(super) site: Site,
    /// When its override ends, by the city's clock.
    pub(super) override_ends: Option<Timestamp>,
    known: Reading,
    meter: Meter,
    voice: Voice,
    answers: VecDeque<(CommandId, Answer)>,
    /// The newest request that was obeyed.
    obeyed: u64,
}

impl Lamp {
    pub(super) fn new((id, site): (LuminaireId, Site), device: usize, object: String, epoch: u32) -> Self {
        Self {
            id,
            device,
            object,
            online: false,
            shadow: Shadow::default(),
            settled: Map::new(),
            setting: false,
            has_programme: false,
            refuses_programme: false,
            sets_unanswered: 0,
            keeper: Keeper::default(),
            told: None,
            step_failed: false,
            site,
            override_ends: None,
            known: Reading::default(),
            meter: Meter::default(),
            voice: Voice::new(id, site.district, epoch),
            answers: VecDeque::new(),
            obeyed: 0,
        }
    }

    /// A message of this luminaire.
    pub(super) fn message(&self, body: Light) -> Message {
        self.voice.message(body)
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
            out.push(self.voice.says(at, telemetry, Light::Telemetry));
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
            current_ma: 0,
            power_factor_pm: 0,
            flux_lm: 0,
            gear: None,
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
        self.voice.says(at, state, Light::State)
    }

    /// Whether it ever told of its light.
    pub(super) fn is_known(&self) -> bool {
        self.known.is_of_light()
    }

    /// Answers a command on the bus.
    pub(super) fn ack(&mut self, at: Timestamp, command: &CommandId, result: AckResult) -> Message {
        self.voice.says(at, CommandAck { command: command.clone(), result, reason: None }, Light::Ack)
    }

    /// Says on the bus that the device refused a command, and why; at most [`lighting::REASON_BYTES_MAX`].
    pub(super) fn refuse(&mut self, at: Timestamp, command: &CommandId, reason: &str) -> Message {
        let (command, result) = (command.clone(), AckResult::Failed);
        self.voice.says(at, CommandAck { command, result, reason: Some(reason.into()) }, Light::Ack)
    }

    /// Answers an order to change the firmware.
    pub(super) fn refuse_firmware(&mut self, at: Timestamp, order: FirmwareOrder) -> Message {
        self.voice.refuses(at, order)
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
        self.keeper.hold(level, command.and_then(|command| command.until));
        self.told = level.or(self.told);
        self.known.target = level;
        self.known.mode = level.map(|_| Mode::Override);
        self.override_ends = command.filter(|_| level.is_some()).and_then(|command| command.until);
    }

    /// It did not answer whether it takes something. Once, the question may have been lost.
    pub(super) fn miss_answer(&mut self) {
        self.sets_unanswered = self.sets_unanswered.saturating_add(1);
        self.refuses_programme |= self.sets_unanswered >= SETS_UNANSWERED_MAX;
    }

    /// The device gives the level of the programme that it was told.
    pub(super) fn step(&mut self, level: DimLevel) {
        self.known.target = Some(level);
        self.known.mode = Some(Mode::Programme);
    }
}
