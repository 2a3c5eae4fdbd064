//! Steps on trial: what they would change, without changing it.

use types::{Fen, Timestamp};
use uuid::Uuid;

use super::{
    Account, GROUPS_MAX, Group, Ledger, LedgerError, Record, State, Step, Sums, TRANSFERS_MAX, Transfer, Unit,
};

/// What would be changed so far. Few accounts and groups: a list is quicker than a tree.
pub(super) struct Stage<'a> {
    ledger: &'a Ledger,
    accounts: Vec<(Account, Sums)>,
    groups: Vec<(Uuid, Record)>,
}

/// Accounts and groups as they are after the steps.
pub(super) type Changes = (Vec<(Account, Sums)>, Vec<(Uuid, Record)>);

/// What is done with the transfers of a group.
#[derive(Clone, Copy)]
enum Move {
    /// Set aside.
    Hold,
    /// Freed.
    Release,
    /// Moved.
    Post,
}

impl<'a> Stage<'a> {
    pub(super) fn new(ledger: &'a Ledger) -> Self {
        Self { ledger, accounts: Vec::with_capacity(16), groups: Vec::with_capacity(2) }
    }

    /// The balances summed to zero before, so they do after if what would change adds up to nothing in each unit.
    /// Checked in every build, at the cost of the accounts that change rather than of all.
    pub(super) fn finish(self) -> Changes {
        let (mut cny, mut quota) = (0_i128, 0_i128);
        for (account, sums) in &self.accounts {
            let before = self.ledger.sums(*account).balance;
            let difference = i128::from(sums.balance.get()) - i128::from(before.get());
            match account.unit() {
                Unit::Cny => cny += difference,
                Unit::Quota => quota += difference,
            }
        }
        assert_eq!((cny, quota), (0, 0), "each transfer takes from one account what it gives to another");
        (self.accounts, self.groups)
    }

    pub(super) fn step(&mut self, step: &Step) -> Result<(), LedgerError> {
        match step {
            Step::Post(group) => self.post(group),
            Step::Hold(group, expires) => self.hold(group, *expires),
            Step::Capture(id) => self.end(*id, State::Posted),
            Step::Void(id) => self.end(*id, State::Voided),
            Step::Reverse { of, by } => self.reverse(*of, *by),
        }
    }

    pub(super) fn post(&mut self, group: &Group) -> Result<(), LedgerError> {
        self.begin(group, State::Posted, None, Move::Post)
    }

    fn hold(&mut self, group: &Group, expires: Timestamp) -> Result<(), LedgerError> {
        self.begin(group, State::Pending(expires), None, Move::Hold)
    }

    /// A group that was not there before; or that was, just so.
    fn begin(
        &mut self,
        group: &Group,
        state: State,
        reverses: Option<Uuid>,
        how: Move,
    ) -> Result<(), LedgerError> {
        let id = group.id;
        if let Some(known) = self.group(id) {
            let same =
                *known.transfers == *group.transfers && known.reverses == reverses && known.state == state;
            return if same { Ok(()) } else { Err(LedgerError::Conflict { group: id }) };
        }
        let got = group.transfers.len();
        if got == 0 || got > TRANSFERS_MAX {
            return Err(LedgerError::Size { group: id, got });
        }
        if self.ledger.groups.len() + self.groups.len() >= GROUPS_MAX {
            return Err(LedgerError::Full);
        }
        for transfer in &group.transfers {
            check(id, transfer)?;
            self.transfer(id, transfer, how)?;
        }
        let transfers = group.transfers.clone().into_boxed_slice();
        self.groups.push((id, Record { transfers, state, reverses, reversed_by: None }));
        Ok(())
    }

    /// Captures or voids what is pending.
    fn end(&mut self, id: Uuid, state: State) -> Result<(), LedgerError> {
        let Some(record) = self.group(id) else { return Err(LedgerError::Unknown { group: id }) };
        if record.state == state && record.reverses.is_none() {
            return Ok(());
        }
        if !matches!(record.state, State::Pending(_)) {
            return Err(LedgerError::NotPending { group: id });
        }
        let mut record = record.clone();
        for transfer in &record.transfers {
            self.transfer(id, transfer, Move::Release)?;
        }
        if state == State::Posted {
            for transfer in &record.transfers {
                self.transfer(id, transfer, Move::Post)?;
            }
        }
        record.state = state;
        self.put(id, record);
        Ok(())
    }

