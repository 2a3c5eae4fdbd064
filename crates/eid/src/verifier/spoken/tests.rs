use types::{Core, ResidentId, SECOND_MS};

use super::super::Input;
use super::*;
use crate::decode::DecodedCode;
use crate::encode::{pack, sign1};
use crate::signature::SecretKey;
use crate::testing::{
    code_of, credential, key_set, now, phone_code, proof_claims, reply_to, root, shown, signed,
};
use crate::verifier::Output;
use crate::{Algorithm, Demand, HolderRequest, KeyState, Profile, Readers, Verdict, VerifyRequest};

const HOLDER: ResidentId = ResidentId(1);

fn verifier() -> Verifier {
    let mut verifier = Verifier::new(root()).with_readers(Readers::presets());
    verifier.adopt(now(), &key_set()).unwrap();
    verifier
}

fn hand_in(verifier: &mut Verifier, path: &str, resident: ResidentId, code: QrText) -> HolderReply {
    let request = HolderRequest::Speak { resident, code };
    let mut out = Vec::new();
    verifier.handle(now(), Input::Holder { from: reply_to(path), request }, &mut out);
    match out.pop() {
        Some(Output::HolderReply { reply, .. }) => reply,
        other => panic!("{other:?}"),
    }
}

fn digits(verifier: &mut Verifier, code: QrText) -> (SpokenCode, Timestamp) {
    match hand_in(verifier, "phone", HOLDER, code) {
        HolderReply::Spoken { spoken, expires } => (spoken, expires),
        other => panic!("{other:?}"),
    }
}

/// The verdict on what this reader was told, asked from this place.
fn said(verifier: &mut Verifier, now: Timestamp, (reader, path): (&str, &str), text: &str) -> Verdict {
    let code = QrText(text.to_owned());
    let request = VerifyRequest {
        code,
        verifier: reader.parse().unwrap(),
        reference: String::new(),
        demand: Demand::default(),
    };
    let mut out = Vec::new();
    verifier.handle(now, Input::Verify { from: reply_to(path), request }, &mut out);
    match out.swap_remove(0) {
        Output::Verdict { verdict, .. } => verdict,
        other => panic!("{other:?}"),
    }
}

fn reason(verdict: &Verdict) -> Option<RefusalReason> {
    match verdict {
        Verdict::Accepted { .. } => None,
        Verdict::Refused(refusal) => Some(refusal.reason),
    }
}

fn reason_at(
    verifier: &mut Verifier,
    at: Timestamp,
    reader: &str,
    spoken: SpokenCode,
) -> Option<RefusalReason> {
    reason(&said(verifier, at, (reader, "a"), &spoken.to_string()))
}

/// Digits that are nobody's.
fn wrong(spoken: SpokenCode) -> String {
    let other = if spoken.to_string() == "00000000" { "00000001" } else { "00000000" };
    other.to_owned()
}

#[test]
fn digits_that_nobody_has_are_unknown() {
    let mut verifier = verifier();
    assert_eq!(
        reason(&said(&mut verifier, now(), ("bus", "a"), "12345678")),
        Some(RefusalReason::SpokenUnknown)
    );
}

#[test]
fn who_guesses_is_stopped_and_a_right_number_does_not_help_then() {
    let mut verifier = verifier();
    let (spoken, _) = digits(&mut verifier, code_of(1, Profile::Name));
    for _ in 0..WRONG_A_READER_MAX {
        let verdict = said(&mut verifier, now(), ("clinic-counter", "a"), &wrong(spoken));
        assert_eq!(reason(&verdict), Some(RefusalReason::SpokenUnknown));
    }
    let Verdict::Refused(refusal) = said(&mut verifier, now(), ("clinic-counter", "a"), &spoken.to_string())
    else {
        panic!("it waits")
    };
    assert_eq!(
        (refusal.reason, refusal.retry_at),
        (RefusalReason::RateLimited, Some(now().plus_millis(MINUTE_MS)))
    );
    let scanned = said(&mut verifier, now(), ("clinic-counter", "b"), &code_of(2, Profile::Name).0);
    assert_eq!(reason(&scanned), None, "a code that is scanned is no guess");
    assert_eq!(
        reason_at(&mut verifier, now(), "hospital", spoken),
        None,
        "nor is that reader's fault another's"
    );
}

#[test]
fn who_guesses_under_many_names_is_stopped_too() {
    let mut verifier = verifier();
    let (spoken, _) = digits(&mut verifier, code_of(1, Profile::Name));
    for n in 0..WRONG_MAX {
        said(&mut verifier, now(), (&format!("desk-{n}"), "a"), &wrong(spoken));
    }
    assert_eq!(reason_at(&mut verifier, now(), "hospital", spoken), Some(RefusalReason::RateLimited));
    let later = now().plus_millis(MINUTE_MS);
    assert_eq!(reason_at(&mut verifier, later, "hospital", spoken), None, "a minute later all is well");
}

#[test]
fn digits_are_over_when_their_code_is_and_forgotten_a_minute_later() {
    let mut verifier = verifier();
    let (spoken, expires) = digits(&mut verifier, code_of(1, Profile::Name));
    assert_eq!(expires, now().plus_millis(SPOKEN_LIFE_MS));
    let late = expires.plus_millis(SKEW_MS);
    assert_eq!(reason_at(&mut verifier, late, "hospital", spoken), Some(RefusalReason::TokenExpired));
    let forgotten = expires.plus_millis(REMEMBERED_MS);
    assert_eq!(reason_at(&mut verifier, forgotten, "hospital", spoken), Some(RefusalReason::SpokenUnknown));
    assert_eq!((verifier.spoken.all.len(), verifier.spoken.leaving.len()), (0, 0));
}

