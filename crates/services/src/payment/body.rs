//! What clients write: amounts that are no amounts are told by their place.

use std::fmt::Display;
use std::str::FromStr;

use axum::Json;
use axum::http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::http::Problem;

/// Members that hold fen.
const AMOUNTS: [&str; 6] = ["total", "unit_price", "price_limit", "account", "per_payment", "amount"];

/// A part of the path, such as a bill's id.
pub(super) fn place<T: FromStr<Err: Display>>(name: &str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|error| Problem::invalid(format!("{name} `{text}`: {error}")))
}

/// A body with amounts, as what it stands for.
pub(super) fn read<T: DeserializeOwned>(body: Value) -> Result<T, Problem> {
    if let Some(param) = wrong_amount(&body, "") {
        let detail = format!("{param} must be whole fen, from 0 to {}", i64::MAX);
        return Err(Problem::new(StatusCode::BAD_REQUEST, "amount_invalid", detail).with("param", param));
    }
    serde_json::from_value(body).map_err(|error| Problem::invalid(error.to_string()))
}

/// Where an amount is that is none, as a JSON pointer (RFC 6901).
fn wrong_amount(value: &Value, place: &str) -> Option<String> {
    match value {
        Value::Object(members) => members.iter().find_map(|(name, value)| {
            let place = format!("{place}/{name}");
            let whole = value.as_i64().is_some_and(|fen| fen >= 0) || value.is_null();
            if AMOUNTS.contains(&name.as_str()) && !whole { Some(place) } else { wrong_amount(value, &place) }
        }),
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(number, value)| wrong_amount(value, &format!("{place}/{number}")))
        }
        _ => None,
    }
}

/// An answer of the bus without the name that tells it from others there: here the request does.
pub(super) fn told(answer: &impl Serialize) -> Result<Json<Value>, Problem> {
    let unwritable = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "answer_unwritable", "not JSON");
    let answer = serde_json::to_value(answer).map_err(unwritable)?;
    Ok(Json(match answer {
        Value::Object(mut named) if named.len() == 1 => {
            let name = named.keys().next().cloned().unwrap_or_default();
            named.remove(&name).unwrap_or_default()
        }
        other => other,
    }))
}
