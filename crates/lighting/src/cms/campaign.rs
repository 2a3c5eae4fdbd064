//! Firmware campaigns: a few try first, others follow in waves, and too many failures stop it and take it back.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use types::{CommandId, GroupId, HOUR_MS, LuminaireId, MINUTE_MS, ReplyTo, Timestamp};

use super::groups::IN_FLIGHT_MAX;
use super::{Cms, Output};
use crate::firmware::{
    CampaignRefusal, CampaignReply, CampaignReport, CampaignRequest, CampaignTable, FirmwareAction,
    FirmwareOrder, FirmwareState, UpdateResult,
};
use crate::{AstroTable, Group};

/// How long an update or a way back may take; after it the luminaire has hung \[ms of the city's clock\].
pub const UPDATE_MAX_MS: i64 = 30 * MINUTE_MS;
/// How long after sunrise hardware that goes dark may be updated \[ms\].
const AFTER_SUNRISE_MS: i64 = HOUR_MS;
/// How long before sunset the last such update begins: it is over well before light is needed \[ms\].
const BEFORE_SUNSET_MS: i64 = UPDATE_MAX_MS + HOUR_MS;
/// Reports of progress: one for each of so many parts of the group.
const PARTS: u64 = 10;

/// One campaign, running or the last.
#[derive(Debug)]
pub(super) struct Campaign {
    asker: ReplyTo,
    /// The id of each order to install, and of each to go back: a luminaire gets either once, so nothing is tried again.
    install: CommandId,
    back: CommandId,
    request: CampaignRequest,
    group: Arc<Group>,
    standing: BTreeMap<LuminaireId, Standing>,
    waiting: VecDeque<LuminaireId>,
    updated: BTreeSet<LuminaireId>,
    deadlines: BTreeSet<(Timestamp, LuminaireId)>,
    table: CampaignTable,
    /// Updates begun so far.
    begun: u32,
    /// Updates that may still begin in this wave.
    wave_left: u32,
    halted: bool,
    /// Parts of the group with an end, as last told.
    told: u64,
    was_over: bool,
}

/// Where a luminaire stands in a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Waiting,
    Updating,
    Updated,
    Failed,
    Hung,
    RollingBack,
    RolledBack,
    Stuck,
    LeftOut,
    NotBegun,
}

impl CampaignTable {
    fn of(&mut self, standing: Standing) -> &mut u32 {
        match standing {
            Standing::Waiting => &mut self.waiting,
            Standing::Updating => &mut self.updating,
            Standing::Updated => &mut self.updated,
            Standing::Failed => &mut self.failed,
            Standing::Hung => &mut self.hung,
            Standing::RollingBack => &mut self.rolling_back,
            Standing::RolledBack => &mut self.rolled_back,
            Standing::Stuck => &mut self.stuck,
            Standing::LeftOut => &mut self.left_out,
            Standing::NotBegun => &mut self.not_begun,
        }
    }
}

