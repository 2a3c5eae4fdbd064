//! Reversals, refunds, holds, consents, limits and the close of a day. Refusals first, by their codes.

use types::{BillId, ProviderId, Seed};

use super::*;
use crate::ledger::Unit;
use crate::messages::{
    BillLine, BillState, CashChannel, Category, IdentityAnswer, PresettleReply, PresettleRequest,
    SettleReply, SettleRequest, Split, UnpaidBill,
};
use crate::payer::{Beneficiary, HOLD_MS, Input, Told};
use crate::policy::{Insured, Limits, Policies, demo, demo_book};
use types::Core;

const P: ResidentId = ResidentId(1);
const AUNT: ResidentId = ResidentId(2);
const H: ProviderId = ProviderId(1);

struct Desk {
    payer: Payer,
    now: Timestamp,
    asked: u32,
    /// All that was told to everyone.
    told: Vec<PayEvent>,
    heard: Told,
}

fn desk_with(policies: Policies, people: impl IntoIterator<Item = Beneficiary>) -> Desk {
    let people: Vec<Beneficiary> = people.into_iter().collect();
    let payer = Payer::new(policies, Fen::new(100_000_000), people, Seed(1).stream("settlement", 0)).unwrap();
    Desk {
        payer,
        now: Timestamp::from_local(20_561, 3_600_000),
        asked: 0,
        told: vec![],
        heard: Told::default(),
    }
}

/// With 500.00 yuan on the account of each of two beneficiaries.
fn desk() -> Desk {
    desk_with(demo().into(), [P, AUNT].map(|resident| (resident, Fen::new(50_000)).into()))
}

fn line(category: Category, price: i64, quantity: u32, preself_bp: u16) -> BillLine {
    let item = "x".into();
    BillLine {
        item,
        category,
        unit_price: Fen::new(price),
        quantity_milli: quantity * 1_000,
        price_limit: None,
        preself_bp,
    }
}

/// Worked vector 1.
fn bill(number: u128) -> Bill {
    let lines = vec![
        line(Category::A, 1_280, 10, 0),
        line(Category::B, 8_850, 8, 1_000),
        line(Category::C, 3_600, 1, 0),
    ];
    Bill {
        id: BillId(Uuid::from_u128(number)),
        provider: H,
        level: 2,
        beneficiary: P,
        lines,
        total: Fen::new(87_200),
        care: Care::Outpatient,
        date: None,
    }
}

fn simple(number: u128, fen: i64) -> Bill {
    Bill { lines: vec![line(Category::A, fen, 1, 0)], total: Fen::new(fen), ..bill(number) }
}

impl Desk {
    fn request(&mut self) -> ReplyTo {
        self.asked += 1;
        ReplyTo { path: "svc-clinic".into(), correlation: self.asked.to_be_bytes().as_slice().into() }
    }

    fn handle(&mut self, input: Input) -> Vec<Output> {
        let mut out = vec![];
        self.payer.handle(self.now, input, &mut out);
        self.listen(&out);
        out
    }

    /// After each step everything holds that can be seen.
    fn listen(&mut self, outputs: &[Output]) {
        for output in outputs {
            let Output::Event(event) = output else { continue };
            self.heard.hear(event);
            self.told.push(event.clone());
        }
        self.payer.audit(&self.heard).unwrap();
    }

    /// Invariant 10: what is sent again is answered in the same words, and nothing changes.
    fn i10_sent_again(&mut self, input: Input, answer: &Output) {
        let state = |desk: &Self| {
            let ledger = desk.payer.ledger();
            let balances: Vec<_> =
                ledger.balances().map(|(account, fen)| (account, fen, ledger.available(account))).collect();
            (balances, ledger.group_count(), desk.payer.open_count(), desk.payer.next_timeout())
        };
        let before = state(self);
        assert_eq!(&self.handle(input)[..], std::slice::from_ref(answer));
        assert_eq!(state(self), before);
    }

    /// The answer to a request that is answered at once.
    fn answer(&mut self, input: Input) -> Output {
        let answer = self.handle(input.clone()).pop().expect("an answer comes last");
        self.i10_sent_again(input, &answer);
        answer
    }

