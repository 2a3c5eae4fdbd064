use std::num::NonZeroU64;

use types::CommandId;

/// The commands obeyed last, as hashes of their ids.
///
/// Bounded: a copy that comes after [`REMEMBERED`] other commands is taken for a new command. Senders stop resending
/// long before.
#[derive(Debug, Default)]
pub(super) struct Recent {
    hashes: [Option<NonZeroU64>; REMEMBERED],
    /// The place of the oldest.
    oldest: u8,
}

/// Commands remembered by one luminaire.
const REMEMBERED: usize = 4;

impl Recent {
    pub(super) fn contains(&self, id: &CommandId) -> bool {
        self.hashes.contains(&Some(hash(id)))
    }

    pub(super) fn insert(&mut self, id: &CommandId) {
        self.hashes[usize::from(self.oldest)] = Some(hash(id));
        self.oldest = (self.oldest + 1) % REMEMBERED as u8;
    }
}

/// FNV-1a, with the lowest bit set to keep 0 free for "none".
fn hash(id: &CommandId) -> NonZeroU64 {
    let hash = id.as_str().bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    NonZeroU64::MIN | hash
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
