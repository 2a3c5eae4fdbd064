//! The AsyncAPI 3 document of the bus, made from the table.

use serde_json::{Map, Value, json};

use crate::{CHANNELS, Channel};

/// The document, for a broker at `host` (such as `127.0.0.1:1883`).
pub fn document(host: &str) -> Value {
    let channels = CHANNELS.iter().map(|channel| (channel.name.to_owned(), describe(channel)));
    let operations = CHANNELS.iter().map(|channel| (format!("send.{}", channel.name), operation(channel)));
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Kitecity bus",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Topics of a simulated smart city. SIMULATED / 模拟: no real system, no real person.",
            "license": { "name": "Apache-2.0" },
        },
        "defaultContentType": "application/json",
        "servers": { "broker": { "host": host, "protocol": "mqtt", "protocolVersion": "5.0" } },
        "channels": Map::from_iter(channels),
        "operations": Map::from_iter(operations),
    })
}

fn describe(channel: &Channel) -> Value {
    let address = format!("kitecity/v1/{{run}}/{}", channel.address);
    let parameters = address.split('/').filter_map(|level| level.strip_prefix('{')?.strip_suffix('}'));
    let parameters = parameters.map(|name| (name.to_owned(), json!({ "description": parameter(name) })));
    let read =
        |payload: &&str| -> Value { serde_json::from_str(payload).expect("a test reads every example") };
    let example = read(&channel.example);
    let payloads = std::iter::once(example.clone()).chain(channel.more_examples.iter().map(read));
    let examples: Vec<Value> = payloads.map(|payload| json!({ "payload": payload })).collect();
    let retained = if channel.retain { "retained" } else { "not retained" };
    json!({
        "address": address,
        "title": channel.name,
        "description": format!("{} Published by: {}; {retained}.", channel.summary, channel.sender),
        "parameters": Map::from_iter(parameters),
        "messages": { channel.name: {
            "contentType": channel.content_type,
            "payload": schema(&example),
            "examples": examples,
        }},
    })
}

fn operation(channel: &Channel) -> Value {
    let mut mqtt = json!({ "qos": u8::from(channel.at_least_once), "retain": channel.retain, "bindingVersion": "0.2.0" });
    if let Some(seconds) = channel.expiry_s {
        mqtt["messageExpiryInterval"] = json!(seconds);
    }
    json!({
        "action": "send",
        "summary": channel.summary,
        "channel": { "$ref": format!("#/channels/{}", channel.name) },
        "bindings": { "mqtt": mqtt },
    })
}

/// Values that may be `null` in place of the number of the example.
const NULLABLE: [&str; 1] = ["level"];

/// The schema of the envelope: which keys every payload of this channel has, and their types.
fn schema(example: &Value) -> Value {
    match example {
        Value::Object(fields) => json!({
            "type": "object",
            "properties": Map::from_iter(fields.iter().map(|(name, value)| (name.clone(), property(name, value)))),
        }),
        Value::Array(items) => json!({ "type": "array", "items": items.first().map_or(json!({}), schema) }),
        Value::String(_) => json!({ "type": "string" }),
        Value::Number(number) if number.is_f64() => json!({ "type": "number" }),
        Value::Number(_) => json!({ "type": "integer" }),
        Value::Bool(_) => json!({ "type": "boolean" }),
        Value::Null => json!({}),
    }
}

fn property(name: &str, example: &Value) -> Value {
    let mut property = schema(example);
    if NULLABLE.contains(&name) {
        property["type"] = json!([property["type"], "null"]);
    }
    property
}

fn parameter(name: &str) -> &'static str {
    match name {
        "run" => "Which city: keeps two apart on one broker.",
        "district" => "District slug, such as `kuiwen`.",
        "luminaire" => "Luminaire id, such as `l-0412`.",
        "cabinet" => "Cabinet id, such as `c-0012`.",
        "reader" => "A reader's name, such as `school-gate`.",
        "service" => "Which service.",
        "aggregate" => "What kind of thing it is about.",
        "shard" => "`s` and two hex digits, `s00` to `s0f`: a hash of the thing it is about.",
        "event" => "What happened.",
        "method" => "What is asked.",
        "caller" => "The caller's client id, and whatever it likes after that.",
        _ => "Which consumer.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_channel_has_one_operation_that_refers_to_it() {
        let document = document("127.0.0.1:1883");
        let channels = document["channels"].as_object().unwrap();
        assert_eq!(channels.len(), CHANNELS.len());
        for operation in document["operations"].as_object().unwrap().values() {
            let target = operation["channel"]["$ref"].as_str().unwrap();
            assert!(channels.contains_key(target.strip_prefix("#/channels/").unwrap()), "{target}");
        }
    }

    #[test]
    fn a_level_may_be_null_and_other_numbers_may_not() {
        let schema = schema(&json!({ "level": 40, "power_mw": 1, "steps": [{ "level": 0 }], "none": [] }));
        let properties = &schema["properties"];
        assert_eq!(properties["level"]["type"], json!(["integer", "null"]));
        assert_eq!(properties["power_mw"]["type"], "integer");
        assert_eq!(properties["none"]["items"], json!({}));
    }
}
