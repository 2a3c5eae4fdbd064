//! Tills: bills that are presettled, and paid with a fresh code.

use medpay::{
    Bill, BillLine, Care, Category, PayRefusal, PresettleReply, PresettleRequest, SettleReply, SettleRequest,
};
use types::{BillId, Fen, ProviderId, ResidentId};
use uuid::Uuid;
use wire::{ReplyBody, RequestBody};

use super::{Client, TILLS};

/// What each bill comes to.
const PRICE: Fen = Fen::new(700);
/// Codes that are tried for one bill, at most.
const CODES_MAX: u32 = 30;

/// One bill after the other.
pub(super) async fn run(mut till: Client) {
    while !till.is_over() {
        let (id, resident) = (BillId(Uuid::from_u128(till.chance.next_u64().into())), till.resident(TILLS));
        if pay(&mut till, id, resident).await.is_none() {
            till.record().lock().given_up += 1;
        }
    }
    till.operator.leave().await;
}

/// Pays a bill, whatever it takes; `None` if it takes too much.
async fn pay(till: &mut Client, bill: BillId, resident: ResidentId) -> Option<()> {
    let presettle = RequestBody::Presettle(PresettleRequest::from(bill_of(bill, resident)));
    for _ in 0..CODES_MAX {
        match till.ask_anew(&presettle).await? {
            ReplyBody::Presettle(PresettleReply::Presettled { .. }) => {}
            ReplyBody::Presettle(PresettleReply::Refused(PayRefusal::BillAlreadySettled { settlement })) => {
                note(till, bill, settlement);
                return Some(());
            }
            _ => continue,
        }
        let code = till.code(resident).await?;
        let settle = RequestBody::Settle(SettleRequest::new(bill, code));
        let correlation = till.correlation();
        let answer = till.ask(&correlation, &settle).await?;
        if let Some(settlement) = settlement_of(&answer) {
            note(till, bill, settlement);
            return ask_twice(till, bill, settlement, (&correlation, &settle, &answer)).await;
        }
    }
    None
}

/// The till is told that the bill is paid; never as two settlements.
fn note(till: &Client, bill: BillId, settlement: Uuid) {
    let before = till.record().lock().settled.insert(bill, settlement);
    if let Some(before) = before.filter(|before| *before != settlement) {
        till.record().broken(format!("bill {bill} is settled as {before} and as {settlement}"));
    }
}

fn settlement_of(answer: &ReplyBody) -> Option<Uuid> {
    match answer {
        ReplyBody::Settle(SettleReply::Settled { settlement, .. }) => Some(*settlement),
        ReplyBody::Settle(SettleReply::Refused {
            refusal: PayRefusal::BillAlreadySettled { settlement },
            ..
        }) => Some(*settlement),
        _ => None,
    }
}

/// Now and then, the till asks once more: under the same key for the same answer, or with another code, which must not
/// pay again.
async fn ask_twice(
    till: &mut Client,
    bill: BillId,
    settlement: Uuid,
    (correlation, settle, answer): (&[u8], &RequestBody, &ReplyBody),
) -> Option<()> {
    match till.chance.below(4) {
        0 => {
            let again = till.ask(correlation, settle).await?;
            if again != *answer {
                till.record().broken(format!("bill {bill}: {answer:?}, under the same key {again:?}"));
            }
        }
        1 => {
            let again = till.ask_anew(settle).await?;
            if settlement_of(&again) != Some(settlement) {
                till.record().broken(format!("bill {bill}: settled as {settlement}, then {again:?}"));
            }
        }
        _ => {}
    }
    Some(())
}

fn bill_of(id: BillId, beneficiary: ResidentId) -> Bill {
    let line = BillLine {
        item: "consultation".into(),
        category: Category::A,
        unit_price: PRICE,
        quantity_milli: 1_000,
        price_limit: None,
        preself_bp: 0,
    };
    let (provider, lines, total) = (ProviderId(1), vec![line], PRICE);
    Bill { id, provider, level: 1, beneficiary, lines, total, care: Care::Outpatient, date: None }
}
