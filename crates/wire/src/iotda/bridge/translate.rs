//! The bridge as a driver sees it: bytes and messages.

use std::collections::BTreeMap;

use types::{Core, Timestamp};

use super::{Input, IotdaBridge, Output};
use crate::dialect::{Bridge, Said};
use crate::iotda::payload::{decode_up, encode_down};
use crate::iotda::shadow::Shadow;
use crate::iotda::topic::{UP_FILTERS, device_of};
use crate::{DecodeError, Directory, Message, RoleName, codec};

impl IotdaBridge {
    fn pass(&mut self, now: Timestamp, input: Input, out: &mut Vec<Said>) {
        let mut outputs = Vec::new();
        self.handle(now, input, &mut outputs);
        out.extend(outputs.into_iter().map(Said::from));
    }
}

impl Bridge for IotdaBridge {
    fn role(&self) -> RoleName {
        RoleName::Iotda
    }

    fn filters(&self, directory: &Directory) -> Vec<String> {
        self.down_filters(directory)
    }

    fn foreign_filters(&self) -> Vec<String> {
        UP_FILTERS.map(str::to_owned).to_vec()
    }

    fn is_foreign(&self, topic: &str) -> bool {
        device_of(topic).is_some()
    }

    fn connected(&mut self, now: Timestamp, out: &mut Vec<Said>) {
        self.pass(now, Input::Connected, out);
    }

    fn on_bus(&mut self, now: Timestamp, message: Message, out: &mut Vec<Said>) {
        self.pass(now, Input::Bus(message), out);
    }

    fn on_foreign(
        &mut self,
        now: Timestamp,
        topic: &str,
        payload: &[u8],
        retained: bool,
        out: &mut Vec<Said>,
    ) -> Result<(), DecodeError> {
        // A report that the broker kept is of the past; only who is there lasts.
        if retained && !topic.ends_with("/sys/status") {
            return Ok(());
        }
        let (device, up) = decode_up(topic, payload)?;
        let input = Input::Device { topic: topic.to_owned(), device: device.to_owned(), up };
        self.pass(now, input, out);
        Ok(())
    }

    fn handle_timeout(&mut self, now: Timestamp, out: &mut Vec<Said>) {
        let mut outputs = Vec::new();
        Core::handle_timeout(self, now, &mut outputs);
        out.extend(outputs.into_iter().map(Said::from));
    }

    fn next_timeout(&self) -> Option<Timestamp> {
        Core::next_timeout(self)
    }

    fn changes(&self) -> u64 {
        self.changes
    }

    fn memory(&self) -> Vec<u8> {
        let shadows: BTreeMap<&str, &Shadow> =
            self.lamps.iter().map(|lamp| (lamp.object.as_str(), &lamp.shadow)).collect();
        codec::json(&shadows)
    }

    /// Shadows of devices that are no longer in the register are forgotten.
    fn recall(&mut self, memory: &[u8]) -> Result<(), String> {
        let mut shadows: BTreeMap<String, Shadow> =
            serde_json::from_slice(memory).map_err(|error| error.to_string())?;
        for lamp in &mut self.lamps {
            lamp.shadow = shadows.remove(&lamp.object).unwrap_or_default();
        }
        Ok(())
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        match output {
            Output::Bus(message) => Self::Bus(message),
            Output::Device { device, down } => Self::Frame(encode_down(&device, &down)),
            Output::Refused { topic, reason } => Self::Refused { topic, reason },
            Output::Note(note) => Self::Note(note),
        }
    }
}
