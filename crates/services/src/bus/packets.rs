//! Between the city's messages and rumqttc's packets.

use std::time::Duration;

use bytes::Bytes;
use rumqttc::v5::mqttbytes::v5::{
    ConnectReturnCode, DisconnectReasonCode, Filter, LastWill, LastWillProperties, Publish, PublishProperties,
};
use rumqttc::v5::mqttbytes::{self, QoS};
use rumqttc::v5::{ConnectionError, MqttOptions, StateError};
use rumqttc::{NetworkOptions, TlsConfiguration, Transport};
use wire::{Channel, Frame};

use super::{BusAddress, ClientOptions, PACKET_BYTES_MAX, Received};
use crate::trace::{PROPERTY, Trace};

/// Messages on their way without an acknowledgement. rumqttc reserves room for each: by default 8 MB a client.
const INFLIGHT: (u16, u16) = (4, 128);
/// How often a silent client shows that it is there. rumqttc panics below 5 s.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long a connection may take to stand \[s\]. Thousands of luminaires connect at once.
pub(super) const CONNECT_WITHIN_S: u64 = 15;

/// How the client connects.
pub(super) fn options(client: &ClientOptions) -> MqttOptions {
    let mut mqtt = MqttOptions::new(&client.client_id, &client.address.host, client.address.port);
    mqtt.set_keep_alive(KEEP_ALIVE);
    mqtt.set_clean_start(true);
    mqtt.set_max_packet_size(Some(PACKET_BYTES_MAX));
    mqtt.set_outgoing_inflight_upper_limit(if client.device { INFLIGHT.0 } else { INFLIGHT.1 });
    mqtt.set_connection_timeout(CONNECT_WITHIN_S);
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    network.set_connection_timeout(CONNECT_WITHIN_S);
    mqtt.set_network_options(network);
    mqtt.set_transport(transport(&client.address));
    if let Some((username, password)) = &client.credentials {
        mqtt.set_credentials(username, password);
    }
    if let Some(frame) = &client.will {
        mqtt.set_last_will(will(frame));
    }
    mqtt
}

/// With TLS or without.
pub(super) fn transport(address: &BusAddress) -> Transport {
    let trust = address.trust.as_ref();
    trust.map_or(Transport::Tcp, |trust| Transport::Tls(TlsConfiguration::Rustls(trust.config())))
}

/// What the client subscribes to.
pub(super) fn filters(client: &ClientOptions) -> Vec<Filter> {
    client.filters.iter().map(|path| Filter::new(path.clone(), QoS::AtLeastOnce)).collect()
}

/// The packet of a message: the next step of `trace`. A question begins one.
pub(super) fn publish(trace: Option<Trace>, frame: Frame) -> Publish {
    let channel = frame.channel;
    let begins = || frame.response_topic.is_some().then(Trace::begin);
    let trace = trace.map(Trace::next).or_else(begins);
    let properties = PublishProperties {
        payload_format_indicator: Some(1),
        message_expiry_interval: channel.expiry_s,
        response_topic: frame.response_topic,
        correlation_data: frame.correlation.map(Bytes::from),
        content_type: Some(channel.content_type.to_owned()),
        user_properties: trace.map(|trace| (PROPERTY.to_owned(), trace.to_string())).into_iter().collect(),
        ..PublishProperties::default()
    };
    let mut publish = Publish::new(frame.topic, qos(channel), frame.payload, Some(properties));
    publish.retain = channel.retain;
    publish
}

/// The message of a packet.
pub(super) fn received(publish: Publish) -> Received {
    let properties = publish.properties.unwrap_or_default();
    Received {
        topic: String::from_utf8_lossy(&publish.topic).into_owned(),
        payload: publish.payload,
        retained: publish.retain,
        response_topic: properties.response_topic,
        correlation: properties.correlation_data,
        trace: trace(&properties.user_properties),
    }
}

fn trace(properties: &[(String, String)]) -> Option<Trace> {
    let (_, value) = properties.iter().find(|(name, _)| name == PROPERTY)?;
    Trace::parse(value)
}

fn will(frame: &Frame) -> LastWill {
    let channel = frame.channel;
    let properties = LastWillProperties {
        delay_interval: None,
        payload_format_indicator: Some(1),
        message_expiry_interval: channel.expiry_s,
        content_type: Some(channel.content_type.to_owned()),
        response_topic: None,
        correlation_data: None,
        user_properties: Vec::new(),
    };
    LastWill::new(&frame.topic, frame.payload.clone(), qos(channel), channel.retain, Some(properties))
}

fn qos(channel: &Channel) -> QoS {
    if channel.at_least_once { QoS::AtLeastOnce } else { QoS::AtMostOnce }
}

/// The same in MQTT 3.1.1, which has a type of its own for it.
pub(super) fn qos_level(channel: &Channel) -> rumqttc::QoS {
    if channel.at_least_once { rumqttc::QoS::AtLeastOnce } else { rumqttc::QoS::AtMostOnce }
}

/// What an error means to the client.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The connection is lost; the next may stand.
    Lost(String),
    /// The broker does not want this client as it is.
    Refused(String),
    /// Another client came with the same client id.
    TakenOver,
    /// The broker takes only packets of so many bytes.
    TooLarge(u32),
}

/// What an error of rumqttc means.
pub(super) fn trouble(error: &ConnectionError) -> Trouble {
    match error {
        ConnectionError::ConnectionRefused(code) => refused(*code),
        ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, .. }) => match reason_code {
            DisconnectReasonCode::SessionTakenOver => Trouble::TakenOver,
            other => Trouble::Lost(format!("the broker said goodbye: {other:?}")),
        },
        ConnectionError::MqttState(
            StateError::OutgoingPacketTooLarge { max, .. }
            | StateError::Deserialization(mqttbytes::Error::OutgoingPacketTooLarge { max, .. }),
        ) => Trouble::TooLarge(*max),
        other => Trouble::Lost(other.to_string()),
    }
}

fn refused(code: ConnectReturnCode) -> Trouble {
    use ConnectReturnCode::{
        BadUserNamePassword, ConnectionRateExceeded, NotAuthorized, ServerBusy, ServerUnavailable,
        ServiceUnavailable,
    };
    match code {
        BadUserNamePassword => Trouble::Refused("wrong user name or password".to_owned()),
        NotAuthorized => Trouble::Refused("not authorised: user name, client id, or will topic".to_owned()),
        ServiceUnavailable | ServerUnavailable | ServerBusy | ConnectionRateExceeded => {
            Trouble::Lost(format!("the broker is not ready: {code:?}"))
        }
        other => Trouble::Refused(format!("the broker answers {other:?}")),
    }
}
