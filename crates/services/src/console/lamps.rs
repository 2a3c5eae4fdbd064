//! Lamps, alarms and the clock.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use lighting::{CommandStatus, DimLevel, DimRequest, Fault};
use serde::Deserialize;
use serde_json::{Value, json};
use types::LuminaireId;
use wire::{ClockChange, FaultOrder, Message, ReplyBody, RequestBody};

use super::App;
use crate::http::{Problem, QueryOf};

type Answer = Result<Json<Value>, Problem>;

/// `GET /api/alarms`
pub(crate) async fn alarms(State(app): State<App>) -> Json<Value> {
    Json(app.view().alarms())
}

/// `GET /api/incidents`
pub(crate) async fn incidents(State(app): State<App>) -> Json<Value> {
    Json(app.view().incidents())
}

/// `GET /api/lamps/{id}`
pub(crate) async fn lamp(State(app): State<App>, Path(id): Path<String>) -> Answer {
    let id = known(&app, &id)?;
    let plan = app.cast.plan();
    let site = plan.luminaire(id).ok_or_else(|| Problem::not_found(format!("no luminaire {id}")))?;
    let view = app.view();
    let lamp = view.lamp(id).ok_or_else(|| Problem::not_found(format!("no luminaire {id}")))?;
    let telemetry = lamp.telemetry.as_ref().map(|report| {
        let body = report.body;
        json!({
            "power_mw": body.power_mw, "voltage_mv": body.voltage_mv, "energy_mwh": body.energy_mwh,
            "burning_s": body.burning_s, "switch_count": body.switch_count, "at_ms": report.stamp.ts,
            "current_ma": body.current_ma, "power_factor_pm": body.power_factor_pm, "flux_lm": body.flux_lm,
            "gear": body.gear,
        })
    });
    let history = lamp
        .history
        .iter()
        .map(|(at, actual, power)| json!({ "at_ms": at, "actual": actual, "power_mw": power }));
    let commands = lamp.commands.iter().rev().map(|known| {
        json!({
            "id": known.command.id, "level": known.command.level, "until_ms": known.command.until,
            "status": known.status, "reason": known.reason, "at_ms": known.at,
        })
    });
    Ok(Json(json!({
        "id": id,
        "district": site.district,
        "cabinet": site.cabinet,
        "circuit": site.circuit,
        "phase": site.phase,
        "street": plan.streets()[site.street].name_en,
        "class": site.class,
        "rated_w": f64::from(site.rated_mw) / 1e3,
        "online": lamp.online,
        "state": lamp.state.as_ref().map(|report| report.body),
        "telemetry": telemetry,
        "alarm": view.alarm(id).map(|(kind, at)| json!({ "kind": kind, "raised_ms": at })),
        "history": history.collect::<Vec<_>>(),
        "commands": commands.collect::<Vec<_>>(),
    })))
}

/// What `POST /api/lamps/{id}/dim` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dim {
    level: DimLevel,
    #[serde(default)]
    minutes: Option<u32>,
}

/// `POST /api/lamps/{id}/dim`
pub(crate) async fn dim(
    State(app): State<App>,
    Path(id): Path<String>,
    body: Result<Json<Dim>, JsonRejection>,
) -> Answer {
    let luminaire = known(&app, &id)?;
    let Json(Dim { level, minutes }) = body.map_err(|error| Problem::invalid(error.body_text()))?;
    ask_cms(&app, DimRequest { luminaire, level: Some(level), minutes }).await
}

/// `POST /api/lamps/{id}/resume`
pub(crate) async fn resume(State(app): State<App>, Path(id): Path<String>) -> Answer {
    let luminaire = known(&app, &id)?;
    ask_cms(&app, DimRequest { luminaire, level: None, minutes: None }).await
}

async fn ask_cms(app: &App, request: DimRequest) -> Answer {
    match app.caller.ask(RequestBody::Dim(request)).await {
        Some(ReplyBody::Dim(report)) => {
            let detail = match report.status {
                CommandStatus::Pending => "waits for its turn",
                CommandStatus::Sent => "command sent",
                CommandStatus::Delivered => "acknowledged",
                CommandStatus::Successful => "obeyed",
                CommandStatus::Failed => "refused by the luminaire",
                CommandStatus::Expired => "expired before it arrived",
                CommandStatus::Timeout => "no answer from the luminaire",
            };
            Ok(Json(json!({ "ok": true, "detail": detail, "command": report.command })))
        }
        Some(ReplyBody::DimRefused(refused)) => Err(Problem::invalid(refused.reason)),
        _ => Err(Problem::silent("lighting service")),
    }
}

/// What to break.
#[derive(Debug, Deserialize)]
pub(crate) struct Break {
    /// How; the lamp opens if not given.
    fault: Option<Fault>,
}

/// `POST /api/lamps/{id}/break?fault=lamp_open`
pub(crate) async fn break_lamp(
    State(app): State<App>,
    Path(id): Path<String>,
    QueryOf(what): QueryOf<Break>,
) -> Answer {
    let order = FaultOrder::Break(what.fault.unwrap_or(Fault::LampOpen));
    fault(&app, &id, order, "it is broken; the CMS will notice by its readings")
}

/// `POST /api/lamps/{id}/repair`
pub(crate) async fn repair(State(app): State<App>, Path(id): Path<String>) -> Answer {
    let answer = fault(&app, &id, FaultOrder::Repair, "the lamp is repaired")?;
    super::phone::streets::see_to(&app, known(&app, &id)?).await;
    Ok(answer)
}

fn fault(app: &App, id: &str, order: FaultOrder, detail: &str) -> Answer {
    let luminaire = known(app, id)?;
    let district = app.cast.directory()[&luminaire];
    if !app.caller.tell(Message::Fault { district, luminaire, order }) {
        return Err(Problem::silent("bus"));
    }
    Ok(Json(json!({ "ok": true, "detail": detail })))
}

/// `POST /api/clock`
pub(crate) async fn set_clock(
    State(app): State<App>,
    body: Result<Json<ClockChange>, JsonRejection>,
) -> Answer {
    let Json(change) = body.map_err(|error| Problem::invalid(error.body_text()))?;
    match app.caller.ask(RequestBody::SetClock(change)).await {
        Some(ReplyBody::Clock(state)) => Ok(Json(json!({ "ok": true, "clock": state }))),
        _ => Err(Problem::silent("clock")),
    }
}

pub(crate) fn known(app: &App, id: &str) -> Result<LuminaireId, Problem> {
    let id: LuminaireId = id.parse().map_err(|error| Problem::invalid(format!("{error}")))?;
    if app.cast.directory().contains_key(&id) {
        Ok(id)
    } else {
        Err(Problem::not_found(format!("no luminaire {id} in this city")))
    }
}
