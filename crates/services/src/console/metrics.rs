//! `GET /metrics`: what this process counts, and how the city is, in Prometheus' text format.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use eid::EidEvent;
use medpay::PayEvent;
use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{Counter, Gauge, TEXT_FORMAT};
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;
use wire::EventBody;

use super::App;
use super::events::LISTENERS_MAX;
use super::view::LampFigures;
use crate::broker::{Counters, Inside};
use crate::health::State as Condition;
use crate::http::Problem;
use crate::metrics::metrics;

/// What stands elsewhere, as it is now.
struct Figures {
    lamps: LampFigures,
    heard: u64,
    listeners: usize,
    broker: Option<Inside>,
}

impl Figures {
    fn of(app: &App) -> Self {
        let (lamps, heard) = {
            let view = app.view();
            (view.lamp_figures(), view.heard())
        };
        let listeners = LISTENERS_MAX - app.listeners.available_permits();
        Self { lamps, heard, listeners, broker: app.broker.clone() }
    }

    fn count(&self, of: fn(&Counters) -> &AtomicU64) -> Option<f64> {
        let broker = self.broker.as_ref()?;
        Some(of(&broker.counters).load(Ordering::Relaxed) as f64)
    }
}

/// A figure that is read when it is asked for; `None` = there is none, without a broker in this process.
struct Reading {
    name: &'static str,
    help: &'static str,
    read: fn(&Figures) -> Option<f64>,
}

const fn reading(name: &'static str, help: &'static str, read: fn(&Figures) -> Option<f64>) -> Reading {
    Reading { name, help, read }
}

const READINGS: &[Reading] = &[
    reading("kitecity_luminaires_online", "Luminaires on the bus.", |now| Some(now.lamps.online as f64)),
    reading("kitecity_luminaires_lit", "Luminaires that give light.", |now| Some(now.lamps.lit as f64)),
    reading(
        "kitecity_luminaires_power_watts",
        "What all luminaires draw, by their latest readings.",
        |now| Some(now.lamps.power_mw as f64 / 1e3),
    ),
    reading("kitecity_luminaires_energy_joules", "What the meters of all luminaires show together.", |now| {
        Some(now.lamps.energy_kwh * 3.6e6)
    }),
    reading("kitecity_alarms_open", "Alarms of the CMS that have not ended.", |now| {
        Some(now.lamps.alarms as f64)
    }),
    reading("kitecity_console_messages_heard_total", "Messages the console heard on the bus.", |now| {
        Some(now.heard as f64)
    }),
    reading("kitecity_sse_listeners", "Browsers that listen to events; at most 64.", |now| {
        Some(now.listeners as f64)
    }),
    reading("kitecity_broker_connections", "Connections to the embedded broker.", |now| {
        now.broker.as_ref().map(|broker| broker.cuts.connections() as f64)
    }),
    reading(
        "kitecity_broker_connects_refused_total",
        "Logins refused: wrong password, wrong client id, or a will on a foreign topic.",
        |now| now.count(|counters| &counters.refused_connects),
    ),
    reading("kitecity_broker_publishes_refused_total", "Messages refused for their topic.", |now| {
        now.count(|counters| &counters.refused_publishes)
    }),
    reading("kitecity_broker_subscribes_refused_total", "Subscriptions refused for their filter.", |now| {
        now.count(|counters| &counters.refused_subscribes)
    }),
    reading(
        "kitecity_broker_not_in_time_total",
        "Connections closed because their client was not let in within 10 s.",
        |now| now.count(|counters| &counters.not_in_time),
    ),
    reading(
        "kitecity_broker_crowded_out_total",
        "Connections closed because 4,000 came after them whose clients were not let in either.",
        |now| now.count(|counters| &counters.crowded_out),
    ),
    reading(
        "kitecity_broker_rate_limited_total",
        "Messages of devices beyond 100 in one second, which were dropped.",
        |now| now.count(|counters| &counters.limited),
    ),
    reading(
        "kitecity_broker_deliveries_dropped_total",
        "Deliveries dropped: a receiver's queue was full, it went away, or the message expired.",
        |now| now.count(|counters| &counters.dropped),
    ),
    reading("kitecity_broker_retained_messages", "Messages retained; at most 600,000.", |now| {
        now.count(|counters| &counters.retained)
    }),
    reading("kitecity_broker_retained_bytes", "Their topics and payloads; at most 512 MiB.", |now| {
        now.count(|counters| &counters.retained_bytes)
    }),
    reading(
        "kitecity_broker_unretained_total",
        "Messages not retained because there were too many; delivered all the same.",
        |now| now.count(|counters| &counters.unretained),
    ),
];

impl Reading {
    /// As Prometheus' conventions have it, what is named `_total` only grows.
    fn is_counter(&self) -> bool {
        self.name.ends_with("_total")
    }

