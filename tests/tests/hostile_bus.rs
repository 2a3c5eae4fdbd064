//! Hostile clients of the embedded broker: whatever they do, memory is bounded and an honest client is served.

use std::io::{Read, Write};
use std::net::TcpStream;

use city_tests::{City, PATIENCE, wait_for};
use serde_json::json;

/// A city that does little by itself: what grows is the broker.
fn quiet() -> City {
    let city =
        City::start(&["--luminaires", "12", "--without", "residents", "--without", "clinic", "--speed", "1"]);
    wait_for("the lamp on the bus", || city.actual("l-0001"));
    city
}

/// A lamp obeys an honest client within the usual patience.
fn serves_an_honest_client(city: &City) {
    let mut operator = city.operator();
    operator.subscribe("kitecity/v1/demo/light/#");
    let command = json!({ "v": 1, "id": format!("honest-{}", std::process::id()), "d": { "level": 37 } });
    operator.publish(&city.lamp_topic("l-0001", "down/cmd"), command.to_string());
    let ack = city.lamp_topic("l-0001", "up/ack");
    operator
        .receive("the acknowledgement", |topic, payload| topic == ack && payload["d"]["result"] == "done");
}

/// MQTT 3.1.1, 3.1: a clean session with user name and password, keep-alive 60 s.
fn connect_packet(client_id: &str, password: &str) -> Vec<u8> {
    let mut packet = vec![0x10, 0, 0, 4, b'M', b'Q', b'T', b'T', 4, 0xc2, 0, 60];
    for text in [client_id, "operator", password] {
        packet.extend([0, text.len() as u8]);
        packet.extend(text.as_bytes());
    }
    packet[1] = (packet.len() - 2) as u8;
    packet
}

/// MQTT 3.1.1, 3.8: one filter at QoS 0.
fn subscribe_packet(id: u16, filter: &str) -> Vec<u8> {
    let length = filter.len() as u8;
    let mut packet = vec![0x82, length + 5];
    packet.extend(id.to_be_bytes());
    packet.extend([0, length]);
    packet.extend(filter.as_bytes());
    packet.push(0);
    packet
}

fn stream(city: &City) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", city.mqtt_port)).expect("the broker listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// A client that is let in, and speaks in bytes.
fn joined(city: &City, client_id: &str) -> TcpStream {
    let mut stream = stream(city);
    stream.write_all(&connect_packet(client_id, &city.password)).expect("a connection");
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).expect("an answer");
    assert_eq!(answer[3], 0, "let in");
    stream
}

#[test]
fn a_packet_over_the_limit_ends_its_connection_and_is_never_kept() {
    let city = quiet();
    serves_an_honest_client(&city);
    let before = city.process.resident_kib();
    for round in 0..8 {
        let mut hostile = joined(&city, &format!("hostile-{round}"));
        // MQTT 3.1.1, 2.2.3: a PUBLISH that claims 256 MB, the most there can be.
        let _ = hostile.write_all(&[0x30, 0xff, 0xff, 0xff, 0x7f, 0, 1, b'x']);
        let chunk = vec![0; 1024 * 1024];
        // Until the broker closes: it must not wait for the rest.
        let written = (0..256).take_while(|_| hostile.write_all(&chunk).is_ok()).count();
        assert!(written < 64, "the broker took {written} MiB of one packet");
    }
    let grown = city.process.resident_kib().saturating_sub(before);
    eprintln!("8 packets of 256 MB: {grown} KiB");
    assert!(grown < 64 * 1024, "{grown} KiB");
    serves_an_honest_client(&city);
}

#[test]
fn thousands_of_half_open_connections_cost_little_and_keep_nobody_out() {
    const CONNECTIONS: u64 = 4_000;
    let city = quiet();
    serves_an_honest_client(&city);
    let before = city.process.resident_kib();
    let mut held = Vec::new();
    for number in 0..CONNECTIONS {
        let mut half = stream(&city);
        if number % 2 == 0 {
            half.write_all(&connect_packet("half", "x")[..9]).expect("half a packet");
        }
        held.push(half);
    }
    serves_an_honest_client(&city);
    let grown = city.process.resident_kib().saturating_sub(before);
    eprintln!("{CONNECTIONS} half-open connections: {grown} KiB");
    assert!(grown < CONNECTIONS * 32, "{grown} KiB");
    drop(held);
    serves_an_honest_client(&city);
}

#[test]
fn a_bomb_of_subscriptions_is_cut_off_and_others_subscribe_all_the_same() {
    let city = quiet();
    let mut hostile = joined(&city, "hostile");
    let (mut granted, mut refused) = (0, 0);
    for number in 0..1_200_u16 {
        let filter = format!("kitecity/v1/demo/light/+/l-{number}/+/state");
        if hostile.write_all(&subscribe_packet(number + 1, &filter)).is_err() {
            refused += 1;
            break;
        }
        let mut answer = [0; 5];
        match hostile.read_exact(&mut answer) {
            Ok(()) if answer[4] < 0x80 => granted += 1,
            _ => refused += 1,
        }
    }
    assert!(granted <= 1_000 && refused > 0, "{granted} granted, {refused} refused");
    serves_an_honest_client(&city);
}

#[test]
fn who_subscribes_to_everything_and_reads_nothing_holds_up_nobody() {
    let city = quiet();
    let mut deaf = joined(&city, "deaf");
    deaf.write_all(&subscribe_packet(1, "kitecity/v1/demo/evt/#")).expect("a subscription");
    let before = city.process.resident_kib();
    let mut speaker = joined(&city, "speaker");
    let topic = b"kitecity/v1/demo/evt/city/x/s00/noise";
    let mut packet = vec![0x30, 0x80 | 39, 8, 0, topic.len() as u8];
    packet.extend(topic);
    packet.extend(vec![b'x'; 39 + 8 * 128 - topic.len() - 2]);
    for _ in 0..20_000 {
        speaker.write_all(&packet).expect("the broker reads on");
    }
    // MQTT 3.1.1, 3.12: when this is answered, all before it is read.
    speaker.write_all(&[0xc0, 0]).expect("a question");
    speaker.read_exact(&mut [0; 2]).expect("an answer");
    serves_an_honest_client(&city);
    let grown = city.process.resident_kib().saturating_sub(before);
    eprintln!("20 MB to one who does not read: {grown} KiB");
    assert!(grown < 200 * 1024, "{grown} KiB");
}
