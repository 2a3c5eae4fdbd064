//! Cabinets and circuits for luminaires whose owner names none.

use super::row::Draft;

/// Luminaires one made-up cabinet feeds, at most.
const LUMINAIRES_MAX: usize = 60;
/// What made-up cabinets are called: no owner's name begins so.
const PREFIX: &str = "made-up-";

/// Gives every luminaire a cabinet and a circuit.
///
/// Luminaires without a cabinet are divided, again and again, across the longer side of the rectangle around them,
/// until no part has too many: so neighbours share a cabinet. Each cabinet has a circuit to either side.
pub(super) fn assign(drafts: &mut [Draft]) {
    let alone: Vec<usize> = (0..drafts.len()).filter(|&nth| drafts[nth].cabinet.is_empty()).collect();
    let mut parts = Vec::new();
    divide(drafts, alone, &mut parts);
    for (number, part) in parts.iter().enumerate() {
        for &nth in part {
            drafts[nth].cabinet = format!("{PREFIX}{:04}", number + 1).into();
        }
    }
    assign_circuits(drafts);
}

fn divide(drafts: &[Draft], mut part: Vec<usize>, parts: &mut Vec<Vec<usize>>) {
    if part.len() <= LUMINAIRES_MAX {
        if !part.is_empty() {
            part.sort_unstable();
            parts.push(part);
        }
        return;
    }
    // So that all parts end up about equally large.
    let cabinets = part.len().div_ceil(LUMINAIRES_MAX);
    let half = part.len() * (cabinets / 2) / cabinets;
    let rest = split(drafts, &mut part, half);
    divide(drafts, part, parts);
    divide(drafts, rest, parts);
}

/// Takes all but the `half` first ones out of a part, across its longer side.
fn split(drafts: &[Draft], part: &mut Vec<usize>, half: usize) -> Vec<usize> {
    let lat = |nth: usize| drafts[nth].position.lat;
    // A degree of longitude is shorter; how much does not matter to anyone here.
    let lon = |nth: usize| drafts[nth].position.lon * 0.8;
    let span = |side: &dyn Fn(usize) -> f64| {
        let values = || part.iter().map(|&nth| side(nth));
        values().fold(f64::MIN, f64::max) - values().fold(f64::MAX, f64::min)
    };
    let side: &dyn Fn(usize) -> f64 = if span(&lat) > span(&lon) { &lat } else { &lon };
    part.select_nth_unstable_by(half, |&a, &b| side(a).total_cmp(&side(b)).then(a.cmp(&b)));
    part.split_off(half)
}

/// Half of the luminaires without a circuit are on one, half on the other.
fn assign_circuits(drafts: &mut [Draft]) {
    let mut open: std::collections::BTreeMap<Box<str>, Vec<usize>> = std::collections::BTreeMap::new();
    for (nth, draft) in drafts.iter().enumerate().filter(|(_, draft)| draft.circuit.is_none()) {
        open.entry(draft.cabinet.clone()).or_default().push(nth);
    }
    for mut part in open.into_values() {
        let half = part.len() / 2;
        for nth in split(drafts, &mut part, half) {
            drafts[nth].circuit = Some(2);
        }
        for nth in part {
            drafts[nth].circuit = Some(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use csv::StringRecord;

    use super::super::columns::Mapping;
    use super::*;

    fn drafts(count: u32) -> Vec<Draft> {
        let place = |n: u32| (36.7 + f64::from(n % 37) * 3e-4, 119.1 + f64::from(n / 37) * 3e-4);
        (0..count)
            .map(|n| {
                let (lat, lon) = place(n);
                let mut row: StringRecord = vec![format!("{n}"), lat.to_string(), lon.to_string()].into();
                (3..12).for_each(|_| row.push_field(""));
                Draft::read(&row, &Mapping::of_lamps_file(), false).unwrap()
            })
            .collect()
    }

    #[test]
    fn no_cabinet_feeds_too_many_and_those_it_feeds_stand_together() {
        let mut drafts = drafts(1_000);
        assign(&mut drafts);
        let mut fed: BTreeMap<&str, Vec<&Draft>> = BTreeMap::new();
        for draft in &drafts {
            fed.entry(&draft.cabinet).or_default().push(draft);
        }
        assert_eq!(fed.len(), 17, "as few as possible");
        for (cabinet, lamps) in fed {
            assert!((50..=LUMINAIRES_MAX).contains(&lamps.len()), "{cabinet}: {}", lamps.len());
            let lat =
                |pick: fn(f64, f64) -> f64| lamps.iter().map(|lamp| lamp.position.lat).reduce(pick).unwrap();
            assert!(lat(f64::max) - lat(f64::min) < 6e-3, "{cabinet}");
            let ones = lamps.iter().filter(|lamp| lamp.circuit == Some(1)).count();
            assert_eq!(ones, lamps.len() / 2);
        }
    }

    #[test]
    fn what_the_owner_says_is_kept() {
        let mut drafts = drafts(3);
        drafts[1].cabinet = "K1".into();
        drafts[1].circuit = Some(9);
        assign(&mut drafts);
        assert_eq!((&*drafts[1].cabinet, drafts[1].circuit), ("K1", Some(9)));
        assert_eq!(drafts[0].cabinet, drafts[2].cabinet);
    }
}
