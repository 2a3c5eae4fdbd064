//! What was said and when, as one number.

mod fields;

use serde::Serialize;
use types::{RunId, Timestamp};
use wire::{Event, EventBody, Light, Message, ReplyBody, RequestBody, Segment};

use self::fields::Fields;
use crate::client::Client;

/// A number that two runs share only if every sender said the same at the same moments in the same order.
///
/// Each sender has a chain of its own, and the digest is a sum over all links of all chains: in which order two
/// senders speak at one moment does not matter, anything else does. Fields go in as they are, not as JSON.
#[derive(Debug)]
pub(crate) struct Digest {
    run: u64,
    sum: u64,
}

impl Digest {
    pub(crate) fn new(run: RunId) -> Self {
        let mut fields = Fields::new(0);
        fields.text(&run.to_string());
        Self { run: fields.finish(), sum: 0 }
    }

    pub(crate) fn value(&self) -> u64 {
        self.sum
    }

    /// Takes in a message, and gives the next link of its sender's chain.
    pub(crate) fn note(&mut self, from: Client, chain: u64, now: Timestamp, message: &Message) -> u64 {
        let mut fields = Fields::new(chain ^ self.run);
        fields.word(u64::from(from.number()));
        fields.word(now.as_millis() as u64);
        message_into(message, &mut fields);
        let link = fields.finish();
        self.sum = self.sum.wrapping_add(link);
        link
    }
}

fn message_into(message: &Message, fields: &mut Fields) {
    match message {
        Message::Light { district, luminaire, body } => {
            fields.word(u64::from(luminaire.0));
            fields.bytes(district.0.as_bytes());
            light_into(body, fields);
        }
        Message::Event(Event { id, time, body }) => {
            head_into(fields, 10, id.as_bytes(), *time);
            event_into(body, fields);
        }
        Message::Request(request) => {
            head_into(fields, 20, request.id.as_bytes(), request.time);
            reply_to_into(&request.reply_to, fields);
            request_into(&request.body, fields);
        }
        Message::Reply(reply) => {
            head_into(fields, 40, &[], reply.time);
            reply_to_into(&reply.to, fields);
            reply_into(&reply.body, fields);
        }
        Message::EidKeys(keys) => tagged(fields, 60, keys),
        Message::EidConsent(asked) => tagged(fields, 66, asked),
        Message::EidKiosk { reader, state } => {
            fields.bytes(reader.0.as_bytes());
            tagged(fields, 67, state);
        }
        Message::Clock(state) => tagged(fields, 61, state),
        Message::Presence(walkers) => tagged(fields, 62, walkers),
        Message::Fault { district, luminaire, order } => {
            fields.word(u64::from(luminaire.0));
            fields.bytes(district.0.as_bytes());
            tagged(fields, 63, order);
        }
        Message::Cabinet { district, cabinet, body } => {
            fields.word(u64::from(cabinet.0));
            fields.bytes(district.0.as_bytes());
            segment_into(body, fields);
        }
        Message::CabinetEvent { district, cabinet, event } => {
            fields.word(u64::from(cabinet.0));
            fields.bytes(district.0.as_bytes());
            tagged(fields, 70, event);
        }
        Message::DeadLetter { consumer, letter } => {
            fields.text(consumer.as_str());
            tagged(fields, 64, letter);
        }
    }
}

fn light_into(body: &Light, fields: &mut Fields) {
    let mut stamp = |tag: u64, stamp: lighting::Stamp| {
        fields.word(tag << 56 ^ u64::from(stamp.epoch) << 32 ^ u64::from(stamp.seq));
        fields.word(stamp.ts.as_millis() as u64);
    };
    match body {
        Light::State(report) => {
            stamp(1, report.stamp);
            fields.value(&report.body);
        }
        Light::Telemetry(report) => {
            stamp(2, report.stamp);
            fields.value(&report.body);
        }
        Light::Ack(report) => {
            stamp(3, report.stamp);
            fields.value(&report.body);
        }
        Light::Online(online) => tagged(fields, 4, online),
        Light::Command(command) => {
            tagged(fields, 5, &(&command.id, command.level, command.until));
        }
        Light::Programme(programme) => tagged(fields, 6, programme),
        Light::Firmware(report) => {
            stamp(7, report.stamp);
            fields.value(&report.body);
        }
        Light::FirmwareOrder(order) => tagged(fields, 8, &(&order.id, order.action)),
        Light::Alarms(standing) => tagged(fields, 9, standing),
    }
}

fn segment_into(body: &Segment, fields: &mut Fields) {
    let mut stamped = |tag: u64, stamp: lighting::Stamp| {
        tagged(fields, tag, &(stamp.epoch, stamp.seq, stamp.ts));
    };
    match body {
        Segment::State(report) => {
            stamped(71, report.stamp);
            fields.value(&report.body);
        }
        Segment::Telemetry(report) => {
            stamped(72, report.stamp);
            fields.value(&report.body);
        }
        Segment::Ack(report) => {
            stamped(73, report.stamp);
            fields.value(&report.body);
        }
        Segment::Online(online) => tagged(fields, 74, online),
        Segment::Command(command) => {
            tagged(fields, 75, &(&command.id, command.circuit, command.control, command.until));
        }
    }
}

fn event_into(body: &EventBody, fields: &mut Fields) {
    match body {
        EventBody::Alarm(alarm) => tagged(fields, 1, alarm),
        EventBody::Incident(incident) => tagged(fields, 5, incident),
        EventBody::Eid(event) => tagged(fields, 2, event),
        EventBody::Pay(event) => tagged(fields, 3, event),
        EventBody::Walk(event) => tagged(fields, 4, event),
    }
}

