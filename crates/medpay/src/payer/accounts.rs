use std::collections::BTreeMap;

use types::{BillId, Fen, ProviderId, ResidentId, Stream, TerminalId, Timestamp};
use uuid::Uuid;

use super::PayerConfigError;
use super::register::Case;
use crate::adjudicate::{DepositUse, Standing};
use crate::fingerprint::fresh_id;
use crate::ledger::{Account, Group, Ledger, LedgerError, Quota, Step, Transfer};
use crate::messages::{CashChannel, PayRefusal, Split};
use crate::policy::{Care, Insured, Policies, Policy, Scheme};

/// The ledger of a payer, and what its accounts say about a beneficiary.
///
/// Quota accounts hold what is *left*; each opens with the yearly maximum when it is first used, a settlement gives
/// back what it uses, and a reversal takes that back again.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    ledger: Ledger,
    /// What each quota account was given.
    granted: BTreeMap<Account, Fen>,
    /// Stays that were settled and not reversed.
    admissions: BTreeMap<(ResidentId, u16), u32>,
    /// What was posted to personal accounts since it was last told: no more than one input of the payer posts.
    untold: Vec<Moved>,
}

/// What a settlement, or its reversal, posted to a personal account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) whose: ResidentId,
    pub(super) settlement: Uuid,
    pub(super) amount: Fen,
    pub(super) side: Side,
}

/// Whether a balance fell or rose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Debit,
    Credit,
}

/// Who takes part in a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parties {
    pub(super) beneficiary: ResidentId,
    pub(super) family: Option<ResidentId>,
    pub(super) provider: ProviderId,
    pub(super) scheme: Scheme,
    pub(super) quota: Quota,
    pub(super) care: Care,
    /// How cash is paid, and given back.
    pub(super) cash: CashChannel,
}

impl Accounts {
    /// Opens the funds that `policies` draw on, each with `fund`.
    pub(super) fn open(policies: &Policies, fund: Fen, ids: &mut Stream) -> Result<Self, PayerConfigError> {
        if fund < Fen::ZERO {
            return Err(PayerConfigError::FundNegative(fund));
        }
        let mut accounts = Self::default();
        let uses = |scheme| {
            policies
                .all()
                .iter()
                .any(|policy| policy.insured.iter().any(|insured| insured.scheme() == scheme))
        };
        for scheme in [Scheme::Employee, Scheme::Resident].into_iter().filter(|&scheme| uses(scheme)) {
            accounts.grant(Account::WorldBudget, Account::PoolFund(scheme), fund, ids)?;
        }
        if policies.all().iter().any(|policy| policy.supplement.is_some()) {
            accounts.grant(Account::WorldBudget, Account::SupplementFund, fund, ids)?;
        }
        Ok(accounts)
    }

    /// Opens a personal account.
    pub(super) fn open_personal(
        &mut self,
        resident: ResidentId,
        balance: Fen,
        ids: &mut Stream,
    ) -> Result<(), PayerConfigError> {
        if balance < Fen::ZERO {
            return Err(PayerConfigError::BalanceNegative { resident, balance });
        }
        Ok(self.grant(Account::WorldBudget, Account::Personal(resident), balance, ids)?)
    }

