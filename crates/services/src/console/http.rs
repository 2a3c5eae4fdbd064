//! Routes, and what is asked of every request.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::{DefaultBodyLimit, State};
use axum::middleware;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream::{self, Stream, StreamExt};
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;

use super::{App, Told, attack, kiosk, lamps, pages, phone, plan, till};
use crate::http::{no_such_place, only_from_here, openapi};
use crate::{identity, payment};

/// The longest body that is read: a camera's frame \[bytes\].
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Everything the console serves.
pub(crate) fn router(app: App, address: SocketAddr) -> Router {
    let payment = payment::router(app.caller.clone());
    let identity = identity::router(app.identity.clone());
    Router::new()
        .route("/", get(pages::console))
        .route("/phone", get(pages::phone))
        .route("/kiosk", get(pages::kiosk))
        .route("/till", get(pages::till))
        .route("/attack", get(pages::attack))
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
        .route("/api/readers", get(kiosk::readers))
        .route("/api/kiosk/challenge", get(kiosk::challenge))
        .route("/api/kiosk/verify", post(kiosk::verify))
        .route("/api/kiosk/frame", post(kiosk::frame))
        .route("/api/kiosk/network", get(kiosk::network).post(kiosk::set_network))
        .route("/api/till/providers", get(till::providers))
        .route("/api/till/scan", post(till::scan))
        .route("/api/till/symbol", get(till::symbol))
        .route("/api/till/{provider}/bills", get(till::bills))
        .route("/api/till/{provider}/visits", post(till::visit))
        .route("/api/till/bills/{bill}/settle", post(till::settle))
        .route("/api/attacks/{attack}", post(attack::perform))
        .route("/openapi.json", get(async || Json(openapi())))
        .with_state(app)
        .merge(payment)
        .merge(identity)
        .fallback(no_such_place)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(address, only_from_here))
}

/// What is served for programs, as an `OpenAPI` 3.1 document.
pub fn openapi() -> Value {
    let paths = payment::paths().into_iter().chain(identity::paths()).collect();
    openapi::document(&paths, &[payment::refusals(), identity::refusals()].concat())
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
