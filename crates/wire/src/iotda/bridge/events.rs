//! What devices ask the platform, and tell it of themselves and of those behind them.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use types::Timestamp;

use super::{IotdaBridge, Output};
use crate::iotda::payload::{DeviceEvent, Down, write_moment};

/// Devices of one request that are answered.
const REQUESTED_MAX: usize = 50;
/// Characters of a version that are noted.
const VERSION_CHARS_MAX: usize = 64;

#[derive(Deserialize)]
struct StatusOfChild {
    device_id: String,
    status: String,
}

impl IotdaBridge {
    pub(super) fn on_event(
        &mut self,
        now: Timestamp,
        place: usize,
        event: &DeviceEvent,
        out: &mut Vec<Output>,
    ) -> Result<(), String> {
        match (event.service.as_str(), event.kind.as_str()) {
            ("$time_sync", "time_sync_request") => {
                // Repeated as it came, be it a number or a text.
                let sent = event.paras.get("device_send_time").cloned().unwrap_or_default();
                let time = now.as_millis();
                let paras = json!({
                    "device_send_time": sent, "server_recv_time": time, "server_send_time": time,
                });
                self.reply(now, place, event, "time_sync_response", paras, out);
            }
            ("$sub_device_manager", "sub_device_sync_request") => {
                let paras = json!({ "devices": self.children(place), "version": 1 });
                self.reply(now, place, event, "add_sub_device_notify", paras, out);
            }
            ("$sub_device_manager", "sub_device_update_status") => {
                return self.children_status(now, place, event, out);
            }
            ("$sub_device_manager", "add_sub_device_request" | "delete_sub_device_request") => {
                let kind = event.kind.replace("_request", "_response");
                self.reply(now, place, event, &kind, all_refused(event), out);
            }
            ("$ota", "version_report") => {
                let versions = Value::Object(event.paras.clone()).to_string();
                let versions: String = versions.chars().take(VERSION_CHARS_MAX).collect();
                out.push(Output::Note(format!("device {} runs {versions}", self.device_id(place))));
            }
            // `$sdk_info`, `$log` and what later versions may say.
            _ => {}
        }
        Ok(())
    }

    fn reply(
        &self,
        now: Timestamp,
        place: usize,
        question: &DeviceEvent,
        kind: &str,
        paras: Value,
        out: &mut Vec<Output>,
    ) {
        let event = DeviceEvent {
            service: question.service.clone(),
            kind: kind.to_owned(),
            event_id: question.event_id.clone(),
            paras: object(paras),
            ..DeviceEvent::default()
        };
        out.push(self.event_to(now, place, event));
    }

    fn event_to(&self, now: Timestamp, place: usize, event: DeviceEvent) -> Output {
        let device = self.device_id(place);
        let event = DeviceEvent { event_time: Some(write_moment(now)), ..event };
        Output::Device { down: Down::Events { object: device.clone(), events: vec![event] }, device }
    }

    /// The devices behind a gateway, as the protocol writes them.
    fn children(&self, place: usize) -> Vec<Value> {
        let gateway = &self.register.devices()[place];
        let online = |id: &str| self.by_object.get(id).is_some_and(|&index| self.lamps[index].online);
        let child = |id: &str, name: String| {
            let (product, node) = id.split_once('_').unwrap_or(("", id));
            json!({
                "parent_device_id": gateway.id, "device_id": id, "product_id": product, "node_id": node,
                "name": name, "status": if online(id) { "ONLINE" } else { "OFFLINE" },
            })
        };
        gateway.children.iter().map(|known| child(&known.id, known.lamp.to_string())).collect()
    }

    fn children_status(
        &mut self,
        now: Timestamp,
        place: usize,
        event: &DeviceEvent,
        out: &mut Vec<Output>,
    ) -> Result<(), String> {
        let statuses = event.paras.get("device_statuses").cloned().unwrap_or_default();
        let statuses: Vec<StatusOfChild> =
            serde_json::from_value(statuses).map_err(|_| "`device_statuses` is no list of devices")?;
        for StatusOfChild { device_id, status } in statuses {
            let index = self.lamp_behind(place, &device_id)?;
            match status.as_str() {
                "ONLINE" => self.set_online(now, index, true, out),
                "OFFLINE" => self.set_online(now, index, false, out),
                _ => return Err("`status` is neither ONLINE nor OFFLINE".to_owned()),
            }
        }
        Ok(())
    }

    /// The broker says that a device came or went. A gateway that came tells of those behind it itself; with one that
    /// went, they are gone too.
    pub(super) fn on_status(&mut self, now: Timestamp, place: usize, online: bool, out: &mut Vec<Output>) {
        let device = self.device_id(place);
        let own = self.by_object.get(&device).copied();
        for index in 0..self.lamps.len() {
            let concerned = if online { Some(index) == own } else { self.lamps[index].device == place };
            if concerned {
                self.set_online(now, index, online, out);
            }
        }
        if online {
            let event = DeviceEvent {
                service: "$ota".to_owned(),
                kind: "version_query".to_owned(),
                ..DeviceEvent::default()
            };
            out.push(self.event_to(now, place, event));
        }
    }
}

/// Which devices stand behind a gateway, the settings say: a request to change that is refused, device by device.
fn all_refused(event: &DeviceEvent) -> Value {
    let devices = event.paras.get("devices").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let refused = devices.iter().take(REQUESTED_MAX).map(|device| {
        let node = device.get("node_id").unwrap_or(&Value::Null);
        let id = device.get("device_id").unwrap_or(device).as_str();
        let why = "the devices behind a gateway stand in the settings";
        json!({ "node_id": node, "device_id": id, "error_code": "kitecity.settings", "error_msg": why })
    });
    json!({ "successful_devices": [], "failed_devices": refused.collect::<Vec<_>>() })
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(map) = value { map } else { Map::new() }
}
