//! `kitecity run`: exit codes, what is printed, and the files that are written.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A city too small to be slow, for half an hour around dusk.
const CITY: &str = r#"
[scenario]
name = "Dusk & <b>dawn</b>"
date = "2026-04-18"
start = "sunset - 10m"
length = "30m"

[city]
seed = 5
luminaires = 4
residents = 2
clinics = 0
"#;
const PASSES: &str = r#"
[[expect]]
name = "nothing is left unread"
never = "dead_letter"
"#;
const FAILS: &str = r#"
[[expect]]
name = "five of four are lit, <script>alert('x')</script> & more"
always = "count(lamps where actual > 0) >= 5"
from = "sunset + 5m"
"#;
const TESTS_NOTHING: &str = r#"
[[expect]]
name = "a command that nobody gives"
after = "lamp.command"
then = "lamp.ack where command == after.command"
within = "30s"
"#;

fn scenario(folder: &TempDir, name: &str, expectations: &[&str]) {
    std::fs::write(folder.path().join(name), format!("{CITY}{}", expectations.concat())).unwrap();
}

fn kitecity(folder: &TempDir, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kitecity"));
    command.current_dir(folder.path()).args(arguments.split(' ')).stdin(Stdio::null());
    command
}

fn run(folder: &TempDir, arguments: &str) -> Output {
    kitecity(folder, arguments).output().expect("the binary runs")
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn read(folder: &TempDir, name: &str) -> String {
    std::fs::read_to_string(folder.path().join(name)).unwrap()
}

fn check(expectations: &[&str], code: i32, said: &str) {
    let folder = tempfile::tempdir().unwrap();
    scenario(&folder, "a.toml", expectations);
    let output = run(&folder, "run a.toml");
    assert_eq!(output.status.code(), Some(code), "{}", words(&output.stderr));
    assert!(words(&output.stdout).contains(said), "{}", words(&output.stdout));
    assert_eq!(words(&output.stderr), "", "without a terminal there is no bar");
}

#[test]
fn a_failed_expectation_exits_with_99_and_says_how_to_see_it_again() {
    check(&[PASSES, TESTS_NOTHING, FAILS], 99, "again: kitecity run a.toml --seed 5");
}

#[test]
fn an_expectation_that_nothing_tested_exits_with_98() {
    check(&[PASSES, TESTS_NOTHING], 98, "nothing was tested: after lamp.command");
}

#[test]
fn expectations_that_came_true_exit_with_0() {
    check(&[PASSES], 0, "✓ nothing is left unread");
}

#[test]
fn a_mistake_exits_with_2_and_names_its_place_before_anything_is_played() {
    let folder = tempfile::tempdir().unwrap();
    scenario(&folder, "good.toml", &[PASSES]);
    scenario(&folder, "bad.toml", &[&PASSES.replace("dead_letter", "dead_leter")]);
    for arguments in ["run good.toml bad.toml --report r.html", "check good.toml bad.toml"] {
        let output = run(&folder, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        let errors = words(&output.stderr);
        assert!(errors.contains("bad.toml:16:10:"), "{errors}");
        assert!(!words(&output.stdout).contains("Dusk"), "{}", words(&output.stdout));
    }
    assert!(!folder.path().join("r.html").exists());
}

#[test]
fn a_report_that_cannot_be_written_is_refused_before_the_run_by_the_name_of_its_flag() {
    let folder = tempfile::tempdir().unwrap();
    scenario(&folder, "a.toml", &[PASSES]);
    for (flag, file) in [("--junit", "none/r.xml"), ("--report", "none/r.html"), ("--report", ".")] {
        let output = run(&folder, &format!("run a.toml {flag} {file}"));
        assert_eq!(output.status.code(), Some(2), "{flag} {file}");
        let errors = words(&output.stderr);
        assert!(errors.contains(&format!("{flag} {file}: ")) && errors.contains("folder"), "{errors}");
        assert_eq!(words(&output.stdout), "", "nothing was played");
    }
    let output = run(&folder, "run a.toml --junit same --report same");
    assert_eq!(output.status.code(), Some(2), "two reports in one file");
}

#[test]
fn a_reader_who_has_read_enough_is_no_trouble() {
    let folder = tempfile::tempdir().unwrap();
    scenario(&folder, "a.toml", &[PASSES]);
    let mut child = kitecity(&folder, "run a.toml a.toml --report r.html")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", words(&output.stderr));
    assert_eq!(words(&output.stderr), "");
    assert!(folder.path().join("r.html").exists());
}

#[test]
fn json_is_a_line_per_run_with_the_file_the_command_and_the_outcomes() {
    let folder = tempfile::tempdir().unwrap();
    scenario(&folder, "a.toml", &[FAILS]);
    let output = run(&folder, "run a.toml a.toml --json");
    let lines = words(&output.stdout);
    assert_eq!(lines.lines().count(), 2);
    for line in lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["file"], "a.toml");
        assert_eq!(line["again"], "kitecity run a.toml --seed 5");
        assert_eq!(line["outcomes"][0]["standing"], "failed");
        assert_eq!(line["record"]["ledger"]["total_fen"], 0);
    }
}