#[test]
fn a_phones_proof_makes_digits_live_no_longer() {
    let mut verifier = verifier();
    let (spoken, expires) = digits(&mut verifier, phone_code());
    assert_eq!(expires, now().plus_millis(30 * SECOND_MS));
    let late = expires.plus_millis(SKEW_MS);
    assert_eq!(reason_at(&mut verifier, late, "hospital", spoken), Some(RefusalReason::TokenExpired));
}

#[test]
fn digits_are_good_once_whichever_way_the_code_is_shown() {
    let mut verifier = verifier();
    let code = code_of(1, Profile::Name);
    let (spoken, _) = digits(&mut verifier, code.clone());
    let first = said(&mut verifier, now(), ("hospital", "a"), &spoken.to_string());
    assert_eq!(reason(&first), None);
    assert_eq!(
        said(&mut verifier, now(), ("hospital", "a"), &spoken.to_string()),
        first,
        "the same question"
    );
    for text in [spoken.to_string(), code.0] {
        let again = said(&mut verifier, now(), ("hospital", "b"), &text);
        let Verdict::Refused(refusal) = again else { panic!("{text} is used") };
        assert_eq!((refusal.reason, refusal.first_seen), (RefusalReason::TokenReplayed, Some(now())));
    }
}

#[test]
fn digits_are_judged_by_what_the_reader_may_ask_and_how_sure_it_wants_to_be() {
    for (reader, expected) in [
        ("bus", RefusalReason::ScopeNotGranted),
        ("school-gate", RefusalReason::HolderProofMissing),
        ("museum", RefusalReason::HolderProofMissing),
    ] {
        let mut verifier = self::verifier();
        let (spoken, _) = digits(&mut verifier, code_of(1, Profile::Name));
        assert_eq!(reason_at(&mut verifier, now(), reader, spoken), Some(expected), "{reader}");
    }
    let mut verifier = self::verifier();
    let (spoken, _) = digits(&mut verifier, phone_code());
    assert_eq!(reason_at(&mut verifier, now(), "museum", spoken), Some(RefusalReason::AudienceMismatch));
    assert_eq!(reason_at(&mut verifier, now(), "school-gate", spoken), None, "a phone's proof is there");
}

#[test]
fn digits_are_worth_no_more_than_the_key_that_signed_their_code() {
    let mut verifier = verifier();
    let (spoken, _) = digits(&mut verifier, code_of(1, Profile::Name));
    let mut set = key_set();
    (set.version, set.keys[0].state) = (2, KeyState::Compromised);
    verifier.adopt(now(), &signed(set)).unwrap();
    assert_eq!(reason_at(&mut verifier, now(), "hospital", spoken), Some(RefusalReason::IssuerKeyRevoked));
}

#[test]
fn what_could_never_pass_gets_no_digits() {
    let bare = |code: &DecodedCode| {
        let (payload, signature) = (code.payload.clone(), code.signature.clone());
        pack(&sign1(code.protected.clone(), Vec::new(), payload, signature))
    };
    let card = bare(&credential(|head, _| head.phone = None));
    let other = SecretKey::from_seed(Algorithm::Es256, [8; 32]);
    let stolen = shown(&credential(|_, _| {}), &proof_claims(), &other);
    let no_proof = bare(&credential(|_, _| {}));
    for (code, expected) in [
        (QrText("12345678".into()), RefusalReason::QrNotBase45),
        (QrText(String::new()), RefusalReason::QrEmpty),
        (code_of(2, Profile::Name), RefusalReason::HolderProofInvalid),
        (stolen, RefusalReason::HolderProofInvalid),
        (card, RefusalReason::HolderProofMissing),
        (no_proof, RefusalReason::HolderProofMissing),
    ] {
        let reply = hand_in(&mut verifier(), "phone", HOLDER, code);
        assert_eq!(reply, HolderReply::Refused(expected.into()));
    }
}

#[test]
fn a_holder_who_asks_too_often_waits_and_a_repeated_question_is_none() {
    let mut verifier = verifier();
    let first = hand_in(&mut verifier, "0", HOLDER, code_of(1, Profile::Name));
    assert_eq!(hand_in(&mut verifier, "0", HOLDER, code_of(1, Profile::Age)), first);
    for n in 1..ASKED_A_RESIDENT_MAX {
        let reply = hand_in(&mut verifier, &n.to_string(), HOLDER, code_of(1, Profile::Name));
        assert!(matches!(reply, HolderReply::Spoken { .. }) && reply != first, "{reply:?}");
    }
    let reply = hand_in(&mut verifier, "x", HOLDER, code_of(1, Profile::Name));
    assert_eq!(reply, HolderReply::Refused(RefusalReason::RateLimited.into()));
}

#[test]
fn no_more_digits_are_given_out_than_there_is_room_for() {
    let mut spoken = Spoken::default();
    let key = PseudonymKey::open(&root());
    let one =
        |n: usize| HandedIn { from: reply_to(&n.to_string()), code: QrText(String::new()), expires: now() };
    for n in 0..SPOKEN_MAX {
        spoken.take_in(now(), &key, ResidentId(n as u32), one(n)).unwrap();
    }
    assert_eq!(spoken.all.len(), SPOKEN_MAX, "no two are the same");
    let refused = spoken.take_in(now(), &key, ResidentId(0), one(SPOKEN_MAX));
    assert_eq!(refused, Err(RefusalReason::RateLimited));
}
