//! Between lamps of the Streetlights API and the city.

use std::collections::{BTreeMap, VecDeque};

use lighting::{AckResult, CommandAck, DimCommand, DimLevel, LightState, Mode, Telemetry};
use types::{CommandId, LuminaireId, MINUTE_MS, Timestamp};

use super::{Action, MEASURED_FILTER, Measured, decode_measured, encode_action, is_streetlights};
use crate::dialect::{Bridge, Dialect, Keeper, Meter, NOMINAL_MV, Register, Said, Site, Sites, Voice};
use crate::{ClockState, DecodeError, Directory, Light, Message, RoleName};

/// How long a lamp may say nothing before it counts as gone \[ms of the wall's clock\]: the protocol has no presence.
const SILENCE_MAX_MS: i64 = 10 * MINUTE_MS;
/// Commands of one lamp that are known again.
const COMMANDS_MAX: usize = 16;

/// Translates between lamps of the Streetlights API and the city's lighting.
///
/// The protocol has neither answers nor programmes. So a command is acknowledged when it is sent; what came of it, the
/// next measurement shows. The programme is kept here, and the lamp told each of its levels. Electrical readings are
/// worked out from the light: none while some was asked for is a lamp that draws standby, which the CMS takes for broken.
#[derive(Debug)]
pub struct StreetlightsBridge {
    sites: Sites,
    lamps: Vec<Lamp>,
    by_id: BTreeMap<LuminaireId, usize>,
    by_device: BTreeMap<String, usize>,
    clock: Option<ClockState>,
}

#[derive(Debug)]
struct Lamp {
    id: LuminaireId,
    device: String,
    site: Site,
    voice: Voice,
    keeper: Keeper,
    meter: Meter,
    /// What it measures at full output \[lm\]; `None` = any light is what it was told to give.
    full_lumens: Option<u32>,
    /// When it last said something; `None` = it is not there.
    heard: Option<Timestamp>,
    /// The level it was last told.
    told: Option<DimLevel>,
    mode: Mode,
    actual: Option<DimLevel>,
    commands: VecDeque<CommandId>,
}

impl StreetlightsBridge {
    /// The bridge of the streetlights in `register`; those whose luminaire is not among `sites` are left out.
    ///
    /// `epoch` – higher at each start.
    pub fn new(register: &Register, sites: Sites, epoch: u32) -> Self {
        let lamps: Vec<Lamp> = register
            .speaking(Dialect::Streetlights)
            .filter_map(|(_, device)| {
                let id = device.lamp?;
                let site = *sites.by_luminaire.get(&id)?;
                Some(Lamp {
                    id,
                    device: device.id.clone(),
                    site,
                    voice: Voice::new(id, site.district, epoch),
                    keeper: Keeper::default(),
                    meter: Meter::default(),
                    full_lumens: device.lumens,
                    heard: None,
                    told: None,
                    mode: Mode::Default,
                    actual: None,
                    commands: VecDeque::new(),
                })
            })
            .collect();
        let by_id = lamps.iter().enumerate().map(|(index, lamp)| (lamp.id, index)).collect();
        let by_device = lamps.iter().enumerate().map(|(index, lamp)| (lamp.device.clone(), index)).collect();
        Self { sites, lamps, by_id, by_device, clock: None }
    }

    /// Tells the city anew what is known. Who never came is missed, too.
    fn announce(&mut self, now: Timestamp, out: &mut Vec<Said>) {
        let Some(clock) = self.clock else { return };
        for lamp in &mut self.lamps {
            out.push(Said::Bus(lamp.voice.message(Light::Online(lamp.heard.is_some()))));
            if lamp.heard.is_some() {
                lamp.tell_state(clock.city_at(now), out);
            }
        }
    }

    fn command(&mut self, now: Timestamp, index: usize, command: DimCommand, out: &mut Vec<Said>) {
        let Some(clock) = self.clock else { return };
        let (lamp, at) = (&mut self.lamps[index], clock.city_at(now));
        if command.until.is_some_and(|until| until <= at) {
            lamp.acknowledge(at, command.id, AckResult::Expired, out);
            return;
        }
        if lamp.heard.is_none() {
            out.push(Said::Note(format!(
                "{}: command {} while it is not there, not sent",
                lamp.id, command.id
            )));
            return;
        }
        if !lamp.commands.contains(&command.id) {
            if lamp.commands.len() == COMMANDS_MAX {
                lamp.commands.pop_front();
            }
            lamp.commands.push_back(command.id.clone());
            lamp.keeper.hold(command.level, command.until);
            lamp.drive(&self.sites, clock, now, out);
        }
        lamp.acknowledge(at, command.id, AckResult::Done, out);
        lamp.tell_state(at, out);
    }

