//! What must hold for any message from outside, one function for the bus and for each dialect.
//!
//! `fuzz/` drives them with coverage; the tests below with the kept corpus, and with what chance makes of it. An input is
//! text: blocks with an empty line between them, each a topic, a line break and the payload.

use lighting::{AstroTable, SunDay};
use types::{DistrictId, HOUR_MS, LuminaireId, RunId, Seed, Timestamp};

use crate::dialect::home_assistant::{self, HomeAssistantBridge};
use crate::dialect::streetlights::{self, StreetlightsBridge};
use crate::dialect::{
    Bridge, Child, Device, DeviceSecret, Dialect, Heard, Moment, Portrait, Register, Said, Site, Sites, face,
};
use crate::iotda::{self, IotdaBridge};
use crate::{ClockState, DecodeError, Delivery, Frame, Message, MessageIds, decode, encode, prefix};

/// When everything is said: 2026-04-18, 19:00 in the city.
const NOW: Timestamp = Timestamp::from_millis(1_776_510_000_000);

/// Whatever is read from the bus is written, and read again as the same.
///
/// The first line of a block may name a response topic after its topic, as senders with MQTT 5 do.
pub fn bus(data: &[u8]) {
    for (topic, payload) in blocks(data) {
        let (topic, response_topic) = topic.split_once(' ').map_or((topic, None), |(a, b)| (a, Some(b)));
        let (topic, response_topic) =
            (format!("{}{topic}", prefix(run())), response_topic.map(|place| prefix(run()) + place));
        let correlation = response_topic.is_some().then_some(&payload[..payload.len().min(16)]);
        let delivery =
            Delivery { topic: &topic, payload, response_topic: response_topic.as_deref(), correlation };
        if let Ok(message) = decode(run(), delivery) {
            travels(&message);
        }
    }
}

/// The device protocol of Huawei IoTDA, both ways.
pub fn iotda(data: &[u8]) {
    for (topic, payload) in blocks(data) {
        comes_back(topic, payload, iotda::decode_up, iotda::encode_up);
        comes_back(topic, payload, iotda::decode_down, iotda::encode_down);
        if let Some((place, text)) = payload.split_last().and_then(|_| topic.split_once(':')) {
            let _ = (iotda::ClientId::parse(text), iotda::canonical_filter(place, text));
        }
    }
    let devices = vec![device(Dialect::Iotda, 1, Vec::new()), device(Dialect::Iotda, 2, vec![child()])];
    let register = Register::new(devices).expect("a register");
    talk(&mut IotdaBridge::new(register, sites(), 1), Dialect::Iotda, data);
}

/// The Streetlights API, both ways.
pub fn streetlights(data: &[u8]) {
    for (topic, payload) in blocks(data) {
        comes_back(topic, payload, streetlights::decode_measured, streetlights::encode_measured);
        comes_back(topic, payload, streetlights::decode_action, |id, action| {
            streetlights::encode_action(id, *action, NOW)
        });
    }
    let register = Register::new(vec![device(Dialect::Streetlights, 1, Vec::new())]).expect("a register");
    talk(&mut StreetlightsBridge::new(&register, sites(), 1), Dialect::Streetlights, data);
}

/// Home Assistant's lights, both ways.
pub fn home_assistant(data: &[u8]) {
    for (topic, payload) in blocks(data) {
        comes_back(topic, payload, home_assistant::decode, home_assistant::encode);
    }
    let ids = MessageIds::new(Seed(1).stream("ids", 0));
    let mut bridge = HomeAssistantBridge::new(run(), [(LuminaireId(1), "Lamp 1".to_owned())], ids);
    talk(&mut bridge, Dialect::HomeAssistant, data);
}

fn blocks(data: &[u8]) -> impl Iterator<Item = (&str, &[u8])> {
    let mut rest = Some(data);
    let blocks = std::iter::from_fn(move || {
        let text = rest.take()?;
        let end = text.windows(2).position(|two| two == b"\n\n");
        rest = end.map(|end| &text[end + 2..]);
        Some(&text[..end.unwrap_or(text.len())])
    });
    blocks.filter_map(|block| {
        let end = block.iter().position(|&byte| byte == b'\n')?;
        Some((std::str::from_utf8(&block[..end]).ok()?, &block[end + 1..]))
    })
}

