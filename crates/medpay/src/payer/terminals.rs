//! What terminals took while nobody could be asked.

use std::collections::BTreeMap;

use types::{Fen, ProviderId, TerminalId, Timestamp};

use super::accounts::group;
use super::events::flag;
use super::settle::record;
use super::{Output, Payer, SETTLED_MAX, over};
use crate::adjudicate::{Standing, adjudicate};
use crate::day::Day;
use crate::fingerprint::fresh_id;
use crate::ledger::{Account, Step};
use crate::messages::{Bill, CashChannel, PayEvent, PayRefusal, PayReply, Split};
use crate::offline::{Forwarded, Outcome, TerminalKey, VOUCHERS_MAX, Voucher};
use crate::policy::Care;

/// Terminals with an allowance, at most.
const TERMINALS_MAX: usize = 1_000;
/// Vouchers of one terminal whose outcome is remembered, at most; beyond that the oldest is forgotten, and forwarded once
/// more it is refused.
const OUTCOMES_MAX: usize = 1_000;

/// Whose a terminal is, what it signs with, and what it may take at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    pub(super) provider: ProviderId,
    pub(super) key: TerminalKey,
    pub(super) per_payment: Fen,
}

#[derive(Debug)]
struct Terminal {
    allowance: Allowance,
    /// The number of the next voucher.
    next: u64,
    /// By number: the signature, and what came of it.
    outcomes: BTreeMap<u64, (String, Outcome)>,
}

/// All terminals. What each may still take is on an account of its own.
#[derive(Debug, Default)]
pub(super) struct Terminals(BTreeMap<TerminalId, Terminal>);

impl Payer {
    /// Gives a terminal an allowance, in place of what was left of the last one.
    pub(super) fn allow(
        &mut self,
        now: Timestamp,
        terminal: TerminalId,
        allowance: Allowance,
        total: Fen,
    ) -> Result<PayReply, PayRefusal> {
        if total < Fen::ZERO || allowance.per_payment < Fen::ZERO {
            return Err(PayRefusal::AmountInvalid { line: 0 });
        }
        let known = self.terminals.0.get(&terminal);
        if known.is_some_and(|known| known.allowance.provider != allowance.provider) {
            return Err(PayRefusal::TerminalUnknown { terminal });
        }
        if known.is_none() && self.terminals.0.len() >= TERMINALS_MAX {
            return Err(PayRefusal::Busy);
        }
        let account = Account::Offline(terminal);
        let left = self.accounts.allowed(terminal);
        let back = group(fresh_id(now, &mut self.ids), &[(account, Account::WorldBudget, left)]);
        let granted = group(fresh_id(now, &mut self.ids), &[(Account::WorldBudget, account, total)]);
        let steps: Vec<Step> = back.into_iter().chain(granted).map(Step::Post).collect();
        self.accounts.link(&steps)?;
        let fresh = || Terminal { allowance, next: 1, outcomes: BTreeMap::new() };
        let kept = self.terminals.0.entry(terminal).or_insert_with(fresh);
        kept.allowance = allowance;
        Ok(PayReply::Allowed { terminal, total, next: kept.next })
    }

    /// Settles what a terminal took. A batch with a forged voucher, a gap, or more than was allowed is refused as a
    /// whole; in a good one each voucher has an outcome of its own, and none is taken twice.
    pub(super) fn forward(
        &mut self,
        now: Timestamp,
        terminal: TerminalId,
        vouchers: Vec<Voucher>,
        out: &mut Vec<Output>,
    ) -> Result<PayReply, PayRefusal> {
        if let Err(refusal) = self.check_batch(terminal, &vouchers) {
            flag_voucher(&vouchers, &refusal, out);
            return Err(refusal);
        }
        let mut told = Vec::with_capacity(vouchers.len());
        for voucher in vouchers {
            told.push(self.take_voucher(now, terminal, voucher, out)?);
        }
        let next = self.terminals.0.get(&terminal).map_or(1, |known| known.next);
        Ok(PayReply::Forwarded { terminal, vouchers: told, next })
    }

    fn check_batch(&self, terminal: TerminalId, vouchers: &[Voucher]) -> Result<(), PayRefusal> {
        let known = self.terminals.0.get(&terminal).ok_or(PayRefusal::TerminalUnknown { terminal })?;
        if vouchers.len() > VOUCHERS_MAX {
            return Err(PayRefusal::Busy);
        }
        let Allowance { provider, key, per_payment } = known.allowance;
        let (mut expected, mut left) = (known.next, self.accounts.allowed(terminal));
        let forged = |one: &&Voucher| !one.is_signed_by(terminal, &key) || one.bill.provider != provider;
        if let Some(&Voucher { counter, .. }) = vouchers.iter().find(forged) {
            return Err(PayRefusal::OfflineMacInvalid { counter });
        }
        for &Voucher { counter, account, .. } in vouchers.iter().filter(|one| one.counter >= known.next) {
            if counter != expected {
                return Err(PayRefusal::OfflineSequenceGap { expected, got: counter });
            }
            let limit = per_payment.min(left);
            if account < Fen::ZERO || account > limit {
                return Err(PayRefusal::OfflineLimitExceeded { counter, limit });
            }
            left = left.minus(account).expect("no more than is left");
            expected += 1;
        }
        Ok(())
    }

