use proptest::prelude::*;
use types::{BillId, ProviderId, ResidentId};
use uuid::Uuid;

use super::*;
use crate::day::Day;
use crate::policy::{Care, demo, demo_book};

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

fn bill(level: u8, total: i64, lines: Vec<BillLine>) -> Bill {
    Bill {
        id: BillId(Uuid::nil()),
        provider: ProviderId(1),
        level,
        beneficiary: ResidentId(1),
        lines,
        total: Fen::new(total),
        care: Care::Outpatient,
        date: None,
    }
}

fn standing(deductible_used: i64, fund_used: i64, balance: i64) -> Standing {
    Standing {
        deductible_used: Fen::new(deductible_used),
        fund_used: Fen::new(fund_used),
        balance: Fen::new(balance),
        ..Standing::default()
    }
}

fn refusal(bill: &Bill) -> PayRefusal {
    adjudicate(&demo(), bill, Standing::default()).unwrap_err()
}

#[test]
fn a_bad_amount_is_refused_by_its_line() {
    let good = line(Category::A, 100, 1, 0);
    let changes: [fn(&mut BillLine); 5] = [
        |l| l.unit_price = Fen::new(-1),
        |l| l.quantity_milli = 0,
        |l| l.price_limit = Some(Fen::new(-1)),
        |l| l.preself_bp = 10_001,
        |l| (l.unit_price, l.quantity_milli) = (Fen::new(i64::MAX), 1_001),
    ];
    for change in changes {
        let mut bad = good.clone();
        change(&mut bad);
        assert_eq!(refusal(&bill(1, 200, vec![good.clone(), bad])), PayRefusal::AmountInvalid { line: 2 });
    }
}

#[test]
fn a_bill_without_lines_with_too_many_or_of_no_level_is_refused_as_a_whole() {
    let good = line(Category::A, 1, 1, 0);
    let whole = PayRefusal::AmountInvalid { line: 0 };
    assert_eq!(refusal(&bill(1, 0, vec![])), whole);
    assert_eq!(refusal(&bill(1, 101, vec![good.clone(); 101])), whole);
    assert_eq!(refusal(&bill(0, 1, vec![good.clone()])), whole);
    assert_eq!(refusal(&bill(4, 1, vec![good])), whole);
    let huge = line(Category::A, i64::MAX, 1, 0);
    assert_eq!(refusal(&bill(1, i64::MAX, vec![huge.clone(), huge])), whole);
}

#[test]
fn a_wrong_total_is_refused_with_the_right_one() {
    let wrong = bill(1, 201, vec![line(Category::A, 100, 2, 0)]);
    assert_eq!(refusal(&wrong), PayRefusal::BillTotalMismatch { expected: 200, got: 201 });
}

#[test]
fn the_largest_possible_bill_is_split_without_overflow() {
    let largest = bill(3, i64::MAX, vec![line(Category::B, i64::MAX, 1, 10_000)]);
    let (split, _) = adjudicate(&demo(), &largest, standing(i64::MAX, i64::MIN, i64::MAX)).unwrap();
    assert_eq!((split.in_scope, split.account), (Fen::ZERO, Fen::new(i64::MAX)));
}

/// The policy of the demo file for somebody's care.
fn of(insured: Insured, care: Care) -> Policy {
    demo_book().choose(insured, care, Day::default()).unwrap().1.clone()
}

