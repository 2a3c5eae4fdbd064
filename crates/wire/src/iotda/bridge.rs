//! Between the devices and the city: a core that speaks both ways.

use std::collections::BTreeMap;

use lighting::{AckResult, DimCommand, Programme};
use serde_json::{Map, json};
use types::{Core, LuminaireId, SECOND_MS, Timestamp};

use self::answers::{Asked, Pending};
use super::lamp::{Answer, Lamp};
use super::light::{LIGHT, Reading};
use super::payload::{Down, ServiceReport, Up, moment};
use crate::dialect::{Dialect, Register, Sites};
use crate::{ClockState, Directory, Light, Message};

mod answers;
mod events;
mod keep;
#[cfg(test)]
mod tests;
mod translate;

/// How long a device may take to answer \[ms of the wall's clock\].
pub const COMMAND_TIMEOUT_MS: i64 = 20 * SECOND_MS;
/// Devices behind one gateway in one report.
const CHILDREN_MAX: usize = 100;
/// The property that holds the programme.
pub(super) const PROGRAMME: &str = "programme";
/// The command that holds a level, and the one that ends that.
pub(super) const SET_LEVEL: &str = "SetLevel";
pub(super) const RESUME: &str = "Resume";

/// What can happen to a bridge.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The bus is there, again.
    Connected,
    /// A message of the city came.
    Bus(Message),
    /// A device said something.
    Device {
        /// Where.
        topic: String,
        /// Its id.
        device: String,
        /// What.
        up: Up,
    },
}

/// What a bridge wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Tell the city.
    Bus(Message),
    /// Tell a device.
    Device {
        /// Which one.
        device: String,
        /// What.
        down: Down,
    },
    /// Count as a dead letter: understood, but impossible.
    Refused {
        /// Where it came in.
        topic: String,
        /// Why.
        reason: String,
    },
    /// Write into the log.
    Note(String),
}

/// Translates between devices that speak the protocol of Huawei IoTDA and the city's lighting.
///
/// Lives by the wall's clock, as the devices do. A reading gets the city's time of its arrival, moved by as much as the
/// device's clock is off the wall's, so that the CMS sees a wrong clock as one.
///
/// A command is sent once; the CMS resends, and the bridge knows a command again. What arrives after
/// [`COMMAND_TIMEOUT_MS`] is noted and not applied. A device that is offline gets no commands; its programme waits for
/// it in its shadow.
#[derive(Debug)]
pub struct IotdaBridge {
    register: Register,
    sites: Sites,
    lamps: Vec<Lamp>,
    by_id: BTreeMap<LuminaireId, usize>,
    by_object: BTreeMap<String, usize>,
    clock: Option<ClockState>,
    /// Questions without an answer, by number.
    pending: BTreeMap<u64, Pending>,
    /// Different at each start, so that an answer to an earlier one is not taken for one of this.
    epoch: u32,
    requests: u64,
    /// Changes to shadows so far.
    changes: u64,
}

impl IotdaBridge {
    /// The bridge of the devices in `register` that speak this protocol; those whose luminaire is not among `sites` are
    /// left out.
    ///
    /// `epoch` – higher at each start.
    pub fn new(register: Register, sites: Sites, epoch: u32) -> Self {
        let mut lamps = Vec::new();
        for (place, device) in register.speaking(Dialect::Iotda) {
            let own = device.lamp.map(|lamp| (lamp, &device.id));
            let children = device.children.iter().map(|child| (child.lamp, &child.id));
            lamps.extend(own.into_iter().chain(children).filter_map(|(id, object)| {
                let site = *sites.by_luminaire.get(&id)?;
                Some(Lamp::new((id, site), place, object.clone(), epoch))
            }));
        }
        let by_id = lamps.iter().enumerate().map(|(index, lamp)| (lamp.id, index)).collect();
        let by_object = lamps.iter().enumerate().map(|(index, lamp)| (lamp.object.clone(), index)).collect();
        let (clock, pending) = (None, BTreeMap::new());
        Self { register, sites, lamps, by_id, by_object, clock, pending, epoch, requests: 0, changes: 0 }
    }

    /// What it hears of the city, below `kitecity/v1/{run}/`.
    fn down_filters(&self, directory: &Directory) -> Vec<String> {
        let lamps = self.lamps.iter().filter_map(|lamp| Some((directory.get(&lamp.id)?, lamp.id)));
        let lamps = lamps.map(|(district, lamp)| format!("light/{district}/{lamp}/down/+"));
        std::iter::once("sim/clock".to_owned()).chain(lamps).collect()
    }

    fn city_now(&self, now: Timestamp) -> Option<Timestamp> {
        self.clock.map(|clock| clock.city_at(now))
    }

