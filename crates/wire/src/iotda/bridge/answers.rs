//! Questions to devices, and what comes back: in time, late, or not at all.

use lighting::{AckResult, DimCommand, DimLevel};
use serde_json::{Map, Value};
use types::Timestamp;

use super::keep::holds_programme;
use super::{COMMAND_TIMEOUT_MS, IotdaBridge, Output};
use crate::iotda::lamp::Answer;
use crate::iotda::payload::{Down, ServiceReport};

/// Questions without an answer at most, of all devices.
const PENDING_MAX: usize = 65_536;

/// A question to a device.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) lamp: usize,
    pub(super) asked: Asked,
    /// By the wall's clock.
    pub(super) deadline: Timestamp,
}

/// What a device was asked.
#[derive(Debug)]
pub(super) enum Asked {
    /// To hold a level or to end that, for the CMS; or, without a command, because its time was over.
    Command(Option<DimCommand>),
    /// To give the level that the programme has now, since it does not keep that itself.
    Step(DimLevel),
    /// To take properties.
    Set(Map<String, Value>),
    /// To tell its properties.
    Get,
}

impl IotdaBridge {
    /// Sends what `down` makes of a new request id, and waits for the answer.
    pub(super) fn ask(
        &mut self,
        now: Timestamp,
        lamp: usize,
        asked: Asked,
        out: &mut Vec<Output>,
        down: impl FnOnce(String) -> Down,
    ) {
        if self.pending.len() >= PENDING_MAX {
            out.push(Output::Note(format!("{PENDING_MAX} questions wait for an answer, not asked")));
            self.fail(lamp, asked);
            return;
        }
        self.requests += 1;
        let device = self.device_id(self.lamps[lamp].device);
        out.push(Output::Device { device, down: down(format!("{:x}-{}", self.epoch, self.requests)) });
        let deadline = now.plus_millis(COMMAND_TIMEOUT_MS);
        self.pending.insert(self.requests, Pending { lamp, asked, deadline });
    }

    /// Takes out the question that `request` answers; `None` if it is none, or none any more.
    fn asked(&mut self, place: usize, request: &str) -> Result<Option<(u64, Pending)>, String> {
        let number = request.split_once('-').filter(|(epoch, _)| *epoch == format!("{:x}", self.epoch));
        let Some(number) = number.and_then(|(_, number)| number.parse().ok()) else { return Ok(None) };
        match self.pending.get(&number) {
            Some(pending) if self.lamps[pending.lamp].device != place => {
                Err("an answer to another device's request".to_owned())
            }
            Some(_) => Ok(self.pending.remove(&number).map(|pending| (number, pending))),
            None => Ok(None),
        }
    }

    pub(super) fn on_answer(
        &mut self,
        now: Timestamp,
        place: usize,
        request: &str,
        result_code: i64,
        out: &mut Vec<Output>,
    ) -> Result<(), String> {
        let Some((number, Pending { lamp, asked, .. })) = self.asked(place, request)? else {
            out.push(Output::Note(self.late(place)));
            return Ok(());
        };
        if result_code != 0 {
            let id = self.lamps[lamp].id;
            let reason = format!("the device refuses with result code {result_code}");
            out.push(Output::Note(format!("{id}: {reason}")));
            if let (Asked::Command(Some(command)), Some(at)) = (&asked, self.city_now(now)) {
                out.push(Output::Bus(self.lamps[lamp].refuse(at, &command.id, &reason)));
            }
            // It is not asked to take the same again before it comes back.
            if let Asked::Set(properties) = &asked {
                self.lamps[lamp].settled = properties.clone();
                self.lamps[lamp].refuses_programme |= holds_programme(properties);
            }
            self.fail(lamp, asked);
            self.drive(now, lamp, out);
            return Ok(());
        }
        match asked {
            Asked::Step(level) => {
                let at = self.city_now(now).unwrap_or(now);
                let lamp = &mut self.lamps[lamp];
                lamp.step(level);
                out.push(Output::Bus(lamp.state(at)));
            }
            Asked::Command(command) => self.obeyed(now, lamp, number, command.as_ref(), out),
            Asked::Set(properties) => {
                let lamp = &mut self.lamps[lamp];
                lamp.has_programme |= holds_programme(&properties);
                (lamp.settled, lamp.setting, lamp.sets_unanswered) = (properties, false, 0);
                // Meanwhile more may be wanted.
                let index = self.by_id[&lamp.id];
                self.deliver(now, index, out);
                self.leave_to_itself(now, index, out);
            }
            Asked::Get => {}
        }
        Ok(())
    }

