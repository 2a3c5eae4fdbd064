use lighting::{CommandAck, LightState, Mode, Report, Stamp};
use types::LuminaireId;

use super::*;
use crate::dialect::{DeviceSecret, Dialect};
use crate::iotda::{admits, decode_up, encode_down};

/// 2025-04-14T01:30:00Z by the wall; the city is elsewhere in time.
const NOW: Moment = Moment {
    wall: Timestamp::from_millis(1_744_594_200_000),
    city: Timestamp::from_millis(1_776_510_000_000),
};

fn face() -> DeviceFace {
    DeviceFace::new(Device {
        dialect: Dialect::Iotda,
        id: "p_1".to_owned(),
        secret: DeviceSecret("12345678".to_owned()),
        lamp: Some(LuminaireId(1)),
        children: Vec::new(),
        lumens: None,
    })
}

fn up(frame: &Frame) -> Up {
    let (device, up) = decode_up(&frame.topic, &frame.payload).unwrap();
    assert_eq!(device, "p_1");
    up
}

fn hears(face: &mut DeviceFace, down: &Down) -> Vec<Heard> {
    let frame = encode_down("p_1", down);
    let mut out = Vec::new();
    face.hears(NOW, &frame.topic, &frame.payload, &mut out).unwrap();
    out
}

fn command(service: &str, name: &str, paras: Value) -> Down {
    let object = if service == "child" { "p_2" } else { "p_1" };
    Down::Command {
        request: "7".to_owned(),
        object: object.to_owned(),
        service: "Light".to_owned(),
        name: name.to_owned(),
        paras,
    }
}

#[test]
fn what_it_does_not_understand_it_refuses() {
    for down in [
        command("Light", "SetLevel", json!({ "level": 101 })),
        command("Light", "SetLevel", json!({})),
        command("Light", "Blink", json!({})),
        command("child", "SetLevel", json!({ "level": 40 })),
    ] {
        let heard = hears(&mut face(), &down);
        let [Heard::Platform(frame)] = &heard[..] else { panic!("{heard:?}") };
        let expected = Up::CommandResponse { request: "7".to_owned(), result_code: NOT_UNDERSTOOD };
        assert_eq!(up(frame), expected);
    }
    let light = |properties: Value| {
        let Value::Object(properties) = properties else { panic!("{properties}") };
        ServiceReport { service: "Light".to_owned(), properties, event_time: None }
    };
    for services in [
        vec![],
        vec![light(json!({ "level": 5 }))],
        vec![light(json!({ "programme": 5 }))],
        vec![light(json!({ "programme": { "version": 1, "steps": [] }, "level": 5 }))],
    ] {
        let (request, object) = ("8".to_owned(), "p_1".to_owned());
        let heard = hears(&mut face(), &Down::SetProperties { request, object, services });
        let [Heard::Platform(frame)] = &heard[..] else { panic!("{heard:?}") };
        assert_eq!(up(frame), Up::SetResponse { request: "8".to_owned(), result_code: NOT_UNDERSTOOD });
    }
    let foreign = encode_down("p_2", &command("Light", "Resume", json!({})));
    let refused = face().hears(NOW, &foreign.topic, &foreign.payload, &mut Vec::new());
    assert_eq!(refused, Err(DecodeError::UnknownTopic));
}

#[test]
fn its_login_is_let_in_by_the_platform() {
    let login = face().login(NOW.wall);
    assert_eq!(login.client_id, "p_1_0_1_2025041401");
    let (user, password) = login.credentials.unwrap();
    assert_eq!(admits(&user, &login.client_id, password.as_bytes(), "12345678", NOW.wall), Ok(()));
}

#[test]
fn a_command_is_answered_when_the_luminaire_obeyed_it() {
    let mut face = face();
    let heard = hears(&mut face, &command("Light", "SetLevel", json!({ "level": 40 })));
    let [Heard::Luminaire(Light::Command(command))] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!((command.level, command.until), (DimLevel::from_percent(40).ok(), None));
    let ack = CommandAck { command: command.id.clone(), result: AckResult::Done, reason: None };
    let ack = Light::Ack(Report { stamp: Stamp::default(), body: ack });
    let mut out = Vec::new();
    face.says(NOW, &ack, &mut out);
    face.says(NOW, &ack, &mut out);
    let answers: Vec<Up> = out.iter().map(up).collect();
    assert_eq!(answers, [Up::CommandResponse { request: "7".to_owned(), result_code: 0 }], "once");
    assert!(command_id(&"x y".repeat(99)).as_str().starts_with("request-"), "any text will do");
}

