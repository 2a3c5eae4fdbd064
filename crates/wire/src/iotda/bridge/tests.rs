use lighting::{
    AstroTable, CommandAck, DimLevel, FirmwareAction, FirmwareOrder, LightState, ProgrammeStep, Report,
    StepTime, SunDay,
};
use serde_json::Value;
use types::{DistrictId, HOUR_MS};

use super::*;
use crate::dialect::{Bridge as _, Child, Device, DeviceSecret, Site};
use crate::iotda::payload::{decode_up, encode_down};

/// What the wall's clock shows at first; the city's shows 0, and runs as fast.
const T0: Timestamp = Timestamp::from_millis(1_744_592_400_000);

fn district() -> DistrictId {
    "kuiwen".parse().unwrap()
}

/// Three places where the sun rises at 6 and sets at 18 o'clock.
fn sites() -> Sites {
    let sun = SunDay { sunrise_ms: 6 * HOUR_MS as u32, sunset_ms: 18 * HOUR_MS as u32 };
    let site = Site { district: district(), rated_mw: 100_000, standby_mw: 500, astro_shift_ms: 0 };
    Sites {
        astro: AstroTable::new(0, vec![sun]).unwrap().into(),
        by_luminaire: (1..=3).map(|id| (LuminaireId(id), site)).collect(),
    }
}

/// A lamp `p_1` (l-0001), a gateway `p_g` (l-0002) with `p_c` (l-0003) behind it, and a bridge that knows the time.
struct Bench {
    bridge: IotdaBridge,
    now: Timestamp,
}

impl Bench {
    fn new() -> Self {
        let device = |id: &str, lamp, children| Device {
            dialect: Dialect::Iotda,
            lumens: None,
            id: id.to_owned(),
            secret: DeviceSecret("12345678".to_owned()),
            lamp: Some(LuminaireId(lamp)),
            children,
        };
        let child = Child { id: "p_c".to_owned(), lamp: LuminaireId(3) };
        let devices = vec![device("p_1", 1, vec![]), device("p_g", 2, vec![child])];
        let bridge = IotdaBridge::new(Register::new(devices).unwrap(), sites(), 0xe);
        let mut bench = Self { bridge, now: T0 };
        let clock = ClockState::running(Timestamp::from_millis(0), T0, 1);
        let missed = ["l-0001 online false", "l-0002 online false", "l-0003 online false"];
        assert_eq!(bench.bus(Message::Clock(clock)), missed, "who never came");
        bench
    }

    fn take(&mut self, input: Input) -> Vec<String> {
        let mut out = Vec::new();
        self.bridge.handle(self.now, input, &mut out);
        out.into_iter().map(in_short).collect()
    }

    fn bus(&mut self, message: Message) -> Vec<String> {
        self.take(Input::Bus(message))
    }

    fn command(&mut self, lamp: u32, id: &str, level: Option<u8>, until_s: Option<i64>) -> Vec<String> {
        let command = DimCommand {
            id: id.parse().unwrap(),
            level: level.map(|level| DimLevel::from_percent(level).unwrap()),
            until: until_s.map(|second| Timestamp::from_millis(second * SECOND_MS)),
        };
        self.bus(light(lamp, Light::Command(command)))
    }

    /// The device says this, as bytes.
    fn says(&mut self, device: &str, rest: &str, payload: &Value) -> Vec<String> {
        let topic = format!("$oc/devices/{device}/sys/{rest}");
        let (device, up) = decode_up(&topic, payload.to_string().as_bytes()).unwrap();
        let device = device.to_owned();
        self.take(Input::Device { topic, device, up })
    }

    fn reports(&mut self, device: &str, properties: &Value) -> Vec<String> {
        let payload = json!({ "services": [{ "service_id": "Light", "properties": properties }] });
        self.says(device, "properties/report", &payload)
    }

    /// The device answers request number `number` of this bridge.
    fn answers(&mut self, device: &str, to: &str, number: u32, result_code: i64) -> Vec<String> {
        let rest = format!("{to}/response/request_id=e-{number}");
        self.says(device, &rest, &json!({ "result_code": result_code }))
    }

