use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use types::{CommandId, LuminaireId, ReplyTo, Timestamp};

use crate::DimCommand;

/// Commands on their way, by luminaire and id. How many there may be is up to the caller.
#[derive(Debug, Default)]
pub(super) struct Commands {
    pending: BTreeMap<Key, (Timestamp, Sent)>,
    deadlines: BTreeSet<(Timestamp, Key)>,
}

/// One command on its way.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) luminaire: LuminaireId,
    pub(super) command: DimCommand,
    pub(super) asker: Asker,
    pub(super) phase: Phase,
}

/// Who hears how a command ends.
#[derive(Clone, Debug)]
pub(super) enum Asker {
    /// An operator.
    Operator(Arc<ReplyTo>),
    /// The command to a group with this number.
    Group(u32),
    /// Nobody: the CMS gave it by itself.
    Nobody,
}

/// What a command waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// An answer; without one it is sent once more.
    First,
    /// An answer; without one it is given up.
    Last,
    /// A state that shows it.
    Delivered,
}

type Key = (LuminaireId, CommandId);

impl Commands {
    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn insert(&mut self, sent: Sent, deadline: Timestamp) {
        let key = (sent.luminaire, sent.command.id.clone());
        self.deadlines.insert((deadline, key.clone()));
        self.pending.insert(key, (deadline, sent));
    }

    /// Takes out a command that waits for an answer.
    pub(super) fn take_answered(&mut self, luminaire: LuminaireId, id: &CommandId) -> Option<Sent> {
        self.take_if(luminaire, id, |phase| phase != Phase::Delivered)
    }

    /// Takes out a command that waits for a state.
    pub(super) fn take_delivered(&mut self, luminaire: LuminaireId, id: &CommandId) -> Option<Sent> {
        self.take_if(luminaire, id, |phase| phase == Phase::Delivered)
    }

    fn take_if(
        &mut self,
        luminaire: LuminaireId,
        id: &CommandId,
        wanted: impl FnOnce(Phase) -> bool,
    ) -> Option<Sent> {
        let key = (luminaire, id.clone());
        self.pending.get(&key).filter(|(_, sent)| wanted(sent.phase))?;
        let (deadline, sent) = self.pending.remove(&key)?;
        self.deadlines.remove(&(deadline, key));
        Some(sent)
    }

    /// Takes out the command whose deadline passed first, if any has.
    pub(super) fn take_overdue(&mut self, now: Timestamp) -> Option<Sent> {
        let (deadline, _) = self.deadlines.first()?;
        if *deadline > now {
            return None;
        }
        let (_, key) = self.deadlines.pop_first()?;
        self.pending.remove(&key).map(|(_, sent)| sent)
    }

    /// From now on, waits for the answer to this command but does not send it again.
    pub(super) fn give_up_resending(&mut self, luminaire: LuminaireId, id: &CommandId) {
        if let Some((_, sent)) = self.pending.get_mut(&(luminaire, id.clone())) {
            sent.phase = Phase::Last;
        }
    }

    /// Gives every command until `deadline`.
    pub(super) fn restart_all(&mut self, deadline: Timestamp) {
        for (of_one, _) in self.pending.values_mut() {
            *of_one = deadline;
        }
        self.deadlines = self.pending.keys().map(|key| (deadline, key.clone())).collect();
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }
}
