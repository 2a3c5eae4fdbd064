//! Commands to groups: one request becomes a command to each luminaire, a few at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use types::{CommandId, GroupId, LuminaireId, MINUTE_MS, ReplyTo, Timestamp};

use super::commands::Asker;
use super::{Cms, CmsConfigError, Output};
use crate::group::{Group, GroupDimRequest, GroupRefusal, GroupReply, GroupReport, Tally};
use crate::{CommandStatus, DimCommand, DimLevel};

/// Luminaires of one group that have a command under way: the next one's turn comes when one of them has an end.
pub const IN_FLIGHT_MAX: usize = 64;
/// Commands to groups that run at the same time.
pub const RUNNING_MAX: usize = 16;
/// Commands to groups that are over and remembered: the same request delivered again gets the same answer, and a
/// luminaire that leaves the command late changes the report.
const FINISHED_MAX: usize = 64;
/// Reports of progress: one for each of so many parts of the group.
const PARTS: u32 = 10;

/// The groups, and what is said to them.
#[derive(Debug, Default)]
pub(super) struct Groups {
    register: BTreeMap<GroupId, Arc<Group>>,
    /// By number: the order in which they were asked for.
    jobs: BTreeMap<u32, Job>,
    /// Those of which something changed since they were looked at.
    stirred: BTreeSet<u32>,
    next: u32,
}

/// A command to a group.
#[derive(Debug)]
struct Job {
    asker: ReplyTo,
    command: CommandId,
    group: Arc<Group>,
    level: Option<DimLevel>,
    until: Option<Timestamp>,
    begun: Timestamp,
    /// The last one whose turn it was.
    turn: Option<LuminaireId>,
    /// Those that got a newer command before their turn.
    overtaken: BTreeSet<LuminaireId>,
    /// Those under way, and how far. Over [`IN_FLIGHT_MAX`] only by luminaires that are told again.
    in_flight: BTreeMap<LuminaireId, CommandStatus>,
    tally: Tally,
    last_success: Option<Timestamp>,
    /// Parts of the group with an end, as last told.
    told: u32,
}

impl Groups {
    /// Takes the register; `is_known` tells whether there is such a luminaire.
    pub(super) fn new(
        groups: Vec<Group>,
        is_known: impl Fn(LuminaireId) -> bool,
    ) -> Result<Self, CmsConfigError> {
        let mut register = BTreeMap::new();
        for group in groups {
            let id = group.id().clone();
            if let Some(luminaire) = group.luminaires().find(|&luminaire| !is_known(luminaire)) {
                return Err(CmsConfigError::NoMember { group: id, luminaire });
            }
            if group.is_empty() {
                return Err(CmsConfigError::EmptyGroup(id));
            }
            if register.insert(id.clone(), Arc::new(group)).is_some() {
                return Err(CmsConfigError::GroupTwice(id));
            }
        }
        Ok(Self { register, ..Self::default() })
    }

    /// A luminaire was given a newer command than those groups whose turn did not come yet, but for groups asked for
    /// after `number`.
    pub(super) fn overtake(&mut self, luminaire: LuminaireId, number: Option<u32>) {
        for (_, job) in self.jobs.iter_mut().filter(|(job, _)| number.is_none_or(|number| **job < number)) {
            if job.turn < Some(luminaire) && job.group.contains(luminaire) {
                job.overtaken.insert(luminaire);
            }
        }
    }

    /// Takes note of how far a luminaire's command is.
    pub(super) fn note(
        &mut self,
        now: Timestamp,
        number: u32,
        luminaire: LuminaireId,
        status: CommandStatus,
    ) {
        let Some(job) = self.jobs.get_mut(&number) else { return };
        // Who has an end and is heard of again had obeyed, and is told again.
        let before = job.in_flight.remove(&luminaire).unwrap_or(CommandStatus::Successful);
        job.tally.shift(before, status);
        if !status.is_final() {
            job.in_flight.insert(luminaire, status);
        }
        if status == CommandStatus::Successful {
            job.last_success = Some(now);
        }
        self.stirred.insert(number);
    }

    fn running(&self) -> usize {
        self.jobs.values().filter(|job| !job.is_over()).count()
    }

    /// Forgets the oldest of those that are over, if they are too many.
    fn forget_oldest(&mut self) {
        let over = || self.jobs.iter().filter(|(_, job)| job.is_over());
        if over().count() > FINISHED_MAX
            && let Some(oldest) = over().map(|(number, _)| *number).next()
        {
            self.jobs.remove(&oldest);
        }
    }
}

