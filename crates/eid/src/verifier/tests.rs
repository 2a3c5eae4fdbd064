use ciborium::Value;
use proptest::prelude::*;

use super::*;
use crate::encode::{claim, pack, sign};
use crate::keys::{KEYS_MAX, key_id};
use crate::signature::{Algorithm, SecretKey};
use crate::testing::{Forged, code_of, key_set, kid, now, payload_of, reply_to, root, signed, signing_key};
use crate::{Demand, Profile, PublicKey, QrText};

fn verifier() -> Verifier {
    let mut verifier = Verifier::new(root());
    verifier.handle(now(), Input::Keys(key_set()), &mut Vec::new());
    verifier
}

fn request(code: QrText) -> VerifyRequest {
    VerifyRequest {
        code,
        verifier: "clinic-desk".parse().unwrap(),
        reference: "bill 1".to_owned(),
        demand: Demand::default(),
    }
}

fn ask(verifier: &mut Verifier, now: Timestamp, path: &str, request: VerifyRequest) -> Vec<Output> {
    let mut out = Vec::new();
    verifier.handle(now, Input::Verify { from: reply_to(path), request }, &mut out);
    out
}

fn verdict(verifier: &mut Verifier, now: Timestamp, path: &str, code: &QrText) -> Verdict {
    match ask(verifier, now, path, request(code.clone())).remove(0) {
        Output::Verdict { to, verdict } => {
            assert_eq!(to, reply_to(path));
            verdict
        }
        other => panic!("{other:?}"),
    }
}

/// The reason a fresh verifier gives now.
fn reason(code: &QrText) -> Option<RefusalReason> {
    reason_at(now(), code)
}

fn reason_at(now: Timestamp, code: &QrText) -> Option<RefusalReason> {
    match verdict(&mut verifier(), now, "a", code) {
        Verdict::Refused(refusal) => Some(refusal.reason),
        Verdict::Accepted { .. } => None,
    }
}

fn replayed(first_seen: Timestamp) -> Refusal {
    Refusal { first_seen: Some(first_seen), ..RefusalReason::TokenReplayed.into() }
}

fn with_payload(payload: Vec<u8>) -> QrText {
    Forged { payload: Some(payload), ..Forged::default() }.text()
}

#[test]
fn what_cannot_be_decoded_is_refused_with_the_decoders_reason() {
    assert_eq!(reason(&QrText(String::new())), Some(RefusalReason::QrEmpty));
    assert_eq!(reason(&QrText("?".into())), Some(RefusalReason::QrNotBase45));
    assert_eq!(reason(&QrText("0".repeat(5_000))), Some(RefusalReason::QrTooLarge));
    assert_eq!(reason(&QrText(base45::encode([0x78, 0xda]))), Some(RefusalReason::QrBadCompression));
    assert_eq!(reason(&pack(b"\x80")), Some(RefusalReason::CoseInvalid));
    let es384 = Forged::default().with_protected(vec![(1, (-35).into())]);
    assert_eq!(reason(&es384.text()), Some(RefusalReason::AlgNotAllowed));
}

#[test]
fn without_keys_every_issuer_is_unknown() {
    let verdict = verdict(&mut Verifier::new(root()), now(), "a", &code_of(1, Profile::Name));
    assert_eq!(verdict, Verdict::Refused(RefusalReason::IssuerUnknown.into()));
}

#[test]
fn another_issuers_code_and_one_without_key_id_are_refused() {
    let stranger = SecretKey::from_seed(Algorithm::EdDsa, [1; 32]);
    let code = pack(&sign(payload_of(1, Profile::Name), &stranger, key_id(&stranger.public())));
    assert_eq!(reason(&code), Some(RefusalReason::IssuerUnknown));
    let nameless = Forged::default().with_protected(vec![(1, (-8).into())]);
    assert_eq!(reason(&nameless.text()), Some(RefusalReason::IssuerUnknown));
    for kid in [vec![], vec![1; 7], vec![1; 9]] {
        let odd = Forged::default().with_protected(vec![(1, (-8).into()), (4, Value::Bytes(kid))]);
        assert_eq!(reason(&odd.text()), Some(RefusalReason::IssuerUnknown));
    }
}

#[test]
fn a_stranger_under_our_key_id_is_refused() {
    let stranger = SecretKey::from_seed(Algorithm::EdDsa, [1; 32]);
    let code = pack(&sign(payload_of(1, Profile::Name), &stranger, kid()));
    assert_eq!(reason(&code), Some(RefusalReason::SignatureInvalid));
}