/// The message gets over the bus as it is.
fn travels(message: &Message) {
    let Frame { topic, payload, response_topic, correlation, .. } = encode(run(), message);
    let delivery = Delivery {
        topic: &topic,
        payload: &payload,
        response_topic: response_topic.as_deref(),
        correlation: correlation.as_deref(),
    };
    assert_eq!(decode(run(), delivery).as_ref(), Ok(message));
}

/// What is read in a dialect is the same after it was written.
fn comes_back<T: std::fmt::Debug + PartialEq>(
    topic: &str,
    payload: &[u8],
    decode: impl for<'a> Fn(&'a str, &[u8]) -> Result<(&'a str, T), DecodeError>,
    encode: impl Fn(&str, &T) -> Frame,
) {
    let Ok((device, read)) = decode(topic, payload) else { return };
    let frame = encode(device, &read);
    assert_eq!(decode(&frame.topic, &frame.payload).as_ref(), Ok(&(device, read)));
}

/// A bridge and a luminaire hear all of it; what they make of it gets over the bus.
fn talk(bridge: &mut impl Bridge, dialect: Dialect, data: &[u8]) {
    let clock = ClockState::running(NOW, NOW, 60);
    let mut said = Vec::new();
    bridge.connected(NOW, &mut said);
    bridge.on_bus(NOW, Message::Clock(clock), &mut said);
    let portrait =
        Portrait { device: device(dialect, 1, Vec::new()), name: "Lamp 1".to_owned(), lumens: 10_000 };
    let (mut face, mut heard) = (face(portrait), Vec::new());
    for (topic, payload) in blocks(data) {
        if bridge.is_foreign(topic) {
            let _ = bridge.on_foreign(NOW, topic, payload, false, &mut said);
        }
        let _ = face.hears(Moment { wall: NOW, city: NOW }, topic, payload, &mut heard);
    }
    if let Some(next) = bridge.next_timeout() {
        bridge.handle_timeout(next.max(NOW), &mut said);
    }
    bridge.farewell(&mut said);
    let told =
        said.into_iter().filter_map(|said| if let Said::Bus(message) = said { Some(message) } else { None });
    told.chain(heard.into_iter().filter_map(obeyed)).for_each(|message| travels(&message));
}

fn obeyed(heard: Heard) -> Option<Message> {
    let Heard::Luminaire(body) = heard else { return None };
    Some(Message::Light { district: district(), luminaire: LuminaireId(1), body })
}

fn run() -> RunId {
    "demo".parse().expect("a name")
}

fn district() -> DistrictId {
    "kuiwen".parse().expect("a name")
}

fn device(dialect: Dialect, number: u32, children: Vec<Child>) -> Device {
    Device {
        dialect,
        id: format!("p_{number}"),
        secret: DeviceSecret("12345678".to_owned()),
        lamp: Some(LuminaireId(number)),
        children,
        lumens: (dialect == Dialect::Streetlights).then_some(10_000),
    }
}

fn child() -> Child {
    Child { id: "p_c".to_owned(), lamp: LuminaireId(3) }
}

/// Three places where the sun rises at 6 and sets at 18 o'clock.
fn sites() -> Sites {
    let sun = SunDay { sunrise_ms: 6 * HOUR_MS as u32, sunset_ms: 18 * HOUR_MS as u32 };
    let site = Site { district: district(), rated_mw: 100_000, standby_mw: 500, astro_shift_ms: 0 };
    Sites {
        astro: AstroTable::new(0, vec![sun]).expect("a table").into(),
        by_luminaire: (1..=3).map(|id| (LuminaireId(id), site)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_stands_its_corpus_and_what_is_nearly_right() {
        smoke::run("bus", 3_000, bus);
        smoke::run("iotda", 3_000, iotda);
        smoke::run("streetlights", 3_000, streetlights);
        smoke::run("home_assistant", 3_000, home_assistant);
    }
}