    fn desk(&mut self, request: PayRequest) -> Result<PayReply, PayRefusal> {
        let from = self.request();
        match self.answer(Input::Desk { from, request }) {
            Output::DeskReply { reply: PayReply::Refused(refusal), .. } => Err(refusal),
            Output::DeskReply { reply, .. } => Ok(reply),
            other => panic!("{other:?}"),
        }
    }

    fn presettle(&mut self, request: impl Into<PresettleRequest>) -> Result<(Uuid, Split), PayRefusal> {
        let (from, request) = (self.request(), request.into());
        match self.answer(Input::Presettle { from, request }) {
            Output::PresettleReply {
                reply: PresettleReply::Presettled { presettlement, split, .. }, ..
            } => Ok((presettlement, split)),
            Output::PresettleReply { reply: PresettleReply::Refused(refusal), .. } => Err(refusal),
            other => panic!("{other:?}"),
        }
    }

    /// Pays with a fresh code of `holder`.
    fn settle(&mut self, request: SettleRequest, holder: ResidentId) -> SettleReply {
        let input = Input::Settle { from: self.request(), request };
        let mut outputs = self.handle(input.clone());
        if let Some(Output::CheckIdentity(check)) = outputs.pop_if(|o| matches!(o, Output::CheckIdentity(_)))
        {
            outputs = self.verified(&check, holder);
        }
        let answer = outputs.pop().expect("an answer comes last");
        self.i10_sent_again(input, &answer);
        match answer {
            Output::SettleReply { reply, .. } => reply,
            other => panic!("{other:?}"),
        }
    }

    fn verified(&mut self, check: &IdentityCheck, holder: ResidentId) -> Vec<Output> {
        let result = IdentityResult::Accepted {
            resident: holder,
            code_id: format!("{} {}", self.asked, holder.0),
            issued: self.now,
            reference: check.reference.clone(),
        };
        self.handle(Input::Identity(IdentityAnswer { bill: check.bill, attempt: check.attempt, result }))
    }

    fn pay(&mut self, bill: &Bill) -> Result<Uuid, PayRefusal> {
        self.presettle(bill.clone())?;
        self.paid(SettleRequest::new(bill.id, "HC1:CODE".into()), bill.beneficiary)
    }

    fn paid(&mut self, request: SettleRequest, holder: ResidentId) -> Result<Uuid, PayRefusal> {
        match self.settle(request, holder) {
            SettleReply::Settled { settlement, .. } => Ok(settlement),
            SettleReply::Refused { refusal, .. } => Err(refusal),
            SettleReply::Held { .. } => panic!("nobody asked for that"),
        }
    }

    fn hold(&mut self, bill: &Bill) -> Result<Uuid, PayRefusal> {
        self.presettle(bill.clone())?;
        let request = SettleRequest { hold: true, ..SettleRequest::new(bill.id, "HC1:CODE".into()) };
        match self.settle(request, bill.beneficiary) {
            SettleReply::Held { settlement, .. } => Ok(settlement),
            SettleReply::Refused { refusal, .. } => Err(refusal),
            SettleReply::Settled { .. } => panic!("it was to be held"),
        }
    }

    /// All balances that are not zero, but for the quota that was never granted before.
    fn balances(&self) -> Vec<(Account, Fen, Fen)> {
        let ledger = self.payer.ledger();
        let all = ledger.balances().map(|(account, fen)| (account, fen, ledger.available(account)));
        all.filter(|(account, fen, _)| account.unit() == Unit::Cny && *fen != Fen::ZERO).collect()
    }

    fn balance(&self, account: Account) -> i64 {
        self.payer.ledger().balance(account).get()
    }
}

fn today(desk: &Desk) -> Day {
    Day::of(desk.now)
}

#[test]
fn n2_a_key_of_another_request_is_refused_and_nothing_changes() {
    let mut desk = desk();
    let settlement = desk.pay(&bill(1)).unwrap();
    let from = desk.request();
    let reverse = |settlement| PayRequest::Reverse { settlement };
    let first = desk.handle(Input::Desk { from: from.clone(), request: reverse(settlement) });
    let again = desk.handle(Input::Desk { from: from.clone(), request: reverse(settlement) });
    assert_eq!(first.last(), again.last());
    let other = desk.handle(Input::Desk { from, request: reverse(Uuid::nil()) });
    let refused = PayReply::Refused(PayRefusal::IdempotencyKeyReused);
    assert!(matches!(&other[..], [Output::DeskReply { reply, .. }] if *reply == refused), "{other:?}");
    let keyless = ReplyTo { path: "x".into(), correlation: [].into() };
    let outputs = desk.handle(Input::Presettle { from: keyless, request: bill(2).into() });
    let refused = PresettleReply::Refused(PayRefusal::IdempotencyKeyMissing);
    assert!(matches!(&outputs[..], [Output::PresettleReply { reply, .. }] if *reply == refused));
}

