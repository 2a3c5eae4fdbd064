use proptest::prelude::*;
use types::{BillId, Core, ReplyTo, ResidentId, Seed};
use uuid::Uuid;

use super::*;
use crate::messages::{BillLine, Category, LimitRule, PayRequest};
use crate::offline;
use crate::payer::Input;
use crate::policy::demo;

const P: ResidentId = ResidentId(1);
const T: TerminalId = TerminalId(1);
const H: ProviderId = ProviderId(1);
/// What is on the account of `P`.
const BALANCE: Fen = Fen::new(1_000);
/// What the terminal may take at once, and in sum.
const LIMITS: (Fen, Fen) = (Fen::new(600), Fen::new(2_000));

fn key(byte: u8) -> TerminalKey {
    TerminalKey::new([byte; 32])
}

fn bill(number: u128, fen: i64) -> Bill {
    let line = BillLine {
        item: "x".into(),
        category: Category::A,
        unit_price: Fen::new(fen),
        quantity_milli: 1_000,
        price_limit: None,
        preself_bp: 0,
    };
    Bill {
        id: BillId(Uuid::from_u128(number)),
        provider: H,
        level: 1,
        beneficiary: P,
        lines: vec![line],
        total: Fen::new(fen),
        care: Care::Outpatient,
        date: None,
    }
}

struct Desk {
    payer: Payer,
    asked: u64,
    /// All that was told to everyone.
    told: Vec<PayEvent>,
}

impl Desk {
    fn new() -> Self {
        let ids = Seed(1).stream("settlement", 0);
        let payer = Payer::new(demo(), Fen::new(100_000), [(P, BALANCE)], ids).unwrap();
        let mut desk = Self { payer, asked: 0, told: vec![] };
        desk.ask(allow(key(7), LIMITS.0, LIMITS.1)).unwrap();
        desk
    }

    fn ask(&mut self, request: PayRequest) -> Result<PayReply, PayRefusal> {
        self.asked += 1;
        let from =
            ReplyTo { path: "svc-test".into(), correlation: self.asked.to_be_bytes().as_slice().into() };
        let mut out = vec![];
        self.payer.handle(Timestamp::from_millis(1_000_000), Input::Desk { from, request }, &mut out);
        let answer = out.pop();
        self.told.extend(out.into_iter().filter_map(|output| match output {
            Output::Event(event) => Some(event),
            _ => None,
        }));
        match answer {
            Some(Output::DeskReply { reply: PayReply::Refused(refusal), .. }) => Err(refusal),
            Some(Output::DeskReply { reply, .. }) => Ok(reply),
            other => panic!("{other:?}"),
        }
    }

    fn forward(&mut self, vouchers: Vec<Voucher>) -> Result<Vec<Forwarded>, PayRefusal> {
        match self.ask(PayRequest::Forward { terminal: T, vouchers })? {
            PayReply::Forwarded { vouchers, .. } => Ok(vouchers),
            other => panic!("{other:?}"),
        }
    }

    /// On the account of `P`, what the terminal may still take, and what the provider is owed.
    fn sums(&self) -> [i64; 3] {
        let accounts = [Account::Personal(P), Account::Offline(T), Account::Payable(H)];
        accounts.map(|account| self.payer.ledger().balance(account).get())
    }
}

fn allow(key: TerminalKey, per_payment: Fen, total: Fen) -> PayRequest {
    PayRequest::Allow { terminal: T, provider: H, key, per_payment, total }
}

fn terminal() -> offline::Terminal {
    offline::Terminal::new(T, key(7), LIMITS.0, LIMITS.1, 1)
}

/// Vouchers of bills that come to 700 each, of which so much is taken from the account.
fn vouchers(accounts: &[i64]) -> Vec<Voucher> {
    let mut terminal = terminal();
    for (number, &account) in (1..).zip(accounts) {
        terminal.take(Timestamp::from_millis(900_000), bill(number, 700), Fen::new(account)).unwrap();
    }
    terminal.waiting()
}

fn outcome(forwarded: &Forwarded) -> Result<Fen, PayRefusal> {
    match &forwarded.outcome {
        Outcome::Settled { borne, .. } => Ok(*borne),
        Outcome::Refused(refusal) => Err(refusal.clone()),
    }
}

