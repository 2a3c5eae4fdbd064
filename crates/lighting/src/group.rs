//! Luminaires that are commanded together, and what is said about it.

use serde::{Deserialize, Serialize};
use types::{CommandId, GroupId, LuminaireId};

use crate::{CommandStatus, DimLevel};

/// Luminaires that are commanded together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    id: GroupId,
    /// From the first to the last of each run of consecutive numbers, ascending: groups follow streets and cabinets,
    /// and these have few.
    runs: Box<[(u32, u32)]>,
    len: u32,
}

impl Group {
    /// The group of these luminaires, in any order; one that is named twice is in it once.
    pub fn new(id: GroupId, members: impl IntoIterator<Item = LuminaireId>) -> Self {
        let mut numbers: Vec<u32> = members.into_iter().map(|luminaire| luminaire.0).collect();
        numbers.sort_unstable();
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for number in numbers {
            match runs.last_mut() {
                Some((_, last)) if number == *last => {}
                Some((_, last)) if number - 1 == *last => *last = number,
                _ => runs.push((number, number)),
            }
        }
        let len = runs.iter().map(|(first, last)| last - first + 1).sum();
        Self { id, runs: runs.into(), len }
    }

    /// Its name.
    pub fn id(&self) -> &GroupId {
        &self.id
    }

    /// How many luminaires are in it.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether nobody is in it.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Its luminaires, by ascending number.
    pub fn luminaires(&self) -> impl Iterator<Item = LuminaireId> + '_ {
        self.runs.iter().flat_map(|&(first, last)| (first..=last).map(LuminaireId))
    }

    /// Whether `luminaire` is in it.
    pub fn contains(&self, luminaire: LuminaireId) -> bool {
        self.following(luminaire.0) == Some(luminaire)
    }

    /// The first of its luminaires after `before`; the first of all without one.
    pub(crate) fn next_after(&self, before: Option<LuminaireId>) -> Option<LuminaireId> {
        let from = before.map_or(Some(0), |before| before.0.checked_add(1))?;
        self.following(from)
    }

    /// The first of its luminaires with this number or a higher one.
    fn following(&self, number: u32) -> Option<LuminaireId> {
        let place = self.runs.partition_point(|&(_, last)| last < number);
        self.runs.get(place).map(|&(first, _)| LuminaireId(first.max(number)))
    }
}

/// Operator → CMS: override all luminaires of a group, or end their overrides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupDimRequest {
    /// Which group.
    pub group: GroupId,
    /// The level to hold; `None` = back to the programme. It must be given: a misspelt key must not end overrides.
    #[serde(deserialize_with = "Option::deserialize")]
    pub level: Option<DimLevel>,
    /// For how long from the request on \[min of the city's clock\]; `None` = until changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u32>,
}

/// CMS → operator: what became of a request for a group. Comes at once, each time another tenth is done, and at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupReply {
    /// It is not over yet.
    Running(GroupReport),
    /// Every luminaire has an end. Comes again if a luminaire turns out to have gone another way after it obeyed.
    Finished(GroupReport),
    /// There will be no command.
    Refused {
        /// For which group.
        group: GroupId,
        /// Why not.
        reason: GroupRefusal,
    },
}

/// Why a request for a group becomes no command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupRefusal {
    /// The group is not in the register.
    UnknownGroup,
    /// Too many commands to groups are running.
    TooManyRunning,
}

/// How many luminaires of a group are how far. The numbers of all statuses add up to `luminaires`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupReport {
    /// The command to the group; each luminaire gets one with an id of its own.
    pub command: CommandId,
    /// Which group.
    pub group: GroupId,
    /// How many luminaires are in it.
    pub luminaires: u32,
    /// How many are how far.
    #[serde(flatten)]
    pub tally: Tally,
    /// From the request to the last luminaire that obeyed \[ms of the city's clock\]; `None` if none did yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_lamp_ms: Option<i64>,
}

/// Luminaires by the status of their command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Wait for their turn.
    pub pending: u32,
    /// Have the command on its way to them.
    pub sent: u32,
    /// Acknowledged it.
    pub delivered: u32,
    /// Obeyed.
    pub successful: u32,
    /// Refused.
    pub failed: u32,
    /// Its time was over, or a newer command had come, before their turn.
    pub expired: u32,
    /// Did not answer, or did not do it.
    pub timeout: u32,
}

impl Tally {
    /// How many have this status.
    pub fn of(&mut self, status: CommandStatus) -> &mut u32 {
        match status {
            CommandStatus::Pending => &mut self.pending,
            CommandStatus::Sent => &mut self.sent,
            CommandStatus::Delivered => &mut self.delivered,
            CommandStatus::Successful => &mut self.successful,
            CommandStatus::Failed => &mut self.failed,
            CommandStatus::Expired => &mut self.expired,
            CommandStatus::Timeout => &mut self.timeout,
        }
    }

    /// How many have no end yet.
    pub fn open(&self) -> u32 {
        self.pending + self.sent + self.delivered
    }

    /// One luminaire goes from a status to another.
    pub(crate) fn shift(&mut self, from: CommandStatus, to: CommandStatus) {
        *self.of(from) -= 1;
        *self.of(to) += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(numbers: &[u32]) -> Group {
        Group::new("list:x".parse().unwrap(), numbers.iter().copied().map(LuminaireId))
    }

    #[test]
    fn a_luminaire_between_two_runs_or_named_twice_is_not_counted() {
        let group = group(&[9, 3, 2, 3, 7, 8]);
        assert_eq!((group.len(), group.runs.len()), (5, 2));
        assert_eq!(
            [1, 2, 3, 4, 6, 7, 9, 10].map(|number| group.contains(LuminaireId(number))),
            [false, true, true, false, false, true, true, false]
        );
        assert!(Group::new("list:x".parse().unwrap(), []).is_empty());
    }

    #[test]
    fn one_luminaire_follows_another_over_gaps_until_the_last() {
        let group = group(&[2, 3, 7, u32::MAX]);
        let mut seen = Vec::new();
        let mut before = None;
        while let Some(next) = group.next_after(before) {
            seen.push(next.0);
            before = Some(next);
        }
        assert_eq!(seen, [2, 3, 7, u32::MAX]);
        assert!(group.luminaires().map(|luminaire| luminaire.0).eq(seen));
    }
}
