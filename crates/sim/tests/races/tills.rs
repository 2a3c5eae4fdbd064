//! Two tills that want bills of one resident paid at once.

use eid::{EnrolReply, EnrolRequest, IssueReply, IssueRequest, Profile};
use medpay::{PayEvent, PayRequest, SettleReply, SettleRequest, VisitReply, VisitRequest};
use scenario::{Observer, Order};
use types::{BillId, ProviderId, ReplyTo, ResidentId, Timestamp};
use uuid::Uuid;
use wire::{Event, EventBody, Message, Reply, ReplyBody, Request, RequestBody};

pub(crate) const PATIENT: ResidentId = ResidentId(1);

/// How a till has a bill paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Till {
    /// The clinic's: at once.
    Pays,
    /// One of a hospital's own system, which asks the payer itself: what is set aside it confirms.
    Holds,
}

/// Both tills, and what was heard of what they did.
#[derive(Debug)]
pub(crate) struct Tills {
    tills: [Till; 2],
    bills: [Option<BillId>; 2],
    codes: [Option<String>; 2],
    /// What is to be sent at the next moment.
    next: Vec<(u8, RequestBody)>,
    at: Timestamp,
    pays_at_once: bool,
    sent: u128,
    /// What the fund pays of each settled bill \[fen\].
    fund: Vec<i64>,
}

impl Tills {
    /// The patient is enrolled at this moment, and gets a code for each till.
    pub(crate) fn new(tills: [Till; 2], at: Timestamp, enrol: EnrolRequest) -> Self {
        let next = vec![(0, RequestBody::Enrol(enrol))];
        Self {
            tills,
            bills: [None; 2],
            codes: [None, None],
            next,
            at,
            pays_at_once: false,
            sent: 0,
            fund: Vec::new(),
        }
    }

    /// The patient is treated at two clinics at this moment; if `pays_at_once`, each till asks for payment as soon as
    /// there is a bill.
    pub(crate) fn treat_at(&mut self, at: Timestamp, pays_at_once: bool) {
        (self.at, self.pays_at_once) = (at, pays_at_once);
        let visit = |till: u8| VisitRequest::new(ProviderId(1 + u32::from(till)), PATIENT);
        self.next.extend([0, 1].map(|till| (till, RequestBody::Visit(visit(till)))));
    }

    /// Both tills ask for payment at this moment.
    pub(crate) fn pay_at(&mut self, at: Timestamp) {
        self.at = at;
        self.pay(0);
        self.pay(1);
    }

    fn pay(&mut self, till: u8) {
        let place = usize::from(till);
        let (bill, code) = (self.bills[place].unwrap(), self.codes[place].clone().unwrap());
        let request = SettleRequest::new(bill, code);
        let body = match self.tills[place] {
            Till::Pays => RequestBody::Till(request),
            Till::Holds => RequestBody::Settle(SettleRequest { hold: true, ..request }),
        };
        self.next.push((till, body));
    }

    /// How many bills were settled.
    pub(crate) fn settled(&self) -> usize {
        self.fund.len()
    }

    /// What the fund paid \[fen\].
    pub(crate) fn paid_by_fund(&self) -> i64 {
        self.fund.iter().sum()
    }

    fn answered(&mut self, till: u8, body: &ReplyBody) {
        let place = usize::from(till);
        match body {
            ReplyBody::Visit(VisitReply::Billed { bill, .. }) => {
                self.bills[place] = Some(*bill);
                if self.pays_at_once {
                    self.pay(till);
                }
            }
            ReplyBody::Enrol(EnrolReply::Enrolled(_)) => {
                let issue = IssueRequest { resident: PATIENT, profile: Profile::Name };
                self.next.extend([0, 1].map(|till| (till, RequestBody::Issue(issue))));
            }
            ReplyBody::Issue(IssueReply::Issued { code, .. }) => self.codes[place] = Some(code.0.clone()),
            ReplyBody::Settle(SettleReply::Held { settlement, .. }) => {
                let confirm = PayRequest::Confirm { settlement: *settlement, paid: true };
                self.next.push((till, RequestBody::Pay(confirm)));
            }
            _ => {}
        }
    }
}

impl Observer for Tills {
    fn observe(&mut self, _: Timestamp, message: &Message) {
        match message {
            Message::Reply(Reply { to, body, .. }) if &*to.path == "svc-scenario/till" => {
                self.answered(to.correlation[0], body);
            }
            Message::Event(Event { body: EventBody::Pay(PayEvent::BillSettled { split, .. }), .. }) => {
                self.fund.push(split.pool.get());
            }
            _ => {}
        }
    }

    fn wakes_at(&self) -> Option<Timestamp> {
        (!self.next.is_empty()).then_some(self.at)
    }

    fn wake(&mut self, now: Timestamp, orders: &mut Vec<Order>) {
        for (till, body) in std::mem::take(&mut self.next) {
            self.sent += 1;
            let correlation = [&[till][..], &self.sent.to_be_bytes()].concat().into();
            let reply_to = ReplyTo { path: "svc-scenario/till".into(), correlation };
            let request = Request { id: Uuid::from_u128(self.sent), time: now, reply_to, body };
            orders.push(Order::Send(Message::Request(request)));
        }
    }
}
