//! A bad network, to be put between clients and a broker: for tests, and for whoever torments a city.
//!
//! ```text
//! clients ⇄ Proxy ⇄ broker       one pair of tasks for each connection; all of them obey the same weather
//! ```

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;
use types::{Seed, Stream};

/// Connections at once; those beyond are closed as soon as they come.
const CONNECTIONS_MAX: usize = 30_000;
/// What one step of one direction carries, at most \[bytes\].
const CHUNK_BYTES: usize = 4_096;
/// How soon the next connection is looked for when one could not be accepted.
const ACCEPT_AGAIN: Duration = Duration::from_millis(10);
/// How long a lost packet holds up what comes after it: TCP sends it again after its timeout, 200 ms on Linux, and
/// after twice that if it is lost again.
const RESEND_AFTER: Duration = Duration::from_millis(200);

/// What the network does to everything that goes through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weather {
    /// Nothing.
    #[default]
    Fair,
    /// Each step takes so long, and up to as long again.
    Slow(Duration),
    /// So many of a thousand steps are lost. TCP hides that: they stall, with all that is behind them.
    Lossy(u16),
    /// Nothing comes through, and nobody is told: to each end it looks as if the other were silent. New connections
    /// stand, but lead nowhere. Those that lost something are broken when the weather changes: TCP would know by then.
    HalfOpen,
    /// All connections are closed, and so are new ones.
    Cut,
}

/// A running proxy. Stops when dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Starts one in front of `to`, on a free port of this machine, in fair weather. What is left to chance, such as
    /// which step is lost, comes from `seed`.
    ///
    /// # Errors
    ///
    /// What the system says if there is no port.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub async fn start(to: SocketAddr, seed: Seed) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (weather, seen) = watch::channel(Weather::Fair);
        let task = tokio::spawn(accept(listener, to, seed, seen));
        Ok(Self { address, weather, task })
    }

    /// Where clients are to connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the weather for all connections, also those that stand.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, to: SocketAddr, seed: Seed, weather: watch::Receiver<Weather>) {
    let mut connections = JoinSet::new();
    let mut number = 0;
    loop {
        let Ok((client, _)) = listener.accept().await else {
            // It broke before it was accepted, or too many files are open: neither is a reason to end.
            sleep(ACCEPT_AGAIN).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        if connections.len() < CONNECTIONS_MAX {
            number += 1;
            let chance = [seed.stream("proxy there", number), seed.stream("proxy back", number)];
            connections.spawn(connect(client, to, weather.clone(), chance));
        }
    }
}

/// Carries one connection until either end, or the weather, ends it.
async fn connect(
    client: TcpStream,
    to: SocketAddr,
    mut weather: watch::Receiver<Weather>,
    [there, back]: [Stream; 2],
) {
    // A connection that is made while nothing comes through must find nobody.
    let _ = weather.wait_for(|weather| *weather != Weather::HalfOpen).await;
    if *weather.borrow() == Weather::Cut {
        return;
    }
    let Ok(server) = TcpStream::connect(to).await else { return };
    let (_, _) = (client.set_nodelay(true), server.set_nodelay(true));
    let (client_in, client_out) = client.into_split();
    let (server_in, server_out) = server.into_split();
    let mut ends = weather.clone();
    tokio::select! {
        _ = carry(client_in, server_out, weather.clone(), there) => {}
        _ = carry(server_in, client_out, weather, back) => {}
        _ = ends.wait_for(|weather| *weather == Weather::Cut) => {}
    }
}

/// Carries one direction. Whatever ends it ends the connection.
async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut weather: watch::Receiver<Weather>,
    mut chance: Stream,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let length = from.read(&mut chunk).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        let now = *weather.borrow_and_update();
        match now {
            Weather::Fair | Weather::Cut => {}
            Weather::Slow(step) => sleep(step.mul_f64(1.0 + chance.fraction())).await,
            Weather::Lossy(permille) => sleep(held_up(permille, &mut chance)).await,
            Weather::HalfOpen => {
                swallow(&mut from, &mut weather, &mut chunk).await;
                return Ok(());
            }
        }
        to.write_all(&chunk[..length]).await?;
    }
}

/// For how long one step is held up: not at all, or until TCP has sent it again.
fn held_up(permille: u16, chance: &mut Stream) -> Duration {
    let mut wait = Duration::ZERO;
    let mut again = RESEND_AFTER;
    while again <= RESEND_AFTER * 16 && chance.below(1_000) < u64::from(permille) {
        wait += again;
        again *= 2;
    }
    wait
}

/// Takes what comes and forgets it, until the weather changes. An end that goes meanwhile is not told of.
async fn swallow(from: &mut OwnedReadHalf, weather: &mut watch::Receiver<Weather>, chunk: &mut [u8]) {
    let forget = async {
        while from.read(chunk).await.is_ok_and(|length| length > 0) {}
        pending::<()>().await;
    };
    tokio::select! {
        _ = weather.wait_for(|weather| *weather != Weather::HalfOpen) => {}
        () = forget => {}
    }
}

#[cfg(test)]
mod tests;