    fn on_bus(&mut self, now: Timestamp, message: Message, out: &mut Vec<Output>) {
        match message {
            Message::Clock(state) => {
                let first = self.clock.replace(state).is_none();
                if first {
                    self.announce(now, out);
                }
            }
            Message::Light { luminaire, body, .. } => {
                let Some(&index) = self.by_id.get(&luminaire) else { return };
                match body {
                    Light::Command(command) => self.command(now, index, command, out),
                    Light::Programme(programme) => self.programme(now, index, &programme, out),
                    Light::FirmwareOrder(order) => {
                        let at = self.city_now(now);
                        out.extend(at.map(|at| Output::Bus(self.lamps[index].refuse_firmware(at, order))));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// Tells the city anew what is known. Who never came is missed, too.
    fn announce(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let Some(at) = self.city_now(now) else { return };
        for lamp in &mut self.lamps {
            out.push(Output::Bus(lamp.message(Light::Online(lamp.online))));
            if lamp.online && lamp.is_known() {
                out.push(Output::Bus(lamp.state(at)));
            }
        }
    }

    fn command(&mut self, now: Timestamp, index: usize, command: DimCommand, out: &mut Vec<Output>) {
        let Some(at) = self.city_now(now) else { return };
        let lamp = &mut self.lamps[index];
        match lamp.answer(&command.id) {
            Some(Answer::Done) => {
                out.push(Output::Bus(lamp.ack(at, &command.id, AckResult::Done)));
                return;
            }
            Some(Answer::Waiting | Answer::Failed) => return,
            None => {}
        }
        if command.until.is_some_and(|until| until <= at) {
            out.push(Output::Bus(lamp.ack(at, &command.id, AckResult::Expired)));
        } else if lamp.online {
            lamp.set_answer(&command.id, Answer::Waiting);
            self.order(now, index, Some(command), out);
        } else {
            out.push(Output::Note(format!("{}: command {} while offline, not sent", lamp.id, command.id)));
        }
    }

    /// Sends a command to a device; without one, ends its override.
    fn order(&mut self, now: Timestamp, index: usize, command: Option<DimCommand>, out: &mut Vec<Output>) {
        let level = command.as_ref().and_then(|command| command.level);
        let (name, paras) = match level.or_else(|| self.kept_level(now, index)) {
            Some(level) => (SET_LEVEL, json!({ "level": level })),
            None => (RESUME, json!({})),
        };
        let object = self.lamps[index].object.clone();
        self.ask(now, index, Asked::Command(command), out, |request| Down::Command {
            request,
            object,
            service: LIGHT.to_owned(),
            name: name.to_owned(),
            paras,
        });
    }

    fn programme(&mut self, now: Timestamp, index: usize, programme: &Programme, out: &mut Vec<Output>) {
        let value = serde_json::to_value(programme).expect("a programme is JSON");
        self.keep_programme(now, index, programme, out);
        let lamp = &mut self.lamps[index];
        if lamp.shadow.desire(now, LIGHT, PROGRAMME, value) {
            lamp.has_programme = false;
            self.changes += 1;
            self.deliver(now, index, out);
        }
    }

    /// Has a device take what is wanted and was not told to be so, unless it answered to that already.
    fn deliver(&mut self, now: Timestamp, index: usize, out: &mut Vec<Output>) {
        let lamp = &mut self.lamps[index];
        let properties = lamp.shadow.missing(LIGHT);
        if !lamp.online || lamp.setting || properties.is_empty() || properties == lamp.settled {
            return;
        }
        lamp.setting = true;
        let object = lamp.object.clone();
        let asked = Asked::Set(properties.clone());
        self.ask(now, index, asked, out, |request| Down::SetProperties {
            request,
            object,
            services: vec![ServiceReport { service: LIGHT.to_owned(), properties, event_time: None }],
        });
    }

    /// Whether a device is connected; told by the broker, by a gateway, or by its first words.
    fn set_online(&mut self, now: Timestamp, index: usize, online: bool, out: &mut Vec<Output>) {
        let lamp = &mut self.lamps[index];
        lamp.online = online;
        lamp.settled = Map::new();
        lamp.setting = false;
        lamp.told = None;
        out.push(Output::Bus(lamp.message(Light::Online(online))));
        if online {
            let object = lamp.object.clone();
            self.ask(now, index, Asked::Get, out, |request| Down::GetProperties {
                request,
                object,
                service: LIGHT.to_owned(),
            });
            self.deliver(now, index, out);
        } else {
            self.abandon(index);
        }
    }

    fn on_device(
        &mut self,
        now: Timestamp,
        device: &str,
        up: Up,
        out: &mut Vec<Output>,
    ) -> Result<(), String> {
        // A gateway asks for the shadow of a device behind it on that device's topic.
        let behind = || self.by_object.get(device).map(|&index| self.lamps[index].device);
        let place = self.register.place_of(device).or_else(behind).ok_or("no such device in the register")?;
        match up {
            Up::Report(services) => match self.by_object.get(device).copied() {
                Some(index) => self.reports(now, index, &services, out),
                None => Ok(()),
            },
            Up::GatewayReport(children) => self.gateway_report(now, place, &children, out),
            Up::CommandResponse { request, result_code } | Up::SetResponse { request, result_code } => {
                self.on_answer(now, place, &request, result_code, out)
            }
            Up::GetResponse { request, services } => self.on_properties(now, place, &request, &services, out),
            Up::ShadowGet { request, object, service } => {
                let object = object.unwrap_or_else(|| device.to_owned());
                let lamp = &self.lamps[self.lamp_behind(place, &object)?];
                let services = lamp.shadow.show(service.as_deref());
                let down = Down::Shadow { request, object, services };
                out.push(Output::Device { device: self.device_id(place), down });
                Ok(())
            }
            Up::Message => Ok(()),
            Up::Refused { count, reason } => Err(format!("login refused: {reason}; {count} so far")),
            Up::Events(events) => events.iter().try_for_each(|event| self.on_event(now, place, event, out)),
            Up::Status(online) => {
                self.on_status(now, place, online, out);
                Ok(())
            }
        }
    }

    /// The luminaire with this device id, if the device at `place` may speak for it.
    fn lamp_behind(&self, place: usize, object: &str) -> Result<usize, String> {
        let index = self.by_object.get(object).copied();
        index.filter(|&index| self.lamps[index].device == place).ok_or_else(|| {
            let object: String = object.chars().take(32).collect();
            format!("device `{object}` is not behind this one")
        })
    }

    fn gateway_report(
        &mut self,
        now: Timestamp,
        place: usize,
        children: &[(String, Vec<ServiceReport>)],
        out: &mut Vec<Output>,
    ) -> Result<(), String> {
        if children.len() > CHILDREN_MAX {
            return Err(format!("{} devices in one report, at most {CHILDREN_MAX}", children.len()));
        }
        // One bad child does not silence the others.
        let mut outcome = Ok(());
        for (child, services) in children {
            let index = self.lamp_behind(place, child);
            let told = index.and_then(|index| self.reports(now, index, services, out));
            outcome = outcome.and(told);
        }
        outcome
    }

    fn reports(
        &mut self,
        now: Timestamp,
        index: usize,
        services: &[ServiceReport],
        out: &mut Vec<Output>,
    ) -> Result<(), String> {
        for report in services {
            self.take(now, index, report, true, out)?;
        }
        self.deliver(now, index, out);
        self.leave_to_itself(now, index, out);
        let lamp = &mut self.lamps[index];
        if std::mem::take(&mut lamp.step_failed) {
            lamp.told = None;
        }
        self.drive(now, index, out);
        Ok(())
    }

    /// Takes the properties of one service. Only what a device tells by itself goes into its shadow.
    fn take(
        &mut self,
        now: Timestamp,
        index: usize,
        report: &ServiceReport,
        unasked: bool,
        out: &mut Vec<Output>,
    ) -> Result<(), String> {
        let reading =
            if report.service == LIGHT { Reading::of(&report.properties)? } else { Reading::default() };
        let made = match &report.event_time {
            Some(text) => moment(text, now).ok_or("`event_time` is no time of either form")?,
            None => now,
        };
        if unasked {
            self.lamps[index].shadow.report(now, report)?;
            self.changes += 1;
        }
        if !self.lamps[index].online {
            self.set_online(now, index, true, out);
        }
        let at = self.city_now(now).map(|city| city.plus_millis(made.millis_since(now)));
        let mut messages = Vec::new();
        self.lamps[index].take(reading, at, &mut messages);
        out.extend(messages.into_iter().map(Output::Bus));
        Ok(())
    }

    fn device_id(&self, place: usize) -> String {
        self.register.devices()[place].id.clone()
    }
}

impl Core for IotdaBridge {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Connected => self.announce(now, out),
            Input::Bus(message) => self.on_bus(now, message, out),
            Input::Device { topic, device, up } => {
                if let Err(reason) = self.on_device(now, &device, up, out) {
                    out.push(Output::Refused { topic, reason });
                }
            }
        }
    }

    fn handle_timeout(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        self.expire(now, out);
        self.end_overrides(now, out);
        (0..self.lamps.len()).for_each(|index| self.drive(now, index, out));
    }

    fn next_timeout(&self) -> Option<Timestamp> {
        // Numbers grow with time, and all have the same time: the first is due first.
        let answer = self.pending.values().next().map(|pending| pending.deadline);
        answer.into_iter().chain(self.next_override_end()).chain(self.next_step()).min()
    }
}
