//! Devices that speak the MQTT protocol of Huawei IoTDA, written from its public text with a plain MQTT client: nothing
//! of ours but the binary. Like the official libraries, they subscribe to nothing.

use std::cell::Cell;
use std::process::Stdio;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use city_tests::{City, Outsider, Process, kitecity, mosquitto, wait_for};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

const SETTINGS: &str = include_str!("../../config/city.toml");
const DEVICES: &str = r#"
[[device]]
dialect = "iotda"
id = "66a0bc_lamp-5"
secret = "12345678"
lamp = "l-0005"

[[device]]
dialect = "iotda"
id = "66a0bc_lamp-6"
secret = "87654321"
lamp = "l-0006"

[[device]]
dialect = "iotda"
id = "66a0bc_gateway"
secret = "gateway's"
children = [{ id = "66a0bc_child-7", lamp = "l-0007" }]
"#;
/// The device of l-0005.
const LAMP: (&str, &str) = ("66a0bc_lamp-5", "12345678");
const GATEWAY: (&str, &str) = ("66a0bc_gateway", "gateway's");

/// Settings with three devices.
fn settings() -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), format!("{SETTINGS}{DEVICES}")).expect("a file");
    file
}

/// A city with three devices, and its settings file.
fn city() -> (City, tempfile::NamedTempFile) {
    city_at("127.0.0.1:0")
}

fn city_at(address: &str) -> (City, tempfile::NamedTempFile) {
    let file = settings();
    let path = file.path().to_str().expect("a path in UTF-8");
    let city = ["--config", path, "--luminaires", "120", "--speed", "600", "--mqtt-listen", address];
    (City::start(&city), file)
}

/// Port 1883, which some of the official libraries insist on, of an address of this machine that nobody uses.
fn port_1883() -> String {
    // Only on Linux are all of them this machine.
    let numbers = if cfg!(target_os = "linux") { 77..=254 } else { 1..=1 };
    let free = |address: &String| std::net::TcpListener::bind(address).is_ok();
    let any = "127.0.0.1:0".to_owned();
    numbers.map(|number| format!("127.0.0.{number}:1883")).find(free).unwrap_or(any)
}

fn now() -> DateTime<Utc> {
    DateTime::from(std::time::SystemTime::now())
}

/// The hour of a login, so many hours from now.
fn hour(from_now: i64) -> String {
    (now() + TimeDelta::hours(from_now)).format("%Y%m%d%H").to_string()
}

