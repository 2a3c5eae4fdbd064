use std::collections::BTreeMap;

use lighting::{FirmwareState, LightState, Programme, Report};
use types::DistrictId;
use wire::{ClockState, Light, Message};

use crate::client::luminaire_at;

/// What the broker keeps for those who come later.
#[derive(Debug)]
pub(crate) struct Retained {
    lamps: Box<[OfLamp]>,
    programmes: Programmes,
    clock: Option<ClockState>,
    keys: Option<Message>,
    /// By place of the luminaire: few ever tell of it.
    firmware: BTreeMap<usize, Report<FirmwareState>>,
}

/// What is kept of one luminaire.
#[derive(Clone, Debug, Default)]
struct OfLamp {
    state: Option<Report<LightState>>,
    online: Option<bool>,
    /// Counted from 1.
    programme: u32,
}

impl Retained {
    pub(crate) fn new(lamps: usize) -> Self {
        let lamps = vec![OfLamp::default(); lamps].into();
        Self { lamps, programmes: Programmes::default(), clock: None, keys: None, firmware: BTreeMap::new() }
    }

    /// Keeps what is to be kept. What is about a luminaire that is not in the city has no place here.
    pub(crate) fn keep(&mut self, message: &Message) {
        match message {
            Message::Clock(clock) => self.clock = Some(*clock),
            Message::EidKeys(_) => self.keys = Some(message.clone()),
            _ => {}
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
            Light::Telemetry(_) | Light::Ack(_) | Light::Command(_) | Light::FirmwareOrder(_) => {}
        }
    }

    /// Whether the last thing said of a luminaire's connection is that it is there.
    pub(crate) fn is_online(&self, index: usize) -> bool {
        self.lamps.get(index).is_some_and(|lamp| lamp.online == Some(true))
    }

    /// The programme kept for one luminaire.
    pub(crate) fn programme(&self, index: usize) -> Option<&Programme> {
        self.programmes.get(self.lamps.get(index)?.programme)
    }

    /// Everything that is kept, luminaire by luminaire, except programmes: those only luminaires want.
    pub(crate) fn all(&self, district: impl Fn(usize) -> DistrictId) -> impl Iterator<Item = Message> {
        let rest = self.clock.map(Message::Clock).into_iter().chain(self.keys.clone());
        let lamps = self.lamps.iter().enumerate().flat_map(move |(index, lamp)| {
            let (district, luminaire) = (district(index), luminaire_at(index));
            let online = lamp.online.map(Light::Online);
            let firmware = self.firmware.get(&index).cloned().map(Light::Firmware);
            let bodies = online.into_iter().chain(lamp.state.clone().map(Light::State)).chain(firmware);
            bodies.map(move |body| Message::Light { district, luminaire, body })
        });
        rest.chain(lamps)
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
