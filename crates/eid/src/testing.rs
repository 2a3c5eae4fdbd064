//! What the tests of this crate share: a small city, its key, and a forger.

use ciborium::Value;
use ed25519_dalek::{Signer as _, SigningKey};
use types::{ReplyTo, ResidentId, SECOND_MS, Seed, Timestamp};

use crate::attribute::claim_169;
use crate::encode::{CodeHead, claim, claims_set, pack, sign};
use crate::keys::{key_id, to_cbor};
use crate::resident_no::check_character;
use crate::{
    BirthDate, Gender, KeySet, LifeState, Profile, PublicKey, QrText, Registry, Resident, ResidentNo,
};

/// 2026-04-18, 12:00 in Weifang.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_local(20_561, 12 * 3_600 * SECOND_MS)
}

pub(crate) fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&[42; 32])
}

pub(crate) fn key_set() -> KeySet {
    KeySet { version: 1, keys: vec![PublicKey::publish(&signing_key().verifying_key())] }
}

/// The resident with this number; odd ones are men.
pub(crate) fn resident(n: u16) -> Resident {
    let birth = BirthDate::new(1950 + n % 70, 1 + (n % 12) as u8, 1 + (n % 28) as u8).unwrap();
    Resident {
        id: ResidentId(n.into()),
        number: ResidentNo::new(crate::UNREAL_REGION, birth, n % 1000).unwrap(),
        name_zh: format!("王小{}", char::from_u32(0x4e00 + u32::from(n)).unwrap()),
        name_en: format!("Wang Xiao {n}"),
        birth,
        gender: if n % 2 == 1 { Gender::Male } else { Gender::Female },
        address: format!("奎文区风筝街{n}号\n山东省潍坊市"),
        district_code: 370_705,
        life: LifeState::Active,
    }
}

pub(crate) fn registry() -> Registry {
    Registry::new((1..=20).map(resident))
}

pub(crate) fn number_with_check(digits: &str) -> String {
    format!("{digits}{}", char::from(check_character(digits.as_bytes())))
}

pub(crate) fn reply_to(path: &str) -> ReplyTo {
    ReplyTo { path: path.into(), correlation: Box::new([1]) }
}

/// The payload of a code issued now.
pub(crate) fn payload_of(n: u16, profile: Profile) -> Vec<u8> {
    let issued = now().as_millis() / SECOND_MS;
    let code_id = Seed(n.into()).stream("test", profile as u64).bytes();
    let head = CodeHead { issuer: "test", issued, expires: issued + 60, code_id };
    claims_set(head, claim_169(&resident(n), profile, now().local_day()))
}

/// A code issued now.
pub(crate) fn code_of(n: u16, profile: Profile) -> QrText {
    let key = signing_key();
    pack(&sign(payload_of(n, profile), &key, key_id(&key.verifying_key())))
}

/// A COSE_Sign1 put together by hand, signed over whatever is in it.
#[derive(Clone)]
pub(crate) struct Forged {
    pub(crate) tagged: bool,
    pub(crate) protected: Vec<u8>,
    pub(crate) unprotected: Vec<(Value, Value)>,
    pub(crate) payload: Option<Vec<u8>>,
}

/// Nothing about it is wrong.
impl Default for Forged {
    fn default() -> Self {
        let kid = key_id(&signing_key().verifying_key());
        let code = Self {
            tagged: true,
            protected: vec![],
            unprotected: vec![],
            payload: Some(payload_of(1, Profile::Name)),
        };
        code.with_protected(vec![(1, (-8).into()), (4, Value::Bytes(kid.to_vec()))])
    }
}

impl Forged {
    pub(crate) fn with_protected(mut self, entries: Vec<(i64, Value)>) -> Self {
        let entries = entries.into_iter().map(|(label, value)| (label.into(), value)).collect();
        self.protected = to_cbor(&Value::Map(entries));
        self
    }

    pub(crate) fn cose(&self) -> Vec<u8> {
        let payload = self.payload.clone().map_or(Value::Null, Value::Bytes);
        // RFC 9052, 4.4.
        let signed = Value::Array(vec![
            "Signature1".into(),
            Value::Bytes(self.protected.clone()),
            Value::Bytes(vec![]),
            payload.clone(),
        ]);
        let signature = signing_key().sign(&to_cbor(&signed)).to_bytes().to_vec();
        let cose = Value::Array(vec![
            Value::Bytes(self.protected.clone()),
            Value::Map(self.unprotected.clone()),
            payload,
            Value::Bytes(signature),
        ]);
        to_cbor(&if self.tagged { Value::Tag(18, Box::new(cose)) } else { cose })
    }

    pub(crate) fn text(&self) -> QrText {
        pack(&self.cose())
    }

    /// A payload that lacks one claim.
    pub(crate) fn claims_without(label: i64) -> Vec<u8> {
        let mut claims = Self::claims();
        claims.retain(|(key, _)| *key != label.into());
        to_cbor(&Value::Map(claims))
    }

    /// A payload with another value for one claim.
    pub(crate) fn claims_with(label: i64, value: Value) -> Vec<u8> {
        let mut claims = Self::claims();
        claims.retain(|(key, _)| *key != label.into());
        claims.push((label.into(), value));
        to_cbor(&Value::Map(claims))
    }

    fn claims() -> Vec<(Value, Value)> {
        let payload: Value = ciborium::from_reader(&payload_of(1, Profile::Name)[..]).unwrap();
        assert!(payload.as_map().unwrap().iter().any(|(key, _)| *key == claim::IDENTITY.into()));
        payload.into_map().unwrap()
    }
}
