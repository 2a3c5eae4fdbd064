//! The two clocks of a running city.
//!
//! The *city's* clock moves the sun, the luminaires and the people in the streets, at any speed. e-ID and payment deal
//! with people's phones and tills: they keep to the *wall's* clock, and so do all codes and their expiry.

//!
//! The wall's clock may be set back, by its owner or by NTP; a core's time may not. So what is shown here never goes back:
//! after such a step it goes on at half its speed until the wall's clock has come up to it. Codes and timeouts then last
//! up to twice as long, but they end.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use types::Timestamp;
use wire::{ClockState, RoleName};

/// What this process has shown last.
static SHOWN: Mutex<Option<Steady>> = Mutex::new(None);

/// What the wall's clock shows, but never less than it showed before in this process.
pub fn wall_now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let wall = Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX));
    show(wall)
}

/// From now on the wall's clock shows no less than `seen` in this process: somebody has seen that already.
pub(crate) fn not_before(seen: Timestamp) {
    show(seen);
}

fn show(wall: Timestamp) -> Timestamp {
    let mut shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let steady = Steady::after(*shown, wall, Instant::now());
    *shown = Some(steady);
    steady.shown
}

/// A clock that does not go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Steady {
    shown: Timestamp,
    /// When `shown` became due: half of what passes since then is added, until the wall's clock shows more.
    since: Instant,
}

impl Steady {
    fn after(before: Option<Self>, wall: Timestamp, now: Instant) -> Self {
        match before {
            Some(before) if before.shown > wall => {
                let half_ms = now.saturating_duration_since(before.since).as_millis() / 2;
                let half_ms = u64::try_from(half_ms).unwrap_or(u64::MAX);
                // By whole milliseconds, so that looking often loses nothing.
                let since = before.since + Duration::from_millis(half_ms.saturating_mul(2));
                Self { shown: before.shown.plus_millis(half_ms.cast_signed()), since }
            }
            _ => Self { shown: wall, since: now },
        }
    }
}

/// The clock a role lives by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RoleClock {
    /// The wall's.
    Wall,
    /// The city's; unknown until the bus tells it.
    City(Option<ClockState>),
}

/// The longest sleep: a clock that was changed meanwhile is noticed by its message, not by this.
const SLEEP_MAX: Duration = Duration::from_secs(3_600);

impl RoleClock {
    /// The clock of this role.
    pub(crate) fn of(role: RoleName) -> Self {
        match role {
            RoleName::Lighting | RoleName::Fleet | RoleName::Residents | RoleName::Scenario => {
                Self::City(None)
            }
            _ => Self::Wall,
        }
    }

    /// What it shows, if that is known.
    pub(crate) fn now(&self) -> Option<Timestamp> {
        match self {
            Self::Wall => Some(wall_now()),
            Self::City(state) => state.map(|state| state.city_at(wall_now())),
        }
    }

    /// The bus tells how the city's clock runs.
    pub(crate) fn follow(&mut self, state: ClockState) {
        if let Self::City(known) = self {
            *known = Some(state);
        }
    }

    /// How long to sleep until it shows `at`.
    pub(crate) fn sleep_until(&self, at: Option<Timestamp>) -> Duration {
        let wait_ms = at.and_then(|at| match self {
            Self::Wall => Some(at.millis_since(wall_now())),
            Self::City(state) => state.as_ref()?.wall_ms_until(at, wall_now()),
        });
        wait_ms.map_or(SLEEP_MAX, |ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0)).min(SLEEP_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    /// What is shown when the wall's clock shows these, a second apart.
    fn shown(walls: &[i64]) -> Vec<i64> {
        let (began, mut steady) = (Instant::now(), None);
        let seconds = walls.iter().zip(0_u64..);
        let show = |(wall, second): (&i64, u64)| {
            let after = Steady::after(steady, at(*wall), began + Duration::from_secs(second));
            steady = Some(after);
            after.shown.as_millis()
        };
        seconds.map(show).collect()
    }

    #[test]
    fn a_clock_that_is_set_back_goes_on_at_half_speed_until_it_is_caught_up() {
        let walls = [10_000, 11_000, 9_000, 10_000, 11_000, 12_000, 13_000, 14_000];
        assert_eq!(shown(&walls), [10_000, 11_000, 11_500, 12_000, 12_500, 13_000, 13_000, 14_000]);
    }

    #[test]
    fn a_clock_that_is_set_forward_is_followed_at_once_and_back_again_it_is_not() {
        assert_eq!(shown(&[1_000, 3_601_000, 3_000]), [1_000, 3_601_000, 3_601_500]);
    }

    #[test]
    fn to_look_often_does_not_stop_a_clock_that_was_set_back() {
        let began = Instant::now();
        let mut steady = Steady { shown: at(5_000), since: began };
        for micros in 1..=4_000_u64 {
            steady = Steady::after(Some(steady), at(0), began + Duration::from_micros(micros * 500));
        }
        assert_eq!(steady.shown, at(6_000));
    }

    #[test]
    fn what_was_seen_once_is_not_shown_as_future_again() {
        let ahead = wall_now().plus_millis(50);
        not_before(ahead);
        assert!(wall_now() >= ahead);
    }
}
