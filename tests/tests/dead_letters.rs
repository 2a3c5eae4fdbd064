//! Rubbish on every topic of the table: every consumer that reads the topic says so, and nothing stops.
//!
//! The console hears everything, so whatever is published becomes at least its dead letter. The luminaires, of which
//! there are thousands, only ignore what they do not understand: for their topics the console's letter is the only one.

use std::collections::BTreeSet;

use city_tests::{City, Outsider, kitecity, mosquitto, wait_for};
use serde_json::{Value, json};

/// What may be published only by one service, which no operator is.
const NOT_FOR_OPERATORS: [&str; 2] = ["clock", "eidKeys"];

/// One row of the table, as a machine-readable description has it.
struct Channel {
    name: String,
    /// A topic of it that somebody listens to.
    topic: String,
    example: Value,
}

fn channels(city: &City) -> Vec<Channel> {
    let output = kitecity().args(["schema", "asyncapi"]).output().expect("the binary runs");
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let channels = document["channels"].as_object().expect("channels");
    let district = city.lamp_topic("l-0005", "").split('/').nth(4).expect("a district").to_owned();
    channels.iter().map(|(name, channel)| Channel::new(name, channel, &district)).collect()
}

impl Channel {
    fn new(name: &str, channel: &Value, district: &str) -> Self {
        let address = channel["address"].as_str().expect("an address");
        let level = |level: &str| match level {
            "{run}" => "demo".to_owned(),
            "{district}" => district.to_owned(),
            "{luminaire}" => "l-0005".to_owned(),
            "{cabinet}" => "c-0001".to_owned(),
            "{reader}" => "bus".to_owned(),
            "{resident}" => "r-0042".to_owned(),
            "{service}" | "{consumer}" => "lighting".to_owned(),
            "{aggregate}" => "alarm".to_owned(),
            "{event}" => "raised".to_owned(),
            "{shard}" => "s00".to_owned(),
            "{method}" => "dim".to_owned(),
            "{caller}" => "svc-lighting/x".to_owned(),
            fixed if fixed.contains('{') => panic!("no value for {fixed}: add it here"),
            fixed => fixed.to_owned(),
        };
        let topic: Vec<String> = address.split('/').map(level).collect();
        let example = channel["messages"][name]["examples"][0]["payload"].clone();
        Self { name: name.to_owned(), topic: topic.join("/"), example }
    }

