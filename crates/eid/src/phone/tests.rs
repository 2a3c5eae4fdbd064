use types::{DAY_MS, Seed};

use super::*;
use crate::testing::{enrolled_issuer, now, reply_to};
use crate::{Demand, Issuer, RefusalReason, Verdict, Verifier, VerifyRequest, issuer, verifier};

fn phone_of(owner: u32, seed: u8) -> Phone {
    Phone::new(ResidentId(owner), PhoneKey::from_seed([seed; 32]), Seed(1).stream("nonces", owner.into()))
}

fn after(phone: &mut Phone, millis: i64, input: Input) -> Vec<Output> {
    let mut out = Vec::new();
    phone.handle(now().plus_millis(millis), input, &mut out);
    out
}

/// What the next timeout brings, and after how many milliseconds.
fn next(phone: &mut Phone) -> (i64, Vec<Output>) {
    let at = phone.next_timeout().unwrap();
    let mut out = Vec::new();
    phone.handle_timeout(at, &mut out);
    (at.millis_since(now()), out)
}

fn show(profile: Profile) -> Input {
    Input::Show { profile, ward: None }
}

fn reply_of(issuer: &mut Issuer, millis: i64, request: CredentialRequest) -> CredentialReply {
    let mut out = Vec::new();
    let input = issuer::Input::Credentials { from: reply_to("phone"), request };
    issuer.handle(now().plus_millis(millis), input, &mut out);
    match out.remove(0) {
        issuer::Output::CredentialReply { reply, .. } => reply,
        other => panic!("{other:?}"),
    }
}

