//! The payer: splits bills, and pays them once the e-ID verifier has accepted a fresh code of the beneficiary.

mod accounts;
mod open;

use std::collections::{BTreeMap, BTreeSet};

use types::{BillId, Core, Fen, ProviderId, ReplyTo, ResidentId, SECOND_MS, Stream, Timestamp};
use uuid::Uuid;

use self::accounts::Accounts;
use self::open::{Asking, Open, OpenBills};
use crate::adjudicate::{Standing, adjudicate};
use crate::answers::Answers;
use crate::fingerprint::{fresh_id, reference};
use crate::ledger::{Ledger, LedgerError};
use crate::messages::{
    Bill, IdentityAnswer, IdentityCheck, IdentityResult, PayEvent, PayRefusal, PresettleReply,
    PresettleRequest, SettleReply, SettleRequest, Split, TraceStep,
};
use crate::policy::{Policy, PolicyError};

/// Beneficiaries of one payer, at most.
pub const BENEFICIARIES_MAX: usize = 1_000_000;
/// Bills that are presettled and not yet forgotten, at most; then [`PayRefusal::Busy`].
pub const OPEN_MAX: usize = 10_000;
/// Settled bills, at most; then [`PayRefusal::Busy`]. None is forgotten: it could be paid twice.
pub const SETTLED_MAX: usize = 500_000;
/// How long the verifier may take \[ms\].
pub const VERIFIER_TIMEOUT_MS: i64 = 2 * SECOND_MS;
/// How old a code may be \[ms\], by its own clock.
pub const CODE_AGE_MS_MAX: i64 = 60 * SECOND_MS;
/// How far the issuer's clock may be off, either way \[ms\].
pub const CLOCK_SKEW_MS_MAX: i64 = 5 * SECOND_MS;
/// How long an expired presettlement is kept to say so \[ms\]; after that its bill is unknown.
pub const EXPIRED_KEPT_MS: i64 = 600 * SECOND_MS;

/// Why a payer cannot be set up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayerConfigError {
    /// The policy makes no sense.
    #[error("policy cannot be used")]
    Policy(#[from] PolicyError),
    /// The fund opens below zero.
    #[error("opening fund is {0} yuan, must not be negative")]
    FundNegative(Fen),
    /// An account opens below zero.
    #[error("beneficiary {resident}: opening balance is {balance} yuan, must not be negative")]
    BalanceNegative {
        /// Whose.
        resident: ResidentId,
        /// What was given.
        balance: Fen,
    },
    /// A beneficiary is given twice.
    #[error("beneficiary {0} is given twice")]
    Twice(ResidentId),
    /// More than [`BENEFICIARIES_MAX`].
    #[error("more than {BENEFICIARIES_MAX} beneficiaries")]
    TooMany,
    /// The opening balances do not fit.
    #[error("opening balances cannot be posted")]
    Ledger(#[from] LedgerError),
}

/// What can happen to a payer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A provider asks how a bill would be paid. For a bill that is presettled already, the answer is the same.
    Presettle {
        /// Who, and which request.
        from: ReplyTo,
        /// The bill.
        request: PresettleRequest,
    },
    /// A till wants a bill paid.
    Settle {
        /// Who, and which request: one that comes twice is answered twice in the same words.
        from: ReplyTo,
        /// The bill and the code.
        request: SettleRequest,
    },
    /// The verifier answered. Ignored if it comes too late, or for an attempt that is over.
    Identity(IdentityAnswer),
}

/// What a payer wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Answer a provider.
    PresettleReply {
        /// Who asked.
        to: ReplyTo,
        /// The answer.
        reply: PresettleReply,
    },
    /// Answer a till.
    SettleReply {
        /// Who asked.
        to: ReplyTo,
        /// The answer.
        reply: SettleReply,
    },
    /// Ask the verifier.
    CheckIdentity(IdentityCheck),
    /// Tell everyone.
    Event(PayEvent),
}

/// Presettles and settles bills under one policy, and keeps the ledger.
///
/// A bill is settled at most once, as one linked group of the ledger. While the verifier is asked, nothing is held:
/// the split is worked out anew when the answer comes, and if it differs from the one the patient was told, the
/// settlement is refused as stale. So no two tills spend the same balance, whatever the order of their answers.
///
/// The pooled fund is never overdrawn: when it has run dry, bills that need it are refused with
/// [`PayRefusal::CoverageInactive`].
#[derive(Debug)]
pub struct Payer {
    policy: Policy,
    accounts: Accounts,
    open: OpenBills,
    settled: BTreeMap<BillId, Uuid>,
    /// The ids of the codes that paid the settled bills.
    codes: BTreeSet<Box<str>>,
    presettle_answers: Answers<PresettleReply>,
    settle_answers: Answers<SettleReply>,
    ids: Stream,
}

/// What a bill was paid as.
struct Paid {
    provider: ProviderId,
    settlement: Uuid,
    split: Split,
}

