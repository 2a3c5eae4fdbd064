//! How a cabinet's luminaires hang on it: circuits, phases, legs.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A phase of the three-phase supply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Phase {
    /// The first, L1.
    R,
    /// The second, L2.
    S,
    /// The third, L3.
    T,
}

impl Phase {
    /// All three.
    pub const ALL: [Self; 3] = [Self::R, Self::S, Self::T];
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Some of the three phases; in JSON a list such as `["R","T"]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases(u8);

impl Phases {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// All of them.
    pub const ALL: Self = Self(0b111);

    /// Whether `phase` is one of them.
    pub fn contains(self, phase: Phase) -> bool {
        self.0 & 1 << phase as u8 != 0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::NONE
    }

    /// Those of either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that are not among `other`.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Each, in order.
    pub fn iter(self) -> impl Iterator<Item = Phase> {
        Phase::ALL.into_iter().filter(move |phase| self.contains(*phase))
    }
}

impl From<Phase> for Phases {
    fn from(phase: Phase) -> Self {
        Self(1 << phase as u8)
    }
}

impl FromIterator<Phase> for Phases {
    fn from_iter<I: IntoIterator<Item = Phase>>(phases: I) -> Self {
        phases.into_iter().fold(Self::NONE, |all, phase| all.union(phase.into()))
    }
}

impl fmt::Display for Phases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|phase| phase.fmt(f))
    }
}

impl Serialize for Phases {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Phases {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Vec::<Phase>::deserialize(from).map(Self::from_iter)
    }
}

/// Circuits that leave a cabinet, each with a contactor of its own.
pub const CIRCUITS: usize = 2;

/// One circuit of a cabinet: 1 or 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Circuit(u8);

impl Circuit {
    /// Both.
    pub const ALL: [Self; CIRCUITS] = [Self(1), Self(2)];

    /// The circuit of this number; `None` if no cabinet has it.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|circuit| circuit.0 == number)
    }

    /// The circuit that a luminaire hangs on by its register, which counts from 1: a cabinet of a city has two
    /// contactors, so the third circuit is switched with the first, the fourth with the second.
    pub fn of_register(number: u8) -> Self {
        Self::ALL[usize::from(number.wrapping_sub(1)) % CIRCUITS]
    }

    /// Its number.
    pub fn number(self) -> u8 {
        self.0
    }

    /// Its place, counted from 0.
    pub(crate) fn index(self) -> usize {
        usize::from(self.0 - 1)
    }
}

impl fmt::Display for Circuit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Circuit {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number = u8::deserialize(from)?;
        Self::from_number(number)
            .ok_or_else(|| D::Error::custom(format!("circuit {number}, expected 1 or 2")))
    }
}

/// What one luminaire hangs on: a phase of a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leg {
    /// Which circuit.
    pub circuit: Circuit,
    /// Which phase of it.
    pub phase: Phase,
}

/// How many legs a cabinet has.
pub(crate) const LEGS: usize = CIRCUITS * Phase::ALL.len();

impl Leg {
    /// Every leg of a cabinet.
    pub fn all() -> impl Iterator<Item = Self> {
        Circuit::ALL.into_iter().flat_map(|circuit| Phase::ALL.map(|phase| Self { circuit, phase }))
    }

    /// Its place among [`all`](Self::all), counted from 0.
    pub(crate) fn index(self) -> usize {
        self.circuit.index() * Phase::ALL.len() + self.phase as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circuit_that_no_cabinet_has_is_refused() {
        for text in ["0", "3", "-1", "\"1\"", "null"] {
            assert!(serde_json::from_str::<Circuit>(text).is_err(), "{text}");
        }
        assert_eq!(serde_json::from_str::<Circuit>("2").unwrap().number(), 2);
    }

    #[test]
    fn phases_are_a_list_without_order_or_copies() {
        let phases: Phases = serde_json::from_str(r#"["T","R","T"]"#).unwrap();
        assert_eq!(serde_json::to_string(&phases).unwrap(), r#"["R","T"]"#);
        assert_eq!(phases.to_string(), "RT");
        assert!(serde_json::from_str::<Phases>(r#"["U"]"#).is_err());
        assert!(Phases::ALL.without(phases) == Phase::S.into());
    }

    #[test]
    fn each_leg_has_its_own_place() {
        let places: Vec<usize> = Leg::all().map(Leg::index).collect();
        assert_eq!(places, (0..LEGS).collect::<Vec<_>>());
    }
}
