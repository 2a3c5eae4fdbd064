//! Phones with keys of their own, and guardians.

use axum::Json;
use axum::extract::State;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use eid::{
    CredentialReply, CredentialRequest, ManageReply, ManageRequest, Nonce, OwnReply, OwnRequest, Profile,
    PublicKey, Scope,
};
use serde::Deserialize;
use serde_json::{Value, json};
use types::{ResidentId, Timestamp};
use wire::{ReplyBody, RequestBody};

use super::bearer::{Holder, HolderOrOperator, session};
use super::{Identity, Place, change, look, refusal};
use crate::http::{IdempotencyKey, JsonBody, Problem};

async fn own(
    identity: &Identity,
    key: Option<&IdempotencyKey>,
    request: OwnRequest,
) -> Result<OwnReply, Problem> {
    let body = RequestBody::Own(request);
    let reply = match key {
        Some(key) => change(identity, key, body).await?,
        None => look(identity, body).await?,
    };
    match reply {
        ReplyBody::Own(OwnReply::Refused(refusal)) => Err(refusal::own(refusal)),
        ReplyBody::Own(reply) => Ok(reply),
        _ => Err(Problem::silent("issuer")),
    }
}

fn done(reply: &OwnReply) -> Result<Json<Value>, Problem> {
    match reply {
        OwnReply::Done => Ok(Json(json!({ "done": true }))),
        _ => Err(Problem::silent("issuer")),
    }
}

/// `POST /v1/devices/nonce`
pub(super) async fn nonce(
    State(identity): State<Identity>,
    Holder(resident): Holder,
    key: IdempotencyKey,
) -> Result<Json<Value>, Problem> {
    match own(&identity, Some(&key), OwnRequest::Nonce { resident }).await? {
        OwnReply::Nonce { nonce, expires } => Ok(Json(json!({ "nonce": nonce, "expires": expires }))),
        _ => Err(Problem::silent("issuer")),
    }
}

/// A phone that is to be registered.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Registration {
    key: PhonesKey,
    nonce: Nonce,
    proof: String,
}

/// A phone's key: a compressed point in hex, or a JWK (RFC 7517) as WebCrypto exports it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum PhonesKey {
    Point(String),
    Jwk { kty: String, crv: String, x: String, y: String },
}

impl PhonesKey {
    /// As the bus has it, and as it stands in what the phone signs.
    fn into_hex(self) -> Result<String, Problem> {
        let (kty, crv, x, y) = match self {
            Self::Point(hex) => return Ok(hex),
            Self::Jwk { kty, crv, x, y } => (kty, crv, x, y),
        };
        let coordinate = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).ok();
        let point = coordinate(&x).zip(coordinate(&y)).filter(|_| kty == "EC" && crv == "P-256");
        let key = point.and_then(|(x, y)| PublicKey::of_phone(&x, &y));
        key.ok_or_else(|| {
            Problem::invalid("`key` is no JWK of a public key: kty EC, crv P-256, x and y a point")
        })
    }
}

/// `POST /v1/devices`
pub(super) async fn register(
    State(identity): State<Identity>,
    Holder(resident): Holder,
    idempotency: IdempotencyKey,
    JsonBody(Registration { key, nonce, proof }): JsonBody<Registration>,
) -> Result<Json<Value>, Problem> {
    let request = OwnRequest::Register { resident, key: key.into_hex()?, nonce, proof };
    match own(&identity, Some(&idempotency), request).await? {
        OwnReply::Registered { phone } => Ok(Json(json!({ "device_id": phone }))),
        _ => Err(Problem::silent("issuer")),
    }
}

/// `GET /v1/devices`
pub(super) async fn list(
    State(identity): State<Identity>,
    Holder(resident): Holder,
) -> Result<Json<Value>, Problem> {
    match own(&identity, None, OwnRequest::Phones { resident }).await? {
        OwnReply::Phones { phones } => Ok(Json(json!({ "devices": phones }))),
        _ => Err(Problem::silent("issuer")),
    }
}

