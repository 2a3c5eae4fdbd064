//! `kitecity eid`: a phone and a counter at the command line, against a city in another process.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use city_tests::{City, PATIENCE, free_port, kitecity, lines_of, needs};
use serde_json::{Value, json};

/// The settings of the city, which those who join it share.
const SETTINGS: [&str; 4] = ["--luminaires", "120", "--secret", "kite"];

fn city() -> City {
    City::start(&SETTINGS)
}

/// `kitecity eid …` of someone who knows the city's settings.
fn eid(city: &City, arguments: &[&str]) -> Command {
    let mut command = kitecity();
    command.arg("eid").args(arguments).args(["--broker", &city.broker()]).args(SETTINGS);
    command
}

fn output(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.stderr(Stdio::piped()).output().expect("the binary runs");
    let words = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), words(stdout), words(stderr))
}

fn code_of(city: &City, resident: &str) -> String {
    let (status, code, errors) = output(&mut eid(city, &["show", "--resident", resident]));
    assert_eq!(status, Some(0), "{errors}");
    code.trim_end_matches('\n').to_owned()
}

#[test]
fn a_code_is_accepted_once_and_refused_the_second_time_with_a_reason() {
    let city = city();
    let code = code_of(&city, "r-0042");
    let (status, words, errors) = output(&mut eid(&city, &["verify", &code]));
    assert_eq!(status, Some(0), "{words} {errors}");
    assert!(words.starts_with("accepted: p-") && words.contains("full_name: "), "{words}");
    let (status, words, _) = output(&mut eid(&city, &["verify", &code]));
    assert_eq!(status, Some(1), "{words}");
    assert!(words.starts_with("refused: The code was used before"), "{words}");
    assert!(words.contains("(token_replayed)") && words.contains("first accepted at 20"), "{words}");
}

