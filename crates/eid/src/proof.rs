//! The holder proof: the rotating part of a phone's code, signed by the phone's own key.
//!
//! It is a countersignature (RFC 9338) in the unprotected header of the credential. Other readers of claim 169 do not
//! look there, so a phone's code is to them what the credential in it is.

use ciborium::Value;
use types::{SECOND_MS, Timestamp};

use crate::challenge::Nonce;
use crate::decode::{DecodedCode, from_cbor, labelled, time};
use crate::encode::put_bytes;
use crate::keys::to_cbor;
use crate::signature::{Algorithm, SecretKey, VerifyKey};

/// How long one proof may be shown \[s\].
pub const PROOF_LIFE_S: i64 = 30;
/// The header parameter of a countersignature (RFC 9338, 3.1).
pub(crate) const HEADER_COUNTERSIGNATURE: i64 = 11;
/// The header parameters of the algorithm, and of CWT claims in a header (RFC 9597).
const HEADER_ALG: i64 = 1;
const HEADER_CLAIMS: i64 = 15;
/// The claims of a proof.
const AUDIENCE: i64 = 3;
const EXPIRES: i64 = 4;
const ISSUED: i64 = 6;
const NONCE: i64 = 7;

/// What a proof says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProofClaims {
    /// For whom, if it answers a challenge.
    pub(crate) audience: Option<String>,
    pub(crate) issued: Timestamp,
    pub(crate) expires: Timestamp,
    /// Its own; or the challenge's, if it answers one.
    pub(crate) nonce: Nonce,
}

/// A proof as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proof {
    protected: Vec<u8>,
    signature: Vec<u8>,
    algorithm: Algorithm,
    pub(crate) claims: ProofClaims,
}

impl Proof {
    /// From the value of header parameter 11. None if it is no countersignature or says something else than this
    /// page: its own unprotected header must be empty, since nobody signs it.
    pub(crate) fn read(countersignature: &Value) -> Option<Self> {
        let [protected, unprotected, signature] = countersignature.as_array()?.as_slice() else {
            return None;
        };
        let protected = protected.as_bytes()?.clone();
        let header = labelled(from_cbor(&protected)?)?;
        if !unprotected.as_map()?.is_empty() || header.len() != 2 {
            return None;
        }
        let algorithm = Algorithm::from_number(header.get(&HEADER_ALG)?.as_integer()?.into())?;
        let claims = ProofClaims::read(header.get(&HEADER_CLAIMS)?.clone())?;
        Some(Self { protected, signature: signature.as_bytes()?.clone(), algorithm, claims })
    }

    /// Whether this key made it for this credential.
    pub(crate) fn is_made_by(&self, key: &VerifyKey, credential: &DecodedCode) -> bool {
        key.algorithm() == self.algorithm
            && key.has_signed(&to_be_signed(credential, &self.protected), &self.signature)
    }
}

impl ProofClaims {
    fn read(claims: Value) -> Option<Self> {
        let claims = labelled(claims)?;
        let audience = match claims.get(&AUDIENCE) {
            Some(audience) => Some(audience.as_text()?.to_owned()),
            None => None,
        };
        let (issued, expires) = (time(claims.get(&ISSUED)?)?, time(claims.get(&EXPIRES)?)?);
        let nonce = Nonce(claims.get(&NONCE)?.as_bytes()?.as_slice().try_into().ok()?);
        Some(Self { audience, issued, expires, nonce })
    }

    /// The protected header of a proof that says this.
    fn to_header(&self, algorithm: Algorithm) -> Vec<u8> {
        let seconds = |at: Timestamp| Value::from(at.as_millis().div_euclid(SECOND_MS));
        let mut claims: Vec<(Value, Value)> = Vec::with_capacity(4);
        claims.extend(self.audience.as_deref().map(|audience| (AUDIENCE.into(), audience.into())));
        claims.push((EXPIRES.into(), seconds(self.expires)));
        claims.push((ISSUED.into(), seconds(self.issued)));
        claims.push((NONCE.into(), Value::Bytes(self.nonce.0.to_vec())));
        to_cbor(&Value::Map(vec![
            (HEADER_ALG.into(), algorithm.number().into()),
            (HEADER_CLAIMS.into(), Value::Map(claims)),
        ]))
    }
}