fn request(outputs: &mut Vec<Output>) -> CredentialRequest {
    match outputs.pop() {
        Some(Output::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

/// A phone that shows this profile since `now()`, and its code.
fn showing(issuer: &mut Issuer, profile: Profile) -> (Phone, QrText) {
    let mut phone = phone_of(1, 1);
    let request = request(&mut after(&mut phone, 0, show(profile)));
    let reply = reply_of(issuer, 0, request);
    let code = displayed(&after(&mut phone, 0, Input::Reply(reply)));
    (phone, code)
}

fn displayed(outputs: &[Output]) -> QrText {
    match outputs.last() {
        Some(Output::Display { code, .. }) => code.clone(),
        other => panic!("{other:?}"),
    }
}

fn verdict(verifier: &mut Verifier, millis: i64, code: QrText, demand: Demand) -> Option<RefusalReason> {
    let request =
        VerifyRequest { code, verifier: "kiosk".parse().unwrap(), reference: String::new(), demand };
    let mut out = Vec::new();
    let input = verifier::Input::Verify { from: reply_to(&format!("{millis}")), request };
    verifier.handle(now().plus_millis(millis), input, &mut out);
    match out.remove(0) {
        verifier::Output::Verdict { verdict: Verdict::Refused(refusal), .. } => Some(refusal.reason),
        _ => None,
    }
}

fn verifier_of(issuer: &mut Issuer) -> Verifier {
    let mut verifier = Verifier::new(issuer.root());
    verifier.adopt(now(), &issuer.key_set(now())).unwrap();
    verifier
}

#[test]
fn credentials_of_another_phone_resident_or_profile_are_not_taken() {
    let mut issuer = enrolled_issuer();
    let mut reply = |owner, seed, profile| {
        let mut other = phone_of(owner, seed);
        reply_of(&mut issuer, 0, request(&mut after(&mut other, 0, show(profile))))
    };
    let wrong = [reply(1, 2, Profile::Name), reply(2, 1, Profile::Name), reply(1, 1, Profile::Full)];
    let good = reply(1, 1, Profile::Name);
    let mut phone = phone_of(1, 1);
    assert_eq!(after(&mut phone, 0, Input::Reply(good.clone())), [], "nobody asked");
    after(&mut phone, 0, show(Profile::Name));
    for reply in wrong {
        assert_eq!(after(&mut phone, 1, Input::Reply(reply)), []);
    }
    assert_eq!(after(&mut phone, 1, Input::Reply(good)).len(), 1);
}

#[test]
fn what_is_no_credential_cannot_be_presented_and_one_of_another_phone_is_refused() {
    let mut issuer = enrolled_issuer();
    let mut verifier = verifier_of(&mut issuer);
    let key = |seed| PhoneKey::from_seed([seed; 32]);
    let nonce = Nonce([5; 8]);
    assert_eq!(key(1).present(&QrText("KITE".to_owned()), now(), nonce), None);
    let request = request(&mut after(&mut phone_of(1, 1), 0, show(Profile::Age)));
    let CredentialReply::Issued { credentials } = reply_of(&mut issuer, 0, request) else {
        panic!("refused")
    };
    let mut shown = |seed, at| {
        let code = key(seed).present(&credentials[0], at, nonce).unwrap();
        verdict(&mut verifier, 0, code, Demand::default())
    };
    assert_eq!(shown(2, now()), Some(RefusalReason::HolderProofInvalid));
    assert_eq!(shown(1, now().plus_millis(-DAY_MS)), Some(RefusalReason::TokenExpired));
    assert_eq!(shown(1, now().plus_millis(DAY_MS)), Some(RefusalReason::TokenNotYetValid));
    assert_eq!(shown(1, now()), None);
}

#[test]
fn a_challenge_is_answered_only_when_the_owner_agrees_and_only_once() {
    let mut issuer = enrolled_issuer();
    let (mut phone, _) = showing(&mut issuer, Profile::Age);
    let mut verifier = verifier_of(&mut issuer);
    let nonce = Nonce([5; 8]);
    let challenge = Challenge { verifier: "kiosk".parse().unwrap(), nonce, profile: Profile::Age };
    assert_eq!(after(&mut phone, 0, Input::Challenged(challenge)), [Output::AskOwner(challenge)]);
    assert_eq!(after(&mut phone, 0, Input::Deny), []);
    assert_eq!(after(&mut phone, 0, Input::Agree), [], "it was denied");
    after(&mut phone, 0, Input::Challenged(challenge));
    let code = displayed(&after(&mut phone, 0, Input::Agree));
    let demand = Demand { profile: Some(Profile::Age), challenge: Some(nonce) };
    assert_eq!(verdict(&mut verifier, 1, code.clone(), demand), None);
    let other = Demand { challenge: Some(Nonce([6; 8])), ..demand };
    assert_eq!(verdict(&mut verifier, 2, code, other), Some(RefusalReason::AudienceMismatch));
    assert_eq!(next(&mut phone), (15_000, vec![]));
    assert_eq!(next(&mut phone), (30_000, vec![Output::Blank]));
    assert_eq!(phone.next_timeout(), None);
}

#[test]
fn a_new_proof_comes_every_fifteen_seconds_for_a_day_without_a_network_and_each_is_accepted() {
    let mut issuer = enrolled_issuer();
    let (mut phone, code) = showing(&mut issuer, Profile::Name);
    let mut verifier = verifier_of(&mut issuer);
    assert_eq!(verdict(&mut verifier, 1, code.clone(), Demand::default()), None);
    assert_eq!(
        verdict(&mut verifier, 35_000, code, Demand::default()),
        Some(RefusalReason::TokenExpired),
        "a screenshot"
    );
    let mut shown_at = 0;
    let mut codes = 0;
    while let Some(at) = phone.next_timeout().filter(|at| *at < now().plus_millis(DAY_MS)) {
        let mut out = Vec::new();
        phone.handle_timeout(at, &mut out);
        let millis = at.millis_since(now());
        for output in out {
            // Requests go nowhere: there is no network.
            if let Output::Display { code, expires } = output {
                assert_eq!(millis - shown_at, PROOF_RENEW_MS);
                assert!(expires > at);
                (shown_at, codes) = (millis, codes + 1);
                if codes % 100 == 0 {
                    assert_eq!(verdict(&mut verifier, millis, code, Demand::default()), None);
                }
            }
        }
    }
    assert_eq!(codes, DAY_MS / PROOF_RENEW_MS - 1);
    assert!(verifier.seen_len() <= 2, "{}", verifier.seen_len());
    let (at, out) = next(&mut phone);
    assert_eq!((at, &out[0]), (DAY_MS, &Output::Blank), "the credentials have ended");
}

#[test]
fn the_next_showing_uses_another_credential() {
    let mut issuer = enrolled_issuer();
    let (mut phone, first) = showing(&mut issuer, Profile::Name);
    let id = |code: &QrText| decode_code(&code.0).unwrap().claims().unwrap().code_id;
    let mut ids = vec![id(&first)];
    for _ in 1..BATCH {
        let out = after(&mut phone, 0, show(Profile::Name));
        assert_eq!(out[0], Output::Blank);
        ids.push(id(&displayed(&out)));
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), usize::from(BATCH));
}

#[test]
fn a_silent_issuer_is_asked_ever_less_often_and_an_answer_ends_that() {
    let mut phone = phone_of(1, 1);
    after(&mut phone, 0, show(Profile::Name));
    let asked: Vec<i64> = (0..5).map(|_| next(&mut phone).0 / 1_000).collect();
    assert_eq!(asked, [5, 15, 35, 75, 135]);
    let refused = CredentialReply::Refused(CredentialRefusal::NotEnrolled);
    let told = Output::Refused(CredentialRefusal::NotEnrolled);
    assert_eq!(after(&mut phone, 140_000, Input::Reply(refused)), [told]);
    assert_eq!(phone.next_timeout(), None);
}

#[test]
fn credentials_are_fetched_anew_six_hours_before_they_end() {
    let mut issuer = enrolled_issuer();
    let (mut phone, _) = showing(&mut issuer, Profile::Name);
    let mut asked_at = None;
    while asked_at.is_none() {
        let (at, mut out) = next(&mut phone);
        if matches!(out.last(), Some(Output::Request(_))) {
            let reply = reply_of(&mut issuer, at, request(&mut out));
            after(&mut phone, at, Input::Reply(reply));
            asked_at = Some(at);
        }
    }
    assert_eq!(asked_at, Some(DAY_MS - REFILL_BEFORE_MS));
    let later = now().plus_millis(DAY_MS + HOUR_MS);
    assert_eq!(phone.stock(later, Profile::Name, None), usize::from(BATCH));
}

#[test]
fn debug_shows_no_secret() {
    assert!(!format!("{:?}", phone_of(1, 42)).contains("42, 42"));
}
