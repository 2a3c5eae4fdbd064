//! A client that does what a test says and nothing else: it sends packets and shows what comes back.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

use bytes::BytesMut;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, Connect, ConnectReturnCode, Disconnect, DisconnectReasonCode, Filter, LastWill, Login, Packet,
    PingReq, PubAck, PubComp, PubRec, PubRel, Publish, Subscribe, SubscribeReasonCode, UnsubAck, Unsubscribe,
};

use super::translate::{newer, older};
use crate::{PATIENCE, at, secret};
use services::broker::Broker;

/// Larger than anything a test sends.
const PACKET_MAX: usize = 4 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V3,
    V5,
}

pub(super) const BOTH: [Version; 2] = [Version::V3, Version::V5];

/// A connection. Tests speak in packets of MQTT 5; for 3.1.1 they are translated.
pub(super) struct Raw {
    version: Version,
    stream: TcpStream,
    unread: BytesMut,
    /// Read while waiting for something else.
    stashed: VecDeque<Packet>,
    packet_id: u16,
}

/// What an operator says first: a clean start, and no keep-alive.
pub(super) fn hello(client_id: &str) -> Connect {
    Connect { keep_alive: 0, client_id: client_id.to_owned(), clean_start: true, properties: None }
}

/// The same, to come back to the session of before.
pub(super) fn hello_again(client_id: &str) -> Connect {
    Connect { clean_start: false, ..hello(client_id) }
}

fn connect(username: &str, hello: Connect, will: Option<LastWill>) -> Packet {
    Packet::Connect(hello, will, Some(Login::new(username, secret().password_for(username))))
}

pub(super) fn will(topic: &str, payload: &str) -> LastWill {
    LastWill {
        topic: at(topic).into(),
        message: payload.to_owned().into(),
        qos: QoS::AtLeastOnce,
        retain: false,
        properties: None,
    }
}

pub(super) fn message(topic: &str, qos: QoS, payload: &str) -> Publish {
    Publish::new(at(topic), qos, payload.to_owned(), None)
}

pub(super) fn retained(topic: &str, payload: &str) -> Publish {
    Publish { retain: true, ..message(topic, QoS::AtLeastOnce, payload) }
}

pub(super) fn filter(filter: &str) -> Filter {
    Filter::new(at(filter), QoS::ExactlyOnce)
}

pub(super) fn payload_of(publish: &Publish) -> &str {
    std::str::from_utf8(&publish.payload).unwrap()
}

impl Raw {
    pub(super) fn open(broker: &Broker, version: Version) -> Self {
        let stream = TcpStream::connect(broker.mqtt_addr()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { version, stream, unread: BytesMut::new(), stashed: VecDeque::new(), packet_id: 0 }
    }

    /// Says hello under a name, and what the broker answers.
    pub(super) fn hello_once(
        broker: &Broker,
        version: Version,
        username: &str,
        hello: Connect,
        will: Option<LastWill>,
    ) -> (Self, ConnAck) {
        Self::greet(broker, version, &connect(username, hello, will))
    }

    /// The same. Tries again while the session that is gone on with is still about to lose its connection: so long, the
    /// broker is "unavailable" to it.
    pub(super) fn hello_as(
        broker: &Broker,
        version: Version,
        username: &str,
        hello: Connect,
        will: Option<LastWill>,
    ) -> (Self, ConnAck) {
        let connect = connect(username, hello, will);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (client, answer) = Self::greet(broker, version, &connect);
            let busy = matches!(
                answer.code,
                ConnectReturnCode::ServerUnavailable | ConnectReturnCode::ServiceUnavailable
            );
            if !busy || Instant::now() > deadline {
                return (client, answer);
            }
        }
    }

    fn greet(broker: &Broker, version: Version, connect: &Packet) -> (Self, ConnAck) {
        let mut client = Self::open(broker, version);
        client.send(connect.clone());
        let Packet::ConnAck(answer) = client.next() else { panic!("no CONNACK") };
        (client, answer)
    }

