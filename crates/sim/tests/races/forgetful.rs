//! A payer that is wrong.

use std::collections::BTreeMap;

use eid::{Demand, QrText, Verdict, VerifyRequest};
use medpay::{
    Bill, PayEvent, PayReply, PayRequest, Policy, PresettleReply, SettleReply, SettleRequest, Split,
    Standing, TraceStep, adjudicate,
};
use types::{BillId, Core, Fen, ReplyTo, Seed, Timestamp};
use uuid::Uuid;
use wire::{
    BusInput, Event, EventBody, Message, MessageIds, Reply, ReplyBody, Request, RequestBody, Role, RoleName,
};

/// Pays as the city's payer does, but sets nothing aside: what is left of the cap it reads when it is asked for payment,
/// and takes when the bill is settled – after the verifier has answered, or the till has confirmed.
#[derive(Debug)]
pub(crate) struct Forgetful {
    policy: Policy,
    ids: MessageIds,
    used: Fen,
    bills: BTreeMap<BillId, Bill>,
    asked: BTreeMap<BillId, (ReplyTo, SettleRequest, Split)>,
}

impl Forgetful {
    pub(crate) fn new(policy: Policy) -> Self {
        let ids = MessageIds::new(Seed(1).stream("forgetful", 0));
        Self { policy, ids, used: Fen::ZERO, bills: BTreeMap::new(), asked: BTreeMap::new() }
    }

    fn split(&self, bill: &Bill) -> (Split, Vec<TraceStep>) {
        let standing = Standing { fund_used: self.used, ..Standing::default() };
        adjudicate(&self.policy, bill, standing).unwrap()
    }

    fn request(&mut self, now: Timestamp, request: Request) -> Vec<Message> {
        let reply_to = request.reply_to;
        match request.body {
            RequestBody::Presettle(asked) => {
                let (id, (split, trace)) = (asked.bill.id, self.split(&asked.bill));
                self.bills.insert(id, asked.bill);
                let expires = now.plus_millis(60_000);
                let body =
                    PresettleReply::Presettled { bill: id, presettlement: id.0, split, trace, expires };
                vec![reply(now, reply_to, ReplyBody::Presettle(body))]
            }
            RequestBody::Settle(asked) => vec![self.ask_verifier(now, reply_to, asked)],
            RequestBody::Pay(PayRequest::Confirm { settlement, paid }) => {
                let body = ReplyBody::Pay(PayReply::Confirmed { settlement, paid });
                vec![self.take(now, BillId(settlement)), reply(now, reply_to, body)]
            }
            _ => Vec::new(),
        }
    }

    fn ask_verifier(&mut self, now: Timestamp, from: ReplyTo, asked: SettleRequest) -> Message {
        let bill = asked.bill;
        let body = RequestBody::Verify(VerifyRequest {
            code: QrText(asked.code.clone()),
            verifier: "payment".parse().unwrap(),
            reference: bill.to_string(),
            demand: Demand::default(),
        });
        let split = self.split(&self.bills[&bill]).0;
        self.asked.insert(bill, (from, asked, split));
        let reply_to = ReplyTo { path: "svc-payer/answer".into(), correlation: bill.0.as_bytes()[..].into() };
        Message::Request(Request { id: self.ids.next(now), time: now, reply_to, body })
    }

    fn verified(&mut self, now: Timestamp, answer: &Reply) -> Vec<Message> {
        let ReplyBody::Verify(Verdict::Accepted { .. }) = answer.body else { return Vec::new() };
        let bill = BillId(Uuid::from_slice(&answer.to.correlation).unwrap());
        let (from, asked, split) = self.asked[&bill].clone();
        let settlement = bill.0;
        if asked.hold {
            let until = now.plus_millis(60_000);
            let held = SettleReply::Held { bill, settlement, split, until };
            return vec![reply(now, from, ReplyBody::Settle(held))];
        }
        let settled = SettleReply::Settled { bill, settlement, split };
        vec![self.take(now, bill), reply(now, from, ReplyBody::Settle(settled))]
    }

    /// Takes what it read long ago.
    fn take(&mut self, now: Timestamp, bill: BillId) -> Message {
        let split = self.asked[&bill].2;
        self.used = self.used.plus(split.pool).unwrap();
        let provider = self.bills[&bill].provider;
        let settled = PayEvent::BillSettled { bill, provider, settlement: bill.0, split };
        Message::Event(Event { id: self.ids.next(now), time: now, body: EventBody::Pay(settled) })
    }
}

fn reply(time: Timestamp, to: ReplyTo, body: ReplyBody) -> Message {
    Message::Reply(Reply { to, time, body })
}

impl Core for Forgetful {
    type Input = BusInput;
    type Output = Message;

    fn handle(&mut self, now: Timestamp, input: BusInput, out: &mut Vec<Message>) {
        out.extend(match input {
            BusInput::Message(Message::Request(request)) => self.request(now, request),
            BusInput::Message(Message::Reply(answer)) => self.verified(now, &answer),
            _ => Vec::new(),
        });
    }

    fn handle_timeout(&mut self, _: Timestamp, _: &mut Vec<Message>) {}

    fn next_timeout(&self) -> Option<Timestamp> {
        None
    }
}

impl Role for Forgetful {
    fn name(&self) -> RoleName {
        RoleName::Payer
    }

    fn filters(&self) -> Vec<&'static str> {
        vec!["rpc/payer/#"]
    }
}
