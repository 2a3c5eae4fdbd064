//! How messages travel.

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    Connect, ConnectProperties, DisconnectReasonCode, Packet, PingReq, PubAck, PubAckReason, Publish,
    PublishProperties,
};
use services::broker::Broker;

use super::raw::{BOTH, Raw, Version, hello, hello_again, message, payload_of, retained};
use super::sessions::kept_for;
use crate::{at, start_at};

fn two(broker: &Broker, version: Version) -> (Raw, Raw) {
    let (speaker, mut listener) =
        (Raw::operator(broker, version, "speaker"), Raw::operator(broker, version, "listener"));
    listener.hear("evt/#");
    (speaker, listener)
}

fn with(properties: PublishProperties, publish: Publish) -> Publish {
    Publish { properties: Some(properties), ..publish }
}

fn expiring(seconds: u32, publish: Publish) -> Publish {
    with(
        PublishProperties { message_expiry_interval: Some(seconds), ..PublishProperties::default() },
        publish,
    )
}

/// A client that asks for something special when it comes in.
fn listener_with(broker: &Broker, change: impl FnOnce(&mut ConnectProperties)) -> Raw {
    let mut properties = ConnectProperties::new();
    change(&mut properties);
    let hello = Connect { properties: Some(properties), ..hello("listener") };
    let mut listener = Raw::join(broker, Version::V5, hello, None);
    listener.hear("evt/#");
    listener
}

#[test]
fn a_refused_message_is_answered_with_the_code_for_it_and_reaches_nobody() {
    let broker = start_at(0, false);
    for version in BOTH {
        let (mut speaker, mut listener) = two(&broker, version);
        let (mut lamp, _) = Raw::hello_as(&broker, version, "l-0001", hello("l-0001"), None);
        let answer = lamp.publish(message("evt/x", QoS::AtLeastOnce, "forged"));
        // MQTT 3.1.1 has no code for it, only to acknowledge or to hang up.
        let wanted = match version {
            Version::V3 => PubAckReason::Success,
            Version::V5 => PubAckReason::NotAuthorized,
        };
        assert_eq!(answer.reason, wanted, "{version:?}");
        lamp.throw(message("evt/x", QoS::AtMostOnce, "forged"));
        lamp.ping();
        speaker.say("evt/x", "end");
        assert!(listener.heard_before("end").is_empty(), "{version:?}");
    }
}

#[test]
fn a_topic_that_is_none_reaches_nobody() {
    let broker = start_at(0, false);
    for version in BOTH {
        let (mut speaker, mut listener) = two(&broker, version);
        for wrong in ["", "kitecity/v1/demo/evt/#", "kitecity/v1/demo/evt/+"] {
            let mut client = Raw::operator(&broker, version, "x");
            client.send(Packet::Publish(Publish {
                topic: wrong.into(),
                pkid: 1,
                ..message("", QoS::AtLeastOnce, "wrong")
            }));
            match client.receive() {
                // MQTT 3.1.1 has no code to refuse with.
                Some(Packet::PubAck(ack)) => {
                    assert!(version == Version::V3 || ack.reason != PubAckReason::Success, "`{wrong}`");
                }
                Some(Packet::Disconnect(_)) | None => {}
                other => panic!("{other:?} to `{wrong}`"),
            }
        }
        speaker.say("evt/x", "end");
        assert!(listener.heard_before("end").is_empty(), "{version:?}");
    }
}

#[test]
fn who_begins_more_messages_of_quality_2_than_the_broker_takes_is_sent_away() {
    let broker = start_at(0, false);
    let mut client = Raw::operator(&broker, Version::V5, "x");
    for _ in 0..=256 {
        client.throw(message("evt/x", QoS::ExactlyOnce, "1"));
    }
    client.farewell();
}

#[test]
fn a_message_of_quality_2_arrives_once_however_often_it_is_sent() {
    let broker = start_at(0, false);
    for version in BOTH {
        let (mut speaker, mut listener) = two(&broker, version);
        let pkid = speaker.throw(message("evt/x", QoS::ExactlyOnce, "1"));
        assert!(matches!(speaker.next(), Packet::PubRec(ack) if ack.pkid == pkid));
        let again = Publish { dup: true, pkid, ..message("evt/x", QoS::ExactlyOnce, "1") };
        speaker.send(Packet::Publish(again));
        assert!(matches!(speaker.next(), Packet::PubRec(ack) if ack.pkid == pkid));
        speaker.release(pkid);
        speaker.say("evt/x", "end");
        assert_eq!(listener.heard_before("end"), ["1"], "{version:?}");
    }
}

