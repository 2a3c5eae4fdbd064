use proptest::prelude::*;

use super::*;

const P: ResidentId = ResidentId(1);
const H: ProviderId = ProviderId(1);

fn transfer(debit: Account, credit: Account, fen: i64) -> Transfer {
    Transfer { debit, credit, amount: Fen::new(fen) }
}

fn group(id: u128, transfers: Vec<Transfer>) -> Group {
    Group { id: Uuid::from_u128(id), transfers }
}

/// A fund of 100 fen, an account of 50.
fn funded() -> Ledger {
    let mut ledger = Ledger::default();
    let opening = vec![
        transfer(Account::WorldBudget, Account::PoolFund, 100),
        transfer(Account::WorldBudget, Account::Personal(P), 50),
    ];
    ledger.apply(&group(0, opening)).unwrap();
    ledger
}

#[test]
fn a_group_whose_last_transfer_fails_changes_nothing() {
    let mut ledger = funded();
    let before: Vec<_> = ledger.balances().collect();
    let too_much = group(
        1,
        vec![
            transfer(Account::PoolFund, Account::Payable(H), 60),
            transfer(Account::Personal(P), Account::Payable(H), 51),
        ],
    );
    assert_eq!(
        ledger.apply(&too_much),
        Err(LedgerError::Insufficient { group: Uuid::from_u128(1), account: Account::Personal(P) })
    );
    assert_eq!(ledger.balances().collect::<Vec<_>>(), before);
    assert_eq!(ledger.group_count(), 1);
}

#[test]
fn two_transfers_that_overdraw_only_together_are_refused() {
    let half = transfer(Account::Personal(P), Account::Payable(H), 30);
    assert!(funded().apply(&group(1, vec![half, half])).is_err());
}

#[test]
fn malformed_groups_are_refused() {
    let refused = |transfers: Vec<Transfer>| funded().apply(&group(1, transfers)).unwrap_err();
    let id = Uuid::from_u128(1);
    assert_eq!(refused(vec![]), LedgerError::Size { group: id, got: 0 });
    let one = transfer(Account::PoolFund, Account::Payable(H), 1);
    assert_eq!(refused(vec![one; 9]), LedgerError::Size { group: id, got: 9 });
    for amount in [0, -1, i64::MIN] {
        let bad = transfer(Account::PoolFund, Account::Payable(H), amount);
        assert_eq!(refused(vec![bad]), LedgerError::AmountNotPositive { group: id });
    }
    let across = transfer(Account::PoolFund, Account::QuotaWorld, 1);
    assert!(matches!(refused(vec![across]), LedgerError::Sides { .. }));
    let to_itself = transfer(Account::PoolFund, Account::PoolFund, 1);
    assert!(matches!(refused(vec![to_itself]), LedgerError::Sides { .. }));
    let huge = transfer(Account::WorldBudget, Account::PoolFund, i64::MAX);
    assert_eq!(refused(vec![huge]), LedgerError::Overflow { group: id });
}

#[test]
fn a_group_posted_twice_counts_once_and_its_id_is_taken() {
    let mut ledger = funded();
    let payment = group(1, vec![transfer(Account::PoolFund, Account::Payable(H), 60)]);
    ledger.apply(&payment).unwrap();
    ledger.apply(&payment).unwrap();
    assert_eq!(ledger.balance(Account::Payable(H)), Fen::new(60));
    let other = group(1, vec![transfer(Account::PoolFund, Account::Payable(H), 1)]);
    assert_eq!(ledger.apply(&other), Err(LedgerError::Conflict { group: Uuid::from_u128(1) }));
}

/// The ledger one would write on paper: a list of what happened, added up anew for each question.
#[derive(Default)]
struct Naive {
    groups: Vec<Group>,
}

impl Naive {
    fn balance(transfers: &[Transfer], account: Account) -> i128 {
        let signed = |t: &Transfer| {
            let amount = i128::from(t.amount.get());
            i128::from(t.credit == account) * amount - i128::from(t.debit == account) * amount
        };
        transfers.iter().map(signed).sum()
    }

    fn transfers(&self) -> Vec<Transfer> {
        self.groups.iter().flat_map(|group| group.transfers.clone()).collect()
    }

    fn apply(&mut self, group: &Group) -> bool {
        if let Some(known) = self.groups.iter().find(|known| known.id == group.id) {
            return known == group;
        }
        let mut all = self.transfers();
        for transfer in &group.transfers {
            all.push(*transfer);
            let sides_match =
                transfer.debit != transfer.credit && transfer.debit.unit() == transfer.credit.unit();
            let enough = !transfer.debit.is_bounded() || Self::balance(&all, transfer.debit) >= 0;
            if transfer.amount <= Fen::ZERO || !sides_match || !enough {
                return false;
            }
        }
        if group.transfers.is_empty() {
            return false;
        }
        self.groups.push(group.clone());
        true
    }
}

const ACCOUNTS: [Account; 9] = [
    Account::WorldBudget,
    Account::PoolFund,
    Account::Personal(P),
    Account::Personal(ResidentId(2)),
    Account::CashClearing,
    Account::Payable(H),
    Account::QuotaWorld,
    Account::DeductibleQuota(P),
    Account::CapQuota(P),
];

prop_compose! {
    fn any_transfer()(debit in prop::sample::select(&ACCOUNTS[..]), credit in prop::sample::select(&ACCOUNTS[..]),
        fen in 0..100_i64) -> Transfer {
        transfer(debit, credit, fen)
    }
}

prop_compose! {
    fn any_group()(id in 0..30_u128, transfers in prop::collection::vec(any_transfer(), 0..4)) -> Group {
        group(id, transfers)
    }
}

proptest! {
    #[test]
    fn the_ledger_agrees_with_one_kept_on_paper(groups in prop::collection::vec(any_group(), 0..60)) {
        let (mut ledger, mut naive) = (Ledger::default(), Naive::default());
        for group in &groups {
            prop_assert_eq!(ledger.apply(group).is_ok(), naive.apply(group));
            let all = naive.transfers();
            for account in ACCOUNTS {
                prop_assert_eq!(i128::from(ledger.balance(account).get()), Naive::balance(&all, account));
            }
            prop_assert_eq!((ledger.imbalance(Unit::Cny), ledger.imbalance(Unit::Quota)), (0, 0));
        }
    }
}
