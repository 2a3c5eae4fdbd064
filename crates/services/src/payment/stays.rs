//! Stays in hospital: opened, added to, ended.

use axum::Json;
use axum::extract::State;
use medpay::{BillLine, PayRequest};
use serde::Deserialize;
use serde_json::Value;
use types::{BillId, ProviderId, ResidentId};

use super::body::{place, read, told};
use super::{change, look};
use crate::caller::Caller;
use crate::http::{IdempotencyKey, JsonBody, Place, Problem};

/// Who is admitted, and where.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Admission {
    stay: BillId,
    provider: ProviderId,
    level: u8,
    beneficiary: ResidentId,
}

/// `POST /v1/admissions`
pub(super) async fn admit(
    State(caller): State<Caller>,
    key: IdempotencyKey,
    JsonBody(body): JsonBody<Admission>,
) -> Result<Json<Value>, Problem> {
    let Admission { stay, provider, level, beneficiary } = body;
    told(&change(&caller, &key, PayRequest::Admit { stay, provider, level, beneficiary }).await?)
}

/// What was done since the last interim bill.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Interim {
    stay: BillId,
    #[serde(default)]
    lines: Vec<BillLine>,
}

/// `POST /v1/interim`
pub(super) async fn interim(
    State(caller): State<Caller>,
    key: IdempotencyKey,
    JsonBody(body): JsonBody<Value>,
) -> Result<Json<Value>, Problem> {
    let Interim { stay, lines } = read(body)?;
    told(&change(&caller, &key, PayRequest::Interim { stay, lines }).await?)
}

/// `GET /v1/admissions/{stay}`
pub(super) async fn show(
    State(caller): State<Caller>,
    Place(stay): Place<String>,
) -> Result<Json<Value>, Problem> {
    told(&look(&caller, PayRequest::Bill { bill: id(&stay)? }).await?)
}

/// `POST /v1/admissions/{stay}/discharge`
pub(super) async fn discharge(
    State(caller): State<Caller>,
    key: IdempotencyKey,
    Place(stay): Place<String>,
) -> Result<Json<Value>, Problem> {
    told(&change(&caller, &key, PayRequest::Discharge { stay: id(&stay)? }).await?)
}

fn id(text: &str) -> Result<BillId, Problem> {
    place("stay", text).map(BillId)
}
