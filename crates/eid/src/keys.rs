//! Key ids, and the signed set in which an issuer publishes its keys.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ciborium::Value;
use types::{DAY_MS, Timestamp};

use crate::decode::from_base45;
use crate::signature::{Algorithm, SecretKey, VerifyKey};
use crate::{Ended, KeySet, KeyState, PublicKey, encode};

/// Names a signing key within a COSE header.
pub(crate) type KeyId = [u8; 8];

/// The tag of a COSE_Sign1, and the label of the algorithm in its header.
const TAG_COSE_SIGN1: u64 = 18;
const HEADER_ALG: i64 = 1;
/// The label of what the payload is, and a COSE_KeySet there (RFC 9052, 16.5).
const HEADER_CONTENT_TYPE: i64 = 3;
const CONTENT_TYPE_KEY_SET: u64 = 102;
/// Members of a COSE_Key (RFC 9052, 7.1).
const KEY_TYPE: i64 = 1;
const KEY_ID: i64 = 2;
const KEY_ALG: i64 = 3;

/// Keys of one key set. A larger set is refused.
pub const KEYS_MAX: usize = 64;
/// How old a key set may be \[ms\]. An older one is not taken, and one that has become older knows no issuer.
pub const KEY_SET_AGE_MS_MAX: i64 = 7 * DAY_MS;

/// The key that signs key sets. It signs nothing else, so that a stolen issuer key cannot publish itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RootKey([u8; 32]);

impl RootKey {
    /// The root of an issuer that was made from `seed`. In a real city the secret half stays offline.
    pub fn of_issuer(seed: [u8; 32]) -> Self {
        let public = root_secret(seed).public().to_bytes();
        Self(public.try_into().expect("an Ed25519 key has 32 bytes"))
    }

    /// From 64 hex digits.
    pub fn parse(hex: &str) -> Option<Self> {
        let bytes = from_hex(hex)?;
        VerifyKey::read(Algorithm::EdDsa, &bytes).is_some().then_some(Self(bytes))
    }

    pub(crate) fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// 64 hex digits.
    pub fn to_hex(&self) -> String {
        to_hex(&self.0)
    }

    fn has_signed(&self, set: &KeySet) -> bool {
        let signature = from_hex::<64>(&set.signature);
        let key = VerifyKey::read(Algorithm::EdDsa, &self.0);
        signature.zip(key).is_some_and(|(signature, key)| key.has_signed(&to_be_signed(set), &signature))
    }
}

/// The secret half of [`RootKey`].
pub(crate) fn root_secret(seed: [u8; 32]) -> SecretKey {
    SecretKey::from_seed(Algorithm::EdDsa, derive(seed, "root", 0))
}

/// Another secret made from a secret.
pub(crate) fn derive(seed: [u8; 32], purpose: &str, number: u32) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    hash.update(b"kitecity eid ");
    hash.update(seed);
    hash.update(purpose);
    hash.update(number.to_be_bytes());
    hash.finalize().into()
}

/// The first eight bytes of the key's thumbprint (RFC 9679).
pub(crate) fn key_id(key: &VerifyKey) -> KeyId {
    *key.thumbprint().first_chunk().expect("a SHA-256 has 32 bytes")
}

impl PublicKey {
    /// The key as it is published.
    pub(crate) fn publish(key: &VerifyKey, state: KeyState, until: Option<Timestamp>) -> Self {
        let (kid, alg) = (to_hex(&key_id(key)), key.algorithm());
        Self { kid, alg, key: to_hex(&key.to_bytes()), state, until }
    }

    /// Its coordinates, 32 bytes each: x and y of P-256, or the only one of Ed25519. `None` if it is no key.
    pub fn coordinates(&self) -> Option<Vec<Vec<u8>>> {
        self.read().map(|(_, key)| key.key.coordinates())
    }