#[test]
fn n6_n7_an_unknown_item_or_an_ended_coverage_is_refused() {
    let ended = Beneficiary { covered_until: Some("2026-04-17".parse().unwrap()), ..(P, Fen::ZERO).into() };
    let resident = Beneficiary { insured: Insured::Resident, ..(AUNT, Fen::ZERO).into() };
    let mut desk = desk_with(demo_book(), [ended, resident]);
    assert_eq!(desk.presettle(bill(1)), Err(PayRefusal::CoverageInactive));
    let yesterday = Bill { date: Some(today(&desk).before()), ..bill(1) };
    assert_eq!(desk.presettle(yesterday), Err(PayRefusal::ItemUnknown { line: 1 }));
    let stay = Bill { beneficiary: AUNT, care: Care::Inpatient, ..bill(1) };
    assert_eq!(desk.presettle(stay), Err(PayRefusal::CoverageInactive));
    assert_eq!(desk.payer.open_count(), 0);
}

#[test]
fn n13_a_payment_by_another_presettlement_gets_the_one_in_force() {
    let mut desk = desk();
    let (first, split) = desk.presettle(bill(1)).unwrap();
    let by = |presettlement| SettleRequest {
        presettlement: Some(presettlement),
        ..SettleRequest::new(bill(1).id, "HC1:CODE".into())
    };
    let stale = PayRefusal::PresettlementStale { fresh: Some(split) };
    assert_eq!(desk.paid(by(Uuid::nil()), P), Err(stale));
    assert!(desk.paid(by(first), P).is_ok());
}

#[test]
fn n15_a_frozen_or_emptied_account_is_refused_and_nothing_is_held() {
    let mut desk = desk();
    desk.presettle(bill(1)).unwrap();
    desk.desk(PayRequest::Freeze { beneficiary: P, frozen: true }).unwrap();
    let before = desk.balances();
    let request = SettleRequest::new(bill(1).id, "HC1:CODE".into());
    let empty = PayRefusal::AccountInsufficient { available: Fen::ZERO };
    assert_eq!(desk.paid(request.clone(), P), Err(empty));
    assert_eq!(desk.balances(), before);
    desk.desk(PayRequest::Freeze { beneficiary: P, frozen: false }).unwrap();
    desk.presettle(bill(1)).unwrap();
    assert!(desk.paid(request, P).is_ok());
}

#[test]
fn n16_a_settlement_is_reversed_once_and_its_bill_never_paid_again() {
    let mut desk = desk();
    let before = desk.balances();
    let unknown = desk.desk(PayRequest::Reverse { settlement: Uuid::nil() });
    assert_eq!(unknown, Err(PayRefusal::SettlementUnknown));
    let settlement = desk.pay(&bill(1)).unwrap();
    let standing = desk.payer.standing(P, Care::Outpatient, today(&desk));
    let Ok(PayReply::Reversed { reversal, .. }) = desk.desk(PayRequest::Reverse { settlement }) else {
        panic!("it is not reversed")
    };
    assert_eq!(desk.balances(), before);
    assert_ne!(desk.payer.standing(P, Care::Outpatient, today(&desk)), standing);
    let twice = Err(PayRefusal::AlreadyReversed { reversal });
    assert_eq!(desk.desk(PayRequest::Reverse { settlement }), twice);
    assert_eq!(desk.pay(&bill(1)).map(|_| PayReply::Frozen { beneficiary: P, frozen: true }), twice);
    let Ok(PayReply::Totals(totals)) = desk.desk(PayRequest::Totals { provider: H, day: today(&desk) })
    else {
        panic!("there are totals")
    };
    assert_eq!(totals, Totals { settled: 1, reversed: 1, ..Totals::default() });
}

