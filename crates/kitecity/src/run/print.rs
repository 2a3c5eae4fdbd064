//! What came of a run, in the terminal.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use anyhow::{Context as _, Result};
use scenario::{Outcome, Standing, Verdict, show_duration, show_moment};

use super::{Played, RunArgs};
use crate::out;

/// Prints one run: text, or a line of JSON.
pub(super) fn played(played: &Played, args: &RunArgs) -> Result<()> {
    if args.json {
        return out::line(&serde_json::to_string(played).context("a verdict is not JSON")?);
    }
    out::line(text(played, Colours::usual()).trim_end())
}

/// Whether marks are coloured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Colours(bool);

impl Colours {
    /// On a terminal, unless `NO_COLOR` is set.
    pub(super) fn usual() -> Self {
        Self(
            std::io::stdout().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        )
    }

    pub(super) fn mark(self, standing: Standing) -> String {
        let (sign, colour) = match standing {
            Standing::Passed => ("✓", 32),
            Standing::Inconclusive => ("?", 33),
            Standing::Failed => ("✗", 31),
        };
        if self.0 { format!("\x1b[{colour}m{sign}\x1b[0m") } else { sign.to_owned() }
    }
}

fn text(played: &Played, colours: Colours) -> String {
    let verdict = &played.verdict;
    let mut text = String::new();
    let how = if played.live { "live" } else { "virtual" };
    let length = show_duration(verdict.end.millis_since(verdict.start));
    let _ = writeln!(
        text,
        "{}  ({}, seed {}, {how}, {length} in {} ms)",
        verdict.scenario, played.file, played.seed, played.wall_ms
    );
    for outcome in &verdict.outcomes {
        let _ = writeln!(text, "  {} {}{}", colours.mark(outcome.standing), outcome.name, measured(outcome));
        explain(&mut text, outcome, verdict);
    }
    if verdict.never_begun > 0 {
        let _ = writeln!(
            text,
            "  {} {} steps waited for something that never came",
            colours.mark(Standing::Inconclusive),
            verdict.never_begun
        );
    }
    if verdict.standing() != Standing::Passed {
        let live = if played.live { " --live" } else { "" };
        let _ = writeln!(text, "  again: kitecity run {} --seed {}{live}", played.file, played.seed);
    }
    if let Some(log) = played.log {
        let _ = writeln!(text, "  {} events, digest {:016x}", log.events, log.digest);
    }
    text
}

fn measured(outcome: &Outcome) -> String {
    match outcome.spread {
        Some(spread) => format!(
            "  ({}; p50 {}, p99 {}, slowest {})",
            outcome.measured,
            show_duration(spread.p50_ms),
            show_duration(spread.p99_ms),
            show_duration(spread.max_ms)
        ),
        None => format!("  ({})", outcome.measured),
    }
}

fn explain(text: &mut String, outcome: &Outcome, verdict: &Verdict) {
    match (&outcome.failure, outcome.standing) {
        (Some(failure), _) => {
            let who = failure.entity.as_deref().map_or(String::new(), |entity| format!("  {entity}"));
            let _ = writeln!(text, "      {}{who}", show_moment(failure.at, verdict.start));
            let _ = writeln!(text, "      expected  {} – {}", failure.expected, outcome.says);
            let _ = writeln!(text, "      seen      {}", failure.seen);
            if outcome.failures > 1 {
                let _ = writeln!(text, "      and {} more like it", outcome.failures - 1);
            }
            for line in &failure.before {
                let _ = writeln!(text, "        {line}");
            }
        }
        (None, Standing::Inconclusive) => {
            let _ = writeln!(text, "      nothing was tested: {}", outcome.says);
        }
        _ => {}
    }
}
