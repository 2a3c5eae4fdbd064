//! Holders: enrolled, shown by the issuer's codes, asked by readers, told their own history.

use std::io::Cursor;

use axum::Json;
use axum::extract::{Query, State, rejection::QueryRejection};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use eid::qr::{Level, QUIET_ZONE, Symbol};
use eid::{
    EnrolReply, EnrolRequest, HolderReply, HolderRequest, IssueReply, IssueRequest, Nonce, Profile, QrText,
    SpokenCode,
};
use image::{GrayImage, ImageFormat, Luma};
use serde::Deserialize;
use serde_json::{Value, json};
use types::{ResidentId, Timestamp};
use wire::{ReplyBody, RequestBody};

use super::bearer::{Holder, session};
use super::{Identity, Place, change, look, refusal};
use crate::http::{IdempotencyKey, JsonBody, Problem};

/// How large a module is in a PNG \[pixels\]: a code of 77 modules is as wide as a small screen.
const PIXELS_A_MODULE: u32 = 6;

/// `POST /v1/enrollments`
pub(super) async fn enrol(
    State(identity): State<Identity>,
    key: IdempotencyKey,
    JsonBody(body): JsonBody<EnrolRequest>,
) -> Result<Json<Value>, Problem> {
    match change(&identity, &key, RequestBody::Enrol(body)).await? {
        ReplyBody::Enrol(EnrolReply::Enrolled(resident)) => {
            let (session, expires) = session(&identity.secret, (identity.now)(), resident);
            Ok(Json(json!({ "resident_ref": resident, "session": session, "expires": expires })))
        }
        ReplyBody::Enrol(EnrolReply::Refused(refusal)) => Err(refusal::enrolment(refusal)),
        _ => Err(Problem::silent("issuer")),
    }
}

/// What `GET /v1/token` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Show {
    #[serde(default)]
    profile: Profile,
}

type Wanted = Result<Query<Show>, QueryRejection>;

/// `GET /v1/token`: JSON, or a picture for terminals if that is what is accepted.
pub(super) async fn token(
    State(identity): State<Identity>,
    holder: Holder,
    headers: HeaderMap,
    show: Wanted,
) -> Result<Response, Problem> {
    let (code, issued, expires) = issued(&identity, holder.0, show).await?;
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepted.starts_with("text/plain") {
        return Ok(symbol(&code)?.to_terminal().into_response());
    }
    Ok(Json(json!({ "qr": code, "issued": issued, "expires": expires })).into_response())
}

/// `GET /v1/token.svg`
pub(super) async fn token_svg(
    State(identity): State<Identity>,
    holder: Holder,
    show: Wanted,
) -> Result<Response, Problem> {
    let (code, ..) = issued(&identity, holder.0, show).await?;
    Ok(fresh("image/svg+xml", symbol(&code)?.to_svg()))
}

/// `GET /v1/token.png`
pub(super) async fn token_png(
    State(identity): State<Identity>,
    holder: Holder,
    show: Wanted,
) -> Result<Response, Problem> {
    let (code, ..) = issued(&identity, holder.0, show).await?;
    let mut png = Cursor::new(Vec::new());
    let unwritable = |_| Problem::invalid("this code cannot be drawn");
    picture(&symbol(&code)?).write_to(&mut png, ImageFormat::Png).map_err(unwritable)?;
    Ok(fresh("image/png", png.into_inner()))
}

/// A picture that nobody may keep: it is worthless in a minute.
fn fresh(media: &'static str, body: impl IntoResponse) -> Response {
    ([(header::CONTENT_TYPE, media), (header::CACHE_CONTROL, "no-store")], body).into_response()
}

async fn issued(
    identity: &Identity,
    resident: ResidentId,
    show: Wanted,
) -> Result<(QrText, Timestamp, Timestamp), Problem> {
    let Query(Show { profile }) = show.map_err(|error| Problem::invalid(error.body_text()))?;
    by_issuer(identity, resident, profile).await
}

async fn by_issuer(
    identity: &Identity,
    resident: ResidentId,
    profile: Profile,
) -> Result<(QrText, Timestamp, Timestamp), Problem> {
    match look(identity, RequestBody::Issue(IssueRequest { resident, profile })).await? {
        ReplyBody::Issue(IssueReply::Issued { code, issued, expires }) => Ok((code, issued, expires)),
        ReplyBody::Issue(IssueReply::NotEnrolled) => Err(refusal::not_enrolled()),
        _ => Err(Problem::silent("issuer")),
    }
}

fn symbol(code: &QrText) -> Result<Symbol, Problem> {
    Symbol::from_text(&code.0, Level::Low)
        .map_err(|_| Problem::invalid("this code does not fit in a QR symbol"))
}

