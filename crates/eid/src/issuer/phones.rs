//! Credentials for phones: bound to the phone's key, good for a day.

use std::collections::{BTreeMap, BTreeSet};

use ciborium::Value;
use types::{MINUTE_MS, ReplyTo, ResidentId, SECOND_MS, Timestamp};

use super::{Issuer, Output, seconds};
use crate::attribute::claim_169;
use crate::encode::{CodeHead, claims_set, pack, sign};
use crate::guardian::Guardianship;
use crate::keys::{from_hex, key_id, to_cbor, to_hex};
use crate::signature::{Algorithm, VerifyKey};
use crate::status::CardStatus;
use crate::{
    CREDENTIALS_MAX, CredentialRefusal, CredentialReply, CredentialRequest, EidEvent, Profile, QrText,
    Resident,
};

/// How long a phone's credential lives \[s\]. Short enough to do without a status list, long enough for a day without a
/// network.
pub const CREDENTIAL_LIFE_S: i64 = 86_400;
/// Phones one resident may have.
pub const PHONES_MAX: usize = 3;
/// How far the clocks of phone and issuer may be apart \[ms\].
const ASKED_SKEW_MS: i64 = MINUTE_MS;

/// The keys of each resident's phones, at most [`PHONES_MAX`] each.
#[derive(Debug, Default)]
pub(super) struct Phones {
    keys: BTreeMap<ResidentId, BTreeSet<Vec<u8>>>,
}

impl Phones {
    /// Whether this phone is one of the resident's, now if not before.
    pub(super) fn admit(&mut self, resident: ResidentId, key: &VerifyKey) -> bool {
        let keys = self.keys.entry(resident).or_default();
        let key = key.to_bytes();
        keys.contains(&key) || (keys.len() < PHONES_MAX && keys.insert(key))
    }

    /// The resident's phones, in the order of their keys.
    pub(super) fn of(&self, resident: ResidentId) -> impl Iterator<Item = VerifyKey> {
        let keys = self.keys.get(&resident).into_iter().flatten();
        keys.filter_map(|key| VerifyKey::read(Algorithm::Es256, key))
    }

    /// Takes a phone off; says whether it was one of theirs.
    fn remove(&mut self, resident: ResidentId, phone: &VerifyKey) -> bool {
        self.keys.get_mut(&resident).is_some_and(|keys| keys.remove(&phone.to_bytes()))
    }
}

impl CredentialRequest {
    /// A request that its phone has yet to sign.
    pub(crate) fn unsigned(
        resident: ResidentId,
        ward: Option<ResidentId>,
        profile: Profile,
        count: u8,
        asked: Timestamp,
    ) -> Self {
        Self { resident, ward, profile, count, asked, key: String::new(), proof: String::new() }
    }

    /// What the phone signs: every member but the signature.
    pub(crate) fn to_be_signed(&self) -> Vec<u8> {
        to_cbor(&Value::Array(vec![
            "EidCredentialRequest".into(),
            self.resident.to_string().into(),
            self.ward.map_or(Value::Null, |ward| ward.to_string().into()),
            self.profile.name().into(),
            self.count.into(),
            self.asked.as_millis().into(),
            self.key.as_str().into(),
        ]))
    }

    /// The phone's key, if it signed this lately.
    fn signer(&self, now: Timestamp) -> Option<VerifyKey> {
        let key = VerifyKey::read(Algorithm::Es256, &from_hex::<33>(&self.key)?)?;
        let is_current = now.millis_since(self.asked).unsigned_abs() <= ASKED_SKEW_MS.unsigned_abs();
        let signature = from_hex::<64>(&self.proof)?;
        (is_current && key.has_signed(&self.to_be_signed(), &signature)).then_some(key)
    }
}

impl Issuer {
    pub(super) fn answer_phone(
        &mut self,
        now: Timestamp,
        to: ReplyTo,
        request: &CredentialRequest,
        out: &mut Vec<Output>,
    ) {
        let (reply, event) = match self.credentials(now, request) {
            Ok(credentials) => {
                let resident = request.ward.unwrap_or(request.resident);
                let event = EidEvent::Issued { resident, profile: request.profile };
                (CredentialReply::Issued { credentials }, Some(event))
            }
            Err(refusal) => (CredentialReply::Refused(refusal), None),
        };
        out.push(Output::CredentialReply { to, reply });
        out.extend(event.map(Output::Event));
    }

    fn credentials(
        &mut self,
        now: Timestamp,
        request: &CredentialRequest,
    ) -> Result<Vec<QrText>, CredentialRefusal> {
        let key = request.signer(now).ok_or(CredentialRefusal::KeyProofInvalid)?;
        if !(1..=CREDENTIALS_MAX).contains(&request.count) {
            return Err(CredentialRefusal::CountOutOfRange);
        }
        if !self.may_show(request.resident) {
            return Err(CredentialRefusal::NotEnrolled);
        }
        let guardianship = match request.ward {
            Some(ward) => Some(self.grant_for(now, request.resident, ward)?),
            None => None,
        };
        if self.endings.has_lost(key_id(&key)) {
            return Err(CredentialRefusal::NotEnrolled);
        }
        if !self.admit(request.resident, &key) {
            return Err(CredentialRefusal::TooManyPhones);
        }
        let resident = self.registry.by_id(request.ward.unwrap_or(request.resident));
        let resident = resident.ok_or(CredentialRefusal::GuardianshipEnded)?.clone();
        let sign = |_| self.sign_credential(now, &resident, request.profile, guardianship, &key);
        Ok((0..request.count).map(sign).collect())
    }

    /// Whether this phone is one of the resident's, now if not before.
    pub(super) fn admit(&mut self, resident: ResidentId, phone: &VerifyKey) -> bool {
        !self.endings.has_lost_too_many(resident) && self.phones.admit(resident, phone)
    }

    /// Takes a lost phone off, by its id: it gets nothing more, and what it has is not good any more. Says whether it was
    /// one of theirs.
    pub(super) fn lose_phone(&mut self, now: Timestamp, resident: ResidentId, id: &str) -> bool {
        let phone = self.phones.of(resident).find(|phone| to_hex(&key_id(phone)) == id);
        let Some(phone) = phone.filter(|phone| self.phones.remove(resident, phone)) else { return false };
        self.endings.add(now, resident, Some(key_id(&phone)), CardStatus::Revoked);
        true
    }

    fn grant_for(
        &self,
        now: Timestamp,
        guardian: ResidentId,
        ward: ResidentId,
    ) -> Result<Guardianship, CredentialRefusal> {
        let grant = self.grants.find(now, guardian, ward).filter(|_| self.is_active(ward));
        grant.ok_or(CredentialRefusal::GuardianshipEnded)
    }

    fn sign_credential(
        &mut self,
        now: Timestamp,
        resident: &Resident,
        profile: Profile,
        guardianship: Option<Guardianship>,
        phone: &VerifyKey,
    ) -> QrText {
        let issued = seconds(now);
        let expires = issued.saturating_add(CREDENTIAL_LIFE_S);
        let code_id = self.code_ids.bytes();
        let head =
            CodeHead { issuer: &self.name, issued, expires, code_id, phone: Some(phone), status: None };
        let payload = claims_set(&head, claim_169(resident, profile, now.local_day(), guardianship));
        let ends = Timestamp::from_millis(expires.saturating_mul(SECOND_MS));
        let (key, kid) = self.keys.sign_with(ends);
        pack(&sign(payload, key, kid))
    }
}