fn password(secret: &str, hour: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(hour.as_bytes()).expect("any length");
    mac.update(secret.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A device on the wire.
struct Device {
    id: &'static str,
    mqtt: Outsider,
}

impl Device {
    fn log_in(city: &City, (id, secret): (&'static str, &str), hour: &str) -> Self {
        let client_id = format!("{id}_0_1_{hour}");
        let password = password(secret, hour);
        let broker = (city.mqtt_host.as_str(), city.mqtt_port);
        Self { id, mqtt: Outsider::connect_to(broker, &client_id, Some((id, &password))) }
    }

    /// Logs in and waits until the city knows that it is there.
    fn on(city: &City, who: (&'static str, &str)) -> Self {
        let mut device = Self::log_in(city, who, &hour(0));
        device.next("the question for its version", "sys/events/down");
        device
    }

    fn topic(&self, rest: &str) -> String {
        format!("$oc/devices/{}/{rest}", self.id)
    }

    fn says(&mut self, rest: &str, payload: &Value) {
        let topic = self.topic(rest);
        self.mqtt.publish(&topic, payload.to_string());
    }

    fn reports(&mut self, properties: &Value) {
        let service = json!({ "service_id": "Light", "properties": properties, "event_time": null });
        self.says("sys/properties/report", &json!({ "services": [service] }));
    }

    fn next(&mut self, what: &str, begin: &str) -> (String, Value) {
        let begin = self.topic(begin);
        self.mqtt.next(what, |topic, _| topic.starts_with(&begin))
    }

    /// Waits for a command, and obeys it.
    fn obeys(&mut self) -> Value {
        let (topic, command) = self.next("a command", "sys/commands/request_id=");
        let (_, request) = topic.split_once("request_id=").expect("a request id");
        let rest = format!("sys/commands/response/request_id={request}");
        let answer = json!({ "result_code": 0, "response_name": "COMMAND_RESPONSE", "paras": {} });
        self.says(&rest, &answer);
        command
    }

    /// Asks for the time, and sees to it that everything sent before was taken.
    fn synchronizes(&mut self, seen: impl Fn(&str)) -> Value {
        let event = json!({
            "service_id": "$time_sync", "event_type": "time_sync_request", "event_time": "20250414T010000Z",
            "event_id": "", "paras": { "device_send_time": "1744592400123" },
        });
        self.says("sys/events/up", &json!({ "object_device_id": self.id, "services": [event] }));
        let answer = self.mqtt.receive("the time", |topic, payload| {
            seen(topic);
            payload["services"][0]["event_type"] == "time_sync_response"
        });
        answer["services"][0]["paras"].clone()
    }
}

fn last_command(city: &City, lamp: &str) -> Value {
    city.get(&format!("/api/lamps/{lamp}"))["commands"][0].clone()
}

fn dim(city: &City, lamp: &str, level: u8) {
    let answer = city.post(&format!("/api/lamps/{lamp}/dim"), &json!({ "level": level }));
    assert_eq!(answer["ok"], true, "{answer}");
}

fn dead_letters(city: &City) -> Outsider {
    let mut operator = city.operator();
    operator.subscribe("kitecity/v1/demo/dlq/iotda");
    operator
}

#[test]
fn who_is_no_device_of_the_city_is_kept_out() {
    let (city, _folder) = city();
    let (id, secret) = LAMP;
    let mut letters = dead_letters(&city);
    let refused = |user: &str, client_id: &str, password: &str| {
        Outsider::connect(city.mqtt_port, client_id, Some((user, password))).refusal()
    };
    let now = hour(0);
    let good = password(secret, &now);
    for (user, client_id, password, code) in [
        (id, format!("{id}_0_1_{now}"), password("guess", &now), "BadUserNamePassword"),
        (id, format!("{id}_0_1_{now}"), secret.to_owned(), "BadUserNamePassword"),
        (id, format!("{id}_0_1_{}", hour(-3)), password(secret, &hour(-3)), "BadUserNamePassword"),
        ("66a0bc_child-7", format!("66a0bc_child-7_0_1_{now}"), good.clone(), "BadUserNamePassword"),
        (id, format!("66a0bc_lamp-6_0_1_{now}"), good.clone(), "NotAuthorized"),
        (id, id.to_owned(), good.clone(), "NotAuthorized"),
    ] {
        let refusal = refused(user, &client_id, &password);
        assert!(refusal.contains(code), "{client_id}: {refusal}");
    }
    letters.receive("an alarm", |_, letter| {
        letter["d"]["reason"] == "login refused: wrong password; 1 so far"
            && letter["d"]["topic"] == format!("$oc/devices/{id}/sys/logins/refused")
    });
    for hours in [-1, 1] {
        Device::log_in(&city, LAMP, &hour(hours)).next("a neighbouring hour will do", "sys/events/down");
    }
    let years_ago = format!("{id}_0_0_2001010100");
    let credentials = password(secret, "2001010100");
    let mut mqtt = Outsider::connect(city.mqtt_port, &years_ago, Some((id, &credentials)));
    mqtt.next("a login without a time", |topic, _| topic.ends_with("sys/events/down"));
}

#[test]
fn a_device_is_kept_to_its_own_topics_and_to_payloads_of_the_protocol() {
    let (city, _folder) = city();
    let mut letters = dead_letters(&city);
    let mut device = Device::on(&city, LAMP);
    for filter in ["#", "$oc/#", "$oc/devices/+/sys/commands/#", "$oc/devices/66a0bc_lamp-6/sys/commands/#"] {
        assert!(!device.mqtt.may_subscribe(filter), "{filter}");
    }
    let lit = json!({ "services": [{ "service_id": "Light", "properties": { "level": 77 } }] }).to_string();
    device.mqtt.publish("$oc/devices/66a0bc_lamp-6/sys/properties/report", lit.clone());
    device.mqtt.publish(&city.lamp_topic("l-0006", "up/state"), "{}");

    let report = device.topic("sys/properties/report");
    for (payload, reason) in [
        ("not json".to_owned(), "expected ident"),
        (" ".repeat(70_000), "over the limit"),
        (lit.replace("77", "300"), "`level` is 300"),
        (lit.replace("77", "-1"), "`level` is -1"),
        (lit.replace("level", "a.b"), "`a.b` has a `.`"),
    ] {
        device.mqtt.publish(&report, payload);
        let letter = letters.receive("a dead letter", |_, letter| letter["d"]["topic"] == report.as_str());
        let told = letter["d"]["reason"].as_str().unwrap_or_default();
        assert!(told.contains(reason), "{told}");
    }
    let children = device.topic("sys/gateway/sub_devices/properties/report");
    let foreign = json!({ "devices": [{ "device_id": "66a0bc_child-7", "services": [] }] });
    device.mqtt.publish(&children, foreign.to_string());
    letters.receive("a foreign child", |_, letter| letter["d"]["topic"] == children.as_str());

    device.reports(&json!({ "level": 55 }));
    wait_for("the device to be heard all the same", || city.actual("l-0005").filter(|&level| level == 55));
    assert_eq!(city.get("/api/lamps/l-0006")["state"], Value::Null, "nobody spoke for this one");
}

#[test]
fn an_unmodified_device_is_lit_commanded_and_missed() {
    let (city, _folder) = city_at(&port_1883());
    wait_for("the simulated lamps", || city.actual("l-0001"));
    assert_eq!(city.get("/api/lamps/l-0005")["online"], false, "not simulated, and not there yet");
    let mut device = Device::log_in(&city, LAMP, &hour(0));
    let (_, set) = device.next("the programme", "sys/properties/set/request_id=");
    assert!(set["services"][0]["properties"]["programme"]["steps"].is_array(), "{set}");
    device.reports(&json!({ "level": 100, "power": 60.5, "voltage": 231 }));
    wait_for("the lamp lit", || city.actual("l-0005").filter(|&level| level == 100));
    let shown = wait_for("its readings", || {
        Some(city.get("/api/lamps/l-0005")).filter(|lamp| lamp["telemetry"]["power_mw"] == 60_500)
    });
    assert_eq!((&shown["online"], &shown["telemetry"]["voltage_mv"]), (&json!(true), &json!(231_000)));

    dim(&city, "l-0005", 40);
    let command = device.obeys();
    assert_eq!((&command["service_id"], &command["command_name"]), (&json!("Light"), &json!("SetLevel")));
    assert_eq!((&command["paras"]["level"], &command["object_device_id"]), (&json!(40), &json!(LAMP.0)));
    device.reports(&json!({ "level": 40, "power": 26 }));
    wait_for("the command to succeed", || {
        (last_command(&city, "l-0005")["status"] == "successful").then_some(())
    });
    wait_for("the lamp dimmed", || city.actual("l-0005").filter(|&level| level == 40));
    assert_eq!(city.get("/api/lamps/l-0005")["state"]["mode"], "override");
    city.post("/api/lamps/l-0005/resume", &json!({}));
    assert_eq!(device.obeys()["command_name"], "Resume");

    drop(device);
    let gone = || (city.get("/api/lamps/l-0005")["online"] == false).then_some(());
    wait_for("the city to miss it", gone);
}

/// The kinds of alarm a lamp has now.
fn alarms_of(city: &City, lamp: &str) -> Vec<Value> {
    let alarms = city.get("/api/alarms");
    let of_lamp = alarms.as_array().into_iter().flatten().filter(|alarm| alarm["luminaire"] == lamp);
    of_lamp.map(|alarm| alarm["kind"].clone()).collect()
}

#[test]
fn a_device_that_never_came_is_missed_until_it_comes() {
    let (city, _folder) = city();
    let missed = || (alarms_of(&city, "l-0006") == ["communication_failure"]).then_some(());
    wait_for("the alarm", missed);
    let _device = Device::on(&city, ("66a0bc_lamp-6", "87654321"));
    wait_for("its end", || alarms_of(&city, "l-0006").is_empty().then_some(()));
}

#[test]
fn with_a_folder_shadows_outlast_the_city() {
    let (file, folder) = (settings(), tempfile::tempdir().expect("a folder"));
    let paths = [file.path(), folder.path()].map(|path| path.to_str().expect("a path in UTF-8"));
    let arguments = ["--config", paths[0], "--luminaires", "120", "--speed", "600", "--data", paths[1]];
    let mut city = City::start(&arguments);
    let mut device = Device::on(&city, LAMP);
    device.reports(&json!({ "level": 12 }));
    wait_for("the report", || city.actual("l-0005").filter(|&level| level == 12));
    city.process.interrupt();
    let city = City::start(&arguments);
    let mut device = Device::on(&city, LAMP);
    device.says("sys/shadow/get/request_id=1", &json!({ "service_id": "Light" }));
    let (_, shadow) = device.next("the shadow", "sys/shadow/get/response/request_id=1");
    assert_eq!(shadow["shadow"][0]["reported"]["properties"]["level"], 12, "{shadow}");

    drop(city);
    std::fs::write(folder.path().join("shadows.json"), "rubbish").expect("a file");
    let mut command = kitecity();
    command.args(arguments).args(["--mqtt-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"]);
    let output = command.stderr(Stdio::piped()).output().expect("it runs");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(errors.contains("shadows.json: expected value") && errors.contains("move it away"), "{errors}");
}

#[test]
fn a_device_that_refuses_the_programme_is_lit_by_commands() {
    let (city, _folder) = city();
    let mut device = Device::log_in(&city, LAMP, &hour(0));
    let (topic, _) = device.next("the programme", "sys/properties/set/request_id=");
    let (_, request) = topic.split_once("request_id=").expect("a request id");
    device.says(&format!("sys/properties/set/response/request_id={request}"), &json!({ "result_code": 1 }));
    // The sun may not have set yet when it comes.
    let level = loop {
        let command = device.obeys();
        assert_eq!(command["command_name"], "SetLevel", "{command}");
        let level = command["paras"]["level"].as_u64().expect("a level");
        if level > 0 {
            break level;
        }
    };
    device.reports(&json!({ "level": level }));
    wait_for("the lamp lit", || city.actual("l-0005").filter(|&actual| actual == level));
    assert_eq!(city.get("/api/lamps/l-0005")["state"]["mode"], "programme");
}

#[test]
fn a_lamp_that_fails_by_its_readings_has_an_alarm_until_it_is_repaired() {
    let (city, _folder) = city();
    let mut device = Device::on(&city, LAMP);
    let rated_w = city.get("/api/lamps/l-0005")["rated_w"].clone();
    device.reports(&json!({ "level": 100, "power": rated_w }));
    wait_for("the alarm", || {
        device.reports(&json!({ "level": 100, "actual": 0, "power": 0.5 }));
        (alarms_of(&city, "l-0005") == ["lamp_failure"]).then_some(())
    });
    wait_for("the end of the alarm", || {
        device.reports(&json!({ "level": 100, "actual": 100, "power": rated_w }));
        alarms_of(&city, "l-0005").is_empty().then_some(())
    });
}

#[test]
fn what_a_device_asks_is_answered_and_what_it_subscribes_to_comes_once() {
    let (city, _folder) = city();
    let mut device = Device::on(&city, LAMP);
    let time = device.synchronizes(|_| ());
    assert_eq!(time["device_send_time"], "1744592400123", "{time}");
    let platform = time["server_send_time"].as_i64().expect("ms");
    let off = (platform - now().timestamp_millis()).abs();
    assert!(off < 60_000, "the wall's clock, not the city's: {time}");

    device.reports(&json!({ "level": 12 }));
    device.says("sys/shadow/get/request_id=mine-1", &json!({ "service_id": "Light" }));
    let (_, shadow) = device.next("the shadow", "sys/shadow/get/response/request_id=mine-1");
    assert_eq!(shadow["shadow"][0]["reported"]["properties"]["level"], 12, "{shadow}");
    let desired = &shadow["shadow"][0]["desired"]["properties"]["programme"];
    assert!(desired["version"].is_u64(), "{shadow}");

    device.mqtt.subscribe(&device.topic("sys/commands/#"));
    device.mqtt.subscribe(&device.topic("sys/#"));
    dim(&city, "l-0005", 40);
    let commands = Cell::new(0);
    device.obeys();
    device.synchronizes(|topic| {
        let again = topic.contains("/sys/commands/") || topic.ends_with("/up") || topic.ends_with("/report");
        commands.set(commands.get() + u32::from(again));
    });
    assert_eq!(commands.get(), 0, "a command came twice, or the device heard itself");
    device.mqtt.unsubscribe(&device.topic("sys/commands/#"));
    device.mqtt.unsubscribe(&device.topic("sys/commands/+"));
    dim(&city, "l-0005", 30);
    assert_eq!(device.obeys()["paras"]["level"], 30, "what it hears without asking it cannot end");
}

#[test]
fn a_flood_of_one_device_is_cut_off_and_others_are_heard() {
    let (city, _folder) = city();
    let mut states = city.operator();
    states.subscribe(&city.lamp_topic("l-0005", "up/state"));
    let mut device = Device::on(&city, LAMP);
    let began = Instant::now();
    (0..300).for_each(|number| device.reports(&json!({ "level": number % 90 })));
    let seconds = began.elapsed().as_secs() + 2;
    let mut gateway = Device::on(&city, GATEWAY);
    let service = json!({ "service_id": "Light", "properties": { "level": 90 } });
    let report = json!({ "devices": [{ "device_id": "66a0bc_child-7", "services": [service] }] });
    gateway.says("sys/gateway/sub_devices/properties/report", &report);
    wait_for("another device to be heard", || city.actual("l-0007").filter(|&level| level == 90));

    wait_for("the device to be heard when it speaks slower", || {
        device.reports(&json!({ "level": 100 }));
        city.actual("l-0005").filter(|&level| level == 100)
    });
    let heard = Cell::new(0_u64);
    states.receive("the last state", |_, state| {
        heard.set(heard.get() + 1);
        state["d"]["actual"] == 100
    });
    assert!(heard.get() <= 100 * seconds + 1, "{} states in {seconds} s", heard.get());
}

#[test]
fn a_bridge_in_a_process_of_its_own_learns_who_is_there_already() {
    let file = settings();
    let settings = file.path().to_str().expect("a path in UTF-8");
    let common = ["--config", settings, "--luminaires", "120", "--speed", "600", "--secret", "shared"];
    let city = City::start(&[&common[..], &["--without", "iotda"]].concat());
    let mut device = Device::log_in(&city, LAMP, &hour(0));
    device.mqtt.subscribe(&device.topic("sys/commands/#"));
    assert_eq!(city.get("/api/lamps/l-0005")["online"], false, "nobody translates yet");
    let broker = city.broker();
    let serve = ["serve", "iotda", "--broker", &broker];
    let _bridge = Process::spawn(kitecity().args([&serve[..], &common[..]].concat()));
    wait_for("the city to know", || (city.get("/api/lamps/l-0005")["online"] == true).then_some(()));
    device.next("the question for its version", "sys/events/down");
    dim(&city, "l-0005", 40);
    assert_eq!(device.obeys()["paras"]["level"], 40);
}

#[test]
fn on_an_outside_broker_a_device_that_subscribes_joins_with_its_first_report() {
    let Some((_broker, port, _folder)) = mosquitto() else { return };
    let file = settings();
    let settings = file.path().to_str().expect("a path in UTF-8");
    let broker = format!("mqtt://127.0.0.1:{port}");
    let city =
        City::start(&["--config", settings, "--luminaires", "120", "--speed", "600", "--broker", &broker]);
    let mut device = Device { id: LAMP.0, mqtt: Outsider::connect(port, LAMP.0, None) };
    device.mqtt.subscribe(&device.topic("sys/commands/#"));
    device.reports(&json!({ "level": 60 }));
    wait_for("the lamp lit", || city.actual("l-0005").filter(|&level| level == 60));
    dim(&city, "l-0005", 40);
    assert_eq!(device.obeys()["paras"]["level"], 40);
}

#[test]
fn settings_that_contradict_themselves_are_refused_with_file_and_line() {
    let file = settings();
    let twice =
        "[[device]]\ndialect = \"iotda\"\nid = \"66a0bc_lamp-8\"\nsecret = \"s\"\nlamp = \"l-0005\"\n";
    let text = format!("{SETTINGS}{DEVICES}{twice}");
    std::fs::write(file.path(), &text).expect("a file");
    let output =
        kitecity().arg("--config").arg(file.path()).stderr(Stdio::piped()).output().expect("it runs");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = text.lines().count() - 4;
    let place = format!("{}, line {line}: luminaire l-0005 has two devices", file.path().display());
    assert!(errors.contains(&place), "{errors}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn of_two_devices_with_one_id_the_newer_stays() {
    let (city, _folder) = city();
    let mut older = Device::on(&city, LAMP);
    let mut newer = Device::log_in(&city, LAMP, &hour(1));
    newer.next("the question for its version", "sys/events/down");
    older.mqtt.end();
    newer.reports(&json!({ "level": 33 }));
    wait_for("the newer to be heard", || city.actual("l-0005").filter(|&level| level == 33));
    assert_eq!(city.get("/api/lamps/l-0005")["online"], true);
}

#[test]
fn a_gateway_reports_and_obeys_for_the_device_behind_it() {
    let (city, _folder) = city();
    let mut gateway = Device::on(&city, GATEWAY);
    let sync = json!({
        "service_id": "$sub_device_manager", "event_type": "sub_device_sync_request", "paras": { "version": 0 },
    });
    gateway.says("sys/events/up", &json!({ "services": [sync] }));
    let (_, children) = gateway.next("its children", "sys/events/down");
    assert_eq!(children["services"][0]["paras"]["devices"][0]["device_id"], "66a0bc_child-7", "{children}");

    let service = json!({ "service_id": "Light", "properties": { "level": 90 } });
    let report = json!({ "devices": [{ "device_id": "66a0bc_child-7", "services": [service] }] });
    gateway.says("sys/gateway/sub_devices/properties/report", &report);
    wait_for("the child lit", || city.actual("l-0007").filter(|&level| level == 90));
    dim(&city, "l-0007", 20);
    assert_eq!(gateway.obeys()["object_device_id"], "66a0bc_child-7");
    wait_for("the command to succeed", || {
        (last_command(&city, "l-0007")["status"] == "successful").then_some(())
    });
    drop(gateway);
    let gone = || (city.get("/api/lamps/l-0007")["online"] == false).then_some(());
    wait_for("the child to be missed with its gateway", gone);
}