#[test]
fn the_messages_of_one_client_on_one_topic_keep_their_order() {
    let broker = start_at(0, false);
    for version in BOTH {
        let (mut speaker, mut listener) = two(&broker, version);
        for number in 0..100 {
            speaker.throw(message("evt/x", QoS::AtLeastOnce, &number.to_string()));
        }
        speaker.say("evt/x", "end");
        assert!(listener.heard_before("end").into_iter().eq((0..100).map(|number| number.to_string())));
    }
}

#[test]
fn what_a_message_says_of_itself_comes_with_it() {
    let broker = start_at(0, false);
    let (mut speaker, mut listener) = two(&broker, Version::V5);
    let said = PublishProperties {
        payload_format_indicator: Some(1),
        content_type: Some("application/json".to_owned()),
        response_topic: Some(at("rsp/speaker/x")),
        correlation_data: Some([0, 7, 255].to_vec().into()),
        user_properties: ["b", "a", "b"].map(|name| (name.to_owned(), "x".to_owned())).to_vec(),
        ..PublishProperties::default()
    };
    // Retained as well: a late subscriber is told the same.
    speaker.publish(with(said.clone(), retained("evt/x", "1")));
    let heard = listener.heard().properties.unwrap();
    assert_eq!(heard, said);
    let mut late = Raw::operator(&broker, Version::V5, "late");
    late.hear("evt/#");
    assert_eq!(late.heard().properties.unwrap(), said);
}

#[test]
fn a_message_says_how_long_it_is_still_good_for() {
    let broker = start_at(0, false);
    let (mut speaker, mut listener) = two(&broker, Version::V5);
    speaker.publish(expiring(100, retained("evt/x", "1")));
    speaker.publish(message("evt/x/y", QoS::AtLeastOnce, "without"));
    let left = |publish: Publish| publish.properties.and_then(|all| all.message_expiry_interval);
    assert!(left(listener.heard()).is_some_and(|seconds| (1..=100).contains(&seconds)));
    assert_eq!(left(listener.heard()), None);
    let mut late = Raw::operator(&broker, Version::V5, "late");
    late.hear("evt/#");
    assert!(left(late.heard()).is_some_and(|seconds| (1..=100).contains(&seconds)));
}

#[test]
fn what_has_expired_reaches_neither_who_comes_late_nor_who_comes_back() {
    let broker = start_at(0, false);
    let mut speaker = Raw::operator(&broker, Version::V5, "speaker");
    let mut away = Raw::join(&broker, Version::V5, kept_for(60, hello("away")), None);
    away.hear("evt/queued");
    away.leave(DisconnectReasonCode::NormalDisconnection);
    speaker.publish(expiring(1, message("evt/queued", QoS::AtLeastOnce, "expired")));
    speaker.publish(expiring(1, retained("evt/kept", "expired")));
    // Sorts behind the other, so it comes first only when that is gone.
    speaker.publish(retained("evt/kept/x", "lasting"));

    let mut late = Raw::operator(&broker, Version::V5, "late");
    loop {
        late.hear("evt/kept/#");
        let first = payload_of(&late.heard()).to_owned();
        if first == "lasting" {
            break;
        }
        assert_eq!((&first[..], payload_of(&late.heard())), ("expired", "lasting"));
    }
    // Queued before the other was retained, so it has expired too.
    let mut back = Raw::join(&broker, Version::V5, hello_again("away"), None);
    speaker.say("evt/queued", "end");
    assert!(back.heard_before("end").is_empty());
}

#[test]
fn a_client_may_say_a_number_instead_of_a_topic() {
    let broker = start_at(0, false);
    let (mut speaker, mut listener) = two(&broker, Version::V5);
    let alias = PublishProperties { topic_alias: Some(32), ..PublishProperties::default() };
    for (topic, payload) in [(at("evt/x"), "1"), (String::new(), "2")] {
        let named = Publish { topic: topic.into(), ..message("", QoS::AtLeastOnce, payload) };
        assert_eq!(speaker.publish(with(alias.clone(), named)).reason, PubAckReason::Success);
        let heard = listener.heard();
        assert_eq!((&heard.topic[..], payload_of(&heard)), (at("evt/x").as_bytes(), payload));
    }
}

