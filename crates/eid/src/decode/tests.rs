use proptest::prelude::*;

use super::*;
use crate::encode::pack;
use crate::testing::{Forged, code_of, now};
use crate::{Profile, QrText};

fn reason(text: &str) -> RefusalReason {
    decode_code(text).unwrap_err()
}

fn reason_of(bytes: &[u8]) -> RefusalReason {
    let plain = reason(&base45::encode(bytes));
    assert_eq!(reason(&pack(bytes).0), plain, "zlib makes no difference");
    plain
}

#[test]
fn nothing_is_refused_as_empty() {
    for text in ["", "\r\n", "\n"] {
        assert_eq!(reason(text), RefusalReason::QrEmpty);
    }
}

#[test]
fn a_text_longer_than_any_symbol_is_refused_before_it_is_looked_at() {
    assert_eq!(reason(&"?".repeat(CODE_LEN_MAX + 1)), RefusalReason::QrTooLarge);
    assert_eq!(reason(&"?".repeat(CODE_LEN_MAX)), RefusalReason::QrNotBase45);
}

#[test]
fn what_is_not_base45_is_refused() {
    let code = code_of(1, Profile::Name).0;
    let check = |text: &str| assert_eq!(reason(text), RefusalReason::QrNotBase45, "{text}");
    check(&format!("HC1:{code}{}", if (code.len() + 4) % 3 == 1 { "" } else { "_" }));
    check(&code.to_lowercase());
    check("https://example.org");
    check("A");
    check("维");
    // Over 65535 in three characters, over 255 in two (RFC 9285, 4.2).
    check(":::");
    check("ZZ");
}

#[test]
fn a_broken_zlib_stream_is_refused() {
    let packed = base45::decode(code_of(1, Profile::Name).0).unwrap();
    let check = |bytes: &[u8]| assert_eq!(reason(&base45::encode(bytes)), RefusalReason::QrBadCompression);
    check(&packed[..packed.len() - 1]);
    check(&[&packed[..], b"?"].concat());
    check(&[0x78, 0xda]);
    check(&[0x78, 0xdb, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01]);
}

#[test]
fn a_bomb_is_refused_as_too_large() {
    assert_eq!(reason(&pack(&vec![0; 65_537]).0), RefusalReason::QrTooLarge);
    assert_eq!(reason(&pack(&vec![0; 65_536]).0), RefusalReason::CoseInvalid);
}

#[test]
fn what_is_not_a_cose_sign1_is_refused() {
    let code = Forged::default();
    let cose = code.cose();
    let invalid = RefusalReason::CoseInvalid;
    assert_eq!(reason(&pack(b"").0), invalid);
    assert_eq!(reason_of(b"kite"), invalid);
    assert_eq!(reason_of(&[0xd2]), invalid, "a tag without anything");
    assert_eq!(reason_of(&[&cose[..], &[0]].concat()), invalid, "something behind it");
    assert_eq!(reason_of(&cose[..cose.len() - 1]), invalid, "cut short");
    assert_eq!(reason_of(&[&[0xd8, 61][..], &cose].concat()), invalid, "tag 61 around tag 18");
    assert_eq!(reason_of(&[&[0xd1][..], &cose[1..]].concat()), invalid, "tag 17, a MAC");
    assert_eq!(reason_of(&[&[0xd2, 0x83][..], &cose[2..]].concat()), invalid, "an array of three");
    assert_eq!(reason_of(&Forged { payload: None, ..code.clone() }.cose()), invalid, "detached");
}

#[test]
fn nesting_past_the_limit_is_refused_and_harms_nobody() {
    for depth in [NESTING_MAX, 200, 60_000] {
        let refused = |bytes: &[u8]| assert_eq!(reason(&pack(bytes).0), RefusalReason::CoseInvalid);
        refused(&vec![0x81; depth]);
        refused(&vec![0xd2; depth]);
        refused(&Forged { protected: vec![0x81; depth], ..Forged::default() }.cose());
    }
}

#[test]
fn a_header_without_algorithm_with_crit_or_with_a_label_twice_is_refused() {
    let kid = Value::Bytes(vec![1; 8]);
    let check = |entries: Vec<(i64, Value)>| {
        let code = Forged::default().with_protected(entries);
        assert_eq!(reason_of(&code.cose()), RefusalReason::CoseInvalid);
    };
    check(vec![(4, kid.clone())]);
    check(vec![(1, Value::Null), (4, kid.clone())]);
    check(vec![(1, (-8).into()), (2, Value::Array(vec![99.into()])), (4, kid.clone())]);
    check(vec![(1, (-8).into()), (1, (-8).into()), (4, kid)]);
    check(vec![(1, (-8).into()), (4, "text".into())]);
    let code = Forged { protected: vec![], ..Forged::default() };
    assert_eq!(reason_of(&code.cose()), RefusalReason::CoseInvalid, "an empty header");
}

