//! Which level is asked of a luminaire, and by whom: a command, someone near, the programme.

use types::Timestamp;

use super::firmware::Outage;
use super::{Luminaire, NEVER, Schedule, Sun};
use crate::{AckResult, CommandAck, DimCommand, DimLevel, Mode, Programme};

impl Luminaire {
    /// The level that counts, and why.
    pub(super) fn wanted(&self, now: Timestamp) -> (DimLevel, Mode) {
        let Some(schedule) = &self.schedule else {
            return self.held_level.map_or((DimLevel::OFF, Mode::Default), |held| (held, Mode::Override));
        };
        if let Some(held) = self.held_level {
            return (held, Mode::Override);
        }
        let raised = if self.presence_until > now { schedule.presence_level() } else { None };
        raised.map_or((schedule.level(), Mode::Programme), |raised| (raised, Mode::Sensor))
    }

    /// Someone is near, and this was all there is to do: it knew that, or does nothing about it. Nearly always so,
    /// since people are seen every few seconds.
    pub(super) fn senses_nothing_new(&mut self, hold_ms: i64, now: Timestamp) -> bool {
        let is_due = self.change_at <= now || self.telemetry_at <= now;
        let heeds = self.heeds_presence();
        if hold_ms <= 0 || is_due || !self.is_running() || (heeds && self.presence_until <= now) {
            return false;
        }
        self.presence_until = self.presence_until.max(now.plus_millis(hold_ms));
        self.change_at = self.next_change();
        true
    }

    /// Whether it is for the one who is near to say what it does now.
    fn heeds_presence(&self) -> bool {
        let raises = |schedule: &Schedule| schedule.presence_level().is_some();
        self.held_level.is_none() && self.schedule.as_ref().is_some_and(raises)
    }

    pub(super) fn answer(&mut self, command: DimCommand, now: Timestamp) -> CommandAck {
        if self.firmware.outage() != Outage::None {
            let reason = Some("firmware is being installed".into());
            return CommandAck { command: command.id, result: AckResult::Failed, reason };
        }
        let result = self.obey(&command, now);
        CommandAck { command: command.id, result, reason: None }
    }

    fn obey(&mut self, command: &DimCommand, now: Timestamp) -> AckResult {
        if self.obeyed.contains(&command.id) {
            return AckResult::Done;
        }
        if command.until.is_some_and(|until| until <= now) {
            return AckResult::Expired;
        }
        self.obeyed.insert(&command.id);
        (self.held_level, self.held_until) = (command.level, command.until.unwrap_or(NEVER));
        AckResult::Done
    }

    /// Ends an override whose time is over.
    pub(super) fn release(&mut self, now: Timestamp) {
        if self.held_until <= now {
            self.held_level = None;
        }
    }

    pub(super) fn take_programme(&mut self, programme: Programme, now: Timestamp) {
        if self.schedule.as_ref().is_none_or(|present| present.version() <= programme.version) {
            let sun = Sun { table: &self.astro, shift_ms: self.astro_shift_ms };
            self.schedule = Some(Schedule::new(programme, sun, now));
        }
    }
}
