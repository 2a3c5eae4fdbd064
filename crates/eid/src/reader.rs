//! Readers: who may ask for what, and how sure they want to be.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use types::VerifierId;

use crate::Profile;
use crate::keys::to_hex;

/// What a reader wants to see besides a genuine credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assurance {
    /// Any living code: one that the issuer has just signed, or one with a phone's proof.
    #[default]
    Code,
    /// A phone's proof.
    Phone,
    /// A phone's proof that answers this reader's own challenge.
    Challenge,
}

/// What a reader does when it cannot tell whether a card was revoked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StalePolicy {
    /// Accepts, and says that it is unconfirmed.
    #[default]
    Accept,
    /// Refuses.
    Refuse,
}

/// For what a guardian may show a ward's identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// For everything.
    #[default]
    All,
    /// For treatment and its payment.
    Medical,
    /// At school.
    School,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 3] = [Self::All, Self::Medical, Self::School];

    /// Whether a grant of this scope is good at a reader of that purpose.
    pub fn covers(self, purpose: Self) -> bool {
        self == Self::All || self == purpose
    }

    /// Its name on the bus and in a credential.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Medical => "medical",
            Self::School => "school",
        }
    }
}

/// One kind of counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reader {
    /// What people call it in English.
    pub name_en: String,
    /// What people call it in Chinese.
    pub name_zh: String,
    /// The profiles it may ask for.
    pub may_ask: Vec<Profile>,
    /// How sure it wants to be.
    pub assurance: Assurance,
    /// Whether a printed card will do.
    pub cards: bool,
    /// What for: a guardian's grant must cover it.
    pub purpose: Scope,
    /// Whether it is told who the holder is to the city, as a payer must be; otherwise it gets a pseudonym of its own.
    #[serde(default)]
    pub identifies: bool,
    /// When the status list is missing or stale.
    pub stale_status: StalePolicy,
    /// Codes it may have refused in a minute; then it waits for the minute to end.
    pub refusals_a_minute_max: u32,
}

impl Reader {
    /// A reader that may ask for everything and takes any living code.
    pub fn any() -> Self {
        Self {
            name_en: "A counter".to_owned(),
            name_zh: "窗口".to_owned(),
            may_ask: Profile::ALL.to_vec(),
            assurance: Assurance::Code,
            cards: false,
            purpose: Scope::All,
            identifies: false,
            stale_status: StalePolicy::Accept,
            refusals_a_minute_max: 120,
        }
    }

    /// Whether it may ask for this.
    pub fn may_ask_for(&self, profile: Profile) -> bool {
        self.may_ask.contains(&profile)
    }
}

/// The readers of a city by name. Who is not among them is [`Reader::any`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Readers {
    by_name: BTreeMap<VerifierId, Reader>,
}

impl Readers {
    /// The readers of a city that sets no rules: only the payer is known by name.
    pub fn lenient() -> Self {
        // One name for all tills of the city: a few people who try in vain must not stop everybody's payment.
        let payment = Reader {
            refusals_a_minute_max: 12_000,
            identifies: true,
            purpose: Scope::Medical,
            ..named("Payment of medical bills", "医保结算", &Profile::ALL)
        };
        Self { by_name: BTreeMap::from([("payment".parse().expect("a slug"), payment)]) }
    }

    /// The presets: `config/readers.toml` says the same.
    pub fn presets() -> Self {
        use Profile::{Age, Anon, Full, Name, Photo};
        let medical = |reader| Reader { purpose: Scope::Medical, cards: true, identifies: true, ..reader };
        let hospital = medical(named("Hospital registration", "医院挂号处", &[Name, Full, Photo]));
        let school_gate = named("School gate", "学校门口", &[Name]);
        let mut readers = Self::lenient();
        readers.by_name.extend(
            [
                ("hospital", Reader { stale_status: StalePolicy::Refuse, ..hospital }),
                ("clinic-counter", medical(named("Clinic counter", "诊所窗口", &[Name]))),
                (
                    "school-gate",
                    Reader { purpose: Scope::School, assurance: Assurance::Phone, ..school_gate },
                ),
                ("museum", Reader { assurance: Assurance::Challenge, ..named("Museum", "博物馆", &[Age]) }),
                ("bus", named("Bus", "公交车", &[Anon, Age])),
            ]
            .map(|(name, reader)| (name.parse().expect("a slug"), reader)),
        );
        readers
    }

    /// These readers and no others.
    pub fn of(by_name: BTreeMap<VerifierId, Reader>) -> Self {
        Self { by_name }
    }

    /// Another one for other readers: 16 hex digits.
    pub fn fingerprint(&self) -> String {
        let text = serde_json::to_vec(self).expect("readers are JSON");
        to_hex(&Sha256::digest(text)[..8])
    }

    /// The reader of this name.
    pub fn named(&self, name: VerifierId) -> Option<&Reader> {
        self.by_name.get(&name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (VerifierId, &Reader)> {
        self.by_name.iter().map(|(name, reader)| (*name, reader))
    }
}

fn named(name_en: &str, name_zh: &str, may_ask: &[Profile]) -> Reader {
    Reader {
        name_en: name_en.to_owned(),
        name_zh: name_zh.to_owned(),
        may_ask: may_ask.to_vec(),
        ..Reader::any()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_covers_its_own_purpose_only_unless_it_is_for_everything() {
        for purpose in Scope::ALL {
            assert!(Scope::All.covers(purpose));
            assert_eq!(Scope::Medical.covers(purpose), purpose == Scope::Medical);
        }
    }

    #[test]
    fn other_readers_have_another_fingerprint() {
        assert_ne!(Readers::presets().fingerprint(), Readers::lenient().fingerprint());
        assert_eq!(Readers::presets().fingerprint(), Readers::presets().fingerprint());
    }

    #[test]
    fn only_where_people_are_treated_or_paid_for_is_a_reader_told_who_they_are() {
        let presets = Readers::presets();
        let told = presets.iter().filter(|(_, reader)| reader.identifies).map(|(name, _)| name.to_string());
        assert_eq!(told.collect::<Vec<_>>(), ["clinic-counter", "hospital", "payment"]);
        assert!(!Reader::any().identifies);
    }

    #[test]
    fn no_preset_may_ask_for_more_than_it_needs() {
        let presets = Readers::presets();
        let asks = |name: &str| presets.named(name.parse().unwrap()).unwrap().may_ask.clone();
        assert_eq!(presets.iter().count(), 6);
        assert_eq!(asks("museum"), [Profile::Age]);
        assert_eq!(asks("bus"), [Profile::Anon, Profile::Age]);
        let full = presets.iter().filter(|(_, reader)| reader.may_ask_for(Profile::Full));
        assert_eq!(full.map(|(name, _)| name.to_string()).collect::<Vec<_>>(), ["hospital", "payment"]);
    }
}
