use std::net::SocketAddr;
use std::sync::Mutex;

use axum::body::{Body, to_bytes};
use city::CitySpec;
use medpay::Policies;
use scenario::{Cast, CastSpec};
use serde_json::Value;
use tokio::sync::broadcast;
use tower::ServiceExt;
use types::Seed;

use super::super::http::PLACES;
use super::super::scenarios::Scenarios;
use super::super::traffic::Traffic;
use super::super::view::View;
use super::super::wallet::Wallets;
use super::super::{events, http, kiosk};
use super::*;
use crate::access::Secret;
use crate::bus::BusAddress;
use crate::caller::Caller;
use crate::health::Health;
use crate::identity::{self, Identity, KioskStates, PublishedKeys};
use crate::link::Link;
use crate::payment;

const HERE: &str = "192.0.2.7:8090";

/// A console of a small city, on a bus where nobody answers.
fn app() -> App {
    asking(Caller::new("svc-console").0)
}

/// The same, with somebody who may answer.
pub(in super::super) fn asking(caller: Caller) -> App {
    let city = CitySpec { seed: Seed(7), luminaires: 6, residents: 3, clinics: 1 };
    let policies =
        toml::from_str::<Policies>(include_str!("../../../../../config/policies/demo.toml")).unwrap();
    let cast = Arc::new(Cast::new(CastSpec::new(city, 2026, policies)).unwrap());
    let secret = Secret::from_words("kite");
    let link = Link {
        address: BusAddress::plain("127.0.0.1", 1),
        run: "demo".parse().unwrap(),
        secret: None,
        ready: None,
        health: Health::default(),
    };
    App {
        identity: Identity {
            caller: caller.clone(),
            secret: secret.clone(),
            readers: cast.readers().clone(),
            kiosks: KioskStates::default(),
            keys: PublishedKeys::default(),
            names: cast.names(),
            now: wall_now,
        },
        link,
        broker: None,
        events: broadcast::channel(8).0,
        consents: broadcast::channel(8).0,
        attacking: Arc::default(),
        scenarios: Arc::new(Scenarios::new(None)),
        groups: Arc::default(),
        traffic: Arc::new(Mutex::new(Traffic::new(String::new()))),
        kiosk: Arc::new(kiosk::Kiosk::new(cast.offline_verifier())),
        run: "demo".to_owned(),
        seed: 7,
        view: Arc::new(Mutex::new(View::new(&cast, None))),
        cast,
        caller,
        told: broadcast::channel(8).0,
        wallets: Arc::new(Wallets::new(secret)),
        listeners: events::room(),
        health: Health::default(),
    }
}

fn lan() -> (Router, Arc<Pairing>) {
    let pairing = Arc::new(Pairing::default());
    let origins = Origins::new(HERE.parse().unwrap(), None);
    (router(app(), origins, pairing.clone()), pairing)
}

fn request(method: &str, path: &str) -> axum::http::request::Builder {
    let from: SocketAddr = "192.0.2.9:5000".parse().unwrap();
    Request::builder().method(method).uri(path).header(header::HOST, HERE).extension(From(from))
}

#[tokio::test]
async fn openers_are_spoken_of_only_where_browsers_heed_it() {
    for (here, is_told) in [(HERE, false), ("127.0.0.1:8090", true)] {
        let origins = Origins::new(here.parse().unwrap(), None);
        let router = router(app(), origins, Arc::default());
        let response = ask(&router, request("GET", "/pair").body(Body::empty()).unwrap()).await;
        assert_eq!(response.headers().contains_key("cross-origin-opener-policy"), is_told, "{here}");
    }
}

async fn ask(router: &Router, request: Request) -> Response {
    router.clone().oneshot(request).await.unwrap()
}

fn showing(pin: &str) -> Request {
    let body = Body::from(json!({ "pin": pin }).to_string());
    request("POST", "/api/pair").header(header::CONTENT_TYPE, "application/json").body(body).unwrap()
}