    /// Lets time pass.
    fn passes(&mut self, seconds: i64) -> Vec<String> {
        let end = self.now.plus_millis(seconds * SECOND_MS);
        let mut out = Vec::new();
        while let Some(due) = Core::next_timeout(&self.bridge).filter(|&due| due <= end) {
            Core::handle_timeout(&mut self.bridge, due, &mut out);
        }
        self.now = end;
        out.into_iter().map(in_short).collect()
    }

    fn comes(&mut self, device: &str) -> Vec<String> {
        self.says(device, "status", &json!({ "status": "ONLINE" }))
    }
}

fn light(lamp: u32, body: Light) -> Message {
    Message::Light { district: district(), luminaire: LuminaireId(lamp), body }
}

fn programme() -> Programme {
    let steps = vec![ProgrammeStep { at: StepTime::Sunset(0), level: DimLevel::FULL }];
    Programme { version: 1, steps: steps.into(), presence_level: None, nights: lighting::Nights::default() }
}

fn in_short(output: Output) -> String {
    match output {
        Output::Bus(Message::Light { luminaire, body, .. }) => match body {
            Light::Online(online) => format!("{luminaire} online {online}"),
            Light::State(Report { body: LightState { target, in_effect, actual, mode }, .. }) => {
                format!("{luminaire} {target} {in_effect} {actual} {mode:?}")
            }
            Light::Telemetry(Report { body, stamp }) => {
                let at_s = stamp.ts.as_millis() / 1_000;
                format!(
                    "{luminaire} {} mW {} mV {} mWh at {at_s} s",
                    body.power_mw, body.voltage_mv, body.energy_mwh
                )
            }
            Light::Ack(Report { body: CommandAck { command, result, reason }, .. }) => {
                let reason = reason.map_or(String::new(), |reason| format!(", {reason}"));
                format!("{luminaire} {command} {result:?}{reason}")
            }
            Light::Firmware(report) => format!("{luminaire} {} {:?}", report.body.order, report.body.result),
            other => panic!("{other:?}"),
        },
        Output::Bus(other) => panic!("{other:?}"),
        Output::Device { device, down } => {
            let frame = encode_down(&device, &down);
            let payload: Value = serde_json::from_slice(&frame.payload).unwrap();
            let what = match down {
                Down::Command { .. } => format!("{} {}", payload["command_name"], payload["paras"]),
                Down::Events { .. } => payload["services"][0]["event_type"].to_string(),
                _ => String::new(),
            };
            let topic = frame.topic.trim_start_matches("$oc/devices/").replace("/sys/", " ");
            format!("{topic} {what}").trim_end().to_owned()
        }
        Output::Refused { reason, .. } => format!("refused: {reason}"),
        Output::Note(note) => format!("note: {note}"),
    }
}

const WELCOME: [&str; 2] = ["l-0001 online true", "p_1 properties/get/request_id=e-1"];

/// A bench whose lamp is connected; its request number 1 is pending.
fn connected() -> Bench {
    let mut bench = Bench::new();
    let told = bench.comes("p_1");
    assert_eq!(told, [WELCOME[0], WELCOME[1], "p_1 events/down \"version_query\""]);
    bench
}

#[test]
fn an_impossible_reading_is_refused_and_nothing_of_it_counts() {
    let mut bench = connected();
    for (properties, words) in [
        (json!({ "level": 300, "power": 60 }), "`level` is 300, expected 0 to 100"),
        (json!({ "power": -1 }), "`power` is -1, expected 0 to 10000"),
        (json!({ "a.b": 1, "level": 40 }), "property `a.b` has a `.` or `$` in its name"),
    ] {
        assert_eq!(bench.reports("p_1", &properties), [format!("refused: {words}")]);
    }
    let no_time = json!({ "services": [{ "service_id": "Light", "properties": { "level": 40 }, "event_time": "noon" }] });
    let refused = bench.says("p_1", "properties/report", &no_time);
    assert_eq!(refused, ["refused: `event_time` is no time of either form"]);
    assert_eq!(bench.reports("p_9", &json!({})), ["refused: no such device in the register"]);
    assert!(bench.bridge.lamps[0].shadow.show(None).is_empty());
}

