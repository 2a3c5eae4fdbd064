//! Watches the payer of every run: what must always hold of its books, and that a question asked again is answered alike.

use medpay::payer::{Broken, Invariant, Told};
use types::{Seed, Timestamp};
use wire::{BusInput, EventBody, Message, Reply, Request, Role};

/// Every so many requests, one is asked again as soon as it is answered.
const ASKED_AGAIN_EVERY: u64 = 16;
/// Inputs between two looks at everything, at least.
const INPUTS_MIN: usize = 64;

/// What is known of a payer from outside.
#[derive(Debug)]
pub(crate) struct BooksWatch {
    seed: Seed,
    told: Told,
    requests: u64,
    /// A request to be asked again once it is answered.
    asked: Option<Request>,
    /// Inputs since everything was looked at. It is looked at when they are as many as there is to look at: so a look
    /// costs little for each input, however many beneficiaries there are.
    unseen: usize,
}

impl BooksWatch {
    pub(crate) fn new(seed: Seed) -> Self {
        Self { seed, told: Told::default(), requests: 0, asked: None, unseen: 0 }
    }

    /// Before the payer gets an input.
    pub(crate) fn note(&mut self, input: &BusInput) {
        self.unseen += 1;
        if let BusInput::Message(Message::Request(request)) = input {
            if self.requests.is_multiple_of(ASKED_AGAIN_EVERY) {
                self.asked = Some(request.clone());
            }
            self.requests += 1;
        }
    }

    /// After the payer had an input or the time, with what it said to it.
    pub(crate) fn check(&mut self, now: Timestamp, role: &mut dyn Role, said: &[Message]) {
        for message in said {
            if let Message::Event(event) = message
                && let EventBody::Pay(event) = &event.body
            {
                self.told.hear(event);
            }
        }
        let answer =
            self.asked.as_ref().and_then(|asked| said.iter().find_map(|said| answer_to(asked, said)));
        if let Some(answer) = answer
            && let Some(asked) = self.asked.take()
        {
            self.hold(now, ask_again(now, role, asked, answer));
        }
        if self.unseen >= INPUTS_MIN.max(role.payer().map_or(0, medpay::Payer::audit_size)) {
            self.look(now, role);
        }
    }

    /// Looks at everything, if anything happened since.
    ///
    /// # Panics
    ///
    /// If something does not hold: it names the invariant, the city's seed and the moment.
    pub(crate) fn look(&mut self, now: Timestamp, role: &dyn Role) {
        if std::mem::take(&mut self.unseen) > 0
            && let Some(payer) = role.payer()
        {
            self.hold(now, payer.audit(&self.told));
        }
    }

    /// Has everything looked at, though nothing happened.
    pub(crate) fn doubt(&mut self) {
        self.unseen += 1;
    }

    fn hold(&self, now: Timestamp, found: Result<(), Broken>) {
        if let Err(broken) = found {
            panic!("payment: {broken} (city of seed {}, at {now})", self.seed.0);
        }
    }
}

fn answer_to<'a>(asked: &Request, said: &'a Message) -> Option<&'a Reply> {
    match said {
        Message::Reply(reply) if reply.to == asked.reply_to => Some(reply),
        _ => None,
    }
}

fn ask_again(now: Timestamp, role: &mut dyn Role, asked: Request, answer: &Reply) -> Result<(), Broken> {
    let size = |role: &dyn Role| role.payer().map(|payer| (payer.ledger().group_count(), payer.open_count()));
    let before = size(role);
    let what = format!("{:?} of {:?}", asked.body, asked.reply_to);
    let mut again = Vec::new();
    role.handle(now, BusInput::Message(Message::Request(asked)), &mut again);
    let alike =
        matches!(&again[..], [Message::Reply(reply)] if reply.to == answer.to && reply.body == answer.body);
    if alike && size(role) == before {
        return Ok(());
    }
    Err(Broken::new(
        Invariant::AnsweredAlike,
        format_args!("{what} was answered {:?}, and again {again:?}", answer.body),
    ))
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use city::CitySpec;
    use medpay::{PayReply, PayRequest};
    use scenario::{Cast, CastSpec};
    use types::{ReplyTo, ResidentId};
    use uuid::Uuid;
    use wire::{ReplyBody, RequestBody};

    use super::*;

    fn payer() -> Box<dyn Role> {
        let city = CitySpec { seed: Seed(7), luminaires: 5, residents: 5, clinics: 2 };
        let policy = toml::from_str(include_str!("../../../config/policies/demo.toml")).unwrap();
        Box::new(Cast::new(CastSpec::new(city, 2026, policy)).unwrap().payer().unwrap())
    }

    fn panics(work: impl FnOnce()) -> String {
        let panic = catch_unwind(AssertUnwindSafe(work)).expect_err("it must be noticed");
        *panic.downcast::<String>().unwrap()
    }

    #[test]
    fn a_settlement_that_was_told_and_never_booked_is_noticed_with_seed_and_moment() {
        let (now, payer) = (Timestamp::from_millis(5), payer());
        let mut watch = BooksWatch::new(Seed(7));
        watch.told.hear(&medpay::PayEvent::BillSettled {
            bill: types::BillId(Uuid::nil()),
            provider: types::ProviderId(1),
            settlement: Uuid::nil(),
            split: medpay::Split::default(),
        });
        watch.doubt();
        let said = panics(|| watch.look(now, payer.as_ref()));
        assert!(said.contains("invariant 12 (ToldIsDone) is broken"), "{said}");
        assert!(said.contains("city of seed 7, at 5 ms"), "{said}");
    }

    #[test]
    fn a_question_that_is_answered_otherwise_the_second_time_is_noticed() {
        let now = Timestamp::from_millis(5);
        let mut watch = BooksWatch::new(Seed(7));
        let asked = Request {
            id: Uuid::nil(),
            time: now,
            reply_to: ReplyTo { path: "svc-test".into(), correlation: [1].as_slice().into() },
            body: RequestBody::Pay(PayRequest::Freeze { beneficiary: ResidentId(1), frozen: true }),
        };
        let body = |frozen| {
            let to = asked.reply_to.clone();
            let reply = PayReply::Frozen { beneficiary: ResidentId(1), frozen };
            Message::Reply(Reply { to, time: now, body: ReplyBody::Pay(reply) })
        };
        let input = BusInput::Message(Message::Request(asked.clone()));
        watch.note(&input);
        watch.check(now, payer().as_mut(), &[body(true)]);
        assert_eq!(watch.asked, None, "the same answer is fine");
        watch.asked = Some(asked.clone());
        let said = panics(|| watch.check(now, payer().as_mut(), &[body(false)]));
        assert!(said.contains("invariant 10"), "{said}");
    }
}
