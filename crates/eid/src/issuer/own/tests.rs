use types::{Core, DAY_MS, ResidentId};

use super::super::Input;
use super::*;
use crate::testing::{enrolled_issuer, now, phone, reply_to, resident};
use crate::{PhoneKey, Scope};

const OWNER: ResidentId = ResidentId(1);

fn ask_at(issuer: &mut Issuer, now: Timestamp, request: OwnRequest) -> OwnReply {
    let mut out = Vec::new();
    issuer.handle(now, Input::Own { from: reply_to("a"), request }, &mut out);
    match out.pop() {
        Some(Output::OwnReply { reply, .. }) => reply,
        other => panic!("{other:?}"),
    }
}

fn ask(issuer: &mut Issuer, request: OwnRequest) -> OwnReply {
    ask_at(issuer, now(), request)
}

fn nonce(issuer: &mut Issuer, resident: ResidentId) -> Nonce {
    match ask(issuer, OwnRequest::Nonce { resident }) {
        OwnReply::Nonce { nonce, expires } => {
            assert_eq!(expires, now().plus_millis(NONCE_LIFE_MS));
            nonce
        }
        other => panic!("{other:?}"),
    }
}

/// A registration as the phone of that seed signs it.
fn registration(resident: ResidentId, seed: u8, nonce: Nonce) -> OwnRequest {
    PhoneKey::from_seed([seed; 32]).sign_registration(resident, nonce)
}

const REFUSED: OwnReply = OwnReply::Refused(OwnRefusal::KeyProofInvalid);

#[test]
fn a_registration_that_the_phone_did_not_sign_for_this_resident_and_nonce_is_refused() {
    let mut issuer = enrolled_issuer();
    let (first, second) = (nonce(&mut issuer, OWNER), nonce(&mut issuer, OWNER));
    let OwnRequest::Register { key, proof, .. } = registration(OWNER, 9, first) else { panic!("it is one") };
    let other =
        OwnRequest::Register { resident: OWNER, key: key.clone(), nonce: second, proof: proof.clone() };
    assert_eq!(ask(&mut issuer, other), REFUSED, "signed for another nonce");
    let theirs = nonce(&mut issuer, ResidentId(2));
    assert_eq!(ask(&mut issuer, registration(OWNER, 9, theirs)), REFUSED, "another resident's nonce");
    assert_eq!(ask(&mut issuer, registration(OWNER, 9, Nonce([0; 8]))), REFUSED, "nobody's nonce");
    let late = nonce(&mut issuer, OWNER);
    let after = now().plus_millis(NONCE_LIFE_MS);
    assert_eq!(ask_at(&mut issuer, after, registration(OWNER, 9, late)), REFUSED, "too late");
    for (key, proof) in [("", &*proof), ("zz", &*proof), (&*key, ""), (&*key, &*"00".repeat(64))] {
        let nonce = nonce(&mut issuer, OWNER);
        let (key, proof) = (key.to_owned(), proof.to_owned());
        let request = OwnRequest::Register { resident: OWNER, key, nonce, proof };
        assert_eq!(ask(&mut issuer, request), REFUSED);
    }
    assert_eq!(ask(&mut issuer, OwnRequest::Phones { resident: OWNER }), OwnReply::Phones { phones: vec![] });
}

#[test]
fn whoever_is_not_enrolled_is_told_nothing() {
    let mut issuer = enrolled_issuer();
    let nobody = ResidentId(99);
    let refused = OwnReply::Refused(OwnRefusal::NotEnrolled);
    assert_eq!(ask(&mut issuer, OwnRequest::Nonce { resident: nobody }), refused);
    assert_eq!(ask(&mut issuer, OwnRequest::Phones { resident: nobody }), refused);
}

