//! What a scenario tells its driver to do.

use types::{LuminaireId, Timestamp};
use wire::{Message, RoleName};

/// Something a scenario wants done now.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// Put a message on the bus, as the scenario.
    Send(Message),
    /// Disturb a part of the network. Several disturbances of one link act one after the other. Virtual time only.
    Disturb(Disturbance),
    /// The broker is gone until then: every connection breaks, nothing is delivered, all connect again after it.
    /// Virtual time only.
    BrokerOutage {
        /// When it is back.
        until: Timestamp,
    },
    /// A service stops at once, loses what is not in its journal, and starts again from it. Virtual time only.
    Crash {
        /// Which.
        role: RoleName,
        /// When it starts again.
        until: Timestamp,
    },
    /// The clocks of some luminaires go wrong. Virtual time only.
    Drift {
        /// Whose.
        who: Luminaires,
        /// How much faster (slower, if negative) than the city's they run from now on \[parts per million\].
        ppm: i32,
        /// How far they jump now \[ms\].
        step_ms: i64,
    },
}

/// A disturbance of the links between some clients and the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disturbance {
    /// Whose links.
    pub who: Clients,
    /// Which way.
    pub direction: Direction,
    /// Until when.
    pub until: Timestamp,
    /// What happens to each message on its way.
    pub effect: Effect,
}

/// What a disturbed link does to each message. All zero = nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// The message is lost \[parts per million\]; 1,000,000 = a cut.
    pub loss_ppm: u32,
    /// The message comes twice \[parts per million\].
    pub duplicate_ppm: u32,
    /// The message comes at least this much later \[ms\].
    pub delay_min_ms: u32,
    /// The message comes at most this much later \[ms\]; each message draws its own delay.
    pub delay_max_ms: u32,
    /// Whether a delayed message may be overtaken; otherwise a link keeps its order.
    pub reorder: bool,
}

/// Clients of the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clients {
    /// Luminaires.
    Luminaires(Luminaires),
    /// One service.
    Service(RoleName),
}

/// Luminaires, from the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Luminaires {
    /// The first.
    pub first: LuminaireId,
    /// The last.
    pub last: LuminaireId,
}

impl Luminaires {
    /// Whether `luminaire` is one of them.
    pub fn contains(&self, luminaire: LuminaireId) -> bool {
        (self.first..=self.last).contains(&luminaire)
    }
}

/// Which way on a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the broker.
    Up,
    /// From the broker to the client.
    Down,
    /// Both.
    #[default]
    Both,
}
