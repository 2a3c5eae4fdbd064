//! The interface before an issuer and a verifier that are there, in a time that stands still unless it is moved.

use std::sync::Mutex;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Request, header};
use city::{CitySpec, Residents};
use eid::{Phone, PhoneKey, Resident, Verdict, phone};
use scenario::{Cast, CastSpec};
use serde_json::json;
use tokio::sync::mpsc;
use tower::ServiceExt;
use types::{Core, ResidentId, Seed};
use wire::roles::{IssuerRole, VerifierRole};
use wire::{BusInput, Message, Reply};

use super::bearer::{reader_token, session};
use super::*;

mod refused;
mod story;

/// When the tests begin: 2026-04-18, 19:00 in the city.
const BEGIN: Timestamp = Timestamp::from_millis(1_776_510_000_000);

/// An issuer and a verifier behind the interface.
struct City {
    router: Router,
    secret: Secret,
    cast: Cast,
    kiosks: KioskStates,
    inside: Arc<Mutex<Inside>>,
}

struct Inside {
    issuer: IssuerRole,
    verifier: VerifierRole,
    keys: PublishedKeys,
    now: Timestamp,
    /// What the verifier says instead of judging, if anything: for what no code of these tests can be.
    says: Option<Verdict>,
    /// What went to phones.
    pushed: Vec<eid::ConsentRequest>,
}

impl City {
    fn new() -> Self {
        let city = CitySpec { seed: Seed(7), luminaires: 20, residents: 40, clinics: 1 };
        let policy = toml::from_str(include_str!("../../../../config/policies/demo.toml")).unwrap();
        let cast = Cast::new(CastSpec::new(city, 2026, policy)).unwrap();
        let (issuer, verifier, keys) = (cast.issuer(), cast.verifier(), PublishedKeys::default());
        let mut inside =
            Inside { issuer, verifier, keys: keys.clone(), now: BEGIN, says: None, pushed: Vec::new() };
        let (caller, questions) = Caller::new("svc-console");
        inside.tell_issuer(BusInput::Connected, &caller);
        let inside = Arc::new(Mutex::new(inside));
        tokio::spawn(carry(inside.clone(), caller.clone(), questions));
        let secret = Secret::from_words("kite");
        let (readers, names, now) = (cast.readers().clone(), cast.names(), || BEGIN);
        let kiosks = KioskStates::default();
        let identity =
            Identity { caller, secret: secret.clone(), readers, kiosks: kiosks.clone(), keys, names, now };
        Self { router: router(identity), secret, cast, kiosks, inside }
    }

    fn wait(&self, millis: i64) {
        let mut inside = self.inside.lock().unwrap();
        inside.now = inside.now.plus_millis(millis);
    }

    fn resident(&self, number: u32) -> Resident {
        Residents::new(self.cast.plan()).get(ResidentId(number)).unwrap().person
    }

    fn reader(&self, name: &str) -> String {
        reader_token(&self.secret, name.parse().unwrap())
    }

    fn operator(&self) -> String {
        self.secret.password_for("operator")
    }

