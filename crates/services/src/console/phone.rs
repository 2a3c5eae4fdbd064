//! The phone: residents, and their living codes.

pub(crate) mod bills;
pub(crate) mod requests;
pub(crate) mod streets;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use city::{Citizen, Residents};
use eid::advice::{self, Advice};
use eid::qr::{Level, Symbol};
use eid::{
    Challenge, CredentialRefusal, CredentialReply, CredentialRequest, EnrolReply, EnrolRequest, HolderReply,
    HolderRequest, IssueReply, IssueRequest, PROOF_LIFE_S, Profile, QrText, Resident, Showing,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use types::{ResidentId, SECOND_MS, Timestamp};
use wire::{ReplyBody, RequestBody};

use super::App;
use super::wallet::{Answer, Wish};
use crate::http::{JsonBody, Problem, QueryOf};
use crate::identity;
use crate::time::wall_now;

/// Residents listed at once.
const LISTED_MAX: usize = 200;
/// Children listed of one resident.
const WARDS_MAX: usize = 8;
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
pub(crate) async fn residents(State(app): State<App>, QueryOf(search): QueryOf<Search>) -> Json<Value> {
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
#[serde(deny_unknown_fields)]
pub(crate) struct Show {
    /// What is disclosed; a challenge says itself what it asks for.
    #[serde(default)]
    profile: Profile,
    /// Who makes the code that is shown.
    #[serde(default)]
    by: Maker,
    /// The text of the challenge that its owner agreed to.
    #[serde(default)]
    challenge: Option<String>,
}

/// Who makes the code that is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Maker {
    /// The issuer, for each showing.
    #[default]
    Issuer,
    /// The phone, with a key of its own.
    Phone,
}

/// A code, and for how long it is good.
pub(super) struct Shown {
    pub(super) code: QrText,
    issued: Timestamp,
    expires: Timestamp,
}

/// `GET /api/phone/{resident}`: puts the resident on this phone, and tells what their card says, what time it is, and the
/// ids of the issuer's keys whose credentials are good.
pub(crate) async fn card(
    State(app): State<App>,
    Path(resident): Path<String>,
) -> Result<Json<Value>, Problem> {
    let person = known(&app, &resident)?;
    enrol(&app, &person).await?;
    let now = wall_now();
    let keys: Vec<String> = app.view().good_keys(now).map(str::to_owned).collect();
    Ok(Json(json!({ "card": card_of(&person), "server_ms": now, "keys": keys })))
}

/// `GET /api/phone/{resident}/family`: the children whose identity the census lets them show.
pub(crate) async fn family(
    State(app): State<App>,
    Path(resident): Path<String>,
) -> Result<Json<Value>, Problem> {
    let guardian = known(&app, &resident)?.id;
    let everybody = Residents::new(app.cast.plan());
    let wards = everybody.wards(guardian, SEARCHED_MAX).take(WARDS_MAX);
    Ok(Json(wards.filter_map(|ward| everybody.get(ward)).map(|ward| describe(&ward)).collect()))
}

/// `GET /api/phone/{resident}/history`: what was shown of the resident, to whom, when; the newest first.
pub(crate) async fn history(
    State(app): State<App>,
    Path(resident): Path<String>,
) -> Result<Json<Value>, Problem> {
    let resident = known(&app, &resident)?.id;
    match app.caller.ask(RequestBody::Holder(HolderRequest::History { resident })).await {
        Some(ReplyBody::Holder(HolderReply::History(showings))) => {
            Ok(Json(showings.iter().rev().map(|showing| in_words(&app, showing)).collect()))
        }
        _ => Err(Problem::silent("e-ID verifier")),
    }
}

/// A showing, with the name of the reader if it has one, and why it was refused in both languages.
fn in_words(app: &App, showing: &Showing) -> Value {
    let mut told = json!(showing);
    if let Some(reader) = app.cast.readers().named(showing.verifier) {
        told["name_en"] = json!(reader.name_en);
        told["name_zh"] = json!(reader.name_zh);
    }
    if let Some(reason) = showing.refused {
        let advice = advice::of(reason);
        told["title_en"] = json!(advice.title_en);
        told["title_zh"] = json!(advice.title_zh);
    }
    told
}

/// `POST /api/phone/{resident}/credentials`: credentials for the key of the phone that signed the request.
pub(crate) async fn credentials(
    State(app): State<App>,
    Path(resident): Path<String>,
    JsonBody(request): JsonBody<CredentialRequest>,
) -> Result<Json<Value>, Problem> {
    if known(&app, &resident)?.id != request.resident {
        return Err(Problem::invalid("the request is signed for another resident than this place is of"));
    }
    match app.caller.ask(RequestBody::Credential(request)).await {
        Some(ReplyBody::Credential(CredentialReply::Issued { credentials })) => {
            Ok(Json(json!({ "credentials": credentials, "server_ms": wall_now() })))
        }
        Some(ReplyBody::Credential(CredentialReply::Refused(refusal))) => Err(not_issued(refusal)),
        _ => Err(Problem::silent("e-ID issuer")),
    }
}

/// `GET /api/phone/{resident}/code`
pub(crate) async fn code(
    State(app): State<App>,
    Path(resident): Path<String>,
    QueryOf(show): QueryOf<Show>,
) -> Result<Json<Value>, Problem> {
    let person = known(&app, &resident)?;
    let resident = person.id;
    let challenge = show.challenge.as_deref().map(str::parse::<Challenge>).transpose();
    let challenge = challenge.map_err(|error| Problem::invalid(format!("{error}")))?;
    enrol(&app, &person).await?;
    let shown = match (challenge, show.by) {
        (Some(challenge), _) => by_phone(&app, resident, Wish::Answer(challenge)).await?,
        (None, Maker::Phone) => by_phone(&app, resident, Wish::Show(show.profile)).await?,
        (None, Maker::Issuer) => by_issuer(&app, resident, show.profile).await?,
    };
    let symbol = Symbol::from_text(&shown.code.0, Level::Low)
        .map_err(|_| Problem::invalid("this resident's code does not fit in a QR symbol"))?;
    Ok(Json(json!({
        "code": shown.code,
        "svg": symbol.to_svg(),
        "issued_ms": shown.issued,
        "expires_ms": shown.expires,
        "server_ms": wall_now(),
        "card": card_of(&person),
    })))
}

/// What a resident wants to read aloud: a code that their phone made, or one that the issuer makes now.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) enum Aloud {
    /// What the phone shows.
    Code(QrText),
    /// What the issuer's code is to disclose.
    Profile(Profile),
}

