//! The readers of a running city: what each may ask for, and how sure it wants to be.

use city_tests::City;
use serde_json::{Value, json};

struct Kiosk(City);

impl Kiosk {
    fn open() -> Self {
        Self(City::start(&["--luminaires", "10"]))
    }

    /// What resident 7 shows.
    fn shown(&self, query: &str) -> String {
        let code = self.0.get(&format!("/api/phone/r-0007/code?{query}"));
        code["code"].as_str().expect("a code").to_owned()
    }

    fn verdict(&self, code: &str, asking: &Value) -> Value {
        self.0.post("/api/kiosk/verify", &json!({ "code": code, "asking": asking }))
    }

    fn reason(&self, code: &str, asking: &Value) -> String {
        self.verdict(code, asking)["reason"].as_str().unwrap_or("accepted").to_owned()
    }

    fn status(&self, path: &str) -> u16 {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        agent.get(format!("{}{path}", self.0.page)).call().expect("an answer").status().as_u16()
    }
}

#[test]
fn each_reader_refuses_what_it_may_not_ask_or_is_not_sure_of_and_is_told_no_more_than_it_asks() {
    let kiosk = Kiosk::open();
    for (path, status) in [
        ("/api/kiosk/challenge?reader=palace", 404),
        ("/api/kiosk/challenge?reader=The%20Palace", 400),
        ("/api/phone/r-0007/code?challenge=EIDC:MUSEUM", 400),
        ("/api/phone/r-0007/code?by=nobody", 400),
    ] {
        assert_eq!(kiosk.status(path), status, "{path}");
    }
    let names: Vec<Value> = kiosk.0.get("/api/readers").as_array().expect("readers").clone();
    let names: Vec<&str> = names.iter().map(|reader| reader["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["bus", "clinic-counter", "hospital", "museum", "payment", "school-gate"]);

    let as_reader = |name: &str| json!({ "reader": name });
    let reason = kiosk.reason(&kiosk.shown("profile=full"), &json!({ "reader": "bus", "ask": "full" }));
    assert_eq!(reason, "scope_not_granted", "a bus may not ask for everything");
    assert_eq!(kiosk.reason(&kiosk.shown("profile=anon"), &as_reader("hospital")), "consent_denied");
    assert_eq!(kiosk.reason(&kiosk.shown("profile=name"), &as_reader("school-gate")), "holder_proof_missing");
    assert_eq!(kiosk.reason(&kiosk.shown("profile=age&by=phone"), &as_reader("museum")), "audience_mismatch");

    let full = kiosk.verdict(&kiosk.shown("profile=full&by=phone"), &as_reader("clinic-counter"));
    assert_eq!(full["verdict"], "accepted", "{full}");
    let told: Vec<&String> = full["disclosed"].as_object().expect("attributes").keys().collect();
    assert_eq!(told, ["birth_date", "full_name", "gender", "pseudonym"], "no more than it asked for");
    for (name, query) in [
        ("bus", "profile=anon"),
        ("hospital", "profile=name&by=phone"),
        ("school-gate", "profile=name&by=phone"),
        ("payment", "profile=name"),
    ] {
        assert_eq!(kiosk.reason(&kiosk.shown(query), &as_reader(name)), "accepted", "{name}");
    }
}

#[test]
fn an_answer_to_a_challenge_is_good_for_it_and_for_nothing_else() {
    let kiosk = Kiosk::open();
    let challenge = || kiosk.0.get("/api/kiosk/challenge?reader=museum");
    let (mine, other) = (challenge(), challenge());
    assert_ne!(mine["nonce"], other["nonce"]);
    let text = mine["challenge"].as_str().expect("a text");
    assert!(text.starts_with("EIDC:MUSEUM:") && text.ends_with(":AGE"), "{text}");
    let answer = kiosk.shown(&format!("challenge={text}"));
    let museum = |challenge: &Value| json!({ "reader": "museum", "challenge": challenge["nonce"] });
    assert_eq!(kiosk.reason(&answer, &museum(&other)), "audience_mismatch");
    assert_eq!(kiosk.reason(&answer, &json!({ "reader": "bus" })), "audience_mismatch");
    let verdict = kiosk.verdict(&answer, &museum(&mine));
    assert_eq!(verdict["verdict"], "accepted", "{verdict}");
    assert!(verdict["disclosed"]["over_18"].is_string() && verdict["disclosed"]["full_name"].is_null());
    assert_eq!(kiosk.reason(&answer, &museum(&mine)), "token_replayed");
}
