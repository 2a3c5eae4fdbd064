//! Packets of MQTT 5 as packets of MQTT 3.1.1, and back, without what the older one does not have.

use rumqttc::mqttbytes::{self, Protocol, v4};
use rumqttc::v5::mqttbytes::{QoS, v5};

/// What a client sends.
pub(super) fn older(packet: v5::Packet) -> v4::Packet {
    match packet {
        v5::Packet::Connect(connect, will, login) => v4::Packet::Connect(v4::Connect {
            protocol: Protocol::V4,
            keep_alive: connect.keep_alive,
            client_id: connect.client_id,
            clean_session: connect.clean_start,
            last_will: will.map(older_will),
            login: login.map(|login| v4::Login::new(login.username, login.password)),
        }),
        v5::Packet::Publish(publish) => v4::Packet::Publish(v4::Publish {
            dup: publish.dup,
            qos: older_qos(publish.qos),
            retain: publish.retain,
            topic: text(&publish.topic),
            pkid: publish.pkid,
            payload: publish.payload,
        }),
        v5::Packet::Subscribe(subscribe) => v4::Packet::Subscribe(v4::Subscribe {
            pkid: subscribe.pkid,
            filters: subscribe.filters.into_iter().map(older_filter).collect(),
        }),
        v5::Packet::Unsubscribe(unsubscribe) => {
            v4::Packet::Unsubscribe(v4::Unsubscribe { pkid: unsubscribe.pkid, topics: unsubscribe.filters })
        }
        v5::Packet::PubAck(ack) => v4::Packet::PubAck(v4::PubAck::new(ack.pkid)),
        v5::Packet::PubRec(ack) => v4::Packet::PubRec(v4::PubRec::new(ack.pkid)),
        v5::Packet::PubRel(ack) => v4::Packet::PubRel(v4::PubRel::new(ack.pkid)),
        v5::Packet::PubComp(ack) => v4::Packet::PubComp(v4::PubComp::new(ack.pkid)),
        v5::Packet::PingReq(_) => v4::Packet::PingReq,
        v5::Packet::Disconnect(_) => v4::Packet::Disconnect,
        other => panic!("no client sends {other:?}"),
    }
}

/// What the broker sends.
pub(super) fn newer(packet: v4::Packet) -> v5::Packet {
    match packet {
        v4::Packet::ConnAck(ack) => v5::Packet::ConnAck(v5::ConnAck {
            session_present: ack.session_present,
            code: newer_code(ack.code),
            properties: None,
        }),
        v4::Packet::Publish(publish) => v5::Packet::Publish(v5::Publish {
            dup: publish.dup,
            qos: newer_qos(publish.qos),
            retain: publish.retain,
            topic: publish.topic.into(),
            pkid: publish.pkid,
            payload: publish.payload,
            properties: None,
        }),
        v4::Packet::SubAck(ack) => v5::Packet::SubAck(v5::SubAck {
            pkid: ack.pkid,
            return_codes: ack.return_codes.into_iter().map(newer_grant).collect(),
            properties: None,
        }),
        v4::Packet::UnsubAck(ack) => {
            v5::Packet::UnsubAck(v5::UnsubAck { pkid: ack.pkid, reasons: Vec::new(), properties: None })
        }
        v4::Packet::PubAck(ack) => v5::Packet::PubAck(v5::PubAck::new(ack.pkid, None)),
        v4::Packet::PubRec(ack) => v5::Packet::PubRec(v5::PubRec::new(ack.pkid, None)),
        v4::Packet::PubRel(ack) => v5::Packet::PubRel(v5::PubRel::new(ack.pkid, None)),
        v4::Packet::PubComp(ack) => v5::Packet::PubComp(v5::PubComp::new(ack.pkid, None)),
        v4::Packet::PingResp => v5::Packet::PingResp(v5::PingResp),
        other => panic!("no broker of MQTT 3.1.1 sends {other:?}"),
    }
}

fn older_will(will: v5::LastWill) -> v4::LastWill {
    v4::LastWill {
        topic: text(&will.topic),
        message: will.message,
        qos: older_qos(will.qos),
        retain: will.retain,
    }
}

fn older_filter(filter: v5::Filter) -> v4::SubscribeFilter {
    v4::SubscribeFilter { qos: older_qos(filter.qos), path: filter.path }
}

fn older_qos(qos: QoS) -> mqttbytes::QoS {
    mqttbytes::qos(qos as u8).expect("both have the same three")
}

fn newer_qos(qos: mqttbytes::QoS) -> QoS {
    rumqttc::v5::mqttbytes::qos(qos as u8).expect("both have the same three")
}

fn newer_grant(code: v4::SubscribeReasonCode) -> v5::SubscribeReasonCode {
    match code {
        v4::SubscribeReasonCode::Success(qos) => v5::SubscribeReasonCode::Success(newer_qos(qos)),
        v4::SubscribeReasonCode::Failure => v5::SubscribeReasonCode::Failure,
    }
}

fn newer_code(code: v4::ConnectReturnCode) -> v5::ConnectReturnCode {
    match code {
        v4::ConnectReturnCode::Success => v5::ConnectReturnCode::Success,
        v4::ConnectReturnCode::RefusedProtocolVersion => v5::ConnectReturnCode::RefusedProtocolVersion,
        v4::ConnectReturnCode::BadClientId => v5::ConnectReturnCode::BadClientId,
        v4::ConnectReturnCode::ServiceUnavailable => v5::ConnectReturnCode::ServiceUnavailable,
        v4::ConnectReturnCode::BadUserNamePassword => v5::ConnectReturnCode::BadUserNamePassword,
        v4::ConnectReturnCode::NotAuthorized => v5::ConnectReturnCode::NotAuthorized,
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("topics of tests are text")
}
