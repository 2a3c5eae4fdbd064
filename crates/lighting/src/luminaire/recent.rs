use std::num::NonZeroU64;

use types::{CommandId, fnv1a};

/// The commands obeyed last, as hashes of their ids.
///
/// Bounded: a copy that comes after [`REMEMBERED`] other commands is taken for a new command. Senders stop resending
/// long before.
///
/// Takes memory from the first command on only: most luminaires keep to their programme and never get one.
#[derive(Debug, Default)]
pub(crate) struct Recent(Option<Box<Ring>>);

#[derive(Debug, Default)]
struct Ring {
    hashes: [Option<NonZeroU64>; REMEMBERED],
    /// The place of the oldest.
    oldest: u8,
}

/// Commands remembered by one luminaire.
const REMEMBERED: usize = 4;

impl Recent {
    pub(crate) fn contains(&self, id: &CommandId) -> bool {
        self.0.as_ref().is_some_and(|ring| ring.hashes.contains(&Some(hash(id))))
    }

    pub(crate) fn insert(&mut self, id: &CommandId) {
        let ring = self.0.get_or_insert_default();
        ring.hashes[usize::from(ring.oldest)] = Some(hash(id));
        ring.oldest = (ring.oldest + 1) % REMEMBERED as u8;
    }
}

/// FNV-1a, with the lowest bit set to keep 0 free for "none".
fn hash(id: &CommandId) -> NonZeroU64 {
    NonZeroU64::MIN | fnv1a(id.as_str().bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_command_is_forgotten_first() {
        let ids: Vec<CommandId> = (0..=REMEMBERED).map(|n| format!("command-{n}").parse().unwrap()).collect();
        let mut recent = Recent::default();
        for id in &ids {
            assert!(!recent.contains(id));
            recent.insert(id);
        }
        assert!(!recent.contains(&ids[0]));
        assert!(ids[1..].iter().all(|id| recent.contains(id)));
    }
}
