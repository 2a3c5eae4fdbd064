//! What came of it: a table, a verdict, or JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::audit::Journals;
use super::record::Told;

/// Figures and verdict of a run.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Report {
    pub(super) seed: u64,
    pub(super) luminaires: usize,
    pub(super) network: &'static str,
    /// How long the city was struck \[s\].
    pub(super) seconds: f64,
    /// Blows, by their kind.
    pub(super) blows: BTreeMap<&'static str, u64>,
    /// Processes that ended though nobody struck them.
    pub(super) fallen: Vec<String>,
    pub(super) settlements: usize,
    pub(super) verifications: usize,
    pub(super) commands: u64,
    pub(super) replays_refused: u64,
    pub(super) retries: u64,
    pub(super) given_up: u64,
    /// Alarms and their ends that were seen.
    pub(super) alarms: usize,
    /// How long until every luminaire's actual was its target, after the last client had finished \[s\].
    pub(super) lamps_settled_s: Option<f64>,
    pub(super) journals: Journals,
    /// Promises that were broken.
    pub(super) broken: u64,
    /// How: the first hundred.
    pub(super) broken_words: Vec<String>,
    /// Where data and logs are, if they were kept.
    pub(super) folder: Option<String>,
}

impl Report {
    pub(super) fn passed(&self) -> bool {
        self.broken == 0
    }

    /// Takes over what clients were told.
    pub(super) fn note(&mut self, told: &Told) {
        self.settlements = told.settled.len();
        self.verifications = told.accepted.len();
        self.commands = told.obeyed;
        self.replays_refused = told.replays_refused;
        self.retries = told.retries;
        self.given_up = told.given_up;
        self.broken = told.broken;
        self.broken_words.clone_from(&told.broken_words);
    }

    pub(super) fn lamps_settled(&mut self, after: Duration) {
        self.lamps_settled_s = Some(after.as_secs_f64());
    }

    /// A table, and the verdict.
    pub(super) fn words(&self) -> String {
        let blows: Vec<String> = self.blows.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        let fallen = if self.fallen.is_empty() { "none".to_owned() } else { self.fallen.join(", ") };
        let settled = self.lamps_settled_s.map_or("never".to_owned(), |seconds| format!("{seconds:.1} s"));
        let Journals { entries, settlements, codes, imbalance } = self.journals;
        let rows = [
            ("blows", blows.join(", ")),
            ("ended by itself", fallen),
            (
                "acknowledged",
                format!(
                    "{} settlements, {} verifications, {} commands",
                    self.settlements, self.verifications, self.commands
                ),
            ),
            (
                "in the journals",
                format!("{entries} entries: {settlements} settlements, {codes} codes accepted"),
            ),
            ("ledger adds up to", imbalance.to_string()),
            ("used codes refused", self.replays_refused.to_string()),
            ("asked again", format!("{} times; {} given up without an answer", self.retries, self.given_up)),
            ("actual = target", format!("{settled} after the last client had finished")),
            ("alarms and ends seen", self.alarms.to_string()),
        ];
        let mut lines = vec![format!(
            "chaos: seed {}, {:.0} s, {} luminaires, network {}",
            self.seed, self.seconds, self.luminaires, self.network
        )];
        lines.extend(rows.map(|(what, figure)| format!("  {what:<20} {figure}")));
        lines.extend(self.broken_words.iter().map(|words| format!("  BROKEN  {words}")));
        if let Some(folder) = &self.folder {
            lines.push(format!("  data and logs are in {folder}"));
        }
        lines.push(if self.passed() {
            "nothing acknowledged was lost, nothing was done twice".to_owned()
        } else {
            format!("{} promises were broken", self.broken)
        });
        lines.join("\n")
    }
}
