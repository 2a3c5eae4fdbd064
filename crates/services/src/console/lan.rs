//! The phone pages for the network: a listener of their own, where every device shows a PIN once.
//!
//! Nothing else is there: neither the operator's console, kiosk and their questions, nor payment, nor the bus. A device
//! that showed the PIN printed in the terminal gets a session; that PIN is used up then, and the next one is printed.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Extension, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use serde::Deserialize;
use serde_json::json;

mod pairing;

pub(crate) use self::pairing::Pairing;
pub use self::pairing::Pin;
use self::pairing::{NotPaired, SESSION_S};
use super::http::{Reach, routes};
use super::{App, pages};
use crate::http::server::From;
use crate::http::{JsonBody, Origins, Problem, measured, no_such_place, only_from_here, secured};
use crate::metrics::metrics;
use crate::time::wall_now;

/// The session's cookie.
const COOKIE: &str = "kitecity_phone";

/// The longest body that is read \[bytes\].
const BODY_BYTES_MAX: usize = 64 * 1024;

/// What the handlers of pairing need.
#[derive(Clone, Debug)]
struct Door {
    pairing: Arc<Pairing>,
    /// Whether the cookie may only travel by TLS.
    secure: bool,
}

/// Everything the network reaches.
pub(crate) fn router(app: App, origins: Origins, pairing: Arc<Pairing>) -> Router {
    let door = Door { pairing, secure: origins.scheme() == "https" };
    let paired = routes(Reach::Network)
        .with_state(app)
        .route_layer(middleware::from_fn_with_state(door.clone(), only_paired));
    let open = Router::new()
        .route("/", get(async || Redirect::to("/phone")))
        .route("/pair", get(pages::pair))
        .route("/assets/{*path}", get(pages::asset_of_phone))
        .route("/api/pair", post(pair))
        .with_state(door);
    paired
        .merge(open)
        .fallback(no_such_place)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(origins.clone(), only_from_here))
        .layer(middleware::from_fn_with_state(origins, secured))
        .layer(middleware::from_fn(measured))
}

/// Lets devices with a session pass; a person without one is led to where the PIN is asked for.
async fn only_paired(State(door): State<Door>, request: Request, next: Next) -> Response {
    if session_of(request.headers()).is_some_and(|session| door.pairing.knows(session, wall_now())) {
        return next.run(request).await;
    }
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    if request.method() == Method::GET && accept.is_some_and(|accept| accept.contains("text/html")) {
        return Redirect::to("/pair").into_response();
    }
    let detail = "this device has not shown the PIN yet, or too long ago: open /pair";
    Problem::new(StatusCode::UNAUTHORIZED, "not_paired", detail).into_response()
}

fn session_of(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(name, value)| (name == COOKIE).then_some(value))
}

/// What `POST /api/pair` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    pin: String,
}

/// `POST /api/pair`: the PIN for a session.
async fn pair(
    State(door): State<Door>,
    Extension(From(from)): Extension<From>,
    JsonBody(Shown { pin }): JsonBody<Shown>,
) -> Result<Response, Problem> {
    let session = door.pairing.pair(&pin, from.ip(), wall_now()).map_err(|why| refused(&why))?;
    let secure = if door.secure { "; Secure" } else { "" };
    let cookie =
        format!("{COOKIE}={session}; Path=/; Max-Age={SESSION_S}; HttpOnly; SameSite=Strict{secure}");
    let mut response = Json(json!({ "paired": true })).into_response();
    let cookie = HeaderValue::try_from(cookie).expect("hexadecimal digits and words of ours");
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

fn refused(why: &NotPaired) -> Problem {
    let word = if matches!(why, NotPaired::Wrong { .. }) { "wrong" } else { "locked" };
    metrics().pairings_refused.with_label_values(&[word]).inc();
    match why {
        NotPaired::Wrong { left } => {
            let detail = "this is not the PIN that stands in the terminal; each is good for one device";
            Problem::new(StatusCode::UNAUTHORIZED, "wrong_pin", detail).with("tries_left", *left)
        }
        NotPaired::Locked { seconds } => {
            let detail = format!("too many wrong PINs; wait {seconds} s");
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "locked", detail).retry_after(*seconds)
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
