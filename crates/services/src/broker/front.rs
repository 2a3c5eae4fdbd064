//! Before the broker, where strangers come: connections are taken on here, with TLS or without, and passed on to a port
//! of its own on this machine.
//!
//! rmqtt's own TLS would bring a second provider of cryptography along; and it waits for the first packet of a
//! connection for ever, so that whoever says nothing holds it. The broker sees connections from 127.0.0.1 only:
//! [`Callers`] remembers from where they really are, and hears from the guard who is let in.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_rustls::TlsAcceptor;

use super::Counters;

/// Connections at once; who comes then waits in the system's queue.
const CONNECTIONS_MAX: usize = 20_000;
/// Of them, those whose client is not let in yet; when one more comes, the oldest has to go.
const STRANGERS_MAX: usize = 4_000;
/// How long a client may take until it is let in, a handshake included. Slower than any honest one that is not cut off.
const LET_IN_WITHIN: Duration = Duration::from_secs(10);
/// How soon it is tried again when the system gives no more connections.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Who is behind a connection of the broker. As many entries as there are connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Callers(Arc<Mutex<BTreeMap<SocketAddr, Caller>>>);

#[derive(Debug)]
struct Caller {
    from: SocketAddr,
    /// Hears once that the client is let in.
    let_in: Option<oneshot::Sender<()>>,
}

impl Callers {
    /// From where a connection really is that the broker has from `seen`.
    pub(super) fn behind(&self, seen: SocketAddr) -> SocketAddr {
        self.known().get(&seen).map_or(seen, |caller| caller.from)
    }

    /// The client of a connection that the broker has from `seen` is who it says.
    pub(super) fn let_in(&self, seen: SocketAddr) {
        if let Some(waits) = self.known().get_mut(&seen).and_then(|caller| caller.let_in.take()) {
            // Who does not wait any more is gone.
            let _ = waits.send(());
        }
    }

    fn remember(&self, seen: SocketAddr, from: SocketAddr) -> (Remembered<'_>, oneshot::Receiver<()>) {
        let (sender, receiver) = oneshot::channel();
        self.known().insert(seen, Caller { from, let_in: Some(sender) });
        (Remembered { callers: self, seen }, receiver)
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<SocketAddr, Caller>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Remembers a caller as long as it lives.
struct Remembered<'a> {
    callers: &'a Callers,
    seen: SocketAddr,
}

impl Drop for Remembered<'_> {
    fn drop(&mut self) {
        self.callers.known().remove(&self.seen);
    }
}

/// Connections whose client is not let in yet.
#[derive(Clone, Debug, Default)]
struct Strangers(Arc<Mutex<Numbered>>);

#[derive(Debug, Default)]
struct Numbered {
    /// How many there ever were.
    count: u64,
    /// By their number, so that the oldest is the first. Dropping a sender sends its connection away.
    waiting: BTreeMap<u64, oneshot::Sender<()>>,
}

impl Strangers {
    /// One more; and one less, if there are too many. Tells whether that was so.
    fn take_in(&self) -> (Stranger, bool) {
        let (sender, sent_away) = oneshot::channel();
        let mut all = self.all();
        let number = all.count;
        all.count += 1;
        let crowded = all.waiting.len() >= STRANGERS_MAX && all.waiting.pop_first().is_some();
        all.waiting.insert(number, sender);
        drop(all);
        let deadline = Instant::now() + LET_IN_WITHIN;
        (Stranger { strangers: self.clone(), number, sent_away, deadline }, crowded)
    }

