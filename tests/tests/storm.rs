//! Someone who speaks too much, or in another's name: the CMS says so, and everyone else is served.

use city_tests::{City, Outsider, wait_for};
use serde_json::{Value, json};

/// More than a city at the usual speed minds in one window.
const FLOOD: u32 = 600;

fn city() -> (City, Outsider) {
    let city = City::start(&["--luminaires", "120"]);
    wait_for("the lamps on the bus", || city.actual("l-0006").and(city.actual("l-0007")));
    let mut outsider = city.operator();
    outsider.subscribe("kitecity/v1/demo/evt/lighting/#");
    (city, outsider)
}

/// A state of l-0006, of a later start than any that the city's own has had.
fn state(seq: u32, ts: u32) -> String {
    let body = json!({ "target": 40, "in_effect": 40, "actual": 40, "mode": "programme" });
    let ts = 1_776_510_000_000_u64 + u64::from(ts);
    json!({ "v": 1, "seq": seq, "epoch": 4_000_000_000_u32, "ts": ts, "d": body }).to_string()
}

fn raised(outsider: &mut Outsider, kind: &str) -> Value {
    outsider.receive(kind, |topic, event| topic.ends_with("/raised") && event["data"]["kind"] == kind)
}

#[test]
fn a_flood_is_told_once_and_another_lamp_obeys() {
    let (city, mut outsider) = city();
    let topic = city.lamp_topic("l-0006", "up/state");
    for seq in 1..=FLOOD {
        outsider.publish(&topic, state(seq, seq));
    }
    assert_eq!(raised(&mut outsider, "flooding")["data"]["luminaire"], "l-0006");
    city.post("/api/lamps/l-0007/dim", &json!({ "level": 31, "minutes": 60 }));
    wait_for("the other lamp to obey", || city.actual("l-0007").filter(|&level| level == 31));
}

#[test]
fn two_devices_of_one_name_are_told_of() {
    let (city, mut outsider) = city();
    let topic = city.lamp_topic("l-0006", "up/state");
    for turn in 1..=6 {
        outsider.publish(&topic, state(1_000 + turn, 2 * turn));
        outsider.publish(&topic, state(turn, 2 * turn + 1));
    }
    assert_eq!(raised(&mut outsider, "duplicate_identity")["data"]["luminaire"], "l-0006");
}