#[test]
fn n17_more_than_was_settled_is_not_refunded() {
    let mut desk = desk();
    let settlement = desk.pay(&bill(1)).unwrap();
    let before = desk.balances();
    for (line, quantity_milli) in [(0, 1), (4, 1), (2, 8_001), (2, 0)] {
        let lines = vec![RefundLine { line, quantity_milli }];
        let refused = desk.desk(PayRequest::Refund { settlement, lines });
        assert_eq!(refused, Err(PayRefusal::RefundExceedsSettled));
    }
    assert_eq!(desk.balances(), before);
}

#[test]
fn n18_on_a_closed_day_nothing_is_settled_reversed_or_closed_again() {
    let mut desk = desk();
    let settlement = desk.pay(&bill(1)).unwrap();
    desk.presettle(simple(2, 500)).unwrap();
    let day = today(&desk);
    let close = PayRequest::Close { provider: H, day };
    assert_eq!(desk.desk(close.clone()), Ok(PayReply::Closed { paid_out: Fen::new(87_200) }));
    assert_eq!(desk.balance(Account::SettleBank(H)), 87_200);
    assert_eq!(desk.desk(close), Err(PayRefusal::DayClosed));
    assert_eq!(desk.presettle(simple(3, 500)), Err(PayRefusal::DayClosed));
    let request = SettleRequest::new(simple(2, 500).id, "HC1:CODE".into());
    assert_eq!(desk.paid(request, P), Err(PayRefusal::DayClosed));
    assert_eq!(desk.desk(PayRequest::Reverse { settlement }), Err(PayRefusal::DayClosed));
    // The day after, what was paid out is taken back.
    desk.now = desk.now.plus_millis(types::DAY_MS);
    desk.desk(PayRequest::Reverse { settlement }).unwrap();
    assert_eq!((desk.balance(Account::SettleBank(H)), desk.balance(Account::Payable(H))), (0, 0));
}

#[test]
fn n20_over_the_limit_of_a_day_or_an_hour_nothing_is_paid() {
    let limits = Limits { day: Some(Fen::new(1_000)), per_hour: Some(2) };
    let people = [(P, Fen::new(50_000)).into()];
    let mut desk = desk_with(Policies::from(demo()).limited(limits), people);
    desk.pay(&simple(1, 600)).unwrap();
    let over = PayRefusal::LimitDailyExceeded { limit: Fen::new(1_000), used: Fen::new(600) };
    assert_eq!(desk.pay(&simple(2, 401)), Err(over));
    desk.pay(&simple(3, 400)).unwrap();
    assert_eq!(desk.pay(&simple(4, 0)), Err(PayRefusal::LimitHourlyExceeded { limit: 2 }));
    desk.now = desk.now.plus_millis(types::HOUR_MS);
    desk.pay(&simple(4, 0)).unwrap();
}