#[test]
fn a_flipped_bit_of_the_payload_is_refused_whatever_it_does_to_its_shape() {
    let cose = sign(payload_of(1, Profile::Name), &signing_key(), kid());
    let payload = payload_of(1, Profile::Name);
    let start = cose.windows(payload.len()).position(|window| window == payload).unwrap();
    for place in start..start + payload.len() {
        let mut bent = cose.clone();
        bent[place] ^= 0x20;
        assert_eq!(reason(&pack(&bent)), Some(RefusalReason::SignatureInvalid), "{place}");
    }
}

#[test]
fn a_shortened_signature_is_refused() {
    let cose = Forged::default().cose();
    let head = cose.len() - 66;
    assert_eq!(cose[head..head + 2], [0x58, 64]);
    let short = [&cose[..head], &[0x58, 63], &cose[head + 2..cose.len() - 1]].concat();
    assert_eq!(reason(&pack(&short)), Some(RefusalReason::SignatureInvalid));
}

#[test]
fn a_signed_payload_that_is_no_claims_set_is_refused() {
    assert_eq!(reason(&with_payload(b"kite".to_vec())), Some(RefusalReason::CoseInvalid));
    assert_eq!(
        reason(&with_payload(Forged::claims_without(claim::EXPIRES))),
        Some(RefusalReason::CoseInvalid)
    );
}

#[test]
fn at_sixty_seconds_and_the_skew_a_code_is_expired_and_not_a_millisecond_before() {
    let code = code_of(1, Profile::Name);
    assert_eq!(reason_at(now().plus_millis(65_000), &code), Some(RefusalReason::TokenExpired));
    assert_eq!(reason_at(now().plus_millis(64_999), &code), None);
    assert_eq!(reason_at(now().plus_millis(types::DAY_MS), &code), Some(RefusalReason::TokenExpired));
}

#[test]
fn a_code_from_more_than_the_skew_ahead_is_not_yet_valid() {
    let code = code_of(1, Profile::Name);
    assert_eq!(reason_at(now().plus_millis(-5_001), &code), Some(RefusalReason::TokenNotYetValid));
    assert_eq!(reason_at(now().plus_millis(-5_000), &code), None);
    let seconds = now().as_millis() / 1_000;
    let later = with_payload(Forged::claims_with(claim::NOT_BEFORE, (seconds + 6).into()));
    assert_eq!(reason(&later), Some(RefusalReason::TokenNotYetValid));
    let past = with_payload(Forged::claims_with(claim::EXPIRES, (seconds - 5).into()));
    assert_eq!(reason(&past), Some(RefusalReason::TokenExpired));
}

#[test]
fn a_code_without_claim_169_or_without_a_pseudonym_in_it_is_refused() {
    let check = |payload| assert_eq!(reason(&with_payload(payload)), Some(RefusalReason::ClaimMissing));
    check(Forged::claims_without(claim::IDENTITY));
    check(Forged::claims_with(claim::IDENTITY, "r-0001".into()));
    check(Forged::claims_with(claim::IDENTITY, Value::Map(vec![])));
    check(Forged::claims_with(claim::IDENTITY, Value::Map(vec![(1.into(), "370799195102020016".into())])));
}

#[test]
fn the_time_is_looked_at_before_claim_169() {
    let bare = with_payload(Forged::claims_without(claim::IDENTITY));
    assert_eq!(reason_at(now().plus_millis(65_000), &bare), Some(RefusalReason::TokenExpired));
}

#[test]
fn a_code_is_accepted_once_and_refused_the_second_time() {
    let (mut verifier, code) = (verifier(), code_of(1, Profile::Name));
    assert!(matches!(verdict(&mut verifier, now(), "a", &code), Verdict::Accepted { .. }));
    let refused = replayed(now());
    let later = now().plus_millis(64_999);
    assert_eq!(verdict(&mut verifier, later, "b", &code), Verdict::Refused(refused));
    let expired = verdict(&mut verifier, now().plus_millis(65_000), "b", &code);
    assert_eq!(expired, Verdict::Refused(RefusalReason::TokenExpired.into()));
    assert_eq!(verifier.seen_len(), 0);
}

#[test]
fn another_text_of_the_same_code_is_refused_too() {
    let (mut verifier, forged) = (verifier(), Forged::default());
    assert!(matches!(verdict(&mut verifier, now(), "a", &forged.text()), Verdict::Accepted { .. }));
    let plain = QrText(base45::encode(Forged { tagged: false, ..forged }.cose()));
    let refused = replayed(now());
    assert_eq!(verdict(&mut verifier, now(), "b", &plain), Verdict::Refused(refused));
}

