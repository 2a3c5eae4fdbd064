//! From a resident to the text of a code, in the three steps that a test may take apart.

use ciborium::Value;

use crate::QrText;
use crate::keys::{KeyId, to_cbor};
use crate::signature::{SecretKey, VerifyKey};
use crate::status::StatusRef;
use crate::zlib::deflate;

/// The claims of a code, named by their numbers (RFC 8392 and the IANA registry).
pub(crate) mod claim {
    pub(crate) const ISSUER: i64 = 1;
    pub(crate) const EXPIRES: i64 = 4;
    pub(crate) const NOT_BEFORE: i64 = 5;
    pub(crate) const ISSUED: i64 = 6;
    pub(crate) const CODE_ID: i64 = 7;
    pub(crate) const CONFIRMATION: i64 = 8;
    pub(crate) const IDENTITY: i64 = 169;
    pub(crate) const STATUS: i64 = 65_535;
}

/// What a code says besides the attributes.
#[derive(Clone, Debug)]
pub(crate) struct CodeHead<'a> {
    pub(crate) issuer: &'a str,
    /// \[s since 1970\]
    pub(crate) issued: i64,
    /// \[s since 1970\]
    pub(crate) expires: i64,
    pub(crate) code_id: [u8; 8],
    /// The key of the phone it is bound to (`cnf`, RFC 8747).
    pub(crate) phone: Option<&'a VerifyKey>,
    /// Where its status is told, if it lives long.
    pub(crate) status: Option<StatusRef>,
}

/// The CWT claims set with claim 169.
pub(crate) fn claims_set(head: &CodeHead<'_>, identity: Value) -> Vec<u8> {
    let mut claims: Vec<(Value, Value)> = vec![
        (claim::ISSUER.into(), head.issuer.into()),
        (claim::EXPIRES.into(), head.expires.into()),
        (claim::ISSUED.into(), head.issued.into()),
        (claim::CODE_ID.into(), Value::Bytes(head.code_id.to_vec())),
    ];
    let confirmation = |key: &VerifyKey| Value::Map(vec![(1.into(), key.to_cose_key())]);
    claims.extend(head.phone.map(|key| (claim::CONFIRMATION.into(), confirmation(key))));
    claims.push((claim::IDENTITY.into(), identity));
    claims.extend(head.status.as_ref().map(|status| (claim::STATUS.into(), status.to_value())));
    to_cbor(&Value::Map(claims))
}

/// A COSE_Sign1 around a payload: tag 18 (never 61, which some readers refuse), algorithm and key id protected.
pub(crate) fn sign(payload: Vec<u8>, key: &SecretKey, kid: KeyId) -> Vec<u8> {
    sign_typed(payload, key, kid, None)
}

/// The same with a media type (`typ`, RFC 9596).
pub(crate) fn sign_typed(payload: Vec<u8>, key: &SecretKey, kid: KeyId, typ: Option<&str>) -> Vec<u8> {
    let mut header: Vec<(Value, Value)> = vec![
        (header::ALG.into(), key.algorithm().number().into()),
        (header::KID.into(), Value::Bytes(kid.to_vec())),
    ];
    header.extend(typ.map(|typ| (header::TYPE.into(), typ.into())));
    let protected = to_cbor(&Value::Map(header));
    let signature = key.sign(&to_be_signed(&protected, &payload));
    sign1(protected, vec![], payload, signature.to_vec())
}

/// Parameters of a COSE header (RFC 9052, 3.1).
pub(crate) mod header {
    pub(crate) const ALG: i64 = 1;
    pub(crate) const CRIT: i64 = 2;
    pub(crate) const KID: i64 = 4;
    pub(crate) const TYPE: i64 = 16;
}

/// The CBOR tag of a COSE_Sign1 (RFC 9052, 4.2).
pub(crate) const TAG_COSE_SIGN1: u64 = 18;

/// A COSE_Sign1 of its four parts (RFC 9052, 4.2).
pub(crate) fn sign1(
    protected: Vec<u8>,
    unprotected: Vec<(Value, Value)>,
    payload: Vec<u8>,
    signature: Vec<u8>,
) -> Vec<u8> {
    let parts = vec![
        Value::Bytes(protected),
        Value::Map(unprotected),
        Value::Bytes(payload),
        Value::Bytes(signature),
    ];
    to_cbor(&Value::Tag(TAG_COSE_SIGN1, Box::new(Value::Array(parts))))
}

/// The Sig_structure (RFC 9052, 4.4), written out: it is made twice for every code that is checked.
pub(crate) fn to_be_signed(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(32 + protected.len() + payload.len());
    bytes.push(0x84);
    bytes.extend(b"\x6aSignature1");
    put_bytes(&mut bytes, protected);
    put_bytes(&mut bytes, &[]);
    put_bytes(&mut bytes, payload);
    bytes
}

/// A CBOR byte string with the shortest head (RFC 8949, 3).
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    match bytes.len() {
        len @ 0..24 => out.push(0x40 | len as u8),
        len @ 24..256 => out.extend([0x58, len as u8]),
        len @ 256..65_536 => {
            out.push(0x59);
            out.extend((len as u16).to_be_bytes());
        }
        len => {
            out.push(0x5a);
            out.extend((len as u32).to_be_bytes());
        }
    }
    out.extend(bytes);
}

/// The text for the QR symbol. No prefix: readers of claim 169 expect none.
pub(crate) fn pack(cose: &[u8]) -> QrText {
    QrText(base45::encode(deflate(cose)))
}
