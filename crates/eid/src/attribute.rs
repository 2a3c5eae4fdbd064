use std::collections::BTreeMap;

use ciborium::Value;

use crate::guardian::Guardianship;
use crate::keys::to_hex;
use crate::{Gender, Profile, Resident, portrait};

/// The age from which [`Attribute::Over18`] is true \[years\].
const ADULT_YEARS: u16 = 18;
/// The formats of portraits, numbered from 1.
const PHOTO_FORMATS: [&str; 4] = ["jpeg", "jpeg2000", "avif", "webp"];
/// The number of the last of them.
const PHOTO_WEBP: i64 = PHOTO_FORMATS.len() as i64;

/// An attribute of a resident, as claim 169 carries it.
///
/// Source: MOSIP, "CWT claim 169", version 1.2.0, and the IANA registry of CWT claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attribute {
    /// Key 1: who the holder is to the city, such as `r-0042`: a payer matches the holder by it. It stands in every
    /// code; what a verifier tells of it depends on [`Reader::identifies`](crate::Reader::identifies).
    Id,
    /// Key 4: the name in Chinese.
    FullName,
    /// Key 8: the birth date, YYYYMMDD.
    BirthDate,
    /// Key 9: the gender.
    Gender,
    /// Key 10: the address.
    Address,
    /// Key 13: the nationality (ISO 3166-1, two letters).
    Nationality,
    /// Key 16: the portrait. In a verdict: its bytes in hex.
    Photo,
    /// Key 17: what the portrait is.
    PhotoFormat,
    /// Key 19: the name in Latin letters.
    SecondaryName,
    /// Key 20: the language of that name (ISO 639-3).
    SecondaryLanguage,
    /// Key 21: the district's region code.
    LocationCode,
    /// Key 75: whether the holder is 18 or older. The key is unassigned; a closed ecosystem may use it.
    Over18,
}

impl Attribute {
    /// All attributes, in the order of their keys.
    pub const ALL: [Self; 12] = [
        Self::Id,
        Self::FullName,
        Self::BirthDate,
        Self::Gender,
        Self::Address,
        Self::Nationality,
        Self::Photo,
        Self::PhotoFormat,
        Self::SecondaryName,
        Self::SecondaryLanguage,
        Self::LocationCode,
        Self::Over18,
    ];

