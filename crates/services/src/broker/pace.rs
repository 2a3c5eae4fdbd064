//! How often one device may speak.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use types::{SECOND_MS, Timestamp};

/// Messages of one device in one second; more are dropped, and counted as refused.
const MESSAGES_MAX: u32 = 50;

/// Counts the messages of each device of the register, second by second.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<BTreeMap<usize, (i64, u32)>>);

impl Pace {
    /// Whether the device at this place may speak once more at `now`.
    pub(super) fn allows(&self, place: usize, now: Timestamp) -> bool {
        let second = now.as_millis().div_euclid(SECOND_MS);
        let mut devices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, count) = devices.entry(place).or_insert((second, 0));
        if *since != second {
            (*since, *count) = (second, 0);
        }
        *count += 1;
        if *count == MESSAGES_MAX + 1 {
            tracing::warn!(
                place,
                "a device says more than {MESSAGES_MAX} messages in a second: the rest is dropped"
            );
        }
        *count <= MESSAGES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_device_is_cut_off_each_second_and_no_other_one() {
        let pace = Pace::default();
        let at = Timestamp::from_millis;
        let heard = |place, ms| (0..200).filter(|_| pace.allows(place, at(ms))).count();
        assert_eq!(heard(0, 0), 50);
        assert_eq!(heard(0, 999), 0);
        assert_eq!(heard(1, 999), 50);
        assert_eq!(heard(0, 1_000), 50);
    }
}
