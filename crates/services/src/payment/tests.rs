//! The interface before a payer that is there, in a time that stands still unless it is moved.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use eid::{Freshness, PseudonymKey, Refusal, RefusalReason, Shown, Verdict, VerifyRequest};
use medpay::{Account, Beneficiary, Insured, Payer, Policies, Unit};
use serde_json::json;
use tokio::sync::mpsc;
use tower::ServiceExt;
use types::{Core, Fen, ResidentId, Seed, Timestamp};
use wire::roles::PayerRole;
use wire::{BusInput, Message, MessageIds, Reply};

use super::*;

mod refused;
mod story;

/// When the tests begin: 2026-04-18, 19:00 in the city.
const BEGIN: Timestamp = Timestamp::from_millis(1_776_510_000_000);

/// A payer behind the interface.
struct City {
    router: Router,
    inside: Arc<Mutex<Inside>>,
}

struct Inside {
    payer: PayerRole,
    now: Timestamp,
}

/// `[items]` and the limits of the tests in front of the demo policies.
fn policies() -> Policies {
    let demo = include_str!("../../../../config/policies/demo.toml");
    toml::from_str(&demo.replace("[items]", "[limits]\nday = 300000\n\n[items]")).unwrap()
}

fn insured(resident: u32, covered_until: Option<&str>) -> Beneficiary {
    Beneficiary {
        resident: ResidentId(resident),
        balance: Fen::new(50_000),
        insured: Insured::Employee,
        cross_region: false,
        covered_until: covered_until.map(|day| day.parse().unwrap()),
    }
}

impl City {
    /// Residents 1 and 2 are insured, 3 was.
    fn new() -> Self {
        let people = [insured(1, None), insured(2, None), insured(3, Some("2026-04-17"))];
        let payer =
            Payer::new(policies(), Fen::new(100_000_000), people, Seed(1).stream("tests", 0)).unwrap();
        let payer = PayerRole::new(payer, MessageIds::new(Seed(1).stream("ids", 0)));
        let inside = Arc::new(Mutex::new(Inside { payer, now: BEGIN }));
        let (caller, questions) = Caller::new("svc-console");
        tokio::spawn(carry(inside.clone(), caller.clone(), questions));
        Self { router: router(caller), inside }
    }

    fn wait(&self, millis: i64) {
        let mut inside = self.inside.lock().unwrap();
        inside.now = inside.now.plus_millis(millis);
    }

    async fn ask(&self, request: Request<Body>) -> (u16, Value) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let kind = if status == 200 { "application/json" } else { "application/problem+json" };
        assert_eq!(response.headers()[header::CONTENT_TYPE], kind);
        let body = to_bytes(response.into_body(), 1_000_000).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn get(&self, place: &str) -> (u16, Value) {
        self.ask(Request::get(place).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, key: &str, place: &str, body: &str) -> (u16, Value) {
        let request = Request::post(place).header("Idempotency-Key", key);
        let request = request.header(header::CONTENT_TYPE, "application/json");
        self.ask(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    /// The same, which must be done.
    async fn done(&self, key: &str, place: &str, body: &Value) -> Value {
        let (status, answer) = self.post(key, place, &body.to_string()).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// All that could be changed or held.
    fn books(&self) -> Books {
        let inside = self.inside.lock().unwrap();
        let core = inside.payer.core();
        let ledger = core.ledger();
        assert_eq!((ledger.imbalance(Unit::Cny), ledger.imbalance(Unit::Quota)), (0, 0));
        Books {
            balances: ledger.balances().collect(),
            held: ledger.pending_count(),
            settled: core.settled_count(),
            open: core.open_count(),
        }
    }
}

#[derive(Debug, PartialEq)]
struct Books {
    balances: BTreeMap<Account, Fen>,
    held: usize,
    settled: usize,
    open: usize,
}

/// The bus: carries questions to the payer, its questions to a verifier, and the answers back.
async fn carry(inside: Arc<Mutex<Inside>>, caller: Caller, mut questions: mpsc::Receiver<Message>) {
    while let Some(question) = questions.recv().await {
        let mut inside = inside.lock().unwrap();
        let mut waiting = vec![BusInput::Message(question)];
        while let Some(input) = waiting.pop() {
            let (now, mut out) = (inside.now, Vec::new());
            inside.payer.handle(now, input, &mut out);
            for message in out {
                match message {
                    Message::Reply(reply) => {
                        caller.answer(&reply);
                    }
                    Message::Request(wire::Request {
                        reply_to, body: RequestBody::Verify(asked), ..
                    }) => match verdict(now, &asked) {
                        _ if asked.code.0 == "HC1:WAIT" => {}
                        Some(verdict) => waiting.push(BusInput::Message(Message::Reply(Reply {
                            to: reply_to,
                            time: now,
                            body: ReplyBody::Verify(verdict),
                        }))),
                        None => silence(&mut inside, &caller),
                    },
                    _ => {}
                }
            }
        }
    }
}

/// Two seconds go by.
fn silence(inside: &mut Inside, caller: &Caller) {
    inside.now = inside.payer.next_timeout().unwrap();
    let (now, mut out) = (inside.now, Vec::new());
    inside.payer.handle_timeout(now, &mut out);
    for message in out {
        if let Message::Reply(reply) = message {
            caller.answer(&reply);
        }
    }
}

/// What a verifier says of `HC1:R-0001/7`: whose it is, and its id. Of another code it says nothing for two seconds, of
/// `HC1:WAIT` for as long as the time stands still.
fn verdict(now: Timestamp, asked: &VerifyRequest) -> Option<Verdict> {
    let (holder, code_id) = asked.code.0.strip_prefix("HC1:")?.split_once('/')?;
    if holder == "OLD" {
        let refusal = Refusal { reason: RefusalReason::TokenExpired, first_seen: None, retry_at: None };
        return Some(Verdict::Refused(refusal));
    }
    let resident = holder.to_lowercase().parse().unwrap();
    Some(Verdict::Accepted {
        pseudonym: PseudonymKey::of_issuer([7; 32]).pseudonym(resident, asked.verifier),
        resident: Some(resident),
        disclosed: BTreeMap::new(),
        code_id: code_id.to_owned(),
        issued: now,
        reference: asked.reference.clone(),
        shown: Shown::default(),
        guardian: None,
        unconfirmed: false,
        freshness: Freshness::default(),
    })
}
