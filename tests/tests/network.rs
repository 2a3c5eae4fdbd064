//! The city on a network: TLS, phones with a PIN, and a log that tells no secrets.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use city_tests::{City, kitecity, needs, wait_for};
use serde_json::{Value, json};
use tempfile::tempdir;

const SMALL: &[&str] = &["--luminaires", "24", "--speed", "600", "--without", "residents"];

fn small(more: &[&str]) -> City {
    City::start(&[SMALL, more].concat())
}

/// `kitecity` with these arguments: exit code and errors.
fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let output = kitecity().args(arguments).stderr(Stdio::piped()).output().expect("the binary runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn flags_and_files_of_tls_that_make_no_sense_are_refused_by_name() {
    let folder = tempdir().unwrap();
    let words = folder.path().join("words.pem");
    std::fs::write(&words, "words").unwrap();
    let words = words.to_str().unwrap();
    for (arguments, told) in [
        (&["up", "--tls", "--tls-cert", words][..], "--tls-key"),
        (&["up", "--tls", "--tls-cert", words, "--tls-key", words], "words.pem"),
        (&["up", "--tls-client-ca", words], "`--tls-client-ca` goes with `--tls`"),
        (&["up", "--tls", "--tls-client-ca", words], "words.pem"),
        (&["up", "--tls-ca", words], "`--tls-ca` goes with `--broker mqtts://…`"),
        (&["up", "--broker", "mqtts://127.0.0.1", "--tls-ca", words], "words.pem"),
        (&["up", "--lan", "everywhere"], "--lan"),
    ] {
        let (code, errors) = refused(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {errors}");
        assert!(errors.contains(told), "{arguments:?}: {errors}");
    }
}

/// What `curl` gets there, trusting `cafile`.
fn curl(arguments: &[&str], cafile: &Path, url: &str) -> Output {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--max-time", "20", "--cacert"]).arg(cafile);
    command.args(arguments).arg(url).output().expect("curl runs")
}

#[test]
fn with_tls_pages_and_bus_are_for_those_who_trust_its_certificate() {
    let Some(_) = needs("curl") else { return };
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    let city = small(&["--tls", "--data", data.to_str().unwrap()]);
    let cafile = data.join("tls-cert.pem");
    let trusted = cafile.to_str().unwrap();
    assert!(city.page.starts_with("https://"), "{}", city.page);

    let health = format!("{}/healthz", city.page);
    let plain = health.replace("https://", "http://");
    assert!(!Command::new("curl").args(["-s", &health]).output().expect("curl runs").status.success());
    assert!(!curl(&[], &cafile, &plain).status.success(), "no plain HTTP");
    assert!(!curl(&["--tls-max", "1.2"], &cafile, &health).status.success(), "nothing older than 1.3");
    assert_eq!(curl(&[], &cafile, &health).stdout, b"ok");

    let (broker, password) = (format!("mqtts://127.0.0.1:{}", city.mqtt_port), city.password.as_str());
    let join = |broker: &str, more: &[&str]| {
        let show = ["eid", "show", "--resident", "r-0001", "--password", password, "--broker", broker];
        let output =
            kitecity().args(show).args(more).stderr(Stdio::piped()).output().expect("the binary runs");
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let (code, told) = join(&broker, &[]);
    assert!(code == Some(1) && told.contains("UnknownIssuer"), "{code:?} {told}");
    let (code, told) = join(&city.broker(), &[]);
    assert_eq!(code, Some(1), "no plain MQTT: {told}");
    let (code, told) = wait_for("a code over TLS", || {
        Some(join(&broker, &["--tls-ca", trusted])).filter(|(code, _)| *code == Some(0))
    });
    assert!(code == Some(0) && told.len() > 100, "{code:?} {told}");
}

/// Status, cookie and body of a request to the network's listener.
fn ask(method: &str, url: &str, cookie: &str, body: Option<&Value>) -> (u16, Option<String>, String) {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
    let request = ureq::http::Request::builder().method(method).uri(url).header("cookie", cookie);
    let request = request.header("content-type", "application/json");
    let body = body.map(Value::to_string).unwrap_or_default();
    let mut response = agent.run(request.body(body).expect("a request")).expect("an answer");
    let cookie =
        response.headers().get("set-cookie").and_then(|value| value.to_str().ok()).map(str::to_owned);
    (response.status().as_u16(), cookie, response.body_mut().read_to_string().unwrap_or_default())
}

#[test]
fn a_phone_of_the_network_shows_the_pin_once_and_gets_a_code_and_nothing_else() {
    let city = small(&["--lan", "127.0.0.1:0"]);
    let printed = city.printed("lan ");
    let (page, rest) = printed.split_once("/  PIN ").expect("where, and the PIN");
    let pin: String = rest.chars().take(9).collect();

    assert_eq!(ask("GET", &format!("{page}/api/residents"), "", None).0, 401);
    assert_eq!(ask("POST", &format!("{page}/api/pair"), "", Some(&json!({ "pin": "1" }))).0, 401);
    let (status, cookie, _) = ask("POST", &format!("{page}/api/pair"), "", Some(&json!({ "pin": pin })));
    let cookie = cookie.filter(|_| status == 200).expect("a session");
    let cookie = cookie.split(';').next().unwrap_or_default();
    let again = ask("POST", &format!("{page}/api/pair"), "", Some(&json!({ "pin": pin })));
    assert_eq!(again.0, 401, "it is used up: {}", again.2);
    assert_ne!(city.printed("lan ").split_once("/  PIN ").expect("the next").1[..9], pin);

    let code = wait_for("a code", || {
        let (status, _, body) = ask("GET", &format!("{page}/api/phone/r-0001/code"), cookie, None);
        (status == 200).then_some(body)
    });
    assert!(code.contains("\"svg\""), "{code}");
    for path in ["/kiosk", "/api/city", "/api/events", "/api/kiosk/verify", "/v1/eligibility", "/readyz"] {
        assert_eq!(ask("GET", &format!("{page}{path}"), cookie, None).0, 404, "{path}");
    }
}

#[test]
fn a_city_says_that_it_is_ready_when_it_is() {
    let city = small(&[]);
    let ready = wait_for("readiness", || {
        let (status, _, body) = ask("GET", &format!("{}/readyz", city.page), "", None);
        (status == 200).then_some(body)
    });
    let ready: Value = serde_json::from_str(&ready).expect("JSON");
    assert_eq!((&ready["ready"], &ready["roles"]["payer"]), (&json!(true), &json!("well")), "{ready}");
}

#[test]
fn the_log_of_a_whole_run_tells_no_passwords_codes_or_pins() {
    let folder = tempdir().unwrap();
    let log = folder.path().join("log");
    let data = folder.path().join("data");
    let mut command = kitecity();
    command.env("KITECITY_LOG", "trace").stderr(std::fs::File::create(&log).expect("a file"));
    let arguments = ["--secret", "a kite of paper", "--lan", "127.0.0.1:0", "--data", data.to_str().unwrap()];
    let city = City::start_as(command, &[SMALL, &arguments].concat());
    let printed = city.printed("lan ");
    let (page, rest) = printed.split_once("/  PIN ").expect("where, and the PIN");
    let pin: String = rest.chars().filter(char::is_ascii_digit).take(8).collect();
    let (_, cookie, _) = ask("POST", &format!("{page}/api/pair"), "", Some(&json!({ "pin": pin })));
    let cookie = cookie.expect("a session");
    let session = cookie.split([';', '=']).nth(1).expect("a value").to_owned();
    let shown = wait_for("a code", || {
        let answer = city.get("/api/phone/r-0003/code");
        answer["code"].as_str().map(str::to_owned)
    });
    city.post("/api/kiosk/verify", &json!({ "code": shown }));
    // A wrong password, and a client that is let in, whose packets the broker reads.
    city_tests::Outsider::connect(city.mqtt_port, "stranger", Some(("operator", "a wrong guess"))).refusal();
    let mut operator = city.operator();
    operator.subscribe("kitecity/v1/demo/evt/#");
    operator.publish(&city.lamp_topic("l-0001", "down/cmd"), "no JSON, but a secret word");
    let key = std::fs::read_to_string(folder.path().join("data.key")).expect("the key of the folder");
    let City { mut process, password, .. } = city;
    assert!(process.interrupt().success());

    let log = String::from_utf8_lossy(&std::fs::read(&log).expect("a log")).into_owned();
    for told in ["DEBUG", "wrong user name or password", "dead letter"] {
        assert!(log.contains(told), "a log worth the name tells `{told}`:\n{log}");
    }
    let secrets = [
        ("the operator's password", password.as_str()),
        ("the secret", "a kite of paper"),
        ("a wrong password", "a wrong guess"),
        ("the PIN", &pin),
        ("a session", &session),
        ("a code", &shown[..40]),
        ("the folder's key", key.trim()),
        ("a payload", "a secret word"),
    ];
    for (what, secret) in secrets {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{what} is in the log");
    }
}
