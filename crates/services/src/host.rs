//! Runs one role on the bus until it is told to stop.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};
use types::Timestamp;
use wire::{BusInput, Kept, Message, Role, RoleName};

use crate::bus::{BusEvent, Received};
use crate::health::TURN_EVERY;
use crate::journal::{Entry, JournalError, RoleJournal, Store, Told, digest, facts};
use crate::link::{Link, Port};
use crate::metrics::metrics;
use crate::time::{RoleClock, not_before};
use crate::trace::Trace;

/// How soon a full client is tried again.
const FLUSH_AGAIN: Duration = Duration::from_millis(5);
/// How often the metrics hear how full a role's stores are.
const KEPT_EVERY: Duration = Duration::from_secs(1);
/// Events of a role with a journal that are kept in one commit, at most.
const BATCH_MAX: usize = 256;
/// Messages that wait for the city's time: what the broker retains of a city of 100,000 luminaires that services hear.
/// Beyond it the newest are dropped.
const EARLY_MAX: usize = 500_000;

/// Runs `role` until `stop` says so. With a store, it is first what it was before, and keeps what it is told.
///
/// # Errors
///
/// [`JournalError`] if the role cannot be what it was, or what it was told cannot be kept: then nothing it said to that
/// leaves it, and it ends.
pub async fn run(
    link: Link,
    mut role: Box<dyn Role>,
    store: Option<Store>,
    stop: watch::Receiver<bool>,
) -> Result<(), JournalError> {
    let clock = RoleClock::of(role.name());
    let mut filters = role.filters();
    if matches!(clock, RoleClock::City(_)) && !filters.contains(&"sim/clock") {
        filters.push("sim/clock");
    }
    let (mut kept, mut unpublished) = (None, Vec::new());
    if let Some(store) = store {
        let (run, began) = (link.run, Instant::now());
        let recovering = spawn_blocking(move || {
            let recovered = store.recover(role.as_mut(), run)?;
            Ok::<_, JournalError>((role, recovered))
        });
        let (same, recovered) = recovering.await.map_err(|_| JournalError::Closed)??;
        role = same;
        let (entries, ms) = (recovered.entries, began.elapsed().as_millis());
        tracing::info!(role = %role.name(), entries, ms, again = recovered.unpublished.len(), "replayed");
        unpublished = recovered.unpublished;
        if matches!(clock, RoleClock::Wall) {
            not_before(recovered.last);
        }
        kept = Some(Keeping::new(recovered.journal, recovered.last));
    }
    let (port, events) = link.connect(role.name(), &filters);
    let (out, traces, told_kept) = (Vec::new(), Vec::new(), Instant::now());
    let early = Vec::new();
    let mut host = Host { role, link, port, clock, early, connected: false, out, traces, kept, told_kept };
    host.publish(unpublished);
    host.run(events, stop).await
}

struct Host {
    role: Box<dyn Role>,
    link: Link,
    port: Port,
    clock: RoleClock,
    /// What came before the city's time: the broker hands out what it retains in any order.
    early: Vec<(Message, Received)>,
    /// Connected, but the role was not told yet because the city's clock is unknown.
    connected: bool,
    out: Vec<Message>,
    /// Which trace each of them belongs to: that of the message it comes of.
    traces: Vec<Option<Trace>>,
    kept: Option<Keeping>,
    /// When the metrics last heard how full its stores are.
    told_kept: Instant,
}

/// What a role with a journal has to keep.
struct Keeping {
    journal: RoleJournal,
    /// Told, and not yet kept.
    entries: Vec<Entry>,
    /// Outputs before this one are hashed.
    hashed: usize,
    /// When it was last told something.
    last: Timestamp,
    /// Entries, each with how many messages will have been over when all that was said up to it is.
    under_way: VecDeque<(u64, u64)>,
}

impl Keeping {
    fn new(journal: RoleJournal, last: Timestamp) -> Self {
        Self { journal, entries: Vec::new(), hashed: 0, last, under_way: VecDeque::new() }
    }

    /// Takes note of what the broker has got meanwhile.
    fn note_published(&mut self, done: u64) {
        while let Some(&(entry, sent)) = self.under_way.front().filter(|(_, sent)| *sent <= done) {
            debug_assert!(sent <= done, "the filter says so");
            self.journal.published(entry);
            self.under_way.pop_front();
        }
    }
}

impl Host {
    async fn run(
        mut self,
        mut events: mpsc::Receiver<((), BusEvent)>,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), JournalError> {
        while !*stop.borrow() {
            let wait = self.clock.sleep_until(self.role.next_timeout());
            let wait = if self.port.is_waiting() { wait.min(FLUSH_AGAIN) } else { wait.min(TURN_EVERY) };
            tokio::select! {
                event = events.recv() => match event {
                    Some(((), event)) => self.take(event),
                    None => return Ok(()),
                },
                () = sleep(wait) => {}
                _ = stop.changed() => {}
            }
            self.take_waiting(&mut events);
            self.tick();
            self.keep().await?;
            let said = std::mem::take(&mut self.out);
            self.publish(said);
            // Only after what it was told is kept: a disk that does not answer must show.
            self.link.health.turn(self.role.name());
            self.tell_kept();
        }
        self.port.close().await;
        self.keep_last().await
    }

