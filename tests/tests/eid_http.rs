//! e-ID over HTTP, against a city in another process: a holder, a reader and the operator, each with their token; and a
//! reader on the bus.

use std::sync::atomic::{AtomicU32, Ordering};

use city_tests::{City, Outsider, kitecity, wait_for};
use serde_json::{Value, json};

const SETTINGS: [&str; 4] = ["--luminaires", "120", "--secret", "kite"];

/// How many requests were made: each has a key of its own.
static REQUESTS: AtomicU32 = AtomicU32::new(0);

/// Somebody with a token, or nobody.
struct Client<'a> {
    city: &'a City,
    bearer: String,
}

impl<'a> Client<'a> {
    fn new(city: &'a City, bearer: impl Into<String>) -> Self {
        Self { city, bearer: bearer.into() }
    }

    fn get(&self, path: &str) -> (u16, Value) {
        let request =
            ureq::get(format!("{}{path}", self.city.page)).config().http_status_as_error(false).build();
        let answer = request.header("Authorization", format!("Bearer {}", self.bearer)).call();
        let mut answer = answer.unwrap_or_else(|error| panic!("{path}: {error}"));
        (answer.status().as_u16(), answer.body_mut().read_json().expect("JSON"))
    }

    fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let key = format!("request-{}", REQUESTS.fetch_add(1, Ordering::Relaxed));
        let request =
            ureq::post(format!("{}{path}", self.city.page)).config().http_status_as_error(false).build();
        let request = request.header("Idempotency-Key", key);
        let answer = request.header("Authorization", format!("Bearer {}", self.bearer)).send_json(body);
        let mut answer = answer.unwrap_or_else(|error| panic!("{path}: {error}"));
        (answer.status().as_u16(), answer.body_mut().read_json().expect("JSON"))
    }

    fn done(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.post(path, body);
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }
}

/// What a resident of the city enrols with, as the command line tells it.
fn papers(resident: &str) -> Value {
    let mut command = kitecity();
    let printed =
        command.args(["eid", "papers", "--resident", resident]).args(SETTINGS).output().expect("it runs");
    serde_json::from_slice(&printed.stdout).expect("JSON")
}

fn holder<'a>(city: &'a City, resident: &str) -> Client<'a> {
    let enrolled = Client::new(city, "nobody").done("/v1/enrollments", &papers(resident));
    assert_eq!(enrolled["resident_ref"], resident);
    Client::new(city, enrolled["session"].as_str().expect("a session"))
}

/// The token of a reader, as the operator is told it.
fn token(city: &City, reader: &str) -> String {
    let (_, told) = Client::new(city, &*city.password).get("/v1/admin/readers");
    let readers = told["readers"].as_array().expect("readers");
    let found = readers.iter().find(|one| one["reader"] == reader).expect("the reader");
    found["token"].as_str().expect("a token").to_owned()
}

#[test]
fn a_code_is_fetched_judged_once_and_found_in_the_holders_history() {
    let city = City::start(&SETTINGS);
    let (holder, reader) = (holder(&city, "r-0042"), Client::new(&city, token(&city, "clinic-counter")));
    let code = holder.get("/v1/token?profile=name").1["qr"].clone();
    let (status, problem) = Client::new(&city, "nobody").post("/v1/verify", &json!({ "qr": code }));
    assert_eq!((status, &problem["code"]), (401, &json!("bearer_invalid")));
    let verdict = reader.done("/v1/verify", &json!({ "qr": code }));
    assert_eq!((&verdict["verdict"], &verdict["resident"]), (&json!("valid"), &json!("r-0042")));
    let (status, problem) = reader.post("/v1/verify", &json!({ "qr": code }));
    assert_eq!((status, &problem["code"]), (409, &json!("token_replayed")));
    let showings = holder.get("/v1/me/history").1["showings"].clone();
    assert_eq!(showings[0]["disclosed"], json!(["birth_date", "full_name", "gender"]));
    assert_eq!(showings[1]["refused"], "token_replayed");
    assert_eq!(self::holder(&city, "r-0007").get("/v1/me/history").1["showings"], json!([]));
}

