use types::{SECOND_MS, Timestamp};

use super::drive::Drive;
use super::model::LuminaireModel;
use crate::Fault;

/// Half a turn of a cycling lamp \[ms\]: as long on as off.
const CYCLE_HALF_MS: i64 = 45 * SECOND_MS;

/// What stands between the driver's level and the light.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Defect {
    /// Nothing.
    #[default]
    None,
    /// The LEDs are open: no light and no load, while the driver is alive.
    LampOpen,
    /// The relay does not open: full light when there should be none.
    RelayStuckOn,
    /// The relay does not close: no light, and no power at all, when there should be some.
    RelayStuckOff,
    /// The dimming input is dead: whatever is asked, this level \[fine steps\].
    DimmingStuck(u32),
    /// The lamp goes out when hot and comes on when cold, since then.
    Cycling(Timestamp),
    /// The meter stands still.
    MeterFrozen,
    /// No supply: no light, no power, nothing to talk with.
    SupplyLoss,
}

/// What a luminaire gives and draws at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Glow {
    /// What the driver says, light or none.
    Follows,
    /// This level \[fine steps\].
    Holds(u32),
    /// No light; the driver draws its standby.
    Standby,
    /// Nothing.
    Dead,
}

impl Defect {
    /// What a fault does to a luminaire whose driver is at `level` \[fine steps\].
    pub(super) fn from_fault(fault: Fault, level: u32, now: Timestamp) -> Self {
        match fault {
            Fault::LampOpen => Self::LampOpen,
            Fault::RelayStuckOn => Self::RelayStuckOn,
            Fault::RelayStuckOff => Self::RelayStuckOff,
            Fault::DimmingStuck => Self::DimmingStuck(level),
            Fault::Cycling => Self::Cycling(now),
            Fault::MeterFrozen => Self::MeterFrozen,
            Fault::SupplyLoss => Self::SupplyLoss,
            // Not of the lamp: see `Trouble`.
            Fault::FirmwareBadImage | Fault::FirmwareHang => Self::None,
        }
    }

    /// The same by a clock that was set `by_ms` forward.
    pub(super) fn shifted(self, by_ms: i64) -> Self {
        match self {
            Self::Cycling(since) => Self::Cycling(since.plus_millis(by_ms)),
            other => other,
        }
    }

    /// What comes of the driver's level at `now`.
    pub(super) fn glow(self, drive: Drive, model: &LuminaireModel, now: Timestamp) -> Glow {
        match self {
            Self::None | Self::MeterFrozen => Glow::Follows,
            Self::SupplyLoss => Glow::Dead,
            Self::RelayStuckOn if drive.is_off() => Glow::Holds(model.fine_full()),
            // By day there is nothing to be seen of the others.
            _ if drive.is_off() => Glow::Follows,
            Self::RelayStuckOn => Glow::Follows,
            Self::LampOpen => Glow::Standby,
            Self::RelayStuckOff => Glow::Dead,
            Self::DimmingStuck(0) => Glow::Holds(model.fine_full()),
            Self::DimmingStuck(level) => Glow::Holds(level),
            Self::Cycling(since) => {
                let on = now.millis_since(since).div_euclid(CYCLE_HALF_MS) % 2 != 0;
                if on { Glow::Follows } else { Glow::Standby }
            }
        }
    }

    /// When that changes by itself.
    pub(super) fn next_change(self, drive: Drive, after: Timestamp) -> Option<Timestamp> {
        let Self::Cycling(since) = self else { return None };
        let halves = after.millis_since(since).div_euclid(CYCLE_HALF_MS) + 1;
        (!drive.is_off()).then(|| since.plus_millis(halves * CYCLE_HALF_MS))
    }

    /// Whether it has nothing to talk with.
    pub(super) fn is_mute(self) -> bool {
        self == Self::SupplyLoss
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LuminaireModelConfig;

    #[test]
    fn by_day_only_a_stuck_relay_and_a_lost_supply_show() {
        let config =
            LuminaireModelConfig { rated_mw: 80_500, standby_mw: 500, fade_ms: 0, report_period_ms: 900_000 };
        let (model, now) = (LuminaireModel::new(config).unwrap(), Timestamp::default());
        let off = Drive::resting(0, now);
        for (fault, glow) in [
            (Fault::LampOpen, Glow::Follows),
            (Fault::RelayStuckOn, Glow::Holds(100)),
            (Fault::RelayStuckOff, Glow::Follows),
            (Fault::DimmingStuck, Glow::Follows),
            (Fault::Cycling, Glow::Follows),
            (Fault::SupplyLoss, Glow::Dead),
        ] {
            assert_eq!(Defect::from_fault(fault, 0, now).glow(off, &model, now), glow, "{fault:?}");
        }
    }

    #[test]
    fn a_cycling_lamp_changes_every_half_turn_while_it_is_driven() {
        let (at, full) = (Timestamp::from_millis, Drive::resting(100, Timestamp::default()));
        let cycling = Defect::Cycling(at(0));
        assert_eq!(cycling.next_change(full, at(0)), Some(at(45_000)));
        assert_eq!(cycling.next_change(full, at(45_000)), Some(at(90_000)));
        assert_eq!(cycling.next_change(Drive::resting(0, at(0)), at(0)), None);
    }
}
