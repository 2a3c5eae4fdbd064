//! Who asks, by the bearer token of the request (RFC 6750).
//!
//! Tokens are made from the city's secret and kept nowhere: a session is `r-0042.EXPIRES.MAC`, a reader's token its name
//! and the password it has on the bus, the operator's is the password. Sessions end early by what the issuer publishes: those
//! from before their holder lost a phone, or was suspended.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use types::{HOUR_MS, ResidentId, Timestamp, VerifierId};
use wire::roles::READER_CLIENT;

use super::Identity;
use crate::access::Secret;
use crate::http::Problem;

/// How long a session lasts \[ms\]: as long as the credentials of a phone, so that the issuer need not tell any longer that
/// either ended.
const SESSION_LIFE_MS: i64 = 24 * HOUR_MS;

/// A holder, by the session of their enrolment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holder(pub(super) ResidentId);

/// A reader, by its token.
#[derive(Clone, Copy, Debug)]
pub(super) struct AsReader(pub(super) VerifierId);

/// The operator, by the password.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operator;

/// A holder or the operator.
#[derive(Clone, Copy, Debug)]
pub(super) enum HolderOrOperator {
    Holder(ResidentId),
    Operator,
}

/// A new session, and when it ends.
pub(crate) fn session(secret: &Secret, now: Timestamp, holder: ResidentId) -> (String, Timestamp) {
    let expires = now.plus_millis(SESSION_LIFE_MS);
    let mac = secret.password_for(&session_name(holder, expires));
    (format!("{holder}.{}.{mac}", expires.as_millis()), expires)
}

/// The token of a reader.
pub(crate) fn reader_token(secret: &Secret, reader: VerifierId) -> String {
    format!("{reader}.{}", secret.password_for(&format!("{READER_CLIENT}{reader}")))
}

/// What the MAC of a session is made over. No user of the bus has a blank in its name.
fn session_name(holder: ResidentId, expires: Timestamp) -> String {
    format!("session of {holder} until {}", expires.as_millis())
}

fn holder_of(identity: &Identity, token: &str) -> Option<ResidentId> {
    let (claim, mac) = token.rsplit_once('.')?;
    let (holder, expires) = claim.split_once('.')?;
    let (holder, expires) = (holder.parse().ok()?, Timestamp::from_millis(expires.parse().ok()?));
    let is_ours = identity.secret.admits(&session_name(holder, expires), mac.as_bytes());
    (is_ours && (identity.now)() < expires && !has_ended(identity, holder, expires)).then_some(holder)
}

/// Whether a session was begun before its holder lost a phone: whoever has the phone has the session.
fn has_ended(identity: &Identity, holder: ResidentId, expires: Timestamp) -> bool {
    let ended = identity.keys.ended(&identity.names.holder(holder));
    ended.is_some_and(|since| expires.plus_millis(-SESSION_LIFE_MS) < since)
}

fn reader_of(identity: &Identity, token: &str) -> Option<VerifierId> {
    let (name, password) = token.split_once('.')?;
    let reader: VerifierId = name.parse().ok()?;
    let is_ours = identity.secret.admits(&format!("{READER_CLIENT}{reader}"), password.as_bytes());
    (is_ours && identity.readers.named(reader).is_some()).then_some(reader)
}

fn is_operator(identity: &Identity, token: &str) -> bool {
    identity.secret.admits("operator", token.as_bytes())
}

fn token(parts: &Parts) -> Result<&str, Problem> {
    let given = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = given
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let detail = "this needs the header `Authorization: Bearer …`; docs/eid.md says whose token";
    token
        .map(|(_, token)| token.trim())
        .ok_or_else(|| Problem::new(StatusCode::UNAUTHORIZED, "bearer_missing", detail))
}

fn wrong(whose: &str) -> Problem {
    let detail = format!("this token is not that of {whose}, or has ended");
    Problem::new(StatusCode::UNAUTHORIZED, "bearer_invalid", detail)
}

impl FromRequestParts<Identity> for Holder {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, identity: &Identity) -> Result<Self, Problem> {
        holder_of(identity, token(parts)?).map(Self).ok_or_else(|| wrong("a holder's session"))
    }
}

impl FromRequestParts<Identity> for AsReader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, identity: &Identity) -> Result<Self, Problem> {
        reader_of(identity, token(parts)?).map(Self).ok_or_else(|| wrong("a reader of this city"))
    }
}

impl FromRequestParts<Identity> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, identity: &Identity) -> Result<Self, Problem> {
        is_operator(identity, token(parts)?).then_some(Self).ok_or_else(|| wrong("the operator"))
    }
}

impl FromRequestParts<Identity> for HolderOrOperator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, identity: &Identity) -> Result<Self, Problem> {
        let token = token(parts)?;
        if is_operator(identity, token) {
            return Ok(Self::Operator);
        }
        holder_of(identity, token)
            .map(Self::Holder)
            .ok_or_else(|| wrong("a holder's session or the operator"))
    }
}