#[test]
fn a_request_delivered_twice_gets_the_same_verdict_and_is_told_once() {
    let (mut verifier, code) = (verifier(), code_of(1, Profile::Name));
    let first = ask(&mut verifier, now(), "a", request(code.clone()));
    let again = ask(&mut verifier, now().plus_millis(30_000), "a", request(code));
    assert_eq!(first.len(), 2);
    assert_eq!(again, first[..1]);
}

#[test]
fn an_address_used_for_a_second_bill_is_a_second_request() {
    let (mut verifier, code) = (verifier(), code_of(1, Profile::Name));
    ask(&mut verifier, now(), "a", request(code.clone()));
    let other_bill = VerifyRequest { reference: "bill 2".to_owned(), ..request(code) };
    let out = ask(&mut verifier, now(), "a", other_bill);
    let refused = replayed(now());
    assert_eq!(out[0], Output::Verdict { to: reply_to("a"), verdict: Verdict::Refused(refused) });
}

#[test]
fn refused_codes_are_not_remembered() {
    let mut verifier = verifier();
    verdict(&mut verifier, now().plus_millis(-6_000), "a", &code_of(1, Profile::Name));
    verdict(&mut verifier, now(), "b", &with_payload(Forged::claims_without(claim::IDENTITY)));
    assert_eq!((verifier.seen_len(), verifier.next_timeout()), (0, None));
}

#[test]
fn a_full_memory_refuses_new_codes_and_forgets_only_expired_ones() {
    let mut verifier = Verifier { keys: verifier().keys, ..Verifier::with_seen_max(root(), 2) };
    for n in 1..=2 {
        let verdict = verdict(&mut verifier, now(), "a", &code_of(n, Profile::Name));
        assert!(matches!(verdict, Verdict::Accepted { .. }));
    }
    let refused = Verdict::Refused(RefusalReason::TokenReplayed.into());
    assert_eq!(verdict(&mut verifier, now(), "a", &code_of(3, Profile::Name)), refused);
    let still_known = replayed(now());
    assert_eq!(verdict(&mut verifier, now(), "b", &code_of(1, Profile::Name)), Verdict::Refused(still_known));

    assert_eq!(verifier.next_timeout(), Some(now().plus_millis(65_000)));
    verifier.handle_timeout(now().plus_millis(65_000), &mut Vec::new());
    assert_eq!((verifier.seen_len(), verifier.next_timeout()), (0, None));
}

#[test]
fn a_key_set_that_is_refused_changes_nothing() {
    let mut verifier = verifier();
    let code = code_of(1, Profile::Name);
    let mut adopt = |set| verifier.handle(now(), Input::Keys(set), &mut Vec::new());
    adopt(signed(KeySet { version: 3, ..key_set() }));
    adopt(signed(KeySet { version: 2, keys: vec![], ..key_set() }));
    adopt(KeySet { version: 9, keys: vec![], ..key_set() });
    adopt(signed(KeySet { version: 9, keys: vec![key_set().keys[0].clone(); KEYS_MAX + 1], ..key_set() }));
    assert_eq!(verifier.key_set_version(), Some(3));
    assert!(matches!(verdict(&mut verifier, now(), "a", &code), Verdict::Accepted { .. }));
}

#[test]
fn a_newer_key_set_takes_the_place_of_the_old_one() {
    let mut verifier = verifier();
    verifier.adopt(now(), &signed(KeySet { version: 2, keys: vec![], ..key_set() })).unwrap();
    let refused = Verdict::Refused(RefusalReason::IssuerUnknown.into());
    assert_eq!(verdict(&mut verifier, now(), "a", &code_of(1, Profile::Name)), refused);
}

#[test]
fn a_key_that_cannot_be_read_does_not_harm_the_others() {
    let mut verifier = Verifier::new(root());
    let mut set = key_set();
    set.keys.insert(0, PublicKey { kid: "?".into(), key: "?".into(), ..set.keys[0].clone() });
    verifier.adopt(now(), &signed(set)).unwrap();
    assert!(matches!(
        verdict(&mut verifier, now(), "a", &code_of(1, Profile::Name)),
        Verdict::Accepted { .. }
    ));
}

