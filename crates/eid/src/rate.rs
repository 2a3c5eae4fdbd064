//! Who tried and failed too often lately.

use std::collections::BTreeMap;

use types::{MINUTE_MS, Timestamp};

/// How long failures count \[ms\].
pub(crate) const WINDOW_MS: i64 = MINUTE_MS;

/// Failed tries by key, within a window that begins with the first of them. Bounded: when there are too many keys, the
/// one whose window began first is forgotten.
///
/// Only failures count, so nobody is ever held up by being used a lot.
#[derive(Debug)]
pub(crate) struct Failures<K> {
    keys_max: usize,
    counts: BTreeMap<K, Count>,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    began: Timestamp,
    failures: u32,
}

impl Count {
    fn ends(self) -> Timestamp {
        self.began.plus_millis(WINDOW_MS)
    }
}

impl<K: Ord + Clone> Failures<K> {
    pub(crate) fn new(keys_max: usize) -> Self {
        Self { keys_max, counts: BTreeMap::new() }
    }

    /// When this key may try again, if it has failed that often in the present window.
    pub(crate) fn blocked_until(&self, now: Timestamp, key: &K, failures_max: u32) -> Option<Timestamp> {
        let count = self.counts.get(key)?;
        (count.failures >= failures_max && now < count.ends()).then(|| count.ends())
    }

    /// One more failure.
    pub(crate) fn note(&mut self, now: Timestamp, key: K) {
        match self.counts.get_mut(&key) {
            Some(count) if now < count.ends() => count.failures = count.failures.saturating_add(1),
            _ => {
                if self.counts.len() >= self.keys_max {
                    self.make_room(now);
                }
                self.counts.insert(key, Count { began: now, failures: 1 });
            }
        }
    }

    fn make_room(&mut self, now: Timestamp) {
        self.counts.retain(|_, count| now < count.ends());
        if self.counts.len() >= self.keys_max {
            let oldest = self.counts.iter().min_by_key(|(_, count)| count.began).map(|(key, _)| key.clone());
            oldest.and_then(|key| self.counts.remove(&key));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn who_fails_too_often_waits_for_the_window_to_end() {
        let mut failures = Failures::new(9);
        failures.note(at(0), 'a');
        assert_eq!(failures.blocked_until(at(0), &'a', 2), None);
        failures.note(at(10), 'a');
        assert_eq!(failures.blocked_until(at(10), &'a', 2), Some(at(WINDOW_MS)));
        assert_eq!(failures.blocked_until(at(10), &'b', 2), None);
        assert_eq!(failures.blocked_until(at(WINDOW_MS), &'a', 2), None);
        failures.note(at(WINDOW_MS), 'a');
        assert_eq!(failures.blocked_until(at(WINDOW_MS), &'a', 2), None, "counted anew");
    }

    #[test]
    fn never_more_keys_than_allowed_are_kept() {
        let mut failures = Failures::new(3);
        for key in 0..100 {
            failures.note(at(key), key);
        }
        assert_eq!(failures.counts.keys().copied().collect::<Vec<_>>(), [97, 98, 99]);
    }
}
