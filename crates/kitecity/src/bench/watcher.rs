//! An operator who hears every luminaire, commands some, and times the answers.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use lighting::{DimCommand, DimLevel, Report};
use services::access::Secret;
use services::bus::{BusAddress, BusClient, BusEvent, ClientOptions};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval, timeout_at};
use types::{DistrictId, LuminaireId, RunId};
use wire::{Light, Message, decode, encode, prefix};

/// How long everyone may take to connect.
const CONNECT_WITHIN: Duration = Duration::from_secs(180);
/// How long a command may take to be acknowledged before it counts as lost.
const ACK_WITHIN: Duration = Duration::from_secs(10);
/// Time between two commands.
const COMMAND_EVERY: Duration = Duration::from_millis(25);
/// Events of the bus that wait to be counted.
const EVENTS_MAX: usize = 65_536;

/// What was measured in a part of the time.
pub(super) struct Phase {
    pub(super) reports: u64,
    /// Reports that were sent and not heard.
    pub(super) missing: u64,
    /// Luminaires that were there and went.
    pub(super) gone: u64,
    pub(super) unanswered: usize,
    /// From each command to its acknowledgement, the shortest first.
    acks: Vec<Duration>,
}

impl Phase {
    pub(super) fn acknowledged(&self) -> usize {
        self.acks.len()
    }

    /// What `percent` of the acknowledgements took at most \[ms\].
    pub(super) fn percentile_ms(&self, percent: usize) -> f64 {
        let rank = (self.acks.len() * percent / 100).min(self.acks.len().saturating_sub(1));
        self.acks.get(rank).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    }
}

/// Hears every luminaire, and commands some.
pub(super) struct Watcher {
    bus: BusClient,
    events: mpsc::Receiver<((), BusEvent)>,
    run: RunId,
    /// Where each luminaire is, and the count of its last message.
    seen: BTreeMap<LuminaireId, (DistrictId, u32, u32)>,
    online: usize,
    reports: u64,
    missing: u64,
    gone: u64,
    /// Commands so far; also over several phases no id comes twice.
    commands: usize,
    waiting: BTreeMap<String, Instant>,
    acks: Vec<Duration>,
}

impl Watcher {
    /// An operator of the city with the words `secret`.
    pub(super) fn join(address: BusAddress, secret: &str) -> Self {
        let run: RunId = "demo".parse().expect("a slug");
        let password = Secret::from_words(secret).password_for("operator");
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        let options = ClientOptions {
            address,
            client_id: "operator-bench".to_owned(),
            credentials: Some(("operator".to_owned(), password)),
            device: false,
            will: None,
            filters: vec![format!("{}light/#", prefix(run))],
        };
        let bus = BusClient::spawn(options, (), sender);
        Self {
            bus,
            events,
            run,
            seen: BTreeMap::new(),
            online: 0,
            reports: 0,
            missing: 0,
            gone: 0,
            commands: 0,
            waiting: BTreeMap::new(),
            acks: Vec::new(),
        }
    }

    /// Waits until so many luminaires are there and were heard; tells how long that took.
    pub(super) async fn until_online(&mut self, luminaires: u32) -> Result<Duration> {
        let began = Instant::now();
        while self.online < luminaires as usize || self.seen.len() < luminaires as usize {
            let event = timeout_at(began + CONNECT_WITHIN, self.events.recv()).await;
            let event = event.with_context(|| format!("{} of {luminaires} came", self.online))?;
            self.take(event.context("the bus is gone")?.1);
        }
        Ok(began.elapsed())
    }

    /// Who was heard so far, and where each stands.
    pub(super) fn lamps(&self) -> Vec<(LuminaireId, DistrictId)> {
        self.seen.iter().map(|(id, (district, ..))| (*id, *district)).collect()
    }

    /// Commands luminaires for so long, and waits for the last answers.
    pub(super) async fn measure(&mut self, lasting: Duration) -> Phase {
        (self.reports, self.missing, self.gone) = (0, 0, 0);
        let lamps = self.lamps();
        let mut clock = interval(COMMAND_EVERY);
        let end = Instant::now() + lasting;
        while Instant::now() < end {
            tokio::select! {
                Some(((), event)) = self.events.recv() => self.take(event),
                _ = clock.tick() => {
                    // Far apart in the city, each once in a long while.
                    self.command(lamps[self.commands.wrapping_mul(7_919) % lamps.len()]);
                }
            }
        }
        let Self { reports, missing, gone, .. } = *self;
        let deadline = Instant::now() + ACK_WITHIN;
        while !self.waiting.is_empty()
            && let Ok(Some(((), event))) = timeout_at(deadline, self.events.recv()).await
        {
            self.take(event);
        }
        let unanswered = std::mem::take(&mut self.waiting).len();
        let mut acks = std::mem::take(&mut self.acks);
        acks.sort_unstable();
        Phase { reports, missing, gone, unanswered, acks }
    }

    /// Ends the connection.
    pub(super) fn leave(self) {
        self.bus.disconnect();
    }

    fn command(&mut self, (luminaire, district): (LuminaireId, DistrictId)) {
        let id = format!("bench-{}", self.commands);
        let level = DimLevel::from_percent((self.commands % 101) as u8).ok();
        self.commands += 1;
        let command = DimCommand { id: id.parse().expect("a command id"), level, until: None };
        let message = Message::Light { district, luminaire, body: Light::Command(command) };
        if self.bus.publish(encode(self.run, &message)).is_ok() {
            self.waiting.insert(id, Instant::now());
        }
    }

    fn take(&mut self, event: BusEvent) {
        let BusEvent::Message(received) = event else { return };
        let Ok(Message::Light { district, luminaire, body }) = decode(self.run, received.delivery()) else {
            return;
        };
        match body {
            Light::Online(true) => self.online += 1,
            // Others were never heard: hostile clients come and go as devices of their own.
            Light::Online(false) => self.gone += u64::from(self.seen.contains_key(&luminaire)),
            Light::State(report) => self.count(luminaire, district, &report),
            Light::Telemetry(report) => self.count(luminaire, district, &report),
            Light::Ack(report) => {
                self.count(luminaire, district, &report);
                if let Some(sent) = self.waiting.remove(report.body.command.as_str()) {
                    self.acks.push(sent.elapsed());
                }
            }
            _ => {}
        }
    }

    /// Each luminaire counts its messages: a gap is a message that was lost.
    fn count<T>(&mut self, luminaire: LuminaireId, district: DistrictId, report: &Report<T>) {
        self.reports += 1;
        let (epoch, seq) = (report.stamp.epoch, report.stamp.seq);
        if let Some((_, before_epoch, before)) = self.seen.insert(luminaire, (district, epoch, seq))
            && before_epoch == epoch
        {
            self.missing += u64::from(seq.saturating_sub(before.saturating_add(1)));
        }
    }
}
