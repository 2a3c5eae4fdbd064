//! What the broker keeps for late subscribers.

use std::time::Duration;

use async_trait::async_trait;
use rmqtt::Result;
use rmqtt::context::ServerContext;
use rmqtt::retain::{RetainStorage, RetainSyncMode};
use rmqtt::types::{Retain, TopicFilter, TopicName};
use rmqtt::utils::StatsMergeMode;

/// Puts [`Lasting`] around the storage that is in place.
pub(super) async fn last_for_ever_unless_told(context: &ServerContext) {
    let mut slot = context.extends.retain_mut().await;
    let inner = std::mem::replace(&mut *slot, Box::new(Nothing));
    *slot = Box::new(Lasting(inner));
}

/// Keeps retained messages without an expiry for ever.
///
/// A listener whose `message_expiry_interval` is 0 means "never" everywhere but here: the storage takes 0 for "expired
/// already", and no late subscriber would ever see a retained message.
struct Lasting(Box<dyn RetainStorage>);

#[async_trait]
impl RetainStorage for Lasting {
    fn enable(&self) -> bool {
        self.0.enable()
    }

    fn merge_on_read(&self) -> bool {
        self.0.merge_on_read()
    }

    fn need_sync(&self) -> bool {
        self.0.need_sync()
    }

    async fn set(&self, topic: &TopicName, retain: Retain, expiry: Option<Duration>) -> Result<()> {
        self.0.set(topic, retain, expiry.filter(|expiry| !expiry.is_zero())).await
    }

    async fn get(&self, filter: &TopicFilter) -> Result<Vec<(TopicName, Retain)>> {
        self.0.get(filter).await
    }

    async fn get_all_paginated(
        &self,
        offset: usize,
        limit: usize,
    ) -> Result<(Vec<(TopicName, Retain, Option<Duration>)>, bool)> {
        self.0.get_all_paginated(offset, limit).await
    }

    async fn count(&self) -> isize {
        self.0.count().await
    }

    async fn max(&self) -> isize {
        self.0.max().await
    }

    fn stats_merge_mode(&self) -> StatsMergeMode {
        self.0.stats_merge_mode()
    }

    fn retain_sync_mode(&self) -> RetainSyncMode {
        self.0.retain_sync_mode()
    }

    async fn sync_retain_topic(
        &self,
        topic: &TopicName,
        expiry: Option<Duration>,
        is_set: bool,
    ) -> Result<()> {
        self.0.sync_retain_topic(topic, expiry, is_set).await
    }
}

/// Holds the place while the storage is being wrapped.
struct Nothing;

#[async_trait]
impl RetainStorage for Nothing {
    async fn set(&self, _: &TopicName, _: Retain, _: Option<Duration>) -> Result<()> {
        Ok(())
    }

    async fn get(&self, _: &TopicFilter) -> Result<Vec<(TopicName, Retain)>> {
        Ok(Vec::new())
    }

    async fn count(&self) -> isize {
        0
    }

    async fn max(&self) -> isize {
        0
    }
}
