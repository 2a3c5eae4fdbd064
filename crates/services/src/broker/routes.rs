//! Who hears what: the broker's own table, changed by one at a time.

use async_trait::async_trait;
use rmqtt::Result;
use rmqtt::context::ServerContext;
use rmqtt::router::{DefaultRouter, Router};
use rmqtt::types::{
    AllRelationsMap, HashMap, Id, NodeId, Route, SubRelationsMap, SubsSearchParams, SubsSearchResult,
    SubscriptionOptions, TopicName,
};
use rmqtt::utils::Counter;
use tokio::sync::Mutex;

/// Puts [`Orderly`] around the table that is in place.
pub(super) async fn change_one_at_a_time(context: &ServerContext) {
    let mut slot = context.extends.router_mut().await;
    let inner = std::mem::replace(&mut *slot, Box::new(DefaultRouter::new(None)));
    *slot = Box::new(Orderly { inner, changing: Mutex::new(()) });
}

/// Adds and removes subscriptions one after the other.
///
/// rmqtt 0.24 removes in steps: the last subscriber of a filter, then the filter. Who subscribes to it between the two
/// is lost, and hears nothing although the broker granted it. A device that comes back with another client id does just
/// that: it subscribes to the filters of the connection that ends.
struct Orderly {
    inner: Box<dyn Router>,
    changing: Mutex<()>,
}

#[async_trait]
impl Router for Orderly {
    async fn add(&self, topic_filter: &str, id: Id, opts: SubscriptionOptions) -> Result<()> {
        let _alone = self.changing.lock().await;
        self.inner.add(topic_filter, id, opts).await
    }

    async fn remove(&self, topic_filter: &str, id: Id) -> Result<bool> {
        let _alone = self.changing.lock().await;
        self.inner.remove(topic_filter, id).await
    }

    async fn matches(&self, id: Id, topic: &TopicName) -> Result<SubRelationsMap> {
        self.inner.matches(id, topic).await
    }

    async fn is_online(&self, node_id: NodeId, client_id: &str) -> bool {
        self.inner.is_online(node_id, client_id).await
    }

    async fn gets(&self, limit: usize) -> Vec<Route> {
        self.inner.gets(limit).await
    }

    async fn get(&self, topic: &str) -> Result<Vec<Route>> {
        self.inner.get(topic).await
    }

    async fn query_subscriptions(&self, query: &SubsSearchParams) -> Vec<SubsSearchResult> {
        self.inner.query_subscriptions(query).await
    }

    async fn topics_tree(&self) -> usize {
        self.inner.topics_tree().await
    }

    fn topics(&self) -> Counter {
        self.inner.topics()
    }

    fn routes(&self) -> Counter {
        self.inner.routes()
    }

    fn merge_topics(&self, topics: &HashMap<NodeId, Counter>) -> Counter {
        self.inner.merge_topics(topics)
    }

    fn merge_routes(&self, routes: &HashMap<NodeId, Counter>) -> Counter {
        self.inner.merge_routes(routes)
    }

    async fn list_topics(&self, top: usize) -> Vec<String> {
        self.inner.list_topics(top).await
    }

    async fn list_relations(&self, top: usize) -> Vec<serde_json::Value> {
        self.inner.list_relations(top).await
    }

    fn relations(&self) -> &AllRelationsMap {
        self.inner.relations()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// One more subscriber of `a/b`, who hears it.
    async fn subscribe(context: &ServerContext, client_id: &'static str) -> Id {
        let id = Id::from(context.node.id(), client_id.into());
        let router = context.extends.router().await;
        router.add("a/b", id.clone(), SubscriptionOptions::default()).await.unwrap();
        id
    }

    async fn hears(context: &ServerContext, id: &Id) -> bool {
        let router = context.extends.router().await;
        let heard = router.matches(id.clone(), &TopicName::from("a/b")).await.unwrap();
        heard.values().flatten().any(|(_, client_id, ..)| *client_id == id.client_id)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_subscribes_while_the_last_one_leaves_hears_all_the_same() {
        let context = ServerContext::new().build().await;
        change_one_at_a_time(&context).await;
        let done = std::sync::Arc::new(AtomicBool::new(false));
        let (other, stop) = (context.clone(), done.clone());
        let coming_and_going = tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let id = subscribe(&other, "older").await;
                other.extends.router().await.remove("a/b", id).await.unwrap();
            }
        });
        for round in 0..2_000 {
            let id = subscribe(&context, "newer").await;
            assert!(hears(&context, &id).await, "round {round}");
            context.extends.router().await.remove("a/b", id).await.unwrap();
        }
        done.store(true, Ordering::Relaxed);
        coming_and_going.await.unwrap();
    }
}
