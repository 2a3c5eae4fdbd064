use types::Core as _;

use super::*;
use crate::issuer::Input;
use crate::phone::PhoneKey;
use crate::testing::{enrolled_issuer, now, reply_to, resident};
use crate::{
    CredentialRefusal, CredentialReply, CredentialRequest, Demand, IssueReply, IssueRequest, KeySet, Reader,
    Readers, RefusalReason, Verdict, Verifier, VerifyRequest, verifier,
};

fn manage(issuer: &mut Issuer, request: ManageRequest) -> (ManageReply, Option<KeySet>) {
    manage_after(issuer, 0, request)
}

fn manage_after(issuer: &mut Issuer, millis: i64, request: ManageRequest) -> (ManageReply, Option<KeySet>) {
    let mut out = Vec::new();
    let input = Input::Manage { from: reply_to("clerk"), request };
    issuer.handle(now().plus_millis(millis), input, &mut out);
    let Some(Output::ManageReply { reply, .. }) = out.pop() else { panic!("{out:?}") };
    let set = out.into_iter().find_map(|output| match output {
        Output::Keys(set) => Some(set),
        _ => None,
    });
    (reply, set)
}

fn refusal(issuer: &mut Issuer, request: ManageRequest) -> Option<ManageRefusal> {
    match manage(issuer, request) {
        (ManageReply::Refused(refusal), None) => Some(refusal),
        _ => None,
    }
}

fn print(n: u32) -> ManageRequest {
    ManageRequest::PrintCard { resident: ResidentId(n), profile: Profile::Name, days: 365 }
}

fn grant(guardian: u32, ward: u32, scope: Scope) -> ManageRequest {
    ManageRequest::Grant { guardian: ResidentId(guardian), ward: ResidentId(ward), scope, days: 1_826 }
}

fn fetch(issuer: &mut Issuer, millis: i64, owner: u32, ward: Option<u32>, key: u8) -> CredentialReply {
    let (owner, ward) = (ResidentId(owner), ward.map(ResidentId));
    let asked = now().plus_millis(millis);
    let request = CredentialRequest::unsigned(owner, ward, Profile::Name, 1, asked);
    let request = PhoneKey::from_seed([key; 32]).sign_request(request);
    answer(issuer, millis, request)
}

fn answer(issuer: &mut Issuer, millis: i64, request: CredentialRequest) -> CredentialReply {
    let mut out = Vec::new();
    let input = Input::Credentials { from: reply_to("phone"), request };
    issuer.handle(now().plus_millis(millis), input, &mut out);
    match out.remove(0) {
        Output::CredentialReply { reply, .. } => reply,
        other => panic!("{other:?}"),
    }
}

/// What a counter that takes cards says of this one, with these keys.
fn reason(set: &KeySet, issuer: &Issuer, code: &QrText) -> Option<RefusalReason> {
    let mut readers: std::collections::BTreeMap<types::VerifierId, Reader> = Default::default();
    readers.insert("desk".parse().unwrap(), Reader { cards: true, ..Reader::any() });
    let mut verifier = Verifier::new(issuer.root()).with_readers(Readers::of(readers));
    verifier.adopt(now(), set).unwrap();
    let (verifier_id, demand) = ("desk".parse().unwrap(), Demand::default());
    let request =
        VerifyRequest { code: code.clone(), verifier: verifier_id, reference: String::new(), demand };
    let mut out = Vec::new();
    verifier.handle(now(), verifier::Input::Verify { from: reply_to("a"), request }, &mut out);
    match out.remove(0) {
        verifier::Output::Verdict { verdict: Verdict::Refused(refusal), .. } => Some(refusal.reason),
        _ => None,
    }
}

#[test]
fn what_is_not_there_is_not_managed() {
    let mut issuer = enrolled_issuer();
    let nobody = ResidentId(999);
    for request in [
        ManageRequest::CompromiseKey { kid: "00".into() },
        ManageRequest::SetLife { resident: nobody, life: LifeState::Deceased },
        ManageRequest::Suspend { resident: nobody },
        ManageRequest::Resume { resident: ResidentId(1) },
        print(999),
        ManageRequest::RevokeCard { card: 0 },
        ManageRequest::ForgetPhone { resident: ResidentId(1), key: "00".into() },
        grant(999, 1, Scope::All),
        grant(1, 999, Scope::All),
        ManageRequest::EndGrant { guardian: ResidentId(1), ward: ResidentId(2) },
    ] {
        assert_eq!(refusal(&mut issuer, request.clone()), Some(ManageRefusal::Unknown), "{request:?}");
    }
    assert_eq!(refusal(&mut issuer, ManageRequest::RotateKeys), Some(ManageRefusal::TooEarly));
    for days in [0, CARD_DAYS_MAX + 1] {
        let card = ManageRequest::PrintCard { resident: ResidentId(1), profile: Profile::Name, days };
        assert_eq!(refusal(&mut issuer, card), Some(ManageRefusal::DaysOutOfRange));
    }
    assert_eq!(refusal(&mut issuer, grant(1, 1, Scope::All)), Some(ManageRefusal::NoGuardian));
}

