//! The payer: splits bills, and pays them once the e-ID verifier has accepted a fresh code of the beneficiary.

mod accounts;
mod audit;
mod desk;
mod drafts;
mod events;
mod links;
mod open;
mod register;
mod settle;
mod settlements;
mod stays;
mod suspense;
mod terminals;

use std::collections::BTreeSet;

use types::{Core, Fen, ReplyTo, ResidentId, SECOND_MS, Stream, Timestamp};

use self::accounts::Accounts;
pub use self::audit::{Broken, Invariant, Told};
use self::drafts::Drafts;
use self::links::Links;
use self::open::{Open, OpenBills};
use self::register::Register;
pub use self::register::{Beneficiary, FAMILY_MAX};
use self::settlements::Settlements;
use self::stays::Stays;
use self::suspense::Suspense;
use self::terminals::Terminals;
use crate::adjudicate::{Standing, adjudicate};
use crate::answers::Answers;
use crate::day::Day;
use crate::fingerprint::{fingerprint, fresh_id};
use crate::ledger::{Ledger, LedgerError};
use crate::messages::{
    IdentityAnswer, IdentityCheck, PayEvent, PayRefusal, PayReply, PayRequest, PresettleReply,
    PresettleRequest, SettleReply, SettleRequest,
};
use crate::policy::{Care, Policies, PoliciesError};

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
/// How long what was set aside waits for the cash to be confirmed \[ms\].
pub const HOLD_MS: i64 = 120 * SECOND_MS;
/// How long an expired presettlement is kept to say so \[ms\]; after that its bill is unknown.
pub const EXPIRED_KEPT_MS: i64 = 600 * SECOND_MS;