    /// Tells the metrics how full the role's stores are, now and then.
    fn tell_kept(&mut self) {
        let now = Instant::now();
        if now < self.told_kept + KEPT_EVERY {
            return;
        }
        self.told_kept = now;
        let role = self.role.name().to_string();
        for Kept { what, entries, max } in self.role.kept() {
            metrics().role_entries.with_label_values(&[&role[..], what]).set(entries as i64);
            metrics().role_entries_max.with_label_values(&[&role[..], what]).set(max as i64);
        }
    }

    /// What has come in meanwhile goes into the same commit.
    fn take_waiting(&mut self, events: &mut mpsc::Receiver<((), BusEvent)>) {
        while self.kept.as_ref().is_some_and(|kept| kept.entries.len() < BATCH_MAX)
            && let Ok(((), event)) = events.try_recv()
        {
            self.take(event);
        }
    }

    fn take(&mut self, event: BusEvent) {
        match event {
            BusEvent::Connected => {
                self.connected = true;
                self.link.health.bus(self.role.name(), true);
                self.link.tell_ready(self.role.name());
                tracing::debug!(role = %self.role.name(), "on the bus");
            }
            BusEvent::Message(received) => {
                let Some(message) = self.port.read(&received) else { return };
                if let Message::Clock(state) = &message {
                    self.clock.follow(*state);
                }
                self.hear(message, received);
            }
            BusEvent::Disconnected { reason } => {
                self.link.health.bus(self.role.name(), false);
                tracing::info!(role = %self.role.name(), reason, "bus lost");
            }
            BusEvent::Refused { reason } => {
                self.link.health.bus(self.role.name(), false);
                tracing::error!(role = %self.role.name(), reason, "refused by the bus");
            }
        }
    }

    /// Tells the role, as soon as there is a time to tell it with.
    fn hear(&mut self, message: Message, received: Received) {
        let Some(now) = self.now() else {
            if self.early.len() < EARLY_MAX {
                self.early.push((message, received));
            } else {
                tracing::warn!(role = %self.role.name(), "dropped: too much came before the city's time");
            }
            return;
        };
        let early = std::mem::take(&mut self.early);
        for (message, received) in std::iter::once((message, received)).chain(early) {
            self.handle(now, message, &received);
            self.note(now, Told::Message(received));
        }
    }

    /// What the role says to a message belongs to its trace.
    fn handle(&mut self, now: Timestamp, message: Message, received: &Received) {
        let trace = received.trace();
        let span = trace.map(|trace| {
            tracing::debug_span!("trace", id = %trace.id(), role = %self.role.name(), topic = received.topic())
        });
        let _entered = span.as_ref().map(tracing::Span::enter);
        let before = self.out.len();
        self.role.handle(now, BusInput::Message(message), &mut self.out);
        self.traces.resize(before, None);
        self.traces.resize(self.out.len(), trace);
        if trace.is_some() {
            tracing::debug!(said = self.out.len() - before, "handled");
        }
    }

    fn tick(&mut self) {
        let Some(now) = self.now() else { return };
        if std::mem::take(&mut self.connected) {
            self.role.handle(now, BusInput::Connected, &mut self.out);
            self.note(now, Told::Connected);
        }
        if self.role.next_timeout().is_some_and(|due| due <= now) {
            self.role.handle_timeout(now, &mut self.out);
            self.note(now, Told::Timeout);
        }
    }

    /// The role's clock, never back behind what its journal says.
    fn now(&self) -> Option<Timestamp> {
        let now = self.clock.now()?;
        Some(self.kept.as_ref().map_or(now, |kept| now.max(kept.last)))
    }

    fn note(&mut self, time: Timestamp, told: Told) {
        let Some(kept) = &mut self.kept else { return };
        let fresh = &self.out[kept.hashed..];
        let said = digest(self.link.run, fresh);
        let facts = if self.role.name() == RoleName::Payer { facts(fresh) } else { Vec::new() };
        (kept.hashed, kept.last) = (self.out.len(), time);
        kept.entries.push(Entry { time, told, said, facts });
    }

    async fn keep(&mut self) -> Result<(), JournalError> {
        let Some(kept) = &mut self.kept else { return Ok(()) };
        kept.hashed = 0;
        if kept.entries.is_empty() {
            return Ok(());
        }
        kept.note_published(self.port.done());
        kept.journal.append(std::mem::take(&mut kept.entries)).await
    }

    /// Sends, and then takes note of what is over when these are.
    fn publish(&mut self, messages: Vec<Message>) {
        let any = !messages.is_empty();
        let traces = std::mem::take(&mut self.traces).into_iter().chain(std::iter::repeat(None));
        for (message, trace) in messages.into_iter().zip(traces) {
            self.port.send_in(trace, message);
        }
        self.port.flush();
        if let Some(kept) = &mut self.kept
            && any
        {
            kept.under_way.push_back((kept.journal.newest(), self.port.sent()));
        }
    }

    /// After the goodbye: most of what was said is known to be published.
    async fn keep_last(&mut self) -> Result<(), JournalError> {
        let Some(kept) = &mut self.kept else { return Ok(()) };
        kept.note_published(self.port.done());
        kept.journal.append(Vec::new()).await
    }
}
