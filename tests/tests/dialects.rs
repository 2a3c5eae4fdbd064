//! Luminaires that speak as devices of other platforms, and devices and Home Assistant that join the city: with plain
//! MQTT clients in the place of the platforms, and with another city.

use std::process::{Command, Stdio};

use city_tests::{City, Outsider, Process, kitecity, mosquitto, wait_for};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

const SETTINGS: &str = include_str!("../../config/city.toml");

/// A file with these devices, behind the usual settings or alone.
fn file(settings: &str, devices: &str) -> (tempfile::NamedTempFile, String) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), format!("{settings}{devices}")).expect("a file");
    let path = file.path().to_str().expect("a path in UTF-8").to_owned();
    (file, path)
}

fn iotda_device(lamp: u32) -> String {
    format!(
        "[[device]]\ndialect = \"iotda\"\nid = \"66a0bc_lamp-{lamp}\"\nsecret = \"secret-{lamp}\"\nlamp = \"l-{lamp:04}\"\n"
    )
}

/// What Home Assistant's password is in a city with the secret `shared`.
fn home_password() -> String {
    let mac = |key: &[u8], message: &[u8]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
        mac.update(message);
        mac.finalize().into_bytes()
    };
    let secret = mac(b"kitecity secret", b"shared");
    mac(&secret, b"homeassistant").iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn serve_fleet(arguments: &[&str]) -> Process {
    Process::spawn(kitecity().args([&["serve", "fleet", "--luminaires", "120"], arguments].concat()))
}

fn refusal(command: &mut Command) -> String {
    let output = command.stderr(Stdio::piped()).output().expect("it runs");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    errors
}

#[test]
fn what_does_not_go_together_is_refused_in_words() {
    let (_file, path) = file("", &iotda_device(5).replace("iotda", "streetlights"));
    let broker = "mqtt://127.0.0.1:9";
    for (arguments, words) in [
        (vec!["--dialect", "iotda"], "wants `--broker mqtt://host:port`"),
        (vec!["--dialect", "zigbee"], "`zigbee` is no dialect"),
        (vec!["--subscribe"], "`--subscribe` goes with `--dialect`"),
        (vec!["--devices", &path], "`--devices` goes with `--dialect`"),
        (vec!["--dialect", "iotda", "--broker", broker], "the platform must know the devices' secrets"),
        (vec!["serve", "lighting", "--dialect", "iotda", "--broker", broker], "`lighting` has none of"),
        (vec!["doctor", "--dialect", "iotda"], "`--dialect` goes with `up`"),
        (vec!["devices", "--dialect", "iotda"], "give `--secret WORDS`"),
        (
            vec!["serve", "fleet", "--dialect", "iotda", "--broker", broker, "--devices", &path],
            "speaks streetlights, the luminaires are to speak iotda",
        ),
        (vec!["--home-assistant", "1001"], "`homeassistant.lights` must be 0 to 1000"),
        (vec!["serve", "homeassistant"], "give `--home-assistant 20`"),
        (vec!["serve", "streetlights"], "no `[[device]]` with `dialect = \"streetlights\"`"),
    ] {
        let told = refusal(kitecity().args(&arguments));
        assert!(told.contains(words), "{arguments:?}: {told}");
    }
}

