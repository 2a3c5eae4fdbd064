//! Guardians, who show the identity of a child or an elder on their own phone.

use std::collections::BTreeMap;

use ciborium::Value;
use types::{DAY_MS, LOCAL_OFFSET_MS, ResidentId, SECOND_MS, Timestamp};

use crate::decode::time;
use crate::{BirthDate, Resident, Scope};

/// Grants one guardian or one ward may have.
pub const GRANTS_MAX: usize = 8;
/// The age at which nobody needs a guardian for being young \[years\].
const ADULT_YEARS: u16 = 18;

/// Keys within claim 169. 15 is the standard's, the others are unassigned: a closed ecosystem may use them.
const KEY_GUARDIAN: i64 = 15;
const KEY_SCOPE: i64 = 76;
const KEY_UNTIL: i64 = 77;

/// What a ward's credential says of the guardian on whose phone it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Guardianship {
    pub(crate) guardian: ResidentId,
    pub(crate) scope: Scope,
    /// When the grant ends.
    pub(crate) until: Timestamp,
}

impl Guardianship {
    /// None unless key 15 is a pseudonym. A scope or an end that is missing ends the grant.
    pub(crate) fn read(identity: &BTreeMap<i64, Value>) -> Option<Self> {
        let guardian = identity.get(&KEY_GUARDIAN)?.as_text()?.parse().ok()?;
        let scope = identity.get(&KEY_SCOPE).and_then(Value::as_text);
        let scope = scope.and_then(|name| Scope::ALL.into_iter().find(|scope| scope.name() == name));
        let until = identity.get(&KEY_UNTIL).and_then(time);
        let (scope, until) = scope.zip(until).unwrap_or((Scope::All, Timestamp::from_millis(i64::MIN)));
        Some(Self { guardian, scope, until })
    }

    /// Its entries in claim 169.
    pub(crate) fn entries(&self) -> [(Value, Value); 3] {
        [
            (KEY_GUARDIAN.into(), self.guardian.to_string().into()),
            (KEY_SCOPE.into(), self.scope.name().into()),
            (KEY_UNTIL.into(), self.until.as_millis().div_euclid(SECOND_MS).into()),
        ]
    }
}

/// Who may show whose identity, by ward and guardian; at most [`GRANTS_MAX`] for one ward.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    by_ward: BTreeMap<ResidentId, BTreeMap<ResidentId, Guardianship>>,
}

/// A ward has as many guardians as one may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManyGrants;

impl Grants {
    /// Gives or changes a grant. That of a child ends, at the latest, when the child comes of age.
    pub(crate) fn give(
        &mut self,
        now: Timestamp,
        ward: &Resident,
        mut grant: Guardianship,
    ) -> Result<(), TooManyGrants> {
        let of_age = comes_of_age(ward.birth);
        if now < of_age {
            grant.until = grant.until.min(of_age);
        }
        let grants = self.by_ward.entry(ward.id).or_default();
        grants.retain(|_, grant| now < grant.until);
        if grants.len() >= GRANTS_MAX && !grants.contains_key(&grant.guardian) {
            return Err(TooManyGrants);
        }
        grants.insert(grant.guardian, grant);
        Ok(())
    }

    /// Ends a grant; says whether there was one.
    pub(crate) fn end(&mut self, guardian: ResidentId, ward: ResidentId) -> bool {
        self.by_ward.get_mut(&ward).is_some_and(|grants| grants.remove(&guardian).is_some())
    }

    /// The grant of this guardian for this ward, while it lasts.
    pub(crate) fn find(
        &self,
        now: Timestamp,
        guardian: ResidentId,
        ward: ResidentId,
    ) -> Option<Guardianship> {
        self.by_ward.get(&ward)?.get(&guardian).copied().filter(|grant| now < grant.until)
    }
}

/// The moment somebody comes of age: the first of their 18th birthday, local time.
pub(crate) fn comes_of_age(birth: BirthDate) -> Timestamp {
    let year = birth.year() + ADULT_YEARS;
    // Who is born on 29 February comes of age on 1 March of a year without that day.
    let day = days_since_1970(year, birth.month(), birth.day());
    Timestamp::from_millis(day * DAY_MS - LOCAL_OFFSET_MS)
}

/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`; a day past the end of its month is
/// one of the next.
fn days_since_1970(year: u16, month: u8, day: u8) -> i64 {
    let year = i64::from(year) - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month_from_march = i64::from(month) + if month > 2 { -3 } else { 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn guardianship() -> Guardianship {
        Guardianship { guardian: ResidentId(7), scope: Scope::Medical, until: Timestamp::from_millis(5_000) }
    }

    fn entries() -> BTreeMap<i64, Value> {
        let label = |value: Value| i64::try_from(value.as_integer().unwrap()).unwrap();
        guardianship().entries().into_iter().map(|(key, value)| (label(key), value)).collect()
    }

    #[test]
    fn a_guardian_without_scope_or_end_has_no_grant_left() {
        for key in [KEY_SCOPE, KEY_UNTIL] {
            let mut entries = entries();
            entries.remove(&key);
            assert_eq!(Guardianship::read(&entries).unwrap().until, Timestamp::from_millis(i64::MIN));
            entries.insert(key, "nonsense".into());
            assert_eq!(Guardianship::read(&entries).unwrap().until, Timestamp::from_millis(i64::MIN));
        }
    }

    #[test]
    fn a_guardianship_is_read_back() {
        assert_eq!(Guardianship::read(&entries()), Some(guardianship()));
        assert_eq!(Guardianship::read(&BTreeMap::new()), None);
    }

    proptest! {
        #[test]
        fn who_comes_of_age_is_eighteen_then_and_not_a_millisecond_before(days in -20_000i64..20_000) {
            let birth = BirthDate::from_days(days).unwrap();
            let moment = comes_of_age(birth);
            prop_assert_eq!(birth.age_on(moment.local_day()), ADULT_YEARS);
            prop_assert_eq!(birth.age_on(moment.plus_millis(-1).local_day()), ADULT_YEARS - 1);
        }
    }
}
