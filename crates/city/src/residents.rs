use eid::{LifeState, Resident};
use types::{DistrictId, LuminaireId, Position, ResidentId};

use crate::census::{CENSUS_DAY, FIRST, number};
use crate::district::district_at;
use crate::people::name;
use crate::plan::Plan;
use crate::shape::{Point, Walk, lerp};
use crate::street::RoadClass;

/// Everybody in the census of a city, made when asked for: a million residents need no memory.
///
/// Resident `n` has the same number, name and life state in every city of one seed, however many residents it has.
/// They live beside one of its luminaires; when luminaires are added, only as many residents move as the new streets
/// house; house numbers shift where a street grew at its start.
#[derive(Clone, Copy, Debug)]
pub struct Residents<'p> {
    plan: &'p Plan,
}

/// A resident and where they live.
#[derive(Clone, Debug, PartialEq)]
pub struct Citizen {
    /// Who they are.
    pub person: Resident,
    /// Their front door \[m east, m north of the city's origin\].
    pub home: (f64, f64),
    /// The same \[degrees\].
    pub position: Position,
    /// The district they live in.
    pub district: DistrictId,
    /// Their street: index in [`Plan::streets`].
    pub street: usize,
}

/// A front door is this far behind the kerb, at least and at most \[m\].
const SETBACK_M: (f64, f64) = (5.0, 21.0);
/// From one house number to the next on the same side of the street \[m\].
const HOUSE_M: f64 = 12.0;
/// Closer to the middle of a street nothing is on a side of it \[m\].
const ASIDE_MIN_M: f64 = 0.5;
/// The age at which nobody needs a guardian \[years\].
const ADULT_YEARS: u16 = 18;
/// How much older than a child its guardian is \[years\].
const PARENT_YEARS: std::ops::RangeInclusive<u16> = 20..=45;
/// Searches for a guardian.
const GUARDIANS_TRIED_MAX: u64 = 16;
/// Searches for a home on dry land.
const HOMES_TRIED_MAX: u64 = 16;

impl<'p> Residents<'p> {
    /// The residents of a city.
    pub fn new(plan: &'p Plan) -> Self {
        Self { plan }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.plan.spec().residents as usize
    }

    /// Never: a city has at least one.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One of them. Numbers 1 to 20 are adults who live here.
    pub fn get(&self, id: ResidentId) -> Option<Citizen> {
        (1..=self.plan.spec().residents).contains(&id.0).then(|| self.citizen(id))
    }

