//! How a patient wants to pay: with the accounts or without, and by which channel the cash.

use super::*;

const WECHAT: Account = Account::CashClearing(CashChannel::Wechat);
const COUNTER: Account = Account::CashClearing(CashChannel::Counter);

fn request() -> SettleRequest {
    SettleRequest::new(bill(1).id, "HC1:CODE".into())
}

fn by_wechat() -> SettleRequest {
    SettleRequest { cash_channel: CashChannel::Wechat, ..request() }
}

fn spared() -> SettleRequest {
    SettleRequest { spare_accounts: true, ..by_wechat() }
}

/// With worked vector 1 presettled: account 500.00, cash 116.36.
fn presettled() -> Desk {
    let mut desk = desk();
    desk.presettle(bill(1)).unwrap();
    desk
}

fn split_of(desk: &mut Desk, settlement: Uuid) -> Split {
    match desk.desk(PayRequest::Trace { settlement }) {
        Ok(PayReply::Trace { bill, .. }) => bill.split,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_family_member_who_is_not_in_the_presettlement_does_not_pay() {
    let mut desk = presettled();
    let refused = desk.paid(SettleRequest { family: Some(AUNT), ..request() }, P);
    assert!(matches!(refused, Err(PayRefusal::PresettlementStale { fresh: Some(_) })), "{refused:?}");
    assert_eq!(desk.balance(Account::Payable(H)), 0);
}

#[test]
fn the_cash_part_is_cleared_by_its_channel_and_goes_back_the_same_way() {
    let mut desk = presettled();
    let settlement = desk.paid(by_wechat(), P).unwrap();
    assert_eq!([WECHAT, COUNTER].map(|account| desk.balance(account)), [-11_636, 0]);
    let lines = vec![RefundLine { line: 2, quantity_milli: 3_000 }];
    desk.desk(PayRequest::Refund { settlement, lines }).unwrap();
    assert_eq!([WECHAT, COUNTER].map(|account| desk.balance(account)), [-3_600, 0]);
}

#[test]
fn a_patient_who_spares_the_accounts_pays_their_part_in_cash() {
    let mut desk = presettled();
    let settlement = desk.paid(spared(), P).unwrap();
    let split = split_of(&mut desk, settlement);
    assert_eq!((split.account, split.cash), (Fen::ZERO, Fen::new(61_636)));
    assert_eq!([WECHAT, Account::Personal(P)].map(|account| desk.balance(account)), [-61_636, 50_000]);
}

#[test]
fn a_held_settlement_is_captured_by_the_means_it_was_held_with() {
    let mut desk = presettled();
    let SettleReply::Held { settlement, .. } = desk.settle(SettleRequest { hold: true, ..spared() }, P)
    else {
        panic!("it was to be held")
    };
    desk.desk(PayRequest::Confirm { settlement, paid: true }).unwrap();
    assert_eq!(split_of(&mut desk, settlement).cash, Fen::new(61_636));
    assert_eq!(desk.balance(WECHAT), -61_636);
    desk.desk(PayRequest::Reverse { settlement }).unwrap();
    assert_eq!(desk.balance(WECHAT), 0);
}

#[test]
fn a_hold_without_the_accounts_that_is_let_go_is_presettled_anew_with_them() {
    let mut desk = presettled();
    let SettleReply::Held { settlement, .. } = desk.settle(SettleRequest { hold: true, ..spared() }, P)
    else {
        panic!("it was to be held")
    };
    desk.desk(PayRequest::Confirm { settlement, paid: false }).unwrap();
    assert_eq!(desk.paid(request(), P), Err(PayRefusal::PresettlementStale { fresh: None }));
    let (_, split) = desk.presettle(bill(1)).unwrap();
    assert_eq!(split.account, Fen::new(50_000));
    desk.paid(request(), P).unwrap();
}
