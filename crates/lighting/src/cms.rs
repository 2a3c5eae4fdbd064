//! The central management system.

mod cabinets;
mod campaign;
mod commands;
mod complaints;
mod config;
mod groups;
mod io;
mod judge;
mod losses;
mod requests;
mod standing;
mod traffic;
mod view;

use std::sync::Arc;

use types::{CabinetId, CommandId, Core, DAY_MS, LuminaireId, MINUTE_MS, ReplyTo, Stream, Timestamp};

use self::cabinets::Cabinets;
use self::campaign::Campaign;
pub use self::campaign::UPDATE_MAX_MS;
use self::commands::{Asker, Commands, Phase, Sent};
use self::complaints::Complaints;
pub use self::config::{Asset, CmsConfig, CmsConfigError};
use self::groups::Groups;
pub use self::groups::{IN_FLIGHT_MAX, RUNNING_MAX};
pub use self::io::{Input, Output, Refusal};
use self::judge::Change;
use self::losses::{Losses, Told, Why};
use self::requests::Requests;
use self::traffic::Window;
pub use self::view::LuminaireView;
use self::view::{Obedience, Order, Watch};
use crate::{
    AckResult, Alarm, AlarmChange, AlarmKind, AstroTable, CabinetState, CommandAck, CommandReport,
    CommandStatus, DimCommand, DimLevel, DimRequest, LightState, Programme, Report, Stamp, Telemetry,
};

/// The central management system: publishes programmes, turns requests into commands and follows them up, and notices
/// broken lamps.
///
/// A command that is not acknowledged is sent once more, then reported as timed out. One that is acknowledged is
/// delivered, and successful when the luminaire's state shows it. A newer command to the same
/// luminaire supersedes it: the older one is not sent again, though its asker still hears whether it was answered.
/// Copies may arrive in another order than they were sent. So when a luminaire, shortly after it acknowledged the
/// newest command, tells that it holds another level, the command is given once more under a new id.
///
/// A request for a group becomes a command to each of its luminaires, never to more than [`IN_FLIGHT_MAX`] at once.
#[derive(Debug)]
pub struct Cms {
    /// By ascending id.
    luminaires: Box<[LuminaireView]>,
    calendars: Vec<Programme>,
    commands: Commands,
    requests: Requests,
    groups: Groups,
    /// The firmware campaign that runs, or the last.
    campaign: Option<Box<Campaign>>,
    /// When it goes on by itself.
    campaign_at: Option<Timestamp>,
    sun: Arc<AstroTable>,
    losses: Losses,
    cabinets: Cabinets,
    complaints: Complaints,
    /// Readings from an impossible time, which were not taken.
    quarantined: u64,
    ids: Stream,
    ack_timeout_ms: i64,
    pace: u32,
}

/// Commands that may wait for their acknowledgement: one for each luminaire of a large city.
pub const PENDING_MAX: usize = 131_072;
/// How far a luminaire's clock may be off \[ms\].
const CLOCK_TOLERANCE_MS: i64 = MINUTE_MS;
/// How long a report may be on its way \[ms of the wall's clock\].
const BUS_DELAY_MAX_MS: i64 = 2_000;
/// Readings further from now than this are not from the present \[ms\].
const IMPOSSIBLE_MS: i64 = DAY_MS;
/// A luminaire that reports less is without supply \[mV\].
const SUPPLY_MV_MIN: u32 = 110_000;
/// How long a day burner is told to be off \[ms\].
const SWITCH_OFF_MS: i64 = MINUTE_MS;
/// Of them for single luminaires: the rest is for groups.
const PENDING_SINGLE_MAX: usize = PENDING_MAX - RUNNING_MAX * IN_FLIGHT_MAX;
/// Why a command that was acknowledged timed out.
const NO_EFFECT: &str = "acknowledged, but its state never showed it";
/// Why a command timed out that was given again and again.
const LEFT: &str = "the luminaire goes another way again and again";
/// Times a command is given anew because the luminaire holds another level, before it is reported as timed out.
const CORRECTIONS_MAX: u8 = 3;

