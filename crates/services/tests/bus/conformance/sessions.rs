//! Who comes in, under which name, for how long, and what is kept of a client that is away.

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    Connect, ConnectProperties, ConnectReturnCode, DisconnectReasonCode, Filter, Login, Packet,
};

use super::raw::{BOTH, Raw, Version, filter, hello, hello_again, payload_of};
use crate::start_at;

/// Keeps the session for some seconds after the connection. MQTT 3.1.1 has no such word: there, a session that is not
/// clean stays.
pub(super) fn kept_for(seconds: u32, hello: Connect) -> Connect {
    let properties = ConnectProperties { session_expiry_interval: Some(seconds), ..ConnectProperties::new() };
    Connect { properties: Some(properties), ..hello }
}

#[test]
fn a_wrong_password_is_refused_with_the_code_for_it() {
    let broker = start_at(0, false);
    for version in BOTH {
        let mut client = Raw::open(&broker, version);
        client.send(Packet::Connect(hello("x"), None, Some(Login::new("operator", "guess"))));
        let Packet::ConnAck(answer) = client.next() else { panic!("no CONNACK") };
        assert_eq!(answer.code, ConnectReturnCode::BadUserNamePassword, "{version:?}");
        assert!(client.receive().is_none(), "{version:?}: the connection ends");
    }
}

#[test]
fn whoever_does_not_begin_with_connect_is_sent_away() {
    let broker = start_at(0, false);
    for first in [&[0xc0, 0][..], b"GET / HTTP/1.1\r\n\r\n", &[0x10, 0xff, 0xff, 0xff, 0xff, 0xff]] {
        let mut client = Raw::open(&broker, Version::V5);
        client.send_bytes(first);
        while let Some(packet) = client.receive() {
            assert!(
                !matches!(&packet, Packet::ConnAck(answer) if answer.code == ConnectReturnCode::Success),
                "{packet:?} to {first:?}"
            );
        }
    }
}

#[test]
fn a_second_connect_ends_the_connection() {
    let broker = start_at(0, false);
    for version in BOTH {
        let mut client = Raw::operator(&broker, version, "x");
        client.send(Packet::Connect(hello("x"), None, None));
        client.farewell();
    }
}

#[test]
fn a_client_without_an_id_is_given_one_only_if_it_starts_clean() {
    let broker = start_at(0, false);
    let refusal = |version| Raw::hello_as(&broker, version, "operator", hello_again(""), None).1.code;
    assert_eq!(refusal(Version::V3), ConnectReturnCode::BadClientId);
    assert_eq!(refusal(Version::V5), ConnectReturnCode::ClientIdentifierNotValid);

    let come_in = |version| Raw::hello_as(&broker, version, "operator", hello(""), None);
    let clients = [come_in(Version::V5), come_in(Version::V5)];
    let [first, second] = clients
        .each_ref()
        .map(|(_, ack)| ack.properties.clone().unwrap().assigned_client_identifier.unwrap());
    assert_ne!(first, second);
    assert_eq!(come_in(Version::V3).1.code, ConnectReturnCode::Success);
}

#[test]
fn a_keep_alive_of_zero_is_accepted() {
    let broker = start_at(0, false);
    for version in BOTH {
        let (mut client, answer) = Raw::hello_as(&broker, version, "operator", hello("x"), None);
        assert_eq!(answer.code, ConnectReturnCode::Success, "{version:?}");
        client.ping();
    }
}

/// MQTT 5.0, 3.1.2.10 asks for one and a half times the keep-alive. Up to 5 s the broker waits 3 s longer instead, which
/// is never less: so short a time is soon over on a busy machine.
#[test]
fn a_client_that_falls_silent_is_sent_away_after_its_keep_alive() {
    let broker = start_at(0, false);
    let clients = BOTH.map(|version| {
        let hello = Connect { keep_alive: 1, ..hello(&format!("{version:?}")) };
        Raw::join(&broker, version, hello, None)
    });
    for mut client in clients {
        client.farewell();
    }
}