fn picture(symbol: &Symbol) -> GrayImage {
    let side = (symbol.side() + 2 * QUIET_ZONE) as u32 * PIXELS_A_MODULE;
    // Left and above of the symbol, the wrapped number is outside of it too.
    let module = |pixel: u32| ((pixel / PIXELS_A_MODULE) as usize).wrapping_sub(QUIET_ZONE);
    GrayImage::from_fn(side, side, |x, y| Luma([if symbol.is_dark(module(x), module(y)) { 0 } else { 255 }]))
}

/// What a holder wants to read aloud: a code that their phone made, or one that the issuer makes now.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Aloud {
    #[serde(default)]
    qr: Option<QrText>,
    #[serde(default)]
    profile: Option<Profile>,
}

/// `POST /v1/spoken`
pub(super) async fn speak(
    State(identity): State<Identity>,
    Holder(resident): Holder,
    key: IdempotencyKey,
    JsonBody(Aloud { qr, profile }): JsonBody<Aloud>,
) -> Result<Json<Value>, Problem> {
    let code = match (qr, profile) {
        (Some(code), None) => code,
        (None, Some(profile)) => by_issuer(&identity, resident, profile).await?.0,
        _ => {
            return Err(Problem::invalid(
                "`qr` is the code of a phone, `profile` has one made: give one of them",
            ));
        }
    };
    let (spoken, expires) = digits_for(&identity, Some(&key), resident, code).await?;
    Ok(Json(json!({ "spoken": spoken, "expires": expires })))
}

/// The digits that stand for a code of this resident, and when they are over.
pub(crate) async fn digits_for(
    identity: &Identity,
    key: Option<&IdempotencyKey>,
    resident: ResidentId,
    code: QrText,
) -> Result<(SpokenCode, Timestamp), Problem> {
    let question = RequestBody::Holder(HolderRequest::Speak { resident, code });
    let reply = match key {
        Some(key) => change(identity, key, question).await?,
        None => look(identity, question).await?,
    };
    match reply {
        ReplyBody::Holder(HolderReply::Spoken { spoken, expires }) => Ok((spoken, expires)),
        ReplyBody::Holder(HolderReply::Refused(refused)) => Err(refusal::code((identity.now)(), &refused)),
        _ => Err(Problem::silent("verifier")),
    }
}

/// `GET /v1/me/history`
pub(super) async fn history(
    State(identity): State<Identity>,
    Holder(resident): Holder,
) -> Result<Json<Value>, Problem> {
    match look(&identity, RequestBody::Holder(HolderRequest::History { resident })).await? {
        ReplyBody::Holder(HolderReply::History(showings)) => {
            Ok(Json(json!({ "resident_ref": resident, "showings": showings })))
        }
        _ => Err(Problem::silent("verifier")),
    }
}

/// `GET /v1/me/requests`
pub(super) async fn requests(
    State(identity): State<Identity>,
    Holder(resident): Holder,
) -> Result<Json<Value>, Problem> {
    match look(&identity, RequestBody::Holder(HolderRequest::Pending { resident })).await? {
        ReplyBody::Holder(HolderReply::Pending(requests)) => Ok(Json(json!({ "requests": requests }))),
        _ => Err(Problem::silent("verifier")),
    }
}

/// The code by which a holder agrees: made by the phone, with the request as its challenge.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Approval {
    qr: QrText,
}

/// `POST /v1/requests/{request}/approve`
pub(super) async fn approve(
    State(identity): State<Identity>,
    Holder(resident): Holder,
    key: IdempotencyKey,
    Place(request): Place<Nonce>,
    JsonBody(Approval { qr }): JsonBody<Approval>,
) -> Result<Json<Value>, Problem> {
    answer(&identity, &key, HolderRequest::Answer { resident, request, code: Some(qr) }).await
}

/// `POST /v1/requests/{request}/deny`
pub(super) async fn deny(
    State(identity): State<Identity>,
    Holder(resident): Holder,
    key: IdempotencyKey,
    Place(request): Place<Nonce>,
) -> Result<Json<Value>, Problem> {
    answer(&identity, &key, HolderRequest::Answer { resident, request, code: None }).await
}

/// What the verifier makes of a holder's answer to a reader.
pub(crate) async fn answer(
    identity: &Identity,
    key: &IdempotencyKey,
    request: HolderRequest,
) -> Result<Json<Value>, Problem> {
    match change(identity, key, RequestBody::Holder(request)).await? {
        ReplyBody::Holder(HolderReply::Shared) => Ok(Json(json!({ "answer": "shared" }))),
        ReplyBody::Holder(HolderReply::Denied) => Ok(Json(json!({ "answer": "denied" }))),
        ReplyBody::Holder(HolderReply::Unknown) => Err(refusal::no_request()),
        ReplyBody::Holder(HolderReply::Refused(refused)) => Err(refusal::code((identity.now)(), &refused)),
        _ => Err(Problem::silent("verifier")),
    }
}
