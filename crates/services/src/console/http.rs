//! Routes, and what is asked of every request.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::stream::{self, Stream, StreamExt};
use tokio::sync::broadcast::error::RecvError;

use super::problem::Problem;
use super::{App, Told, kiosk, lamps, pages, phone, plan};

/// The longest body that is read: a camera's frame \[bytes\].
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Everything the console serves.
pub(crate) fn router(app: App, address: SocketAddr) -> Router {
    Router::new()
        .route("/", get(pages::console))
        .route("/phone", get(pages::phone))
        .route("/kiosk", get(pages::kiosk))
        .route("/assets/{*path}", get(pages::asset))
        .route("/healthz", get(async || "ok"))
        .route("/api/city", get(plan::city))
        .route("/api/events", get(events))
        .route("/api/alarms", get(lamps::alarms))
        .route("/api/clock", post(lamps::set_clock))
        .route("/api/lamps/{id}", get(lamps::lamp))
        .route("/api/lamps/{id}/dim", post(lamps::dim))
        .route("/api/lamps/{id}/resume", post(lamps::resume))
        .route("/api/lamps/{id}/break", post(lamps::break_lamp))
        .route("/api/lamps/{id}/repair", post(lamps::repair))
        .route("/api/residents", get(phone::residents))
        .route("/api/phone/{resident}/code", get(phone::code))
        .route("/api/kiosk/verify", post(kiosk::verify))
        .route("/api/kiosk/frame", post(kiosk::frame))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(address, only_from_here))
        .with_state(app)
}

/// Refuses requests that another web site makes through the visitor's browser: a foreign `Host` (DNS rebinding) or a
/// foreign `Origin` (cross-site request).
async fn only_from_here(State(address): State<SocketAddr>, request: Request, next: Next) -> Response {
    if is_from_here(address, request.headers()) {
        return next.run(request).await;
    }
    let detail = format!("this console answers only to pages of http://{address}");
    Problem::new(StatusCode::FORBIDDEN, "foreign_origin", detail).into_response()
}

fn is_from_here(address: SocketAddr, headers: &HeaderMap) -> bool {
    let header = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let own = [
        address.to_string(),
        format!("localhost:{}", address.port()),
        format!("127.0.0.1:{}", address.port()),
    ];
    let is_own = |host: &str| own.iter().any(|own| own == host);
    header(header::HOST).is_some_and(is_own)
        && header(header::ORIGIN).is_none_or(|origin| origin.strip_prefix("http://").is_some_and(is_own))
}

/// `GET /api/events`: everything as it is, then everything as it changes.
async fn events(State(app): State<App>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let receiver = app.told.subscribe();
    let first = stream::iter(everything(&app));
    let rest = stream::unfold((receiver, app), |(mut receiver, app)| async {
        let told = match receiver.recv().await {
            Ok(told) => vec![told],
            // A browser too slow for the changes gets everything anew.
            Err(RecvError::Lagged(_)) => everything(&app),
            Err(RecvError::Closed) => return None,
        };
        Some((stream::iter(told), (receiver, app)))
    });
    let events =
        first.chain(rest.flatten()).map(|told| Ok(Event::default().event(told.event).data(told.data)));
    Sse::new(events).keep_alive(KeepAlive::default())
}

fn everything(app: &App) -> Vec<Told> {
    let view = app.view();
    let clock = view.clock_event().map(|clock| Told { event: "clock", data: clock.to_string() });
    let lamps = Told { event: "lamps", data: view.snapshot() };
    clock.into_iter().chain([lamps]).collect()
}