    /// All of them, by number.
    pub fn iter(&self) -> impl Iterator<Item = Citizen> + use<'p> {
        let residents = *self;
        (1..=self.plan.spec().residents).map(move |n| residents.citizen(ResidentId(n)))
    }

    /// Who answers for a child of this city: an adult who lives here, of a lower number. None for adults.
    ///
    /// Like names, it is the same in every city of one seed that is large enough.
    pub fn guardian(&self, ward: ResidentId) -> Option<ResidentId> {
        let ward_age = self.age(ward)?;
        if ward_age >= ADULT_YEARS {
            return None;
        }
        let lower = u64::from(ward.0).checked_sub(1)?;
        let candidate = |attempt| {
            let turn = u64::from(ward.0) * GUARDIANS_TRIED_MAX + attempt;
            ResidentId(1 + self.plan.spec().seed.stream("guardian", turn).below(lower) as u32)
        };
        (0..GUARDIANS_TRIED_MAX).map(candidate).find(|&adult| {
            self.age(adult).is_some_and(|age| {
                PARENT_YEARS.contains(&age.saturating_sub(ward_age))
                    && self.life(adult, age) == LifeState::Active
            })
        })
    }

    /// The children this resident answers for, by number, among the first `residents` of the city.
    pub fn wards(&self, guardian: ResidentId, residents: u32) -> impl Iterator<Item = ResidentId> + use<'p> {
        let everybody = *self;
        let last = self.plan.spec().residents.min(residents);
        (guardian.0 + 1..=last)
            .map(ResidentId)
            .filter(move |&ward| everybody.guardian(ward) == Some(guardian))
    }

    /// Years of age on the day of the census.
    fn age(&self, id: ResidentId) -> Option<u16> {
        let lives_here = (1..=self.plan.spec().residents).contains(&id.0);
        lives_here.then(|| number(self.plan.spec().seed, id.0).1.age_on(CENSUS_DAY))
    }

    fn citizen(&self, id: ResidentId) -> Citizen {
        let seed = self.plan.spec().seed;
        let (number, birth, gender) = number(seed, id.0);
        let (name_zh, name_en) = name(&mut seed.stream("name", u64::from(id.0)), gender);
        let home = self.home(id);
        let district = &self.plan.districts()[district_at(home.at)];
        let street = &self.plan.streets()[home.street];
        let person = Resident {
            id,
            number,
            name_zh,
            name_en,
            birth,
            gender,
            address: format!("{}{}{}号\n山东省潍坊市", district.name_zh, street.name_zh, home.house),
            district_code: district.code,
            portrait: seed.stream("portrait", u64::from(id.0)).next_u64(),
            life: self.life(id, birth.age_on(CENSUS_DAY)),
        };
        Citizen {
            person,
            home: home.at,
            position: self.plan.plane().place(home.at),
            district: district.id,
            street: home.street,
        }
    }

    fn life(&self, id: ResidentId, age: u16) -> LifeState {
        let deceased_permille = match age {
            0..40 => 1,
            40..65 => 5,
            65..80 => 30,
            _ => 120,
        };
        let moved_permille = if (18..45).contains(&age) { 30 } else { 10 };
        match self.plan.spec().seed.stream("life", u64::from(id.0)).below(1_000) {
            _ if u64::from(id.0) <= FIRST => LifeState::Active,
            chance if chance < deceased_permille => LifeState::Deceased,
            chance if chance < deceased_permille + moved_permille => LifeState::Moved,
            _ => LifeState::Active,
        }
    }

    fn home(&self, id: ResidentId) -> Home {
        let seed = self.plan.spec().seed;
        let mut home = None;
        for attempt in 0..HOMES_TRIED_MAX {
            let mut stream = seed.stream("home", u64::from(id.0) * HOMES_TRIED_MAX + attempt);
            let luminaire = 1 + jump(stream.next_u64(), self.plan.spec().luminaires);
            let found = self.beside(LuminaireId(luminaire), stream.fraction(), stream.below(2) == 0);
            // A bridge has luminaires, but no houses.
            if !self.plan.is_water(found.at) {
                return found;
            }
            home = Some(found);
        }
        home.expect("at least one home was tried")
    }

    /// A home beside a luminaire, or across the street from it.
    fn beside(&self, luminaire: LuminaireId, deep: f64, across: bool) -> Home {
        let site = self.plan.luminaire(luminaire).expect("jump stays within the luminaires");
        let street = &self.plan.streets()[site.street];
        let located = street.locate((site.x_m, site.y_m));
        // Streets with luminaires on one side only have houses on the other as well.
        let across = across && site.class == RoadClass::Branch;
        let out = street.width_m / 2.0 + SETBACK_M.0 + (SETBACK_M.1 - SETBACK_M.0) * deep;
        let side = if across { -1.0 } else { 1.0 };
        let at = if located.distance_m < ASIDE_MIN_M {
            // It stands in the middle of its street, as drawn: any side will do.
            let (point, left) = Walk::new(&street.points).at(located.along_m);
            (point.0 + left.0 * out * side, point.1 + left.1 * out * side)
        } else {
            lerp(located.point, (site.x_m, site.y_m), out / located.distance_m * side)
        };
        let row = (located.along_m / HOUSE_M) as u32;
        let odd = located.left != across;
        Home { at, street: site.street, house: 2 * row + if odd { 1 } else { 2 } }
    }
}

/// Where somebody lives.
#[derive(Clone, Copy, Debug)]
struct Home {
    at: Point,
    street: usize,
    /// The house number: odd on the left, even on the right.
    house: u32,
}

