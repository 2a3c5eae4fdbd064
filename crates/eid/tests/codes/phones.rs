//! Codes of phones: the proof checked by a second hand, and by readers that know nothing of it.

use ciborium::Value;
use claim169_core::Decoder;
use eid::qr::{Level, SCREEN_MODULES_MAX, Symbol};
use eid::{
    CredentialReply, Demand, ManageRequest, Nonce, Phone, PhoneKey, Profile, PseudonymKey, QrText, Readers,
    RefusalReason, Scope, Verdict, Verifier, VerifyRequest, issuer, phone, verifier,
};
use p256::ecdsa::signature::Verifier as _;
use types::{Core, ResidentId, Seed, Timestamp};

use crate::pictures::{reason_of, verify};
use crate::town::{PROFILES, issuer_with, noon, reply_to, resident};

/// A phone of one resident, and what it displays at this moment.
pub(crate) fn displayed_by_phone(
    issuer: &mut eid::Issuer,
    now: Timestamp,
    resident: ResidentId,
    profile: Profile,
) -> (Phone, QrText) {
    let key = PhoneKey::from_seed(Seed(3).stream("phone", resident.0.into()).bytes());
    let mut phone = Phone::new(resident, key, Seed(3).stream("nonces", resident.0.into()));
    let mut out = Vec::new();
    phone.handle(now, phone::Input::Show { profile, ward: None }, &mut out);
    let Some(phone::Output::Request(request)) = out.pop() else { panic!("the phone asks") };
    let mut answers = Vec::new();
    issuer.handle(now, issuer::Input::Credentials { from: reply_to(0), request }, &mut answers);
    let issuer::Output::CredentialReply { reply, .. } = answers.remove(0) else { panic!("an answer") };
    assert!(matches!(reply, CredentialReply::Issued { .. }), "{reply:?}");
    phone.handle(now, phone::Input::Reply(reply), &mut out);
    let Some(phone::Output::Display { code, .. }) = out.pop() else { panic!("the phone displays") };
    (phone, code)
}

/// The four parts of a code, by an inflater and a CBOR reader of others.
fn parts(code: &QrText) -> Vec<Value> {
    let packed = base45::decode(&code.0).unwrap();
    let inflated = flate2::read::ZlibDecoder::new(&packed[..]);
    let Value::Tag(18, sign1) = ciborium::from_reader(inflated).unwrap() else { panic!("a COSE_Sign1") };
    sign1.into_array().unwrap()
}

/// The proof of a code by the letter of RFC 9338 and nothing of ours.
fn has_good_proof(parts: &[Value]) -> bool {
    let value = |bytes: &[u8]| -> Value { ciborium::from_reader(bytes).unwrap() };
    let at =
        |map: &Value, key: i64| map.as_map().unwrap().iter().find(|e| e.0 == key.into()).unwrap().1.clone();
    let bytes = |value: &Value| value.as_bytes().unwrap().clone();
    let [protected, unprotected, payload, signature] = parts else { panic!("four") };
    let key = at(&at(&value(&bytes(payload)), 8), 1);
    let sign = 2 + u8::from(at(&key, -3).as_bool().unwrap());
    let key =
        p256::ecdsa::VerifyingKey::from_sec1_bytes(&[&[sign][..], &bytes(&at(&key, -2))].concat()).unwrap();
    let countersignature = at(unprotected, 11);
    let [proof_protected, _, proof] = &countersignature.as_array().unwrap()[..] else { panic!("three") };
    let mut signed = Vec::new();
    let structure = Value::Array(vec![
        "CounterSignatureV2".into(),
        protected.clone(),
        proof_protected.clone(),
        Value::Bytes(vec![]),
        payload.clone(),
        Value::Array(vec![signature.clone()]),
    ]);
    ciborium::into_writer(&structure, &mut signed).unwrap();
    key.verify(&signed, &p256::ecdsa::Signature::from_slice(&bytes(proof)).unwrap()).is_ok()
}

#[test]
fn a_second_implementation_finds_every_proof_good_and_a_swapped_one_bad() {
    let mut issuer = issuer_with(20);
    let mut shown = |n: u32| {
        let profile = PROFILES[n as usize % 4];
        parts(&displayed_by_phone(&mut issuer, noon(), ResidentId(n), profile).1)
    };
    for n in 0..20 {
        let (mut code, other) = (shown(n), shown((n + 1) % 20));
        assert!(has_good_proof(&code));
        code[1] = other[1].clone();
        assert!(!has_good_proof(&code));
    }
}

#[test]
fn another_reader_sees_the_credential_and_ignores_the_proof() {
    let mut issuer = issuer_with(4);
    for (n, profile) in (0..4).zip(PROFILES) {
        let (_, code) = displayed_by_phone(&mut issuer, noon(), ResidentId(n), profile);
        let read = Decoder::new(code.0.as_str())
            .verify_with(crate::other_readers::IssuerKey)
            .without_timestamp_validation()
            .strict_compression()
            .decode()
            .unwrap();
        assert_eq!(read.claim169.id, Some(ResidentId(n).to_string()));
        let expires = noon().as_millis() / 1_000 + issuer::CREDENTIAL_LIFE_S;
        assert_eq!(read.cwt_meta.expires_at, Some(expires));
    }
}

