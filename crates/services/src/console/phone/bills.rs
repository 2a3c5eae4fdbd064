//! The phone: a resident's medical bills, how they would be paid, and how they were.

use axum::Json;
use axum::extract::{Path, State};
use medpay::{Bill, BillState, PayRefusal, PayReply, PayRequest, SettleReply, SettleRequest, VisitRequest};
use serde::Deserialize;
use serde_json::{Value, json};
use types::{BillId, ProviderId, ResidentId};
use uuid::Uuid;
use wire::{ReplyBody, RequestBody};

use super::super::App;
use super::super::till::billed;
use super::known;
use crate::http::{IdempotencyKey, JsonBody, Problem};
use crate::payment::{self, change, look};

/// Pages of settled bills that are read for one history, of fifty bills each.
const PAGES_MAX: usize = 20;

type Answer = Result<Json<Value>, Problem>;

/// `GET /api/phone/{resident}/bills`: what is there to be paid, what was paid (the newest first), where they stand, and
/// who treats people here.
pub(crate) async fn all(State(app): State<App>, Path(resident): Path<String>) -> Answer {
    let beneficiary = known(&app, &resident)?.id;
    let unpaid = look(&app.caller, PayRequest::Unpaid { beneficiary: Some(beneficiary), provider: None });
    let PayReply::Unpaid { bills: unpaid, .. } = unpaid.await? else {
        return Err(Problem::silent("payer"));
    };
    let statement = look(&app.caller, PayRequest::Statement { beneficiary });
    let PayReply::Statement(statement) = statement.await? else {
        return Err(Problem::silent("payer"));
    };
    let providers = app.cast.plan().clinics().iter();
    let providers = providers.map(|clinic| {
        json!({ "id": clinic.id, "name_en": clinic.name_en, "name_zh": clinic.name_zh, "level": clinic.level })
    });
    Ok(Json(json!({
        "unpaid": unpaid,
        "paid": paid(&app, beneficiary).await?,
        "statement": statement,
        "providers": providers.collect::<Vec<_>>(),
    })))
}

async fn paid(app: &App, beneficiary: ResidentId) -> Result<Vec<medpay::SettledBill>, Problem> {
    let mut all: Vec<medpay::SettledBill> = Vec::new();
    for _ in 0..PAGES_MAX {
        let after = all.last().map(|bill| bill.settlement);
        let page = PayRequest::Bills { beneficiary: Some(beneficiary), provider: None, after };
        let PayReply::Bills { bills, more } = look(&app.caller, page).await? else {
            return Err(Problem::silent("payer"));
        };
        all.extend(bills);
        if !more {
            break;
        }
    }
    all.reverse();
    Ok(all)
}

/// `GET /api/phone/{resident}/bills/{bill}`: a bill, how far it is, and, once it is paid, why like that.
pub(crate) async fn one(State(app): State<App>, Path((resident, bill)): Path<(String, String)>) -> Answer {
    let (bill, state) = own(&app, &resident, &bill).await?;
    let mut told = json!({ "bill": bill, "state": state });
    if let BillState::Settled { settlement, .. } | BillState::Reversed { settlement, .. } = state
        && let PayReply::Trace { policy, trace, .. } =
            look(&app.caller, PayRequest::Trace { settlement }).await?
    {
        told["policy"] = json!(policy);
        told["trace"] = json!(trace);
    }
    Ok(Json(told))
}

/// What `POST …/presettle` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Presettle {
    /// A family member who agreed, and whose account pays after the beneficiary's.
    #[serde(default)]
    family: Option<ResidentId>,
}

/// `POST /api/phone/{resident}/bills/{bill}/presettle`: how it would be paid now, and why.
pub(crate) async fn presettle(
    State(app): State<App>,
    key: IdempotencyKey,
    Path((resident, bill)): Path<(String, String)>,
    JsonBody(body): JsonBody<Presettle>,
) -> Answer {
    let (bill, _) = own(&app, &resident, &bill).await?;
    let request = PayRequest::Presettle { bill: bill.id, family: body.family };
    match change(&app.caller, &key, request).await? {
        PayReply::Presettled { presettlement, split, trace, expires, .. } => Ok(Json(json!({
            "presettlement": presettlement, "split": split, "trace": trace, "expires_ms": expires,
        }))),
        _ => Err(Problem::silent("payer")),
    }
}

