//! Paying: the code is checked, the split is worked out once more, and everything moves at once.

use types::{BillId, Fen, HOUR_MS, ProviderId, ReplyTo, Timestamp};
use uuid::Uuid;

use super::accounts::Parties;
use super::events::flag;
use super::open::{Asking, Held, Means, Open};
use super::register::Case;
use super::settlements::Settlement;
use super::{
    CLOCK_SKEW_MS_MAX, CODE_AGE_MS_MAX, HOLD_MS, Output, Payer, SETTLED_MAX, VERIFIER_TIMEOUT_MS, over,
};
use crate::adjudicate::adjudicate;
use crate::fingerprint::{fingerprint, fresh_id, reference};
use crate::ledger::Step;
use crate::messages::{
    CashChannel, IdentityAnswer, IdentityCheck, IdentityResult, PayEvent, PayRefusal, SettleReply,
    SettleRequest, Split, TraceStep,
};

/// What a bill was paid as, or is to be.
struct Paid {
    provider: ProviderId,
    settlement: Uuid,
    split: Split,
    /// It waits for its cash until then.
    until: Option<Timestamp>,
}

impl Payer {
    pub(super) fn settle(
        &mut self,
        now: Timestamp,
        from: ReplyTo,
        request: SettleRequest,
        out: &mut Vec<Output>,
    ) {
        let (bill, fingerprint) = (request.bill, fingerprint(&request));
        match self.settle_answers.same(&from, fingerprint) {
            Ok(None) => {}
            Ok(Some(reply)) => {
                out.push(Output::SettleReply { to: from, reply: reply.clone() });
                return;
            }
            Err(refusal) => {
                out.push(Output::SettleReply { to: from, reply: SettleReply::Refused { bill, refusal } });
                return;
            }
        }
        match self.ask(now, &from, fingerprint, request) {
            Ok(Some(check)) => out.push(Output::CheckIdentity(check)),
            Ok(None) => {}
            Err(refusal) => self.refuse(from, fingerprint, bill, refusal, out),
        }
    }

    /// Begins an attempt at paying; `None` if this request is the one in progress.
    fn ask(
        &mut self,
        now: Timestamp,
        from: &ReplyTo,
        fingerprint: u128,
        request: SettleRequest,
    ) -> Result<Option<IdentityCheck>, PayRefusal> {
        let SettleRequest { bill, code, presettlement, hold, family, spare_accounts, cash_channel } = request;
        let means = Means { hold, spare_accounts, cash: cash_channel };
        self.settlements.of_bill(bill).map_or(Ok(()), |paid| Err(over(paid)))?;
        let open = self.open.get(bill).ok_or(PayRefusal::BillUnknown)?;
        let fresh = Some(open.split);
        let asked = presettlement.is_none_or(|asked| asked == open.presettlement)
            && (family.is_none() || family == open.family);
        match &open.asking {
            Some(asking) if asking.from == *from => {
                let same = asking.fingerprint == fingerprint;
                return if same { Ok(None) } else { Err(PayRefusal::IdempotencyKeyReused) };
            }
            Some(_) => return Err(PayRefusal::SettlementInProgress),
            None if open.held.is_some() => return Err(PayRefusal::SettlementInProgress),
            None if now >= open.expires => return Err(PayRefusal::PresettlementExpired),
            None if open.stale => return Err(PayRefusal::PresettlementStale { fresh: None }),
            None if !asked => return Err(PayRefusal::PresettlementStale { fresh }),
            None => {}
        }
        self.check_limits(now, open)?;
        let attempt = open.attempts.checked_add(1).ok_or(PayRefusal::Busy)?;
        let reference = reference(&open.bill, attempt);
        let deadline = now.plus_millis(VERIFIER_TIMEOUT_MS);
        self.open.change(bill, |open| {
            open.attempts = attempt;
            open.asking = Some(Asking { from: from.clone(), fingerprint, deadline, means });
        });
        Ok(Some(IdentityCheck { bill, attempt, code, reference }))
    }

    pub(super) fn identity(&mut self, now: Timestamp, answer: IdentityAnswer, out: &mut Vec<Output>) {
        let IdentityAnswer { bill, attempt, result } = answer;
        if let Some(link) = self.links.end(bill) {
            return self.link_answered(now, link, result, out);
        }
        if self.open.get(bill).is_none_or(|open| open.attempts != attempt) {
            return;
        }
        let Some(asking) = self.open.end_attempt(bill) else { return };
        match self.pay(now, bill, result, asking.means) {
            Ok(Paid { settlement, split, until: Some(until), .. }) => {
                let reply = SettleReply::Held { bill, settlement, split, until };
                self.settle_answers.remember(asking.from.clone(), asking.fingerprint, reply.clone());
                out.push(Output::SettleReply { to: asking.from, reply });
            }
            Ok(Paid { provider, settlement, split, until: None }) => {
                let reply = SettleReply::Settled { bill, settlement, split };
                self.settle_answers.remember(asking.from.clone(), asking.fingerprint, reply.clone());
                out.push(Output::Event(PayEvent::BillSettled { bill, provider, settlement, split }));
                out.push(Output::SettleReply { to: asking.from, reply });
            }
            Err(refusal) => {
                if matches!(
                    refusal,
                    PayRefusal::PresettlementStale { .. } | PayRefusal::AccountInsufficient { .. }
                ) {
                    self.open.change(bill, |open| open.stale = true);
                }
                self.refuse(asking.from, asking.fingerprint, bill, refusal, out);
            }
        }
    }

