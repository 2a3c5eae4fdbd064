//! Who hears what.

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    DisconnectReasonCode, Filter, Packet, Publish, RetainForwardRule, Subscribe, SubscribeProperties,
    SubscribeReasonCode, UnsubAckReason,
};
use services::broker::Broker;

use super::raw::{BOTH, Raw, Version, filter, hello, message, payload_of, retained, will};
use super::sessions::kept_for;
use crate::{at, start_at};

fn two(broker: &Broker, version: Version) -> (Raw, Raw) {
    (Raw::operator(broker, version, "speaker"), Raw::operator(broker, version, "listener"))
}

#[test]
fn ten_thousand_retained_states_reach_a_late_subscriber_complete() {
    const STATES: usize = 10_000;
    let broker = start_at(0, false);
    let mut speaker = Raw::operator(&broker, Version::V5, "speaker");
    for number in 0..STATES {
        let state = retained(&format!("light/kuiwen/{number}/up/state"), &number.to_string());
        speaker.throw(Publish { qos: QoS::AtMostOnce, ..state });
    }
    speaker.ping();
    for version in BOTH {
        let mut late = Raw::operator(&broker, version, "late");
        late.hear("light/+/+/up/state");
        let mut heard: Vec<usize> = (0..STATES)
            .map(|_| {
                let state = late.heard();
                assert!(state.retain);
                payload_of(&state).parse().unwrap()
            })
            .collect();
        heard.sort_unstable();
        assert!(heard.into_iter().eq(0..STATES), "{version:?}");
    }
}

#[test]
fn the_last_retained_message_counts_and_an_empty_one_removes_it() {
    let broker = start_at(0, false);
    for version in BOTH {
        let (mut speaker, mut listener) = two(&broker, version);
        for payload in ["1", "2"] {
            speaker.publish(retained("evt/kept", payload));
        }
        speaker.publish(retained("evt/gone", "1"));
        speaker.publish(retained("evt/gone", ""));
        // What is retained comes in the order of its topics.
        speaker.publish(retained("evt/last", "end"));
        listener.hear("evt/+");
        assert_eq!(listener.heard_before("end"), ["2"], "{version:?}");
    }
}

/// A subscription, and what is retained on its topic; with the two who hear and speak there.
fn subscribed_to_retained(broker: &Broker, wanted: Filter, subscribed_before: bool) -> (Raw, Raw) {
    let (mut speaker, mut listener) = two(broker, Version::V5);
    if subscribed_before {
        listener.subscribe(std::slice::from_ref(&wanted));
    }
    speaker.publish(retained("evt/x", "before"));
    if subscribed_before {
        assert_eq!(payload_of(&listener.heard()), "before");
    }
    listener.subscribe(&[wanted]);
    (speaker, listener)
}

fn wanting(rule: RetainForwardRule) -> Filter {
    Filter { retain_forward_rule: rule, ..filter("evt/x") }
}

#[test]
fn a_subscription_may_say_that_it_does_not_want_what_is_retained() {
    for (rule, subscribed_before) in [
        (RetainForwardRule::OnNewSubscribe, true),
        (RetainForwardRule::Never, true),
        (RetainForwardRule::Never, false),
    ] {
        let broker = start_at(0, false);
        let (mut speaker, mut listener) =
            subscribed_to_retained(&broker, wanting(rule.clone()), subscribed_before);
        speaker.say("evt/x", "end");
        assert!(listener.heard_before("end").is_empty(), "{rule:?} {subscribed_before}");
    }
}

#[test]
fn a_subscription_is_told_what_is_retained_and_afterwards_may_keep_the_flag() {
    for (rule, subscribed_before) in [
        (RetainForwardRule::OnEverySubscribe, true),
        (RetainForwardRule::OnEverySubscribe, false),
        (RetainForwardRule::OnNewSubscribe, false),
    ] {
        for preserve_retain in [false, true] {
            let wanted = Filter { preserve_retain, ..wanting(rule.clone()) };
            let broker = start_at(0, false);
            let (mut speaker, mut listener) = subscribed_to_retained(&broker, wanted, subscribed_before);
            let kept = listener.heard();
            assert_eq!((payload_of(&kept), kept.retain), ("before", true), "{rule:?}");
            speaker.publish(retained("evt/x", "after"));
            let live = listener.heard();
            assert_eq!((payload_of(&live), live.retain), ("after", preserve_retain), "{rule:?}");
        }
    }
}

#[test]
fn a_subscription_may_leave_out_what_the_client_says_itself() {
    let broker = start_at(0, false);
    let (mut other, mut client) = two(&broker, Version::V5);
    client.subscribe(&[Filter { nolocal: true, ..filter("evt/x") }]);
    client.say("evt/x", "own");
    other.say("evt/x", "end");
    assert!(client.heard_before("end").is_empty());
}

