//! What hostile clients do, each kind of it in one table.

/// A kind of hostile traffic.
pub(super) struct Kind {
    pub(super) attack: Attack,
    pub(super) name: &'static str,
    pub(super) does: &'static str,
    pub(super) seen: Seen,
}

/// What a hostile client tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attack {
    Silent,
    Half,
    WrongPassword,
    ForeignWill,
    SubscriptionBomb,
    Eavesdrop,
    ForeignTopic,
    Oversized,
    Flood,
    RetainedFlood,
    Garbage,
    Deaf,
}

/// Where a refusal is seen.
pub(super) enum Seen {
    /// By the client, which is told no or sent away; and here in `/metrics`, if anywhere.
    ByClient(Option<&'static str>),
    /// Only here in `/metrics`: what is published at QoS 0 is not answered.
    ByCounter(&'static str),
    /// Nothing is refused: so much is kept for it, and what is dropped then is counted here.
    Bounded(&'static str),
}

const fn kind(attack: Attack, name: &'static str, does: &'static str, seen: Seen) -> Kind {
    Kind { attack, name, does, seen }
}

use Seen::{Bounded, ByClient, ByCounter};

const CONNECTS_REFUSED: &str = "kitecity_broker_connects_refused_total";
const NOT_IN_TIME: &str = "kitecity_broker_not_in_time_total";
const RATE_LIMITED: &str = "kitecity_broker_rate_limited_total";

/// All kinds. Both floods share one counter.
pub(super) const KINDS: [Kind; 12] = [
    kind(Attack::Silent, "silent", "connects and says nothing", ByClient(Some(NOT_IN_TIME))),
    kind(Attack::Half, "half", "half a CONNECT, and no more", ByClient(Some(NOT_IN_TIME))),
    kind(
        Attack::WrongPassword,
        "password",
        "guesses the operator's password",
        ByClient(Some(CONNECTS_REFUSED)),
    ),
    kind(Attack::ForeignWill, "will", "a will on the clock's topic", ByClient(Some(CONNECTS_REFUSED))),
    kind(Attack::SubscriptionBomb, "bomb", "1,200 subscriptions; 1,000 are granted", ByClient(None)),
    kind(
        Attack::Eavesdrop,
        "eavesdrop",
        "a viewer subscribes to questions and replies",
        ByClient(Some("kitecity_broker_subscribes_refused_total")),
    ),
    kind(
        Attack::ForeignTopic,
        "foreign",
        "a viewer commands luminaires and sets the clock",
        ByCounter("kitecity_broker_publishes_refused_total"),
    ),
    kind(Attack::Oversized, "oversized", "a packet that claims 256 MB", ByClient(None)),
    kind(Attack::Flood, "flood", "500 messages at once of a device that may speak", ByCounter(RATE_LIMITED)),
    kind(
        Attack::RetainedFlood,
        "retained",
        "200 retained messages of a device, each on a new topic",
        ByCounter(RATE_LIMITED),
    ),
    kind(
        Attack::Garbage,
        "garbage",
        "random bytes as reports of luminaires",
        ByCounter("kitecity_dead_letters_total"),
    ),
    kind(
        Attack::Deaf,
        "deaf",
        "an operator subscribes to everything and reads nothing",
        Bounded("kitecity_broker_deliveries_dropped_total"),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_stands_at_its_own_place_of_the_table() {
        for (place, kind) in KINDS.iter().enumerate() {
            assert_eq!(kind.attack as usize, place, "{}", kind.name);
        }
    }
}
