use std::collections::BTreeMap;
use std::fmt;

use ciborium::Value;
use coset::{ProtectedHeader, SignatureContext, sig_structure_data};
use ed25519_dalek::{Signature, VerifyingKey};
use types::{ResidentId, SECOND_MS, Timestamp};

use crate::encode::claim;
use crate::zlib::{inflate, starts_zlib};
use crate::{Attribute, RefusalReason};

/// What the largest QR symbol holds (version 40, level L, alphanumeric) \[characters\].
const CODE_LEN_MAX: usize = 4_296;
/// How deep the CBOR of a code may be nested. Claim 169 with biometrics needs 5.
const NESTING_MAX: usize = 16;
/// The CBOR tag of a COSE_Sign1 (RFC 9052, 4.2).
const TAG_COSE_SIGN1: u64 = 18;
/// COSE header parameters (RFC 9052, 3.1).
const HEADER_ALG: i64 = 1;
const HEADER_CRIT: i64 = 2;
const HEADER_KID: i64 = 4;
/// The only algorithm allowed so far. ES256 (-7) follows with keys of phones.
const ALG_EDDSA: i64 = -8;

/// A code taken apart. Nothing about it has been checked but its shape.
///
/// Keeps the bytes as received: those are what was signed. Personal data: `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct DecodedCode {
    protected: Vec<u8>,
    kid: Option<Vec<u8>>,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// What a code claims. Not to be believed before its signature was checked.
///
/// Personal data: `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Claims {
    /// When it was issued (`iat`).
    pub issued: Timestamp,
    /// From when on it may be used: the later of `iat` and `nbf`.
    pub valid_from: Timestamp,
    /// From when on it may not be used any more (`exp`).
    pub expires: Timestamp,
    /// Its own id (`cti`), 1 to 64 bytes.
    pub code_id: Box<[u8]>,
    /// What claim 169 says; `None` if there is none, or none with a pseudonym in it.
    pub identity: Option<Identity>,
}

/// Whose code it is and what it discloses. Personal data: `Debug` shows the pseudonym only.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The pseudonym.
    pub resident: ResidentId,
    /// The other attributes, as a verdict words them. Unknown keys are left out.
    pub disclosed: BTreeMap<Attribute, String>,
}

/// Takes the text of a code apart: base45, zlib, COSE_Sign1.
///
/// Accepts what other issuers of claim 169 make: zlib or none, tagged or not, the key id in either header. Line ends
/// around the text are ignored, as keyboards that are scanners add them.
///
/// # Errors
///
/// In this order: [`QrEmpty`](RefusalReason::QrEmpty), [`QrTooLarge`](RefusalReason::QrTooLarge),
/// [`QrNotBase45`](RefusalReason::QrNotBase45), [`QrBadCompression`](RefusalReason::QrBadCompression) or
/// [`QrTooLarge`](RefusalReason::QrTooLarge) after inflating, [`CoseInvalid`](RefusalReason::CoseInvalid),
/// [`AlgNotAllowed`](RefusalReason::AlgNotAllowed).
///
/// Source: MOSIP, "CWT claim 169", version 1.2.0; RFC 9285; RFC 1950; RFC 9052.
pub fn decode_code(text: &str) -> Result<DecodedCode, RefusalReason> {
    let text = text.trim_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(RefusalReason::QrEmpty);
    }
    if text.len() > CODE_LEN_MAX {
        return Err(RefusalReason::QrTooLarge);
    }
    let packed = from_base45(text).ok_or(RefusalReason::QrNotBase45)?;
    if packed.first().copied().is_some_and(starts_zlib) {
        from_cose(&inflate(&packed)?)
    } else {
        from_cose(&packed)
    }
}

impl DecodedCode {
    /// The key it says it was signed with, if it says so.
    pub fn kid(&self) -> Option<&[u8]> {
        self.kid.as_deref()
    }

    /// Whether this key signed it. Strict: no small-order keys, no second form of a signature (RFC 8032, 5.1.7).
    pub(crate) fn is_signed_by(&self, key: &VerifyingKey) -> bool {
        // Only `original_data` goes into the signed structure: the header as it was received.
        let protected = ProtectedHeader { original_data: Some(self.protected.clone()), ..Default::default() };
        let signed = sig_structure_data(SignatureContext::CoseSign1, protected, None, &[], &self.payload);
        Signature::from_slice(&self.signature)
            .is_ok_and(|signature| key.verify_strict(&signed, &signature).is_ok())
    }

    /// What it claims.
    ///
    /// # Errors
    ///
    /// [`CoseInvalid`](RefusalReason::CoseInvalid) unless the payload is a CWT claims set with `exp`, `iat` (whole
    /// seconds) and `cti`: without them a code is not one that lives for seconds and is accepted once.
    pub fn claims(&self) -> Result<Claims, RefusalReason> {
        self.read_claims().ok_or(RefusalReason::CoseInvalid)
    }

