//! What the issuer has published, for everybody: keys, revoked cards, the time.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use eid::{KeySet, KeyState, PublicKey};
use serde_json::{Value, json};

use super::{Identity, Place};
use crate::http::Problem;

/// The only status list.
const STATUS_LIST: u32 = 0;

fn keys(identity: &Identity) -> Result<KeySet, Problem> {
    identity.keys.told().ok_or_else(|| Problem::silent("issuer"))
}

/// `GET /.well-known/jwks.json`: the keys that may have signed a good code (RFC 7517).
pub(super) async fn jwks(State(identity): State<Identity>) -> Result<Json<Value>, Problem> {
    let good = |key: &&PublicKey| matches!(key.state, KeyState::Active | KeyState::Retired);
    let keys: Vec<Value> = keys(&identity)?.keys.iter().filter(good).filter_map(jwk).collect();
    Ok(Json(json!({ "keys": keys })))
}

fn jwk(key: &PublicKey) -> Option<Value> {
    let coordinates = key.coordinates()?;
    let mut coordinates = coordinates.iter().map(|bytes| BASE64_URL_SAFE_NO_PAD.encode(bytes));
    let (x, y) = (coordinates.next()?, coordinates.next());
    Some(match y {
        None => {
            json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": key.kid, "alg": key.alg, "use": "sig" })
        }
        Some(y) => {
            json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": key.kid, "alg": key.alg, "use": "sig" })
        }
    })
}

/// `GET /.well-known/eid-keys.cbor`: the whole set, signed by the root.
pub(super) async fn cose(State(identity): State<Identity>) -> Result<Response, Problem> {
    let set = keys(&identity)?.to_cose().ok_or_else(|| Problem::silent("issuer"))?;
    Ok(([(header::CONTENT_TYPE, "application/cose; cose-type=\"cose-sign1\"")], set).into_response())
}

/// `GET /v1/status/{list}`
pub(super) async fn status(
    State(identity): State<Identity>,
    Place(list): Place<u32>,
) -> Result<Response, Problem> {
    let token = keys(&identity)?.status_token().filter(|_| list == STATUS_LIST);
    let none = || Problem::new(StatusCode::NOT_FOUND, "status_list_unknown", "there is no such list yet");
    let token = token.ok_or_else(none)?;
    Ok(([(header::CONTENT_TYPE, "application/statuslist+cwt")], token).into_response())
}

/// `GET /v1/time`: by which codes are made and judged.
pub(super) async fn time(State(identity): State<Identity>) -> Json<Value> {
    Json(json!({ "now": (identity.now)() }))
}
