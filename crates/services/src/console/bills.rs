//! Bills, as payer and clinics told everyone of them.

use std::collections::BTreeMap;

use medpay::PayEvent;
use serde::Serialize;
use types::{BillId, Fen, ProviderId, Timestamp};
use uuid::Uuid;

use crate::metrics::metrics;

/// Bills remembered; beyond that the oldest is forgotten. The payer knows it all the same.
const BILLS_MAX: usize = 1_000;
/// Bills listed at once, the newest first.
const LISTED_MAX: usize = 50;

/// The bills heard of since the console started.
#[derive(Debug, Default)]
pub(crate) struct RecentBills {
    /// Ids sort by time.
    by_id: BTreeMap<BillId, RecentBill>,
}

/// What is told of one bill: no names, opaque ids only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RecentBill {
    bill: BillId,
    provider: ProviderId,
    total: Fen,
    state: State,
    settlement: Option<Uuid>,
    changed_ms: Timestamp,
}

/// How far a bill is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Open,
    Settled,
    Reversed,
}

impl RecentBills {
    /// Hears what is told; a bill that was made before the console listened is known once it is settled.
    pub(crate) fn hear(&mut self, at: Timestamp, event: &PayEvent) {
        let (bill, provider, total, state, settlement) = match *event {
            PayEvent::BillCreated { bill, provider, total } => (bill, provider, total, State::Open, None),
            PayEvent::BillSettled { bill, provider, settlement, split } => {
                (bill, provider, split.total, State::Settled, Some(settlement))
            }
            PayEvent::BillReversed { bill, provider, settlement, split, ref replacement, .. } => {
                match replacement {
                    None => (bill, provider, split.total, State::Reversed, Some(settlement)),
                    Some(left) => (bill, provider, left.split.total, State::Settled, Some(left.settlement)),
                }
            }
            _ => return,
        };
        let known = RecentBill { bill, provider, total, state, settlement, changed_ms: at };
        // Events may come twice and out of order: what is paid is not open again.
        if state != State::Open || !self.by_id.contains_key(&bill) {
            self.by_id.insert(bill, known);
        }
        if self.by_id.len() > BILLS_MAX {
            self.by_id.pop_first();
            metrics().forgotten.with_label_values(&["bills"]).inc();
        }
    }

    /// The newest of one provider.
    pub(crate) fn of(&self, provider: ProviderId) -> Vec<RecentBill> {
        let its = self.by_id.values().rev().filter(|bill| bill.provider == provider);
        its.take(LISTED_MAX).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use medpay::{Replacement, Split};

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(0);
    const HERE: ProviderId = ProviderId(1);

    fn created(number: u128, provider: ProviderId) -> PayEvent {
        PayEvent::BillCreated { bill: BillId(Uuid::from_u128(number)), provider, total: Fen::new(500) }
    }

    fn reversed(replacement: Option<Box<Replacement>>) -> PayEvent {
        PayEvent::BillReversed {
            bill: BillId(Uuid::from_u128(1)),
            provider: HERE,
            settlement: Uuid::from_u128(7),
            reversal: Uuid::from_u128(8),
            split: Split { total: Fen::new(500), ..Split::default() },
            replacement,
        }
    }

    #[test]
    fn a_bill_that_is_told_of_again_late_is_not_open_again() {
        let mut bills = RecentBills::default();
        bills.hear(NOW, &reversed(None));
        bills.hear(NOW, &created(1, HERE));
        assert_eq!(bills.of(HERE)[0].state, State::Reversed);
    }

    #[test]
    fn what_is_left_of_a_refunded_bill_is_settled() {
        let mut bills = RecentBills::default();
        let split = Split { total: Fen::new(200), ..Split::default() };
        bills.hear(NOW, &reversed(Some(Box::new(Replacement { settlement: Uuid::from_u128(9), split }))));
        let RecentBill { state, total, settlement, .. } = bills.of(HERE)[0];
        assert_eq!((state, total, settlement), (State::Settled, Fen::new(200), Some(Uuid::from_u128(9))));
    }

    #[test]
    fn the_newest_of_the_provider_come_first_and_memory_is_bounded() {
        let mut bills = RecentBills::default();
        for number in 0..2 * BILLS_MAX as u128 {
            bills.hear(NOW, &created(number, ProviderId(1 + (number % 2) as u32)));
        }
        let listed = bills.of(HERE);
        assert_eq!((listed.len(), bills.by_id.len()), (LISTED_MAX, BILLS_MAX));
        assert!(listed.iter().all(|bill| bill.provider == HERE) && listed[0].bill > listed[1].bill);
    }
}
