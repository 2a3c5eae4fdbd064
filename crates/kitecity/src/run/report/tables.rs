//! The tables of a report.

use maud::{Markup, html};
use scenario::{LedgerRow, Verdict, show_duration, show_moment};
use types::Timestamp;

use super::marks::Mark;
use crate::report::page::table;

/// Tables longer than this are folded.
const ROWS_OPEN_MAX: usize = 12;

/// Money for people.
pub(super) fn yuan(fen: i64) -> String {
    let sign = if fen < 0 { "−" } else { "" };
    let fen = fen.unsigned_abs();
    format!("{sign}¥{}.{:02}", fen / 100, fen % 100)
}

/// How often, with the right ending.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// How many rows a record has, and how many there would be: a record keeps only the first thousand.
fn rows(kept: usize, all: u64, one: &str, many: &str) -> String {
    let all = usize::try_from(all).unwrap_or(usize::MAX);
    if all > kept { format!("the first {kept} of {all} {many}") } else { count(kept, one, many) }
}

/// How many messages of these kinds there were.
fn counted(verdict: &Verdict, kinds: &[&str]) -> u64 {
    let messages = verdict.record.messages.iter();
    messages.filter(|(kind, _)| kinds.contains(kind)).map(|(_, number)| number).sum()
}

/// All alarms, also those that the record left out.
fn alarms_counted(verdict: &Verdict) -> u64 {
    counted(verdict, &["alarm.raised", "alarm.cleared"])
}

/// All bills paid, also those that the record left out.
fn settlements_counted(verdict: &Verdict) -> u64 {
    counted(verdict, &["bill.settled"])
}

/// What a report leaves out because the record did; nothing if it did not.
pub(super) fn left_out(verdict: &Verdict) -> Markup {
    let (alarms, settlements) = (&verdict.record.alarms, &verdict.record.settlements);
    let told = [
        (alarms.len(), alarms_counted(verdict), "alarm messages"),
        (settlements.len(), settlements_counted(verdict), "bills paid"),
    ];
    html! {
        @for (kept, all, many) in told {
            @if all > kept as u64 { p.axis { "Only " (rows(kept, all, many, many)) " are shown." } }
        }
    }
}

/// What the curves are drawn from.
pub(super) fn samples(title: &str, unit: &str, points: &[(Timestamp, f64)], start: Timestamp) -> Markup {
    let digits = if points.iter().all(|point| point.1.fract() == 0.0) { 0 } else { 3 };
    table(
        title,
        false,
        &["time", &format!("#{unit}")],
        &html! {
            @for (at, number) in points {
                tr { td { (show_moment(*at, start)) } td.number { (format!("{number:.digits$}")) } }
            }
        },
    )
}

/// What the line of time is drawn from.
pub(super) fn marks(marks: &[Mark], start: Timestamp) -> Markup {
    table(
        "What happened, as a table",
        false,
        &["time", "what", "which"],
        &html! {
            @for mark in marks {
                tr { td { (show_moment(mark.at, start)) } td { (mark.lane.name()) } td { (mark.what) } }
            }
        },
    )
}

/// Alarms.
pub(super) fn alarms(verdict: &Verdict) -> Markup {
    let alarms = &verdict.record.alarms;
    if alarms.is_empty() {
        return html! { p.none { "No alarm was raised." } };
    }
    let open = alarms.len() <= ROWS_OPEN_MAX;
    table(
        &rows(alarms.len(), alarms_counted(verdict), "alarm message", "alarm messages"),
        open,
        &["time", "luminaire", "kind", "change"],
        &html! {
            @for alarm in alarms {
                tr {
                    td { (show_moment(alarm.at, verdict.start)) }
                    td { (alarm.lamp) }
                    td { (alarm.kind) }
                    td { (if alarm.raised { "raised" } else { "cleared" }) }
                }
            }
        },
    )
}