#[test]
fn a_message_comes_with_the_lower_of_two_qualities_of_service() {
    let broker = start_at(0, false);
    let all = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce];
    for version in BOTH {
        for wanted in all {
            let (mut speaker, mut listener) = two(&broker, version);
            let granted = listener.subscribe(&[Filter { qos: wanted, ..filter("evt/x") }]);
            assert_eq!(granted, [SubscribeReasonCode::Success(wanted)]);
            for sent in all {
                let pkid = speaker.throw(message("evt/x", sent, "x"));
                if sent == QoS::ExactlyOnce {
                    assert!(matches!(speaker.next(), Packet::PubRec(_)));
                    speaker.release(pkid);
                }
                let lower = if (sent as u8) < wanted as u8 { sent } else { wanted };
                assert_eq!(listener.heard().qos, lower, "{version:?}: {sent:?} for {wanted:?}");
                if sent == QoS::AtLeastOnce {
                    assert!(matches!(speaker.next(), Packet::PubAck(_)));
                }
            }
        }
    }
}

/// The standards leave it open. In MQTT 5 the one copy names both subscriptions.
#[test]
fn overlapping_subscriptions_deliver_a_message_for_each_in_3_1_1_and_once_in_5() {
    let broker = start_at(0, false);
    for version in BOTH {
        let (mut speaker, mut listener) = two(&broker, version);
        listener.subscribe(&[filter("evt/#"), filter("evt/+")]);
        speaker.say("evt/x", "1");
        speaker.say("evt/x/y", "2");
        speaker.say("evt/x/y", "end");
        let copies: &[&str] = match version {
            Version::V3 => &["1", "1", "2"],
            Version::V5 => &["1", "2"],
        };
        assert_eq!(listener.heard_before("end"), copies, "{version:?}");
    }
}

#[test]
fn a_message_names_the_subscription_it_came_by() {
    let broker = start_at(0, false);
    let (mut speaker, mut listener) = two(&broker, Version::V5);
    for (id, wanted) in [(1, "evt/#"), (300, "evt/+")] {
        let properties = Some(SubscribeProperties { id: Some(id), user_properties: Vec::new() });
        listener.subscribe_with(Subscribe { pkid: 0, filters: vec![filter(wanted)], properties });
    }
    speaker.say("evt/x", "1");
    let mut ids = Vec::new();
    while ids.len() < 2 {
        ids.extend(listener.heard().properties.unwrap().subscription_identifiers);
    }
    ids.sort_unstable();
    assert_eq!(ids, [1, 300]);
}

#[test]
fn the_members_of_a_group_share_its_messages_evenly_and_each_is_heard_once() {
    const MESSAGES: usize = 90;
    let broker = start_at(0, false);
    for version in BOTH {
        let mut speaker = Raw::operator(&broker, version, "speaker");
        let mut members: Vec<Raw> =
            (0..3).map(|n| Raw::operator(&broker, version, &format!("m{n}"))).collect();
        for member in &mut members {
            member.subscribe(&[share("group", "evt/x")]);
            member.hear("evt/end");
        }
        for number in 0..MESSAGES {
            speaker.say("evt/x", &number.to_string());
        }
        speaker.say("evt/end", "end");
        let shares: Vec<Vec<String>> = members.iter_mut().map(|member| member.heard_before("end")).collect();
        assert!(shares.iter().all(|share| share.len() == MESSAGES / 3), "{version:?}: {shares:?}");
        let mut numbers: Vec<usize> = shares.iter().flatten().map(|number| number.parse().unwrap()).collect();
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..MESSAGES), "{version:?}");
    }
}

fn share(group: &str, wanted: &str) -> Filter {
    Filter::new(format!("$share/{group}/{}", at(wanted)), QoS::AtLeastOnce)
}

#[test]
fn who_is_left_of_a_group_hears_everything() {
    let broker = start_at(0, false);
    let mut speaker = Raw::operator(&broker, Version::V5, "speaker");
    let [mut stays, mut leaves] = ["stays", "leaves"].map(|id| Raw::operator(&broker, Version::V5, id));
    // Lost, but its session stays: what it were given would wait there for nobody.
    let mut lost =
        Raw::join(&broker, Version::V5, kept_for(60, hello("lost")), Some(will("evt/will", "lost")));
    for member in [&mut stays, &mut leaves, &mut lost] {
        member.subscribe(&[share("group", "evt/x")]);
    }
    speaker.hear("evt/will");
    leaves.leave(DisconnectReasonCode::NormalDisconnection);
    drop(lost);
    assert_eq!(payload_of(&speaker.heard()), "lost");
    for number in 0..20 {
        speaker.say("evt/x", &number.to_string());
    }
    let heard: Vec<String> = (0..20).map(|_| payload_of(&stays.heard()).to_owned()).collect();
    assert!(heard.into_iter().eq((0..20).map(|number| number.to_string())));
}

