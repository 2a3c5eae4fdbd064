//! The phone: the streets around a resident's home, how they are lit, the way from there, and what people complain of.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use city::{LuminaireSite, Plan};
use lighting::{AlarmKind, Complaint, ComplaintRefusal, ComplaintReply, ComplaintRequest};
use serde::Deserialize;
use serde_json::{Value, json};
use types::{LuminaireId, ProviderId};
use wire::{ReplyBody, RequestBody};

use super::super::App;
use super::super::view::View;
use super::citizen;
use crate::http::{JsonBody, Problem, QueryOf};

/// How far around their home a resident looks \[m\].
const AROUND_M: f64 = 260.0;
/// Luminaires shown around a home.
const LUMINAIRES_MAX: usize = 300;
/// A luminaire lights the way of whoever passes within \[m\].
const LIT_WITHIN_M: f64 = 25.0;
/// How often the way is looked at \[m\].
const STEP_M: f64 = 20.0;

type Answer = Result<Json<Value>, Problem>;

/// What `GET /api/phone/{resident}/streets` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Whereto {
    /// To which provider; the nearest one if not given.
    #[serde(default)]
    to: Option<ProviderId>,
}

/// `GET /api/phone/{resident}/streets`
pub(crate) async fn around(
    State(app): State<App>,
    Path(resident): Path<String>,
    QueryOf(Whereto { to }): QueryOf<Whereto>,
) -> Answer {
    let home = citizen(&app, &resident)?.home;
    let plan = app.cast.plan();
    let near = nearest(plan, home);
    let streets: BTreeSet<usize> = near.iter().map(|site| site.street).collect();
    let view = app.view();
    let luminaires = near.iter().map(|site| {
        json!({
            "id": site.id, "x": site.x_m, "y": site.y_m, "street": site.street,
            "level": level(&view, site.id), "distance_m": distance(site, home),
            "complaint": view.has_alarm(site.id, AlarmKind::Complaint),
        })
    });
    Ok(Json(json!({
        "home": { "x": home.0, "y": home.1 },
        "around_m": AROUND_M,
        "city_ms": view.city_now(),
        "luminaires": luminaires.collect::<Vec<_>>(),
        "streets": streets.into_iter().map(|street| described(plan, street)).collect::<Vec<_>>(),
        "way": way(plan, &view, home, to)?,
    })))
}

/// The luminaires around a place, the nearest first.
fn nearest(plan: &Plan, home: (f64, f64)) -> Vec<&LuminaireSite> {
    let mut near: Vec<_> = plan.luminaires_near(home.0, home.1, AROUND_M).collect();
    near.sort_by(|a, b| distance(a, home).total_cmp(&distance(b, home)));
    near.truncate(LUMINAIRES_MAX);
    near
}

fn distance(site: &LuminaireSite, at: (f64, f64)) -> f64 {
    (site.x_m - at.0).hypot(site.y_m - at.1)
}

/// What a luminaire gives, as it told last \[%\]; none if it never did.
fn level(view: &View, id: LuminaireId) -> Option<u8> {
    let state = view.lamp(id)?.state.as_ref()?;
    Some(state.body.actual.percent())
}

fn described(plan: &Plan, street: usize) -> Value {
    let of = &plan.streets()[street];
    json!({ "street": street, "name_en": of.name_en, "name_zh": of.name_zh, "width_m": of.width_m, "points": of.points })
}

/// The way to a provider, and how many of the luminaires along it are lit. None in a city without providers.
fn way(plan: &Plan, view: &View, home: (f64, f64), to: Option<ProviderId>) -> Result<Option<Value>, Problem> {
    let clinic = match to {
        Some(id) => Some(
            plan.clinic(id).ok_or_else(|| Problem::not_found(format!("no provider {id} in this city")))?,
        ),
        None => plan.clinics().iter().min_by(|a, b| {
            let far = |x: f64, y: f64| (x - home.0).hypot(y - home.1);
            far(a.x_m, a.y_m).total_cmp(&far(b.x_m, b.y_m))
        }),
    };
    let Some(clinic) = clinic else { return Ok(None) };
    let route = plan.route(home, (clinic.x_m, clinic.y_m));
    let steps =
        (0..).map(|step| f64::from(step) * STEP_M).take_while(|&walked| walked < route.length_m() + STEP_M);
    let along: BTreeSet<LuminaireId> = steps
        .flat_map(|walked| {
            let (x, y) = route.at(walked);
            plan.luminaires_near(x, y, LIT_WITHIN_M).map(|site| site.id)
        })
        .collect();
    let lit = along.iter().filter(|&&id| level(view, id).is_some_and(|level| level > 0)).count();
    Ok(Some(json!({
        "to": clinic.id, "name_en": clinic.name_en, "name_zh": clinic.name_zh,
        "length_m": route.length_m(), "points": route.points(), "luminaires": along.len(), "lit": lit,
    })))
}

/// What is wrong with which luminaire.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Complain {
    luminaire: LuminaireId,
    about: Complaint,
}

/// `POST /api/phone/{resident}/complaints`
pub(crate) async fn complain(
    State(app): State<App>,
    Path(resident): Path<String>,
    JsonBody(Complain { luminaire, about }): JsonBody<Complain>,
) -> Answer {
    let resident = citizen(&app, &resident)?.person.id;
    let request = ComplaintRequest::File { luminaire, resident, about };
    match app.caller.ask(RequestBody::Complain(request)).await {
        Some(ReplyBody::Complain(ComplaintReply::Open { luminaire, residents })) => {
            Ok(Json(json!({ "luminaire": luminaire, "residents": residents })))
        }
        Some(ReplyBody::Complain(ComplaintReply::Refused { luminaire, reason })) => {
            Err(refused(luminaire, reason))
        }
        _ => Err(Problem::silent("lighting service")),
    }
}

/// Closes what people complained of, when somebody has seen to it. Says nothing if nobody did.
pub(crate) async fn see_to(app: &App, luminaire: LuminaireId) {
    if app.view().has_alarm(luminaire, AlarmKind::Complaint) {
        app.caller.ask(RequestBody::Complain(ComplaintRequest::Close { luminaire })).await;
    }
}

fn refused(luminaire: LuminaireId, reason: ComplaintRefusal) -> Problem {
    match reason {
        ComplaintRefusal::UnknownLuminaire => {
            Problem::not_found(format!("no luminaire {luminaire} in this city"))
        }
        ComplaintRefusal::TooMany { retry_at } => {
            let detail = format!(
                "you reported many luminaires within an hour; report the next after {retry_at}, by the city's clock"
            );
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_complaints", detail)
                .with("retry_at_ms", retry_at.as_millis())
        }
        ComplaintRefusal::Full => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "complaints_full",
            "the lighting desk has more reports than it can keep",
        ),
        ComplaintRefusal::NothingOpen => Problem::not_found(format!("nobody reported {luminaire}")),
    }
}