    /// Pays an open bill, or sets everything aside for it, or changes nothing.
    fn pay(
        &mut self,
        now: Timestamp,
        id: BillId,
        result: IdentityResult,
        means: Means,
    ) -> Result<Paid, PayRefusal> {
        let open = self.open.get(id).expect("the attempt that just ended was for an open bill");
        let code = self.accept(now, open, result)?;
        if self.settlements.len() >= SETTLED_MAX {
            return Err(PayRefusal::Busy);
        }
        self.check_limits(now, open)?;
        let (bill, day, family, told) = (open.bill.clone(), open.day, open.family, open.split);
        let mut case = self.register.case(&self.policies, &self.accounts, &bill, day, family)?;
        let (mut split, mut trace) = adjudicate(case.policy, &bill, case.standing)?;
        if (case.policy.id.as_str(), case.policy.version) != (open.policy.0.as_str(), open.policy.1) {
            return Err(PayRefusal::PresettlementStale { fresh: Some(split) });
        }
        same(&told, &split, &case)?;
        case.parties.cash = means.cash;
        if means.spare_accounts {
            (case.standing.balance, case.standing.family) = (Fen::ZERO, Fen::ZERO);
            (split, trace) = adjudicate(case.policy, &bill, case.standing)?;
        }
        let settlement = fresh_id(now, &mut self.ids);
        let until = means.hold.then(|| now.plus_millis(HOLD_MS));
        self.accounts.settle(settlement, &case, &split, Vec::new(), until)?;
        self.codes.insert(code);
        let provider = bill.provider;
        match until {
            Some(until) => {
                let standing = case.standing;
                self.open.change(id, |open| {
                    (open.split, open.trace, open.standing) = (split, trace, standing);
                });
                self.open.hold(id, Some(Held { settlement, until, means }));
            }
            None => {
                let paid = record(settlement, now, &case, bill, day, split, trace);
                self.settlements.add(paid);
                self.open.remove(id);
            }
        }
        Ok(Paid { provider, settlement, split, until })
    }

    /// The cash of a held settlement was paid: it is captured.
    pub(super) fn capture(
        &mut self,
        now: Timestamp,
        id: BillId,
        settlement: Uuid,
    ) -> Result<PayEvent, PayRefusal> {
        let held = self.open.get(id).ok_or(PayRefusal::SettlementUnknown)?.held;
        if self.accounts.ledger().state(settlement).is_some() {
            self.accounts.link(&[Step::Capture(settlement)])?;
        }
        self.open.hold(id, None);
        let open = self.open.remove(id).ok_or(PayRefusal::SettlementUnknown)?;
        let Open { bill, split, trace, standing, policy: (policy, version), day, family, .. } = open;
        let case = self
            .register
            .standing(&self.policies, &self.accounts, bill.beneficiary, bill.care, day, family)
            .expect("a bill that was held had a policy");
        let cash = held.map_or_else(CashChannel::default, |held| held.means.cash);
        let parties = Parties { provider: bill.provider, cash, ..case.parties };
        self.accounts.count_admission(&parties, 1);
        let event = PayEvent::BillSettled { bill: id, provider: bill.provider, settlement, split };
        self.settlements.add(Settlement {
            id: settlement,
            bill,
            split,
            trace,
            standing,
            policy: format!("{policy}@{version}"),
            parties,
            day,
            at: now,
            reversal: None,
        });
        Ok(event)
    }

    /// Lets go of what was set aside for a bill, if something was.
    pub(super) fn let_go(&mut self, id: BillId, out: &mut Vec<Output>) -> bool {
        let Some(held) = self.open.get(id).and_then(|open| open.held) else { return false };
        if self.accounts.ledger().state(held.settlement).is_some() {
            self.accounts.link(&[Step::Void(held.settlement)]).expect("what is held can be let go");
        }
        self.open.hold(id, None);
        if held.means.spare_accounts {
            // What is kept of it is how it was to be paid without the accounts: the next payment is presettled anew.
            self.open.change(id, |open| open.stale = true);
        }
        out.push(Output::Event(PayEvent::BillReleased { bill: id, settlement: held.settlement }));
        true
    }

