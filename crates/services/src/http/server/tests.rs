use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Bytes;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);
const LIMITS: Limits = Limits {
    connections: 8,
    connections_each: 4,
    requests_per_s: 1,
    requests_at_once: 6,
    head_within: Duration::from_millis(200),
    answer_within: Duration::from_millis(400),
};

/// A server that says hello, and takes bodies.
async fn start(limits: Limits) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .route("/", get(async || "hello"))
        .route("/take", post(async |body: Bytes| body.len().to_string()));
    tokio::spawn(serve(listener, None, router, limits));
    address
}

/// Everything that is answered to `said` until the end of the connection.
async fn talk(address: SocketAddr, said: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = stream.write_all(said.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the server ends it");
    String::from_utf8_lossy(&answer).into_owned()
}

const HELLO: &str = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn who_sends_no_head_or_half_a_head_or_half_a_body_is_closed() {
    let address = start(LIMITS).await;
    assert_eq!(talk(address, "").await, "");
    assert!(!talk(address, "GET / HTTP/1.1\r\nHost: h\r\nX-Slow: ").await.contains("200 OK"));
    let slow = talk(address, "POST /take HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nkite").await;
    assert!(slow.starts_with("HTTP/1.1 408") && slow.contains("too_slow"), "{slow}");
    assert!(talk(address, HELLO).await.ends_with("hello"));
}

#[tokio::test]
async fn a_silent_client_between_two_requests_is_closed() {
    let address = start(LIMITS).await;
    assert!(talk(address, "GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.ends_with("hello"));
}

#[tokio::test]
async fn too_many_or_too_long_header_fields_are_refused() {
    let address = start(LIMITS).await;
    let many = "X: y\r\n".repeat(HEADERS_MAX + 1);
    let long = format!("X: {}\r\n", "y".repeat(HEADER_BYTES_MAX));
    for fields in [many, long] {
        let answer = talk(address, &format!("GET / HTTP/1.1\r\n{fields}\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
    assert!(talk(address, HELLO).await.ends_with("hello"));
}

#[tokio::test]
async fn who_asks_too_fast_is_told_to_wait() {
    let address = start(LIMITS).await;
    let refused = AtomicUsize::new(0);
    for _ in 0..9 {
        let answer = talk(address, HELLO).await;
        if answer.starts_with("HTTP/1.1 429") {
            assert!(answer.contains("retry-after: 1") && answer.contains("too_many_requests"), "{answer}");
            refused.fetch_add(1, Ordering::Relaxed);
        }
    }
    assert!(refused.into_inner() > 0);
}

#[tokio::test]
async fn who_has_too_many_connections_gets_no_more_until_one_ends() {
    let address = start(Limits { head_within: PATIENCE, ..LIMITS }).await;
    let mut held = Vec::new();
    for _ in 0..LIMITS.connections_each {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
        let mut first = [0; 8];
        stream.read_exact(&mut first).await.unwrap();
        held.push(stream);
    }
    assert_eq!(talk(address, HELLO).await, "");
    held.pop();
    while !talk(address, HELLO).await.starts_with("HTTP/1.1") {
        tokio::task::yield_now().await;
    }
}