    fn measured(&mut self, now: Timestamp, index: usize, measured: &Measured, out: &mut Vec<Said>) {
        let lamp = &mut self.lamps[index];
        let came = lamp.heard.replace(now).is_none();
        if came {
            // What it gives now nobody knows: it is told anew.
            lamp.told = None;
            out.push(Said::Bus(lamp.voice.message(Light::Online(true))));
        }
        let Some(clock) = self.clock else { return };
        lamp.drive(&self.sites, clock, now, out);
        let actual = lamp.level_of(measured.lumens);
        let at = clock.city_at(measured.sent_at.unwrap_or(now).min(now).max(clock.wall));
        let news = came || lamp.actual != Some(actual);
        let drawn_mw = lamp.power_mw();
        lamp.actual = Some(actual);
        if news {
            lamp.tell_state(at, out);
        }
        lamp.tell_readings(drawn_mw, at, out);
    }
}

impl Lamp {
    fn level_of(&self, lumens: u64) -> DimLevel {
        let percent = match self.full_lumens {
            _ if lumens == 0 => 0,
            None => {
                u64::from(self.told.filter(|&told| told > DimLevel::OFF).unwrap_or(DimLevel::FULL).percent())
            }
            Some(full) => (lumens * 100).div_ceil(u64::from(full.max(1))).clamp(1, 100),
        };
        DimLevel::from_percent(percent as u8).unwrap_or(DimLevel::FULL)
    }

    /// What a luminaire that gives so much light draws.
    fn power_mw(&self) -> u32 {
        let Site { rated_mw, standby_mw, .. } = self.site;
        match self.actual {
            None | Some(DimLevel::OFF) => standby_mw,
            Some(level) => {
                let span_mw = u64::from(rated_mw.saturating_sub(standby_mw));
                standby_mw + (span_mw * (500 + 95 * u64::from(level.percent())) / 10_000) as u32
            }
        }
    }

    /// Tells the lamp the level that counts now, if that is another than it was told.
    fn drive(&mut self, sites: &Sites, clock: ClockState, now: Timestamp, out: &mut Vec<Said>) {
        let wanted = self.keeper.wanted(sites.sun(&self.site), clock.city_at(now));
        let Some((level, mode)) = wanted.filter(|_| self.heard.is_some()) else { return };
        self.mode = mode;
        if self.told.replace(level) != Some(level) {
            let action = match level {
                DimLevel::OFF => Action::Off,
                DimLevel::FULL => Action::On,
                level => Action::Dim(level),
            };
            out.push(Said::Frame(encode_action(&self.device, action, now)));
        }
    }

    fn acknowledge(&mut self, at: Timestamp, command: CommandId, result: AckResult, out: &mut Vec<Said>) {
        out.push(Said::Bus(self.voice.says(at, CommandAck { command, result, reason: None }, Light::Ack)));
    }

    fn in_effect(&self) -> DimLevel {
        self.told.or(self.actual).unwrap_or_default()
    }

    fn tell_state(&mut self, at: Timestamp, out: &mut Vec<Said>) {
        let in_effect = self.in_effect();
        let actual = self.actual.unwrap_or(in_effect);
        let state = LightState { target: in_effect, in_effect, actual, mode: self.mode };
        out.push(Said::Bus(self.voice.says(at, state, Light::State)));
    }

    /// `drawn_mw` – since the last readings.
    fn tell_readings(&mut self, drawn_mw: u32, at: Timestamp, out: &mut Vec<Said>) {
        let readings = Telemetry {
            power_mw: self.power_mw(),
            voltage_mv: NOMINAL_MV,
            energy_mwh: self.meter.run(drawn_mw, at),
            burning_s: 0,
            switch_count: 0,
            in_effect: self.in_effect(),
            current_ma: 0,
            power_factor_pm: 0,
            flux_lm: 0,
            gear: None,
        };
        out.push(Said::Bus(self.voice.says(at, readings, Light::Telemetry)));
    }
}

