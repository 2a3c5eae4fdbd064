//! The kiosk: a code from a camera, a scanner or the clipboard, and the verdict; with a network or without.

mod counter;
pub(crate) mod foreign;
pub(crate) mod picture;
pub(crate) mod state;

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use eid::qr::{Level, Symbol};
use eid::{Challenge, Demand, KioskState, Nonce, Profile, QrText, Verdict, Verifier, VerifyRequest, advice};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Notify;
use types::{Timestamp, VerifierId};
use wire::{Message, ReplyBody, RequestBody};

use self::counter::{Counter, Knowledge};
use self::foreign::Foreign;
use self::picture::Seen;
use super::App;
use crate::http::{JsonBody, Problem, QueryOf};
use crate::time::wall_now;

/// A kiosk that is no reader with a preset.
const ANY_KIOSK: &str = "kiosk";
/// How long the camera takes a code still in view for the one it has just judged \[ms\].
const SAME_CODE_MS: i64 = 10_000;

/// The code the camera judged last, and when it last saw it.
type LastSeen = Option<(String, Timestamp)>;

/// What the kiosk of this console remembers.
#[derive(Debug)]
pub(crate) struct Kiosk {
    last: Mutex<LastSeen>,
    counter: Mutex<Counter>,
    /// Told whenever the kiosk stands otherwise than before.
    changed: Notify,
}

impl Kiosk {
    /// A kiosk that judges by `verifier` when it has no network.
    pub(crate) fn new(verifier: Verifier) -> Self {
        Self { last: Mutex::default(), counter: Mutex::new(Counter::new(verifier)), changed: Notify::new() }
    }

    /// Hears what the bus says; only the issuer's keys matter here.
    pub(crate) fn hear(&self, message: &Message) {
        if let Message::EidKeys(keys) = message {
            self.counter().hear(wall_now(), keys);
            self.changed.notify_one();
        }
    }

    fn state(&self) -> KioskState {
        self.counter().state()
    }

    fn counter(&self) -> MutexGuard<'_, Counter> {
        self.counter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn any_kiosk() -> VerifierId {
    ANY_KIOSK.parse().expect("a slug")
}

/// As which reader a kiosk asks, and what for.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asking {
    /// Its name; otherwise a kiosk that takes any living code.
    reader: Option<VerifierId>,
    /// What it asks for; otherwise the first that it may ask for.
    ask: Option<Profile>,
    /// The nonce of the challenge it shows.
    challenge: Option<Nonce>,
}

/// What `POST /api/kiosk/verify` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scan {
    code: QrText,
    #[serde(default)]
    asking: Asking,
}

/// `POST /api/kiosk/verify`
pub(crate) async fn verify(
    State(app): State<App>,
    body: Result<Json<Scan>, JsonRejection>,
) -> Result<Json<Value>, Problem> {
    let Json(Scan { code, asking }) = body.map_err(|error| Problem::invalid(error.body_text()))?;
    judge(&app, code, asking).await.map(Json)
}

/// `POST /api/kiosk/frame`
pub(crate) async fn frame(
    State(app): State<App>,
    QueryOf(asking): QueryOf<Asking>,
    picture: Bytes,
) -> Result<Json<Value>, Problem> {
    let code = match picture::look(picture).await? {
        Seen::Code(code) if !just_judged(&app, &code) => code,
        seen => return Ok(Json(json!({ "found": false, "blurred": seen == Seen::Blurred }))),
    };
    let mut verdict = judge(&app, QrText(code), asking).await?;
    verdict["found"] = json!(true);
    Ok(Json(verdict))
}

/// `GET /api/kiosk/network`: whether there is one, and how old what the kiosk knows by itself is.
pub(crate) async fn network(State(app): State<App>) -> Json<Knowledge> {
    Json(app.kiosk.counter().knowledge(wall_now()))
}

/// What `POST /api/kiosk/network` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plug {
    /// Whether the kiosk asks nobody from now on.
    offline: bool,
}

/// `POST /api/kiosk/network`
pub(crate) async fn set_network(State(app): State<App>, JsonBody(plug): JsonBody<Plug>) -> Json<Knowledge> {
    let (mut counter, now) = (app.kiosk.counter(), wall_now());
    counter.set_offline(now, plug.offline);
    app.kiosk.changed.notify_one();
    Json(counter.knowledge(now))
}

/// `GET /api/readers`: as what a kiosk may ask.
pub(crate) async fn readers(State(app): State<App>) -> Json<Value> {
    let described = app.cast.readers().iter().map(|(name, reader)| {
        json!({
            "name": name, "name_en": reader.name_en, "name_zh": reader.name_zh,
            "may_ask": reader.may_ask, "assurance": reader.assurance,
        })
    });
    Json(described.collect())
}

