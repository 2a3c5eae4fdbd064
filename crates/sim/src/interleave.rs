//! Plays one scene in every order in which its messages can arrive, and not only in the one that delays and a seed make.
//!
//! ```text
//! on their way: a b c ─┬─▶ a arrives ─▶ b c … ─▶ the end      one run: a way down to a leaf
//!                      └─▶ b arrives ─▶ a c … ─▶ the end      the next: the same way to its last fork, and on from there
//! ```
//!
//! While anything is on its way to a listener, time stands, so that it is all one whether a message to one listener arrives
//! before or after a message to another: of orders that differ in that alone, one is played (sleep sets). Whatever
//! two listeners could tell apart is played. Timers run when nothing is on its way; a trouble ([`Bounds::troubles_max`])
//! brings them in between.

mod path;

use scenario::Observer;
use types::Timestamp;

use self::path::Fate;
pub(crate) use self::path::Path;
use crate::Sim;
use crate::client::Client;
use crate::delivery::Down;

/// How far [`every_order`] goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Messages of one run that are lost, come twice, or come only after the timers of those who wait for them.
    pub troubles_max: u32,
    /// Runs at most; beyond it [`TooMany`].
    pub runs_max: u64,
}

/// How many orders there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Runs, each in an order that somebody can tell from all others.
    pub runs: u64,
    /// Runs that were given up, because they differed from another one for nobody.
    pub given_up: u64,
    /// Deliveries of the longest run.
    pub deliveries_max: usize,
}

/// There are more orders than [`Bounds::runs_max`]: not all were played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "more than {runs_max} runs, and not every order was played: raise the bound, or play a shorter scene"
)]
pub struct TooMany {
    /// The bound.
    pub runs_max: u64,
}

/// Plays a scene until `end` in every order of its deliveries.
///
/// `scene` – makes the city, always the same, as far as all runs share; the observer of what follows; and the end.
/// `judge` – looks at a run that is over.
///
/// What `judge` and the observer find may not depend on which of two messages to *different* listeners came first.
///
/// # Errors
///
/// [`TooMany`] if the bound was reached.
pub fn every_order<O: Observer>(
    bounds: Bounds,
    scene: impl FnMut() -> (Sim, O, Timestamp),
    judge: impl FnMut(&Sim, &O),
) -> Result<Tally, TooMany> {
    explore(Path::new(bounds.troubles_max), bounds, scene, judge)
}

fn explore<O: Observer>(
    mut path: Path,
    bounds: Bounds,
    mut scene: impl FnMut() -> (Sim, O, Timestamp),
    mut judge: impl FnMut(&Sim, &O),
) -> Result<Tally, TooMany> {
    let mut tally = Tally::default();
    loop {
        if tally.runs + tally.given_up == bounds.runs_max {
            return Err(TooMany { runs_max: bounds.runs_max });
        }
        let (mut sim, mut observer, end) = scene();
        path = sim.run_along(path, end, &mut observer);
        if path.is_given_up() {
            tally.given_up += 1;
        } else {
            tally.runs += 1;
            tally.deliveries_max = tally.deliveries_max.max(path.len());
            judge(&sim, &observer);
        }
        if !path.turn_back() {
            return Ok(tally);
        }
    }
}

/// How much later a message comes that is late \[ms\]: after the payer gave up on the verifier, before a clinic asks again.
const LATE_MS: i64 = 3_000;

impl Sim {
    /// Runs until `end` along a path, and gives it back, longer by what was chosen beyond it.
    fn run_along(&mut self, path: Path, end: Timestamp, observer: &mut impl Observer) -> Path {
        self.network.choose_by(path);
        self.run_until(end, observer);
        self.network.chosen_by().expect("it was put there")
    }

    /// Lets the next message on its way meet its fate. Whether there was one to choose.
    pub(crate) fn take_turn(&mut self, observer: &mut impl Observer) -> bool {
        let Some((down, fate)) = self.network.path_mut().and_then(Path::choose) else { return false };
        match fate {
            Fate::Lost => return true,
            Fate::Late => return self.come_late(down),
            Fate::ArrivesTwice => self.hold_back(down.clone()),
            Fate::Arrives => {}
        }
        self.downs.push_front(down);
        self.come_down(observer);
        true
    }

    /// Keeps a message until it is chosen.
    pub(crate) fn hold_back(&mut self, down: Down) {
        if let Some(path) = self.network.path_mut() {
            path.hold(down);
        }
    }

    fn come_late(&mut self, down: Down) -> bool {
        let at = self.now.plus_millis(LATE_MS);
        self.fly_down(at, down);
        true
    }
}

/// To whom a message goes: what decides whether two turns can be told apart.
fn listener(down: &Down) -> Client {
    down.to
}

#[cfg(test)]
mod tests;
