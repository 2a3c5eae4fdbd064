//! What a back office and an operator ask for: lists, reversals, refunds, consents, the close of a day.

use types::{BillId, Fen, ProviderId, ReplyTo, ResidentId, Timestamp};
use uuid::Uuid;

use super::accounts::group;
use super::links::Link;
use super::settle::record;
use super::terminals::Allowance;
use super::{Output, Payer, VERIFIER_TIMEOUT_MS};
use crate::adjudicate::{adjudicate, total_of};
use crate::day::Day;
use crate::fingerprint::{fingerprint, fresh_id};
use crate::ledger::{Account, Step};
use crate::messages::{
    Bill, IdentityCheck, IdentityResult, PayEvent, PayRefusal, PayReply, PayRequest, RefundLine, Replacement,
    Statement,
};
use crate::policy::Care;
use crate::reconcile::Totals;

/// Bills on one page.
pub(super) const BILLS_MAX: usize = 50;
/// Rows on one page.
pub(super) const ROWS_MAX: usize = 100;

impl Payer {
    pub(super) fn desk(&mut self, now: Timestamp, from: ReplyTo, request: PayRequest, out: &mut Vec<Output>) {
        if !request.changes() {
            let reply = self.look(now, &request).unwrap_or_else(PayReply::Refused);
            out.push(Output::DeskReply { to: from, reply });
            return;
        }
        let fingerprint = fingerprint(&request);
        match self.desk_answers.same(&from, fingerprint) {
            Ok(None) => {}
            Ok(Some(reply)) => return out.push(Output::DeskReply { to: from, reply: reply.clone() }),
            Err(refusal) => {
                return out.push(Output::DeskReply { to: from, reply: PayReply::Refused(refusal) });
            }
        }
        let reply = match request {
            PayRequest::Link { beneficiary, family, code } => {
                return self.ask_link(now, from, fingerprint, (beneficiary, family), code, out);
            }
            request => self.change(now, request, out).unwrap_or_else(PayReply::Refused),
        };
        self.answer_desk(from, fingerprint, reply, out);
    }

    pub(super) fn answer_desk(
        &mut self,
        to: ReplyTo,
        fingerprint: u128,
        reply: PayReply,
        out: &mut Vec<Output>,
    ) {
        self.desk_answers.remember(to.clone(), fingerprint, reply.clone());
        out.push(Output::DeskReply { to, reply });
    }

    /// Answers what changes nothing.
    fn look(&self, now: Timestamp, request: &PayRequest) -> Result<PayReply, PayRefusal> {
        Ok(match *request {
            PayRequest::Bills { beneficiary, provider, after } => self.bills(beneficiary, provider, after),
            PayRequest::Unpaid { beneficiary, provider } => self.unpaid(now, beneficiary, provider),
            PayRequest::Bill { bill } => self.bill(now, bill)?,
            PayRequest::Eligibility { beneficiary, care, day } => {
                self.eligibility(beneficiary, care, day.unwrap_or_else(|| Day::of(now)))?
            }
            PayRequest::Parked { provider, day } => self.parked(provider, day),
            PayRequest::Statement { beneficiary } => {
                PayReply::Statement(self.statement(beneficiary, Day::of(now))?)
            }
            PayRequest::Trace { settlement } => {
                let settlement = self.settlements.get(settlement).ok_or(PayRefusal::SettlementUnknown)?;
                let (bill, policy) = (Box::new(settlement.listed()), settlement.policy.clone().into());
                PayReply::Trace { bill, policy, trace: settlement.trace.clone() }
            }
            PayRequest::Totals { provider, day } => {
                PayReply::Totals(Totals::of(self.settlements.rows(provider, day)))
            }
            PayRequest::Detail { provider, day, after } => {
                let mut rest = self.settlements.rows(provider, day).iter().skip(after as usize);
                let rows = rest.by_ref().take(ROWS_MAX).copied().collect();
                PayReply::Detail { rows, more: rest.next().is_some() }
            }
            PayRequest::File { .. }
            | PayRequest::Presettle { .. }
            | PayRequest::Reverse { .. }
            | PayRequest::Refund { .. }
            | PayRequest::Confirm { .. }
            | PayRequest::Link { .. }
            | PayRequest::Freeze { .. }
            | PayRequest::Park { .. }
            | PayRequest::Resolve { .. }
            | PayRequest::Deposit { .. }
            | PayRequest::Admit { .. }
            | PayRequest::Interim { .. }
            | PayRequest::Discharge { .. }
            | PayRequest::Allow { .. }
            | PayRequest::Forward { .. }
            | PayRequest::Close { .. } => unreachable!("this one changes something"),
        })
    }

