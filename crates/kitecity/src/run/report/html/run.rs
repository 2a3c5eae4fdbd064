//! One run in a report.

use anyhow::Result;
use chrono::DateTime;
use maud::{Markup, html};
use scenario::{Failure, Outcome, Standing, Verdict, show_duration, show_moment};
use types::{LOCAL_OFFSET_MS, Timestamp};

use super::super::lanes::lanes;
use super::super::{marks, tables};
use super::{Heading, class, passed, sign, word};
use crate::report::chart::{self, Span};
use crate::run::Played;

/// `title` – the element of its heading.
pub(super) fn section(anchor: &str, title: Heading, played: &Played) -> Result<Markup> {
    let verdict = &played.verdict;
    Ok(html! {
        section id=(anchor) aria-label={ (verdict.scenario) ", seed " (played.seed) } {
            (title.of(played))
            p.lead { (passed(played)) "." }
            (facts(played))
            h3 { "Verdict" }
            (outcomes(played))
            h3 { "Timeline" }
            (timeline(verdict)?)
            (power(verdict)?)
            h3 { "Luminaires lit" }
            (lit(verdict)?)
            h3 { "Alarms" }
            (tables::alarms(verdict))
            h3 { "Latency" }
            (tables::latencies(verdict))
            h3 { "Ledger" }
            (tables::ledger(verdict))
            h3 { "Messages" }
            (tables::messages(verdict))
        }
    })
}

fn facts(played: &Played) -> Markup {
    let verdict = &played.verdict;
    let length = show_duration(verdict.end.millis_since(verdict.start));
    html! {
        dl.facts {
            div { dt { "File" } dd { code { (played.file) } } }
            div { dt { "Seed" } dd { (played.seed) } }
            div { dt { "Mode" } dd { (played.mode()) } }
            div { dt { "From" } dd { (date(verdict.start)) } }
            div { dt { "To" } dd { (date(verdict.end)) } }
            div { dt { "City time" } dd { (length) } }
            div { dt { "Wall time" } dd { (show_duration(played.wall_ms as i64)) } }
            @if let Some(log) = played.log {
                div { dt { "Events" } dd { (log.events) } }
                div { dt { "Digest" } dd { code { (format!("{:016x}", log.digest)) } } }
            }
            div { dt { "Energy" } dd { (format!("{:.3} kWh", verdict.record.energy_mwh as f64 / 1e6)) } }
            div { dt { "Version" } dd { (env!("CARGO_PKG_VERSION")) } }
        }
        (command("Again", &played.again))
    }
}

/// A moment with its day, in China.
fn date(at: Timestamp) -> String {
    let local = DateTime::from_timestamp_millis(at.as_millis().saturating_add(LOCAL_OFFSET_MS));
    local.map_or_else(|| at.to_string(), |local| local.format("%Y-%m-%d %H:%M:%S").to_string())
}

/// A line for a shell. It can be scrolled from the keyboard.
fn command(label: &str, line: &str) -> Markup {
    html! { p.command { span.quiet { (label) } " " code { (line) } } }
}

fn outcomes(played: &Played) -> Markup {
    let verdict = &played.verdict;
    html! {
        ol.outcomes {
            @for outcome in &verdict.outcomes {
                (item(outcome.standing, &outcome.name, &html! {
                    (measured(outcome))
                    @if let Some(failure) = &outcome.failure { (explained(played, outcome, failure)) }
                    @else if outcome.standing == Standing::Inconclusive {
                        p { "What it is about never happened: " code { (outcome.says) } }
                        (command("Again", &played.again))
                    }
                }))
            }
            @if verdict.never_begun > 0 {
                (item(Standing::Inconclusive, "every step of the timeline begins", &html! {
                    p { (tables::count(verdict.never_begun, "step", "steps"))
                        " waited for something that never came." }
                }))
            }
        }
        @if verdict.outcomes.is_empty() { p.none { "Nothing was expected." } }
    }
}

fn item(standing: Standing, name: &str, more: &Markup) -> Markup {
    html! {
        li.(class(standing)) {
            span.mark role="img" aria-label=(word(standing)) { (sign(standing)) }
            div { strong { (name) } (more) }
        }
    }
}

fn measured(outcome: &Outcome) -> Markup {
    html! {
        " " span.quiet { (outcome.measured)
            @if let Some(spread) = outcome.spread {
                "; p50 " (show_duration(spread.p50_ms)) ", p99 " (show_duration(spread.p99_ms))
                ", slowest " (show_duration(spread.max_ms))
            }
        }
    }
}

fn explained(played: &Played, outcome: &Outcome, failure: &Failure) -> Markup {
    html! {
        dl.failure {
            dt { "When" } dd { (show_moment(failure.at, played.verdict.start)) }
            @if let Some(entity) = &failure.entity { dt { "About" } dd { (entity) } }
            dt { "Expected" } dd { (failure.expected) " – " code { (outcome.says) } }
            dt { "Seen" } dd { (failure.seen) }
            @if outcome.failures > 1 { dt { "More" } dd { (outcome.failures - 1) " like it" } }
        }
        @if !failure.before.is_empty() {
            p.quiet { "The last events before it" }
            pre tabindex="0" { (failure.before.join("\n")) }
        }
        (command("Again", &played.again))
    }
}

fn span(verdict: &Verdict) -> Span {
    Span { start: verdict.start, end: verdict.end }
}

fn timeline(verdict: &Verdict) -> Result<Markup> {
    let marks = marks::of(verdict);
    let label = format!(
        "{} from {} to {}",
        tables::count(marks.len(), "mark", "marks"),
        show_moment(verdict.start, verdict.start),
        show_moment(verdict.end, verdict.start)
    );
    Ok(html! {
        p.axis { (date(verdict.start)) " to " (date(verdict.end)) }
        (lanes(span(verdict), &label, &marks)?)
        (tables::left_out(verdict))
        @if marks.is_empty() { p.none { "Nothing happened." } }
        @else { (tables::marks(&marks, verdict.start)) }
    })
}

fn power(verdict: &Verdict) -> Result<Markup> {
    let samples = &verdict.record.samples;
    let most_mw = samples.iter().map(|sample| sample.power_mw).max().unwrap_or(0);
    let (unit, unit_mw) = match most_mw {
        ..10_000_000 => ("W", 1e3),
        10_000_000..10_000_000_000 => ("kW", 1e6),
        _ => ("MW", 1e9),
    };
    let points: Vec<_> = samples.iter().map(|sample| (sample.at, sample.power_mw as f64 / unit_mw)).collect();
    let label =
        format!("Power of all luminaires over time [{unit}], at most {:.3}", most_mw as f64 / unit_mw);
    Ok(html! {
        h3 { "Power [" (unit) "]" }
        p.axis { "What all luminaires draw, as far as they told." }
        (chart::curve(span(verdict), &label, &points, false)?)
        (tables::samples("Power, as a table", unit, &points, verdict.start))
    })
}

fn lit(verdict: &Verdict) -> Result<Markup> {
    let points: Vec<_> = verdict.record.samples.iter().map(|sample| (sample.at, sample.lit as f64)).collect();
    let most = verdict.record.samples.iter().map(|sample| sample.lit).max().unwrap_or(0);
    let label = format!("Luminaires that give light over time, at most {most}");
    Ok(html! {
        (chart::curve(span(verdict), &label, &points, true)?)
        (tables::samples("Luminaires lit, as a table", "lit", &points, verdict.start))
    })
}
