//! What is told of accounts, limits and books. That the entries add up to the balances, the desk itself asserts.

use super::*;
use crate::messages::{AccountUse, Entry, LimitRule};
use crate::reconcile::{Class, Difference};

fn entry(beneficiary: ResidentId, account: AccountUse, amount: i64, settlement: Uuid) -> Entry {
    Entry { beneficiary, account, amount: Fen::new(amount), settlement }
}

/// What was told of accounts since it was last asked.
fn entries(desk: &mut Desk) -> Vec<PayEvent> {
    let told = std::mem::take(&mut desk.told);
    let of_account =
        |event: &PayEvent| matches!(event, PayEvent::AccountDebited(_) | PayEvent::AccountCredited(_));
    told.into_iter().filter(of_account).collect()
}

fn flags(desk: &Desk) -> Vec<&PayEvent> {
    desk.told.iter().filter(|event| matches!(event, PayEvent::RiskFlagged { .. })).collect()
}

#[test]
fn what_is_held_let_go_or_paid_without_the_account_is_not_told_of_it() {
    let mut desk = desk();
    let settlement = desk.hold(&bill(1)).unwrap();
    desk.desk(PayRequest::Confirm { settlement, paid: false }).unwrap();
    desk.pay(&simple(2, 0)).unwrap();
    desk.desk(PayRequest::File { bill: Box::new(bill(3)) }).unwrap();
    let cash_channel = CashChannel::Counter;
    let deposit = PayRequest::Deposit { bill: bill(3).id, amount: Fen::new(500), back: false, cash_channel };
    desk.desk(deposit).unwrap();
    assert_eq!(entries(&mut desk), []);
}

#[test]
fn a_held_payment_is_told_of_its_account_once_when_it_is_captured() {
    let mut desk = desk();
    let settlement = desk.hold(&bill(1)).unwrap();
    assert_eq!(entries(&mut desk), []);
    for _ in 0..2 {
        desk.desk(PayRequest::Confirm { settlement, paid: true }).unwrap();
    }
    let debited = entry(P, AccountUse::Own, 50_000, settlement);
    assert_eq!(entries(&mut desk), [PayEvent::AccountDebited(debited)]);
}

#[test]
fn a_reversal_told_twice_credits_the_account_once() {
    let mut desk = desk();
    let settlement = desk.pay(&bill(1)).unwrap();
    let (from, request) = (desk.request(), PayRequest::Reverse { settlement });
    for _ in 0..2 {
        desk.handle(Input::Desk { from: from.clone(), request: request.clone() });
    }
    let paid = entry(P, AccountUse::Own, 50_000, settlement);
    assert_eq!(entries(&mut desk), [PayEvent::AccountDebited(paid), PayEvent::AccountCredited(paid)]);
}

/// Worked vector 10.
#[test]
fn a_refund_credits_what_was_paid_and_debits_what_is_left() {
    let mut desk = desk();
    let settlement = desk.pay(&bill(1)).unwrap();
    entries(&mut desk);
    let lines = vec![RefundLine { line: 2, quantity_milli: 3_000 }];
    let refunded = desk.desk(PayRequest::Refund { settlement, lines });
    let Ok(PayReply::Refunded { replacement, .. }) = refunded else { panic!("{refunded:?}") };
    let back = PayEvent::AccountCredited(entry(P, AccountUse::Own, 50_000, settlement));
    let anew = PayEvent::AccountDebited(entry(P, AccountUse::Own, 48_213, replacement));
    assert_eq!(entries(&mut desk), [back, anew]);
}

#[test]
fn an_account_that_pays_for_a_family_member_is_told_so() {
    let mut desk = desk();
    desk.payer.register.link(P, AUNT).unwrap();
    desk.presettle(PresettleRequest { bill: bill(1), family: Some(AUNT) }).unwrap();
    let settlement = desk.paid(SettleRequest::new(bill(1).id, "HC1:CODE".into()), AUNT).unwrap();
    let own = entry(P, AccountUse::Own, 50_000, settlement);
    let family = entry(AUNT, AccountUse::Family, 8_036, settlement);
    let told = [PayEvent::AccountDebited(own), PayEvent::AccountDebited(family)];
    assert_eq!(entries(&mut desk), told);
    desk.desk(PayRequest::Reverse { settlement }).unwrap();
    let told = [PayEvent::AccountCredited(family), PayEvent::AccountCredited(own)];
    assert_eq!(entries(&mut desk), told);
}

#[test]
fn a_refusal_is_flagged_by_its_rule_if_a_limit_is_behind_it_and_only_then() {
    let limits = Limits { day: Some(Fen::new(1_000)), per_hour: Some(2) };
    let mut desk = desk_with(Policies::from(demo()).limited(limits), [(P, Fen::new(50_000)).into()]);
    desk.pay(&simple(1, 600)).unwrap();
    assert!(desk.pay(&simple(1, 600)).is_err());
    assert!(desk.paid(SettleRequest::new(bill(9).id, "HC1:CODE".into()), P).is_err());
    assert_eq!(flags(&desk), [] as [&PayEvent; 0]);
    desk.pay(&simple(2, 401)).unwrap_err();
    desk.pay(&simple(3, 400)).unwrap();
    desk.pay(&simple(4, 0)).unwrap_err();
    let flagged =
        |bill: Bill, rule| PayEvent::RiskFlagged { beneficiary: bill.beneficiary, bill: bill.id, rule };
    let (daily, hourly) = (flagged(bill(2), LimitRule::Daily), flagged(bill(4), LimitRule::Hourly));
    assert_eq!(flags(&desk), [&daily, &hourly]);
}

#[test]
fn a_difference_and_the_close_of_a_day_are_told_once() {
    let mut desk = desk();
    let settlement = desk.pay(&simple(1, 1_000)).unwrap();
    let (provider, day) = (H, today(&desk));
    let difference = Difference { settlement, refund: false, class: Class::PlatformOnly, amount: 300 };
    desk.told.clear();
    for _ in 0..2 {
        desk.desk(PayRequest::Park { provider, day, difference }).unwrap();
    }
    desk.desk(PayRequest::Close { provider, day }).unwrap();
    assert_eq!(desk.desk(PayRequest::Close { provider, day }), Err(PayRefusal::DayClosed));
    let diff = PayEvent::ReconDiff { provider, day, difference };
    assert_eq!(desk.told, [diff, PayEvent::ReconClosed { provider, day, paid_out: Fen::new(700) }]);
}
