//! What the broker keeps for late subscribers.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use rmqtt::Result;
use rmqtt::context::ServerContext;
use rmqtt::retain::RetainStorage;
use rmqtt::types::{CodecPublish, Retain, TopicFilter, TopicName};

use super::Counters;

/// Retained messages at most: three of each luminaire of a city of 100,000, and as many again.
const MESSAGES_MAX: usize = 600_000;
/// The bytes of all of them at most, topics and payloads.
const BYTES_MAX: usize = 512 * 1024 * 1024;
/// How often those that have expired are thrown away.
const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// Keeps the retained messages here.
///
/// rmqtt's own storage takes an expiry of 0 for "expired already" instead of "never", has no bound on bytes, and needs
/// ten times the memory: it is a tree with a hash table for each level of each topic.
pub(super) async fn keep_here(context: &ServerContext, counters: Arc<Counters>) {
    *context.extends.retain_mut().await = Box::new(Retained { kept: RwLock::default(), counters });
}

struct Retained {
    kept: RwLock<Kept>,
    counters: Arc<Counters>,
}

#[derive(Debug)]
struct Message {
    retain: Retain,
    expires: Option<Instant>,
}

/// The messages, by topic.
struct Kept {
    messages: BTreeMap<Box<str>, Message>,
    bytes: usize,
    /// The most there ever were.
    most: usize,
    swept: Instant,
}

impl Default for Kept {
    fn default() -> Self {
        Self { messages: BTreeMap::new(), bytes: 0, most: 0, swept: Instant::now() }
    }
}

impl Kept {
    /// Whether there was room. An empty message removes the one that is there.
    fn set(&mut self, topic: &str, retain: Retain, expires: Option<Instant>, now: Instant) -> bool {
        if now.duration_since(self.swept) >= SWEEP_EVERY {
            self.sweep(now);
        }
        if let Some(before) = self.messages.remove(topic) {
            self.bytes -= size(topic, &before);
        }
        let message = Message { retain, expires };
        if message.retain.publish.payload.is_empty() {
            return true;
        }
        let bytes = self.bytes + size(topic, &message);
        if self.messages.len() >= MESSAGES_MAX || bytes > BYTES_MAX {
            return false;
        }
        self.bytes = bytes;
        self.messages.insert(topic.into(), message);
        self.most = self.most.max(self.messages.len());
        true
    }

    fn sweep(&mut self, now: Instant) {
        let bytes = &mut self.bytes;
        self.messages.retain(|topic, message| {
            let stays = message.is_alive(now);
            *bytes -= if stays { 0 } else { size(topic, message) };
            stays
        });
        self.swept = now;
    }

    /// Those that `filter` names, by topic.
    fn matching<'a>(
        &'a self,
        filter: &'a str,
        now: Instant,
    ) -> impl Iterator<Item = (&'a str, &'a Retain)> + 'a {
        let fixed = fixed_part(filter);
        self.messages
            .range::<str, _>((Bound::Included(fixed), Bound::Unbounded))
            .map(|(topic, message)| (&**topic, message))
            .take_while(move |(topic, _)| topic.starts_with(fixed))
            .filter(move |(topic, message)| matches(filter, topic) && message.is_alive(now))
            .map(|(topic, message)| (topic, &message.retain))
    }
}

impl Message {
    fn is_alive(&self, now: Instant) -> bool {
        self.expires.is_none_or(|at| at > now)
    }
}

fn size(topic: &str, message: &Message) -> usize {
    topic.len() + message.retain.publish.payload.len()
}

/// What every topic that `filter` matches begins with.
fn fixed_part(filter: &str) -> &str {
    let wildcard = filter.find(['+', '#']).unwrap_or(filter.len());
    let fixed = &filter[..wildcard];
    // `a/#` matches `a` too.
    if filter[wildcard..].starts_with('#') { fixed.trim_end_matches('/') } else { fixed }
}

