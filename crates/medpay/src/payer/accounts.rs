use std::collections::BTreeSet;

use types::{Fen, ResidentId, Stream, Timestamp};
use uuid::Uuid;

use super::{BENEFICIARIES_MAX, PayerConfigError};
use crate::adjudicate::Standing;
use crate::fingerprint::fresh_id;
use crate::ledger::{Account, Group, Ledger, LedgerError, Transfer};
use crate::messages::{Bill, PayRefusal, Split};
use crate::policy::Policy;

/// The ledger of a payer, and what its accounts say about a beneficiary.
///
/// Quota accounts hold what is *left*; they open with the yearly maximum, and a settlement gives back what it uses.
#[derive(Debug)]
pub(super) struct Accounts {
    ledger: Ledger,
    covered: BTreeSet<ResidentId>,
    deductible_max: Fen,
    cap: Fen,
}

impl Accounts {
    /// One group for the fund and one for each beneficiary.
    pub(super) fn open(
        policy: &Policy,
        fund: Fen,
        beneficiaries: impl IntoIterator<Item = (ResidentId, Fen)>,
        ids: &mut Stream,
    ) -> Result<Self, PayerConfigError> {
        if fund < Fen::ZERO {
            return Err(PayerConfigError::FundNegative(fund));
        }
        let mut accounts = Self {
            ledger: Ledger::default(),
            covered: BTreeSet::new(),
            deductible_max: policy.deductible_max(),
            cap: policy.cap,
        };
        accounts.grant([(Account::WorldBudget, Account::PoolFund, fund)], ids)?;
        for (resident, balance) in beneficiaries {
            if balance < Fen::ZERO {
                return Err(PayerConfigError::BalanceNegative { resident, balance });
            }
            if !accounts.covered.insert(resident) {
                return Err(PayerConfigError::Twice(resident));
            }
            if accounts.covered.len() > BENEFICIARIES_MAX {
                return Err(PayerConfigError::TooMany);
            }
            let opening = [
                (Account::WorldBudget, Account::Personal(resident), balance),
                (Account::QuotaWorld, Account::DeductibleQuota(resident), accounts.deductible_max),
                (Account::QuotaWorld, Account::CapQuota(resident), accounts.cap),
            ];
            accounts.grant(opening, ids)?;
        }
        Ok(accounts)
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Where `resident` stands; `None` if not covered.
    pub(super) fn standing(&self, resident: ResidentId) -> Option<Standing> {
        let used = |whole: Fen, quota| {
            whole.minus(self.ledger.balance(quota)).expect("what is left lies between zero and the whole")
        };
        self.covered.contains(&resident).then(|| Standing {
            deductible_used: used(self.deductible_max, Account::DeductibleQuota(resident)),
            fund_used: used(self.cap, Account::CapQuota(resident)),
            balance: self.ledger.balance(Account::Personal(resident)),
        })
    }

    /// Whether the fund has enough for the pooled part of `split`.
    pub(super) fn fund_covers(&self, split: &Split) -> bool {
        split.pool <= self.ledger.balance(Account::PoolFund)
    }

    /// Posts a settlement as one linked group: fund, account and cash to the provider, and the quota it uses up.
    ///
    /// # Errors
    ///
    /// Nothing is posted: [`PayRefusal::CoverageInactive`] if the fund has run dry, [`PayRefusal::AmountInvalid`] if
    /// what is owed to the provider would not fit, [`PayRefusal::Busy`] if the ledger is full.
    pub(super) fn post(&mut self, settlement: Uuid, bill: &Bill, split: &Split) -> Result<(), PayRefusal> {
        let (patient, payable) = (bill.beneficiary, Account::Payable(bill.provider));
        let legs = [
            (Account::PoolFund, payable, split.pool),
            (Account::Personal(patient), payable, split.account),
            (Account::CashClearing, payable, split.cash),
            (Account::DeductibleQuota(patient), Account::QuotaWorld, split.deductible),
            (Account::CapQuota(patient), Account::QuotaWorld, split.pool),
        ];
        self.apply(settlement, legs).map_err(|error| match error {
            LedgerError::Insufficient { .. } => PayRefusal::CoverageInactive,
            LedgerError::Overflow { .. } => PayRefusal::AmountInvalid { line: 0 },
            LedgerError::Full => PayRefusal::Busy,
            // The legs above have the right sides, positive amounts and, by a fresh id, a name of their own.
            LedgerError::Size { .. }
            | LedgerError::Conflict { .. }
            | LedgerError::AmountNotPositive { .. }
            | LedgerError::Sides { .. } => unreachable!("a settlement is a well-formed group: {error}"),
        })
    }

    fn grant<const N: usize>(
        &mut self,
        legs: [(Account, Account, Fen); N],
        ids: &mut Stream,
    ) -> Result<(), LedgerError> {
        self.apply(fresh_id(Timestamp::default(), ids), legs)
    }

    /// Posts the legs that are not zero. If all are, there is nothing to post, and that is fine: care can be free.
    fn apply<const N: usize>(
        &mut self,
        id: Uuid,
        legs: [(Account, Account, Fen); N],
    ) -> Result<(), LedgerError> {
        let transfers: Vec<_> = legs
            .into_iter()
            .filter(|&(_, _, amount)| amount != Fen::ZERO)
            .map(|(debit, credit, amount)| Transfer { debit, credit, amount })
            .collect();
        if transfers.is_empty() {
            return Ok(());
        }
        self.ledger.apply(&Group { id, transfers })
    }
}
