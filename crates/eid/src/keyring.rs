//! The issuer's keys through their lives: next, active, retired, compromised.

use std::fmt;

use types::{DAY_MS, Timestamp};

use crate::keys::{KEYS_MAX, KeyId, derive, key_id, root_secret, to_hex};
use crate::signature::{Algorithm, SecretKey};
use crate::{Ended, KeySet, KeyState, PublicKey, RootKey};

/// How long a key signs \[ms\].
pub const KEY_ACTIVE_MS: i64 = 30 * DAY_MS;
/// How long a key is published before it signs \[ms\], so that verifiers without a network know it by then.
pub const KEY_NOTICE_MS: i64 = DAY_MS;

/// Why the keys stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RotateRefused {
    /// Verifiers may not know it yet.
    #[error("next key has been published for less than 24 hours")]
    TooEarly,
    /// No key has that id.
    #[error("no key has this id")]
    UnknownKey,
}

/// All keys of one issuer, made from one seed. `Debug` shows no secret.
pub(crate) struct KeyRing {
    seed: [u8; 32],
    algorithm: Algorithm,
    root: SecretKey,
    keys: Vec<Key>,
    /// How many keys there have been.
    made: u32,
    version: u32,
    /// When the active key began to sign, and the next one was published; `None` before the first publication.
    since: Option<Timestamp>,
}

