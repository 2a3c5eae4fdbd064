//! Watches the bus and says whether each expectation came true.

mod after;
mod monitor;
mod outcome;

pub(crate) use after::After;
pub(crate) use monitor::{Bounds, Form, Monitor, Window, describe, entity_of};
pub use outcome::{Failure, Outcome, SoFar, Spread, Standing};
use types::Timestamp;
use wire::Message;

use crate::expr::{Operand, Scope, World};
use crate::facts::kind_of;

/// What directors, monitors and recorders are shown: a message and what it changed, or only the time.
#[derive(Clone, Copy)]
pub(crate) struct Moment<'a> {
    pub(crate) now: Timestamp,
    /// The message and its kind; `None` when only time has passed.
    pub(crate) message: Option<(usize, &'a Message)>,
    /// Whether anything about a luminaire changed.
    pub(crate) changed: bool,
    pub(crate) world: &'a World,
}

impl<'a> Moment<'a> {
    pub(crate) fn of(now: Timestamp, message: &'a Message, changed: bool, world: &'a World) -> Self {
        Self { now, message: Some((kind_of(message), message)), changed, world }
    }

    /// Whether this happens or holds now.
    pub(crate) fn shows(&self, operand: &Operand) -> bool {
        let scope = |message| Scope { message, after: None, lamp: None, world: self.world };
        match operand {
            Operand::Pattern(pattern) => self.message.is_some_and(|(kind, message)| {
                pattern.kind == kind && pattern.matches(&scope(Some(message)))
            }),
            Operand::Condition(condition) => self.changed && condition.holds(&scope(None)),
        }
    }

    pub(crate) fn pause(now: Timestamp, world: &'a World) -> Self {
        Self { now, message: None, changed: true, world }
    }
}
