//! What holds in whatever order things are done: of a day with differences, of random deeds, of two tills at once.

use super::*;

/// A day with sixty bills, one in five taken back; its rows.
fn busy_day(desk: &mut Desk) -> Vec<crate::reconcile::Row> {
    for number in 1..=60 {
        let settlement = desk.pay(&simple(number, 1_000 + number as i64)).unwrap();
        if number % 5 == 0 {
            desk.desk(PayRequest::Reverse { settlement }).unwrap();
        }
    }
    let day = today(desk);
    match desk.desk(PayRequest::Detail { provider: H, day, after: 0 }) {
        Ok(PayReply::Detail { rows, more: false }) => rows,
        other => panic!("{other:?}"),
    }
}

#[test]
fn whatever_differs_is_put_aside_and_suspense_ends_at_zero() {
    use crate::messages::Resolution::{Accept, Rebook, Reverse};
    use crate::reconcile::{Class, compare, inject};
    for (seed, close_first) in (0..12).map(|seed| (seed, seed % 2 == 0)) {
        let mut desk = desk();
        let rows = busy_day(&mut desk);
        let day = today(&desk);
        let (hospital, key) = inject(&rows, 300, &mut Seed(seed).stream("injector", 0));
        let report = compare(day, &rows, &hospital);
        assert_eq!(report.differences.len(), key.len());
        for &difference in &report.differences {
            for _ in 0..2 {
                desk.desk(PayRequest::Park { provider: H, day, difference }).unwrap();
            }
        }
        let suspense = Account::Suspense(H, day);
        let aside: i64 = report.differences.iter().map(|difference| difference.amount).sum();
        assert_eq!(desk.balance(suspense), aside);
        if close_first {
            desk.desk(PayRequest::Close { provider: H, day }).unwrap();
            assert_eq!(desk.balance(Account::Payable(H)), 0);
            assert_eq!(desk.balance(Account::SettleBank(H)), report.hospital.total);
            desk.now = desk.now.plus_millis(types::DAY_MS);
        }
        for (number, difference) in report.differences.iter().enumerate() {
            let action = match difference.class {
                Class::PlatformOnly if number % 2 == 0 => Reverse,
                _ if number % 3 == 0 => Accept,
                _ => Rebook,
            };
            let (settlement, refund) = (difference.settlement, difference.refund);
            let resolve = PayRequest::Resolve { provider: H, day, settlement, refund, action };
            let resolve = match desk.desk(resolve.clone()) {
                // The provider has its reversal, but never had the settlement itself.
                Err(PayRefusal::AlreadyReversed { .. }) => {
                    let rebook = PayRequest::Resolve { provider: H, day, settlement, refund, action: Rebook };
                    desk.desk(rebook.clone()).unwrap();
                    rebook
                }
                done => done.map(|_| resolve).unwrap(),
            };
            assert_eq!(desk.desk(resolve), Err(PayRefusal::SettlementUnknown));
        }
        assert_eq!(desk.balance(suspense), 0);
    }
}

mod random {
    use proptest::prelude::*;

    use super::*;

    /// What somebody does with the bill of a number.
    #[derive(Clone, Copy, Debug)]
    enum Deed {
        Pay(u128),
        Hold(u128),
        Confirm(u128, bool),
        Reverse(u128),
        Refund(u128, u32),
        Wait,
    }

    fn any_deed() -> impl Strategy<Value = Deed> {
        prop_oneof![
            (1..8_u128).prop_map(Deed::Pay),
            (1..8_u128).prop_map(Deed::Hold),
            (1..8_u128, any::<bool>()).prop_map(|(number, paid)| Deed::Confirm(number, paid)),
            (1..8_u128).prop_map(Deed::Reverse),
            (1..8_u128, 1..6_000_u32).prop_map(|(number, milli)| Deed::Refund(number, milli)),
            Just(Deed::Wait),
        ]
    }

