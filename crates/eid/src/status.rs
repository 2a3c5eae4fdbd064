//! The status list: which long-lived cards are revoked or suspended, two bits for each.
//!
//! Source: draft-ietf-oauth-status-list, "Token Status List (TSL)", the CWT form.

use ciborium::Value;
use serde::{Deserialize, Serialize};
use types::{HOUR_MS, SECOND_MS, Timestamp};

use crate::decode::{DecodedCode, decode_cose, from_base45, from_cbor, labelled, time};
use crate::encode::sign_typed;
use crate::keys::{KeyId, to_cbor};
use crate::signature::SecretKey;
use crate::zlib::{deflate, inflate};

/// How many cards one list holds.
pub const STATUS_LIST_LEN: u32 = 65_536;
/// How long a list counts as fresh \[ms\].
pub const STATUS_TTL_MS: i64 = 12 * HOUR_MS;
/// The name of the only list, as credentials refer to it.
pub(crate) const STATUS_URI: &str = "eid/status/0";
/// The media type of a list (its `typ`, RFC 9596).
const TYPE: &str = "application/statuslist+cwt";
/// Cards in one byte.
const CARDS_A_BYTE: u32 = 4;

/// Claims of a status list token.
const SUBJECT: i64 = 2;
const ISSUED: i64 = 6;
const TTL: i64 = 65_534;
const LIST: i64 = 65_533;

/// What is said of a card, a phone or a holder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum CardStatus {
    /// Good.
    #[default]
    Valid = 0,
    /// Never good again.
    Revoked = 1,
    /// Not good for now.
    Suspended = 2,
}

/// Which entry of which list tells about a credential (its claim 65535).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StatusRef {
    pub(crate) uri: String,
    pub(crate) index: u32,
}

impl StatusRef {
    pub(crate) fn of_card(index: u32) -> Self {
        Self { uri: STATUS_URI.to_owned(), index }
    }

    pub(crate) fn to_value(&self) -> Value {
        let reference = vec![("idx".into(), self.index.into()), ("uri".into(), self.uri.as_str().into())];
        Value::Map(vec![("status_list".into(), Value::Map(reference))])
    }

    /// None if it is another mechanism than a status list, or broken.
    pub(crate) fn read(claim: &Value) -> Option<Self> {
        let list = member(claim, "status_list")?;
        let index = u32::try_from(member(list, "idx")?.as_integer()?).ok()?;
        Some(Self { uri: member(list, "uri")?.as_text()?.to_owned(), index })
    }
}

fn member<'a>(map: &'a Value, name: &str) -> Option<&'a Value> {
    map.as_map()?.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value)
}

/// The status of every card, as the issuer keeps it and a verifier caches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StatusList {
    bits: Vec<u8>,
}

impl StatusList {
    /// Every card valid.
    pub(crate) fn new() -> Self {
        Self { bits: vec![0; (STATUS_LIST_LEN / CARDS_A_BYTE) as usize] }
    }

    /// None past the end of the list, or for a value without a meaning.
    pub(crate) fn of(&self, index: u32) -> Option<CardStatus> {
        let byte = self.bits.get((index / CARDS_A_BYTE) as usize)?;
        match byte >> (2 * (index % CARDS_A_BYTE)) & 0b11 {
            0 => Some(CardStatus::Valid),
            1 => Some(CardStatus::Revoked),
            2 => Some(CardStatus::Suspended),
            _ => None,
        }
    }

    /// Outside the list nothing happens.
    pub(crate) fn set(&mut self, index: u32, status: CardStatus) {
        let shift = 2 * (index % CARDS_A_BYTE);
        if let Some(byte) = self.bits.get_mut((index / CARDS_A_BYTE) as usize) {
            *byte = *byte & !(0b11 << shift) | (status as u8) << shift;
        }
    }

    /// The signed list, as a text.
    pub(crate) fn publish(&self, now: Timestamp, key: &SecretKey, kid: KeyId) -> String {
        let list = vec![("bits".into(), 2.into()), ("lst".into(), Value::Bytes(deflate(&self.bits)))];
        let payload = to_cbor(&Value::Map(vec![
            (SUBJECT.into(), STATUS_URI.into()),
            (ISSUED.into(), now.as_millis().div_euclid(SECOND_MS).into()),
            (TTL.into(), (STATUS_TTL_MS / SECOND_MS).into()),
            (LIST.into(), Value::Map(list)),
        ]));
        base45::encode(sign_typed(payload, key, kid, Some(TYPE)))
    }
}

