use lighting::{DimCommand, DimLevel};
use types::{CommandId, Timestamp};

use super::{Action, Measured, action_filter, decode_action, encode_measured};
use crate::dialect::{Device, Face, Heard, Login, Moment};
use crate::{DecodeError, Frame, Light};

/// A luminaire of ours as a lamp of the Streetlights API.
///
/// Logs in with its API key as the user name. Says what it measures when that changes and with its readings.
#[derive(Debug)]
pub struct DeviceFace {
    device: Device,
    /// At full output \[lm\].
    lumens: u32,
    actual: Option<DimLevel>,
    /// Commands so far: each has an id of its own.
    commands: u64,
}

impl DeviceFace {
    pub(crate) fn new(device: Device, lumens: u32) -> Self {
        Self { lumens: device.lumens.unwrap_or(lumens), device, actual: None, commands: 0 }
    }

    fn measured(&self, now: Moment) -> Option<Frame> {
        let lumens = u64::from(self.lumens) * u64::from(self.actual?.percent()) / 100;
        Some(encode_measured(&self.device.id, &Measured { lumens, sent_at: Some(now.wall) }))
    }
}

impl Face for DeviceFace {
    fn login(&self, _wall: Timestamp) -> Login {
        let credentials = Some((self.device.user_name().to_owned(), String::new()));
        Login { client_id: self.device.id.clone(), credentials }
    }

    fn filters(&self) -> Vec<String> {
        vec![action_filter(&self.device.id)]
    }

    fn connected(&mut self, _now: Moment, _out: &mut Vec<Frame>) {}

    fn says(&mut self, now: Moment, body: &Light, out: &mut Vec<Frame>) {
        match body {
            Light::State(report) => {
                let before = self.actual.replace(report.body.actual);
                if before != self.actual {
                    out.extend(self.measured(now));
                }
            }
            Light::Telemetry(_) => out.extend(self.measured(now)),
            _ => {}
        }
    }

    fn hears(
        &mut self,
        now: Moment,
        topic: &str,
        payload: &[u8],
        out: &mut Vec<Heard>,
    ) -> Result<(), DecodeError> {
        let (id, action) = decode_action(topic, payload)?;
        if id != self.device.id {
            return Err(DecodeError::UnknownTopic);
        }
        let level = match action {
            Action::On => DimLevel::FULL,
            Action::Off => DimLevel::OFF,
            Action::Dim(level) => level,
        };
        self.commands += 1;
        let id: CommandId = format!("{:x}-{}", now.wall.as_millis(), self.commands)
            .parse()
            .expect("hex digits and a number are a command id");
        out.push(Heard::Luminaire(Light::Command(DimCommand { id, level: Some(level), until: None })));
        Ok(())
    }
}
