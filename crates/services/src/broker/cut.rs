//! Connections that are cut on purpose, to see what comes of it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rmqtt::context::ServerContext;
use rmqtt::types::Id;
use tokio::time::{Instant, sleep_until};

/// The longest that one client may be cut off. The broker gives a client more time than that to connect.
pub const CUT_MAX: Duration = Duration::from_secs(5);

/// Cuts off clients for some seconds.
pub struct Cuts {
    context: ServerContext,
    /// By client id; never more than there are clients.
    until: Mutex<BTreeMap<String, Instant>>,
}

impl std::fmt::Debug for Cuts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cuts").field("until", &self.until).finish_non_exhaustive()
    }
}

impl Cuts {
    pub(super) fn new(context: ServerContext) -> Self {
        Self { context, until: Mutex::default() }
    }

    /// How many connections there are that could be cut.
    pub(crate) fn connections(&self) -> usize {
        usize::try_from(self.context.connections.count()).unwrap_or(0)
    }

    /// Ends the connection of a client; its next one stands only after `lasting`, at most [`CUT_MAX`]. Tells whether
    /// there was a connection.
    pub async fn cut(&self, client_id: &str, lasting: Duration) -> bool {
        let id = Id::from(self.context.node.id(), client_id.into());
        let entry = self.context.extends.shared().await.entry(id);
        let Ok(mut entry) = entry.try_lock().await else { return false };
        if !entry.is_connected().await {
            return false;
        }
        self.note(client_id, Instant::now() + lasting.min(CUT_MAX));
        entry.kick(true, true, true).await.is_ok()
    }

    /// Forgets those who never came back.
    fn note(&self, client_id: &str, end: Instant) {
        let (mut all, now) = (self.until(), Instant::now());
        all.retain(|_, end| *end > now);
        all.insert(client_id.to_owned(), end);
    }

    /// Waits until a client may be let in.
    pub(super) async fn over(&self, client_id: &str) {
        let until = self.until().get(client_id).copied();
        let Some(until) = until else { return };
        sleep_until(until).await;
        let mut all = self.until();
        if all.get(client_id) == Some(&until) {
            all.remove(client_id);
        }
    }

    fn until(&self) -> MutexGuard<'_, BTreeMap<String, Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