/// A list as it was published. Not to be believed before its signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublishedStatus {
    pub(crate) uri: String,
    pub(crate) issued: Timestamp,
    pub(crate) ttl_ms: i64,
    list: StatusList,
}

impl PublishedStatus {
    /// The list, and the token to check its signature on.
    pub(crate) fn read(text: &str) -> Option<(DecodedCode, Self)> {
        let token = decode_cose(&from_base45(text)?).ok()?;
        let claims = labelled(from_cbor(&token.payload)?)?;
        let list = claims.get(&LIST)?;
        if member(list, "bits")?.as_integer()? != 2.into() {
            return None;
        }
        let bits = inflate(member(list, "lst")?.as_bytes()?).ok()?;
        let ttl_s = i64::try_from(claims.get(&TTL)?.as_integer()?).ok()?;
        let uri = claims.get(&SUBJECT)?.as_text()?.to_owned();
        let issued = time(claims.get(&ISSUED)?)?;
        let ttl_ms = ttl_s.saturating_mul(SECOND_MS);
        Some((token, Self { uri, issued, ttl_ms, list: StatusList { bits } }))
    }

    pub(crate) fn is_fresh(&self, now: Timestamp) -> bool {
        now < self.issued.plus_millis(self.ttl_ms)
    }

    /// What it says of a card; `None` if it says nothing of it.
    pub(crate) fn of(&self, reference: &StatusRef) -> Option<CardStatus> {
        if self.uri == reference.uri { self.list.of(reference.index) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::signature::Algorithm;
    use crate::testing::now;

    fn published(list: &StatusList) -> PublishedStatus {
        let key = SecretKey::from_seed(Algorithm::EdDsa, [1; 32]);
        let text = list.publish(now(), &key, [1; 8]);
        let (token, published) = PublishedStatus::read(&text).unwrap();
        assert!(token.is_signed_by(&key.public()));
        published
    }

    #[test]
    fn outside_the_list_and_of_another_list_nothing_is_known() {
        let mut list = StatusList::new();
        list.set(STATUS_LIST_LEN, CardStatus::Revoked);
        let published = published(&list);
        assert_eq!(published.of(&StatusRef::of_card(STATUS_LIST_LEN)), None);
        assert_eq!(published.of(&StatusRef { uri: "other".into(), index: 0 }), None);
        assert_eq!(published.of(&StatusRef::of_card(0)), Some(CardStatus::Valid));
    }

    #[test]
    fn what_is_no_list_is_not_read() {
        for text in ["", "KITE", "0".repeat(9_000).as_str()] {
            assert_eq!(PublishedStatus::read(text), None);
        }
        for value in [Value::Null, Value::Map(vec![]), Value::Map(vec![("status_list".into(), 1.into())])] {
            assert_eq!(StatusRef::read(&value), None);
        }
    }

    #[test]
    fn a_list_is_fresh_until_its_time_to_live() {
        let published = published(&StatusList::new());
        assert!(published.is_fresh(now().plus_millis(STATUS_TTL_MS - 1)));
        assert!(!published.is_fresh(now().plus_millis(STATUS_TTL_MS)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn every_status_is_read_back(cards in proptest::collection::btree_map(0..STATUS_LIST_LEN, 0..3u8, 0..40)) {
            let mut list = StatusList::new();
            let status = |n| [CardStatus::Valid, CardStatus::Revoked, CardStatus::Suspended][usize::from(n)];
            for (&card, &n) in &cards {
                list.set(card, status((n + 1) % 3));
                list.set(card, status(n));
            }
            let published = published(&list);
            for (&card, &n) in &cards {
                let reference = StatusRef::of_card(card);
                prop_assert_eq!(StatusRef::read(&reference.to_value()), Some(reference.clone()));
                prop_assert_eq!(published.of(&reference), Some(status(n)));
            }
        }
    }
}