    fn reverse(&mut self, of: Uuid, by: Uuid) -> Result<(), LedgerError> {
        let Some(record) = self.group(of) else { return Err(LedgerError::Unknown { group: of }) };
        match record.reversed_by {
            Some(known) if known == by => return Ok(()),
            Some(by) => return Err(LedgerError::AlreadyReversed { group: of, by }),
            None if record.state != State::Posted || record.reverses.is_some() => {
                return Err(LedgerError::NotReversible { group: of });
            }
            None => {}
        }
        let mut record = record.clone();
        // Backwards, so that what passed through an account passes back.
        let counter = record.transfers.iter().rev().map(|&Transfer { debit, credit, amount }| Transfer {
            debit: credit,
            credit: debit,
            amount,
        });
        let group = Group { id: by, transfers: counter.collect() };
        if self.group(by).is_some() {
            return Err(LedgerError::Conflict { group: by });
        }
        self.begin(&group, State::Posted, Some(of), Move::Post)?;
        record.reversed_by = Some(by);
        self.put(of, record);
        Ok(())
    }

    /// Adds the effect of one transfer.
    fn transfer(&mut self, group: Uuid, transfer: &Transfer, how: Move) -> Result<(), LedgerError> {
        let &Transfer { debit, credit, amount } = transfer;
        let overflow = |_| LedgerError::Overflow { group };
        let (from, to) = (self.account(debit), self.account(credit));
        let (from, to) = match how {
            Move::Hold => {
                let (out, into) =
                    (from.out.plus(amount).map_err(overflow)?, to.into.plus(amount).map_err(overflow)?);
                (Sums { out, ..from }, Sums { into, ..to })
            }
            Move::Release => {
                let (out, into) =
                    (from.out.minus(amount).map_err(overflow)?, to.into.minus(amount).map_err(overflow)?);
                (Sums { out, ..from }, Sums { into, ..to })
            }
            Move::Post => {
                let debited = from.balance.minus(amount).map_err(overflow)?;
                let credited = to.balance.plus(amount).map_err(overflow)?;
                (Sums { balance: debited, ..from }, Sums { balance: credited, ..to })
            }
        };
        // What is set aside must stay possible: it can always be captured.
        let available = from.balance.minus(from.out).map_err(overflow)?;
        to.balance.plus(to.into).map_err(overflow)?;
        if debit.is_bounded() && available < Fen::ZERO {
            return Err(LedgerError::Insufficient { group, account: debit });
        }
        self.set(debit, from);
        self.set(credit, to);
        Ok(())
    }

    fn account(&self, account: Account) -> Sums {
        let changed = self.accounts.iter().find(|(changed, _)| *changed == account);
        changed.map_or_else(|| self.ledger.sums(account), |&(_, sums)| sums)
    }

    fn set(&mut self, account: Account, sums: Sums) {
        match self.accounts.iter_mut().find(|(changed, _)| *changed == account) {
            Some((_, changed)) => *changed = sums,
            None => self.accounts.push((account, sums)),
        }
    }

    fn group(&self, id: Uuid) -> Option<&Record> {
        let changed = self.groups.iter().find(|(changed, _)| *changed == id);
        changed.map(|(_, record)| record).or_else(|| self.ledger.groups.get(&id))
    }

    fn put(&mut self, id: Uuid, record: Record) {
        match self.groups.iter_mut().find(|(changed, _)| *changed == id) {
            Some((_, changed)) => *changed = record,
            None => self.groups.push((id, record)),
        }
    }
}

/// What a transfer says about itself.
fn check(group: Uuid, transfer: &Transfer) -> Result<(), LedgerError> {
    let &Transfer { debit, credit, amount } = transfer;
    if amount <= Fen::ZERO {
        return Err(LedgerError::AmountNotPositive { group });
    }
    if debit == credit || debit.unit() != credit.unit() {
        return Err(LedgerError::Sides { group, debit, credit });
    }
    Ok(())
}
