use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn said(rest: &str, payload: &str) -> Result<Word, DecodeError> {
    let topic = format!("homeassistant/light/n/{rest}");
    decode(&topic, payload.as_bytes()).map(|(_, word)| word)
}

#[test]
fn what_is_no_command_is_refused() {
    for (payload, words) in [
        ("", "EOF"),
        ("ON", "expected value"),
        ("{}", "neither `state` nor `brightness`"),
        (r#"{"state":"on"}"#, "unknown variant"),
        (r#"{"state":"ON","brightness":255}"#, "`brightness` is 255, expected 0 to 254"),
        (r#"{"state":"ON","brightness":-1}"#, "invalid value"),
    ] {
        let reason = said("set", payload).unwrap_err().to_string();
        assert!(reason.contains(words), "{payload}: {reason}");
    }
    assert_eq!(said("sets", "{}"), Err(DecodeError::UnknownTopic));
    for topic in ["homeassistant/light//set", "homeassistant/light/a b/set", "homeassistant/light/+/set"] {
        assert_eq!(decode(topic, b"{}"), Err(DecodeError::UnknownTopic), "{topic}");
        assert_eq!(commanded_node(topic), None);
    }
}

#[test]
fn commands_are_read_and_any_light_stays_light() {
    let level = |percent| Word::Set(DimLevel::from_percent(percent).ok());
    assert_eq!(said("set", r#"{"state":"ON"}"#), Ok(Word::Set(None)));
    assert_eq!(said("set", r#"{"state":"ON","brightness":127,"transition":2}"#), Ok(level(50)));
    assert_eq!(said("set", r#"{"state":"ON","brightness":1}"#), Ok(level(1)));
    assert_eq!(said("set", r#"{"state":"OFF","brightness":99}"#), Ok(level(0)));
}

#[test]
fn a_light_describes_itself_as_the_documentation_has_it() {
    let frame = encode("n-1", &Word::Config(Some(Box::new(Config::new("n-1", "Lamp 1")))));
    assert_eq!(frame.topic, "homeassistant/light/n-1/config");
    assert!(frame.channel.retain);
    let config: Value = serde_json::from_slice(&frame.payload).unwrap();
    for (key, value) in [
        ("~", json!("homeassistant/light/n-1")),
        ("name", json!("Lamp 1")),
        ("unique_id", json!("n-1")),
        ("schema", json!("json")),
        ("cmd_t", json!("~/set")),
        ("stat_t", json!("~/state")),
        ("avty_t", json!("~/availability")),
        ("brightness", json!(true)),
        ("brightness_scale", json!(254)),
        ("supported_color_modes", json!(["brightness"])),
    ] {
        assert_eq!(config[key], value, "{key}");
    }
    let state = encode("n-1", &Word::State(DimLevel::from_percent(40).unwrap()));
    assert_eq!(
        serde_json::from_slice::<Value>(&state.payload).unwrap(),
        json!({ "state": "ON", "brightness": 102, "color_mode": "brightness" })
    );
    let gone = encode("n-1", &Word::Config(None));
    assert!(gone.payload.is_empty() && gone.channel.retain, "an empty retained payload removes a light");
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(percent in 0..=100_u8, there in any::<bool>(), name in "\\PC{0,12}") {
        let level = DimLevel::from_percent(percent).unwrap();
        let config = Word::Config(Some(Box::new(Config::new("n", &name))));
        let words = [Word::Available(there), Word::State(level), Word::Set(Some(level)), Word::Set(None)];
        for word in words.into_iter().chain([config, Word::Config(None)]) {
            let frame = encode("n", &word);
            prop_assert_eq!(decode(&frame.topic, &frame.payload), Ok(("n", word)));
        }
    }

    #[test]
    fn no_bytes_panic(what in 0..4_usize, payload in proptest::collection::vec(any::<u8>(), 0..200)) {
        let topic = format!("homeassistant/light/n/{}", ["config", "availability", "state", "set"][what]);
        let _ = decode(&topic, &payload);
    }
}