#[test]
fn the_worked_vectors_come_out_to_the_fen() {
    use Care::{Chronic, Inpatient, Outpatient};
    use Category::{A, B, C};
    use Insured::{Employee, Resident, Retired};
    let limited = BillLine { price_limit: Some(Fen::new(3_000)), ..line(B, 3_333, 3, 1_500) };
    let v1 = bill(2, 87_200, vec![line(A, 1_280, 10, 0), line(B, 8_850, 8, 1_000), line(C, 3_600, 1, 0)]);
    let v2 = bill(3, 82_035, vec![line(A, 45_000, 1, 0), line(B, 12_345, 3, 1_000)]);
    let v3 = bill(1, 150_000, vec![line(A, 150_000, 1, 0)]);
    let v4 = bill(2, 23_997, vec![limited, line(B, 1_999, 7, 500), line(A, 5, 1, 0)]);
    let v5 = bill(1, 33_380, vec![line(A, 2_680, 5, 0), line(B, 9_990, 2, 1_000)]);
    let v6 = bill(3, 132_600, vec![line(B, 25_800, 4, 1_000), line(A, 980, 30, 0)]);
    let v7 = bill(2, 61_000, vec![line(A, 60_000, 1, 0), line(C, 1_000, 1, 0)]);
    let stay = [line(A, 8_000_000, 1, 0), line(B, 3_000_000, 1, 1_000), line(C, 250_000, 1, 0)];
    let v8 = bill(3, 11_250_000, stay.to_vec());
    let first_stay = bill(3, 400_000, vec![line(A, 300_000, 1, 0), line(B, 100_000, 1, 1_000)]);
    let v10 = bill(2, 60_650, vec![line(A, 1_280, 10, 0), line(B, 8_850, 5, 1_000), line(C, 3_600, 1, 0)]);
    let family = Standing { family: Fen::new(30_000), ..standing(0, 0, 1_234) };
    let second = Standing { admissions: 1, ..standing(0, 12_000_000, 60_000) };
    let remote = Standing { cross_region: true, ..standing(60_000, 10_000, 3_000) };
    // Number, insured, care, bill, standing, then: in scope, deductible, pool, supplement, account, family, cash.
    let vectors = [
        (
            "1",
            Employee,
            Outpatient,
            &v1,
            standing(0, 0, 50_000),
            [76_520, 40_000, 25_564, 0, 50_000, 0, 11_636],
        ),
        (
            "2",
            Employee,
            Outpatient,
            &v2,
            standing(52_000, 10_000, 3_000),
            [78_331, 8_000, 42_198, 0, 3_000, 0, 36_837],
        ),
        (
            "3",
            Employee,
            Outpatient,
            &v3,
            standing(20_000, 590_000, 12_000),
            [150_000, 0, 10_000, 0, 12_000, 0, 128_000],
        ),
        ("4", Retired, Outpatient, &v4, standing(40_000, 0, 1_000_000), [20_948, 0, 15_711, 0, 8_286, 0, 0]),
        ("5", Resident, Outpatient, &v5, standing(0, 21_000, 0), [31_382, 0, 9_000, 0, 0, 0, 24_380]),
        (
            "6",
            Retired,
            Chronic,
            &v6,
            standing(10_000, 480_000, 20_000),
            [122_280, 20_000, 20_000, 0, 20_000, 0, 92_600],
        ),
        ("7", Employee, Outpatient, &v7, family, [60_000, 40_000, 14_000, 0, 1_234, 30_000, 15_766]),
        (
            "8",
            Employee,
            Inpatient,
            &v8,
            second,
            [10_700_000, 40_000, 8_000_000, 1_689_300, 60_000, 0, 1_500_700],
        ),
        (
            "8, first stay",
            Employee,
            Inpatient,
            &first_stay,
            standing(0, 0, 0),
            [390_000, 80_000, 263_500, 0, 0, 0, 136_500],
        ),
        ("9", Employee, Outpatient, &v2, remote, [78_331, 0, 39_165, 0, 3_000, 0, 39_870]),
        (
            "10",
            Employee,
            Outpatient,
            &v10,
            standing(0, 0, 50_000),
            [52_625, 40_000, 8_837, 0, 48_213, 0, 3_600],
        ),
    ];
    for (number, insured, care, bill, standing, expected) in vectors {
        let (split, trace) = adjudicate(&of(insured, care), bill, Standing { insured, ..standing }).unwrap();
        let Split { in_scope, deductible, pool, supplement, account, family, cash, .. } = split;
        let got = [in_scope, deductible, pool, supplement, account, family, cash];
        assert_eq!(got.map(Fen::get), expected, "vector {number}");
        assert_eq!(trace.last().map(|step| step.output), Some(split.cash));
        assert!(trace.len() <= STEPS_MAX);
    }
}