    fn obeyed(
        &mut self,
        now: Timestamp,
        index: usize,
        number: u64,
        command: Option<&DimCommand>,
        out: &mut Vec<Output>,
    ) {
        let at = self.city_now(now).unwrap_or(now);
        let lamp = &mut self.lamps[index];
        lamp.obey(number, command);
        if let Some(command) = command {
            lamp.set_answer(&command.id, Answer::Done);
            out.push(Output::Bus(lamp.ack(at, &command.id, AckResult::Done)));
        }
        out.push(Output::Bus(lamp.state(at)));
    }

    pub(super) fn on_properties(
        &mut self,
        now: Timestamp,
        place: usize,
        request: &str,
        services: &[ServiceReport],
        out: &mut Vec<Output>,
    ) -> Result<(), String> {
        match self.asked(place, request)? {
            Some((_, pending)) => {
                services.iter().try_for_each(|report| self.take(now, pending.lamp, report, false, out))
            }
            None => {
                out.push(Output::Note(self.late(place)));
                Ok(())
            }
        }
    }

    fn late(&self, place: usize) -> String {
        format!("device {}: an answer to no request that waits, not applied", self.device_id(place))
    }

    /// Gives up on what was not answered in time.
    pub(super) fn expire(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        while let Some(first) = self.pending.first_entry().filter(|first| first.get().deadline <= now) {
            let Pending { lamp, asked, .. } = first.remove();
            if !matches!(asked, Asked::Get) {
                out.push(Output::Note(format!("{}: no answer from the device", self.lamps[lamp].id)));
            }
            if matches!(asked, Asked::Set(_)) {
                self.lamps[lamp].miss_answer();
            }
            self.fail(lamp, asked);
            self.drive(now, lamp, out);
        }
    }

    /// A device is gone: its answers will not come.
    pub(super) fn abandon(&mut self, index: usize) {
        let numbers: Vec<u64> = self
            .pending
            .iter()
            .filter(|(_, pending)| pending.lamp == index)
            .map(|(number, _)| *number)
            .collect();
        for pending in numbers.iter().filter_map(|number| self.pending.remove(number)).collect::<Vec<_>>() {
            self.fail(pending.lamp, pending.asked);
        }
    }

    #[allow(clippy::needless_pass_by_value, reason = "what failed is over")]
    fn fail(&mut self, index: usize, asked: Asked) {
        let lamp = &mut self.lamps[index];
        match asked {
            Asked::Command(Some(command)) => lamp.set_answer(&command.id, Answer::Failed),
            Asked::Set(_) => lamp.setting = false,
            Asked::Step(_) => lamp.step_failed = true,
            Asked::Command(None) | Asked::Get => {}
        }
    }

    /// Sends devices back to their programme whose override is over: most know no time for one. One that is offline has
    /// to wait until it is back.
    pub(super) fn end_overrides(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let Some(at) = self.city_now(now) else { return };
        for index in 0..self.lamps.len() {
            let lamp = &mut self.lamps[index];
            if lamp.online && lamp.override_ends.is_some_and(|ends| ends <= at) {
                lamp.override_ends = None;
                if !lamp.refuses_programme {
                    self.order(now, index, None, out);
                }
            }
        }
    }

    pub(super) fn next_override_end(&self) -> Option<Timestamp> {
        let clock = self.clock?;
        let online = self.lamps.iter().filter(|lamp| lamp.online);
        let ends = online.filter_map(|lamp| lamp.override_ends).min()?;
        let wait_ms = clock.wall_ms_until(ends, clock.wall)?;
        Some(clock.wall.plus_millis(wait_ms))
    }
}
