//! Stays in hospital: opened at admission, added to from day to day, and ended as one bill.
//!
//! The insurance pays for a stay once, when it has ended, so that its deductible and tiers count once. What is paid before
//! is a deposit, and an interim bill says whether it would be enough.

use std::collections::BTreeMap;

use types::{BillId, Fen, ProviderId, ResidentId, Timestamp};

use super::register::Case;
use super::{Output, Payer, over};
use crate::adjudicate::{DepositUse, adjudicate, deductible_left, total_of};
use crate::day::Day;
use crate::ledger::Account;
use crate::messages::{Bill, BillLine, PayRefusal, PayReply, Split};
use crate::policy::Care;

/// Stays that go on, at most.
const STAYS_MAX: usize = 10_000;

/// A stay that goes on.
#[derive(Debug)]
pub(super) struct Stay {
    /// What it comes to so far; it may have no line yet.
    pub(super) bill: Bill,
}

/// All of them; of each beneficiary one at most.
#[derive(Debug, Default)]
pub(super) struct Stays {
    by_id: BTreeMap<BillId, Stay>,
    by_person: BTreeMap<ResidentId, BillId>,
}

impl Stays {
    pub(super) fn has(&self, id: BillId) -> bool {
        self.by_id.contains_key(&id)
    }

    pub(super) fn get(&self, id: BillId) -> Option<&Stay> {
        self.by_id.get(&id)
    }

    fn begin(&mut self, bill: Bill) {
        self.by_person.insert(bill.beneficiary, bill.id);
        self.by_id.insert(bill.id, Stay { bill });
    }

    fn end(&mut self, id: BillId) -> Option<Stay> {
        let stay = self.by_id.remove(&id)?;
        self.by_person.remove(&stay.bill.beneficiary);
        Some(stay)
    }
}

impl Payer {
    /// Opens a stay.
    pub(super) fn admit(
        &mut self,
        now: Timestamp,
        stay: BillId,
        provider: ProviderId,
        level: u8,
        beneficiary: ResidentId,
    ) -> Result<PayReply, PayRefusal> {
        self.settlements.of_bill(stay).map_or(Ok(()), |paid| Err(over(paid)))?;
        if let Some(&stay) = self.stays.by_person.get(&beneficiary) {
            return Err(PayRefusal::AlreadyAdmitted { stay });
        }
        if self.stays.has(stay) || self.known(stay).is_some() {
            return Err(PayRefusal::BillConflict);
        }
        if self.stays.by_id.len() >= STAYS_MAX {
            return Err(PayRefusal::Busy);
        }
        let bill = Bill {
            id: stay,
            provider,
            level,
            beneficiary,
            lines: Vec::new(),
            total: Fen::ZERO,
            care: Care::Inpatient,
            date: None,
        };
        let Case { policy, standing, .. } = self.stay_case(now, &bill)?;
        let first = policy.deductible.at(level).ok_or(PayRefusal::AmountInvalid { line: 0 })?;
        let reply = PayReply::Admitted {
            stay,
            policy: format!("{}@{}", policy.id, policy.version),
            deductible: Fen::new(deductible_left(policy, first, &standing)),
            earlier: standing.admissions,
        };
        self.stays.begin(bill);
        Ok(reply)
    }

    /// Adds lines to a stay, if they could be paid, and says how it would be paid if it ended now.
    pub(super) fn interim(
        &mut self,
        now: Timestamp,
        stay: BillId,
        lines: Vec<BillLine>,
    ) -> Result<PayReply, PayRefusal> {
        let mut bill = self.stays.get(stay).ok_or(PayRefusal::StayUnknown)?.bill.clone();
        bill.lines.extend(lines);
        let case = self.stay_case(now, &bill)?;
        bill.total = total_of(case.policy, &bill)?;
        let split = match bill.lines.is_empty() {
            true => Split::default(),
            false => adjudicate(case.policy, &bill, case.standing)?.0,
        };
        let deposit = DepositUse::of(self.ledger().available(Account::Deposit(stay)), split.cash);
        self.stays.by_id.insert(stay, Stay { bill });
        Ok(PayReply::Interim { stay, split, deposit })
    }

    /// Ends a stay: its bill is kept, to be presettled and settled.
    pub(super) fn discharge(
        &mut self,
        now: Timestamp,
        stay: BillId,
        out: &mut Vec<Output>,
    ) -> Result<PayReply, PayRefusal> {
        let Stay { bill } = self.stays.end(stay).ok_or(PayRefusal::StayUnknown)?;
        match self.file(now, bill.clone(), out) {
            Ok(_) => Ok(PayReply::Discharged { bill: Box::new(bill) }),
            Err(refusal) => {
                self.stays.begin(bill);
                Err(refusal)
            }
        }
    }

    fn stay_case(&self, now: Timestamp, bill: &Bill) -> Result<Case<'_>, PayRefusal> {
        self.register.case(&self.policies, &self.accounts, bill, Day::of(now), None)
    }
}
