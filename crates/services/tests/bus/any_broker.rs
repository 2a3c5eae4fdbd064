//! What the client does on any broker: the embedded one, and Mosquitto.

use std::io::Write as _;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::*;

/// A broker that the client is tried against.
enum Bus {
    Embedded(Broker),
    Mosquitto { process: Child, port: u16, _directory: TempDir },
}

const MOSQUITTO: &str = "/usr/sbin/mosquitto";

impl Bus {
    fn embedded(port: u16) -> Self {
        Self::Embedded(start_at(port, false))
    }

    /// Mosquitto without passwords, or `None` if it is not installed.
    fn mosquitto(port: u16) -> Option<Self> {
        if !std::path::Path::new(MOSQUITTO).exists() {
            assert!(
                std::env::var_os("KITECITY_TEST_ALL").is_none_or(|all| all != "1"),
                "{MOSQUITTO} is not installed"
            );
            // Written past the test harness, which would keep it to itself.
            let _ = writeln!(std::io::stderr(), "SKIPPED: {MOSQUITTO} is not installed");
            return None;
        }
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let port = TcpListener::bind(any).and_then(|free| free.local_addr()).unwrap().port();
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("mosquitto.conf");
        std::fs::write(&config, format!("listener {port} 127.0.0.1\nallow_anonymous true\n")).unwrap();
        let process = Command::new(MOSQUITTO)
            .arg("-c")
            .arg(config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Some(Self::Mosquitto { process, port, _directory: directory })
    }

    fn address(&self) -> BusAddress {
        match self {
            Self::Embedded(broker) => address_of(broker),
            Self::Mosquitto { port, .. } => BusAddress::plain("127.0.0.1", *port),
        }
    }

    fn stop(mut self) -> u16 {
        let port = self.address().port;
        if let Self::Mosquitto { process, .. } = &mut self {
            process.kill().unwrap();
            process.wait().unwrap();
        }
        port
    }

    fn user(&self, username: &str, filters: &[&str]) -> ClientOptions {
        user(&self.address(), username, filters)
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        if let Self::Mosquitto { process, .. } = self {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// The same behaviour, whichever broker it is.
macro_rules! on_both {
    ($($name:ident)*) => {
        mod on_the_embedded_broker {
            $(#[tokio::test] async fn $name() { super::$name(super::Bus::embedded(0)).await; })*
        }
        mod on_mosquitto {
            $(#[tokio::test] async fn $name() {
                if let Some(bus) = super::Bus::mosquitto(0) { super::$name(bus).await; }
            })*
        }
    };
}

on_both! {
    retained_state_reaches_a_late_wildcard_subscriber
    a_will_tells_of_a_client_that_is_gone
    a_request_is_answered_once
    a_client_comes_back_with_its_subscriptions_and_its_messages
    five_hundred_clients_get_one_message_each
    two_clients_with_one_id_are_told_and_slow_down
    a_goodbye_comes_after_what_is_queued
    a_listener_that_does_not_listen_loses_nothing
    a_large_message_passes
}

async fn retained_state_reaches_a_late_wildcard_subscriber(bus: Bus) {
    let lamp = Client::connected(bus.user("l-0001", &[])).await;
    lamp.bus.publish(frame(&STATE, "light/kuiwen/l-0001/up/state", "40")).unwrap();
    lamp.bus.publish(frame(&STATE, "light/kuiwen/l-0001/status", "on")).unwrap();
    lamp.bus.disconnect();
    within("the goodbye", lamp.bus.closed()).await;

    let mut late = Client::spawn(bus.user("svc-lighting", &["light/#"]));
    let (first, second) = (late.message().await, late.message().await);
    assert!(first.is_retained() && second.is_retained());
    let mut heard = [text(&first).1, text(&second).1];
    heard.sort();
    assert_eq!(heard, ["40", "on"]);
}

async fn a_will_tells_of_a_client_that_is_gone(bus: Bus) {
    let mut lighting = Client::connected(bus.user("svc-lighting", &["light/#"])).await;
    let mut options = bus.user("l-0001", &[]);
    options.will = Some(frame(&STATE, "light/kuiwen/l-0001/status", "offline"));
    let lamp = Client::connected(options).await;
    // Nobody listens any more: the task ends without a goodbye.
    drop(lamp.events);
    assert_eq!(lighting.heard().await, ("light/kuiwen/l-0001/status".to_owned(), "offline".to_owned()));
}

async fn a_request_is_answered_once(bus: Bus) {
    let mut payer = Client::connected(bus.user("svc-payer", &["rpc/payer/#"])).await;
    let mut clinic = Client::connected(bus.user("svc-clinic", &["rsp/svc-clinic/#"])).await;
    let request = Frame {
        response_topic: Some(at("rsp/svc-clinic/x")),
        correlation: Some(vec![0, 7, 255]),
        ..frame(&EVENT, "rpc/payer/s00/adjudicate", "bill")
    };
    clinic.bus.publish(request).unwrap();

    let asked = payer.message().await;
    let delivery = asked.delivery();
    let (response_topic, correlation) = (delivery.response_topic.unwrap(), delivery.correlation.unwrap());
    let topic = response_topic.strip_prefix("kitecity/v1/demo/").unwrap();
    let reply = Frame { correlation: Some(correlation.to_vec()), ..frame(&EVENT, topic, "settled") };
    payer.bus.publish(reply).unwrap();

    let answer = clinic.message().await;
    assert_eq!(text(&answer), ("rsp/svc-clinic/x".to_owned(), "settled".to_owned()));
    assert_eq!(answer.delivery().correlation, Some(&[0, 7, 255][..]));
}

async fn a_client_comes_back_with_its_subscriptions_and_its_messages(bus: Bus) {
    let is_mosquitto = matches!(bus, Bus::Mosquitto { .. });
    let mut lighting = Client::connected(bus.user("svc-lighting", &["evt/#"])).await;
    let port = bus.stop();
    while !matches!(lighting.event().await, BusEvent::Disconnected { .. }) {}
    for number in 0..50 {
        lighting.bus.publish(frame(&EVENT, "evt/lighting/x", &number.to_string())).unwrap();
    }
    let bus = if is_mosquitto { Bus::mosquitto(port).unwrap() } else { Bus::embedded(port) };
    assert_eq!(bus.address().port, port);
    lighting.until_connected().await;
    for number in 0..50 {
        assert_eq!(lighting.heard().await.1, number.to_string());
    }
}

async fn five_hundred_clients_get_one_message_each(bus: Bus) {
    const LAMPS: u32 = 500;
    let lighting = Client::connected(bus.user("svc-lighting", &[])).await;
    let (sender, mut events) = mpsc::channel(64);
    let lamps: Vec<BusClient> = (1..=LAMPS)
        .map(|number| {
            let id = LuminaireId(number).to_string();
            let options = bus.user(&id, &[&format!("light/kuiwen/{id}/down/+")]);
            BusClient::spawn(options, number, sender.clone())
        })
        .collect();
    let mut connected = 0;
    while connected < LAMPS {
        let (number, event) = within("all lamps", events.recv()).await.unwrap();
        match event {
            BusEvent::Connected => connected += 1,
            BusEvent::Refused { reason } => panic!("lamp {number} refused: {reason}"),
            _ => {}
        }
    }
    for number in 1..=LAMPS {
        let topic = format!("light/kuiwen/{}/down/cmd", LuminaireId(number));
        lighting.bus.publish(frame(&EVENT, &topic, &number.to_string())).unwrap();
    }
    let mut heard = std::collections::BTreeSet::new();
    while heard.len() < LAMPS as usize {
        let (number, event) = within("all messages", events.recv()).await.unwrap();
        if let BusEvent::Message(received) = event {
            assert_eq!(text(&received).1, number.to_string());
            assert!(heard.insert(number), "lamp {number} heard it twice");
        }
    }
    drop(lamps);
}

async fn two_clients_with_one_id_are_told_and_slow_down(bus: Bus) {
    let mut first = Client::spawn(bus.user("svc-payer", &["rsp/svc-payer/#"]));
    let mut second = Client::spawn(bus.user("svc-payer", &["rsp/svc-payer/#"]));
    let told =
        |event: BusEvent| matches!(event, BusEvent::Refused { reason } if reason.contains("client id"));
    loop {
        let event = tokio::select! {
            event = first.event() => event,
            event = second.event() => event,
        };
        if told(event) {
            return;
        }
    }
}

async fn a_goodbye_comes_after_what_is_queued(bus: Bus) {
    let mut lighting = Client::connected(bus.user("svc-lighting", &["evt/#"])).await;
    // Not even connected yet when it says goodbye.
    let mut options = bus.user("svc-residents", &[]);
    options.will = Some(frame(&EVENT, "evt/city/x", "the will"));
    let residents = Client::spawn(options);
    for number in 0..1_000 {
        residents.bus.publish(frame(&EVENT, "evt/city/x", &number.to_string())).unwrap();
    }
    residents.bus.disconnect();
    let began = std::time::Instant::now();
    within("the goodbye", residents.bus.closed()).await;
    assert!(began.elapsed() < Duration::from_secs(2), "the goodbye took {:?}", began.elapsed());
    for number in 0..1_000 {
        assert_eq!(lighting.heard().await.1, number.to_string());
    }
    assert!(residents.bus.publish(frame(&EVENT, "evt/city/x", "too late")).is_ok());
    assert_eq!(residents.bus.refused(), 1);
    lighting.bus.publish(frame(&EVENT, "evt/lighting/x", "the last")).unwrap();
    assert_eq!(lighting.heard().await.1, "the last");
}

async fn a_listener_that_does_not_listen_loses_nothing(bus: Bus) {
    const MESSAGES: usize = 900;
    let (sender, events) = mpsc::channel(1);
    let bus_client = BusClient::spawn(bus.user("svc-lighting", &["evt/#"]), (), sender);
    let mut lighting = Client { bus: bus_client, events };
    lighting.until_connected().await;
    // It publishes to itself and reads only afterwards: its task waits for room long before.
    let others = Client::connected(bus.user("svc-residents", &[])).await;
    for number in 0..MESSAGES {
        others.bus.publish(frame(&EVENT, "evt/city/x", &number.to_string())).unwrap();
        lighting.bus.publish(frame(&EVENT, "evt/lighting/x", &number.to_string())).unwrap();
    }
    let (mut own, mut foreign) = (0, 0);
    while own + foreign < 2 * MESSAGES {
        let (topic, number) = lighting.heard().await;
        let count = if topic == "evt/city/x" { &mut foreign } else { &mut own };
        assert_eq!(number, count.to_string(), "{topic}");
        *count += 1;
    }
}

async fn a_large_message_passes(bus: Bus) {
    let mut lighting = Client::connected(bus.user("svc-lighting", &["evt/#"])).await;
    let large = "x".repeat(1_000_000);
    lighting.bus.publish(frame(&EVENT, "evt/lighting/x", &large)).unwrap();
    assert_eq!(lighting.heard().await.1.len(), large.len());
}
