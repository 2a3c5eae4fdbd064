use types::Seed;

use super::*;
use crate::ledger::Quota;
use crate::ledger::{Account, Unit};
use crate::messages::{Bill, CashChannel, IdentityResult, Split};
use crate::messages::{BillLine, Category};
use crate::policy::{Policy, PolicyError, Scheme, demo};
use types::{BillId, ProviderId};
use uuid::Uuid;

const P: ResidentId = ResidentId(1);
const OTHER: ResidentId = ResidentId(2);
const H: ProviderId = ProviderId(1);
/// Of `P`, at the time of the tests.
const QUOTA: Quota = Quota { resident: P, plan: 0, year: 1970 };

/// A payer and the time. The ledger is added up after each call.
struct Desk {
    payer: Payer,
    now: Timestamp,
}

fn ids() -> Stream {
    Seed(1).stream("settlement", 0)
}

/// With 500.00 yuan on the account of each of two beneficiaries.
fn desk_with(policy: Policy, fund: i64) -> Desk {
    let beneficiaries = [P, OTHER].map(|resident| (resident, Fen::new(50_000)));
    let payer = Payer::new(policy, Fen::new(fund), beneficiaries, ids()).unwrap();
    Desk { payer, now: Timestamp::from_millis(1_000_000) }
}

fn desk() -> Desk {
    desk_with(demo(), 100_000_000)
}

fn request(name: &str) -> ReplyTo {
    ReplyTo { path: "svc-clinic".into(), correlation: name.as_bytes().into() }
}

fn line(category: Category, price: i64, quantity: u32, preself_bp: u16) -> BillLine {
    BillLine {
        item: "x".into(),
        category,
        unit_price: Fen::new(price),
        quantity_milli: quantity * 1_000,
        price_limit: None,
        preself_bp,
    }
}

/// Worked vector 1: 872.00 yuan at level 2.
fn bill(number: u128) -> Bill {
    Bill {
        id: BillId(Uuid::from_u128(number)),
        provider: H,
        level: 2,
        beneficiary: P,
        lines: vec![
            line(Category::A, 1_280, 10, 0),
            line(Category::B, 8_850, 8, 1_000),
            line(Category::C, 3_600, 1, 0),
        ],
        total: Fen::new(87_200),
        care: Care::Outpatient,
        date: None,
    }
}

fn simple_bill(number: u128, fen: i64) -> Bill {
    Bill { lines: vec![line(Category::A, fen, 1, 0)], total: Fen::new(fen), ..bill(number) }
}

impl Desk {
    fn handle(&mut self, input: Input) -> Vec<Output> {
        let mut out = vec![];
        self.payer.handle(self.now, input, &mut out);
        self.add_up();
        out
    }

    fn add_up(&self) {
        let ledger = self.payer.ledger();
        assert_eq!((ledger.imbalance(Unit::Cny), ledger.imbalance(Unit::Quota)), (0, 0));
        assert_eq!(self.payer.open.timer_count(), self.payer.open.len());
    }

    fn wait(&mut self, millis: i64) -> Vec<Output> {
        self.now = self.now.plus_millis(millis);
        let mut out = vec![];
        self.payer.handle_timeout(self.now, &mut out);
        self.add_up();
        out
    }

    fn presettle(&mut self, name: &str, bill: &Bill) -> Vec<Output> {
        self.handle(Input::Presettle { from: request(name), request: bill.clone().into() })
    }

    /// The newest answer to a presettlement, which must be a split.
    fn presettled(&mut self, name: &str, bill: &Bill) -> Split {
        match self.presettle(name, bill).pop() {
            Some(Output::PresettleReply { reply: PresettleReply::Presettled { split, .. }, .. }) => split,
            other => panic!("{other:?}"),
        }
    }

    fn not_presettled(&mut self, name: &str, bill: &Bill) -> PayRefusal {
        match &self.presettle(name, bill)[..] {
            [Output::PresettleReply { reply: PresettleReply::Refused(refusal), .. }] => refusal.clone(),
            other => panic!("{other:?}"),
        }
    }

    fn settle(&mut self, name: &str, bill: &Bill) -> Vec<Output> {
        let request_of = SettleRequest::new(bill.id, "HC1:CODE".into());
        self.handle(Input::Settle { from: request(name), request: request_of })
    }

