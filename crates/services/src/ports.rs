//! Ports, of which the wanted one may be taken.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

/// Ports tried, from the one asked for upwards, before giving up.
pub(crate) const PORTS_TRIED: u16 = 20;

/// What `take` makes of the wanted port, or of the next one that it can have. Port 0 = any.
///
/// # Errors
///
/// What it said of the last one.
pub(crate) fn first_free<T>(
    wanted: SocketAddr,
    mut take: impl FnMut(SocketAddr) -> io::Result<T>,
) -> io::Result<T> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for step in 0..PORTS_TRIED {
        let mut address = wanted;
        if wanted.port() != 0 {
            let Some(port) = wanted.port().checked_add(step) else { break };
            address.set_port(port);
        }
        match take(address) {
            Ok(taken) => return Ok(taken),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Listens on the wanted port, or on the next free one.
///
/// # Errors
///
/// What the system says of the last port tried.
pub(crate) fn listen(wanted: SocketAddr) -> io::Result<TcpListener> {
    first_free(wanted, |address| {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    })
}
