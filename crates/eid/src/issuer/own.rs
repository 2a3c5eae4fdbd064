//! What holders do about their own phones and guardians.

use std::collections::{BTreeMap, VecDeque};

use types::{ReplyTo, ResidentId, Timestamp};

use super::{Issuer, Output};
use crate::guardian::comes_of_age;
use crate::keys::{from_hex, key_id, to_hex};
use crate::own::{NONCE_LIFE_MS, OwnRefusal, OwnReply, OwnRequest};
use crate::signature::{Algorithm, VerifyKey};
use crate::status::CardStatus;
use crate::{EidEvent, ManageRequest, Nonce};

/// Nonces that wait for a proof at once; beyond that, the oldest is over.
const NONCES_MAX: usize = 4_096;

/// Nonces that wait for a phone's proof.
#[derive(Debug, Default)]
pub(super) struct Nonces {
    whose: BTreeMap<Nonce, (ResidentId, Timestamp)>,
    order: VecDeque<Nonce>,
}

impl Nonces {
    fn add(&mut self, nonce: Nonce, resident: ResidentId, expires: Timestamp) {
        if self.order.len() >= NONCES_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.whose.remove(&oldest);
        }
        self.whose.insert(nonce, (resident, expires));
        self.order.push_back(nonce);
    }

    /// Whether it was this resident's, and in time. It is nobody's afterwards.
    fn take(&mut self, now: Timestamp, nonce: Nonce, resident: ResidentId) -> bool {
        let taken = self.whose.remove(&nonce);
        taken.is_some_and(|(owner, expires)| owner == resident && now < expires)
    }
}

impl Issuer {
    pub(super) fn answer_own(
        &mut self,
        now: Timestamp,
        to: ReplyTo,
        request: OwnRequest,
        out: &mut Vec<Output>,
    ) {
        let is_known = self.may_show(request.resident());
        let lost = match &request {
            OwnRequest::Forget { resident, phone } => Some(lost_phone(*resident, phone.clone())),
            _ => None,
        };
        let done = if is_known { self.own(now, request) } else { Err(OwnRefusal::NotEnrolled) };
        if let Some(lost) = lost.filter(|_| done.is_ok()) {
            self.publish(now, out);
            out.push(Output::Event(lost));
        }
        out.push(Output::OwnReply { to, reply: done.unwrap_or_else(OwnReply::Refused) });
    }

    fn own(&mut self, now: Timestamp, request: OwnRequest) -> Result<OwnReply, OwnRefusal> {
        let known = |is_known: bool| if is_known { Ok(OwnReply::Done) } else { Err(OwnRefusal::Unknown) };
        match request {
            OwnRequest::Nonce { resident } => {
                let (nonce, expires) = (Nonce(self.code_ids.bytes()), now.plus_millis(NONCE_LIFE_MS));
                self.nonces.add(nonce, resident, expires);
                Ok(OwnReply::Nonce { nonce, expires })
            }
            OwnRequest::Register { resident, key, nonce, proof } => {
                let said = OwnRequest::registration(resident, &key, nonce);
                let phone = signer(&key, &proof, &said);
                let is_ours = self.nonces.take(now, nonce, resident);
                let is_lost = |phone: &VerifyKey| self.endings.has_lost(key_id(phone));
                let phone = phone.filter(|phone| is_ours && !is_lost(phone));
                let phone = phone.ok_or(OwnRefusal::KeyProofInvalid)?;
                if !self.admit(resident, &phone) {
                    return Err(OwnRefusal::TooManyPhones);
                }
                Ok(OwnReply::Registered { phone: to_hex(&key_id(&phone)) })
            }
            OwnRequest::Phones { resident } => {
                let phones = self.phones.of(resident).map(|phone| to_hex(&key_id(&phone))).collect();
                Ok(OwnReply::Phones { phones })
            }
            OwnRequest::Forget { resident, phone } => known(self.lose_phone(now, resident, &phone)),
            OwnRequest::Entrust { resident: ward, guardian, scope, days } => {
                let person = self.registry.by_id(ward).ok_or(OwnRefusal::NotEnrolled)?;
                if now < comes_of_age(person.birth) {
                    return Err(OwnRefusal::NotOfAge);
                }
                self.manage(now, ManageRequest::Grant { guardian, ward, scope, days })?;
                Ok(OwnReply::Done)
            }
            OwnRequest::EndGrant { resident, guardian, ward } => {
                let is_one_of_them = resident == guardian || resident == ward;
                known(is_one_of_them && self.grants.end(guardian, ward))
            }
        }
    }
}

/// What everyone is told of a phone that its owner has lost.
pub(super) fn lost_phone(resident: ResidentId, phone: String) -> EidEvent {
    EidEvent::Revoked { resident, phone: Some(phone), card: None, status: CardStatus::Revoked }
}

/// The key, if it signed this.
fn signer(key: &str, proof: &str, said: &str) -> Option<VerifyKey> {
    let key = VerifyKey::read(Algorithm::Es256, &from_hex::<33>(key)?)?;
    key.has_signed(said.as_bytes(), &from_hex::<64>(proof)?).then_some(key)
}

#[cfg(test)]
mod tests;
