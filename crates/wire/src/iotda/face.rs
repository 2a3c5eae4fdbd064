//! One of our luminaires as a device of an IoTDA platform: the mirror of the bridge.

use std::collections::VecDeque;

use lighting::{AckResult, DimCommand, DimLevel, Programme};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use types::{CommandId, HOUR_MS, Timestamp, fnv1a};

use super::bridge::{PROGRAMME, RESUME, SET_LEVEL};
use super::light::{LIGHT, Reading};
use super::login::password;
use super::payload::{DeviceEvent, Down, ServiceReport, Up, decode_down, encode_up, write_moment};
use super::topic::down_filters;
use crate::dialect::{Device, Face, Heard, Login, Moment};
use crate::{DecodeError, Frame, Light};

/// Commands that wait for the luminaire's answer.
const ASKED_MAX: usize = 16;
/// A command, property or value it does not know.
const NOT_UNDERSTOOD: i64 = 1;
/// A command whose time is over.
const EXPIRED: i64 = 2;
/// A command that the luminaire cannot or will not obey.
const FAILED: i64 = 3;
/// "Unsupported type", as the protocol numbers what may go wrong with an upgrade.
const UPGRADE_UNSUPPORTED: u32 = 8;

/// A luminaire of ours as a device of an IoTDA platform.
///
/// Speaks the service `Light`. Times are those of the wall, corrected by the platform's answer to a time
/// synchronization, and off by as much as the luminaire's clock is.
#[derive(Debug)]
pub struct DeviceFace {
    device: Device,
    known: Reading,
    /// The programme it took, which it tells again when it comes back.
    programme: Option<Programme>,
    /// Commands of the platform, each with its request.
    asked: VecDeque<(CommandId, String)>,
    /// How far the platform's clock is ahead of the wall's \[ms\].
    ahead_ms: i64,
}

impl DeviceFace {
    pub(crate) fn new(device: Device) -> Self {
        Self { device, known: Reading::default(), programme: None, asked: VecDeque::new(), ahead_ms: 0 }
    }

    fn up(&self, up: &Up) -> Frame {
        encode_up(&self.device.id, up)
    }

    /// Properties, read when the luminaire's clock showed `ts`.
    fn report(&self, now: Moment, ts: Timestamp, properties: Map<String, Value>) -> Frame {
        let made = now.wall.plus_millis(self.ahead_ms.saturating_add(ts.millis_since(now.city)));
        let event_time = Some(write_moment(made));
        self.up(&Up::Report(vec![ServiceReport { service: LIGHT.to_owned(), properties, event_time }]))
    }

    fn event(&self, now: Moment, service: &str, kind: &str, paras: Value) -> Frame {
        let event = DeviceEvent {
            service: service.to_owned(),
            kind: kind.to_owned(),
            event_time: Some(write_moment(now.wall.plus_millis(self.ahead_ms))),
            event_id: None,
            paras: if let Value::Object(paras) = paras { paras } else { Map::new() },
        };
        self.up(&Up::Events(vec![event]))
    }

    fn programme_report(&self, now: Moment) -> Option<Frame> {
        let programme = serde_json::to_value(self.programme.as_ref()?).expect("a programme is JSON");
        Some(self.report(now, now.city, Map::from_iter([(PROGRAMME.to_owned(), programme)])))
    }

    /// A command: for the luminaire, or refused at once.
    fn command(&mut self, request: String, service: &str, name: &str, paras: &Value) -> Heard {
        #[derive(Deserialize)]
        struct Level {
            level: DimLevel,
        }
        let level = match name {
            SET_LEVEL => Level::deserialize(paras).ok().map(|paras| Some(paras.level)),
            RESUME => Some(None),
            _ => None,
        };
        let Some(level) = level.filter(|_| service == LIGHT) else {
            return Heard::Platform(self.up(&Up::CommandResponse { request, result_code: NOT_UNDERSTOOD }));
        };
        let id = command_id(&request);
        if self.asked.len() == ASKED_MAX {
            self.asked.pop_front();
        }
        self.asked.push_back((id.clone(), request));
        Heard::Luminaire(Light::Command(DimCommand { id, level, until: None }))
    }

    /// Takes a programme and nothing else; refuses the whole otherwise.
    fn set(&mut self, now: Moment, request: String, services: &[ServiceReport], out: &mut Vec<Heard>) {
        let programme = match services {
            [only] if only.service == LIGHT && only.properties.len() == 1 => only.properties.get(PROGRAMME),
            _ => None,
        };
        let programme = programme.and_then(|value| Programme::deserialize(value).ok());
        let result_code = if programme.is_some() { 0 } else { NOT_UNDERSTOOD };
        if let Some(programme) = programme {
            out.push(Heard::Luminaire(Light::Programme(programme.clone())));
            self.programme = Some(programme);
        }
        out.push(Heard::Platform(self.up(&Up::SetResponse { request, result_code })));
        if result_code == 0 {
            out.extend(self.programme_report(now).map(Heard::Platform));
        }
    }

    fn get(&self, now: Moment, request: String, service: &str) -> Frame {
        let known = service.is_empty() || service == LIGHT;
        let report = ServiceReport {
            service: LIGHT.to_owned(),
            properties: self.known.properties(),
            event_time: Some(write_moment(now.wall.plus_millis(self.ahead_ms))),
        };
        self.up(&Up::GetResponse { request, services: known.then_some(report).into_iter().collect() })
    }

