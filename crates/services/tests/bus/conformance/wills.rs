//! What is told of clients that are gone.

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode, DisconnectReasonCode, LastWill, LastWillProperties};

use super::raw::{BOTH, Raw, Version, hello, hello_again, payload_of, will};
use super::sessions::kept_for;
use crate::{at, start_at};

/// Someone who hears all events.
fn listener(broker: &services::broker::Broker) -> Raw {
    let mut listener = Raw::operator(broker, Version::V5, "listener");
    listener.hear("evt/#");
    listener
}

fn delayed(seconds: u32, will: LastWill) -> LastWill {
    let properties = LastWillProperties {
        delay_interval: Some(seconds),
        payload_format_indicator: None,
        message_expiry_interval: None,
        content_type: None,
        response_topic: None,
        correlation_data: None,
        user_properties: Vec::new(),
    };
    LastWill { properties: Some(properties), ..will }
}

#[test]
fn a_will_on_a_foreign_topic_is_refused_when_the_client_comes_in() {
    let broker = start_at(0, false);
    for version in BOTH {
        for topic in ["light/kuiwen/l-0002/status", "light/kuiwen/l-0001/up/state", "evt/x"] {
            let (mut lamp, answer) =
                Raw::hello_as(&broker, version, "l-0001", hello("l-0001"), Some(will(topic, "offline")));
            assert_eq!(answer.code, ConnectReturnCode::NotAuthorized, "{version:?} {topic}");
            assert!(lamp.receive().is_none());
        }
    }
}

#[test]
fn a_client_that_is_lost_leaves_its_will_and_one_that_says_goodbye_does_not() {
    let broker = start_at(0, false);
    let mut listener = listener(&broker);
    for version in BOTH {
        let leaving = Raw::join(&broker, version, hello("leaving"), Some(will("evt/x", "leaving")));
        let lost = Raw::join(&broker, version, hello("lost"), Some(will("evt/x", "lost")));
        leaving.leave(DisconnectReasonCode::NormalDisconnection);
        drop(lost);
        let told = listener.heard();
        assert_eq!((payload_of(&told), told.qos), ("lost", QoS::AtLeastOnce), "{version:?}");
    }
}

/// MQTT 5.0, 3.14.2.1 has reason 4 ask for the will; rmqtt forgets it at any goodbye.
#[test]
fn no_goodbye_leaves_a_will_not_even_one_that_asks_for_it() {
    let broker = start_at(0, false);
    let mut listener = listener(&broker);
    let client = Raw::join(&broker, Version::V5, hello("x"), Some(will("evt/x", "asked for")));
    client.leave(DisconnectReasonCode::DisconnectWithWillMessage);
    listener.say("evt/x", "end");
    assert!(listener.heard_before("end").is_empty());
}

#[test]
fn a_retained_will_is_there_for_who_comes_later() {
    let broker = start_at(0, false);
    let mut early = listener(&broker);
    let retained = LastWill { retain: true, ..will("evt/x", "offline") };
    drop(Raw::join(&broker, Version::V3, hello("x"), Some(retained)));
    assert!(!early.heard().retain);
    let mut late = Raw::operator(&broker, Version::V3, "late");
    late.hear("evt/#");
    let told = late.heard();
    assert_eq!((payload_of(&told), told.retain, &told.topic[..]), ("offline", true, at("evt/x").as_bytes()));
}

#[test]
fn a_client_that_is_back_in_time_leaves_no_will() {
    let broker = start_at(0, false);
    let mut listener = listener(&broker);
    let lose = |id: &str| {
        let hello = kept_for(60, hello(id));
        drop(Raw::join(&broker, Version::V5, hello, Some(delayed(1, will("evt/x", id)))));
    };
    lose("back");
    let (_back, answer) =
        Raw::hello_as(&broker, Version::V5, "operator", kept_for(60, hello_again("back")), None);
    assert!(answer.session_present);
    lose("gone");
    // Lost later, and told: the other one's would have been told before.
    assert_eq!(payload_of(&listener.heard()), "gone");
}

/// MQTT 5.0, 3.1.3.2.2: after the delay or at the end of the session, whichever is earlier.
#[test]
fn the_end_of_a_session_ends_the_delay_of_its_will() {
    let broker = start_at(0, false);
    let mut listener = listener(&broker);
    let will = delayed(3_600, will("evt/x", "gone"));
    drop(Raw::join(&broker, Version::V5, kept_for(1, hello("x")), Some(will)));
    assert_eq!(payload_of(&listener.heard()), "gone");
    let (_client, answer) = Raw::hello_as(&broker, Version::V5, "operator", hello_again("x"), None);
    assert!(!answer.session_present);
}

#[test]
fn a_client_whose_id_is_taken_over_leaves_its_will() {
    let broker = start_at(0, false);
    let mut listener = listener(&broker);
    for version in BOTH {
        let mut older = Raw::join(&broker, version, hello("x"), Some(will("evt/x", "taken over")));
        let _newer = Raw::operator(&broker, version, "x");
        older.farewell();
        assert_eq!(payload_of(&listener.heard()), "taken over", "{version:?}");
    }
}

/// A device that is back says so; whoever listens must not hear after that that it is gone.
#[test]
fn the_last_word_of_an_older_connection_comes_before_the_first_of_the_newer_one() {
    const ROUNDS: usize = 200;
    for version in BOTH {
        let broker = start_at(0, false);
        let mut listener = listener(&broker);
        let offline = || Some(LastWill { retain: true, ..will("evt/x", "offline") });
        let mut older = Raw::join(&broker, version, hello("x"), offline());
        for round in 0..ROUNDS {
            let mut newer = Raw::join(&broker, version, hello("x"), offline());
            newer.say("evt/x", "online");
            // The broker may hand out what it retains to a subscription of just before once more.
            let mut live = || loop {
                let told = listener.heard();
                if !told.retain {
                    return told;
                }
            };
            let told = [live(), live()];
            assert_eq!(told.each_ref().map(payload_of), ["offline", "online"], "{version:?}, round {round}");
            older = newer;
        }
        drop(older);
        assert_eq!(payload_of(&listener.heard()), "offline");
    }
}

#[test]
fn who_comes_back_at_once_is_let_in_whatever_its_older_connection_does() {
    let broker = start_at(0, false);
    for version in BOTH {
        for _ in 0..200 {
            let will = Some(will("evt/x", "offline"));
            let (_lost, answer) = Raw::hello_once(&broker, version, "operator", hello("x"), will);
            assert_eq!(answer.code, ConnectReturnCode::Success, "{version:?}");
        }
    }
}