impl Core for Cms {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        let before = out.len();
        match input {
            Input::Connected => {
                self.publish_programmes(out);
                self.publish_standing(out);
            }
            Input::State { luminaire, report } => self.on_state(now, luminaire, &report, out),
            Input::Telemetry { luminaire, report } => self.on_telemetry(now, luminaire, report, out),
            Input::Ack { luminaire, report } => self.on_ack(now, luminaire, &report, out),
            Input::Cabinet { cabinet, report } => self.on_cabinet(now, cabinet, &report, out),
            Input::Online { luminaire, online } => self.on_online(now, luminaire, online, out),
            Input::Request { from, request } => self.on_request(now, from, &request, out),
            Input::Firmware { luminaire, report } => self.on_firmware(now, luminaire, &report.body, out),
            Input::CampaignRequest { from, request } => self.on_campaign_request(now, from, request, out),
            Input::GroupRequest { from, request } => self.on_group_request(now, from, request, out),
            Input::Complaint { from, request } => self.on_complaint(now, from, request, out),
            Input::Alarms { luminaire, standing } => self.take_over(now, luminaire, standing, out),
            Input::Pace(pace) => {
                self.pace = pace;
                self.commands.restart_all(now.plus_millis(self.ack_timeout_ms()));
            }
        }
        self.advance_groups(now, out);
        self.tell_standing(before, out);
    }

    fn handle_timeout(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let before = out.len();
        let deadline = now.plus_millis(self.ack_timeout_ms());
        while let Some(overdue) = self.commands.take_overdue(now) {
            match overdue.phase {
                Phase::First => {
                    let (luminaire, command) = (overdue.luminaire, overdue.command.clone());
                    self.commands.insert(Sent { phase: Phase::Last, ..overdue }, deadline);
                    out.push(Output::Command { luminaire, command });
                }
                Phase::Last => self.finish(now, &overdue, CommandStatus::Timeout, None, out),
                Phase::Delivered => {
                    self.finish(now, &overdue, CommandStatus::Timeout, Some(NO_EFFECT.into()), out)
                }
            }
        }
        self.advance_groups(now, out);
        if self.campaign_at.is_some_and(|at| at <= now) {
            self.advance_campaign(now, out);
        }
        let mut told = Vec::new();
        self.losses.expire(now, &self.cabinets, &mut told);
        announce(now, told, out);
        self.expire_complaints(now, out);
        self.tell_standing(before, out);
    }

    fn next_timeout(&self) -> Option<Timestamp> {
        let others = self.losses.next_timeout().into_iter().chain(self.campaign_at);
        let others = others.chain(self.complaints.next_timeout());
        self.commands.next_deadline().into_iter().chain(others).min()
    }
}

impl Cms {
    /// A CMS that has heard nothing yet.
    ///
    /// # Errors
    ///
    /// [`CmsConfigError`] for a register that contradicts itself.
    pub fn new(config: CmsConfig) -> Result<Self, CmsConfigError> {
        let CmsConfig { mut assets, calendars, groups, sun, ack_timeout_ms, ids } = config;
        if ack_timeout_ms <= 0 {
            return Err(CmsConfigError::AckTimeout(ack_timeout_ms));
        }
        assets.sort_by_key(|asset| asset.luminaire);
        if let Some(pair) = assets.windows(2).find(|pair| pair[0].luminaire == pair[1].luminaire) {
            return Err(CmsConfigError::Twice(pair[0].luminaire));
        }
        let count = calendars.len();
        if let Some(&Asset { luminaire, calendar, .. }) =
            assets.iter().find(|asset| usize::from(asset.calendar) >= count)
        {
            return Err(CmsConfigError::NoCalendar {
                luminaire,
                calendar: calendar.into(),
                calendars: count,
            });
        }
        let mut cabinets = Cabinets::default();
        assets.iter().for_each(|asset| cabinets.add(asset));
        let is_known =
            |luminaire| assets.binary_search_by_key(&luminaire, |asset: &Asset| asset.luminaire).is_ok();
        Ok(Self {
            groups: Groups::new(groups, is_known)?,
            campaign: None,
            campaign_at: None,
            sun,
            losses: Losses::new(&assets),
            cabinets,
            complaints: Complaints::default(),
            quarantined: 0,
            luminaires: assets.into_iter().map(LuminaireView::new).collect(),
            calendars,
            commands: Commands::default(),
            requests: Requests::default(),
            ids,
            ack_timeout_ms,
            pace: 1,
        })
    }

    /// What it knows of one luminaire of its register.
    #[inline]
    pub fn luminaire(&self, id: LuminaireId) -> Option<&LuminaireView> {
        self.position(id).map(|position| &self.luminaires[position])
    }