/// `DELETE /v1/devices/{device}`
pub(super) async fn forget(
    State(identity): State<Identity>,
    Holder(resident): Holder,
    Place(phone): Place<String>,
) -> Result<Json<Value>, Problem> {
    let Json(_done) = done(&own(&identity, None, OwnRequest::Forget { resident, phone }).await?)?;
    // All sessions from before are over, and the lost phone had one of them.
    let (session, expires) = session(&identity.secret, (identity.now)(), resident);
    Ok(Json(json!({ "done": true, "session": session, "expires": expires })))
}

/// What a phone wants, signed by its key as on the bus.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    profile: Profile,
    count: u8,
    #[serde(default, rename = "for")]
    ward: Option<ResidentId>,
    asked: Timestamp,
    key: PhonesKey,
    proof: String,
}

/// `POST /v1/credentials`
pub(super) async fn credentials(
    State(identity): State<Identity>,
    Holder(resident): Holder,
    idempotency: IdempotencyKey,
    JsonBody(Wish { profile, count, ward, asked, key, proof }): JsonBody<Wish>,
) -> Result<Json<Value>, Problem> {
    let key = key.into_hex()?;
    let request = CredentialRequest { resident, ward, profile, count, asked, key, proof };
    match change(&identity, &idempotency, RequestBody::Credential(request)).await? {
        ReplyBody::Credential(CredentialReply::Issued { credentials }) => {
            Ok(Json(json!({ "credentials": credentials })))
        }
        ReplyBody::Credential(CredentialReply::Refused(refusal)) => Err(refusal::credentials(refusal)),
        _ => Err(Problem::silent("issuer")),
    }
}

/// Who may show whose identity.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Grant {
    guardian: ResidentId,
    /// Whose; a holder grants their own only, and need not say so.
    #[serde(default)]
    ward: Option<ResidentId>,
    #[serde(default)]
    scope: Scope,
    days: u32,
}

/// `POST /v1/grants`
pub(super) async fn grant(
    State(identity): State<Identity>,
    who: HolderOrOperator,
    key: IdempotencyKey,
    JsonBody(Grant { guardian, ward, scope, days }): JsonBody<Grant>,
) -> Result<Json<Value>, Problem> {
    let ward = match who {
        HolderOrOperator::Holder(resident) if ward.is_none_or(|ward| ward == resident) => {
            let request = OwnRequest::Entrust { resident, guardian, scope, days };
            own(&identity, Some(&key), request).await?;
            resident
        }
        // One answer for whoever speaks for others.
        HolderOrOperator::Holder(_) => return Err(refusal::not_enrolled()),
        HolderOrOperator::Operator => {
            let ward = ward.ok_or_else(|| Problem::invalid("`ward` says whose identity it is"))?;
            manage(&identity, Some(&key), ManageRequest::Grant { guardian, ward, scope, days }).await?;
            ward
        }
    };
    Ok(Json(json!({ "guardian": guardian, "ward": ward })))
}

/// `DELETE /v1/grants/{ward}/{guardian}`
pub(super) async fn end_grant(
    State(identity): State<Identity>,
    who: HolderOrOperator,
    Place((ward, guardian)): Place<(ResidentId, ResidentId)>,
) -> Result<Json<Value>, Problem> {
    match who {
        HolderOrOperator::Holder(resident) => {
            done(&own(&identity, None, OwnRequest::EndGrant { resident, guardian, ward }).await?)
        }
        HolderOrOperator::Operator => {
            manage(&identity, None, ManageRequest::EndGrant { guardian, ward }).await?;
            Ok(Json(json!({ "done": true })))
        }
    }
}

/// What the issuer's counter does.
pub(super) async fn manage(
    identity: &Identity,
    key: Option<&IdempotencyKey>,
    request: ManageRequest,
) -> Result<ManageReply, Problem> {
    let body = RequestBody::Manage(request);
    let reply = match key {
        Some(key) => change(identity, key, body).await?,
        None => look(identity, body).await?,
    };
    match reply {
        ReplyBody::Manage(ManageReply::Refused(refusal)) => Err(refusal::counter(refusal)),
        ReplyBody::Manage(reply) => Ok(reply),
        _ => Err(Problem::silent("issuer")),
    }
}