/// `POST /api/phone/{resident}/spoken`: eight digits that stand for a code.
pub(crate) async fn speak(
    State(app): State<App>,
    Path(resident): Path<String>,
    JsonBody(aloud): JsonBody<Aloud>,
) -> Result<Json<Value>, Problem> {
    let person = known(&app, &resident)?;
    let code = match aloud {
        Aloud::Code(code) => code,
        Aloud::Profile(profile) => {
            enrol(&app, &person).await?;
            by_issuer(&app, person.id, profile).await?.code
        }
    };
    let (spoken, expires) = identity::digits_for(&app.identity, None, person.id, code).await?;
    Ok(Json(json!({ "spoken": spoken, "expires_ms": expires, "server_ms": wall_now() })))
}

pub(super) async fn by_issuer(app: &App, resident: ResidentId, profile: Profile) -> Result<Shown, Problem> {
    match app.caller.ask(RequestBody::Issue(IssueRequest { resident, profile })).await {
        Some(ReplyBody::Issue(IssueReply::Issued { code, issued, expires })) => {
            Ok(Shown { code, issued, expires })
        }
        Some(ReplyBody::Issue(IssueReply::NotEnrolled)) => Err(not_issued(CredentialRefusal::NotEnrolled)),
        _ => Err(Problem::silent("e-ID issuer")),
    }
}

async fn by_phone(app: &App, resident: ResidentId, wish: Wish) -> Result<Shown, Problem> {
    let mut answer = app.wallets.wish(wall_now(), resident, wish);
    if let Some(Answer::Ask(request)) = answer {
        let Some(ReplyBody::Credential(reply)) = app.caller.ask(RequestBody::Credential(request)).await
        else {
            return Err(Problem::silent("e-ID issuer"));
        };
        answer = app.wallets.take(wall_now(), resident, reply);
    }
    match answer {
        Some(Answer::Shown(code, expires)) => {
            let issued = expires.plus_millis(-PROOF_LIFE_S * SECOND_MS);
            Ok(Shown { code, issued, expires })
        }
        Some(Answer::Refused(refusal)) => Err(not_issued(refusal)),
        Some(Answer::Ask(_)) | None => Err(Problem::silent("e-ID issuer")),
    }
}

/// Puts the resident on this phone; harmless when already there.
pub(super) async fn enrol(app: &App, person: &Resident) -> Result<(), Problem> {
    let request =
        EnrolRequest { resident_no: person.number.as_str().to_owned(), name: person.name_zh.clone() };
    match app.caller.ask(RequestBody::Enrol(request)).await {
        Some(ReplyBody::Enrol(EnrolReply::Enrolled(_))) => Ok(()),
        Some(ReplyBody::Enrol(EnrolReply::Refused(refusal))) => {
            Err(refused(name_of(&refusal), &advice::of_enrolment(refusal)))
        }
        _ => Err(Problem::silent("e-ID issuer")),
    }
}

/// The resident of this name, if one lives here.
pub(super) fn known(app: &App, resident: &str) -> Result<Resident, Problem> {
    Ok(citizen(app, resident)?.person)
}

/// The same, and where they live.
pub(super) fn citizen(app: &App, resident: &str) -> Result<Citizen, Problem> {
    let resident: ResidentId = resident.parse().map_err(|error| Problem::invalid(format!("{error}")))?;
    let citizen = Residents::new(app.cast.plan()).get(resident);
    citizen.ok_or_else(|| Problem::not_found(format!("no resident {resident} in this city")))
}

fn card_of(person: &Resident) -> Value {
    json!({
        "name_zh": person.name_zh, "name_en": person.name_en, "number_masked": person.number.masked(),
        "valid": true,
    })
}

fn not_issued(refusal: CredentialRefusal) -> Problem {
    refused(name_of(&refusal), &advice::of_credentials(refusal))
}

/// What the issuer refuses, by the name that its refusal has on the bus.
fn refused(code: String, advice: &Advice) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, code, format!("{}. {}", advice.title_en, advice.advice_en))
        .with("detail_zh", format!("{}。{}", advice.title_zh, advice.advice_zh))
}

fn name_of(refusal: &impl Serialize) -> String {
    match serde_json::to_value(refusal) {
        Ok(Value::String(name)) => name,
        _ => "refused".to_owned(),
    }
}
