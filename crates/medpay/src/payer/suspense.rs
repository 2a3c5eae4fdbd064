//! Differences of the books of a day: put aside when they are found, and at zero when all are resolved.

use std::collections::BTreeMap;

use types::{Fen, ProviderId, Timestamp};
use uuid::Uuid;

use super::accounts::group;
use super::desk::ROWS_MAX;
use super::register::PARKED_MAX;
use super::{Output, Payer};
use crate::day::Day;
use crate::fingerprint::fresh_id;
use crate::ledger::{Account, Group, Step};
use crate::messages::{Parked, PayEvent, PayRefusal, PayReply, Resolution};
use crate::reconcile::Difference;

/// A provider's day.
type Book = (ProviderId, Day);
/// A difference: whose day, which settlement, whether its reversal.
pub(super) type Key = (Book, Uuid, bool);

/// What is put aside: what the payer's book has more, by difference \[fen\].
#[derive(Debug, Default)]
pub(super) struct Suspense {
    parked: BTreeMap<Key, i64>,
}

impl Suspense {
    /// What is put aside for a day \[fen\].
    pub(super) fn parked(&self, book: Book) -> i64 {
        self.of_day(book).fold(0, |sum, parked| sum.saturating_add(parked.amount))
    }

    /// The same one by one, as many as fit on a page, and whether there are more.
    pub(super) fn page(&self, book: Book) -> (Vec<Parked>, bool) {
        let mut rest = self.of_day(book);
        let page = rest.by_ref().take(ROWS_MAX).collect();
        (page, rest.next().is_some())
    }

    fn of_day(&self, book: Book) -> impl Iterator<Item = Parked> {
        let all = self.parked.range((book, Uuid::nil(), false)..=(book, Uuid::max(), true));
        all.map(|(&(_, settlement, refund), &amount)| Parked { settlement, refund, amount })
    }
}

impl Payer {
    /// Puts aside what a difference is about.
    pub(super) fn park(
        &mut self,
        now: Timestamp,
        book: Book,
        difference: Difference,
        out: &mut Vec<Output>,
    ) -> Result<PayReply, PayRefusal> {
        if self.register.is_sealed(book.0, book.1) {
            return Err(PayRefusal::DayClosed);
        }
        if self.suspense.parked.len() >= PARKED_MAX {
            return Err(PayRefusal::Busy);
        }
        let key = (book, difference.settlement, difference.refund);
        if !self.suspense.parked.contains_key(&key) {
            let moved = self.moved(now, Account::Payable(book.0), book, difference.amount);
            self.accounts.link(&steps(moved))?;
            self.suspense.parked.insert(key, difference.amount);
            let (provider, day) = book;
            out.push(Output::Event(PayEvent::ReconDiff { provider, day, difference }));
        }
        Ok(self.balance(book))
    }

    /// Takes a difference out again, one way or the other.
    pub(super) fn resolve(
        &mut self,
        now: Timestamp,
        key: Key,
        action: Resolution,
        out: &mut Vec<Output>,
    ) -> Result<PayReply, PayRefusal> {
        let (book, settlement, _) = key;
        let &amount = self.suspense.parked.get(&key).ok_or(PayRefusal::SettlementUnknown)?;
        let closed = self.register.is_sealed(book.0, book.1);
        // What was due when the day was closed has been paid out, less what was put aside.
        let provider = if closed { Account::SettleBank(book.0) } else { Account::Payable(book.0) };
        let other = if action == Resolution::Accept { Account::WorldBudget } else { provider };
        let back = self.moved(now, other, book, amount.saturating_neg());
        let mut all = steps(back);
        let mut reversal = None;
        if action == Resolution::Reverse {
            let id = fresh_id(now, &mut self.ids);
            all.extend(self.counter(now, settlement, id)?);
            reversal = Some(id);
        }
        self.accounts.link(&all)?;
        self.suspense.parked.remove(&key);
        if let Some(reversal) = reversal {
            self.note_reversed(now, settlement, reversal, None, out);
        }
        Ok(self.balance(book))
    }

    /// From `other` into suspense, or back if the amount is negative.
    fn moved(&mut self, now: Timestamp, other: Account, book: Book, amount: i64) -> Option<Group> {
        let suspense = Account::Suspense(book.0, book.1);
        let (from, to) = if amount < 0 { (suspense, other) } else { (other, suspense) };
        let amount = Fen::new(amount.checked_abs().unwrap_or(i64::MAX));
        group(fresh_id(now, &mut self.ids), &[(from, to, amount)])
    }

    fn balance(&self, book: Book) -> PayReply {
        PayReply::Suspense { balance: self.ledger().balance(Account::Suspense(book.0, book.1)) }
    }
}

fn steps(group: Option<Group>) -> Vec<Step> {
    group.into_iter().map(Step::Post).collect()
}