impl Payer {
    /// A payer whose pooled fund opens with `fund`, and whose `beneficiaries` each have an opening balance on their
    /// personal account. Settlement ids come from `ids`: another stream for each start, or they repeat.
    ///
    /// # Errors
    ///
    /// [`PayerConfigError`] for the first thing that makes no sense.
    pub fn new(
        policy: Policy,
        fund: Fen,
        beneficiaries: impl IntoIterator<Item = (ResidentId, Fen)>,
        mut ids: Stream,
    ) -> Result<Self, PayerConfigError> {
        policy.check()?;
        let accounts = Accounts::open(&policy, fund, beneficiaries, &mut ids)?;
        Ok(Self {
            policy,
            accounts,
            open: OpenBills::default(),
            settled: BTreeMap::new(),
            codes: BTreeSet::new(),
            presettle_answers: Answers::default(),
            settle_answers: Answers::default(),
            ids,
        })
    }

    /// The policy in force.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// All accounts.
    pub fn ledger(&self) -> &Ledger {
        self.accounts.ledger()
    }

    /// Where `resident` stands this year; `None` if not covered.
    pub fn standing(&self, resident: ResidentId) -> Option<Standing> {
        self.accounts.standing(resident)
    }

    /// How many bills are settled.
    pub fn settled_count(&self) -> usize {
        self.settled.len()
    }

    /// How many bills are presettled and not yet settled or forgotten.
    pub fn open_count(&self) -> usize {
        self.open.len()
    }

    fn presettle(&mut self, now: Timestamp, from: ReplyTo, request: PresettleRequest, out: &mut Vec<Output>) {
        let reply = match self.presettle_answers.given_to(&from) {
            // A second delivery, maybe hours late, must not replace a split that the patient has seen.
            Some(reply) => reply.clone(),
            None => self.open_bill(now, request.bill, out).unwrap_or_else(PresettleReply::Refused),
        };
        self.presettle_answers.remember(from.clone(), reply.clone());
        out.push(Output::PresettleReply { to: from, reply });
    }

    fn open_bill(
        &mut self,
        now: Timestamp,
        bill: Bill,
        out: &mut Vec<Output>,
    ) -> Result<PresettleReply, PayRefusal> {
        let id = bill.id;
        if let Some(&settlement) = self.settled.get(&id) {
            return Err(PayRefusal::BillAlreadySettled { settlement });
        }
        let attempts = match self.open.get(id) {
            Some(open) if open.bill != bill => return Err(PayRefusal::BillConflict),
            Some(open) if open.stands(now) => return Ok(open.reply()),
            Some(open) => open.attempts,
            None if self.open.len() >= OPEN_MAX => return Err(PayRefusal::Busy),
            None => 0,
        };
        let (split, trace) = self.adjudicate(&bill)?;
        if !self.accounts.fund_covers(&split) {
            return Err(PayRefusal::CoverageInactive);
        }
        let expires = now.plus_millis(i64::from(self.policy.presettlement_validity_s) * SECOND_MS);
        let open = Open { bill, split, trace, expires, stale: false, attempts, asking: None };
        let reply = open.reply();
        self.open.put(open);
        out.push(Output::Event(PayEvent::BillPresettled { bill: id, split }));
        Ok(reply)
    }

    fn settle(&mut self, now: Timestamp, from: ReplyTo, request: SettleRequest, out: &mut Vec<Output>) {
        if let Some(reply) = self.settle_answers.given_to(&from) {
            out.push(Output::SettleReply { to: from, reply: reply.clone() });
            return;
        }
        let bill = request.bill;
        match self.ask(now, &from, request) {
            Ok(Some(check)) => out.push(Output::CheckIdentity(check)),
            Ok(None) => {}
            Err(refusal) => self.refuse(from, bill, refusal, out),
        }
    }

    /// Begins an attempt at paying; `None` if this request is the one in progress.
    fn ask(
        &mut self,
        now: Timestamp,
        from: &ReplyTo,
        request: SettleRequest,
    ) -> Result<Option<IdentityCheck>, PayRefusal> {
        let SettleRequest { bill, code } = request;
        if let Some(&settlement) = self.settled.get(&bill) {
            return Err(PayRefusal::BillAlreadySettled { settlement });
        }
        let open = self.open.get(bill).ok_or(PayRefusal::BillUnknown)?;
        match &open.asking {
            Some(asking) if asking.from == *from => return Ok(None),
            Some(_) => return Err(PayRefusal::SettlementInProgress),
            None if now >= open.expires => return Err(PayRefusal::PresettlementExpired),
            None if open.stale => return Err(PayRefusal::PresettlementStale),
            None => {}
        }
        let attempt = open.attempts.checked_add(1).ok_or(PayRefusal::Busy)?;
        let reference = reference(&open.bill, attempt);
        self.open.change(bill, |open| {
            open.attempts = attempt;
            open.asking = Some(Asking { from: from.clone(), deadline: now.plus_millis(VERIFIER_TIMEOUT_MS) });
        });
        Ok(Some(IdentityCheck { bill, attempt, code, reference }))
    }

