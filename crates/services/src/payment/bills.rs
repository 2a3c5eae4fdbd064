//! Bills: filed, presettled, settled.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use eid::qr::{Level, Symbol};
use medpay::emv::{BillCode, EmvError};
use medpay::{Bill, CashChannel, PayReply, PayRequest, SettleReply, SettleRequest};
use serde::Deserialize;
use serde_json::{Value, json};
use types::{BillId, Fen, ResidentId};
use uuid::Uuid;
use wire::{ReplyBody, RequestBody};

use super::body::{place, read, told};
use super::{ask, change, look, refusal};
use crate::caller::Caller;
use crate::http::{IdempotencyKey, JsonBody, Place, Problem};

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
    Place(bill): Place<String>,
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
    #[serde(default)]
    cash_channel: CashChannel,
}

/// `POST /v1/deposits`
pub(super) async fn deposit(
    State(caller): State<Caller>,
    key: IdempotencyKey,
    JsonBody(body): JsonBody<Value>,
) -> Result<Json<Value>, Problem> {
    let Deposit { bill, amount, back, cash_channel } = read(body)?;
    told(&change(&caller, &key, PayRequest::Deposit { bill, amount, back, cash_channel }).await?)
}

/// `GET /v1/bills/{bill}/qr`
pub(super) async fn code(
    State(caller): State<Caller>,
    Place(bill): Place<String>,
) -> Result<Json<Value>, Problem> {
    let (cash, emv) = code_of(&caller, id(&bill)?).await?;
    Ok(Json(json!({ "emv": emv, "cash": cash })))
}

/// `GET /v1/bills/{bill}/qr.svg`
pub(super) async fn symbol(
    State(caller): State<Caller>,
    Place(bill): Place<String>,
) -> Result<impl IntoResponse, Problem> {
    let (_, emv) = code_of(&caller, id(&bill)?).await?;
    let symbol = Symbol::from_text(&emv, Level::Medium)
        .map_err(|error| Problem::new(StatusCode::CONFLICT, "bill_not_payable", error.to_string()))?;
    Ok(([(CONTENT_TYPE, "image/svg+xml"), (CACHE_CONTROL, "no-store")], symbol.to_svg()))
}

/// What is to be paid in cash for a bill, and the text of the code for it.
async fn code_of(caller: &Caller, bill: BillId) -> Result<(Fen, String), Problem> {
    let PayReply::Bill { bill, state } = look(caller, PayRequest::Bill { bill }).await? else {
        return Err(Problem::silent("payer"));
    };
    let none = |error: EmvError| Problem::new(StatusCode::CONFLICT, "bill_not_payable", error.to_string());
    let code = BillCode::of(&bill, &state).map_err(none)?;
    Ok((code.amount, code.encode().map_err(none)?))
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
    Place(bill): Place<String>,
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
    /// Whether the accounts pay too, the family member's as well; otherwise it is all cash.
    #[serde(default = "yes")]
    use_account: bool,
    /// The family member who is known to pay too: as in the presettlement.
    #[serde(default)]
    family_payer: Option<ResidentId>,
    /// How the cash part is paid.
    #[serde(default)]
    cash_channel: CashChannel,
}

const fn yes() -> bool {
    true
}

/// `POST /v1/bills/{bill}/settle`
pub(super) async fn settle(
    State(caller): State<Caller>,
    key: IdempotencyKey,
    Place(bill): Place<String>,
    JsonBody(body): JsonBody<Settle>,
) -> Result<Json<Value>, Problem> {
    let Settle { presettlement_id, eid_token, hold, use_account, family_payer, cash_channel } = body;
    let request = SettleRequest {
        bill: id(&bill)?,
        code: eid_token,
        presettlement: Some(presettlement_id),
        hold,
        family: family_payer,
        spare_accounts: !use_account,
        cash_channel,
    };
    match ask(&caller, &key, RequestBody::Settle(request)).await {
        Some(ReplyBody::Settle(SettleReply::Refused { refusal, .. })) => Err(refusal::problem(&refusal)),
        Some(ReplyBody::Settle(reply)) => told(&reply),
        _ => Err(Problem::silent("payer")),
    }
}

fn id(text: &str) -> Result<BillId, Problem> {
    place("bill", text).map(BillId)
}
