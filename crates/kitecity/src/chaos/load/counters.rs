//! Counters: fresh codes, which are accepted once, and used ones, which are not.

use eid::{Demand, QrText, RefusalReason, Verdict, VerifyRequest};
use wire::{ReplyBody, RequestBody};

use super::{COUNTERS, Client};

/// One code after the other.
pub(super) async fn run(mut counter: Client) {
    while !counter.is_over() {
        if show(&mut counter).await.is_none() {
            counter.record().lock().given_up += 1;
        }
    }
    counter.operator.leave().await;
}

/// Shows a fresh code, and every other time once more to another question.
async fn show(counter: &mut Client) -> Option<()> {
    let resident = counter.resident(COUNTERS);
    let code = QrText(counter.code(resident).await?);
    let verifier = format!("chaos-{}", counter.number).parse().ok()?;
    let (reference, demand) = (String::new(), Demand::default());
    let verify = RequestBody::Verify(VerifyRequest { code, verifier, reference, demand });
    let correlation = counter.correlation();
    let answer = counter.ask(&correlation, &verify).await?;
    let ReplyBody::Verify(Verdict::Accepted { code_id, .. }) = answer else { return None };
    let before = counter.record().lock().accepted.insert(code_id.clone(), correlation);
    if before.is_some() {
        counter.record().broken(format!("code {code_id} is accepted twice"));
    }
    if counter.chance.below(2) == 0 {
        replay(counter, &code_id, &verify).await?;
    }
    Some(())
}

async fn replay(counter: &mut Client, code_id: &str, verify: &RequestBody) -> Option<()> {
    match counter.ask_anew(verify).await? {
        ReplyBody::Verify(Verdict::Refused(refusal)) => {
            // A counter that shows many used codes is held up for a while, before its code is looked at.
            let known =
                [RefusalReason::TokenReplayed, RefusalReason::TokenExpired, RefusalReason::RateLimited];
            if !known.contains(&refusal.reason) {
                counter.record().broken(format!("used code {code_id} is refused as {:?}", refusal.reason));
            }
            counter.record().lock().replays_refused += 1;
        }
        ReplyBody::Verify(Verdict::Accepted { .. }) => {
            counter.record().broken(format!("used code {code_id} is accepted again"));
        }
        _ => return None,
    }
    Some(())
}