    /// What it knows of each luminaire of its register, by ascending id.
    pub fn luminaires(&self) -> impl ExactSizeIterator<Item = &LuminaireView> {
        self.luminaires.iter()
    }

    fn publish_programmes(&self, out: &mut Vec<Output>) {
        out.extend(self.luminaires.iter().map(|view| Output::Programme {
            luminaire: view.asset().luminaire,
            programme: self.calendars[usize::from(view.asset().calendar)].clone(),
        }));
    }

    /// A luminaire that comes online gets its programme again: one that subscribed in the moment in which the broker
    /// took the retained one may have got neither.
    fn on_online(&mut self, now: Timestamp, luminaire: LuminaireId, online: bool, out: &mut Vec<Output>) {
        let Some(view) = self.view_mut(luminaire) else { return };
        view.set_online(online);
        let (asset, mut told) = (*view.asset(), Vec::new());
        if online {
            out.push(Output::Programme {
                luminaire,
                programme: self.calendars[usize::from(asset.calendar)].clone(),
            });
            self.losses.find(now, &asset, &mut told);
        } else {
            self.losses.lose(now, &asset, Why::Silence, &mut told);
        }
        announce(now, told, out);
    }

    /// A cabinet knows best which of its feeders are dead, and whether they should be: who hangs on those is not
    /// missed.
    fn on_cabinet(
        &mut self,
        now: Timestamp,
        cabinet: CabinetId,
        report: &Report<CabinetState>,
        out: &mut Vec<Output>,
    ) {
        let mut incidents = Vec::new();
        if let Some(fed) = self.cabinets.take(cabinet, report, &mut incidents) {
            self.losses.set_fed(now, cabinet, fed);
        }
        out.extend(incidents.into_iter().map(|incident| Output::Incident { incident, at: now }));
    }

    fn on_state(
        &mut self,
        now: Timestamp,
        id: LuminaireId,
        report: &Report<LightState>,
        out: &mut Vec<Output>,
    ) {
        let window = Window::at(now, self.pace);
        let Some(view) = self.view_mut(id) else { return };
        let mut changes = Vec::new();
        view.count_report(window, &mut changes);
        let news = view.take_state(report, &mut changes);
        tell_alarms(now, id, changes, out);
        if news {
            self.follow_up(now, id, out);
        }
    }

    fn on_telemetry(
        &mut self,
        now: Timestamp,
        id: LuminaireId,
        report: Report<Telemetry>,
        out: &mut Vec<Output>,
    ) {
        let offset_ms = report.stamp.ts.millis_since(now);
        let impossible = offset_ms.abs() > IMPOSSIBLE_MS;
        self.quarantined += u64::from(impossible);
        let tolerance_ms = CLOCK_TOLERANCE_MS + BUS_DELAY_MAX_MS * i64::from(self.pace.max(1));
        let window = Window::at(now, self.pace);
        let Some(view) = self.view_mut(id) else { return };
        let (mut changes, mut told) = (Vec::new(), Vec::new());
        let asset = *view.asset();
        view.count_report(window, &mut changes);
        let news = view.is_news(&report);
        if impossible {
            view.take_impossible(offset_ms, &mut changes);
        } else if report.body.voltage_mv < SUPPLY_MV_MIN {
            if news {
                view.take_last_words(report);
                self.losses.lose(now, &asset, Why::Supply, &mut told);
            }
        } else {
            let voltage_is_low = if news { view.voltage_is_low(&report) } else { None };
            view.take_telemetry(report, (offset_ms, tolerance_ms), &mut changes);
            if news {
                self.losses.find_supply(now, &asset, &mut told);
            }
            match voltage_is_low {
                Some(true) => self.losses.lose(now, &asset, Why::LowVoltage, &mut told),
                Some(false) => self.losses.find_voltage(now, &asset, &mut told),
                None => {}
            }
        }
        if changes.is_empty() && told.is_empty() {
            // So it is with nearly all of very many.
            return;
        }
        announce(now, told, out);
        let burns = changes.contains(&(AlarmKind::LampUnexpectedOn, AlarmChange::Raised));
        self.close_complaint_with(now, id, &changes, out);
        tell_alarms(now, id, changes, out);
        if burns {
            self.switch_off_once(now, id, out);
        }
    }

