//! Runs one role on the bus until it is told to stop.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use wire::{BusInput, Message, Role};

use crate::bus::BusEvent;
use crate::link::{Link, Port};
use crate::time::RoleClock;

/// How soon a full client is tried again.
const FLUSH_AGAIN: Duration = Duration::from_millis(5);

/// Runs `role` until `stop` says so.
pub async fn run(link: Link, role: Box<dyn Role>, stop: watch::Receiver<bool>) {
    let clock = RoleClock::of(role.name());
    let mut filters = role.filters();
    if matches!(clock, RoleClock::City(_)) && !filters.contains(&"sim/clock") {
        filters.push("sim/clock");
    }
    let (port, events) = link.connect(role.name(), &filters);
    Host { role, link, port, clock, connected: false, out: Vec::new() }.run(events, stop).await;
}

struct Host {
    role: Box<dyn Role>,
    link: Link,
    port: Port,
    clock: RoleClock,
    /// Connected, but the role was not told yet because the city's clock is unknown.
    connected: bool,
    out: Vec<Message>,
}

impl Host {
    async fn run(
        mut self,
        mut events: tokio::sync::mpsc::Receiver<((), BusEvent)>,
        mut stop: watch::Receiver<bool>,
    ) {
        while !*stop.borrow() {
            let wait = self.clock.sleep_until(self.role.next_timeout());
            let wait = if self.port.is_waiting() { wait.min(FLUSH_AGAIN) } else { wait };
            tokio::select! {
                event = events.recv() => match event {
                    Some(((), event)) => self.take(event),
                    None => return,
                },
                () = sleep(wait) => {}
                _ = stop.changed() => {}
            }
            self.tick();
            for message in std::mem::take(&mut self.out) {
                self.port.send(message);
            }
            self.port.flush();
        }
        self.port.close().await;
    }

    fn take(&mut self, event: BusEvent) {
        match event {
            BusEvent::Connected => {
                self.connected = true;
                self.link.tell_ready(self.role.name());
                tracing::debug!(role = %self.role.name(), "on the bus");
            }
            BusEvent::Message(received) => {
                let Some(message) = self.port.read(&received) else { return };
                if let Message::Clock(state) = &message {
                    self.clock.follow(*state);
                }
                if let Some(now) = self.clock.now() {
                    self.role.handle(now, BusInput::Message(message), &mut self.out);
                }
            }
            BusEvent::Disconnected { reason } => tracing::info!(role = %self.role.name(), reason, "bus lost"),
            BusEvent::Refused { reason } => {
                tracing::error!(role = %self.role.name(), reason, "refused by the bus")
            }
        }
    }

    fn tick(&mut self) {
        let Some(now) = self.clock.now() else { return };
        if std::mem::take(&mut self.connected) {
            self.role.handle(now, BusInput::Connected, &mut self.out);
        }
        if self.role.next_timeout().is_some_and(|due| due <= now) {
            self.role.handle_timeout(now, &mut self.out);
        }
    }
}