    /// What a profile discloses, in the order of the keys.
    pub fn disclosed_by(profile: Profile) -> &'static [Self] {
        match profile {
            Profile::Anon => &[Self::Id],
            Profile::Age => &[Self::Id, Self::Over18],
            Profile::Name => &[Self::Id, Self::FullName, Self::BirthDate, Self::Gender],
            Profile::Full => &[
                Self::Id,
                Self::FullName,
                Self::BirthDate,
                Self::Gender,
                Self::Address,
                Self::Nationality,
                Self::SecondaryName,
                Self::SecondaryLanguage,
                Self::LocationCode,
            ],
            Profile::Photo => {
                &[Self::Id, Self::FullName, Self::BirthDate, Self::Gender, Self::Photo, Self::PhotoFormat]
            }
        }
    }

    /// Whether these attributes are at least those of a profile.
    pub(crate) fn cover(disclosed: &BTreeMap<Self, String>, profile: Profile) -> bool {
        let is_told = |attribute: &Self| disclosed.contains_key(attribute) || *attribute == Self::Id;
        Self::disclosed_by(profile).iter().all(is_told)
    }

    /// Whether these attributes are at most those of a profile.
    pub(crate) fn within(disclosed: &BTreeMap<Self, String>, profile: Profile) -> bool {
        disclosed.keys().all(|attribute| Self::disclosed_by(profile).contains(attribute))
    }

    /// Its name in [`Verdict::Accepted`](crate::Verdict::Accepted).
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::FullName => "full_name",
            Self::BirthDate => "birth_date",
            Self::Gender => "gender",
            Self::Address => "address",
            Self::Nationality => "nationality",
            Self::Photo => "photo",
            Self::PhotoFormat => "photo_format",
            Self::SecondaryName => "secondary_name",
            Self::SecondaryLanguage => "secondary_language",
            Self::LocationCode => "location_code",
            Self::Over18 => "over_18",
        }
    }

    /// Its key in claim 169.
    pub(crate) fn key(self) -> i64 {
        match self {
            Self::Id => 1,
            Self::FullName => 4,
            Self::BirthDate => 8,
            Self::Gender => 9,
            Self::Address => 10,
            Self::Nationality => 13,
            Self::Photo => 16,
            Self::PhotoFormat => 17,
            Self::SecondaryName => 19,
            Self::SecondaryLanguage => 20,
            Self::LocationCode => 21,
            Self::Over18 => 75,
        }
    }

    fn value(self, resident: &Resident, today: i64) -> Value {
        match self {
            Self::Id => resident.id.to_string().into(),
            Self::FullName => resident.name_zh.as_str().into(),
            Self::BirthDate => resident.birth.to_yyyymmdd().into(),
            Self::Gender => match resident.gender {
                Gender::Male => 1.into(),
                Gender::Female => 2.into(),
            },
            Self::Address => resident.address.as_str().into(),
            Self::Nationality => "CN".into(),
            Self::Photo => Value::Bytes(portrait::webp(resident.portrait)),
            Self::PhotoFormat => PHOTO_WEBP.into(),
            Self::SecondaryName => resident.name_en.as_str().into(),
            Self::SecondaryLanguage => "eng".into(),
            Self::LocationCode => resident.district_code.to_string().into(),
            Self::Over18 => (resident.birth.age_on(today) >= ADULT_YEARS).into(),
        }
    }

    /// How a verdict words its value; `None` if the value is not of its type.
    pub(crate) fn worded(self, value: &Value) -> Option<String> {
        match (self, value) {
            (Self::Gender, Value::Integer(gender)) => {
                let word = match i128::from(*gender) {
                    1 => "male",
                    2 => "female",
                    3 => "other",
                    _ => return None,
                };
                Some(word.to_owned())
            }
            (Self::PhotoFormat, Value::Integer(format)) => {
                let format = usize::try_from(i128::from(*format)).ok()?.checked_sub(1)?;
                PHOTO_FORMATS.get(format).map(|name| (*name).to_owned())
            }
            (Self::Photo, Value::Bytes(photo)) => Some(to_hex(photo)),
            (Self::Gender | Self::PhotoFormat | Self::Photo, _) => None,
            (Self::Over18, value) => value.as_bool().map(|adult| adult.to_string()),
            (_, value) => value.as_text().map(str::to_owned),
        }
    }
}

/// Claim 169 of one resident in one profile, its keys ascending. `today` – for the age \[days since 1970-01-01, local\];
/// `guardianship` – if it is for a guardian's phone.
pub(crate) fn claim_169(
    resident: &Resident,
    profile: Profile,
    today: i64,
    guardianship: Option<Guardianship>,
) -> Value {
    let entry = |attribute: &Attribute| (attribute.key().into(), attribute.value(resident, today));
    let mut entries: Vec<(Value, Value)> = Attribute::disclosed_by(profile).iter().map(entry).collect();
    if let Some(guardianship) = guardianship {
        entries.extend(guardianship.entries());
        entries.sort_by_key(|(key, _)| key.as_integer());
    }
    Value::Map(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_another_type_is_not_worded() {
        assert_eq!(Attribute::FullName.worded(&7.into()), None);
        assert_eq!(Attribute::Gender.worded(&"male".into()), None);
        assert_eq!(Attribute::Gender.worded(&9.into()), None);
        assert_eq!(Attribute::Over18.worded(&1.into()), None);
        assert_eq!(Attribute::Photo.worded(&"RIFF".into()), None);
        for format in [0.into(), 5.into(), (-1).into(), "webp".into()] {
            assert_eq!(Attribute::PhotoFormat.worded(&format), None);
        }
    }

    #[test]
    fn no_profile_but_age_tells_the_age_and_anon_tells_nothing_but_the_pseudonym() {
        let keys = |profile| -> Vec<i64> {
            Attribute::disclosed_by(profile).iter().map(|attribute| attribute.key()).collect()
        };
        assert_eq!(keys(Profile::Anon), [1]);
        assert_eq!(keys(Profile::Age), [1, 75]);
        assert_eq!(keys(Profile::Name), [1, 4, 8, 9]);
        assert_eq!(keys(Profile::Full), [1, 4, 8, 9, 10, 13, 19, 20, 21]);
        assert_eq!(keys(Profile::Photo), [1, 4, 8, 9, 16, 17]);
    }

    #[test]
    fn keys_ascend_so_that_the_claim_is_deterministic() {
        assert!(Attribute::ALL.is_sorted_by_key(|attribute| attribute.key()));
        assert!(Attribute::ALL.is_sorted());
    }
}