    /// A lamp that burns when it should not may have missed its programme: it is told once more, and then left.
    fn switch_off_once(&mut self, now: Timestamp, luminaire: LuminaireId, out: &mut Vec<Output>) {
        let until = Some(now.plus_millis(SWITCH_OFF_MS));
        let command = DimCommand { id: self.next_id(), level: Some(DimLevel::OFF), until };
        self.give(now, luminaire, command, Asker::Nobody, CORRECTIONS_MAX, out);
    }

    /// How many commands wait for their acknowledgement, at most [`PENDING_MAX`].
    pub fn pending_len(&self) -> usize {
        self.commands.len()
    }

    /// How many readings came from an impossible time.
    pub fn quarantined(&self) -> u64 {
        self.quarantined
    }

    fn on_ack(
        &mut self,
        now: Timestamp,
        id: LuminaireId,
        report: &Report<CommandAck>,
        out: &mut Vec<Output>,
    ) {
        let Some(sent) = self.commands.take_answered(id, &report.body.command) else { return };
        match report.body.result {
            AckResult::Expired => self.finish(now, &sent, CommandStatus::Expired, None, out),
            AckResult::Failed => {
                self.finish(now, &sent, CommandStatus::Failed, report.body.reason.clone(), out);
            }
            AckResult::Done => self.on_delivery(now, sent, report.stamp, out),
        }
    }

    /// A luminaire obeyed, as it says: now its state has to show it. What was superseded meanwhile was in effect.
    fn on_delivery(&mut self, now: Timestamp, sent: Sent, acked: Stamp, out: &mut Vec<Output>) {
        let until = now.plus_millis(self.ack_timeout_ms().saturating_mul(2));
        let luminaire = sent.luminaire;
        let Some(order) = self.view_mut(luminaire).and_then(|view| view.order_mut(&sent.command.id)) else {
            self.tell(now, &sent, CommandStatus::Successful, None, out);
            return;
        };
        order.watch = Some(Watch { acked, until, seen: false });
        self.tell(now, &sent, CommandStatus::Delivered, None, out);
        self.commands.insert(Sent { phase: Phase::Delivered, ..sent }, until);
        self.follow_up(now, luminaire, out);
    }

    fn on_request(&mut self, now: Timestamp, from: ReplyTo, request: &DimRequest, out: &mut Vec<Output>) {
        if let Some(answer) = self.requests.answer(&from) {
            out.push(Output::Report { to: from, report: answer.clone() });
            return;
        }
        let luminaire = request.luminaire;
        let refused = |reason| Output::Refused { to: from.clone(), luminaire, reason };
        if self.position(luminaire).is_none() {
            out.push(refused(Refusal::UnknownLuminaire));
            return;
        }
        if self.commands.len() >= PENDING_SINGLE_MAX {
            out.push(refused(Refusal::TooManyPending));
            return;
        }
        let until = request.minutes.map(|minutes| now.plus_millis(i64::from(minutes) * MINUTE_MS));
        let command = DimCommand { id: self.next_id(), level: request.level, until };
        self.groups.overtake(luminaire, None);
        self.give(now, luminaire, command, Asker::Operator(Arc::new(from)), 0, out);
    }

    /// Sends a command that supersedes every earlier one to the same luminaire.
    fn give(
        &mut self,
        now: Timestamp,
        luminaire: LuminaireId,
        command: DimCommand,
        asker: Asker,
        corrections: u8,
        out: &mut Vec<Output>,
    ) {
        let deadline = now.plus_millis(self.ack_timeout_ms());
        let sent = Sent { luminaire, command: command.clone(), asker, phase: Phase::First };
        self.tell(now, &sent, CommandStatus::Sent, None, out);
        let order = Order { command: command.clone(), asker: sent.asker.clone(), corrections, watch: None };
        if let Some(before) = self.view_mut(luminaire).and_then(|view| view.replace_order(order)) {
            self.supersede(now, luminaire, &before.command.id, out);
        }
        self.commands.insert(sent, deadline);
        out.push(Output::Command { luminaire, command });
    }

    /// An older command that was obeyed has had its effect; one without an answer is not sent again.
    fn supersede(
        &mut self,
        now: Timestamp,
        luminaire: LuminaireId,
        before: &CommandId,
        out: &mut Vec<Output>,
    ) {
        match self.commands.take_delivered(luminaire, before) {
            Some(obeyed) => self.tell(now, &obeyed, CommandStatus::Successful, None, out),
            None => self.commands.give_up_resending(luminaire, before),
        }
    }

