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
    pub(super) asker: Arc<ReplyTo>,
    /// Whether it is sent once more if it stays without an answer.
    pub(super) resend: bool,
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

    /// Takes out a command that was answered.
    pub(super) fn take(&mut self, luminaire: LuminaireId, id: &CommandId) -> Option<Sent> {
        let key = (luminaire, id.clone());
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
    pub(super) fn supersede(&mut self, luminaire: LuminaireId, id: &CommandId) {
        if let Some((_, sent)) = self.pending.get_mut(&(luminaire, id.clone())) {
            sent.resend = false;
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
