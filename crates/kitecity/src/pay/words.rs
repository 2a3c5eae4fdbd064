//! Answers of payer and clinic, in words.

use std::fmt::Write;

use medpay::reconcile::Totals;
use medpay::{
    BillState, DepositUse, Parked, PayReply, SettleReply, SettledBill, Split, Statement, TraceStep,
    UnpaidBill, VisitReply,
};

/// One line: where the money comes from.
fn split(split: &Split) -> String {
    let parts = [
        ("fund", split.pool),
        ("supplement", split.supplement),
        ("account", split.account),
        ("family", split.family),
        ("cash", split.cash),
    ];
    let shown = parts.iter().filter(|(name, part)| part.get() != 0 || *name == "cash");
    let shown: Vec<String> = shown.map(|(name, part)| format!("{name} {part}")).collect();
    format!("¥{} = {}", split.total, shown.join(" + "))
}

pub(super) fn visit(reply: &VisitReply) -> String {
    match reply {
        VisitReply::Billed { bill, split: parts, .. } => format!("bill {bill}\n{}", split(parts)),
        VisitReply::Refused(refusal) => format!("refused: {refusal}"),
        VisitReply::PayerUnavailable => "the payer does not answer".to_owned(),
    }
}

pub(super) fn settled(reply: &SettleReply) -> String {
    match reply {
        SettleReply::Settled { settlement, split: parts, .. } => {
            format!("settled as {settlement}\n{}", split(parts))
        }
        SettleReply::Held { settlement, split: parts, .. } => {
            format!("held as {settlement}, to be confirmed\n{}", split(parts))
        }
        SettleReply::Refused { refusal, .. } => format!("refused: {refusal}"),
    }
}

pub(super) fn bills(bills: &[SettledBill]) -> String {
    let mut text = String::new();
    for bill in bills {
        let SettledBill { settlement, provider, beneficiary, day, .. } = bill;
        let back = if bill.reversal.is_some() { "  (taken back)" } else { "" };
        let _ =
            writeln!(text, "{settlement}  {day}  {provider}  {beneficiary}  {}{back}", split(&bill.split));
    }
    let _ = write!(text, "{} bills", bills.len());
    text
}

fn unpaid(bills: &[UnpaidBill]) -> String {
    let mut text = String::new();
    for UnpaidBill { bill, provider, beneficiary, total, state } in bills {
        let _ = writeln!(text, "{bill}  {provider}  {beneficiary}  ¥{total}  {}", self::state(state));
    }
    let _ = write!(text, "{} bills", bills.len());
    text
}

