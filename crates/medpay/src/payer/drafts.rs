//! Bills that are filed with the payer, to be presettled later by their ids.

use std::collections::{BTreeMap, VecDeque};

use types::{BillId, Fen, ProviderId, ResidentId, Timestamp};

use super::accounts::group;
use super::desk::BILLS_MAX;
use super::open::Open;
use super::settlements::Settlement;
use super::{Output, Payer, over};
use crate::adjudicate::adjudicate;
use crate::day::Day;
use crate::fingerprint::fresh_id;
use crate::ledger::{Account, Step};
use crate::messages::{
    Bill, BillState, CashChannel, Eligibility, PayEvent, PayRefusal, PayReply, PresettleReply,
    PresettleRequest, UnpaidBill,
};
use crate::policy::Care;

/// Filed bills, at most; beyond that the oldest is forgotten. If it is presettled, the payer knows it all the same.
const DRAFTS_MAX: usize = 10_000;

/// Filed bills.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    bills: BTreeMap<BillId, Bill>,
    /// Oldest first.
    order: VecDeque<BillId>,
}

impl Drafts {
    fn add(&mut self, bill: Bill) {
        let id = bill.id;
        if self.bills.insert(id, bill).is_none() {
            self.order.push_back(id);
        }
        if self.order.len() > DRAFTS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.bills.remove(&oldest);
        }
    }
}

impl Payer {
    /// Keeps a bill, if it could be presettled now.
    pub(super) fn file(
        &mut self,
        now: Timestamp,
        bill: Bill,
        out: &mut Vec<Output>,
    ) -> Result<PayReply, PayRefusal> {
        let id = bill.id;
        self.settlements.of_bill(id).map_or(Ok(()), |paid| Err(over(paid)))?;
        let known = self.known(id);
        if self.stays.has(id) || known.is_some_and(|known| *known != bill) {
            return Err(PayRefusal::BillConflict);
        }
        let day = bill.date.unwrap_or_else(|| Day::of(now));
        let case = self.register.case(&self.policies, &self.accounts, &bill, day, None)?;
        adjudicate(case.policy, &bill, case.standing)?;
        if known.is_none() {
            let (provider, total) = (bill.provider, bill.total);
            self.drafts.add(bill);
            out.push(Output::Event(PayEvent::BillCreated { bill: id, provider, total }));
        }
        Ok(PayReply::Filed { bill: id })
    }

    /// Presettles a bill that is kept.
    pub(super) fn presettle_kept(
        &mut self,
        now: Timestamp,
        id: BillId,
        family: Option<ResidentId>,
        out: &mut Vec<Output>,
    ) -> Result<PayReply, PayRefusal> {
        self.settlements.of_bill(id).map_or(Ok(()), |paid| Err(over(paid)))?;
        let bill = self.known(id).ok_or(PayRefusal::BillUnknown)?.clone();
        match self.open_bill(now, PresettleRequest { bill, family }, out)? {
            PresettleReply::Presettled { bill, presettlement, split, trace, expires } => {
                Ok(PayReply::Presettled { bill, presettlement, split, trace, expires })
            }
            PresettleReply::Refused(refusal) => Err(refusal),
        }
    }

    /// A bill that is not settled.
    pub(super) fn known(&self, id: BillId) -> Option<&Bill> {
        self.open.get(id).map(|open| &open.bill).or(self.drafts.bills.get(&id))
    }

    /// Takes cash before a bill is settled, or gives some of it back.
    pub(super) fn deposit(
        &mut self,
        now: Timestamp,
        id: BillId,
        amount: Fen,
        channel: CashChannel,
        back: bool,
    ) -> Result<PayReply, PayRefusal> {
        let account = Account::Deposit(id);
        if amount <= Fen::ZERO {
            return Err(PayRefusal::AmountInvalid { line: 0 });
        }
        let clearing = Account::CashClearing(channel);
        let (from, to) = if back { (account, clearing) } else { (clearing, account) };
        let available = self.ledger().available(account);
        if back && available < amount {
            return Err(PayRefusal::AccountInsufficient { available });
        }
        if !back {
            self.settlements.of_bill(id).map_or(Ok(()), |paid| Err(over(paid)))?;
            if !self.stays.has(id) {
                self.known(id).ok_or(PayRefusal::BillUnknown)?;
            }
        }
        let moved = group(fresh_id(now, &mut self.ids), &[(from, to, amount)]);
        self.accounts.link(&moved.into_iter().map(Step::Post).collect::<Vec<_>>())?;
        Ok(PayReply::Deposited { bill: id, balance: self.ledger().available(account) })
    }

