use eid::{EidEvent, issuer, verifier};
use types::{Core, Timestamp};

use crate::{BusInput, Event, EventBody, Message, MessageIds, Reply, ReplyBody, RequestBody, Role, RoleName};

/// The e-ID issuer on the bus.
#[derive(Debug)]
pub struct IssuerRole {
    core: issuer::Issuer,
    ids: MessageIds,
}

impl IssuerRole {
    /// Puts `core` on the bus.
    pub fn new(core: issuer::Issuer, ids: MessageIds) -> Self {
        Self { core, ids }
    }

    fn run(&mut self, now: Timestamp, input: issuer::Input, out: &mut Vec<Message>) {
        let mut outputs = Vec::new();
        self.core.handle(now, input, &mut outputs);
        self.publish(now, outputs, out);
    }

    fn publish(&mut self, now: Timestamp, outputs: Vec<issuer::Output>, out: &mut Vec<Message>) {
        out.extend(outputs.into_iter().map(|output| match output {
            issuer::Output::Keys(keys) => Message::EidKeys(keys),
            issuer::Output::EnrolReply { to, reply } => reply_to(to, now, ReplyBody::Enrol(reply)),
            issuer::Output::IssueReply { to, reply } => reply_to(to, now, ReplyBody::Issue(reply)),
            issuer::Output::CredentialReply { to, reply } => reply_to(to, now, ReplyBody::Credential(reply)),
            issuer::Output::ManageReply { to, reply } => reply_to(to, now, ReplyBody::Manage(reply)),
            issuer::Output::Event(event) => eid_event(&mut self.ids, now, event),
        }));
    }
}

impl Core for IssuerRole {
    type Input = BusInput;
    type Output = Message;

    fn handle(&mut self, now: Timestamp, bus: BusInput, out: &mut Vec<Message>) {
        match bus {
            BusInput::Connected => self.run(now, issuer::Input::Connected, out),
            BusInput::Message(Message::Request(request)) => match request.body {
                RequestBody::Enrol(body) => {
                    self.run(now, issuer::Input::Enrol { from: request.reply_to, request: body }, out);
                }
                RequestBody::Issue(body) => {
                    self.run(now, issuer::Input::Issue { from: request.reply_to, request: body }, out);
                }
                RequestBody::Credential(body) => {
                    self.run(now, issuer::Input::Credentials { from: request.reply_to, request: body }, out);
                }
                RequestBody::Manage(body) => {
                    self.run(now, issuer::Input::Manage { from: request.reply_to, request: body }, out);
                }
                _ => {}
            },
            BusInput::Message(_) => {}
        }
    }

    fn handle_timeout(&mut self, now: Timestamp, out: &mut Vec<Message>) {
        let mut outputs = Vec::new();
        self.core.handle_timeout(now, &mut outputs);
        self.publish(now, outputs, out);
    }

    fn next_timeout(&self) -> Option<Timestamp> {
        self.core.next_timeout()
    }
}

impl Role for IssuerRole {
    fn name(&self) -> RoleName {
        RoleName::Issuer
    }

    fn filters(&self) -> Vec<&'static str> {
        vec!["rpc/issuer/#"]
    }
}

/// The e-ID verifier on the bus.
#[derive(Debug)]
pub struct VerifierRole {
    core: verifier::Verifier,
    ids: MessageIds,
}

impl VerifierRole {
    /// Puts `core` on the bus.
    pub fn new(core: verifier::Verifier, ids: MessageIds) -> Self {
        Self { core, ids }
    }

    fn publish(&mut self, now: Timestamp, outputs: Vec<verifier::Output>, out: &mut Vec<Message>) {
        out.extend(outputs.into_iter().map(|output| match output {
            verifier::Output::Verdict { to, verdict } => reply_to(to, now, ReplyBody::Verify(verdict)),
            verifier::Output::Event(event) => eid_event(&mut self.ids, now, event),
        }));
    }
}

impl Core for VerifierRole {
    type Input = BusInput;
    type Output = Message;

    fn handle(&mut self, now: Timestamp, bus: BusInput, out: &mut Vec<Message>) {
        let input = match bus {
            BusInput::Message(Message::EidKeys(keys)) => verifier::Input::Keys(keys),
            BusInput::Message(Message::Request(request)) => match request.body {
                RequestBody::Verify(body) => {
                    verifier::Input::Verify { from: request.reply_to, request: body }
                }
                _ => return,
            },
            BusInput::Connected | BusInput::Message(_) => return,
        };
        let mut outputs = Vec::new();
        self.core.handle(now, input, &mut outputs);
        self.publish(now, outputs, out);
    }

    fn handle_timeout(&mut self, now: Timestamp, out: &mut Vec<Message>) {
        let mut outputs = Vec::new();
        self.core.handle_timeout(now, &mut outputs);
        self.publish(now, outputs, out);
    }

    fn next_timeout(&self) -> Option<Timestamp> {
        self.core.next_timeout()
    }
}

impl Role for VerifierRole {
    fn name(&self) -> RoleName {
        RoleName::Verifier
    }

    fn filters(&self) -> Vec<&'static str> {
        vec!["rpc/verifier/#", "eid/keys"]
    }
}

fn reply_to(to: types::ReplyTo, time: Timestamp, body: ReplyBody) -> Message {
    Message::Reply(Reply { to, time, body })
}

fn eid_event(ids: &mut MessageIds, time: Timestamp, event: EidEvent) -> Message {
    Message::Event(Event { id: ids.next(time), time, body: EventBody::Eid(event) })
}
