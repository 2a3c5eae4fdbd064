use eid::{IssueRequest, Profile};
use types::{ReplyTo, ResidentId, RunId, Timestamp};
use uuid::Uuid;
use wire::{ClockChange, Request, RequestBody, encode, prefix};

use super::*;

fn run() -> RunId {
    "demo".parse().unwrap()
}

fn traffic() -> Traffic {
    Traffic::new(prefix(run()))
}

/// The message of a row of the table, as it came in.
fn take(traffic: &mut Traffic, message: &Message) {
    let frame = encode(run(), message);
    let (at, topic, payload) = (Timestamp::default(), frame.topic.as_str(), &frame.payload[..]);
    traffic.take(Seen { at, topic, payload, retained: false, message: Some(message) });
}

fn dead(offset: usize) -> Message {
    let letter = DeadLetter { topic: "x/y".to_owned(), offset, reason: "no".to_owned() };
    Message::DeadLetter { consumer: RoleName::Lighting.slug(), letter }
}

fn question(body: RequestBody) -> Message {
    let reply_to = ReplyTo { path: "svc-console/ask".into(), correlation: [1][..].into() };
    Message::Request(Request { id: Uuid::nil(), time: Timestamp::default(), reply_to, body })
}

fn clock_question() -> Message {
    question(RequestBody::SetClock(ClockChange { step_min: Some(10), ..ClockChange::default() }))
}

#[test]
fn a_payload_that_nobody_can_read_is_withheld() {
    let mut traffic = traffic();
    let seen = Seen {
        at: Timestamp::default(),
        topic: "kitecity/v1/demo/light/kuiwen/l-0001/up/state",
        payload: b"a secret",
        retained: false,
        message: None,
    };
    traffic.take(seen);
    let message = traffic.message(1).unwrap();
    assert_eq!((&message["note"], &message["payload"]), (&json!("withheld"), &json!("")));
    assert!(!format!("{traffic:?}").contains("secret"));
}

#[test]
fn questions_about_people_are_withheld_and_others_are_not() {
    let mut traffic = traffic();
    let request = IssueRequest { resident: ResidentId(1), profile: Profile::Age };
    take(&mut traffic, &question(RequestBody::Issue(request)));
    take(&mut traffic, &clock_question());
    assert_eq!(traffic.message(1).unwrap()["note"], "withheld");
    let clock = traffic.message(2).unwrap();
    assert_eq!(clock["note"], Value::Null);
    assert!(clock["payload"].as_str().unwrap().contains("\"step_min\": 10"), "{clock}");
}

#[test]
fn each_kind_of_topic_keeps_its_last_messages_however_busy_the_others_are() {
    let mut traffic = traffic();
    take(&mut traffic, &clock_question());
    for offset in 0..1_000 {
        take(&mut traffic, &dead(offset));
    }
    let all = traffic.messages("#", 10_000);
    assert_eq!(all.as_array().unwrap().len(), KEPT_MAX + 1);
    assert_eq!(traffic.messages("rpc/#", 10).as_array().unwrap().len(), 1);
    assert_eq!(traffic.overview()["dead"].as_array().unwrap().len(), DEAD_MAX);
    assert_eq!(traffic.overview()["dead"][0]["offset"], 999);
    assert_eq!(traffic.message(2), None, "not kept any more");
}

#[test]
fn filters_have_the_wildcards_of_mqtt_with_and_without_the_prefix() {
    let mut traffic = traffic();
    take(&mut traffic, &dead(0));
    for filter in ["#", "dlq/#", "dlq/+", "+/lighting", "kitecity/v1/demo/dlq/#", "dlq/lighting"] {
        assert_eq!(traffic.messages(filter, 10).as_array().unwrap().len(), 1, "{filter}");
    }
    for filter in ["dlq", "+", "light/#", "kitecity/v1/other/dlq/#"] {
        assert_eq!(traffic.messages(filter, 10), json!([]), "{filter}");
    }
}

#[test]
fn a_rate_is_of_the_time_since_the_last_measurement() {
    let mut traffic = traffic();
    (0..10).for_each(|offset| take(&mut traffic, &dead(offset)));
    let rate = |traffic: &Traffic| {
        let overview = traffic.overview();
        let rows = overview["topics"].as_array().unwrap();
        rows.iter().find(|row| row["name"] == "deadLetter").unwrap()["per_s"].as_f64()
    };
    traffic.measure(2_000);
    assert_eq!(rate(&traffic), Some(5.0));
    traffic.measure(2_000);
    assert_eq!(rate(&traffic), Some(0.0));
}
