//! The city from outside: over its bus and its pages, with nothing of ours but the binary.

use std::collections::BTreeSet;

use city_tests::{City, Outsider, Process, free_port, kitecity, mosquitto, wait_for};
use serde_json::{Value, json};

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
fn payloads_nobody_understands_are_told_as_dead_letters_and_stop_nothing() {
    let city = small(&[]);
    let mut outsider = city.operator();
    outsider.subscribe("kitecity/v1/demo/dlq/#");
    let topic = city.lamp_topic("l-0005", "down/cmd");
    for (payload, reason) in [
        ("not json".to_owned(), "expected ident"),
        (r#"{"v":1,"id":"x","d":{"level":300}}"#.to_owned(), "300"),
        (" ".repeat(70_000), "over the limit"),
    ] {
        outsider.publish(&topic, payload);
        let letter = outsider.receive("a dead letter", |_, letter| letter["d"]["topic"] == topic.as_str());
        let told = letter["d"]["reason"].as_str().unwrap_or_default();
        assert!(told.contains(reason), "{told}");
    }
    wait_for("the lamp lit all the same", || city.actual("l-0005").filter(|&level| level > 0));
}

#[test]
fn a_broken_lamp_raises_one_alarm_and_a_repaired_one_ends_it() {
    let city = small(&[]);
    wait_for("the lamp lit", || city.actual("l-0007").filter(|&level| level > 0));
    city.post("/api/lamps/l-0007/break", &json!({}));
    let alarms =
        wait_for("the alarm", || Some(city.get("/api/alarms")).filter(|alarms| alarms != &json!([])));
    assert_eq!(alarms.as_array().map(Vec::len), Some(1), "{alarms}");
    assert_eq!(alarms[0]["luminaire"], "l-0007");
    city.post("/api/lamps/l-0007/repair", &json!({}));
    wait_for("the end of the alarm", || (city.get("/api/alarms") == json!([])).then_some(()));
}

#[test]
fn a_code_is_accepted_once_and_refused_the_second_time() {
    let city = small(&[]);
    let code = wait_for("a code", || code_of(&city, "r-0003"));
    let first = city.post("/api/kiosk/verify", &json!({ "code": code }));
    assert_eq!(
        (&first["verdict"], first["disclosed"]["pseudonym"].as_str().map(|holder| holder.starts_with("p-"))),
        (&json!("accepted"), Some(true)),
        "{first}"
    );
    let second = city.post("/api/kiosk/verify", &json!({ "code": code }));
    assert_eq!(
        (&second["verdict"], &second["reason"]),
        (&json!("refused"), &json!("token_replayed")),
        "{second}"
    );
}

fn code_of(city: &City, resident: &str) -> Option<String> {
    let answer: Value = city.get(&format!("/api/phone/{resident}/code"));
    answer["code"].as_str().map(str::to_owned)
}

#[test]
fn a_resident_walks_to_the_clinic_and_pays_with_a_fresh_code() {
    let city = small(&[]);
    wait_for("the city to be ready", || code_of(&city, "r-0003"));
    let mut outsider = city.operator();
    outsider.subscribe("kitecity/v1/demo/evt/#");
    outsider.publish(
        "kitecity/v1/demo/rpc/residents/s00/walk",
        r#"{"specversion":"1.0","id":"019d9e2c-5b80-7000-8000-000000000001","source":"/test","type":"city.kite.residents.walk.v1","time":"2026-04-18T11:00:00Z","replyto":"kitecity/v1/demo/rsp/test/1","correlationid":"1","data":{"resident":"r-0003","provider":"h-0001"}}"#,
    );
    // Events of different services may overtake each other; and others walk and pay too.
    let settled = outsider.gather("the walk, the verification and the settlement", |events| {
        let about = |word: &str, of: &dyn Fn(&Value) -> bool| {
            let fits = |(topic, event): &&(String, Value)| topic.ends_with(word) && of(event);
            events.iter().find(fits).map(|(_, event)| event.clone())
        };
        let walker = |event: &Value| event["subject"] == "r-0003";
        about("/departed", &walker)?;
        about("/arrived", &walker)?;
        about("/verified", &|event| walker(event) && event["data"]["verifier"] == "payment")?;
        about("/settled", &|event| {
            let bill = &event["subject"];
            about("/created", &|created| {
                created["subject"] == *bill && created["data"]["provider"] == "h-0001"
            })
            .is_some()
        })
    });
    let split = &settled["data"]["split"];
    let parts = ["pool", "account", "cash"].map(|part| split[part].as_i64().expect("fen"));
    assert_eq!(Some(parts.iter().sum()), split["total"].as_i64(), "{split}");
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

/// The traces in a log that a role had to do with.
fn traces(log: &std::path::Path, role: &str) -> BTreeSet<String> {
    let words = std::fs::read_to_string(log).unwrap_or_default();
    let of_role = words.lines().filter(|line| line.contains(&format!("role={role} ")));
    let id = |line: &str| Some(line.split_once("trace{id=")?.1.get(..32)?.to_owned());
    of_role.filter_map(id).collect()
}

#[test]
fn what_comes_of_a_settlement_has_one_trace_in_the_logs_of_all_processes() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = |name: &str| folder.path().join(name);
    let logging = |name: &str| {
        let mut command = kitecity();
        let file = std::fs::File::create(log(name)).expect("a file");
        command.env("KITECITY_LOG", "services=debug").env("NO_COLOR", "1").stderr(file);
        command
    };
    let shared = ["--secret", "shared", "--luminaires", "12", "--speed", "600"];
    let city = City::start_as(logging("city"), &[&shared[..], &["--without", "verifier"]].concat());
    let verifier = ["serve", "verifier", "--broker", &city.broker()];
    let _verifier = Process::spawn(logging("verifier").args(shared).args(verifier));
    wait_for("a trace from the clinic through the payer to the verifier", || {
        let [clinic, payer] = ["clinic", "payer"].map(|role| traces(&log("city"), role));
        let verifier = traces(&log("verifier"), "verifier");
        payer.intersection(&verifier).any(|id| clinic.contains(id)).then_some(())
    });
}