    /// Looks whether the luminaire keeps to the newest command, by its newest state.
    fn follow_up(&mut self, now: Timestamp, id: LuminaireId, out: &mut Vec<Output>) {
        match self.view_mut(id).and_then(|view| view.judge_obedience(now)) {
            Some(Obedience::Obeyed(command)) => {
                if let Some(sent) = self.commands.take_delivered(id, &command) {
                    self.tell(now, &sent, CommandStatus::Successful, None, out);
                }
            }
            Some(Obedience::Left(order)) => self.insist(now, id, order, out),
            None => {}
        }
    }

    /// Gives a command again that the luminaire acknowledged before it went another way.
    fn insist(&mut self, now: Timestamp, id: LuminaireId, order: Order, out: &mut Vec<Output>) {
        let Order { command, asker, corrections, .. } = order;
        self.commands.take_delivered(id, &command.id);
        if corrections == CORRECTIONS_MAX {
            let sent = Sent { luminaire: id, command, asker, phase: Phase::Last };
            self.tell(now, &sent, CommandStatus::Timeout, Some(LEFT.into()), out);
            return;
        }
        let again = DimCommand { id: self.next_id(), ..command };
        self.give(now, id, again, asker, corrections + 1, out);
    }

    /// Tells the asker how the command ended, and forgets it.
    fn finish(
        &mut self,
        now: Timestamp,
        sent: &Sent,
        status: CommandStatus,
        reason: Option<Box<str>>,
        out: &mut Vec<Output>,
    ) {
        self.tell(now, sent, status, reason, out);
        if let Some(view) = self.view_mut(sent.luminaire) {
            view.forget_order(&sent.command.id);
        }
    }

    fn tell(
        &mut self,
        now: Timestamp,
        sent: &Sent,
        status: CommandStatus,
        reason: Option<Box<str>>,
        out: &mut Vec<Output>,
    ) {
        let luminaire = sent.luminaire;
        match &sent.asker {
            Asker::Operator(asker) => {
                let report = CommandReport { command: sent.command.id.clone(), luminaire, status, reason };
                self.requests.set_answer(asker, report.clone());
                out.push(Output::Report { to: ReplyTo::clone(asker), report });
            }
            Asker::Group(number) => self.groups.note(now, *number, luminaire, status),
            Asker::Nobody => {}
        }
    }

    /// An id never given before: the stream visits every 64-bit number once before it repeats one.
    fn next_id(&mut self) -> CommandId {
        format!("{:016x}", self.ids.next_u64()).parse().expect("16 hex digits are a command id")
    }

    /// The acknowledgement timeout by the city's clock \[ms\].
    fn ack_timeout_ms(&self) -> i64 {
        self.ack_timeout_ms.saturating_mul(i64::from(self.pace.max(1)))
    }

    fn view_mut(&mut self, id: LuminaireId) -> Option<&mut LuminaireView> {
        self.position(id).map(|position| &mut self.luminaires[position])
    }

    /// Ids are dense in most cities, so that the place follows from the first id; otherwise it is searched.
    #[inline]
    fn position(&self, id: LuminaireId) -> Option<usize> {
        let key = |view: &LuminaireView| view.asset().luminaire;
        let guess = id.0.checked_sub(key(self.luminaires.first()?).0)? as usize;
        if self.luminaires.get(guess).is_some_and(|view| key(view) == id) {
            return Some(guess);
        }
        self.luminaires.binary_search_by_key(&id, key).ok()
    }
}

fn announce(at: Timestamp, told: Vec<Told>, out: &mut Vec<Output>) {
    out.extend(told.into_iter().map(|told| match told {
        Told::Alarm(alarm) => Output::Alarm { alarm, at },
        Told::Incident(incident) => Output::Incident { incident, at },
    }));
}

fn tell_alarms(now: Timestamp, luminaire: LuminaireId, changes: Vec<Change>, out: &mut Vec<Output>) {
    let alarm = |(kind, change)| Output::Alarm { alarm: Alarm { luminaire, kind, change }, at: now };
    out.extend(changes.into_iter().map(alarm));
}

/// Whether a message is newer than the newest one applied.
fn is_newer(stamp: Stamp, than: Stamp) -> bool {
    (stamp.epoch, stamp.seq) > (than.epoch, than.seq)
}

#[cfg(test)]
mod tests;
