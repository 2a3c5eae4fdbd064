//! Two tills, and one cap.

use axum::http::StatusCode;
use medpay::{
    Bill, BillLine, Care, Category, PayReply, PayRequest, PresettleReply, SettleReply, SettleRequest, Split,
};
use serde_json::{Value, json};
use types::{BillId, Fen, ResidentId};
use uuid::{Builder, Uuid};
use wire::{ReplyBody, RequestBody};

use super::desk::{Desk, random};
use super::report::{End, Report};
use crate::http::Problem;
use crate::payment;
use crate::time::wall_now;

/// So large that the fund would pay all that is left of the year's cap \[fen\].
const TOTAL: Fen = Fen::new(1_000_000);

/// A bill that can be paid, as the patient saw it.
struct Payable {
    bill: BillId,
    presettlement: Uuid,
    split: Split,
}

/// Two large bills of one patient, worked out at the same time, are paid at two tills at the same time.
pub(super) async fn double_spend(mut desk: Desk<'_>) -> Result<Report, Problem> {
    let victim = desk.victim();
    let (one, other) = (presettled(&desk, victim).await?, presettled(&desk, victim).await?);
    if one.split.pool == Fen::ZERO {
        let detail = format!("nothing is left of this year's cap of {victim}: try once more");
        return Err(Problem::new(StatusCode::CONFLICT, "not_ready", detail));
    }
    let facts = json!({ "resident": victim, "total": TOTAL, "pool": one.split.pool });
    desk.did("two_bills", facts);
    let codes = (desk.code_of(victim).await?.0, desk.code_of(victim).await?.0);
    desk.did("both_paid_at_once", json!({}));
    let (first, second) = tokio::join!(pay(&desk, &one, codes.0), pay(&desk, &other, codes.1));
    let (mut paid, mut end) = (Vec::new(), None);
    for reply in [first?, second?] {
        match reply {
            SettleReply::Settled { settlement, split, .. } | SettleReply::Held { settlement, split, .. } => {
                desk.did("one_paid", json!({ "pool": split.pool }));
                paid.push(settlement);
            }
            SettleReply::Refused { refusal, .. } => {
                let told = serde_json::to_value(&refusal).unwrap_or_default();
                let code = told["code"].as_str().unwrap_or_default().to_owned();
                end = Some(End::refused("payer", code, json!({ "fresh_pool": told["fresh"]["pool"] })));
            }
        }
    }
    for settlement in &paid {
        reverse(&desk, *settlement).await?;
        desk.left("taken_back", json!({ "settlement": settlement }));
    }
    Ok(desk.report(end.unwrap_or_else(|| End::succeeded("payer", Value::Null))))
}

async fn presettled(desk: &Desk<'_>, beneficiary: ResidentId) -> Result<Payable, Problem> {
    let bill = bill_of(desk, beneficiary)?;
    match desk.app.caller.ask(RequestBody::Presettle(bill.into())).await {
        Some(ReplyBody::Presettle(PresettleReply::Presettled { bill, presettlement, split, .. })) => {
            Ok(Payable { bill, presettlement, split })
        }
        Some(ReplyBody::Presettle(PresettleReply::Refused(refusal))) => Err(payment::refused(&refusal)),
        _ => Err(Problem::silent("payer")),
    }
}

fn bill_of(desk: &Desk<'_>, beneficiary: ResidentId) -> Result<Bill, Problem> {
    let clinic = desk.app.cast.plan().clinics().first();
    let clinic = clinic.ok_or_else(|| Problem::not_found("there is no hospital in this city"))?;
    let line = BillLine {
        item: "consultation".to_owned(),
        category: Category::A,
        unit_price: TOTAL,
        quantity_milli: 1_000,
        price_limit: None,
        preself_bp: 0,
    };
    // Ids of bills sort by time.
    let millis = u64::try_from(wall_now().as_millis()).unwrap_or(0);
    let chance = (u128::from(random()) << 64 | u128::from(random())).to_be_bytes();
    let id =
        Builder::from_unix_timestamp_millis(millis, chance[..10].try_into().expect("ten of sixteen bytes"));
    Ok(Bill {
        id: BillId(id.into_uuid()),
        provider: clinic.id,
        level: clinic.level,
        beneficiary,
        lines: vec![line],
        total: TOTAL,
        care: Care::Outpatient,
        date: None,
    })
}

async fn pay(desk: &Desk<'_>, payable: &Payable, code: String) -> Result<SettleReply, Problem> {
    let request = SettleRequest {
        presettlement: Some(payable.presettlement),
        ..SettleRequest::new(payable.bill, code)
    };
    match desk.app.caller.ask(RequestBody::Settle(request)).await {
        Some(ReplyBody::Settle(reply)) => Ok(reply),
        _ => Err(Problem::silent("payer")),
    }
}

async fn reverse(desk: &Desk<'_>, settlement: Uuid) -> Result<(), Problem> {
    match desk.app.caller.ask(RequestBody::Pay(PayRequest::Reverse { settlement })).await {
        Some(ReplyBody::Pay(PayReply::Reversed { .. })) => Ok(()),
        Some(ReplyBody::Pay(PayReply::Refused(refusal))) => Err(payment::refused(&refusal)),
        _ => Err(Problem::silent("payer")),
    }
}
