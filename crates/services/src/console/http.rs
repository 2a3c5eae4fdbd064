//! Routes, and what is asked of every request.

use axum::extract::DefaultBodyLimit;
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router, middleware};
use serde_json::Value;

use super::{
    App, attack, bus, events, groups, kiosk, lamps, metrics, pages, past, phone, plan, ready, scenarios, till,
};
use crate::http::{Origins, measured, no_such_place, only_from_here, openapi, secured};
use crate::{identity, payment};

/// The longest body that is read: a camera's frame \[bytes\].
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Who reaches a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Browsers and programs of this machine.
    Here,
    /// Also phones of the network, with `--lan`.
    Network,
}

/// Something that is served.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) path: &'static str,
    pub(super) reach: Reach,
    handler: fn() -> MethodRouter<App>,
}

const fn here(path: &'static str, handler: fn() -> MethodRouter<App>) -> Place {
    Place { path, reach: Reach::Here, handler }
}

const fn network(path: &'static str, handler: fn() -> MethodRouter<App>) -> Place {
    Place { path, reach: Reach::Network, handler }
}

/// Everything that browsers are served, but for e-ID and payment, which have tables of their own.
pub(super) const PLACES: &[Place] = &[
    here("/", || get(pages::console)),
    here("/kiosk", || get(pages::kiosk)),
    here("/till", || get(pages::till)),
    here("/attack", || get(pages::attack)),
    here("/bus", || get(pages::bus)),
    here("/scenarios", || get(pages::scenarios)),
    here("/assets/{*path}", || get(pages::asset)),
    here("/healthz", || get(async || "ok")),
    here("/readyz", || get(ready::ready)),
    here("/metrics", || get(metrics::scrape)),
    here("/api/city", || get(plan::city)),
    here("/api/events", || get(events::events)),
    here("/api/alarms", || get(lamps::alarms)),
    here("/api/incidents", || get(lamps::incidents)),
    here("/api/day", || get(past::day)),
    here("/api/past", || get(past::past)),
    here("/api/groups/{id}", || get(groups::group)),
    here("/api/groups/{id}/dim", || post(groups::dim)),
    here("/api/scenarios", || get(scenarios::list)),
    here("/api/scenarios/run", || get(scenarios::run).post(scenarios::begin)),
    here("/api/scenarios/run/cancel", || post(scenarios::cancel)),
    here("/api/scenarios/run/report", || get(scenarios::report)),
    here("/api/bus", || get(bus::overview)),
    here("/api/bus/messages", || get(bus::messages)),
    here("/api/bus/messages/{number}", || get(bus::message)),
    here("/api/clock", || post(lamps::set_clock)),
    here("/api/lamps/{id}", || get(lamps::lamp)),
    here("/api/lamps/{id}/dim", || post(lamps::dim)),
    here("/api/lamps/{id}/resume", || post(lamps::resume)),
    here("/api/lamps/{id}/break", || post(lamps::break_lamp)),
    here("/api/lamps/{id}/repair", || post(lamps::repair)),
    network("/phone", || get(pages::phone)),
    network("/phone.webmanifest", || get(pages::phone_manifest)),
    network("/phone-worker.js", || get(pages::phone_worker)),
    network("/phone-shell.json", || get(pages::phone_shell)),
    network("/api/residents", || get(phone::residents)),
    network("/api/phone/{resident}/code", || get(phone::code)),
    network("/api/phone/{resident}", || get(phone::card)),
    network("/api/phone/{resident}/credentials", || post(phone::credentials)),
    network("/api/phone/{resident}/spoken", || post(phone::speak)),
    network("/api/phone/{resident}/events", || get(phone::requests::told)),
    network("/api/phone/{resident}/requests/{request}", || post(phone::requests::answer)),
    network("/api/phone/{resident}/family", || get(phone::family)),
    network("/api/phone/{resident}/history", || get(phone::history)),
    network("/api/phone/{resident}/bills", || get(phone::bills::all)),
    network("/api/phone/{resident}/bills/{bill}", || get(phone::bills::one)),
    network("/api/phone/{resident}/bills/{bill}/presettle", || post(phone::bills::presettle)),
    network("/api/phone/{resident}/bills/{bill}/settle", || post(phone::bills::settle)),
    network("/api/phone/{resident}/visit", || post(phone::bills::visit)),
    network("/api/phone/{resident}/consent", || post(phone::bills::consent)),
    network("/api/phone/{resident}/streets", || get(phone::streets::around)),
    network("/api/phone/{resident}/complaints", || post(phone::streets::complain)),
    network("/api/readers", || get(kiosk::readers)),
    here("/api/kiosk/challenge", || get(kiosk::challenge)),
    here("/api/kiosk/verify", || post(kiosk::verify)),
    here("/api/kiosk/frame", || post(kiosk::frame)),
    here("/api/kiosk/network", || get(kiosk::network).post(kiosk::set_network)),
    here("/api/till/providers", || get(till::providers)),
    here("/api/till/scan", || post(till::scan)),
    here("/api/till/symbol", || get(till::symbol)),
    here("/api/till/{provider}/bills", || get(till::bills)),
    here("/api/till/{provider}/visits", || post(till::visit)),
    here("/api/till/bills/{bill}/settle", || post(till::settle)),
    here("/api/attacks/{attack}", || post(attack::perform)),
    here("/openapi.json", || get(async || Json(openapi()))),
];

/// The places that someone of this reach may go to.
pub(super) fn routes(reach: Reach) -> Router<App> {
    let reached = PLACES.iter().filter(|place| reach == Reach::Here || place.reach == reach);
    reached.fold(Router::new(), |router, place| router.route(place.path, (place.handler)()))
}

/// Everything this machine reaches.
pub(crate) fn router(app: App, origins: Origins) -> Router {
    let payment = payment::router(app.caller.clone());
    let identity = identity::router(app.identity.clone());
    routes(Reach::Here)
        .with_state(app)
        .merge(payment)
        .merge(identity)
        .fallback(no_such_place)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(origins.clone(), only_from_here))
        .layer(middleware::from_fn_with_state(origins, secured))
        .layer(middleware::from_fn(measured))
}

/// What is served for programs, as an `OpenAPI` 3.1 document.
pub fn openapi() -> Value {
    let paths = payment::paths().into_iter().chain(identity::paths()).collect();
    openapi::document(&paths, &[payment::refusals(), identity::refusals()].concat())
}
