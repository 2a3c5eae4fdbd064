use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use types::Fen;

use crate::messages::{Bill, BillLine, Category, PayRefusal, Split, TraceStep};
use crate::policy::{Insured, Period, Policy, Rounding, RoundingRules, WHOLE_BP};

/// Lines of one bill, at most.
pub const LINES_MAX: usize = 100;
/// Steps of a trace, at most.
const STEPS_MAX: usize = 20;

/// Where a beneficiary stands this year, before a bill \[fen each, none negative\].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Paid towards the deductible so far.
    pub deductible_used: Fen,
    /// Paid by the pooled fund so far.
    pub fund_used: Fen,
    /// Paid by the supplementary fund so far.
    pub supplement_used: Fen,
    /// On the personal account.
    pub balance: Fen,
    /// On the account of the family member who pays too, if one does.
    pub family: Fen,
    /// How they are insured.
    pub insured: Insured,
    /// Whether they are insured in another region.
    pub cross_region: bool,
    /// Stays in hospital that were settled this year.
    pub admissions: u32,
}

/// What becomes of a deposit when a stay is settled \[fen each\].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DepositUse {
    /// Taken for the cash part.
    pub used: Fen,
    /// Given back.
    pub refund: Fen,
    /// Still to be paid.
    pub due: Fen,
}

impl DepositUse {
    /// Of a `deposit` for a cash part; neither is negative.
    pub fn of(deposit: Fen, cash: Fen) -> Self {
        let used = deposit.min(cash);
        let less = |whole: Fen| whole.minus(used).expect("what is used is at most both");
        Self { used, refund: less(deposit), due: less(cash) }
    }
}

/// Splits a bill between pooled fund, supplementary fund, personal account, family account and cash \[fen each\], and
/// says why.
///
/// Each step rounds as `policy.rounding` says, and what is left over stays with the patient. The parts always add up to
/// `bill.total`. Neither account ever pays category C.
///
/// # Errors
///
/// [`PayRefusal::AmountInvalid`] if a number is out of range: a line's price, limit or share, or (line 0) the level,
/// the number of lines, or a sum that does not fit. [`PayRefusal::BillTotalMismatch`] if the lines do not add up.
///
/// Source: the calculation order of NHSA transactions 2206/2207 and 2303/2304 (`medfee_sumamt`, `fulamt_ownpay_amt`,
/// `overlmt_selfpay`, `preselfpay_amt`, `inscp_scp_amt`, `act_pay_dedc`, `hifp_pay`, `hifob_pay`, `acct_pay`,
/// `acct_mulaid_pay`, `psn_cash_pay`), as public hospital integrations show it. The numbers come from `policy`.
pub fn adjudicate(
    policy: &Policy,
    bill: &Bill,
    standing: Standing,
) -> Result<(Split, Vec<TraceStep>), PayRefusal> {
    let whole_bill = PayRefusal::AmountInvalid { line: 0 };
    let level = bill.level;
    let (Some(first), Some(ratio_bp)) = (policy.deductible.at(level), policy.ratio_bp.at(level)) else {
        return Err(whole_bill);
    };
    if bill.lines.is_empty() || bill.lines.len() > LINES_MAX {
        return Err(whole_bill);
    }
    let sum = sum_lines(&policy.rounding, &bill.lines)?;
    if sum.amount != i128::from(bill.total.get()) {
        let expected = i64::try_from(sum.amount).map_err(|_| whole_bill)?;
        return Err(PayRefusal::BillTotalMismatch { expected, got: bill.total.get() });
    }
    let (total, [own, over, preself]) = (bill.total.get(), sum.parts());
    let mut trace = Trace(Vec::with_capacity(STEPS_MAX));
    trace.step("scope.not_insured", total, own);
    trace.step("scope.over_price_limit", total - own, over);
    trace.step("scope.first_share", total - own - over, preself);

    let in_scope = total - own - over - preself;
    let deductible = in_scope.min(deductible_left(policy, first, &standing));
    trace.step(named(level, DEDUCTIBLE), in_scope, deductible);
    let eligible = in_scope - deductible;
    let computed = share(policy, &standing, level, ratio_bp, eligible, &mut trace);
    let pool = computed.min(left(policy.cap_for(standing.insured), standing.fund_used));
    let cap = if standing.insured == Insured::Retired { "cap.year.retired" } else { "cap.year" };
    trace.step(cap, computed, pool);
    let supplement = supplement(policy, &standing, computed - pool, &mut trace);

    let burden = total - pool - supplement;
    let scope = if policy.account_usable { burden - own } else { 0 };
    let account = scope.min(left(standing.balance, Fen::ZERO));
    trace.step("account", scope, account);
    let family_scope = if policy.family_usable { scope - account } else { 0 };
    let family = family_scope.min(left(standing.family, Fen::ZERO));
    if standing.family > Fen::ZERO {
        trace.step("account.family", family_scope, family);
    }
    let cash = burden - account - family;
    trace.step("cash", burden - family, cash);

    let split = Split {
        total: bill.total,
        in_scope: Fen::new(in_scope),
        deductible: Fen::new(deductible),
        pool: Fen::new(pool),
        supplement: Fen::new(supplement),
        account: Fen::new(account),
        family: Fen::new(family),
        cash: Fen::new(cash),
    };
    Ok((split, trace.0))
}

