//! One run's choices, and which are still to be made otherwise.

use super::listener;
use crate::client::Client;
use crate::delivery::Down;

/// The way of one run, fork by fork, with the messages that wait in it to be chosen.
///
/// A turn that was taken at a fork is asleep on all other ways from there, until another turn of the same listener wakes
/// it: before that it would lead to a run that is known.
#[derive(Debug)]
pub(crate) struct Path {
    forks: Vec<Fork>,
    /// Forks of this run that were passed.
    passed: usize,
    /// On their way, by number, in the order in which they were sent.
    waiting: Vec<(u32, Down)>,
    /// Messages sent in this run.
    sent: u32,
    /// Troubles that this run may still have.
    troubles_left: u32,
    troubles_max: u32,
    /// Nothing is left to choose that is not known.
    given_up: bool,
    /// Whether turns sleep at all.
    sleeps: bool,
}

/// What happens to a message whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Arrives,
    /// It arrives, and is on its way once more.
    ArrivesTwice,
    Lost,
    /// It comes when nothing else is on its way, after the timers of those who wait for it.
    Late,
}

impl Fate {
    const TROUBLES: [Self; 3] = [Self::ArrivesTwice, Self::Lost, Self::Late];
}

/// One message's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Turn {
    message: u32,
    to: Client,
    fate: Fate,
}

impl Turn {
    /// Whether it comes to the same to take this one before `other` or after it. Troubles do not: there are only so many.
    fn commutes_with(self, other: Self) -> bool {
        self.to != other.to && (self.fate == Fate::Arrives || other.fate == Fate::Arrives)
    }
}

#[derive(Debug)]
struct Fork {
    /// Those that can be taken, but for those asleep.
    open: Vec<Turn>,
    /// Those that lead to what is known.
    asleep: Vec<Turn>,
    /// Which of `open` is taken.
    taken: usize,
}

impl Fork {
    fn turn(&self) -> Turn {
        self.open[self.taken]
    }

    /// What is asleep after the turn that is taken: whatever was, or was taken before, and commutes with it.
    fn asleep_after(&self) -> Vec<Turn> {
        let known = self.asleep.iter().chain(&self.open[..self.taken]);
        known.copied().filter(|turn| turn.commutes_with(self.turn())).collect()
    }
}

impl Path {
    pub(super) fn new(troubles_max: u32) -> Self {
        Self {
            forks: Vec::new(),
            passed: 0,
            waiting: Vec::new(),
            sent: 0,
            troubles_left: troubles_max,
            troubles_max,
            given_up: false,
            sleeps: true,
        }
    }

    /// A path on which nothing sleeps: it leads through each order, however alike.
    #[cfg(test)]
    pub(super) fn sleepless(troubles_max: u32) -> Self {
        Self { sleeps: false, ..Self::new(troubles_max) }
    }

    pub(super) fn len(&self) -> usize {
        self.passed
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.given_up
    }

    /// Whether a message waits for its turn.
    pub(crate) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(super) fn hold(&mut self, down: Down) {
        self.waiting.push((self.sent, down));
        self.sent += 1;
    }

    /// Whose turn it is, and what happens to it; `None` if nothing waits, or nothing that leads to something new.
    pub(super) fn choose(&mut self) -> Option<(Down, Fate)> {
        if self.passed == self.forks.len() {
            let fork = self.fork();
            if fork.open.is_empty() {
                self.given_up = self.has_waiting();
                return None;
            }
            self.forks.push(fork);
        }
        let Turn { message, fate, .. } = self.forks[self.passed].turn();
        self.passed += 1;
        self.troubles_left -= u32::from(fate != Fate::Arrives);
        let place = self.waiting.iter().position(|(number, _)| *number == message)?;
        Some((self.waiting.remove(place).1, fate))
    }

    /// A fork where nobody has been.
    fn fork(&self) -> Fork {
        let last = self.forks.last().filter(|_| self.sleeps);
        let asleep = last.map_or_else(Vec::new, Fork::asleep_after);
        let troubles = Fate::TROUBLES.into_iter().filter(|_| self.troubles_left > 0);
        let turns = std::iter::once(Fate::Arrives).chain(troubles).flat_map(|fate| {
            self.waiting.iter().map(move |(message, down)| Turn {
                message: *message,
                to: listener(down),
                fate,
            })
        });
        Fork { open: turns.filter(|turn| !asleep.contains(turn)).collect(), asleep, taken: 0 }
    }

    /// Goes back to the last fork with a turn that was not taken, and takes it in the next run; `false` if there is none.
    pub(super) fn turn_back(&mut self) -> bool {
        (self.passed, self.sent, self.troubles_left) = (0, 0, self.troubles_max);
        (self.given_up, self.waiting) = (false, Vec::new());
        while let Some(fork) = self.forks.last_mut() {
            if fork.taken + 1 < fork.open.len() {
                fork.taken += 1;
                return true;
            }
            self.forks.pop();
        }
        false
    }
}
