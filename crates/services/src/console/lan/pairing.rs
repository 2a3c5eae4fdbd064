//! PINs, wrong tries, and the devices that showed the right one.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};
use tokio::sync::watch;
use types::{MINUTE_MS, SECOND_MS, Timestamp};
use uuid::Uuid;

use crate::http::network_of;
use crate::metrics::metrics;

/// How long a device is known \[s\]: a day on a stand.
pub(super) const SESSION_S: i64 = 12 * 3_600;
/// Devices known at once; beyond it the one whose session ends first is forgotten.
const DEVICES_MAX: usize = 64;
/// Digits of a PIN.
const DIGITS: usize = 8;
/// Wrong tries of one client before it is locked, each time anew.
const TRIES: u32 = 5;
/// The first lock \[s\]; each is twice as long as the one before, up to the last.
const LOCK_S: (u32, u32) = (30, 3_600);
/// Wrong tries of all clients in one minute, after which nobody is heard for the rest of it: whoever has many addresses
/// finds one PIN in 10⁸ no sooner.
const TRIES_PER_MINUTE: u32 = 60;
/// Clients with wrong tries that are remembered; beyond it the one that has been quiet longest is forgotten.
const CLIENTS_MAX: usize = 256;

/// A PIN of eight digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(String);

impl Pin {
    fn random() -> Self {
        let (_, random) = Uuid::new_v4().as_u64_pair();
        Self(format!("{:08}", random % 100_000_000))
    }

    /// Without the blank in the middle.
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// Whether `shown` is this one, blanks or not. Takes the same time wherever they differ.
    fn is(&self, shown: &str) -> bool {
        let shown: Vec<u8> = shown.bytes().filter(u8::is_ascii_digit).take(DIGITS + 1).collect();
        let differing = self.0.bytes().zip(&shown).fold(0, |sum, (a, b)| sum | (a ^ b));
        shown.len() == DIGITS && differing == 0
    }
}

/// For people: two groups of four.
impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, second) = self.0.split_at(DIGITS / 2);
        write!(f, "{first} {second}")
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(hidden)")
    }
}

/// Why a device gets no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotPaired {
    /// That was not the PIN; so many tries are left before the next lock.
    Wrong { left: u32 },
    /// It is not even looked at for so many seconds.
    Locked { seconds: u32 },
}

/// The one PIN that is good, and the devices that showed one.
#[derive(Debug)]
pub(crate) struct Pairing {
    pin: watch::Sender<Pin>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    clients: BTreeMap<IpAddr, Tries>,
    /// Wrong tries of everyone in the minute of that number.
    minute: (i64, u32),
    /// When each session ends, by the hash of what the device keeps: who sees this memory has no session.
    devices: BTreeMap<[u8; 32], Timestamp>,
}

/// Wrong tries of one client.
#[derive(Clone, Copy, Debug, Default)]
struct Tries {
    wrong: u32,
    last: Timestamp,
    locked_until: Timestamp,
}

impl Default for Pairing {
    fn default() -> Self {
        Self { pin: watch::Sender::new(Pin::random()), state: Mutex::default() }
    }
}

impl Pairing {
    /// The PIN that is good, and the next one whenever one is used up.
    pub(crate) fn pins(&self) -> watch::Receiver<Pin> {
        self.pin.subscribe()
    }

    /// A session for who shows the PIN, which is used up by it.
    pub(super) fn pair(&self, shown: &str, from: IpAddr, now: Timestamp) -> Result<String, NotPaired> {
        let (mut state, client) = (self.state(), network_of(from));
        state.may_try(client, now)?;
        if !self.pin.borrow().is(shown) {
            return Err(state.note_wrong(client, now));
        }
        self.pin.send_replace(Pin::random());
        state.clients.remove(&client);
        let session = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        state.welcome(hash(&session), now);
        Ok(session)
    }

    /// Whether this session is one, and not over.
    pub(super) fn knows(&self, session: &str, now: Timestamp) -> bool {
        self.state().devices.get(&hash(session)).is_some_and(|ends| *ends > now)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn may_try(&mut self, client: IpAddr, now: Timestamp) -> Result<(), NotPaired> {
        let minute = now.as_millis().div_euclid(MINUTE_MS);
        if self.minute.0 != minute {
            self.minute = (minute, 0);
        }
        let next_minute = Timestamp::from_millis((minute + 1) * MINUTE_MS);
        let everyone = if self.minute.1 >= TRIES_PER_MINUTE { next_minute } else { now };
        let until = self.clients.get(&client).map_or(now, |tries| tries.locked_until).max(everyone);
        let wait_ms = until.millis_since(now);
        match u64::try_from(wait_ms) {
            Ok(0) | Err(_) => Ok(()),
            Ok(wait_ms) => {
                let seconds = u32::try_from(wait_ms.div_ceil(1_000)).unwrap_or(LOCK_S.1);
                Err(NotPaired::Locked { seconds })
            }
        }
    }

    fn note_wrong(&mut self, client: IpAddr, now: Timestamp) -> NotPaired {
        self.minute.1 += 1;
        if self.clients.len() >= CLIENTS_MAX && !self.clients.contains_key(&client) {
            let quiet = self.clients.iter().min_by_key(|(_, tries)| tries.last).map(|(client, _)| *client);
            quiet.and_then(|quiet| self.clients.remove(&quiet));
        }
        let tries = self.clients.entry(client).or_default();
        tries.last = now;
        tries.wrong = tries.wrong.saturating_add(1);
        let (locks, since) = (tries.wrong / TRIES, tries.wrong % TRIES);
        if since > 0 {
            return NotPaired::Wrong { left: TRIES - since };
        }
        let seconds = LOCK_S.0.saturating_mul(1 << (locks - 1).min(16)).min(LOCK_S.1);
        tries.locked_until = now.plus_millis(i64::from(seconds) * SECOND_MS);
        NotPaired::Locked { seconds }
    }

    fn welcome(&mut self, device: [u8; 32], now: Timestamp) {
        self.devices.retain(|_, ends| *ends > now);
        if self.devices.len() >= DEVICES_MAX {
            let first = self.devices.iter().min_by_key(|(_, ends)| **ends).map(|(device, _)| *device);
            first.and_then(|first| self.devices.remove(&first));
            metrics().forgotten.with_label_values(&["paired_devices"]).inc();
        }
        self.devices.insert(device, now.plus_millis(SESSION_S * SECOND_MS));
    }
}

fn hash(session: &str) -> [u8; 32] {
    Sha256::digest(session.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * SECOND_MS)
    }

