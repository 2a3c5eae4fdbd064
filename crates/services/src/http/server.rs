//! Serves a router on a port, plain or with TLS, with a bound on everything that a client could use up.
//!
//! Memory is bounded by connections × (buffer + body). A client that says nothing, or slowly, is closed; one that says
//! too much is told to wait (429).

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::Problem;
use super::clients::Clients;
use crate::metrics::metrics;

/// Header fields of one request, at most; more are answered with 431.
const HEADERS_MAX: usize = 64;
/// Their bytes, the request's line included \[bytes\].
const HEADER_BYTES_MAX: usize = 16 * 1024;
/// What is read ahead of one connection \[bytes\].
const BUFFER_BYTES_MAX: usize = 64 * 1024;
/// How soon it is tried again when the system gives no more connections.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// What clients may take up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections at once, of all clients.
    pub(crate) connections: usize,
    /// Connections of one client: an IPv4 address, or the network of an IPv6 one.
    pub(crate) connections_each: usize,
    /// Requests of one client \[1/s\], for as long as it likes.
    pub(crate) requests_per_s: u32,
    /// Requests of one client that was quiet before, at once.
    pub(crate) requests_at_once: u32,
    /// How long a handshake, the head of a request, or the silence between two may take.
    pub(crate) head_within: Duration,
    /// How long it may take from the head of a request to that of the answer, its body included.
    pub(crate) answer_within: Duration,
}

/// From where a request comes: the extension of that name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct From(pub(crate) SocketAddr);

/// Serves for as long as it is polled; then all connections end.
pub(crate) async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, router: Router, limits: Limits) {
    let door = Arc::new(Door { tls, router, limits, clients: Clients::new(limits) });
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => {
                    connections.spawn(door.clone().admit(stream, from));
                }
                Err(error) => {
                    tracing::warn!(%error, "no more connections");
                    sleep(ACCEPT_AGAIN).await;
                }
            },
            Some(ended) = connections.join_next() => if let Err(error) = ended {
                tracing::error!(%error, "a connection broke");
            }
        }
    }
}

struct Door {
    tls: Option<TlsAcceptor>,
    router: Router,
    limits: Limits,
    clients: Clients,
}

impl Door {
    async fn admit(self: Arc<Self>, stream: TcpStream, from: SocketAddr) {
        // One that has too many is closed without a word: a word would take up what there is too little of.
        let Some(_place) = self.clients.admit(from.ip()) else {
            metrics().http_connections_refused.inc();
            return;
        };
        if let Err(error) = self.clone().connection(stream, from).await {
            tracing::debug!(%from, %error, "connection ended");
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, from: SocketAddr) -> io::Result<()> {
        stream.set_nodelay(true)?;
        match &self.tls {
            None => self.speak(stream, from).await,
            Some(tls) => {
                let stream = timeout(self.limits.head_within, tls.accept(stream)).await??;
                self.speak(stream, from).await
            }
        }
    }

    async fn speak(
        self: &Arc<Self>,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        from: SocketAddr,
    ) -> io::Result<()> {
        let service = service_fn(move |request| {
            let door = self.clone();
            async move { Ok::<_, Infallible>(door.answer(request, from).await) }
        });
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head_within)
            .max_headers(HEADERS_MAX)
            .max_header_size(HEADER_BYTES_MAX)
            .max_buf_size(BUFFER_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), service)
            .await
            .map_err(io::Error::other)
    }

    async fn answer(&self, request: hyper::Request<Incoming>, from: SocketAddr) -> Response {
        if let Err(wait) = self.clients.ask(from.ip(), Instant::now()) {
            metrics().http_rate_limited.inc();
            let detail = "too many requests at once; ask again later";
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail);
            return problem.retry_after(wait).into_response();
        }
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(From(from));
        match timeout(self.limits.answer_within, self.router.clone().oneshot(request)).await {
            Ok(Ok(response)) => response,
            Err(_) => {
                metrics().http_timeouts.inc();
                let detail = "the request did not come to its end in time";
                Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", detail).into_response()
            }
        }
    }
}

#[cfg(test)]
mod tests;