    fn identity(&mut self, now: Timestamp, answer: IdentityAnswer, out: &mut Vec<Output>) {
        let IdentityAnswer { bill, attempt, result } = answer;
        if self.open.get(bill).is_none_or(|open| open.attempts != attempt) {
            return;
        }
        let Some(asking) = self.open.end_attempt(bill) else { return };
        match self.pay(now, bill, result) {
            Ok(Paid { provider, settlement, split }) => {
                let reply = SettleReply::Settled { bill, settlement, split };
                self.settle_answers.remember(asking.from.clone(), reply.clone());
                out.push(Output::Event(PayEvent::BillSettled { bill, provider, settlement, split }));
                out.push(Output::SettleReply { to: asking.from, reply });
            }
            Err(refusal) => {
                if refusal == PayRefusal::PresettlementStale {
                    self.open.change(bill, |open| open.stale = true);
                }
                self.refuse(asking.from, bill, refusal, out);
            }
        }
    }

    /// Pays an open bill, or changes nothing.
    fn pay(&mut self, now: Timestamp, id: BillId, result: IdentityResult) -> Result<Paid, PayRefusal> {
        let open = self.open.get(id).expect("the attempt that just ended was for an open bill");
        let code = self.accept(now, open, result)?;
        if self.settled.len() >= SETTLED_MAX {
            return Err(PayRefusal::Busy);
        }
        let (split, _) = self.adjudicate(&open.bill)?;
        if split != open.split {
            return Err(PayRefusal::PresettlementStale);
        }
        let provider = open.bill.provider;
        let settlement = fresh_id(now, &mut self.ids);
        self.accounts.post(settlement, &open.bill, &split)?;
        self.codes.insert(code);
        self.settled.insert(id, settlement);
        self.open.remove(id);
        Ok(Paid { provider, settlement, split })
    }

    /// Whether the verifier's answer is good for this bill, now, and for the first time; the code's id if so.
    fn accept(&self, now: Timestamp, open: &Open, result: IdentityResult) -> Result<Box<str>, PayRefusal> {
        let (resident, code_id, issued, repeated) = match result {
            IdentityResult::Accepted { resident, code_id, issued, reference } => {
                (resident, code_id, issued, reference)
            }
            IdentityResult::Refused { reason } => return Err(PayRefusal::EidRefused { reason }),
        };
        let refused = |reason: &str| Err(PayRefusal::EidRefused { reason: reason.into() });
        if repeated != reference(&open.bill, open.attempts) {
            return refused("reference_mismatch");
        }
        if resident != open.bill.beneficiary {
            return Err(PayRefusal::PayerNotAuthorized);
        }
        let age_ms = now.millis_since(issued);
        if age_ms > CODE_AGE_MS_MAX + CLOCK_SKEW_MS_MAX {
            return Err(PayRefusal::EidTokenExpired);
        }
        if age_ms < -CLOCK_SKEW_MS_MAX {
            return refused("token_not_yet_valid");
        }
        if self.codes.contains(code_id.as_str()) {
            return refused("token_replayed");
        }
        Ok(code_id.into())
    }

    fn adjudicate(&self, bill: &Bill) -> Result<(Split, Vec<TraceStep>), PayRefusal> {
        let standing = self.standing(bill.beneficiary).ok_or(PayRefusal::CoverageInactive)?;
        adjudicate(&self.policy, bill, standing)
    }

    fn refuse(&mut self, to: ReplyTo, bill: BillId, refusal: PayRefusal, out: &mut Vec<Output>) {
        let reply = SettleReply::Refused { bill, refusal: refusal.clone() };
        self.settle_answers.remember(to.clone(), reply.clone());
        // Of a bill that is not known there is nothing to tell; anybody can make up ids.
        if refusal != PayRefusal::BillUnknown {
            out.push(Output::Event(PayEvent::SettlementRefused { bill, refusal }));
        }
        out.push(Output::SettleReply { to, reply });
    }
}

impl Core for Payer {
    type Input = Input;
    type Output = Output;

    /// What is due happens first: an answer of the verifier that is as old as the deadline is late.
    fn handle(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        self.handle_timeout(now, out);
        match input {
            Input::Presettle { from, request } => self.presettle(now, from, request, out),
            Input::Settle { from, request } => self.settle(now, from, request, out),
            Input::Identity(answer) => self.identity(now, answer, out),
        }
    }

    fn handle_timeout(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        while let Some(id) = self.open.due(now) {
            match self.open.end_attempt(id) {
                Some(asking) => self.refuse(asking.from, id, PayRefusal::EidUnavailable, out),
                None => self.open.remove(id),
            }
        }
    }

    fn next_timeout(&self) -> Option<Timestamp> {
        self.open.next_due()
    }
}

#[cfg(test)]
mod tests;
