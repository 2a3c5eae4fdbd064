//! What each client takes up: connections, and requests in a bucket that fills again.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::server::Limits;

/// Clients known at once; with more, those that take up nothing are forgotten, and then none is let in.
const CLIENTS_MAX: usize = 4_096;

/// Counts for a listener.
#[derive(Debug)]
pub(crate) struct Clients {
    limits: Limits,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Of all clients.
    connections: usize,
    by_network: BTreeMap<IpAddr, Client>,
}

#[derive(Debug)]
struct Client {
    connections: usize,
    /// Requests that it may still make, at `since`.
    left: f64,
    since: Instant,
}

/// A place for one connection, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    clients: &'a Clients,
    network: IpAddr,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut known = self.clients.known();
        known.connections -= 1;
        if let Some(client) = known.by_network.get_mut(&self.network) {
            client.connections -= 1;
        }
    }
}

impl Clients {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, known: Mutex::default() }
    }

    /// A place for one more connection, if there is one.
    pub(crate) fn admit(&self, from: IpAddr) -> Option<Place<'_>> {
        let (network, limits) = (network_of(from), self.limits);
        let mut known = self.known();
        if known.connections >= limits.connections {
            return None;
        }
        if known.by_network.len() >= CLIENTS_MAX {
            let now = Instant::now();
            known.by_network.retain(|_, client| !client.is_forgettable(limits, now));
        }
        let room = known.by_network.len() < CLIENTS_MAX;
        if !room && !known.by_network.contains_key(&network) {
            return None;
        }
        let client = known.by_network.entry(network).or_insert_with(|| Client::fresh(limits));
        if client.connections >= limits.connections_each {
            return None;
        }
        client.connections += 1;
        known.connections += 1;
        Some(Place { clients: self, network })
    }

    /// Takes note of one more request.
    ///
    /// # Errors
    ///
    /// After how many seconds to ask again.
    pub(crate) fn ask(&self, from: IpAddr, now: Instant) -> Result<(), u32> {
        let mut known = self.known();
        let client = known.by_network.entry(network_of(from)).or_insert_with(|| Client::fresh(self.limits));
        client.refill(self.limits, now);
        if client.left < 1.0 {
            return Err(1);
        }
        client.left -= 1.0;
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Client {
    fn fresh(limits: Limits) -> Self {
        Self { connections: 0, left: limits.requests_at_once.into(), since: Instant::now() }
    }

    fn refill(&mut self, limits: Limits, now: Instant) {
        let gained =
            now.saturating_duration_since(self.since).as_secs_f64() * f64::from(limits.requests_per_s);
        self.left = (self.left + gained).min(limits.requests_at_once.into());
        self.since = now;
    }

    fn is_forgettable(&mut self, limits: Limits, now: Instant) -> bool {
        self.refill(limits, now);
        self.connections == 0 && self.left >= f64::from(limits.requests_at_once)
    }
}

/// The client that an address stands for: whoever has one IPv6 address has a network of them.
pub(crate) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(_) => address.to_canonical(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIMITS: Limits = Limits {
        connections: 3,
        connections_each: 2,
        requests_per_s: 10,
        requests_at_once: 5,
        head_within: Duration::from_secs(1),
        answer_within: Duration::from_secs(1),
    };

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_client_cannot_take_all_places_nor_all_clients_more_than_there_are() {
        let clients = Clients::new(LIMITS);
        let (one, two) = (address("192.0.2.1"), address("192.0.2.2"));
        let mine = [clients.admit(one), clients.admit(one)];
        assert!(mine.iter().all(Option::is_some) && clients.admit(one).is_none());
        let _other = clients.admit(two).unwrap();
        assert!(clients.admit(two).is_none(), "all three places are taken");
        drop(mine);
        assert!(clients.admit(one).is_some());
    }

    #[test]
    fn who_asks_too_fast_waits_and_nobody_else() {
        let clients = Clients::new(LIMITS);
        let (one, two, began) = (address("192.0.2.1"), address("192.0.2.2"), Instant::now());
        let asked = (0..50).filter(|_| clients.ask(one, began).is_ok()).count();
        assert_eq!(asked, 5);
        assert_eq!(clients.ask(two, began), Ok(()));
        let later = began + Duration::from_millis(350);
        assert_eq!((0..50).filter(|_| clients.ask(one, later).is_ok()).count(), 3);
    }

    #[test]
    fn an_ipv6_client_is_its_network_and_a_mapped_address_is_ipv4() {
        assert_eq!(network_of(address("2001:db8:1:2:3:4:5:6")), network_of(address("2001:db8:1:2::9")));
        assert_ne!(network_of(address("2001:db8:1:2::1")), network_of(address("2001:db8:1:3::1")));
        assert_eq!(network_of(address("::ffff:192.0.2.1")), address("192.0.2.1"));
    }

    #[test]
    fn a_flood_of_addresses_is_bounded_and_forgotten_when_it_is_over() {
        let limits = Limits { connections: 10_000, ..LIMITS };
        let clients = Clients::new(limits);
        let nth = |n: usize| IpAddr::from([10, 0, (n / 256) as u8, (n % 256) as u8]);
        let places: Vec<_> = (0..CLIENTS_MAX).map(|n| clients.admit(nth(n)).unwrap()).collect();
        assert!(clients.admit(address("192.0.2.1")).is_none());
        drop(places);
        assert!(clients.admit(address("192.0.2.1")).is_some());
        assert_eq!(clients.known().by_network.len(), 1);
    }
}
