//! One of our luminaires as a device of another platform.

use std::fmt::Debug;

use types::Timestamp;

use super::{Device, Dialect, home_assistant, streetlights};
use crate::{DecodeError, Frame, Light, iotda};

/// What both clocks show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The wall's.
    pub wall: Timestamp,
    /// The city's.
    pub city: Timestamp,
}

/// How a device logs in. Made anew for each try: some passwords are of the hour.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// Its client id.
    pub client_id: String,
    /// User name and password, if it has any.
    pub credentials: Option<(String, String)>,
}

/// Without the password.
impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// Something that came of what a platform said.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// For the luminaire.
    Luminaire(Light),
    /// An answer to the platform.
    Platform(Frame),
}

/// What a platform is told of a luminaire beside its id.
#[derive(Clone, Debug, PartialEq)]
pub struct Portrait {
    /// Which device it is.
    pub device: Device,
    /// What people call it.
    pub name: String,
    /// What it gives at full output \[lm\].
    pub lumens: u32,
}

/// The device side of a dialect: what a luminaire says and hears, in the platform's words.
///
/// Stands between a luminaire, which speaks [`Light`], and a connection of its own to the platform.
pub trait Face: Debug + Send {
    /// How it logs in at this time of the wall.
    fn login(&self, wall: Timestamp) -> Login;

    /// What it subscribes to, if it is to subscribe: whole filters.
    fn filters(&self) -> Vec<String>;

    /// What the broker says for it when it is gone.
    fn will(&self) -> Option<Frame> {
        None
    }

    /// It is connected: what it says before the luminaire says anything.
    fn connected(&mut self, now: Moment, out: &mut Vec<Frame>);

    /// The luminaire says something.
    fn says(&mut self, now: Moment, body: &Light, out: &mut Vec<Frame>);

    /// The platform says something.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] says what is wrong and where. Nothing in `payload` makes this panic.
    fn hears(
        &mut self,
        now: Moment,
        topic: &str,
        payload: &[u8],
        out: &mut Vec<Heard>,
    ) -> Result<(), DecodeError>;

    /// It leaves for good: its last words.
    fn farewell(&self, _out: &mut Vec<Frame>) {}
}

/// The face of this luminaire in its dialect.
pub fn face(portrait: Portrait) -> Box<dyn Face> {
    match portrait.device.dialect {
        Dialect::Iotda => Box::new(iotda::DeviceFace::new(portrait.device)),
        Dialect::Streetlights => Box::new(streetlights::DeviceFace::new(portrait.device, portrait.lumens)),
        Dialect::HomeAssistant => Box::new(home_assistant::DeviceFace::new(portrait.device, portrait.name)),
    }
}