#[test]
fn what_it_reports_has_the_time_of_the_platform_off_by_its_clock() {
    let mut face = face();
    let mut out = Vec::new();
    face.connected(NOW, &mut out);
    let Up::Events(events) = up(&out[1]) else { panic!() };
    assert_eq!(
        (events[0].kind.as_str(), &events[0].paras["device_send_time"]),
        ("time_sync_request", &json!("1744594200000"))
    );
    // The platform's clock is 10 s ahead, half a second on the way each.
    let paras = json!({ "device_send_time": "1744594199000", "server_recv_time": 1_744_594_209_500_i64, "server_send_time": 1_744_594_209_500_i64 });
    let event = DeviceEvent {
        service: "$time_sync".to_owned(),
        kind: "time_sync_response".to_owned(),
        paras: paras.as_object().unwrap().clone(),
        ..DeviceEvent::default()
    };
    hears(&mut face, &Down::Events { object: "p_1".to_owned(), events: vec![event] });
    assert_eq!(face.ahead_ms, 10_000);

    let level = DimLevel::from_percent(40).unwrap();
    let body = LightState { target: level, in_effect: level, actual: level, mode: Mode::Programme };
    let stamp = Stamp { ts: NOW.city.plus_millis(60_000), ..Stamp::default() };
    let mut out = Vec::new();
    face.says(NOW, &Light::State(Report { stamp, body }), &mut out);
    let Up::Report(services) = up(&out[0]) else { panic!() };
    assert_eq!(services[0].event_time.as_deref(), Some("20250414T013110Z"), "its clock is a minute ahead");
    let expected = json!({ "target": 40, "level": 40, "actual": 40, "mode": "programme" });
    assert_eq!(Value::Object(services[0].properties.clone()), expected);
    let asked = Down::GetProperties {
        request: "9".to_owned(),
        object: "p_1".to_owned(),
        service: "Light".to_owned(),
    };
    let [Heard::Platform(frame)] = &hears(&mut face, &asked)[..] else { panic!() };
    let Up::GetResponse { services, .. } = up(frame) else { panic!() };
    assert_eq!(Value::Object(services[0].properties.clone()), expected);
}

#[test]
fn it_takes_a_programme_and_tells_that_it_has_it() {
    let mut face = face();
    let programme = json!({ "version": 3, "steps": [{ "at": { "sunset": 0 }, "level": 100 }] });
    let properties = Map::from_iter([("programme".to_owned(), programme.clone())]);
    let services = vec![ServiceReport { service: "Light".to_owned(), properties, event_time: None }];
    let heard = hears(
        &mut face,
        &Down::SetProperties { request: "8".to_owned(), object: "p_1".to_owned(), services },
    );
    let [Heard::Luminaire(Light::Programme(taken)), Heard::Platform(answer), Heard::Platform(report)] =
        &heard[..]
    else {
        panic!("{heard:?}")
    };
    assert_eq!(taken.version, 3);
    assert_eq!(up(answer), Up::SetResponse { request: "8".to_owned(), result_code: 0 });
    let Up::Report(services) = up(report) else { panic!() };
    assert_eq!(services[0].properties["programme"], programme);
}

#[test]
fn asked_for_its_version_it_tells_and_an_upgrade_it_declines() {
    let mut face = face();
    for (kind, answer) in
        [("version_query", "version_report"), ("firmware_upgrade", "upgrade_progress_report")]
    {
        let event =
            DeviceEvent { service: "$ota".to_owned(), kind: kind.to_owned(), ..DeviceEvent::default() };
        let heard = hears(&mut face, &Down::Events { object: "p_1".to_owned(), events: vec![event] });
        let [Heard::Platform(frame)] = &heard[..] else { panic!("{heard:?}") };
        let Up::Events(events) = up(frame) else { panic!() };
        assert_eq!(events[0].kind, answer);
    }
}
