use eid::{AskReply, EidEvent, RefusalReason, Verdict, issuer, verifier};
use types::{Core, ReplyTo, Timestamp, VerifierId};

use crate::{
    BusInput, Event, EventBody, Kept, Message, MessageIds, Reply, ReplyBody, Request, RequestBody, Role,
    RoleName,
};

use super::payment::PAYMENT_VERIFIER;

/// What the client id and user name of a reader begin with; its name follows.
pub const READER_CLIENT: &str = "reader-";

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
            issuer::Output::OwnReply { to, reply } => reply_to(to, now, ReplyBody::Own(reply)),
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
                RequestBody::Own(body) => {
                    self.run(now, issuer::Input::Own { from: request.reply_to, request: body }, out);
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

/// What a client is told that asks as a reader that it is not.
const NOT_THIS_READER: RefusalReason = RefusalReason::ScopeNotGranted;

/// Whether a client may ask as this reader. The client is known by where its answer goes: who names another's place there
/// is told nothing, since everybody hears only their own answers.
///
/// A reader's own client is `reader-` and its name; the payer is the reader `payment`. Pages, scenarios and the operator
/// ask for readers whom they know by other means.
fn may_ask_as(from: &ReplyTo, reader: VerifierId) -> bool {
    let client = from.path.split('/').next().unwrap_or_default();
    match client.strip_prefix(READER_CLIENT) {
        Some(name) => name == reader.to_string(),
        None => client != RoleName::Payer.client_id() || reader.to_string() == PAYMENT_VERIFIER,
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
            verifier::Output::AskReply { to, reply } => reply_to(to, now, ReplyBody::Ask(reply)),
            verifier::Output::HolderReply { to, reply } => reply_to(to, now, ReplyBody::Holder(reply)),
            verifier::Output::Consent(asked) => Message::EidConsent(asked),
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
            BusInput::Message(Message::Request(Request { reply_to: from, body, .. })) => match body {
                RequestBody::Verify(asked) if !may_ask_as(&from, asked.verifier) => {
                    out.push(reply_to(
                        from,
                        now,
                        ReplyBody::Verify(Verdict::Refused(NOT_THIS_READER.into())),
                    ));
                    return;
                }
                RequestBody::Ask(asked) if !may_ask_as(&from, asked.verifier()) => {
                    out.push(reply_to(from, now, ReplyBody::Ask(AskReply::Refused(NOT_THIS_READER))));
                    return;
                }
                RequestBody::Verify(request) => verifier::Input::Verify { from, request },
                RequestBody::Ask(request) => verifier::Input::Ask { from, request },
                RequestBody::Holder(request) => verifier::Input::Holder { from, request },
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

    fn kept(&self) -> Vec<Kept> {
        vec![Kept { what: "used_codes", entries: self.core.seen_len(), max: verifier::SEEN_MAX }]
    }

    fn filters(&self) -> Vec<&'static str> {
        vec!["rpc/verifier/#", "eid/keys"]
    }
}

fn reply_to(to: ReplyTo, time: Timestamp, body: ReplyBody) -> Message {
    Message::Reply(Reply { to, time, body })
}

fn eid_event(ids: &mut MessageIds, time: Timestamp, event: EidEvent) -> Message {
    Message::Event(Event { id: ids.next(time), time, body: EventBody::Eid(event) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_does_not_ask_as_a_reader_that_it_is_not() {
        let may = |path: &str, reader: &str| {
            let from = ReplyTo { path: path.into(), correlation: Box::new([]) };
            may_ask_as(&from, reader.parse().unwrap())
        };
        for (path, reader) in [
            ("reader-bus", "museum"),
            ("reader-bus/museum", "museum"),
            ("reader-", "museum"),
            ("reader-bus", "payment"),
            ("svc-payer/eid", "hospital"),
        ] {
            assert!(!may(path, reader), "{path} {reader}");
        }
        for (path, reader) in [
            ("reader-bus/1", "bus"),
            ("svc-payer/eid", "payment"),
            ("svc-console/ask", "museum"),
            ("operator-7/ask", "kiosk"),
        ] {
            assert!(may(path, reader), "{path} {reader}");
        }
    }
}
