use std::collections::BTreeMap;

use types::{Fen, ProviderId};

use crate::day::Day;
use crate::messages::{Bill, Split};
use crate::reconcile::Row;

/// What one provider has been paid, by its own account \[fen\]. To be compared with what the payer says it owes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// Settled bills.
    pub bills: u64,
    /// From the funds.
    pub pool: Fen,
    /// From personal and family accounts.
    pub account: Fen,
    /// In cash.
    pub cash: Fen,
    /// Of bills that are paid, but how was lost on the bus.
    pub unsplit: Fen,
    /// Of settlements that were taken back, less what took their place.
    pub taken_back: Fen,
}

impl Books {
    /// All takings.
    ///
    /// # Panics
    ///
    /// If they do not fit, which takes more bills than can be counted.
    pub fn total(&self) -> Fen {
        Fen::sum([self.pool, self.account, self.cash, self.unsplit])
            .and_then(|sum| sum.minus(self.taken_back))
            .expect("bills are of the clinic's own making, and small")
    }

    /// Takes note that a settlement was taken back; what does not fit cannot have been settled here.
    pub(super) fn take_back(&mut self, split: &Split, replacement: Option<&Split>) {
        let left = replacement.map_or(Fen::ZERO, |split| split.total);
        let less = split.total.minus(left).and_then(|less| self.taken_back.plus(less));
        self.taken_back = less.unwrap_or(self.taken_back);
    }

    /// Adds a settled bill. `split`, if known, must [add up](adds_up).
    pub(super) fn add(&mut self, bill: &Bill, split: Option<&Split>) {
        let add = |sum: &mut Fen, part| {
            *sum = sum.plus(part).expect("bills are of the clinic's own making, and small");
        };
        self.bills += 1;
        match split {
            Some(split) => {
                add(&mut self.pool, split.pool);
                add(&mut self.pool, split.supplement);
                add(&mut self.account, split.account);
                add(&mut self.account, split.family);
                add(&mut self.cash, split.cash);
            }
            None => add(&mut self.unsplit, bill.total),
        }
    }
}

/// Rows of the books kept day by day, at most; beyond that the oldest day is forgotten. The [`Books`] count it all the
/// same.
const ROWS_MAX: usize = 200_000;

/// The books of all providers, day by day.
#[derive(Debug, Default)]
pub(super) struct DayBooks {
    days: BTreeMap<(Day, ProviderId), Vec<Row>>,
    rows: usize,
}

impl DayBooks {
    pub(super) fn add(&mut self, provider: ProviderId, row: Row) {
        self.days.entry((row.day, provider)).or_default().push(row);
        self.rows += 1;
        if self.rows > ROWS_MAX
            && let Some((_, oldest)) = self.days.pop_first()
        {
            self.rows -= oldest.len();
        }
    }

    pub(super) fn rows(&self, provider: ProviderId, day: Day) -> &[Row] {
        self.days.get(&(day, provider)).map(Vec::as_slice).unwrap_or_default()
    }
}

/// Whether the parts of `split` are those of this bill. A payer from outside may say anything.
pub(super) fn adds_up(split: &Split, bill: &Bill) -> bool {
    split.total == bill.total && split.adds_up()
}
