//! Devices of the IoTDA protocol: what they hear without subscribing, and whether they are there.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use rmqtt::Result;
use rmqtt::codec::types::Publish as Packet;
use rmqtt::context::ServerContext;
use rmqtt::session::{Session, SessionState};
use rmqtt::subscribe::AutoSubscription;
use rmqtt::types::{From, Id, Publish, QoS, Subscribe, SubscriptionOptions, TopicFilter};
use tokio::sync::Mutex;
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
}

fn connection(id: &Id) -> Connection {
    (id.client_id.to_string(), id.remote_addr, id.create_time)
}

impl Presence {
    pub(super) fn new(context: ServerContext) -> Arc<Self> {
        Arc::new(Self { context, here: Mutex::default() })
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

    async fn tell(&self, device: &str, online: bool) {
        let told = encode_up(device, &Up::Status(online));
        let packet = Packet {
            dup: false,
            retain: true,
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