    fn bills(
        &self,
        beneficiary: Option<ResidentId>,
        provider: Option<ProviderId>,
        after: Option<Uuid>,
    ) -> PayReply {
        let mut rest =
            self.settlements.after(after).filter(|settlement| settlement.bill.is_of(beneficiary, provider));
        let bills = rest.by_ref().take(BILLS_MAX).map(super::settlements::Settlement::listed).collect();
        PayReply::Bills { bills, more: rest.next().is_some() }
    }

    fn statement(&self, beneficiary: ResidentId, day: Day) -> Result<Statement, PayRefusal> {
        if !self.register.knows(beneficiary) {
            return Err(PayRefusal::CoverageInactive);
        }
        let standing = self.standing(beneficiary, Care::Outpatient, day).unwrap_or_default();
        let settled = self.settlements.of_person(beneficiary).filter(|paid| paid.reversal.is_none()).count();
        Ok(Statement {
            beneficiary,
            balance: self.ledger().available(Account::Personal(beneficiary)),
            deductible_used: standing.deductible_used,
            fund_used: standing.fund_used,
            settled: u32::try_from(settled).unwrap_or(u32::MAX),
        })
    }

    fn change(
        &mut self,
        now: Timestamp,
        request: PayRequest,
        out: &mut Vec<Output>,
    ) -> Result<PayReply, PayRefusal> {
        match request {
            PayRequest::File { bill } => self.file(now, *bill, out),
            PayRequest::Presettle { bill, family } => self.presettle_kept(now, bill, family, out),
            PayRequest::Reverse { settlement } => self.reverse(now, settlement, out),
            PayRequest::Refund { settlement, lines } => self.refund(now, settlement, &lines, out),
            PayRequest::Confirm { settlement, paid } => self.confirm(now, settlement, paid, out),
            PayRequest::Freeze { beneficiary, frozen } => {
                if !self.register.knows(beneficiary) {
                    return Err(PayRefusal::CoverageInactive);
                }
                self.register.freeze(beneficiary, frozen);
                Ok(PayReply::Frozen { beneficiary, frozen })
            }
            PayRequest::Deposit { bill, amount, back, cash_channel } => {
                self.deposit(now, bill, amount, cash_channel, back)
            }
            PayRequest::Admit { stay, provider, level, beneficiary } => {
                self.admit(now, stay, provider, level, beneficiary)
            }
            PayRequest::Interim { stay, lines } => self.interim(now, stay, lines),
            PayRequest::Discharge { stay } => self.discharge(now, stay, out),
            PayRequest::Allow { terminal, provider, key, per_payment, total } => {
                self.allow(now, terminal, Allowance { provider, key, per_payment }, total)
            }
            PayRequest::Forward { terminal, vouchers } => self.forward(now, terminal, vouchers, out),
            PayRequest::Close { provider, day } => self.close(now, provider, day, out),
            PayRequest::Park { provider, day, difference } => {
                self.park(now, (provider, day), difference, out)
            }
            PayRequest::Resolve { provider, day, settlement, refund, action } => {
                self.resolve(now, ((provider, day), settlement, refund), action, out)
            }
            other => unreachable!("{other:?} changes nothing, or is asked elsewhere"),
        }
    }

    /// Takes a settlement back as a whole, by counter-entries.
    fn reverse(
        &mut self,
        now: Timestamp,
        settlement: Uuid,
        out: &mut Vec<Output>,
    ) -> Result<PayReply, PayRefusal> {
        let reversal = fresh_id(now, &mut self.ids);
        let steps = self.counter(now, settlement, reversal)?;
        self.accounts.link(&steps)?;
        self.note_reversed(now, settlement, reversal, None, out);
        Ok(PayReply::Reversed { settlement, reversal })
    }