    proptest! {
        /// Whatever is done in whatever order: the pool pays no more than the cap, what is not reversed is owed, and
        /// once all is taken back, everything is as it was.
        #[test]
        fn i9_when_all_is_taken_back_everything_is_as_it_was(deeds in prop::collection::vec(any_deed(), 0..30)) {
            let cap = Fen::new(60_000);
            let policy = crate::Policy { cap, ..demo() };
            let mut desk = desk_with(policy.into(), [(P, Fen::new(50_000)).into()]);
            let (before, day) = (desk.balances(), today(&desk));
            let fresh = desk.payer.standing(P, Care::Outpatient, day);
            let mut known = std::collections::BTreeMap::new();
            let mut held = std::collections::BTreeMap::new();
            for deed in deeds {
                match deed {
                    Deed::Pay(number) => known.extend(desk.pay(&bill(number)).ok().map(|id| (number, id))),
                    Deed::Hold(number) => held.extend(desk.hold(&bill(number)).ok().map(|id| (number, id))),
                    Deed::Confirm(number, paid) => if let Some(&settlement) = held.get(&number) {
                        let confirmed = desk.desk(PayRequest::Confirm { settlement, paid });
                        // Confirmed again, it is answered again: but by then it may have been replaced.
                        if confirmed.is_ok() && paid {
                            known.entry(number).or_insert(settlement);
                        }
                    }
                    Deed::Reverse(number) => if let Some(&settlement) = known.get(&number) {
                        let _ = desk.desk(PayRequest::Reverse { settlement });
                    }
                    Deed::Refund(number, quantity_milli) => if let Some(&settlement) = known.get(&number) {
                        let lines = vec![RefundLine { line: 2, quantity_milli }];
                        if let Ok(PayReply::Refunded { replacement, .. }) =
                            desk.desk(PayRequest::Refund { settlement, lines })
                        {
                            known.insert(number, replacement);
                        }
                    }
                    Deed::Wait => desk.now = desk.now.plus_millis(HOLD_MS / 3),
                }
                let used = desk.payer.standing(P, Care::Outpatient, day).unwrap();
                prop_assert!(used.fund_used <= cap && used.balance >= Fen::ZERO);
            }
            for (&number, &settlement) in &held {
                if !known.contains_key(&number) {
                    let _ = desk.desk(PayRequest::Confirm { settlement, paid: false });
                }
            }
            for &settlement in known.values() {
                let _ = desk.desk(PayRequest::Reverse { settlement });
            }
            let mut out = vec![];
            desk.payer.handle_timeout(desk.now.plus_millis(HOLD_MS), &mut out);
            prop_assert_eq!(desk.balances(), before);
            prop_assert_eq!(desk.payer.standing(P, Care::Outpatient, day), fresh);
        }
    }
}

/// One step of a till with its bill: presettle, ask for payment, hear from the verifier.
fn till_step(desk: &mut Desk, bill: &Bill, step: usize, asked: &mut Option<IdentityCheck>, hold: bool) {
    match step {
        0 => drop(desk.presettle(bill.clone())),
        1 => {
            let request = SettleRequest { hold, ..SettleRequest::new(bill.id, "HC1:CODE".into()) };
            let from = desk.request();
            if let Some(Output::CheckIdentity(check)) = desk.handle(Input::Settle { from, request }).pop() {
                *asked = Some(check);
            }
        }
        _ => {
            if let Some(check) = asked.take() {
                desk.asked += 1;
                desk.verified(&check, P);
            }
        }
    }
}

#[test]
fn i11_two_tills_never_spend_more_than_the_cap_whoever_comes_first() {
    let cap = Fen::new(30_000);
    let mut both_paid = 0;
    // Six steps, three of each till, in every order; each till pays at once, or sets aside first.
    for order in (0_u32..64).filter(|order| order.count_ones() == 3) {
        for holds in 0..4 {
            let policy = crate::Policy { cap, ..demo() };
            let mut desk = desk_with(policy.into(), [(P, Fen::new(60_000)).into()]);
            let bills = [bill(1), bill(2)];
            let (mut steps, mut asked) = ([0; 2], [None, None]);
            for turn in 0..6 {
                let till = (order >> turn & 1) as usize;
                till_step(&mut desk, &bills[till], steps[till], &mut asked[till], holds >> till & 1 == 1);
                steps[till] += 1;
                let used = desk.payer.standing(P, Care::Outpatient, today(&desk)).unwrap();
                assert!(used.fund_used <= cap && used.balance >= Fen::ZERO, "order {order:b}");
            }
            let ledger = desk.payer.ledger();
            both_paid += usize::from(ledger.pending_count() + desk.payer.settled_count() == 2);
        }
    }
    // Only where one till had done before the other was told its split.
    assert_eq!(both_paid, 8);
}
