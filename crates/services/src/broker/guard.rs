//! Who the broker lets in, and what it lets them do.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use prometheus::IntCounterVec;
use rmqtt::codec::v5::SubscribeAckReason;
use rmqtt::context::ServerContext;
use rmqtt::hook::{Handler, HookResult, Parameter, ReturnType, Type};
use rmqtt::session::Session;
use rmqtt::types::{
    AuthResult, ConnectInfo, LastWill, Publish, PublishAclResult, Reason, Subscribe, SubscribeAclResult,
    TopicFilter,
};

use wire::Channel;
use wire::dialect::Dialect;
use wire::iotda::LoginError;

use super::Counters;
use super::cut::Cuts;
use super::front::Callers;
use super::pace::Pace;
use super::presence::Presence;
use super::takeover::make_way;
use crate::access::{Principal, Rules, Secret};
use crate::metrics::metrics;
use crate::time::wall_now;

/// Stands at the door: asks the rules about everyone and everything.
#[derive(Clone)]
pub(super) struct Guard {
    pub(super) context: ServerContext,
    pub(super) rules: Rules,
    pub(super) secret: Secret,
    pub(super) open: bool,
    pub(super) counters: Arc<Counters>,
    pub(super) presence: Arc<Presence>,
    pub(super) cuts: Arc<Cuts>,
    pub(super) pace: Arc<Pace>,
    pub(super) callers: Callers,
}

impl Guard {
    fn authenticate(&self, client: &ConnectInfo) -> AuthResult {
        let client_id: &str = client.client_id();
        let who = match self.principal(client) {
            Ok(who) => who,
            Err(refusal) => return refusal,
        };
        let username = client.username().map_or("", |name| &name[..]);
        let will = client.last_will();
        let will_topic = will.as_ref().map(|will| match will {
            LastWill::V3(will) => &will.topic[..],
            LastWill::V5(will) => &will.topic[..],
        });
        if !username.is_empty() && !self.rules.may_connect(who, username, client_id) {
            tracing::warn!(client_id, username, from = %self.from(client), "refused: not the client id of this user");
            return AuthResult::NotAuthorized;
        }
        if let Some(topic) = will_topic.filter(|topic| !self.rules.may_will(who, topic)) {
            tracing::warn!(client_id, topic, from = %self.from(client), "refused: a will on a foreign topic");
            return AuthResult::NotAuthorized;
        }
        AuthResult::Allow(false, None)
    }

    /// From where it really comes, for the log.
    fn from(&self, client: &ConnectInfo) -> String {
        let seen = client.id().remote_addr;
        seen.map_or_else(|| "somewhere".to_owned(), |seen| self.callers.behind(seen).to_string())
    }

    fn principal(&self, client: &ConnectInfo) -> Result<Principal, AuthResult> {
        let client_id: &str = client.client_id();
        let password: &[u8] = client.password().map_or(&[], |password| password);
        let who = match client.username() {
            None => self.open.then_some(Principal::Operator),
            Some(username) => match self.rules.principal(username) {
                Some(Principal::Outside(place)) => return self.device(place, client_id, password),
                who => who.filter(|_| self.secret.admits(username, password)),
            },
        };
        who.ok_or_else(|| {
            tracing::warn!(client_id, from = %self.from(client), "refused: wrong user name or password");
            AuthResult::BadUsernameOrPassword
        })
    }

    /// A device of the register, by the wall's clock: it knows no other.
    fn device(&self, place: usize, client_id: &str, password: &[u8]) -> Result<Principal, AuthResult> {
        match self.rules.admits_device(place, client_id, password, wall_now()) {
            Ok(()) => Ok(Principal::Outside(place)),
            Err(error) => {
                tracing::warn!(client_id, %error, "device refused");
                if self.rules.device(place).dialect == Dialect::Iotda {
                    self.presence.refused(self.rules.device_id(place), error.to_string(), wall_now());
                }
                // MQTT 3.1.1 has a code for a wrong client id, 2, but rmqtt lets no hook answer with it.
                let by_id = error == LoginError::ClientId;
                Err(if by_id { AuthResult::NotAuthorized } else { AuthResult::BadUsernameOrPassword })
            }
        }
    }

    /// Who a connected client is: it was authenticated under this name.
    fn known(&self, username: Option<&str>) -> Option<Principal> {
        username.map_or(self.open.then_some(Principal::Operator), |name| self.rules.principal(name))
    }

    fn known_in(&self, session: &Session) -> Option<Principal> {
        self.known(session.id.username.as_ref().map(|name| &name[..]))
    }

    /// A device hears what is for it already: its own subscriptions become those. It cannot end them either.
    fn adjusted(&self, session: &Session, filter: &str, ends: bool) -> Option<HookResult> {
        let heard_as = self.rules.heard_as(self.known_in(session)?, filter)?;
        let system = heard_as.contains("/sys/");
        let filter = if ends && system { format!("{heard_as}/never") } else { heard_as };
        Some(HookResult::TopicFilter(Some(TopicFilter::from(filter))))
    }

    /// A device that hears what is for it is there.
    async fn subscribed(&self, session: &Session, filter: &str) {
        if let Some(Principal::Outside(place)) = self.known_in(session) {
            self.presence.subscribed(session, self.rules.device_id(place), filter).await;
        }
    }

