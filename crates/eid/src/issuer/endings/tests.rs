use types::Core as _;

use super::*;
use crate::issuer::{Input, Issuer, Output};
use crate::testing::{enrolled_issuer, now, phone, proof_claims, reply_to, root, shown};
use crate::{
    CredentialRefusal, CredentialReply, CredentialRequest, Demand, EidEvent, IssueReply, IssueRequest,
    KeySet, KeyState, LifeState, ManageRequest, OwnRefusal, OwnReply, OwnRequest, PhoneKey, Profile, QrText,
    RefusalReason, Verdict, Verifier, VerifyRequest, decode_code, verifier,
};

const OWNER: ResidentId = ResidentId(1);

/// An issuer whose keys everyone has heard.
fn issuer() -> Issuer {
    let mut issuer = enrolled_issuer();
    told(&mut issuer, Input::Connected);
    issuer
}

fn told_at(issuer: &mut Issuer, at: Timestamp, input: Input) -> Vec<Output> {
    let mut out = Vec::new();
    issuer.handle(at, input, &mut out);
    out
}

fn told(issuer: &mut Issuer, input: Input) -> Vec<Output> {
    told_at(issuer, now(), input)
}

fn manage(issuer: &mut Issuer, request: ManageRequest) -> Vec<Output> {
    told(issuer, Input::Manage { from: reply_to("clerk"), request })
}

fn own(issuer: &mut Issuer, request: OwnRequest) -> Vec<Output> {
    told(issuer, Input::Own { from: reply_to("own"), request })
}

/// What the phone of that seed is given.
fn credential(issuer: &mut Issuer, seed: u8) -> CredentialReply {
    let request = CredentialRequest::unsigned(OWNER, None, Profile::Name, 1, now());
    let request = PhoneKey::from_seed([seed; 32]).sign_request(request);
    match told(issuer, Input::Credentials { from: reply_to("phone"), request }).remove(0) {
        Output::CredentialReply { reply, .. } => reply,
        other => panic!("{other:?}"),
    }
}

/// A code of the phone of these tests.
fn phone_code(issuer: &mut Issuer) -> QrText {
    let CredentialReply::Issued { credentials } = credential(issuer, 9) else { panic!("it gets one") };
    shown(&decode_code(&credentials[0].0).unwrap(), &proof_claims(), &phone())
}

fn issued_code(issuer: &mut Issuer) -> QrText {
    let request = IssueRequest { resident: OWNER, profile: Profile::Name };
    match told(issuer, Input::Issue { from: reply_to("phone"), request }).remove(0) {
        Output::IssueReply { reply: IssueReply::Issued { code, .. }, .. } => code,
        other => panic!("{other:?}"),
    }
}

fn phone_id() -> String {
    to_hex(&crate::keys::key_id(&phone().public()))
}

fn forget() -> OwnRequest {
    OwnRequest::Forget { resident: OWNER, phone: phone_id() }
}

fn keys(out: &[Output]) -> &KeySet {
    let keys = out.iter().find_map(|output| match output {
        Output::Keys(set) => Some(set),
        _ => None,
    });
    keys.expect("they are published at once")
}

fn events(out: &[Output]) -> Vec<&EidEvent> {
    let events = out.iter().filter_map(|output| match output {
        Output::Event(event) => Some(event),
        _ => None,
    });
    events.collect()
}

/// What the city's verifier says of it, with these keys.
fn reason(set: &KeySet, code: &QrText) -> Option<RefusalReason> {
    let names = PseudonymKey::of_issuer(crate::testing::SEED);
    reason_of(Verifier::new(root()).with_pseudonyms(names), set, code)
}

