//! What is wrong with a scenario is said with its place and its remedy.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use lighting::AstroTable;
use scenario::{Cast, RunOptions, Script};

static SUN: LazyLock<Arc<AstroTable>> = LazyLock::new(|| Arc::new(city::astro_table(2026).unwrap()));

const POLICY: &str = include_str!("../../../config/policies/demo.toml");

const HEAD: &str = r#"[scenario]
name = "t"
date = "2026-04-18"
start = "18:00"
length = "2h"

[city]
luminaires = 20
residents = 10
clinics = 1

"#;

fn cast(script: &Script) -> Cast {
    Cast::under_sun(script.cast_spec(script.seed(), toml::from_str(POLICY).unwrap()), SUN.clone()).unwrap()
}

/// The message for `body` after [`HEAD`], which ends in line 11.
fn mistake(body: &str) -> String {
    mistake_in(&format!("{HEAD}{body}"), &RunOptions::default())
}

fn mistake_in(text: &str, options: &RunOptions) -> String {
    let script = match Script::parse("t.toml", text, &BTreeMap::new()) {
        Ok(script) => script,
        Err(mistake) => return mistake.to_string(),
    };
    let cast = cast(&script);
    script.play(&cast, options).map(|_| ()).expect_err(text).to_string()
}

/// `body` is refused at this place, for this reason.
#[track_caller]
fn check(body: &str, place: &str, reason: &str) {
    let message = mistake(body);
    assert!(message.starts_with(&format!("t.toml:{place}: ")), "{message}\n  for {body}");
    assert!(message.contains(reason), "{message}\n  for {body}");
}

const EXPECT: &str = "[[expect]]\nname = \"e\"\n";

#[test]
fn a_scenario_without_expectations_is_refused_unless_told_otherwise() {
    assert!(mistake("").contains("--no-expect"));
    let script = Script::parse("t.toml", HEAD, &BTreeMap::new()).unwrap();
    let cast = cast(&script);
    script.play(&cast, &RunOptions { no_expect: true, ..RunOptions::default() }).unwrap();
}

#[test]
fn unknown_keys_are_refused_with_a_suggestion() {
    check("[[timeline]]\nat = \"19:00\"\nbraek = { lamp = \"l-0001\" }", "14:1", "did you mean `break`?");
    check(&format!("{EXPECT}evntually = \"x\""), "14:1", "did you mean `eventually`?");
    check(
        "[[timeline]]\nat = \"19:00\"\ndim = { lamp = \"l-0001\", levle = 4 }",
        "14:26",
        "did you mean `level`?",
    );
}

#[test]
fn groups_and_campaigns_that_cannot_be_are_refused() {
    let step = |deed: &str| format!("[[timeline]]\nat = \"19:00\"\n{deed}");
    let dim = |which: &str| step(&format!("dim = {{ {which}, level = 4 }}"));
    check(&dim("group = \"district:kuiwn\""), "14:17", "did you mean `district:kuiwen`?");
    check(&dim("group = \"kuiwen/x\""), "14:17", "is no group");
    check(&dim("group = \"all\", lamps = \"all\""), "12:1", "either `lamps` or `group`");
    check(&step("resume = {}"), "12:1", "either `lamps` or `group`");
    let update = |version: &str, canary: u8, wave: u8, failed: u8| {
        let numbers = format!("canary = {canary}, wave = {wave}, failed_max = {failed}");
        step(&format!("update = {{ group = \"all\", version = \"{version}\", {numbers} }}"))
    };
    check(&update("1.1", 1, 1, 1), "14:37", "is no version like");
    check(&update("1.1.0", 0, 1, 1), "14:55", "`canary` must be 1 to 100, got 0");
    check(&update("1.1.0", 1, 0, 1), "14:65", "`wave` must be 1 to");
    check(&update("1.1.0", 1, 1, 100), "14:81", "`failed_max` must be 0 to 99, got 100");
}

#[test]
fn what_cannot_be_shown_is_refused() {
    let show = |deed: &str, profile: &str| {
        let shown = format!("{deed} = {{ resident = \"r-0001\", kiosk = \"bus\", profile = \"{profile}\" }}");
        format!("[[timeline]]\nat = \"19:00\"\n{shown}")
    };
    check(&show("show", "agee"), "14:56", "did you mean `age`?");
    check(&show("show_again", "age"), "14:62", "a copy discloses what the code did");
}

