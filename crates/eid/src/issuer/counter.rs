//! The counter of the issuer: what its clerks do about keys, cards, lives and guardians.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use types::{DAY_MS, ReplyTo, ResidentId, SECOND_MS, Timestamp};

use super::own::lost_phone;
use super::{Issuer, Output, seconds};
use crate::attribute::claim_169;
use crate::encode::{CodeHead, claims_set, pack, sign};
use crate::guardian::Guardianship;
use crate::keys::{KeyId, from_hex, key_id, to_hex};
use crate::signature::VerifyKey;
use crate::status::{CardStatus, STATUS_LIST_LEN, StatusList, StatusRef};
use crate::{Algorithm, EidEvent, KeySet, LifeState, Profile, QrText, RotateRefused, Scope};

/// The longest a card, or a grant of an elder, may last \[days\]: five years.
pub const CARD_DAYS_MAX: u32 = 1_826;

/// Clerk → issuer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ManageRequest {
    /// Tell the keys, for a verifier that will have no network.
    TellKeys,
    /// The next key takes over.
    RotateKeys,
    /// A key is in the wrong hands.
    CompromiseKey {
        /// Its id, 16 hex digits.
        kid: String,
    },
    /// The census changed: somebody died, moved away, or is back.
    SetLife {
        /// Who.
        resident: ResidentId,
        /// What they are now.
        life: LifeState,
    },
    /// Nothing of this resident is good for now.
    Suspend {
        /// Who.
        resident: ResidentId,
    },
    /// It is good again.
    Resume {
        /// Who.
        resident: ResidentId,
    },
    /// Print a card.
    PrintCard {
        /// For whom.
        resident: ResidentId,
        /// What it discloses.
        profile: Profile,
        /// For how long \[days\], `1..=1_826`.
        days: u32,
    },
    /// A card was lost.
    RevokeCard {
        /// Its number.
        card: u32,
    },
    /// A phone was lost.
    ForgetPhone {
        /// Whose.
        resident: ResidentId,
        /// Its key, 66 hex digits.
        key: String,
    },
    /// Somebody may show a ward's identity.
    Grant {
        /// Who.
        guardian: ResidentId,
        /// Whose.
        ward: ResidentId,
        /// For what.
        scope: Scope,
        /// For how long \[days\], `1..=1_826`; for a child at most until the 18th birthday.
        days: u32,
    },
    /// Not any more.
    EndGrant {
        /// Who.
        guardian: ResidentId,
        /// Whose.
        ward: ResidentId,
    },
}

/// Issuer → clerk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ManageReply {
    /// Done.
    Done,
    /// The keys.
    Keys {
        /// The root key that signs them, 64 hex digits. To be believed as much as the way it came.
        root: String,
        /// The set, as it is on the bus.
        keys: KeySet,
    },
    /// The card to print.
    Card {
        /// Its number.
        card: u32,
        /// What its symbol says.
        code: QrText,
    },
    /// Not done.
    Refused(ManageRefusal),
}

/// Why the clerk's wish was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ManageRefusal {
    /// The next key was published less than 24 hours ago.
    TooEarly,
    /// No key, resident, card, phone or grant is what was named.
    Unknown,
    /// Not 1 to 1,826 days.
    DaysOutOfRange,
    /// As many cards or grants as there may be.
    TooMany,
    /// A guardian is of age, and another person than the ward.
    NoGuardian,
}

/// The cards that were printed, by number, and what the status list says of them.
#[derive(Debug)]
pub(super) struct Cards {
    owners: BTreeMap<u32, ResidentId>,
    status: StatusList,
}

impl Cards {
    pub(super) fn new() -> Self {
        Self { owners: BTreeMap::new(), status: StatusList::new() }
    }

    /// The list to publish, if any card was printed.
    pub(super) fn status(&self) -> Option<&StatusList> {
        (!self.owners.is_empty()).then_some(&self.status)
    }

