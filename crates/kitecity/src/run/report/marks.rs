//! What happened in a run, on one line of time.

use scenario::Verdict;
use types::Timestamp;

use super::tables::yuan;

/// Something that happened.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) at: Timestamp,
    pub(super) lane: Lane,
    /// In words.
    pub(super) what: String,
}

/// What kind of thing, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    Settled,
    Cleared,
    Raised,
    Failed,
}

impl Lane {
    pub(super) const ALL: [Self; 4] = [Self::Settled, Self::Cleared, Self::Raised, Self::Failed];

    /// Its middle, in a chart whose lanes are 1 high.
    pub(super) fn height(self) -> f64 {
        f64::from(self as u8) + 0.5
    }

    /// The lane at this height.
    pub(super) fn at(height: f64) -> Self {
        Self::ALL[(height as usize).min(Self::ALL.len() - 1)]
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Cleared => "cleared",
            Self::Raised => "alarm",
            Self::Failed => "failed",
        }
    }
}

impl Mark {
    pub(super) fn place(&self) -> (i64, f64) {
        (self.at.as_millis(), self.lane.height())
    }
}

/// Alarms, settlements, and the first failure of each expectation, in order.
pub(super) fn of(verdict: &Verdict) -> Vec<Mark> {
    let failures = verdict.outcomes.iter().filter_map(|outcome| {
        let failure = outcome.failure.as_ref()?;
        Some(Mark { at: failure.at, lane: Lane::Failed, what: outcome.name.clone() })
    });
    let alarms = verdict.record.alarms.iter().map(|alarm| Mark {
        at: alarm.at,
        lane: if alarm.raised { Lane::Raised } else { Lane::Cleared },
        what: format!("{} of {}", alarm.kind, alarm.lamp),
    });
    let settlements = verdict.record.settlements.iter().map(|row| Mark {
        at: row.at,
        lane: Lane::Settled,
        what: format!("{}, {}", row.bill, yuan(row.parts.total_fen)),
    });
    let mut marks: Vec<Mark> = failures.chain(alarms).chain(settlements).collect();
    marks.sort_by_key(|mark| mark.at);
    marks
}