    /// Takes a settlement back, and settles what is left of its lines, all at once or not at all.
    fn refund(
        &mut self,
        now: Timestamp,
        settlement: Uuid,
        lines: &[RefundLine],
        out: &mut Vec<Output>,
    ) -> Result<PayReply, PayRefusal> {
        let replacement = fresh_id(now, &mut self.ids);
        let reversal = fresh_id(now, &mut self.ids);
        let steps = self.counter(now, settlement, reversal)?;
        let paid = self.settlements.get(settlement).expect("it has counter-entries").clone();
        let Some(left) = left_of(&paid.bill, lines)? else { return self.reverse(now, settlement, out) };
        let (day, family) = (paid.day, paid.parties.family);
        let mut case = self.register.case(&self.policies, &self.accounts, &left, Day::of(now), family)?;
        case.parties.cash = paid.parties.cash;
        // As if the settlement had never been: its counter-entries are posted together with the new one.
        if case.parties.quota == paid.parties.quota {
            let back =
                |used: &mut Fen, part: Fen| *used = used.minus(part).unwrap_or_default().max(Fen::ZERO);
            back(&mut case.standing.deductible_used, paid.split.deductible);
            back(&mut case.standing.fund_used, paid.split.pool);
            back(&mut case.standing.supplement_used, paid.split.supplement);
            case.standing.admissions -= u32::from(left.care == Care::Inpatient).min(case.standing.admissions);
        }
        let more = |sum: Fen, part: Fen| sum.plus(part).map_err(|_| PayRefusal::AmountInvalid { line: 0 });
        case.standing.balance = more(case.standing.balance, paid.split.account)?;
        case.standing.family = more(case.standing.family, paid.split.family)?;
        if let (Some((_, there)), Some(used)) =
            (&mut case.deposit, self.accounts.deposit_use(settlement, left.id, &paid.split))
        {
            *there = more(more(*there, used.used)?, used.refund)?;
        }
        let left = Bill { total: total_of(case.policy, &left)?, ..left };
        let (split, trace) = adjudicate(case.policy, &left, case.standing)?;
        self.accounts.settle(replacement, &case, &split, steps, None)?;
        let kept = record(replacement, now, &case, left, Day::of(now).max(day), split, trace);
        let (bill, provider) = (kept.bill.id, kept.bill.provider);
        let replaced = Replacement { settlement: replacement, split };
        self.note_reversed(now, settlement, reversal, Some(Box::new(replaced)), out);
        self.settlements.add(kept);
        let event = PayEvent::BillSettled { bill, provider, settlement: replacement, split };
        out.push(Output::Event(event));
        Ok(PayReply::Refunded { settlement, reversal, replacement, split })
    }

    /// The steps that take a settlement back; what was paid out for it is first taken back from the bank.
    pub(super) fn counter(
        &self,
        now: Timestamp,
        settlement: Uuid,
        reversal: Uuid,
    ) -> Result<Vec<Step>, PayRefusal> {
        let paid = self.settlements.get(settlement).ok_or(PayRefusal::SettlementUnknown)?;
        if let Some(reversal) = paid.reversal {
            return Err(PayRefusal::AlreadyReversed { reversal });
        }
        let provider = paid.bill.provider;
        if self.register.is_sealed(provider, Day::of(now)) {
            return Err(PayRefusal::DayClosed);
        }
        if self.ledger().state(settlement).is_none() {
            return Ok(Vec::new());
        }
        let owed = self.ledger().available(Account::Payable(provider));
        let missing = paid.split.total.minus(owed).unwrap_or_default().max(Fen::ZERO);
        let back = Uuid::from_u128(reversal.as_u128() ^ (1 << 100));
        let bank = group(back, &[(Account::SettleBank(provider), Account::Payable(provider), missing)]);
        let bank = bank.map(Step::Post);
        Ok(bank.into_iter().chain([Step::Reverse { of: settlement, by: reversal }]).collect())
    }

    pub(super) fn note_reversed(
        &mut self,
        now: Timestamp,
        settlement: Uuid,
        reversal: Uuid,
        replacement: Option<Box<Replacement>>,
        out: &mut Vec<Output>,
    ) {
        let Some(paid) = self.settlements.get(settlement) else { return };
        let (bill, provider, split) = (paid.bill.id, paid.bill.provider, paid.split);
        let parties = paid.parties;
        self.accounts.count_admission(&parties, -1);
        self.settlements.reverse(settlement, reversal, Day::of(now));
        out.push(Output::Event(PayEvent::BillReversed {
            bill,
            provider,
            settlement,
            reversal,
            split,
            replacement,
        }));
    }

