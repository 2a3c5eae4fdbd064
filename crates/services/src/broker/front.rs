//! TLS before the broker: connections are taken on here and passed on, in plain, to a port of its own on this machine.
//!
//! rmqtt's own TLS would bring a second provider of cryptography along. The broker sees connections from 127.0.0.1 only;
//! [`Callers`] remembers from where they really are.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// Connections at once, those that still shake hands included; who comes then waits in the system's queue.
const CONNECTIONS_MAX: usize = 20_000;
/// How long a handshake may take.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// How soon it is tried again when the system gives no more connections.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Who is behind a connection of the broker. As many entries as there are connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Callers(Arc<Mutex<BTreeMap<SocketAddr, SocketAddr>>>);

impl Callers {
    /// From where a connection really is that the broker has from `seen`.
    pub(super) fn behind(&self, seen: SocketAddr) -> SocketAddr {
        self.known().get(&seen).copied().unwrap_or(seen)
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<SocketAddr, SocketAddr>> {
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

/// A door with TLS.
#[derive(Clone)]
pub(super) struct Front {
    pub(super) tls: TlsAcceptor,
    /// The broker's own port.
    pub(super) broker: SocketAddr,
    pub(super) callers: Callers,
}

impl Front {
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
                            tracing::debug!(%from, %error, "connection with TLS ended");
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
        stream.set_nodelay(true)?;
        let mut outside = timeout(HANDSHAKE_WITHIN, self.tls.accept(stream)).await??;
        let mut inside = TcpStream::connect(self.broker).await?;
        inside.set_nodelay(true)?;
        let seen = inside.local_addr()?;
        self.callers.known().insert(seen, from);
        let _remembered = Remembered { callers: &self.callers, seen };
        copy_bidirectional(&mut outside, &mut inside).await.map(|_| ())
    }
}
