//! Who has which resident number: birth dates and sequences by arithmetic, so that no two residents can share one.
//!
//! Ages follow a table of bands. A band has so many *slots* per day of birth; all slots of all bands in a row are one
//! *round* of residents. Residents take the slots of a round in a shuffled order, and the next round when one is full.
//! Within a day of birth, slot and round together give the sequence. Each step can be undone, so different residents
//! get different numbers.

use eid::{BirthDate, Gender, ResidentNo, UNREAL_REGION};
use types::Seed;

/// 1 January 2026 \[days since 1970-01-01\]: nobody is born later.
pub(crate) const CENSUS_DAY: i64 = 20_454;
/// The first residents, who are adults of working age and alive, so that a demonstration works.
pub(crate) const FIRST: u64 = 20;

/// Years of age and slots per day of birth, youngest first.
const BANDS: [(u64, u64); 8] = [(5, 2), (13, 3), (12, 3), (15, 4), (15, 4), (15, 3), (10, 2), (11, 1)];
/// Days of a year of age; that there are leap days does not matter here.
const YEAR: u64 = 365;
/// Slots of one day of birth, at most.
const SLOTS_MAX: u64 = 4;
/// Slots of one round: 365 × 281.
const ROUND: u64 = {
    let (mut slots, mut band) = (0, 0);
    while band < BANDS.len() {
        slots += BANDS[band].0 * YEAR * BANDS[band].1;
        band += 1;
    }
    slots
};
/// Residents in a row are this many slots apart. A prime that does not divide [`ROUND`]: all slots are reached.
const STRIDE: u64 = 48_271;
/// The slots of those aged 30 to 59: two bands of 15 years.
const ADULTS: std::ops::Range<u64> = YEAR * (5 * 2 + 25 * 3)..YEAR * (5 * 2 + 25 * 3 + 30 * 4);
/// The round of the first residents; the others never get so far.
const FIRST_ROUND: u64 = 60;
/// Half of the sequences of a day: one gender's, without 000. A prime, so that every stride reaches all of them.
const SEQUENCES: u64 = 499;

/// Number, birth date and gender of resident `n`, counted from 1.
pub(crate) fn number(seed: Seed, n: u32) -> (ResidentNo, BirthDate, Gender) {
    let gender =
        if seed.stream("gender", u64::from(n)).below(2) == 0 { Gender::Male } else { Gender::Female };
    let (round, slot) = slot(seed, u64::from(n));
    let (age_days, copy) = day_of(slot);
    let birth =
        BirthDate::from_days(CENSUS_DAY - 1 - age_days as i64).expect("all are born in the last 96 years");
    let turn = seed.stream("sequence", age_days).below(SEQUENCES);
    let within = ((round * SLOTS_MAX + copy) * 193 + turn) % SEQUENCES + 1;
    let sequence = 2 * within + u64::from(gender == Gender::Male);
    let number = ResidentNo::new(UNREAL_REGION, birth, sequence as u16).expect("the sequence is at most 999");
    (number, birth, gender)
}

/// Round and slot of resident `n`.
fn slot(seed: Seed, n: u64) -> (u64, u64) {
    if n <= FIRST {
        let apart = (ADULTS.end - ADULTS.start) / FIRST;
        // Out of order, so that resident 1 is not the youngest.
        let place = (n * 7) % FIRST;
        let within = seed.stream("first-ages", n).below(apart);
        return (FIRST_ROUND, ADULTS.start + place * apart + within);
    }
    let order = n - FIRST - 1;
    let offset = seed.stream("ages", 0).below(ROUND);
    (order / ROUND, (order % ROUND * STRIDE + offset) % ROUND)
}

/// Age on the census day \[days\] and which slot of that day of birth this is.
fn day_of(slot: u64) -> (u64, u64) {
    let (mut rest, mut day) = (slot, 0);
    for (years, slots) in BANDS {
        let days = years * YEAR;
        if rest < days * slots {
            return (day + rest / slots, rest % slots);
        }
        rest -= days * slots;
        day += days;
    }
    unreachable!("slots are below the round")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_of_a_hundred_thousand_residents_share_a_number_and_all_numbers_are_right() {
        let mut seen = BTreeSet::new();
        for n in 1..=100_000 {
            let (number, birth, gender) = number(Seed(3), n);
            assert_eq!(ResidentNo::parse(number.as_str()), Ok(number));
            assert_eq!((number.birth(), number.gender(), number.region()), (birth, gender, UNREAL_REGION));
            assert!(seen.insert(number), "resident {n}");
        }
    }

    #[test]
    fn no_two_of_a_million_residents_share_a_slot() {
        let seed = Seed(9);
        let slots: BTreeSet<_> = (1..=1_000_000).map(|n| slot(seed, n)).collect();
        assert_eq!(slots.len(), 1_000_000);
        let rounds = slots.iter().map(|(round, _)| *round).filter(|&round| round != FIRST_ROUND).max();
        assert!(rounds < Some(FIRST_ROUND), "{rounds:?}");
        // Different rounds and slots of one day give different sequences.
        const { assert!((FIRST_ROUND + 1) * SLOTS_MAX <= SEQUENCES) };
    }

    #[test]
    fn a_slot_tells_its_day_and_every_day_has_as_many_as_its_band_says() {
        let days: BTreeSet<_> = (0..ROUND).map(day_of).collect();
        assert_eq!(days.len() as u64, ROUND);
        assert!(days.iter().all(|&(day, copy)| day < 96 * YEAR && copy < SLOTS_MAX));
    }

    #[test]
    fn all_ages_are_there_and_most_people_are_of_working_age() {
        let ages: Vec<u16> = (21..=20_020).map(|n| number(Seed(1), n).1.age_on(CENSUS_DAY)).collect();
        let share = |ages_of: std::ops::Range<u16>| {
            ages.iter().filter(|age| ages_of.contains(age)).count() as f64 / ages.len() as f64
        };
        assert!((0.14..0.22).contains(&share(0..18)), "{}", share(0..18));
        assert!((0.55..0.68).contains(&share(18..65)), "{}", share(18..65));
        assert!((0.01..0.06).contains(&share(85..96)), "{}", share(85..96));
        assert_eq!(share(96..200), 0.0);
    }
}
