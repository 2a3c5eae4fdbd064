mod namesake;

use lighting::luminaire::{Input, Output};
use lighting::{Draw, Fault, Luminaire};
use types::{Core, DistrictId, LuminaireId, Timestamp};

use self::namesake::Namesake;
use crate::{BusInput, FaultOrder, Light, Message};

/// For how long a luminaire gives its presence level after someone was near \[ms of the city's clock\].
const PRESENCE_HOLD_MS: i64 = 60_000;

/// One luminaire on the bus. Drivers run thousands: each is a client of its own.
///
/// In this order in memory: [`warm`](Self::warm) counts on it.
#[derive(Debug)]
#[repr(C)]
pub struct LuminaireRole {
    core: Luminaire,
    district: DistrictId,
    id: LuminaireId,
    /// Hardly ever there.
    namesake: Option<Box<Namesake>>,
}

impl LuminaireRole {
    /// Puts `core` on the bus as luminaire `id` of `district`.
    pub fn new(core: Luminaire, district: DistrictId, id: LuminaireId) -> Self {
        Self { core, district, id, namesake: None }
    }

    /// Its id, which is also its client id and user name.
    #[inline]
    pub fn id(&self) -> LuminaireId {
        self.id
    }

    /// What it subscribes to, below `kitecity/v1/{run}/`.
    pub fn filter(&self) -> String {
        format!("light/{}/{}/down/+", self.district, self.id)
    }

    /// What the broker says for it when it is gone.
    pub fn will(&self) -> Message {
        self.message(Light::Online(false))
    }

    /// The district it stands in.
    #[inline]
    pub fn district(&self) -> DistrictId {
        self.district
    }

    /// Its clock is set forward (back, if negative) at `now`; see [`Luminaire::step_clock`].
    pub fn step_clock(&mut self, now: Timestamp, by_ms: i64, out: &mut Vec<Message>) {
        let mut outputs = Vec::new();
        match &mut self.namesake {
            None => self.core.step_clock(now, by_ms, &mut outputs),
            Some(namesake) => namesake.step_clock(&mut self.core, now, by_ms, &mut outputs),
        }
        self.publish(outputs, out);
    }

    /// The same as [`Core::handle_timeout`], for a driver with a buffer for what its luminaires say;
    /// [`message_of`](Self::message_of) puts that on the bus.
    #[inline]
    pub fn run_timeout(&mut self, now: Timestamp, outputs: &mut Vec<Output>) {
        match &mut self.namesake {
            None => self.core.handle_timeout(now, outputs),
            Some(namesake) => namesake.handle_timeout(&mut self.core, now, outputs),
        }
    }

    /// See [`Luminaire::warm`].
    #[inline]
    pub fn warm(&self) -> i64 {
        self.core.warm() ^ i64::from(self.id.0)
    }

    /// What it says, as a message.
    #[inline]
    pub fn message_of(&self, output: Output) -> Message {
        self.message(output.into())
    }

    /// Someone is near.
    pub fn sense_presence(&mut self, now: Timestamp, out: &mut Vec<Message>) {
        self.run(now, Input::Presence { hold_ms: PRESENCE_HOLD_MS }, out);
    }

    /// Its feeder is live from now on, or is not.
    pub fn set_supply(&mut self, now: Timestamp, live: bool, out: &mut Vec<Message>) {
        self.run(now, Input::Supply(live), out);
    }

    /// What it takes from its feeder; see [`Luminaire::draw`].
    pub fn draw(&self, now: Timestamp) -> Draw {
        self.core.draw(now)
    }

    fn run(&mut self, now: Timestamp, input: Input, out: &mut Vec<Message>) {
        let mut outputs = Vec::new();
        match &mut self.namesake {
            None => self.core.handle(now, input, &mut outputs),
            Some(namesake) => namesake.handle(&mut self.core, now, input, &mut outputs),
        }
        self.publish(outputs, out);
    }

    fn take_fault(&mut self, now: Timestamp, order: FaultOrder, out: &mut Vec<Message>) {
        match order {
            FaultOrder::Break(Fault::IdClone(period_s)) => {
                let namesake = Namesake::new(self.core.namesake(now), now);
                self.namesake.get_or_insert_with(|| Box::new(namesake)).set_period(period_s);
            }
            FaultOrder::Break(fault) => self.run(now, Input::Fault(fault), out),
            FaultOrder::Repair => {
                if let Some(namesake) = self.namesake.take() {
                    let mut outputs = Vec::new();
                    namesake.leave(&mut self.core, now, &mut outputs);
                    self.publish(outputs, out);
                }
                self.run(now, Input::Repair, out);
            }
            FaultOrder::Clean => self.run(now, Input::Clean, out),
        }
    }

    /// Whether who has its connection can speak.
    fn is_running(&self) -> bool {
        let speaker = self.namesake.as_ref().and_then(|namesake| namesake.speaker());
        speaker.unwrap_or(&self.core).is_running()
    }

    fn publish(&self, outputs: Vec<Output>, out: &mut Vec<Message>) {
        if !outputs.is_empty() {
            out.extend(outputs.into_iter().map(|output| self.message_of(output)));
        }
    }

    #[inline]
    fn message(&self, body: Light) -> Message {
        Message::Light { district: self.district, luminaire: self.id, body }
    }
}

impl Core for LuminaireRole {
    type Input = BusInput;
    type Output = Message;

    fn handle(&mut self, now: Timestamp, bus: BusInput, out: &mut Vec<Message>) {
        match bus {
            BusInput::Connected if !self.is_running() => {}
            BusInput::Connected => {
                out.push(self.message(Light::Online(true)));
                self.run(now, Input::Connected, out);
            }
            BusInput::Message(Message::Light { body: Light::Command(command), .. }) => {
                self.run(now, Input::Command(command), out);
            }
            BusInput::Message(Message::Light { body: Light::Programme(programme), .. }) => {
                self.run(now, Input::Programme(programme), out);
            }
            BusInput::Message(Message::Light { body: Light::FirmwareOrder(order), .. }) => {
                self.run(now, Input::Firmware(order), out);
            }
            BusInput::Message(Message::Fault { order, .. }) => self.take_fault(now, order, out),
            BusInput::Message(_) => {}
        }
    }

    fn handle_timeout(&mut self, now: Timestamp, out: &mut Vec<Message>) {
        let mut outputs = Vec::new();
        self.run_timeout(now, &mut outputs);
        self.publish(outputs, out);
    }

    #[inline]
    fn next_timeout(&self) -> Option<Timestamp> {
        let own = self.core.next_timeout();
        match &self.namesake {
            None => own,
            Some(namesake) => own.into_iter().chain([namesake.next_timeout()]).min(),
        }
    }
}

impl From<Output> for Light {
    fn from(output: Output) -> Self {
        match output {
            Output::State(report) => Self::State(report),
            Output::Telemetry(report) => Self::Telemetry(report),
            Output::Ack(report) => Self::Ack(report),
            Output::Firmware(report) => Self::Firmware(report),
            Output::Online(online) => Self::Online(online),
        }
    }
}
