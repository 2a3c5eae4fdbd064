//! `GET /readyz`: whether the city would do what it is asked.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::App;
use crate::health::State as Condition;

/// 200 if every role of this process is on the bus and at work, and the data folder takes what is written; else 503, and
/// what is wrong.
pub(crate) async fn ready(State(app): State<App>) -> (StatusCode, Json<Value>) {
    let states = app.health.states(Instant::now());
    let probing = app.health.clone();
    let folder = spawn_blocking(move || probing.probe_folder()).await;
    let trouble = match folder {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(error) => Some(error.to_string()),
    };
    let ready = trouble.is_none() && states.values().all(|state| *state == Condition::Well);
    let words = |state: &Condition| match state {
        Condition::Well => "well",
        Condition::Cut => "not on the bus",
        Condition::Stuck => "gives no sign",
    };
    let roles: Map<_, _> =
        states.iter().map(|(role, state)| (role.to_string(), words(state).into())).collect();
    let journal = trouble.unwrap_or_else(|| "writable".to_owned());
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": ready, "roles": roles, "data_folder": journal })))
}