#[test]
fn an_algorithm_outside_the_protected_header_does_not_count() {
    let mut code = Forged::default().with_protected(vec![(4, Value::Bytes(vec![1; 8]))]);
    code.unprotected.push((1.into(), (-8).into()));
    assert_eq!(reason_of(&code.cose()), RefusalReason::CoseInvalid);
}

#[test]
fn other_algorithms_are_refused() {
    // HMAC 256/256, ES384, RS256, Ed448, and `none` as people write it.
    let algorithms = [5.into(), (-35).into(), (-257).into(), (-53).into(), "none".into()];
    for alg in algorithms {
        let code = Forged::default().with_protected(vec![(1, alg), (4, Value::Bytes(vec![1; 8]))]);
        assert_eq!(reason_of(&code.cose()), RefusalReason::AlgNotAllowed);
    }
}

#[test]
fn a_payload_that_is_no_claims_set_or_lacks_a_time_or_an_id_is_refused() {
    let check = |payload: &[u8]| {
        let code = Forged { payload: Some(payload.to_vec()), ..Forged::default() };
        let decoded = decode_code(&code.text().0).unwrap();
        assert_eq!(decoded.claims(), Err(RefusalReason::CoseInvalid));
    };
    check(b"");
    check(b"{}");
    check(&[0xa0]);
    check(&[0x80]);
    check(&vec![0x81; 2_000]);
    for label in [claim::EXPIRES, claim::ISSUED, claim::CODE_ID] {
        check(&Forged::claims_without(label));
        check(&Forged::claims_with(label, "text".into()));
    }
    for seconds in [i64::MAX, i64::MIN] {
        check(&Forged::claims_with(claim::EXPIRES, seconds.into()));
    }
    check(&Forged::claims_with(claim::NOT_BEFORE, "text".into()));
    check(&Forged::claims_with(claim::CODE_ID, Value::Bytes(vec![])));
    check(&Forged::claims_with(claim::CODE_ID, Value::Bytes(vec![0; 65])));
}

#[test]
fn tagged_or_not_compressed_or_not_and_with_either_kid_it_is_the_same_code() {
    let tagged = Forged::default();
    let expected = decode_code(&tagged.text().0).unwrap();
    let untagged = Forged { tagged: false, ..tagged.clone() };
    assert_eq!(decode_code(&untagged.text().0), Ok(expected.clone()));
    assert_eq!(decode_code(&base45::encode(tagged.cose())), Ok(expected.clone()));
    assert_eq!(decode_code(&base45::encode(untagged.cose())), Ok(expected.clone()));
    assert_eq!(decode_code(&format!("{}\r\n", tagged.text().0)), Ok(expected.clone()));

    let mut unprotected = Forged::default().with_protected(vec![(1, (-8).into())]);
    unprotected.unprotected.push((4.into(), Value::Bytes(expected.kid().unwrap().to_vec())));
    let decoded = decode_code(&unprotected.text().0).unwrap();
    assert_eq!(decoded.kid(), expected.kid());
    assert_eq!(decoded.claims(), expected.claims());
}

#[test]
fn an_indefinite_array_and_unknown_headers_are_read() {
    let cose = Forged::default().cose();
    let indefinite = [&[0xd2, 0x9f], &cose[2..], &[0xff]].concat();
    assert!(decode_code(&pack(&indefinite).0).is_ok());
    let mut more = Forged::default();
    more.unprotected.extend([(11.into(), Value::Array(vec![])), ("x".into(), Value::Null)]);
    assert!(decode_code(&more.text().0).is_ok());
}

#[test]
fn the_claims_of_an_issued_code_are_read() {
    let claims = decode_code(&code_of(1, Profile::Name).0).unwrap().claims().unwrap();
    assert_eq!((claims.issued, claims.valid_from, claims.expires), (now(), now(), now().plus_millis(60_000)));
    assert_eq!(claims.code_id.len(), 8);
    assert_eq!(claims.identity.unwrap().resident, ResidentId(1));
}

#[test]
fn debug_hides_what_is_inside() {
    let decoded = decode_code(&code_of(1, Profile::Full).0).unwrap();
    assert_eq!(format!("{decoded:?}"), "DecodedCode(hidden)");
    let shown = format!("{:?}", decoded.claims().unwrap());
    assert!(shown.starts_with("Claims(Some(Identity(r-0001, hidden)), until "), "{shown}");
    assert_eq!(format!("{:?}", QrText("12".into())), "QrText(2 characters)");
}

proptest! {
    #[test]
    fn any_text_is_answered(text in ".{0,200}") {
        let _ = decode_code(&text);
    }

    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for text in [base45::encode(&bytes), pack(&bytes).0] {
            let _ = decode_code(&text);
        }
        for code in [
            Forged { protected: bytes.clone(), ..Forged::default() },
            Forged { payload: Some(bytes), ..Forged::default() },
        ] {
            let _ = decode_code(&code.text().0).map(|decoded| decoded.claims());
        }
    }
}
