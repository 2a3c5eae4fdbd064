//! `Idempotency-Key`: what makes a POST safe to repeat.
//!
//! Here a key is only held to one request. What that request did, and the answer to it, the service that did it
//! remembers: it gets the key as the correlation of its question.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::Response;
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use super::Problem;
use crate::metrics::metrics;

/// The header.
const HEADER: &str = "idempotency-key";
/// The longest key \[bytes\]: as long as correlation data on the bus.
const KEY_BYTES_MAX: usize = 64;
/// Keys that are remembered, at most; beyond that the oldest is forgotten.
const KEYS_MAX: usize = 10_000;
/// The longest body of a request \[bytes\].
const BODY_BYTES_MAX: usize = 256 * 1024;
/// How long a body may take to come.
const BODY_WITHIN: Duration = Duration::from_secs(10);
/// After how long it is worth asking again while the same request is worked on \[s\].
const RETRY_AFTER_S: u32 = 1;

/// What a client names a request by, so that the same request sent twice is done once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct IdempotencyKey(Arc<str>);

impl IdempotencyKey {
    /// The key of a request: 1 to 64 visible ASCII characters, with or without quotes around them.
    fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let refuse = |code, detail| Problem::new(StatusCode::BAD_REQUEST, code, detail);
        let given = headers.get(HEADER);
        let given = given.ok_or_else(|| {
            refuse("idempotency_key_missing", "a POST needs the header `Idempotency-Key`, such as a UUID")
        })?;
        let text = given.to_str().unwrap_or_default();
        let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        let fits =
            (1..=KEY_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !fits {
            let detail = "`Idempotency-Key` must be 1 to 64 visible ASCII characters, such as a UUID";
            return Err(refuse("idempotency_key_invalid", detail));
        }
        Ok(Self(text.into()))
    }

    /// As the correlation of a question on the bus.
    pub(crate) fn correlation(&self) -> Box<[u8]> {
        self.0.as_bytes().into()
    }
}

/// The key that [`keyed`] found.
impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match parts.extensions.get::<Self>() {
            Some(key) => Ok(key.clone()),
            None => Self::of(&parts.headers),
        }
    }
}

/// The keys that were used lately, each with its request.
#[derive(Debug, Default)]
pub(crate) struct Keys(Mutex<Uses>);

#[derive(Debug, Default)]
struct Uses {
    all: BTreeMap<IdempotencyKey, Use>,
    /// Oldest first.
    order: VecDeque<IdempotencyKey>,
}

#[derive(Debug)]
struct Use {
    fingerprint: [u8; 32],
    running: bool,
}

/// A request that is worked on; when this is dropped, it no longer is.
#[derive(Debug)]
struct Claim<'a> {
    keys: &'a Keys,
    key: IdempotencyKey,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if let Some(used) = self.keys.uses().all.get_mut(&self.key) {
            used.running = false;
        }
    }
}

impl Keys {
    fn uses(&self) -> std::sync::MutexGuard<'_, Uses> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins the request of `key`, unless it is worked on, or the key is another request's.
    fn claim(&self, key: &IdempotencyKey, fingerprint: [u8; 32]) -> Result<Claim<'_>, Problem> {
        let mut uses = self.uses();
        match uses.all.get_mut(key) {
            Some(used) if used.fingerprint != fingerprint => {
                let detail = "this `Idempotency-Key` was used for another request; use a new one";
                return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail));
            }
            Some(used) if used.running => {
                let detail = "the same request is worked on; ask again for its answer";
                let problem = Problem::new(StatusCode::CONFLICT, "idempotency_in_progress", detail);
                return Err(problem.retry_after(RETRY_AFTER_S));
            }
            Some(used) => used.running = true,
            None => {
                uses.all.insert(key.clone(), Use { fingerprint, running: true });
                uses.order.push_back(key.clone());
                if uses.order.len() > KEYS_MAX
                    && let Some(oldest) = uses.order.pop_front()
                {
                    uses.all.remove(&oldest);
                    metrics().forgotten.with_label_values(&["idempotency_keys"]).inc();
                }
            }
        }
        Ok(Claim { keys: self, key: key.clone() })
    }
}

/// Holds every POST to its key, and every body to its limits.
pub(crate) async fn keyed(
    State(keys): State<Arc<Keys>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if request.method() != Method::POST {
        return Ok(next.run(request).await);
    }
    let key = IdempotencyKey::of(request.headers())?;
    let (mut parts, body) = request.into_parts();
    let body = read(body).await?;
    let claim = keys.claim(&key, fingerprint(&parts.uri, &body))?;
    parts.extensions.insert(key);
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    drop(claim);
    Ok(response)
}

async fn read(body: Body) -> Result<Bytes, Problem> {
    let late =
        |_| Problem::new(StatusCode::REQUEST_TIMEOUT, "body_late", "the body did not come within 10 s");
    let detail = format!("the body is not whole, or over the limit of {BODY_BYTES_MAX} bytes");
    let long = |_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_long", detail);
    timeout(BODY_WITHIN, to_bytes(body, BODY_BYTES_MAX)).await.map_err(late)?.map_err(long)
}

/// What tells one request from another.
fn fingerprint(place: &Uri, body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    let place = place.to_string();
    hash.update((place.len() as u64).to_be_bytes());
    hash.update(place);
    hash.update(body);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> IdempotencyKey {
        IdempotencyKey(text.into())
    }

    #[test]
    fn a_key_of_another_request_or_of_one_that_is_worked_on_is_refused() {
        let keys = Keys::default();
        let claim = keys.claim(&key("a"), [1; 32]).unwrap();
        assert!(keys.claim(&key("a"), [1; 32]).is_err());
        assert!(keys.claim(&key("a"), [2; 32]).is_err());
        drop(claim);
        assert!(keys.claim(&key("a"), [2; 32]).is_err());
        assert!(keys.claim(&key("a"), [1; 32]).is_ok());
    }

    #[test]
    fn the_oldest_key_is_forgotten_when_there_are_too_many() {
        let keys = Keys::default();
        for number in 0..=KEYS_MAX {
            drop(keys.claim(&key(&number.to_string()), [1; 32]).unwrap());
        }
        assert!(keys.claim(&key("0"), [2; 32]).is_ok());
        assert!(keys.claim(&key(&KEYS_MAX.to_string()), [2; 32]).is_err());
    }

    #[test]
    fn a_place_that_ends_where_a_body_begins_is_no_other_request() {
        let place = |text: &'static str| Uri::from_static(text);
        assert_ne!(fingerprint(&place("/ab"), b"c"), fingerprint(&place("/a"), b"bc"));
    }
}
