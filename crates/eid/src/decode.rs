use std::collections::BTreeMap;
use std::fmt;

use ciborium::Value;
use types::{ResidentId, SECOND_MS, Timestamp};

use crate::encode::{TAG_COSE_SIGN1, claim, header, sign1, to_be_signed};
use crate::guardian::Guardianship;
use crate::proof::{HEADER_COUNTERSIGNATURE, Proof};
use crate::signature::{Algorithm, VerifyKey};
use crate::status::StatusRef;
use crate::zlib::{inflate, starts_zlib};
use crate::{Attribute, RefusalReason};

/// What the largest QR symbol holds (version 40, level L, alphanumeric) \[characters\].
const CODE_LEN_MAX: usize = 4_296;
/// How deep the CBOR of a code may be nested. Claim 169 with biometrics needs 5.
const NESTING_MAX: usize = 16;
/// A code taken apart. Nothing about it has been checked but its shape.
///
/// Keeps the bytes as received: those are what was signed. Personal data: `Debug` hides it.
#[derive(Clone, PartialEq)]
pub struct DecodedCode {
    pub(crate) protected: Vec<u8>,
    algorithm: Algorithm,
    kid: Option<Vec<u8>>,
    pub(crate) payload: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    /// Header parameter 11 as it came. Not signed by the issuer.
    countersignature: Option<Value>,
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
    /// The key of the phone it is bound to (`cnf`).
    pub(crate) phone: Option<VerifyKey>,
    /// Where its status is told.
    pub(crate) status: Option<StatusRef>,
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
    /// By whom it may be shown, if not by the holder.
    pub(crate) guardianship: Option<Guardianship>,
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
        decode_cose(&inflate(&packed)?)
    } else {
        decode_cose(&packed)
    }
}

impl DecodedCode {
    /// The key it says it was signed with, if it says so.
    pub fn kid(&self) -> Option<&[u8]> {
        self.kid.as_deref()
    }

    /// Whether this key signed it, over the header as it was received.
    pub(crate) fn is_signed_by(&self, key: &VerifyKey) -> bool {
        key.algorithm() == self.algorithm
            && key.has_signed(&to_be_signed(&self.protected, &self.payload), &self.signature)
    }

    /// Whether something stands where a phone's proof belongs.
    pub(crate) fn has_countersignature(&self) -> bool {
        self.countersignature.is_some()
    }

    /// The phone's proof, if it can be read.
    pub(crate) fn proof(&self) -> Option<Proof> {
        self.countersignature.as_ref().and_then(Proof::read)
    }

    /// The COSE_Sign1 with this in the place of the proof. What the issuer signed stays as it was received.
    pub(crate) fn with_countersignature(&self, countersignature: Value) -> Vec<u8> {
        let unprotected = vec![(HEADER_COUNTERSIGNATURE.into(), countersignature)];
        sign1(self.protected.clone(), unprotected, self.payload.clone(), self.signature.clone())
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
        // A confirmation that cannot be read must not make a code that needs none.
        let phone = match claims.get(&claim::CONFIRMATION) {
            Some(confirmation) => Some(phone_key(confirmation)?),
            None => None,
        };
        let status = match claims.get(&claim::STATUS) {
            Some(status) => Some(StatusRef::read(status)?),
            None => None,
        };
        let identity = claims.remove(&claim::IDENTITY).and_then(Identity::read);
        Some(Claims { issued, valid_from, expires, code_id, phone, status, identity })
    }
}

impl Identity {
    fn read(claim_169: Value) -> Option<Self> {
        let values = labelled(claim_169)?;
        let worded = |attribute: Attribute| attribute.worded(values.get(&attribute.key())?);
        let resident = worded(Attribute::Id)?.parse().ok()?;
        let others = Attribute::ALL.into_iter().filter(|&attribute| attribute != Attribute::Id);
        let disclosed = others.filter_map(|attribute| Some((attribute, worded(attribute)?))).collect();
        Some(Self { resident, disclosed, guardianship: Guardianship::read(&values) })
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

/// The key in `cnf` (RFC 8747, 3.2).
fn phone_key(confirmation: &Value) -> Option<VerifyKey> {
    let (_, key) = confirmation.as_map()?.iter().find(|(member, _)| *member == 1.into())?;
    VerifyKey::from_cose_key(key)
}

/// Refuses also what decodes but is not how it would be encoded: a final pair over 255 (RFC 9285, 4.2), which would
/// let one code have several texts.
pub(crate) fn from_base45(text: &str) -> Option<Vec<u8>> {
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

pub(crate) fn decode_cose(bytes: &[u8]) -> Result<DecodedCode, RefusalReason> {
    let Sign1 { protected, mut unprotected, payload, signature } =
        Sign1::read(bytes).ok_or(RefusalReason::CoseInvalid)?;
    let labels = from_cbor(&protected).and_then(labelled).ok_or(RefusalReason::CoseInvalid)?;
    // Whoever wrote `crit` wants what we do not know to be a failure (RFC 9052, 3.1).
    if labels.contains_key(&header::CRIT) {
        return Err(RefusalReason::CoseInvalid);
    }
    // Outside the protected header, anybody could change the algorithm.
    let algorithm = match labels.get(&header::ALG) {
        Some(Value::Integer(alg)) => Algorithm::from_number((*alg).into()),
        Some(Value::Text(_)) => None,
        _ => return Err(RefusalReason::CoseInvalid),
    };
    let algorithm = algorithm.ok_or(RefusalReason::AlgNotAllowed)?;
    let kid = match labels.get(&header::KID).or(unprotected.get(&header::KID)) {
        Some(Value::Bytes(kid)) => Some(kid.clone()),
        Some(_) => return Err(RefusalReason::CoseInvalid),
        None => None,
    };
    let countersignature = unprotected.remove(&HEADER_COUNTERSIGNATURE);
    Ok(DecodedCode { protected, algorithm, kid, payload, signature, countersignature })
}

/// One CBOR item, not nested too deeply and with nothing behind it.
pub(crate) fn from_cbor(mut bytes: &[u8]) -> Option<Value> {
    let value = ciborium::de::from_reader_with_recursion_limit(&mut bytes, NESTING_MAX).ok()?;
    bytes.is_empty().then_some(value)
}

/// The entries of a map with numbers for labels. None if it is no map or a label stands twice (RFC 8949, 5.6).
pub(crate) fn labelled(map: Value) -> Option<BTreeMap<i64, Value>> {
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
pub(crate) fn time(value: &Value) -> Option<Timestamp> {
    let seconds = i64::try_from(value.as_integer()?).ok()?;
    seconds.checked_mul(SECOND_MS).map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
