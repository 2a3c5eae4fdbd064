//! How the lamps looked during the last day of the city's clock, and what they drew.

use std::collections::VecDeque;

use types::{DAY_MS, MINUTE_MS, Timestamp};

use super::lamp::Look;

/// How far back the record goes \[ms of the city's clock\].
const KEPT_MS: i64 = DAY_MS;
/// Changes kept, 16 bytes each; with more in a day the record begins later.
const CHANGES_MAX: usize = 1_500_000;
/// The shortest time between two points of the curve: a day has at most 1,440.
const POINT_EVERY_MS: i64 = MINUTE_MS;

/// A record of the last day.
#[derive(Debug)]
pub(crate) struct Past {
    /// The first moment that can be shown; `None` before anything was noted.
    begins: Option<Timestamp>,
    /// How the lamps looked then.
    first: Vec<Look>,
    /// How they look after the last change.
    last: Vec<Look>,
    changes: VecDeque<Change>,
    points: VecDeque<Point>,
    changes_max: usize,
}

#[derive(Clone, Copy, Debug)]
struct Change {
    at: Timestamp,
    lamp: u32,
    look: Look,
}

/// What all lamps drew at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) at: Timestamp,
    /// Power of all \[W\].
    pub(crate) power_w: u64,
    /// How many gave light.
    pub(crate) lit: usize,
}

impl Past {
    pub(crate) fn new(lamps: usize) -> Self {
        Self {
            begins: None,
            first: vec![Look::default(); lamps],
            last: vec![Look::default(); lamps],
            changes: VecDeque::new(),
            points: VecDeque::new(),
            changes_max: CHANGES_MAX,
        }
    }

    /// A lamp looks like this from now on; tells whether it did not before.
    pub(crate) fn note(&mut self, at: Timestamp, lamp: usize, look: Look) -> bool {
        let Some(last) = self.last.get_mut(lamp).filter(|last| **last != look) else { return false };
        *last = look;
        self.begins.get_or_insert(at);
        // Clocks of luminaires may differ; the order in which things were heard is the order of the record.
        let at = self.changes.back().map_or(at, |newest| at.max(newest.at));
        self.changes.push_back(Change { at, lamp: lamp as u32, look });
        while self.changes.len() > self.changes_max || self.is_too_old(at) {
            self.forget_oldest();
        }
        true
    }

    /// What all lamps draw now.
    pub(crate) fn measure(&mut self, point: Point) {
        let newest = self.points.back();
        if newest.is_some_and(|newest| point.at.millis_since(newest.at) < POINT_EVERY_MS) {
            return;
        }
        self.points.push_back(point);
        while self.points.front().is_some_and(|oldest| point.at.millis_since(oldest.at) > KEPT_MS) {
            self.points.pop_front();
        }
    }

    /// The first moment that can be shown.
    pub(crate) fn begins(&self) -> Option<Timestamp> {
        self.begins
    }

    pub(crate) fn points(&self) -> impl Iterator<Item = &Point> {
        self.points.iter()
    }

    /// How the lamps looked at this moment; `None` if that is too long ago.
    pub(crate) fn looks_at(&self, moment: Timestamp) -> Option<Vec<Look>> {
        if moment < self.begins? {
            return None;
        }
        let mut looks = self.first.clone();
        let until = self.changes.partition_point(|change| change.at <= moment);
        for change in self.changes.range(..until) {
            looks[change.lamp as usize] = change.look;
        }
        Some(looks)
    }

    fn is_too_old(&self, now: Timestamp) -> bool {
        self.changes.front().is_some_and(|oldest| now.millis_since(oldest.at) > KEPT_MS)
    }

    fn forget_oldest(&mut self) {
        if let Some(Change { at, lamp, look }) = self.changes.pop_front() {
            self.first[lamp as usize] = look;
            self.begins = Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_millis(minutes * MINUTE_MS)
    }

    fn level(actual: u8) -> Look {
        Look { actual, ..Look::default() }
    }

    fn seen(past: &Past, minutes: i64) -> Option<Vec<u8>> {
        Some(past.looks_at(at(minutes))?.iter().map(|look| look.actual).collect())
    }

    #[test]
    fn before_the_record_begins_nothing_is_shown() {
        let mut past = Past::new(2);
        assert_eq!(seen(&past, 0), None);
        past.note(at(10), 0, level(40));
        assert_eq!(seen(&past, 9), None);
        assert_eq!(seen(&past, 10), Some(vec![40, 0]));
    }

    #[test]
    fn each_moment_shows_what_was_last_heard_before_it() {
        let mut past = Past::new(2);
        past.note(at(0), 0, level(100));
        past.note(at(10), 1, level(60));
        past.note(at(20), 0, level(0));
        assert_eq!(seen(&past, 9), Some(vec![100, 0]));
        assert_eq!(seen(&past, 10), Some(vec![100, 60]));
        assert_eq!(seen(&past, 9_999), Some(vec![0, 60]));
    }

    #[test]
    fn what_is_older_than_a_day_is_forgotten_but_not_what_came_of_it() {
        let mut past = Past::new(2);
        past.note(at(0), 0, level(100));
        past.note(at(100), 1, level(60));
        past.note(at(1_500), 1, level(0));
        assert_eq!(past.begins(), Some(at(0)));
        assert_eq!(seen(&past, 99), Some(vec![100, 0]), "the first change is the state at the beginning");
        past.note(at(1_541), 1, level(70));
        assert_eq!((past.begins(), seen(&past, 99)), (Some(at(100)), None));
        assert_eq!(seen(&past, 100), Some(vec![100, 60]));
    }

    #[test]
    fn a_record_that_is_full_begins_later() {
        let mut past = Past { changes_max: 3, ..Past::new(1) };
        (0..10).for_each(|minute| assert!(past.note(at(minute), 0, level(minute as u8 + 1))));
        assert!(!past.note(at(99), 0, level(10)), "nothing new");
        assert_eq!(past.changes.len(), 3);
        assert_eq!((seen(&past, 5), seen(&past, 6)), (None, Some(vec![7])));
    }

    #[test]
    fn the_curve_has_one_point_a_minute_and_one_day() {
        let mut past = Past::new(0);
        for second in 0..200_000 {
            past.measure(Point { at: Timestamp::from_millis(second * 1_000), power_w: 1, lit: 0 });
        }
        assert_eq!(past.points().count(), 1_441);
    }
}
