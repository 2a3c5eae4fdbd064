//! One scenario with many seeds.

use std::fmt::Write as _;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use lighting::AstroTable;
use medpay::Policy;
use scenario::{RunOptions, Script, Standing};

use super::virtually;
use crate::out;

/// Seeds from the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SeedRange {
    first: u64,
    last: u64,
}

impl FromStr for SeedRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected a range such as 1..1000, got `{text}`");
        let (first, last) = text.split_once("..").ok_or_else(wrong)?;
        let number = |text: &str| text.trim().parse().map_err(|_| wrong());
        let (first, last) = (number(first)?, number(last.trim_start_matches('='))?);
        if first > last {
            return Err(format!("`{text}` is backwards: write {last}..{first}"));
        }
        Ok(Self { first, last })
    }
}

/// What came of all seeds.
#[derive(Debug, Default)]
struct Tally {
    passed: u64,
    inconclusive: Option<u64>,
    failed: Vec<u64>,
    broken: Option<anyhow::Error>,
}

/// Plays `script` with every seed, on all cores: one run, one thread.
pub(super) fn explore(
    script: &Script,
    range: SeedRange,
    policy: &Policy,
    options: &RunOptions,
    sun: &Arc<AstroTable>,
    json: bool,
) -> Result<Standing> {
    let next = AtomicU64::new(range.first);
    let tally = Mutex::new(Tally::default());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > range.last || seed < range.first {
                        return;
                    }
                    let played = virtually::play(script, seed, policy, options, sun);
                    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                    match played.map(|played| played.verdict.standing()) {
                        Ok(Standing::Passed) => tally.passed += 1,
                        Ok(Standing::Inconclusive) => {
                            tally.inconclusive = Some(tally.inconclusive.unwrap_or(seed).min(seed));
                        }
                        Ok(Standing::Failed) => tally.failed.push(seed),
                        Err(error) => tally.broken = Some(error),
                    }
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = tally.broken {
        return Err(error).context("a seed broke");
    }
    tell(script, range, &tally, json)
}

fn tell(script: &Script, range: SeedRange, tally: &Tally, json: bool) -> Result<Standing> {
    let smallest = tally.failed.iter().copied().min();
    let standing = match (smallest, tally.inconclusive) {
        (Some(_), _) => Standing::Failed,
        (None, Some(_)) => Standing::Inconclusive,
        (None, None) => Standing::Passed,
    };
    if json {
        let line = serde_json::json!({
            "file": script.file_name(), "scenario": script.title(), "first_seed": range.first,
            "last_seed": range.last, "passed": tally.passed, "failed": tally.failed.len(),
            "smallest_failing_seed": smallest, "smallest_inconclusive_seed": tally.inconclusive,
        });
        out::line(&line.to_string())?;
        return Ok(standing);
    }
    let mark = super::print::Colours::usual().mark(standing);
    let seeds = range.last - range.first + 1;
    let mut text = format!(
        "{mark} {}  ({}): {} of {seeds} seeds passed",
        script.title(),
        script.file_name(),
        tally.passed
    );
    if let Some(seed) = smallest {
        let _ = write!(text, "\n  {} failed, the smallest is {seed}", tally.failed.len());
        let _ = write!(text, "\n  again: kitecity run {} --seed {seed}", script.file_name());
    }
    if let Some(seed) = tally.inconclusive {
        let _ = write!(text, "\n  nothing was tested with seed {seed}, the smallest of its kind");
    }
    out::line(&text)?;
    Ok(standing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_without_end_or_backwards_are_refused() {
        for text in ["", "5", "5..", "..5", "a..b", "9..3", "-1..4"] {
            assert!(text.parse::<SeedRange>().is_err(), "{text}");
        }
        assert_eq!("1..1000".parse(), Ok(SeedRange { first: 1, last: 1_000 }));
    }
}