/// MQTT 5.0, 4.7.
fn matches(filter: &str, topic: &str) -> bool {
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let mut levels = topic.split('/');
    for wanted in filter.split('/') {
        match (wanted, levels.next()) {
            ("#", _) => return true,
            ("+", Some(_)) => {}
            (wanted, Some(level)) if wanted == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

/// Gives the message bytes of its own. As it came it is a part of the connection's read buffer, and would hold all 8 KB
/// of it for as long as it is retained.
fn detach(publish: &mut CodecPublish) {
    publish.payload = Bytes::copy_from_slice(&publish.payload);
    publish.topic = copy(&publish.topic);
    if let Some(properties) = &mut publish.properties {
        properties.content_type = properties.content_type.as_ref().map(copy);
        properties.response_topic = properties.response_topic.as_ref().map(copy);
        properties.correlation_data = properties.correlation_data.as_deref().map(Bytes::copy_from_slice);
    }
}

fn copy(text: &TopicName) -> TopicName {
    TopicName::from(text.to_string())
}

impl Retained {
    /// A panic elsewhere leaves at worst one message too few counted.
    fn read(&self) -> RwLockReadGuard<'_, Kept> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Kept> {
        self.kept.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl RetainStorage for Retained {
    fn enable(&self) -> bool {
        true
    }

    async fn set(&self, topic: &TopicName, mut retain: Retain, expiry: Option<Duration>) -> Result<()> {
        detach(&mut retain.publish.inner);
        let now = Instant::now();
        let expires = expiry.filter(|expiry| !expiry.is_zero()).map(|expiry| now + expiry);
        let mut kept = self.write();
        let fits = kept.set(topic, retain, expires, now);
        self.counters.retained.store(kept.messages.len() as u64, Ordering::Relaxed);
        self.counters.retained_bytes.store(kept.bytes as u64, Ordering::Relaxed);
        drop(kept);
        if !fits {
            self.counters.unretained.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(topic = &**topic, "not retained: the broker keeps too many messages already");
        }
        Ok(())
    }

    async fn get(&self, filter: &TopicFilter) -> Result<Vec<(TopicName, Retain)>> {
        let kept = self.read();
        let found = kept.matching(filter, Instant::now());
        Ok(found.map(|(topic, retain)| (topic.to_owned().into(), retain.clone())).collect())
    }

    async fn count(&self) -> isize {
        self.read().messages.len() as isize
    }

    async fn max(&self) -> isize {
        self.read().most as isize
    }
}

#[cfg(test)]
mod tests {
    use rmqtt::types::{From, Id, Publish};

    use super::*;

    fn message(topic: &str, payload: &str) -> Retain {
        let publish = CodecPublish {
            dup: false,
            retain: true,
            qos: rmqtt::types::QoS::AtLeastOnce,
            topic: topic.to_owned().into(),
            packet_id: None,
            payload: Bytes::copy_from_slice(payload.as_bytes()),
            properties: None,
        };
        Retain {
            msg_id: None,
            from: From::from_custom(Id::from(1, "x".into())),
            publish: Publish::from(publish),
        }
    }

    fn topics<'a>(kept: &'a Kept, filter: &'a str) -> Vec<&'a str> {
        kept.matching(filter, Instant::now()).map(|(topic, _)| topic).collect()
    }

    #[test]
    fn filters_match_as_the_standard_says() {
        for (filter, topic, expected) in [
            ("a/b", "a/b", true),
            ("a/b", "a/b/c", false),
            ("a/+", "a/b", true),
            ("a/+", "a", false),
            ("a/+", "a/b/c", false),
            ("a/#", "a", true),
            ("a/#", "a/b/c", true),
            ("a/#", "ab", false),
            ("+/b/#", "a/b", true),
            ("#", "$SYS/x", false),
            ("+/x", "$SYS/x", false),
            ("$SYS/#", "$SYS/x", true),
            ("/+", "/a", true),
            ("+", "", true),
        ] {
            assert_eq!(matches(filter, topic), expected, "{filter} {topic}");
        }
    }

    #[test]
    fn the_search_misses_nothing_that_matches() {
        let mut kept = Kept::default();
        let all = ["$SYS/x", "/a", "a", "a/b", "a/b/c", "a-b", "ab", "b/a"];
        for topic in all {
            assert!(kept.set(topic, message(topic, "x"), None, Instant::now()));
        }
        for filter in ["#", "a/#", "a/+", "+/b/#", "+", "a/b", "$SYS/#", "+/+", "/+", "a/b/#"] {
            let expected: Vec<_> = all.into_iter().filter(|topic| matches(filter, topic)).collect();
            let mut found = topics(&kept, filter);
            found.sort_by_key(|topic| all.iter().position(|one| one == topic));
            assert_eq!(found, expected, "{filter}");
        }
    }

    #[test]
    fn an_empty_message_removes_and_an_expired_one_is_not_seen_and_then_gone() {
        let (mut kept, now) = (Kept::default(), Instant::now());
        assert!(kept.set("a", message("a", "1"), None, now));
        assert!(kept.set("a", message("a", ""), None, now));
        assert!(kept.set("b", message("b", "1"), Some(now), now));
        assert!(topics(&kept, "#").is_empty());
        assert!(kept.set("c", message("c", "1"), None, now + SWEEP_EVERY));
        assert_eq!((kept.messages.len(), kept.bytes), (1, 2));
    }

    #[test]
    fn beyond_the_bound_nothing_is_kept_until_there_is_room() {
        let (mut kept, now) = (Kept::default(), Instant::now());
        kept.bytes = BYTES_MAX - 4;
        assert!(kept.set("a", message("a", "123"), None, now));
        assert!(!kept.set("b", message("b", "1"), None, now));
        assert!(kept.set("a", message("a", "1"), None, now), "one that is there may change");
        assert!(kept.set("b", message("b", "1"), None, now));
    }
}
