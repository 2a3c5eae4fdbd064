//! The city from outside: over its bus and its pages, with nothing of ours but the binary.

use city_tests::{City, Outsider, Process, free_port, kitecity, mosquitto, wait_for};
use serde_json::json;

/// A small city: quick to start, with lamps of every kind of street.
const SMALL: &[&str] = &["--luminaires", "120", "--speed", "600"];

fn lit(city: &City) -> usize {
    (1..=120).filter(|lamp| city.actual(&format!("l-{lamp:04}")).is_some_and(|level| level > 0)).count()
}

fn small(more: &[&str]) -> City {
    City::start(&[SMALL, more].concat())
}

#[test]
fn a_client_with_a_wrong_password_or_a_foreign_will_is_kept_out() {
    let city = small(&[]);
    let refusal = Outsider::connect(city.mqtt_port, "stranger", Some(("operator", "guess"))).refusal();
    assert!(refusal.contains("BadUserNamePassword"), "{refusal}");
    let refusal = Outsider::connect(city.mqtt_port, "stranger", None).refusal();
    assert!(refusal.contains("BadUserNamePassword") || refusal.contains("NotAuthorized"), "{refusal}");
}

#[test]
fn dusk_falls_and_the_lamps_come_on_and_ctrl_c_ends_it_cleanly() {
    let mut city = small(&[]);
    wait_for("all lamps lit", || (lit(&city) == 120).then_some(()));
    assert!(city.process.interrupt().success());
}

#[test]
fn an_outside_client_dims_a_lamp_and_sees_it_obey() {
    let city = small(&[]);
    wait_for("the lamp lit", || city.actual("l-0005").filter(|&level| level == 100));
    dims_from_outside(&city, "l-0005");
}

fn dims_from_outside(city: &City, lamp: &str) {
    let mut outsider = city.operator();
    outsider.subscribe("kitecity/v1/demo/light/#");
    outsider.publish(&city.lamp_topic(lamp, "down/cmd"), r#"{"v":1,"id":"outside-1","d":{"level":37}}"#);
    let ack = city.lamp_topic(lamp, "up/ack");
    outsider.receive("the acknowledgement", |topic, payload| {
        topic == ack && payload["d"] == json!({ "command": "outside-1", "result": "done" })
    });
    wait_for("the console to see it", || city.actual(lamp).filter(|&level| level == 37));
}

#[test]
fn lamps_obey_an_outside_program_when_the_cms_is_unplugged() {
    let city = small(&["--without", "lighting"]);
    wait_for("the lamp on the bus", || city.actual("l-0005"));
    assert_eq!(city.actual("l-0005"), Some(0), "without a programme a lamp is dark");
    dims_from_outside(&city, "l-0005");
}

#[test]
fn two_processes_and_an_outside_mosquitto_make_the_same_city() {
    let Some((_broker, port, _folder)) = mosquitto() else { return };
    let address = format!("mqtt://127.0.0.1:{port}");
    let city = small(&["--broker", &address, "--without", "lighting"]);
    let lighting = ["serve", "lighting", "--broker", &address];
    let _lighting = Process::spawn(kitecity().args([&lighting[..], SMALL].concat()));
    wait_for("all lamps lit", || (lit(&city) == 120).then_some(()));
    dims_from_outside(&city, "l-0005");
}

#[test]
fn a_taken_port_is_not_a_failure() {
    let port = free_port();
    let _taken = std::net::TcpListener::bind(("127.0.0.1", port)).expect("free a moment ago");
    let city = small(&["--mqtt-listen", &format!("127.0.0.1:{port}")]);
    assert_ne!(city.mqtt_port, port);
    wait_for("the lamp on the bus", || city.actual("l-0005"));
}
