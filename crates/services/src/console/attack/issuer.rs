//! What the issuer takes back: a card that was lost, a key that was stolen.

use eid::{Demand, KeyState, ManageReply, ManageRequest, StalePolicy, Verdict};
use serde_json::json;
use types::VerifierId;

use super::desk::{Desk, Looks, check_genuine};
use super::report::Report;
use crate::http::Problem;

/// For how long the card is printed \[days\].
const CARD_DAYS: u32 = 365;

/// A card is lost and revoked, and its finder shows it.
pub(super) async fn revoked_card(mut desk: Desk<'_>) -> Result<Report, Problem> {
    let (reader, demand) = reader_of_cards(&desk)?;
    let (victim, clerk) = (desk.victim(), desk.clerk().await?);
    // Enrolled first: nobody else gets a card.
    desk.code_of(victim).await?;
    let profile = demand.profile.unwrap_or_default();
    let print = ManageRequest::PrintCard { resident: victim, profile, days: CARD_DAYS };
    let ManageReply::Card { card, code } = clerk.ask(print).await? else {
        return Err(Problem::silent("e-ID issuer"));
    };
    desk.did("card_printed", json!({ "card": card, "resident": victim }));
    check_genuine(&desk.show_to(reader, demand, code.clone()).await?)?;
    desk.did("card_accepted", json!({ "reader": reader }));
    clerk.ask(ManageRequest::RevokeCard { card }).await?;
    clerk.leave().await;
    desk.did("card_revoked", json!({ "card": card }));
    // The list is on its way to the verifier.
    let mut looks = Looks::default();
    let verdict = loop {
        let verdict = desk.show_to(reader, demand, code.clone()).await?;
        if matches!(verdict, Verdict::Refused(_)) || !looks.again().await {
            break verdict;
        }
    };
    desk.left("card_stays_revoked", json!({ "card": card }));
    check_genuine(&desk.show(desk.code_of(victim).await?).await?)?;
    desk.left("person_still_accepted", json!({ "resident": victim }));
    Ok(desk.report(verdict))
}

/// A reader that takes cards; rather one that does so before the list of revoked ones is there.
fn reader_of_cards(desk: &Desk<'_>) -> Result<(VerifierId, Demand), Problem> {
    let cards = desk.app.cast.readers().iter().filter(|(_, reader)| reader.cards);
    let reader = cards.min_by_key(|(_, reader)| reader.stale_status == StalePolicy::Refuse);
    let (name, reader) = reader.ok_or_else(|| {
        Problem::not_found("no reader of this city takes cards; config/readers.toml has some that do")
    })?;
    Ok((name, Demand { profile: reader.may_ask.first().copied(), challenge: None }))
}

/// The issuer's key was stolen: whatever it signed is worth nothing from now on.
pub(super) async fn compromised_key(mut desk: Desk<'_>) -> Result<Report, Problem> {
    let (victim, clerk) = (desk.victim(), desk.clerk().await?);
    let ManageReply::Keys { keys, .. } = clerk.ask(ManageRequest::TellKeys).await? else {
        return Err(Problem::silent("e-ID issuer"));
    };
    let active = keys.keys.into_iter().find(|key| key.state == KeyState::Active);
    let kid = active.ok_or_else(|| Problem::invalid("the issuer has no active key"))?.kid;
    let code = desk.code_of(victim).await?;
    desk.did("signed_by_key", json!({ "resident": victim, "kid": kid }));
    clerk.ask(ManageRequest::CompromiseKey { kid: kid.clone() }).await?;
    clerk.leave().await;
    desk.did("key_given_up", json!({ "kid": kid }));
    // The verifier has the new keys as soon as it takes what the next one signs.
    let mut looks = Looks::default();
    loop {
        let verdict = desk.show(desk.code_of(victim).await?).await?;
        if matches!(verdict, Verdict::Accepted { .. }) || !looks.again().await {
            check_genuine(&verdict)?;
            break;
        }
    }
    desk.did("next_key_signs", json!({}));
    let verdict = desk.show(code).await?;
    desk.app.wallets.start_over();
    desk.left("phones_start_over", json!({}));
    desk.left("key_stays_given_up", json!({ "kid": kid }));
    Ok(desk.report(verdict))
}