    /// An operator who is in.
    pub(super) fn join(broker: &Broker, version: Version, hello: Connect, will: Option<LastWill>) -> Self {
        let (client, answer) = Self::hello_as(broker, version, "operator", hello, will);
        assert_eq!(answer.code, ConnectReturnCode::Success);
        client
    }

    pub(super) fn operator(broker: &Broker, version: Version, client_id: &str) -> Self {
        Self::join(broker, version, hello(client_id), None)
    }

    pub(super) fn send(&mut self, packet: Packet) {
        let mut bytes = BytesMut::new();
        match self.version {
            Version::V3 => older(packet).write(&mut bytes, PACKET_MAX).unwrap(),
            Version::V5 => packet.write(&mut bytes, None).unwrap(),
        };
        self.send_bytes(&bytes);
    }

    pub(super) fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// The next packet; `None` = the broker closed the connection.
    pub(super) fn receive(&mut self) -> Option<Packet> {
        if let Some(packet) = self.stashed.pop_front() {
            return Some(packet);
        }
        loop {
            if let Some(packet) = self.read_packet() {
                return Some(packet);
            }
            let mut chunk = [0; 16 * 1024];
            match self.stream.read(&mut chunk) {
                Ok(0) => return None,
                Ok(length) => self.unread.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("waited in vain for a packet: {error}"),
            }
        }
    }

    fn read_packet(&mut self) -> Option<Packet> {
        use rumqttc::{mqttbytes, v5::mqttbytes as mqttbytes_5};
        match self.version {
            Version::V3 => match mqttbytes::v4::Packet::read(&mut self.unread, PACKET_MAX) {
                Ok(packet) => Some(newer(packet)),
                Err(mqttbytes::Error::InsufficientBytes(_)) => None,
                Err(error) => panic!("not a packet of MQTT 3.1.1: {error}"),
            },
            Version::V5 => match Packet::read(&mut self.unread, None) {
                Ok(packet) => Some(packet),
                Err(mqttbytes_5::Error::InsufficientBytes(_)) => None,
                Err(error) => panic!("not a packet of MQTT 5: {error:?}"),
            },
        }
    }

    pub(super) fn next(&mut self) -> Packet {
        self.receive().expect("the connection stands")
    }

    /// The answer to a packet, as `wanted` recognises it. Messages that come before it are kept for later.
    fn answer<T>(&mut self, wanted: impl Fn(&Packet) -> Option<T>) -> T {
        let mut before = VecDeque::new();
        let answer = loop {
            let packet = self.next();
            match wanted(&packet) {
                Some(answer) => break answer,
                None => before.push_back(packet),
            }
        };
        self.stashed = before;
        answer
    }

    fn next_id(&mut self) -> u16 {
        self.packet_id += 1;
        self.packet_id
    }

    pub(super) fn subscribe(&mut self, filters: &[Filter]) -> Vec<SubscribeReasonCode> {
        self.subscribe_with(Subscribe { pkid: 0, filters: filters.to_vec(), properties: None })
    }

    pub(super) fn subscribe_with(&mut self, subscribe: Subscribe) -> Vec<SubscribeReasonCode> {
        let pkid = self.next_id();
        self.send(Packet::Subscribe(Subscribe { pkid, ..subscribe }));
        self.answer(|packet| match packet {
            Packet::SubAck(ack) if ack.pkid == pkid => Some(ack.return_codes.clone()),
            _ => None,
        })
    }

    /// Subscribes, and fails unless that is granted.
    pub(super) fn hear(&mut self, topic_filter: &str) {
        let granted = self.subscribe(&[filter(topic_filter)]);
        assert_eq!(granted, [SubscribeReasonCode::Success(QoS::ExactlyOnce)], "{topic_filter}");
    }

