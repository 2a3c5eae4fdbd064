use serde::{Deserialize, Serialize};

use crate::fnv1a;

/// Where all chance in one run of the city comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// The random numbers of one entity for one purpose.
    ///
    /// Streams do not disturb each other: one more luminaire changes no other luminaire's night.
    pub fn stream(self, purpose: &str, entity: u64) -> Stream {
        let purpose = fnv1a(purpose.bytes());
        Stream { state: mix(self.0 ^ mix(purpose ^ mix(entity))) }
    }
}

/// A stream of random numbers (splitmix64). For physics, faults and ids; not for secrets of a real system.
#[derive(Clone, Debug)]
pub struct Stream {
    state: u64,
}

impl Stream {
    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// A whole number in `0..bound`.
    ///
    /// # Panics
    ///
    /// If `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "a choice among nothing");
        // Multiply-shift: the bias is below 2^-32 for every bound this city uses.
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// A number in `0.0..1.0`.
    pub fn fraction(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next_u64().to_le_bytes()[..chunk.len()]);
        }
        bytes
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_two_entities_or_purposes_differ() {
        let seed = Seed(7);
        let first = seed.stream("fault", 1).next_u64();
        assert_ne!(first, seed.stream("fault", 2).next_u64());
        assert_ne!(first, seed.stream("clock", 1).next_u64());
        assert_ne!(first, Seed(8).stream("fault", 1).next_u64());
        assert_eq!(first, seed.stream("fault", 1).next_u64());
    }

    #[test]
    fn below_stays_below_and_reaches_every_value() {
        let mut stream = Seed(1).stream("dice", 0);
        let mut seen = [0; 6];
        for _ in 0..600 {
            seen[stream.below(6) as usize] += 1;
        }
        assert!(seen.iter().all(|&count| count > 60), "{seen:?}");
    }
}
