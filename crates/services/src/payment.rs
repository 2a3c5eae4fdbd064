//! Medical payment over HTTP: each request is a question on the bus to the payer, each answer is its answer.
//!
//! Read [`table`] first: everything that is served, in one table. Nothing is known here and nothing is decided here;
//! what the payer refuses becomes a problem in [`refusal`].

mod bills;
mod body;
mod books;
mod desk;
mod offline;
mod refusal;
mod stays;
mod table;
mod upload;

use axum::Router;
use medpay::{PayReply, PayRequest};
use serde_json::{Map, Value};
use wire::{ReplyBody, RequestBody};

pub(crate) use self::refusal::{problem as refused, refusals};
#[cfg(any(test, fuzzing))]
pub(crate) use self::upload::rows;
use crate::caller::Caller;
use crate::http::{IdempotencyKey, Problem, openapi};

/// Everything of medical payment that is served; `caller` asks the payer.
pub(crate) fn router(caller: Caller) -> Router {
    openapi::router(table::OPERATIONS).with_state(caller)
}

/// The paths, for the document.
pub(crate) fn paths() -> Map<String, Value> {
    openapi::paths(table::OPERATIONS, table::parameter)
}

/// Asks the payer something that changes nothing.
pub(crate) async fn look(caller: &Caller, request: PayRequest) -> Result<PayReply, Problem> {
    accepted(caller.ask(RequestBody::Pay(request)).await)
}

/// Asks the payer for something that must not be done twice.
pub(crate) async fn change(
    caller: &Caller,
    key: &IdempotencyKey,
    request: PayRequest,
) -> Result<PayReply, Problem> {
    accepted(ask(caller, key, RequestBody::Pay(request)).await)
}

/// Asks under the client's own key: the payer knows a repeated request again, also after a restart of both.
pub(crate) async fn ask(caller: &Caller, key: &IdempotencyKey, body: RequestBody) -> Option<ReplyBody> {
    caller.ask_as(key.correlation(), body).await
}

fn accepted(reply: Option<ReplyBody>) -> Result<PayReply, Problem> {
    match reply {
        Some(ReplyBody::Pay(PayReply::Refused(refusal))) => Err(refusal::problem(&refusal)),
        Some(ReplyBody::Pay(reply)) => Ok(reply),
        _ => Err(Problem::silent("payer")),
    }
}

#[cfg(test)]
mod tests;