    async fn ask(&self, method: &str, place: &str, bearer: &str, body: &Value) -> (u16, HeaderMap, Bytes) {
        let mut request = Request::builder().method(&*method.to_uppercase()).uri(place);
        if !bearer.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {bearer}"));
        }
        if method == "post" {
            request = request.header("Idempotency-Key", uuid::Uuid::new_v4().to_string());
        }
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        (status, headers, to_bytes(response.into_body(), 1_000_000).await.unwrap())
    }

    async fn json(&self, method: &str, place: &str, bearer: &str, body: &Value) -> (u16, Value) {
        let (status, headers, body) = self.ask(method, place, bearer, body).await;
        let kind = if status == 200 { "application/json" } else { "application/problem+json" };
        assert_eq!(headers[header::CONTENT_TYPE], kind, "{place}");
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn done(&self, method: &str, place: &str, bearer: &str, body: &Value) -> Value {
        let (status, answer) = self.json(method, place, bearer, body).await;
        assert_eq!(status, 200, "{place}: {answer}");
        answer
    }

    /// Enrols a resident; their session.
    async fn enrolled(&self, number: u32) -> String {
        let Resident { number, name_zh, .. } = self.resident(number);
        let body = json!({ "resident_no": number.as_str(), "name": name_zh });
        let answer = self.done("post", "/v1/enrollments", "", &body).await;
        answer["session"].as_str().unwrap().to_owned()
    }

    /// A code of the issuer for a resident who is enrolled.
    async fn code(&self, session: &str, profile: &str) -> String {
        let place = format!("/v1/token?profile={profile}");
        self.done("get", &place, session, &Value::Null).await["qr"].as_str().unwrap().to_owned()
    }

    async fn verify(&self, reader: &str, code: &str) -> (u16, Value) {
        self.json("post", "/v1/verify", &self.reader(reader), &json!({ "qr": code })).await
    }

    /// A phone of a resident, with credentials of that profile that it fetched over HTTP.
    async fn phone(&self, number: u32, session: &str, profile: eid::Profile) -> Phone {
        let key = PhoneKey::from_seed([number as u8; 32]);
        let mut phone = Phone::new(ResidentId(number), key, Seed(1).stream("nonces", 0));
        let mut out = Vec::new();
        phone.handle(BEGIN, phone::Input::Show { profile, ward: None }, &mut out);
        let Some(phone::Output::Request(request)) = out.pop() else { panic!("it asks") };
        let mut body = serde_json::to_value(request).unwrap();
        body.as_object_mut().unwrap().remove("resident");
        let answer = self.done("post", "/v1/credentials", session, &body).await;
        let credentials = serde_json::from_value(answer["credentials"].clone()).unwrap();
        let reply = eid::CredentialReply::Issued { credentials };
        phone.handle(BEGIN, phone::Input::Reply(reply), &mut out);
        phone.handle(BEGIN, phone::Input::Hide, &mut out);
        phone
    }
}

/// What a phone displays when its owner agrees to a challenge.
fn answered(phone: &mut Phone, challenge: eid::Challenge) -> String {
    let mut out = Vec::new();
    phone.handle(BEGIN, phone::Input::Challenged(challenge), &mut out);
    phone.handle(BEGIN, phone::Input::Agree, &mut out);
    let shown = out.into_iter().find_map(|output| match output {
        phone::Output::Display { code, .. } => Some(code.0),
        _ => None,
    });
    shown.expect("it shows its code")
}

impl Inside {
    fn tell_issuer(&mut self, input: BusInput, caller: &Caller) {
        let mut out = Vec::new();
        self.issuer.handle(self.now, input, &mut out);
        self.pass_on(out, caller);
    }

    fn tell_verifier(&mut self, input: BusInput, caller: &Caller) {
        let mut out = Vec::new();
        self.verifier.handle(self.now, input, &mut out);
        self.pass_on(out, caller);
    }

    fn pass_on(&mut self, messages: Vec<Message>, caller: &Caller) {
        for message in messages {
            match message {
                Message::Reply(reply) => {
                    caller.answer(&reply);
                }
                Message::EidKeys(keys) => {
                    self.keys.take(&keys);
                    self.tell_verifier(BusInput::Message(Message::EidKeys(keys)), caller);
                }
                Message::EidConsent(asked) => self.pushed.push(asked),
                _ => {}
            }
        }
    }
}

/// The bus: carries questions to issuer and verifier, and the answers back.
async fn carry(inside: Arc<Mutex<Inside>>, caller: Caller, mut questions: mpsc::Receiver<Message>) {
    while let Some(question) = questions.recv().await {
        let mut inside = inside.lock().unwrap();
        let Message::Request(request) = &question else { continue };
        match (&request.body, inside.says.clone()) {
            (RequestBody::Verify(_), Some(verdict)) => {
                let (to, time) = (request.reply_to.clone(), inside.now);
                caller.answer(&Reply { to, time, body: ReplyBody::Verify(verdict) });
            }
            (body, _) if body.service() == wire::RoleName::Issuer => {
                inside.tell_issuer(BusInput::Message(question), &caller);
            }
            _ => inside.tell_verifier(BusInput::Message(question), &caller),
        }
    }
}
