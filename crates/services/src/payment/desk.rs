//! The back office: settlements, accounts, family members.

use axum::Json;
use axum::extract::State;
use medpay::{Care, Day, PayRequest, RefundLine};
use serde::Deserialize;
use serde_json::Value;
use types::ResidentId;
use uuid::Uuid;

use super::body::{place, told};
use super::{change, look};
use crate::caller::Caller;
use crate::http::{IdempotencyKey, JsonBody, Place, Problem};

/// What is asked about somebody's insurance.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Who {
    beneficiary: ResidentId,
    #[serde(default)]
    care: Care,
    #[serde(default)]
    day: Option<Day>,
}

/// `POST /v1/eligibility`
pub(super) async fn eligibility(
    State(caller): State<Caller>,
    JsonBody(Who { beneficiary, care, day }): JsonBody<Who>,
) -> Result<Json<Value>, Problem> {
    told(&look(&caller, PayRequest::Eligibility { beneficiary, care, day }).await?)
}

/// `GET /v1/accounts/{beneficiary}/statement`
pub(super) async fn statement(
    State(caller): State<Caller>,
    Place(beneficiary): Place<String>,
) -> Result<Json<Value>, Problem> {
    let beneficiary = place("beneficiary", &beneficiary)?;
    told(&look(&caller, PayRequest::Statement { beneficiary }).await?)
}

/// `GET /v1/trace/{settlement}`
pub(super) async fn trace(
    State(caller): State<Caller>,
    Place(settlement): Place<String>,
) -> Result<Json<Value>, Problem> {
    told(&look(&caller, PayRequest::Trace { settlement: id(&settlement)? }).await?)
}

/// `POST /v1/settlements/{settlement}/reverse`
pub(super) async fn reverse(
    State(caller): State<Caller>,
    key: IdempotencyKey,
    Place(settlement): Place<String>,
) -> Result<Json<Value>, Problem> {
    told(&change(&caller, &key, PayRequest::Reverse { settlement: id(&settlement)? }).await?)
}

/// What is given back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Refund {
    lines: Vec<RefundLine>,
}

/// `POST /v1/settlements/{settlement}/refund`
pub(super) async fn refund(
    State(caller): State<Caller>,
    key: IdempotencyKey,
    Place(settlement): Place<String>,
    JsonBody(Refund { lines }): JsonBody<Refund>,
) -> Result<Json<Value>, Problem> {
    told(&change(&caller, &key, PayRequest::Refund { settlement: id(&settlement)?, lines }).await?)
}

/// Whether the cash was paid.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirm {
    paid: bool,
}

/// `POST /v1/settlements/{settlement}/confirm`
pub(super) async fn confirm(
    State(caller): State<Caller>,
    key: IdempotencyKey,
    Place(settlement): Place<String>,
    JsonBody(Confirm { paid }): JsonBody<Confirm>,
) -> Result<Json<Value>, Problem> {
    told(&change(&caller, &key, PayRequest::Confirm { settlement: id(&settlement)?, paid }).await?)
}

/// Who agrees to pay for whom.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    beneficiary: ResidentId,
    family: ResidentId,
    eid_token: String,
}

/// `POST /v1/family-links`
pub(super) async fn link(
    State(caller): State<Caller>,
    key: IdempotencyKey,
    JsonBody(Link { beneficiary, family, eid_token }): JsonBody<Link>,
) -> Result<Json<Value>, Problem> {
    let request = PayRequest::Link { beneficiary, family, code: eid_token };
    told(&change(&caller, &key, request).await?)
}

/// Whether an account is frozen from now on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Freeze {
    frozen: bool,
}

/// `POST /v1/accounts/{beneficiary}/freeze`
pub(super) async fn freeze(
    State(caller): State<Caller>,
    key: IdempotencyKey,
    Place(beneficiary): Place<String>,
    JsonBody(Freeze { frozen }): JsonBody<Freeze>,
) -> Result<Json<Value>, Problem> {
    let beneficiary = place("beneficiary", &beneficiary)?;
    told(&change(&caller, &key, PayRequest::Freeze { beneficiary, frozen }).await?)
}

fn id(settlement: &str) -> Result<Uuid, Problem> {
    place("settlement", settlement)
}
