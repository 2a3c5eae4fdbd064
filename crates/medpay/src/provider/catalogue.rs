use types::{BillId, Fen, ResidentId, Stream};

use super::ProviderConfig;
use crate::messages::{Bill, BillLine, Category};
use crate::policy::Care;

/// What can be done for a patient, with made-up prices.
#[derive(Clone, Copy)]
struct Item {
    code: &'static str,
    category: Category,
    /// Price of one unit \[fen\].
    price: i64,
    /// Highest unit price that counts \[fen\].
    price_limit: Option<i64>,
    /// The patient's first share, category B only \[basis points\].
    preself_bp: u16,
    /// Most units on one bill, at least one.
    units_max: u64,
    /// How many of a hundred visits need it.
    per_hundred: u64,
}

/// Price of a consultation at levels 1, 2 and 3 \[fen\]. On every bill.
const CONSULTATION: [i64; 3] = [1_000, 1_800, 3_000];

/// Everything else. Demo data, like the policy.
const ITEMS: [Item; 8] = [
    item("blood-count", Category::B, 2_500, 1_000, 1, 45),
    item("crp-test", Category::B, 3_200, 1_000, 1, 30),
    Item { price_limit: Some(7_500), ..item("chest-x-ray", Category::B, 8_850, 1_000, 2, 20) },
    item("ct-scan", Category::B, 26_000, 2_000, 1, 6),
    item("antibiotic", Category::A, 1_280, 0, 10, 50),
    item("fever-reducer", Category::A, 865, 0, 4, 40),
    Item { price_limit: Some(2_600), ..item("herbal-granules", Category::B, 2_990, 1_500, 3, 25) },
    item("vitamins", Category::C, 3_600, 0, 2, 30),
];

const fn item(
    code: &'static str,
    category: Category,
    price: i64,
    preself_bp: u16,
    units_max: u64,
    per_hundred: u64,
) -> Item {
    Item { code, category, price, price_limit: None, preself_bp, units_max, per_hundred }
}

/// A plausible bill for one visit.
pub(super) fn bill(
    id: BillId,
    provider: ProviderConfig,
    beneficiary: ResidentId,
    chance: &mut Stream,
) -> Bill {
    let level = usize::from(provider.level.clamp(1, 3));
    let consultation = item("consultation", Category::A, CONSULTATION[level - 1], 0, 1, 100);
    let mut lines = vec![line(&consultation, 1)];
    for item in &ITEMS {
        if chance.below(100) < item.per_hundred {
            lines.push(line(item, 1 + chance.below(item.units_max)));
        }
    }
    let total = total(&lines);
    Bill {
        id,
        provider: provider.id,
        level: provider.level,
        beneficiary,
        lines,
        total,
        care: Care::Outpatient,
        date: None,
    }
}

/// Price of a night at levels 1, 2 and 3 \[fen\].
const BED_DAY: [i64; 3] = [6_000, 9_000, 15_000];

/// What was done for somebody in hospital within a day, most on the first; no more than [`NIGHT_LINES_MAX`].
pub(super) fn night(level: u8, is_first: bool, chance: &mut Stream) -> Vec<BillLine> {
    let bed = item("bed-day", Category::A, BED_DAY[usize::from(level.clamp(1, 3)) - 1], 0, 1, 100);
    let mut lines = vec![line(&bed, 1)];
    if is_first {
        lines.push(line(&item("surgery", Category::B, 680_000, 1_000, 1, 100), 1));
    }
    let daily = [ITEMS[0], ITEMS[4], item("single-room", Category::C, 12_000, 0, 1, 20)];
    for item in daily.iter().take(NIGHT_LINES_MAX - 2) {
        if chance.below(100) < item.per_hundred {
            lines.push(line(item, 1 + chance.below(item.units_max)));
        }
    }
    lines
}

/// Lines for each night of a stay, at most.
pub(super) const NIGHT_LINES_MAX: usize = 5;

/// What lines with whole units add up to.
pub(super) fn total(lines: &[BillLine]) -> Fen {
    let amounts = lines.iter().map(|line| line.unit_price.get() * i64::from(line.quantity_milli / 1_000));
    Fen::new(amounts.sum())
}

fn line(item: &Item, units: u64) -> BillLine {
    BillLine {
        item: item.code.into(),
        category: item.category,
        unit_price: Fen::new(item.price),
        quantity_milli: u32::try_from(units * 1_000).expect("a bill has a few units of each item"),
        price_limit: item.price_limit.map(Fen::new),
        preself_bp: item.preself_bp,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use types::{ProviderId, Seed};
    use uuid::Uuid;

    use super::*;
    use crate::adjudicate::{Standing, adjudicate};
    use crate::policy::demo;

    #[test]
    fn every_bill_adds_up_and_every_item_is_on_some_bill() {
        let mut chance = Seed(1).stream("clinic", 0);
        let mut seen = BTreeSet::new();
        for number in 0..300 {
            let provider = ProviderConfig { id: ProviderId(1), level: 1 + (number % 3) as u8 };
            let bill = bill(BillId(Uuid::nil()), provider, ResidentId(1), &mut chance);
            adjudicate(&demo(), &bill, Standing::default()).unwrap();
            seen.extend(bill.lines.into_iter().map(|line| line.item));
        }
        assert_eq!(seen.len(), ITEMS.len() + 1);
    }

    #[test]
    fn the_same_chance_makes_the_same_bill() {
        let provider = ProviderConfig { id: ProviderId(1), level: 2 };
        let bill = || bill(BillId(Uuid::nil()), provider, ResidentId(1), &mut Seed(3).stream("clinic", 0));
        assert_eq!(bill(), bill());
    }
}