#[test]
fn the_devices_that_luminaires_are_can_be_printed_and_read_again() {
    let printed = |arguments: &[&str]| {
        let common = ["devices", "--dialect", "iotda", "--luminaires", "3"];
        let output = kitecity().args([&common[..], arguments].concat()).output().expect("it runs");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let once = printed(&["--secret", "shared"]);
    assert_eq!(once.matches("[[device]]").count(), 3, "{once}");
    assert!(once.contains("id = \"kitecity-demo_l-0003\""), "{once}");
    let (_file, path) = file("", &once);
    assert_eq!(printed(&["--devices", &path]), once);
}

#[test]
fn our_luminaires_join_another_city_as_devices_of_iotda() {
    let devices: String = (5..8).map(iotda_device).collect();
    let (_settings, settings) = file(SETTINGS, &devices);
    let (_devices, devices) = file("", &devices);
    let city = City::start(&["--config", &settings, "--luminaires", "120", "--speed", "600"]);
    assert_eq!(city.get("/api/lamps/l-0006")["online"], false, "not simulated there");
    let broker = city.broker();
    let fleet = ["--dialect", "iotda", "--broker", &broker, "--devices", &devices];
    let mut fleet = serve_fleet(&fleet);
    wait_for("the device", || (city.get("/api/lamps/l-0006")["online"] == true).then_some(()));
    wait_for("its light, by the programme of the other city", || {
        city.actual("l-0006").filter(|&level| level > 0)
    });
    wait_for("its readings", || city.get("/api/lamps/l-0006")["telemetry"]["power_mw"].as_u64());
    let answer = city.post("/api/lamps/l-0006/dim", &json!({ "level": 40 }));
    assert_eq!(answer["ok"], true, "{answer}");
    wait_for("the command to be obeyed", || {
        (city.get("/api/lamps/l-0006")["commands"][0]["status"] == "successful").then_some(())
    });
    wait_for("its dimmed light", || city.actual("l-0006").filter(|&level| level == 40));
    fleet.interrupt();
    wait_for("it to be missed", || (city.get("/api/lamps/l-0006")["online"] == false).then_some(()));
}

#[test]
fn a_platform_of_another_make_commands_our_luminaires_and_the_city_shows_it() {
    let Some((_broker, port, _folder)) = mosquitto() else { return };
    let broker = format!("mqtt://127.0.0.1:{port}");
    let mut platform = Outsider::connect(port, "platform", None);
    platform.subscribe("$oc/devices/+/sys/#");
    let city = City::start(&[
        "--dialect",
        "iotda",
        "--broker",
        &broker,
        "--subscribe",
        "--secret",
        "shared",
        "--luminaires",
        "120",
    ]);
    let home = "$oc/devices/kitecity-demo_l-0007/sys";
    let at = |rest: &str| format!("{home}/{rest}");
    let report = platform.receive("a report", |topic, _| topic == at("properties/report"));
    let light = &report["services"][0];
    assert_eq!(
        (&light["service_id"], &light["properties"]["level"]),
        (&json!("Light"), &json!(0)),
        "{report}"
    );

    let command = json!({ "service_id": "Light", "command_name": "SetLevel", "paras": { "level": 40 } });
    platform.publish(&at("commands/request_id=any-thing"), command.to_string());
    let answer =
        platform.receive("an answer", |topic, _| topic == at("commands/response/request_id=any-thing"));
    assert_eq!(answer["result_code"], 0, "{answer}");
    platform.receive("the light", |topic, report| {
        topic == at("properties/report") && report["services"][0]["properties"]["actual"] == 40
    });
    wait_for("the light on the map", || city.actual("l-0007").filter(|&level| level == 40));
    platform.publish(&at("commands/request_id=2"), command.to_string().replace("40", "400"));
    let answer = platform.receive("a refusal", |topic, _| topic == at("commands/response/request_id=2"));
    assert_ne!(answer["result_code"], 0, "{answer}");

    let query = json!({ "services": [{ "service_id": "$ota", "event_type": "version_query", "paras": {} }] });
    platform.publish(&at("events/down"), query.to_string());
    platform.receive("its version", |topic, event| {
        topic == at("events/up") && event["services"][0]["event_type"] == "version_report"
    });
    platform.publish(&at("properties/get/request_id=3"), json!({ "service_id": "Light" }).to_string());
    let told =
        platform.receive("its properties", |topic, _| topic == at("properties/get/response/request_id=3"));
    assert_eq!(told["services"][0]["properties"]["target"], 40, "{told}");
}

#[test]
fn our_luminaires_are_lamps_of_the_streetlights_api() {
    let Some((_broker, port, _folder)) = mosquitto() else { return };
    let mut platform = Outsider::connect(port, "platform", None);
    platform.subscribe("smartylighting/streetlights/1/0/event/#");
    let broker = format!("mqtt://127.0.0.1:{port}");
    let _fleet = serve_fleet(&["--dialect", "streetlights", "--broker", &broker, "--secret", "shared"]);
    let measured = "smartylighting/streetlights/1/0/event/kitecity-demo-l-0007/lighting/measured";
    platform.receive("darkness", |topic, measured_| topic == measured && measured_["lumens"] == 0);
    let action = "smartylighting/streetlights/1/0/action/kitecity-demo-l-0007";
    let full = json!({ "command": "on", "sentAt": "2026-04-18T11:00:00Z" }).to_string();
    platform.publish(&format!("{action}/turn/on"), full);
    let lit =
        platform.receive("light", |topic, told| topic == measured && told["lumens"].as_u64() > Some(1_000));
    let full = lit["lumens"].as_u64().expect("a number");
    platform.publish(&format!("{action}/dim"), json!({ "percentage": 50 }).to_string());
    platform.receive("half of it", |topic, told| topic == measured && told["lumens"] == full / 2);
}

#[test]
fn a_streetlight_joins_obeys_and_is_missed_when_it_stays_dark() {
    let device = "[[device]]\ndialect = \"streetlights\"\nid = \"pole-5\"\nsecret = \"b5e1c0a97f\"\nlamp = \"l-0005\"\nlumens = 10000\n";
    let (_settings, settings) = file(SETTINGS, device);
    let city = City::start(&["--config", &settings, "--luminaires", "120", "--speed", "600"]);
    for (client_id, user, password) in
        [("pole-5", "b5e1c0a97g", ""), ("pole-5", "pole-5", "b5e1c0a97f"), ("pole-6", "b5e1c0a97f", "")]
    {
        Outsider::connect(city.mqtt_port, client_id, Some((user, password))).refusal();
    }
    let mut pole = Outsider::connect(city.mqtt_port, "pole-5", Some(("b5e1c0a97f", "")));
    for filter in ["#", "smartylighting/#", "smartylighting/streetlights/1/0/action/pole-6/dim"] {
        assert!(!pole.may_subscribe(filter), "{filter}");
    }
    pole.subscribe("smartylighting/streetlights/1/0/action/pole-5/#");
    let event = "smartylighting/streetlights/1/0/event/pole-5/lighting/measured";
    let measures = |pole: &mut Outsider, lumens: u64| {
        pole.publish(event, json!({ "lumens": lumens }).to_string());
    };
    measures(&mut pole, 0);
    pole.next("the light of the programme", |topic, _| topic.contains("/action/pole-5/turn/on"));
    measures(&mut pole, 10_000);
    wait_for("its light", || city.actual("l-0005").filter(|&level| level == 100));

    city.post("/api/lamps/l-0005/dim", &json!({ "level": 40 }));
    let (_, dim) = pole.next("to be dimmed", |topic, _| topic.ends_with("/action/pole-5/dim"));
    assert_eq!(dim["percentage"], 40);
    measures(&mut pole, 4_000);
    wait_for("its dimmed light", || city.actual("l-0005").filter(|&level| level == 40));

    let alarms = || {
        let alarms = city.get("/api/alarms");
        alarms.as_array().into_iter().flatten().map(|alarm| alarm["kind"].clone()).collect::<Vec<_>>()
    };
    wait_for("the alarm", || {
        measures(&mut pole, 0);
        (alarms() == ["lamp_failure"]).then_some(())
    });
    wait_for("the end of the alarm", || {
        measures(&mut pole, 4_000);
        alarms().is_empty().then_some(())
    });
}

/// Plays Home Assistant: finds a light, turns it on with a brightness, and sees it lit.
fn plays_home_assistant(city: &City, home: &mut Outsider) -> String {
    home.subscribe("homeassistant/#");
    let (topic, config) =
        home.next("a light", |topic, config| topic.ends_with("/config") && config["schema"] == "json");
    let base = config["~"].as_str().expect("a base").to_owned();
    assert_eq!(topic, format!("{base}/config"));
    assert_eq!((&config["brightness_scale"], &config["cmd_t"]), (&json!(254), &json!("~/set")));
    home.publish(&format!("{base}/set"), json!({ "state": "ON", "brightness": 127 }).to_string());
    let state = home
        .receive("its light", |topic, state| topic == format!("{base}/state") && state["brightness"] == 127);
    assert_eq!(state, json!({ "state": "ON", "brightness": 127, "color_mode": "brightness" }));
    let lamp = config["unique_id"].as_str().and_then(|id| id.strip_prefix("kitecity-demo-")).expect("an id");
    assert_eq!(
        city.get(&format!("/api/lamps/{lamp}"))["commands"][0]["level"],
        50,
        "as any operator's command"
    );
    base
}

#[test]
fn home_assistant_finds_lights_commands_them_and_loses_them_with_the_city() {
    let common = ["--secret", "shared", "--luminaires", "120", "--home-assistant", "3"];
    let mut city = City::start(&common);
    Outsider::connect(city.mqtt_port, "ha", Some(("homeassistant", "guess"))).refusal();
    let mut home = Outsider::connect(city.mqtt_port, "ha", Some(("homeassistant", &home_password())));
    for filter in ["#", "kitecity/#"] {
        assert!(!home.may_subscribe(filter), "{filter}");
    }
    plays_home_assistant(&city, &mut home);
    home.publish("kitecity/v1/demo/sim/clock", "{}");
    city.process.interrupt();

    let Some((_broker, port, _folder)) = mosquitto() else { return };
    let broker = format!("mqtt://127.0.0.1:{port}");
    let mut city = City::start(&[&common[2..], &["--broker", &broker]].concat());
    let mut home = Outsider::connect(port, "ha", None);
    let base = plays_home_assistant(&city, &mut home);
    city.process.interrupt();
    let gone = home.receive("the light to be taken back", |topic, config| {
        topic == format!("{base}/config") && config.is_null()
    });
    assert_eq!(gone, Value::Null);
    let mut late = Outsider::connect(port, "late", None);
    late.subscribe("homeassistant/+/+/config");
    assert_eq!(late.within(std::time::Duration::from_millis(500)), None, "nothing is left");
}

#[test]
fn our_luminaires_are_lights_of_a_home_assistant_elsewhere() {
    let Some((_broker, port, _folder)) = mosquitto() else { return };
    let broker = format!("mqtt://127.0.0.1:{port}");
    let mut home = Outsider::connect(port, "ha", None);
    home.subscribe("homeassistant/#");
    let mut fleet = serve_fleet(&["--dialect", "homeassistant", "--broker", &broker]);
    let base = "homeassistant/light/kitecity-demo-l-0007";
    home.receive("a light", |topic, config| topic == format!("{base}/config") && config["schema"] == "json");
    home.receive("its state", |topic, state| topic == format!("{base}/state") && state["state"] == "OFF");
    home.publish(&format!("{base}/set"), json!({ "state": "ON" }).to_string());
    home.receive("its light", |topic, state| topic == format!("{base}/state") && state["brightness"] == 254);
    fleet.interrupt();
    home.receive("its end", |topic, config| topic == format!("{base}/config") && config.is_null());
}