/// The value of header parameter 11 for this credential.
pub(crate) fn prove(credential: &DecodedCode, claims: &ProofClaims, key: &SecretKey) -> Value {
    let protected = claims.to_header(key.algorithm());
    let signature = key.sign(&to_be_signed(credential, &protected));
    Value::Array(vec![Value::Bytes(protected), Value::Map(vec![]), Value::Bytes(signature.to_vec())])
}

/// The Countersign_structure (RFC 9338, 3.3): the issuer's signature stands within an array of its own.
fn to_be_signed(credential: &DecodedCode, protected: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256 + credential.payload.len());
    bytes.push(0x86);
    bytes.extend(b"\x72CounterSignatureV2");
    put_bytes(&mut bytes, &credential.protected);
    put_bytes(&mut bytes, protected);
    put_bytes(&mut bytes, &[]);
    put_bytes(&mut bytes, &credential.payload);
    bytes.push(0x81);
    put_bytes(&mut bytes, &credential.signature);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protected(entries: Vec<(Value, Value)>) -> Value {
        Value::Bytes(to_cbor(&Value::Map(entries)))
    }

    fn claims(nonce: usize) -> Value {
        Value::Map(vec![
            (EXPIRES.into(), 30.into()),
            (ISSUED.into(), 0.into()),
            (NONCE.into(), Value::Bytes(vec![1; nonce])),
        ])
    }

    fn read(protected: Value, unprotected: Value) -> Option<Proof> {
        Proof::read(&Value::Array(vec![protected, unprotected, Value::Bytes(vec![0; 64])]))
    }

    #[test]
    fn what_is_no_proof_is_not_read() {
        let alg = || (HEADER_ALG.into(), Algorithm::Es256.number().into());
        let good = || protected(vec![alg(), (HEADER_CLAIMS.into(), claims(8))]);
        let empty = || Value::Map(vec![]);
        assert!(read(good(), empty()).is_some());
        for value in [Value::Null, Value::Array(vec![]), Value::Array(vec![good(), empty()])] {
            assert_eq!(Proof::read(&value), None);
        }
        assert_eq!(read(good(), Value::Map(vec![(1.into(), 1.into())])), None, "an unsigned header");
        assert_eq!(read(good(), Value::Array(vec![])), None);
        assert_eq!(read(protected(vec![alg()]), empty()), None, "no claims");
        assert_eq!(read(protected(vec![(HEADER_CLAIMS.into(), claims(8))]), empty()), None, "no algorithm");
        assert_eq!(read(protected(vec![alg(), (HEADER_CLAIMS.into(), claims(7))]), empty()), None, "nonce");
        let hs256 = (HEADER_ALG.into(), 5.into());
        assert_eq!(read(protected(vec![hs256, (HEADER_CLAIMS.into(), claims(8))]), empty()), None);
        let more = vec![alg(), (HEADER_CLAIMS.into(), claims(8)), (2.into(), Value::Array(vec![9.into()]))];
        assert_eq!(read(protected(more), empty()), None, "crit");
    }

    #[test]
    fn what_a_proof_says_is_read_back() {
        for audience in [None, Some("museum".to_owned())] {
            let (issued, expires) = (Timestamp::from_millis(1_000), Timestamp::from_millis(31_000));
            let said = ProofClaims { audience, issued, expires, nonce: Nonce([7; 8]) };
            let proof = read(Value::Bytes(said.to_header(Algorithm::Es256)), Value::Map(vec![])).unwrap();
            assert_eq!((proof.claims, proof.algorithm), (said, Algorithm::Es256));
        }
    }
}