/// What the lines of a bill add up to under `policy`.
pub(crate) fn total_of(policy: &Policy, bill: &Bill) -> Result<Fen, PayRefusal> {
    let sum = sum_lines(&policy.rounding, &bill.lines)?;
    i64::try_from(sum.amount).map(Fen::new).map_err(|_| PayRefusal::AmountInvalid { line: 0 })
}

/// What of the deductible is still to be paid \[fen\].
pub(crate) fn deductible_left(policy: &Policy, first: Fen, standing: &Standing) -> i64 {
    match policy.deductible_per {
        Period::Year => left(first, standing.deductible_used),
        Period::Admission if standing.admissions == 0 => first.get(),
        Period::Admission => part(first.get(), policy.later_admission_bp, Rounding::HalfUp),
    }
}

/// What the fund pays of what is eligible, before the cap \[fen\].
fn share(
    policy: &Policy,
    standing: &Standing,
    level: u8,
    ratio_bp: u16,
    eligible: i64,
    trace: &mut Trace,
) -> i64 {
    let adjusted = |bp: u16| {
        let add = if standing.insured == Insured::Retired { policy.retired_add_bp } else { 0 };
        let sub = if standing.cross_region { policy.cross_region_sub_bp } else { 0 };
        // Two at most 10,000 each: their sum fits.
        (bp + add).saturating_sub(sub).min(WHOLE_BP)
    };
    if policy.tiers.is_empty() {
        let computed = part(eligible, adjusted(ratio_bp), policy.rounding.fund);
        let names = match (standing.insured == Insured::Retired, standing.cross_region) {
            (false, false) => RATIO,
            (true, false) => RATIO_RETIRED,
            (false, true) => RATIO_CROSS_REGION,
            (true, true) => RATIO_RETIRED_CROSS_REGION,
        };
        trace.step(named(level, names), eligible, computed);
        return computed;
    }
    let (mut computed, mut below) = (0, 0);
    for (tier, number) in policy.tiers.iter().zip(1..) {
        let upto = tier.upto.map_or(i64::MAX, Fen::get).min(eligible);
        let in_tier = (upto - below).max(0);
        let paid = part(in_tier, adjusted(tier.bp), policy.rounding.fund);
        if in_tier > 0 || number == 1 {
            trace.step(format!("tier.{number}"), in_tier, paid);
        }
        computed += paid;
        below = below.max(upto);
    }
    computed
}

/// What the supplementary fund pays of what the cap cut off \[fen\].
fn supplement(policy: &Policy, standing: &Standing, over_cap: i64, trace: &mut Trace) -> i64 {
    let Some(rule) = policy.supplement else { return 0 };
    let computed = part(over_cap, rule.bp, policy.rounding.fund);
    let paid = computed.min(left(rule.year, standing.supplement_used));
    trace.step("supplement", over_cap, paid);
    paid
}

/// The reasoning so far.
struct Trace(Vec<TraceStep>);

