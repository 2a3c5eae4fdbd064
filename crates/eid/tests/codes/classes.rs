//! What is wrong with a code, in our words and in those of another implementation.

use ciborium::Value;
use claim169_core::error::{Claim169Error, CryptoError, CryptoResult};
use claim169_core::{Decoder, SignatureVerifier};
use coset::iana::Algorithm;
use eid::{Algorithm as Ours, Profile, QrText, RefusalReason, Verifier, verifier};
use p256::ecdsa::signature::Verifier as _;
use types::{Core, ResidentId};

use crate::other_readers::{IssuerKey, key};
use crate::phones::displayed_by_phone;
use crate::pictures::{reason_of, verify};
use crate::town::{PROFILES, displayed, issuer_signing_with, issuer_with, noon};

fn ours(code: &str) -> Option<RefusalReason> {
    let mut issuer = issuer_with(1);
    let mut verifier = Verifier::new(issuer.root());
    verifier.handle(noon(), verifier::Input::Keys(issuer.key_set(noon())), &mut Vec::new());
    reason_of(&verify(&mut verifier, noon(), code, 0))
}

fn theirs(code: &str) -> Option<Claim169Error> {
    Decoder::new(code).verify_with(IssuerKey).without_timestamp_validation().decode().err()
}

/// A COSE_Sign1 with this header and payload, signed by the issuer, zlibbed by somebody else.
fn forged(header: &Value, payload: &Value) -> String {
    let bytes = |value: &Value| {
        let mut bytes = Vec::new();
        ciborium::into_writer(value, &mut bytes).unwrap();
        bytes
    };
    let (header, payload) = (Value::Bytes(bytes(header)), Value::Bytes(bytes(payload)));
    let empty = Value::Bytes(vec![]);
    let signed = Value::Array(vec!["Signature1".into(), header.clone(), empty, payload.clone()]);
    let signature = ed25519_dalek::Signer::sign(&key(), &bytes(&signed)).to_bytes().to_vec();
    let parts = vec![header, Value::Map(vec![]), payload, Value::Bytes(signature)];
    packed(&bytes(&Value::Tag(18, Box::new(Value::Array(parts)))))
}

fn packed(bytes: &[u8]) -> String {
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut zlib, bytes).unwrap();
    base45::encode(zlib.finish().unwrap())
}

