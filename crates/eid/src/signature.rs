//! The two signature algorithms of e-ID, whoever signs: issuers and phones.

use ciborium::Value;
use ed25519_dalek::{Signer as _, Verifier as _};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Length of a signature of either algorithm \[bytes\].
pub(crate) const SIGNATURE_LEN: usize = 64;
/// Members of a COSE_Key (RFC 9052, 7; RFC 9053, 7).
const KEY_TYPE: i64 = 1;
const KEY_CURVE: i64 = -1;
const KEY_X: i64 = -2;
const KEY_Y: i64 = -3;

/// How something is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Algorithm {
    /// Ed25519 (RFC 8032).
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// ECDSA with P-256 and SHA-256 (RFC 9053, 2.1): what phones and browsers have.
    #[serde(rename = "ES256")]
    Es256,
}

impl Algorithm {
    /// Its number in a COSE header.
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::EdDsa => -8,
            Self::Es256 => -7,
        }
    }

    pub(crate) fn from_number(number: i128) -> Option<Self> {
        [Self::EdDsa, Self::Es256].into_iter().find(|algorithm| i128::from(algorithm.number()) == number)
    }
}

/// A key to check signatures with. Always a point of its curve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum VerifyKey {
    Ed25519(Box<ed25519_dalek::VerifyingKey>),
    /// Uncompressed (SEC 1, 2.3.3), as the check wants it.
    P256(Box<[u8; 65]>),
}

impl VerifyKey {
    /// From 32 bytes (RFC 8032, 5.1.2), or a P-256 point compressed or not (SEC 1, 2.3.4).
    pub(crate) fn read(algorithm: Algorithm, bytes: &[u8]) -> Option<Self> {
        match algorithm {
            Algorithm::EdDsa => {
                let key = ed25519_dalek::VerifyingKey::from_bytes(bytes.try_into().ok()?).ok()?;
                // With a key of small order, one signature would fit every message.
                (!key.is_weak()).then(|| Self::Ed25519(Box::new(key)))
            }
            Algorithm::Es256 => {
                let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(bytes).ok()?;
                Some(Self::of_point(&key))
            }
        }
    }

    fn of_point(key: &p256::ecdsa::VerifyingKey) -> Self {
        let point = key.to_sec1_point(false);
        Self::P256(Box::new(point.as_bytes().try_into().expect("an uncompressed point has 65 bytes")))
    }

    /// A COSE_Key; the y coordinate of P-256 may be a number or a sign (RFC 9053, 7.1.1).
    pub(crate) fn from_cose_key(key: &Value) -> Option<Self> {
        let member =
            |label: i64| key.as_map()?.iter().find(|(key, _)| *key == label.into()).map(|(_, value)| value);
        let number = |label| member(label).and_then(Value::as_integer).map(i128::from);
        let x = member(KEY_X)?.as_bytes()?;
        match (number(KEY_TYPE)?, number(KEY_CURVE)?) {
            (1, 6) => Self::read(Algorithm::EdDsa, x),
            (2, 1) if x.len() == 32 => match member(KEY_Y)? {
                Value::Bool(odd) => Self::read(Algorithm::Es256, &[&[2 + u8::from(*odd)], &x[..]].concat()),
                Value::Bytes(y) => Self::read(Algorithm::Es256, &[&[4], &x[..], y].concat()),
                _ => None,
            },
            _ => None,
        }
    }

    /// The COSE_Key, its y coordinate as a sign: 33 bytes less in a code.
    pub(crate) fn to_cose_key(&self) -> Value {
        let (mut members, last) = match self {
            Self::Ed25519(_) => (self.required_members(), None),
            Self::P256(point) => (self.required_members(), Some(Value::Bool(point[64] & 1 == 1))),
        };
        if let (Some(y), Some(sign)) = (members.last_mut(), last) {
            y.1 = sign;
        }
        Value::Map(members)
    }

    /// The members that make its thumbprint (RFC 9679, 4), in their order.
    pub(crate) fn required_members(&self) -> Vec<(Value, Value)> {
        let bytes = |bytes: &[u8]| Value::Bytes(bytes.to_vec());
        match self {
            Self::Ed25519(key) => vec![
                (KEY_TYPE.into(), 1.into()),
                (KEY_CURVE.into(), 6.into()),
                (KEY_X.into(), bytes(key.as_bytes())),
            ],
            Self::P256(point) => vec![
                (KEY_TYPE.into(), 2.into()),
                (KEY_CURVE.into(), 1.into()),
                (KEY_X.into(), bytes(&point[1..33])),
                (KEY_Y.into(), bytes(&point[33..])),
            ],
        }
    }

    /// Its coordinates, 32 bytes each.
    pub(crate) fn coordinates(&self) -> Vec<Vec<u8>> {
        match self {
            Self::Ed25519(key) => vec![key.as_bytes().to_vec()],
            Self::P256(point) => point[1..].chunks(32).map(<[u8]>::to_vec).collect(),
        }
    }