#[test]
fn steps_that_cannot_happen_are_refused() {
    let step = |rest: &str| format!("[[timeline]]\n{rest}");
    check(&step("repair = { lamp = \"l-0001\" }"), "12:1", "needs `at");
    check(&step("at = \"19:00\""), "12:1", "needs a deed");
    check(&step("at = \"23:00\"\nrepair = { lamp = \"l-0001\" }"), "13:6", "outside of the scenario");
    check(&step("at = \"teatime\"\nrepair = { lamp = \"l-0001\" }"), "13:6", "expected a moment");
    check(&step("at = \"19:00\"\nrepair = { lamp = \"l-0021\" }"), "14:19", "l-0001 to l-0020");
    check(&step("at = \"19:00\"\nrepair = { lamps = \"l-0009..l-0003\" }"), "14:20", "backwards");
    check(
        &step("at = \"19:00\"\nwalk = { resident = \"r-0011\", to = \"h-0001\" }"),
        "14:21",
        "r-0001 to r-0010",
    );
    check(&step("at = \"19:00\"\ndim = { lamp = \"l-0001\", level = 300 }"), "14:34", "0 to 100");
    check(
        &step("at = \"19:00\"\ndim = { lamp = \"l-0001\", level = 3, for = \"90s\" }"),
        "14:43",
        "whole minutes",
    );
    check(
        &step("at = \"19:00\"\ncrash = { service = \"payr\", for = \"1m\" }"),
        "14:21",
        "did you mean `payer`?",
    );
    check(
        &step("at = \"19:00\"\ndisturb = { lamps = \"all\", loss = 1.5, for = \"1m\" }"),
        "14:35",
        "0 to 1",
    );
    check(&step("at = \"19:00\"\ndisturb = { lamps = \"all\", for = \"1m\" }"), "12:1", "disturbs nothing");
    check(
        &step("at = \"19:00\"\nevery = \"0s\"\nrepair = { lamp = \"l-0001\" }"),
        "14:9",
        "`every` must come",
    );
}

#[test]
fn what_only_virtual_time_can_do_is_refused_live() {
    let text = format!(
        "{HEAD}[[timeline]]\nat = \"19:00\"\nbroker_outage = {{ for = \"1m\" }}\n{EXPECT}never = \"dead_letter\""
    );
    let message = mistake_in(&text, &RunOptions { live: true, ..RunOptions::default() });
    assert!(message.starts_with("t.toml:12:1: ") && message.contains("--live"), "{message}");
}

#[test]
fn expressions_are_checked_before_a_run() {
    let form = |rest: &str| format!("{EXPECT}{rest}");
    check(&form("never = \"lamp.stat\""), "14:10", "did you mean `lamp.state`?");
    check(&form("never = \"lamp.state where actul > 3\""), "14:27", "did you mean `actual`?");
    check(&form("never = \"lamp.state where actual > 300\""), "14:36", "0 to 100");
    check(&form("never = \"lamp.state where mode == overide\""), "14:35", "did you mean `override`?");
    check(&form("never = \"lamp.state where lamp == l-0099\""), "14:35", "not in this city");
    check(&form("never = \"lamp.state where mode > sensor\""), "14:27", "only numbers");
    check(&form("never = \"lamp.state where actual = 3\""), "14:34", "write `==`");
    check(&form("never = \"lamp.state where (actual == 3\""), "14:39", "expected `)`");
    check(&form("always = \"count(lamps where lit) > 3\""), "14:32", "expected a comparison");
    check(&form("always = \"count(lamp) > 3\""), "14:17", "expected `lamps`");
    check(&form("always = \"lamp.state\""), "14:10", "cannot hold");
    check(&form("always = \"actual > 3\""), "14:11", "not known here");
    check(&form("always = \"l-0099.actual > 3\""), "14:11", "not in this city");
    check(&form("metric = \"sum(lamps.mode)\"\nat_most = 3"), "14:15", "not a number");
    check(&form("never = \"lamp.state where after.lamp == l-0001\""), "14:27", "only in `then`");
    check(&form("never = \"lamp.telemetry where power_w > 30W\""), "14:43", "unit");
}