/// What `POST …/settle` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settle {
    /// The presettlement that was shown; if another one is in force, the payment is refused.
    presettlement: Uuid,
    /// A fresh code of the beneficiary, or of the family member who pays too.
    code: String,
}

/// `POST /api/phone/{resident}/bills/{bill}/settle`: pays it at the till of who treated, or, if that is a system outside
/// this city, at the payer.
pub(crate) async fn settle(
    State(app): State<App>,
    key: IdempotencyKey,
    Path((resident, bill)): Path<(String, String)>,
    JsonBody(Settle { presettlement, code }): JsonBody<Settle>,
) -> Answer {
    let (bill, _) = own(&app, &resident, &bill).await?;
    let request = SettleRequest { presettlement: Some(presettlement), ..SettleRequest::new(bill.id, code) };
    let till = payment::ask(&app.caller, &key, RequestBody::Till(request.clone())).await;
    let reply = match till {
        Some(ReplyBody::Till(SettleReply::Refused { refusal: PayRefusal::BillUnknown, .. })) => {
            payment::ask(&app.caller, &key, RequestBody::Settle(request)).await
        }
        other => other,
    };
    match reply {
        Some(ReplyBody::Till(reply) | ReplyBody::Settle(reply)) => receipt(&reply),
        _ => Err(Problem::silent("till")),
    }
}

fn receipt(reply: &SettleReply) -> Answer {
    match reply {
        SettleReply::Settled { bill, settlement, split }
        | SettleReply::Held { bill, settlement, split, .. } => {
            Ok(Json(json!({ "bill": bill, "settlement": settlement, "split": split })))
        }
        SettleReply::Refused { refusal, .. } => Err(payment::refused(refusal)),
    }
}

/// Where to be treated.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Visit {
    provider: ProviderId,
}

/// `POST /api/phone/{resident}/visit`: the resident is treated there, now, and gets a bill.
pub(crate) async fn visit(
    State(app): State<App>,
    key: IdempotencyKey,
    Path(resident): Path<String>,
    JsonBody(Visit { provider }): JsonBody<Visit>,
) -> Answer {
    let request = VisitRequest::new(provider, known(&app, &resident)?.id);
    billed(payment::ask(&app.caller, &key, RequestBody::Visit(request)).await)
}

/// For whom to pay, with a code of who agrees.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Consent {
    beneficiary: ResidentId,
    code: String,
}

/// `POST /api/phone/{resident}/consent`: the resident agrees to pay for somebody else from their account.
pub(crate) async fn consent(
    State(app): State<App>,
    key: IdempotencyKey,
    Path(resident): Path<String>,
    JsonBody(Consent { beneficiary, code }): JsonBody<Consent>,
) -> Answer {
    let family = known(&app, &resident)?.id;
    match change(&app.caller, &key, PayRequest::Link { beneficiary, family, code }).await? {
        PayReply::Linked { beneficiary, family } => {
            Ok(Json(json!({ "beneficiary": beneficiary, "family": family })))
        }
        _ => Err(Problem::silent("payer")),
    }
}

/// A bill of this resident; another one's is as unknown as one that nobody has.
async fn own(app: &App, resident: &str, bill: &str) -> Result<(Box<Bill>, BillState), Problem> {
    let beneficiary = known(app, resident)?.id;
    let bill: Uuid = bill.parse().map_err(|error| Problem::invalid(format!("bill `{bill}`: {error}")))?;
    match look(&app.caller, PayRequest::Bill { bill: BillId(bill) }).await? {
        PayReply::Bill { bill, state } if bill.beneficiary == beneficiary => Ok((bill, state)),
        PayReply::Bill { .. } => Err(payment::refused(&PayRefusal::BillUnknown)),
        _ => Err(Problem::silent("payer")),
    }
}
