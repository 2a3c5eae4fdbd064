//! A bridge to clients that speak another protocol, as one more client of the bus.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use wire::Directory;
use wire::dialect::{Bridge, Said};

use crate::bus::{BusEvent, Received};
use crate::health::TURN_EVERY;
use crate::link::{Link, Port};
use crate::time::{RoleClock, wall_now};

mod memory;

use memory::Memory;
pub use memory::MemoryError;

/// How soon a full client is tried again.
const FLUSH_AGAIN: Duration = Duration::from_millis(5);

/// Runs `bridge` until `stop` says so. With a file, it first recalls what it was, and writes down what it becomes.
///
/// # Errors
///
/// [`MemoryError`] if that file cannot be read or written.
pub async fn run(
    link: Link,
    mut bridge: Box<dyn Bridge>,
    directory: &Directory,
    memory: Option<PathBuf>,
    stop: watch::Receiver<bool>,
) -> Result<(), MemoryError> {
    let memory = memory.map(|file| Memory::recall(file, bridge.as_mut())).transpose()?;
    let own = bridge.filters(directory);
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    let (port, events) = link.connect_beyond(bridge.role(), &own, bridge.foreign_filters());
    Driver { bridge, link, port, memory, out: Vec::new() }.run(events, stop).await
}

struct Driver {
    bridge: Box<dyn Bridge>,
    link: Link,
    port: Port,
    memory: Option<Memory>,
    out: Vec<Said>,
}

impl Driver {
    async fn run(
        mut self,
        mut events: mpsc::Receiver<((), BusEvent)>,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), MemoryError> {
        while !*stop.borrow() {
            let wait = RoleClock::Wall.sleep_until(self.bridge.next_timeout());
            let wait = if self.port.is_waiting() { wait.min(FLUSH_AGAIN) } else { wait.min(TURN_EVERY) };
            let wait =
                self.memory.as_ref().map_or(wait, |memory| wait.min(memory.wait(self.bridge.as_ref())));
            tokio::select! {
                event = events.recv() => match event {
                    Some(((), event)) => self.take(event),
                    None => return Ok(()),
                },
                () = sleep(wait) => {}
                _ = stop.changed() => {}
            }
            let now = wall_now();
            if self.bridge.next_timeout().is_some_and(|due| due <= now) {
                self.bridge.handle_timeout(now, &mut self.out);
            }
            self.send();
            if let Some(memory) =
                self.memory.as_mut().filter(|memory| memory.wait(self.bridge.as_ref()).is_zero())
            {
                memory.keep(self.bridge.as_ref()).await?;
            }
            self.link.health.turn(self.bridge.role());
        }
        self.bridge.farewell(&mut self.out);
        self.send();
        self.port.close().await;
        match &mut self.memory {
            Some(memory) => memory.keep(self.bridge.as_ref()).await,
            None => Ok(()),
        }
    }

    fn take(&mut self, event: BusEvent) {
        let role = self.bridge.role();
        match event {
            BusEvent::Connected => {
                self.link.health.bus(role, true);
                self.link.tell_ready(role);
                self.bridge.connected(wall_now(), &mut self.out);
            }
            BusEvent::Message(received) => self.read(&received),
            BusEvent::Disconnected { reason } => {
                self.link.health.bus(role, false);
                tracing::info!(%role, reason, "bus lost");
            }
            BusEvent::Refused { reason } => {
                self.link.health.bus(role, false);
                tracing::error!(%role, reason, "refused by the bus");
            }
        }
    }

    fn read(&mut self, received: &Received) {
        let topic = received.topic();
        if !self.bridge.is_foreign(topic) {
            if let Some(message) = self.port.read(received) {
                self.bridge.on_bus(wall_now(), message, &mut self.out);
            }
            return;
        }
        let (payload, retained) = (received.delivery().payload, received.is_retained());
        if let Err(error) = self.bridge.on_foreign(wall_now(), topic, payload, retained, &mut self.out) {
            self.port.not_understood(topic, &error);
        }
    }

    fn send(&mut self) {
        for said in std::mem::take(&mut self.out) {
            match said {
                Said::Bus(message) => self.port.send(message),
                Said::Frame(frame) => self.port.send_frame(frame),
                Said::Refused { topic, reason } => self.port.refuse(&topic, 0, &reason),
                Said::Note(note) => tracing::info!(role = %self.bridge.role(), note),
            }
        }
        self.port.flush();
    }
}
