//! Luminaires that are commanded together: districts, streets, cabinets, circuits.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use city::Plan;
use lighting::{DimLevel, Group, GroupDimRequest, GroupRefusal, GroupReply};
use serde::Deserialize;
use serde_json::{Value, json};
use types::{CabinetId, GroupId};
use wire::{ReplyBody, RequestBody};

use super::App;
use super::view::{CabinetView, View};
use crate::http::Problem;

type Answer = Result<Json<Value>, Problem>;

/// The groups that follow from a plan, by name.
pub(crate) fn by_name(plan: &Plan) -> BTreeMap<GroupId, Group> {
    city::groups(plan).into_iter().map(|group| (group.id().clone(), group)).collect()
}

/// `GET /api/groups/{id}`
pub(crate) async fn group(State(app): State<App>, Path(id): Path<String>) -> Answer {
    let group = known(&app, &id)?;
    let view = app.view();
    let command = view.group_command(group.id()).map(|(at, reply)| json!({ "at_ms": at, "reply": reply }));
    let cabinet = cabinet_of(group.id()).map(|id| cabinet(id, &view.cabinet(id)));
    Ok(Json(json!({
        "id": group.id(),
        "figures": figures(group, &view, app.cast.plan()),
        "cabinet": cabinet,
        "command": command,
    })))
}

/// What all its luminaires give and draw.
fn figures(group: &Group, view: &View, plan: &Plan) -> Value {
    let lamps = || group.luminaires().filter_map(|id| view.lamp(id));
    let telemetry = || lamps().filter_map(|lamp| Some(lamp.telemetry.as_ref()?.body));
    let rated_mw =
        group.luminaires().filter_map(|id| plan.luminaire(id)).map(|site| u64::from(site.rated_mw));
    let levels: u64 = lamps().map(|lamp| u64::from(lamp.look().actual)).sum();
    json!({
        "luminaires": group.len(),
        "online": lamps().filter(|lamp| lamp.online).count(),
        "lit": lamps().filter(|lamp| lamp.is_lit()).count(),
        "alarms": lamps().filter(|lamp| lamp.has_alarm()).count(),
        "mean_level": levels / u64::from(group.len().max(1)),
        "power_w": telemetry().map(|body| u64::from(body.power_mw)).sum::<u64>() / 1_000,
        "energy_kwh": telemetry().map(|body| body.energy_mwh as f64 / 1e6).sum::<f64>(),
        "rated_w": rated_mw.sum::<u64>() / 1_000,
    })
}

/// The cabinet that a group hangs on, if it is one: `cabinet:c-0012`, `circuit:c-0012:1`.
fn cabinet_of(group: &GroupId) -> Option<CabinetId> {
    let text = group.to_string();
    let mut parts = text.split(':');
    matches!(parts.next(), Some("cabinet" | "circuit")).then(|| parts.next()?.parse().ok())?
}

fn cabinet(id: CabinetId, known: &CabinetView) -> Value {
    json!({ "id": id, "state": known.state, "telemetry": known.telemetry })
}

/// What `POST /api/groups/{id}/dim` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dim {
    /// `null` = back to the programme. It must be given: a misspelt key must not end overrides.
    #[serde(deserialize_with = "Option::deserialize")]
    level: Option<DimLevel>,
    #[serde(default)]
    minutes: Option<u32>,
}

/// `POST /api/groups/{id}/dim`: answers when the command has begun; `GET /api/groups/{id}` tells how it goes on.
pub(crate) async fn dim(
    State(app): State<App>,
    Path(id): Path<String>,
    body: Result<Json<Dim>, JsonRejection>,
) -> Answer {
    let group = known(&app, &id)?.id().clone();
    let Json(Dim { level, minutes }) = body.map_err(|error| Problem::invalid(error.body_text()))?;
    match app.caller.ask(RequestBody::DimGroup(GroupDimRequest { group, level, minutes })).await {
        Some(ReplyBody::DimGroup(GroupReply::Refused { reason, .. })) => Err(refused(reason)),
        Some(ReplyBody::DimGroup(reply)) => {
            Ok(Json(json!({ "ok": true, "detail": "command sent", "reply": reply })))
        }
        _ => Err(Problem::silent("lighting service")),
    }
}

fn refused(reason: GroupRefusal) -> Problem {
    match reason {
        GroupRefusal::UnknownGroup => Problem::not_found("the lighting service does not know this group"),
        GroupRefusal::TooManyRunning => {
            let detail = "too many commands to groups are running; try again when one has ended";
            Problem::new(axum::http::StatusCode::CONFLICT, "too_many_running", detail)
        }
    }
}

fn known<'a>(app: &'a App, id: &str) -> Result<&'a Group, Problem> {
    let id: GroupId = id.parse().map_err(|error| Problem::invalid(format!("{error}")))?;
    app.groups.get(&id).ok_or_else(|| {
        Problem::not_found(format!(
            "no group {id} in this city; groups are like district:kuiwen, cabinet:c-0012, circuit:c-0012:1"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cabinets_and_circuits_hang_on_a_cabinet() {
        let cabinet = |text: &str| cabinet_of(&text.parse().unwrap());
        assert_eq!(["all", "district:kuiwen", "street:12"].map(cabinet), [None; 3]);
        assert_eq!(["cabinet:c-0012", "circuit:c-0012:1"].map(cabinet), [Some(CabinetId(12)); 2]);
    }

    #[test]
    fn a_misspelt_level_ends_no_override() {
        assert!(serde_json::from_str::<Dim>(r#"{"levle":40}"#).is_err());
        assert!(serde_json::from_str::<Dim>(r#"{"minutes":5}"#).is_err());
        assert!(serde_json::from_str::<Dim>(r#"{"level":null}"#).unwrap().level.is_none());
    }
}