pub(super) fn reply(reply: &PayReply) -> String {
    match reply {
        PayReply::Refused(refusal) => format!("refused: {refusal}"),
        PayReply::Bills { bills: page, .. } => bills(page),
        PayReply::Unpaid { bills, .. } => unpaid(bills),
        PayReply::Eligible(eligible) => {
            format!("{} is insured on {} under {}", eligible.beneficiary, eligible.day, eligible.policy)
        }
        PayReply::Filed { bill } => format!("bill {bill} is kept"),
        PayReply::Presettled { bill, split: parts, .. } => format!("bill {bill}\n{}", split(parts)),
        PayReply::Admitted { stay, policy, deductible, earlier } => format!(
            "stay {stay} is open under {policy}\ndeductible ¥{deductible}, {earlier} earlier stays this year"
        ),
        PayReply::Interim { stay, split: parts, deposit } => {
            format!("stay {stay} so far\n{}\n{}", split(parts), self::deposit(deposit))
        }
        PayReply::Discharged { bill } => format!("bill {} of ¥{}", bill.id, bill.total),
        PayReply::Deposited { bill, balance } => format!("¥{balance} deposited for bill {bill}"),
        PayReply::Bill { bill, state } => {
            format!("bill {} of ¥{}: {}", bill.id, bill.total, self::state(state))
        }
        PayReply::Parked { parked, .. } => parked_list(parked),
        PayReply::Statement(statement) => self::statement(statement),
        PayReply::Trace { bill, policy, trace } => format!(
            "{}  {}  {}\npolicy {policy}\n{}{}",
            bill.settlement,
            bill.day,
            bill.beneficiary,
            steps(trace),
            split(&bill.split)
        ),
        PayReply::Reversed { settlement, reversal } => format!("{settlement} was taken back by {reversal}"),
        PayReply::Refunded { settlement, reversal, replacement, split: parts } => format!(
            "{settlement} was taken back by {reversal}\nwhat is left is settled as {replacement}\n{}",
            split(parts)
        ),
        PayReply::Confirmed { settlement, paid: true } => format!("{settlement} is paid"),
        PayReply::Confirmed { settlement, paid: false } => format!("{settlement} is let go"),
        PayReply::Linked { beneficiary, family } => format!("{family} pays for {beneficiary} too"),
        PayReply::Frozen { beneficiary, frozen: true } => format!("account of {beneficiary} is frozen"),
        PayReply::Frozen { beneficiary, frozen: false } => format!("account of {beneficiary} can be used"),
        PayReply::Totals(totals) => self::totals(totals),
        PayReply::Detail { rows, .. } => format!("{} rows", rows.len()),
        PayReply::Suspense { balance } => format!("put aside for the day: ¥{balance}"),
        PayReply::Allowed { terminal, total, .. } => format!("{terminal} may take ¥{total} offline"),
        PayReply::Forwarded { terminal, vouchers, .. } => {
            format!("{} vouchers of {terminal}", vouchers.len())
        }
        PayReply::Closed { paid_out } => format!("day closed, ¥{paid_out} paid out"),
    }
}

/// How far a bill is.
pub(super) fn state(state: &BillState) -> String {
    match state {
        BillState::Admitted { deposit } => format!("goes on, ¥{deposit} deposited"),
        BillState::Draft => "not presettled".to_owned(),
        BillState::Presettled { split: parts, .. } => format!("can be paid, {}", split(parts)),
        BillState::Expired { .. } => "its presettlement is over".to_owned(),
        BillState::Settling { .. } => "is being paid".to_owned(),
        BillState::Held { settlement, .. } => format!("held as {settlement}, to be confirmed"),
        BillState::Settled { settlement, .. } => format!("settled as {settlement}"),
        BillState::Reversed { settlement, .. } => format!("settled as {settlement}, and taken back"),
    }
}

fn deposit(deposit: &DepositUse) -> String {
    let DepositUse { used, refund, due } = deposit;
    format!("of the deposit ¥{used} would be used and ¥{refund} given back; ¥{due} would be due")
}

fn parked_list(parked: &[Parked]) -> String {
    let mut text = String::new();
    for Parked { settlement, refund, amount } in parked {
        let refund = if *refund { " (reversal)" } else { "" };
        let _ = writeln!(text, "{settlement}{refund}  ¥{}", types::Fen::new(*amount));
    }
    let _ = write!(text, "{} differences are put aside", parked.len());
    text
}

fn statement(statement: &Statement) -> String {
    let Statement { beneficiary, balance, deductible_used, fund_used, settled } = statement;
    format!(
        "{beneficiary}\n  account           ¥{balance}\n  deductible used   ¥{deductible_used}\n  \
         paid by the fund  ¥{fund_used}\n  settled bills     {settled}"
    )
}

fn steps(trace: &[TraceStep]) -> String {
    trace.iter().fold(String::new(), |mut text, step| {
        let _ = writeln!(text, "  {:<36} of ¥{:>12}  →  ¥{:>12}", step.rule, step.input, step.output);
        text
    })
}

/// One line: what a day comes to.
pub(super) fn totals(totals: &Totals) -> String {
    let yuan = |fen: i64| types::Fen::new(fen);
    format!(
        "{} settled, {} taken back: ¥{} = fund {} + account {} + cash {}",
        totals.settled,
        totals.reversed,
        yuan(totals.total),
        yuan(totals.fund),
        yuan(totals.account),
        yuan(totals.cash)
    )
}
