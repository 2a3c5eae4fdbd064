//! What the tests of this crate share: a small city, its key, and a forger.

use ciborium::Value;
use types::{Core as _, ReplyTo, ResidentId, SECOND_MS, Seed, Timestamp};

use crate::attribute::claim_169;
use crate::decode::DecodedCode;
use crate::encode::{CodeHead, claim, claims_set, pack, sign, to_be_signed};
use crate::keys::{KeyId, key_id, root_secret, to_cbor};
use crate::proof::{ProofClaims, prove};
use crate::resident_no::check_character;
use crate::signature::{Algorithm, SecretKey};
use crate::{
    BirthDate, EnrolRequest, Gender, Issuer, KeySet, KeyState, LifeState, Nonce, PROOF_LIFE_S, Profile,
    PublicKey, QrText, Registry, Resident, ResidentNo, RootKey, decode_code, issuer,
};

/// 2026-04-18, 12:00 in Weifang.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_local(20_561, 12 * 3_600 * SECOND_MS)
}

/// The secret of the issuer.
pub(crate) const SEED: [u8; 32] = [42; 32];

pub(crate) fn signing_key() -> SecretKey {
    SecretKey::from_seed(Algorithm::EdDsa, SEED)
}

pub(crate) fn kid() -> KeyId {
    key_id(&signing_key().public())
}

pub(crate) fn root() -> RootKey {
    RootKey::of_issuer(SEED)
}

/// The set with the root's signature on it.
pub(crate) fn signed(mut set: KeySet) -> KeySet {
    set.sign(&root_secret(SEED));
    set
}

pub(crate) fn key_set() -> KeySet {
    let keys = vec![PublicKey::publish(&signing_key().public(), KeyState::Active, None)];
    signed(KeySet { version: 1, issued: now(), keys, ..KeySet::default() })
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
        portrait: 7,
        life: LifeState::Active,
    }
}

pub(crate) fn registry() -> Registry {
    Registry::new((1..=20).map(resident))
}

/// An issuer with everybody enrolled.
pub(crate) fn enrolled_issuer() -> Issuer {
    let mut issuer = Issuer::new(registry(), SEED, "test", Seed(1).stream("cti", 0));
    for n in 1..=20 {
        let known = resident(n);
        let request = EnrolRequest { resident_no: known.number.as_str().to_owned(), name: known.name_zh };
        issuer.handle(now(), issuer::Input::Enrol { from: reply_to("counter"), request }, &mut Vec::new());
    }
    issuer
}

pub(crate) fn number_with_check(digits: &str) -> String {
    format!("{digits}{}", char::from(check_character(digits.as_bytes())))
}

pub(crate) fn reply_to(path: &str) -> ReplyTo {
    ReplyTo { path: path.into(), correlation: Box::new([1]) }
}

/// The payload of a code issued now.
pub(crate) fn payload_of(n: u16, profile: Profile) -> Vec<u8> {
    let head = head_of(n, profile);
    claims_set(&head, claim_169(&resident(n), profile, now().local_day(), None))
}

/// What such a code says besides the attributes.
pub(crate) fn head_of(n: u16, profile: Profile) -> CodeHead<'static> {
    let issued = now().as_millis() / SECOND_MS;
    let code_id = Seed(n.into()).stream("test", profile as u64).bytes();
    CodeHead { issuer: "test", issued, expires: issued + 60, code_id, phone: None, status: None }
}

/// A code issued now.
pub(crate) fn code_of(n: u16, profile: Profile) -> QrText {
    pack(&sign(payload_of(n, profile), &signing_key(), kid()))
}

/// The phone of every holder in these tests.
pub(crate) fn phone() -> SecretKey {
    SecretKey::from_seed(Algorithm::Es256, [9; 32])
}

/// A credential of the first resident for that phone, good for a day; `change` may change what it says.
pub(crate) fn credential(change: impl FnOnce(&mut CodeHead<'_>, &mut Value)) -> DecodedCode {
    let key = phone().public();
    let issued = now().as_millis() / SECOND_MS;
    let mut head = CodeHead { expires: issued + 86_400, phone: Some(&key), ..head_of(1, Profile::Name) };
    let mut identity = claim_169(&resident(1), Profile::Name, now().local_day(), None);
    change(&mut head, &mut identity);
    let cose = sign(claims_set(&head, identity), &signing_key(), kid());
    decode_code(&pack(&cose).0).unwrap()
}

/// What that phone's proof says now; `change` may change it.
pub(crate) fn proof_claims() -> ProofClaims {
    let expires = now().plus_millis(PROOF_LIFE_S * SECOND_MS);
    ProofClaims { audience: None, issued: now(), expires, nonce: Nonce([3; 8]) }
}

/// The credential with a proof.
pub(crate) fn shown(credential: &DecodedCode, claims: &ProofClaims, by: &SecretKey) -> QrText {
    pack(&credential.with_countersignature(prove(credential, claims, by)))
}

/// A phone's code with nothing wrong about it.
pub(crate) fn phone_code() -> QrText {
    shown(&credential(|_, _| {}), &proof_claims(), &phone())
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
        let code = Self {
            tagged: true,
            protected: vec![],
            unprotected: vec![],
            payload: Some(payload_of(1, Profile::Name)),
        };
        code.with_protected(vec![(1, (-8).into()), (4, Value::Bytes(kid().to_vec()))])
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
        let signed = to_be_signed(&self.protected, self.payload.as_deref().unwrap_or_default());
        let signature = signing_key().sign(&signed).to_vec();
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
