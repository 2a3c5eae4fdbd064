//! The embedded broker where others than this machine come: who says nothing has to go.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering;

use super::*;

/// A broker that listens to the network, and where it is reached from here.
fn on_the_network() -> (Broker, SocketAddr) {
    let broker = start_on(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)), false, None);
    let reached = SocketAddr::from((Ipv4Addr::LOCALHOST, broker.mqtt_addr().port()));
    (broker, reached)
}

fn open(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Waits until the broker closes it.
fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0; 64]) {
        Ok(length) => length == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

/// MQTT 3.1.1, 3.1: a clean session of an operator, without keep-alive.
fn connect_packet(client_id: &str) -> Vec<u8> {
    let mut packet = vec![0x10, 0, 0, 4, b'M', b'Q', b'T', b'T', 4, 0xc2, 0, 0];
    for text in [client_id, "operator", &secret().password_for("operator")] {
        packet.extend([0, text.len() as u8]);
        packet.extend(text.as_bytes());
    }
    packet[1] = (packet.len() - 2) as u8;
    packet
}

#[test]
fn who_says_nothing_or_half_a_packet_is_sent_away_and_who_was_slow_but_came_in_stays() {
    let (broker, address) = on_the_network();
    let mut slow = open(address);
    for byte in connect_packet("slow") {
        slow.write_all(&[byte]).unwrap();
    }
    let mut answer = [0xff; 4];
    slow.read_exact(&mut answer).unwrap();
    assert_eq!(answer, [0x20, 2, 0, 0], "let in");

    let mut silent = open(address);
    let mut half = open(address);
    half.write_all(&connect_packet("half")[..9]).unwrap();
    assert!(is_closed(&mut silent) && is_closed(&mut half));
    assert_eq!(broker.counters().not_in_time.load(Ordering::Relaxed), 2);

    // MQTT 3.1.1, 3.12: its time to come in is over, too, and it is still there.
    slow.write_all(&[0xc0, 0]).unwrap();
    let mut pong = [0; 2];
    slow.read_exact(&mut pong).unwrap();
    assert_eq!(pong, [0xd0, 0]);
}

#[tokio::test]
async fn rules_and_passwords_are_the_same_and_the_citys_own_clients_have_a_door_of_their_own() {
    let (broker, address) = on_the_network();
    let outside = BusAddress::plain("127.0.0.1", address.port());
    let own = BusAddress::plain("127.0.0.1", broker.own_addr().port());
    assert_ne!(own, outside);
    let mut options = user(&outside, "svc-payer", &[]);
    options.credentials = Some(("svc-payer".to_owned(), "guess".to_owned()));
    assert_eq!(Client::spawn(options).refused().await, "wrong user name or password");
    let mut lighting = Client::connected(user(&own, "svc-lighting", &["light/#"])).await;
    let lamp = Client::connected(user(&outside, "l-0001", &[])).await;
    lamp.bus.publish(frame(&EVENT, "light/kuiwen/l-0001/up/alarm", "x")).unwrap();
    assert_eq!(lighting.heard().await, ("light/kuiwen/l-0001/up/alarm".to_owned(), "x".to_owned()));
}