    /// Whether the verifier's answer is good for this bill, now, and for the first time; the code's id if so.
    fn accept(&self, now: Timestamp, open: &Open, result: IdentityResult) -> Result<Box<str>, PayRefusal> {
        let expected = reference(&open.bill, open.attempts);
        let (resident, code_id) = self.accept_code(now, &expected, result)?;
        if resident != open.bill.beneficiary && open.family != Some(resident) {
            return Err(PayRefusal::PayerNotAuthorized);
        }
        Ok(code_id)
    }

    /// Whose code it is, and its id, if it is good for this question, now, and for the first time.
    pub(super) fn accept_code(
        &self,
        now: Timestamp,
        expected: &str,
        result: IdentityResult,
    ) -> Result<(types::ResidentId, Box<str>), PayRefusal> {
        let refused = |reason: &str| Err(PayRefusal::EidRefused { reason: reason.into() });
        let (resident, code_id, issued, repeated) = match result {
            IdentityResult::Accepted { resident, code_id, issued, reference } => {
                (resident, code_id, issued, reference)
            }
            IdentityResult::Refused { reason } => {
                return match reason.as_str() {
                    "token_replayed" => Err(PayRefusal::EidTokenReplayed),
                    "token_expired" => Err(PayRefusal::EidTokenExpired),
                    _ => refused(&reason),
                };
            }
        };
        if repeated != expected {
            return refused("reference_mismatch");
        }
        let age_ms = now.millis_since(issued);
        if age_ms > CODE_AGE_MS_MAX + CLOCK_SKEW_MS_MAX {
            return Err(PayRefusal::EidTokenExpired);
        }
        if age_ms < -CLOCK_SKEW_MS_MAX {
            return refused("token_not_yet_valid");
        }
        if self.codes.contains(code_id.as_str()) {
            return Err(PayRefusal::EidTokenReplayed);
        }
        Ok((resident, code_id.into()))
    }

    /// Whether the beneficiary may pay this bill too, today and within the hour.
    fn check_limits(&self, now: Timestamp, open: &Open) -> Result<(), PayRefusal> {
        let limits = self.policies.limits();
        let whose = open.bill.beneficiary;
        if let Some(limit) = limits.day {
            let used = self.settlements.spent(whose, open.day);
            if used.plus(open.bill.total).is_ok_and(|sum| sum > limit) || used > limit {
                return Err(PayRefusal::LimitDailyExceeded { limit, used });
            }
        }
        if let Some(limit) = limits.per_hour {
            let lately = self.settlements.of_person(whose).rev();
            let lately = lately.take_while(|paid| now.millis_since(paid.at) < HOUR_MS).count();
            if lately >= limit as usize {
                return Err(PayRefusal::LimitHourlyExceeded { limit });
            }
        }
        Ok(())
    }

    fn refuse_in_words(
        &self,
        to: ReplyTo,
        bill: BillId,
        refusal: PayRefusal,
        out: &mut Vec<Output>,
    ) -> SettleReply {
        let reply = SettleReply::Refused { bill, refusal: refusal.clone() };
        if let Some(open) = self.open.get(bill) {
            flag(open.bill.beneficiary, bill, &refusal, out);
        }
        // Of a bill that is not known there is nothing to tell; anybody can make up ids.
        if refusal != PayRefusal::BillUnknown {
            out.push(Output::Event(PayEvent::SettlementRefused { bill, refusal }));
        }
        out.push(Output::SettleReply { to, reply: reply.clone() });
        reply
    }

    pub(super) fn refuse(
        &mut self,
        to: ReplyTo,
        fingerprint: u128,
        bill: BillId,
        refusal: PayRefusal,
        out: &mut Vec<Output>,
    ) {
        let reply = self.refuse_in_words(to.clone(), bill, refusal, out);
        self.settle_answers.remember(to, fingerprint, reply);
    }
}

/// Whether a bill is paid as its patient was told.
fn same(told: &Split, split: &Split, case: &Case<'_>) -> Result<(), PayRefusal> {
    if told == split {
        return Ok(());
    }
    let without_accounts =
        |split: &Split| Split { account: Fen::ZERO, family: Fen::ZERO, cash: Fen::ZERO, ..*split };
    let less = split.account < told.account || split.family < told.family;
    if without_accounts(told) == without_accounts(split) && less {
        let available =
            if split.account < told.account { case.standing.balance } else { case.standing.family };
        return Err(PayRefusal::AccountInsufficient { available });
    }
    Err(PayRefusal::PresettlementStale { fresh: Some(*split) })
}

/// What is kept of a settlement.
pub(super) fn record(
    id: Uuid,
    at: Timestamp,
    case: &Case<'_>,
    bill: crate::messages::Bill,
    day: crate::day::Day,
    split: Split,
    trace: Vec<TraceStep>,
) -> Settlement {
    let policy = format!("{}@{}", case.policy.id, case.policy.version);
    let (standing, parties) = (case.standing, case.parties);
    Settlement { id, bill, split, trace, standing, policy, parties, day, at, reversal: None }
}