impl Job {
    fn is_over(&self) -> bool {
        self.tally.open() == 0
    }

    /// The next one whose turn it is; those who are not to get the command any more have their end.
    fn next(&mut self, now: Timestamp) -> Option<LuminaireId> {
        while self.in_flight.len() < IN_FLIGHT_MAX {
            let luminaire = self.group.next_after(self.turn)?;
            self.turn = Some(luminaire);
            let late = self.until.is_some_and(|until| until <= now);
            if !late && !self.overtaken.remove(&luminaire) {
                self.tally.shift(CommandStatus::Pending, CommandStatus::Sent);
                self.in_flight.insert(luminaire, CommandStatus::Sent);
                return Some(luminaire);
            }
            self.tally.shift(CommandStatus::Pending, CommandStatus::Expired);
        }
        None
    }

    fn reply(&self) -> GroupReply {
        let report = GroupReport {
            command: self.command.clone(),
            group: self.group.id().clone(),
            luminaires: self.group.len(),
            tally: self.tally,
            last_lamp_ms: self.last_success.map(|at| at.millis_since(self.begun)),
        };
        if self.is_over() { GroupReply::Finished(report) } else { GroupReply::Running(report) }
    }

    /// The report, if there is something new to tell: another part has an end, or all have.
    fn news(&mut self) -> Option<GroupReply> {
        let ended = u64::from(self.group.len() - self.tally.open());
        let parts = (ended * u64::from(PARTS) / u64::from(self.group.len())) as u32;
        let before = std::mem::replace(&mut self.told, parts);
        (self.is_over() || parts > before).then(|| self.reply())
    }
}

impl Cms {
    /// The groups of its register, by name.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.register.values().map(|group| &**group)
    }

    /// The group of this name.
    pub(super) fn group(&self, id: &GroupId) -> Option<Arc<Group>> {
        self.groups.register.get(id).cloned()
    }

    /// One request is one command, however often it comes.
    pub(super) fn on_group_request(
        &mut self,
        now: Timestamp,
        from: ReplyTo,
        request: GroupDimRequest,
        out: &mut Vec<Output>,
    ) {
        if let Some(job) = self.groups.jobs.values().find(|job| job.asker == from) {
            out.push(Output::GroupReply { reply: job.reply(), to: from });
            return;
        }
        let Some(group) = self.group(&request.group) else {
            out.push(refused(from, request.group, GroupRefusal::UnknownGroup));
            return;
        };
        if self.groups.running() >= RUNNING_MAX {
            out.push(refused(from, request.group, GroupRefusal::TooManyRunning));
            return;
        }
        let job = Job {
            asker: from.clone(),
            command: self.next_id(),
            level: request.level,
            until: request.minutes.map(|minutes| now.plus_millis(i64::from(minutes) * MINUTE_MS)),
            begun: now,
            turn: None,
            overtaken: BTreeSet::new(),
            in_flight: BTreeMap::new(),
            tally: Tally { pending: group.len(), ..Tally::default() },
            last_success: None,
            told: 0,
            group,
        };
        out.push(Output::GroupReply { reply: job.reply(), to: from });
        let number = self.groups.next;
        self.groups.next += 1;
        self.groups.jobs.insert(number, job);
        self.groups.stirred.insert(number);
    }

    /// Goes on with the groups of which something changed.
    pub(super) fn advance_groups(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        while let Some(number) = self.groups.stirred.pop_first() {
            self.give_turns(now, number, out);
            let Some(job) = self.groups.jobs.get_mut(&number) else { continue };
            if let Some(reply) = job.news() {
                out.push(Output::GroupReply { to: job.asker.clone(), reply });
                self.groups.forget_oldest();
            }
        }
    }

    fn give_turns(&mut self, now: Timestamp, number: u32, out: &mut Vec<Output>) {
        loop {
            let Some(job) = self.groups.jobs.get_mut(&number) else { return };
            let Some(luminaire) = job.next(now) else { return };
            let (level, until) = (job.level, job.until);
            let command = DimCommand { id: self.next_id(), level, until };
            self.groups.overtake(luminaire, Some(number));
            self.give(now, luminaire, command, Asker::Group(number), 0, out);
        }
    }
}

fn refused(to: ReplyTo, group: GroupId, reason: GroupRefusal) -> Output {
    Output::GroupReply { to, reply: GroupReply::Refused { group, reason } }
}

#[cfg(test)]
mod tests;
