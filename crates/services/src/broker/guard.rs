//! Who the broker lets in, and what it lets them do.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use rmqtt::codec::v5::SubscribeAckReason;
use rmqtt::hook::{Handler, HookResult, Parameter, ReturnType, Type};
use rmqtt::session::Session;
use rmqtt::types::{
    AuthResult, ConnectInfo, LastWill, Publish, PublishAclResult, Reason, Subscribe, SubscribeAclResult,
};

use super::Counters;
use crate::access::{Principal, Rules, Secret};

/// Stands at the door: asks the rules about everyone and everything.
#[derive(Clone)]
pub(super) struct Guard {
    pub(super) rules: Rules,
    pub(super) secret: Secret,
    pub(super) open: bool,
    pub(super) counters: Arc<Counters>,
}

impl Guard {
    fn authenticate(&self, client: &ConnectInfo) -> AuthResult {
        let client_id: &str = client.client_id();
        let Some(who) = self.principal(client) else {
            tracing::warn!(client_id, "refused: wrong user name or password");
            return AuthResult::BadUsernameOrPassword;
        };
        let username = client.username().map_or("", |name| &name[..]);
        let will = client.last_will();
        let will_topic = will.as_ref().map(|will| match will {
            LastWill::V3(will) => &will.topic[..],
            LastWill::V5(will) => &will.topic[..],
        });
        if !username.is_empty() && !self.rules.may_connect(who, username, client_id) {
            tracing::warn!(client_id, username, "refused: not the client id of this user");
            return AuthResult::NotAuthorized;
        }
        if let Some(topic) = will_topic.filter(|topic| !self.rules.may_will(who, topic)) {
            tracing::warn!(client_id, topic, "refused: a will on a foreign topic");
            return AuthResult::NotAuthorized;
        }
        AuthResult::Allow(false, None)
    }

    fn principal(&self, client: &ConnectInfo) -> Option<Principal> {
        let Some(username) = client.username() else {
            return self.open.then_some(Principal::Operator);
        };
        let password: &[u8] = client.password().map_or(&[], |password| password);
        self.secret.admits(username, password).then(|| Principal::of(username))?
    }

    /// Who a connected client is: it was authenticated under this name.
    fn known(&self, username: Option<&str>) -> Option<Principal> {
        username.map_or(self.open.then_some(Principal::Operator), Principal::of)
    }

    fn subscribes(&self, session: &Session, subscribe: &Subscribe) -> SubscribeAclResult {
        let who = self.known(session.id.username.as_ref().map(|name| &name[..]));
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
        let who = self.known(session.id.username.as_ref().map(|name| &name[..]));
        let topic: &str = &publish.topic;
        if who.is_some_and(|who| self.rules.may_publish(who, topic)) {
            self.counters.messages.fetch_add(1, Ordering::Relaxed);
            return PublishAclResult::allow();
        }
        self.counters.refused_publishes.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(client_id = &session.id.client_id[..], topic, "message refused");
        PublishAclResult::rejected(false, None)
    }
}

/// What the guard is asked or told. Not `MessagePublish`: that comes before the check, and sees what is refused.
pub(super) const QUESTIONS: [Type; 4] = [
    Type::ClientAuthenticate,
    Type::ClientSubscribeCheckAcl,
    Type::MessagePublishCheckAcl,
    Type::MessageDropped,
];

#[async_trait]
impl Handler for Guard {
    async fn hook(&self, parameter: &Parameter, so_far: Option<HookResult>) -> ReturnType {
        let answer = match parameter {
            Parameter::ClientAuthenticate(client) => {
                let result = self.authenticate(client);
                if !matches!(result, AuthResult::Allow(..)) {
                    self.counters.refused_connects.fetch_add(1, Ordering::Relaxed);
                }
                HookResult::AuthResult(result)
            }
            Parameter::ClientSubscribeCheckAcl(session, subscribe) => {
                HookResult::SubscribeAclResult(self.subscribes(session, subscribe))
            }
            Parameter::MessagePublishCheckAcl(session, publish) => {
                HookResult::PublishAclResult(self.publishes(session, publish))
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
