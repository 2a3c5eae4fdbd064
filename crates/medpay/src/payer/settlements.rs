use std::collections::BTreeMap;

use types::{BillId, Fen, ProviderId, ResidentId, Timestamp};
use uuid::Uuid;

use super::accounts::Parties;
use crate::adjudicate::Standing;
use crate::day::Day;
use crate::messages::{Bill, SettledBill, Split, TraceStep};
use crate::reconcile::Row;

/// A bill that was paid, and everything about how.
#[derive(Clone, Debug)]
pub(super) struct Settlement {
    pub(super) id: Uuid,
    pub(super) bill: Bill,
    pub(super) split: Split,
    pub(super) trace: Vec<TraceStep>,
    /// Where the beneficiary stood when it was split.
    pub(super) standing: Standing,
    /// Such as `emp_outpatient_demo@1`.
    pub(super) policy: String,
    pub(super) parties: Parties,
    pub(super) day: Day,
    pub(super) at: Timestamp,
    pub(super) reversal: Option<Uuid>,
}

impl Settlement {
    pub(super) fn listed(&self) -> SettledBill {
        SettledBill {
            settlement: self.id,
            bill: self.bill.id,
            provider: self.bill.provider,
            beneficiary: self.bill.beneficiary,
            day: self.day,
            settled: self.at,
            split: self.split,
            reversal: self.reversal,
        }
    }
}

/// All settlements of a payer, and its books. None is forgotten: it could be paid twice.
#[derive(Debug, Default)]
pub(super) struct Settlements {
    all: BTreeMap<Uuid, Settlement>,
    /// The newest of each bill.
    by_bill: BTreeMap<BillId, Uuid>,
    by_person: BTreeMap<ResidentId, Vec<Uuid>>,
    books: BTreeMap<(ProviderId, Day), Vec<Row>>,
    /// What each beneficiary's bills of a day came to.
    spent: BTreeMap<(ResidentId, Day), Fen>,
}

impl Settlements {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn reversed_count(&self) -> usize {
        self.all.values().filter(|settlement| settlement.reversal.is_some()).count()
    }

    pub(super) fn get(&self, id: Uuid) -> Option<&Settlement> {
        self.all.get(&id)
    }

    /// The newest settlement of a bill.
    pub(super) fn of_bill(&self, bill: BillId) -> Option<&Settlement> {
        self.by_bill.get(&bill).and_then(|id| self.all.get(id))
    }

    /// Those after `after`, in order.
    pub(super) fn after(&self, after: Option<Uuid>) -> impl Iterator<Item = &Settlement> {
        use std::ops::Bound::{Excluded, Unbounded};
        self.all.range((after.map_or(Unbounded, Excluded), Unbounded)).map(|(_, settlement)| settlement)
    }

    /// Those of one beneficiary, the oldest first.
    pub(super) fn of_person(&self, resident: ResidentId) -> impl DoubleEndedIterator<Item = &Settlement> {
        let ids = self.by_person.get(&resident).map(Vec::as_slice).unwrap_or_default();
        ids.iter().filter_map(|id| self.all.get(id))
    }

    /// Keeps a settlement.
    ///
    /// # Panics
    ///
    /// In every build: if its parts are not those of its bill, or its bill is paid already. No request can cause that.
    pub(super) fn add(&mut self, settlement: Settlement) {
        let (bill, split) = (&settlement.bill, &settlement.split);
        assert!(split.total == bill.total && split.adds_up(), "{split:?} does not pay {}", bill.id);
        assert!(
            split.deductible <= split.in_scope && split.in_scope <= split.total,
            "{split:?} counts too much"
        );
        assert!(self.of_bill(bill.id).is_none_or(|paid| paid.reversal.is_some()), "{} is paid", bill.id);
        let Settlement { id, ref bill, split, day, .. } = settlement;
        self.book(bill.provider, Row::of(id, false, bill.id, day, &split));
        self.spend(bill.beneficiary, day, split.total, true);
        self.by_bill.insert(bill.id, id);
        self.by_person.entry(bill.beneficiary).or_default().push(id);
        self.all.insert(id, settlement);
    }

    /// Makes a settlement wrong.
    #[cfg(test)]
    pub(super) fn spoil(&mut self, id: Uuid, how: impl FnOnce(&mut Settlement)) {
        how(self.all.get_mut(&id).expect("a settlement"));
    }

    /// Takes note that a settlement was taken back, on `day`.
    pub(super) fn reverse(&mut self, id: Uuid, reversal: Uuid, day: Day) {
        let Some(settlement) = self.all.get_mut(&id) else { return };
        settlement.reversal = Some(reversal);
        let Settlement { ref bill, split, day: settled, .. } = *settlement;
        let (provider, row, whose) =
            (bill.provider, Row::of(id, true, bill.id, day, &split), bill.beneficiary);
        self.book(provider, row);
        self.spend(whose, settled, split.total, false);
    }

    fn book(&mut self, provider: ProviderId, row: Row) {
        self.books.entry((provider, row.day)).or_default().push(row);
    }

    fn spend(&mut self, resident: ResidentId, day: Day, amount: Fen, more: bool) {
        let spent = self.spent.entry((resident, day)).or_default();
        // What does not fit is over every limit.
        let sum = if more { spent.plus(amount) } else { spent.minus(amount) };
        *spent = sum.unwrap_or(Fen::new(i64::MAX));
    }

    /// What a beneficiary's bills of a day came to.
    pub(super) fn spent(&self, resident: ResidentId, day: Day) -> Fen {
        self.spent.get(&(resident, day)).copied().unwrap_or_default()
    }

    /// The book of a provider's day.
    pub(super) fn rows(&self, provider: ProviderId, day: Day) -> &[Row] {
        self.books.get(&(provider, day)).map(Vec::as_slice).unwrap_or_default()
    }
}