/// Sorts `key` into one of `buckets`, such that one more bucket takes its share of the keys from the others and
/// moves none between them.
///
/// Source: Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm", arXiv:1406.2294.
fn jump(mut key: u64, buckets: u32) -> u32 {
    let (mut bucket, mut next) = (0, 0u64);
    while next < u64::from(buckets) {
        bucket = next;
        key = key.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        next = ((bucket + 1) << 31) / ((key >> 33) + 1);
    }
    bucket as u32
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use eid::Gender;
    use types::Seed;

    use super::*;
    use crate::CitySpec;

    fn plan(luminaires: u32) -> Plan {
        Plan::generate(&CitySpec { seed: Seed(4), luminaires, residents: 5_000, clinics: 0 }).unwrap()
    }

    #[test]
    fn nobody_is_outside_the_census() {
        let plan = plan(100);
        let residents = Residents::new(&plan);
        assert!(residents.get(ResidentId(0)).is_none() && residents.get(ResidentId(5_001)).is_none());
        assert_eq!((residents.len(), residents.iter().count()), (5_000, 5_000));
    }

    #[test]
    fn only_a_child_has_a_guardian_who_is_an_adult_of_the_city_and_of_the_age_of_a_parent() {
        let plan = plan(100);
        let residents = Residents::new(&plan);
        assert_eq!(residents.guardian(ResidentId(5_001)), None);
        let mut children = 0;
        for citizen in residents.iter() {
            let age = citizen.person.birth.age_on(CENSUS_DAY);
            let Some(guardian) = residents.guardian(citizen.person.id) else { continue };
            children += 1;
            let guardian = residents.get(guardian).unwrap().person;
            assert!(age < 18 && guardian.life == LifeState::Active);
            assert!((20..=45).contains(&(guardian.birth.age_on(CENSUS_DAY) - age)));
            assert!(residents.wards(guardian.id, 5_000).any(|ward| ward == citizen.person.id));
        }
        assert!((500..1_500).contains(&children), "{children} of 5,000");
    }

    #[test]
    fn a_guardian_stays_the_same_when_the_city_grows() {
        let (small, large) = (plan(100), plan(110));
        for ward in (1..=500).map(ResidentId) {
            assert_eq!(Residents::new(&small).guardian(ward), Residents::new(&large).guardian(ward));
        }
    }

    #[test]
    fn the_first_twenty_are_adults_who_live_here() {
        for seed in 0..200 {
            let spec = CitySpec { seed: Seed(seed), luminaires: 50, residents: 20, clinics: 0 };
            let plan = Plan::generate(&spec).unwrap();
            for citizen in Residents::new(&plan).iter() {
                let age = citizen.person.birth.age_on(CENSUS_DAY);
                assert!((29..=60).contains(&age), "{age}");
                assert_eq!(citizen.person.life, LifeState::Active);
            }
        }
    }

    #[test]
    fn some_have_died_and_some_have_moved_but_most_live_here() {
        let plan = plan(2_000);
        let count = |life| Residents::new(&plan).iter().filter(|citizen| citizen.person.life == life).count();
        assert!((20..300).contains(&count(LifeState::Deceased)), "{}", count(LifeState::Deceased));
        assert!((20..300).contains(&count(LifeState::Moved)), "{}", count(LifeState::Moved));
    }

    #[test]
    fn homes_are_near_their_street_on_dry_land_and_the_address_names_it() {
        let plan = plan(2_000);
        let mut districts = BTreeSet::new();
        for citizen in Residents::new(&plan).iter() {
            let street = &plan.streets()[citizen.street];
            let located = street.locate(citizen.home);
            assert!(located.distance_m < street.width_m / 2.0 + SETBACK_M.1 + 1.0, "{citizen:?}");
            assert!(!plan.is_water(citizen.home), "{citizen:?}");
            assert!(citizen.person.address.contains(&street.name_zh));
            let district = plan.districts().iter().find(|district| district.id == citizen.district).unwrap();
            assert!(citizen.person.address.starts_with(district.name_zh));
            assert_eq!(citizen.person.district_code, district.code);
            districts.insert(district.code);
        }
        assert_eq!(districts.into_iter().collect::<Vec<_>>(), [370_702, 370_703, 370_704, 370_705]);
    }

    #[test]
    fn names_match_in_both_scripts_and_fit_the_gender() {
        let plan = plan(100);
        for citizen in Residents::new(&plan).iter() {
            let person = citizen.person;
            assert_eq!(person.gender, person.number.gender());
            assert!((2..=3).contains(&person.name_zh.chars().count()), "{}", person.name_zh);
            let (family, given) = person.name_en.split_once(' ').unwrap();
            assert!(family.is_ascii() && given.is_ascii());
            if person.name_zh.ends_with('梅') {
                assert_eq!(person.gender, Gender::Female);
                assert!(given.to_lowercase().ends_with("mei"), "{given}");
            }
        }
    }

    #[test]
    fn when_the_city_grows_people_stay_who_they_are_and_few_move() {
        let (small, large) = (plan(2_000), plan(2_200));
        let mut moved = 0;
        for (a, b) in Residents::new(&small).iter().zip(Residents::new(&large).iter()) {
            assert_eq!((&a.person.number, &a.person.name_zh), (&b.person.number, &b.person.name_zh));
            moved += u32::from(a.home != b.home);
        }
        // 200 of 2,200 luminaires are new: 1 in 11 moves.
        assert!((350..560).contains(&moved), "{moved}");
    }
}