    fn confirm(
        &mut self,
        now: Timestamp,
        settlement: Uuid,
        paid: bool,
        out: &mut Vec<Output>,
    ) -> Result<PayReply, PayRefusal> {
        let known = self.settlements.get(settlement).is_some();
        match self.open.held(settlement) {
            Some(bill) if paid => out.push(Output::Event(self.capture(now, bill, settlement)?)),
            Some(bill) => {
                self.let_go(bill, out);
            }
            None if known && paid => {}
            None => return Err(PayRefusal::SettlementUnknown),
        }
        Ok(PayReply::Confirmed { settlement, paid })
    }

    /// Closes a day: what is owed for it is paid out.
    fn close(
        &mut self,
        now: Timestamp,
        provider: ProviderId,
        day: Day,
        out: &mut Vec<Output>,
    ) -> Result<PayReply, PayRefusal> {
        if self.register.is_sealed(provider, day) {
            return Err(PayRefusal::DayClosed);
        }
        let due = Totals::of(self.settlements.rows(provider, day)).total;
        let due = due.saturating_sub(self.suspense.parked((provider, day)));
        let paid_out = Fen::new(due).min(self.ledger().available(Account::Payable(provider))).max(Fen::ZERO);
        let (from, to) = (Account::Payable(provider), Account::SettleBank(provider));
        if let Some(group) = group(fresh_id(now, &mut self.ids), &[(from, to, paid_out)]) {
            self.accounts.link(&[Step::Post(group)])?;
        }
        self.register.seal(provider, day);
        out.push(Output::Event(PayEvent::ReconClosed { provider, day, paid_out }));
        Ok(PayReply::Closed { paid_out })
    }

    /// Asks the verifier about a family member's consent.
    fn ask_link(
        &mut self,
        now: Timestamp,
        from: ReplyTo,
        fingerprint: u128,
        people: (ResidentId, ResidentId),
        code: String,
        out: &mut Vec<Output>,
    ) {
        if self.links.asks(&from) {
            return;
        }
        if self.links.is_full() {
            return self.answer_desk(from, fingerprint, PayReply::Refused(PayRefusal::Busy), out);
        }
        let bill = BillId(fresh_id(now, &mut self.ids));
        let reference = format!("{:032x}", crate::fingerprint::fingerprint(&(bill, people)));
        let deadline = now.plus_millis(VERIFIER_TIMEOUT_MS);
        out.push(Output::CheckIdentity(IdentityCheck {
            bill,
            attempt: 1,
            code,
            reference: reference.clone(),
        }));
        self.links.begin(bill, Link::new(from, fingerprint, people, reference, deadline));
    }

    pub(super) fn link_answered(
        &mut self,
        now: Timestamp,
        link: Link,
        result: IdentityResult,
        out: &mut Vec<Output>,
    ) {
        let Link { beneficiary, family, .. } = link;
        let linked = self.accept_code(now, &link.reference, result).and_then(|(holder, code)| {
            if holder != family {
                return Err(PayRefusal::PayerNotAuthorized);
            }
            self.register.link(beneficiary, family)?;
            self.codes.insert(code);
            Ok(PayReply::Linked { beneficiary, family })
        });
        let reply = linked.unwrap_or_else(PayReply::Refused);
        self.answer_desk(link.from, link.fingerprint, reply, out);
    }
}

/// What is left of a bill when `refunded` is given back; `None` if nothing is.
fn left_of(bill: &Bill, refunded: &[RefundLine]) -> Result<Option<Bill>, PayRefusal> {
    let mut left = bill.clone();
    for &RefundLine { line, quantity_milli } in refunded {
        let place = (line as usize).checked_sub(1).ok_or(PayRefusal::RefundExceedsSettled)?;
        let line = left.lines.get_mut(place).ok_or(PayRefusal::RefundExceedsSettled)?;
        let quantity = line.quantity_milli.checked_sub(quantity_milli);
        line.quantity_milli = quantity.ok_or(PayRefusal::RefundExceedsSettled)?;
    }
    if refunded.iter().all(|line| line.quantity_milli == 0) {
        return Err(PayRefusal::RefundExceedsSettled);
    }
    left.lines.retain(|line| line.quantity_milli > 0);
    Ok((!left.lines.is_empty()).then_some(left))
}

#[cfg(test)]
mod tests;
