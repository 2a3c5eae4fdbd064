//! What came of a run, in the terminal.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use anyhow::{Context as _, Result};
use scenario::{Outcome, Standing, Verdict, show_duration, show_moment};

use super::seeds::Explored;
use super::{Played, RunArgs};
use crate::out;

/// Prints one run: text, or a line of JSON.
pub(super) fn played(played: &Played, args: &RunArgs) -> Result<()> {
    if args.json {
        return out::line(&serde_json::to_string(played).context("a verdict is not JSON")?);
    }
    out::line(text(played, Colours::usual()).trim_end())
}

/// Prints what came of many seeds: text, or a line of JSON.
pub(super) fn explored(explored: &Explored, args: &RunArgs) -> Result<()> {
    if args.json {
        return out::line(&serde_json::to_string(explored).context("a verdict is not JSON")?);
    }
    let mark = Colours::usual().mark(explored.standing());
    let Explored { scenario, file, passed, .. } = explored;
    let mut text = format!("{mark} {scenario}  ({file}): {passed} of {} seeds passed", explored.seeds());
    if let Some(seed) = explored.failed.first() {
        let _ = write!(text, "\n  {} failed, the smallest is {seed}", explored.failed.len());
    }
    if let Some(seed) = explored.inconclusive.first() {
        let _ = write!(text, "\n  nothing was tested with seed {seed}, the smallest of its kind");
    }
    if let Some(again) = &explored.again {
        let _ = write!(text, "\n  again: {again}");
    }
    out::line(&text)
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
    let length = show_duration(verdict.end.millis_since(verdict.start));
    let _ = writeln!(
        text,
        "{}  ({}, seed {}, {}, {length} in {} ms)",
        verdict.scenario,
        played.file,
        played.seed,
        played.mode(),
        played.wall_ms
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
        let _ = writeln!(text, "  again: {}", played.again);
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

#[cfg(test)]
mod tests {
    use scenario::{AlarmRow, Failure, LedgerRow, Record, Sample, SettlementRow, Spread};
    use types::Timestamp;

    use super::super::Log;
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn record() -> Record {
        let parts = LedgerRow { total_fen: 6, pool_fen: 3, account_fen: 2, cash_fen: 1 };
        let alarm = AlarmRow { at: at(5), lamp: "l-0001".into(), kind: "lamp_failure".into(), raised: true };
        Record {
            samples: vec![Sample { at: at(1), power_mw: 2, lit: 3 }],
            alarms: vec![alarm],
            settlements: vec![SettlementRow { at: at(6), bill: "b-1".into(), parts }],
            messages: vec![("lamp.state", 4)],
            energy_mwh: 7,
            ledger: parts,
        }
    }

    fn played() -> Played {
        let failure = Failure {
            at: at(8),
            entity: Some("l-0001".into()),
            expected: "this".into(),
            seen: "that".into(),
            before: vec!["a line".into()],
        };
        let outcome = Outcome {
            name: "one".into(),
            says: "after x, y".into(),
            standing: Standing::Failed,
            measured: "1 times".into(),
            spread: Some(Spread { count: 1, p50_ms: 2, p95_ms: 3, p99_ms: 3, max_ms: 4 }),
            failure: Some(failure),
            failures: 2,
        };
        let verdict = Verdict {
            scenario: "Dusk".into(),
            start: at(0),
            end: at(9),
            outcomes: vec![outcome],
            never_begun: 0,
            record: record(),
        };
        Played {
            file: "a.toml".into(),
            seed: 7,
            live: false,
            wall_ms: 10,
            again: "kitecity run a.toml --seed 7".into(),
            log: Some(Log { events: 11, digest: 0xab }),
            verdict,
        }
    }

    /// Programs read this: a change is a change for them.
    #[test]
    fn a_line_of_json_has_the_documented_shape() {
        let golden = concat!(
            r#"{"file":"a.toml","seed":7,"live":false,"wall_ms":10,"again":"kitecity run a.toml --seed 7","#,
            r#""log":{"events":11,"digest":"00000000000000ab"},"scenario":"Dusk","start":0,"end":9,"#,
            r#""outcomes":[{"name":"one","says":"after x, y","standing":"failed","measured":"1 times","#,
            r#""spread":{"count":1,"p50_ms":2,"p95_ms":3,"p99_ms":3,"max_ms":4},"failure":{"at":8,"entity":"l-0001","#,
            r#""expected":"this","seen":"that","before":["a line"]},"failures":2}],"never_begun":0,"#,
            r#""record":{"samples":[{"at":1,"power_mw":2,"lit":3}],"#,
            r#""alarms":[{"at":5,"lamp":"l-0001","kind":"lamp_failure","raised":true}],"#,
            r#""settlements":[{"at":6,"bill":"b-1","total_fen":6,"pool_fen":3,"account_fen":2,"cash_fen":1}],"#,
            r#""messages":[["lamp.state",4]],"energy_mwh":7,"#,
            r#""ledger":{"total_fen":6,"pool_fen":3,"account_fen":2,"cash_fen":1}}}"#,
        );
        assert_eq!(serde_json::to_string(&played()).unwrap(), golden);
    }

    #[test]
    fn a_line_of_json_about_many_seeds_has_the_documented_shape() {
        let explored = Explored {
            file: "a.toml".into(),
            scenario: "Dusk".into(),
            first_seed: 1,
            last_seed: 4,
            wall_ms: 10,
            passed: 2,
            failed: vec![3],
            inconclusive: vec![4],
            again: Some("kitecity run a.toml --seed 3".into()),
            kept: vec![played()],
        };
        let golden = concat!(
            r#"{"file":"a.toml","scenario":"Dusk","first_seed":1,"last_seed":4,"wall_ms":10,"passed":2,"#,
            r#""failed":[3],"inconclusive":[4],"again":"kitecity run a.toml --seed 3"}"#,
        );
        assert_eq!(serde_json::to_string(&explored).unwrap(), golden);
    }
}
