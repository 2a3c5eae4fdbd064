use std::sync::Arc;

use lighting::Cms;
use lighting::cms::{Input, Output, PENDING_MAX, Refusal};
use types::{Core, LuminaireId, Timestamp};

use crate::{
    BusInput, DimRefused, Directory, Event, EventBody, Kept, Light, Message, MessageIds, Reply, ReplyBody,
    RequestBody, Role, RoleName, Segment,
};

/// The CMS on the bus.
#[derive(Debug)]
pub struct CmsRole {
    core: Cms,
    directory: Arc<Directory>,
    ids: MessageIds,
    outputs: Vec<Output>,
}

/// Places for outputs that are kept from one input to the next.
const OUTPUTS_KEPT: usize = 64;

impl CmsRole {
    /// Puts `core` on the bus; `directory` tells the district of each luminaire it manages.
    pub fn new(core: Cms, directory: Arc<Directory>, ids: MessageIds) -> Self {
        Self { core, directory, ids, outputs: Vec::new() }
    }

    /// The core, to look at.
    pub fn core(&self) -> &Cms {
        &self.core
    }

    fn publish(&mut self, now: Timestamp, out: &mut Vec<Message>) {
        let mut outputs = std::mem::take(&mut self.outputs);
        for output in outputs.drain(..) {
            out.extend(match output {
                Output::Command { luminaire, command } => self.light(luminaire, Light::Command(command)),
                Output::Programme { luminaire, programme } => {
                    self.light(luminaire, Light::Programme(programme))
                }
                Output::Firmware { luminaire, order } => self.light(luminaire, Light::FirmwareOrder(order)),
                Output::Alarm { alarm, at } => Some(self.event(now, at, EventBody::Alarm(alarm))),
                Output::Alarms { luminaire, standing } => self.light(luminaire, Light::Alarms(standing)),
                Output::Incident { incident, at } => Some(self.event(now, at, EventBody::Incident(incident))),
                Output::Report { to, report } => {
                    Some(Message::Reply(Reply { to, time: now, body: ReplyBody::Dim(report) }))
                }
                Output::GroupReply { to, reply } => {
                    Some(Message::Reply(Reply { to, time: now, body: ReplyBody::DimGroup(reply) }))
                }
                Output::CampaignReply { to, reply } => {
                    Some(Message::Reply(Reply { to, time: now, body: ReplyBody::Firmware(reply) }))
                }
                Output::ComplaintReply { to, reply } => {
                    Some(Message::Reply(Reply { to, time: now, body: ReplyBody::Complain(reply) }))
                }
                Output::Refused { to, luminaire, reason } => {
                    let body =
                        ReplyBody::DimRefused(DimRefused { luminaire, reason: words(&reason).to_owned() });
                    Some(Message::Reply(Reply { to, time: now, body }))
                }
            });
        }
        // What a whole city's programmes took is given back.
        outputs.shrink_to(OUTPUTS_KEPT);
        self.outputs = outputs;
    }

    fn take(&mut self, now: Timestamp, input: Input, out: &mut Vec<Message>) {
        self.core.handle(now, input, &mut self.outputs);
        if !self.outputs.is_empty() {
            self.publish(now, out);
        }
    }

    fn event(&mut self, now: Timestamp, time: Timestamp, body: EventBody) -> Message {
        Message::Event(Event { id: self.ids.next(now), time, body })
    }

    fn light(&self, luminaire: LuminaireId, body: Light) -> Option<Message> {
        let district = *self.directory.get(&luminaire)?;
        Some(Message::Light { district, luminaire, body })
    }
}

fn words(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::UnknownLuminaire => "no such luminaire in the register",
        Refusal::TooManyPending => "too many commands wait for their acknowledgement, try again later",
    }
}

/// Copies what it takes only: there are very many.
fn light_input(luminaire: LuminaireId, body: &Light) -> Option<Input> {
    Some(match body {
        Light::State(report) => Input::State { luminaire, report: report.clone() },
        Light::Telemetry(report) => Input::Telemetry { luminaire, report: report.clone() },
        Light::Ack(report) => Input::Ack { luminaire, report: report.clone() },
        Light::Online(online) => Input::Online { luminaire, online: *online },
        Light::Firmware(report) => Input::Firmware { luminaire, report: report.clone() },
        Light::Alarms(standing) => Input::Alarms { luminaire, standing: *standing },
        Light::Command(_) | Light::Programme(_) | Light::FirmwareOrder(_) => return None,
    })
}

fn input(message: Message) -> Option<Input> {
    Some(match message {
        Message::Light { luminaire, body, .. } => return light_input(luminaire, &body),
        Message::Cabinet { cabinet, body: Segment::State(report), .. } => Input::Cabinet { cabinet, report },
        Message::Request(request) => match request.body {
            RequestBody::Dim(body) => Input::Request { from: request.reply_to, request: body },
            RequestBody::Firmware(body) => Input::CampaignRequest { from: request.reply_to, request: body },
            RequestBody::Complain(body) => Input::Complaint { from: request.reply_to, request: body },
            RequestBody::DimGroup(body) => Input::GroupRequest { from: request.reply_to, request: body },
            _ => return None,
        },
        Message::Clock(clock) => Input::Pace(clock.speed),
        _ => return None,
    })
}

impl Core for CmsRole {
    type Input = BusInput;
    type Output = Message;

    fn handle(&mut self, now: Timestamp, bus: BusInput, out: &mut Vec<Message>) {
        let input = match bus {
            BusInput::Connected => Some(Input::Connected),
            BusInput::Message(message) => input(message),
        };
        if let Some(input) = input {
            self.take(now, input, out);
        }
    }

    fn handle_timeout(&mut self, now: Timestamp, out: &mut Vec<Message>) {
        self.core.handle_timeout(now, &mut self.outputs);
        self.publish(now, out);
    }

    fn next_timeout(&self) -> Option<Timestamp> {
        self.core.next_timeout()
    }
}

impl Role for CmsRole {
    fn name(&self) -> RoleName {
        RoleName::Lighting
    }

    fn kept(&self) -> Vec<Kept> {
        vec![Kept { what: "pending_commands", entries: self.core.pending_len(), max: PENDING_MAX }]
    }

    fn warm(&self, luminaire: LuminaireId) -> i64 {
        self.core.luminaire(luminaire).map_or(0, lighting::LuminaireView::warm)
    }

    fn handle_light(
        &mut self,
        now: Timestamp,
        luminaire: LuminaireId,
        body: &Light,
        out: &mut Vec<Message>,
    ) -> bool {
        if let Some(input) = light_input(luminaire, body) {
            self.take(now, input, out);
        }
        true
    }

    fn filters(&self) -> Vec<&'static str> {
        vec![
            "light/+/+/up/state",
            "light/+/+/up/tele",
            "light/+/+/up/ack",
            "light/+/+/up/fw",
            "light/+/+/status",
            "light/+/+/alarms",
            "rpc/lighting/#",
            "sim/clock",
        ]
    }
}
