//! From a resident to the text of a code, in the three steps that a test may take apart.

use ciborium::Value;
use coset::{CoseSign1Builder, HeaderBuilder, TaggedCborSerializable as _, iana};
use ed25519_dalek::{Signer as _, SigningKey};

use crate::QrText;
use crate::keys::{KeyId, to_cbor};
use crate::zlib::deflate;

/// The claims of a code, named by their numbers (RFC 8392 and the IANA registry).
pub(crate) mod claim {
    pub(crate) const ISSUER: i64 = 1;
    pub(crate) const EXPIRES: i64 = 4;
    pub(crate) const NOT_BEFORE: i64 = 5;
    pub(crate) const ISSUED: i64 = 6;
    pub(crate) const CODE_ID: i64 = 7;
    pub(crate) const IDENTITY: i64 = 169;
}

/// What a code says besides the attributes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CodeHead<'a> {
    pub(crate) issuer: &'a str,
    /// \[s since 1970\]
    pub(crate) issued: i64,
    /// \[s since 1970\]
    pub(crate) expires: i64,
    pub(crate) code_id: [u8; 8],
}

/// The CWT claims set with claim 169.
pub(crate) fn claims_set(head: CodeHead<'_>, identity: Value) -> Vec<u8> {
    to_cbor(&Value::Map(vec![
        (claim::ISSUER.into(), head.issuer.into()),
        (claim::EXPIRES.into(), head.expires.into()),
        (claim::ISSUED.into(), head.issued.into()),
        (claim::CODE_ID.into(), Value::Bytes(head.code_id.to_vec())),
        (claim::IDENTITY.into(), identity),
    ]))
}

/// A COSE_Sign1 around a payload: tag 18 (never 61, which some readers refuse), algorithm and key id protected.
pub(crate) fn sign(payload: Vec<u8>, key: &SigningKey, kid: KeyId) -> Vec<u8> {
    let protected = HeaderBuilder::new().algorithm(iana::Algorithm::EdDSA).key_id(kid.to_vec()).build();
    CoseSign1Builder::new()
        .protected(protected)
        .payload(payload)
        .create_signature(&[], |message| key.sign(message).to_bytes().to_vec())
        .build()
        .to_tagged_vec()
        .expect("a header of two members is always encoded")
}

/// The text for the QR symbol. No prefix: readers of claim 169 expect none.
pub(crate) fn pack(cose: &[u8]) -> QrText {
    QrText(base45::encode(deflate(cose)))
}
