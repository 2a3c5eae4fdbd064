//! `kitecity pay`: a reception, a till and a back office at the command line, against a city in another process.

use city_tests::City;
use serde_json::Value;

/// The settings of the city, which those who join it share.
const SETTINGS: [&str; 4] = ["--luminaires", "120", "--secret", "kite"];

fn city() -> City {
    City::start(&[&SETTINGS[..], &["--without", "residents"]].concat())
}

fn run(city: &City, arguments: &[&str]) -> (Option<i32>, String) {
    city.ask(&[arguments, &SETTINGS[..]].concat())
}

/// The JSON of an answer that must be a good one.
fn good(city: &City, arguments: &[&str]) -> Value {
    let (status, words) = run(city, &[arguments, &["--json"]].concat());
    assert_eq!(status, Some(0), "{arguments:?}: {words}");
    serde_json::from_str(&words).expect("JSON")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// Treats and pays: the settlement.
fn settled(city: &City, resident: &str) -> String {
    let visit = good(city, &["pay", "visit", "--provider", "h-0001", "--resident", resident]);
    let bill = text(&visit["billed"]["bill"]).to_owned();
    let (status, code) = run(city, &["eid", "show", "--resident", resident]);
    assert_eq!(status, Some(0), "{code}");
    let paid = good(city, &["pay", "settle", &bill, code.trim_end_matches('\n')]);
    text(&paid["settled"]["settlement"]).to_owned()
}

#[test]
fn what_cannot_be_done_is_refused_with_exit_code_one() {
    let city = city();
    let nil = "00000000-0000-0000-0000-000000000000";
    for (arguments, words) in [
        (&["pay", "settle", nil, "HC1:X"][..], "refused: bill is not presettled"),
        (&["pay", "reverse", nil], "refused: no such settlement"),
        (&["pay", "bill", nil, "--qr"], "refused: bill is not presettled"),
        (&["pay", "trace", nil], "refused: no such settlement"),
        (&["pay", "refund", nil, "--line", "1=1"], "refused: no such settlement"),
        (&["pay", "confirm", nil], "refused: no such settlement"),
        (&["pay", "resolve", "h-0001", nil, "rebook"], "refused: no such settlement"),
        (&["pay", "deposit", nil, "100"], "refused: bill is not presettled"),
        (&["pay", "interim", nil], "refused: no such stay goes on"),
        (&["pay", "discharge", nil], "refused: no such stay goes on"),
        (&["pay", "admit", "--provider", "h-0001", "--resident", "r-9999"], "refused: beneficiary is not"),
        (&["pay", "freeze", "r-9999"], "refused: beneficiary is not covered"),
        (&["pay", "link", "--for", "r-0001", "--family", "r-0002", "HC1:X"], "refused: e-ID code refused"),
        (&["pay", "statement", "r-9999"], "refused: beneficiary is not covered"),
        (&["pay", "visit", "--provider", "h-0099", "--resident", "r-0001"], "refused: "),
    ] {
        let (status, told) = run(&city, arguments);
        assert_eq!(status, Some(1), "{told}");
        assert!(told.starts_with(words), "{arguments:?}: {told}");
    }
    for arguments in
        [&["pay", "settle", "no-bill"][..], &["pay", "refund", nil], &["pay", "resolve", "h-0001", nil]]
    {
        let (status, told) = run(&city, arguments);
        assert_eq!(status, Some(2), "{told}");
    }
}

#[test]
fn bills_are_paid_explained_refunded_reversed_and_reconciled() {
    let city = city();
    let first = settled(&city, "r-0001");
    let second = settled(&city, "r-0002");
    let third = settled(&city, "r-0003");

    let trace = good(&city, &["pay", "trace", &first]);
    assert_eq!(trace["trace"]["policy"], "emp_outpatient_demo@1");
    let (_, told) = run(&city, &["pay", "trace", &first]);
    assert!(told.contains("deductible.level_") && told.contains("¥"), "{told}");

    let back = good(&city, &["pay", "reverse", &first]);
    assert_eq!(back["reversed"]["settlement"], first.as_str());
    let (status, told) = run(&city, &["pay", "reverse", &first]);
    assert_eq!(status, Some(1), "{told}");
    assert!(told.starts_with("refused: settlement was reversed by "), "{told}");
    let part = good(&city, &["pay", "refund", &second, "--line", "1=500"]);
    assert_eq!(part["refunded"]["settlement"], second.as_str());

    let bills = good(&city, &["pay", "bills", "--provider", "h-0001"]);
    let named = |settlement: &str| {
        let all = bills.as_array().expect("a list").iter();
        all.filter(|bill| bill["settlement"] == settlement).collect::<Vec<_>>()
    };
    assert_eq!(bills.as_array().map(Vec::len), Some(4), "{bills}");
    assert!(named(&first)[0]["reversal"].is_string() && named(&third)[0].get("reversal").is_none());
    let statement = good(&city, &["pay", "statement", "r-0003"]);
    assert_eq!(statement["statement"]["settled"], 1);

    // The clinic hears of what was taken back by itself, so both books say the same.
    let books = good(&city, &["pay", "reconcile", "h-0001"]);
    assert_eq!(books["report"]["platform"], books["report"]["hospital"], "{books}");
    assert_eq!(books["report"]["platform"]["reversed"], 2);
    let (status, told) = run(&city, &["pay", "reconcile", "h-0001", "--spoil", "3"]);
    assert!(told.contains("exactly these were found"), "{status:?} {told}");
}

#[test]
fn a_family_member_agrees_an_account_is_frozen_and_what_differs_is_resolved() {
    let city = city();
    let (status, code) = run(&city, &["eid", "show", "--resident", "r-0002"]);
    assert_eq!(status, Some(0), "{code}");
    let link = ["pay", "link", "--for", "r-0001", "--family", "r-0002", code.trim_end_matches('\n')];
    assert_eq!(good(&city, &link)["linked"]["family"], "r-0002");

    assert_eq!(good(&city, &["pay", "freeze", "r-0004"])["frozen"]["frozen"], true);
    assert_eq!(good(&city, &["pay", "freeze", "r-0004", "--thaw"])["frozen"]["frozen"], false);

    settled(&city, "r-0005");
    let spoilt = |seed: u32, more: &[&str]| {
        let seed = seed.to_string();
        let reconcile = ["pay", "reconcile", "h-0001", "--spoil", &seed, "--json"];
        let (_, told) = run(&city, &[&reconcile[..], more].concat());
        let report = serde_json::from_str::<Value>(&told).expect("JSON")["report"].clone();
        report["differences"].as_array().expect("a list").clone()
    };
    let seed = (1..100).find(|&seed| !spoilt(seed, &[]).is_empty()).expect("one of five rows is spoilt");
    let differences = spoilt(seed, &["--park"]);
    let parked = good(&city, &["pay", "resolve", "h-0001"])["parked"]["parked"].clone();
    assert_eq!(parked.as_array().map(Vec::len), Some(differences.len()));
    for difference in &differences {
        let refund = difference["refund"] == true;
        let settlement = text(&difference["settlement"]);
        let resolve = ["pay", "resolve", "h-0001", settlement, "rebook"];
        good(&city, &[&resolve[..], if refund { &["--refund"][..] } else { &[] }].concat());
    }
    assert_eq!(good(&city, &["pay", "resolve", "h-0001"])["parked"]["parked"], serde_json::json!([]));
}

#[test]
fn a_bill_tells_how_far_it_is_and_shows_the_code_of_its_cash_part() {
    let city = city();
    // From a frozen account nothing is paid, so all of it is cash.
    good(&city, &["pay", "freeze", "r-0006"]);
    let visit = good(&city, &["pay", "visit", "--provider", "h-0001", "--resident", "r-0006"]);
    let bill = text(&visit["billed"]["bill"]).to_owned();
    let cash = &visit["billed"]["split"]["cash"];
    let (status, told) = run(&city, &["pay", "bill", &bill]);
    assert!(status == Some(0) && told.contains("can be paid"), "{told}");
    let shown = good(&city, &["pay", "bill", &bill, "--qr"]);
    assert_eq!(&shown["cash"], cash);
    let (_, code) = run(&city, &["pay", "bill", &bill, "--qr"]);
    assert_eq!(code.trim_end(), text(&shown["emv"]));
    let account = format!("00020101021226630013city.kite.pay0106h-00010232{}", bill.replace('-', ""));
    assert!(code.starts_with(&account), "{code}");

    let paid = settled(&city, "r-0007");
    let bills = good(&city, &["pay", "bills", "--resident", "r-0007"]);
    assert_eq!(bills[0]["settlement"], paid.as_str());
    let (status, _) = run(&city, &["pay", "bill", text(&bills[0]["bill"]), "--qr"]);
    assert_eq!(status, Some(1));
}

/// A file for the city's command line.
fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
    let file = folder.path().join(name);
    std::fs::write(&file, text).expect("a file");
    file.to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_stay_goes_from_admission_to_its_settlement_by_its_own_means() {
    let (city, folder) = (city(), tempfile::tempdir().expect("a folder"));
    let admitted = good(&city, &["pay", "admit", "--provider", "h-0001", "--resident", "r-0005"]);
    let stay = text(&admitted["admitted"]["stay"]).to_owned();
    good(&city, &["pay", "deposit", &stay, "50000", "--cash", "wechat"]);
    let bed = r#"[{"item":"bed-day","category":"A","unit_price":90000,"quantity_milli":2000}]"#;
    let lines = file(&folder, "lines.json", bed);
    let (status, words) = run(&city, &["pay", "interim", &stay, "--lines", &lines]);
    assert_eq!(status, Some(0), "{words}");
    assert!(words.contains("of the deposit ¥150.00 would be used and ¥350.00 given back"), "{words}");
    let bill = good(&city, &["pay", "discharge", &stay]);
    assert_eq!(bill["presettled"]["split"]["total"], 180_000);

    let (_, code) = run(&city, &["eid", "show", "--resident", "r-0005"]);
    let code = code.trim_end_matches('\n');
    let paid = good(&city, &["pay", "settle", &stay, code, "--stay", "--spare-accounts", "--cash", "wechat"]);
    assert_eq!(paid["settled"]["split"]["account"], 0, "{paid}");
    let (_, words) = run(&city, &["pay", "bill", &stay]);
    assert!(words.contains("settled as"), "{words}");
}

#[test]
fn a_terminal_is_allowed_and_a_voucher_it_did_not_sign_is_refused() {
    let (city, folder) = (city(), tempfile::tempdir().expect("a folder"));
    let key = file(&folder, "key", &"07".repeat(32));
    let allow = |key: &str| {
        let limits = ["--per-payment", "5000", "--total", "50000"];
        run(
            &city,
            &[
                &["pay", "terminal", "allow", "t-0001", "--provider", "h-0001", "--key-file", key],
                &limits[..],
            ]
            .concat(),
        )
    };
    let (status, words) = allow(&file(&folder, "no-key", "0707"));
    assert_eq!(status, Some(2), "{words}");
    assert_eq!(allow(&key), (Some(0), "t-0001 may take ¥500.00 offline\n".to_owned()));
    let voucher = r#"[{"counter":1,"taken":1776509000000,"account":700,"mac":"00","bill":{
        "id":"019d9e2c-5b80-7000-8005-000000000001","provider":"h-0001","level":1,"beneficiary":"r-0006","total":700,
        "lines":[{"item":"consultation","category":"A","unit_price":700,"quantity_milli":1000}]}}]"#;
    let vouchers = file(&folder, "vouchers.json", voucher);
    let (status, words) = run(&city, &["pay", "terminal", "forward", "t-0001", &vouchers]);
    assert_eq!((status, words.as_str()), (Some(1), "refused: voucher 1: signature is wrong\n"));
}