/// How long what was expected took, for every `after`.
pub(super) fn latencies(verdict: &Verdict) -> Markup {
    let spreads: Vec<_> =
        verdict.outcomes.iter().filter_map(|outcome| Some((&outcome.name, outcome.spread?))).collect();
    if spreads.is_empty() {
        return html! { p.none { "Nothing was timed." } };
    }
    let heads = ["expectation", "#measured", "#p50", "#p99", "#slowest"];
    table(
        "Time from cause to effect, on the city’s clock",
        true,
        &heads,
        &html! {
            @for (name, spread) in spreads {
                tr {
                    td { (name) }
                    td.number { (spread.count) }
                    @for ms in [spread.p50_ms, spread.p99_ms, spread.max_ms] {
                        td.number { (show_duration(ms)) }
                    }
                }
            }
        },
    )
}

/// Bills paid, and that their parts add up.
pub(super) fn ledger(verdict: &Verdict) -> Markup {
    let settlements = &verdict.record.settlements;
    if settlements.is_empty() {
        return html! { p.none { "No bill was paid." } };
    }
    let heads = ["time", "bill", "#pooled fund", "#personal account", "#cash", "#total"];
    let open = settlements.len() <= ROWS_OPEN_MAX;
    html! {
        (sum(verdict.record.ledger))
        (table(&rows(settlements.len(), settlements_counted(verdict), "bill paid", "bills paid"), open, &heads, &html! {
            @for row in settlements {
                tr {
                    td { (show_moment(row.at, verdict.start)) }
                    td { (row.bill) }
                    (amounts(row.parts))
                }
            }
            tr.sum { th scope="row" colspan="2" { "sum of all" } (amounts(verdict.record.ledger)) }
        }))
    }
}

fn amounts(row: LedgerRow) -> Markup {
    html! {
        @for fen in [row.pool_fen, row.account_fen, row.cash_fen, row.total_fen] {
            td.number { (yuan(fen)) }
        }
    }
}

fn sum(row: LedgerRow) -> Markup {
    let parts_fen = row.pool_fen + row.account_fen + row.cash_fen;
    html! {
        p.equation {
            "pooled fund " (yuan(row.pool_fen)) " + personal account " (yuan(row.account_fen))
            " + cash " (yuan(row.cash_fen)) " = "
            @if parts_fen == row.total_fen {
                "total " (yuan(row.total_fen)) " " span.passed { "✓" }
            } @else {
                (yuan(parts_fen)) ", but the total is " (yuan(row.total_fen)) " " span.failed { "✗" }
            }
        }
    }
}

/// How many messages there were of each kind.
pub(super) fn messages(verdict: &Verdict) -> Markup {
    let messages = &verdict.record.messages;
    let all: u64 = messages.iter().map(|(_, number)| number).sum();
    let title = format!("{all} messages on the bus, by kind");
    table(
        &title,
        messages.len() <= ROWS_OPEN_MAX,
        &["kind", "#messages"],
        &html! {
            @for (kind, number) in messages {
                tr { td { code { (kind) } } td.number { (number) } }
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_shown_in_yuan_without_losing_a_fen() {
        assert_eq!([0, 5, 100, 123_456, -7].map(yuan), ["¥0.00", "¥0.05", "¥1.00", "¥1234.56", "−¥0.07"]);
    }

    #[test]
    fn what_the_record_left_out_is_said() {
        assert_eq!(rows(1, 1, "bill", "bills"), "1 bill");
        assert_eq!(rows(1_000, 1_000, "bill", "bills"), "1000 bills");
        assert_eq!(rows(1_000, 2_345, "bill", "bills"), "the first 1000 of 2345 bills");
    }

    /// The kinds counted here are named in another crate.
    #[test]
    fn the_kinds_of_alarms_and_bills_exist() {
        for name in ["alarm.raised", "alarm.cleared", "bill.settled"] {
            assert!(scenario::KINDS.iter().any(|kind| kind.name == name), "{name}");
        }
    }

    #[test]
    fn parts_that_do_not_add_up_are_shown_as_wrong() {
        let row = LedgerRow { total_fen: 100, pool_fen: 60, account_fen: 30, cash_fen: 10 };
        assert!(sum(row).into_string().contains('✓'));
        let wrong = sum(LedgerRow { cash_fen: 9, ..row }).into_string();
        assert!(wrong.contains('✗') && wrong.contains("¥0.99, but the total is ¥1.00"), "{wrong}");
    }
}