    /// A phone's key (P-256) as the bus has it, 66 hex digits, from the coordinates that a JWK has. `None` if they are no
    /// point of the curve.
    pub fn of_phone(x: &[u8], y: &[u8]) -> Option<String> {
        let key = VerifyKey::read(Algorithm::Es256, &[&[4], x, y].concat())?;
        Some(to_hex(&key.to_bytes()))
    }

    /// The key as it is used, or `None` if it is not one.
    pub(crate) fn read(&self) -> Option<(KeyId, TrustedKey)> {
        let key = match self.alg {
            Algorithm::EdDsa => VerifyKey::read(self.alg, &from_hex::<32>(&self.key)?)?,
            Algorithm::Es256 => VerifyKey::read(self.alg, &from_hex::<33>(&self.key)?)?,
        };
        Some((from_hex(&self.kid)?, TrustedKey { key, state: self.state, until: self.until }))
    }
}

impl KeySet {
    /// The same as a COSE_Sign1 (RFC 9052, 4.2), for readers that speak no JSON. Its payload is a COSE_KeySet (RFC 9052,
    /// 7), each key with the members `state` and `until` \[ms\]; its protected header says so (content type 102), and has
    /// `version`, `issued` \[ms\], the `status` list and what has `ended`. `None` if the signature is none.
    pub fn to_cose(&self) -> Option<Vec<u8>> {
        let signature = from_hex::<64>(&self.signature)?.to_vec();
        let parts = vec![
            Value::Bytes(protected(self)),
            Value::Map(Vec::new()),
            Value::Bytes(key_set(self)),
            Value::Bytes(signature),
        ];
        Some(to_cbor(&Value::Tag(TAG_COSE_SIGN1, Box::new(Value::Array(parts)))))
    }

    /// The status list of cards as a CWT (`application/statuslist+cwt`), if there are cards.
    pub fn status_token(&self) -> Option<Vec<u8>> {
        from_base45(self.status.as_deref()?)
    }

    /// Signs what it says now.
    pub(crate) fn sign(&mut self, root: &SecretKey) {
        self.signature = to_hex(&root.sign(&to_be_signed(self)));
    }
}

/// What the root signs: every member of the set but the signature, as the payload of a COSE_Sign1.
fn to_be_signed(set: &KeySet) -> Vec<u8> {
    encode::to_be_signed(&protected(set), &key_set(set))
}

/// The root's header: EdDSA, and whatever is told beside the keys.
fn protected(set: &KeySet) -> Vec<u8> {
    let ended = |ended: &Ended| {
        Value::Array(vec![
            ended.phone.as_deref().map_or(Value::Null, Value::from),
            ended.holder.as_str().into(),
            (ended.status as u8).into(),
            ended.since.as_millis().into(),
        ])
    };
    let mut header = vec![
        (HEADER_ALG.into(), Algorithm::EdDsa.number().into()),
        (HEADER_CONTENT_TYPE.into(), CONTENT_TYPE_KEY_SET.into()),
        ("ended".into(), Value::Array(set.ended.iter().map(ended).collect())),
        ("issued".into(), set.issued.as_millis().into()),
    ];
    header.extend(set.status.as_deref().map(|status| ("status".into(), status.into())));
    header.push(("version".into(), set.version.into()));
    to_cbor(&Value::Map(header))
}

/// The keys as a COSE_KeySet. What is no key cannot be used by anybody, and is left out.
fn key_set(set: &KeySet) -> Vec<u8> {
    to_cbor(&Value::Array(set.keys.iter().filter_map(cose_key).collect()))
}

fn cose_key(key: &PublicKey) -> Option<Value> {
    let (kid, TrustedKey { key: public, .. }) = key.read()?;
    let said = [(KEY_ID.into(), Value::Bytes(kid.to_vec())), (KEY_ALG.into(), key.alg.number().into())];
    let (kty, point): (Vec<_>, Vec<_>) =
        public.required_members().into_iter().partition(|(label, _)| *label == KEY_TYPE.into());
    let until = key.until.map(|until| ("until".into(), until.as_millis().into()));
    let state = ("state".into(), (key.state as u8).into());
    Some(Value::Map(kty.into_iter().chain(said).chain(point).chain([state]).chain(until).collect()))
}

