//! The ledger beside one kept on paper: a list of what happened, added up anew for each question.

use super::*;

#[derive(Clone, Debug, PartialEq)]
enum Fate {
    Pending(Timestamp),
    Posted,
    Voided,
}

#[derive(Clone, Debug)]
struct Line {
    group: Group,
    fate: Fate,
    reverses: Option<Uuid>,
}

#[derive(Clone, Debug, Default)]
struct Paper {
    lines: Vec<Line>,
}

impl Paper {
    fn sum(&self, account: Account, fate: impl Fn(&Fate) -> bool, side: impl Fn(&Transfer) -> i128) -> i128 {
        let lines = self.lines.iter().filter(|line| fate(&line.fate));
        let transfers = lines.flat_map(|line| &line.group.transfers);
        transfers.filter(|t| t.debit == account || t.credit == account).map(side).sum()
    }

    fn balance(&self, account: Account) -> i128 {
        self.sum(
            account,
            |fate| *fate == Fate::Posted,
            |t| {
                let amount = i128::from(t.amount.get());
                if t.credit == account { amount } else { -amount }
            },
        )
    }

    fn set_aside(&self, account: Account) -> i128 {
        self.sum(
            account,
            |fate| matches!(fate, Fate::Pending(_)),
            |t| if t.debit == account { i128::from(t.amount.get()) } else { 0 },
        )
    }

    fn available(&self, account: Account) -> i128 {
        self.balance(account) - self.set_aside(account)
    }

    fn line(&mut self, id: Uuid) -> Option<&mut Line> {
        self.lines.iter_mut().find(|line| line.group.id == id)
    }

    /// Adds the transfers one by one, so that a short account is noticed where it is short.
    fn add(&mut self, group: &Group, fate: Fate, reverses: Option<Uuid>) -> bool {
        if let Some(known) = self.line(group.id) {
            return known.group == *group && known.fate == fate && known.reverses == reverses;
        }
        if group.transfers.is_empty() {
            return false;
        }
        let empty = Group { id: group.id, transfers: vec![] };
        self.lines.push(Line { group: empty, fate, reverses });
        for transfer in &group.transfers {
            let sides = transfer.debit != transfer.credit && transfer.debit.unit() == transfer.credit.unit();
            self.lines.last_mut().unwrap().group.transfers.push(*transfer);
            let short = transfer.debit.is_bounded() && self.available(transfer.debit) < 0;
            if transfer.amount <= Fen::ZERO || !sides || short {
                return false;
            }
        }
        true
    }

    fn step(&mut self, step: &Step) -> bool {
        match step {
            Step::Post(group) => self.add(group, Fate::Posted, None),
            Step::Hold(group, expires) => self.add(group, Fate::Pending(*expires), None),
            Step::Capture(id) => self.end(*id, Fate::Posted),
            Step::Void(id) => self.end(*id, Fate::Voided),
            Step::Reverse { of, by } => {
                if let Some(before) = self.lines.iter().find(|line| line.reverses == Some(*of)) {
                    return before.group.id == *by;
                }
                let Some(line) = self.line(*of).cloned() else { return false };
                if line.fate != Fate::Posted || line.reverses.is_some() || self.line(*by).is_some() {
                    return false;
                }
                let back = |t: &Transfer| Transfer { debit: t.credit, credit: t.debit, amount: t.amount };
                let transfers = line.group.transfers.iter().rev().map(back).collect();
                self.add(&Group { id: *by, transfers }, Fate::Posted, Some(*of))
            }
        }
    }

    fn end(&mut self, id: Uuid, fate: Fate) -> bool {
        let Some(line) = self.line(id) else { return false };
        if line.fate == fate && line.reverses.is_none() {
            return true;
        }
        let pending = matches!(line.fate, Fate::Pending(_));
        if pending {
            line.fate = fate;
        }
        pending
    }

    fn all(&mut self, steps: &[Step]) -> bool {
        let before = self.clone();
        let done = steps.iter().all(|step| self.step(step));
        if !done {
            *self = before;
        }
        done
    }

