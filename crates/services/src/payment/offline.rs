//! Terminals that work while nobody can be asked.

use axum::Json;
use axum::extract::State;
use medpay::PayRequest;
use medpay::offline::{TerminalKey, Voucher};
use serde::Deserialize;
use serde_json::Value;
use types::{Fen, ProviderId, TerminalId};

use super::body::{place, read, told};
use super::change;
use crate::caller::Caller;
use crate::http::{IdempotencyKey, JsonBody, Place, Problem};

/// What a terminal may do.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Allowance {
    provider: ProviderId,
    key: TerminalKey,
    per_payment: Fen,
    total: Fen,
}

/// `POST /v1/offline/terminals/{terminal}`
pub(super) async fn allow(
    State(caller): State<Caller>,
    key: IdempotencyKey,
    Place(terminal): Place<String>,
    JsonBody(body): JsonBody<Value>,
) -> Result<Json<Value>, Problem> {
    let terminal = place("terminal", &terminal)?;
    let Allowance { provider, key: signs_with, per_payment, total } = read(body)?;
    let request = PayRequest::Allow { terminal, provider, key: signs_with, per_payment, total };
    told(&change(&caller, &key, request).await?)
}

/// What a terminal took.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    terminal: TerminalId,
    vouchers: Vec<Voucher>,
}

/// `POST /v1/offline/batches`
pub(super) async fn forward(
    State(caller): State<Caller>,
    key: IdempotencyKey,
    JsonBody(body): JsonBody<Value>,
) -> Result<Json<Value>, Problem> {
    let Batch { terminal, vouchers } = read(body)?;
    told(&change(&caller, &key, PayRequest::Forward { terminal, vouchers }).await?)
}
