use proptest::prelude::*;

use super::*;

const SENT: Timestamp = Timestamp::from_millis(1_776_510_000_000);

#[test]
fn what_is_not_of_the_protocol_is_refused() {
    let measured = "smartylighting/streetlights/1/0/event/s1/lighting/measured";
    for (payload, words) in [
        ("", "EOF"),
        ("{}", "missing field `lumens`"),
        (r#"{"lumens":-1}"#, "invalid value"),
        (r#"{"lumens":1.5}"#, "invalid type"),
        (r#"{"lumens":10000001}"#, "`lumens` is 10000001, expected 0 to 10000000"),
        (r#"{"lumens":1,"sentAt":"today"}"#, "`sentAt` is no time"),
    ] {
        let reason = decode_measured(measured, payload.as_bytes()).unwrap_err().to_string();
        assert!(reason.contains(words), "{payload}: {reason}");
    }
    for topic in [
        "smartylighting/streetlights/1/0/event//lighting/measured",
        "smartylighting/streetlights/1/0/event/a/b/lighting/measured",
    ] {
        assert_eq!(decode_measured(topic, b"{}"), Err(DecodeError::UnknownTopic), "{topic}");
    }
    let on = "smartylighting/streetlights/1/0/action/s1/turn/on";
    let dim = "smartylighting/streetlights/1/0/action/s1/dim";
    for (topic, payload, words) in [
        (on, r#"{"command":"off"}"#, "contradicts"),
        (on, r#"{"command":"up"}"#, "unknown variant"),
        (dim, r#"{"percentage":101}"#, "101"),
        (dim, "{}", "missing field `percentage`"),
    ] {
        let reason = decode_action(topic, payload.as_bytes()).unwrap_err().to_string();
        assert!(reason.contains(words), "{payload}: {reason}");
    }
    assert!(!is_action("smartylighting/streetlights/1/0/action/s1/turn/up"));
}

#[test]
fn payloads_are_as_the_document_has_them() {
    let check = |frame: Frame, topic: &str, payload: &str| {
        assert_eq!(frame.topic, format!("smartylighting/streetlights/1/0/{topic}"));
        assert_eq!(String::from_utf8_lossy(&frame.payload), payload);
    };
    let forty = DimLevel::from_percent(40).unwrap();
    let time = r#""sentAt":"2026-04-18T11:00:00.000Z"}"#;
    let measured = Measured { lumens: 9_800, sent_at: Some(SENT) };
    check(
        encode_measured("s1", &measured),
        "event/s1/lighting/measured",
        &format!(r#"{{"lumens":9800,{time}"#),
    );
    check(encode_action("s1", Action::On, SENT), "action/s1/turn/on", &format!(r#"{{"command":"on",{time}"#));
    check(
        encode_action("s1", Action::Dim(forty), SENT),
        "action/s1/dim",
        &format!(r#"{{"percentage":40,{time}"#),
    );
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(lumens in 0..=LUMENS_MAX, at in 0..4_000_000_000_000_i64, percent in 0..=100_u8, turn in any::<bool>()) {
        let at = Timestamp::from_millis(at);
        let measured = Measured { lumens, sent_at: Some(at) };
        let frame = encode_measured("s1", &measured);
        prop_assert_eq!(decode_measured(&frame.topic, &frame.payload), Ok(("s1", measured)));
        let turned = if turn { Action::On } else { Action::Off };
        for action in [turned, Action::Dim(DimLevel::from_percent(percent).unwrap())] {
            let frame = encode_action("s1", action, at);
            prop_assert_eq!(decode_action(&frame.topic, &frame.payload), Ok(("s1", action)));
        }
    }

    #[test]
    fn no_bytes_panic(what in 0..4_usize, payload in proptest::collection::vec(any::<u8>(), 0..200)) {
        let rest = ["event/s1/lighting/measured", "action/s1/turn/on", "action/s1/dim", "action/s1"][what];
        let topic = format!("{PREFIX}{rest}");
        let _ = (decode_measured(&topic, &payload), decode_action(&topic, &payload));
    }
}
