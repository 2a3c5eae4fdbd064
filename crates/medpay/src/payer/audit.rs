//! Whether a payer's books are right, looked at from outside: what it holds against what it has told.

use std::collections::BTreeMap;
use std::fmt;

use types::{Fen, ResidentId};
use uuid::Uuid;

use super::Payer;
use super::settlements::Settlement;
use crate::adjudicate::{Standing, adjudicate};
use crate::ledger::{Account, Quota, Transfer, Unit};
use crate::messages::{Entry, PayEvent};

/// What must hold of a payer whatever happens. The numbers are those of docs/medpay.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invariant {
    /// What a settlement moved to its provider, and its parts, are what its bill comes to.
    LegsAddUp = 1,
    /// No part of a settlement is less than nothing.
    NoPartNegative = 2,
    /// The deductible is a part of what is in scope, and that of the bill.
    ScopeFits = 3,
    /// The funds pay no more than what is in scope; cash pays at least what is not insured.
    FundWithinScope = 4,
    /// Had more of the cap been used before, the fund would have paid no more of a bill.
    FundNeverRises = 5,
    /// Had more of the deductible been used before, the fund would have paid no less of a bill.
    FundNeverFalls = 6,
    /// The balances of each unit add up to zero.
    BalancesAddUp = 7,
    /// No bounded account has less than what is set aside of it.
    NothingOverdrawn = 8,
    /// What was taken back moved back, leg by leg.
    ReversalMirrors = 9,
    /// A request sent again is answered in the same words and changes nothing.
    AnsweredAlike = 10,
    /// The pooled fund paid what is gone of a cap, and no more than the cap.
    CapKept = 11,
    /// What was told is what was done: each settlement, reversal and entry once.
    ToldIsDone = 12,
}

/// An invariant that does not hold, and where that can be seen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invariant {} ({invariant:?}) is broken: {what}", *.invariant as u8)]
pub struct Broken {
    /// Which.
    pub invariant: Invariant,
    /// What is seen.
    pub what: String,
}

impl Broken {
    /// An invariant that is seen not to hold.
    pub fn new(invariant: Invariant, what: impl fmt::Display) -> Self {
        Self { invariant, what: what.to_string() }
    }

    fn unless(holds: bool, invariant: Invariant, what: impl fmt::Display) -> Result<(), Self> {
        if holds { Ok(()) } else { Err(Self::new(invariant, what)) }
    }
}

/// What a payer has told so far, as somebody hears it who listens from its start.
#[derive(Clone, Debug, Default)]
pub struct Told {
    settled: usize,
    reversed: usize,
    /// What accounts were credited, less what they were debited \[fen\].
    entries: BTreeMap<ResidentId, i128>,
}

impl Told {
    /// Takes note of an event.
    pub fn hear(&mut self, event: &PayEvent) {
        match event {
            PayEvent::BillSettled { .. } => self.settled += 1,
            PayEvent::BillReversed { .. } => self.reversed += 1,
            PayEvent::AccountDebited(entry) => self.enter(entry, -1),
            PayEvent::AccountCredited(entry) => self.enter(entry, 1),
            _ => {}
        }
    }

    fn enter(&mut self, entry: &Entry, sign: i128) {
        *self.entries.entry(entry.beneficiary).or_default() += sign * i128::from(entry.amount.get());
    }
}

impl Payer {
    /// How much [`audit`](Self::audit) looks at, about: accounts and settlements.
    pub fn audit_size(&self) -> usize {
        self.register.len() + self.settlements.len()
    }

    /// Whether everything holds that state can show; `told` is all that was told since the payer's start.
    ///
    /// Looks at every account and every settlement: see [`audit_size`](Self::audit_size).
    ///
    /// # Errors
    ///
    /// [`Broken`], the first that does not hold.
    pub fn audit(&self, told: &Told) -> Result<(), Broken> {
        self.audit_ledger()?;
        let mut paid_by_fund = BTreeMap::new();
        for settlement in self.settlements.after(None) {
            audit_parts(settlement)?;
            self.audit_legs(settlement)?;
            self.audit_fund(settlement)?;
            if settlement.reversal.is_none() {
                *paid_by_fund.entry(settlement.parties.quota).or_default() += fen(settlement.split.pool);
            }
        }
        self.audit_caps(&paid_by_fund)?;
        self.audit_told(told)
    }

    fn audit_ledger(&self) -> Result<(), Broken> {
        for unit in [Unit::Cny, Unit::Quota] {
            let sum = self.ledger().imbalance(unit);
            Broken::unless(sum == 0, Invariant::BalancesAddUp, format_args!("{unit:?} adds up to {sum}"))?;
        }
        for (account, balance) in self.ledger().balances().filter(|(account, _)| account.is_bounded()) {
            let available = self.ledger().available(account);
            let fine = available >= Fen::ZERO && balance >= Fen::ZERO;
            Broken::unless(
                fine,
                Invariant::NothingOverdrawn,
                format_args!("{account:?} has {available} of {balance} yuan"),
            )?;
        }
        Ok(())
    }

