use proptest::prelude::*;
use types::Seed;

use super::*;

fn day() -> Day {
    "2026-04-18".parse().unwrap()
}

fn row(number: u128, refund: bool, [fund, account, cash]: [i64; 3]) -> Row {
    Row {
        settlement: Uuid::from_u128(number),
        refund,
        bill: BillId(Uuid::from_u128(number)),
        day: day(),
        total: Fen::new(fund + account + cash),
        fund: Fen::new(fund),
        account: Fen::new(account),
        cash: Fen::new(cash),
    }
}

/// The differences of two books, as classes.
fn classes(platform: &[Row], hospital: &[Row]) -> Vec<(Class, i64)> {
    let report = compare(day(), platform, hospital);
    report.differences.iter().map(|difference| (difference.class, difference.amount)).collect()
}

#[test]
fn each_class_is_told_from_the_others() {
    let good = row(1, false, [10, 5, 5]);
    let refund = row(1, true, [10, 5, 5]);
    for (platform, hospital, expected) in [
        (vec![good], vec![], vec![(Class::PlatformOnly, 20)]),
        (vec![], vec![good], vec![(Class::HospitalOnly, -20)]),
        (vec![good], vec![row(1, false, [10, 5, 6])], vec![(Class::AmountDiff, -1)]),
        (vec![good], vec![row(1, false, [10, 6, 4])], vec![(Class::SplitDiff, 0)]),
        (vec![good], vec![good, good], vec![(Class::Duplicate, -20)]),
        (vec![good, good], vec![good], vec![(Class::Duplicate, 20)]),
        (vec![good], vec![Row { day: day().next(), ..good }], vec![(Class::DateShift, 20)]),
        (vec![good, refund], vec![good], vec![(Class::RefundMissing, -20)]),
        (vec![good], vec![good, refund], vec![(Class::RefundMissing, 20)]),
        (vec![good, refund], vec![refund, good], vec![]),
    ] {
        assert_eq!(classes(&platform, &hospital), expected, "{platform:?} {hospital:?}");
    }
}

#[test]
fn a_shifted_row_is_told_on_the_payers_day_only() {
    let good = row(1, false, [10, 5, 5]);
    let shifted = Row { day: day().next(), ..good };
    assert_eq!(compare(day(), &[good], &[shifted]).differences.len(), 1);
    assert_eq!(compare(day().next(), &[good], &[shifted]).differences, []);
}

#[test]
fn totals_count_reversals_the_other_way() {
    let totals = Totals::of(&[row(1, false, [10, 5, 5]), row(2, false, [1, 1, 1]), row(1, true, [10, 5, 5])]);
    assert_eq!(totals, Totals { settled: 2, reversed: 1, total: 3, fund: 1, account: 1, cash: 1 });
}

prop_compose! {
    fn any_book()(parts in prop::collection::vec(([0..500_i64, 0..500, 0..500], any::<bool>()), 0..200)) -> Vec<Row> {
        let numbered = parts.into_iter().zip(1..);
        numbered.flat_map(|((parts, refund), number)| {
            [row(number, false, parts)].into_iter().chain(refund.then(|| row(number, true, parts)))
        }).collect()
    }
}

proptest! {
    /// Precision and recall are one: the report is the answer key, and the amounts explain the totals.
    #[test]
    fn the_report_is_the_answer_key(book in any_book(), per_thousand in 0..=1_000_u64, seed: u64) {
        let (spoiled, key) = inject(&book, per_thousand, &mut Seed(seed).stream("injector", 0));
        let report = compare(day(), &book, &spoiled);
        let found: Vec<_> =
            report.differences.iter().map(|one| (one.settlement, one.refund, one.class)).collect();
        prop_assert_eq!(found, key);
        let explained: i64 = report.differences.iter().map(|one| one.amount).sum();
        prop_assert_eq!(explained, report.platform.total - report.hospital.total);
    }
}

#[test]
fn the_injector_makes_every_class() {
    let book: Vec<Row> =
        (1..500).flat_map(|number| [false, true].map(|refund| row(number, refund, [3, 2, 1]))).collect();
    let (_, key) = inject(&book, 300, &mut Seed(7).stream("injector", 0));
    for class in Class::ALL {
        assert!(key.iter().any(|(_, _, made)| *made == class), "{class:?} was never made");
    }
}
