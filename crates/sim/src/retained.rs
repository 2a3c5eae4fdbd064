use std::collections::BTreeMap;

use lighting::{AlarmSet, CabinetState, FirmwareState, LightState, Programme, Report};
use types::{CabinetId, DistrictId};
use wire::{ClockState, Light, Message, Segment};

use crate::cabinets::cabinet_index;
use crate::client::{Who, luminaire_at};

/// What the broker keeps for those who come later.
#[derive(Debug)]
pub(crate) struct Retained {
    lamps: Box<[OfLamp]>,
    cabinets: Box<[OfCabinet]>,
    programmes: Programmes,
    clock: Option<ClockState>,
    keys: Option<Message>,
    /// By place of the luminaire: few ever tell of it.
    firmware: BTreeMap<usize, Report<FirmwareState>>,
    /// The same.
    alarms: BTreeMap<usize, AlarmSet>,
}

/// What is kept of one luminaire.
#[derive(Clone, Debug, Default)]
struct OfLamp {
    state: Option<Report<LightState>>,
    online: Option<bool>,
    /// Counted from 1.
    programme: u32,
}

/// What is kept of one cabinet.
#[derive(Clone, Debug, Default)]
struct OfCabinet {
    state: Option<Report<CabinetState>>,
    online: Option<bool>,
}

impl Retained {
    pub(crate) fn new(lamps: usize, cabinets: usize) -> Self {
        let lamps = vec![OfLamp::default(); lamps].into();
        let cabinets = vec![OfCabinet::default(); cabinets].into();
        let programmes = Programmes::default();
        let (firmware, alarms) = (BTreeMap::new(), BTreeMap::new());
        Self { lamps, cabinets, programmes, clock: None, keys: None, firmware, alarms }
    }

    /// Keeps what is to be kept. What is about a luminaire that is not in the city has no place here.
    pub(crate) fn keep(&mut self, message: &Message) {
        match message {
            Message::Clock(clock) => self.clock = Some(*clock),
            Message::Cabinet { cabinet, body, .. } => self.keep_segment(*cabinet, body),
            Message::EidKeys(_) => self.keys = Some(message.clone()),
            _ => {}
        }
    }

    fn keep_segment(&mut self, cabinet: CabinetId, body: &Segment) {
        let Some(cabinet) = cabinet_index(cabinet).and_then(|index| self.cabinets.get_mut(index)) else {
            return;
        };
        match body {
            Segment::State(report) => cabinet.state = Some(report.clone()),
            Segment::Online(online) => cabinet.online = Some(*online),
            Segment::Telemetry(_) | Segment::Ack(_) | Segment::Command(_) => {}
        }
    }

    /// The same for a message of one luminaire.
    pub(crate) fn keep_light(&mut self, index: usize, body: &Light) {
        if matches!(body, Light::Telemetry(_)) {
            return;
        }
        let Some(lamp) = self.lamps.get_mut(index) else { return };
        match body {
            Light::State(report) => lamp.state = Some(report.clone()),
            Light::Online(online) => lamp.online = Some(*online),
            Light::Programme(programme) => lamp.programme = self.programmes.number(programme),
            Light::Firmware(report) => {
                self.firmware.insert(index, report.clone());
            }
            Light::Alarms(standing) => {
                self.alarms.insert(index, *standing);
            }
            Light::Telemetry(_) | Light::Ack(_) | Light::Command(_) | Light::FirmwareOrder(_) => {}
        }
    }

    /// Whether the last thing said of a luminaire's or cabinet's connection is that it is there.
    pub(crate) fn is_online(&self, who: Who) -> bool {
        let online = match who {
            Who::Lamp(index) => self.lamps.get(index).and_then(|lamp| lamp.online),
            Who::Cabinet(index) => self.cabinets.get(index).and_then(|cabinet| cabinet.online),
            Who::Role(_) => None,
        };
        online == Some(true)
    }

    /// The programme kept for one luminaire.
    pub(crate) fn programme(&self, index: usize) -> Option<&Programme> {
        self.programmes.get(self.lamps.get(index)?.programme)
    }

    /// Everything that is kept, cabinet by cabinet and luminaire by luminaire, except programmes: those only luminaires want.
    pub(crate) fn all(&self, district: impl Fn(Who) -> DistrictId + Copy) -> impl Iterator<Item = Message> {
        let rest = self.clock.map(Message::Clock).into_iter().chain(self.keys.clone());
        let lamps = self.lamps.iter().enumerate().flat_map(move |(index, lamp)| {
            let (district, luminaire) = (district(Who::Lamp(index)), luminaire_at(index));
            let online = lamp.online.map(Light::Online);
            let firmware = self.firmware.get(&index).cloned().map(Light::Firmware);
            let alarms = self.alarms.get(&index).copied().map(Light::Alarms);
            let bodies = online.into_iter().chain(lamp.state.clone().map(Light::State));
            let bodies = bodies.chain(firmware).chain(alarms);
            bodies.map(move |body| Message::Light { district, luminaire, body })
        });
        let cabinets = self.cabinets.iter().enumerate().flat_map(move |(index, kept)| {
            let (district, cabinet) = (district(Who::Cabinet(index)), CabinetId(index as u32 + 1));
            let online = kept.online.map(Segment::Online);
            let bodies = online.into_iter().chain(kept.state.clone().map(Segment::State));
            bodies.map(move |body| Message::Cabinet { district, cabinet, body })
        });
        rest.chain(cabinets).chain(lamps)
    }
}

/// Each programme once, however many luminaires keep it.
#[derive(Debug, Default)]
struct Programmes {
    list: Vec<Programme>,
    /// Places in the list, by version and number of steps.
    places: BTreeMap<(u32, usize), Vec<u32>>,
}

impl Programmes {
    /// The number of this programme, from 1.
    fn number(&mut self, programme: &Programme) -> u32 {
        let alike = self.places.entry((programme.version, programme.steps.len())).or_default();
        let same = |number: &u32| self.list[*number as usize - 1] == *programme;
        if let Some(known) = alike.iter().copied().rev().find(same) {
            return known;
        }
        self.list.push(programme.clone());
        let number = self.list.len() as u32;
        alike.push(number);
        number
    }

    fn get(&self, number: u32) -> Option<&Programme> {
        self.list.get(number.checked_sub(1)? as usize)
    }
}