    fn family(&self, value: f64) -> prometheus::Result<Vec<MetricFamily>> {
        if self.is_counter() {
            let counter = Counter::new(self.name, self.help)?;
            counter.inc_by(value);
            return Ok(counter.collect());
        }
        let gauge = Gauge::new(self.name, self.help)?;
        gauge.set(value);
        Ok(gauge.collect())
    }
}

/// Everything in one text.
pub(crate) async fn scrape(State(app): State<App>) -> Result<Response, Problem> {
    for (role, state) in app.health.states(Instant::now()) {
        let up = metrics().role_up.with_label_values(&[&role.to_string()]);
        up.set((state == Condition::Well).into());
    }
    let text = text(&Figures::of(&app)).map_err(|error| {
        tracing::error!(%error, "metrics cannot be told");
        let detail = "metrics cannot be told; the log says why";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "metrics_broken", detail)
    })?;
    Ok(([(header::CONTENT_TYPE, TEXT_FORMAT)], text).into_response())
}

fn text(figures: &Figures) -> prometheus::Result<String> {
    let mut readings = Vec::new();
    for reading in READINGS {
        if let Some(value) = (reading.read)(figures) {
            readings.extend(reading.family(value)?);
        }
    }
    metrics().text(readings)
}

/// Counts what a service tells everyone, if it is a verdict or a settlement.
pub(crate) fn count(event: &EventBody) {
    let verdict = |word: &str| metrics().verifications.with_label_values(&[word]).inc();
    let outcome = |word: &str| metrics().settlements.with_label_values(&[word]).inc();
    match event {
        EventBody::Eid(EidEvent::Verified { .. }) => verdict("accepted"),
        EventBody::Eid(EidEvent::Rejected { reason, .. }) => verdict(&code(reason)),
        EventBody::Pay(PayEvent::BillSettled { .. }) => outcome("settled"),
        EventBody::Pay(PayEvent::BillReversed { .. }) => outcome("reversed"),
        EventBody::Pay(PayEvent::BillReleased { .. }) => outcome("released"),
        EventBody::Pay(PayEvent::SettlementRefused { refusal, .. }) => outcome(&code(refusal)),
        _ => {}
    }
}

/// The code of a refusal: its word on the bus, without what it says of the case.
fn code(refusal: &impl Serialize) -> String {
    match serde_json::to_value(refusal) {
        Ok(Value::String(code)) => code,
        Ok(value) => value["code"].as_str().unwrap_or("unknown").to_owned(),
        Err(_) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::metrics::row;

    const MANUAL: &str = include_str!("../../../../docs/metrics.md");

    #[test]
    fn the_manual_has_a_row_for_each_family_and_no_other() {
        let kind = |reading: &Reading| if reading.is_counter() { "counter" } else { "gauge" };
        let read = READINGS.iter().map(|reading| row(reading.name, kind(reading), &[], reading.help));
        let made: BTreeSet<String> = metrics().rows().into_iter().chain(read).collect();
        let written: BTreeSet<String> =
            MANUAL.lines().filter(|line| line.starts_with("| `kitecity_")).map(str::to_owned).collect();
        let missing: Vec<&String> = made.difference(&written).collect();
        let invented: Vec<&String> = written.difference(&made).collect();
        assert!(missing.is_empty() && invented.is_empty(), "missing: {missing:#?}\ninvented: {invented:#?}");
    }

    #[test]
    fn names_are_distinct_and_follow_the_conventions() {
        let rows = metrics().rows();
        let made = rows.iter().map(|row| {
            let mut cells = row.split(" | ");
            (cells.next().unwrap().trim_start_matches("| ").trim_matches('`'), cells.next().unwrap())
        });
        let mut names = BTreeSet::new();
        for (name, kind) in made {
            assert!(names.insert(name.to_owned()), "{name} twice");
            assert_eq!(name.ends_with("_total"), kind == "counter", "{name} is a {kind}");
        }
        for reading in READINGS {
            assert!(names.insert(reading.name.to_owned()), "{} twice", reading.name);
        }
        assert!(names.iter().all(|name| name.starts_with("kitecity_")), "{names:?}");
    }

    #[test]
    fn without_a_broker_in_this_process_nothing_is_said_of_one() {
        let figures = Figures { lamps: LampFigures::default(), heard: 7, listeners: 0, broker: None };
        let text = text(&figures).unwrap();
        assert!(!text.contains("kitecity_broker_connections"), "{text}");
        assert!(text.contains("\nkitecity_console_messages_heard_total 7\n"), "{text}");
    }

    #[test]
    fn a_refusal_is_counted_by_its_code_alone() {
        assert_eq!(code(&eid::RefusalReason::QrEmpty), "qr_empty");
        let refusal = medpay::PayRefusal::BillTotalMismatch { expected: 1, got: 2 };
        assert_eq!(code(&refusal), "bill_total_mismatch");
    }
}