/// `GET /api/kiosk/challenge`: something to be answered by one phone, for this reader alone.
pub(crate) async fn challenge(
    State(app): State<App>,
    QueryOf(asking): QueryOf<Asking>,
) -> Result<Json<Value>, Problem> {
    let (verifier, profile) = asking.who_and_what(&app)?;
    let profile = profile.unwrap_or_default();
    let nonce = Nonce(uuid::Uuid::new_v4().as_u64_pair().1.to_be_bytes());
    let challenge = Challenge { verifier, nonce, profile }.to_string();
    let symbol = Symbol::from_text(&challenge, Level::Medium)
        .map_err(|_| Problem::invalid("this challenge does not fit in a QR symbol"))?;
    Ok(Json(json!({ "challenge": challenge, "nonce": nonce, "svg": symbol.to_svg() })))
}

impl Asking {
    /// A reader of this city asks for something, so that it is told no more.
    fn who_and_what(&self, app: &App) -> Result<(VerifierId, Option<Profile>), Problem> {
        let Some(name) = self.reader else {
            return Ok((any_kiosk(), self.ask));
        };
        let reader = app.cast.readers().named(name);
        let reader = reader.ok_or_else(|| Problem::not_found(format!("no reader {name} in this city")))?;
        Ok((name, self.ask.or(reader.may_ask.first().copied())))
    }
}

/// Whether the camera still looks at the code it has just judged. Notes that it does.
fn just_judged(app: &App, code: &str) -> bool {
    let now = wall_now();
    let mut last = app.kiosk.last.lock().unwrap_or_else(PoisonError::into_inner);
    let same = last.as_ref().is_some_and(|(seen, at)| seen == code && now.millis_since(*at) < SAME_CODE_MS);
    *last = Some((code.to_owned(), now));
    same
}

async fn judge(app: &App, code: QrText, asking: Asking) -> Result<Value, Problem> {
    if let Some(foreign) = Foreign::of(&code.0) {
        return Ok(describe_foreign(foreign));
    }
    let (verifier, profile) = asking.who_and_what(app)?;
    let demand = Demand { profile, challenge: asking.challenge };
    let request = VerifyRequest { code, verifier, reference: String::new(), demand };
    if let Some(verdict) = judge_offline(app, &request) {
        return Ok(describe(&verdict, true));
    }
    match app.caller.ask(RequestBody::Verify(request.clone())).await {
        Some(ReplyBody::Verify(verdict)) => {
            let verdict = app.kiosk.counter().confirm(wall_now(), request, verdict);
            Ok(describe(&verdict, false))
        }
        _ => Err(Problem::silent("e-ID verifier")),
    }
}

/// The kiosk's own verdict, if it has no network.
fn judge_offline(app: &App, request: &VerifyRequest) -> Option<Verdict> {
    let mut counter = app.kiosk.counter();
    counter.is_offline().then(|| counter.judge(wall_now(), request.clone()))
}

fn describe(verdict: &Verdict, offline: bool) -> Value {
    match verdict {
        Verdict::Accepted { pseudonym, disclosed, shown, guardian, unconfirmed, freshness, .. } => {
            let mut disclosed = disclosed.clone();
            disclosed.insert("pseudonym".to_owned(), pseudonym.to_string());
            json!({
                "verdict": "accepted", "reason": null, "disclosed": disclosed, "offline": offline,
                "shown": shown, "guardian": guardian, "unconfirmed": unconfirmed, "freshness": freshness,
                "title_en": "Accepted", "title_zh": "核验通过",
                "advice_en": "The code is genuine and current, and has now been used.",
                "advice_zh": "二维码真实有效，现已使用。",
            })
        }
        Verdict::Refused(refusal) => {
            let advice = advice::of(refusal.reason);
            json!({
                "verdict": "refused", "reason": refusal.reason, "disclosed": {}, "offline": offline,
                "title_en": advice.title_en, "title_zh": advice.title_zh,
                "advice_en": advice.advice_en, "advice_zh": advice.advice_zh,
                "first_seen_ms": refusal.first_seen,
            })
        }
    }
}

fn describe_foreign(foreign: Foreign) -> Value {
    let ((title_en, title_zh), (advice_en, advice_zh)) = (foreign.title(), foreign.advice());
    json!({
        "verdict": "problem", "reason": foreign.code(), "disclosed": {},
        "title_en": title_en, "title_zh": title_zh, "advice_en": advice_en, "advice_zh": advice_zh,
    })
}
