//! What is told beside the bills themselves: what accounts paid, and which limits kept something from being paid.

use types::{BillId, ResidentId};

use super::accounts::{Moved, Side};
use super::{Output, Payer};
use crate::messages::{AccountUse, Entry, PayEvent, PayRefusal};

impl Payer {
    /// Tells what was posted to personal accounts, ahead of what was put out from `start` on: an answer stays the last.
    pub(super) fn tell_accounts(&mut self, start: usize, out: &mut Vec<Output>) {
        let moved = self.accounts.take_untold();
        let told = moved.into_iter().map(|moved| Output::Event(self.account_event(moved)));
        out.splice(start..start, told);
    }

    fn account_event(&self, moved: Moved) -> PayEvent {
        let Moved { whose, settlement, amount, side } = moved;
        let paid =
            self.settlements.get(settlement).expect("only settlements move what is on personal accounts");
        let own = paid.bill.beneficiary == whose;
        let account = if own { AccountUse::Own } else { AccountUse::Family };
        let entry = Entry { beneficiary: whose, account, amount, settlement };
        match side {
            Side::Debit => PayEvent::AccountDebited(entry),
            Side::Credit => PayEvent::AccountCredited(entry),
        }
    }
}

/// Tells that a bill was not paid, if that was because of a limit.
pub(super) fn flag(beneficiary: ResidentId, bill: BillId, refusal: &PayRefusal, out: &mut Vec<Output>) {
    if let Some(rule) = refusal.limit_rule() {
        out.push(Output::Event(PayEvent::RiskFlagged { beneficiary, bill, rule }));
    }
}
