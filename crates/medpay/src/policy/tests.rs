use super::*;
use crate::messages::Category;

const FILE: &str = include_str!("../../../../config/policies/demo.toml");

fn refusal(from: &str, to: &str) -> String {
    assert!(FILE.contains(from), "{from}");
    toml::from_str::<Policies>(&FILE.replacen(from, to, 1)).unwrap_err().to_string()
}

#[test]
fn a_file_with_an_unknown_or_a_missing_field_is_refused() {
    assert!(refusal("version = 1", "surprise = 1\nversion = 1").contains("surprise"));
    assert!(refusal("year = 600000", "year = 600000, month = 1").contains("month"));
    assert!(refusal("3 = 60000", "4 = 60000").contains('4'));
    assert!(refusal("usable = true, ", "").contains("usable"));
    assert!(refusal("care = \"chronic\"", "care = \"dental\"").contains("dental"));
    assert!(refusal("\"1970-01-01\"", "\"1970-02-30\"").contains("no day"));
}

#[test]
fn a_file_with_a_fraction_of_a_fen_or_senseless_numbers_is_refused() {
    refusal("1 = 20000", "1 = 20000.5");
    refusal("fund = \"down\"", "fund = \"up\"");
    for (from, to, words) in [
        ("year = 600000", "year = -1", "policy `emp_outpatient_demo`"),
        ("1 = 8000", "1 = 10001", "policy `emp_outpatient_demo`"),
        ("{ tiers = [", "{ by_level = { 1 = 1, 2 = 1, 3 = 1 }, tiers = [", "either `by_level` or `tiers`"),
        ("emp_chronic_demo", "emp_outpatient_demo", "version 1 is there twice"),
        ("care = \"chronic\"", "care = \"outpatient\"", "both for Outpatient care of Employee on 1970-01-01"),
    ] {
        let refused = refusal(from, to);
        assert!(refused.contains(words), "{refused}");
    }
}

#[test]
fn a_policy_with_senseless_numbers_is_refused() {
    let check = |change: fn(&mut Policy)| {
        let mut policy = demo();
        change(&mut policy);
        policy.check()
    };
    let ratio = |got| Err(PolicyError::Ratio { field: "ratio_bp", got });
    let tier = |upto: Option<i64>| Tier { upto: upto.map(Fen::new), bp: 1 };
    assert_eq!(check(|p| p.id.clear()), Err(PolicyError::IdEmpty));
    assert_eq!(check(|p| p.version = 0), Err(PolicyError::Version));
    assert_eq!(check(|p| p.insured.clear()), Err(PolicyError::Nobody));
    assert!(matches!(check(|p| p.valid.1 = Day::default()), Ok(())));
    assert!(matches!(
        check(|p| p.valid = (Day::default().next(), Day::default())),
        Err(PolicyError::Valid { .. })
    ));
    assert_eq!(
        check(|p| p.deductible.level_2 = Fen::new(-1)),
        Err(PolicyError::Negative { field: "deductible", got: -1 })
    );
    assert_eq!(check(|p| p.cap = Fen::new(-5)), Err(PolicyError::Negative { field: "cap", got: -5 }));
    assert_eq!(check(|p| p.ratio_bp.level_3 = 10_001), ratio(10_001));
    assert_eq!(check(|p| p.retired_add_bp = 10_002), ratio(10_002));
    assert_eq!(check(|p| p.presettlement_validity_s = 0), Err(PolicyError::Validity { got: 0 }));
    for tiers in [
        vec![tier(Some(5))],
        vec![tier(None), tier(None)],
        vec![tier(Some(5)), tier(Some(5)), tier(None)],
        vec![tier(Some(0)), tier(None)],
        vec![tier(None); TIERS_MAX + 1],
    ] {
        assert_eq!(Policy { tiers, ..demo() }.check(), Err(PolicyError::Tiers));
    }
}

#[test]
fn the_newest_edition_that_is_valid_on_the_day_is_chosen() {
    let day = |text: &str| text.parse::<Day>().unwrap();
    let year = |year: u16| (day(&format!("{year}-01-01")), day(&format!("{year}-12-31")));
    let first = Policy { valid: year(2026), ..demo() };
    let second = Policy { version: 2, valid: (day("2026-07-01"), day("2027-12-31")), ..demo() };
    let book = Policies::new(vec![second, first], None).unwrap();
    let version = |text| {
        book.choose(Insured::Employee, Care::Outpatient, day(text))
            .map(|(plan, policy)| (plan, policy.version))
    };
    assert_eq!(version("2025-12-31"), None);
    assert_eq!(version("2026-06-30"), Some((0, 1)));
    assert_eq!(version("2026-07-01"), Some((0, 2)));
    assert_eq!(version("2028-01-01"), None);
    assert_eq!(book.choose(Insured::Resident, Care::Outpatient, day("2026-07-01")), None);
}

#[test]
fn the_demo_policies_are_good_and_know_their_items() {
    let book = demo_book();
    assert_eq!(book.all().len(), 4);
    assert!(book.knows("vitamins", Category::C));
    assert!(!book.knows("vitamins", Category::A) && !book.knows("gold", Category::C));
    let policy = demo();
    assert_eq!(policy.ratio_bp.at(2), Some(7_000));
    assert_eq!((policy.ratio_bp.at(0), policy.ratio_bp.at(4)), (None, None));
    assert_eq!(policy.deductible_max(), Fen::new(60_000));
}
