//! Two books of one day, compared: totals first, then row by row.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use types::{BillId, Fen, Stream};
use uuid::Uuid;

use crate::day::Day;
use crate::messages::Split;

/// One line of a book: a settlement, or its reversal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Row {
    /// Which settlement.
    pub settlement: Uuid,
    /// Whether this is its reversal: then the amounts count the other way.
    pub refund: bool,
    /// The bill it paid.
    pub bill: BillId,
    /// The day of business.
    pub day: Day,
    /// The whole \[fen\].
    pub total: Fen,
    /// From pooled and supplementary fund \[fen\].
    pub fund: Fen,
    /// From personal and family account \[fen\].
    pub account: Fen,
    /// In cash \[fen\].
    pub cash: Fen,
}

impl Row {
    /// Of a split.
    pub fn of(settlement: Uuid, refund: bool, bill: BillId, day: Day, split: &Split) -> Self {
        let both = |one: Fen, other| one.plus(other).expect("parts of a split add up to a total that fits");
        Self {
            settlement,
            refund,
            bill,
            day,
            total: split.total,
            fund: both(split.pool, split.supplement),
            account: both(split.account, split.family),
            cash: split.cash,
        }
    }
}

/// What a day comes to \[fen each\], reversals taken off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Settlements.
    pub settled: u64,
    /// Reversals.
    pub reversed: u64,
    /// The whole.
    pub total: i64,
    /// From the funds.
    pub fund: i64,
    /// From accounts.
    pub account: i64,
    /// In cash.
    pub cash: i64,
}

impl Totals {
    /// Of all `rows`. What does not fit stays at the largest number: no day comes to that.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Self {
        let mut totals = Self::default();
        for row in rows {
            let sign = if row.refund { -1 } else { 1 };
            *(if row.refund { &mut totals.reversed } else { &mut totals.settled }) += 1;
            let parts = [
                (&mut totals.total, row.total),
                (&mut totals.fund, row.fund),
                (&mut totals.account, row.account),
                (&mut totals.cash, row.cash),
            ];
            for (sum, part) in parts {
                *sum = sum.saturating_add(sign * part.get());
            }
        }
        totals
    }
}

/// How a row of one book differs from the other book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The payer has it, the provider has not.
    PlatformOnly,
    /// The provider has it, the payer has not.
    HospitalOnly,
    /// Both have it, with different totals.
    AmountDiff,
    /// Both have it, with the same total from other sources.
    SplitDiff,
    /// One book has it more than once.
    Duplicate,
    /// Both have it, on different days.
    DateShift,
    /// One book has the reversal, the other has not.
    RefundMissing,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::PlatformOnly,
        Self::HospitalOnly,
        Self::AmountDiff,
        Self::SplitDiff,
        Self::Duplicate,
        Self::DateShift,
        Self::RefundMissing,
    ];
}

/// One difference of two books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Difference {
    /// Which settlement.
    pub settlement: Uuid,
    /// Whether it is about its reversal.
    pub refund: bool,
    /// What kind.
    pub class: Class,
    /// What the payer's book has more than the provider's \[fen\].
    pub amount: i64,
}

/// What came of comparing a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Which.
    pub day: Day,
    /// What the payer's book comes to.
    pub platform: Totals,
    /// What the provider's book comes to.
    pub hospital: Totals,
    /// Row by row, in the order of settlements.
    pub differences: Vec<Difference>,
}

/// Rows of one key, in both books.
#[derive(Default)]
struct Pair<'a> {
    platform: Vec<&'a Row>,
    hospital: Vec<&'a Row>,
}

