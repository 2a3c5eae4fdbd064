use proptest::prelude::*;

use super::*;
use crate::messages::CashChannel;
use crate::policy::Scheme;
use types::{ProviderId, ResidentId};

const P: ResidentId = ResidentId(1);
const H: ProviderId = ProviderId(1);
const FUND: Account = Account::PoolFund(Scheme::Employee);
const QUOTA: Quota = Quota { resident: P, plan: 0, year: 2026 };

fn transfer(debit: Account, credit: Account, fen: i64) -> Transfer {
    Transfer { debit, credit, amount: Fen::new(fen) }
}

fn group(id: u128, transfers: Vec<Transfer>) -> Group {
    Group { id: Uuid::from_u128(id), transfers }
}

/// A fund of 100 fen, an account of 50.
fn funded() -> Ledger {
    let mut ledger = Ledger::default();
    let opening = vec![
        transfer(Account::WorldBudget, FUND, 100),
        transfer(Account::WorldBudget, Account::Personal(P), 50),
    ];
    ledger.apply(&group(0, opening)).unwrap();
    ledger
}

#[test]
fn a_group_whose_last_transfer_fails_changes_nothing() {
    let mut ledger = funded();
    let before: Vec<_> = ledger.balances().collect();
    let too_much = group(
        1,
        vec![
            transfer(FUND, Account::Payable(H), 60),
            transfer(Account::Personal(P), Account::Payable(H), 51),
        ],
    );
    assert_eq!(
        ledger.apply(&too_much),
        Err(LedgerError::Insufficient { group: Uuid::from_u128(1), account: Account::Personal(P) })
    );
    assert_eq!(ledger.balances().collect::<Vec<_>>(), before);
    assert_eq!(ledger.group_count(), 1);
}

#[test]
fn two_transfers_that_overdraw_only_together_are_refused() {
    let half = transfer(Account::Personal(P), Account::Payable(H), 30);
    assert!(funded().apply(&group(1, vec![half, half])).is_err());
}

#[test]
fn malformed_groups_are_refused() {
    let refused = |transfers: Vec<Transfer>| funded().apply(&group(1, transfers)).unwrap_err();
    let id = Uuid::from_u128(1);
    assert_eq!(refused(vec![]), LedgerError::Size { group: id, got: 0 });
    let one = transfer(FUND, Account::Payable(H), 1);
    assert_eq!(refused(vec![one; 9]), LedgerError::Size { group: id, got: 9 });
    for amount in [0, -1, i64::MIN] {
        let bad = transfer(FUND, Account::Payable(H), amount);
        assert_eq!(refused(vec![bad]), LedgerError::AmountNotPositive { group: id });
    }
    let across = transfer(FUND, Account::QuotaWorld, 1);
    assert!(matches!(refused(vec![across]), LedgerError::Sides { .. }));
    let to_itself = transfer(FUND, FUND, 1);
    assert!(matches!(refused(vec![to_itself]), LedgerError::Sides { .. }));
    let huge = transfer(Account::WorldBudget, FUND, i64::MAX);
    assert_eq!(refused(vec![huge]), LedgerError::Overflow { group: id });
}

#[test]
fn a_group_posted_twice_counts_once_and_its_id_is_taken() {
    let mut ledger = funded();
    let payment = group(1, vec![transfer(FUND, Account::Payable(H), 60)]);
    ledger.apply(&payment).unwrap();
    ledger.apply(&payment).unwrap();
    assert_eq!(ledger.balance(Account::Payable(H)), Fen::new(60));
    let other = group(1, vec![transfer(FUND, Account::Payable(H), 1)]);
    assert_eq!(ledger.apply(&other), Err(LedgerError::Conflict { group: Uuid::from_u128(1) }));
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// What a payment of 60 fen from the fund moves.
fn payment(number: u128) -> Group {
    group(number, vec![transfer(FUND, Account::Payable(H), 60)])
}

#[test]
fn what_is_set_aside_cannot_be_spent_a_second_time() {
    let mut ledger = funded();
    ledger.all(&[Step::Hold(payment(1), at(100))]).unwrap();
    assert_eq!((ledger.balance(FUND), ledger.available(FUND)), (Fen::new(100), Fen::new(40)));
    let short = Err(LedgerError::Insufficient { group: id(2), account: FUND });
    assert_eq!(ledger.apply(&payment(2)), short);
    assert_eq!(ledger.all(&[Step::Hold(payment(2), at(100))]), short);
    ledger.all(&[Step::Capture(id(1))]).unwrap();
    assert_eq!((ledger.balance(FUND), ledger.available(FUND)), (Fen::new(40), Fen::new(40)));
    assert_eq!(ledger.all(&[Step::Void(id(1))]), Err(LedgerError::NotPending { group: id(1) }));
}

#[test]
fn what_expires_is_free_again_and_cannot_be_captured() {
    let mut ledger = funded();
    ledger.all(&[Step::Hold(payment(1), at(100))]).unwrap();
    assert_eq!((ledger.expire(at(99)), ledger.next_expiry()), (vec![], Some(at(100))));
    assert_eq!((ledger.expire(at(100)), ledger.next_expiry()), (vec![id(1)], None));
    assert_eq!(ledger.available(FUND), Fen::new(100));
    assert_eq!(ledger.all(&[Step::Capture(id(1))]), Err(LedgerError::NotPending { group: id(1) }));
    assert_eq!(ledger.all(&[Step::Capture(id(9))]), Err(LedgerError::Unknown { group: id(9) }));
}

#[test]
fn a_group_is_reversed_once_and_a_reversal_never() {
    let mut ledger = funded();
    let before: Vec<_> = ledger.balances().filter(|(_, fen)| *fen != Fen::ZERO).collect();
    let reverse = |of, by| [Step::Reverse { of: id(of), by: id(by) }];
    ledger.apply(&payment(1)).unwrap();
    ledger.all(&reverse(1, 2)).unwrap();
    ledger.all(&reverse(1, 2)).unwrap();
    assert_eq!(ledger.balances().filter(|(_, fen)| *fen != Fen::ZERO).collect::<Vec<_>>(), before);
    assert_eq!(ledger.all(&reverse(1, 3)), Err(LedgerError::AlreadyReversed { group: id(1), by: id(2) }));
    assert_eq!(ledger.all(&reverse(2, 3)), Err(LedgerError::NotReversible { group: id(2) }));
    ledger.all(&[Step::Hold(payment(4), at(9))]).unwrap();
    assert_eq!(ledger.all(&reverse(4, 5)), Err(LedgerError::NotReversible { group: id(4) }));
}

#[test]
fn of_linked_steps_all_happen_or_none() {
    let mut ledger = funded();
    ledger.apply(&payment(1)).unwrap();
    let before = format!("{ledger:?}");
    let reverse = Step::Reverse { of: id(1), by: id(2) };
    let too_much = Step::Post(group(3, vec![transfer(FUND, Account::Payable(H), 101)]));
    assert!(ledger.all(&[reverse.clone(), too_much]).is_err());
    assert_eq!(format!("{ledger:?}"), before);
    // What is freed by one step is there for the next.
    let all = Step::Post(group(3, vec![transfer(FUND, Account::Payable(H), 100)]));
    ledger.all(&[reverse, all]).unwrap();
    assert_eq!(ledger.balance(FUND), Fen::ZERO);
}

mod model;