/// rmqtt counts numbers instead of comparing them with the largest one, so that 33 may be one of 32.
#[test]
fn a_number_that_stands_for_no_topic_ends_the_connection() {
    let broker = start_at(0, false);
    let (mut speaker, mut listener) = two(&broker, Version::V5);
    for (alias, topic) in [(0, at("evt/x")), (5, String::new())] {
        let mut client = Raw::operator(&broker, Version::V5, "x");
        let properties = PublishProperties { topic_alias: Some(alias), ..PublishProperties::default() };
        let wrong = Publish { topic: topic.into(), ..message("", QoS::AtLeastOnce, "wrong") };
        client.throw(with(properties, wrong));
        client.farewell();
    }
    let above = PublishProperties { topic_alias: Some(33), ..PublishProperties::default() };
    let answer = speaker.publish(with(above, message("evt/x", QoS::AtLeastOnce, "above")));
    assert_eq!(answer.reason, PubAckReason::Success);
    assert_eq!(payload_of(&listener.heard()), "above");
    speaker.say("evt/x", "end");
    assert!(listener.heard_before("end").is_empty());
}

#[test]
fn the_broker_says_numbers_only_to_who_knows_them() {
    let broker = start_at(0, false);
    let mut speaker = Raw::operator(&broker, Version::V5, "speaker");
    let mut listener = listener_with(&broker, |asks| asks.topic_alias_max = Some(1));
    for number in 0..2 {
        for topic in ["evt/x", "evt/y"] {
            speaker.say(topic, &number.to_string());
        }
    }
    let mut known = None;
    for topic in ["evt/x", "evt/y", "evt/x", "evt/y"] {
        let heard = listener.heard();
        let alias = heard.properties.and_then(|all| all.topic_alias);
        assert!(alias.is_none_or(|alias| alias == 1), "{alias:?}");
        if heard.topic.is_empty() {
            assert_eq!(known.as_deref(), Some(topic), "a number without a topic before");
        } else {
            assert_eq!(&heard.topic[..], at(topic).as_bytes());
            known = alias.map(|_| topic.to_owned()).or(known);
        }
    }
}

#[test]
fn a_client_is_sent_no_more_unacknowledged_messages_than_it_asked_for() {
    let broker = start_at(0, false);
    let mut speaker = Raw::operator(&broker, Version::V5, "speaker");
    let mut listener = listener_with(&broker, |asks| asks.receive_maximum = Some(2));
    for number in 0..4 {
        speaker.say("evt/x", &number.to_string());
    }
    let [first, _second] = [listener.unacknowledged(), listener.unacknowledged()];
    // Whatever else was sent before the answer to the ping came before it.
    listener.send(Packet::PingReq(PingReq));
    assert!(matches!(listener.next(), Packet::PingResp(_)));
    listener.send(Packet::PubAck(PubAck::new(first.pkid, None)));
    assert_eq!(payload_of(&listener.unacknowledged()), "2");
}

/// MQTT 5.0, 3.1.2.11.4 has the broker leave such a message out and go on. rmqtt ends the connection instead.
#[test]
fn a_message_too_large_for_its_receiver_ends_the_connection() {
    let broker = start_at(0, false);
    let mut speaker = Raw::operator(&broker, Version::V5, "speaker");
    let mut listener = listener_with(&broker, |asks| asks.max_packet_size = Some(200));
    speaker.say("evt/x", "small");
    assert_eq!(payload_of(&listener.heard()), "small");
    speaker.say("evt/x", &"x".repeat(300));
    listener.farewell();
}

#[test]
fn who_sends_a_packet_too_large_for_the_broker_is_sent_away() {
    let broker = start_at(0, false);
    for version in BOTH {
        let mut client = Raw::operator(&broker, version, "x");
        // The header of a message of 2 MiB. MQTT 5.0, 2.1.4.
        client.send_bytes(&[0x30, 0x80, 0x80, 0x80, 0x01]);
        client.farewell();
    }
}

#[test]
fn a_million_bytes_pass() {
    let broker = start_at(0, false);
    for version in BOTH {
        let (mut speaker, mut listener) = two(&broker, version);
        speaker.say("evt/x", &"x".repeat(1_000_000));
        assert_eq!(listener.heard().payload.len(), 1_000_000, "{version:?}");
    }
}
