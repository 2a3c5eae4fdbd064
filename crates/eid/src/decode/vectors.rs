//! The public test vectors of claim 169: what they are to us, and to the implementation they come with.
//!
//! They are in `vectors/claim-169.json`, under the licence beside it.

use claim169_core::Decoder;
use claim169_core::error::Claim169Error as Theirs;
use serde::Deserialize;

use super::*;
use crate::keys::to_hex;

#[derive(Debug, Deserialize)]
struct Vector {
    name: String,
    /// What its authors expect of it.
    kind: Kind,
    text: String,
    alg: Option<Algorithm>,
    /// In hex.
    key: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Valid,
    Expired,
    NotYetValid,
    Base45,
    Compression,
    Cose,
    ClaimMissing,
    Encrypted,
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("../../vectors/claim-169.json")).unwrap()
}

/// Our reason before any key is looked for. Whole tokens of others end at `CoseInvalid` too, but later: they have no
/// `cti`, so that they could be shown again and again.
fn ours(vector: &Vector) -> Option<RefusalReason> {
    decode_code(&vector.text).err()
}

fn theirs(vector: &Vector) -> Option<Theirs> {
    Decoder::new(vector.text.as_str()).allow_unverified().decode().err()
}

#[test]
fn each_vector_is_answered_in_its_class_by_both() {
    for vector in vectors() {
        let (ours, theirs) = (ours(&vector), theirs(&vector));
        let are_of_class = match vector.kind {
            // Their valid ones end on 2027-01-15, and they read the wall's clock.
            Kind::Valid => ours.is_none() && matches!(theirs, None | Some(Theirs::Expired(_))),
            Kind::Expired => ours.is_none() && matches!(theirs, Some(Theirs::Expired(_))),
            Kind::NotYetValid => ours.is_none() && matches!(theirs, Some(Theirs::NotYetValid(_))),
            Kind::Base45 => {
                ours == Some(RefusalReason::QrNotBase45) && matches!(theirs, Some(Theirs::Base45Decode(_)))
            }
            // Since both read tokens that are not compressed, what is no zlib is a broken token.
            Kind::Compression | Kind::Cose => {
                ours == Some(RefusalReason::CoseInvalid)
                    && matches!(theirs, Some(Theirs::CoseParse(_) | Theirs::Decompress(_)))
            }
            Kind::ClaimMissing => ours.is_none() && matches!(theirs, Some(Theirs::Claim169NotFound)),
            // This verifier has no keys to open a token with, and theirs was given none.
            Kind::Encrypted => ours == Some(RefusalReason::CoseInvalid) && theirs.is_some(),
        };
        assert!(are_of_class, "{}: {ours:?}, {theirs:?}", vector.name);
    }
}

#[test]
fn what_the_tokens_claim_is_read_as_it_is_meant() {
    let claim = |name: &str, label: i64| {
        let vector = vectors().into_iter().find(|vector| vector.name == name).unwrap();
        let payload = decode_code(&vector.text).unwrap().payload;
        labelled(from_cbor(&payload).unwrap()).unwrap().remove(&label)
    };
    assert_eq!(claim("missing-169", claim::IDENTITY), None);
    assert_eq!(claim("expired", claim::EXPIRES), Some(1_609_459_200.into()));
    assert_eq!(claim("not-yet-valid", claim::NOT_BEFORE), Some(2_524_608_000_u32.into()));
    let name = |name| {
        let identity = labelled(claim(name, claim::IDENTITY).unwrap()).unwrap();
        Attribute::FullName.worded(&identity[&Attribute::FullName.key()])
    };
    assert_eq!(name("minimal").as_deref(), Some("John Doe"));
    assert_eq!(name("unknown-fields").as_deref(), Some("Unknown Fields Person"));
}

#[test]
fn no_vector_is_a_code_that_lives_for_seconds() {
    for vector in vectors() {
        let claims = decode_code(&vector.text).and_then(|code| code.claims());
        assert!(claims.is_err(), "{}", vector.name);
    }
}

#[test]
fn a_signed_vector_fits_its_own_key_and_no_other() {
    let signed: Vec<_> = vectors().into_iter().filter(|vector| vector.key.is_some()).collect();
    assert_eq!(signed.len(), 2);
    for vector in &signed {
        let code = decode_code(&vector.text).unwrap();
        for other in &signed {
            let key = other.key.as_deref().unwrap();
            let bytes: Vec<u8> = (0..key.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&key[at..at + 2], 16).unwrap())
                .collect();
            assert_eq!(to_hex(&bytes), key);
            let key = VerifyKey::read(other.alg.unwrap(), &bytes).unwrap();
            assert_eq!(code.is_signed_by(&key), vector.name == other.name);
        }
    }
}
