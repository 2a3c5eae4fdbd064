use types::{Fen, ResidentId, Seed};

use super::*;

const H: ProviderId = ProviderId(1);
const P: ResidentId = ResidentId(7);

struct Desk {
    clinic: Clinic,
    now: Timestamp,
}

fn desk() -> Desk {
    let provider = ProviderConfig { id: H, level: 2 };
    let clinic = Clinic::new([provider], Seed(1).stream("clinic", 0));
    Desk { clinic, now: Timestamp::from_millis(1_000_000) }
}

fn request(name: &str) -> ReplyTo {
    ReplyTo { path: "phone".into(), correlation: name.as_bytes().into() }
}

/// All in cash.
fn cash(bill: &Bill) -> Split {
    Split { total: bill.total, cash: bill.total, ..Split::default() }
}

fn settled(bill: &Bill) -> SettleReply {
    SettleReply::Settled { bill: bill.id, settlement: Uuid::from_u128(5), split: cash(bill) }
}

impl Desk {
    fn handle(&mut self, input: Input) -> Vec<Output> {
        let mut out = vec![];
        self.clinic.handle(self.now, input, &mut out);
        assert_eq!(self.clinic.timers.len(), self.clinic.open.len());
        out
    }

    fn wait(&mut self, millis: i64) -> Vec<Output> {
        self.now = self.now.plus_millis(millis);
        let mut out = vec![];
        self.clinic.handle_timeout(self.now, &mut out);
        assert_eq!(self.clinic.timers.len(), self.clinic.open.len());
        out
    }

    fn visit(&mut self, name: &str) -> Vec<Output> {
        let visit = VisitRequest::new(H, P);
        self.handle(Input::Visit { from: request(name), request: visit })
    }

    /// A visit whose bill the payer is now asked about.
    fn bill(&mut self, name: &str) -> Bill {
        match self.visit(name).pop() {
            Some(Output::Presettle(asked)) => asked.bill,
            other => panic!("{other:?}"),
        }
    }

    fn presettled(&mut self, bill: &Bill, split: Split) -> Vec<Output> {
        let expires = self.now.plus_millis(900_000);
        let reply = PresettleReply::Presettled {
            bill: bill.id,
            presettlement: Uuid::nil(),
            split,
            trace: vec![],
            expires,
        };
        self.handle(Input::PresettleReply { bill: bill.id, reply })
    }

    /// A bill that can be paid.
    fn payable(&mut self, name: &str) -> Bill {
        let bill = self.bill(name);
        let outputs = self.presettled(&bill, cash(&bill));
        assert!(matches!(outputs[..], [Output::VisitReply { reply: VisitReply::Billed { .. }, .. }]));
        bill
    }

    fn till(&mut self, name: &str, bill: &Bill) -> Vec<Output> {
        self.handle(Input::Till { from: request(name), request: pay(bill) })
    }

    fn settle_reply(&mut self, bill: &Bill, reply: SettleReply) -> Vec<Output> {
        self.handle(Input::SettleReply { bill: bill.id, reply })
    }

    fn refused(&mut self, bill: &Bill, refusal: PayRefusal) -> Vec<Output> {
        self.settle_reply(bill, SettleReply::Refused { bill: bill.id, refusal })
    }
}

fn pay(bill: &Bill) -> SettleRequest {
    SettleRequest::new(bill.id, "HC1:CODE".into())
}

fn visit_refused(name: &str, refusal: PayRefusal) -> Output {
    Output::VisitReply { to: request(name), reply: VisitReply::Refused(refusal) }
}

fn till_refused(name: &str, bill: &Bill, refusal: PayRefusal) -> Output {
    Output::TillReply { to: request(name), reply: TillReply::Refused { bill: bill.id, refusal } }
}

fn till_settled(name: &str, bill: &Bill) -> Output {
    Output::TillReply { to: request(name), reply: settled(bill) }
}