#[test]
fn a_request_that_its_key_did_not_sign_now_is_refused() {
    let mut issuer = enrolled_issuer();
    let request = CredentialRequest::unsigned(ResidentId(1), None, Profile::Name, 1, now());
    let good = PhoneKey::from_seed([1; 32]).sign_request(request.clone());
    let other = PhoneKey::from_seed([2; 32]);
    let mut check = |millis: i64, request: CredentialRequest| {
        let refused = CredentialReply::Refused(CredentialRefusal::KeyProofInvalid);
        assert_eq!(answer(&mut issuer, millis, request), refused);
    };
    check(0, request.clone());
    check(0, CredentialRequest { resident: ResidentId(2), ..good.clone() });
    check(0, CredentialRequest { profile: Profile::Full, ..good.clone() });
    check(0, CredentialRequest { count: 2, ..good.clone() });
    check(0, CredentialRequest { ward: Some(ResidentId(2)), ..good.clone() });
    check(0, CredentialRequest { key: other.public(), ..good.clone() });
    check(60_001, good.clone());
    check(-60_001, good.clone());
    for count in [0, 21] {
        let request = other.sign_request(CredentialRequest { count, ..request.clone() });
        let refused = CredentialReply::Refused(CredentialRefusal::CountOutOfRange);
        assert_eq!(answer(&mut issuer, 0, request), refused);
    }
    assert!(matches!(answer(&mut issuer, 60_000, good), CredentialReply::Issued { .. }));
}

#[test]
fn a_fourth_phone_is_refused_until_one_is_forgotten() {
    let mut issuer = enrolled_issuer();
    for key in 1..=3 {
        assert!(matches!(fetch(&mut issuer, 0, 1, None, key), CredentialReply::Issued { .. }));
    }
    let refused = CredentialReply::Refused(CredentialRefusal::TooManyPhones);
    assert_eq!(fetch(&mut issuer, 0, 1, None, 4), refused);
    let key = PhoneKey::from_seed([2; 32]).public();
    let forget = ManageRequest::ForgetPhone { resident: ResidentId(1), key };
    assert_eq!(manage(&mut issuer, forget).0, ManageReply::Done);
    assert!(matches!(fetch(&mut issuer, 0, 1, None, 4), CredentialReply::Issued { .. }));
}

#[test]
fn who_is_suspended_dead_or_unknown_gets_one_and_the_same_answer() {
    let mut issuer = enrolled_issuer();
    manage(&mut issuer, ManageRequest::Suspend { resident: ResidentId(1) });
    let life = LifeState::Deceased;
    manage(&mut issuer, ManageRequest::SetLife { resident: ResidentId(2), life });
    for n in [1, 2, 999] {
        let refused = CredentialReply::Refused(CredentialRefusal::NotEnrolled);
        assert_eq!(fetch(&mut issuer, 0, n, None, 1), refused);
        let request = IssueRequest { resident: ResidentId(n), profile: Profile::Name };
        let mut out = Vec::new();
        issuer.handle(now(), Input::Issue { from: reply_to("p"), request }, &mut out);
        assert_eq!(out, [Output::IssueReply { to: reply_to("p"), reply: IssueReply::NotEnrolled }]);
    }
    manage(&mut issuer, ManageRequest::Resume { resident: ResidentId(1) });
    assert!(matches!(fetch(&mut issuer, 0, 1, None, 1), CredentialReply::Issued { .. }));
}

#[test]
fn cards_follow_the_life_of_their_owner_and_a_revoked_one_stays_revoked() {
    let mut issuer = enrolled_issuer();
    let (ManageReply::Card { card, code }, None) = manage(&mut issuer, print(1)) else { panic!("a card") };
    let set = issuer.key_set(now());
    assert_eq!(reason(&set, &issuer, &code), None);
    let one = ResidentId(1);
    let mut after = |request, expected| {
        let set = manage(&mut issuer, request).1.expect("verifiers are told");
        assert_eq!(reason(&set, &issuer, &code), expected);
    };
    after(ManageRequest::Suspend { resident: one }, Some(RefusalReason::CredentialSuspended));
    after(ManageRequest::Resume { resident: one }, None);
    after(ManageRequest::RevokeCard { card }, Some(RefusalReason::CredentialRevoked));
    after(ManageRequest::Suspend { resident: one }, Some(RefusalReason::CredentialRevoked));
    after(ManageRequest::Resume { resident: one }, Some(RefusalReason::CredentialRevoked));
}

#[test]
fn the_cards_of_the_dead_are_revoked_and_those_of_others_are_not() {
    let mut issuer = enrolled_issuer();
    let (ManageReply::Card { code: dead, .. }, _) = manage(&mut issuer, print(1)) else { panic!("a card") };
    let (ManageReply::Card { code: other, .. }, _) = manage(&mut issuer, print(2)) else { panic!("a card") };
    let life = LifeState::Deceased;
    let (_, set) = manage(&mut issuer, ManageRequest::SetLife { resident: ResidentId(1), life });
    let set = set.expect("verifiers are told");
    assert_eq!(reason(&set, &issuer, &dead), Some(RefusalReason::CredentialRevoked));
    assert_eq!(reason(&set, &issuer, &other), None);
}