#[test]
fn junit_has_a_case_for_each_expectation_and_the_right_counts() {
    let folder = tempfile::tempdir().unwrap();
    scenario(&folder, "a.toml", &[PASSES, TESTS_NOTHING, FAILS]);
    let output = run(&folder, "run a.toml --junit r.xml");
    assert_eq!(output.status.code(), Some(99));
    let text = read(&folder, "r.xml");
    let document = roxmltree::Document::parse(&text).unwrap();
    let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).unwrap();
    assert_eq!(suite.attribute("name"), Some("Dusk & <b>dawn</b> (seed 5)"));
    for (count, expected) in [("tests", "3"), ("failures", "1"), ("errors", "1"), ("skipped", "0")] {
        assert_eq!(suite.attribute(count), Some(expected), "{count}");
    }
    let case = |name: &str| {
        let mut cases = suite.children().filter(|node| node.has_tag_name("testcase"));
        cases.find(|node| node.attribute("name") == Some(name)).unwrap_or_else(|| panic!("no case `{name}`"))
    };
    let error = case("a command that nobody gives").first_element_child().unwrap();
    assert_eq!((error.tag_name().name(), error.attribute("type")), ("error", Some("inconclusive")));
    let failed = case("five of four are lit, <script>alert('x')</script> & more");
    let failure = failed.first_element_child().unwrap();
    assert_eq!(failure.tag_name().name(), "failure");
    let detail = failure.text().unwrap();
    for part in ["moment", "expected", "seen", "last events", "kitecity run a.toml --seed 5"] {
        assert!(detail.contains(part), "{part} is missing in: {detail}");
    }
}

#[test]
fn junit_of_many_seeds_has_a_suite_for_each_the_failed_ones_first() {
    let folder = tempfile::tempdir().unwrap();
    scenario(&folder, "a.toml", &[FAILS]);
    let output = run(&folder, "run a.toml --seeds 3..5 --junit r.xml --report r.html");
    assert_eq!(output.status.code(), Some(99));
    let text = read(&folder, "r.xml");
    let document = roxmltree::Document::parse(&text).unwrap();
    let suites = document.descendants().filter(|node| node.has_tag_name("testsuite"));
    let names: Vec<_> = suites.filter_map(|suite| suite.attribute("name")).collect();
    assert_eq!(names, [3, 4, 5].map(|seed| format!("Dusk & <b>dawn</b> (seed {seed})")));
    let page = read(&folder, "r.html");
    assert!(page.contains("Seeds that failed: 3, 4, 5"), "{page}");
    assert!(page.contains("kitecity run a.toml --seed 3"));
}

#[test]
fn the_report_names_every_expectation_escaped_and_loads_nothing() {
    let folder = tempfile::tempdir().unwrap();
    scenario(&folder, "a.toml", &[PASSES, TESTS_NOTHING, FAILS]);
    scenario(&folder, "b.toml", &[PASSES]);
    run(&folder, "run a.toml b.toml --report r.html");
    let page = read(&folder, "r.html");
    for name in [
        "Dusk &amp; &lt;b&gt;dawn&lt;/b&gt;",
        "nothing is left unread",
        "a command that nobody gives",
        "five of four are lit, &lt;script&gt;alert('x')&lt;/script&gt; &amp; more",
        "SIMULATED / 模拟",
        "href=\"#run-2\"",
        "id=\"run-2\"",
        "No bill was paid.",
    ] {
        assert!(page.contains(name), "`{name}` is missing");
    }
    for loaded in ["http://", "https://", "<script", "<link", "<img", "src=", "url(", "@import"] {
        assert!(!page.contains(loaded), "`{loaded}` is in the page");
    }
}

#[test]
fn the_same_run_writes_the_same_report_but_for_the_wall_clock() {
    let folder = tempfile::tempdir().unwrap();
    scenario(&folder, "a.toml", &[FAILS]);
    let mut pages = ["one.html", "two.html"].map(|name| {
        run(&folder, &format!("run a.toml --report {name}"));
        read(&folder, name)
    });
    for page in &mut pages {
        let from = page.find("Wall time").unwrap();
        page.replace_range(from..from + page[from..].find("</dd>").unwrap(), "");
    }
    assert_eq!(pages[0], pages[1]);
}

#[test]
fn a_report_replaces_an_old_one_and_leaves_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    scenario(&folder, "a.toml", &[PASSES]);
    let files = |folder: &Path| std::fs::read_dir(folder).unwrap().count();
    std::fs::write(folder.path().join("r.xml"), "old").unwrap();
    assert_eq!(run(&folder, "run a.toml --junit r.xml").status.code(), Some(0));
    assert!(read(&folder, "r.xml").starts_with("<?xml"));
    assert_eq!(files(folder.path()), 2);
}
