//! What this process counts, for Prometheus.
//!
//! One registry for the whole process, as it has one log: whatever reaches a bound says so here, without being handed
//! anything. No label names a person, a device or a code; each takes as many values as the program has words for it.

use std::sync::LazyLock;

use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry, Result,
    TextEncoder, exponential_buckets,
};

mod families;

/// What the process has counted since it started.
pub(crate) fn metrics() -> &'static Metrics {
    static ALL: LazyLock<Metrics> = LazyLock::new(Metrics::new);
    &ALL
}

/// Every family that is counted where it happens. What each one is, its help says.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) broker_received: IntCounterVec,
    pub(crate) broker_received_bytes: IntCounterVec,
    pub(crate) broker_delivered: IntCounterVec,
    pub(crate) broker_delivered_bytes: IntCounterVec,
    pub(crate) client_queue_full: IntCounterVec,
    pub(crate) client_refused: IntCounterVec,
    pub(crate) dead_letters: IntCounterVec,
    pub(crate) dead_letters_untold: IntCounterVec,
    pub(crate) outbox: IntGaugeVec,
    pub(crate) outbox_dropped: IntCounterVec,
    pub(crate) questions_refused: IntCounter,
    pub(crate) questions_unanswered: IntCounter,
    pub(crate) journal_commits: IntCounter,
    pub(crate) journal_failures: IntCounter,
    pub(crate) journal_entries: Histogram,
    pub(crate) journal_commit: Histogram,
    pub(crate) verifications: IntCounterVec,
    pub(crate) settlements: IntCounterVec,
    pub(crate) role_up: IntGaugeVec,
    pub(crate) role_entries: IntGaugeVec,
    pub(crate) role_entries_max: IntGaugeVec,
    pub(crate) http_requests: IntCounterVec,
    pub(crate) http_latency: HistogramVec,
    pub(crate) http_connections_refused: IntCounter,
    pub(crate) http_rate_limited: IntCounter,
    pub(crate) http_timeouts: IntCounter,
    pub(crate) listeners_refused: IntCounter,
    pub(crate) listeners_lagged: IntCounter,
    pub(crate) pairings_refused: IntCounterVec,
    pub(crate) forgotten: IntCounterVec,
    families: Families,
}

impl Metrics {
    /// Everything, and `readings` of what stands elsewhere, in Prometheus' text format.
    ///
    /// # Errors
    ///
    /// [`prometheus::Error`] if two families have the same name.
    pub(crate) fn text(&self, readings: Vec<MetricFamily>) -> Result<String> {
        let mut all = self.families.registry.gather();
        all.extend(readings);
        all.sort_by(|one, other| one.name().cmp(other.name()));
        TextEncoder::new().encode_to_string(&all)
    }

    /// One row for each family, for the manual.
    #[cfg(test)]
    pub(crate) fn rows(&self) -> Vec<String> {
        self.families.rows.clone()
    }
}

/// A row of the table in the manual.
pub(crate) fn row(name: &str, kind: &str, labels: &[&str], help: &str) -> String {
    let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
    format!("| `{name}` | {kind} | {} | {help} |", labels.join(", "))
}

/// Makes families, and knows them.
#[derive(Debug, Default)]
struct Families {
    registry: Registry,
    rows: Vec<String>,
}

impl Families {
    fn counter(&mut self, name: &str, help: &str) -> IntCounter {
        self.keep(row(name, "counter", &[], help), IntCounter::new(name, help))
    }

    fn counters(&mut self, name: &str, labels: &[&str], help: &str) -> IntCounterVec {
        let made = IntCounterVec::new(Opts::new(name, help), labels);
        self.keep(row(name, "counter", labels, help), made)
    }

    fn gauges(&mut self, name: &str, labels: &[&str], help: &str) -> IntGaugeVec {
        self.keep(row(name, "gauge", labels, help), IntGaugeVec::new(Opts::new(name, help), labels))
    }

    /// `first` – the upper end of the first bucket; each of `count` buckets is twice as wide as the one before.
    fn histogram(&mut self, name: &str, first: f64, count: usize, help: &str) -> Histogram {
        let made = Histogram::with_opts(doubling(name, first, count, help));
        self.keep(row(name, "histogram", &[], help), made)
    }

    /// As [`Families::histogram`].
    fn histograms(
        &mut self,
        name: &str,
        labels: &[&str],
        (first, count): (f64, usize),
        help: &str,
    ) -> HistogramVec {
        let made = HistogramVec::new(doubling(name, first, count, help), labels);
        self.keep(row(name, "histogram", labels, help), made)
    }

    fn keep<C: Collector + Clone + 'static>(&mut self, row: String, made: Result<C>) -> C {
        let made = made.expect("names and labels of ours are what Prometheus takes");
        self.registry.register(Box::new(made.clone())).expect("each name is given once");
        self.rows.push(row);
        made
    }
}

fn doubling(name: &str, first: f64, count: usize, help: &str) -> HistogramOpts {
    let buckets = exponential_buckets(first, 2.0, count).expect("positive, and growing");
    HistogramOpts::new(name, help).buckets(buckets)
}