#[test]
fn a_deposit_pays_the_cash_part_and_the_rest_goes_back_or_is_due() {
    let of = |deposit, cash| {
        let DepositUse { used, refund, due } = DepositUse::of(Fen::new(deposit), Fen::new(cash));
        [used, refund, due].map(Fen::get)
    };
    assert_eq!(of(1_500_000, 1_500_700), [1_500_000, 0, 700]);
    assert_eq!(of(2_000_000, 1_500_700), [1_500_700, 499_300, 0]);
    assert_eq!(of(50_000, 136_500), [50_000, 0, 86_500]);
}

#[test]
fn the_trace_of_a_stay_names_each_tier_and_the_supplement() {
    use Category::{A, B, C};
    let stay = [line(A, 8_000_000, 1, 0), line(B, 3_000_000, 1, 1_000), line(C, 250_000, 1, 0)];
    let second = Standing { admissions: 1, ..standing(0, 12_000_000, 60_000) };
    let policy = of(Insured::Employee, Care::Inpatient);
    let (_, trace) = adjudicate(&policy, &bill(3, 11_250_000, stay.to_vec()), second).unwrap();
    let steps: Vec<_> = trace.iter().skip(4).map(|step| (&*step.rule, step.output.get())).collect();
    assert_eq!(
        steps,
        [
            ("tier.1", 850_000),
            ("tier.2", 2_700_000),
            ("tier.3", 6_327_000),
            ("cap.year", 8_000_000),
            ("supplement", 1_689_300),
            ("account", 60_000),
            ("cash", 1_500_700)
        ]
    );
}

#[test]
fn the_trace_of_the_first_vector_can_be_followed() {
    use Category::{A, B, C};
    let v1 = bill(2, 87_200, vec![line(A, 1_280, 10, 0), line(B, 8_850, 8, 1_000), line(C, 3_600, 1, 0)]);
    let (_, trace) = adjudicate(&demo(), &v1, standing(0, 0, 50_000)).unwrap();
    let steps: Vec<_> = trace.iter().map(|step| (&*step.rule, step.input.get(), step.output.get())).collect();
    assert_eq!(
        steps,
        [
            ("scope.not_insured", 87_200, 3_600),
            ("scope.over_price_limit", 83_600, 0),
            ("scope.first_share", 83_600, 7_080),
            ("deductible.level_2", 76_520, 40_000),
            ("ratio.level_2", 36_520, 25_564),
            ("cap.year", 25_564, 25_564),
            ("account", 58_036, 50_000),
            ("cash", 61_636, 11_636),
        ]
    );
}

#[test]
fn halves_of_a_line_round_up_and_the_fund_rounds_down() {
    let mut half = line(Category::A, 5, 1, 0);
    half.quantity_milli = 1_500; // 7.5 fen
    let (split, _) = adjudicate(&demo(), &bill(2, 8, vec![half]), standing(40_000, 0, 0)).unwrap();
    // 70 % of 8 are 5.6.
    assert_eq!((split.pool, split.cash), (Fen::new(5), Fen::new(3)));
}

#[test]
fn what_is_over_the_price_limit_is_not_in_scope_but_the_account_may_pay_it() {
    let mut limited = line(Category::B, 3_333, 3, 1_500);
    limited.price_limit = Some(Fen::new(3_000));
    let (split, _) = adjudicate(&demo(), &bill(2, 9_999, vec![limited]), standing(40_000, 0, 9_999)).unwrap();
    assert_eq!((split.in_scope, split.pool), (Fen::new(7_650), Fen::new(5_355)));
    assert_eq!((split.account, split.cash), (Fen::new(4_644), Fen::ZERO));
}

prop_compose! {
    fn any_line()(
        category in prop_oneof![Just(Category::A), Just(Category::B), Just(Category::C)],
        price in 0..200_000_i64,
        quantity_milli in 1..50_000_u32,
        limit in proptest::option::of(0..200_000_i64),
        preself_bp in 0..=10_000_u16,
    ) -> BillLine {
        BillLine {
            quantity_milli,
            price_limit: limit.map(Fen::new),
            ..line(category, price, 1, preself_bp)
        }
    }
}

prop_compose! {
    fn any_bill()(level in 1..=3_u8, lines in prop::collection::vec(any_line(), 1..8)) -> Bill {
        let total = sum_lines(&demo().rounding, &lines).unwrap().amount;
        bill(level, i64::try_from(total).unwrap(), lines)
    }
}

