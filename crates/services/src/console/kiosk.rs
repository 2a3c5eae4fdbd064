//! The kiosk: a code from a camera, a scanner or the clipboard, and the verdict.

use std::io::Cursor;
use std::sync::PoisonError;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use eid::qr::{Level, Symbol};
use eid::{Challenge, Demand, Nonce, Profile, QrText, Verdict, VerifyRequest, advice};
use image::{ImageReader, Limits};
use serde::Deserialize;
use serde_json::{Value, json};
use types::{Timestamp, VerifierId};
use wire::{ReplyBody, RequestBody};

use super::App;
use crate::http::Problem;
use crate::time::wall_now;

/// A kiosk that is no reader with a preset.
const ANY_KIOSK: &str = "kiosk";
/// The largest picture that is decoded \[pixels a side\].
const PICTURE_SIDE_MAX: u32 = 4_096;
/// How long the camera takes a code still in view for the one it has just judged \[ms\].
const SAME_CODE_MS: i64 = 10_000;

/// The code the camera judged last, and when it last saw it.
pub(crate) type LastSeen = Option<(String, Timestamp)>;

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
    asking: Result<Query<Asking>, QueryRejection>,
    picture: Bytes,
) -> Result<Json<Value>, Problem> {
    let Query(asking) = asking.map_err(|error| Problem::invalid(error.body_text()))?;
    let read = tokio::task::spawn_blocking(move || read_code(&picture)).await;
    let code = read.map_err(|_| Problem::invalid("the picture could not be read"))??;
    let Some(code) = code.filter(|code| !just_judged(&app, code)) else {
        return Ok(Json(json!({ "found": false })));
    };
    let mut verdict = judge(&app, QrText(code), asking).await?;
    verdict["found"] = json!(true);
    Ok(Json(verdict))
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
    asking: Result<Query<Asking>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(asking) = asking.map_err(|error| Problem::invalid(error.body_text()))?;
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
            return Ok((ANY_KIOSK.parse().expect("a slug"), self.ask));
        };
        let reader = app.cast.readers().named(name);
        let reader = reader.ok_or_else(|| Problem::not_found(format!("no reader {name} in this city")))?;
        Ok((name, self.ask.or(reader.may_ask.first().copied())))
    }
}

/// Whether the camera still looks at the code it has just judged. Notes that it does.
fn just_judged(app: &App, code: &str) -> bool {
    let now = wall_now();
    let mut last = app.kiosk.lock().unwrap_or_else(PoisonError::into_inner);
    let same = last.as_ref().is_some_and(|(seen, at)| seen == code && now.millis_since(*at) < SAME_CODE_MS);
    *last = Some((code.to_owned(), now));
    same
}

fn read_code(picture: &[u8]) -> Result<Option<String>, Problem> {
    let mut reader = ImageReader::new(Cursor::new(picture))
        .with_guessed_format()
        .map_err(|_| Problem::invalid("the picture could not be read"))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(PICTURE_SIDE_MAX);
    limits.max_image_height = Some(PICTURE_SIDE_MAX);
    reader.limits(limits);
    let wrong =
        |_| Problem::invalid(format!("not a JPEG or PNG of at most {PICTURE_SIDE_MAX} pixels a side"));
    let picture = reader.decode().map_err(wrong)?.into_luma8();
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let mut prepared =
        rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| picture.as_raw()[y * width + x]);
    Ok(prepared.detect_grids().into_iter().find_map(|grid| grid.decode().ok()).map(|(_, text)| text))
}

async fn judge(app: &App, code: QrText, asking: Asking) -> Result<Value, Problem> {
    let (verifier, profile) = asking.who_and_what(app)?;
    let demand = Demand { profile, challenge: asking.challenge };
    let request = VerifyRequest { code, verifier, reference: String::new(), demand };
    match app.caller.ask(RequestBody::Verify(request)).await {
        Some(ReplyBody::Verify(verdict)) => Ok(describe(&verdict)),
        _ => Err(Problem::silent("e-ID verifier")),
    }
}

fn describe(verdict: &Verdict) -> Value {
    match verdict {
        Verdict::Accepted { pseudonym, disclosed, .. } => {
            let mut disclosed = disclosed.clone();
            disclosed.insert("pseudonym".to_owned(), pseudonym.to_string());
            json!({
                "verdict": "accepted", "reason": null, "disclosed": disclosed,
                "title_en": "Accepted", "title_zh": "核验通过",
                "advice_en": "The code is genuine and current, and has now been used.",
                "advice_zh": "二维码真实有效，现已使用。",
            })
        }
        Verdict::Refused(refusal) => {
            let advice = advice::of(refusal.reason);
            json!({
                "verdict": "refused", "reason": refusal.reason, "disclosed": {},
                "title_en": advice.title_en, "title_zh": advice.title_zh,
                "advice_en": advice.advice_en, "advice_zh": advice.advice_zh,
                "first_seen_ms": refusal.first_seen,
            })
        }
    }
}
