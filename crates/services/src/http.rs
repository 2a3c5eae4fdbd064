//! What HTTP interfaces for programs share: problems, keys that make a request safe to repeat, limits, the origin.
//!
//! A domain writes down its routes in a table of [`openapi::Operation`]s; [`openapi::router`] serves it, and the
//! document is made from it. A handler takes [`IdempotencyKey`] and asks a service with [`Caller::ask_as`](crate::caller::Caller::ask_as): the key is the
//! question's correlation, so that the service knows a repeated request again.

mod clients;
mod headers;
mod idempotency;
mod json;
mod measured;
pub(crate) mod openapi;
mod origin;
mod place;
mod problem;
mod query;
pub(crate) mod server;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::Response;

pub(crate) use self::clients::network_of;
pub(crate) use self::headers::secured;
pub(crate) use self::idempotency::IdempotencyKey;
use self::idempotency::{Keys, keyed};
pub(crate) use self::json::JsonBody;
pub(crate) use self::measured::measured;
pub(crate) use self::origin::{Origins, only_from_here};
pub(crate) use self::place::Place;
pub(crate) use self::problem::Problem;
pub(crate) use self::query::QueryOf;

/// The header by which a client names a request; it comes back with the answer.
const REQUEST_ID: &str = "x-request-id";
/// The longest such name that is repeated \[bytes\].
const REQUEST_ID_BYTES_MAX: usize = 128;

/// `routes` as an interface for programs: a key on every POST, small bodies that come in time, and ids repeated.
pub(crate) fn interface<S: Clone + Send + Sync + 'static>(routes: Router<S>) -> Router<S> {
    routes
        .route_layer(middleware::from_fn_with_state(Arc::new(Keys::default()), keyed))
        .route_layer(middleware::from_fn(repeat_request_id))
        .method_not_allowed_fallback(wrong_method)
}

async fn repeat_request_id(request: Request, next: Next) -> Response {
    let id = request.headers().get(REQUEST_ID).filter(|id| id.len() <= REQUEST_ID_BYTES_MAX).cloned();
    let mut response = next.run(request).await;
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

async fn wrong_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this place takes other methods")
}

/// What is answered where nothing is.
pub(crate) async fn no_such_place() -> Problem {
    Problem::not_found("nothing is served here; GET /openapi.json lists what is")
}

#[cfg(test)]
mod tests;
