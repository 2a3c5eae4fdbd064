//! What the bus says of a luminaire by how messages come, whatever is in them.

use types::{SECOND_MS, Timestamp};

use super::is_newer;
use crate::Stamp;

/// Reports are counted over so long \[ms of the wall's clock\].
const WINDOW_MS: i64 = 10 * SECOND_MS;
/// Reports in this time that nobody minds, if the city's clock runs as the wall's.
const REPORTS_MAX: u32 = 100;
/// What a luminaire in trouble says more of them for each further second of the city's clock in one of the wall's: one
/// report in 10 s and what comes with it.
const REPORTS_PER_PACE: u32 = 3;
/// Points for each turn from newer to older reports …
const TURN_POINTS: u8 = 2;
/// … and so many mean that two devices have one name. Each newer report after another takes one point back.
const POINTS_MAX: u8 = 6;

/// Counts the reports of one luminaire. There is one for each, so it is kept small.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    /// The number of the window, as far as it fits.
    window: u16,
    reports: u16,
    points: u8,
    /// Whether the last report was older than what was known, and yet written later.
    behind: bool,
}

/// A stretch of time in which reports are counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    number: u16,
    reports_max: u16,
}

impl Window {
    /// The one of `now`, with so many seconds of the city's clock in one of the wall's.
    pub(super) fn at(now: Timestamp, pace: u32) -> Self {
        let pace = pace.max(1);
        let number = now.as_millis() / (WINDOW_MS * i64::from(pace));
        let reports_max = REPORTS_MAX.saturating_add(REPORTS_PER_PACE.saturating_mul(pace - 1));
        Self { number: number as u16, reports_max: u16::try_from(reports_max).unwrap_or(u16::MAX - 1) }
    }
}

impl Traffic {
    /// Takes it for flooding until a quiet window says otherwise.
    pub(super) fn assume_flood(&mut self, window: Window) {
        (self.window, self.reports) = (window.number, u16::MAX);
    }

    /// Takes it for two devices until newer reports one after the other say otherwise.
    pub(super) fn assume_two(&mut self) {
        self.points = POINTS_MAX;
    }

    /// One report more. Whether it floods the bus; `None` while this window says nothing yet and the one before was full.
    pub(super) fn count(&mut self, window: Window) -> Option<bool> {
        if self.window == window.number {
            self.reports = self.reports.saturating_add(1);
            return (self.reports > window.reports_max).then_some(true);
        }
        let follows = self.window.wrapping_add(1) == window.number;
        let was_full = follows && self.reports > window.reports_max;
        (self.window, self.reports) = (window.number, 1);
        (!was_full).then_some(false)
    }

    /// A report with this stamp, where `known` was the newest. Whether two devices have one name; `None` if that is not to
    /// be told.
    ///
    /// A late copy of a message was written before what came in its place. Only another device says less of its count at
    /// a later time; one that lost its count does too, but never in turn with newer reports.
    pub(super) fn compare(&mut self, stamp: Stamp, known: Stamp) -> Option<bool> {
        if is_newer(stamp, known) {
            let in_row = !std::mem::take(&mut self.behind);
            self.points = self.points.saturating_sub(u8::from(in_row));
        } else if stamp.ts > known.ts && !std::mem::replace(&mut self.behind, true) {
            self.points = (self.points + TURN_POINTS).min(POINTS_MAX);
        }
        match self.points {
            POINTS_MAX => Some(true),
            0 => Some(false),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(second: i64, pace: u32) -> Window {
        Window::at(Timestamp::from_millis(second * SECOND_MS), pace)
    }

    /// What the last of so many reports in one window says.
    fn last_of(traffic: &mut Traffic, reports: usize, window: Window) -> Option<bool> {
        (0..reports).map(|_| traffic.count(window)).last().flatten()
    }

    fn stamp(epoch: u32, seq: u32, second: i64) -> Stamp {
        Stamp { epoch, seq, ts: Timestamp::from_millis(second * SECOND_MS) }
    }

    /// What a row of reports says after each; the newest is what counts as known.
    fn compared(stamps: impl IntoIterator<Item = Stamp>) -> (Traffic, Vec<Option<bool>>) {
        let (mut traffic, mut known, mut said) = (Traffic::default(), stamp(0, 0, 0), Vec::new());
        for stamp in stamps {
            said.push(traffic.compare(stamp, known));
            known = if is_newer(stamp, known) { stamp } else { known };
        }
        (traffic, said)
    }

    #[test]
    fn a_hundred_reports_in_ten_seconds_are_no_flood_and_one_more_is() {
        let mut traffic = Traffic::default();
        assert_ne!(last_of(&mut traffic, 100, window(20, 1)), Some(true));
        assert_eq!(traffic.count(window(29, 1)), Some(true));
    }

    #[test]
    fn a_flood_ends_with_the_first_report_after_a_quiet_window() {
        let mut traffic = Traffic::default();
        last_of(&mut traffic, 101, window(20, 1));
        assert_eq!(last_of(&mut traffic, 50, window(30, 1)), None, "the window before was full");
        assert_eq!(traffic.count(window(40, 1)), Some(false));
        last_of(&mut traffic, 101, window(50, 1));
        assert_eq!(traffic.count(window(900, 1)), Some(false), "nothing was heard for long");
    }

    #[test]
    fn where_the_city_runs_faster_a_window_is_longer_and_holds_what_trouble_makes_of_it() {
        let mut traffic = Traffic::default();
        // A minute of the city's clock each second: a report in 10 s of the city's clock are 60 in 10 s of the wall's.
        assert_ne!(last_of(&mut traffic, 60, window(600, 60)), Some(true));
        assert_eq!(last_of(&mut traffic, 1_000, window(1_199, 60)), Some(true));
    }

    #[test]
    fn late_copies_however_many_are_not_another_device() {
        let row = (2..200).flat_map(|n| [stamp(1, n, n.into()), stamp(1, n - 1, i64::from(n) - 1)]);
        assert!(compared(row).1.iter().all(|said| *said == Some(false)));
    }

    #[test]
    fn a_device_that_lost_its_count_is_not_two() {
        let row = (1..100).map(|n| stamp(1, n, n.into()));
        let (_, said) = compared(std::iter::once(stamp(9, 1, 0)).chain(row));
        assert!(said.iter().all(|said| *said != Some(true)), "{said:?}");
    }

    #[test]
    fn two_devices_in_turns_are_known_by_the_third_turn_and_forgotten_when_one_is_left() {
        let turns = |n: u32| [stamp(1, 50 + n, i64::from(2 * n)), stamp(1, n, i64::from(2 * n + 1))];
        let (mut traffic, said) = compared((1..4).flat_map(turns));
        assert_eq!(said, [Some(false), None, None, None, None, Some(true)]);
        let alone: Vec<_> =
            (54..61).map(|seq| traffic.compare(stamp(1, seq, 100), stamp(1, seq - 1, 99))).collect();
        assert_eq!(alone, [Some(true), None, None, None, None, None, Some(false)]);
    }
}