#[test]
fn n10_a_family_member_pays_only_after_agreeing_with_a_code_of_their_own() {
    let mut desk = desk();
    let family = Some(AUNT);
    let shared = |bill: Bill| PresettleRequest { bill, family };
    assert_eq!(desk.presettle(shared(bill(1))), Err(PayRefusal::PayerNotAuthorized));
    let link = PayRequest::Link { beneficiary: P, family: AUNT, code: "HC1:CODE".into() };
    let linked = |desk: &mut Desk, holder| {
        let from = desk.request();
        let asked = desk.handle(Input::Desk { from, request: link.clone() });
        let [Output::CheckIdentity(check)] = &asked[..] else { panic!("{asked:?}") };
        match desk.verified(check, holder).pop() {
            Some(Output::DeskReply { reply, .. }) => reply,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(linked(&mut desk, P), PayReply::Refused(PayRefusal::PayerNotAuthorized));
    assert_eq!(linked(&mut desk, AUNT), PayReply::Linked { beneficiary: P, family: AUNT });

    let (_, split) = desk.presettle(shared(bill(1))).unwrap();
    assert_eq!(
        (split.account, split.family, split.cash),
        (Fen::new(50_000), Fen::new(8_036), Fen::new(3_600))
    );
    let request = SettleRequest::new(bill(1).id, "HC1:CODE".into());
    assert_eq!(desk.paid(request.clone(), ResidentId(3)), Err(PayRefusal::PayerNotAuthorized));
    assert!(desk.paid(request, AUNT).is_ok());
    assert_eq!(desk.balance(Account::Personal(AUNT)), 50_000 - 8_036);
}

#[test]
fn a_consent_the_verifier_is_silent_about_is_refused() {
    let mut desk = desk();
    let from = desk.request();
    let request = PayRequest::Link { beneficiary: P, family: AUNT, code: "HC1:CODE".into() };
    desk.handle(Input::Desk { from, request });
    desk.now = desk.payer.next_timeout().unwrap();
    let mut out = vec![];
    desk.payer.handle_timeout(desk.now, &mut out);
    let refused = PayReply::Refused(PayRefusal::EidUnavailable);
    assert!(matches!(&out[..], [Output::DeskReply { reply, .. }] if *reply == refused), "{out:?}");
    assert_eq!(desk.payer.next_timeout(), None);
}

#[test]
fn what_is_held_is_not_there_for_a_second_till_until_it_is_let_go() {
    let policy = crate::Policy { cap: Fen::new(25_000), ..demo() };
    let mut desk = desk_with(policy.into(), [(P, Fen::new(50_000)).into()]);
    let before = desk.balances();
    let settlement = desk.hold(&bill(1)).unwrap();
    // The cap and the account are spent, as far as anybody else can see.
    let (_, split) = desk.presettle(bill(2)).unwrap();
    assert_eq!((split.pool, split.account), (Fen::ZERO, Fen::ZERO));
    let request = SettleRequest::new(bill(1).id, "HC1:CODE".into());
    assert_eq!(desk.paid(request, P), Err(PayRefusal::SettlementInProgress));

    desk.now = desk.now.plus_millis(HOLD_MS);
    let mut out = vec![];
    desk.payer.handle_timeout(desk.now, &mut out);
    assert_eq!(out, [Output::Event(PayEvent::BillReleased { bill: bill(1).id, settlement })]);
    assert_eq!(desk.balances(), before);
    let late = desk.desk(PayRequest::Confirm { settlement, paid: true });
    assert_eq!(late, Err(PayRefusal::SettlementUnknown));
    assert!(desk.pay(&bill(1)).is_ok());
}

#[test]
fn a_held_settlement_is_captured_once_or_voided() {
    let mut desk = desk();
    let confirm = |settlement, paid| PayRequest::Confirm { settlement, paid };
    let first = desk.hold(&bill(1)).unwrap();
    assert_eq!(desk.payer.settled_count(), 0);
    desk.desk(confirm(first, false)).unwrap();
    let second = desk.hold(&bill(1)).unwrap();
    desk.desk(confirm(second, true)).unwrap();
    desk.desk(confirm(second, true)).unwrap();
    assert_eq!(desk.desk(confirm(second, false)), Err(PayRefusal::SettlementUnknown));
    assert_eq!((desk.payer.settled_count(), desk.payer.ledger().pending_count()), (1, 0));
    assert_eq!(desk.balance(Account::Payable(H)), 87_200);
    assert_eq!(desk.pay(&bill(1)), Err(PayRefusal::BillAlreadySettled { settlement: second }));
}

#[test]
fn vector_10_a_partial_refund_reverses_and_settles_what_is_left() {
    let mut desk = desk();
    let fund = Account::PoolFund(crate::Scheme::Employee);
    let settlement = desk.pay(&bill(1)).unwrap();
    let accounts =
        [fund, Account::Personal(P), Account::CashClearing(CashChannel::Counter), Account::Payable(H)];
    let before = accounts.map(|account| desk.balance(account));
    let lines = vec![RefundLine { line: 2, quantity_milli: 3_000 }];
    let Ok(PayReply::Refunded { replacement, split, .. }) =
        desk.desk(PayRequest::Refund { settlement, lines })
    else {
        panic!("it is not refunded")
    };
    let parts = [split.pool, split.account, split.cash].map(Fen::get);
    assert_eq!(parts, [8_837, 48_213, 3_600]);
    let after = accounts.map(|account| desk.balance(account));
    assert_eq!([0, 1, 2, 3].map(|i| after[i] - before[i]), [16_727, 1_787, 8_036, -26_550]);
    let used = desk.payer.standing(P, Care::Outpatient, today(&desk)).unwrap();
    assert_eq!((used.deductible_used, used.fund_used), (Fen::new(40_000), Fen::new(8_837)));
    assert_eq!(desk.pay(&bill(1)), Err(PayRefusal::BillAlreadySettled { settlement: replacement }));

    let all = (1..=3).zip([10_000, 5_000, 1_000]);
    let lines = all.map(|(line, quantity_milli)| RefundLine { line, quantity_milli }).collect();
    let whole = desk.desk(PayRequest::Refund { settlement: replacement, lines });
    assert!(matches!(whole, Ok(PayReply::Reversed { .. })), "{whole:?}");
    assert_eq!(desk.balance(Account::Payable(H)), 0);
}

#[test]
fn the_second_stay_of_a_year_has_the_smaller_deductible() {
    let mut desk = desk_with(demo_book(), [(P, Fen::ZERO).into()]);
    let stay = |number| {
        let bed = BillLine { item: "bed-day".into(), ..line(Category::A, 400_000, 1, 0) };
        let total = Fen::new(400_000);
        Bill { level: 3, care: Care::Inpatient, lines: vec![bed], total, ..bill(number) }
    };
    let first = desk.pay(&stay(1)).unwrap();
    let (_, split) = desk.presettle(stay(2)).unwrap();
    assert_eq!(split.deductible, Fen::new(40_000));
    desk.desk(PayRequest::Reverse { settlement: first }).unwrap();
    let (_, split) = desk.presettle(stay(3)).unwrap();
    assert_eq!(split.deductible, Fen::new(80_000));
}

#[test]
fn a_bill_is_unpaid_from_when_it_is_filed_until_it_is_settled() {
    let mut desk = desk();
    let unpaid = |desk: &mut Desk, beneficiary, provider| match desk
        .desk(PayRequest::Unpaid { beneficiary, provider })
    {
        Ok(PayReply::Unpaid { bills, more: false }) => bills,
        other => panic!("{other:?}"),
    };
    assert_eq!(unpaid(&mut desk, None, None), []);
    desk.desk(PayRequest::File { bill: Box::new(bill(1)) }).unwrap();
    assert_eq!(unpaid(&mut desk, Some(P), Some(H))[0].state, BillState::Draft);
    desk.presettle(bill(1)).unwrap();
    let listed = unpaid(&mut desk, Some(P), None);
    assert!(matches!(listed[..], [UnpaidBill { state: BillState::Presettled { .. }, .. }]), "{listed:?}");
    assert_eq!(unpaid(&mut desk, Some(AUNT), None), []);
    desk.pay(&bill(1)).unwrap();
    assert_eq!(unpaid(&mut desk, Some(P), None), []);
    for number in 2..=60 {
        desk.presettle(simple(number, 1)).unwrap();
    }
    let page = desk.desk(PayRequest::Unpaid { beneficiary: Some(P), provider: None });
    assert!(matches!(page, Ok(PayReply::Unpaid { bills, more: true }) if bills.len() == BILLS_MAX));
}

#[test]
fn a_statement_a_list_and_a_trace_tell_what_was_paid_and_why() {
    let mut desk = desk();
    let stranger = desk.desk(PayRequest::Statement { beneficiary: ResidentId(9) });
    assert_eq!(stranger, Err(PayRefusal::CoverageInactive));
    let settlement = desk.pay(&bill(1)).unwrap();
    let Ok(PayReply::Statement(statement)) = desk.desk(PayRequest::Statement { beneficiary: P }) else {
        panic!("there is a statement")
    };
    let expected = Statement {
        beneficiary: P,
        balance: Fen::ZERO,
        deductible_used: Fen::new(40_000),
        fund_used: Fen::new(25_564),
        settled: 1,
    };
    assert_eq!(statement, expected);
    let Ok(PayReply::Trace { policy, trace, .. }) = desk.desk(PayRequest::Trace { settlement }) else {
        panic!("there is a trace")
    };
    assert_eq!((&*policy, trace.len()), ("emp_outpatient_demo@1", 8));
    for number in 2..=60 {
        desk.pay(&simple(number, 1)).unwrap();
    }
    let page = |after| PayRequest::Bills { beneficiary: Some(P), provider: None, after };
    let Ok(PayReply::Bills { bills, more: true }) = desk.desk(page(None)) else { panic!("there are more") };
    let last = bills.last().map(|bill| bill.settlement);
    let Ok(PayReply::Bills { bills: rest, more: false }) = desk.desk(page(last)) else {
        panic!("that is all")
    };
    assert_eq!((bills.len(), rest.len()), (BILLS_MAX, 10));
}

mod audit;
mod deposits;
mod events;
mod means;
mod orders;
mod stays;
