//! Cash that is paid at admission, before the bill of the stay is settled.

use super::*;
use crate::adjudicate::DepositUse;
use crate::emv::BillCode;
use crate::messages::BillState;

/// A first stay of somebody without an account: of 4,000.00 yuan, 1,365.00 are cash.
fn stay() -> Bill {
    let bed = BillLine { item: "bed-day".into(), ..line(Category::A, 300_000, 1, 0) };
    let surgery = BillLine { item: "surgery".into(), ..line(Category::B, 100_000, 1, 1_000) };
    let total = Fen::new(400_000);
    Bill { level: 3, care: Care::Inpatient, lines: vec![bed, surgery], total, ..bill(1) }
}

fn deposit(amount: i64, back: bool) -> PayRequest {
    let cash_channel = CashChannel::Counter;
    PayRequest::Deposit { bill: stay().id, amount: Fen::new(amount), back, cash_channel }
}

/// A filed stay, and so much deposited for it.
fn admitted(amount: i64) -> Desk {
    let mut desk = desk_with(demo_book(), [(P, Fen::ZERO).into()]);
    desk.desk(PayRequest::File { bill: Box::new(stay()) }).unwrap();
    let balance = Fen::new(amount);
    let deposited = desk.desk(deposit(amount, false));
    assert_eq!(deposited, Ok(PayReply::Deposited { bill: stay().id, balance }));
    desk
}

/// On deposit, taken at tills, and owed to the provider.
fn sums(desk: &Desk) -> [i64; 3] {
    [Account::Deposit(stay().id), Account::CashClearing(CashChannel::Counter), Account::Payable(H)]
        .map(|account| desk.balance(account))
}

fn became(desk: &mut Desk) -> Option<[i64; 3]> {
    match desk.desk(PayRequest::Bill { bill: stay().id }) {
        Ok(PayReply::Bill { state: BillState::Settled { deposit, .. }, .. }) => {
            deposit.map(|DepositUse { used, refund, due }| [used, refund, due].map(Fen::get))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_deposit_of_nothing_for_no_bill_or_a_paid_one_or_more_back_than_there_is_is_refused() {
    let mut desk = admitted(50_000);
    for amount in [0, -1] {
        assert_eq!(desk.desk(deposit(amount, false)), Err(PayRefusal::AmountInvalid { line: 0 }));
    }
    let cash_channel = CashChannel::Counter;
    let unknown = PayRequest::Deposit {
        bill: BillId(Uuid::from_u128(9)),
        amount: Fen::new(1),
        back: false,
        cash_channel,
    };
    assert_eq!(desk.desk(unknown), Err(PayRefusal::BillUnknown));
    let available = Fen::new(50_000);
    assert_eq!(desk.desk(deposit(50_001, true)), Err(PayRefusal::AccountInsufficient { available }));
    desk.pay(&stay()).unwrap();
    assert!(matches!(desk.desk(deposit(1, false)), Err(PayRefusal::BillAlreadySettled { .. })));
    assert_eq!(desk.desk(deposit(1, true)), Err(PayRefusal::AccountInsufficient { available: Fen::ZERO }));
}

#[test]
fn a_deposit_pays_the_cash_part_and_what_is_missing_is_due() {
    let mut desk = admitted(50_000);
    desk.pay(&stay()).unwrap();
    assert_eq!(became(&mut desk), Some([50_000, 0, 86_500]));
    assert_eq!(sums(&desk), [0, -136_500, 400_000]);
}

#[test]
fn what_is_left_of_a_deposit_is_given_back() {
    let mut desk = admitted(200_000);
    desk.pay(&stay()).unwrap();
    assert_eq!(became(&mut desk), Some([136_500, 63_500, 0]));
    assert_eq!(sums(&desk), [0, -136_500, 400_000]);
}

#[test]
fn a_stay_that_is_taken_back_leaves_its_deposit_to_be_given_back() {
    let mut desk = admitted(50_000);
    let settlement = desk.pay(&stay()).unwrap();
    desk.desk(PayRequest::Reverse { settlement }).unwrap();
    assert_eq!(sums(&desk), [50_000, -50_000, 0]);
    desk.desk(deposit(50_000, true)).unwrap();
    assert_eq!(sums(&desk), [0, 0, 0]);
}

#[test]
fn what_is_settled_anew_after_a_refund_is_paid_from_the_deposit_again() {
    let mut desk = admitted(200_000);
    let settlement = desk.pay(&stay()).unwrap();
    let lines = vec![RefundLine { line: 2, quantity_milli: 1_000 }];
    let Ok(PayReply::Refunded { split, .. }) = desk.desk(PayRequest::Refund { settlement, lines }) else {
        panic!("the surgery can be given back")
    };
    let cash = split.cash.get();
    assert_eq!(became(&mut desk), Some([cash, 200_000 - cash, 0]));
    assert_eq!(sums(&desk), [0, -cash, 300_000]);
}

#[test]
fn the_code_at_the_till_is_about_what_is_due_after_the_deposit() {
    let mut desk = admitted(50_000);
    desk.presettle(stay()).unwrap();
    let due = |desk: &mut Desk| match desk.desk(PayRequest::Bill { bill: stay().id }) {
        Ok(PayReply::Bill { bill, state }) => BillCode::of(&bill, &state).unwrap().amount.get(),
        other => panic!("{other:?}"),
    };
    assert_eq!(due(&mut desk), 86_500);
    desk.hold(&stay()).unwrap();
    assert_eq!(due(&mut desk), 86_500);
}

#[test]
fn a_deposit_is_there_again_when_a_held_settlement_is_let_go() {
    let mut desk = admitted(50_000);
    desk.hold(&stay()).unwrap();
    assert_eq!(desk.desk(deposit(1, true)), Err(PayRefusal::AccountInsufficient { available: Fen::ZERO }));
    let mut out = vec![];
    desk.payer.handle_timeout(desk.now.plus_millis(HOLD_MS), &mut out);
    desk.desk(deposit(50_000, true)).unwrap();
    assert_eq!(sums(&desk), [0, 0, 0]);
}