    fn expire(&mut self, now: Timestamp) {
        for line in &mut self.lines {
            if matches!(line.fate, Fate::Pending(expires) if expires <= now) {
                line.fate = Fate::Voided;
            }
        }
    }
}

const ACCOUNTS: [Account; 9] = [
    Account::WorldBudget,
    FUND,
    Account::Personal(P),
    Account::Personal(ResidentId(2)),
    Account::CashClearing(CashChannel::Counter),
    Account::Payable(H),
    Account::QuotaWorld,
    Account::DeductibleQuota(QUOTA),
    Account::CapQuota(QUOTA),
];

prop_compose! {
    fn any_transfer()(debit in prop::sample::select(&ACCOUNTS[..]), credit in prop::sample::select(&ACCOUNTS[..]),
        fen in 0..100_i64) -> Transfer {
        transfer(debit, credit, fen)
    }
}

prop_compose! {
    fn any_group()(number in 0..12_u128, transfers in prop::collection::vec(any_transfer(), 0..4)) -> Group {
        group(number, transfers)
    }
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        any_group().prop_map(Step::Post),
        (any_group(), 1..40_i64).prop_map(|(group, expires)| Step::Hold(group, at(expires))),
        (0..12_u128).prop_map(|number| Step::Capture(id(number))),
        (0..12_u128).prop_map(|number| Step::Void(id(number))),
        (0..12_u128, 0..12_u128).prop_map(|(of, by)| Step::Reverse { of: id(of), by: id(by) }),
    ]
}

/// Enough money and quota that not everything is refused.
fn opening() -> Vec<Step> {
    let moves = [
        transfer(Account::WorldBudget, FUND, 500),
        transfer(Account::WorldBudget, Account::Personal(P), 100),
        transfer(Account::QuotaWorld, Account::CapQuota(QUOTA), 200),
        transfer(Account::QuotaWorld, Account::DeductibleQuota(QUOTA), 100),
    ];
    moves.into_iter().zip(100..).map(|(one, number)| Step::Post(group(number, vec![one]))).collect()
}

proptest! {
    #[test]
    fn i7_i8_the_ledger_agrees_with_one_kept_on_paper(
        linked in prop::collection::vec(prop::collection::vec(any_step(), 1..4), 0..50),
    ) {
        let (mut ledger, mut paper) = (Ledger::default(), Paper::default());
        prop_assert!(ledger.all(&opening()).is_ok() && paper.all(&opening()));
        for (steps, now) in linked.iter().zip(0..) {
            prop_assert_eq!(ledger.all(steps).is_ok(), paper.all(steps), "{:?}", steps);
            ledger.expire(at(now));
            paper.expire(at(now));
            for account in ACCOUNTS {
                prop_assert_eq!(i128::from(ledger.balance(account).get()), paper.balance(account));
                prop_assert_eq!(i128::from(ledger.available(account).get()), paper.available(account));
                prop_assert!(!account.is_bounded() || ledger.available(account) >= Fen::ZERO);
            }
            prop_assert_eq!((ledger.imbalance(Unit::Cny), ledger.imbalance(Unit::Quota)), (0, 0));
            let pending = paper.lines.iter().filter(|line| matches!(line.fate, Fate::Pending(_))).count();
            prop_assert_eq!((ledger.group_count(), ledger.pending_count()), (paper.lines.len(), pending));
        }
    }

    /// What was done, done again at once, changes nothing.
    #[test]
    fn a_step_done_again_changes_nothing(steps in prop::collection::vec(any_step(), 0..40)) {
        let mut ledger = Ledger::default();
        ledger.all(&opening()).unwrap();
        for step in steps {
            if ledger.all(std::slice::from_ref(&step)).is_ok() {
                let before = format!("{ledger:?}");
                prop_assert_eq!(ledger.all(&[step]), Ok(()));
                prop_assert_eq!(format!("{ledger:?}"), before);
            }
        }
    }
}
