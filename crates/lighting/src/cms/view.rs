use types::{CommandId, Timestamp};

use super::commands::Asker;
use super::judge::{Change, Judge};
use super::traffic::{Traffic, Window};
use super::{Asset, is_newer};
use crate::{AlarmKind, AlarmSet, DimCommand, DimLevel, LightState, Mode, Report, Stamp, Telemetry};

/// What a CMS knows of one luminaire.
#[derive(Debug)]
pub struct LuminaireView {
    asset: Asset,
    state: Option<Report<LightState>>,
    telemetry: Option<Report<Telemetry>>,
    /// The newest command, until it is known how it ended.
    order: Option<Box<Order>>,
    online: Option<bool>,
    /// Whether it was told which alarms stand: by this CMS or, before that, by another.
    alarms_told: bool,
    judge: Judge,
    traffic: Traffic,
}

/// The newest command to a luminaire, and what became of it.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) command: DimCommand,
    pub(super) asker: Asker,
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
    /// Whether a state showed that it obeyed.
    pub(super) seen: bool,
}

/// What a state says about the newest command.
#[derive(Debug)]
pub(super) enum Obedience {
    /// For the first time: the luminaire does as this command says.
    Obeyed(CommandId),
    /// It acknowledged this command and then went another way.
    Left(Order),
}

impl LuminaireView {
    pub(super) fn new(asset: Asset) -> Self {
        Self {
            asset,
            state: None,
            telemetry: None,
            order: None,
            online: None,
            alarms_told: false,
            judge: Judge::default(),
            traffic: Traffic::default(),
        }
    }

    /// See [`Luminaire::warm`](crate::Luminaire::warm).
    #[inline]
    pub fn warm(&self) -> i64 {
        let state = self.state.as_ref().map_or(0, |report| report.stamp.ts.as_millis());
        let telemetry = self.telemetry.as_ref().map_or(0, |report| report.stamp.ts.as_millis());
        state ^ telemetry ^ i64::from(self.asset.rated_mw) ^ i64::from(self.online == Some(true))
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

    /// Whether this alarm was raised for it and not cleared. Those of missing luminaires are not among them.
    pub fn has_alarm(&self, kind: AlarmKind) -> bool {
        self.judge.has(kind)
    }

    /// The alarms that its judge raised and did not clear.
    pub(super) fn raised(&self) -> AlarmSet {
        self.judge.raised()
    }

    /// Notes that the alarms that stand are told; tells whether they were before.
    pub(super) fn tell_alarms(&mut self) -> bool {
        std::mem::replace(&mut self.alarms_told, true)
    }

    /// Takes over an alarm that another CMS raised, other than those of missing luminaires and of people.
    pub(super) fn take_over(&mut self, now: Timestamp, window: Window, kind: AlarmKind) {
        match kind {
            AlarmKind::Flooding => self.traffic.assume_flood(window),
            AlarmKind::DuplicateIdentity => self.traffic.assume_two(),
            _ => {}
        }
        self.judge.take_over(now, kind);
    }

    /// Whether its firmware may be changed now: not if it is offline, nor if it gives light that would go out.
    pub(super) fn may_be_updated(&self, goes_dark: bool) -> bool {
        let lit = self.state.as_ref().is_some_and(|state| state.body.in_effect > DimLevel::OFF);
        self.online != Some(false) && !(lit && goes_dark)
    }

    pub(super) fn set_online(&mut self, online: bool) {
        self.online = Some(online);
        self.judge.lose_track();
    }

    /// Takes note that a report came, whatever is in it.
    pub(super) fn count_report(&mut self, window: Window, changes: &mut Vec<Change>) {
        if let Some(floods) = self.traffic.count(window) {
            self.judge.set(AlarmKind::Flooding, floods, changes);
        }
    }

    fn compare(&mut self, stamp: Stamp, known: Option<Stamp>, changes: &mut Vec<Change>) {
        if let Some(two) = known.and_then(|known| self.traffic.compare(stamp, known)) {
            self.judge.set(AlarmKind::DuplicateIdentity, two, changes);
        }
    }

    /// Whether the state is news.
    pub(super) fn take_state(&mut self, report: &Report<LightState>, changes: &mut Vec<Change>) -> bool {
        self.compare(report.stamp, self.state.as_ref().map(|known| known.stamp), changes);
        let news = self.state.as_ref().is_none_or(|known| is_newer(report.stamp, known.stamp));
        if news {
            self.judge.take_level(report.body.in_effect);
            self.state = Some(report.clone());
        }
        news
    }

    /// Takes readings, unless they are old; notes what they begin or end.
    ///
    /// `offset_ms` – how far its clock is off, and `tolerance_ms` how far it may be.
    pub(super) fn take_telemetry(
        &mut self,
        report: Report<Telemetry>,
        (offset_ms, tolerance_ms): (i64, i64),
        changes: &mut Vec<Change>,
    ) {
        self.compare(report.stamp, self.telemetry.as_ref().map(|known| known.stamp), changes);
        if !self.is_news(&report) {
            return;
        }
        // Off the bus nothing is known.
        if self.online != Some(false) {
            let target = self.state.as_ref().map(|state| state.body.target);
            self.judge.take(&self.asset, target, &report, changes);
            self.judge.take_offset(offset_ms, tolerance_ms, changes);
        }
        self.telemetry = Some(report);
    }

    /// Whether these readings are news.
    pub(super) fn is_news(&self, report: &Report<Telemetry>) -> bool {
        self.telemetry.as_ref().is_none_or(|known| is_newer(report.stamp, known.stamp))
    }

    /// Whether its voltage is too low by these readings, which are news; `None` if they are too few to tell.
    pub(super) fn voltage_is_low(&mut self, report: &Report<Telemetry>) -> Option<bool> {
        self.judge.voltage_is_low(report.body.voltage_mv)
    }

    /// Keeps readings without supply: the last for now, and nothing to judge by.
    pub(super) fn take_last_words(&mut self, report: Report<Telemetry>) {
        self.telemetry = Some(report);
    }

    /// Takes note of readings from an impossible time: they say nothing but that its clock is wrong.
    pub(super) fn take_impossible(&mut self, offset_ms: i64, changes: &mut Vec<Change>) {
        self.judge.take_offset(offset_ms, 0, changes);
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

    /// What the newest state says about the newest command, if that was acknowledged before; an order that was left
    /// is taken out.
    pub(super) fn judge_obedience(&mut self, now: Timestamp) -> Option<Obedience> {
        let order = self.order.as_deref_mut()?;
        let watch = order.watch?;
        if watch.until < now {
            self.order = None;
            return None;
        }
        let state = self.state.as_ref().filter(|state| is_newer(state.stamp, watch.acked))?;
        if !order.is_kept_by(state) {
            return self.order.take().map(|order| Obedience::Left(*order));
        }
        order.watch = Some(Watch { seen: true, ..watch });
        (!watch.seen).then(|| Obedience::Obeyed(order.command.id.clone()))
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