#[test]
fn keys_are_published_and_the_operator_can_give_one_up() {
    let city = City::start(&SETTINGS);
    let (holder, reader) = (holder(&city, "r-0042"), Client::new(&city, token(&city, "bus")));
    let (_, jwks) = reader.get("/.well-known/jwks.json");
    let code = holder.get("/v1/token?profile=anon").1["qr"].clone();
    let lost = json!({ "kid": jwks["keys"][0]["kid"] });
    let (status, _) = reader.post("/v1/admin/keys/compromise", &lost);
    assert_eq!(status, 401, "a reader is not the operator");
    Client::new(&city, &*city.password).done("/v1/admin/keys/compromise", &lost);
    let (status, problem) = reader.post("/v1/verify", &json!({ "qr": code }));
    assert_eq!((status, &problem["code"]), (401, &json!("issuer_key_revoked")));
}

#[test]
fn a_reader_without_http_asks_on_the_bus_as_itself_and_as_nobody_else() {
    let city = City::start(&SETTINGS);
    let holder = holder(&city, "r-0042");
    let token = token(&city, "bus");
    let password = token.strip_prefix("bus.").expect("name and password");
    let mut reader = Outsider::connect(city.mqtt_port, "reader-bus", Some(("reader-bus", password)));
    reader.subscribe("kitecity/v1/demo/rsp/reader-bus/#");
    let mut verdict = |verifier: &str, n: u32| {
        let code = holder.get("/v1/token?profile=anon").1["qr"].clone();
        let question = json!({
            "specversion": "1.0", "id": format!("019d9e2c-5b80-7000-8000-{n:012}"), "source": "/bus",
            "type": "city.kite.verifier.verify.v1", "time": "2026-04-18T11:00:00Z",
            "replyto": format!("kitecity/v1/demo/rsp/reader-bus/{n}"), "correlationid": n.to_string(),
            "data": { "code": code, "verifier": verifier },
        });
        reader.publish("kitecity/v1/demo/rpc/verifier/s00/verify", question.to_string());
        let place = format!("rsp/reader-bus/{n}");
        reader.receive("a verdict", |topic, _| topic.ends_with(&place))["data"].clone()
    };
    assert_eq!(verdict("museum", 1)["refused"]["reason"], "scope_not_granted");
    let accepted = verdict("bus", 2)["accepted"].clone();
    assert!(accepted["pseudonym"].as_str().is_some_and(|holder| holder.starts_with("p-")), "{accepted}");
    assert_eq!(accepted["resident"], Value::Null);
}

#[test]
fn how_a_reader_stands_is_told_by_itself_and_by_its_will_and_by_no_other_reader() {
    let city = City::start(&SETTINGS);
    let operator = Client::new(&city, &*city.password);
    let stands = |reader: &str| {
        let (_, told) = operator.get("/v1/admin/readers");
        let readers = told["readers"].as_array().expect("readers").clone();
        readers.into_iter().find(|one| one["reader"] == reader).expect("the reader")["kiosk"].clone()
    };
    let token = token(&city, "bus");
    let password = token.strip_prefix("bus.").expect("name and password");
    let (own, other) = ("kitecity/v1/demo/eid/kiosk/bus/state", "kitecity/v1/demo/eid/kiosk/museum/state");
    let will = (own, r#"{"v":1,"d":{"state":"offline"}}"#);
    let mut reader =
        Outsider::connect_with_will(city.mqtt_port, "reader-bus", ("reader-bus", password), will);
    let online = r#"{"v":1,"d":{"state":"online","software":"gate 2.1","queued":3}}"#;
    reader.publish(other, online);
    reader.publish(own, online);
    wait_for("what the reader said", || (stands("bus")["software"] == "gate 2.1").then_some(()));
    assert_eq!((&stands("bus")["queued"], stands("museum")), (&json!(3), Value::Null));
    drop(reader);
    wait_for("what its will says", || (stands("bus") == json!({ "state": "offline" })).then_some(()));
}

#[test]
fn the_kiosk_of_the_pages_says_how_it_stands_and_is_offline_while_its_switch_is() {
    let city = City::start(&SETTINGS);
    let mut operator = city.operator();
    operator.subscribe("kitecity/v1/demo/eid/kiosk/kiosk/state");
    let mut becomes = |what: &str, state: &str| {
        operator.receive(what, |topic, said| topic.ends_with("/state") && said["d"]["state"] == state)
    };
    let online = becomes("the kiosk", "online");
    assert!(online["d"]["software"].as_str().is_some_and(|name| name.starts_with("kitecity ")), "{online}");
    let page = Client::new(&city, "nobody");
    page.done("/api/kiosk/network", &json!({ "offline": true }));
    assert_eq!(becomes("the kiosk without a network", "offline")["d"], json!({ "state": "offline" }));
    page.done("/api/kiosk/network", &json!({ "offline": false }));
    becomes("the kiosk with its network back", "online");
}
