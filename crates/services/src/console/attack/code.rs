//! Attacks on a code: copied, bent, out of time, on another phone.

use eid::{Nonce, PhoneKey, QrText, Verdict};
use serde_json::json;
use types::{MINUTE_MS, Timestamp};

use super::desk::{Desk, check_genuine, random};
use super::report::{Report, code_of};
use crate::http::Problem;
use crate::time::wall_now;

/// The alphabet of a code (RFC 9285).
const BASE45: &[u8; 45] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
/// How wrong the clock of a phone is \[min\].
const CLOCK_OFF_MIN: i64 = 10;

/// A picture of a code is shown after the code itself.
pub(super) async fn screenshot(mut desk: Desk<'_>) -> Result<Report, Problem> {
    let victim = desk.victim();
    let code = desk.code_of(victim).await?;
    desk.did("code_shown", json!({ "resident": victim }));
    check_genuine(&desk.show(code.clone()).await?)?;
    desk.did("code_accepted", json!({}));
    desk.did("picture_shown", json!({}));
    let verdict = desk.show(code).await?;
    Ok(desk.report(verdict))
}

/// One character of a code is exchanged.
pub(super) async fn tamper(mut desk: Desk<'_>) -> Result<Report, Problem> {
    let victim = desk.victim();
    let code = desk.code_of(victim).await?;
    desk.did("code_taken", json!({ "resident": victim, "characters": code.0.len() }));
    // Near the ends a few bits mean nothing.
    let (quarter, random) = (code.0.len() / 4, random() as usize);
    let place = quarter + random % (2 * quarter).max(1);
    let bent = bend(&code, place);
    desk.did(
        "bent",
        json!({ "place": place + 1, "from": char_at(&code, place), "to": char_at(&bent, place) }),
    );
    let verdict = desk.show(bent).await?;
    check_genuine(&desk.show(code).await?)?;
    desk.left("original_accepted", json!({}));
    Ok(desk.report(verdict))
}

/// The next character of the alphabet in the place of this one.
fn bend(code: &QrText, place: usize) -> QrText {
    let mut bytes = code.0.clone().into_bytes();
    let now = BASE45.iter().position(|letter| *letter == bytes[place]).unwrap_or(0);
    bytes[place] = BASE45[(now + 1) % BASE45.len()];
    QrText(String::from_utf8(bytes).expect("the alphabet is ASCII"))
}

fn char_at(code: &QrText, place: usize) -> String {
    char::from(code.0.as_bytes()[place]).to_string()
}

/// A phone whose clock was turned: forwards first, then back.
pub(super) async fn stale_clock(mut desk: Desk<'_>) -> Result<Report, Problem> {
    let victim = desk.victim();
    let (credential, key) = desk.credential_of(victim).await?;
    desk.did("phone_has_credential", json!({ "resident": victim }));
    let off = CLOCK_OFF_MIN * MINUTE_MS;
    let ahead = desk.show(present(&key, &credential, wall_now().plus_millis(off))?).await?;
    let code = match ahead {
        Verdict::Refused(refusal) => code_of(refusal.reason),
        Verdict::Accepted { .. } => return Ok(desk.report(ahead)),
    };
    desk.did("clock_ahead", json!({ "minutes": CLOCK_OFF_MIN, "code": code }));
    desk.did("clock_behind", json!({ "minutes": CLOCK_OFF_MIN }));
    let behind = desk.show(present(&key, &credential, wall_now().plus_millis(-off))?).await?;
    check_genuine(&desk.show(present(&key, &credential, wall_now())?).await?)?;
    desk.left("right_clock_accepted", json!({}));
    Ok(desk.report(behind))
}

/// A thief has a copy of a credential, but not the key of the phone it is bound to.
pub(super) async fn second_phone(mut desk: Desk<'_>) -> Result<Report, Problem> {
    let victim = desk.victim();
    let (credential, key) = desk.credential_of(victim).await?;
    desk.did("credential_copied", json!({ "resident": victim }));
    let mut seed = [0; 32];
    seed.chunks_mut(8).for_each(|part| part.copy_from_slice(&random().to_be_bytes()));
    let thief = PhoneKey::from_seed(seed);
    desk.did("proved_by_other_key", json!({ "key": thief.public()[..16] }));
    let verdict = desk.show(present(&thief, &credential, wall_now())?).await?;
    check_genuine(&desk.show(present(&key, &credential, wall_now())?).await?)?;
    desk.left("own_phone_accepted", json!({}));
    Ok(desk.report(verdict))
}

fn present(key: &PhoneKey, credential: &QrText, at: Timestamp) -> Result<QrText, Problem> {
    let code = key.present(credential, at, Nonce(random().to_be_bytes()));
    code.ok_or_else(|| Problem::invalid("the issuer gave a credential that cannot be read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bending_changes_one_character_to_another_of_the_alphabet() {
        let code = QrText("AZ :0".to_owned());
        for place in 0..code.0.len() {
            let bent = bend(&code, place);
            let differing = code.0.bytes().zip(bent.0.bytes()).filter(|(a, b)| a != b).count();
            assert_eq!((differing, bent.0.len()), (1, code.0.len()));
            assert!(bent.0.bytes().all(|byte| BASE45.contains(&byte)), "{}", bent.0);
        }
    }
}
