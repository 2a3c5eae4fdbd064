use std::collections::BTreeMap;

use eid::{Demand, QrText, Verdict, VerifyRequest};
use medpay::payer::{self, Payer};
use medpay::provider::{self, Clinic, Reversed};
use medpay::{IdentityAnswer, IdentityCheck, IdentityResult, PayEvent};
use types::{BillId, Core, ReplyTo, Timestamp};
use uuid::Uuid;

use crate::{
    BusInput, Event, EventBody, Message, MessageIds, Reply, ReplyBody, Request, RequestBody, Role, RoleName,
};

/// Under which name the payer asks the verifier.
pub(super) const PAYMENT_VERIFIER: &str = "payment";
/// Questions of the clinic whose answers are still waited for. Beyond it the oldest is forgotten: its bill is resent.
const ASKED_MAX: usize = 20_000;

/// The payer on the bus.
#[derive(Debug)]
pub struct PayerRole {
    core: Payer,
    ids: MessageIds,
}

impl PayerRole {
    /// Puts `core` on the bus.
    pub fn new(core: Payer, ids: MessageIds) -> Self {
        Self { core, ids }
    }

    /// The core, to look at.
    pub fn core(&self) -> &Payer {
        &self.core
    }

    fn publish(&mut self, now: Timestamp, outputs: Vec<payer::Output>, out: &mut Vec<Message>) {
        out.extend(outputs.into_iter().map(|output| match output {
            payer::Output::PresettleReply { to, reply } => {
                Message::Reply(Reply { to, time: now, body: ReplyBody::Presettle(reply) })
            }
            payer::Output::SettleReply { to, reply } => {
                Message::Reply(Reply { to, time: now, body: ReplyBody::Settle(reply) })
            }
            payer::Output::DeskReply { to, reply } => {
                Message::Reply(Reply { to, time: now, body: ReplyBody::Pay(reply) })
            }
            payer::Output::CheckIdentity(check) => self.ask_verifier(now, check),
            payer::Output::Event(event) => pay_event(&mut self.ids, now, event),
        }));
    }

    fn ask_verifier(&mut self, now: Timestamp, check: IdentityCheck) -> Message {
        let correlation = [&check.bill.0.as_bytes()[..], &check.attempt.to_be_bytes()].concat();
        let body = VerifyRequest {
            code: QrText(check.code),
            verifier: PAYMENT_VERIFIER.parse().expect("a slug"),
            reference: check.reference,
            demand: Demand::default(),
        };
        ask(&mut self.ids, now, RoleName::Payer, correlation.into(), RequestBody::Verify(body))
    }
}

/// What the verifier's answer means to the payer; `None` if it answers nothing the payer asked.
fn identity_answer(reply: Reply) -> Option<IdentityAnswer> {
    let (bill, attempt) = reply.to.correlation.split_at_checked(16)?;
    let bill = BillId(Uuid::from_slice(bill).ok()?);
    let attempt = u32::from_be_bytes(attempt.try_into().ok()?);
    let ReplyBody::Verify(verdict) = reply.body else { return None };
    let result = match verdict {
        Verdict::Accepted { resident: Some(resident), code_id, issued, reference, .. } => {
            IdentityResult::Accepted { resident, code_id, issued, reference }
        }
        // Somebody took `identifies` from the reader that a payer is: nobody can be matched to a bill.
        Verdict::Accepted { resident: None, .. } => {
            IdentityResult::Refused { reason: "holder_not_identified".to_owned() }
        }
        Verdict::Refused(refusal) => {
            IdentityResult::Refused { reason: snake(&format!("{:?}", refusal.reason)) }
        }
    };
    Some(IdentityAnswer { bill, attempt, result })
}

