//! Phones with keys of their own, simulated: a page of a browser shows what they display.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use eid::{
    Challenge, CredentialRefusal, CredentialReply, CredentialRequest, Phone, PhoneKey, Profile, QrText, phone,
};
use types::{Core, ResidentId, Seed, Timestamp};

use crate::access::Secret;
use crate::metrics::metrics;

/// Phones at once; beyond it the one of the lowest number goes, and fetches its credentials anew when it is back.
const PHONES_MAX: usize = 256;

/// What its owner wants a phone to do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wish {
    /// Show a code to whoever asks.
    Show(Profile),
    /// Answer this challenge.
    Answer(Challenge),
}

/// What a phone wants, or has.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// Ask the issuer, and tell the phone what it says.
    Ask(CredentialRequest),
    /// This code is on its screen until then.
    Shown(QrText, Timestamp),
    /// It shows none.
    Refused(CredentialRefusal),
}

/// The phones of all residents who are looked at.
#[derive(Debug)]
pub(crate) struct Wallets {
    /// Their keys are made from it, so that a console that starts again has the same phones.
    secret: Secret,
    phones: Mutex<BTreeMap<ResidentId, Phone>>,
}

impl Wallets {
    pub(crate) fn new(secret: Secret) -> Self {
        Self { secret, phones: Mutex::default() }
    }

    /// What the phone does about a wish.
    pub(crate) fn wish(&self, now: Timestamp, owner: ResidentId, wish: Wish) -> Option<Answer> {
        match wish {
            Wish::Show(profile) => self.tell(now, owner, [phone::Input::Show { profile, ward: None }]),
            Wish::Answer(challenge) => {
                self.tell(now, owner, [phone::Input::Challenged(challenge), phone::Input::Agree])
            }
        }
    }

    /// What the phone does about the issuer's answer.
    pub(crate) fn take(&self, now: Timestamp, owner: ResidentId, reply: CredentialReply) -> Option<Answer> {
        self.tell(now, owner, [phone::Input::Reply(reply)])
    }

    fn tell(
        &self,
        now: Timestamp,
        owner: ResidentId,
        inputs: impl IntoIterator<Item = phone::Input>,
    ) -> Option<Answer> {
        let mut phones = self.phones.lock().unwrap_or_else(PoisonError::into_inner);
        if phones.len() >= PHONES_MAX && !phones.contains_key(&owner) {
            phones.pop_first();
            metrics().forgotten.with_label_values(&["phones"]).inc();
        }
        let phone = phones.entry(owner).or_insert_with(|| self.phone_of(owner));
        let mut outputs = Vec::new();
        for input in inputs {
            phone.handle(now, input, &mut outputs);
        }
        let answers = outputs.into_iter().filter_map(|output| match output {
            phone::Output::Display { code, expires } => Some(Answer::Shown(code, expires)),
            phone::Output::Request(request) => Some(Answer::Ask(request)),
            phone::Output::Refused(refusal) => Some(Answer::Refused(refusal)),
            phone::Output::AskOwner(_) | phone::Output::Blank => None,
        });
        // A phone that has a code to show may ask for more in advance: that can wait for the next showing.
        answers.min_by_key(|answer| !matches!(answer, Answer::Shown(..)))
    }

    /// The key of a resident's phone.
    pub(crate) fn key_of(&self, owner: ResidentId) -> PhoneKey {
        PhoneKey::from_seed(self.secret.key_for(&format!("phone of {owner}")))
    }

    /// Every phone throws its credentials away, and fetches new ones for its next code.
    pub(crate) fn start_over(&self) {
        self.phones.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn phone_of(&self, owner: ResidentId) -> Phone {
        let (nonces, _) = uuid::Uuid::new_v4().as_u64_pair();
        Phone::new(owner, self.key_of(owner), Seed(nonces).stream("nonces", owner.0.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(wallets: &Wallets, owner: u32) -> String {
        let wish = Wish::Show(Profile::Age);
        match wallets.wish(Timestamp::from_millis(0), ResidentId(owner), wish) {
            Some(Answer::Ask(request)) => request.key,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_resident_has_a_phone_of_their_own_and_never_more_than_the_city_has_room_for() {
        let wallets = Wallets::new(Secret::from_words("kite"));
        let first = key_of(&wallets, 1);
        assert_ne!(key_of(&wallets, 2), first);
        for owner in 3..=PHONES_MAX as u32 + 9 {
            key_of(&wallets, owner);
        }
        assert_eq!(wallets.phones.lock().unwrap().len(), PHONES_MAX);
        assert_eq!(key_of(&wallets, 1), first, "the same phone when it is back");
    }
}