    /// Who reads it, beside the console.
    fn consumers(&self) -> &'static [&'static str] {
        match self.name.as_str() {
            "lightState" | "lightTelemetry" | "lightAck" | "lightStatus" | "lightFirmware"
            | "lightAlarms" | "request" | "reply" => &["lighting"],
            "eidKeys" => &["verifier"],
            "clock" => &["clock", "fleet", "lighting", "residents"],
            "presence" | "fault" | "cabinetEvent" => &["fleet"],
            "cabinetState" | "cabinetTelemetry" | "cabinetAck" | "cabinetStatus" => &["lighting"],
            "cabinetCommand" => &[],
            "lightCommand" | "lightProgramme" | "lightFirmwareOrder" | "event" | "deadLetter"
            | "eidConsent" | "eidKiosk" => &[],
            other => panic!("who reads `{other}`? Add it here"),
        }
    }

    /// Payloads that are the right JSON, but for one value that cannot be.
    fn out_of_range(&self) -> Vec<String> {
        let changes: &[(&str, Value)] = &match self.name.as_str() {
            "lightState" => {
                vec![
                    ("/d/actual", json!(101)),
                    ("/d/mode", json!("party")),
                    ("/seq", json!(-1)),
                    ("/v", json!(2)),
                ]
            }
            "lightTelemetry" => vec![("/d/power_mw", json!(-1)), ("/d/energy_mwh", json!(1e300))],
            "lightAck" => vec![("/d/result", json!("maybe")), ("/d/command", json!("two words"))],
            "lightStatus" => vec![("/d/online", json!("yes")), ("/v", json!(0))],
            "lightCommand" => vec![("/d/level", json!(300)), ("/id", json!(""))],
            "lightProgramme" => {
                vec![("/d/steps/1/at/clock", json!(1_440)), ("/d/steps/0/level", json!(101))]
            }
            "lightFirmware" => {
                vec![("/d/version", json!("newest")), ("/d/result", json!(99)), ("/d/phase", json!("party"))]
            }
            "lightAlarms" => vec![("/d/standing", json!("flooding")), ("/d/standing/0", json!("on_fire"))],
            "lightFirmwareOrder" => vec![("/d/install/bytes", json!(-1)), ("/d/install/version", json!(1))],
            "event" => vec![
                ("/specversion", json!("0.3")),
                ("/time", json!("yesterday")),
                ("/data/luminaire", json!("lamp")),
                ("/data/kind", json!("k".repeat(60_000))),
            ],
            "request" => vec![
                ("/data/level", json!(101)),
                ("/data/minutes", json!(-1)),
                ("/replyto", json!("kitecity/v1/demo/eid/keys")),
            ],
            "reply" => vec![("/data/status", json!("lost")), ("/type", json!("\"".repeat(30_000)))],
            "eidKeys" => vec![("/d/version", json!(-1)), ("/d/keys", json!({}))],
            "eidConsent" => vec![("/d/resident", json!("me")), ("/d/profile", json!("everything"))],
            "eidKiosk" => {
                vec![("/d/state", json!("resting")), ("/d/software", json!("")), ("/d/queued", json!(-1))]
            }
            "clock" => vec![
                ("/d/speed", json!(0)),
                ("/d/speed", json!(3_601)),
                ("/d/city", json!(i64::MAX)),
                ("/d/city", json!(-1)),
                ("/d/wall", json!(i64::MIN)),
            ],
            "presence" => vec![("/d/0/at/lat", json!(90.1)), ("/d/0/at/lon", json!(1e308)), ("/d", json!(7))],
            "fault" => vec![("/d/break", json!("melt"))],
            "cabinetState" => vec![("/d/circuits/0/tripped/0", json!("L1")), ("/d/door_open", json!(1))],
            "cabinetTelemetry" => vec![("/d/phases/0/power_mw", json!(-1)), ("/d/phases", json!([]))],
            "cabinetAck" => vec![("/d/result", json!("maybe")), ("/d/command", json!("two words"))],
            "cabinetStatus" => vec![("/d/online", json!("yes")), ("/v", json!(0))],
            "cabinetCommand" => {
                vec![("/d/circuit", json!(3)), ("/d/control", json!("half")), ("/id", json!(""))]
            }
            "cabinetEvent" => vec![("/d/trip/circuit", json!(0)), ("/d", json!("explode"))],
            "deadLetter" => vec![("/d/offset", json!(-1))],
            other => panic!("what is out of range on `{other}`? Add it here"),
        };
        let changed = |(place, value): &(&str, Value)| {
            let mut payload = self.example.clone();
            *payload.pointer_mut(place).unwrap_or_else(|| panic!("{}: no {place}", self.name)) =
                value.clone();
            payload.to_string()
        };
        changes.iter().map(changed).collect()
    }

    fn rubbish(&self) -> Vec<Vec<u8>> {
        let any = ["", "not json", "null", "{}", "[]", "{\"v\":1", "\u{0}"].map(str::as_bytes);
        let any = any.into_iter().chain([&[0xff, 0xfe, b'{'][..]]).map(<[u8]>::to_vec);
        let long = self.example.to_string() + &" ".repeat(70_000);
        any.chain([long.into_bytes()])
            .chain(self.out_of_range().into_iter().map(String::into_bytes))
            .collect()
    }
}

/// Publishes, and waits for the letters of exactly these consumers.
fn is_told(outsider: &mut Outsider, topic: &str, payload: &[u8], consumers: &[&str]) {
    let shown = String::from_utf8_lossy(&payload[..payload.len().min(80)]).into_owned();
    let mut missing: BTreeSet<&str> = consumers.iter().copied().chain(["console"]).collect();
    outsider.publish(topic, payload);
    while !missing.is_empty() {
        let what = format!("letters of {missing:?} about `{shown}` on {topic}");
        let (from, letter) = outsider.next(&what, |_, letter| letter["d"]["topic"] == topic);
        let consumer = from.rsplit('/').next().unwrap_or_default();
        assert!(missing.remove(consumer), "a letter of {consumer} too many: `{shown}` on {topic}: {letter}");
        let reason = letter["d"]["reason"].as_str().unwrap_or_default();
        assert!((5..=300).contains(&reason.len()), "{topic}: `{reason}`");
    }
}