    /// SHA-256 of the key's required members (RFC 9679).
    pub(crate) fn thumbprint(&self) -> [u8; 32] {
        Sha256::digest(crate::keys::to_cbor(&Value::Map(self.required_members()))).into()
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed25519(_) => Algorithm::EdDsa,
            Self::P256(_) => Algorithm::Es256,
        }
    }

    /// The shortest form that [`read`](Self::read) reads.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => key.as_bytes().to_vec(),
            Self::P256(point) => [&[2 + (point[64] & 1)], &point[1..33]].concat(),
        }
    }

    /// Whether this key signed it. An Ed25519 signature has one form only: S is below the order, and R is compared as
    /// it was written (RFC 8032, 5.1.7). That of the key was checked when it was read, once and not for each code.
    pub(crate) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Self::P256(point) => {
                let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point[..]);
                signature.len() == SIGNATURE_LEN && key.verify(message, signature).is_ok()
            }
        }
    }
}

/// A secret key. `Debug` shows the public half only.
#[derive(Clone)]
pub(crate) enum SecretKey {
    Ed25519(ed25519_dalek::SigningKey),
    P256(p256::ecdsa::SigningKey),
}

impl SecretKey {
    /// The key of a seed, by either algorithm the same for the same seed.
    pub(crate) fn from_seed(algorithm: Algorithm, seed: [u8; 32]) -> Self {
        match algorithm {
            Algorithm::EdDsa => Self::Ed25519(ed25519_dalek::SigningKey::from_bytes(&seed)),
            Algorithm::Es256 => Self::P256(p256_key(seed)),
        }
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed25519(_) => Algorithm::EdDsa,
            Self::P256(_) => Algorithm::Es256,
        }
    }

    pub(crate) fn public(&self) -> VerifyKey {
        match self {
            Self::Ed25519(key) => VerifyKey::Ed25519(Box::new(key.verifying_key())),
            Self::P256(key) => VerifyKey::of_point(key.verifying_key()),
        }
    }

    /// Signs; the same message always gets the same signature (RFC 8032; RFC 6979).
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_LEN] {
        match self {
            Self::Ed25519(key) => key.sign(message).to_bytes(),
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_bytes().into()
            }
        }
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretKey(of {})", crate::keys::to_hex(&self.public().thumbprint()[..8]))
    }
}

/// One seed in 2^32 is no scalar of P-256: then the hash of it is tried, and so on.
fn p256_key(mut seed: [u8; 32]) -> p256::ecdsa::SigningKey {
    loop {
        if let Ok(key) = p256::ecdsa::SigningKey::from_slice(&seed) {
            return key;
        }
        seed = Sha256::digest(seed).into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Algorithm; 2] = [Algorithm::EdDsa, Algorithm::Es256];

    #[test]
    fn what_is_no_point_is_no_key() {
        for bytes in [&[][..], &[0; 32], &[4; 65], &[2; 32], &[0xff; 33]] {
            assert_eq!(VerifyKey::read(Algorithm::Es256, bytes), None, "{bytes:?}");
        }
        assert_eq!(VerifyKey::read(Algorithm::EdDsa, &[1; 31]), None);
        let mut identity_point = [0; 32];
        identity_point[0] = 1;
        assert_eq!(VerifyKey::read(Algorithm::EdDsa, &identity_point), None, "small order");
        for value in [Value::Null, Value::Map(vec![]), Value::Map(vec![(1.into(), 2.into())])] {
            assert_eq!(VerifyKey::from_cose_key(&value), None);
        }
    }

    #[test]
    fn a_signature_of_another_key_message_or_length_is_refused() {
        for algorithm in BOTH {
            let key = SecretKey::from_seed(algorithm, [5; 32]);
            let signature = key.sign(b"kite");
            assert!(key.public().has_signed(b"kite", &signature));
            assert!(!key.public().has_signed(b"kits", &signature));
            assert!(!key.public().has_signed(b"kite", &signature[..63]));
            assert!(!SecretKey::from_seed(algorithm, [6; 32]).public().has_signed(b"kite", &signature));
            assert!(!key.public().has_signed(b"kite", &[0; 64]));
        }
    }

    #[test]
    fn a_second_form_of_an_ed25519_signature_is_refused() {
        let key = SecretKey::from_seed(Algorithm::EdDsa, [5; 32]);
        let mut signature = key.sign(b"kite");
        // S + L, with L the order of the base point, little end first.
        let order: [u8; 32] = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        ];
        let mut carry = 0;
        for (digit, addend) in signature[32..].iter_mut().zip(order) {
            let sum = u16::from(*digit) + u16::from(addend) + carry;
            (*digit, carry) = (sum as u8, sum >> 8);
        }
        assert!(!key.public().has_signed(b"kite", &signature));
    }

    #[test]
    fn a_cose_key_is_read_back_with_its_y_as_sign_and_as_number() {
        for algorithm in BOTH {
            for seed in 1..9 {
                let key = SecretKey::from_seed(algorithm, [seed; 32]).public();
                assert_eq!(VerifyKey::from_cose_key(&key.to_cose_key()), Some(key.clone()));
                assert_eq!(VerifyKey::from_cose_key(&Value::Map(key.required_members())), Some(key.clone()));
                assert_eq!(VerifyKey::read(algorithm, &key.to_bytes()), Some(key));
            }
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        for algorithm in BOTH {
            let shown = format!("{:?}", SecretKey::from_seed(algorithm, [42; 32]));
            assert!(shown.starts_with("SecretKey(of ") && !shown.contains("42, 42"), "{shown}");
        }
    }

    #[test]
    fn a_seed_that_is_no_scalar_still_makes_a_key() {
        let key = SecretKey::from_seed(Algorithm::Es256, [0; 32]);
        assert!(key.public().has_signed(b"kite", &key.sign(b"kite")));
    }
}