#[test]
fn a_phone_and_a_verifier_without_a_network_agree_for_an_hour() {
    let mut issuer = issuer_with(1);
    let (mut phone, mut code) = displayed_by_phone(&mut issuer, noon(), ResidentId(0), Profile::Age);
    let mut verifier = Verifier::new(issuer.root());
    verifier.handle(noon(), verifier::Input::Keys(issuer.key_set(noon())), &mut Vec::new());
    drop(issuer);
    let mut now = noon();
    for n in 0..240 {
        assert_eq!(reason_of(&verify(&mut verifier, now, &code.0, 2 * n)), None);
        let again = reason_of(&verify(&mut verifier, now, &code.0, 2 * n + 1));
        assert_eq!(again, Some(RefusalReason::TokenReplayed));
        now = phone.next_timeout().unwrap();
        let mut out = Vec::new();
        phone.handle_timeout(now, &mut out);
        let Some(phone::Output::Display { code: next, .. }) = out.pop() else { panic!("{out:?}") };
        code = next;
    }
    assert!(verifier.seen_len() < 5);
}

#[test]
fn a_challenge_is_small_and_its_answer_is_good_at_one_counter_only() {
    let mut issuer = issuer_with(1);
    let (mut phone, _) = displayed_by_phone(&mut issuer, noon(), ResidentId(0), Profile::Age);
    let nonce = Nonce([0xab; 8]);
    let challenge = eid::Challenge { verifier: "kiosk-0".parse().unwrap(), nonce, profile: Profile::Age };
    let symbol = Symbol::from_text(&challenge.to_string(), Level::Low).unwrap();
    assert!(symbol.side() <= 25, "{}", symbol.side());
    let mut out = Vec::new();
    phone.handle(noon(), phone::Input::Challenged(challenge), &mut out);
    phone.handle(noon(), phone::Input::Agree, &mut out);
    let Some(phone::Output::Display { code, .. }) = out.pop() else { panic!("{out:?}") };
    let mut verifier = Verifier::new(issuer.root());
    verifier.handle(noon(), verifier::Input::Keys(issuer.key_set(noon())), &mut Vec::new());
    let elsewhere = verify(&mut verifier, noon(), &code.0, 100);
    assert_eq!(reason_of(&elsewhere), Some(RefusalReason::AudienceMismatch), "kiosk-1");
    assert_eq!(reason_of(&verify(&mut verifier, noon(), &code.0, 0)), None);
}

#[test]
fn a_guardian_shows_a_child_where_the_grant_covers_it() {
    let mut issuer = issuer_with(40);
    let age = |n: &u32| resident(*n).birth.age_on(noon().local_day());
    let guardian = ResidentId((0..40).find(|n| age(n) >= 18).unwrap());
    let ward = ResidentId((0..40).find(|n| age(n) < 17).unwrap());
    let request = ManageRequest::Grant { guardian, ward, scope: Scope::School, days: 365 };
    issuer.handle(noon(), issuer::Input::Manage { from: reply_to(0), request }, &mut Vec::new());
    let mut phone = Phone::new(guardian, PhoneKey::from_seed([1; 32]), Seed(3).stream("nonces", 0));
    let mut out = Vec::new();
    phone.handle(noon(), phone::Input::Show { profile: Profile::Name, ward: Some(ward) }, &mut out);
    let Some(phone::Output::Request(request)) = out.pop() else { panic!("the phone asks") };
    let mut answers = Vec::new();
    issuer.handle(noon(), issuer::Input::Credentials { from: reply_to(0), request }, &mut answers);
    let issuer::Output::CredentialReply { reply, .. } = answers.remove(0) else { panic!("an answer") };
    phone.handle(noon(), phone::Input::Reply(reply), &mut out);
    let Some(phone::Output::Display { code, .. }) = out.pop() else { panic!("{out:?}") };
    assert!(Symbol::from_text(&code.0, Level::Low).unwrap().side() <= SCREEN_MODULES_MAX);

    let pseudonyms = PseudonymKey::of_issuer([1; 32]);
    let mut verifier =
        Verifier::new(issuer.root()).with_readers(Readers::presets()).with_pseudonyms(pseudonyms.clone());
    verifier.handle(noon(), verifier::Input::Keys(issuer.key_set(noon())), &mut Vec::new());
    let mut ask = |n: u32, reader: &str| {
        let (reference, demand) = (String::new(), Demand::default());
        let request =
            VerifyRequest { code: code.clone(), verifier: reader.parse().unwrap(), reference, demand };
        let mut out = Vec::new();
        verifier.handle(noon(), verifier::Input::Verify { from: reply_to(n), request }, &mut out);
        let verifier::Output::Verdict { verdict, .. } = out.remove(0) else { panic!("{out:?}") };
        verdict
    };
    let verdict = ask(0, "school-gate");
    let Verdict::Accepted { pseudonym, guardian: by, .. } = verdict else { panic!("{verdict:?}") };
    let to_the_school = |resident| pseudonyms.pseudonym(resident, "school-gate".parse().unwrap());
    assert_eq!((pseudonym, by), (to_the_school(ward), Some(to_the_school(guardian))));
    assert_eq!(reason_of(&ask(1, "hospital")), Some(RefusalReason::TokenReplayed), "the same proof");
}
