//! What can be wrong with a luminaire, as its CMS tells everyone.

use serde::{Deserialize, Serialize};
use types::LuminaireId;

/// What is wrong with a luminaire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmKind {
    /// The controller drives the lamp and the lamp draws no power.
    LampFailure,
    /// The lamp draws power when it should be off: a day burner.
    LampUnexpectedOn,
    /// The relay does not close: not even the driver's standby is drawn.
    RelayFailure,
    /// The power does not follow the dim level.
    DimmingFailure,
    /// The lamp goes out and comes on again and again.
    CyclingFailure,
    /// The energy reading stands still while power is drawn, or does not fit it.
    MeterFailure,
    /// The controller's clock is wrong.
    ClockFailure,
    /// Nothing is heard.
    CommunicationFailure,
    /// There is no mains voltage.
    SupplyLoss,
    /// Mains voltage is too low.
    SupplyVoltageTooLow,
    /// The current lags too far behind the voltage, or is too distorted.
    PowerFactorTooLow,
    /// The lamp draws less than it should at every level: a part of it is dark.
    LampPowerTooLow,
    /// The control gear does not answer, and drives nothing.
    ControlGearFailure,
    /// The control gear does not answer, and gives the light it likes.
    ControlGearCommFailure,
    /// The control gear is hot, and gives less light than it should.
    ThermalDerating,
    /// The control gear was too hot, and gives none.
    ThermalShutdown,
    /// It sends far more messages than anyone needs.
    Flooding,
    /// Two devices speak in its name.
    DuplicateIdentity,
    /// People in the street say that something is wrong with it.
    Complaint,
}

impl AlarmKind {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::LampFailure,
        Self::LampUnexpectedOn,
        Self::RelayFailure,
        Self::DimmingFailure,
        Self::CyclingFailure,
        Self::MeterFailure,
        Self::ClockFailure,
        Self::CommunicationFailure,
        Self::SupplyLoss,
        Self::SupplyVoltageTooLow,
        Self::PowerFactorTooLow,
        Self::LampPowerTooLow,
        Self::ControlGearFailure,
        Self::ControlGearCommFailure,
        Self::ThermalDerating,
        Self::ThermalShutdown,
        Self::Flooding,
        Self::DuplicateIdentity,
        Self::Complaint,
    ];
}

/// The beginning or the end of something wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmChange {
    /// It has begun.
    Raised,
    /// It is over.
    Cleared,
}

/// CMS → everyone: an alarm began or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// Which luminaire.
    pub luminaire: LuminaireId,
    /// What is wrong with it.
    pub kind: AlarmKind,
    /// Began or ended.
    pub change: AlarmChange,
}

/// The alarms of one luminaire that stand. As a message a list of their names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<AlarmKind>", into = "Vec<AlarmKind>")]
pub struct AlarmSet(u32);

impl AlarmSet {
    /// Whether nothing is wrong.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this alarm stands.
    #[inline]
    pub fn contains(self, kind: AlarmKind) -> bool {
        self.0 & Self::bit(kind) != 0
    }

    /// Those that stand, in the order of [`AlarmKind::ALL`].
    pub fn iter(self) -> impl Iterator<Item = AlarmKind> {
        AlarmKind::ALL.into_iter().filter(move |kind| self.contains(*kind))
    }

    /// Begins or ends one; tells whether that is a change.
    #[inline]
    pub(crate) fn set(&mut self, kind: AlarmKind, stands: bool) -> bool {
        let changes = self.contains(kind) != stands;
        self.0 ^= if changes { Self::bit(kind) } else { 0 };
        changes
    }

    fn bit(kind: AlarmKind) -> u32 {
        1 << kind as u32
    }
}

impl FromIterator<AlarmKind> for AlarmSet {
    fn from_iter<I: IntoIterator<Item = AlarmKind>>(kinds: I) -> Self {
        Self(kinds.into_iter().fold(0, |set, kind| set | Self::bit(kind)))
    }
}

impl From<Vec<AlarmKind>> for AlarmSet {
    fn from(kinds: Vec<AlarmKind>) -> Self {
        kinds.into_iter().collect()
    }
}

impl From<AlarmSet> for Vec<AlarmKind> {
    fn from(set: AlarmSet) -> Self {
        set.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_no_alarm_is_called_is_not_read() {
        assert!(serde_json::from_str::<AlarmSet>(r#"["on_fire"]"#).is_err());
        assert!(serde_json::from_str::<AlarmSet>(r#""flooding""#).is_err());
    }

    proptest! {
        #[test]
        fn a_set_holds_what_was_set_last_and_comes_back_from_its_names(
            changes in prop::collection::vec((0..AlarmKind::ALL.len(), any::<bool>()), 0..60),
        ) {
            let mut set = AlarmSet::default();
            let mut model = std::collections::BTreeSet::new();
            for (place, stands) in changes {
                let kind = AlarmKind::ALL[place];
                let changed = if stands { model.insert(kind) } else { model.remove(&kind) };
                prop_assert_eq!(set.set(kind, stands), changed);
            }
            prop_assert_eq!(set.is_empty(), model.is_empty());
            prop_assert!(set.iter().eq(model));
            let text = serde_json::to_string(&set).unwrap();
            prop_assert_eq!(serde_json::from_str::<AlarmSet>(&text).unwrap(), set);
        }
    }
}
