//! JUnit XML: a suite per run, a case per expectation.
//!
//! An expectation that did not come true is a `failure`. One that nothing tested is an `error` of type
//! `inconclusive`: the JUnit schema keeps failures for what was tested and found wrong, and errors for tests that
//! could not be carried out. `skipped` would be wrong, for build servers show it as green.

use std::time::Duration;

use anyhow::{Context as _, Result};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use scenario::{Failure, Outcome, Standing, show_moment};

use super::super::Played;
use super::Section;

/// What nothing tested, and steps that never began.
const INCONCLUSIVE: &str = "inconclusive";

/// The whole document.
pub(super) fn text(sections: &[Section]) -> Result<String> {
    let mut report = Report::new("kitecity");
    let mut wall_ms = 0;
    for section in sections {
        match section {
            Section::Run(played) => {
                wall_ms += played.wall_ms;
                report.add_test_suite(suite(played));
            }
            Section::Seeds(explored) => {
                wall_ms += explored.wall_ms;
                report.add_test_suites(explored.kept.iter().map(suite));
            }
        }
    }
    report.set_time(Duration::from_millis(wall_ms));
    report.to_string().context("cannot write JUnit XML")
}

fn suite(played: &Played) -> TestSuite {
    let verdict = &played.verdict;
    let mut suite = TestSuite::new(format!("{} (seed {})", verdict.scenario, played.seed));
    suite.set_time(Duration::from_millis(played.wall_ms));
    suite.add_property(("file", played.file.as_str()));
    suite.add_property(("seed", played.seed.to_string().as_str()));
    suite.add_property(("mode", played.mode()));
    suite.add_property(("version", env!("CARGO_PKG_VERSION")));
    suite.add_property(("command", played.again.as_str()));
    if let Some(log) = played.log {
        suite.add_property(("events", log.events.to_string().as_str()));
        suite.add_property(("digest", format!("{:016x}", log.digest).as_str()));
    }
    for outcome in &verdict.outcomes {
        suite.add_test_case(case(played, &outcome.name, status(played, outcome), &outcome.measured));
    }
    if verdict.never_begun > 0 {
        let said = format!("{} steps waited for something that never came", verdict.never_begun);
        let status = non_success(NonSuccessKind::Error, INCONCLUSIVE, &said, &reproduce(played));
        suite.add_test_case(case(played, "every step of the timeline begins", status, &said));
    }
    suite
}

/// Cases have no time of their own: all of a suite are judged in one run, whose time is the suite's.
fn case(played: &Played, name: &str, status: TestCaseStatus, measured: &str) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(played.file.as_str());
    case.set_system_out(measured);
    case
}

fn status(played: &Played, outcome: &Outcome) -> TestCaseStatus {
    match (outcome.standing, &outcome.failure) {
        (Standing::Passed, _) => TestCaseStatus::success(),
        (Standing::Inconclusive, _) => {
            let said = format!("nothing was tested: {}", outcome.says);
            non_success(NonSuccessKind::Error, INCONCLUSIVE, &said, &reproduce(played))
        }
        (Standing::Failed, Some(failure)) => {
            let said = format!("expected {}, seen {}", failure.expected, failure.seen);
            let detail = detail(played, outcome, failure);
            non_success(NonSuccessKind::Failure, "failed", &said, &detail)
        }
        (Standing::Failed, None) => {
            non_success(NonSuccessKind::Failure, "failed", &outcome.measured, &reproduce(played))
        }
    }
}

fn non_success(kind: NonSuccessKind, of_type: &str, message: &str, detail: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(of_type).set_message(message).set_description(detail);
    status
}

fn detail(played: &Played, outcome: &Outcome, failure: &Failure) -> String {
    let mut lines = vec![format!("moment    {}", show_moment(failure.at, played.verdict.start))];
    lines.extend(failure.entity.iter().map(|entity| format!("about     {entity}")));
    lines.push(format!("expected  {} – {}", failure.expected, outcome.says));
    lines.push(format!("seen      {}", failure.seen));
    if outcome.failures > 1 {
        lines.push(format!("and {} more like it", outcome.failures - 1));
    }
    if !failure.before.is_empty() {
        lines.push("last events".to_owned());
        lines.extend(failure.before.iter().map(|line| format!("  {line}")));
    }
    lines.push(reproduce(played));
    lines.join("\n")
}

fn reproduce(played: &Played) -> String {
    format!("again     {}", played.again)
}