impl Trace {
    fn step(&mut self, rule: impl Into<Cow<'static, str>>, input: i64, output: i64) {
        self.0.push(TraceStep { rule: rule.into(), input: Fen::new(input), output: Fen::new(output) });
    }
}

const DEDUCTIBLE: [&str; 3] = ["deductible.level_1", "deductible.level_2", "deductible.level_3"];
const RATIO: [&str; 3] = ["ratio.level_1", "ratio.level_2", "ratio.level_3"];
const RATIO_RETIRED: [&str; 3] = ["ratio.level_1.retired", "ratio.level_2.retired", "ratio.level_3.retired"];
const RATIO_CROSS_REGION: [&str; 3] =
    ["ratio.level_1.cross_region", "ratio.level_2.cross_region", "ratio.level_3.cross_region"];
const RATIO_RETIRED_CROSS_REGION: [&str; 3] = [
    "ratio.level_1.retired.cross_region",
    "ratio.level_2.retired.cross_region",
    "ratio.level_3.retired.cross_region",
];

fn named(level: u8, names: [&'static str; 3]) -> &'static str {
    names[usize::from(level) - 1]
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

impl Parts {
    /// What is out of scope, of a bill whose amount fits in 64 bits.
    fn parts(&self) -> [i64; 3] {
        [self.own, self.over, self.preself]
            .map(|part| i64::try_from(part).expect("no part is larger than the total, which fits"))
    }
}

fn sum_lines(rounding: &RoundingRules, lines: &[BillLine]) -> Result<Parts, PayRefusal> {
    let mut sum = Parts::default();
    for (line, number) in lines.iter().zip(1..) {
        let parts = line_parts(rounding, line).ok_or(PayRefusal::AmountInvalid { line: number })?;
        sum.amount += i128::from(parts.amount);
        sum.own += i128::from(parts.own);
        sum.over += i128::from(parts.over);
        sum.preself += i128::from(parts.preself);
    }
    Ok(sum)
}

/// Parts of one line \[fen each\].
struct LineParts {
    amount: i64,
    own: i64,
    over: i64,
    preself: i64,
}

/// The parts of one line, or `None` if a number is out of range.
fn line_parts(rounding: &RoundingRules, line: &BillLine) -> Option<LineParts> {
    let price = line.unit_price.get();
    let limit = line.price_limit.map_or(i64::MAX, Fen::get);
    if price < 0 || limit < 0 || line.quantity_milli == 0 || line.preself_bp > WHOLE_BP {
        return None;
    }
    let times = |price: i64| scaled::<1_000>(price, line.quantity_milli.into(), rounding.line);
    let amount = times(price)?;
    if line.category == Category::C {
        return Some(LineParts { amount, own: amount, over: 0, preself: 0 });
    }
    let over = if price > limit { times(price - limit)? } else { 0 };
    let preself = match line.category {
        Category::B => part(amount - over, line.preself_bp, rounding.first_share),
        Category::A | Category::C => 0,
    };
    Some(LineParts { amount, own: 0, over, preself })
}

/// So many basis points of an amount, at most 10,000.
fn part(amount: i64, bp: u16, rounding: Rounding) -> i64 {
    scaled::<10_000>(amount, bp.into(), rounding).expect("a part is no larger than the whole")
}

/// `amount · by / PER`, none negative; `None` if it does not fit.
fn scaled<const PER: i64>(amount: i64, by: i64, rounding: Rounding) -> Option<i64> {
    let half = match rounding {
        Rounding::HalfUp => PER / 2,
        Rounding::Down => 0,
    };
    match amount.checked_mul(by).and_then(|product| product.checked_add(half)) {
        Some(product) => Some(product / PER),
        // Rare, and eight times as slow.
        None => {
            i64::try_from((i128::from(amount) * i128::from(by) + i128::from(half)) / i128::from(PER)).ok()
        }
    }
}

/// What is left of `whole` after `used`, at least nothing.
fn left(whole: Fen, used: Fen) -> i64 {
    whole.get().saturating_sub(used.get()).max(0)
}

#[cfg(test)]
#[path = "adjudicate/tests.rs"]
mod tests;