    fn read_claims(&self) -> Option<Claims> {
        let mut claims = labelled(from_cbor(&self.payload)?)?;
        let issued = time(claims.get(&claim::ISSUED)?)?;
        let valid_from = match claims.get(&claim::NOT_BEFORE) {
            Some(not_before) => time(not_before)?.max(issued),
            None => issued,
        };
        let expires = time(claims.get(&claim::EXPIRES)?)?;
        let code_id = claims.get(&claim::CODE_ID)?.as_bytes().filter(|id| (1..=64).contains(&id.len()))?;
        let code_id = code_id.as_slice().into();
        let identity = claims.remove(&claim::IDENTITY).and_then(Identity::read);
        Some(Claims { issued, valid_from, expires, code_id, identity })
    }
}

impl Identity {
    fn read(claim_169: Value) -> Option<Self> {
        let values = labelled(claim_169)?;
        let worded = |attribute: Attribute| attribute.worded(values.get(&attribute.key())?);
        let resident = worded(Attribute::Id)?.parse().ok()?;
        let others = Attribute::ALL.into_iter().filter(|&attribute| attribute != Attribute::Id);
        let disclosed = others.filter_map(|attribute| Some((attribute, worded(attribute)?))).collect();
        Some(Self { resident, disclosed })
    }
}

impl fmt::Debug for DecodedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DecodedCode(hidden)")
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Claims({:?}, until {})", self.identity, self.expires)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({}, hidden)", self.resident)
    }
}

/// Refuses also what decodes but is not how it would be encoded: a final pair over 255 (RFC 9285, 4.2), which would
/// let one code have several texts.
fn from_base45(text: &str) -> Option<Vec<u8>> {
    base45::decode(text).ok().filter(|bytes| base45::encode(bytes) == text)
}

/// The four parts of a COSE_Sign1 (RFC 9052, 4.2).
struct Sign1 {
    protected: Vec<u8>,
    unprotected: BTreeMap<i64, Value>,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl Sign1 {
    fn read(bytes: &[u8]) -> Option<Self> {
        let value = match from_cbor(bytes)? {
            Value::Tag(TAG_COSE_SIGN1, inner) => *inner,
            value => value,
        };
        let [protected, unprotected, payload, signature] = value.into_array().ok()?.try_into().ok()?;
        Some(Self {
            protected: protected.into_bytes().ok()?,
            unprotected: labelled(unprotected)?,
            payload: payload.into_bytes().ok()?,
            signature: signature.into_bytes().ok()?,
        })
    }
}

fn from_cose(bytes: &[u8]) -> Result<DecodedCode, RefusalReason> {
    let Sign1 { protected, unprotected, payload, signature } =
        Sign1::read(bytes).ok_or(RefusalReason::CoseInvalid)?;
    let header = from_cbor(&protected).and_then(labelled).ok_or(RefusalReason::CoseInvalid)?;
    // Whoever wrote `crit` wants what we do not know to be a failure (RFC 9052, 3.1).
    if header.contains_key(&HEADER_CRIT) {
        return Err(RefusalReason::CoseInvalid);
    }
    // Outside the protected header, anybody could change the algorithm.
    match header.get(&HEADER_ALG) {
        Some(Value::Integer(alg)) if i128::from(*alg) == i128::from(ALG_EDDSA) => {}
        Some(Value::Integer(_) | Value::Text(_)) => return Err(RefusalReason::AlgNotAllowed),
        _ => return Err(RefusalReason::CoseInvalid),
    }
    let kid = match header.get(&HEADER_KID).or(unprotected.get(&HEADER_KID)) {
        Some(Value::Bytes(kid)) => Some(kid.clone()),
        Some(_) => return Err(RefusalReason::CoseInvalid),
        None => None,
    };
    Ok(DecodedCode { protected, kid, payload, signature })
}

/// One CBOR item, not nested too deeply and with nothing behind it.
fn from_cbor(mut bytes: &[u8]) -> Option<Value> {
    let value = ciborium::de::from_reader_with_recursion_limit(&mut bytes, NESTING_MAX).ok()?;
    bytes.is_empty().then_some(value)
}

/// The entries of a map with numbers for labels. None if it is no map or a label stands twice (RFC 8949, 5.6).
fn labelled(map: Value) -> Option<BTreeMap<i64, Value>> {
    let mut entries = BTreeMap::new();
    for (label, value) in map.into_map().ok()? {
        match label {
            Value::Integer(label) => {
                if entries.insert(i64::try_from(label).ok()?, value).is_some() {
                    return None;
                }
            }
            // Allowed as a label and of no use to us.
            Value::Text(_) => {}
            _ => return None,
        }
    }
    Some(entries)
}

/// A NumericDate (RFC 8392, 2) in whole seconds.
fn time(value: &Value) -> Option<Timestamp> {
    let seconds = i64::try_from(value.as_integer()?).ok()?;
    seconds.checked_mul(SECOND_MS).map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests;