fn reason_of(mut verifier: Verifier, set: &KeySet, code: &QrText) -> Option<RefusalReason> {
    verifier.adopt(now(), set).unwrap();
    let (code, reference, demand) = (code.clone(), String::new(), Demand::default());
    let request = VerifyRequest { code, verifier: "desk".parse().unwrap(), reference, demand };
    let mut out = Vec::new();
    verifier.handle(now(), verifier::Input::Verify { from: reply_to("desk"), request }, &mut out);
    match out.remove(0) {
        verifier::Output::Verdict { verdict: Verdict::Refused(refusal), .. } => Some(refusal.reason),
        verifier::Output::Verdict { .. } => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_lost_phone_shows_is_refused_at_once_with_a_network_and_without() {
    let mut issuer = issuer();
    let code = phone_code(&mut issuer);
    assert_eq!(reason(&issuer.key_set(now()), &code), None);
    let out = own(&mut issuer, forget());
    assert_eq!(reason(keys(&out), &code), Some(RefusalReason::CredentialRevoked));
    let offline = Verifier::new(root());
    assert_eq!(reason_of(offline, keys(&out), &code), Some(RefusalReason::CredentialRevoked));
    let revoked = EidEvent::Revoked {
        resident: OWNER,
        phone: Some(phone_id()),
        card: None,
        status: CardStatus::Revoked,
    };
    assert_eq!(events(&out), [&revoked]);
    let others = issued_code(&mut issuer);
    assert_eq!(reason(&issuer.key_set(now()), &others), None, "its owner goes on with another one");
}

#[test]
fn a_lost_phone_gets_nothing_and_does_not_come_back_that_day() {
    let mut issuer = issuer();
    phone_code(&mut issuer);
    own(&mut issuer, forget());
    assert_eq!(credential(&mut issuer, 9), CredentialReply::Refused(CredentialRefusal::NotEnrolled));
    let Some(Output::OwnReply { reply: OwnReply::Nonce { nonce, .. }, .. }) =
        own(&mut issuer, OwnRequest::Nonce { resident: OWNER }).pop()
    else {
        panic!("a nonce")
    };
    let again = own(&mut issuer, PhoneKey::from_seed([9; 32]).sign_registration(OWNER, nonce));
    let refused = OwnReply::Refused(OwnRefusal::KeyProofInvalid);
    assert_eq!(again, [Output::OwnReply { to: reply_to("own"), reply: refused }]);
    assert!(matches!(credential(&mut issuer, 8), CredentialReply::Issued { .. }), "another phone");
}

#[test]
fn a_phone_that_the_counter_takes_off_ends_too() {
    let mut issuer = issuer();
    let code = phone_code(&mut issuer);
    let key = PhoneKey::from_seed([9; 32]).public();
    let out = manage(&mut issuer, ManageRequest::ForgetPhone { resident: OWNER, key });
    assert_eq!(reason(keys(&out), &code), Some(RefusalReason::CredentialRevoked));
}

#[test]
fn nothing_of_who_is_suspended_is_good_until_they_are_not_any_more() {
    let mut issuer = issuer();
    let (by_phone, by_issuer) = (phone_code(&mut issuer), issued_code(&mut issuer));
    let out = manage(&mut issuer, ManageRequest::Suspend { resident: OWNER });
    for code in [&by_phone, &by_issuer] {
        assert_eq!(reason(keys(&out), code), Some(RefusalReason::CredentialSuspended));
    }
    let offline = Verifier::new(root());
    assert_eq!(reason_of(offline, keys(&out), &by_phone), Some(RefusalReason::CredentialSuspended));
    let suspended =
        EidEvent::Revoked { resident: OWNER, phone: None, card: None, status: CardStatus::Suspended };
    assert_eq!(events(&out), [&suspended]);
    let out = manage(&mut issuer, ManageRequest::Resume { resident: OWNER });
    for code in [&by_phone, &by_issuer] {
        assert_eq!(reason(keys(&out), code), None);
    }
}

#[test]
fn who_comes_back_does_not_bring_a_lost_phone_back() {
    let mut issuer = issuer();
    let code = phone_code(&mut issuer);
    own(&mut issuer, forget());
    let life = |life| ManageRequest::SetLife { resident: OWNER, life };
    manage(&mut issuer, life(LifeState::Moved));
    let out = manage(&mut issuer, life(LifeState::Active));
    assert_eq!(reason(keys(&out), &code), Some(RefusalReason::CredentialRevoked));
}

#[test]
fn everyone_is_told_what_becomes_of_keys_but_not_that_they_are_what_they_were() {
    let mut issuer = issuer();
    assert!(events(&told(&mut issuer, Input::Connected)).is_empty());
    let kid = issuer.key_set(now()).keys[0].kid.clone();
    let out = manage(&mut issuer, ManageRequest::CompromiseKey { kid: kid.clone() });
    let mut states: Vec<KeyState> = Vec::new();
    for event in events(&out) {
        let EidEvent::Key { kid: of, state } = event else { panic!("{event:?}") };
        assert_eq!(*of == kid, *state == KeyState::Compromised);
        states.push(*state);
    }
    states.sort();
    assert_eq!(states, [KeyState::Next, KeyState::Active, KeyState::Compromised]);
}

#[test]
fn who_loses_phone_after_phone_gets_no_further_one_that_day() {
    let mut issuer = issuer();
    for seed in 1..=LOST_A_RESIDENT_MAX as u8 {
        assert!(matches!(credential(&mut issuer, seed), CredentialReply::Issued { .. }), "{seed}");
        let phone = PhoneKey::from_seed([seed; 32]).public();
        manage(&mut issuer, ManageRequest::ForgetPhone { resident: OWNER, key: phone });
    }
    assert_eq!(credential(&mut issuer, 99), CredentialReply::Refused(CredentialRefusal::TooManyPhones));
}

#[test]
fn endings_are_told_for_a_day_and_never_more_than_there_is_room_for() {
    let mut endings = Endings::default();
    for n in 0..ENDINGS_MAX as u32 + 5 {
        endings.add(now(), ResidentId(n), None, CardStatus::Revoked);
    }
    assert_eq!(endings.all.len(), ENDINGS_MAX);
    assert_eq!(endings.all.front().unwrap().resident, ResidentId(5), "the oldest goes first");
    let day = CREDENTIAL_LIFE_S * SECOND_MS;
    endings.forget(now().plus_millis(day));
    assert_eq!(endings.all.len(), ENDINGS_MAX);
    endings.forget(now().plus_millis(day + 1));
    assert_eq!(endings.all.len(), 0);
}