#[test]
fn a_terminal_takes_no_more_than_it_may_and_than_it_can_keep() {
    let now = Timestamp::from_millis(0);
    let mut terminal = terminal();
    let limit = |counter, limit| Err(PayRefusal::OfflineLimitExceeded { counter, limit: Fen::new(limit) });
    assert_eq!(terminal.take(now, bill(1, 700), Fen::new(601)), limit(1, 600));
    assert_eq!(terminal.take(now, bill(1, 700), Fen::new(-1)), Err(PayRefusal::AmountInvalid { line: 0 }));
    assert_eq!(terminal.take(now, bill(1, 7), Fen::new(8)), Err(PayRefusal::AmountInvalid { line: 0 }));
    for number in 1..=3 {
        terminal.take(now, bill(number, 700), Fen::new(600)).unwrap();
    }
    assert_eq!(terminal.take(now, bill(4, 700), Fen::new(201)), limit(4, 200));
    for number in 4..=VOUCHERS_MAX as u128 {
        terminal.take(now, bill(number, 700), Fen::ZERO).unwrap();
    }
    assert_eq!(terminal.take(now, bill(0, 700), Fen::ZERO), Err(PayRefusal::Busy));
}

#[test]
fn n19_a_batch_that_is_forged_has_a_gap_or_is_over_the_limit_is_refused_as_a_whole() {
    let mut desk = Desk::new();
    let before = desk.sums();
    let good = vouchers(&[100, 200, 300]);
    let mut forged = good.clone();
    forged[1].account = Fen::new(201);
    assert_eq!(desk.forward(forged), Err(PayRefusal::OfflineMacInvalid { counter: 2 }));
    let mut other = good.clone();
    other[2].mac = "no signature".into();
    assert_eq!(desk.forward(other), Err(PayRefusal::OfflineMacInvalid { counter: 3 }));
    let gap = vec![good[0].clone(), good[2].clone()];
    assert_eq!(desk.forward(gap), Err(PayRefusal::OfflineSequenceGap { expected: 2, got: 3 }));
    desk.ask(allow(key(7), Fen::new(250), Fen::new(2_000))).unwrap();
    let limit = |counter, limit| Err(PayRefusal::OfflineLimitExceeded { counter, limit: Fen::new(limit) });
    assert_eq!(desk.forward(good.clone()), limit(3, 250));
    desk.ask(allow(key(7), LIMITS.0, Fen::new(299))).unwrap();
    assert_eq!(desk.forward(good.clone()), limit(2, 199));
    desk.ask(allow(key(8), LIMITS.0, LIMITS.1)).unwrap();
    assert_eq!(desk.forward(good.clone()), Err(PayRefusal::OfflineMacInvalid { counter: 1 }));
    assert_eq!(desk.sums(), before);
    assert_eq!(desk.payer.settled_count(), 0);
    let unknown = PayRequest::Forward { terminal: TerminalId(2), vouchers: good };
    assert_eq!(desk.ask(unknown), Err(PayRefusal::TerminalUnknown { terminal: TerminalId(2) }));
}

#[test]
fn an_allowance_of_nothing_less_or_for_the_terminal_of_another_is_told_apart() {
    let mut desk = Desk::new();
    assert_eq!(desk.ask(allow(key(7), LIMITS.0, Fen::new(-1))), Err(PayRefusal::AmountInvalid { line: 0 }));
    let (per_payment, total) = LIMITS;
    let other = PayRequest::Allow { terminal: T, provider: ProviderId(2), key: key(7), per_payment, total };
    assert_eq!(desk.ask(other), Err(PayRefusal::TerminalUnknown { terminal: T }));
    desk.ask(allow(key(7), LIMITS.0, Fen::ZERO)).unwrap();
    assert_eq!(desk.sums(), [1_000, 0, 0]);
}

#[test]
fn what_was_taken_is_paid_once_and_the_allowance_bears_what_the_account_has_not() {
    let mut desk = Desk::new();
    let batch = vouchers(&[600, 600, 0]);
    let first = desk.forward(batch.clone()).unwrap();
    assert_eq!(
        first.iter().map(outcome).collect::<Vec<_>>(),
        [Ok(Fen::ZERO), Ok(Fen::new(200)), Ok(Fen::ZERO)]
    );
    // The account is empty, the provider has all of it, and the terminal has 800 left.
    assert_eq!(desk.sums(), [0, 800, 2_100]);
    let again = desk.forward(batch).unwrap();
    assert!(again.iter().all(|one| one.duplicate));
    assert!(again.iter().map(outcome).eq(first.iter().map(outcome)));
    assert_eq!((desk.sums(), desk.payer.settled_count()), ([0, 800, 2_100], 3));
}

