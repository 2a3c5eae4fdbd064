//! The last day: how the lamps looked, and what they drew.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};
use types::Timestamp;

use super::App;
use super::view::Point;
use crate::http::{Problem, QueryOf};

/// `GET /api/day`: from when on the past can be seen, and the curve of power.
pub(crate) async fn day(State(app): State<App>) -> Json<Value> {
    let view = app.view();
    let points = view.past().points().map(|Point { at, power_w, lit }| json!([at, power_w, lit]));
    Json(json!({
        "from_ms": view.past().begins(), "to_ms": view.city_now(), "points": points.collect::<Vec<_>>(),
    }))
}

/// When to look.
#[derive(Debug, Deserialize)]
pub(crate) struct When {
    at_ms: Timestamp,
}

/// `GET /api/past?at_ms=…`: three bytes for each luminaire, in the order of the plan: actual, in effect, flags.
pub(crate) async fn past(
    State(app): State<App>,
    QueryOf(When { at_ms }): QueryOf<When>,
) -> Result<impl IntoResponse, Problem> {
    let view = app.view();
    let looks = view.past().looks_at(at_ms).ok_or_else(|| {
        let begins = view.past().begins().map_or_else(|| "later".to_owned(), |at| at.to_string());
        Problem::not_found(format!("the record does not go back to {at_ms}; it begins {begins}"))
    })?;
    let bytes: Vec<u8> = looks.iter().flat_map(|look| [look.actual, look.in_effect, look.flags]).collect();
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes))
}