fn header(alg: i64) -> Value {
    let kid = hex(&issuer_with(0).key_set(noon()).keys[0].kid);
    Value::Map(vec![(1.into(), alg.into()), (4.into(), Value::Bytes(kid))])
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn claims(with_identity: bool) -> Value {
    let at = noon().as_millis() / 1_000;
    let mut claims: Vec<(Value, Value)> =
        vec![(4.into(), (at + 60).into()), (6.into(), at.into()), (7.into(), Value::Bytes(vec![1; 8]))];
    if with_identity {
        claims.push((169.into(), Value::Map(vec![(1.into(), "r-0001".into()), (4.into(), "Li Na".into())])));
    }
    Value::Map(claims)
}

/// A case by its number in the domain notes, our reason, and whether their error is of the class that belongs to it.
type Row = (u8, String, RefusalReason, fn(&Claim169Error) -> bool);

#[test]
fn both_refuse_what_is_broken_and_for_the_same_reason() {
    use Claim169Error as E;
    use RefusalReason as R;
    let good = displayed(&mut issuer_with(1), noon(), ResidentId(0), Profile::Name).0;
    let mut zlib = base45::decode(&good).unwrap();
    let last = zlib.len() - 1;
    zlib[last] ^= 1;
    let mut bent = Vec::new();
    let packed_good = base45::decode(&good).unwrap();
    let inflater = flate2::read::ZlibDecoder::new(&packed_good[..]);
    std::io::Read::read_to_end(&mut { inflater }, &mut bent).unwrap();
    let place = bent.len() - 80;
    bent[place] ^= 1;
    let rows: Vec<Row> = vec![
        (1, good.to_lowercase(), R::QrNotBase45, |error| matches!(error, E::Base45Decode(_))),
        (2, base45::encode(zlib), R::QrBadCompression, |error| matches!(error, E::Decompress(_))),
        (3, packed(&vec![0; 70_000]), R::QrTooLarge, |error| {
            matches!(error, E::DecompressLimitExceeded { max_bytes: 65_536 } | E::Decompress(_))
        }),
        (4, packed(b"kite"), R::CoseInvalid, |error| {
            matches!(error, E::CoseParse(_) | E::UnsupportedCoseType(_))
        }),
        (5, forged(&header(5), &claims(true)), R::AlgNotAllowed, |error| {
            matches!(error, E::UnsupportedAlgorithm(_) | E::CoseParse(_) | E::Crypto(_))
        }),
        (7, packed(&bent), R::SignatureInvalid, |error| matches!(error, E::SignatureInvalid(_))),
        (11, forged(&header(-8), &claims(false)), R::ClaimMissing, |error| {
            matches!(error, E::Claim169NotFound)
        }),
    ];
    for (number, code, expected, is_of_class) in rows {
        assert_eq!(ours(&code), Some(expected), "case {number}");
        let theirs = theirs(&code).unwrap_or_else(|| panic!("case {number} is accepted by the other reader"));
        assert!(is_of_class(&theirs), "case {number}: {theirs:?}");
    }
    let good = forged(&header(-8), &claims(true));
    assert_eq!(ours(&good), None, "what was forged without a fault is good");
    assert!(theirs(&good).is_none());
}

/// Case 9, by the wall clock that the other reader has.
#[test]
fn both_find_a_code_of_long_ago_expired() {
    let code =
        displayed(&mut issuer_with(1), noon().plus_millis(-400 * types::DAY_MS), ResidentId(0), Profile::Age);
    let theirs = Decoder::new(code.0.as_str()).verify_with(IssuerKey).decode().unwrap_err();
    assert!(matches!(theirs, Claim169Error::Expired(_)), "{theirs:?}");
    assert_eq!(ours(&code.0), Some(RefusalReason::TokenExpired));
}

struct Es256Key(p256::ecdsa::VerifyingKey);

impl SignatureVerifier for Es256Key {
    fn verify(&self, alg: Algorithm, _kid: Option<&[u8]>, data: &[u8], signature: &[u8]) -> CryptoResult<()> {
        assert_eq!(alg, Algorithm::ES256);
        let signature = p256::ecdsa::Signature::from_slice(signature);
        let signature = signature.map_err(|_| CryptoError::VerificationFailed)?;
        self.0.verify(data, &signature).map_err(|_| CryptoError::VerificationFailed)
    }
}

#[test]
fn an_issuer_that_signs_with_es256_is_read_by_both() {
    let mut issuer = issuer_signing_with(Ours::Es256, PROFILES.len() as u32);
    let set = issuer.key_set(noon());
    let point = hex(&set.keys[0].key);
    let mut verifier = Verifier::new(issuer.root());
    verifier.handle(noon(), verifier::Input::Keys(set), &mut Vec::new());
    for (n, profile) in (0..).zip(PROFILES) {
        let resident = ResidentId(n);
        let codes: [QrText; 2] = [
            displayed(&mut issuer, noon(), resident, profile),
            displayed_by_phone(&mut issuer, noon(), resident, profile).1,
        ];
        for (at, code) in (0..).zip(codes) {
            let key = Es256Key(p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).unwrap());
            let decoder = Decoder::new(code.0.as_str()).verify_with(key).without_timestamp_validation();
            assert_eq!(decoder.decode().unwrap().claim169.id, Some(resident.to_string()));
            assert_eq!(reason_of(&verify(&mut verifier, noon(), &code.0, 2 * n + at)), None);
        }
    }
}
