use lighting::cabinet::{Input, Output};
use lighting::{Cabinet, Leg, Load};
use types::{CabinetId, Core, DistrictId, Timestamp};

use crate::{BusInput, Message, Segment};

/// One cabinet on the bus: a client of its own, like a luminaire.
///
/// What is no message goes through the driver, which stands for the wires: before it gives the time for a report, it
/// says what the luminaires draw ([`measure`](Self::measure)); after each call it hands on which legs went live or dead
/// ([`take_switched`](Self::take_switched)).
#[derive(Debug)]
pub struct CabinetRole {
    core: Cabinet,
    district: DistrictId,
    id: CabinetId,
    /// At most one of each leg and call; the driver takes them after each.
    switched: Vec<(Leg, bool)>,
}

impl CabinetRole {
    /// Puts `core` on the bus as cabinet `id` of `district`.
    pub fn new(core: Cabinet, district: DistrictId, id: CabinetId) -> Self {
        Self { core, district, id, switched: Vec::new() }
    }

    /// Its id, which is also its client id and user name.
    pub fn id(&self) -> CabinetId {
        self.id
    }

    /// The district it stands in.
    pub fn district(&self) -> DistrictId {
        self.district
    }

    /// What it subscribes to, below `kitecity/v1/{run}/`.
    pub fn filter(&self) -> String {
        format!("light/{}/{}/down/+", self.district, self.id)
    }

    /// What the broker says for it when it is gone.
    pub fn will(&self) -> Message {
        self.message(Segment::Online(false))
    }

    /// Whether it reads its meter at `now`, or has been told to.
    pub fn is_about_to_measure(&self, now: Timestamp) -> bool {
        self.core.reports_at() <= now
    }

    /// Its luminaires take this now.
    pub fn measure(&mut self, now: Timestamp, load: Load, out: &mut Vec<Message>) {
        self.run(now, Input::Load(load), out);
    }

    /// The legs that went live or dead since the last call.
    pub fn take_switched(&mut self) -> Vec<(Leg, bool)> {
        std::mem::take(&mut self.switched)
    }

    fn run(&mut self, now: Timestamp, input: Input, out: &mut Vec<Message>) {
        let mut outputs = Vec::new();
        self.core.handle(now, input, &mut outputs);
        self.publish(outputs, out);
    }

    fn publish(&mut self, outputs: Vec<Output>, out: &mut Vec<Message>) {
        for output in outputs {
            out.push(self.message(match output {
                Output::State(report) => Segment::State(report),
                Output::Telemetry(report) => Segment::Telemetry(report),
                Output::Ack(report) => Segment::Ack(report),
                Output::Supply { leg, live } => {
                    self.switched.push((leg, live));
                    continue;
                }
            }));
        }
    }

    fn message(&self, body: Segment) -> Message {
        Message::Cabinet { district: self.district, cabinet: self.id, body }
    }
}

impl Core for CabinetRole {
    type Input = BusInput;
    type Output = Message;

    fn handle(&mut self, now: Timestamp, bus: BusInput, out: &mut Vec<Message>) {
        match bus {
            BusInput::Connected => {
                out.push(self.message(Segment::Online(true)));
                self.run(now, Input::Connected, out);
            }
            BusInput::Message(Message::Cabinet { body: Segment::Command(command), .. }) => {
                self.run(now, Input::Command(command), out);
            }
            BusInput::Message(Message::CabinetEvent { event, .. }) => {
                self.run(now, Input::Event(event), out);
            }
            BusInput::Message(_) => {}
        }
    }

    fn handle_timeout(&mut self, now: Timestamp, out: &mut Vec<Message>) {
        let mut outputs = Vec::new();
        self.core.handle_timeout(now, &mut outputs);
        self.publish(outputs, out);
    }

    fn next_timeout(&self) -> Option<Timestamp> {
        self.core.next_timeout()
    }
}