    /// A revoked card stays revoked.
    fn restate(&mut self, resident: ResidentId, status: CardStatus) {
        for (&card, _) in self.owners.iter().filter(|(_, owner)| **owner == resident) {
            if self.status.of(card) != Some(CardStatus::Revoked) {
                self.status.set(card, status);
            }
        }
    }

    /// The number of one more card, while there is room.
    fn add(&mut self, owner: ResidentId) -> Option<u32> {
        let card = u32::try_from(self.owners.len()).ok().filter(|card| *card < STATUS_LIST_LEN)?;
        self.owners.insert(card, owner);
        Some(card)
    }
}

impl Issuer {
    pub(super) fn answer_clerk(
        &mut self,
        now: Timestamp,
        to: ReplyTo,
        request: ManageRequest,
        out: &mut Vec<Output>,
    ) {
        use ManageRequest::{CompromiseKey, ForgetPhone, Resume, RevokeCard, RotateKeys, SetLife, Suspend};
        let concerns_verifiers = matches!(
            request,
            RotateKeys
                | CompromiseKey { .. }
                | SetLife { .. }
                | Suspend { .. }
                | Resume { .. }
                | RevokeCard { .. }
                | ForgetPhone { .. }
        );
        let revoked = self.revoked_by(&request);
        let reply = self.manage(now, request).unwrap_or_else(ManageReply::Refused);
        if concerns_verifiers && reply == ManageReply::Done {
            self.publish(now, out);
            out.extend(revoked.map(Output::Event));
        }
        out.push(Output::ManageReply { to, reply });
    }

    /// What everyone is told if the clerk's wish is done.
    fn revoked_by(&self, request: &ManageRequest) -> Option<EidEvent> {
        use CardStatus::{Revoked, Suspended};
        let event = |resident, card, status| EidEvent::Revoked { resident, phone: None, card, status };
        Some(match request {
            ManageRequest::ForgetPhone { resident, key } => lost_phone(*resident, phone_id(key)?),
            ManageRequest::RevokeCard { card } => event(*self.cards.owners.get(card)?, Some(*card), Revoked),
            ManageRequest::Suspend { resident } => event(*resident, None, Suspended),
            ManageRequest::SetLife { resident, life } if *life != LifeState::Active => {
                event(*resident, None, Revoked)
            }
            _ => return None,
        })
    }

    pub(super) fn manage(
        &mut self,
        now: Timestamp,
        request: ManageRequest,
    ) -> Result<ManageReply, ManageRefusal> {
        use ManageRefusal::{TooMany, Unknown};
        let known = |is_known: bool| if is_known { Ok(ManageReply::Done) } else { Err(Unknown) };
        match request {
            ManageRequest::TellKeys => {
                let (root, keys) = (self.root().to_hex(), self.key_set(now));
                return Ok(ManageReply::Keys { root, keys });
            }
            ManageRequest::RotateKeys => self.keys.rotate(now)?,
            ManageRequest::CompromiseKey { kid } => self.keys.compromise(now, &kid)?,
            ManageRequest::SetLife { resident, life } => {
                self.registry.by_id(resident).ok_or(Unknown)?;
                self.lives.insert(resident, life);
                self.restate(now, resident);
            }
            ManageRequest::Suspend { resident } => {
                self.registry.by_id(resident).ok_or(Unknown)?;
                self.suspended.insert(resident);
                self.restate(now, resident);
            }
            ManageRequest::Resume { resident } => {
                self.suspended.remove(&resident).then_some(()).ok_or(Unknown)?;
                self.restate(now, resident);
            }
            ManageRequest::PrintCard { resident, profile, days } => {
                return self.print_card(now, resident, profile, days);
            }
            ManageRequest::RevokeCard { card } => {
                self.cards.owners.get(&card).ok_or(Unknown)?;
                self.cards.status.set(card, CardStatus::Revoked);
            }
            ManageRequest::ForgetPhone { resident, key } => {
                let phone = phone_id(&key).ok_or(Unknown)?;
                return known(self.lose_phone(now, resident, &phone));
            }
            ManageRequest::Grant { guardian, ward, scope, days } => {
                let until = check_days(now, days)?;
                let ward = self.registry.by_id(ward).filter(|ward| self.is_active(ward.id)).ok_or(Unknown)?;
                self.check_guardian(now, guardian, ward.id)?;
                let grant = Guardianship { guardian, scope, until };
                self.grants.give(now, ward, grant).map_err(|_| TooMany)?;
            }
            ManageRequest::EndGrant { guardian, ward } => return known(self.grants.end(guardian, ward)),
        }
        Ok(ManageReply::Done)
    }

