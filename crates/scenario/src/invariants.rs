use std::collections::BTreeMap;

use eid::{Shown, Verdict};
use medpay::{PayEvent, Split};
use types::{BillId, ReplyTo, Timestamp};
use uuid::Uuid;
use wire::{Event, EventBody, Message, Reply, ReplyBody};

use crate::judge::{Failure, Outcome, Standing};

/// What must hold on every bus, whatever a scenario does and expects.
///
/// Watches along with every [`Play`](crate::Play), and becomes an outcome only if it is broken. Keeps one entry per bill
/// paid and one per code accepted; a scenario has an end, and so have they.
#[derive(Debug, Default)]
pub(crate) struct Invariants {
    settled: BTreeMap<BillId, Uuid>,
    accepted: BTreeMap<String, ReplyTo>,
    broken: Vec<Broken>,
}

/// Breaches that are kept: the first are the telling ones.
const BROKEN_MAX: usize = 16;

#[derive(Debug)]
struct Broken {
    law: &'static str,
    failure: Failure,
}

const PAID_ONCE: &str = "invariant: a bill is paid once";
const ADDS_UP: &str = "invariant: the parts of a payment add up, and none is negative";
const ACCEPTED_ONCE: &str = "invariant: a code is accepted once";

impl Invariants {
    pub(crate) fn observe(&mut self, now: Timestamp, message: &Message) {
        match message {
            Message::Event(Event { body: EventBody::Pay(event), .. }) => self.paid(now, event),
            Message::Reply(Reply { to, body: ReplyBody::Verify(verdict), .. }) => {
                self.verified(now, to, verdict);
            }
            _ => {}
        }
    }

    /// The same settlement may be told twice: a network repeats, and a service that starts again does.
    fn paid(&mut self, now: Timestamp, event: &PayEvent) {
        match event {
            PayEvent::BillSettled { bill, settlement, split, .. } => {
                self.add_up(now, *bill, split);
                let before = *self.settled.entry(*bill).or_insert(*settlement);
                if before != *settlement {
                    let seen = format!("settlement {before}, and then {settlement}");
                    self.note(now, PAID_ONCE, bill.to_string(), "one settlement", seen);
                }
            }
            PayEvent::BillReversed { bill, replacement, .. } => {
                match replacement {
                    Some(replacement) => self.settled.insert(*bill, replacement.settlement),
                    None => self.settled.remove(bill),
                };
            }
            _ => {}
        }
    }

    fn add_up(&mut self, now: Timestamp, bill: BillId, split: &Split) {
        if !split.adds_up() {
            let expected = format!("parts of {} fen in all", split.total.get());
            self.note(now, ADDS_UP, bill.to_string(), expected, format!("{:?}", split.sources()));
        }
    }

    fn verified(&mut self, now: Timestamp, to: &ReplyTo, verdict: &Verdict) {
        let Verdict::Accepted { code_id, shown, .. } = verdict else { return };
        if *shown == Shown::Card {
            return;
        }
        let before = self.accepted.entry(code_id.clone()).or_insert_with(|| to.clone());
        if before != to {
            let seen = format!("accepted for {}, and then for {}", before.path, to.path);
            self.note(now, ACCEPTED_ONCE, format!("code {code_id}"), "one acceptance", seen);
        }
    }

    fn note(
        &mut self,
        at: Timestamp,
        law: &'static str,
        entity: String,
        expected: impl Into<String>,
        seen: String,
    ) {
        if self.broken.len() < BROKEN_MAX {
            let failure =
                Failure { at, entity: Some(entity), expected: expected.into(), seen, before: Vec::new() };
            self.broken.push(Broken { law, failure });
        }
    }

    /// One outcome for each that was broken.
    pub(crate) fn conclude(self) -> impl Iterator<Item = Outcome> {
        self.broken.into_iter().map(|Broken { law, failure }| Outcome {
            name: law.to_owned(),
            says: "holds in every city".to_owned(),
            standing: Standing::Failed,
            measured: String::new(),
            spread: None,
            failures: 1,
            failure: Some(failure),
        })
    }
}

#[cfg(test)]
mod tests {
    use types::Fen;

    use super::*;

    fn settled(bill: BillId, settlement: u128, cash: i64) -> Message {
        let split = Split { total: Fen::new(100), cash: Fen::new(cash), ..Split::default() };
        let provider = "h-0001".parse().unwrap();
        let event = PayEvent::BillSettled { bill, provider, settlement: Uuid::from_u128(settlement), split };
        said(EventBody::Pay(event))
    }

    fn said(body: EventBody) -> Message {
        Message::Event(Event { id: Uuid::from_u128(1), time: Timestamp::from_millis(0), body })
    }

    fn accepted(correlation: u8, shown: Shown) -> Message {
        let verdict = Verdict::Accepted {
            pseudonym: "p-00112233445566778899aabbccddeeff".parse().unwrap(),
            resident: None,
            disclosed: BTreeMap::new(),
            code_id: "00ff".to_owned(),
            issued: Timestamp::from_millis(0),
            reference: String::new(),
            shown,
            guardian: None,
            unconfirmed: false,
            freshness: eid::Freshness::default(),
        };
        let to = ReplyTo { path: "kiosk".into(), correlation: [correlation].into() };
        Message::Reply(Reply { to, time: Timestamp::from_millis(0), body: ReplyBody::Verify(verdict) })
    }

    fn broken(messages: &[Message]) -> Vec<String> {
        let mut invariants = Invariants::default();
        for message in messages {
            invariants.observe(Timestamp::from_millis(0), message);
        }
        invariants.conclude().map(|outcome| outcome.name).collect()
    }

    fn bill() -> BillId {
        BillId(Uuid::from_u128(7))
    }

    #[test]
    fn a_second_settlement_of_a_bill_is_a_breach() {
        let bill = bill();
        assert_eq!(broken(&[settled(bill, 1, 100), settled(bill, 2, 100)]), [PAID_ONCE]);
    }

    #[test]
    fn a_settlement_told_twice_is_none() {
        let bill = bill();
        assert_eq!(broken(&[settled(bill, 1, 100), settled(bill, 1, 100)]), Vec::<String>::new());
    }

    #[test]
    fn parts_that_do_not_add_up_are_a_breach() {
        assert_eq!(broken(&[settled(bill(), 1, 99)]), [ADDS_UP]);
    }

    #[test]
    fn a_code_that_two_questions_find_good_is_a_breach() {
        assert_eq!(broken(&[accepted(1, Shown::Code), accepted(2, Shown::Code)]), [ACCEPTED_ONCE]);
        assert_eq!(broken(&[accepted(1, Shown::Phone), accepted(2, Shown::Phone)]), [ACCEPTED_ONCE]);
    }

    #[test]
    fn an_answer_told_twice_and_a_card_shown_twice_are_none() {
        let none = Vec::<String>::new();
        assert_eq!(broken(&[accepted(1, Shown::Code), accepted(1, Shown::Code)]), none);
        assert_eq!(broken(&[accepted(1, Shown::Card), accepted(2, Shown::Card)]), none);
    }
}
