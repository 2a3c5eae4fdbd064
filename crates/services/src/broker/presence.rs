//! Devices of the IoTDA protocol: what they hear without subscribing, and whether they are there.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, MutexGuard, PoisonError};

use async_trait::async_trait;
use rmqtt::Result;
use rmqtt::codec::types::Publish as Packet;
use rmqtt::context::ServerContext;
use rmqtt::session::{Session, SessionState};
use rmqtt::subscribe::AutoSubscription;
use rmqtt::types::{From, Id, Publish, QoS, Subscribe, SubscriptionOptions, TopicFilter};
use tokio::sync::Mutex;
use types::{MINUTE_MS, Timestamp};
use wire::dialect::Dialect;
use wire::iotda::{Up, down_filters, encode_up};

use crate::access::{Principal, Rules};

/// The client that tells who is there.
const CLIENT_ID: &str = "presence";

/// Subscribes devices, right after CONNACK, to what is for them: official device libraries do not.
pub(super) struct Implied(Rules);

/// Has every device of the register hear what is for it.
pub(super) async fn subscribe_devices(context: &ServerContext, rules: Rules) {
    *context.extends.auto_subscription_mut().await = Box::new(Implied(rules));
}

#[async_trait]
impl AutoSubscription for Implied {
    fn enable(&self) -> bool {
        true
    }

    async fn subscribes(&self, id: &Id) -> Result<Vec<Subscribe>> {
        let Some(Principal::Outside(place)) = self.0.principal(id.username_ref()) else {
            return Ok(Vec::new());
        };
        if self.0.device(place).dialect != Dialect::Iotda {
            return Ok(Vec::new());
        }
        let filters = down_filters(self.0.device_id(place)).into_iter().map(TopicFilter::from);
        let opts: SubscriptionOptions = (QoS::AtMostOnce, None, None).into();
        Ok(filters.map(|topic_filter| Subscribe { topic_filter, opts: opts.clone() }).collect())
    }
}

/// One connection: its client id, and where and when it came from. Client ids come again.
type Connection = (String, Option<SocketAddr>, i64);

/// Tells the bus which devices are there, retained. One connection for each: the newest counts, and ends the one before.
pub(super) struct Presence {
    context: ServerContext,
    here: Mutex<BTreeMap<String, (Connection, Id)>>,
    refusals: std::sync::Mutex<Refusals>,
}

/// How often each device of the register was refused, and when that was last told.
#[derive(Debug, Default)]
struct Refusals(BTreeMap<String, (u64, Timestamp)>);

impl Refusals {
    /// Counts one more; how many there are, if that is to be told now.
    fn count(&mut self, device: &str, now: Timestamp) -> Option<u64> {
        let Some((count, told)) = self.0.get_mut(device) else {
            self.0.insert(device.to_owned(), (1, now));
            return Some(1);
        };
        *count += 1;
        let due = now.millis_since(*told) >= MINUTE_MS;
        if due {
            *told = now;
        }
        due.then_some(*count)
    }
}

fn connection(id: &Id) -> Connection {
    (id.client_id.to_string(), id.remote_addr, id.create_time)
}

impl Presence {
    pub(super) fn new(context: ServerContext) -> Arc<Self> {
        Arc::new(Self { context, here: Mutex::default(), refusals: std::sync::Mutex::default() })
    }

    /// A subscription of a device is in force. With the last of those it has without asking, it is there: earlier,
    /// what is said to it would be lost.
    pub(super) async fn subscribed(&self, session: &Session, device: &str, filter: &str) {
        if down_filters(device).last().is_none_or(|last| last != filter) {
            return;
        }
        let mut here = self.here.lock().await;
        let now = connection(&session.id);
        if here.get(device).is_some_and(|(known, _)| *known == now) {
            return;
        }
        let before = here.insert(device.to_owned(), (now, session.id.clone()));
        self.tell(device, true).await;
        if let Some((_, before)) = before.filter(|(_, before)| before.client_id != session.id.client_id) {
            tracing::warn!(device, "another connection of this device is there already: it ends");
            self.end(before);
        }
    }

    /// A connection is over. If the device has a newer one, that says nothing.
    pub(super) async fn gone(&self, session: &Session, device: &str) {
        let mut here = self.here.lock().await;
        if here.get(device).is_some_and(|(known, _)| *known == connection(&session.id)) {
            here.remove(device);
            self.tell(device, false).await;
        }
    }

    /// Someone who said to be `device` was not let in. Told at once, then once a minute at most: whoever guesses must not
    /// flood the bus.
    pub(super) fn refused(self: &Arc<Self>, device: &str, reason: String, now: Timestamp) {
        let Some(count) = self.refusals().count(device, now) else { return };
        let (presence, device) = (self.clone(), device.to_owned());
        tokio::spawn(async move { presence.say(&device, &Up::Refused { count, reason }, false).await });
    }

    fn refusals(&self) -> MutexGuard<'_, Refusals> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn tell(&self, device: &str, online: bool) {
        self.say(device, &Up::Status(online), true).await;
    }

    async fn say(&self, device: &str, what: &Up, retain: bool) {
        let told = encode_up(device, what);
        let packet = Packet {
            dup: false,
            retain,
            qos: QoS::AtLeastOnce,
            topic: told.topic.into(),
            packet_id: None,
            payload: told.payload.into(),
            properties: None,
        };
        let from = From::from_system(Id::from(self.context.node.id(), CLIENT_ID.into()));
        let sent = SessionState::forwards(&self.context, from, Publish::from(packet), false, None).await;
        if let Err(error) = sent {
            tracing::error!(device, %error, "whether a device is there was not told");
        }
    }

    /// Ends a connection, without waiting for it: the task that asks may be the one it waits for.
    fn end(&self, id: Id) {
        let context = self.context.clone();
        tokio::spawn(async move {
            let entry = context.extends.shared().await.entry(id);
            if let Ok(mut entry) = entry.try_lock().await {
                let _ = entry.kick(true, true, true).await;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_counted_and_told_at_once_then_once_a_minute() {
        let mut refusals = Refusals::default();
        let at = Timestamp::from_millis;
        assert_eq!(refusals.count("p_1", at(0)), Some(1));
        assert_eq!((1..99).find_map(|ms| refusals.count("p_1", at(ms))), None);
        assert_eq!(refusals.count("p_2", at(99)), Some(1));
        assert_eq!(refusals.count("p_1", at(MINUTE_MS)), Some(100));
    }
}
