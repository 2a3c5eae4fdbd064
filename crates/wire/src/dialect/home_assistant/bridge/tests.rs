use lighting::{LightState, Mode, Report, Stamp};
use serde_json::json;
use types::Seed;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_776_510_000_000);

fn bridge() -> HomeAssistantBridge {
    let lamps = [(LuminaireId(1), "Lamp 1".to_owned()), (LuminaireId(2), "Lamp 2".to_owned())];
    HomeAssistantBridge::new("demo".parse().unwrap(), lamps, MessageIds::new(Seed(1).stream("ids", 0)))
}

fn topics(said: &[Said]) -> Vec<&str> {
    said.iter()
        .map(|said| match said {
            Said::Frame(frame) => frame.topic.trim_start_matches("homeassistant/light/kitecity-demo-"),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn who_is_not_shown_is_not_commanded_and_what_was_kept_is_no_command() {
    let mut bridge = bridge();
    let mut out = Vec::new();
    let on = br#"{"state":"ON"}"#;
    let foreign = "homeassistant/light/kitecity-demo-l-0003/set";
    bridge.on_foreign(NOW, foreign, on, false, &mut out).unwrap();
    assert!(
        matches!(&out[..], [Said::Refused { reason, .. }] if reason == "no such light is shown"),
        "{out:?}"
    );
    out.clear();
    bridge.on_foreign(NOW, "homeassistant/light/kitecity-demo-l-0001/set", on, true, &mut out).unwrap();
    bridge.on_foreign(NOW, "homeassistant/light/kitchen/set", on, false, &mut out).unwrap();
    assert_eq!(out, []);
    let bad = bridge.on_foreign(NOW, "homeassistant/light/kitecity-demo-l-0001/set", b"{}", false, &mut out);
    assert!(bad.is_err());
}

#[test]
fn its_lights_are_described_kept_up_to_date_and_taken_back() {
    let mut bridge = bridge();
    let mut out = Vec::new();
    bridge.connected(NOW, &mut out);
    let all = ["l-0001/config", "l-0001/availability", "l-0002/config", "l-0002/availability"];
    assert_eq!(topics(&out), all);
    out.clear();
    let level = DimLevel::from_percent(40).unwrap();
    let body = LightState { target: level, in_effect: level, actual: level, mode: Mode::Programme };
    for (lamp, body) in [
        (1, Light::State(Report { stamp: Stamp::default(), body })),
        (2, Light::Online(true)),
        (3, Light::Online(true)),
    ] {
        let message =
            Message::Light { district: "kuiwen".parse().unwrap(), luminaire: LuminaireId(lamp), body };
        bridge.on_bus(NOW, message, &mut out);
    }
    assert_eq!(topics(&out), ["l-0001/state", "l-0002/availability"]);
    out.clear();
    bridge.farewell(&mut out);
    let taken_back = out.iter().filter(|said| matches!(said, Said::Frame(frame) if frame.payload.is_empty()));
    assert_eq!(taken_back.count(), 2);
}

#[test]
fn a_command_goes_to_the_cms_as_any_operator_s() {
    let mut bridge = bridge();
    let mut out = Vec::new();
    let set = json!({ "state": "ON", "brightness": 127 }).to_string();
    bridge
        .on_foreign(NOW, "homeassistant/light/kitecity-demo-l-0002/set", set.as_bytes(), false, &mut out)
        .unwrap();
    let [Said::Bus(Message::Request(request))] = &out[..] else { panic!("{out:?}") };
    let RequestBody::Dim(dim) = &request.body else { panic!("{request:?}") };
    assert_eq!((dim.luminaire, dim.level), (LuminaireId(2), DimLevel::from_percent(50).ok()));
    assert_eq!(&*request.reply_to.path, "svc-homeassistant/1");
}
