use tokio::time::{Instant, timeout};

use super::*;

/// How long something may take to come about.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that says everything back, and a proxy before it.
async fn echo() -> Proxy {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.into_split();
                tokio::io::copy(&mut from, &mut to).await
            });
        }
    });
    Proxy::start(address, Seed(7)).await.unwrap()
}

async fn client(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.address()).await.unwrap()
}

/// What comes back for `text`; empty = the connection is closed.
async fn said_back(stream: &mut TcpStream, text: &[u8]) -> Vec<u8> {
    let _ = stream.write_all(text).await;
    let mut back = vec![0; text.len()];
    match timeout(PATIENCE, stream.read_exact(&mut back)).await.expect("an answer in time") {
        Ok(_) => back,
        Err(_) => Vec::new(),
    }
}

#[tokio::test]
async fn a_cut_ends_connections_and_new_ones_and_both_come_back() {
    let proxy = echo().await;
    let mut before = client(&proxy).await;
    assert_eq!(said_back(&mut before, b"one").await, b"one");
    proxy.set(Weather::Cut);
    assert!(said_back(&mut before, b"two").await.is_empty());
    assert!(said_back(&mut client(&proxy).await, b"three").await.is_empty());
    proxy.set(Weather::Fair);
    assert_eq!(said_back(&mut client(&proxy).await, b"four").await, b"four");
}

#[tokio::test]
async fn half_open_connections_stand_in_silence_and_are_broken_afterwards() {
    let proxy = echo().await;
    let mut stream = client(&proxy).await;
    assert_eq!(said_back(&mut stream, b"one").await, b"one");
    proxy.set(Weather::HalfOpen);
    stream.write_all(b"two").await.unwrap();
    let mut byte = [0];
    assert!(timeout(Duration::from_millis(50), stream.read(&mut byte)).await.is_err(), "it is not told");
    let mut meanwhile = client(&proxy).await;
    meanwhile.write_all(b"three").await.unwrap();
    proxy.set(Weather::Fair);
    let end = timeout(PATIENCE, stream.read(&mut byte)).await.expect("it ends");
    assert!(matches!(end, Ok(0) | Err(_)), "what was lost must not be missing in silence: {end:?}");
    let mut back = [0; 5];
    timeout(PATIENCE, meanwhile.read_exact(&mut back)).await.expect("in time").unwrap();
    assert_eq!(&back, b"three", "one that lost nothing goes on");
}

#[tokio::test]
async fn slow_and_lossy_weather_delays_and_loses_nothing() {
    let proxy = echo().await;
    let mut stream = client(&proxy).await;
    let text: Vec<u8> = (0..20_000_u32).map(|number| number as u8).collect();
    let step = Duration::from_millis(20);
    proxy.set(Weather::Slow(step));
    let began = Instant::now();
    assert_eq!(said_back(&mut stream, b"slow").await, b"slow");
    assert!(began.elapsed() >= step * 2, "there and back");
    proxy.set(Weather::Lossy(300));
    assert_eq!(said_back(&mut stream, &text).await, text);
}

#[test]
fn the_same_seed_loses_the_same_steps() {
    let losses = |seed| {
        let mut chance = Seed(seed).stream("proxy there", 1);
        (0..200).map(|_| held_up(100, &mut chance)).collect::<Vec<_>>()
    };
    assert_eq!(losses(7), losses(7));
    assert_ne!(losses(7), losses(8));
    assert!(losses(7).iter().any(|wait| *wait > Duration::ZERO));
    assert!(losses(7).iter().filter(|wait| wait.is_zero()).count() > 150);
}