impl Campaign {
    fn new(asker: ReplyTo, ids: [CommandId; 2], request: CampaignRequest, group: Arc<Group>) -> Self {
        let [install, back] = ids;
        let canaries = canaries(group.len(), request.canary_percent);
        let waiting = canaries_first(&group, canaries);
        Self {
            asker,
            install,
            back,
            request,
            standing: group.luminaires().map(|luminaire| (luminaire, Standing::Waiting)).collect(),
            waiting,
            updated: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            table: CampaignTable { waiting: group.len(), ..CampaignTable::default() },
            group,
            begun: 0,
            wave_left: canaries,
            halted: false,
            told: 0,
            was_over: false,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        let CampaignTable { waiting, updating, updated, rolling_back, .. } = self.table;
        waiting + updating + rolling_back == 0 && (!self.halted || updated == 0)
    }

    /// Whether an order could be given, were it day.
    fn has_orders(&self) -> bool {
        if self.halted {
            return self.table.updated > 0 && (self.table.rolling_back as usize) < IN_FLIGHT_MAX;
        }
        let wave_may_begin = self.wave_left > 0 || self.table.updating == 0;
        self.table.waiting > 0 && wave_may_begin && (self.table.updating as usize) < IN_FLIGHT_MAX
    }

    fn set(&mut self, luminaire: LuminaireId, standing: Standing) {
        if let Some(before) = self.standing.insert(luminaire, standing) {
            *self.table.of(before) -= 1;
            *self.table.of(standing) += 1;
        }
        if standing == Standing::Updated {
            self.updated.insert(luminaire);
        }
    }

    /// Takes what a luminaire says has come of an order.
    fn take(&mut self, luminaire: LuminaireId, state: &FirmwareState) {
        let (Some(result), Some(&standing)) = (state.result, self.standing.get(&luminaire)) else { return };
        let installed = state.order == self.install;
        let next = match (standing, result) {
            // One that was given up as hung may still come to an end.
            (Standing::Updating | Standing::Hung, UpdateResult::Done) if installed => Standing::Updated,
            (Standing::Updating | Standing::Hung, UpdateResult::AlreadyLatest) if installed => {
                Standing::LeftOut
            }
            (Standing::Updating | Standing::Hung, _) if installed => Standing::Failed,
            (Standing::RollingBack | Standing::Stuck, UpdateResult::Done) if state.order == self.back => {
                Standing::RolledBack
            }
            (Standing::RollingBack, _) if state.order == self.back => Standing::Stuck,
            _ => return,
        };
        self.deadlines.retain(|(_, other)| *other != luminaire);
        self.set(luminaire, next);
        self.halt_if_too_many_failed();
    }

    fn expire(&mut self, now: Timestamp) {
        while let Some(&(deadline, luminaire)) = self.deadlines.first()
            && deadline <= now
        {
            self.deadlines.pop_first();
            let rolling = self.standing.get(&luminaire) == Some(&Standing::RollingBack);
            self.set(luminaire, if rolling { Standing::Stuck } else { Standing::Hung });
            self.halt_if_too_many_failed();
        }
    }

    fn halt_if_too_many_failed(&mut self) {
        let failed = u64::from(self.table.failed + self.table.hung) * 100;
        if self.halted || failed <= u64::from(self.request.failed_percent_max) * u64::from(self.begun) {
            return;
        }
        self.halted = true;
        for luminaire in std::mem::take(&mut self.waiting) {
            self.set(luminaire, Standing::NotBegun);
        }
    }

    /// The next luminaire that gets an order, and which; `is_fit` tells whether one can be updated now.
    fn next_order(
        &mut self,
        now: Timestamp,
        is_fit: impl Fn(LuminaireId) -> bool,
    ) -> Option<(LuminaireId, FirmwareOrder)> {
        while self.has_orders() {
            if self.halted {
                let luminaire = self.updated.pop_first()?;
                let order = FirmwareOrder { id: self.back.clone(), action: FirmwareAction::RollBack };
                return Some(self.begin(now, luminaire, Standing::RollingBack, order));
            }
            if self.wave_left == 0 {
                self.wave_left = self.request.wave;
            }
            let luminaire = self.waiting.pop_front()?;
            if is_fit(luminaire) {
                (self.wave_left, self.begun) = (self.wave_left - 1, self.begun + 1);
                let action = FirmwareAction::Install(self.request.image);
                let order = FirmwareOrder { id: self.install.clone(), action };
                return Some(self.begin(now, luminaire, Standing::Updating, order));
            }
            self.set(luminaire, Standing::LeftOut);
        }
        None
    }

    fn begin(
        &mut self,
        now: Timestamp,
        luminaire: LuminaireId,
        standing: Standing,
        order: FirmwareOrder,
    ) -> (LuminaireId, FirmwareOrder) {
        self.deadlines.insert((now.plus_millis(UPDATE_MAX_MS), luminaire));
        self.set(luminaire, standing);
        (luminaire, order)
    }

    /// From when on orders may be given: `now`, unless light could be missed.
    fn opening(&self, sun: &AstroTable, now: Timestamp) -> Timestamp {
        if !self.request.image.goes_dark {
            return now;
        }
        let day = now.local_day();
        let window = |day: i64| {
            let (sunrise, sunset) = (sun.sunrise(day), sun.sunset(day));
            (sunrise.plus_millis(AFTER_SUNRISE_MS), sunset.plus_millis(-BEFORE_SUNSET_MS))
        };
        match window(day) {
            (opens, _) if now < opens => opens,
            (_, closes) if now < closes => now,
            _ => window(day + 1).0,
        }
    }

    fn next_timeout(&self, sun: &AstroTable, now: Timestamp) -> Option<Timestamp> {
        let deadline = self.deadlines.first().map(|(deadline, _)| *deadline);
        let opening = self.has_orders().then(|| self.opening(sun, now));
        deadline.into_iter().chain(opening).min()
    }

    fn reply(&self) -> CampaignReply {
        let report = CampaignReport {
            campaign: self.install.clone(),
            group: self.group.id().clone(),
            version: self.request.image.version,
            luminaires: self.group.len(),
            table: self.table,
        };
        match (self.is_over(), self.halted) {
            (false, _) => CampaignReply::Running(report),
            (true, false) => CampaignReply::Finished(report),
            (true, true) => CampaignReply::Halted(report),
        }
    }

    /// The report, if there is something new to tell.
    fn news(&mut self) -> Option<CampaignReply> {
        let open = self.table.waiting + self.table.updating + self.table.rolling_back;
        let parts = u64::from(self.group.len() - open) * PARTS / u64::from(self.group.len());
        let (over, before) = (self.is_over(), (self.was_over, self.told));
        (self.was_over, self.told) = (over, parts);
        (before != (over, parts)).then(|| self.reply())
    }
}

/// How many try it first: rounded up, so that there is at least one.
fn canaries(luminaires: u32, percent: u8) -> u32 {
    u32::try_from((u64::from(luminaires) * u64::from(percent)).div_ceil(100)).unwrap_or(luminaires).max(1)
}

/// The luminaires of a group in the order of their turns: first so many that are spread over it, then the others.
fn canaries_first(group: &Group, canaries: u32) -> VecDeque<LuminaireId> {
    let (len, many) = (u64::from(group.len()), u64::from(canaries));
    // The k-th canary stands in the middle of the k-th of equal parts.
    let is_canary = |place: u64| {
        let part = (place * many) / len;
        place == (2 * part + 1) * len / (2 * many)
    };
    let mut first = VecDeque::new();
    let mut others = VecDeque::new();
    for (place, luminaire) in (0..).zip(group.luminaires()) {
        if is_canary(place) { &mut first } else { &mut others }.push_back(luminaire);
    }
    first.append(&mut others);
    first
}

impl Cms {
    /// One request is one campaign, however often it comes.
    pub(super) fn on_campaign_request(
        &mut self,
        now: Timestamp,
        from: ReplyTo,
        request: CampaignRequest,
        out: &mut Vec<Output>,
    ) {
        if let Some(campaign) = self.campaign.as_ref().filter(|campaign| campaign.asker == from) {
            out.push(Output::CampaignReply { reply: campaign.reply(), to: from });
            return;
        }
        let group = match self.admitted(&request) {
            Ok(group) => group,
            Err(reason) => {
                out.push(refused(from, request.group, reason));
                return;
            }
        };
        let ids = [self.next_id(), self.next_id()];
        let campaign = Campaign::new(from.clone(), ids, request, group);
        out.push(Output::CampaignReply { reply: campaign.reply(), to: from });
        self.campaign = Some(Box::new(campaign));
        self.advance_campaign(now, out);
    }