    pub(super) fn unsubscribe(&mut self, topic_filter: &str) -> UnsubAck {
        let pkid = self.next_id();
        let filters = vec![at(topic_filter)];
        self.send(Packet::Unsubscribe(Unsubscribe { pkid, filters, properties: None }));
        self.answer(|packet| match packet {
            Packet::UnsubAck(ack) if ack.pkid == pkid => Some(ack.clone()),
            _ => None,
        })
    }

    /// Sends a message without waiting; tells its packet id.
    pub(super) fn throw(&mut self, publish: Publish) -> u16 {
        let pkid = if publish.qos == QoS::AtMostOnce { 0 } else { self.next_id() };
        self.send(Packet::Publish(Publish { pkid, ..publish }));
        pkid
    }

    /// Sends a message of QoS 1, and what the broker answers.
    pub(super) fn publish(&mut self, publish: Publish) -> PubAck {
        let pkid = self.throw(publish);
        self.answer(|packet| match packet {
            Packet::PubAck(ack) if ack.pkid == pkid => Some(ack.clone()),
            _ => None,
        })
    }

    pub(super) fn say(&mut self, topic: &str, payload: &str) {
        self.publish(message(topic, QoS::AtLeastOnce, payload));
    }

    /// The next message, without acknowledging it.
    pub(super) fn unacknowledged(&mut self) -> Publish {
        match self.next() {
            Packet::Publish(publish) => publish,
            other => panic!("{other:?} instead of a message"),
        }
    }

    /// The next message, acknowledged as its QoS asks for.
    pub(super) fn heard(&mut self) -> Publish {
        let publish = self.unacknowledged();
        match publish.qos {
            QoS::AtMostOnce => {}
            QoS::AtLeastOnce => self.send(Packet::PubAck(PubAck::new(publish.pkid, None))),
            QoS::ExactlyOnce => self.take_over(publish.pkid),
        }
        publish
    }

    /// The receiver's half of QoS 2. MQTT 5.0, 4.3.3.
    fn take_over(&mut self, pkid: u16) {
        self.send(Packet::PubRec(PubRec::new(pkid, None)));
        self.answer(|packet| matches!(packet, Packet::PubRel(release) if release.pkid == pkid).then_some(()));
        self.send(Packet::PubComp(PubComp::new(pkid, None)));
    }

    /// The sender's second half of QoS 2.
    pub(super) fn release(&mut self, pkid: u16) {
        self.send(Packet::PubRel(PubRel::new(pkid, None)));
        self.answer(|packet| matches!(packet, Packet::PubComp(done) if done.pkid == pkid).then_some(()));
    }

    /// The payloads up to `last`, which is not among them: what else was to come has come before it.
    pub(super) fn heard_before(&mut self, last: &str) -> Vec<String> {
        let payloads = std::iter::repeat_with(|| payload_of(&self.heard()).to_owned());
        payloads.take_while(|payload| payload != last).collect()
    }

    /// Waits for the answer to a ping: all that was sent before has been read by the broker.
    pub(super) fn ping(&mut self) {
        self.send(Packet::PingReq(PingReq));
        self.answer(|packet| matches!(packet, Packet::PingResp(_)).then_some(()));
    }

    /// Says goodbye, and waits until the broker has closed the connection too. It does so only after the client.
    pub(super) fn leave(mut self, reason: DisconnectReasonCode) {
        self.send(Packet::Disconnect(Disconnect::new(reason)));
        self.stream.shutdown(Shutdown::Write).unwrap();
        while self.receive().is_some() {}
    }

    /// What the broker says before it closes the connection, if it says anything.
    pub(super) fn farewell(&mut self) -> Option<DisconnectReasonCode> {
        let mut reason = None;
        while let Some(packet) = self.receive() {
            if let Packet::Disconnect(disconnect) = packet {
                reason = Some(disconnect.reason_code);
            }
        }
        reason
    }
}
