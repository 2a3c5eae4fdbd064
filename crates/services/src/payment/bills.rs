//! Bills: filed, presettled, settled.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use medpay::emv::{BillCode, EmvError};
use medpay::{Bill, PayReply, PayRequest, SettleReply, SettleRequest};
use serde::Deserialize;
use serde_json::{Value, json};
use types::{BillId, Fen, ResidentId};
use uuid::Uuid;
use wire::{ReplyBody, RequestBody};

use super::body::{place, read, told};
use super::{ask, change, look, refusal};
use crate::caller::Caller;
use crate::http::{IdempotencyKey, JsonBody, Problem};

/// `POST /v1/bills`
pub(super) async fn file(
    State(caller): State<Caller>,
    key: IdempotencyKey,
    JsonBody(body): JsonBody<Value>,
) -> Result<Json<Value>, Problem> {
    let bill: Box<Bill> = read(body)?;
    told(&change(&caller, &key, PayRequest::File { bill }).await?)
}

/// `GET /v1/bills/{bill}`
pub(super) async fn show(
    State(caller): State<Caller>,
    Path(bill): Path<String>,
) -> Result<Json<Value>, Problem> {
    told(&look(&caller, PayRequest::Bill { bill: id(&bill)? }).await?)
}

/// Cash at admission.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Deposit {
    bill: BillId,
    amount: Fen,
    #[serde(default)]
    back: bool,
}

/// `POST /v1/deposits`
pub(super) async fn deposit(
    State(caller): State<Caller>,
    key: IdempotencyKey,
    JsonBody(body): JsonBody<Value>,
) -> Result<Json<Value>, Problem> {
    let Deposit { bill, amount, back } = read(body)?;
    told(&change(&caller, &key, PayRequest::Deposit { bill, amount, back }).await?)
}

/// `GET /v1/bills/{bill}/qr`
pub(super) async fn code(
    State(caller): State<Caller>,
    Path(bill): Path<String>,
) -> Result<Json<Value>, Problem> {
    let PayReply::Bill { bill, state } = look(&caller, PayRequest::Bill { bill: id(&bill)? }).await? else {
        return Err(Problem::silent("payer"));
    };
    let none = |error: EmvError| Problem::new(StatusCode::CONFLICT, "bill_not_payable", error.to_string());
    let code = BillCode::of(&bill, &state).map_err(none)?;
    Ok(Json(json!({ "emv": code.encode().map_err(none)?, "cash": code.amount })))
}

/// What a presettlement takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Presettle {
    /// A family member who agreed, and whose account pays after the beneficiary's.
    #[serde(default)]
    family_payer: Option<ResidentId>,
}

/// `POST /v1/bills/{bill}/presettle`
pub(super) async fn presettle(
    State(caller): State<Caller>,
    key: IdempotencyKey,
    Path(bill): Path<String>,
    JsonBody(body): JsonBody<Presettle>,
) -> Result<Json<Value>, Problem> {
    let request = PayRequest::Presettle { bill: id(&bill)?, family: body.family_payer };
    told(&change(&caller, &key, request).await?)
}

/// What a payment takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settle {
    /// The presettlement that was shown; if another one is in force, the payment is refused.
    presettlement_id: Uuid,
    /// A fresh code of the beneficiary, or of the family member who pays too.
    eid_token: String,
    /// Whether the cash is paid elsewhere: then everything is set aside until that is confirmed.
    #[serde(default)]
    hold: bool,
}

/// `POST /v1/bills/{bill}/settle`
pub(super) async fn settle(
    State(caller): State<Caller>,
    key: IdempotencyKey,
    Path(bill): Path<String>,
    JsonBody(body): JsonBody<Settle>,
) -> Result<Json<Value>, Problem> {
    let Settle { presettlement_id, eid_token, hold } = body;
    let request =
        SettleRequest { bill: id(&bill)?, code: eid_token, presettlement: Some(presettlement_id), hold };
    match ask(&caller, &key, RequestBody::Settle(request)).await {
        Some(ReplyBody::Settle(SettleReply::Refused { refusal, .. })) => Err(refusal::problem(&refusal)),
        Some(ReplyBody::Settle(reply)) => told(&reply),
        _ => Err(Problem::silent("payer")),
    }
}

fn id(text: &str) -> Result<BillId, Problem> {
    place("bill", text).map(BillId)
}
