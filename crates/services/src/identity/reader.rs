//! Readers: codes judged, and holders asked who are not at the counter.

use axum::Json;
use axum::extract::State;
use eid::{AskReply, AskRequest, Demand, Nonce, Profile, QrText, Refusal, Shown, Verdict, VerifyRequest};
use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use types::{ResidentId, VerifierId};
use wire::{ReplyBody, RequestBody};

use super::bearer::AsReader;
use super::{Identity, Place, look, refusal};
use crate::http::{IdempotencyKey, JsonBody, Problem};

/// Codes in one request, at most.
const BATCH_MAX: usize = 256;

/// A code that was scanned.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scan {
    qr: QrText,
    /// What the reader asks for: no more is told, and less will not do.
    #[serde(default)]
    profile: Option<Profile>,
    /// The nonce of the challenge it showed.
    #[serde(default)]
    challenge: Option<Nonce>,
    /// What for; comes back with the verdict.
    #[serde(default)]
    reference: String,
}

/// `POST /v1/verify`
pub(super) async fn verify(
    State(identity): State<Identity>,
    AsReader(reader): AsReader,
    key: IdempotencyKey,
    JsonBody(scan): JsonBody<Scan>,
) -> Result<Json<Value>, Problem> {
    match judge(&identity, reader, key.correlation(), scan).await? {
        accepted @ Verdict::Accepted { .. } => Ok(Json(told(&accepted))),
        Verdict::Refused(refused) => Err(refusal::code((identity.now)(), &refused)),
    }
}

/// Codes that were scanned.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scans {
    codes: Vec<Scan>,
}

/// `POST /v1/verify/batch`: a verdict for each code, in their order.
pub(super) async fn verify_batch(
    State(identity): State<Identity>,
    AsReader(reader): AsReader,
    key: IdempotencyKey,
    JsonBody(Scans { codes }): JsonBody<Scans>,
) -> Result<Json<Value>, Problem> {
    if codes.is_empty() || codes.len() > BATCH_MAX {
        return Err(Problem::invalid(format!("`codes` are 1 to {BATCH_MAX}, got {}", codes.len())));
    }
    let asked = codes.into_iter().enumerate().map(|(place, scan)| {
        // A question of its own for each, and the same one when the request is repeated.
        let question =
            Sha256::new().chain_update(key.correlation()).chain_update(place.to_be_bytes()).finalize();
        judge(&identity, reader, question[..].into(), scan)
    });
    let verdicts = join_all(asked).await.into_iter().map(|verdict| verdict.map(|verdict| listed(&verdict)));
    let verdicts: Vec<Value> = verdicts.collect::<Result<_, _>>()?;
    Ok(Json(json!({ "verdicts": verdicts })))
}

async fn judge(
    identity: &Identity,
    verifier: VerifierId,
    question: Box<[u8]>,
    Scan { qr: code, profile, challenge, reference }: Scan,
) -> Result<Verdict, Problem> {
    let request = VerifyRequest { code, verifier, reference, demand: Demand { profile, challenge } };
    match identity.caller.ask_as(question, RequestBody::Verify(request)).await {
        Some(ReplyBody::Verify(verdict)) => Ok(verdict),
        _ => Err(Problem::silent("verifier")),
    }
}

/// A verdict among others: a refusal is one too.
fn listed(verdict: &Verdict) -> Value {
    match verdict {
        Verdict::Accepted { .. } => told(verdict),
        Verdict::Refused(Refusal { reason, first_seen, retry_at }) => {
            json!({ "verdict": "refused", "code": reason, "first_seen": first_seen, "retry_at": retry_at })
        }
    }
}

fn told(verdict: &Verdict) -> Value {
    let Verdict::Accepted {
        pseudonym,
        resident,
        disclosed,
        code_id,
        reference,
        shown,
        guardian,
        unconfirmed,
        freshness,
        ..
    } = verdict
    else {
        return Value::Null;
    };
    let word = match (unconfirmed, shown) {
        (true, _) => "valid_unconfirmed",
        (false, Shown::Card) => "valid_static",
        (false, _) => "valid",
    };
    json!({
        "verdict": word, "pseudonym": pseudonym, "resident": resident, "disclosed": disclosed,
        "holder_proof": *shown == Shown::Phone, "guardian": guardian, "freshness": freshness,
        "reference": reference, "audit_id": code_id,
    })
}

/// Whom a reader asks, and for what.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    resident: ResidentId,
    profile: Profile,
}

/// `POST /v1/requests`
pub(super) async fn ask(
    State(identity): State<Identity>,
    AsReader(verifier): AsReader,
    key: IdempotencyKey,
    JsonBody(Wanted { resident, profile }): JsonBody<Wanted>,
) -> Result<Json<Value>, Problem> {
    let request = RequestBody::Ask(AskRequest::Ask { verifier, resident, profile });
    become_of(&identity, super::change(&identity, &key, request).await?)
}

/// `GET /v1/requests/{request}`
pub(super) async fn look_after(
    State(identity): State<Identity>,
    AsReader(verifier): AsReader,
    Place(request): Place<Nonce>,
) -> Result<Json<Value>, Problem> {
    let request = RequestBody::Ask(AskRequest::Look { verifier, request });
    become_of(&identity, look(&identity, request).await?)
}

/// What has become of a request.
fn become_of(identity: &Identity, reply: ReplyBody) -> Result<Json<Value>, Problem> {
    let ReplyBody::Ask(reply) = reply else { return Err(Problem::silent("verifier")) };
    match reply {
        AskReply::Waiting { request, expires } => {
            Ok(Json(json!({ "state": "waiting", "request": request, "expires": expires })))
        }
        AskReply::Answered(verdict) => Ok(Json(json!({ "state": "answered", "answer": listed(&verdict) }))),
        AskReply::Denied => Ok(Json(json!({ "state": "denied" }))),
        AskReply::Unknown => Err(refusal::no_request()),
        AskReply::Refused(reason) => Err(refusal::code((identity.now)(), &reason.into())),
    }
}