#[test]
fn nobody_speaks_for_a_device_that_is_not_behind_it() {
    let mut bench = connected();
    let report = |child: &str| {
        let service = json!({ "service_id": "Light", "properties": { "level": 40 } });
        json!({ "devices": [{ "device_id": child, "services": [service] }] })
    };
    let topic = "gateway/sub_devices/properties/report";
    for (device, child) in [("p_1", "p_c"), ("p_g", "p_1"), ("p_g", "p_9")] {
        let refused = bench.says(device, topic, &report(child));
        assert_eq!(refused, [format!("refused: device `{child}` is not behind this one")]);
    }
    let refused = bench.says("p_1", "shadow/get/request_id=7", &json!({ "object_device_id": "p_c" }));
    assert_eq!(refused, ["refused: device `p_c` is not behind this one"]);
    let sent = bench.command(1, "c1", Some(40), None);
    assert_eq!(sent, [r#"p_1 commands/request_id=e-2 "SetLevel" {"level":40}"#]);
    let refused = bench.answers("p_g", "commands", 2, 0);
    assert_eq!(refused, ["refused: an answer to another device's request"]);
    let many: Vec<Value> = (0..101).map(|_| json!({ "device_id": "p_c", "services": [] })).collect();
    let refused = bench.says("p_g", topic, &json!({ "devices": many }));
    assert_eq!(refused, ["refused: 101 devices in one report, at most 100"]);
}

#[test]
fn a_late_or_refusing_answer_is_noted_and_not_applied() {
    let mut bench = connected();
    bench.command(1, "c1", Some(40), None);
    assert_eq!(bench.passes(19), [""; 0]);
    assert_eq!(bench.passes(1), ["note: l-0001: no answer from the device"]);
    let late = "note: device p_1: an answer to no request that waits, not applied";
    assert_eq!(bench.answers("p_1", "commands", 2, 0), [late]);
    assert_eq!(bench.command(1, "c1", Some(40), None), [""; 0], "a copy of a command that failed");
    bench.command(1, "c2", Some(50), None);
    let note = "note: l-0001: the device refuses with result code 1";
    let refusal = "l-0001 c2 Failed, the device refuses with result code 1";
    assert_eq!(bench.answers("p_1", "commands", 3, 1), [note, refusal]);
    let earlier_start = bench.says("p_1", "commands/response/request_id=d-4", &json!({ "result_code": 0 }));
    assert_eq!(earlier_start, [late]);
}

#[test]
fn a_command_to_a_device_that_is_offline_or_past_its_time_is_not_sent() {
    let mut bench = Bench::new();
    assert_eq!(bench.command(1, "c1", Some(40), None), ["note: l-0001: command c1 while offline, not sent"]);
    let mut bench = connected();
    bench.passes(60);
    assert_eq!(bench.command(1, "c2", Some(40), Some(60)), ["l-0001 c2 Expired"]);
}

#[test]
fn a_command_is_sent_once_acknowledged_every_time_and_ends_by_itself() {
    let mut bench = connected();
    bench.reports("p_1", &json!({ "level": 100 }));
    bench.passes(20);
    let sent = bench.command(1, "c1", Some(40), Some(600));
    assert_eq!(sent, [r#"p_1 commands/request_id=e-2 "SetLevel" {"level":40}"#]);
    assert_eq!(bench.command(1, "c1", Some(40), Some(600)), [""; 0], "a copy on the way");
    let done = bench.answers("p_1", "commands", 2, 0);
    assert_eq!(done, ["l-0001 c1 Done", "l-0001 40 % 100 % 100 % Override"]);
    assert_eq!(bench.reports("p_1", &json!({ "level": 40 })), ["l-0001 40 % 40 % 40 % Override"]);
    assert_eq!(bench.command(1, "c1", Some(40), Some(600)), ["l-0001 c1 Done"], "a copy after all");
    assert_eq!(bench.passes(579), [""; 0]);
    assert_eq!(bench.passes(1), [r#"p_1 commands/request_id=e-3 "Resume" {}"#]);
    assert_eq!(bench.answers("p_1", "commands", 3, 0), ["l-0001 40 % 40 % 40 % Default"]);
}

#[test]
fn an_override_that_ended_while_the_device_was_away_ends_when_it_is_back() {
    let mut bench = connected();
    bench.command(1, "c1", Some(40), Some(60));
    bench.answers("p_1", "commands", 2, 0);
    bench.says("p_1", "status", &json!({ "status": "OFFLINE" }));
    assert_eq!(bench.passes(600), [""; 0]);
    bench.comes("p_1");
    assert_eq!(bench.passes(1), [r#"p_1 commands/request_id=e-4 "Resume" {}"#]);
}

#[test]
fn an_answer_to_an_older_command_does_not_undo_a_newer_one() {
    let mut bench = connected();
    bench.command(1, "c1", Some(40), None);
    bench.command(1, "c2", Some(70), None);
    assert_eq!(bench.answers("p_1", "commands", 3, 0), ["l-0001 c2 Done", "l-0001 70 % 0 % 0 % Override"]);
    assert_eq!(bench.answers("p_1", "commands", 2, 0), ["l-0001 c1 Done", "l-0001 70 % 0 % 0 % Override"]);
}

#[test]
fn readings_become_state_and_telemetry_at_the_city_s_time() {
    let mut bench = connected();
    let told = bench.reports("p_1", &json!({ "level": 100, "power": 60 }));
    assert_eq!(told, ["l-0001 100 % 100 % 100 % Default", "l-0001 60000 mW 220000 mV 0 mWh at 0 s"]);
    bench.passes(3_600);
    let told = bench.reports("p_1", &json!({ "power": 0.4, "voltage": 231.5 }));
    assert_eq!(told, ["l-0001 400 mW 231500 mV 60000 mWh at 3600 s"], "it has no meter: counted here");
    let metered = json!({ "power": 0.4, "energy": 7.5, "target": 100, "actual": 0, "mode": "programme" });
    let told = bench.reports("p_1", &metered);
    assert_eq!(told[0], "l-0001 100 % 100 % 0 % Programme");
    assert_eq!(told[1], "l-0001 400 mW 231500 mV 7500000 mWh at 3600 s");
}

#[test]
fn a_wrong_clock_shows_and_a_time_zone_does_not() {
    let mut bench = connected();
    let mut at = |event_time: &str| {
        let service =
            json!({ "service_id": "Light", "properties": { "power": 1 }, "event_time": event_time });
        bench.says("p_1", "properties/report", &json!({ "services": [service] })).remove(0)
    };
    assert!(at("20250414T010000Z").ends_with("at 0 s"));
    assert!(at("20250414T012000Z").ends_with("at 1200 s"));
    assert!(at("2025-04-14T09:00:00Z").ends_with("at 0 s"));
    assert!(at("1970-01-01T00:00:00Z").ends_with("at -1744592400 s"));
}

#[test]
fn new_firmware_is_refused_so_that_no_campaign_waits_for_it() {
    let order = FirmwareOrder { id: "f1".parse().unwrap(), action: FirmwareAction::RollBack };
    let told = Bench::new().bus(light(1, Light::FirmwareOrder(order)));
    assert_eq!(told, ["l-0001 f1 Some(Unsupported)"]);
}

#[test]
fn a_programme_waits_in_the_shadow_and_is_delivered_once_for_each_connection() {
    let mut bench = Bench::new();
    assert_eq!(bench.bus(light(1, Light::Programme(programme()))), [""; 0]);
    let welcome = bench.comes("p_1");
    assert_eq!(welcome[2], "p_1 properties/set/request_id=e-2");
    assert_eq!(bench.bus(light(1, Light::Programme(programme()))), [""; 0], "a copy");
    assert_eq!(bench.answers("p_1", "properties/set", 2, 0), [""; 0]);
    assert_eq!(bench.reports("p_1", &json!({ "level": 7 })), ["l-0001 7 % 7 % 7 % Programme"]);
    let next = Programme { version: 2, ..programme() };
    assert_eq!(bench.bus(light(1, Light::Programme(next.clone()))), ["p_1 properties/set/request_id=e-3"]);
    assert_eq!(bench.passes(20), ["note: l-0001: no answer from the device"]);
    let told = bench.reports("p_1", &json!({ "level": 8 }));
    assert_eq!(told[1], "p_1 properties/set/request_id=e-4", "again with the next report");
    bench.answers("p_1", "properties/set", 4, 9);
    assert_eq!(
        bench.reports("p_1", &json!({ "level": 9 })).len(),
        1,
        "a refusal is not answered by asking again"
    );
    bench.reports("p_1", &json!({ "programme": next }));
    assert_eq!(bench.comes("p_1").len(), 3, "it told that it has it");
}

#[test]
fn what_a_device_asks_the_platform_is_answered() {
    let mut bench = connected();
    bench.reports("p_1", &json!({ "level": 7 }));
    let mut ask = |device: &str, rest: &str, payload: &Value| {
        let topic = format!("$oc/devices/{device}/sys/{rest}");
        let (_, up) = decode_up(&topic, payload.to_string().as_bytes()).unwrap();
        let mut out = Vec::new();
        bench.bridge.handle(
            T0,
            Input::Device { topic: topic.clone(), device: device.to_owned(), up },
            &mut out,
        );
        let Some(Output::Device { down, device: to }) = out.first() else { panic!("{out:?}") };
        assert_eq!(to, if device == "p_c" { "p_g" } else { device });
        let frame = encode_down(device, down);
        serde_json::from_slice::<Value>(&frame.payload).unwrap()
    };
    let shadow = ask("p_1", "shadow/get/request_id=7", &json!({ "service_id": "Light" }));
    assert_eq!(shadow["shadow"][0]["reported"]["properties"], json!({ "level": 7 }));
    let event = |service: &str, kind: &str, paras: Value| json!({ "services": [{ "service_id": service, "event_type": kind, "event_id": "x", "paras": paras }] });
    let sync = ask(
        "p_1",
        "events/up",
        &event("$time_sync", "time_sync_request", json!({ "device_send_time": "5" })),
    );
    let answer = &sync["services"][0];
    assert_eq!((&answer["event_type"], &answer["event_id"]), (&json!("time_sync_response"), &json!("x")));
    assert_eq!(answer["paras"]["device_send_time"], "5");
    assert_eq!(answer["paras"]["server_recv_time"], T0.as_millis());
    let children =
        ask("p_g", "events/up", &event("$sub_device_manager", "sub_device_sync_request", json!({})));
    let child = &children["services"][0]["paras"]["devices"][0];
    assert_eq!((&child["device_id"], &child["node_id"]), (&json!("p_c"), &json!("c")));
    let add =
        event("$sub_device_manager", "add_sub_device_request", json!({ "devices": [{ "node_id": "x" }] }));
    let refused = ask("p_g", "events/up", &add);
    assert_eq!(refused["services"][0]["event_type"], "add_sub_device_response");
    assert_eq!(refused["services"][0]["paras"]["failed_devices"][0]["node_id"], "x");
    let child = ask("p_c", "shadow/get/request_id=8", &json!({}));
    assert_eq!(child, json!({ "object_device_id": "p_c", "shadow": [] }), "to the gateway");
}

#[test]
fn a_gateway_speaks_for_its_children_and_takes_them_with_it() {
    let mut bench = Bench::new();
    assert_eq!(bench.comes("p_g")[0], "l-0002 online true");
    let service = json!({ "service_id": "Light", "properties": { "level": 40 } });
    let report = json!({ "devices": [{ "device_id": "p_c", "services": [service] }] });
    let told = bench.says("p_g", "gateway/sub_devices/properties/report", &report);
    let asked = "p_g properties/get/request_id=e-2";
    assert_eq!(told, ["l-0003 online true", asked, "l-0003 40 % 40 % 40 % Default"]);
    let sent = bench.command(3, "c1", Some(70), None);
    assert_eq!(sent, [r#"p_g commands/request_id=e-3 "SetLevel" {"level":70}"#]);
    assert_eq!(bench.answers("p_g", "commands", 3, 0)[0], "l-0003 c1 Done");
    let status = json!({ "device_statuses": [{ "device_id": "p_c", "status": "OFFLINE" }] });
    let event = json!({ "service_id": "$sub_device_manager", "event_type": "sub_device_update_status", "paras": status });
    assert_eq!(bench.says("p_g", "events/up", &json!({ "services": [event] })), ["l-0003 online false"]);
    let gone = bench.says("p_g", "status", &json!({ "status": "OFFLINE" }));
    assert_eq!(gone, ["l-0002 online false", "l-0003 online false"]);
}

#[test]
fn what_is_known_is_told_when_the_city_s_clock_is() {
    let mut bench = connected();
    bench.bridge.clock = None;
    assert_eq!(bench.reports("p_1", &json!({ "level": 7 })), [""; 0]);
    let clock = ClockState::running(Timestamp::from_millis(0), T0, 60);
    let told = bench.bus(Message::Clock(clock));
    let missed = ["l-0002 online false", "l-0003 online false"];
    assert_eq!(told, [&["l-0001 online true", "l-0001 7 % 7 % 7 % Default"][..], &missed].concat());
}

/// The bench's city begins at 8 in the morning: 10 hours later the sun sets.
const UNTIL_SUNSET_S: i64 = 10 * 3_600;

/// Light from sunset to sunrise.
fn nightly() -> Programme {
    let step = |at, level| ProgrammeStep { at, level };
    let steps = [step(StepTime::Sunset(0), DimLevel::FULL), step(StepTime::Sunrise(0), DimLevel::OFF)];
    Programme { steps: steps.to_vec().into(), ..programme() }
}

#[test]
fn a_device_that_takes_no_programme_is_told_each_of_its_levels() {
    let mut bench = connected();
    bench.bus(light(1, Light::Programme(nightly())));
    assert_eq!(bench.answers("p_1", "properties/set", 2, 1).len(), 2, "the refusal, and the level of now");
    bench.answers("p_1", "commands", 3, 0);
    let dusk = bench.passes(UNTIL_SUNSET_S);
    assert_eq!(dusk, [r#"p_1 commands/request_id=e-4 "SetLevel" {"level":100}"#]);
    assert_eq!(bench.answers("p_1", "commands", 4, 0), ["l-0001 100 % 0 % 0 % Programme"]);

    bench.command(1, "c1", Some(40), Some(UNTIL_SUNSET_S + 60));
    bench.answers("p_1", "commands", 5, 0);
    let over = bench.passes(61);
    assert_eq!(over, [r#"p_1 commands/request_id=e-6 "SetLevel" {"level":100}"#], "back to the programme");
    let unanswered = bench.passes(20);
    assert_eq!(unanswered[0], "note: l-0001: no answer from the device");
    assert_eq!(unanswered.len(), 1, "not hammered");
    let told = bench.reports("p_1", &json!({ "level": 40 }));
    assert_eq!(told[1], r#"p_1 commands/request_id=e-7 "SetLevel" {"level":100}"#, "with its next report");

    bench.reports("p_1", &json!({ "programme": nightly() }));
    let resumed = bench.command(1, "c2", None, None);
    assert!(resumed[0].ends_with(r#""Resume" {}"#), "now it has one: {resumed:?}");
}

#[test]
fn one_lost_answer_is_no_refusal_of_the_programme_but_two_are() {
    let mut bench = connected();
    bench.bus(light(1, Light::Programme(nightly())));
    assert_eq!(bench.passes(20), ["note: l-0001: no answer from the device"]);
    bench.reports("p_1", &json!({ "level": 0 }));
    let told = bench.passes(20);
    assert_eq!(told.last().unwrap(), r#"p_1 commands/request_id=e-4 "SetLevel" {"level":0}"#);
}

#[test]
fn shadows_outlast_the_process_and_what_is_no_memory_is_refused() {
    let mut bench = connected();
    let before = bench.bridge.changes;
    bench.bus(light(1, Light::Programme(programme())));
    bench.reports("p_1", &json!({ "level": 7 }));
    assert_eq!(bench.bridge.changes, before + 2);
    let memory = bench.bridge.memory();

    let mut later = Bench::new();
    assert!(later.bridge.recall(b"{").is_err());
    later.bridge.recall(&memory).unwrap();
    assert_eq!(later.bridge.lamps[0].shadow, bench.bridge.lamps[0].shadow);
    let welcome = later.comes("p_1");
    assert_eq!(welcome[2], "p_1 properties/set/request_id=e-2", "what it was to take and never told to have");
}