#[test]
fn a_visit_at_a_provider_nobody_knows_is_refused() {
    let visit = VisitRequest::new(ProviderId(9), P);
    let outputs = desk().handle(Input::Visit { from: request("v1"), request: visit });
    assert_eq!(outputs, [visit_refused("v1", PayRefusal::CoverageInactive)]);
}

#[test]
fn a_visit_too_many_is_refused() {
    let mut desk = desk();
    for number in 0..OPEN_MAX {
        desk.visit(&number.to_string());
    }
    assert_eq!(desk.visit("late"), [visit_refused("late", PayRefusal::Busy)]);
}

#[test]
fn a_silent_payer_is_asked_twice_and_then_unavailable() {
    let mut desk = desk();
    let bill = desk.bill("v1");
    assert_eq!(desk.wait(PAYER_TIMEOUT_MS - 1), []);
    assert_eq!(desk.wait(1), [Output::Presettle(bill.clone().into())]);
    let unavailable = Output::VisitReply { to: request("v1"), reply: VisitReply::PayerUnavailable };
    assert_eq!(desk.wait(PAYER_TIMEOUT_MS), std::slice::from_ref(&unavailable));
    assert_eq!((desk.clinic.open_count(), desk.clinic.next_timeout()), (0, None));
    // Too late.
    assert_eq!(desk.presettled(&bill, cash(&bill)), []);
    assert_eq!(desk.visit("v1"), [unavailable]);
}

#[test]
fn a_bill_the_payer_refuses_is_dropped() {
    let mut desk = desk();
    let bill = desk.bill("v1");
    let reply = PresettleReply::Refused(PayRefusal::CoverageInactive);
    let outputs = desk.handle(Input::PresettleReply { bill: bill.id, reply });
    assert_eq!(outputs, [visit_refused("v1", PayRefusal::CoverageInactive)]);
    assert_eq!(desk.clinic.open_count(), 0);
}

#[test]
fn a_split_that_is_not_of_this_bill_is_ignored() {
    let mut desk = desk();
    let bill = desk.bill("v1");
    let minus = Fen::new(-1);
    let more = bill.total.plus(Fen::new(1)).unwrap();
    let wrong = [
        Split { total: more, ..cash(&bill) },
        Split { pool: Fen::new(1), ..cash(&bill) },
        Split { pool: minus, cash: more, ..cash(&bill) },
        Split { pool: Fen::new(i64::MAX), account: Fen::new(i64::MAX), ..cash(&bill) },
    ];
    for split in wrong {
        assert_eq!(desk.presettled(&bill, split), []);
    }
    assert_eq!(desk.presettled(&bill, cash(&bill)).len(), 1);
}

#[test]
fn a_visit_delivered_twice_makes_one_bill() {
    let mut desk = desk();
    let bill = desk.bill("v1");
    assert_eq!(desk.visit("v1"), []);
    let answer = desk.presettled(&bill, cash(&bill));
    assert_eq!(desk.visit("v1"), answer);
    assert_eq!(desk.clinic.open_count(), 1);
}

#[test]
fn the_till_takes_no_code_for_a_bill_that_is_not_presettled() {
    let mut desk = desk();
    let bill = desk.bill("v1");
    assert_eq!(desk.till("t1", &bill), [till_refused("t1", &bill, PayRefusal::BillUnknown)]);
    let foreign = Bill { id: BillId(Uuid::nil()), ..bill };
    assert_eq!(desk.till("t2", &foreign), [till_refused("t2", &foreign, PayRefusal::BillUnknown)]);
}

#[test]
fn a_second_till_is_refused_while_the_first_waits_and_once_the_bill_is_paid() {
    let mut desk = desk();
    let bill = desk.payable("v1");
    assert_eq!(desk.till("t1", &bill), [Output::Settle(pay(&bill))]);
    assert_eq!(desk.till("t2", &bill), [till_refused("t2", &bill, PayRefusal::SettlementInProgress)]);
    assert_eq!(desk.settle_reply(&bill, settled(&bill)), [till_settled("t1", &bill)]);
    let settlement = Uuid::from_u128(5);
    assert_eq!(
        desk.till("t3", &bill),
        [till_refused("t3", &bill, PayRefusal::BillAlreadySettled { settlement })]
    );
}

