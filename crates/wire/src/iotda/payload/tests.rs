//! Payloads of the public protocol text, and bytes of nobody.

use proptest::prelude::*;

use serde_json::json;

use super::*;
use crate::iotda::topic;
use crate::{DecodeError, PAYLOAD_BYTES_MAX};

fn on(rest: &str, payload: &str) -> Result<Up, DecodeError> {
    let topic = format!("$oc/devices/p_1/sys/{rest}");
    let (device, up) = decode_up(&topic, payload.as_bytes())?;
    assert_eq!(device, "p_1");
    Ok(up)
}

fn check(rest: &str, payload: &str, expected: Up) {
    assert_eq!(on(rest, payload), Ok(expected), "{payload}");
}

fn map(value: Value) -> Map<String, Value> {
    let Value::Object(map) = value else { panic!("{value}") };
    map
}

fn light(properties: Value, event_time: Option<&str>) -> ServiceReport {
    let event_time = event_time.map(str::to_owned);
    ServiceReport { service: "Light".to_owned(), properties: map(properties), event_time }
}

#[test]
fn what_is_not_of_the_protocol_is_refused_with_its_place() {
    for (rest, payload, words) in [
        ("properties/report", "", "EOF"),
        ("properties/report", "not json", "expected ident"),
        ("properties/report", "[]", "invalid length"),
        ("properties/report", "{}", "missing field `services`"),
        ("properties/report", r#"{"services":[{"properties":{}}]}"#, "missing field `service_id`"),
        ("properties/report", r#"{"services":[{"service_id":"Light","properties":[1]}]}"#, "invalid type"),
        ("properties/report", r#"{"services":[{"service_id":"Light","event_time":7}]}"#, "invalid type"),
        ("commands/response/request_id=1", r#"{"result_code":"ok"}"#, "invalid type"),
        (
            "gateway/sub_devices/properties/report",
            r#"{"devices":[{"services":[]}]}"#,
            "missing field `device_id`",
        ),
        ("status", r#"{"status":"ASLEEP"}"#, "unknown variant"),
    ] {
        let Err(DecodeError::Payload { reason, .. }) = on(rest, payload) else { panic!("{payload}") };
        assert!(reason.contains(words), "{payload}: {reason}");
    }
    let long = " ".repeat(PAYLOAD_BYTES_MAX + 1);
    assert_eq!(on("properties/report", &long), Err(DecodeError::TooLong(long.len())));
    assert_eq!(on("properties/reports", "{}"), Err(DecodeError::UnknownTopic));
}

#[test]
fn what_devices_say_is_read() {
    check(
        "properties/report",
        r#"{"services":[{"service_id":"Light","properties":{"level":40},"event_time":"20250414T010000Z"}]}"#,
        Up::Report(vec![light(json!({ "level": 40 }), Some("20250414T010000Z"))]),
    );
    check(
        "properties/report",
        r#"{"object_device_id":"p_1","services":[{"service_id":"Light","properties":null,"event_time":null,"x":1}]}"#,
        Up::Report(vec![light(json!({}), None)]),
    );
    check(
        "gateway/sub_devices/properties/report",
        r#"{"devices":[{"device_id":"p_2","services":[{"service_id":"Light","properties":{"power":1.5}}]}]}"#,
        Up::GatewayReport(vec![("p_2".to_owned(), vec![light(json!({ "power": 1.5 }), None)])]),
    );
    check(
        "commands/response/request_id=ab-1",
        r#"{"result_code":0,"response_name":"COMMAND_RESPONSE","paras":{"result":"success"}}"#,
        Up::CommandResponse { request: "ab-1".to_owned(), result_code: 0 },
    );
    check(
        "properties/set/response/request_id=7",
        r#"{"result_code":1,"result_desc":"no such property"}"#,
        Up::SetResponse { request: "7".to_owned(), result_code: 1 },
    );
    check(
        "properties/get/response/request_id=7",
        r#"{"services":[{"service_id":"Light","properties":{"level":0},"event_time":""}]}"#,
        Up::GetResponse { request: "7".to_owned(), services: vec![light(json!({ "level": 0 }), None)] },
    );
    let question = |service: Option<&str>| Up::ShadowGet {
        request: "7".to_owned(),
        object: None,
        service: service.map(str::to_owned),
    };
    check("shadow/get/request_id=7", r#"{"service_id":"Light"}"#, question(Some("Light")));
    check("shadow/get/request_id=7", r#"{"service_id":""}"#, question(None));
    check("shadow/get/request_id=7", "", question(None));
    check("messages/up", "anything at all", Up::Message);
    check("status", r#"{"status":"ONLINE"}"#, Up::Status(true));
    let event = DeviceEvent {
        service: "$time_sync".to_owned(),
        kind: "time_sync_request".to_owned(),
        event_time: Some("20250414T010000Z".to_owned()),
        event_id: None,
        paras: map(json!({ "device_send_time": 1_744_592_400_000_u64 })),
    };
    check(
        "events/up",
        r#"{"object_device_id":"p_1","services":[{"service_id":"$time_sync","event_type":"time_sync_request",
            "event_time":"20250414T010000Z","event_id":"","paras":{"device_send_time":1744592400000}}]}"#,
        Up::Events(vec![event]),
    );
}

#[test]
fn what_the_platform_says_is_as_the_protocol_text_has_it() {
    let request = || "e-7".to_owned();
    let object = || "p_2".to_owned();
    let written = |down: &Down, rest: &str, expected: Value| {
        let frame = encode_down("p_1", down);
        assert_eq!(frame.topic, format!("$oc/devices/p_1/sys/{rest}"));
        assert_eq!(serde_json::from_slice::<Value>(&frame.payload).unwrap(), expected);
    };
    written(
        &Down::Command {
            request: request(),
            object: object(),
            service: "Light".to_owned(),
            name: "SetLevel".to_owned(),
            paras: json!({ "level": 40 }),
        },
        "commands/request_id=e-7",
        json!({ "object_device_id": "p_2", "service_id": "Light", "command_name": "SetLevel", "paras": { "level": 40 } }),
    );
    let properties = map(json!({ "programme": { "version": 1, "steps": [] } }));
    written(
        &Down::SetProperties {
            request: request(),
            object: object(),
            services: vec![ServiceReport { service: "Light".to_owned(), properties, event_time: None }],
        },
        "properties/set/request_id=e-7",
        json!({
            "object_device_id": "p_2",
            "services": [{ "service_id": "Light", "properties": { "programme": { "version": 1, "steps": [] } } }],
        }),
    );
    written(
        &Down::GetProperties { request: request(), object: object(), service: "Light".to_owned() },
        "properties/get/request_id=e-7",
        json!({ "object_device_id": "p_2", "service_id": "Light" }),
    );
    written(
        &Down::Shadow {
            request: request(),
            object: object(),
            services: vec![json!({ "service_id": "Light" })],
        },
        "shadow/get/response/request_id=e-7",
        json!({ "object_device_id": "p_2", "shadow": [{ "service_id": "Light" }] }),
    );
    let event = DeviceEvent {
        service: "$ota".to_owned(),
        kind: "version_query".to_owned(),
        event_time: Some("20250414T010000Z".to_owned()),
        event_id: Some("9".to_owned()),
        paras: Map::new(),
    };
    written(
        &Down::Events { object: object(), events: vec![event] },
        "events/down",
        json!({
            "object_device_id": "p_2",
            "services": [{
                "service_id": "$ota", "event_type": "version_query", "event_time": "20250414T010000Z",
                "event_id": "9", "paras": {},
            }],
        }),
    );
}

#[test]
fn both_ways_to_write_a_time_are_read_and_a_time_zone_is_no_wrong_clock() {
    let received = Timestamp::from_millis(1_744_592_400_000);
    let off_s = |text: &str| moment(text, received).map(|at| at.millis_since(received) / 1_000);
    for text in ["", "yesterday", "20250414T0100Z", "2025-13-14T01:00:00Z", "20250414T010000+0800"] {
        assert_eq!(off_s(text), None, "{text}");
    }
    assert_eq!(off_s("20250414T010005Z"), Some(5));
    assert_eq!(off_s("20250414T090005Z"), Some(8 * 3_600 + 5), "the documented form is UTC");
    assert_eq!(off_s("2025-04-14T01:00:05Z"), Some(5));
    assert_eq!(off_s("2025-04-14T09:00:05Z"), Some(5), "local time in China");
    assert_eq!(
        off_s("2025-04-13T19:29:58Z"),
        Some(-2),
        "local time in New York, half an hour off by its zone"
    );
    assert_eq!(off_s("1970-01-01T00:00:00Z"), Some(-1_744_592_400), "no time zone is that far");
}

fn maps() -> impl Strategy<Value = Map<String, Value>> {
    let value = prop_oneof![any::<i32>().prop_map(Value::from), "[a-z ]{0,6}".prop_map(Value::from)];
    proptest::collection::btree_map("[a-zA-Z]{1,8}", value, 0..4).prop_map(|map| map.into_iter().collect())
}

fn reports() -> impl Strategy<Value = Vec<ServiceReport>> {
    let time = proptest::option::of("[0-9TZ]{1,16}");
    let report = ("[A-Za-z$_]{1,8}", maps(), time);
    let report = report.prop_map(|(service, properties, event_time)| ServiceReport {
        service,
        properties,
        event_time,
    });
    proptest::collection::vec(report, 0..3)
}

fn events() -> impl Strategy<Value = Vec<DeviceEvent>> {
    let event = ("[a-z$_]{0,8}", "[a-z_]{1,8}", proptest::option::of("[0-9]{1,4}"), maps());
    let event = event.prop_map(|(service, kind, event_id, paras)| DeviceEvent {
        service,
        kind,
        event_time: event_id.clone(),
        event_id,
        paras,
    });
    proptest::collection::vec(event, 0..3)
}

fn ups() -> impl Strategy<Value = Up> {
    let request = || "[a-zA-Z0-9 =-]{1,12}";
    let name = || proptest::option::of("[A-Za-z0-9_]{1,8}");
    prop_oneof![
        reports().prop_map(Up::Report),
        proptest::collection::vec(("[a-z0-9_]{1,8}", reports()), 0..3).prop_map(Up::GatewayReport),
        (request(), any::<i64>())
            .prop_map(|(request, result_code)| Up::CommandResponse { request, result_code }),
        (request(), any::<i64>()).prop_map(|(request, result_code)| Up::SetResponse { request, result_code }),
        (request(), reports()).prop_map(|(request, services)| Up::GetResponse { request, services }),
        (request(), name(), name()).prop_map(|(request, object, service)| Up::ShadowGet {
            request,
            object,
            service
        }),
        Just(Up::Message),
        events().prop_map(Up::Events),
        any::<bool>().prop_map(Up::Status),
        (any::<u64>(), "[a-z ]{0,9}").prop_map(|(count, reason)| Up::Refused { count, reason }),
    ]
}

fn downs() -> impl Strategy<Value = Down> {
    let request = || "[a-zA-Z0-9 =-]{1,12}";
    let name = || "[A-Za-z0-9_]{1,8}";
    prop_oneof![
        (request(), name(), name(), name(), maps()).prop_map(|(request, object, service, name, paras)| {
            Down::Command { request, object, service, name, paras: Value::Object(paras) }
        }),
        (request(), name(), reports()).prop_map(|(request, object, services)| Down::SetProperties {
            request,
            object,
            services
        }),
        (request(), name(), name()).prop_map(|(request, object, service)| Down::GetProperties {
            request,
            object,
            service
        }),
        (request(), name(), proptest::collection::vec(maps().prop_map(Value::Object), 0..2))
            .prop_map(|(request, object, services)| Down::Shadow { request, object, services }),
        Just(Down::Message),
        (name(), events()).prop_map(|(object, events)| Down::Events { object, events }),
    ]
}

proptest! {
    #[test]
    fn what_a_device_writes_the_platform_reads(up in ups()) {
        let frame = encode_up("p_1", &up);
        prop_assert_eq!(decode_up(&frame.topic, &frame.payload), Ok(("p_1", up)));
    }

    #[test]
    fn what_the_platform_writes_a_device_reads(down in downs()) {
        let frame = encode_down("p_1", &down);
        prop_assert_eq!(decode_down(&frame.topic, &frame.payload), Ok(("p_1", down)));
    }

    #[test]
    fn no_bytes_panic(rest in "[a-z_/=$0-9]{0,40}", payload in proptest::collection::vec(any::<u8>(), 0..200)) {
        let topic = format!("$oc/devices/p_1/{rest}");
        let _ = (decode_up(&topic, &payload), decode_down(&topic, &payload));
        for filter in topic::UP_FILTERS.map(str::to_owned).into_iter().chain(topic::down_filters("p_1")) {
            let topic = filter.replacen("devices/+", "devices/p_1", 1).replace('+', "request_id=1");
            let _ = (decode_up(&topic, &payload), decode_down(&topic, &payload));
        }
    }

    #[test]
    fn no_time_panics(text in "[0-9TZ:.-]{0,24}", received in any::<i64>()) {
        let _ = moment(&text, Timestamp::from_millis(received));
    }
}