    async fn gone(&self, session: &Session) {
        if let Some(Principal::Outside(place)) = self.known_in(session) {
            self.presence.gone(session, self.rules.device_id(place)).await;
        }
    }

    fn subscribes(&self, session: &Session, subscribe: &Subscribe) -> SubscribeAclResult {
        let who = self.known_in(session);
        let (client_id, filter): (&str, &str) = (&session.id.client_id, &subscribe.topic_filter);
        let shared = subscribe.opts.has_shared_group();
        if who.is_some_and(|who| self.rules.may_subscribe(who, client_id, filter, shared)) {
            return SubscribeAclResult::new_success(subscribe.opts.qos(), None);
        }
        self.counters.refused_subscribes.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(client_id, filter, "subscription refused");
        SubscribeAclResult::new_failure(SubscribeAckReason::NotAuthorized)
    }

    fn publishes(&self, session: &Session, publish: &Publish) -> PublishAclResult {
        let who = self.known_in(session);
        let topic: &str = &publish.topic;
        if who.is_some_and(|who| !self.pace.allows(who, wall_now())) {
            self.counters.limited.fetch_add(1, Ordering::Relaxed);
            return PublishAclResult::rejected(false, None);
        }
        if who.is_some_and(|who| self.rules.may_publish(who, topic)) {
            self.counters.messages.fetch_add(1, Ordering::Relaxed);
            let metrics = metrics();
            count(who, publish, &metrics.broker_received, &metrics.broker_received_bytes);
            return PublishAclResult::allow();
        }
        self.counters.refused_publishes.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(client_id = &session.id.client_id[..], topic, "message refused");
        PublishAclResult::rejected(false, None)
    }
}

/// Counts a message by the class of a client and the channel.
fn count(who: Option<Principal>, publish: &Publish, messages: &IntCounterVec, bytes: &IntCounterVec) {
    let class = who.map_or("unknown", Principal::class);
    let channel = Channel::of_topic(&publish.topic).map_or("other", |channel| channel.name);
    messages.with_label_values(&[class, channel]).inc();
    bytes.with_label_values(&[class, channel]).inc_by((publish.topic.len() + publish.payload.len()) as u64);
}

/// What the guard is asked or told. Not `MessagePublish`: that comes before the check, and sees what is refused.
pub(super) const QUESTIONS: [Type; 9] = [
    Type::ClientAuthenticate,
    Type::ClientSubscribeCheckAcl,
    Type::MessagePublishCheckAcl,
    Type::MessageDelivered,
    Type::MessageDropped,
    Type::ClientSubscribe,
    Type::ClientUnsubscribe,
    Type::SessionSubscribed,
    Type::ClientDisconnected,
];

#[async_trait]
impl Handler for Guard {
    async fn hook(&self, parameter: &Parameter, so_far: Option<HookResult>) -> ReturnType {
        let answer = match parameter {
            Parameter::ClientAuthenticate(client) => {
                self.cuts.over(client.client_id()).await;
                let result = self.authenticate(client);
                match result {
                    AuthResult::Allow(..) => {
                        if let Some(seen) = client.id().remote_addr {
                            self.callers.let_in(seen);
                        }
                        make_way(&self.context, client).await;
                    }
                    _ => _ = self.counters.refused_connects.fetch_add(1, Ordering::Relaxed),
                }
                HookResult::AuthResult(result)
            }
            Parameter::ClientSubscribeCheckAcl(session, subscribe) => {
                HookResult::SubscribeAclResult(self.subscribes(session, subscribe))
            }
            Parameter::MessagePublishCheckAcl(session, publish) => {
                HookResult::PublishAclResult(self.publishes(session, publish))
            }
            Parameter::ClientSubscribe(session, subscribe) => {
                match self.adjusted(session, &subscribe.topic_filter, false) {
                    Some(adjusted) => adjusted,
                    None => return (true, so_far),
                }
            }
            Parameter::ClientUnsubscribe(session, unsubscribe) => {
                match self.adjusted(session, &unsubscribe.topic_filter, true) {
                    Some(adjusted) => adjusted,
                    None => return (true, so_far),
                }
            }
            Parameter::SessionSubscribed(session, subscribe) => {
                self.subscribed(session, &subscribe.topic_filter).await;
                return (true, so_far);
            }
            Parameter::ClientDisconnected(session, _) => {
                self.gone(session).await;
                return (true, so_far);
            }
            Parameter::MessageDelivered(session, _, publish) => {
                let metrics = metrics();
                let who = self.known_in(session);
                count(who, publish, &metrics.broker_delivered, &metrics.broker_delivered_bytes);
                return (true, so_far);
            }
            // A refused message counts as dropped with the broker; here it is counted already.
            Parameter::MessageDropped(_, _, _, Reason::PublishResult(_)) => return (true, so_far),
            Parameter::MessageDropped(..) => {
                self.counters.dropped.fetch_add(1, Ordering::Relaxed);
                return (true, so_far);
            }
            _ => return (true, so_far),
        };
        // The guard has the last word.
        (false, Some(answer))
    }
}
