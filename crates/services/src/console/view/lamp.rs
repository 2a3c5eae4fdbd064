//! One luminaire as heard on the bus.

use std::collections::VecDeque;

use lighting::{
    AckResult, CommandReport, CommandStatus, DimCommand, DimLevel, LightState, Mode, Report, Telemetry,
};
use types::{CommandId, Timestamp};
use wire::Light;

/// Points of history kept for one lamp.
const HISTORY_MAX: usize = 240;
/// Commands remembered for one lamp.
const COMMANDS_MAX: usize = 12;

/// One lamp as heard on the bus.
#[derive(Clone, Debug, Default)]
pub(crate) struct LampView {
    pub(crate) online: bool,
    pub(crate) state: Option<Report<LightState>>,
    pub(crate) telemetry: Option<Report<Telemetry>>,
    pub(crate) history: VecDeque<(Timestamp, u8, u32)>,
    pub(crate) commands: VecDeque<LampCommand>,
    pub(super) alarm: bool,
}

/// A command to a lamp, and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct LampCommand {
    pub(crate) command: DimCommand,
    pub(crate) status: CommandStatus,
    /// Why it ended like this, if anyone said.
    pub(crate) reason: Option<Box<str>>,
    /// When it was sent.
    pub(crate) at: Timestamp,
}

/// How a lamp looks on the map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Look {
    /// What it gives \[%\].
    pub(crate) actual: u8,
    /// What its controller drives \[%\].
    pub(crate) in_effect: u8,
    /// From bit 0: online, alarm, override, presence.
    pub(crate) flags: u8,
}

impl LampView {
    pub(crate) fn is_lit(&self) -> bool {
        self.look().actual > 0
    }

    /// Whether something is wrong with it.
    pub(crate) fn has_alarm(&self) -> bool {
        self.alarm
    }

    pub(crate) fn look(&self) -> Look {
        let (actual, in_effect, mode) = self.state.as_ref().map_or((0, 0, Mode::Default), |report| {
            (report.body.actual.percent(), report.body.in_effect.percent(), report.body.mode)
        });
        let flags = u8::from(self.online)
            | u8::from(self.alarm) << 1
            | u8::from(mode == Mode::Override) << 2
            | u8::from(mode == Mode::Sensor) << 3;
        Look { actual, in_effect, flags }
    }

    /// Takes what it or its CMS said; tells whether that was news.
    pub(super) fn take(&mut self, body: &Light, now: Timestamp) -> bool {
        match body {
            Light::State(report) => {
                if self.state.as_ref().is_some_and(|known| known.stamp > report.stamp) {
                    return false;
                }
                self.state = Some(report.clone());
                self.obey(&report.body);
                self.remember();
            }
            Light::Telemetry(report) => {
                self.telemetry = Some(report.clone());
                self.remember();
            }
            Light::Online(online) => self.online = *online,
            Light::Command(command) => self.sent(command, now),
            Light::Ack(report) => {
                let status = match report.body.result {
                    AckResult::Done => CommandStatus::Delivered,
                    AckResult::Expired => CommandStatus::Expired,
                    AckResult::Failed => CommandStatus::Failed,
                };
                self.stands(&report.body.command, status, report.body.reason.clone());
            }
            Light::Programme(_) | Light::Firmware(_) | Light::FirmwareOrder(_) | Light::Alarms(_) => {
                return false;
            }
        }
        true
    }

    /// The CMS says where a command stands.
    pub(super) fn report(&mut self, report: &CommandReport) {
        self.stands(&report.command, report.status, report.reason.clone());
    }

    /// A command is under way; its copies say nothing new.
    fn sent(&mut self, command: &DimCommand, at: Timestamp) {
        if self.commands.iter().any(|known| known.command.id == command.id) {
            return;
        }
        if self.commands.len() == COMMANDS_MAX {
            self.commands.pop_front();
        }
        let command = command.clone();
        self.commands.push_back(LampCommand { command, status: CommandStatus::Sent, reason: None, at });
    }

    fn stands(&mut self, id: &CommandId, status: CommandStatus, reason: Option<Box<str>>) {
        let known = self.commands.iter_mut().rev().find(|known| known.command.id == *id);
        // Messages overtake each other: what has ended does not go back to being under way.
        if let Some(known) = known.filter(|known| !known.status.is_final() || status.is_final()) {
            known.status = status;
            known.reason = reason.or(known.reason.take());
        }
    }

    /// A state shows that an acknowledged command is in effect. For luminaires of a group the CMS tells only sums.
    fn obey(&mut self, state: &LightState) {
        let Some(newest) = self.commands.back_mut() else { return };
        let follows = match newest.command.level {
            Some(level) => state.mode == Mode::Override && state.target == level,
            None => state.mode != Mode::Override,
        };
        if newest.status == CommandStatus::Delivered && follows {
            newest.status = CommandStatus::Successful;
        }
    }

    fn remember(&mut self) {
        let Some(state) = &self.state else { return };
        let power = self.telemetry.as_ref().map_or(0, |report| report.body.power_mw);
        let at = self.telemetry.as_ref().map_or(state.stamp.ts, |report| report.stamp.ts.max(state.stamp.ts));
        if self.history.len() == HISTORY_MAX {
            self.history.pop_front();
        }
        self.history.push_back((at, DimLevel::percent(state.body.actual), power));
    }
}

#[cfg(test)]
mod tests {
    use lighting::{CommandAck, Stamp};

    use super::*;

    const T0: Timestamp = Timestamp::from_millis(0);

    fn command(id: &str) -> Light {
        let level = DimLevel::from_percent(40).ok();
        Light::Command(DimCommand { id: id.parse().unwrap(), level, until: None })
    }

    fn ack(id: &str, result: AckResult) -> Light {
        let body = CommandAck { command: id.parse().unwrap(), result, reason: None };
        Light::Ack(Report { stamp: Stamp::default(), body })
    }

    fn state(target: u8, mode: Mode) -> Light {
        let target = DimLevel::from_percent(target).unwrap();
        Light::State(Report {
            stamp: Stamp::default(),
            body: LightState { target, mode, ..LightState::default() },
        })
    }

    fn after(said: &[Light]) -> CommandStatus {
        let mut lamp = LampView::default();
        for body in said {
            lamp.take(body, T0);
        }
        lamp.commands.back().unwrap().status
    }

    #[test]
    fn a_command_is_successful_only_when_the_state_shows_it() {
        let done = || ack("x", AckResult::Done);
        assert_eq!(after(&[command("x")]), CommandStatus::Sent);
        assert_eq!(after(&[command("x"), done()]), CommandStatus::Delivered);
        let elsewhere = state(50, Mode::Override);
        assert_eq!(after(&[command("x"), done(), elsewhere]), CommandStatus::Delivered);
        assert_eq!(after(&[command("x"), done(), state(40, Mode::Programme)]), CommandStatus::Delivered);
        assert_eq!(after(&[command("x"), done(), state(40, Mode::Override)]), CommandStatus::Successful);
    }

    #[test]
    fn what_has_ended_does_not_go_on_with_a_late_copy() {
        let said = [command("x"), ack("x", AckResult::Failed), ack("x", AckResult::Done), command("x")];
        assert_eq!(after(&said), CommandStatus::Failed);
    }

    #[test]
    fn only_the_last_commands_are_remembered() {
        let mut lamp = LampView::default();
        for number in 0..20 {
            lamp.take(&command(&format!("x{number}")), T0);
        }
        assert_eq!(lamp.commands.len(), COMMANDS_MAX);
        assert_eq!(lamp.commands[0].command.id.to_string(), "x8");
    }
}