    fn admitted(&self, request: &CampaignRequest) -> Result<Arc<Group>, CampaignRefusal> {
        let CampaignRequest { canary_percent, wave, failed_percent_max, .. } = *request;
        if !(1..=100).contains(&canary_percent) || wave == 0 || failed_percent_max >= 100 {
            return Err(CampaignRefusal::ImpossiblePlan);
        }
        if self.campaign.as_ref().is_some_and(|campaign| !campaign.is_over()) {
            return Err(CampaignRefusal::CampaignRunning);
        }
        self.group(&request.group).ok_or(CampaignRefusal::UnknownGroup)
    }

    pub(super) fn on_firmware(
        &mut self,
        now: Timestamp,
        luminaire: LuminaireId,
        state: &FirmwareState,
        out: &mut Vec<Output>,
    ) {
        if let Some(campaign) = &mut self.campaign {
            campaign.take(luminaire, state);
            self.advance_campaign(now, out);
        }
    }

    /// Goes on with the campaign: gives up on who hung, and gives the orders whose time has come.
    pub(super) fn advance_campaign(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let Some(mut campaign) = self.campaign.take() else { return };
        campaign.expire(now);
        let goes_dark = campaign.request.image.goes_dark;
        let is_fit = |luminaire| self.luminaire(luminaire).is_some_and(|view| view.may_be_updated(goes_dark));
        if campaign.has_orders() && campaign.opening(&self.sun, now) <= now {
            while let Some((luminaire, order)) = campaign.next_order(now, is_fit) {
                out.push(Output::Firmware { luminaire, order });
            }
        }
        if let Some(reply) = campaign.news() {
            out.push(Output::CampaignReply { to: campaign.asker.clone(), reply });
        }
        self.campaign_at = campaign.next_timeout(&self.sun, now);
        self.campaign = Some(campaign);
    }
}

fn refused(to: ReplyTo, group: GroupId, reason: CampaignRefusal) -> Output {
    Output::CampaignReply { to, reply: CampaignReply::Refused { group, reason } }
}

#[cfg(test)]
mod tests;
