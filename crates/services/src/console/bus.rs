//! The bus view: topics, rates, dead letters, and messages to read.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::Value;

use super::App;
use crate::http::{Problem, QueryOf};

/// Messages listed at most.
const LISTED_MAX: usize = 100;

type Answer = Result<Json<Value>, Problem>;

/// `GET /api/bus`
pub(crate) async fn overview(State(app): State<App>) -> Json<Value> {
    Json(app.traffic().overview())
}

/// Which messages.
#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    /// An MQTT filter; all if not given.
    #[serde(default = "everything")]
    filter: String,
}

fn everything() -> String {
    "#".to_owned()
}

/// `GET /api/bus/messages?filter=light/+/l-0012/%23`
pub(crate) async fn messages(State(app): State<App>, QueryOf(Which { filter }): QueryOf<Which>) -> Answer {
    check(&filter)?;
    Ok(Json(app.traffic().messages(&filter, LISTED_MAX)))
}

/// `GET /api/bus/messages/{number}`
pub(crate) async fn message(State(app): State<App>, Path(number): Path<u64>) -> Answer {
    let gone =
        || Problem::not_found(format!("message {number} is not kept any more; newer ones took its place"));
    app.traffic().message(number).map(Json).ok_or_else(gone)
}

/// MQTT 5.0, 4.7.1: `+` is a whole level, `#` is one too and the last.
fn check(filter: &str) -> Result<(), Problem> {
    let levels: Vec<&str> = filter.split('/').collect();
    for (place, level) in levels.iter().enumerate() {
        let whole = !level.contains(['+', '#']) || level.len() == 1;
        if !whole || (*level == "#" && place + 1 < levels.len()) {
            return Err(Problem::invalid(format!(
                "`{filter}` is no MQTT filter: `+` stands for one whole level, `#` for all that follow, at the end"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_within_a_level_or_before_the_end_are_refused() {
        for filter in ["light/kui+/x", "light/#/x", "#/x", "light/x#", "++"] {
            assert!(check(filter).is_err(), "{filter}");
        }
        for filter in ["#", "+", "light/+/l-0012/#", "+/+", "light/kuiwen", ""] {
            assert!(check(filter).is_ok(), "{filter}");
        }
    }
}
