//! What an audit notices that no request can cause.

use super::*;
use crate::payer::Invariant;

/// What is noticed of a settlement of which so much more \[fen\] is booked on the fund, and less on cash.
fn noticed(more_from_fund: i64) -> Option<Invariant> {
    let mut desk = desk();
    let settlement = desk.pay(&bill(1)).unwrap();
    let shift = |fen: &mut Fen, by: i64| *fen = Fen::new(fen.get() + by);
    desk.payer.settlements.spoil(settlement, |settlement| {
        shift(&mut settlement.split.pool, more_from_fund);
        shift(&mut settlement.split.cash, -more_from_fund);
    });
    desk.payer.audit(&desk.heard).err().map(|broken| broken.invariant)
}

#[test]
fn i5_i6_a_fund_that_paid_a_fen_too_little_or_too_much_is_noticed() {
    assert_eq!(noticed(-1), Some(Invariant::FundNeverRises));
    assert_eq!(noticed(1), Some(Invariant::FundNeverFalls));
    assert_eq!(noticed(0), None);
}