#[test]
fn a_phone_is_registered_once_for_each_nonce_listed_and_forgotten() {
    let mut issuer = enrolled_issuer();
    let request = registration(OWNER, 9, nonce(&mut issuer, OWNER));
    let id = to_hex(&key_id(&phone().public()));
    assert_eq!(ask(&mut issuer, request.clone()), OwnReply::Registered { phone: id.clone() });
    assert_eq!(ask(&mut issuer, request), REFUSED, "the nonce was used");
    let phones = |issuer: &mut Issuer| ask(issuer, OwnRequest::Phones { resident: OWNER });
    assert_eq!(phones(&mut issuer), OwnReply::Phones { phones: vec![id.clone()] });
    let forget = |resident| OwnRequest::Forget { resident, phone: id.clone() };
    let unknown = OwnReply::Refused(OwnRefusal::Unknown);
    assert_eq!(ask(&mut issuer, forget(ResidentId(2))), unknown, "it is not theirs");
    assert_eq!(ask(&mut issuer, forget(OWNER)), OwnReply::Done);
    assert_eq!(ask(&mut issuer, forget(OWNER)), unknown);
    assert_eq!(phones(&mut issuer), OwnReply::Phones { phones: vec![] });
}

#[test]
fn nobody_has_more_phones_than_one_may_have() {
    let mut issuer = enrolled_issuer();
    for seed in 1..=super::super::PHONES_MAX as u8 {
        let request = registration(OWNER, seed, nonce(&mut issuer, OWNER));
        assert!(matches!(ask(&mut issuer, request), OwnReply::Registered { .. }));
    }
    let request = registration(OWNER, 99, nonce(&mut issuer, OWNER));
    assert_eq!(ask(&mut issuer, request), OwnReply::Refused(OwnRefusal::TooManyPhones));
}

#[test]
fn never_more_nonces_than_allowed_wait_and_the_oldest_goes_first() {
    let mut issuer = enrolled_issuer();
    let first = nonce(&mut issuer, OWNER);
    for _ in 0..NONCES_MAX {
        nonce(&mut issuer, OWNER);
    }
    assert_eq!((issuer.nonces.whose.len(), issuer.nonces.order.len()), (NONCES_MAX, NONCES_MAX));
    assert_eq!(ask(&mut issuer, registration(OWNER, 9, first)), REFUSED);
}

#[test]
fn an_adult_names_a_guardian_and_either_of_them_ends_it_and_nobody_else() {
    let mut issuer = enrolled_issuer();
    let (guardian, ward) = (ResidentId(2), OWNER);
    assert!(now() >= comes_of_age(resident(1).birth), "of age");
    let entrust =
        |resident, guardian| OwnRequest::Entrust { resident, guardian, scope: Scope::Medical, days: 9 };
    let refused = |refusal| OwnReply::Refused(refusal);
    assert_eq!(ask(&mut issuer, entrust(ward, ward)), refused(OwnRefusal::NoGuardian));
    assert_eq!(ask(&mut issuer, entrust(ward, ResidentId(99))), refused(OwnRefusal::NoGuardian));
    let long = OwnRequest::Entrust { resident: ward, guardian, scope: Scope::All, days: 1_827 };
    assert_eq!(ask(&mut issuer, long), refused(OwnRefusal::DaysOutOfRange));
    let end = |resident| OwnRequest::EndGrant { resident, guardian, ward };
    for who in [ward, guardian] {
        assert_eq!(ask(&mut issuer, entrust(ward, guardian)), OwnReply::Done);
        assert!(issuer.grants.find(now().plus_millis(8 * DAY_MS), guardian, ward).is_some());
        assert_eq!(ask(&mut issuer, end(ResidentId(3))), refused(OwnRefusal::Unknown));
        assert_eq!(ask(&mut issuer, end(who)), OwnReply::Done);
        assert!(issuer.grants.find(now(), guardian, ward).is_none());
    }
}

#[test]
fn a_child_names_no_guardian() {
    let mut issuer = enrolled_issuer();
    let of_age = comes_of_age(resident(1).birth);
    let request =
        OwnRequest::Entrust { resident: OWNER, guardian: ResidentId(2), scope: Scope::All, days: 9 };
    let reply = ask_at(&mut issuer, of_age.plus_millis(-1), request);
    assert_eq!(reply, OwnReply::Refused(OwnRefusal::NotOfAge));
}