#[test]
fn a_number_used_twice_a_bill_paid_elsewhere_and_a_stay_are_told_and_not_paid() {
    let mut desk = Desk::new();
    desk.forward(vouchers(&[100])).unwrap();
    let now = Timestamp::from_millis(900_000);
    let mut terminal = terminal();
    terminal.take(now, bill(9, 700), Fen::new(100)).unwrap();
    terminal.take(now, bill(1, 700), Fen::new(100)).unwrap();
    terminal.take(now, Bill { care: Care::Inpatient, ..bill(3, 700) }, Fen::new(100)).unwrap();
    let told = desk.forward(terminal.waiting()).unwrap();
    assert_eq!(outcome(&told[0]), Err(PayRefusal::IdempotencyKeyReused));
    assert!(matches!(outcome(&told[1]), Err(PayRefusal::BillAlreadySettled { .. })));
    assert_eq!(outcome(&told[2]), Err(PayRefusal::CoverageInactive));
    assert_eq!(desk.sums(), [900, 1_900, 700]);
}

#[test]
fn what_was_taken_offline_is_taken_back_like_any_other() {
    let mut desk = Desk::new();
    let before = desk.sums();
    let told = desk.forward(vouchers(&[600])).unwrap();
    let Outcome::Settled { settlement, .. } = told[0].outcome else { panic!("{told:?}") };
    desk.ask(PayRequest::Reverse { settlement }).unwrap();
    assert_eq!(desk.sums(), before);
}

#[test]
fn a_voucher_is_signed_over_these_lines_and_like_this() {
    let voucher = &vouchers(&[100])[0];
    assert_eq!(
        voucher.signed(T),
        "kitecity-voucher-1\nt-0001\n1\n900000\n00000000-0000-0000-0000-000000000001\nh-0001\nr-0001\n700\n100\n"
    );
    assert_eq!(voucher.mac, "acf55dc028b683a5d5e45f873d490b75fe7e0c8157abbf2bbaa4a9d694402262");
    assert!(!format!("{:?}", key(7)).contains("0707"));
}

proptest! {
    /// Whatever batches get lost on the way there or back, and however often they come: each voucher is paid once.
    #[test]
    fn what_a_terminal_takes_is_paid_once_whatever_is_lost(
        deeds in prop::collection::vec((0..300_i64, any::<bool>(), any::<bool>()), 1..12),
    ) {
        let (mut desk, mut terminal, mut taken) = (Desk::new(), terminal(), 0);
        let now = Timestamp::from_millis(900_000);
        for (number, (account, arrives, answered)) in (1..).zip(deeds) {
            if terminal.take(now, bill(number, 700), Fen::new(account)).is_ok() {
                taken += 1;
            }
            if arrives {
                let reply = desk.ask(PayRequest::Forward { terminal: T, vouchers: terminal.waiting() });
                let Ok(PayReply::Forwarded { next, .. }) = reply else { panic!("{reply:?}") };
                if answered {
                    terminal.forwarded(next);
                }
            }
        }
        desk.forward(terminal.waiting()).unwrap();
        prop_assert_eq!(desk.payer.settled_count(), taken);
        prop_assert_eq!(desk.sums()[2], 700 * taken as i64);
    }
}

#[test]
fn only_the_bill_over_the_limit_of_a_terminal_is_flagged() {
    let mut desk = Desk::new();
    let good = vouchers(&[100, 200, 300]);
    let gap = vec![good[1].clone()];
    desk.forward(gap).unwrap_err();
    assert_eq!(desk.told, []);
    desk.ask(allow(key(7), Fen::new(250), Fen::new(2_000))).unwrap();
    let over = good[2].bill.id;
    desk.forward(good).unwrap_err();
    assert_eq!(desk.told, [PayEvent::RiskFlagged { beneficiary: P, bill: over, rule: LimitRule::Offline }]);
}

/// 1,000 are on the account: the allowance bears the rest.
#[test]
fn the_account_is_told_of_what_a_voucher_took_from_it_and_no_more() {
    let mut desk = Desk::new();
    let taken = vouchers(&[600, 600, 600]);
    for _ in 0..2 {
        desk.forward(taken.clone()).unwrap();
    }
    let told: Vec<_> = desk
        .told
        .iter()
        .filter_map(|event| match event {
            PayEvent::AccountDebited(entry) => Some(entry.amount.get()),
            _ => None,
        })
        .collect();
    assert_eq!((told.iter().sum::<i64>(), desk.sums()[0]), (BALANCE.get(), 0));
    assert!(told.iter().all(|&amount| amount > 0), "{told:?}");
}