#[derive(Debug)]
struct Key {
    secret: SecretKey,
    id: KeyId,
    state: KeyState,
    /// When the last thing it signed ends.
    last: Timestamp,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("keys", &self.keys)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl KeyRing {
    pub(crate) fn new(seed: [u8; 32], algorithm: Algorithm) -> Self {
        let root = root_secret(seed);
        let mut ring = Self { seed, algorithm, root, keys: Vec::new(), made: 0, version: 0, since: None };
        ring.make(KeyState::Active);
        ring.make(KeyState::Next);
        ring
    }

    pub(crate) fn root(&self) -> RootKey {
        RootKey::of_issuer(self.seed)
    }

    /// The key that signs now; `until` – when what it signs ends.
    pub(crate) fn sign_with(&mut self, until: Timestamp) -> (&SecretKey, KeyId) {
        let key = self.keys.iter_mut().find(|key| key.state == KeyState::Active);
        let key = key.expect("one key is active at any time");
        key.last = key.last.max(until);
        (&key.secret, key.id)
    }

    /// When the next key should take over.
    pub(crate) fn rotates_at(&self) -> Option<Timestamp> {
        self.since.map(|since| since.plus_millis(KEY_ACTIVE_MS))
    }

    /// The next key signs from now on; the active one retires.
    pub(crate) fn rotate(&mut self, now: Timestamp) -> Result<(), RotateRefused> {
        if self.since.is_none_or(|since| now.millis_since(since) < KEY_NOTICE_MS) {
            return Err(RotateRefused::TooEarly);
        }
        self.succeed(now, KeyState::Retired);
        Ok(())
    }

    /// This key is in the wrong hands. If it was the active one, the next one takes over at once, notice or not.
    pub(crate) fn compromise(&mut self, now: Timestamp, kid: &str) -> Result<(), RotateRefused> {
        let key = self.keys.iter_mut().find(|key| to_hex(&key.id) == kid).ok_or(RotateRefused::UnknownKey)?;
        match key.state {
            KeyState::Active => self.succeed(now, KeyState::Compromised),
            KeyState::Next => {
                key.state = KeyState::Compromised;
                self.make(KeyState::Next);
            }
            KeyState::Retired | KeyState::Compromised => key.state = KeyState::Compromised,
        }
        Ok(())
    }

    /// What is published now, in a version that no earlier set had: after a restart too, since time went on.
    pub(crate) fn publish(&mut self, now: Timestamp, status: Option<String>, ended: Vec<Ended>) -> KeySet {
        self.since.get_or_insert(now);
        let seconds = u32::try_from(now.as_millis().div_euclid(1_000)).unwrap_or(0);
        self.version = seconds.max(self.version + 1);
        let publish = |key: &Key| {
            let until = (key.state == KeyState::Retired).then_some(key.last);
            PublicKey::publish(&key.secret.public(), key.state, until)
        };
        let keys = self.keys.iter().map(publish).collect();
        let (version, signature) = (self.version, String::new());
        let mut set = KeySet { version, issued: now, keys, status, ended, signature };
        set.sign(&self.root);
        set
    }

    fn succeed(&mut self, now: Timestamp, ended: KeyState) {
        for key in &mut self.keys {
            if key.state == KeyState::Active {
                key.last = key.last.max(now);
            }
            key.state = match key.state {
                KeyState::Active => ended,
                KeyState::Next => KeyState::Active,
                state => state,
            };
        }
        self.since = Some(now);
        self.make(KeyState::Next);
        self.forget(now);
    }

    /// Keys whose last credential has ended go first; never the compromised ones while there is room.
    fn forget(&mut self, now: Timestamp) {
        self.keys.retain(|key| key.state != KeyState::Retired || key.last.plus_millis(KEY_ACTIVE_MS) > now);
        while self.keys.len() > KEYS_MAX {
            let oldest = self.keys.iter().position(|key| key.state == KeyState::Retired);
            self.keys.remove(oldest.unwrap_or(0));
        }
    }

    fn make(&mut self, state: KeyState) {
        // The first key is the seed itself, as it was before keys had lives.
        let seed = if self.made == 0 { self.seed } else { derive(self.seed, "issuer key", self.made) };
        self.made += 1;
        let secret = SecretKey::from_seed(self.algorithm, seed);
        let id = key_id(&secret.public());
        self.keys.push(Key { secret, id, state, last: Timestamp::from_millis(i64::MIN) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::now;

    fn ring() -> KeyRing {
        let mut ring = KeyRing::new([42; 32], Algorithm::EdDsa);
        ring.publish(now(), None, vec![]);
        ring
    }

    fn states(ring: &mut KeyRing) -> Vec<KeyState> {
        ring.publish(now(), None, vec![]).keys.iter().map(|key| key.state).collect()
    }

    fn active(ring: &mut KeyRing) -> String {
        to_hex(&ring.sign_with(now()).1)
    }

    #[test]
    fn a_key_that_was_just_published_does_not_sign_yet() {
        let mut ring = ring();
        let almost = now().plus_millis(KEY_NOTICE_MS - 1);
        assert_eq!(ring.rotate(almost), Err(RotateRefused::TooEarly));
        assert_eq!(KeyRing::new([1; 32], Algorithm::EdDsa).rotate(now()), Err(RotateRefused::TooEarly));
        assert_eq!(ring.rotate(now().plus_millis(KEY_NOTICE_MS)), Ok(()));
        assert_eq!(states(&mut ring), [KeyState::Retired, KeyState::Active, KeyState::Next]);
    }

    #[test]
    fn a_key_nobody_has_cannot_be_compromised() {
        assert_eq!(ring().compromise(now(), "00"), Err(RotateRefused::UnknownKey));
    }

    #[test]
    fn a_compromised_active_key_is_replaced_at_once_and_stays_compromised() {
        let mut ring = ring();
        let kid = active(&mut ring);
        ring.compromise(now(), &kid).unwrap();
        assert_ne!(active(&mut ring), kid);
        ring.compromise(now(), &kid).unwrap();
        ring.rotate(now().plus_millis(KEY_NOTICE_MS)).unwrap();
        let expected = [KeyState::Compromised, KeyState::Retired, KeyState::Active, KeyState::Next];
        assert_eq!(states(&mut ring), expected);
    }

    #[test]
    fn a_compromised_next_key_is_replaced_and_never_signs() {
        let mut ring = ring();
        let next = ring.publish(now(), None, vec![]).keys[1].kid.clone();
        ring.compromise(now(), &next).unwrap();
        ring.rotate(now().plus_millis(KEY_NOTICE_MS)).unwrap();
        assert_ne!(active(&mut ring), next);
        assert!(states(&mut ring).contains(&KeyState::Compromised));
    }

    #[test]
    fn a_retired_key_verifies_until_the_longest_thing_it_signed_ends() {
        let mut ring = ring();
        ring.sign_with(now().plus_millis(2 * KEY_NOTICE_MS));
        ring.sign_with(now().plus_millis(5_000));
        ring.rotate(now().plus_millis(KEY_NOTICE_MS)).unwrap();
        let until = ring.publish(now(), None, vec![]).keys[0].until;
        assert_eq!(until, Some(now().plus_millis(2 * KEY_NOTICE_MS)));
    }

    #[test]
    fn versions_grow_with_every_publication_and_over_a_restart() {
        let mut ring = ring();
        let first = ring.publish(now(), None, vec![]).version;
        assert!(ring.publish(now(), None, vec![]).version > first);
        let mut restarted = KeyRing::new([42; 32], Algorithm::EdDsa);
        assert!(restarted.publish(now().plus_millis(60_000), None, vec![]).version > first + 1);
    }

    #[test]
    fn never_more_keys_than_a_verifier_takes() {
        let mut ring = ring();
        for _ in 0..2 * KEYS_MAX {
            let kid = active(&mut ring);
            ring.compromise(now(), &kid).unwrap();
            assert!(ring.publish(now(), None, vec![]).keys.len() <= KEYS_MAX);
        }
    }
}