    /// A bill, and how far it is.
    pub(super) fn bill(&self, now: Timestamp, id: BillId) -> Result<PayReply, PayRefusal> {
        let (bill, state) = if let Some(open) = self.open.get(id) {
            (&open.bill, self.state_of_open(now, open))
        } else if let Some(paid) = self.settlements.of_bill(id) {
            (&paid.bill, self.state(paid))
        } else if let Some(stay) = self.stays.get(id) {
            let deposit = self.ledger().available(Account::Deposit(id));
            return Ok(PayReply::Bill {
                bill: Box::new(stay.bill.clone()),
                state: BillState::Admitted { deposit },
            });
        } else {
            (self.drafts.bills.get(&id).ok_or(PayRefusal::BillUnknown)?, BillState::Draft)
        };
        Ok(PayReply::Bill { bill: Box::new(bill.clone()), state })
    }

    /// What is there to be paid: first what is presettled, then what is only kept.
    pub(super) fn unpaid(
        &self,
        now: Timestamp,
        beneficiary: Option<ResidentId>,
        provider: Option<ProviderId>,
    ) -> PayReply {
        let open = self.open.iter().map(|open| (&open.bill, self.state_of_open(now, open)));
        let is_only_kept = |id| self.open.get(id).is_none() && self.settlements.of_bill(id).is_none();
        let kept = self.drafts.bills.values().filter(|bill| is_only_kept(bill.id));
        let all = open.chain(kept.map(|bill| (bill, BillState::Draft)));
        let mut wanted = all.filter(|(bill, _)| bill.is_of(beneficiary, provider));
        let listed = |(bill, state): (&Bill, BillState)| UnpaidBill {
            bill: bill.id,
            provider: bill.provider,
            beneficiary: bill.beneficiary,
            total: bill.total,
            state,
        };
        let bills = wanted.by_ref().take(BILLS_MAX).map(listed).collect();
        PayReply::Unpaid { bills, more: wanted.next().is_some() }
    }

    fn state_of_open(&self, now: Timestamp, open: &Open) -> BillState {
        let deposit = match open.held {
            Some(held) => self.accounts.deposit_use(held.settlement, open.bill.id, &open.split),
            None => self.accounts.deposit_ahead(open.bill.id, &open.split),
        };
        open.state(now, deposit)
    }

    fn state(&self, paid: &Settlement) -> BillState {
        let (settlement, split) = (paid.id, paid.split);
        let deposit = self.accounts.deposit_use(settlement, paid.bill.id, &split);
        match paid.reversal {
            Some(reversal) => BillState::Reversed { settlement, reversal, split },
            None => BillState::Settled { settlement, split, deposit },
        }
    }

    /// Whether and how somebody is insured.
    pub(super) fn eligibility(
        &self,
        beneficiary: ResidentId,
        care: Care,
        day: Day,
    ) -> Result<PayReply, PayRefusal> {
        let case = self.register.standing(&self.policies, &self.accounts, beneficiary, care, day, None);
        let case = case.ok_or(PayRefusal::CoverageInactive)?;
        let standing = case.standing;
        Ok(PayReply::Eligible(Eligibility {
            beneficiary,
            day,
            policy: format!("{}@{}", case.policy.id, case.policy.version),
            insured: standing.insured,
            deductible_used: standing.deductible_used,
            fund_used: standing.fund_used,
            balance: standing.balance,
        }))
    }

    /// The differences of a day that are put aside.
    pub(super) fn parked(&self, provider: ProviderId, day: Day) -> PayReply {
        let (parked, more) = self.suspense.page((provider, day));
        PayReply::Parked { parked, more }
    }
}
