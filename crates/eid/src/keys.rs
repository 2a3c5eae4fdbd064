use std::fmt::Write as _;

use ciborium::Value;
use ed25519_dalek::VerifyingKey;
use sha2::{Digest, Sha256};

use crate::PublicKey;

/// Names a signing key within a COSE header.
pub(crate) type KeyId = [u8; 8];

/// The first eight bytes of the key's thumbprint.
///
/// Source: RFC 9679: the SHA-256 of the COSE_Key with its required members only, deterministically encoded.
pub(crate) fn key_id(key: &VerifyingKey) -> KeyId {
    let members: [(Value, Value); 3] = [
        (1.into(), 1.into()),                                 // kty: OKP
        ((-1).into(), 6.into()),                              // crv: Ed25519
        ((-2).into(), Value::Bytes(key.as_bytes().to_vec())), // x
    ];
    let thumbprint = Sha256::digest(to_cbor(&Value::Map(members.into())));
    *thumbprint.first_chunk().expect("a SHA-256 has 32 bytes")
}

impl PublicKey {
    /// The key as it is published.
    pub(crate) fn publish(key: &VerifyingKey) -> Self {
        Self { kid: to_hex(&key_id(key)), ed25519: to_hex(key.as_bytes()) }
    }

    /// The key as it is used, or `None` if it is not one.
    pub(crate) fn read(&self) -> Option<(KeyId, VerifyingKey)> {
        let key = VerifyingKey::from_bytes(&from_hex(&self.ed25519)?).ok()?;
        Some((from_hex(&self.kid)?, key))
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

fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
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
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;

    #[test]
    fn what_is_not_a_key_is_not_read() {
        let good = PublicKey::publish(&SigningKey::from_bytes(&[1; 32]).verifying_key());
        assert!(good.read().is_some());
        for (kid, ed25519) in [
            ("", &*good.ed25519),
            ("0123", &good.ed25519),
            ("0123456789abcdeg", &good.ed25519),
            ("+1234567-9abcdef", &good.ed25519),
            (&good.kid, ""),
            (&good.kid, &good.ed25519[1..]),
            // y = 2 is not on the curve.
            (&good.kid, "0200000000000000000000000000000000000000000000000000000000000000"),
        ] {
            let key = PublicKey { kid: kid.to_owned(), ed25519: ed25519.to_owned() };
            assert!(key.read().is_none(), "{key:?}");
        }
    }

    #[test]
    fn a_key_id_is_the_hash_of_the_required_members() {
        let key = SigningKey::from_bytes(&[7; 32]).verifying_key();
        // A map of three: kty 1, crv 6, x of 32 bytes (RFC 9679, 3 and 4.1).
        let input = [&[0xa3, 0x01, 0x01, 0x20, 0x06, 0x21, 0x58, 0x20], &key.as_bytes()[..]].concat();
        assert_eq!(key_id(&key), Sha256::digest(input)[..8]);
    }

    #[test]
    fn hex_is_read_back() {
        assert_eq!(to_hex(&[0x00, 0xff, 0x1a]), "00ff1a");
        assert_eq!(from_hex("00fF1a"), Some([0x00, 0xff, 0x1a]));
    }
}
