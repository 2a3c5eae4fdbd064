use serde::Serialize;
use types::Timestamp;

/// How an expectation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It came true.
    Passed,
    /// What it is about never happened, so nothing was tested.
    Inconclusive,
    /// It did not come true.
    Failed,
}

/// How an expectation stands before the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SoFar {
    /// Its time has not come.
    Ahead,
    /// It counts now.
    Watching,
    /// It came true, and nothing can change that.
    CameTrue,
    /// It did not, and nothing can change that.
    Failed,
}

/// Why an expectation did not come true.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// When that was known.
    pub at: Timestamp,
    /// Whom or what it is about, if it is one.
    pub entity: Option<String>,
    /// What was expected.
    pub expected: String,
    /// What was seen instead.
    pub seen: String,
    /// The last messages before it, oldest first.
    pub before: Vec<String>,
}

/// How long what was expected took \[ms of the city's clock\].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Spread {
    /// How many were measured.
    pub count: usize,
    /// Half took no longer.
    pub p50_ms: i64,
    /// 95 of 100 took no longer.
    pub p95_ms: i64,
    /// 99 of 100 took no longer.
    pub p99_ms: i64,
    /// None took longer.
    pub max_ms: i64,
}

impl Spread {
    /// Of these; `None` of none.
    pub(crate) fn of(times_ms: &[i64]) -> Option<Self> {
        let mut sorted = times_ms.to_vec();
        sorted.sort_unstable();
        let rank = |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).max(1) - 1).copied();
        Some(Self {
            count: sorted.len(),
            p50_ms: rank(50)?,
            p95_ms: rank(95)?,
            p99_ms: rank(99)?,
            max_ms: *sorted.last()?,
        })
    }
}

/// What became of one expectation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Its name.
    pub name: String,
    /// What it says.
    pub says: String,
    /// How it stands.
    pub standing: Standing,
    /// What was tested or measured, in words.
    pub measured: String,
    /// How long it took, for `after`.
    pub spread: Option<Spread>,
    /// The first failure.
    pub failure: Option<Failure>,
    /// How many failures there were.
    pub failures: u64,
}