fn request_into(body: &RequestBody, fields: &mut Fields) {
    match body {
        RequestBody::Dim(body) => tagged(fields, 1, body),
        RequestBody::Enrol(body) => tagged(fields, 2, body),
        RequestBody::Issue(body) => tagged(fields, 3, body),
        RequestBody::Verify(body) => tagged(fields, 4, body),
        RequestBody::Presettle(body) => tagged(fields, 5, body),
        RequestBody::Settle(body) => tagged(fields, 6, body),
        RequestBody::Visit(body) => tagged(fields, 7, body),
        RequestBody::Till(body) => tagged(fields, 8, body),
        RequestBody::SetClock(body) => tagged(fields, 9, body),
        RequestBody::Walk(body) => tagged(fields, 10, body),
        RequestBody::Credential(body) => tagged(fields, 11, body),
        RequestBody::Manage(body) => tagged(fields, 12, body),
        RequestBody::Pay(body) => tagged(fields, 13, body),
        RequestBody::Books(body) => tagged(fields, 14, body),
        RequestBody::DimGroup(body) => tagged(fields, 15, body),
        RequestBody::Firmware(body) => tagged(fields, 16, body),
        RequestBody::Own(body) => tagged(fields, 17, body),
        RequestBody::Ask(body) => tagged(fields, 18, body),
        RequestBody::Holder(body) => tagged(fields, 19, body),
        RequestBody::Complain(body) => tagged(fields, 20, body),
    }
}

fn reply_into(body: &ReplyBody, fields: &mut Fields) {
    match body {
        ReplyBody::Dim(body) => tagged(fields, 1, body),
        ReplyBody::DimRefused(body) => tagged(fields, 2, body),
        ReplyBody::Enrol(body) => tagged(fields, 3, body),
        ReplyBody::Issue(body) => tagged(fields, 4, body),
        ReplyBody::Verify(body) => tagged(fields, 5, body),
        ReplyBody::Presettle(body) => tagged(fields, 6, body),
        ReplyBody::Settle(body) => tagged(fields, 7, body),
        ReplyBody::Visit(body) => tagged(fields, 8, body),
        ReplyBody::Till(body) => tagged(fields, 9, body),
        ReplyBody::Clock(body) => tagged(fields, 10, body),
        ReplyBody::Walk(body) => tagged(fields, 11, body),
        ReplyBody::Credential(body) => tagged(fields, 12, body),
        ReplyBody::Manage(body) => tagged(fields, 13, body),
        ReplyBody::Pay(body) => tagged(fields, 14, body),
        ReplyBody::Books(body) => tagged(fields, 15, body),
        ReplyBody::DimGroup(body) => tagged(fields, 16, body),
        ReplyBody::Firmware(body) => tagged(fields, 17, body),
        ReplyBody::Own(body) => tagged(fields, 18, body),
        ReplyBody::Ask(body) => tagged(fields, 19, body),
        ReplyBody::Holder(body) => tagged(fields, 20, body),
        ReplyBody::Complain(body) => tagged(fields, 21, body),
    }
}

fn head_into(fields: &mut Fields, tag: u64, id: &[u8], time: Timestamp) {
    fields.word(tag);
    fields.bytes(id);
    fields.word(time.as_millis() as u64);
}

fn reply_to_into(to: &types::ReplyTo, fields: &mut Fields) {
    fields.text(&to.path);
    fields.bytes(&to.correlation);
}

fn tagged(fields: &mut Fields, tag: u64, body: &impl Serialize) {
    fields.word(tag);
    fields.value(body);
}

#[cfg(test)]
mod tests {
    use super::*;
    use lighting::{DimLevel, LightState, Report, Stamp};
    use types::LuminaireId;

    fn message(seq: u32, percent: u8) -> Message {
        let stamp = Stamp { epoch: 1, seq, ts: Timestamp::from_millis(5) };
        let actual = DimLevel::from_percent(percent).unwrap();
        let body = Light::State(Report { stamp, body: LightState { actual, ..LightState::default() } });
        Message::Light { district: "kuiwen".parse().unwrap(), luminaire: LuminaireId(1), body }
    }

    fn digest(said: &[(u32, i64, Message)]) -> u64 {
        let mut digest = Digest::new("sim".parse().unwrap());
        let mut chains = [0; 3];
        for (from, at, message) in said {
            let chain = &mut chains[*from as usize];
            *chain = digest.note(Client::lamp(*from as usize), *chain, Timestamp::from_millis(*at), message);
        }
        digest.value()
    }

    #[test]
    fn any_change_shows() {
        let base = digest(&[(0, 1, message(1, 50)), (0, 2, message(2, 50))]);
        for changed in [
            digest(&[(0, 1, message(1, 50))]),
            digest(&[(0, 2, message(2, 50)), (0, 1, message(1, 50))]),
            digest(&[(0, 1, message(1, 50)), (0, 3, message(2, 50))]),
            digest(&[(0, 1, message(1, 50)), (0, 2, message(2, 51))]),
            digest(&[(0, 1, message(1, 50)), (1, 2, message(2, 50))]),
            digest(&[(0, 1, message(1, 50)), (0, 2, message(2, 50)), (0, 2, message(2, 50))]),
        ] {
            assert_ne!(changed, base);
        }
    }

    #[test]
    fn who_speaks_first_at_one_moment_does_not_show() {
        let (a, b) = (message(1, 50), message(1, 60));
        assert_eq!(
            digest(&[(0, 1, a.clone()), (1, 1, b.clone()), (2, 1, a.clone())]),
            digest(&[(1, 1, b), (2, 1, a.clone()), (0, 1, a)])
        );
    }
}