    fn all(&self) -> MutexGuard<'_, Numbered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection whose client is not let in yet.
struct Stranger {
    strangers: Strangers,
    number: u64,
    /// Ends when it has to make room.
    sent_away: oneshot::Receiver<()>,
    deadline: Instant,
}

impl Stranger {
    /// Does `work`, if that takes no longer than it may stay.
    async fn while_welcome<T>(&mut self, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        tokio::select! {
            done = work => done,
            _ = &mut self.sent_away => Err(io::Error::other("too many who are not let in yet came after it")),
            () = sleep_until(self.deadline) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.strangers.all().waiting.remove(&self.number);
    }
}

/// A door.
#[derive(Clone)]
pub(super) struct Front {
    /// `None` = without TLS.
    tls: Option<TlsAcceptor>,
    /// The broker's own port.
    broker: SocketAddr,
    callers: Callers,
    strangers: Strangers,
    counters: Arc<Counters>,
}

impl Front {
    /// A door to the broker at `broker`.
    pub(super) fn new(
        tls: Option<TlsAcceptor>,
        broker: SocketAddr,
        callers: Callers,
        counters: Arc<Counters>,
    ) -> Self {
        Self { tls, broker, callers, strangers: Strangers::default(), counters }
    }

    /// Takes connections on for as long as it is polled.
    pub(super) async fn run(self, listener: TcpListener) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let Ok(place) = places.clone().acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, from)) => {
                    let front = self.clone();
                    tokio::spawn(async move {
                        if let Err(error) = front.pass_on(stream, from).await {
                            tracing::debug!(%from, %error, "connection ended");
                        }
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "no more connections");
                    sleep(ACCEPT_AGAIN).await;
                }
            }
        }
    }

    async fn pass_on(&self, stream: TcpStream, from: SocketAddr) -> io::Result<()> {
        let (mut stranger, crowded) = self.strangers.take_in();
        if crowded {
            self.counters.crowded_out.fetch_add(1, Ordering::Relaxed);
        }
        stream.set_nodelay(true)?;
        match &self.tls {
            None => self.carry(stream, from, stranger).await,
            Some(tls) => {
                let stream = stranger.while_welcome(tls.accept(stream)).await;
                self.carry(self.counted(stream)?, from, stranger).await
            }
        }
    }

    async fn carry<S>(&self, mut outside: S, from: SocketAddr, mut stranger: Stranger) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut inside = TcpStream::connect(self.broker).await?;
        inside.set_nodelay(true)?;
        let (_remembered, let_in) = self.callers.remember(inside.local_addr()?, from);
        let mut carried = pin!(copy_bidirectional(&mut outside, &mut inside));
        let first = stranger.while_welcome(async {
            tokio::select! {
                ended = &mut carried => ended.map(Some),
                Ok(()) = let_in => Ok(None),
            }
        });
        if self.counted(first.await)?.is_none() {
            drop(stranger);
            carried.await?;
        }
        Ok(())
    }

    /// Counts those whose time was over.
    fn counted<T>(&self, outcome: io::Result<T>) -> io::Result<T> {
        let late = outcome.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::TimedOut);
        self.counters.not_in_time.fetch_add(u64::from(late), Ordering::Relaxed);
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn when_too_many_strangers_come_the_oldest_has_to_go_and_no_other() {
        let strangers = Strangers::default();
        let mut all: Vec<Stranger> = (0..STRANGERS_MAX)
            .map(|_| {
                let (stranger, crowded) = strangers.take_in();
                assert!(!crowded);
                stranger
            })
            .collect();
        let (_newest, crowded) = strangers.take_in();
        assert!(crowded);
        let stays = |stranger: &mut Stranger| {
            stranger.sent_away.try_recv() == Err(oneshot::error::TryRecvError::Empty)
        };
        assert!(!stays(&mut all[0]) && all[1..].iter_mut().all(stays));
    }

    #[tokio::test]
    async fn who_was_let_in_or_is_gone_makes_room() {
        let strangers = Strangers::default();
        let known: Vec<Stranger> = (0..STRANGERS_MAX).map(|_| strangers.take_in().0).collect();
        drop(known);
        assert!(!strangers.take_in().1);
        assert!(strangers.all().waiting.is_empty(), "the last one is gone too");
    }
}