    fn take_voucher(
        &mut self,
        now: Timestamp,
        terminal: TerminalId,
        voucher: Voucher,
        out: &mut Vec<Output>,
    ) -> Result<Forwarded, PayRefusal> {
        let (counter, mac) = (voucher.counter, voucher.mac.clone());
        let unknown = PayRefusal::TerminalUnknown { terminal };
        let known = self.terminals.0.get(&terminal).ok_or(unknown.clone())?;
        if counter < known.next {
            let outcome = match known.outcomes.get(&counter) {
                Some((before, outcome)) if *before == mac => outcome.clone(),
                _ => Outcome::Refused(PayRefusal::IdempotencyKeyReused),
            };
            return Ok(Forwarded { counter, duplicate: true, outcome });
        }
        let outcome = self.settle_voucher(now, terminal, voucher, out).unwrap_or_else(Outcome::Refused);
        let known = self.terminals.0.get_mut(&terminal).ok_or(unknown)?;
        known.next = counter + 1;
        known.outcomes.insert(counter, (mac, outcome.clone()));
        if known.outcomes.len() > OUTCOMES_MAX {
            known.outcomes.pop_first();
        }
        Ok(Forwarded { counter, duplicate: false, outcome })
    }

    fn settle_voucher(
        &mut self,
        now: Timestamp,
        terminal: TerminalId,
        voucher: Voucher,
        out: &mut Vec<Output>,
    ) -> Result<Outcome, PayRefusal> {
        let Voucher { taken, bill, account, .. } = voucher;
        self.settlements.of_bill(bill.id).map_or(Ok(()), |paid| Err(over(paid)))?;
        if self.stays.has(bill.id) {
            return Err(PayRefusal::BillConflict);
        }
        if self.open.get(bill.id).is_some_and(super::Open::is_busy) {
            return Err(PayRefusal::SettlementInProgress);
        }
        if self.settlements.len() >= SETTLED_MAX {
            return Err(PayRefusal::Busy);
        }
        // A stay changes what the next one costs.
        if bill.care == Care::Inpatient {
            return Err(PayRefusal::CoverageInactive);
        }
        let day = self.day_of(taken, now, &bill);
        let mut case = self.register.case(&self.policies, &self.accounts, &bill, day, None)?;
        let there = account.min(case.standing.balance);
        case.standing = without_fund(account);
        let (split, trace) = adjudicate(case.policy, &bill, case.standing)?;
        if split.account != account {
            return Err(PayRefusal::AccountInsufficient { available: split.account });
        }
        let settlement = fresh_id(now, &mut self.ids);
        let moved = legs(terminal, &bill, &split, there);
        let kept = record(settlement, now, &case, bill, day, split, trace);
        self.accounts.link(&group(settlement, &moved).into_iter().map(Step::Post).collect::<Vec<_>>())?;
        let (id, provider) = (kept.bill.id, kept.bill.provider);
        self.open.remove(id);
        self.settlements.add(kept);
        out.push(Output::Event(PayEvent::BillSettled { bill: id, provider, settlement, split }));
        Ok(Outcome::Settled { settlement, borne: less(account, there) })
    }

    /// The day of business of what was taken offline: when it was, or today if that day is closed.
    fn day_of(&self, taken: Timestamp, now: Timestamp, bill: &Bill) -> Day {
        let day = bill.date.unwrap_or_else(|| Day::of(taken.min(now)));
        if self.register.is_sealed(bill.provider, day) { Day::of(now) } else { day }
    }
}

/// Tells which bill was over the terminal's limit, if that is why a batch was refused.
fn flag_voucher(vouchers: &[Voucher], refusal: &PayRefusal, out: &mut Vec<Output>) {
    let PayRefusal::OfflineLimitExceeded { counter, .. } = *refusal else { return };
    if let Some(over) = vouchers.iter().find(|voucher| voucher.counter == counter) {
        flag(over.bill.beneficiary, over.bill.id, refusal, out);
    }
}

/// What a voucher moves: what is there from the account, the rest from the allowance, which gets smaller by both.
fn legs(terminal: TerminalId, bill: &Bill, split: &Split, there: Fen) -> [(Account, Account, Fen); 4] {
    let (payable, allowance) = (Account::Payable(bill.provider), Account::Offline(terminal));
    [
        (Account::Personal(bill.beneficiary), payable, there),
        (allowance, payable, less(split.account, there)),
        (Account::CashClearing(CashChannel::Counter), payable, split.cash),
        (allowance, Account::WorldBudget, there),
    ]
}

fn less(whole: Fen, part: Fen) -> Fen {
    whole.minus(part).expect("a part of what is not negative")
}

/// As if the fund had nothing left to pay: then the account pays what it may, and no more than was taken.
fn without_fund(account: Fen) -> Standing {
    let spent = Fen::new(i64::MAX);
    Standing {
        deductible_used: spent,
        fund_used: spent,
        supplement_used: spent,
        balance: account,
        ..Standing::default()
    }
}

#[cfg(test)]
mod tests;
