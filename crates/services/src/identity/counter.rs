//! The issuer's counter, by the operator.

use axum::Json;
use axum::extract::State;
use eid::ManageRequest;
use serde::Deserialize;
use serde_json::{Value, json};
use types::ResidentId;

use super::Identity;
use super::bearer::{Operator, reader_token};
use super::phones::manage;
use crate::http::{IdempotencyKey, JsonBody, Problem};

/// What is not good any more, or is again.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Revocation {
    /// The card of this number, for ever.
    Card(u32),
    /// All of this resident, for now.
    Suspend(ResidentId),
    /// All of this resident, again.
    Resume(ResidentId),
}

/// `POST /v1/revocations`
pub(super) async fn revoke(
    State(identity): State<Identity>,
    _: Operator,
    key: IdempotencyKey,
    JsonBody(what): JsonBody<Revocation>,
) -> Result<Json<Value>, Problem> {
    let request = match what {
        Revocation::Card(card) => ManageRequest::RevokeCard { card },
        Revocation::Suspend(resident) => ManageRequest::Suspend { resident },
        Revocation::Resume(resident) => ManageRequest::Resume { resident },
    };
    manage(&identity, Some(&key), request).await?;
    Ok(Json(json!({ "done": true })))
}

/// `POST /v1/admin/keys/rotate`
pub(super) async fn rotate(
    State(identity): State<Identity>,
    _: Operator,
    key: IdempotencyKey,
) -> Result<Json<Value>, Problem> {
    manage(&identity, Some(&key), ManageRequest::RotateKeys).await?;
    Ok(Json(json!({ "done": true })))
}

/// A key in the wrong hands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lost {
    kid: String,
}

/// `POST /v1/admin/keys/compromise`
pub(super) async fn compromise(
    State(identity): State<Identity>,
    _: Operator,
    key: IdempotencyKey,
    JsonBody(Lost { kid }): JsonBody<Lost>,
) -> Result<Json<Value>, Problem> {
    manage(&identity, Some(&key), ManageRequest::CompromiseKey { kid }).await?;
    Ok(Json(json!({ "done": true })))
}

/// `GET /v1/admin/readers`
pub(super) async fn readers(State(identity): State<Identity>, _: Operator) -> Json<Value> {
    let told = identity.readers.iter().map(|(name, reader)| {
        json!({
            "reader": name, "kiosk": identity.kiosks.of(name), "name_en": reader.name_en, "name_zh": reader.name_zh, "may_ask": reader.may_ask,
            "token": reader_token(&identity.secret, name),
        })
    });
    Json(json!({ "readers": told.collect::<Vec<_>>() }))
}
