//! Which phones and holders ended, as the issuer last told.

use std::collections::BTreeMap;

use crate::decode::{Claims, Identity};
use crate::keys::{KeyId, from_hex, key_id};
use crate::status::CardStatus;
use crate::{Ended, PseudonymKey, RefusalReason};

/// What the set of keys tells of phones and holders. What cannot be read in it is left out.
#[derive(Debug, Default)]
pub(super) struct EndedHolders {
    phones: BTreeMap<KeyId, CardStatus>,
    holders: BTreeMap<String, CardStatus>,
}

impl EndedHolders {
    pub(super) fn read(told: &[Ended]) -> Self {
        let phone = |ended: &Ended| ended.phone.as_deref().and_then(from_hex).zip(Some(ended.status));
        let holder = |ended: &Ended| ended.phone.is_none().then(|| (ended.holder.clone(), ended.status));
        Self {
            phones: told.iter().filter_map(phone).collect(),
            holders: told.iter().filter_map(holder).collect(),
        }
    }

    /// Neither the phone that a code is bound to nor whose it is may have ended. Who has not the city's key to names, as a
    /// verifier without a network, knows phones only.
    pub(super) fn check(
        &self,
        names: &PseudonymKey,
        claims: &Claims,
        identity: &Identity,
    ) -> Result<(), RefusalReason> {
        let phone = claims.phone.as_ref().filter(|_| !self.phones.is_empty());
        let by_phone = phone.and_then(|phone| self.phones.get(&key_id(phone)));
        let by_holder = || {
            let is_any = !self.holders.is_empty();
            is_any.then(|| names.holder(identity.resident)).and_then(|name| self.holders.get(&name))
        };
        match by_phone.or_else(by_holder) {
            Some(CardStatus::Suspended) => Err(RefusalReason::CredentialSuspended),
            Some(CardStatus::Revoked) => Err(RefusalReason::CredentialRevoked),
            Some(CardStatus::Valid) | None => Ok(()),
        }
    }
}