/// A key as a verifier keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TrustedKey {
    pub(crate) key: VerifyKey,
    pub(crate) state: KeyState,
    pub(crate) until: Option<Timestamp>,
}

impl TrustedKey {
    /// Whether what it signed may be believed now.
    pub(crate) fn is_good(&self, now: Timestamp) -> bool {
        match self.state {
            KeyState::Next | KeyState::Compromised => false,
            KeyState::Active => true,
            KeyState::Retired => self.until.is_none_or(|until| now < until),
        }
    }
}

/// Why a key set was not taken. The one before it stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySetRefused {
    /// The root did not sign it.
    #[error("key set is not signed by the root key")]
    Signature,
    /// It is older than the present one: somebody wants a revoked key back.
    #[error("key set of version {got} is older than version {have}")]
    Rollback {
        /// Its version.
        got: u32,
        /// The present version.
        have: u32,
    },
    /// It is older than [`KEY_SET_AGE_MS_MAX`].
    #[error("key set is more than 7 days old")]
    TooOld,
    /// It holds more than [`KEYS_MAX`] keys.
    #[error("key set holds {0} keys, more than {KEYS_MAX}")]
    TooManyKeys(usize),
}

/// The keys a verifier trusts, and since when.
#[derive(Debug)]
pub(crate) struct TrustedKeys {
    root: RootKey,
    /// Version and time of the present set; `None` before the first.
    head: Option<(u32, Timestamp)>,
    keys: BTreeMap<KeyId, TrustedKey>,
}

impl TrustedKeys {
    pub(crate) fn new(root: RootKey) -> Self {
        Self { root, head: None, keys: BTreeMap::new() }
    }

    pub(crate) fn version(&self) -> Option<u32> {
        self.head.map(|(version, _)| version)
    }

    pub(crate) fn issued(&self) -> Option<Timestamp> {
        self.head.map(|(_, issued)| issued)
    }

    /// Takes the place of the present set, if it is signed, not older and not too old.
    pub(crate) fn adopt(&mut self, now: Timestamp, set: &KeySet) -> Result<(), KeySetRefused> {
        if set.keys.len() > KEYS_MAX {
            return Err(KeySetRefused::TooManyKeys(set.keys.len()));
        }
        if !self.root.has_signed(set) {
            return Err(KeySetRefused::Signature);
        }
        if let Some((have, _)) = self.head.filter(|(version, _)| set.version < *version) {
            return Err(KeySetRefused::Rollback { got: set.version, have });
        }
        if now.millis_since(set.issued) > KEY_SET_AGE_MS_MAX {
            return Err(KeySetRefused::TooOld);
        }
        self.head = Some((set.version, set.issued));
        self.keys = set.keys.iter().filter_map(PublicKey::read).collect();
        Ok(())
    }

    /// The key with this id. None is known any more when the set has become too old.
    pub(crate) fn find(&self, now: Timestamp, kid: Option<&[u8]>) -> Option<(KeyId, &TrustedKey)> {
        let kid = kid?.try_into().ok()?;
        let is_current = now.millis_since(self.issued()?) <= KEY_SET_AGE_MS_MAX;
        let key = self.keys.get(&kid).filter(|key| key.state != KeyState::Next && is_current)?;
        Some((kid, key))
    }
}

/// The deterministic encoding of a value without floats and with its map keys in order.
pub(crate) fn to_cbor(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    ciborium::into_writer(value, &mut bytes).expect("a Vec takes every byte");
    bytes
}

/// Two small hex digits for each byte.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes every text");
        text
    })
}

pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |character: u8| char::from(character).to_digit(16).map(|digit| digit as u8);
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, &[high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