/// `TokenReplayed` → `token_replayed`: the name of a reason as it is written everywhere else.
fn snake(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

impl Core for PayerRole {
    type Input = BusInput;
    type Output = Message;

    fn handle(&mut self, now: Timestamp, bus: BusInput, out: &mut Vec<Message>) {
        let input = match bus {
            BusInput::Message(Message::Request(request)) => match request.body {
                RequestBody::Presettle(body) => {
                    payer::Input::Presettle { from: request.reply_to, request: body }
                }
                RequestBody::Settle(body) => payer::Input::Settle { from: request.reply_to, request: body },
                RequestBody::Pay(body) => payer::Input::Desk { from: request.reply_to, request: body },
                _ => return,
            },
            BusInput::Message(Message::Reply(reply)) => {
                let Some(answer) = identity_answer(reply) else { return };
                payer::Input::Identity(answer)
            }
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

impl Role for PayerRole {
    fn name(&self) -> RoleName {
        RoleName::Payer
    }

    fn payer(&self) -> Option<&Payer> {
        Some(&self.core)
    }

    fn filters(&self) -> Vec<&'static str> {
        vec!["rpc/payer/#"]
    }
}

/// The providers on the bus.
#[derive(Debug)]
pub struct ClinicRole {
    core: Clinic,
    ids: MessageIds,
    /// The newest question about each bill: answers to older ones are dropped, as the clinic asks.
    asked: BTreeMap<Uuid, BillId>,
    newest: BTreeMap<BillId, Uuid>,
}

impl ClinicRole {
    /// Puts `core` on the bus.
    pub fn new(core: Clinic, ids: MessageIds) -> Self {
        Self { core, ids, asked: BTreeMap::new(), newest: BTreeMap::new() }
    }

    /// The core, to look at.
    pub fn core(&self) -> &Clinic {
        &self.core
    }

    fn publish(&mut self, now: Timestamp, outputs: Vec<provider::Output>, out: &mut Vec<Message>) {
        for output in outputs {
            out.push(match output {
                provider::Output::Presettle(request) => {
                    self.ask_payer(now, request.bill.id, RequestBody::Presettle(request))
                }
                provider::Output::Settle(request) => {
                    self.ask_payer(now, request.bill, RequestBody::Settle(request))
                }
                provider::Output::Stay { stay, question, request } => {
                    let correlation = [&stay.0.as_bytes()[..], &[question]].concat();
                    let body = RequestBody::Pay(request);
                    ask(&mut self.ids, now, RoleName::Clinic, correlation.into(), body)
                }
                provider::Output::VisitReply { to, reply } => {
                    Message::Reply(Reply { to, time: now, body: ReplyBody::Visit(reply) })
                }
                provider::Output::TillReply { to, reply } => {
                    Message::Reply(Reply { to, time: now, body: ReplyBody::Till(reply) })
                }
                provider::Output::BooksReply { to, reply } => {
                    Message::Reply(Reply { to, time: now, body: ReplyBody::Books(reply) })
                }
                provider::Output::Event(event) => pay_event(&mut self.ids, now, event),
            });
        }
    }

    fn ask_payer(&mut self, now: Timestamp, bill: BillId, body: RequestBody) -> Message {
        let question = self.ids.next(now);
        if let Some(older) = self.newest.insert(bill, question) {
            self.asked.remove(&older);
        }
        self.asked.insert(question, bill);
        if self.asked.len() > ASKED_MAX
            && let Some((_, bill)) = self.asked.pop_first()
        {
            self.newest.remove(&bill);
        }
        ask(&mut self.ids, now, RoleName::Clinic, question.as_bytes()[..].into(), body)
    }

    /// The clinic's input for an answer of the payer, if it answers the newest question about its bill.
    fn answer(&mut self, reply: Reply) -> Option<provider::Input> {
        // A question about a stay is the same each time it is sent, so that it is done once.
        if let (Some((&question, stay)), ReplyBody::Pay(body)) =
            (reply.to.correlation.split_last(), &reply.body)
        {
            let stay = BillId(Uuid::from_slice(stay).ok()?);
            return Some(provider::Input::StayReply { stay, question, reply: body.clone() });
        }
        let bill = self.asked.remove(&Uuid::from_slice(&reply.to.correlation).ok()?)?;
        self.newest.remove(&bill);
        match reply.body {
            ReplyBody::Presettle(reply) => Some(provider::Input::PresettleReply { bill, reply }),
            ReplyBody::Settle(reply) => Some(provider::Input::SettleReply { bill, reply }),
            _ => None,
        }
    }
}

impl Core for ClinicRole {
    type Input = BusInput;
    type Output = Message;

    fn handle(&mut self, now: Timestamp, bus: BusInput, out: &mut Vec<Message>) {
        let input = match bus {
            BusInput::Message(Message::Request(request)) => match request.body {
                RequestBody::Visit(body) => provider::Input::Visit { from: request.reply_to, request: body },
                RequestBody::Till(body) => provider::Input::Till { from: request.reply_to, request: body },
                RequestBody::Books(body) => provider::Input::Books { from: request.reply_to, request: body },
                _ => return,
            },
            BusInput::Message(Message::Reply(reply)) => {
                let Some(input) = self.answer(reply) else { return };
                input
            }
            BusInput::Message(Message::Event(Event { body: EventBody::Pay(event), .. })) => {
                let Some(reversed) = taken_back(event) else { return };
                provider::Input::Reversed(reversed)
            }
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

impl Role for ClinicRole {
    fn name(&self) -> RoleName {
        RoleName::Clinic
    }

    fn filters(&self) -> Vec<&'static str> {
        vec!["rpc/clinic/#", "evt/medpay/bill/+/reversed"]
    }
}

fn taken_back(event: PayEvent) -> Option<Reversed> {
    match event {
        PayEvent::BillReversed { bill, provider, settlement, split, replacement, .. } => {
            Some(Reversed { bill, provider, settlement, split, replacement })
        }
        _ => None,
    }
}

fn ask(
    ids: &mut MessageIds,
    time: Timestamp,
    asker: RoleName,
    correlation: Box<[u8]>,
    body: RequestBody,
) -> Message {
    let reply_to = ReplyTo { path: format!("{}/answer", asker.client_id()).into(), correlation };
    Message::Request(Request { id: ids.next(time), time, reply_to, body })
}

fn pay_event(ids: &mut MessageIds, time: Timestamp, event: PayEvent) -> Message {
    Message::Event(Event { id: ids.next(time), time, body: EventBody::Pay(event) })
}