/// MQTT 5.0, 4.8.2 has no retained messages for a group. rmqtt sends them to each member that joins, so whoever shares
/// state must be ready to see it more than once.
#[test]
fn a_group_hears_beside_those_who_listen_alone_and_each_member_what_was_retained() {
    let broker = start_at(0, false);
    let (mut speaker, mut alone) = two(&broker, Version::V5);
    let mut member = Raw::operator(&broker, Version::V5, "member");
    speaker.publish(retained("evt/x", "before"));
    member.subscribe(&[share("group", "evt/x")]);
    alone.hear("evt/x");
    for listener in [&mut alone, &mut member] {
        assert_eq!(payload_of(&listener.heard()), "before");
    }
    speaker.say("evt/x", "after");
    for listener in [&mut alone, &mut member] {
        assert_eq!(payload_of(&listener.heard()), "after");
    }
}

#[test]
fn what_may_not_be_heard_is_refused_with_the_code_for_it_and_the_rest_granted() {
    let broker = start_at(0, false);
    for version in BOTH {
        let refused = match version {
            Version::V3 => SubscribeReasonCode::Failure,
            Version::V5 => SubscribeReasonCode::NotAuthorized,
        };
        let (mut lamp, _) = Raw::hello_as(&broker, version, "l-0001", hello("l-0001"), None);
        let answers = lamp.subscribe(&[
            filter("light/kuiwen/l-0002/down/+"),
            filter("light/kuiwen/l-0001/down/+"),
            share("group", "light/kuiwen/l-0001/down/+"),
        ]);
        let granted = SubscribeReasonCode::Success(QoS::ExactlyOnce);
        assert_eq!(answers, [refused, granted, refused], "{version:?}");
    }
}

/// The standard has `#` leave out topics that begin with `$`. Here nobody hears everything: the rules grant `kitecity/#`
/// at most, and topics with `$` by name. Further in, where `$` means nothing, rmqtt takes no topic that has it.
#[test]
fn nobody_subscribes_to_everything_and_wildcards_hear_no_level_with_a_dollar_sign() {
    let broker = start_at(0, false);
    for version in BOTH {
        let (mut speaker, mut listener) = two(&broker, version);
        for everything in ["#", "+/#", "$SYS/#"] {
            let answer = listener.subscribe(&[Filter::new(everything, QoS::AtLeastOnce)]);
            assert!(!matches!(answer[..], [SubscribeReasonCode::Success(_)]), "{version:?} {everything}");
        }
        listener.subscribe(&[Filter::new("kitecity/#", QoS::AtLeastOnce)]);
        speaker.throw(message("evt/$x", QoS::AtMostOnce, "1"));
        speaker.say("evt/x", "end");
        assert!(listener.heard_before("end").is_empty(), "{version:?}");
    }
}

#[test]
fn a_filter_that_is_none_is_not_granted() {
    let broker = start_at(0, false);
    for version in BOTH {
        for wrong in
            ["", "kitecity/v1/demo/#/x", "kitecity/v1/demo/x#", "kitecity/v1/demo/+x", "$share/group"]
        {
            let mut client = Raw::operator(&broker, version, "x");
            client.send(Packet::Subscribe(Subscribe {
                pkid: 1,
                filters: vec![Filter::new(wrong, QoS::AtMostOnce)],
                properties: None,
            }));
            match client.receive() {
                Some(Packet::SubAck(ack)) => assert!(
                    !matches!(ack.return_codes[..], [SubscribeReasonCode::Success(_)]),
                    "{version:?} `{wrong}` {ack:?}"
                ),
                Some(Packet::Disconnect(_)) | None => {}
                other => panic!("{other:?} to `{wrong}`"),
            }
        }
    }
}

#[test]
fn who_unsubscribes_hears_no_more() {
    let broker = start_at(0, false);
    for version in BOTH {
        let (mut speaker, mut listener) = two(&broker, version);
        listener.hear("evt/x");
        listener.hear("evt/end");
        let answer = listener.unsubscribe("evt/x");
        if version == Version::V5 {
            assert_eq!(answer.reasons, [UnsubAckReason::Success]);
            // MQTT 5.0, 3.11.3 has 0x11 for a subscription that is not there; rmqtt is always content.
            assert_eq!(listener.unsubscribe("evt/x").reasons, [UnsubAckReason::Success]);
        }
        speaker.say("evt/x", "1");
        speaker.say("evt/end", "end");
        assert!(listener.heard_before("end").is_empty(), "{version:?}");
    }
}