#[test]
fn the_verdict_names_what_was_disclosed() {
    let check = |profile, expected: &[(&str, &str)]| {
        let verdict = verdict(&mut verifier(), now(), "a", &code_of(2, profile));
        let Verdict::Accepted { pseudonym, resident, disclosed, issued, reference, code_id, .. } = verdict
        else {
            panic!("{verdict:?}")
        };
        assert_eq!((resident, issued, &*reference, code_id.len()), (None, now(), "bill 1", 16));
        let expected_pseudonym =
            PseudonymKey::open(&root()).pseudonym(ResidentId(2), "clinic-desk".parse().unwrap());
        assert_eq!(pseudonym, expected_pseudonym);
        let disclosed: Vec<_> = disclosed.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(disclosed, expected);
    };
    check(Profile::Anon, &[]);
    check(Profile::Age, &[("over_18", "true")]);
    check(Profile::Name, &[("birth_date", "19520303"), ("full_name", "王小丂"), ("gender", "female")]);
    check(
        Profile::Full,
        &[
            ("address", "奎文区风筝街2号\n山东省潍坊市"),
            ("birth_date", "19520303"),
            ("full_name", "王小丂"),
            ("gender", "female"),
            ("location_code", "370705"),
            ("nationality", "CN"),
            ("secondary_language", "eng"),
            ("secondary_name", "Wang Xiao 2"),
        ],
    );
}

#[test]
fn two_readers_are_not_told_that_they_saw_the_same_holder_and_only_the_payer_is_told_who_it_is() {
    let mut verifier = verifier().with_pseudonyms(PseudonymKey::of_issuer([3; 32]));
    let mut n = 0;
    let mut told = |resident, reader: &str| {
        n += 1;
        let request =
            VerifyRequest { verifier: reader.parse().unwrap(), ..request(code_of(resident, Profile::Anon)) };
        verifier.seen = ReplayCache::new(9);
        match ask(&mut verifier, now(), &n.to_string(), request).remove(0) {
            Output::Verdict { verdict: Verdict::Accepted { pseudonym, resident, .. }, .. } => {
                (pseudonym, resident)
            }
            other => panic!("{other:?}"),
        }
    };
    let (bus, museum) = (told(1, "bus"), told(1, "museum"));
    assert_ne!(bus.0, museum.0);
    assert_eq!((bus.1, museum.1), (None, None));
    assert_eq!(told(1, "bus"), bus, "to one reader the same again");
    assert_ne!(told(2, "bus").0, bus.0);
    assert_eq!(told(1, "payment").1, Some(ResidentId(1)));
}

#[test]
fn events_tell_who_and_why_and_nothing_else() {
    let mut verifier = verifier();
    let desk = "clinic-desk".parse().unwrap();
    let code = code_of(1, Profile::Full);
    let out = ask(&mut verifier, now(), "a", request(code.clone()));
    assert_eq!(out[1], Output::Event(EidEvent::Verified { resident: ResidentId(1), verifier: desk }));
    let out = ask(&mut verifier, now(), "b", request(code));
    let reason = RefusalReason::TokenReplayed;
    assert_eq!(out[1], Output::Event(EidEvent::Rejected { verifier: desk, reason }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_changed_byte_of_a_signed_message_never_verifies(place: prop::sample::Index, change in 1u8..) {
        let mut cose = Forged::default().cose();
        let place = place.index(cose.len());
        cose[place] ^= change;
        prop_assert_ne!(reason(&pack(&cose)), None);
    }

    /// A text has a few bits that mean nothing: the zlib level, and what fills up the last byte. So a changed text may
    /// still be the same code – and then counts as the same.
    #[test]
    fn a_changed_character_of_a_text_never_makes_another_code(place: prop::sample::Index, change in 1usize..45) {
        let (mut verifier, code) = (verifier(), code_of(1, Profile::Name));
        verdict(&mut verifier, now(), "a", &code);
        let mut text = code.0.clone().into_bytes();
        let place = place.index(text.len());
        let alphabet = base45::alphabet::TABLE;
        let index = alphabet.iter().position(|&character| character == text[place]).unwrap();
        text[place] = alphabet[(index + change) % alphabet.len()];
        let bent = QrText(String::from_utf8(text).unwrap());
        let verdict = verdict(&mut verifier, now(), "b", &bent);
        prop_assert!(matches!(verdict, Verdict::Refused(_)), "{:?}", verdict);
    }

    #[test]
    fn any_text_is_answered(text in ".{0,300}") {
        prop_assert_ne!(reason(&QrText(text)), None);
    }
}
