//! One story, three ways: in virtual time, live on the embedded broker, live on Mosquitto.

use std::process::Output;

use city_tests::{kitecity, mosquitto};

const STORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/scenarios/first-night.toml");
/// Fast enough for a test: four hours in half a minute.
const LIVE: &[&str] =
    &["--live", "--speed", "480", "--mqtt-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"];

fn run(arguments: &[&str]) -> Output {
    kitecity().arg("run").arg(STORY).args(arguments).output().expect("the binary runs")
}

#[track_caller]
fn passes(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{}\n{text}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(text.matches('✓').count(), 13, "{text}");
    text
}

#[test]
fn the_first_night_passes_in_virtual_time_with_the_same_digest_every_time() {
    let digest = |text: &str| text.lines().last().map(str::to_owned);
    let (first, second) = (passes(&run(&[])), passes(&run(&[])));
    assert!(digest(&first).is_some_and(|line| line.contains("digest")), "{first}");
    assert_eq!(digest(&first), digest(&second));
    let other = run(&["--seed", "8"]);
    assert_ne!(digest(&first), digest(&String::from_utf8_lossy(&other.stdout)));
}

#[test]
fn the_first_night_passes_live() {
    passes(&run(LIVE));
}

#[test]
fn the_first_night_passes_live_on_mosquitto() {
    let Some((_broker, port, _folder)) = mosquitto() else { return };
    let address = format!("mqtt://127.0.0.1:{port}");
    passes(&run(&[LIVE, &["--broker", &address]].concat()));
}
