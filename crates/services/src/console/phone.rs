//! The phone: residents, and their living codes.

use axum::Json;
use axum::extract::{Path, Query, State};
use city::{Citizen, Residents};
use eid::qr::{Level, Symbol};
use eid::{EnrolReply, EnrolRequest, IssueReply, IssueRequest, Profile, Resident, advice};
use serde::Deserialize;
use serde_json::{Value, json};
use types::ResidentId;
use wire::{ReplyBody, RequestBody};

use super::App;
use crate::http::Problem;
use crate::time::wall_now;

/// Residents listed at once.
const LISTED_MAX: usize = 200;
/// Residents looked at for one search.
const SEARCHED_MAX: u32 = 20_000;

/// What `GET /api/residents` takes.
#[derive(Debug, Deserialize)]
pub(crate) struct Search {
    #[serde(default)]
    q: String,
    #[serde(default)]
    limit: Option<usize>,
}

/// `GET /api/residents`
pub(crate) async fn residents(State(app): State<App>, Query(search): Query<Search>) -> Json<Value> {
    let wanted = search.q.trim().to_lowercase();
    let limit = search.limit.unwrap_or(50).min(LISTED_MAX);
    let plan = app.cast.plan();
    let all = Residents::new(plan);
    let found = (1..=plan.spec().residents.min(SEARCHED_MAX))
        .filter_map(|number| all.get(ResidentId(number)))
        .filter(|citizen| matches(&citizen.person, &wanted))
        .take(limit)
        .map(|citizen| describe(&citizen));
    Json(found.collect())
}

fn matches(person: &Resident, wanted: &str) -> bool {
    wanted.is_empty()
        || person.name_en.to_lowercase().contains(wanted)
        || person.name_zh.contains(wanted)
        || person.id.to_string() == wanted
}

fn describe(citizen: &Citizen) -> Value {
    let person = &citizen.person;
    let gender = if person.gender == eid::Gender::Male { "male" } else { "female" };
    json!({
        "id": person.id, "name_zh": person.name_zh, "name_en": person.name_en, "birth_year": person.birth.year(),
        "district": citizen.district, "gender": gender,
    })
}

/// What `GET /api/phone/{resident}/code` takes.
#[derive(Debug, Deserialize)]
pub(crate) struct Show {
    #[serde(default)]
    profile: Profile,
}

/// `GET /api/phone/{resident}/code`
pub(crate) async fn code(
    State(app): State<App>,
    Path(resident): Path<String>,
    Query(Show { profile }): Query<Show>,
) -> Result<Json<Value>, Problem> {
    let resident: ResidentId = resident.parse().map_err(|error| Problem::invalid(format!("{error}")))?;
    let unknown = || Problem::not_found(format!("no resident {resident} in this city"));
    let person = Residents::new(app.cast.plan()).get(resident).ok_or_else(unknown)?.person;
    enrol(&app, &person).await?;
    let issued = app.caller.ask(RequestBody::Issue(IssueRequest { resident, profile })).await;
    let Some(ReplyBody::Issue(IssueReply::Issued { code, issued, expires })) = issued else {
        return Err(Problem::silent("e-ID issuer"));
    };
    let symbol = Symbol::from_text(&code.0, Level::Low)
        .map_err(|_| Problem::invalid("this resident's code does not fit in a QR symbol"))?;
    Ok(Json(json!({
        "code": code,
        "svg": symbol.to_svg(),
        "issued_ms": issued,
        "expires_ms": expires,
        "server_ms": wall_now(),
        "card": {
            "name_zh": person.name_zh, "name_en": person.name_en, "number_masked": person.number.masked(),
            "valid": true,
        },
    })))
}

/// Puts the resident on this phone; harmless when already there.
async fn enrol(app: &App, person: &Resident) -> Result<(), Problem> {
    let request =
        EnrolRequest { resident_no: person.number.as_str().to_owned(), name: person.name_zh.clone() };
    match app.caller.ask(RequestBody::Enrol(request)).await {
        Some(ReplyBody::Enrol(EnrolReply::Enrolled(_))) => Ok(()),
        Some(ReplyBody::Enrol(EnrolReply::Refused(refusal))) => {
            let advice = advice::of_enrolment(refusal);
            Err(Problem::invalid(format!("{}. {}", advice.title_en, advice.advice_en)))
        }
        _ => Err(Problem::silent("e-ID issuer")),
    }
}
