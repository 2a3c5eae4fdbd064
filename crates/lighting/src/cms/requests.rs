use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use types::ReplyTo;

use super::PENDING_MAX;
use crate::CommandReport;

/// The last word on each recent request, so that one delivered twice gets the same answer and no second command.
#[derive(Debug, Default)]
pub(super) struct Requests {
    answers: BTreeMap<Arc<ReplyTo>, CommandReport>,
    /// From the oldest to the newest.
    order: VecDeque<Arc<ReplyTo>>,
}

/// Requests remembered: at least every one whose command is still on its way.
const REMEMBERED_MAX: usize = PENDING_MAX;

impl Requests {
    pub(super) fn answer(&self, from: &ReplyTo) -> Option<&CommandReport> {
        self.answers.get(from)
    }

    /// Remembers the last word on a request. At the maximum, the oldest request is forgotten.
    pub(super) fn set_answer(&mut self, from: &Arc<ReplyTo>, report: CommandReport) {
        if self.answers.insert(from.clone(), report).is_some() {
            return;
        }
        self.order.push_back(from.clone());
        if self.order.len() > REMEMBERED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.answers.remove(&oldest);
        }
    }
}