    /// Begins an attempt and gives the question for the verifier.
    fn ask(&mut self, name: &str, bill: &Bill) -> IdentityCheck {
        match self.settle(name, bill).pop() {
            Some(Output::CheckIdentity(check)) => check,
            other => panic!("{other:?}"),
        }
    }

    /// A fresh code of the right holder.
    fn good(&self, check: &IdentityCheck, code_id: &str) -> IdentityResult {
        IdentityResult::Accepted {
            resident: P,
            code_id: code_id.into(),
            issued: self.now,
            reference: check.reference.clone(),
        }
    }

    fn answer(&mut self, check: &IdentityCheck, result: IdentityResult) -> Vec<Output> {
        self.handle(Input::Identity(IdentityAnswer { bill: check.bill, attempt: check.attempt, result }))
    }

    /// The whole of a payment.
    fn pay(&mut self, name: &str, bill: &Bill) -> Result<Uuid, PayRefusal> {
        let check = self.ask(name, bill);
        let good = self.good(&check, name);
        outcome(&self.answer(&check, good), name)
    }
}

/// The one answer among `outputs`, and that the events beside it say the same.
fn outcome(outputs: &[Output], name: &str) -> Result<Uuid, PayRefusal> {
    let [accounts @ .., Output::Event(event), Output::SettleReply { to, reply }] = outputs else {
        panic!("{outputs:?}")
    };
    assert_eq!(*to, request(name));
    for told in accounts {
        let Output::Event(PayEvent::AccountDebited(entry)) = told else { panic!("{told:?}") };
        assert!(matches!(reply, SettleReply::Settled { settlement, .. } if *settlement == entry.settlement));
    }
    match (event, reply) {
        (PayEvent::BillSettled { settlement: told, .. }, SettleReply::Settled { settlement, .. }) => {
            assert_eq!(told, settlement);
            Ok(*settlement)
        }
        (PayEvent::SettlementRefused { refusal: told, .. }, SettleReply::Refused { refusal, .. }) => {
            assert_eq!(told, refusal);
            Err(refusal.clone())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_payer_that_makes_no_sense_is_refused() {
    let payer = |policy, fund, people: &[(ResidentId, i64)]| {
        let people = people.iter().map(|&(resident, fen)| (resident, Fen::new(fen)));
        Payer::new(policy, Fen::new(fund), people, ids()).unwrap_err()
    };
    let bad = Policy { version: 0, ..demo() };
    assert_eq!(
        payer(bad, 0, &[]),
        PayerConfigError::Policies(PoliciesError::Policy { id: demo().id, source: PolicyError::Version })
    );
    assert_eq!(payer(demo(), -1, &[]), PayerConfigError::FundNegative(Fen::new(-1)));
    let overdrawn = PayerConfigError::BalanceNegative { resident: P, balance: Fen::new(-1) };
    assert_eq!(payer(demo(), 0, &[(P, -1)]), overdrawn);
    assert_eq!(payer(demo(), 0, &[(P, 1), (P, 1)]), PayerConfigError::Twice(P));
    assert!(matches!(
        payer(demo(), i64::MAX, &[(P, 2)]),
        PayerConfigError::Ledger(LedgerError::Overflow { .. })
    ));
}

#[test]
fn a_bill_that_is_not_presettled_is_not_paid_and_not_told_about() {
    let refusal = PayRefusal::BillUnknown;
    let reply = SettleReply::Refused { bill: bill(1).id, refusal };
    assert_eq!(desk().settle("s1", &bill(1)), [Output::SettleReply { to: request("s1"), reply }]);
}

#[test]
fn a_bill_with_a_bad_amount_or_total_or_of_a_stranger_is_not_kept() {
    let mut desk = desk();
    let negative = Bill { lines: vec![line(Category::A, -1, 1, 0)], ..bill(1) };
    assert_eq!(desk.not_presettled("p1", &negative), PayRefusal::AmountInvalid { line: 1 });
    let wrong = Bill { total: Fen::new(1), ..bill(1) };
    let mismatch = PayRefusal::BillTotalMismatch { expected: 87_200, got: 1 };
    assert_eq!(desk.not_presettled("p2", &wrong), mismatch);
    let stranger = Bill { beneficiary: ResidentId(9), ..bill(1) };
    assert_eq!(desk.not_presettled("p3", &stranger), PayRefusal::CoverageInactive);
    assert_eq!((desk.payer.open_count(), desk.payer.next_timeout()), (0, None));
}

#[test]
fn another_bill_under_the_same_id_is_a_conflict() {
    let mut desk = desk();
    desk.presettled("p1", &bill(1));
    assert_eq!(desk.not_presettled("p2", &simple_bill(1, 500)), PayRefusal::BillConflict);
    desk.wait(900_000);
    assert_eq!(desk.not_presettled("p3", &simple_bill(1, 500)), PayRefusal::BillConflict);
    assert_eq!(desk.payer.open_count(), 1);
}

#[test]
fn a_bill_too_many_is_refused_until_one_is_forgotten() {
    let mut desk = desk();
    for number in 0..OPEN_MAX as u128 {
        desk.payer.handle(
            desk.now,
            Input::Presettle { from: request(&number.to_string()), request: bill(number).into() },
            &mut vec![],
        );
    }
    let late = bill(OPEN_MAX as u128);
    assert_eq!(desk.not_presettled("late", &late), PayRefusal::Busy);
    desk.wait(900_000 + EXPIRED_KEPT_MS);
    desk.presettled("later", &late);
}

#[test]
fn an_expired_presettlement_is_refused_then_forgotten() {
    let mut desk = desk();
    desk.presettled("p1", &bill(1));
    desk.wait(900_000);
    let outputs = desk.settle("s1", &bill(1));
    assert_eq!(outcome(&outputs, "s1"), Err(PayRefusal::PresettlementExpired));
    assert_eq!(desk.wait(EXPIRED_KEPT_MS), []);
    assert_eq!((desk.payer.open_count(), desk.payer.next_timeout()), (0, None));
    assert_eq!(desk.settle("s2", &bill(1)).len(), 1);
}

#[test]
fn an_expired_presettlement_can_be_made_again_and_paid() {
    let mut desk = desk();
    desk.presettled("p1", &bill(1));
    desk.wait(900_001);
    desk.presettled("p2", &bill(1));
    assert!(desk.pay("s1", &bill(1)).is_ok());
}

#[test]
fn a_silent_verifier_is_a_refusal_after_two_seconds_and_nothing_is_held() {
    let mut desk = desk();
    desk.presettled("p1", &bill(1));
    let before: Vec<_> = desk.payer.ledger().balances().collect();
    let check = desk.ask("s1", &bill(1));
    assert_eq!(desk.payer.next_timeout(), Some(desk.now.plus_millis(VERIFIER_TIMEOUT_MS)));
    assert_eq!(desk.wait(VERIFIER_TIMEOUT_MS - 1), []);
    assert_eq!(outcome(&desk.wait(1), "s1"), Err(PayRefusal::EidUnavailable));
    let late = desk.good(&check, "c1");
    assert_eq!(desk.answer(&check, late), []);
    assert_eq!(desk.payer.ledger().balances().collect::<Vec<_>>(), before);
    assert!(desk.pay("s2", &bill(1)).is_ok());
}

#[test]
fn an_answer_at_the_deadline_is_late_even_if_no_timer_ran() {
    let mut desk = desk();
    desk.presettled("p1", &bill(1));
    let check = desk.ask("s1", &bill(1));
    desk.now = desk.now.plus_millis(VERIFIER_TIMEOUT_MS);
    let good = desk.good(&check, "c1");
    assert_eq!(outcome(&desk.answer(&check, good), "s1"), Err(PayRefusal::EidUnavailable));
}

#[test]
fn a_late_answer_to_an_earlier_attempt_does_not_count() {
    let mut desk = desk();
    desk.presettled("p1", &bill(1));
    let first = desk.ask("s1", &bill(1));
    desk.wait(VERIFIER_TIMEOUT_MS);
    let second = desk.ask("s2", &bill(1));
    assert_ne!(first.reference, second.reference);
    let late = desk.good(&first, "c1");
    assert_eq!(desk.answer(&first, late.clone()), []);
    // Not even under the number of the newer attempt.
    let refused = PayRefusal::EidRefused { reason: "reference_mismatch".into() };
    assert_eq!(outcome(&desk.answer(&second, late), "s2"), Err(refused));
    assert_eq!(desk.payer.settled_count(), 0);
}

#[test]
fn a_code_that_is_refused_foreign_old_or_early_does_not_pay() {
    let mut desk = desk();
    desk.presettled("p1", &bill(1));
    let eid = |reason: &str| PayRefusal::EidRefused { reason: reason.into() };
    let mut refused = |name: &str, change: &dyn Fn(IdentityResult) -> IdentityResult| {
        let check = desk.ask(name, &bill(1));
        let result = change(desk.good(&check, "c1"));
        outcome(&desk.answer(&check, result), name).unwrap_err()
    };
    let with = |result, age: i64, whose| match result {
        IdentityResult::Accepted { code_id, issued, reference, .. } => {
            IdentityResult::Accepted { resident: whose, code_id, issued: issued.plus_millis(-age), reference }
        }
        refused @ IdentityResult::Refused { .. } => refused,
    };
    let revoked = IdentityResult::Refused { reason: "issuer_unknown".into() };
    assert_eq!(refused("s1", &|_| revoked.clone()), eid("issuer_unknown"));
    assert_eq!(refused("s2", &|good| with(good, 0, OTHER)), PayRefusal::PayerNotAuthorized);
    assert_eq!(refused("s3", &|good| with(good, 65_001, P)), PayRefusal::EidTokenExpired);
    assert_eq!(refused("s4", &|good| with(good, i64::MAX, P)), PayRefusal::EidTokenExpired);
    assert_eq!(refused("s5", &|good| with(good, -5_001, P)), eid("token_not_yet_valid"));
    assert_eq!(desk.payer.settled_count(), 0);

    let check = desk.ask("s6", &bill(1));
    let oldest = with(desk.good(&check, "c1"), 65_000, P);
    assert!(outcome(&desk.answer(&check, oldest), "s6").is_ok());
}

#[test]
fn a_code_that_paid_one_bill_does_not_pay_another() {
    let mut desk = desk();
    // Free, so that the first payment does not make the second presettlement stale.
    let (first, second) = (simple_bill(1, 100), simple_bill(2, 0));
    desk.presettled("p1", &first);
    desk.presettled("p2", &second);
    let (one, two) = (desk.ask("s1", &first), desk.ask("s2", &second));
    let good = desk.good(&one, "same");
    assert!(outcome(&desk.answer(&one, good), "s1").is_ok());
    let replayed = desk.good(&two, "same");
    let refused = PayRefusal::EidTokenReplayed;
    assert_eq!(outcome(&desk.answer(&two, replayed), "s2"), Err(refused));
}

#[test]
fn a_second_till_is_refused_while_the_first_waits() {
    let mut desk = desk();
    desk.presettled("p1", &bill(1));
    let check = desk.ask("s1", &bill(1));
    let outputs = desk.settle("s2", &bill(1));
    assert_eq!(outcome(&outputs, "s2"), Err(PayRefusal::SettlementInProgress));
    let good = desk.good(&check, "c1");
    assert!(outcome(&desk.answer(&check, good), "s1").is_ok());
}

#[test]
fn a_paid_bill_is_neither_paid_nor_presettled_again() {
    let mut desk = desk();
    desk.presettled("p1", &bill(1));
    let settlement = desk.pay("s1", &bill(1)).unwrap();
    let balances: Vec<_> = desk.payer.ledger().balances().collect();
    let paid = PayRefusal::BillAlreadySettled { settlement };
    assert_eq!(outcome(&desk.settle("s2", &bill(1)), "s2"), Err(paid.clone()));
    assert_eq!(desk.not_presettled("p2", &bill(1)), paid);
    assert_eq!(desk.payer.ledger().balances().collect::<Vec<_>>(), balances);
    assert_eq!((desk.payer.settled_count(), desk.payer.next_timeout()), (1, None));
}

#[test]
fn a_settlement_delivered_twice_is_answered_in_the_same_words_and_told_once() {
    let mut desk = desk();
    desk.presettled("p1", &bill(1));
    let check = desk.ask("s1", &bill(1));
    assert_eq!(desk.settle("s1", &bill(1)), []);
    let good = desk.good(&check, "c1");
    let answer = desk.answer(&check, good.clone()).pop().unwrap();
    assert_eq!(desk.answer(&check, good), []);
    desk.wait(3_600_000);
    assert_eq!(desk.settle("s1", &bill(1)), [answer]);
}

#[test]
fn a_refused_settlement_delivered_again_stays_refused() {
    let mut desk = desk();
    desk.presettled("p1", &bill(1));
    desk.ask("s1", &bill(1));
    let refusal = desk.wait(VERIFIER_TIMEOUT_MS).pop().unwrap();
    assert_eq!(desk.settle("s1", &bill(1)), [refusal]);
}

#[test]
fn a_presettlement_asked_for_again_is_the_same_and_told_once() {
    let mut desk = desk();
    let first = desk.presettle("p1", &bill(1));
    assert!(matches!(first[0], Output::Event(PayEvent::BillPresettled { .. })));
    desk.wait(1_000);
    let again = desk.presettle("p2", &bill(1));
    let [Output::PresettleReply { reply, .. }] = &again[..] else { panic!("{again:?}") };
    assert!(matches!(&first[1], Output::PresettleReply { reply: one, .. } if one == reply));
}

#[test]
fn a_split_that_changed_is_stale_and_can_be_presettled_anew() {
    let mut desk = desk();
    let told = desk.presettled("p1", &bill(1));
    desk.presettled("p2", &bill(2));
    assert!(desk.pay("s2", &bill(2)).is_ok());
    let balances: Vec<_> = desk.payer.ledger().balances().collect();
    let stale = Err(PayRefusal::PresettlementStale { fresh: None });
    assert!(
        matches!(desk.pay("s1", &bill(1)), Err(PayRefusal::PresettlementStale { fresh: Some(fresh) }) if fresh != told)
    );
    assert_eq!(outcome(&desk.settle("s3", &bill(1)), "s3"), stale);
    assert_eq!(desk.payer.ledger().balances().collect::<Vec<_>>(), balances);

    // The first request once more, out of the depths of the bus, does not make the bill payable.
    assert_eq!(desk.presettled("p1", &bill(1)), told);
    assert_eq!(outcome(&desk.settle("s4", &bill(1)), "s4"), stale);

    let fresh = desk.presettled("p3", &bill(1));
    assert_eq!((told.deductible, fresh.deductible), (Fen::new(40_000), Fen::ZERO));
    assert!(desk.pay("s5", &bill(1)).is_ok());
}

#[test]
fn the_split_is_not_replaced_while_its_payment_waits() {
    let mut desk = desk();
    let told = desk.presettled("p1", &bill(1));
    desk.presettled("p2", &bill(2));
    let check = desk.ask("s1", &bill(1));
    assert!(desk.pay("s2", &bill(2)).is_ok());
    assert_eq!(desk.presettled("p3", &bill(1)), told);
    let good = desk.good(&check, "c1");
    let stale = outcome(&desk.answer(&check, good), "s1");
    assert!(matches!(stale, Err(PayRefusal::PresettlementStale { fresh: Some(_) })), "{stale:?}");
}

#[test]
fn a_payment_in_time_counts_though_the_presettlement_expires_meanwhile() {
    let mut desk = desk();
    desk.presettled("p1", &bill(1));
    desk.wait(899_999);
    let check = desk.ask("s1", &bill(1));
    desk.wait(1_000);
    let good = desk.good(&check, "c1");
    assert!(outcome(&desk.answer(&check, good), "s1").is_ok());
}

#[test]
fn a_presettlement_that_expires_while_its_payment_waits_is_not_replaced() {
    let mut desk = desk();
    let told = desk.presettled("p1", &bill(1));
    desk.wait(899_999);
    let check = desk.ask("s1", &bill(1));
    desk.wait(1_000);
    assert_eq!(desk.presettled("p2", &bill(1)), told);
    let good = desk.good(&check, "c1");
    assert!(outcome(&desk.answer(&check, good), "s1").is_ok());
}

#[test]
fn over_the_cap_the_fund_pays_nothing_and_an_empty_account_leaves_cash() {
    let mut desk = desk_with(Policy { cap: Fen::new(1_000), ..demo() }, 100_000_000);
    let large = simple_bill(1, 200_000);
    desk.presettled("p1", &large);
    desk.pay("s1", &large).unwrap();
    let standing = desk.payer.standing(P, Care::Outpatient, Day::default()).unwrap();
    assert_eq!((standing.fund_used, standing.balance), (Fen::new(1_000), Fen::ZERO));
    let split = desk.presettled("p2", &simple_bill(2, 5_000));
    assert_eq!((split.pool, split.account, split.cash), (Fen::ZERO, Fen::ZERO, Fen::new(5_000)));
}

#[test]
fn a_fund_that_has_run_dry_is_not_overdrawn() {
    // Enough for one of the two bills: 255.64 yuan each.
    let mut desk = desk_with(demo(), 30_000);
    let (first, second) = (bill(1), Bill { beneficiary: OTHER, ..bill(2) });
    desk.presettled("p1", &first);
    desk.presettled("p2", &second);
    desk.pay("s1", &first).unwrap();
    let check = desk.ask("s2", &second);
    let theirs = match desk.good(&check, "c2") {
        IdentityResult::Accepted { code_id, issued, reference, .. } => {
            IdentityResult::Accepted { resident: OTHER, code_id, issued, reference }
        }
        refused @ IdentityResult::Refused { .. } => refused,
    };
    assert_eq!(outcome(&desk.answer(&check, theirs), "s2"), Err(PayRefusal::CoverageInactive));
    let third = Bill { beneficiary: OTHER, ..bill(3) };
    assert_eq!(desk.not_presettled("p3", &third), PayRefusal::CoverageInactive);
    assert_eq!(desk.payer.ledger().balance(Account::PoolFund(Scheme::Employee)), Fen::new(4_436));
}

#[test]
fn what_a_provider_is_owed_never_overflows() {
    let mut desk = desk();
    let huge =
        |number| Bill { lines: vec![line(Category::C, i64::MAX, 1, 0)], ..simple_bill(number, i64::MAX) };
    for number in 1..=2 {
        desk.presettled(&format!("p{number}"), &huge(number));
    }
    assert!(desk.pay("s1", &huge(1)).is_ok());
    assert_eq!(desk.pay("s2", &huge(2)), Err(PayRefusal::AmountInvalid { line: 0 }));
    assert_eq!(desk.payer.settled_count(), 1);
}

#[test]
fn free_care_is_settled_without_a_transfer() {
    let mut desk = desk();
    let free = simple_bill(1, 0);
    desk.presettled("p1", &free);
    let groups = desk.payer.ledger().group_count();
    assert!(desk.pay("s1", &free).is_ok());
    assert_eq!((desk.payer.ledger().group_count(), desk.payer.settled_count()), (groups, 1));
}

#[test]
fn a_payment_moves_fund_account_cash_and_quota_in_one_group() {
    let mut desk = desk();
    let open = |account| desk_balance(&desk, account);
    let before =
        [Account::PoolFund(Scheme::Employee), Account::DeductibleQuota(QUOTA), Account::CapQuota(QUOTA)]
            .map(open);
    let groups = desk.payer.ledger().group_count();
    desk.presettled("p1", &bill(1));
    let settlement = desk.pay("s1", &bill(1)).unwrap();

    let open = |account| desk_balance(&desk, account);
    let after =
        [Account::PoolFund(Scheme::Employee), Account::DeductibleQuota(QUOTA), Account::CapQuota(QUOTA)]
            .map(open);
    assert_eq!(before[0] - after[0], 25_564);
    assert_eq!([after[1], after[2]], [60_000 - 40_000, 600_000 - 25_564]);
    assert_eq!(open(Account::Personal(P)), 0);
    assert_eq!(open(Account::CashClearing(CashChannel::Counter)), -11_636);
    assert_eq!(open(Account::Payable(H)), 87_200);
    // And the quota of the year, which is granted when it is first used: deductible and cap.
    assert_eq!(desk.payer.ledger().group_count(), groups + 3);
    let used =
        Standing { deductible_used: Fen::new(40_000), fund_used: Fen::new(25_564), ..Standing::default() };
    assert_eq!(desk.payer.standing(P, Care::Outpatient, Day::default()), Some(used));
    assert_eq!(settlement.get_version_num(), 7);
}

fn desk_balance(desk: &Desk, account: Account) -> i64 {
    desk.payer.ledger().balance(account).get()
}
