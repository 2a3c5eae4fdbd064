//! The bridge to devices that speak the protocol of Huawei IoTDA, as one more client of the bus.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use types::Core;
use wire::iotda::{Bridge, Input, Output, UP_FILTERS, decode_up, device_of, encode_down};
use wire::{Directory, RoleName};

use crate::bus::{BusEvent, Received};
use crate::link::{Link, Port};
use crate::time::{RoleClock, wall_now};

/// How soon a full client is tried again.
const FLUSH_AGAIN: Duration = Duration::from_millis(5);

/// Runs `bridge` until `stop` says so.
pub async fn run(link: Link, bridge: Bridge, directory: &Directory, stop: watch::Receiver<bool>) {
    let own = bridge.filters(directory);
    let filters: Vec<&str> = own.iter().map(String::as_str).chain(UP_FILTERS).collect();
    let (port, events) = link.connect(RoleName::Iotda, &filters);
    Driver { bridge, link, port, out: Vec::new() }.run(events, stop).await;
}

struct Driver {
    bridge: Bridge,
    link: Link,
    port: Port,
    out: Vec<Output>,
}

impl Driver {
    async fn run(mut self, mut events: mpsc::Receiver<((), BusEvent)>, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let wait = RoleClock::Wall.sleep_until(self.bridge.next_timeout());
            let wait = if self.port.is_waiting() { wait.min(FLUSH_AGAIN) } else { wait };
            tokio::select! {
                event = events.recv() => match event {
                    Some(((), event)) => self.take(event),
                    None => return,
                },
                () = sleep(wait) => {}
                _ = stop.changed() => {}
            }
            let now = wall_now();
            if self.bridge.next_timeout().is_some_and(|due| due <= now) {
                self.bridge.handle_timeout(now, &mut self.out);
            }
            self.send();
        }
        self.port.close().await;
    }

    fn take(&mut self, event: BusEvent) {
        match event {
            BusEvent::Connected => {
                self.link.tell_ready(RoleName::Iotda);
                self.bridge.handle(wall_now(), Input::Connected, &mut self.out);
            }
            BusEvent::Message(received) => {
                if let Some(input) = self.read(&received) {
                    self.bridge.handle(wall_now(), input, &mut self.out);
                }
            }
            BusEvent::Disconnected { reason } => tracing::info!(role = "iotda", reason, "bus lost"),
            BusEvent::Refused { reason } => tracing::error!(role = "iotda", reason, "refused by the bus"),
        }
    }

    fn read(&mut self, received: &Received) -> Option<Input> {
        if device_of(received.topic()).is_none() {
            return self.port.read(received).map(Input::Bus);
        }
        // A report that the broker kept is of the past; only who is there lasts.
        if received.is_retained() && !received.topic().ends_with("/sys/status") {
            return None;
        }
        match decode_up(received.topic(), received.delivery().payload) {
            Ok((device, up)) => {
                Some(Input::Device { topic: received.topic().to_owned(), device: device.to_owned(), up })
            }
            Err(error) => {
                self.port.not_understood(received.topic(), &error);
                None
            }
        }
    }

    fn send(&mut self) {
        for output in std::mem::take(&mut self.out) {
            match output {
                Output::Bus(message) => self.port.send(message),
                Output::Device { device, down } => self.port.send_frame(encode_down(&device, &down)),
                Output::Refused { topic, reason } => self.port.refuse(&topic, 0, &reason),
                Output::Note(note) => tracing::info!(role = "iotda", note),
            }
        }
        self.port.flush();
    }
}