#[test]
fn a_code_on_the_standard_input_gets_its_verdict_as_json() {
    let city = city();
    let code = code_of(&city, "r-0007");
    let verdict = |payload: &str| {
        let mut command = eid(&city, &["verify", "--json", "-"]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the binary runs");
        child.stdin.take().expect("piped").write_all(payload.as_bytes()).expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        let verdict: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        (output.status.code(), verdict)
    };
    let (status, accepted) = verdict(&format!("{code}\r\n"));
    assert_eq!((status, &accepted["accepted"]["resident"]), (Some(0), &Value::Null), "{accepted}");
    assert!(accepted["accepted"]["pseudonym"].as_str().is_some_and(|holder| holder.starts_with("p-")));
    for (payload, reason) in
        [("", "qr_empty"), ("hello", "qr_not_base45"), (&"A".repeat(20_000), "qr_too_large")]
    {
        let (status, refused) = verdict(payload);
        assert_eq!((status, &refused["refused"]["reason"]), (Some(1), &json!(reason)), "{refused}");
    }
}

#[test]
fn the_printed_password_is_as_good_as_the_secret_and_a_wrong_one_is_told() {
    let city = City::start(&["--luminaires", "120"]);
    let show = |password: &str| {
        let mut command = kitecity();
        command.args(["eid", "show", "--resident", "r-0001", "--luminaires", "120"]);
        output(command.args(["--broker", &city.broker(), "--password", password]))
    };
    assert_eq!(show(&city.password).0, Some(0));
    let (status, _, errors) = show("guess");
    assert_eq!(status, Some(1));
    assert!(errors.contains("wrong user name or password") && errors.contains("--password"), "{errors}");
}

#[test]
fn without_a_city_a_resident_or_a_service_it_says_so_and_ends() {
    let nobody = format!("mqtt://127.0.0.1:{}", free_port());
    let (status, _, errors) = output(kitecity().args(["eid", "verify", "x", "--broker", &nobody]));
    assert_eq!(status, Some(1));
    assert!(errors.contains("no bus at mqtt://127.0.0.1:"), "{errors}");
    let (status, _, errors) = output(kitecity().args(["eid", "show", "--resident", "r-9999"]));
    assert_eq!((status, errors.trim_end()), (Some(2), "kitecity: no resident r-9999 in this city"));
    let city = City::start(&[&SETTINGS[..], &["--without", "verifier"]].concat());
    let (status, _, errors) = output(&mut eid(&city, &["verify", "x"]));
    assert_eq!((status, errors.trim_end()), (Some(1), "kitecity: verifier does not answer"));
}

/// Elsewhere than on Linux `script` has other flags.
#[test]
#[cfg(target_os = "linux")]
fn on_a_terminal_the_code_is_drawn_and_ctrl_c_ends_it_well() {
    let Some(script) = needs("script") else { return };
    let city = city();
    let show = eid(&city, &["show", "--resident", "r-0042"]);
    let words: Vec<_> = show.get_args().map(|word| word.to_string_lossy()).collect();
    let line = format!("stty rows 60 cols 120; exec {} {}", show.get_program().display(), words.join(" "));
    let mut terminal = Command::new(script);
    terminal.args(["-qec", &line, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = terminal.spawn().expect("it starts");
    let mut keys = child.stdin.take().expect("piped");
    let lines = lines_of(child.stdout.take().expect("piped"));
    let drawn = std::iter::from_fn(|| lines.recv_timeout(PATIENCE).ok());
    let symbol = drawn.filter(|line| line.contains('█')).take(20);
    assert_eq!(symbol.count(), 20, "a symbol has more lines");
    keys.write_all(b"\x03").expect("a terminal takes keys");
    let status = child.wait().expect("it ends");
    assert!(status.success(), "{status}");
}

#[test]
fn a_phones_code_is_accepted_once_and_says_so() {
    let city = city();
    let (status, code, errors) = output(&mut eid(&city, &["show", "--phone", "--resident", "r-0042"]));
    assert_eq!(status, Some(0), "{errors}");
    let (status, words, errors) = output(&mut eid(&city, &["verify", code.trim_end()]));
    assert_eq!(status, Some(0), "{words} {errors}");
    assert!(words.contains("The holder's phone made it just now"), "{words}");
    let (_, words, _) = output(&mut eid(&city, &["verify", code.trim_end()]));
    assert!(words.contains("(token_replayed)"), "{words}");
}

#[test]
fn without_a_network_codes_are_judged_by_the_keys_in_a_file_and_the_audit_tells() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (keys, audit) = (path("keys.json"), path("audit.jsonl"));
    let offline = |codes: &str, more: &[&str]| {
        let mut command = kitecity();
        command.args(["eid", "verify", "--offline", "--json", "-", "--keys", &keys]).args(more);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the binary runs");
        // It may have ended already, for want of keys.
        let _ = child.stdin.take().expect("piped").write_all(codes.as_bytes());
        let output = child.wait_with_output().expect("it ends");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let verdicts: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        (output.status.code(), verdicts)
    };
    assert_eq!(offline("", &[]), (Some(1), vec![]), "no keys");
    let city = city();
    let (status, words, errors) = output(&mut eid(&city, &["keys", &keys]));
    assert_eq!(status, Some(0), "{errors}");
    assert!(words.starts_with("2 keys of version "), "{words}");
    let (server, phone) = (code_of(&city, "r-0042"), {
        let (_, code, _) =
            output(&mut eid(&city, &["show", "--phone", "--profile", "age", "--resident", "r-0007"]));
        code.trim_end().to_owned()
    });
    drop(city);

    let (status, verdicts) = offline(&format!("{server}\n{phone}\n{server}\nhello\n"), &["--audit", &audit]);
    assert_eq!(status, Some(1));
    let holder = verdicts[0]["accepted"]["pseudonym"].as_str().expect("somebody").to_owned();
    assert!(verdicts[0]["accepted"]["freshness"]["keys_age_s"].is_u64(), "{}", verdicts[0]);
    assert_eq!(verdicts[1]["accepted"]["shown"], "phone");
    assert_eq!(verdicts[2]["refused"]["reason"], "token_replayed");
    assert_eq!(verdicts[3]["refused"]["reason"], "qr_not_base45");
    let reason = |verdicts: &[Value]| verdicts[0]["refused"]["reason"].clone();
    assert_eq!(reason(&offline(&server, &["--as", "bus"]).1), "scope_not_granted", "names are not for buses");
    assert_eq!(reason(&offline(&phone, &["--as", "museum"]).1), "audience_mismatch", "no challenge");
    assert_eq!(offline(&phone, &["--as", "bus"]).0, Some(0));

    let check = || output(kitecity().args(["eid", "audit", "verify", &audit]));
    let (status, words, _) = check();
    assert_eq!(status, Some(0), "{words}");
    assert!(words.starts_with("intact: 5 lines, 1 checkpoints"), "{words}");
    let text = std::fs::read_to_string(&audit).expect("an audit");
    assert!(!text.contains("full_name"), "no attributes");
    std::fs::write(&audit, text.replacen(&holder, &format!("p-{:032x}", 7), 1)).expect("it is bent");
    let (status, words, _) = check();
    assert_eq!(status, Some(1));
    assert!(words.contains("line 2: does not follow the line before it"), "{words}");
}

#[test]
fn what_the_counter_of_the_issuer_does_is_felt_at_once() {
    let city = city();
    let counter = |wish: &str| {
        let (status, reply, errors) = output(&mut eid(&city, &["counter", wish]));
        (status, serde_json::from_str::<Value>(&reply).unwrap_or_else(|_| panic!("{errors}")))
    };
    let refused = |code: &str| output(&mut eid(&city, &["verify", code])).1;
    let suspend = r#"{"suspend":{"resident":"r-0042"}}"#;
    assert_eq!(counter(suspend), (Some(0), json!("done")));
    let (status, _, errors) = output(&mut eid(&city, &["show", "--resident", "r-0042"]));
    assert_eq!((status, errors.trim_end()), (Some(1), "kitecity: r-0042 is not enrolled"));
    let nobody = r#"{"suspend":{"resident":"r-9999"}}"#;
    assert_eq!(counter(nobody), (Some(1), json!({ "refused": "unknown" })));
    assert_eq!(counter(r#""rotate_keys""#), (Some(1), json!({ "refused": "too_early" })));

    let code = code_of(&city, "r-0007");
    let (_, keys) = counter(r#""tell_keys""#);
    let kid = keys["keys"]["keys"]["keys"][0]["kid"].as_str().expect("a key");
    assert_eq!(counter(&json!({ "compromise_key": { "kid": kid } }).to_string()), (Some(0), json!("done")));
    let words = refused(&code);
    assert!(words.contains("(issuer_key_revoked)"), "{words}");
    let words = refused(&code_of(&city, "r-0007"));
    assert!(words.starts_with("accepted: p-"), "{words}");
}
