//! Two books of a day: compared, put aside, resolved, closed.

use axum::Json;
use axum::extract::State;
use medpay::reconcile::{Report, Row, Totals, compare};
use medpay::{Day, PayReply, PayRequest, Resolution};
use serde::Deserialize;
use serde_json::{Value, json};
use types::ProviderId;

use super::body::{place, told};
use super::upload::BookBody;
use super::{change, look};
use crate::caller::Caller;
use crate::http::{IdempotencyKey, JsonBody, Place, Problem};

/// A provider and a day, as they stand in a path.
type Book = Place<(String, String)>;

/// `POST /v1/recon/{provider}/{day}`: do the totals agree?
pub(super) async fn totals(
    State(caller): State<Caller>,
    Place(book): Book,
    JsonBody(hospital): JsonBody<Totals>,
) -> Result<Json<Value>, Problem> {
    let (provider, day) = read_book(&book)?;
    let PayReply::Totals(platform) = look(&caller, PayRequest::Totals { provider, day }).await? else {
        return Err(Problem::silent("payer"));
    };
    Ok(Json(json!({ "agree": platform == hospital, "platform": platform, "hospital": hospital })))
}

/// `POST /v1/recon/{provider}/{day}/detail`: where do the books differ?
pub(super) async fn detail(
    State(caller): State<Caller>,
    Place(book): Book,
    BookBody(rows): BookBody,
) -> Result<Json<Value>, Problem> {
    let (provider, day) = read_book(&book)?;
    told(&report(&caller, provider, day, &rows).await?)
}

async fn report(
    caller: &Caller,
    provider: ProviderId,
    day: Day,
    hospital: &[Row],
) -> Result<Report, Problem> {
    let mut platform = Vec::new();
    for day in [day.before(), day, day.next()] {
        platform.extend(payer_rows(caller, provider, day).await?);
    }
    Ok(compare(day, &platform, hospital))
}

/// The payer's book of a day, every page of it.
async fn payer_rows(caller: &Caller, provider: ProviderId, day: Day) -> Result<Vec<Row>, Problem> {
    let mut all = Vec::new();
    loop {
        let after = u32::try_from(all.len()).unwrap_or(u32::MAX);
        match look(caller, PayRequest::Detail { provider, day, after }).await? {
            PayReply::Detail { rows, more } => {
                all.extend(rows);
                if !more {
                    return Ok(all);
                }
            }
            _ => return Err(Problem::silent("payer")),
        }
    }
}

/// What differs, and is to be put aside.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Park {
    difference: medpay::reconcile::Difference,
}

/// `POST /v1/recon/{provider}/{day}/diffs`
pub(super) async fn park(
    State(caller): State<Caller>,
    key: IdempotencyKey,
    Place(book): Book,
    JsonBody(Park { difference }): JsonBody<Park>,
) -> Result<Json<Value>, Problem> {
    let (provider, day) = read_book(&book)?;
    told(&change(&caller, &key, PayRequest::Park { provider, day, difference }).await?)
}

/// `GET /v1/recon/{provider}/{day}/diffs`
pub(super) async fn parked(State(caller): State<Caller>, Place(book): Book) -> Result<Json<Value>, Problem> {
    let (provider, day) = read_book(&book)?;
    told(&look(&caller, PayRequest::Parked { provider, day }).await?)
}

/// How a difference is resolved.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resolve {
    action: Resolution,
    /// Whether it is about the reversal of the settlement.
    #[serde(default)]
    refund: bool,
}

/// `POST /v1/recon/{provider}/{day}/diffs/{settlement}/resolve`
pub(super) async fn resolve(
    State(caller): State<Caller>,
    key: IdempotencyKey,
    Place((provider, day, settlement)): Place<(String, String, String)>,
    JsonBody(Resolve { action, refund }): JsonBody<Resolve>,
) -> Result<Json<Value>, Problem> {
    let (provider, day) = read_book(&(provider, day))?;
    let settlement = place("settlement", &settlement)?;
    let request = PayRequest::Resolve { provider, day, settlement, refund, action };
    told(&change(&caller, &key, request).await?)
}

/// `POST /v1/recon/{provider}/{day}/close`
pub(super) async fn close(
    State(caller): State<Caller>,
    key: IdempotencyKey,
    Place(book): Book,
) -> Result<Json<Value>, Problem> {
    let (provider, day) = read_book(&book)?;
    told(&change(&caller, &key, PayRequest::Close { provider, day }).await?)
}

fn read_book((provider, day): &(String, String)) -> Result<(ProviderId, Day), Problem> {
    Ok((place("provider", provider)?, place("day", day)?))
}
