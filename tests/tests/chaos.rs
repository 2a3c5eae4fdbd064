//! A city in many processes, struck at random; and broken disks: what was acknowledged is there, and there once.

use std::process::Stdio;

use city_tests::kitecity;
use serde_json::Value;

/// How long the city is struck \[minutes\].
const MINUTES: &str = "0.1";
/// How long in the full run.
const MINUTES_ALL: &str = "0.5";

fn minutes() -> &'static str {
    if std::env::var_os("KITECITY_TEST_ALL").is_some() { MINUTES_ALL } else { MINUTES }
}

/// Strikes a small city, and says what came of it.
fn strike(arguments: &[&str]) {
    let mut command = kitecity();
    command.args(["chaos", "--minutes", minutes(), "--luminaires", "60", "--json"]).args(arguments);
    let output = command.stderr(Stdio::inherit()).output().expect("the binary runs");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    let some =
        |name: &str| assert!(report[name].as_u64().is_some_and(|count| count > 0), "{name}: {report:#}");
    ["settlements", "verifications", "commands"].into_iter().for_each(some);
    assert!(report["blows"]["kills"].as_u64().is_some_and(|kills| kills > 0), "{report:#}");
}

#[test]
fn chaos_refuses_what_it_makes_itself_and_no_time_at_all() {
    for (arguments, words) in [
        (&["--broker", "mqtt://127.0.0.1:1"][..], "leave out --broker and --data"),
        (&["--data", "/tmp/nowhere"], "leave out --broker and --data"),
        (&["--minutes", "0"], "is not 0.05 to 1440 minutes"),
        (&["--every", "0"], "is not 0.1 to 600 seconds"),
    ] {
        let output = kitecity().arg("chaos").args(arguments).stderr(Stdio::piped()).output();
        let output = output.expect("the binary runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(words), "{errors}");
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_processes_die() {
    strike(&["--seed", "1"]);
}

#[test]
fn nothing_acknowledged_is_lost_on_a_bad_network() {
    strike(&["--seed", "2", "--network", "flaky"]);
}