#[test]
fn expectations_that_test_nothing_are_refused() {
    let form = |rest: &str| format!("{EXPECT}{rest}");
    check(&form(""), "12:1", "one form");
    check("[[expect]]\nnever = \"dead_letter\"", "12:1", "needs a name");
    check(&form("never = \"dead_letter\"\nalways = \"l-0001.online\""), "12:1", "one form");
    check(&form("after = \"lamp.fault\"\nthen = \"alarm.raised\""), "12:1", "needs `within`");
    check(&form("after = \"lamp.fault\"\nwithin = \"5m\""), "12:1", "`then` or `then_not`");
    check(
        &form("after = \"lamp.fault\"\nthen = \"alarm.raised\"\nwithin = \"3h\""),
        "16:10",
        "longer than the scenario",
    );
    check(&form("count = \"alarm.raised\""), "12:1", "needs `exactly`");
    check(&form("count = \"alarm.raised\"\nat_least = 3\nat_most = 2"), "12:1", "no number is");
    check(&form("count = \"alarm.raised\"\nexactly = 3\nat_most = 2"), "15:11", "stands alone");
    check(&form("never = \"dead_letter\"\nwithin = \"5m\""), "15:10", "goes with after");
    check(
        &form("never = \"dead_letter\"\nfrom = \"19:30\"\nto = \"19:00\""),
        "16:6",
        "not after the beginning",
    );
    let twice = form(&format!("never = \"dead_letter\"\n{EXPECT}never = \"alarm.raised\""));
    check(&twice, "15:1", "two expectations named `e`");
}

#[test]
fn contradictory_expectations_are_refused() {
    let body = "[[expect]]\nname = \"a\"\neventually = \"alarm.raised\"\n[[expect]]\nname = \"b\"\nnever = \"alarm.raised\"";
    check(body, "17:9", "contradicts the expectation in line 14");
}

#[test]
fn impossible_numbers_dates_and_lengths_are_refused() {
    let with = |from: &str, to: &str| mistake_in(&HEAD.replace(from, to), &RunOptions::default());
    for (from, to, place, reason) in [
        ("\"2026-04-18\"", "\"2026-02-30\"", "3:8", "expected a date"),
        ("\"18:00\"", "\"25:00\"", "4:9", "expected a moment"),
        ("\"2h\"", "\"0s\"", "5:10", "no length"),
        ("\"2h\"", "\"2 fortnights\"", "5:10", "expected a duration"),
        ("luminaires = 20", "luminaires = 0", "8:14", "1 to 200000"),
        ("clinics = 1", "clinics = 101", "10:11", "0 to 100"),
        ("luminaires = 20", "luminaires = \"20\"", "8:14", "expected u32"),
    ] {
        let message = with(from, to);
        assert!(message.starts_with(&format!("t.toml:{place}: ")) && message.contains(reason), "{message}");
    }
}

#[test]
fn parameters_are_filled_in_and_unknown_ones_refused() {
    let text = format!(
        "{HEAD}[params]\nlevel = 40\nlate = \"19:45\"\n[[timeline]]\nat = \"$late\"\ndim = {{ lamp = \"l-0001\", level = \"$level\" }}\n{EXPECT}never = \"lamp.state where actual > $level\"\n"
    );
    let parse = |text: &str, params: &[(&str, &str)]| {
        let params = params.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Script::parse("t.toml", text, &params).map_err(|mistake| mistake.to_string())
    };
    parse(&text, &[]).unwrap();
    parse(&text, &[("level", "55")]).unwrap();
    let message = parse(&text, &[("levle", "55")]).unwrap_err();
    assert!(message.contains("did you mean `level`?"), "{message}");
    let message = parse(&text.replace("$late", "$lat"), &[]).unwrap_err();
    assert!(message.starts_with("t.toml:16:7: ") && message.contains("did you mean `late`?"), "{message}");
    parse(&text, &[("level", "abc")]).unwrap_err();
}

#[test]
fn a_huge_file_is_refused() {
    let text = format!("{HEAD}# {}", "x".repeat(2_000_000));
    assert!(mistake_in(&text, &RunOptions::default()).contains("at most 1000000 bytes"));
}