async fn code(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let body = to_bytes(response.into_body(), 10_000).await.unwrap();
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    (status, problem["code"].clone())
}

/// The cookie of a device that showed the PIN.
async fn paired(router: &Router, pairing: &Pairing) -> String {
    let pin = pairing.pins().borrow().to_string();
    let response = ask(router, showing(&pin)).await;
    assert_eq!(response.status(), StatusCode::OK);
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly; SameSite=Strict") && !cookie.contains("Secure"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

/// Every place of the interfaces for programs.
fn programs() -> Vec<String> {
    payment::paths().into_iter().chain(identity::paths()).map(|(path, _)| path).collect()
}

/// Every place of the console that is not for the network, with its parameters filled in.
fn foreign_places() -> Vec<String> {
    let console = PLACES.iter().filter(|place| place.reach == Reach::Here).map(|place| place.path);
    let console = console.filter(|path| !matches!(*path, "/" | "/assets/{*path}"));
    let programs = programs();
    let filled = |path: &str| path.replace("{id}", "l-0001").replace(['{', '}'], "");
    console.chain(programs.iter().map(String::as_str)).map(filled).collect()
}

#[tokio::test]
async fn the_network_reaches_nothing_of_console_kiosk_and_payment_paired_or_not() {
    let (router, pairing) = lan();
    let cookie = paired(&router, &pairing).await;
    let places = foreign_places();
    assert!(places.len() > 30 && places.contains(&"/kiosk".to_owned()), "{places:?}");
    for (path, method) in places.iter().flat_map(|path| [(path, "GET"), (path, "POST")]) {
        for session in ["", cookie.as_str()] {
            let asked = request(method, path).header(header::COOKIE, session).body(Body::empty()).unwrap();
            let told = code(ask(&router, asked).await).await;
            assert_eq!(told, (StatusCode::NOT_FOUND, json!("not_found")), "{method} {path} {session}");
        }
    }
    for foreign in ["index.html", "kiosk.html", "js/console.js", "js/kiosk.js", "../Cargo.toml"] {
        let asked = request("GET", &format!("/assets/{foreign}")).header(header::COOKIE, &cookie);
        let response = ask(&router, asked.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{foreign}");
    }
}

#[tokio::test]
async fn without_the_pin_a_program_is_refused_and_a_person_is_led_to_it() {
    let (router, _) = lan();
    for path in PLACES.iter().filter(|place| place.reach == Reach::Network).map(|place| place.path) {
        let path = path.replace("{resident}", "r-0001").replace(['{', '}'], "");
        for session in ["", "kitecity_phone=", "kitecity_phone=guess; other=1"] {
            let asked = || request("GET", &path).header(header::COOKIE, session);
            let told = code(ask(&router, asked().body(Body::empty()).unwrap()).await).await;
            assert_eq!(told, (StatusCode::UNAUTHORIZED, json!("not_paired")), "{path}");
            let person = asked().header(header::ACCEPT, "text/html,*/*").body(Body::empty()).unwrap();
            let response = ask(&router, person).await;
            assert_eq!(response.headers()[header::LOCATION], "/pair", "{path}");
        }
    }
}

#[tokio::test]
async fn wrong_pins_are_counted_and_lock() {
    let (router, pairing) = lan();
    let wrong = if pairing.pins().borrow().digits() == "00000000" { "1" } else { "00000000" };
    for _ in 0..4 {
        let told = code(ask(&router, showing(wrong)).await).await;
        assert_eq!(told, (StatusCode::UNAUTHORIZED, json!("wrong_pin")));
    }
    let locked = ask(&router, showing(wrong)).await;
    assert_eq!(locked.headers()[header::RETRY_AFTER], "30");
    assert_eq!(code(locked).await, (StatusCode::TOO_MANY_REQUESTS, json!("locked")));
}

#[tokio::test]
async fn another_site_cannot_show_the_pin_through_a_visitors_browser() {
    let (router, pairing) = lan();
    let pin = pairing.pins().borrow().to_string();
    for (name, value) in [(header::ORIGIN, "http://evil.example"), (header::HOST, "evil.example:8090")] {
        let mut foreign = showing(&pin);
        foreign.headers_mut().insert(name, value.parse().unwrap());
        assert_eq!(code(ask(&router, foreign).await).await, (StatusCode::FORBIDDEN, json!("foreign_origin")));
    }
    let mut form = showing(&pin);
    form.headers_mut().insert(header::CONTENT_TYPE, "text/plain".parse().unwrap());
    assert_eq!(code(ask(&router, form).await).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_paired_phone_gets_its_page_and_every_answer_says_what_browsers_may_do() {
    let (router, pairing) = lan();
    let cookie = paired(&router, &pairing).await;
    for path in ["/phone", "/api/residents", "/nowhere"] {
        let asked = request("GET", path).header(header::COOKIE, &cookie).body(Body::empty()).unwrap();
        let response = ask(&router, asked).await;
        assert_eq!(response.status().is_success(), path != "/nowhere", "{path}");
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(
            policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert_eq!(response.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    }
}

/// On this machine's own listener: no place that changes something may be reached from a foreign page.
#[tokio::test]
async fn every_place_of_the_console_is_closed_to_foreign_hosts_and_origins() {
    let router = http::router(app(), Origins::new("127.0.0.1:8080".parse().unwrap(), None));
    let places = PLACES.iter().map(|place| place.path.replace(['{', '}', '*'], ""));
    let places: Vec<_> = places.chain(programs().iter().map(|path| path.replace(['{', '}'], ""))).collect();
    for (path, method) in places.iter().flat_map(|path| [(path, "GET"), (path, "POST"), (path, "DELETE")]) {
        for (host, origin) in [("evil.example:8080", None), ("127.0.0.1:8080", Some("http://evil.example"))] {
            let asked = Request::builder().method(method).uri(path.as_str()).header(header::HOST, host);
            let asked = origin.into_iter().fold(asked, |asked, origin| asked.header(header::ORIGIN, origin));
            let told = code(ask(&router, asked.body(Body::empty()).unwrap()).await).await;
            assert_eq!(told, (StatusCode::FORBIDDEN, json!("foreign_origin")), "{method} {path} {host}");
        }
    }
}

#[tokio::test]
async fn more_browsers_than_there_is_room_for_are_told_to_come_back() {
    let router = http::router(app(), Origins::new("127.0.0.1:8080".parse().unwrap(), None));
    let listen = || Request::builder().uri("/api/events").header(header::HOST, "127.0.0.1:8080");
    let mut listening = Vec::new();
    for _ in 0..events::LISTENERS_MAX {
        let response = ask(&router, listen().body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK);
        listening.push(response);
    }
    let refused = ask(&router, listen().body(Body::empty()).unwrap()).await;
    assert_eq!(code(refused).await, (StatusCode::SERVICE_UNAVAILABLE, json!("too_many_listeners")));
    listening.pop();
    assert_eq!(ask(&router, listen().body(Body::empty()).unwrap()).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_city_is_not_ready_while_a_role_is_cut_off() {
    let app = app();
    let health = app.health.clone();
    let router = http::router(app, Origins::new("127.0.0.1:8080".parse().unwrap(), None));
    let asked = || Request::builder().uri("/readyz").header(header::HOST, "127.0.0.1:8080");
    health.turn(wire::RoleName::Payer);
    let response = ask(&router, asked().body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body = to_bytes(response.into_body(), 10_000).await.unwrap();
    let told: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&told["ready"], &told["roles"]["payer"]), (&json!(false), &json!("not on the bus")));
    health.bus(wire::RoleName::Payer, true);
    assert_eq!(ask(&router, asked().body(Body::empty()).unwrap()).await.status(), StatusCode::OK);
}