    fn check_guardian(
        &self,
        now: Timestamp,
        guardian: ResidentId,
        ward: ResidentId,
    ) -> Result<(), ManageRefusal> {
        let person = self.registry.by_id(guardian).filter(|person| self.is_active(person.id));
        let person = person.ok_or(ManageRefusal::Unknown)?;
        let is_fit = guardian != ward && person.birth.age_on(now.local_day()) >= 18;
        is_fit.then_some(()).ok_or(ManageRefusal::NoGuardian)
    }

    /// What is told of the resident's cards and phones follows from what the census says of the resident.
    fn restate(&mut self, now: Timestamp, resident: ResidentId) {
        let status = match self.life(resident) {
            Some(LifeState::Active) if self.suspended.contains(&resident) => CardStatus::Suspended,
            Some(LifeState::Active) => CardStatus::Valid,
            Some(LifeState::Moved | LifeState::Deceased) | None => CardStatus::Revoked,
        };
        self.cards.restate(resident, status);
        let phones: Vec<KeyId> = self.phones.of(resident).map(|phone| key_id(&phone)).collect();
        if status == CardStatus::Valid {
            self.endings.lift(resident, &phones);
            return;
        }
        for phone in phones.into_iter().map(Some).chain([None]) {
            self.endings.add(now, resident, phone, status);
        }
    }

    fn print_card(
        &mut self,
        now: Timestamp,
        resident: ResidentId,
        profile: Profile,
        days: u32,
    ) -> Result<ManageReply, ManageRefusal> {
        let until = check_days(now, days)?;
        if !self.may_show(resident) {
            return Err(ManageRefusal::Unknown);
        }
        let card = self.cards.add(resident).ok_or(ManageRefusal::TooMany)?;
        let code_id = self.code_ids.bytes();
        let person = self.registry.by_id(resident).ok_or(ManageRefusal::Unknown)?;
        let status = Some(StatusRef::of_card(card));
        let (issued, expires) = (seconds(now), until.as_millis().div_euclid(SECOND_MS));
        let head = CodeHead { issuer: &self.name, issued, expires, code_id, phone: None, status };
        let payload = claims_set(&head, claim_169(person, profile, now.local_day(), None));
        let (key, kid) = self.keys.sign_with(until);
        Ok(ManageReply::Card { card, code: pack(&sign(payload, key, kid)) })
    }
}

/// The id of a phone with this key, 66 hex digits.
fn phone_id(key: &str) -> Option<String> {
    let key = VerifyKey::read(Algorithm::Es256, &from_hex::<33>(key)?)?;
    Some(to_hex(&key_id(&key)))
}

fn check_days(now: Timestamp, days: u32) -> Result<Timestamp, ManageRefusal> {
    let is_in_range = (1..=CARD_DAYS_MAX).contains(&days);
    is_in_range.then(|| now.plus_millis(i64::from(days) * DAY_MS)).ok_or(ManageRefusal::DaysOutOfRange)
}

impl From<RotateRefused> for ManageRefusal {
    fn from(refused: RotateRefused) -> Self {
        match refused {
            RotateRefused::TooEarly => Self::TooEarly,
            RotateRefused::UnknownKey => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests;