    fn client(number: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, number])
    }

    fn pin(pairing: &Pairing) -> String {
        pairing.pins().borrow().digits().to_owned()
    }

    /// A PIN that is not the right one.
    fn wrong(pairing: &Pairing) -> String {
        if pin(pairing) == "00000000" { "00000001" } else { "00000000" }.to_owned()
    }

    #[test]
    fn the_fifth_wrong_try_locks_and_each_lock_is_twice_as_long_up_to_an_hour() {
        let (pairing, mut now) = (Pairing::default(), at(0));
        for lock in [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600] {
            for left in [4, 3, 2, 1] {
                let told = pairing.pair(&wrong(&pairing), client(1), now);
                assert_eq!(told, Err(NotPaired::Wrong { left }));
            }
            let told = pairing.pair(&wrong(&pairing), client(1), now);
            assert_eq!(told, Err(NotPaired::Locked { seconds: lock }));
            let right = pairing.pair(&pin(&pairing), client(1), now);
            assert_eq!(
                right,
                Err(NotPaired::Locked { seconds: lock }),
                "the right one is not looked at either"
            );
            now = now.plus_millis(i64::from(lock) * SECOND_MS);
        }
        assert!(pairing.pair(&pin(&pairing), client(1), now).is_ok());
    }

    #[test]
    fn one_clients_lock_is_nobody_elses_but_all_together_have_a_limit() {
        let pairing = Pairing::default();
        for _ in 0..TRIES {
            let _ = pairing.pair(&wrong(&pairing), client(1), at(0));
        }
        assert!(pairing.pair(&pin(&pairing), client(2), at(0)).is_ok());
        for number in 0..TRIES_PER_MINUTE - TRIES {
            let _ = pairing.pair(&wrong(&pairing), client(3 + number as u8), at(20));
        }
        assert_eq!(pairing.pair(&pin(&pairing), client(250), at(20)), Err(NotPaired::Locked { seconds: 40 }));
        assert!(pairing.pair(&pin(&pairing), client(250), at(60)).is_ok());
    }

    #[test]
    fn a_pin_is_good_once_and_the_next_one_is_told() {
        let pairing = Pairing::default();
        let (first, pins) = (pin(&pairing), pairing.pins());
        for odd in ["", "1", &first[1..], &format!("{first}0"), "１２３４５６７８"] {
            assert!(pairing.pair(odd, client(1), at(0)).is_err(), "{odd}");
        }
        let spaced = pairing.pins().borrow().to_string();
        assert!(pairing.pair(&spaced, client(2), at(0)).is_ok());
        assert!(pins.has_changed().unwrap());
        assert!(pairing.pair(&first, client(3), at(0)).is_err());
    }

    #[test]
    fn a_session_ends_and_the_first_to_end_makes_room() {
        let pairing = Pairing::default();
        let mut enter = |second: i64| pairing.pair(&pin(&pairing), client(1), at(second)).unwrap();
        let first = enter(0);
        assert!(!pairing.knows("", at(0)) && !pairing.knows(&first[1..], at(0)));
        assert!(pairing.knows(&first, at(SESSION_S - 1)) && !pairing.knows(&first, at(SESSION_S)));
        let rest: Vec<_> = (1..=DEVICES_MAX as i64).map(&mut enter).collect();
        assert!(!pairing.knows(&first, at(100)));
        assert!(rest.iter().all(|session| pairing.knows(session, at(100))));
    }

    #[test]
    fn the_memory_of_wrong_tries_is_bounded() {
        let pairing = Pairing::default();
        for number in 0..CLIENTS_MAX as i64 + 9 {
            let from = IpAddr::from([10, 0, (number / 256) as u8, (number % 256) as u8]);
            let _ = pairing.pair(&wrong(&pairing), from, at(number * 60));
        }
        assert_eq!(pairing.state().clients.len(), CLIENTS_MAX);
    }

    #[test]
    fn a_pin_is_not_in_what_is_logged() {
        let pairing = Pairing::default();
        assert!(!format!("{pairing:?}").contains(&pin(&pairing)));
    }
}