/// Compares two books of a day: totals first, and if any differs, row by row.
///
/// Both may hold rows of the days around, so that what was booked on another day is found there. A row that the payer
/// has on another day belongs to that day's report.
pub fn compare(day: Day, platform: &[Row], hospital: &[Row]) -> Report {
    let of_day = |rows: &[Row]| rows.iter().filter(|row| row.day == day).copied().collect::<Vec<_>>();
    let totals = [of_day(platform), of_day(hospital)].map(|rows| Totals::of(&rows));
    let mut pairs: BTreeMap<(Uuid, bool), Pair<'_>> = BTreeMap::new();
    for row in platform {
        pairs.entry((row.settlement, row.refund)).or_default().platform.push(row);
    }
    for row in hospital {
        pairs.entry((row.settlement, row.refund)).or_default().hospital.push(row);
    }
    let differences = pairs.into_iter().filter_map(|((settlement, refund), pair)| {
        let class = pair.class(day, refund)?;
        Some(Difference { settlement, refund, class, amount: pair.amount(day) })
    });
    let differences = differences.collect();
    Report { day, platform: totals[0], hospital: totals[1], differences }
}

impl Pair<'_> {
    /// What is wrong, if it belongs to `day`.
    fn class(&self, day: Day, refund: bool) -> Option<Class> {
        let own = self.platform.first().or(self.hospital.first())?;
        if own.day != day {
            return None;
        }
        let (Some(platform), Some(hospital)) = (self.platform.first(), self.hospital.first()) else {
            return Some(match (refund, self.platform.is_empty()) {
                (true, _) => Class::RefundMissing,
                (false, false) => Class::PlatformOnly,
                (false, true) => Class::HospitalOnly,
            });
        };
        let parts = |row: &Row| (row.fund, row.account, row.cash);
        if self.platform.len() > 1 || self.hospital.len() > 1 {
            Some(Class::Duplicate)
        } else if platform.day != hospital.day {
            Some(Class::DateShift)
        } else if platform.total != hospital.total {
            Some(Class::AmountDiff)
        } else if parts(platform) != parts(hospital) {
            Some(Class::SplitDiff)
        } else {
            None
        }
    }

    /// What the payer's book has more on `day`.
    fn amount(&self, day: Day) -> i64 {
        let sum = |rows: &[&Row]| Totals::of(rows.iter().copied().filter(|row| row.day == day)).total;
        sum(&self.platform).saturating_sub(sum(&self.hospital))
    }
}

/// Spoils a copy of a book: about `per_thousand` of its rows, with every class of difference, and says how.
///
/// The answer key is in the order of a [`Report`], which must come to exactly the same.
pub fn inject(rows: &[Row], per_thousand: u64, chance: &mut Stream) -> (Vec<Row>, Vec<(Uuid, bool, Class)>) {
    let (mut spoiled, mut key) = (Vec::with_capacity(rows.len()), Vec::new());
    for row in rows {
        let class = (chance.below(1_000) < per_thousand)
            .then(|| Class::ALL[usize::try_from(chance.below(7)).expect("below seven")])
            .filter(|&class| fits(row, class));
        let mut told = row.settlement;
        let one = Fen::new(1);
        let more = |sum: Fen| sum.plus(one).unwrap_or(sum);
        match class {
            None => spoiled.push(*row),
            Some(Class::PlatformOnly | Class::RefundMissing) => {}
            Some(Class::HospitalOnly) => {
                told = Uuid::from_bytes(chance.bytes());
                spoiled.extend([*row, Row { settlement: told, ..*row }]);
            }
            Some(Class::AmountDiff) => {
                spoiled.push(Row { total: more(row.total), cash: more(row.cash), ..*row });
            }
            Some(Class::SplitDiff) => {
                let cash = row.cash.minus(one).unwrap_or_default();
                spoiled.push(Row { cash, account: more(row.account), ..*row });
            }
            Some(Class::Duplicate) => spoiled.extend([*row, *row]),
            Some(Class::DateShift) => spoiled.push(Row { day: row.day.next(), ..*row }),
        }
        key.extend(class.map(|class| (told, row.refund, class)));
    }
    key.sort_unstable();
    (spoiled, key)
}

/// Whether a row can be spoiled so.
fn fits(row: &Row, class: Class) -> bool {
    match class {
        Class::PlatformOnly | Class::HospitalOnly => !row.refund,
        Class::RefundMissing => row.refund,
        Class::SplitDiff => row.cash > Fen::ZERO,
        Class::AmountDiff => row.total.get() < i64::MAX,
        Class::Duplicate | Class::DateShift => true,
    }
}

#[cfg(test)]
mod tests;