    fn grant(
        &mut self,
        from: Account,
        to: Account,
        amount: Fen,
        ids: &mut Stream,
    ) -> Result<(), LedgerError> {
        match group(fresh_id(Timestamp::default(), ids), &[(from, to, amount)]) {
            Some(group) => self.ledger.apply(&group),
            None => Ok(()),
        }
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Where a beneficiary stands, counting what is set aside as used.
    pub(super) fn standing(
        &self,
        quota: Quota,
        insured: Insured,
        cross_region: bool,
        family: Option<ResidentId>,
    ) -> Standing {
        let personal = |resident| self.ledger.available(Account::Personal(resident));
        Standing {
            deductible_used: self.used(Account::DeductibleQuota(quota)),
            fund_used: self.used(Account::CapQuota(quota)),
            supplement_used: self.used(Account::SupplementQuota(quota)),
            balance: personal(quota.resident),
            family: family.map_or(Fen::ZERO, personal),
            insured,
            cross_region,
            admissions: self.admissions.get(&(quota.resident, quota.year)).copied().unwrap_or(0),
        }
    }

    /// What is gone of a cap, set aside or paid.
    pub(super) fn cap_gone(&self, quota: Quota) -> Fen {
        self.used(Account::CapQuota(quota))
    }

    fn used(&self, quota: Account) -> Fen {
        let granted = self.granted.get(&quota).copied().unwrap_or_default();
        granted.minus(self.ledger.available(quota)).expect("what is left lies between zero and the whole")
    }

    /// Whether the funds have enough for their parts of `split`.
    pub(super) fn funds_cover(&self, scheme: Scheme, split: &Split) -> bool {
        split.pool <= self.ledger.available(Account::PoolFund(scheme))
            && split.supplement <= self.ledger.available(Account::SupplementFund)
    }

    /// Posts a settlement as one linked group: funds, accounts and cash to the provider, and the quota it uses up.
    /// Linked to it: the quota that is granted now, and `before`, what makes room for it.
    ///
    /// # Errors
    ///
    /// Nothing is posted: [`PayRefusal::CoverageInactive`] if a fund has run dry, [`PayRefusal::AmountInvalid`] if
    /// what is owed to the provider would not fit, [`PayRefusal::Busy`] if the ledger is full.
    pub(super) fn settle(
        &mut self,
        settlement: Uuid,
        case: &Case<'_>,
        split: &Split,
        before: Vec<Step>,
        hold_until: Option<Timestamp>,
    ) -> Result<(), PayRefusal> {
        let parties = &case.parties;
        let mut steps = before;
        let posted = group(settlement, &legs(parties, split, case.deposit));
        // Free care needs no quota.
        let granted = match posted {
            Some(_) => self.missing_quota(settlement, case.policy, case.standing.insured, parties.quota),
            None => Vec::new(),
        };
        steps.extend(granted.iter().filter_map(|(id, account, amount)| {
            Some(Step::Post(group(*id, &[(Account::QuotaWorld, *account, *amount)])?))
        }));
        if let Some(group) = posted {
            steps.push(match hold_until {
                Some(until) => Step::Hold(group, until),
                None => Step::Post(group),
            });
        }
        self.link(&steps)?;
        for (_, account, amount) in granted {
            let granted = self.granted.entry(account).or_default();
            *granted = granted.plus(amount).expect("a grant that was posted fits");
        }
        if hold_until.is_none() {
            self.count_admission(parties, 1);
        }
        Ok(())
    }

    /// The quota that the policy in force gives, less what was granted before: account and amount, each with an id.
    fn missing_quota(
        &self,
        settlement: Uuid,
        policy: &Policy,
        insured: Insured,
        quota: Quota,
    ) -> Vec<(Uuid, Account, Fen)> {
        let deductible = match policy.deductible_per {
            crate::policy::Period::Year => policy.deductible_max(),
            // Counted by stays, not by the year.
            crate::policy::Period::Admission => Fen::ZERO,
        };
        let wanted = [
            (Account::DeductibleQuota(quota), deductible),
            (Account::CapQuota(quota), policy.cap_for(insured)),
            (
                Account::SupplementQuota(quota),
                policy.supplement.map_or(Fen::ZERO, |supplement| supplement.year),
            ),
        ];
        let missing = wanted.into_iter().zip(1..).filter_map(|((account, whole), number)| {
            let granted = self.granted.get(&account).copied().unwrap_or_default();
            let more = whole.minus(granted).ok().filter(|more| *more > Fen::ZERO)?;
            // Another id for each, made from the settlement's.
            Some((Uuid::from_u128(settlement.as_u128() ^ (number << 100)), account, more))
        });
        missing.collect()
    }

    /// What would become of the deposit of a bill; `None` if there is none.
    pub(super) fn deposit_ahead(&self, bill: BillId, split: &Split) -> Option<DepositUse> {
        let there = self.ledger.available(Account::Deposit(bill));
        (there > Fen::ZERO).then(|| DepositUse::of(there, split.cash))
    }

    /// What became of the deposit of a bill when it was settled; `None` if there was none.
    pub(super) fn deposit_use(&self, settlement: Uuid, bill: BillId, split: &Split) -> Option<DepositUse> {
        let moved = self.ledger.transfers(settlement).iter();
        let parts = moved.filter(|one| one.debit == Account::Deposit(bill)).map(|one| one.amount);
        let there = Fen::sum(parts).expect("it was on an account");
        (there > Fen::ZERO).then(|| DepositUse::of(there, split.cash))
    }

    /// What a terminal may still take.
    pub(super) fn allowed(&self, terminal: TerminalId) -> Fen {
        self.ledger.available(Account::Offline(terminal))
    }

    /// Does linked steps, each for the first time: what they post to personal accounts is told once for each.
    pub(super) fn link(&mut self, steps: &[Step]) -> Result<(), PayRefusal> {
        self.ledger.all(steps).map_err(|error| refusal(&error))?;
        for step in steps {
            let (settlement, posted) = match step {
                Step::Post(group) => (group.id, group.transfers.as_slice()),
                Step::Capture(id) => (*id, self.ledger.transfers(*id)),
                Step::Reverse { of, by } => (*of, self.ledger.transfers(*by)),
                Step::Hold(..) | Step::Void(_) => continue,
            };
            self.untold.extend(posted.iter().flat_map(|transfer| personal(settlement, transfer)));
        }
        Ok(())
    }

    /// What was posted to personal accounts since this was last asked, in order.
    pub(super) fn take_untold(&mut self) -> Vec<Moved> {
        std::mem::take(&mut self.untold)
    }

    /// Takes note that a stay was settled, or was not.
    pub(super) fn count_admission(&mut self, parties: &Parties, change: i32) {
        if parties.care == Care::Inpatient {
            let count = self.admissions.entry((parties.beneficiary, parties.quota.year)).or_default();
            *count = count.saturating_add_signed(change);
        }
    }
}

/// The sides of a transfer that are personal accounts.
fn personal(settlement: Uuid, transfer: &Transfer) -> impl Iterator<Item = Moved> + use<> {
    let &Transfer { debit, credit, amount } = transfer;
    [(debit, Side::Debit), (credit, Side::Credit)].into_iter().filter_map(move |(account, side)| {
        let Account::Personal(whose) = account else { return None };
        Some(Moved { whose, settlement, amount, side })
    })
}

/// What a settlement moves.
fn legs(parties: &Parties, split: &Split, deposit: Option<(Account, Fen)>) -> [(Account, Account, Fen); 10] {
    let &Parties { beneficiary, family, provider, scheme, quota, .. } = parties;
    let payable = Account::Payable(provider);
    let clearing = Account::CashClearing(parties.cash);
    let (deposit, there) = deposit.unwrap_or((clearing, Fen::ZERO));
    let cash = DepositUse::of(there, split.cash);
    let by_stay = parties.care == Care::Inpatient;
    [
        (Account::PoolFund(scheme), payable, split.pool),
        (Account::SupplementFund, payable, split.supplement),
        (Account::Personal(beneficiary), payable, split.account),
        (Account::Personal(family.unwrap_or(beneficiary)), payable, split.family),
        (deposit, payable, cash.used),
        (deposit, clearing, cash.refund),
        (clearing, payable, cash.due),
        (
            Account::DeductibleQuota(quota),
            Account::QuotaWorld,
            if by_stay { Fen::ZERO } else { split.deductible },
        ),
        (Account::CapQuota(quota), Account::QuotaWorld, split.pool),
        (Account::SupplementQuota(quota), Account::QuotaWorld, split.supplement),
    ]
}

/// The legs that are not zero. If all are, there is nothing to post, and that is fine: care can be free.
pub(super) fn group(id: Uuid, legs: &[(Account, Account, Fen)]) -> Option<Group> {
    let transfers: Vec<_> = legs
        .iter()
        .filter(|(_, _, amount)| *amount != Fen::ZERO)
        .map(|&(debit, credit, amount)| Transfer { debit, credit, amount })
        .collect();
    (!transfers.is_empty()).then_some(Group { id, transfers })
}

fn refusal(error: &LedgerError) -> PayRefusal {
    match error {
        LedgerError::Insufficient { account: Account::Personal(_), .. } => {
            PayRefusal::AccountInsufficient { available: Fen::ZERO }
        }
        LedgerError::Insufficient { account: Account::Deposit(_), .. } => {
            PayRefusal::AccountInsufficient { available: Fen::ZERO }
        }
        LedgerError::Insufficient { account: Account::Payable(_) | Account::SettleBank(_), .. } => {
            PayRefusal::NotOwed
        }
        LedgerError::Insufficient { .. } => PayRefusal::CoverageInactive,
        LedgerError::Overflow { .. } => PayRefusal::AmountInvalid { line: 0 },
        LedgerError::Full => PayRefusal::Busy,
        LedgerError::AlreadyReversed { by, .. } => PayRefusal::AlreadyReversed { reversal: *by },
        LedgerError::Unknown { .. } | LedgerError::NotPending { .. } | LedgerError::NotReversible { .. } => {
            PayRefusal::SettlementUnknown
        }
        // The steps are made here with the right sides, positive amounts and, by fresh ids, names of their own.
        LedgerError::Size { .. }
        | LedgerError::Conflict { .. }
        | LedgerError::AmountNotPositive { .. }
        | LedgerError::Sides { .. } => unreachable!("a settlement is a well-formed group: {error}"),
    }
}
