use lighting::AlarmChange;
use medpay::PayEvent;
use serde::Serialize;
use types::Timestamp;
use wire::{EventBody, Message};

use crate::expr::World;
use crate::facts::KINDS;
use crate::judge::Moment;

/// Points of a curve, besides the first.
const SAMPLES: i64 = 240;
/// The most alarms and settlements that are kept one by one; the rest is only counted.
const ROWS_MAX: usize = 1_000;

/// What was measured during a scenario: for reports.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Record {
    /// How the city looked, at even distances in time.
    pub samples: Vec<Sample>,
    /// Alarms, in order; at most 1,000.
    pub alarms: Vec<AlarmRow>,
    /// Bills paid, in order; at most 1,000.
    pub settlements: Vec<SettlementRow>,
    /// How many messages there were of each kind that came.
    pub messages: Vec<(&'static str, u64)>,
    /// What all luminaires used, as far as they told \[mWh\].
    pub energy_mwh: u64,
    /// What all bills paid add up to.
    pub ledger: LedgerRow,
}

/// The city at a moment.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// What all luminaires draw, as far as they told \[mW\].
    pub power_mw: u64,
    /// How many give light.
    pub lit: usize,
}

/// An alarm.
#[derive(Clone, Debug, Serialize)]
pub struct AlarmRow {
    /// When.
    pub at: Timestamp,
    /// Whose.
    pub lamp: String,
    /// What kind.
    pub kind: String,
    /// Raised, or cleared.
    pub raised: bool,
}

/// A bill paid.
#[derive(Clone, Debug, Serialize)]
pub struct SettlementRow {
    /// When.
    pub at: Timestamp,
    /// Which.
    pub bill: String,
    /// Who paid what.
    #[serde(flatten)]
    pub parts: LedgerRow,
}

/// Who paid what \[fen\].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LedgerRow {
    /// All of it.
    pub total_fen: i64,
    /// The pooled fund.
    pub pool_fen: i64,
    /// The personal account.
    pub account_fen: i64,
    /// The beneficiary.
    pub cash_fen: i64,
}

/// Measures.
#[derive(Debug)]
pub(crate) struct Recorder {
    record: Record,
    counts: Vec<u64>,
    next: Option<Timestamp>,
    period_ms: i64,
    end: Timestamp,
}

impl Recorder {
    pub(crate) fn new(start: Timestamp, end: Timestamp) -> Self {
        let period_ms = (end.millis_since(start) / SAMPLES).max(1);
        Self { record: Record::default(), counts: vec![0; KINDS.len()], next: Some(start), period_ms, end }
    }

    pub(crate) fn wakes_at(&self) -> Option<Timestamp> {
        self.next
    }

    pub(crate) fn wake(&mut self, now: Timestamp, world: &World) {
        if let Some(due) = self.next.filter(|due| *due <= now) {
            self.sample(now, world);
            self.next = Some(due.plus_millis(self.period_ms)).filter(|next| *next < self.end);
        }
    }

    pub(crate) fn observe(&mut self, moment: &Moment<'_>) {
        let (now, Some((kind, message))) = (moment.now, moment.message) else { return };
        self.counts[kind] += 1;
        let Message::Event(event) = message else { return };
        match &event.body {
            EventBody::Alarm(alarm) if self.record.alarms.len() < ROWS_MAX => {
                self.record.alarms.push(AlarmRow {
                    at: now,
                    lamp: alarm.luminaire.to_string(),
                    kind: crate::facts::Value::word(&alarm.kind).to_string(),
                    raised: alarm.change == AlarmChange::Raised,
                });
            }
            EventBody::Pay(PayEvent::BillSettled { bill, split, .. }) => {
                let parts = LedgerRow {
                    total_fen: split.total.get(),
                    pool_fen: split.pool.get(),
                    account_fen: split.account.get(),
                    cash_fen: split.cash.get(),
                };
                let sum = &mut self.record.ledger;
                sum.total_fen += parts.total_fen;
                sum.pool_fen += parts.pool_fen;
                sum.account_fen += parts.account_fen;
                sum.cash_fen += parts.cash_fen;
                if self.record.settlements.len() < ROWS_MAX {
                    self.record.settlements.push(SettlementRow { at: now, bill: bill.to_string(), parts });
                }
            }
            _ => {}
        }
    }

    pub(crate) fn conclude(mut self, end: Timestamp, world: &World) -> Record {
        self.sample(end, world);
        let counted = KINDS.iter().zip(&self.counts).filter(|(_, count)| **count > 0);
        self.record.messages = counted.map(|(kind, count)| (kind.name, *count)).collect();
        self.record.energy_mwh = world.lamps().energy_mwh();
        self.record
    }

    fn sample(&mut self, at: Timestamp, world: &World) {
        let lamps = world.lamps();
        self.record.samples.push(Sample { at, power_mw: lamps.power_mw(), lit: lamps.lit() });
    }
}
