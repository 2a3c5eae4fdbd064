//! The embedded broker of a city.

use anyhow::Result;
use services::Link;
use services::access::Rules;
use services::broker::{Broker, BrokerConfig};
use services::bus::BusAddress;
use services::tls::{ServerTls, Trust};
use wire::dialect::home_assistant::node_of;

use super::City;
use crate::secured::Shown;

/// Starts it, with the rules of `city`.
pub(super) fn start(city: &City, tls: Option<ServerTls>) -> Result<Broker> {
    let settings = &city.config.broker;
    let config = BrokerConfig {
        mqtt: settings.listen,
        websocket: Some(settings.websocket),
        open: settings.open,
        guarded: settings.guarded,
        tls,
    };
    let rules = Rules::new(city.config.city.run, city.cast.directory().clone());
    let lights = city.shown.iter().map(|id| node_of(city.config.city.run, *id)).collect();
    let cabinets = city.cast.plan().cabinets().iter().map(|site| (site.id, site.district)).collect();
    let rules = rules.with_cabinets(cabinets).with_devices(city.devices.clone()).with_lights(lights);
    let broker = Broker::start(config, rules, city.secret.clone())?;
    if broker.mqtt_addr() != settings.listen && settings.listen.port() != 0 {
        eprintln!("port {} is taken: MQTT is at {} instead", settings.listen.port(), broker.mqtt_addr());
    }
    Ok(broker)
}

/// Where the city's own clients find it.
pub(super) fn own_address(broker: &Broker) -> BusAddress {
    BusAddress::plain(broker.own_addr().ip().to_string(), broker.own_addr().port())
}

/// Where clients of other programs find the city's bus.
pub(super) fn reached_at(
    embedded: Option<&Broker>,
    link: &Link,
    shown: Option<&Shown>,
) -> Result<BusAddress> {
    let Some(broker) = embedded else { return Ok(link.address.clone()) };
    let trust = shown.map(|shown| Trust::of_file(shown.file(), None)).transpose()?;
    let address = broker.mqtt_addr();
    Ok(BusAddress { trust, ..BusAddress::plain(address.ip().to_string(), address.port()) })
}