impl Bridge for StreetlightsBridge {
    fn role(&self) -> RoleName {
        RoleName::Streetlights
    }

    fn filters(&self, _directory: &Directory) -> Vec<String> {
        let lamps = self.lamps.iter().map(|lamp| format!("light/{}/{}/down/+", lamp.site.district, lamp.id));
        std::iter::once("sim/clock".to_owned()).chain(lamps).collect()
    }

    fn foreign_filters(&self) -> Vec<String> {
        vec![MEASURED_FILTER.to_owned()]
    }

    fn is_foreign(&self, topic: &str) -> bool {
        is_streetlights(topic)
    }

    fn connected(&mut self, now: Timestamp, out: &mut Vec<Said>) {
        self.announce(now, out);
    }

    fn on_bus(&mut self, now: Timestamp, message: Message, out: &mut Vec<Said>) {
        match message {
            Message::Clock(clock) => {
                let first = self.clock.replace(clock).is_none();
                if first {
                    self.announce(now, out);
                }
                self.handle_timeout(now, out);
            }
            Message::Light { luminaire, body, .. } => {
                let Some(&index) = self.by_id.get(&luminaire) else { return };
                match body {
                    Light::Command(command) => self.command(now, index, command, out),
                    Light::Programme(programme) => {
                        let Some(clock) = self.clock else { return };
                        let lamp = &mut self.lamps[index];
                        let sun = self.sites.sun(&lamp.site);
                        lamp.keeper.take_programme(&programme, sun, clock.city_at(now));
                        lamp.drive(&self.sites, clock, now, out);
                    }
                    Light::FirmwareOrder(order) => {
                        let at = self.clock.map(|clock| clock.city_at(now));
                        let lamp = &mut self.lamps[index];
                        out.extend(at.map(|at| Said::Bus(lamp.voice.refuses(at, order))));
                    }
                    Light::State(_)
                    | Light::Telemetry(_)
                    | Light::Ack(_)
                    | Light::Online(_)
                    | Light::Firmware(_)
                    | Light::Alarms(_) => {}
                }
            }
            _ => {}
        }
    }

    fn on_foreign(
        &mut self,
        now: Timestamp,
        topic: &str,
        payload: &[u8],
        retained: bool,
        out: &mut Vec<Said>,
    ) -> Result<(), DecodeError> {
        let (device, measured) = decode_measured(topic, payload)?;
        match self.by_device.get(device) {
            // What was measured in the past says nothing of now.
            Some(_) if retained => {}
            Some(&index) => self.measured(now, index, &measured, out),
            None => {
                let reason = "no such device in the register".to_owned();
                out.push(Said::Refused { topic: topic.to_owned(), reason });
            }
        }
        Ok(())
    }

    fn handle_timeout(&mut self, now: Timestamp, out: &mut Vec<Said>) {
        let Some(clock) = self.clock else { return };
        for lamp in &mut self.lamps {
            if lamp.heard.is_some_and(|heard| heard.plus_millis(SILENCE_MAX_MS) <= now) {
                lamp.heard = None;
                out.push(Said::Bus(lamp.voice.message(Light::Online(false))));
            }
            let before = (lamp.told, lamp.mode);
            lamp.drive(&self.sites, clock, now, out);
            if before != (lamp.told, lamp.mode) {
                lamp.tell_state(clock.city_at(now), out);
            }
        }
    }

    fn next_timeout(&self) -> Option<Timestamp> {
        let clock = self.clock?;
        let here = self.lamps.iter().filter(|lamp| lamp.heard.is_some());
        let changes = here.clone().filter_map(|lamp| lamp.keeper.next_change()).min();
        let changes = changes.and_then(|at| clock.wall_ms_until(at, clock.wall));
        let silences =
            here.filter_map(|lamp| lamp.heard).min().map(|heard| heard.plus_millis(SILENCE_MAX_MS));
        silences.into_iter().chain(changes.map(|ms| clock.wall.plus_millis(ms))).min()
    }
}

#[cfg(test)]
mod tests;
