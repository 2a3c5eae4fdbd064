use std::sync::Arc;

use types::{CommandId, ReplyTo, Timestamp};

use super::{Asset, is_newer};
use crate::{AlarmChange, DimCommand, DimLevel, LightState, Mode, Report, Stamp, Telemetry};

/// What a CMS knows of one luminaire.
#[derive(Debug)]
pub struct LuminaireView {
    asset: Asset,
    state: Option<Report<LightState>>,
    telemetry: Option<Report<Telemetry>>,
    /// The newest command, until it is known how it ended.
    order: Option<Box<Order>>,
    online: Option<bool>,
    dark_reports: u8,
    lamp_failed: bool,
}

/// The newest command to a luminaire, and what became of it.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) command: DimCommand,
    pub(super) asker: Arc<ReplyTo>,
    /// How often it was given anew.
    pub(super) corrections: u8,
    /// Since it was acknowledged: whether the luminaire keeps to it.
    pub(super) watch: Option<Watch>,
}

/// The time in which late copies of older commands may still arrive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    /// The acknowledgement: every later state tells what the luminaire made of the command.
    pub(super) acked: Stamp,
    pub(super) until: Timestamp,
}

/// Consecutive reports without load before a lamp counts as broken.
const DARK_REPORTS_MIN: u8 = 2;

impl LuminaireView {
    pub(super) fn new(asset: Asset) -> Self {
        Self {
            asset,
            state: None,
            telemetry: None,
            order: None,
            online: None,
            dark_reports: 0,
            lamp_failed: false,
        }
    }

    /// Its entry in the register.
    pub fn asset(&self) -> &Asset {
        &self.asset
    }

    /// The newest state heard.
    pub fn state(&self) -> Option<&Report<LightState>> {
        self.state.as_ref()
    }

    /// The newest readings heard.
    pub fn telemetry(&self) -> Option<&Report<Telemetry>> {
        self.telemetry.as_ref()
    }

    /// Whether it is connected; `None` if the bus never said.
    pub fn online(&self) -> Option<bool> {
        self.online
    }

    /// Whether its lamp counts as broken: a lamp failure was raised and not cleared.
    pub fn lamp_failed(&self) -> bool {
        self.lamp_failed
    }

    pub(super) fn set_online(&mut self, online: bool) {
        self.online = Some(online);
        self.dark_reports = 0;
    }

    /// Whether the state is news.
    pub(super) fn take_state(&mut self, report: &Report<LightState>) -> bool {
        let news = self.state.as_ref().is_none_or(|known| is_newer(report.stamp, known.stamp));
        if news {
            self.state = Some(report.clone());
        }
        news
    }

    /// Whether the readings begin or end a lamp failure.
    pub(super) fn take_telemetry(&mut self, report: Report<Telemetry>) -> Option<AlarmChange> {
        if self.telemetry.as_ref().is_some_and(|known| !is_newer(report.stamp, known.stamp)) {
            return None;
        }
        let readings = report.body;
        self.telemetry = Some(report);
        self.judge_lamp(readings)
    }

    /// By day the controller drives nothing, and off the bus nothing is known: neither raises nor clears an alarm.
    fn judge_lamp(&mut self, readings: Telemetry) -> Option<AlarmChange> {
        let driven = readings.in_effect > DimLevel::OFF;
        if !driven || self.online == Some(false) {
            self.dark_reports = 0;
            return None;
        }
        if self.draws_power(readings.power_mw) {
            self.dark_reports = 0;
            return std::mem::take(&mut self.lamp_failed).then_some(AlarmChange::Cleared);
        }
        let fade_is_over = self.state.as_ref().is_some_and(|state| state.body.target == readings.in_effect);
        self.dark_reports = if fade_is_over { self.dark_reports.saturating_add(1) } else { 0 };
        let raised = self.dark_reports >= DARK_REPORTS_MIN && !self.lamp_failed;
        self.lamp_failed |= raised;
        raised.then_some(AlarmChange::Raised)
    }

    /// Whether this is more than standby: over half of what the lowest level with light adds, which is 5 %.
    fn draws_power(&self, power_mw: u32) -> bool {
        let span_mw = u64::from(self.asset.rated_mw.saturating_sub(self.asset.standby_mw));
        u64::from(power_mw.saturating_sub(self.asset.standby_mw)) * 40 > span_mw
    }

    /// Makes this the newest command, and gives back the one before.
    pub(super) fn replace_order(&mut self, order: Order) -> Option<Order> {
        self.order.replace(Box::new(order)).map(|before| *before)
    }

    /// The newest command, if it has this id.
    pub(super) fn order_mut(&mut self, id: &CommandId) -> Option<&mut Order> {
        self.order.as_deref_mut().filter(|order| order.command.id == *id)
    }

    pub(super) fn forget_order(&mut self, id: &CommandId) {
        self.order = self.order.take().filter(|order| order.command.id != *id);
    }

    /// Takes out the newest command if the luminaire acknowledged it and then told of another level.
    pub(super) fn take_disobeyed_order(&mut self, now: Timestamp) -> Option<Order> {
        let watch = self.order.as_ref()?.watch?;
        if watch.until < now {
            self.order = None;
            return None;
        }
        let state = self.state.as_ref().filter(|state| is_newer(state.stamp, watch.acked))?;
        if self.order.as_ref()?.is_kept_by(state) {
            return None;
        }
        self.order.take().map(|order| *order)
    }
}

impl Order {
    fn is_kept_by(&self, state: &Report<LightState>) -> bool {
        let overridden = state.body.mode == Mode::Override;
        match self.command.level {
            Some(_) if self.command.until.is_some_and(|until| until <= state.stamp.ts) => true,
            Some(level) => overridden && state.body.target == level,
            None => !overridden,
        }
    }
}
