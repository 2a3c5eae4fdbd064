//! One scenario with many seeds.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result};
use scenario::{Record, Standing};

use super::cores::on_all_cores;
use super::progress::SeedsBar;
use super::{Job, Played, virtually};

/// The most runs that are kept for a JUnit file.
const KEPT_MAX: usize = 1_000;

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

/// One scenario, played with many seeds.
///
/// With `--json` it is a line such as this one, here folded:
///
/// ```json
/// {"file": "a.toml", "scenario": "First night", "first_seed": 1, "last_seed": 1000, "wall_ms": 81200, "passed": 997,
///  "failed": [12, 510], "inconclusive": [77], "again": "kitecity run a.toml --seed 12"}
/// ```
///
/// `again` plays the smallest seed that failed or, if none did, with which nothing was tested; `null` if all passed.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub(crate) struct Explored {
    /// The file.
    pub(crate) file: String,
    /// The scenario's name.
    pub(crate) scenario: String,
    pub(crate) first_seed: u64,
    pub(crate) last_seed: u64,
    /// How long all took \[wall ms\].
    pub(crate) wall_ms: u64,
    /// How many passed.
    pub(crate) passed: u64,
    /// The seeds that failed, ascending.
    pub(crate) failed: Vec<u64>,
    /// The seeds with which nothing was tested, ascending.
    pub(crate) inconclusive: Vec<u64>,
    /// The command that plays the smallest of the worst once more.
    pub(crate) again: Option<String>,
    /// Runs for reports, the worst first, then by seed. Only the first still has its record.
    #[serde(skip)]
    pub(crate) kept: Vec<Played>,
}

impl Explored {
    /// The worst of all.
    pub(crate) fn standing(&self) -> Standing {
        match (self.failed.is_empty(), self.inconclusive.is_empty()) {
            (false, _) => Standing::Failed,
            (true, false) => Standing::Inconclusive,
            (true, true) => Standing::Passed,
        }
    }

    /// How many seeds there were.
    pub(crate) fn seeds(&self) -> u64 {
        self.passed + (self.failed.len() + self.inconclusive.len()) as u64
    }
}

/// What came of the seeds so far.
#[derive(Debug, Default)]
struct Tally {
    explored: Explored,
    kept: BTreeMap<(Reverse<Standing>, u64), Played>,
}

impl Tally {
    fn add(&mut self, played: Played, kept_max: usize) {
        let standing = played.verdict.standing();
        match standing {
            Standing::Passed => self.explored.passed += 1,
            Standing::Inconclusive => self.explored.inconclusive.push(played.seed),
            Standing::Failed => self.explored.failed.push(played.seed),
        }
        self.kept.insert((Reverse(standing), played.seed), played);
        if self.kept.len() > kept_max {
            self.kept.pop_last();
        }
        // Records are large, and only the first run is told in full.
        for other in self.kept.values_mut().skip(1) {
            other.verdict.record = Record::default();
        }
    }

    fn conclude(self, job: Job<'_>, range: SeedRange, wall_ms: u64) -> Explored {
        let mut explored = self.explored;
        explored.failed.sort_unstable();
        explored.inconclusive.sort_unstable();
        let worst = explored.failed.first().or_else(|| explored.inconclusive.first()).copied();
        Explored {
            file: job.script.file_name().to_owned(),
            scenario: job.script.title().to_owned(),
            first_seed: range.first,
            last_seed: range.last,
            wall_ms,
            again: worst.map(|seed| job.again(seed)),
            kept: self.kept.into_values().collect(),
            ..explored
        }
    }
}

/// Plays a scenario with every seed, on all cores: one run, one thread.
pub(super) fn explore(job: Job<'_>, range: SeedRange) -> Result<Explored> {
    let began = Instant::now();
    let next = AtomicU64::new(range.first);
    let tally = Mutex::new(Tally::default());
    let bar = SeedsBar::new(Some((range.last - range.first).saturating_add(1)));
    let kept_max = if job.args.junit.is_some() { KEPT_MAX } else { 1 };
    on_all_cores(|| {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed > range.last || seed < range.first {
                return Ok(());
            }
            let played = virtually::play(job, seed).context("a seed broke")?;
            let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
            tally.add(played, kept_max);
            bar.step(tally.explored.failed.len());
        }
    })?;
    drop(bar);
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    let explored = tally.conclude(job, range, began.elapsed().as_millis() as u64);
    if job.args.junit.is_some() && explored.seeds() > KEPT_MAX as u64 {
        eprintln!(
            "--junit: {KEPT_MAX} of {} runs are in the file, those that failed first",
            explored.seeds()
        );
    }
    Ok(explored)
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
