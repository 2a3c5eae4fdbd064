//! What happens to a luminaire: it breaks, is repaired, loses its supply and starts again.

use types::{SECOND_MS, Timestamp};

use super::defect::{Defect, Glow};
use super::firmware::Trouble;
use super::report::Due;
use super::{Drive, Luminaire, NOBODY, Output};
use crate::Fault;

/// How long a controller takes to start \[ms\].
const START_MS: i64 = 2 * SECOND_MS;
/// Within this time after that each comes on the bus, at a moment of its own: a street that has its supply again does
/// not storm the broker \[ms\].
const JOIN_SPREAD_MS: i64 = 10 * SECOND_MS;

impl Luminaire {
    /// Whether its controller runs. If not, it says nothing and hears nothing.
    pub fn is_running(&self) -> bool {
        self.fed && !self.defect.is_mute()
    }

    /// Its feeder is live from now on, or is not. One that stops tells so with its last charge; one that starts keeps
    /// what is broken in it.
    pub(super) fn feed(&mut self, fed: bool, now: Timestamp, out: &mut Vec<Output>) -> Due {
        let (was_fed, was_running) = (self.fed, self.is_running());
        self.fed = fed;
        match (was_running, self.is_running()) {
            (true, false) => {
                self.last_words(now, out);
                Due::NOTHING
            }
            _ if was_fed || !fed => Due::NOTHING,
            _ if matches!(self.defect, Defect::None | Defect::Starting(_)) => {
                self.start(now);
                Due::NOTHING
            }
            (false, true) => {
                self.restart(now);
                Due::EVERYTHING
            }
            _ => Due::NOTHING,
        }
    }

    /// Breaks; what broke before is as good as repaired. One that stops tells so with its last charge.
    pub(super) fn break_by(&mut self, fault: Fault, now: Timestamp, out: &mut Vec<Output>) -> Due {
        if let Some(trouble) = Trouble::from_fault(fault) {
            self.firmware.break_by(trouble);
            return Due::NOTHING;
        }
        let (before, was_running) = (self.appearance(now), self.is_running());
        self.defect = Defect::from_fault(fault, self.drive.level(now), &self.model, now);
        if let Defect::Brownout(mv) = self.defect
            && self.supply_mv(self.operation(now).power_mw) < self.model.electrics().reset_mv
        {
            self.defect = Defect::Stopped(mv);
        }
        self.watch_heat(now);
        match (was_running, self.is_running()) {
            (true, false) => {
                self.last_words(now, out);
                Due::NOTHING
            }
            (false, true) => {
                self.restart(now);
                Due::EVERYTHING
            }
            _ => self.shown(before, now),
        }
    }

    /// Works again; one that had stopped starts.
    pub(super) fn repair(&mut self, now: Timestamp) -> Due {
        let before = self.appearance(now);
        let mut due = Due { firmware: self.firmware.repair(), ..Due::NOTHING };
        if matches!(self.defect, Defect::Starting(_)) {
            return due;
        }
        if self.defect.is_mute() {
            self.start(now);
            return due;
        }
        self.defect = Defect::None;
        due.add(self.shown(before, now));
        due
    }

    /// Does what the defect does by itself at `at`.
    pub(super) fn turn_defect(&mut self, at: Timestamp) -> Due {
        if self.defect.next_change(self.drive, at.plus_millis(-1)) != Some(at) {
            return Due::NOTHING;
        }
        match self.defect {
            Defect::Cycling(_) => {
                self.switch_count += u32::from(self.glow(at) == Glow::Follows);
                Due::BOTH
            }
            Defect::Starting(_) => {
                self.defect = Defect::None;
                Due::EVERYTHING
            }
            _ => Due::NOTHING,
        }
    }

    fn last_words(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        self.say(Due::BOTH, now, out);
        out.push(Output::Online(false));
    }

    /// Gives light at once, and comes on the bus at a moment of its own.
    fn start(&mut self, now: Timestamp) {
        let own_ms = i64::from(self.report_offset_ms) % JOIN_SPREAD_MS;
        self.restart(now);
        self.defect = Defect::Starting(now.plus_millis(START_MS + own_ms));
    }

    /// Comes on from dark, with what a controller does not forget.
    fn restart(&mut self, now: Timestamp) {
        self.epoch = self.epoch.saturating_add(1);
        self.seq = 0;
        self.presence_until = NOBODY;
        self.drive = Drive::resting(0, now);
        self.telemetry_at = self.next_regular_report(now);
    }

    /// What anyone can see of it, and whether its voltage is what it should be.
    fn appearance(&self, now: Timestamp) -> (Glow, bool) {
        (self.glow(now), matches!(self.defect, Defect::Brownout(_)))
    }

    /// What there is to tell if it does not look as it did before.
    fn shown(&self, before: (Glow, bool), now: Timestamp) -> Due {
        if self.appearance(now) == before { Due::NOTHING } else { Due::BOTH }
    }
}
