//! Stays in hospital: admission, interim bills, discharge.

use super::*;
use crate::adjudicate::DepositUse;
use crate::messages::BillState;

fn id(number: u128) -> BillId {
    BillId(Uuid::from_u128(number))
}

fn admit(number: u128, beneficiary: ResidentId) -> PayRequest {
    PayRequest::Admit { stay: id(number), provider: H, level: 3, beneficiary }
}

fn interim(number: u128, lines: Vec<BillLine>) -> PayRequest {
    PayRequest::Interim { stay: id(number), lines }
}

fn discharge(number: u128) -> PayRequest {
    PayRequest::Discharge { stay: id(number) }
}

/// The two lines of a first stay: of 4,000.00 yuan, 1,365.00 are cash.
fn lines() -> [BillLine; 2] {
    [bed(300_000), BillLine { item: "surgery".into(), ..line(Category::B, 100_000, 1, 1_000) }]
}

fn bed(price: i64) -> BillLine {
    BillLine { item: "bed-day".into(), ..line(Category::A, price, 1, 0) }
}

/// A bill for something else.
fn other(number: u128) -> Bill {
    Bill { lines: vec![bed(100)], total: Fen::new(100), ..bill(number) }
}

fn deposit(number: u128, fen: i64) -> PayRequest {
    let cash_channel = CashChannel::Unionpay;
    PayRequest::Deposit { bill: id(number), amount: Fen::new(fen), back: false, cash_channel }
}

fn hospital() -> Desk {
    desk_with(demo_book(), [P, AUNT].map(|resident| (resident, Fen::ZERO).into()))
}

fn told(reply: Result<PayReply, PayRefusal>) -> (Split, [i64; 3]) {
    match reply {
        Ok(PayReply::Interim { split, deposit: DepositUse { used, refund, due }, .. }) => {
            (split, [used, refund, due].map(Fen::get))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn nobody_is_admitted_twice_uninsured_under_a_bills_id_or_where_no_level_is() {
    let mut desk = hospital();
    desk.presettle(other(7)).unwrap();
    assert_eq!(desk.desk(admit(7, P)), Err(PayRefusal::BillConflict));
    assert_eq!(desk.desk(admit(1, ResidentId(9))), Err(PayRefusal::CoverageInactive));
    let odd = PayRequest::Admit { stay: id(1), provider: H, level: 4, beneficiary: P };
    assert_eq!(desk.desk(odd), Err(PayRefusal::AmountInvalid { line: 0 }));
    desk.desk(admit(1, P)).unwrap();
    assert_eq!(desk.desk(admit(2, P)), Err(PayRefusal::AlreadyAdmitted { stay: id(1) }));
    assert_eq!(desk.desk(admit(1, AUNT)), Err(PayRefusal::BillConflict));
}

#[test]
fn a_stay_that_does_not_go_on_is_neither_added_to_nor_ended() {
    let mut desk = hospital();
    assert_eq!(desk.desk(interim(1, vec![])), Err(PayRefusal::StayUnknown));
    assert_eq!(desk.desk(discharge(1)), Err(PayRefusal::StayUnknown));
    desk.desk(admit(1, P)).unwrap();
    desk.desk(interim(1, lines().to_vec())).unwrap();
    desk.desk(discharge(1)).unwrap();
    assert_eq!(desk.desk(interim(1, lines().to_vec())), Err(PayRefusal::StayUnknown));
    assert_eq!(desk.desk(discharge(1)), Err(PayRefusal::StayUnknown));
}

#[test]
fn a_stay_without_lines_goes_on_after_it_could_not_be_ended() {
    let mut desk = hospital();
    desk.desk(admit(1, P)).unwrap();
    assert_eq!(desk.desk(discharge(1)), Err(PayRefusal::AmountInvalid { line: 0 }));
    assert_eq!(desk.desk(admit(2, P)), Err(PayRefusal::AlreadyAdmitted { stay: id(1) }));
    desk.desk(interim(1, lines().to_vec())).unwrap();
    desk.desk(discharge(1)).unwrap();
}

#[test]
fn no_other_bill_takes_the_id_of_a_stay() {
    let mut desk = hospital();
    desk.desk(admit(1, P)).unwrap();
    assert_eq!(desk.presettle(other(1)), Err(PayRefusal::BillConflict));
    assert_eq!(desk.desk(PayRequest::File { bill: Box::new(other(1)) }), Err(PayRefusal::BillConflict));
}

#[test]
fn an_interim_bill_with_a_bad_line_changes_nothing() {
    let mut desk = hospital();
    desk.desk(admit(1, P)).unwrap();
    desk.desk(interim(1, vec![lines()[0].clone()])).unwrap();
    let odd = vec![bed(-1)];
    assert_eq!(desk.desk(interim(1, odd)), Err(PayRefusal::AmountInvalid { line: 2 }));
    let (split, _) = told(desk.desk(interim(1, vec![])));
    assert_eq!(split.total, Fen::new(300_000));
}

#[test]
fn interim_bills_add_up_and_say_what_is_missing_of_the_deposit() {
    let mut desk = hospital();
    desk.desk(admit(1, P)).unwrap();
    assert_eq!(told(desk.desk(interim(1, vec![]))).1, [0; 3], "nothing was done yet");
    desk.desk(deposit(1, 50_000)).unwrap();
    let [bed, surgery] = lines();
    let (split, so_far) = told(desk.desk(interim(1, vec![bed])));
    assert_eq!((split.cash.get(), so_far), (113_000, [50_000, 0, 63_000]));
    let (split, so_far) = told(desk.desk(interim(1, vec![surgery])));
    assert_eq!((split.cash.get(), so_far), (136_500, [50_000, 0, 86_500]));
    desk.desk(deposit(1, 100_000)).unwrap();
    let state = desk.desk(PayRequest::Bill { bill: id(1) });
    let Ok(PayReply::Bill { state: BillState::Admitted { deposit }, bill }) = state else {
        panic!("{state:?}")
    };
    assert_eq!((deposit, bill.lines.len()), (Fen::new(150_000), 2));
}

#[test]
fn a_discharged_stay_is_settled_with_its_deposit_and_the_second_costs_half_the_deductible() {
    let mut desk = hospital();
    let mut first_of = vec![];
    for number in [1, 2] {
        let Ok(PayReply::Admitted { deductible, earlier, .. }) = desk.desk(admit(number, P)) else {
            panic!("stay {number}")
        };
        first_of.push((deductible.get(), earlier));
        desk.desk(deposit(number, 150_000)).unwrap();
        desk.desk(interim(number, lines().to_vec())).unwrap();
        let Ok(PayReply::Discharged { bill }) = desk.desk(discharge(number)) else { panic!("stay {number}") };
        let (_, split) = desk.presettle(*bill.clone()).unwrap();
        assert_eq!(split.deductible, deductible, "as it was told at admission");
        desk.paid(SettleRequest::new(bill.id, "HC1:CODE".into()), P).unwrap();
        assert_eq!(desk.balance(Account::Deposit(bill.id)), 0);
    }
    assert_eq!(first_of, [(80_000, 0), (40_000, 1)]);
}
