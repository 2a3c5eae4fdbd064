//! What happens to a city, and when: all of it from the seed.

use std::fmt;
use std::time::Duration;

use services::proxy::Weather;
use types::{Seed, Stream};
use wire::RoleName;

/// The least and the most between two blows \[% of the mean\].
const SPREAD_PERCENT: (u64, u64) = (20, 180);
/// How long what was killed lies there \[ms\].
const DOWN_MS: (u64, u64) = (0, 1_000);
/// How long what was stopped stands still \[ms\]. Less than a process waits for the journal's file, which one that
/// stands still may hold.
const STILL_MS: (u64, u64) = (200, 3_000);
/// How long the weather is bad \[ms\].
const STORM_MS: (u64, u64) = (500, 4_000);
/// A role is struck so many times as often as the broker.
const ROLES_PER_BROKER: u64 = 3;
/// How long a slow network takes for each step \[ms\].
const SLOW_MS: (u64, u64) = (20, 150);
/// Of a hundred blows: kills, then stops; the rest asks to end.
const SHARES: (u64, u64) = (60, 25);
/// Of a hundred blows on a bad network, those to the network.
const STORMS: u64 = 25;

/// One process of the city.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// The broker.
    Broker,
    /// A role.
    Role(RoleName),
}

impl Part {
    /// All that there are.
    pub(crate) const ALL: [Self; 8] = [
        Self::Broker,
        Self::Role(RoleName::Clock),
        Self::Role(RoleName::Lighting),
        Self::Role(RoleName::Fleet),
        Self::Role(RoleName::Issuer),
        Self::Role(RoleName::Verifier),
        Self::Role(RoleName::Payer),
        Self::Role(RoleName::Clinic),
    ];
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Broker => "broker",
            Self::Role(role) => role.as_str(),
        })
    }
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// `kill -9`.
    Kill(Part),
    /// SIGSTOP.
    Stop(Part),
    /// SIGTERM.
    Terminate(Part),
    /// The network between the broker and all others changes.
    Storm(Weather),
}

/// Something that is done to the city, and undone later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Blow {
    /// From the beginning.
    pub(super) at: Duration,
    /// What.
    pub(super) deed: Deed,
    /// From `at`.
    pub(super) mended_after: Duration,
}

/// One blow after the other, without end.
#[derive(Debug)]
pub(super) struct Blows {
    chance: Stream,
    at: Duration,
    every: Duration,
    storms: bool,
}

impl Blows {
    /// Those of `seed`, one `every` so often in the mean; `storms` – whether the network is struck too.
    pub(super) fn new(seed: Seed, every: Duration, storms: bool) -> Self {
        Self { chance: seed.stream("blows", 0), at: Duration::ZERO, every, storms }
    }

    fn millis(&mut self, (least, most): (u64, u64)) -> Duration {
        Duration::from_millis(least + self.chance.below(most - least + 1))
    }

    /// Each role as often as any other, and the broker less often: while it is away, nothing else can be at fault.
    fn part(&mut self) -> Part {
        let roles = (Part::ALL.len() - 1) as u64;
        let place = self.chance.below(ROLES_PER_BROKER * roles + 1);
        Part::ALL[place.div_ceil(ROLES_PER_BROKER) as usize]
    }

    fn storm(&mut self) -> Deed {
        let (kind, step, permille) =
            (self.chance.below(4), self.millis(SLOW_MS), self.chance.below(150) as u16);
        Deed::Storm(match kind {
            0 => Weather::Slow(step),
            1 => Weather::Lossy(20 + permille),
            2 => Weather::HalfOpen,
            _ => Weather::Cut,
        })
    }
}

impl Iterator for Blows {
    type Item = Blow;

    fn next(&mut self) -> Option<Blow> {
        let percent = SPREAD_PERCENT.0 + self.chance.below(SPREAD_PERCENT.1 - SPREAD_PERCENT.0 + 1);
        let at = self.at + self.every * percent as u32 / 100;
        self.at = at;
        if self.storms && self.chance.below(100) < STORMS {
            let (deed, mended_after) = (self.storm(), self.millis(STORM_MS));
            return Some(Blow { at, deed, mended_after });
        }
        let part = self.part();
        let (deed, how_long) = match self.chance.below(100) {
            percent if percent < SHARES.0 => (Deed::Kill(part), DOWN_MS),
            percent if percent < SHARES.0 + SHARES.1 => (Deed::Stop(part), STILL_MS),
            _ => (Deed::Terminate(part), DOWN_MS),
        };
        Some(Blow { at, deed, mended_after: self.millis(how_long) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(1);

    #[test]
    fn the_same_seed_strikes_the_same_blows() {
        let blows = |seed| Blows::new(Seed(seed), EVERY, true).take(300).collect::<Vec<_>>();
        assert_eq!(blows(7), blows(7));
        assert_ne!(blows(7), blows(8));
    }

    #[test]
    fn every_part_is_struck_in_every_way_and_the_network_only_if_asked() {
        let all: Vec<Deed> = Blows::new(Seed(7), EVERY, true).take(600).map(|blow| blow.deed).collect();
        for part in Part::ALL {
            for deed in [Deed::Kill(part), Deed::Stop(part), Deed::Terminate(part)] {
                assert!(all.contains(&deed), "{deed:?}");
            }
        }
        assert!(all.contains(&Deed::Storm(Weather::Cut)) && all.contains(&Deed::Storm(Weather::HalfOpen)));
        assert!(Blows::new(Seed(7), EVERY, false).take(600).all(|blow| !matches!(blow.deed, Deed::Storm(_))));
    }
}
