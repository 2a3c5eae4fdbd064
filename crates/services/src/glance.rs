//! A look at what the broker keeps: the last state of everything that has one.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;
use wire::{Message, decode, prefix};

use crate::bus::{BusClient, BusEvent};
use crate::link::{EVENTS_MAX, Link};
use crate::operator::{AskError, JOIN_WITHIN, credentials_of, options_of};

/// Nothing is kept if nothing came so long after joining.
const FIRST_WITHIN: Duration = Duration::from_secs(2);
/// Nothing more is kept if nothing came for so long.
const QUIET_FOR: Duration = Duration::from_millis(800);
/// Messages that are taken, at most: more than luminaires of any city, twice.
const KEPT_MAX: usize = 4_000_000;

/// The retained messages below `filters`, which stand below `kitecity/v1/{run}/`.
///
/// `password` is the operator's; without one it is made from the secret of `link`, if that has one. What cannot be
/// understood is left out.
///
/// # Errors
///
/// [`AskError::NoBus`] or [`AskError::Refused`] at the first try.
pub async fn retained(
    link: &Link,
    password: Option<&str>,
    filters: &[&str],
) -> Result<Vec<Message>, AskError> {
    let client_id = format!("operator-{}", Uuid::new_v4().simple());
    let below = prefix(link.run);
    let filters = filters.iter().map(|filter| format!("{below}{filter}")).collect();
    let options = options_of(link, client_id, credentials_of(link, password), filters);
    let (sender, mut events) = mpsc::channel(EVENTS_MAX);
    let bus = BusClient::spawn(options, (), sender);
    let kept = gather(link, &mut events).await;
    bus.disconnect();
    bus.closed().await;
    kept
}

async fn gather(link: &Link, events: &mut mpsc::Receiver<((), BusEvent)>) -> Result<Vec<Message>, AskError> {
    let no_bus = |reason| AskError::NoBus { address: link.address.clone(), reason };
    let mut kept = Vec::new();
    let mut joined = false;
    // Moved on by what was kept, not by what happens now: in a busy city that never ends.
    let mut until = Instant::now() + JOIN_WITHIN;
    while kept.len() < KEPT_MAX {
        match timeout_at(until, events.recv()).await {
            Err(_) if joined => break,
            Err(_) | Ok(None) => return Err(no_bus("no answer".to_owned())),
            Ok(Some(((), BusEvent::Refused { reason }))) => return Err(AskError::Refused(reason)),
            Ok(Some(((), BusEvent::Disconnected { reason }))) => return Err(no_bus(reason)),
            Ok(Some(((), BusEvent::Connected))) => {
                joined = true;
                until = Instant::now() + FIRST_WITHIN;
            }
            Ok(Some(((), BusEvent::Message(received)))) if received.is_retained() => {
                until = Instant::now() + QUIET_FOR;
                kept.extend(decode(link.run, received.delivery()).ok());
            }
            Ok(Some(((), BusEvent::Message(_)))) => {}
        }
    }
    Ok(kept)
}
