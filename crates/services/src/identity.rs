//! e-ID over HTTP: each request is a question on the bus to issuer or verifier, each answer is theirs.
//!
//! Read [`table`] first: everything that is served, in one table. Nothing is decided here but who asks ([`bearer`]): a
//! holder by the session of their enrolment, a reader by its token, the operator by the password. What issuer and
//! verifier refuse becomes a problem in [`refusal`].

pub(crate) mod bearer;
mod counter;
mod holder;
mod phones;
mod published;
mod reader;
mod refusal;
mod table;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use eid::{KeySet, KioskState, PseudonymKey, Readers};
use serde_json::{Map, Value};
use types::{Timestamp, VerifierId};
use wire::{ReplyBody, RequestBody};

pub(crate) use self::holder::{answer, digits_for};
pub(crate) use self::refusal::refusals;
use crate::access::Secret;
use crate::caller::Caller;
use crate::http::{IdempotencyKey, Place, Problem, openapi};

/// What the handlers need.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// Asks issuer and verifier.
    pub(crate) caller: Caller,
    /// What sessions and tokens are made from.
    pub(crate) secret: Secret,
    /// Who may have a token.
    pub(crate) readers: Arc<Readers>,
    /// How they stand, as each said last.
    pub(crate) kiosks: KioskStates,
    /// The issuer's keys as they were last published.
    pub(crate) keys: PublishedKeys,
    /// What holders are called in them.
    pub(crate) names: PseudonymKey,
    /// The wall's clock.
    pub(crate) now: fn() -> Timestamp,
}

/// The issuer's keys as they were last published; none before the first time.
#[derive(Clone, Debug, Default)]
pub(crate) struct PublishedKeys(Arc<Mutex<Option<KeySet>>>);

impl PublishedKeys {
    pub(crate) fn take(&self, keys: &KeySet) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(keys.clone());
    }

    /// Since when the latest phone of this holder, or the holder, is over; nothing if it is not.
    fn ended(&self, holder: &str) -> Option<Timestamp> {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = keys.iter().flat_map(|keys| &keys.ended).filter(|ended| ended.holder == holder);
        ended.map(|ended| ended.since).max()
    }

    fn told(&self) -> Option<KeySet> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// How the readers of a city stand, as each said last; nothing of those that never said.
#[derive(Clone, Debug, Default)]
pub(crate) struct KioskStates(Arc<Mutex<BTreeMap<VerifierId, KioskState>>>);

impl KioskStates {
    /// Of readers whom the city does not know nothing is kept: there are never more than in `known`.
    pub(crate) fn take(&self, known: &Readers, reader: VerifierId, state: &KioskState) {
        if known.named(reader).is_some() {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(reader, state.clone());
        }
    }

    fn of(&self, reader: VerifierId) -> Option<KioskState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&reader).cloned()
    }
}

/// Everything of e-ID that is served.
pub(crate) fn router(identity: Identity) -> Router {
    openapi::router(table::OPERATIONS).with_state(identity)
}

/// The paths, for the document.
pub(crate) fn paths() -> Map<String, Value> {
    openapi::paths(table::OPERATIONS, table::parameter)
}

/// Asks something that changes nothing.
async fn look(identity: &Identity, body: RequestBody) -> Result<ReplyBody, Problem> {
    let service = body.service().as_str();
    identity.caller.ask(body).await.ok_or_else(|| Problem::silent(service))
}

/// Asks under the client's own key: the verifier knows a repeated request again.
async fn change(identity: &Identity, key: &IdempotencyKey, body: RequestBody) -> Result<ReplyBody, Problem> {
    let service = body.service().as_str();
    identity.caller.ask_as(key.correlation(), body).await.ok_or_else(|| Problem::silent(service))
}

#[cfg(test)]
mod tests;
