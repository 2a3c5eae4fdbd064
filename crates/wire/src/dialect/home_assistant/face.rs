use lighting::{DimCommand, DimLevel};
use types::{CommandId, Timestamp};

use super::{Config, Word, decode, encode, set_topic};
use crate::dialect::{Device, Face, Heard, Login, Moment};
use crate::{DecodeError, Frame, Light};

/// A luminaire of ours as a light that Home Assistant discovers. Its node id is its device id.
#[derive(Debug)]
pub struct DeviceFace {
    device: Device,
    name: String,
    commands: u64,
}

impl DeviceFace {
    pub(crate) fn new(device: Device, name: String) -> Self {
        Self { device, name, commands: 0 }
    }

    fn word(&self, word: &Word) -> Frame {
        encode(&self.device.id, word)
    }
}

impl Face for DeviceFace {
    fn login(&self, _wall: Timestamp) -> Login {
        let credentials = Some((self.device.id.clone(), self.device.secret.0.clone()));
        Login { client_id: self.device.id.clone(), credentials }
    }

    fn filters(&self) -> Vec<String> {
        vec![set_topic(&self.device.id)]
    }

    fn will(&self) -> Option<Frame> {
        Some(self.word(&Word::Available(false)))
    }

    fn connected(&mut self, _now: Moment, out: &mut Vec<Frame>) {
        let config = Config::new(&self.device.id, &self.name);
        out.push(self.word(&Word::Config(Some(Box::new(config)))));
        out.push(self.word(&Word::Available(true)));
    }

    fn says(&mut self, _now: Moment, body: &Light, out: &mut Vec<Frame>) {
        if let Light::State(report) = body {
            out.push(self.word(&Word::State(report.body.actual)));
        }
    }

    fn hears(
        &mut self,
        now: Moment,
        topic: &str,
        payload: &[u8],
        out: &mut Vec<Heard>,
    ) -> Result<(), DecodeError> {
        let (node, Word::Set(level)) = decode(topic, payload)? else { return Err(DecodeError::UnknownTopic) };
        if node != self.device.id {
            return Err(DecodeError::UnknownTopic);
        }
        self.commands += 1;
        let id: CommandId = format!("{:x}-{}", now.wall.as_millis(), self.commands)
            .parse()
            .expect("hex digits and a number are a command id");
        let level = Some(level.unwrap_or(DimLevel::FULL));
        out.push(Heard::Luminaire(Light::Command(DimCommand { id, level, until: None })));
        Ok(())
    }

    fn farewell(&self, out: &mut Vec<Frame>) {
        out.push(self.word(&Word::Config(None)));
    }
}
