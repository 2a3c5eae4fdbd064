//! The kiosk's own client on the bus: it says how the kiosk stands, and the broker says when it is gone.

use std::sync::Arc;

use eid::KioskState;
use tokio::sync::{mpsc, watch};
use wire::roles::READER_CLIENT;
use wire::{Frame, Message, encode};

use super::{Kiosk, any_kiosk};
use crate::bus::{BusClient, BusEvent, ClientOptions};
use crate::link::{EVENTS_MAX, Link};

/// Tells how the kiosk stands, when that changes and after each loss of the connection, until `stop` says so.
pub(crate) async fn tell(link: Link, kiosk: Arc<Kiosk>, mut stop: watch::Receiver<bool>) {
    let (sender, mut events) = mpsc::channel(EVENTS_MAX);
    let bus = BusClient::spawn(client(&link), (), sender);
    let say = |state| {
        if bus.publish(said(&link, state)).is_err() {
            tracing::warn!("how the kiosk stands was not told: its queue is full");
        }
    };
    while !*stop.borrow() {
        tokio::select! {
            Some(((), event)) = events.recv() => match event {
                // The will may have been said meanwhile.
                BusEvent::Connected => say(kiosk.state()),
                BusEvent::Disconnected { reason } | BusEvent::Refused { reason } => {
                    tracing::warn!(reason, "the kiosk has no bus");
                }
                BusEvent::Message(_) => {}
            },
            () = kiosk.changed.notified() => say(kiosk.state()),
            _ = stop.changed() => break,
        }
    }
    // Who says goodbye leaves no will.
    say(KioskState::Offline);
    bus.disconnect();
    bus.closed().await;
}

fn client(link: &Link) -> ClientOptions {
    let client_id = format!("{READER_CLIENT}{}", any_kiosk());
    ClientOptions {
        address: link.address.clone(),
        credentials: link.credentials(&client_id),
        client_id,
        device: true,
        will: Some(said(link, KioskState::Offline)),
        filters: Vec::new(),
    }
}

fn said(link: &Link, state: KioskState) -> Frame {
    encode(link.run, &Message::EidKiosk { reader: any_kiosk(), state })
}
