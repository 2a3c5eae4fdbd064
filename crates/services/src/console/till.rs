//! The till of a hospital: whose bills there are, a new one, and paying with the patient's code.
//!
//! Everything else the page asks as any hospital's system does, under `/v1`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use eid::qr::{Level, Symbol};
use medpay::{SettleReply, SettleRequest, VisitReply, VisitRequest};
use serde::Deserialize;
use serde_json::{Value, json};
use types::{BillId, ProviderId, ResidentId};
use uuid::Uuid;
use wire::{ReplyBody, RequestBody};

use super::App;
use super::bills::RecentBill;
use super::kiosk::foreign::Foreign;
use super::kiosk::picture::{self, Seen};
use crate::http::{JsonBody, Problem, QueryOf};
use crate::payment;

/// The longest text that is drawn \[bytes\]: an EMV code has at most 512 characters.
const DRAWN_BYTES_MAX: usize = 512;

/// `GET /api/till/providers`: whose till it can be.
pub(crate) async fn providers(State(app): State<App>) -> Json<Value> {
    let described = app.cast.plan().clinics().iter().map(|clinic| {
        json!({
            "id": clinic.id, "name_en": clinic.name_en, "name_zh": clinic.name_zh, "level": clinic.level,
        })
    });
    Json(described.collect())
}

/// `GET /api/till/{provider}/bills`: the newest first.
pub(crate) async fn bills(
    State(app): State<App>,
    Path(provider): Path<String>,
) -> Result<Json<Vec<RecentBill>>, Problem> {
    let provider = known(&app, &provider)?;
    Ok(Json(app.view().bills.of(provider)))
}

/// Who is treated.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Patient {
    beneficiary: ResidentId,
}

/// `POST /api/till/{provider}/visits`: a patient is treated, and has a bill.
pub(crate) async fn visit(
    State(app): State<App>,
    Path(provider): Path<String>,
    JsonBody(Patient { beneficiary }): JsonBody<Patient>,
) -> Result<Json<Value>, Problem> {
    let provider = known(&app, &provider)?;
    billed(app.caller.ask(RequestBody::Visit(VisitRequest::new(provider, beneficiary))).await)
}

/// What a clinic says of a visit: the bill, or why there is none.
pub(super) fn billed(answer: Option<ReplyBody>) -> Result<Json<Value>, Problem> {
    match answer {
        Some(ReplyBody::Visit(VisitReply::Billed { bill, split, expires })) => {
            Ok(Json(json!({ "bill": bill, "split": split, "expires_ms": expires })))
        }
        Some(ReplyBody::Visit(VisitReply::Refused(refusal))) => Err(payment::refused(&refusal)),
        Some(ReplyBody::Visit(VisitReply::PayerUnavailable)) => Err(Problem::silent("payer")),
        _ => Err(Problem::silent("clinic")),
    }
}

/// What `POST /api/till/bills/{bill}/settle` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scan {
    /// The patient's code.
    code: String,
    /// The presettlement that the patient saw.
    presettlement: Uuid,
}

/// `POST /api/till/bills/{bill}/settle`: the clinic's till takes the code, and has the payer pay.
pub(crate) async fn settle(
    State(app): State<App>,
    Path(bill): Path<String>,
    JsonBody(Scan { code, presettlement }): JsonBody<Scan>,
) -> Result<Json<Value>, Problem> {
    if let Some(foreign) = Foreign::of(&code) {
        return Err(not_an_identity(foreign));
    }
    let bill = bill.parse().map(BillId).map_err(|_| Problem::invalid(format!("no bill's id: `{bill}`")))?;
    let request = SettleRequest { presettlement: Some(presettlement), ..SettleRequest::new(bill, code) };
    match app.caller.ask(RequestBody::Till(request)).await {
        Some(ReplyBody::Till(SettleReply::Settled { settlement, split, .. })) => {
            Ok(Json(json!({ "bill": bill, "settlement": settlement, "split": split })))
        }
        Some(ReplyBody::Till(SettleReply::Refused { refusal, .. })) => Err(payment::refused(&refusal)),
        // The clinic keeps asking the payer, and says nothing that it does not know.
        _ => Err(Problem::silent("clinic's till")),
    }
}

/// Nobody is asked about what is no identity code at first sight, such as the code by which the bill's cash is paid.
fn not_an_identity(foreign: Foreign) -> Problem {
    let ((title_en, title_zh), (advice_en, advice_zh)) = (foreign.title(), foreign.advice());
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, foreign.code(), advice_en)
        .with("title_en", title_en)
        .with("title_zh", title_zh)
        .with("advice_en", advice_en)
        .with("advice_zh", advice_zh)
}

/// `POST /api/till/scan`: the text of the code in a picture. Judging it is the verifier's business.
pub(crate) async fn scan(picture: Bytes) -> Result<Json<Value>, Problem> {
    Ok(Json(match picture::look(picture).await? {
        Seen::Code(code) => json!({ "found": true, "code": code }),
        seen => json!({ "found": false, "blurred": seen == Seen::Blurred }),
    }))
}

/// What `GET /api/till/symbol` takes.
#[derive(Debug, Deserialize)]
pub(crate) struct Text {
    text: String,
}

/// `GET /api/till/symbol?text=…`: a text as a QR code, for a screen.
pub(crate) async fn symbol(QueryOf(Text { text }): QueryOf<Text>) -> Result<impl IntoResponse, Problem> {
    let too_long = || Problem::invalid(format!("a text of {DRAWN_BYTES_MAX} bytes at most can be drawn"));
    let fits = (1..=DRAWN_BYTES_MAX).contains(&text.len());
    let symbol = fits.then(|| Symbol::from_text(&text, Level::Medium).ok()).flatten().ok_or_else(too_long)?;
    Ok(([(header::CONTENT_TYPE, "image/svg+xml")], symbol.to_svg()))
}

fn known(app: &App, provider: &str) -> Result<ProviderId, Problem> {
    let id: ProviderId = provider.parse().map_err(|error| Problem::invalid(format!("{error}")))?;
    let is_here = app.cast.plan().clinics().iter().any(|clinic| clinic.id == id);
    is_here.then_some(id).ok_or_else(|| Problem::not_found(format!("no provider {id} in this city")))
}
