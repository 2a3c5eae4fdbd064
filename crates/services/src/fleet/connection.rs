//! How a device is connected: to the city's bus, or as a device of another platform.

use tokio::sync::mpsc;
use types::{DistrictId, LuminaireId};
use wire::dialect::{Face, Heard, Moment, Portrait, face};
use wire::roles::LuminaireRole;
use wire::{BusInput, DecodeError, Frame, Message, decode, encode, prefix};

use super::{Outward, Unit};
use crate::bus::{BusClient, BusEvent, ClientOptions, PlainClient, PlainOptions, Received};
use crate::link::Link;
use crate::time::wall_now;

/// A device's connection.
pub(super) enum Connection {
    /// To the city's bus.
    Native(BusClient),
    /// To a platform outside.
    Foreign(Box<Foreign>),
}

/// A luminaire as a device of another platform.
pub(super) struct Foreign {
    luminaire: LuminaireId,
    district: DistrictId,
    face: Box<dyn Face>,
    client: PlainClient,
    frames: Vec<Frame>,
}

/// Connects a device to the city's bus: its name is its `id`.
pub(super) fn native(
    link: &Link,
    id: String,
    will: &Message,
    filter: &str,
    unit: Unit,
    events: mpsc::Sender<(Unit, BusEvent)>,
) -> BusClient {
    let options = ClientOptions {
        address: link.address.clone(),
        credentials: link.credentials(&id),
        client_id: id,
        device: true,
        will: Some(encode(link.run, will)),
        filters: vec![format!("{}{filter}", prefix(link.run))],
    };
    BusClient::spawn(options, unit, events)
}

impl Connection {
    /// Connects a luminaire to a platform outside.
    pub(super) fn foreign(
        outward: &Outward,
        role: &LuminaireRole,
        portrait: Portrait,
        unit: Unit,
        events: mpsc::Sender<(Unit, BusEvent)>,
    ) -> Self {
        let speaker = face(portrait.clone());
        let filters = if outward.subscribes { speaker.filters() } else { Vec::new() };
        let will = speaker.will();
        let login = Box::new(move || face(portrait.clone()).login(wall_now()));
        let options = PlainOptions { address: outward.platform.clone(), login, will, filters };
        let client = PlainClient::spawn(options, unit, events);
        let (luminaire, district) = (role.id(), role.district());
        Self::Foreign(Box::new(Foreign { luminaire, district, face: speaker, client, frames: Vec::new() }))
    }

    /// It stands: what it says before the luminaire does.
    pub(super) fn stands(&mut self, now: Moment) {
        if let Self::Foreign(foreign) = self {
            foreign.face.connected(now, &mut foreign.frames);
            foreign.send();
        }
    }

    /// What came in, for the luminaire.
    pub(super) fn reads(
        &mut self,
        link: Option<&Link>,
        now: Moment,
        received: &Received,
    ) -> Result<Vec<BusInput>, DecodeError> {
        match self {
            Self::Native(_) => {
                let link = link.ok_or(DecodeError::UnknownTopic)?;
                decode(link.run, received.delivery()).map(|message| vec![BusInput::Message(message)])
            }
            Self::Foreign(foreign) => foreign.reads(now, received),
        }
    }

    /// Publishes what the luminaire says. A full queue means no connection: everything is told anew when it is back.
    pub(super) fn says(&mut self, link: Option<&Link>, now: Moment, message: &Message) {
        match self {
            Self::Native(client) => {
                if let Some(link) = link {
                    let _ = client.publish(encode(link.run, message));
                }
            }
            Self::Foreign(foreign) => {
                if let Message::Light { body, .. } = message {
                    foreign.face.says(now, body, &mut foreign.frames);
                    foreign.send();
                }
            }
        }
    }

    /// Begins the goodbye.
    pub(super) fn leaves(&mut self) {
        match self {
            Self::Native(client) => client.disconnect(),
            Self::Foreign(foreign) => {
                foreign.face.farewell(&mut foreign.frames);
                foreign.send();
            }
        }
    }

    /// Ends the goodbye.
    pub(super) async fn closed(self) {
        match self {
            Self::Native(client) => client.closed().await,
            Self::Foreign(foreign) => foreign.client.close().await,
        }
    }
}

impl Foreign {
    fn reads(&mut self, now: Moment, received: &Received) -> Result<Vec<BusInput>, DecodeError> {
        // What the broker kept is of the past.
        if received.is_retained() {
            return Ok(Vec::new());
        }
        let mut heard = Vec::new();
        let (topic, payload) = (received.topic(), received.delivery().payload);
        let outcome = self.face.hears(now, topic, payload, &mut heard);
        let mut inputs = Vec::new();
        for heard in heard {
            match heard {
                Heard::Platform(frame) => self.frames.push(frame),
                Heard::Luminaire(body) => {
                    let (district, luminaire) = (self.district, self.luminaire);
                    inputs.push(BusInput::Message(Message::Light { district, luminaire, body }));
                }
            }
        }
        self.send();
        outcome.map(|()| inputs)
    }

    fn send(&mut self) {
        for frame in self.frames.drain(..) {
            let _ = self.client.publish(frame);
        }
    }
}
