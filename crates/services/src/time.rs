//! The two clocks of a running city.
//!
//! The *city's* clock moves the sun, the luminaires and the people in the streets, at any speed. e-ID and payment deal
//! with people's phones and tills: they keep to the *wall's* clock, and so do all codes and their expiry.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use types::Timestamp;
use wire::{ClockState, RoleName};

/// What the wall's clock shows.
pub fn wall_now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
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