/// The city answers on all three of its fields.
fn lives_on(city: &City, outsider: &mut Outsider) {
    let command = city.lamp_topic("l-0006", "down/cmd");
    outsider.publish(&command, r#"{"v":1,"id":"after","d":{"level":23}}"#);
    wait_for("the lamp to obey", || city.actual("l-0006").filter(|&level| level == 23));
    let code = city.get("/api/phone/r-0003/code")["code"].clone();
    let verdict = city.post("/api/kiosk/verify", &json!({ "code": code }));
    assert_eq!(verdict["verdict"], "accepted", "{verdict}");
    city.post("/api/lamps/l-0007/dim", &json!({ "level": 31, "minutes": 60 }));
    wait_for("the CMS to dim", || city.actual("l-0007").filter(|&level| level == 31));
}

#[test]
fn rubbish_on_any_topic_is_told_by_who_reads_it_and_stops_nothing() {
    let Some((_broker, port, _folder)) = mosquitto() else { return };
    let city = City::start(&["--luminaires", "120", "--broker", &format!("mqtt://127.0.0.1:{port}")]);
    wait_for("the lamp on the bus", || city.actual("l-0006"));
    let mut outsider = city.operator();
    outsider.subscribe("kitecity/v1/demo/dlq/#");
    for channel in channels(&city) {
        for payload in channel.rubbish() {
            is_told(&mut outsider, &channel.topic, &payload, channel.consumers());
        }
    }
    lives_on(&city, &mut outsider);
}

#[test]
fn rubbish_of_an_operator_is_told_or_kept_out_by_the_embedded_broker() {
    let city = City::start(&["--luminaires", "120"]);
    wait_for("the lamp on the bus", || city.actual("l-0006"));
    let mut outsider = city.operator();
    outsider.subscribe("kitecity/v1/demo/dlq/#");
    let (kept_out, let_in): (Vec<Channel>, Vec<Channel>) =
        channels(&city).into_iter().partition(|channel| NOT_FOR_OPERATORS.contains(&channel.name.as_str()));
    for channel in kept_out {
        outsider.publish(&channel.topic, "not json");
    }
    // Nobody read what was kept out: there is no letter before the one about the next message.
    for channel in let_in {
        outsider.publish(&channel.topic, "not json");
        let (_, letter) = outsider.next("a letter", |_, letter| letter["d"]["topic"].is_string());
        assert_eq!(letter["d"]["topic"], channel.topic.as_str());
        for _ in channel.consumers() {
            outsider.next("the other letters", |_, letter| letter["d"]["topic"] == channel.topic.as_str());
        }
    }
    lives_on(&city, &mut outsider);
}

#[test]
fn numbers_at_the_end_of_their_range_stop_nothing() {
    let city = City::start(&["--luminaires", "120"]);
    wait_for("the lamp on the bus", || city.actual("l-0006"));
    let mut outsider = city.operator();
    let figures = wait_for("great figures", || {
        for lamp in ["l-0001", "l-0002", "l-0003"] {
            for (rest, payload) in at_the_end() {
                outsider.publish(&city.lamp_topic(lamp, rest), payload.to_string());
            }
        }
        // Made by the task that listens to the bus: it would end with the first sum that does not fit.
        city.next_event("stats").filter(|figures| figures["energy_kwh"].as_f64() > Some(4e13))
    });
    assert!(figures["power_w"].as_u64() > Some(12_000_000), "{figures}");
    outsider.publish(
        "kitecity/v1/demo/sim/presence",
        r#"{"v":1,"d":[{"walk":4294967295,"at":{"lat":-90,"lon":180}}]}"#,
    );
    lives_on(&city, &mut outsider);
}

/// What luminaires may say and hear, as far as the numbers go.
fn at_the_end() -> [(&'static str, Value); 4] {
    let (u32_max, u64_max, i64_max) = (u32::MAX, u64::MAX, i64::MAX);
    let up = |d: Value| json!({ "v": 1, "seq": u32_max, "epoch": u32_max, "ts": i64_max, "d": d });
    let readings = json!({
        "power_mw": u32_max, "voltage_mv": u32_max, "energy_mwh": u64_max, "burning_s": u64_max,
        "switch_count": u32_max, "in_effect": 100,
    });
    let steps = json!([
        { "at": { "sunset": i16::MIN }, "level": 100 },
        { "at": { "sunrise": i16::MAX }, "level": 0 },
        { "at": { "clock": 1_439 }, "level": 50 },
    ]);
    [
        ("up/tele", up(readings)),
        ("up/state", up(json!({ "target": 100, "in_effect": 100, "actual": 0, "mode": "default" }))),
        ("down/cfg", json!({ "v": 1, "d": { "version": u32_max, "steps": steps } })),
        ("down/cmd", json!({ "v": 1, "id": "end", "d": { "level": 100, "until": i64_max } })),
    ]
}
