use std::collections::VecDeque;

use types::Timestamp;
use wire::Message;

use crate::director::{Act, Director};
use crate::expr::{Aggregate, World};
use crate::invariants::Invariants;
use crate::judge::{Moment, Monitor, describe, entity_of};
use crate::record::{Record, Recorder};
use crate::time::show;
use crate::{Cast, Observer, Order, Outcome, SoFar, Standing};

/// How many messages are remembered, to be shown with a failure.
const REMEMBERED_MAX: usize = 256;
/// How many of them are shown.
const SHOWN_MAX: usize = 8;

/// A scenario being played: gives the orders of its timeline, and judges what is seen on the bus.
///
/// A driver shows it every message as an [`Observer`], and asks for the [`Verdict`] when the clock shows
/// [`end`](Self::end).
#[derive(Debug)]
pub struct Play {
    title: String,
    start: Timestamp,
    end: Timestamp,
    now: Timestamp,
    director: Director,
    world: World,
    monitors: Vec<Monitor>,
    invariants: Invariants,
    recorder: Recorder,
    remembered: VecDeque<(Timestamp, Message)>,
    /// When it wants the time next: drivers ask before each event, and it changes only when something is seen.
    wakes_at: Option<Timestamp>,
}

/// What came of a scenario.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Verdict {
    /// The scenario's name.
    pub scenario: String,
    /// When it began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
    /// What became of each expectation, in the order of the file; then each invariant of every city that was broken.
    pub outcomes: Vec<Outcome>,
    /// Steps of the timeline that waited for something that was never seen.
    pub never_begun: usize,
    /// What was measured on the way.
    pub record: Record,
}

impl Verdict {
    /// The worst of all expectations; inconclusive too if a step never began.
    pub fn standing(&self) -> Standing {
        let worst = self.outcomes.iter().map(|outcome| outcome.standing).max().unwrap_or(Standing::Passed);
        if self.never_begun > 0 { worst.max(Standing::Inconclusive) } else { worst }
    }
}

impl Play {
    pub(crate) fn new(
        title: &str,
        cast: &Cast,
        (start, end): (Timestamp, Timestamp),
        acts: Vec<Act>,
        monitors: Vec<Monitor>,
        aggregates: Vec<Aggregate>,
    ) -> Self {
        let mut play = Self {
            title: title.to_owned(),
            start,
            end,
            now: start,
            director: Director::new(cast.plan().clone(), cast.readers().clone(), acts),
            world: World::new(cast.plan().clone(), aggregates),
            monitors,
            invariants: Invariants::default(),
            recorder: Recorder::new(start, end),
            remembered: VecDeque::with_capacity(REMEMBERED_MAX),
            wakes_at: None,
        };
        play.plan();
        play
    }

    /// When it begins.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// When it ends.
    pub fn end(&self) -> Timestamp {
        self.end
    }

    /// How each expectation stands by now, in the order of the file: its name, and what can be told before the end.
    pub fn so_far(&self) -> impl Iterator<Item = (&str, SoFar)> {
        self.monitors.iter().map(|monitor| (monitor.name.as_str(), monitor.so_far(self.now)))
    }

    /// Ends it and says what came of it.
    pub fn conclude(mut self) -> Verdict {
        self.now = self.end;
        self.pause();
        let moment = Moment::pause(self.end, &self.world);
        let record = self.recorder.conclude(self.end, &self.world);
        let expected = self.monitors.into_iter().map(|monitor| monitor.conclude(&moment));
        Verdict {
            scenario: self.title,
            start: self.start,
            end: self.end,
            outcomes: expected.chain(self.invariants.conclude()).collect(),
            never_begun: self.director.never_begun(),
            record,
        }
    }

    fn plan(&mut self) {
        let monitors = self.monitors.iter().filter_map(|monitor| monitor.wakes_at(self.now));
        self.wakes_at =
            monitors.chain(self.director.wakes_at(self.now)).chain(self.recorder.wakes_at()).min();
    }

    /// Shows the time to every expectation.
    fn pause(&mut self) {
        let moment = Moment::pause(self.now, &self.world);
        for monitor in &mut self.monitors {
            if monitor.observe(&moment) {
                monitor.remember(|entity| last_events(&self.remembered, entity, self.start));
            }
        }
    }
}

impl Observer for Play {
    fn observe(&mut self, now: Timestamp, message: &Message) {
        self.now = now;
        let changed = self.world.observe(message);
        let moment = Moment::of(now, message, changed, &self.world);
        self.recorder.observe(&moment);
        self.invariants.observe(now, message);
        self.director.observe(&moment);
        if self.remembered.len() == REMEMBERED_MAX {
            self.remembered.pop_front();
        }
        self.remembered.push_back((now, message.clone()));
        for monitor in &mut self.monitors {
            if monitor.observe(&moment) {
                monitor.remember(|entity| last_events(&self.remembered, entity, self.start));
            }
        }
        self.plan();
    }

    fn wakes_at(&self) -> Option<Timestamp> {
        self.wakes_at
    }

    fn wake(&mut self, now: Timestamp, orders: &mut Vec<Order>) {
        self.now = now;
        self.recorder.wake(now, &self.world);
        self.director.wake(now, orders);
        self.pause();
        self.plan();
    }
}

/// The last messages about an entity; of all, if there are none or it is not about one.
fn last_events(
    remembered: &VecDeque<(Timestamp, Message)>,
    entity: Option<&str>,
    start: Timestamp,
) -> Vec<String> {
    let about =
        |(_, message): &&(Timestamp, Message)| entity.is_some() && entity_of(message).as_deref() == entity;
    let mut last: Vec<_> = remembered.iter().rev().filter(about).take(SHOWN_MAX).collect();
    if last.is_empty() {
        last = remembered.iter().rev().take(SHOWN_MAX).collect();
    }
    last.into_iter()
        .rev()
        .map(|(at, message)| format!("{}  {}", show(*at, start), describe(message)))
        .collect()
}