/// Why a payer cannot be set up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayerConfigError {
    /// The policies make no sense.
    #[error("policies cannot be used")]
    Policies(#[from] PoliciesError),
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
    /// A back office or an operator asks for something else.
    Desk {
        /// Who, and which request: one that comes twice is done once, and answered twice in the same words.
        from: ReplyTo,
        /// What.
        request: PayRequest,
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
    /// Answer a back office or an operator.
    DeskReply {
        /// Who asked.
        to: ReplyTo,
        /// The answer.
        reply: PayReply,
    },
    /// Ask the verifier.
    CheckIdentity(IdentityCheck),
    /// Tell everyone.
    Event(PayEvent),
}

/// Presettles and settles bills under the policies in force, takes settlements back, and keeps the ledger.
///
/// A bill is settled at most once, as one linked group of the ledger. While the verifier is asked, nothing is held:
/// the split is worked out anew when the answer comes, and if it differs from the one the patient was told, the
/// settlement is refused as stale. So no two tills spend the same balance, whatever the order of their answers. A till
/// that must first take cash elsewhere has everything set aside meanwhile, for two minutes.
///
/// The funds are never overdrawn: when one has run dry, bills that need it are refused with
/// [`PayRefusal::CoverageInactive`].
#[derive(Debug)]
pub struct Payer {
    policies: Policies,
    register: Register,
    accounts: Accounts,
    stays: Stays,
    drafts: Drafts,
    open: OpenBills,
    links: Links,
    settlements: Settlements,
    suspense: Suspense,
    terminals: Terminals,
    /// The ids of the codes that paid the settled bills.
    codes: BTreeSet<Box<str>>,
    presettle_answers: Answers<PresettleReply>,
    settle_answers: Answers<SettleReply>,
    desk_answers: Answers<PayReply>,
    ids: Stream,
}

impl Payer {
    /// A payer whose funds each open with `fund`, and whose `beneficiaries` each have an opening balance on their
    /// personal account. Settlement ids come from `ids`: another stream for each start, or they repeat.
    ///
    /// # Errors
    ///
    /// [`PayerConfigError`] for the first thing that makes no sense.
    pub fn new<B: Into<Beneficiary>>(
        policies: impl Into<Policies>,
        fund: Fen,
        beneficiaries: impl IntoIterator<Item = B>,
        mut ids: Stream,
    ) -> Result<Self, PayerConfigError> {
        let policies = policies.into();
        policies.check()?;
        let mut accounts = Accounts::open(&policies, fund, &mut ids)?;
        let mut register = Register::default();
        for person in beneficiaries {
            let person = person.into();
            register.add(person)?;
            accounts.open_personal(person.resident, person.balance, &mut ids)?;
        }
        Ok(Self {
            policies,
            register,
            accounts,
            stays: Stays::default(),
            drafts: Drafts::default(),
            open: OpenBills::default(),
            links: Links::default(),
            settlements: Settlements::default(),
            suspense: Suspense::default(),
            terminals: Terminals::default(),
            codes: BTreeSet::new(),
            presettle_answers: Answers::default(),
            settle_answers: Answers::default(),
            desk_answers: Answers::default(),
            ids,
        })
    }

    /// The policies in force.
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// All accounts.
    pub fn ledger(&self) -> &Ledger {
        self.accounts.ledger()
    }

    /// Where `resident` stands on a day, for a kind of care; `None` if not covered.
    pub fn standing(&self, resident: ResidentId, care: Care, day: Day) -> Option<Standing> {
        let case = self.register.standing(&self.policies, &self.accounts, resident, care, day, None)?;
        Some(case.standing)
    }

    /// How many settlements there were, reversed ones too.
    pub fn settled_count(&self) -> usize {
        self.settlements.len()
    }

    /// How many bills are presettled and not yet settled or forgotten.
    pub fn open_count(&self) -> usize {
        self.open.len()
    }

    fn presettle(&mut self, now: Timestamp, from: ReplyTo, request: PresettleRequest, out: &mut Vec<Output>) {
        let fingerprint = fingerprint(&request);
        let reply = match self.presettle_answers.same(&from, fingerprint) {
            // A second delivery, maybe hours late, must not replace a split that the patient has seen.
            Ok(Some(reply)) => reply.clone(),
            Ok(None) => self.open_bill(now, request, out).unwrap_or_else(PresettleReply::Refused),
            Err(refusal) => {
                out.push(Output::PresettleReply { to: from, reply: PresettleReply::Refused(refusal) });
                return;
            }
        };
        self.presettle_answers.remember(from.clone(), fingerprint, reply.clone());
        out.push(Output::PresettleReply { to: from, reply });
    }

    fn open_bill(
        &mut self,
        now: Timestamp,
        request: PresettleRequest,
        out: &mut Vec<Output>,
    ) -> Result<PresettleReply, PayRefusal> {
        let PresettleRequest { bill, family } = request;
        let id = bill.id;
        self.settlements.of_bill(id).map_or(Ok(()), |paid| Err(over(paid)))?;
        if self.stays.has(id) {
            return Err(PayRefusal::BillConflict);
        }
        let attempts = match self.open.get(id) {
            Some(open) if open.bill != bill => return Err(PayRefusal::BillConflict),
            Some(open) if open.stands(now) && (open.family == family || open.is_busy()) => {
                return Ok(open.reply());
            }
            Some(open) => open.attempts,
            None if self.open.len() >= OPEN_MAX => return Err(PayRefusal::Busy),
            None => 0,
        };
        let day = bill.date.unwrap_or_else(|| Day::of(now));
        let case = self.register.case(&self.policies, &self.accounts, &bill, day, family)?;
        let (split, trace) = adjudicate(case.policy, &bill, case.standing)?;
        if !self.accounts.funds_cover(case.parties.scheme, &split) {
            return Err(PayRefusal::CoverageInactive);
        }
        let valid_ms = i64::from(case.policy.presettlement_validity_s) * SECOND_MS;
        let policy = (case.policy.id.clone(), case.policy.version);
        let standing = case.standing;
        let presettlement = fresh_id(now, &mut self.ids);
        let expires = now.plus_millis(valid_ms);
        let open = Open {
            bill,
            split,
            trace,
            standing,
            expires,
            presettlement,
            policy,
            day,
            family,
            stale: false,
            attempts,
            asking: None,
            held: None,
        };
        let reply = open.reply();
        self.open.put(open);
        out.push(Output::Event(PayEvent::BillPresettled { bill: id, split }));
        Ok(reply)
    }
}

/// Why a bill that was paid is not paid again.
fn over(paid: &settlements::Settlement) -> PayRefusal {
    match paid.reversal {
        Some(reversal) => PayRefusal::AlreadyReversed { reversal },
        None => PayRefusal::BillAlreadySettled { settlement: paid.id },
    }
}

impl Core for Payer {
    type Input = Input;
    type Output = Output;

    /// What is due happens first: an answer of the verifier that is as old as the deadline is late.
    fn handle(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        self.handle_timeout(now, out);
        let start = out.len();
        match input {
            Input::Presettle { from, request } => self.presettle(now, from, request, out),
            Input::Settle { from, request } => self.settle(now, from, request, out),
            Input::Desk { from, request } => self.desk(now, from, request, out),
            Input::Identity(answer) => self.identity(now, answer, out),
        }
        self.tell_accounts(start, out);
    }

    fn handle_timeout(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        while let Some(link) = self.links.due(now) {
            self.answer_desk(link.from, link.fingerprint, PayReply::Refused(PayRefusal::EidUnavailable), out);
        }
        while let Some(id) = self.open.due(now) {
            if let Some(asking) = self.open.end_attempt(id) {
                self.refuse(asking.from, asking.fingerprint, id, PayRefusal::EidUnavailable, out);
            } else if !self.let_go(id, out) {
                self.open.remove(id);
            }
        }
    }

    fn next_timeout(&self) -> Option<Timestamp> {
        [self.open.next_due(), self.links.next_due()].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests;
