use std::collections::{BTreeMap, BTreeSet};

use types::{Fen, ProviderId, ResidentId};

use super::accounts::{Accounts, Parties};
use super::{BENEFICIARIES_MAX, PayerConfigError};
use crate::adjudicate::Standing;
use crate::day::Day;
use crate::ledger::{Account, Quota};
use crate::messages::{Bill, CashChannel, PayRefusal};
use crate::policy::{Care, Insured, Policies, Policy};

/// Family members whose account one beneficiary may use, at most.
pub const FAMILY_MAX: usize = 5;

/// Somebody a payer insures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beneficiary {
    /// Who.
    pub resident: ResidentId,
    /// What their personal account opens with.
    pub balance: Fen,
    /// How they are insured.
    pub insured: Insured,
    /// Whether that is in another region.
    pub cross_region: bool,
    /// The last day on which they are; none = without end.
    pub covered_until: Option<Day>,
}

/// An employee of this region.
impl From<(ResidentId, Fen)> for Beneficiary {
    fn from((resident, balance): (ResidentId, Fen)) -> Self {
        Self { resident, balance, insured: Insured::Employee, cross_region: false, covered_until: None }
    }
}

/// Who is insured, whose account is frozen, and who agreed to pay for whom.
#[derive(Debug, Default)]
pub(super) struct Register {
    people: BTreeMap<ResidentId, Beneficiary>,
    frozen: BTreeSet<ResidentId>,
    /// Beneficiary and the family member who agreed.
    family: BTreeSet<(ResidentId, ResidentId)>,
    /// Days of business that are closed.
    sealed: BTreeSet<(ProviderId, Day)>,
}

/// Differences of books that are put aside, at most.
pub(super) const PARKED_MAX: usize = 100_000;

/// What a bill is judged by.
pub(super) struct Case<'a> {
    pub(super) policy: &'a Policy,
    pub(super) standing: Standing,
    pub(super) parties: Parties,
    /// What was paid before for this bill, and on which account it is.
    pub(super) deposit: Option<(Account, Fen)>,
}

impl Register {
    pub(super) fn add(&mut self, person: Beneficiary) -> Result<(), PayerConfigError> {
        if self.people.insert(person.resident, person).is_some() {
            return Err(PayerConfigError::Twice(person.resident));
        }
        if self.people.len() > BENEFICIARIES_MAX {
            return Err(PayerConfigError::TooMany);
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.people.len()
    }

    /// What each account opened with.
    pub(super) fn opening_balances(&self) -> impl Iterator<Item = (ResidentId, Fen)> + '_ {
        self.people.values().map(|person| (person.resident, person.balance))
    }

    pub(super) fn knows(&self, resident: ResidentId) -> bool {
        self.people.contains_key(&resident)
    }

    /// What `bill` is judged by on its `day`.
    pub(super) fn case<'a>(
        &self,
        policies: &'a Policies,
        accounts: &Accounts,
        bill: &Bill,
        day: Day,
        family: Option<ResidentId>,
    ) -> Result<Case<'a>, PayRefusal> {
        if self.is_sealed(bill.provider, day) {
            return Err(PayRefusal::DayClosed);
        }
        if family.is_some_and(|family| !self.may_pay(bill.beneficiary, family)) {
            return Err(PayRefusal::PayerNotAuthorized);
        }
        let case = self.standing(policies, accounts, bill.beneficiary, bill.care, day, family);
        let mut case = case.ok_or(PayRefusal::CoverageInactive)?;
        case.parties.provider = bill.provider;
        let deposit = Account::Deposit(bill.id);
        case.deposit = Some((deposit, accounts.ledger().available(deposit)));
        let unknown = bill.lines.iter().zip(1..).find(|(line, _)| !policies.knows(&line.item, line.category));
        match unknown {
            Some((_, line)) => Err(PayRefusal::ItemUnknown { line }),
            None => Ok(case),
        }
    }

    /// Where somebody stands on a day; `None` if not insured for this care then.
    pub(super) fn standing<'a>(
        &self,
        policies: &'a Policies,
        accounts: &Accounts,
        resident: ResidentId,
        care: Care,
        day: Day,
        family: Option<ResidentId>,
    ) -> Option<Case<'a>> {
        let person = self.people.get(&resident)?;
        if person.covered_until.is_some_and(|last| last < day) {
            return None;
        }
        let (plan, policy) = policies.choose(person.insured, care, day)?;
        let quota = Quota { resident, plan, year: day.year() };
        let mut standing = accounts.standing(quota, person.insured, person.cross_region, family);
        if self.frozen.contains(&resident) {
            standing.balance = Fen::ZERO;
        }
        if family.is_some_and(|family| self.frozen.contains(&family)) {
            standing.family = Fen::ZERO;
        }
        let scheme = person.insured.scheme();
        let parties = Parties {
            beneficiary: resident,
            family,
            provider: ProviderId(0),
            scheme,
            quota,
            care,
            cash: CashChannel::default(),
        };
        Some(Case { policy, standing, parties, deposit: None })
    }

    /// Whether `family` agreed to pay for `beneficiary`.
    pub(super) fn may_pay(&self, beneficiary: ResidentId, family: ResidentId) -> bool {
        self.family.contains(&(beneficiary, family))
    }

    /// Notes that `family` agreed to pay for `beneficiary`.
    pub(super) fn link(&mut self, beneficiary: ResidentId, family: ResidentId) -> Result<(), PayRefusal> {
        let (first, last) = ((beneficiary, ResidentId(0)), (beneficiary, ResidentId(u32::MAX)));
        let others = self.family.range(first..=last).filter(|(_, other)| *other != family).count();
        if beneficiary == family || !self.knows(beneficiary) || !self.knows(family) || others >= FAMILY_MAX {
            return Err(PayRefusal::PayerNotAuthorized);
        }
        self.family.insert((beneficiary, family));
        Ok(())
    }

    pub(super) fn freeze(&mut self, resident: ResidentId, frozen: bool) {
        if frozen {
            self.frozen.insert(resident);
        } else {
            self.frozen.remove(&resident);
        }
    }

    pub(super) fn is_sealed(&self, provider: ProviderId, day: Day) -> bool {
        self.sealed.contains(&(provider, day))
    }

    pub(super) fn seal(&mut self, provider: ProviderId, day: Day) {
        self.sealed.insert((provider, day));
    }
}