#[test]
fn a_payment_or_its_answer_delivered_twice_is_booked_once() {
    let mut desk = desk();
    let bill = desk.payable("v1");
    desk.till("t1", &bill);
    assert_eq!(desk.till("t1", &bill), []);
    desk.settle_reply(&bill, settled(&bill));
    assert_eq!(desk.settle_reply(&bill, settled(&bill)), []);
    assert_eq!(desk.till("t1", &bill), [till_settled("t1", &bill)]);
    let books = *desk.clinic.books(H).unwrap();
    assert_eq!(books, Books { bills: 1, cash: bill.total, ..Books::default() });
    assert_eq!(desk.clinic.settlement(bill.id), Some(Uuid::from_u128(5)));
    assert_eq!(desk.clinic.next_timeout(), None);
}

#[test]
fn a_refused_code_leaves_the_bill_to_be_paid_with_another() {
    let mut desk = desk();
    let bill = desk.payable("v1");
    desk.till("t1", &bill);
    let refusal = PayRefusal::PayerNotAuthorized;
    assert_eq!(desk.refused(&bill, refusal.clone()), [till_refused("t1", &bill, refusal)]);
    assert_eq!(desk.clinic.books(H), Some(&Books::default()));
    assert_eq!(desk.till("t2", &bill), [Output::Settle(pay(&bill))]);
}

#[test]
fn a_stale_expired_or_forgotten_presettlement_is_made_again() {
    for refusal in [
        PayRefusal::PresettlementStale { fresh: None },
        PayRefusal::PresettlementExpired,
        PayRefusal::BillUnknown,
    ] {
        let mut desk = desk();
        let bill = desk.payable("v1");
        desk.till("t1", &bill);
        let again = Output::Presettle(bill.clone().into());
        let outputs = desk.refused(&bill, refusal.clone());
        assert_eq!(outputs, [till_refused("t1", &bill, refusal), again]);
        assert_eq!(desk.till("t2", &bill), [till_refused("t2", &bill, PayRefusal::BillUnknown)]);
        // Nobody waits for this one.
        assert_eq!(desk.presettled(&bill, cash(&bill)), []);
        assert_eq!(desk.till("t3", &bill), [Output::Settle(pay(&bill))]);
    }
}

#[test]
fn a_bill_that_could_not_be_presettled_again_is_tried_at_the_next_payment() {
    let mut desk = desk();
    let bill = desk.payable("v1");
    desk.till("t1", &bill);
    desk.refused(&bill, PayRefusal::PresettlementStale { fresh: None });
    desk.wait(PAYER_TIMEOUT_MS);
    assert_eq!(desk.wait(PAYER_TIMEOUT_MS), []);
    let again = Output::Presettle(bill.clone().into());
    assert_eq!(desk.till("t2", &bill), [till_refused("t2", &bill, PayRefusal::BillUnknown), again]);
}

#[test]
fn a_payment_the_payer_never_answers_is_sent_twice_and_then_left_open() {
    let mut desk = desk();
    let bill = desk.payable("v1");
    desk.till("t1", &bill);
    assert_eq!(desk.wait(PAYER_TIMEOUT_MS), [Output::Settle(pay(&bill))]);
    // Nobody knows whether it is paid, so nothing is said.
    assert_eq!(desk.wait(PAYER_TIMEOUT_MS), []);
    assert_eq!(desk.till("t2", &bill), [Output::Settle(pay(&bill))]);
}

