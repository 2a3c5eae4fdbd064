use types::Fen;

use crate::messages::{Bill, Split};

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
}

impl Books {
    /// All takings.
    ///
    /// # Panics
    ///
    /// If they do not fit, which takes more bills than can be counted.
    pub fn total(&self) -> Fen {
        Fen::sum([self.pool, self.account, self.cash, self.unsplit])
            .expect("bills are of the clinic's own making, and small")
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

/// Whether the parts of `split` are those of this bill. A payer from outside may say anything.
pub(super) fn adds_up(split: &Split, bill: &Bill) -> bool {
    let parts = split.sources();
    split.total == bill.total
        && parts.iter().all(|&part| part >= Fen::ZERO)
        && Fen::sum(parts) == Ok(bill.total)
}