    fn on_event(&mut self, now: Moment, event: &DeviceEvent) -> Option<Frame> {
        let version = env!("CARGO_PKG_VERSION");
        match (event.service.as_str(), event.kind.as_str()) {
            ("$ota", "version_query") => {
                let paras = json!({ "fw_version": version, "sw_version": version });
                Some(self.event(now, "$ota", "version_report", paras))
            }
            (
                "$ota",
                "firmware_upgrade" | "software_upgrade" | "firmware_upgrade_v2" | "software_upgrade_v2",
            ) => {
                let paras = json!({
                    "result_code": UPGRADE_UNSUPPORTED, "version": version, "progress": 0,
                    "description": "a simulated luminaire takes no firmware",
                });
                Some(self.event(now, "$ota", "upgrade_progress_report", paras))
            }
            ("$time_sync", "time_sync_response") => {
                self.ahead_ms = ahead_ms(now.wall, &event.paras).unwrap_or(self.ahead_ms);
                None
            }
            _ => None,
        }
    }
}

impl Face for DeviceFace {
    fn login(&self, wall: Timestamp) -> Login {
        let hour = &write_moment(wall.plus_millis(-wall.as_millis().rem_euclid(HOUR_MS)));
        let hour: String = hour.chars().filter(char::is_ascii_digit).take(10).collect();
        let Device { id, secret, .. } = &self.device;
        Login {
            client_id: format!("{id}_0_1_{hour}"),
            credentials: Some((id.clone(), password(&secret.0, &hour))),
        }
    }

    fn filters(&self) -> Vec<String> {
        down_filters(&self.device.id)
    }

    fn connected(&mut self, now: Moment, out: &mut Vec<Frame>) {
        let version = env!("CARGO_PKG_VERSION");
        let sdk = json!({ "device_sdk_version": "kitecity", "sw_version": version, "fw_version": version });
        out.push(self.event(now, "$sdk_info", "sdk_info_report", sdk));
        let sent = json!({ "device_send_time": now.wall.as_millis().to_string() });
        out.push(self.event(now, "$time_sync", "time_sync_request", sent));
        out.extend(self.programme_report(now));
    }

    fn says(&mut self, now: Moment, body: &Light, out: &mut Vec<Frame>) {
        let (reading, ts) = match body {
            Light::State(report) => {
                let state = report.body;
                let told = Reading {
                    target: Some(state.target),
                    level: Some(state.in_effect),
                    actual: Some(state.actual),
                    mode: Some(state.mode),
                    ..Reading::default()
                };
                (told, report.stamp.ts)
            }
            Light::Telemetry(report) => {
                let readings = report.body;
                let told = Reading {
                    power_mw: Some(readings.power_mw),
                    voltage_mv: Some(readings.voltage_mv),
                    energy_mwh: Some(readings.energy_mwh),
                    burning_s: Some(readings.burning_s),
                    switch_count: Some(readings.switch_count),
                    ..Reading::default()
                };
                (told, report.stamp.ts)
            }
            Light::Ack(report) => {
                let index = self.asked.iter().position(|(id, _)| *id == report.body.command);
                let Some((_, request)) = index.and_then(|index| self.asked.remove(index)) else { return };
                let result_code = match report.body.result {
                    AckResult::Done => 0,
                    AckResult::Expired => EXPIRED,
                    AckResult::Failed => FAILED,
                };
                out.push(self.up(&Up::CommandResponse { request, result_code }));
                return;
            }
            Light::Online(_)
            | Light::Command(_)
            | Light::Programme(_)
            | Light::Firmware(_)
            | Light::FirmwareOrder(_)
            | Light::Alarms(_) => return,
        };
        self.known.update(reading);
        out.push(self.report(now, ts, reading.properties()));
    }

    fn hears(
        &mut self,
        now: Moment,
        topic: &str,
        payload: &[u8],
        out: &mut Vec<Heard>,
    ) -> Result<(), DecodeError> {
        let (device, down) = decode_down(topic, payload)?;
        if device != self.device.id {
            return Err(DecodeError::UnknownTopic);
        }
        // There is nothing behind it: what is for another device is not understood.
        match down {
            Down::Command { request, object, service, name, paras } => {
                let service = if object == device { service } else { String::new() };
                out.push(self.command(request, &service, &name, &paras));
            }
            Down::SetProperties { request, object, services } => {
                let services = if object == device { services } else { Vec::new() };
                self.set(now, request, &services, out);
            }
            Down::GetProperties { request, service, .. } => {
                out.push(Heard::Platform(self.get(now, request, &service)));
            }
            Down::Events { events, .. } => {
                for event in &events {
                    out.extend(self.on_event(now, event).map(Heard::Platform));
                }
            }
            Down::Shadow { .. } | Down::Message => {}
        }
        Ok(())
    }
}

/// How far the platform's clock is ahead, by its answer: halfway between question and answer it showed what is halfway
/// between its two times.
fn ahead_ms(wall: Timestamp, paras: &Map<String, Value>) -> Option<i64> {
    let time = |name: &str| {
        let value = paras.get(name)?;
        value.as_i64().or_else(|| value.as_str()?.parse().ok())
    };
    let sent = time("device_send_time")?;
    let there = time("server_recv_time")?.checked_add(time("server_send_time")?)? / 2;
    there.checked_sub(sent.checked_add(wall.as_millis())? / 2)
}

/// The id of the luminaire's command for a request: the same for the same request, which may be any text.
fn command_id(request: &str) -> CommandId {
    request.parse().unwrap_or_else(|_| {
        format!("request-{:016x}", fnv1a(request.bytes()))
            .parse()
            .expect("a word and hex digits are a command id")
    })
}

#[cfg(test)]
mod tests;
