//! Whether the roles of this process are well: on the bus, and not stuck.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use wire::RoleName;

/// How often a role that has nothing to do shows that it could.
pub(crate) const TURN_EVERY: Duration = Duration::from_secs(5);
/// After so long without a sign, a role is stuck: in its own work, or in a disk that does not answer.
const STUCK_AFTER: Duration = Duration::from_secs(15);
/// What is written to see whether the data folder takes it \[bytes\].
const PROBE_BYTES: usize = 4_096;

/// What the roles of a process say about themselves. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Health {
    roles: Arc<Mutex<BTreeMap<RoleName, Condition>>>,
    /// Where state is kept.
    folder: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug)]
struct Condition {
    on_bus: bool,
    /// When it last gave a sign.
    turned: Instant,
}

/// How a role is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// On the bus, and at work.
    Well,
    /// It has no connection to the bus.
    Cut,
    /// It gives no sign.
    Stuck,
}

impl Health {
    /// That of a process which keeps state in `folder`.
    pub fn keeping(folder: Option<PathBuf>) -> Self {
        Self { folder, ..Self::default() }
    }

    /// A role gives a sign.
    pub(crate) fn turn(&self, role: RoleName) {
        let now = Instant::now();
        self.roles().entry(role).or_insert(Condition { on_bus: false, turned: now }).turned = now;
    }

    /// A role is on the bus, or is not any more.
    pub(crate) fn bus(&self, role: RoleName, on_bus: bool) {
        let condition = Condition { on_bus, turned: Instant::now() };
        self.roles().insert(role, condition);
    }

    /// How each role is that has ever given a sign.
    pub(crate) fn states(&self, now: Instant) -> BTreeMap<RoleName, State> {
        let state = |condition: &Condition| match condition {
            Condition { turned, .. } if now.saturating_duration_since(*turned) > STUCK_AFTER => State::Stuck,
            Condition { on_bus: false, .. } => State::Cut,
            Condition { .. } => State::Well,
        };
        self.roles().iter().map(|(role, condition)| (*role, state(condition))).collect()
    }

    /// Whether the data folder takes what is written, if there is one. Blocks.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(crate) fn probe_folder(&self) -> io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let file = folder.join(format!("probe-{}", std::process::id()));
        let written = std::fs::File::create(&file).and_then(|mut open| {
            open.write_all(&[0; PROBE_BYTES])?;
            open.sync_all()
        });
        written.and(std::fs::remove_file(&file))
    }

    fn roles(&self) -> MutexGuard<'_, BTreeMap<RoleName, Condition>> {
        self.roles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_cut_until_it_is_on_the_bus_and_stuck_when_it_gives_no_sign() {
        let (health, role) = (Health::default(), RoleName::Payer);
        let state = |later: Duration| health.states(Instant::now() + later).get(&role).copied();
        assert_eq!(state(Duration::ZERO), None);
        health.turn(role);
        assert_eq!(state(Duration::ZERO), Some(State::Cut));
        health.bus(role, true);
        assert_eq!(state(Duration::ZERO), Some(State::Well));
        assert_eq!(state(STUCK_AFTER * 2), Some(State::Stuck));
        health.bus(role, false);
        assert_eq!(state(Duration::ZERO), Some(State::Cut));
    }

    #[test]
    fn a_folder_that_takes_nothing_is_noticed_and_a_good_one_is_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Health::keeping(Some(folder.path().join("gone"))).probe_folder().is_err());
        Health::keeping(Some(folder.path().to_owned())).probe_folder().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        Health::default().probe_folder().unwrap();
    }
}
