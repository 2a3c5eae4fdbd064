//! Plays a scenario on a real broker: the same that `sim` plays in virtual time.

use scenario::{Observer, Order, Play};
use tokio::sync::watch;
use tokio::time::sleep;
use types::Timestamp;
use wire::{Message, RoleName};

use crate::bus::BusEvent;
use crate::link::{Link, Port};
use crate::time::RoleClock;

/// Plays until the city's clock shows the end, or `stop` says so; tells whether it was the end.
///
/// Orders that only virtual time can obey are logged and left: [`Play`] has none of them if it was made for this.
///
/// `progress` – is shown the city's clock each time it is looked at.
pub async fn run(
    link: Link,
    play: &mut Play,
    mut progress: impl FnMut(Timestamp),
    mut stop: watch::Receiver<bool>,
) -> bool {
    let (port, mut events) = link.connect(RoleName::Scenario, &["#"]);
    let mut stage = Stage { port, clock: RoleClock::City(None), seen_at: play.start() };
    let ended = loop {
        if let Some(now) = stage.now() {
            progress(now.min(play.end()));
            if now >= play.end() {
                break true;
            }
        }
        let next = play.wakes_at().map_or(play.end(), |at| at.min(play.end()));
        tokio::select! {
            event = events.recv() => match event {
                Some(((), event)) => stage.take(&link, event, play),
                None => break false,
            },
            () = sleep(stage.clock.sleep_until(Some(next))) => {}
            _ = stop.changed() => break false,
        }
        stage.wake(play);
    };
    stage.port.close().await;
    ended
}

struct Stage {
    port: Port,
    clock: RoleClock,
    /// The latest moment shown to the play: it must never go back.
    seen_at: Timestamp,
}

impl Stage {
    fn now(&mut self) -> Option<Timestamp> {
        self.seen_at = self.clock.now()?.max(self.seen_at);
        Some(self.seen_at)
    }

    fn take(&mut self, link: &Link, event: BusEvent, play: &mut Play) {
        match event {
            BusEvent::Connected => link.tell_ready(RoleName::Scenario),
            BusEvent::Message(received) => {
                let Some(message) = self.port.read(&received) else { return };
                if let Message::Clock(state) = &message {
                    self.clock.follow(*state);
                }
                // Before the clock is known nothing has begun.
                if let Some(now) = self.now().filter(|now| *now <= play.end()) {
                    self.wake(play);
                    play.observe(now, &message);
                }
            }
            BusEvent::Disconnected { reason } => tracing::warn!(reason, "the scenario lost the bus"),
            BusEvent::Refused { reason } => tracing::error!(reason, "the scenario is refused by the bus"),
        }
    }

    fn wake(&mut self, play: &mut Play) {
        let Some(now) = self.now().filter(|now| *now <= play.end()) else { return };
        let mut orders = Vec::new();
        while play.wakes_at().is_some_and(|at| at <= now) {
            play.wake(now, &mut orders);
            for order in orders.drain(..) {
                match order {
                    Order::Send(message) => self.port.send(message),
                    other => tracing::error!(?other, "only virtual time can do this"),
                }
            }
        }
        self.port.flush();
    }
}