#[test]
fn the_broker_says_what_it_can_when_a_client_comes_in() {
    let broker = start_at(0, false);
    let (_client, answer) = Raw::hello_as(&broker, Version::V5, "operator", hello("x"), None);
    let can = answer.properties.unwrap();
    assert_eq!(can.receive_max, Some(256));
    assert_eq!(can.topic_alias_max, Some(32));
    assert_eq!(can.max_packet_size, Some(1024 * 1024));
    // MQTT 5.0, 3.2.2.3: what is left out is there.
    assert_ne!(can.retain_available, Some(0));
    assert_ne!(can.shared_subscription_available, Some(0));
    assert_ne!(can.wildcard_subscription_available, Some(0));
    assert_ne!(can.subscription_identifiers_available, Some(0));
    assert_eq!(can.max_qos.unwrap_or(2), 2);
}

#[test]
fn who_comes_back_finds_subscriptions_and_messages_unless_it_starts_clean() {
    let broker = start_at(0, false);
    let mut speaker = Raw::operator(&broker, Version::V5, "speaker");
    for version in BOTH {
        let (id, topic) = (format!("{version:?}"), format!("evt/{version:?}"));
        let mut client = Raw::join(&broker, version, kept_for(60, hello_again(&id)), None);
        client.hear(&topic);
        client.leave(DisconnectReasonCode::NormalDisconnection);
        for number in 0..5 {
            speaker.say(&topic, &number.to_string());
        }

        let again = kept_for(60, hello_again(&id));
        let (mut client, answer) = Raw::hello_as(&broker, version, "operator", again, None);
        assert!(answer.session_present, "{version:?}");
        // What is said from here on might overtake what waited: rmqtt hands that over only after CONNACK.
        for number in 0..5 {
            assert_eq!(payload_of(&client.heard()), number.to_string(), "{version:?}");
        }
        client.leave(DisconnectReasonCode::NormalDisconnection);

        speaker.say(&topic, "lost");
        let (mut client, answer) = Raw::hello_as(&broker, version, "operator", hello(&id), None);
        assert!(!answer.session_present, "{version:?}");
        speaker.say(&topic, "not subscribed any more");
        client.hear(&topic);
        speaker.say(&topic, "end");
        assert!(client.heard_before("end").is_empty(), "{version:?}");
    }
}

#[test]
fn a_session_without_expiry_ends_with_its_connection() {
    let broker = start_at(0, false);
    let mut client = Raw::join(&broker, Version::V5, hello_again("x"), None);
    client.hear("evt/x");
    client.leave(DisconnectReasonCode::NormalDisconnection);
    let (_client, answer) = Raw::hello_as(&broker, Version::V5, "operator", hello_again("x"), None);
    assert!(!answer.session_present);
}

#[test]
fn a_message_that_was_not_acknowledged_comes_again_after_the_connection_is_lost() {
    let broker = start_at(0, false);
    let mut speaker = Raw::operator(&broker, Version::V5, "speaker");
    for version in BOTH {
        let (id, topic) = (format!("{version:?}"), format!("evt/{version:?}"));
        let mut client = Raw::join(&broker, version, kept_for(60, hello_again(&id)), None);
        client.subscribe(&[Filter { qos: QoS::AtLeastOnce, ..filter(&topic) }]);
        speaker.say(&topic, "1");
        assert!(!client.unacknowledged().dup);
        drop(client);

        let mut client = Raw::join(&broker, version, kept_for(60, hello_again(&id)), None);
        let again = client.heard();
        assert!(again.dup, "{version:?}");
        assert_eq!(payload_of(&again), "1");
    }
}

/// MQTT 5.0, 3.1.4 has the older one told 0x8E. Here its connection just ends, which is all that clients may rely on.
#[test]
fn the_newer_of_two_clients_with_one_id_stays() {
    let broker = start_at(0, false);
    for version in BOTH {
        let mut older = Raw::operator(&broker, version, "x");
        let mut newer = Raw::operator(&broker, version, "x");
        older.farewell();
        newer.hear("evt/x");
        newer.say("evt/x", "here");
        assert_eq!(payload_of(&newer.heard()), "here", "{version:?}");
    }
}
