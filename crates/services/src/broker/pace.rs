//! How often one device may speak.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use types::{SECOND_MS, Timestamp};

use crate::access::Principal;

/// Messages of one device in one second; more are dropped, and counted. Above the 60 of a faulty luminaire in a city at
/// 3600 times the speed of life.
const MESSAGES_MAX: u32 = 100;

/// Counts the messages of each luminaire, cabinet and device of the register, second by second. As many entries as there
/// are devices in the city, at most: no one else comes in under their names.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<BTreeMap<Principal, (i64, u32)>>);

impl Pace {
    /// Whether `who` may speak once more at `now`. Services and people always may.
    pub(super) fn allows(&self, who: Principal, now: Timestamp) -> bool {
        if !matches!(who, Principal::Device(_) | Principal::Cabinet(_) | Principal::Outside(_)) {
            return true;
        }
        let second = now.as_millis().div_euclid(SECOND_MS);
        let mut devices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, count) = devices.entry(who).or_insert((second, 0));
        if *since != second {
            (*since, *count) = (second, 0);
        }
        *count += 1;
        if *count == MESSAGES_MAX + 1 {
            tracing::warn!(
                ?who,
                "a device says more than {MESSAGES_MAX} messages in a second: the rest is dropped"
            );
        }
        *count <= MESSAGES_MAX
    }
}

#[cfg(test)]
mod tests {
    use types::LuminaireId;
    use wire::RoleName;

    use super::*;

    #[test]
    fn a_flood_of_one_device_is_cut_off_each_second_and_no_other_one() {
        let pace = Pace::default();
        let at = Timestamp::from_millis;
        let heard = |who, ms| (0..200).filter(|_| pace.allows(who, at(ms))).count();
        let (flood, other) = (Principal::Device(LuminaireId(1)), Principal::Device(LuminaireId(2)));
        assert_eq!(heard(flood, 0), 100);
        assert_eq!(heard(flood, 999), 0);
        assert_eq!(heard(other, 999), 100);
        assert_eq!(heard(Principal::Outside(1), 999), 100);
        assert_eq!(heard(flood, 1_000), 100);
    }

    #[test]
    fn a_service_may_say_as_much_as_it_likes() {
        let pace = Pace::default();
        let cms = Principal::Service(RoleName::Lighting);
        assert!((0..200).all(|_| pace.allows(cms, Timestamp::default())));
    }
}
