//! Our codes in an independent implementation of claim 169, and its codes in ours.
//!
//! The signature is checked by the key's own library in both: what is compared is the format.

use crate::town::{PROFILES, displayed, issuer_with, noon, reply_to, resident};
use claim169_core::error::{Claim169Error, CryptoError, CryptoResult};
use claim169_core::{Claim169, CwtMeta, Decoder, Encoder, SignatureVerifier, Signer};
use coset::iana::Algorithm;
use ed25519_dalek::{Signature, Signer as _, SigningKey};
use eid::{
    BirthDate, Demand, Profile, QrText, RefusalReason, Verifier, VerifyRequest, decode_code, verifier,
};
use types::{Core, ResidentId};

/// The seed that the issuer of these tests has.
pub(crate) fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

pub(crate) struct IssuerKey;

impl SignatureVerifier for IssuerKey {
    fn verify(&self, alg: Algorithm, _kid: Option<&[u8]>, data: &[u8], signature: &[u8]) -> CryptoResult<()> {
        if alg != Algorithm::EdDSA {
            return Err(CryptoError::UnsupportedAlgorithm(format!("{alg:?}")));
        }
        let signature = Signature::from_slice(signature).map_err(|_| CryptoError::VerificationFailed)?;
        key().verifying_key().verify_strict(data, &signature).map_err(|_| CryptoError::VerificationFailed)
    }
}

impl Signer for IssuerKey {
    fn sign(&self, _alg: Algorithm, _kid: Option<&[u8]>, data: &[u8]) -> CryptoResult<Vec<u8>> {
        Ok(key().sign(data).to_bytes().to_vec())
    }
}

/// The other implementation reads the wall clock; the tests of time are ours alone.
fn decoder(code: &QrText) -> Decoder {
    Decoder::new(code.0.as_str()).verify_with(IssuerKey).without_timestamp_validation()
}

#[test]
fn a_tampered_code_is_refused_by_the_other_reader_too() {
    let code = displayed(&mut issuer_with(1), noon(), ResidentId(0), Profile::Name);
    let mut packed = base45::decode(&code.0).unwrap();
    let last = packed.len() - 1;
    packed[last] ^= 1;
    let bent = QrText(base45::encode(&packed));
    assert_eq!(decode_code(&bent.0), Err(RefusalReason::QrBadCompression));
    assert!(matches!(decoder(&bent).decode(), Err(Claim169Error::Decompress(_))));
}

#[test]
fn the_other_reader_reads_every_profile_as_we_mean_it() {
    let mut issuer = issuer_with(20);
    for n in 0..20 {
        let known = resident(n);
        for profile in PROFILES {
            let code = displayed(&mut issuer, noon(), known.id, profile);
            let read = decoder(&code).strict_compression().decode().unwrap();
            let claim = read.claim169;
            assert_eq!(claim.id, Some(known.id.to_string()));
            assert_eq!(read.cwt_meta.issuer.as_deref(), Some("kitecity"));
            assert_eq!(read.cwt_meta.expires_at, Some(noon().as_millis() / 1_000 + 60));
            let named = matches!(profile, Profile::Name | Profile::Full | Profile::Photo);
            assert_eq!(claim.full_name, named.then_some(known.name_zh.clone()));
            assert_eq!(claim.date_of_birth, named.then(|| known.birth.to_yyyymmdd()));
            assert_eq!(claim.gender.is_some(), named);
            let full = profile == Profile::Full;
            assert_eq!(claim.address, full.then_some(known.address.clone()));
            assert_eq!(claim.secondary_full_name, full.then_some(known.name_en.clone()));
            assert_eq!(claim.location_code.as_deref(), full.then_some("370705"));
            let photo = claim.photo.as_deref().map(|photo| photo.starts_with(b"RIFF"));
            assert_eq!(photo, (profile == Profile::Photo).then_some(true));
            assert_eq!(claim.photo_format.map(i64::from), (profile == Profile::Photo).then_some(4));
            let adult = known.birth <= BirthDate::new(2008, 4, 18).unwrap();
            let over_18 = claim.unknown_fields.get(&75).map(|value| value.as_bool().unwrap());
            assert_eq!(over_18, (profile == Profile::Age).then_some(adult));
        }
    }
}

#[test]
fn we_take_the_other_issuers_code_apart_and_miss_its_code_id() {
    let at = noon().as_millis() / 1_000;
    let meta = CwtMeta::new().with_issuer("other").with_issued_at(at).with_expires_at(at + 60);
    let claim = Claim169::minimal("r-0001", "Wang Xiaoming");
    let encoded = Encoder::new(claim, meta).sign_with(IssuerKey, Algorithm::EdDSA).encode().unwrap();
    let code = decode_code(&encoded.qr_data).unwrap();
    // It has no `cti`: such a code lives for long and may be shown again, which is not what this verifier is for.
    assert_eq!(code.claims(), Err(RefusalReason::CoseInvalid));

    // And it names no key.
    let mut issuer = issuer_with(0);
    let mut verifier = Verifier::new(issuer.root());
    verifier.handle(noon(), verifier::Input::Keys(issuer.key_set(noon())), &mut Vec::new());
    let code = QrText(encoded.qr_data);
    let request = VerifyRequest {
        code,
        verifier: "kiosk".parse().unwrap(),
        reference: String::new(),
        demand: Demand::default(),
    };
    let mut out = Vec::new();
    verifier.handle(noon(), verifier::Input::Verify { from: reply_to(0), request }, &mut out);
    let verifier::Output::Verdict { verdict, .. } = &out[0] else { panic!("{out:?}") };
    assert_eq!(
        format!("{verdict:?}"),
        "Refused(Refusal { reason: IssuerUnknown, first_seen: None, retry_at: None })"
    );
}