#[test]
fn a_payment_whose_answer_was_lost_is_booked_when_the_payer_says_it_was_paid() {
    let mut desk = desk();
    let bill = desk.payable("v1");
    desk.till("t1", &bill);
    desk.wait(PAYER_TIMEOUT_MS);
    let paid = PayRefusal::BillAlreadySettled { settlement: Uuid::from_u128(5) };
    assert_eq!(desk.refused(&bill, paid), [till_settled("t1", &bill)]);
    assert_eq!(desk.clinic.books(H).unwrap().cash, bill.total);
}

#[test]
fn a_bill_that_was_paid_nobody_knows_how_is_booked_as_such() {
    let mut desk = desk();
    let bill = desk.payable("v1");
    desk.till("t1", &bill);
    desk.refused(&bill, PayRefusal::PresettlementExpired);
    let reply = PresettleReply::Refused(PayRefusal::BillAlreadySettled { settlement: Uuid::from_u128(5) });
    desk.handle(Input::PresettleReply { bill: bill.id, reply });
    let books = *desk.clinic.books(H).unwrap();
    assert_eq!(books, Books { bills: 1, unsplit: bill.total, ..Books::default() });
    assert_eq!(books.total(), bill.total);
    assert_eq!((desk.clinic.open_count(), desk.clinic.next_timeout()), (0, None));
}

#[test]
fn an_unpaid_bill_is_forgotten_after_a_day() {
    let mut desk = desk();
    let bill = desk.payable("v1");
    assert_eq!(desk.wait(UNPAID_KEPT_MS), []);
    assert_eq!((desk.clinic.open_count(), desk.clinic.next_timeout()), (0, None));
    assert_eq!(desk.till("t1", &bill), [till_refused("t1", &bill, PayRefusal::BillUnknown)]);
}

#[test]
fn a_clinic_does_not_show_the_codes_it_holds() {
    let mut desk = desk();
    let bill = desk.payable("v1");
    desk.till("t1", &bill);
    assert!(!format!("{:?}", desk.clinic).contains("HC1"));
}

/// A payment the payer was silent about.
fn unknown(desk: &mut Desk) -> Bill {
    let bill = desk.payable("v1");
    desk.till("t1", &bill);
    desk.wait(PAYER_TIMEOUT_MS);
    desk.wait(PAYER_TIMEOUT_MS);
    bill
}

#[test]
fn what_became_of_a_payment_is_asked_until_the_payer_answers() {
    let mut desk = desk();
    let bill = unknown(&mut desk);
    for _ in 0..3 {
        assert_eq!(desk.wait(RESOLVE_EVERY_MS - 1), []);
        assert_eq!(desk.wait(1), [Output::Settle(pay(&bill))]);
    }
    let paid = PayRefusal::BillAlreadySettled { settlement: Uuid::from_u128(5) };
    assert_eq!(desk.refused(&bill, paid), [till_settled("t1", &bill)]);
    assert_eq!(desk.clinic.books(H).unwrap().cash, bill.total);
    assert_eq!(desk.clinic.next_timeout(), None);
}

#[test]
fn a_payment_that_turns_out_not_to_be_made_can_be_made() {
    let mut desk = desk();
    let bill = unknown(&mut desk);
    desk.wait(RESOLVE_EVERY_MS);
    let refusal = PayRefusal::EidTokenExpired;
    assert_eq!(desk.refused(&bill, refusal.clone()), [till_refused("t1", &bill, refusal)]);
    assert_eq!(desk.till("t2", &bill), [Output::Settle(pay(&bill))]);
}

#[test]
fn a_payer_that_never_answers_is_not_asked_for_ever() {
    let mut desk = desk();
    let bill = unknown(&mut desk);
    for _ in 0..RESOLVE_MAX {
        assert_eq!(desk.wait(RESOLVE_EVERY_MS).len(), 1);
    }
    assert_eq!(desk.wait(RESOLVE_EVERY_MS), []);
    assert_eq!(desk.wait(UNPAID_KEPT_MS), []);
    assert_eq!(desk.till("t2", &bill), [till_refused("t2", &bill, PayRefusal::BillUnknown)]);
}