prop_compose! {
    fn any_standing()(
        [dedc, fund, supplement, balance, family] in [0..80_000_i64, 0..700_000, 0..700_000, 0..500_000, 0..50_000],
        cross_region: bool,
        admissions in 0..3_u32,
    ) -> Standing {
        let [supplement_used, family] = [supplement, family].map(Fen::new);
        Standing { supplement_used, family, cross_region, admissions, ..standing(dedc, fund, balance) }
    }
}

/// A policy of the demo file, and somebody it is for.
fn any_policy() -> impl Strategy<Value = (Policy, Insured)> {
    let each = demo_book().all().to_vec().into_iter().flat_map(|policy| {
        let insured = policy.insured.clone();
        insured.into_iter().map(move |insured| (policy.clone(), insured))
    });
    prop::sample::select(each.collect::<Vec<_>>())
}

proptest! {
    /// Sums, signs, bounds.
    #[test]
    fn i1_i2_i4_the_parts_add_up_and_stay_in_their_bounds(
        bill in any_bill(), standing in any_standing(), (policy, insured) in any_policy(),
    ) {
        let standing = Standing { insured, ..standing };
        let (split, trace) = adjudicate(&policy, &bill, standing).unwrap();
        prop_assert_eq!(Fen::sum(split.sources()).unwrap(), bill.total);
        for part in split.sources().into_iter().chain([split.in_scope, split.deductible]) {
            prop_assert!(part >= Fen::ZERO);
        }
        let own = sum_lines(&policy.rounding, &bill.lines).unwrap().own;
        prop_assert!(split.pool.plus(split.supplement).unwrap() <= split.in_scope);
        prop_assert!(i128::from(split.cash.get()) >= own);
        prop_assert!(split.account <= standing.balance && split.family <= standing.family);
        prop_assert!(split.pool.get() <= left(policy.cap_for(insured), standing.fund_used));
        prop_assert!(trace.len() <= STEPS_MAX);
    }

    /// Per line, and in sum.
    #[test]
    fn i3_no_line_has_less_than_nothing_in_scope(bill in any_bill()) {
        let mut sum = 0;
        for line in &bill.lines {
            let parts = line_parts(&demo().rounding, line).unwrap();
            let in_scope = parts.amount - parts.own - parts.over - parts.preself;
            prop_assert!(in_scope >= 0);
            sum += i128::from(in_scope);
        }
        let (split, _) = adjudicate(&demo(), &bill, Standing::default()).unwrap();
        prop_assert_eq!(i128::from(split.in_scope.get()), sum);
    }

    #[test]
    fn i5_i6_more_fund_used_never_raises_and_more_deductible_used_never_lowers_the_pool(
        bill in any_bill(), standing in any_standing(), (policy, insured) in any_policy(), more in 0..700_000_i64,
    ) {
        let more = Fen::new(more);
        let standing = Standing { insured, ..standing };
        let pool = |standing| adjudicate(&policy, &bill, standing).unwrap().0.pool;
        let fund_used = standing.fund_used.plus(more).unwrap();
        let deductible_used = standing.deductible_used.plus(more).unwrap();
        let (more_fund, more_deductible) =
            (Standing { fund_used, ..standing }, Standing { deductible_used, ..standing });
        prop_assert!(pool(more_fund) <= pool(standing));
        prop_assert!(pool(more_deductible) >= pool(standing));
    }

    #[test]
    fn no_bill_whatever_panics(
        level: u8, total: i64, price: i64, quantity_milli: u32, limit: Option<i64>, preself_bp: u16,
        dedc: i64, fund: i64, balance: i64,
    ) {
        let odd = BillLine {
            quantity_milli, price_limit: limit.map(Fen::new), ..line(Category::B, price, 1, preself_bp)
        };
        let right = line_parts(&demo().rounding, &odd).map_or(0, |parts| parts.amount);
        for total in [total, right] {
            let _ = adjudicate(&demo(), &bill(level, total, vec![odd.clone()]), standing(dedc, fund, balance));
            let _ = adjudicate(&demo(), &bill(1 + level % 3, total, vec![odd.clone()]), standing(dedc, fund, balance));
        }
    }
}