    /// What a settlement moved, and what its reversal moved back. Free care moves nothing.
    fn audit_legs(&self, settlement: &Settlement) -> Result<(), Broken> {
        let legs = self.ledger().transfers(settlement.id);
        let payable = Account::Payable(settlement.parties.provider);
        let owed: i128 = legs.iter().filter(|leg| leg.credit == payable).map(|leg| fen(leg.amount)).sum();
        let what =
            format_args!("settlement {} moved {owed} fen of {}", settlement.id, settlement.split.total);
        Broken::unless(owed == fen(settlement.split.total), Invariant::LegsAddUp, what)?;
        let Some(reversal) = settlement.reversal else { return Ok(()) };
        let back = self.ledger().transfers(reversal).iter().rev();
        let mirrored =
            back.map(|&Transfer { debit, credit, amount }| Transfer { debit: credit, credit: debit, amount });
        let fine = mirrored.eq(legs.iter().copied());
        Broken::unless(fine, Invariant::ReversalMirrors, format_args!("reversal {reversal}"))
    }

    /// Splits a settled bill anew, as if more had been used before: one fen more, as much as the bill came to, and all.
    fn audit_fund(&self, settlement: &Settlement) -> Result<(), Broken> {
        let (bill, split, stood) = (&settlement.bill, &settlement.split, settlement.standing);
        let policy = self.policies.edition(&settlement.policy).ok_or_else(|| {
            Broken::new(
                Invariant::FundNeverRises,
                format_args!("{} is no policy of the payer's", settlement.policy),
            )
        })?;
        let pool = |standing| adjudicate(policy, bill, standing).map_or(Fen::ZERO, |(split, _)| split.pool);
        for more in [Fen::new(1), bill.total, Fen::new(i64::MAX)] {
            let used = |before: Fen| before.plus(more).unwrap_or(Fen::new(i64::MAX));
            let capped = pool(Standing { fund_used: used(stood.fund_used), ..stood });
            let what = part(settlement.id, "with more of the cap used, the fund", fen(capped));
            Broken::unless(capped <= split.pool, Invariant::FundNeverRises, what)?;
            let eased = pool(Standing { deductible_used: used(stood.deductible_used), ..stood });
            let what = part(settlement.id, "with more of the deductible used, the fund", fen(eased));
            Broken::unless(eased >= split.pool, Invariant::FundNeverFalls, what)?;
        }
        Ok(())
    }

    /// What is gone of each cap is what the fund paid, or is to pay once its cash is confirmed.
    fn audit_caps(&self, paid_by_fund: &BTreeMap<Quota, i128>) -> Result<(), Broken> {
        let mut paid = paid_by_fund.clone();
        for open in self.open.held_bills() {
            let parts = self.ledger().transfers(open.settlement);
            for &Transfer { debit, amount, .. } in parts {
                if let Account::CapQuota(quota) = debit {
                    *paid.entry(quota).or_default() += fen(amount);
                }
            }
        }
        for (quota, paid) in paid {
            let gone = fen(self.accounts.cap_gone(quota));
            let what = format_args!("{quota:?}: the fund paid {paid} fen, {gone} fen of the cap are gone");
            Broken::unless(gone == paid, Invariant::CapKept, what)?;
        }
        Ok(())
    }

    fn audit_told(&self, told: &Told) -> Result<(), Broken> {
        let (settled, reversed) = (self.settlements.len(), self.settlements.reversed_count());
        let what = format_args!(
            "{settled} settlements and {reversed} reversals, told {} and {}",
            told.settled, told.reversed
        );
        Broken::unless((settled, reversed) == (told.settled, told.reversed), Invariant::ToldIsDone, what)?;
        for (resident, opened) in self.register.opening_balances() {
            let entries = told.entries.get(&resident).copied().unwrap_or_default();
            let balance = self.ledger().balance(Account::Personal(resident));
            let what = format_args!("{resident}: {opened} yuan and entries of {entries} fen made {balance}");
            Broken::unless(fen(opened) + entries == fen(balance), Invariant::ToldIsDone, what)?;
        }
        Ok(())
    }
}

/// What a settlement says about itself.
fn audit_parts(settlement: &Settlement) -> Result<(), Broken> {
    let (id, split) = (settlement.id, &settlement.split);
    let sum: i128 = split.sources().into_iter().map(fen).sum();
    let total = settlement.bill.total;
    let legs = split.total == total && sum == fen(total);
    Broken::unless(legs, Invariant::LegsAddUp, part(id, "parts", sum))?;
    let least = split.sources().into_iter().min().unwrap_or_default();
    Broken::unless(least >= Fen::ZERO, Invariant::NoPartNegative, part(id, "a part", fen(least)))?;
    let scope =
        Fen::ZERO <= split.deductible && split.deductible <= split.in_scope && split.in_scope <= total;
    Broken::unless(scope, Invariant::ScopeFits, part(id, "in scope", fen(split.in_scope)))?;
    let own = settlement
        .trace
        .iter()
        .find(|step| step.rule == "scope.not_insured")
        .map_or(Fen::ZERO, |step| step.output);
    let fund = fen(split.pool) + fen(split.supplement) <= fen(split.in_scope) && split.cash >= own;
    Broken::unless(fund, Invariant::FundWithinScope, part(id, "fund", fen(split.pool)))
}

fn part(settlement: Uuid, name: &str, amount: i128) -> String {
    format!("settlement {settlement}: {name} {amount} fen")
}

fn fen(amount: Fen) -> i128 {
    i128::from(amount.get())
}
