use types::Fen;

use crate::messages::{Bill, BillLine, Category, PayRefusal, Split, TraceStep};
use crate::policy::{Policy, WHOLE_BP};

/// Lines of one bill, at most.
pub const LINES_MAX: usize = 100;

/// Where a beneficiary stands this year, before a bill \[fen each, none negative\].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Paid towards the deductible so far.
    pub deductible_used: Fen,
    /// Paid by the pooled fund so far.
    pub fund_used: Fen,
    /// On the personal account.
    pub balance: Fen,
}

/// Splits an outpatient bill between pooled fund, personal account and cash \[fen each\], and says why.
///
/// Lines round half up, the fund rounds down, and what is left over stays with the patient. The three parts always
/// add up to `bill.total`. The personal account never pays category C.
///
/// # Errors
///
/// [`PayRefusal::AmountInvalid`] if a number is out of range: a line's price, limit or share, or (line 0) the level,
/// the number of lines, or a sum that does not fit. [`PayRefusal::BillTotalMismatch`] if the lines do not add up.
///
/// Source: the calculation order of NHSA transactions 2206/2207 (`medfee_sumamt`, `fulamt_ownpay_amt`,
/// `overlmt_selfpay`, `preselfpay_amt`, `inscp_scp_amt`, `act_pay_dedc`, `hifp_pay`, `acct_pay`, `psn_cash_pay`), as
/// public hospital integrations show it. The numbers come from `policy`.
pub fn adjudicate(
    policy: &Policy,
    bill: &Bill,
    standing: Standing,
) -> Result<(Split, Vec<TraceStep>), PayRefusal> {
    let whole_bill = PayRefusal::AmountInvalid { line: 0 };
    let level = bill.level;
    let (Some(deductible_at), Some(ratio_bp)) = (policy.deductible.at(level), policy.ratio_bp.at(level))
    else {
        return Err(whole_bill);
    };
    if bill.lines.is_empty() || bill.lines.len() > LINES_MAX {
        return Err(whole_bill);
    }
    let sum = sum_lines(&bill.lines)?;
    if sum.amount != i128::from(bill.total.get()) {
        let expected = i64::try_from(sum.amount).map_err(|_| whole_bill)?;
        return Err(PayRefusal::BillTotalMismatch { expected, got: bill.total.get() });
    }
    let total = sum.amount;
    let in_scope = total - sum.own - sum.over - sum.preself;

    let deductible = in_scope.min(left(deductible_at, standing.deductible_used));
    let eligible = in_scope - deductible;
    let computed = eligible * i128::from(ratio_bp) / i128::from(WHOLE_BP);
    let room = left(policy.cap, standing.fund_used);
    let pool = computed.min(room);

    let burden = total - pool;
    let scope = if policy.account_usable { burden - sum.own } else { 0 };
    let account = scope.min(left(standing.balance, Fen::ZERO));
    let cash = burden - account;

    let split = Split {
        total: bill.total,
        in_scope: fen(in_scope),
        deductible: fen(deductible),
        pool: fen(pool),
        account: fen(account),
        cash: fen(cash),
    };
    let step = |rule: String, input, output| TraceStep { rule, input: fen(input), output: fen(output) };
    let trace = vec![
        step("scope.not_insured".into(), total, sum.own),
        step("scope.over_price_limit".into(), total - sum.own, sum.over),
        step("scope.first_share".into(), total - sum.own - sum.over, sum.preself),
        step(format!("deductible.level_{level}"), in_scope, deductible),
        step(format!("ratio.level_{level}"), eligible, computed),
        step("cap.year".into(), computed, pool),
        step("account".into(), scope, account),
        step("cash".into(), burden, cash),
    ];
    Ok((split, trace))
}

/// Parts of a bill \[fen each\]. In 128 bits, where no sum of [`LINES_MAX`] lines overflows.
#[derive(Clone, Copy, Default)]
struct Parts {
    amount: i128,
    /// Category C.
    own: i128,
    /// Above the price limit.
    over: i128,
    /// The patient's first share of category B.
    preself: i128,
}

fn sum_lines(lines: &[BillLine]) -> Result<Parts, PayRefusal> {
    let mut sum = Parts::default();
    for (line, number) in lines.iter().zip(1..) {
        let parts = line_parts(line).ok_or(PayRefusal::AmountInvalid { line: number })?;
        sum.amount += parts.amount;
        sum.own += parts.own;
        sum.over += parts.over;
        sum.preself += parts.preself;
    }
    Ok(sum)
}

/// The parts of one line, or `None` if a number is out of range.
fn line_parts(line: &BillLine) -> Option<Parts> {
    let price = line.unit_price.get();
    let limit = line.price_limit.map_or(i64::MAX, Fen::get);
    if price < 0 || limit < 0 || line.quantity_milli == 0 || line.preself_bp > WHOLE_BP {
        return None;
    }
    let times = |price: i64| half_up(i128::from(price) * i128::from(line.quantity_milli), 1_000);
    let amount = times(price);
    i64::try_from(amount).ok()?;
    if line.category == Category::C {
        return Some(Parts { amount, own: amount, over: 0, preself: 0 });
    }
    let over = times(price.saturating_sub(limit).max(0));
    let preself = match line.category {
        Category::B => half_up((amount - over) * i128::from(line.preself_bp), i128::from(WHOLE_BP)),
        Category::A | Category::C => 0,
    };
    Some(Parts { amount, own: 0, over, preself })
}

/// `numerator / denominator`, halves up. Neither is negative.
fn half_up(numerator: i128, denominator: i128) -> i128 {
    (numerator + denominator / 2) / denominator
}

/// What is left of `whole` after `used`, at least nothing.
fn left(whole: Fen, used: Fen) -> i128 {
    (i128::from(whole.get()) - i128::from(used.get())).max(0)
}

/// Back to 64 bits.
fn fen(amount: i128) -> Fen {
    Fen::new(i64::try_from(amount).expect("no part is larger than the total, which fits"))
}

#[cfg(test)]
#[path = "adjudicate/tests.rs"]
mod tests;