#[test]
fn what_a_compromised_key_signed_is_refused_at_once() {
    let mut issuer = enrolled_issuer();
    let (ManageReply::Card { code, .. }, _) = manage(&mut issuer, print(1)) else { panic!("a card") };
    let kid = issuer.key_set(now()).keys[0].kid.clone();
    let (_, set) = manage(&mut issuer, ManageRequest::CompromiseKey { kid });
    let set = set.expect("verifiers are told");
    assert_eq!(reason(&set, &issuer, &code), Some(RefusalReason::IssuerKeyRevoked));
    let (ManageReply::Card { code, .. }, _) = manage(&mut issuer, print(1)) else { panic!("a card") };
    assert_eq!(reason(&set, &issuer, &code), None, "the next key signs");
}

#[test]
fn a_guardian_gets_nothing_without_a_grant_nor_after_it_ended() {
    let mut issuer = enrolled_issuer();
    let refused = CredentialReply::Refused(CredentialRefusal::GuardianshipEnded);
    assert_eq!(fetch(&mut issuer, 0, 1, Some(2), 1), refused);
    assert_eq!(fetch(&mut issuer, 0, 1, Some(999), 1), refused, "no oracle");
    manage(&mut issuer, grant(1, 2, Scope::Medical));
    assert!(matches!(fetch(&mut issuer, 0, 1, Some(2), 1), CredentialReply::Issued { .. }));
    let end = i64::from(CARD_DAYS_MAX) * DAY_MS;
    assert_eq!(fetch(&mut issuer, end, 1, Some(2), 1), refused);
    assert!(matches!(fetch(&mut issuer, end - 1, 1, Some(2), 1), CredentialReply::Issued { .. }));
    let life = LifeState::Deceased;
    manage(&mut issuer, ManageRequest::SetLife { resident: ResidentId(2), life });
    assert_eq!(fetch(&mut issuer, 0, 1, Some(2), 1), refused, "the ward has died");
}

#[test]
fn the_grant_for_a_child_ends_on_its_eighteenth_birthday() {
    let mut issuer = enrolled_issuer_with_child();
    manage(&mut issuer, grant(1, 69, Scope::All));
    let CredentialReply::Issued { credentials } = fetch(&mut issuer, 0, 1, Some(69), 1) else {
        panic!("a credential")
    };
    let claims = crate::decode_code(&credentials[0].0).unwrap().claims().unwrap();
    let until = claims.identity.unwrap().guardianship.unwrap().until;
    let birth = resident(59).birth;
    assert_eq!((birth.age_on(until.local_day()), birth.age_on(until.local_day() - 1)), (18, 17));
    let last = until.millis_since(now()) - 1;
    assert!(matches!(fetch(&mut issuer, last, 1, Some(69), 1), CredentialReply::Issued { .. }));
    let refused = CredentialReply::Refused(CredentialRefusal::GuardianshipEnded);
    assert_eq!(fetch(&mut issuer, last + 1, 1, Some(69), 1), refused);
    assert_eq!(refusal(&mut issuer, grant(69, 1, Scope::All)), Some(ManageRefusal::NoGuardian), "a child");
}

#[test]
fn the_census_makes_guardians_of_children_only_and_the_counter_may_end_it() {
    let pair = |guardian, ward| (ResidentId(guardian), ResidentId(ward));
    let mut issuer = enrolled_issuer_with_child().with_guardians([pair(1, 69), pair(1, 2), pair(1, 999)]);
    let refused = CredentialReply::Refused(CredentialRefusal::GuardianshipEnded);
    assert_eq!(fetch(&mut issuer, 0, 1, Some(2), 1), refused, "an adult");
    assert_eq!(fetch(&mut issuer, 0, 1, Some(999), 1), refused, "nobody");
    assert!(matches!(fetch(&mut issuer, 0, 1, Some(69), 1), CredentialReply::Issued { .. }));
    manage(&mut issuer, ManageRequest::EndGrant { guardian: ResidentId(1), ward: ResidentId(69) });
    assert_eq!(fetch(&mut issuer, 0, 1, Some(69), 1), refused);
}

/// With resident 69, who was born in 2009 and is 16 now.
fn enrolled_issuer_with_child() -> Issuer {
    let child = crate::Resident { id: ResidentId(69), ..resident(59) };
    let adults = (1..=3).map(resident);
    let registry = crate::Registry::new(adults.chain([child]));
    let mut issuer = Issuer::new(registry, [42; 32], "test", types::Seed(1).stream("cti", 0));
    let known = resident(1);
    let request = crate::EnrolRequest { resident_no: known.number.as_str().to_owned(), name: known.name_zh };
    issuer.handle(now(), Input::Enrol { from: reply_to("counter"), request }, &mut Vec::new());
    issuer
}
