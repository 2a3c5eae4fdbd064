use types::{SECOND_MS, Timestamp};

use super::drive::Drive;
use super::model::LuminaireModel;
use crate::{DimLevel, Fault};

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
    /// So many of the LEDs are dark \[%\].
    LedStringPartial(u8),
    /// The relay does not open: full light when there should be none.
    RelayStuckOn,
    /// The relay does not close: no light, and no power at all, when there should be some.
    RelayStuckOff,
    /// The dimming input is dead: whatever is asked, this level \[fine steps\].
    DimmingStuck(u32),
    /// The lamp goes out when hot and comes on when cold, since then.
    Cycling(Timestamp),
    /// The driver is dead.
    DriverDead,
    /// The driver gives no more than this level \[fine steps\].
    DriverDerate(u32),
    /// The driver hears nothing, and gives full light.
    DaliCommLoss,
    /// The driver's fins hold so much of the heat \[% of what clean ones hold\].
    Overheating(u16),
    /// The meter stands still.
    MeterFrozen,
    /// The meter counts so much too much \[%\].
    MeterOffset(i8),
    /// The mains have this voltage at the cabinet \[mV\].
    Brownout(u32),
    /// The mains have this voltage \[mV\], which was too little: controller and driver have stopped until it is well.
    Stopped(u32),
    /// No supply: no light, no power, nothing to talk with.
    SupplyLoss,
    /// The controller tells its readings so often \[1/s\].
    Flooding(u16),
    /// The supply is back, and the controller starts until then. The driver gives light already.
    Starting(Timestamp),
}

/// What a luminaire gives and draws at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Glow {
    /// What the driver says, light or none.
    Follows,
    /// What the driver says, with so many percent of the LEDs.
    Part(u8),
    /// What the driver says, but no more than this level \[fine steps\].
    Caps(u32),
    /// This level \[fine steps\].
    Holds(u32),
    /// No light; the driver draws its standby.
    Standby,
    /// Nothing.
    Dead,
}

impl Defect {
    /// What a fault does to a luminaire whose driver is at `level` \[fine steps\].
    pub(super) fn from_fault(fault: Fault, level: u32, model: &LuminaireModel, now: Timestamp) -> Self {
        match fault {
            Fault::LampOpen => Self::LampOpen,
            Fault::LedStringPartial(percent) => Self::LedStringPartial(percent),
            Fault::RelayStuckOn => Self::RelayStuckOn,
            Fault::RelayStuckOff => Self::RelayStuckOff,
            Fault::DimmingStuck => Self::DimmingStuck(level),
            Fault::Cycling => Self::Cycling(now),
            Fault::DriverDead => Self::DriverDead,
            Fault::DriverDerate(percent) => {
                Self::DriverDerate(model.fine(DimLevel::from_percent(percent).unwrap_or(DimLevel::FULL)))
            }
            Fault::DaliCommLoss => Self::DaliCommLoss,
            Fault::Overheating(percent) => Self::Overheating(percent),
            Fault::MeterFrozen => Self::MeterFrozen,
            Fault::MeterOffset(percent) => Self::MeterOffset(percent),
            Fault::Brownout(volts) => Self::Brownout(u32::from(volts) * 1_000),
            Fault::SupplyLoss => Self::SupplyLoss,
            Fault::Flooding(per_second) => Self::Flooding(per_second),
            // Not of the lamp: see `Trouble`, and `Luminaire::namesake`.
            Fault::FirmwareBadImage | Fault::FirmwareHang | Fault::IdClone(_) => Self::None,
        }
    }

    /// The same by a clock that was set `by_ms` forward.
    pub(super) fn shifted(self, by_ms: i64) -> Self {
        match self {
            Self::Cycling(since) => Self::Cycling(since.plus_millis(by_ms)),
            Self::Starting(until) => Self::Starting(until.plus_millis(by_ms)),
            other => other,
        }
    }

    /// What comes of the driver's level at `now`.
    pub(super) fn glow(self, drive: Drive, model: &LuminaireModel, now: Timestamp) -> Glow {
        match self {
            Self::None | Self::MeterFrozen | Self::MeterOffset(_) | Self::Starting(_) => Glow::Follows,
            Self::Overheating(_) | Self::Brownout(_) | Self::Flooding(_) => Glow::Follows,
            Self::SupplyLoss | Self::Stopped(_) => Glow::Dead,
            Self::RelayStuckOn if drive.is_off() => Glow::Holds(model.fine_full()),
            // By day there is nothing to be seen of the others.
            _ if drive.is_off() => Glow::Follows,
            Self::RelayStuckOn => Glow::Follows,
            Self::LampOpen | Self::DriverDead => Glow::Standby,
            Self::LedStringPartial(percent) => Glow::Part(100 - percent),
            Self::DriverDerate(level) => Glow::Caps(level),
            Self::RelayStuckOff => Glow::Dead,
            Self::DaliCommLoss | Self::DimmingStuck(0) => Glow::Holds(model.fine_full()),
            Self::DimmingStuck(level) => Glow::Holds(level),
            Self::Cycling(since) => {
                let on = now.millis_since(since).div_euclid(CYCLE_HALF_MS) % 2 != 0;
                if on { Glow::Follows } else { Glow::Standby }
            }
        }
    }

    /// When something of it changes by itself: the meter must count up to then.
    pub(super) fn next_change(self, drive: Drive, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Cycling(since) => {
                let halves = after.millis_since(since).div_euclid(CYCLE_HALF_MS) + 1;
                (!drive.is_off()).then(|| since.plus_millis(halves * CYCLE_HALF_MS))
            }
            // Where the power stops following the level, or begins to.
            Self::DriverDerate(level) => drive.passes(level).filter(|&at| at > after),
            Self::Starting(until) => Some(until),
            _ => None,
        }
    }

    /// Whether it has nothing to talk with.
    pub(super) fn is_mute(self) -> bool {
        matches!(self, Self::SupplyLoss | Self::Stopped(_) | Self::Starting(_))
    }

    /// Whether the control gear of a luminaire that should be lit answers its controller.
    pub(super) fn lets_gear_answer(self) -> bool {
        !matches!(self, Self::DriverDead | Self::DaliCommLoss)
    }

    /// What the meter counts of what there is \[%\].
    pub(super) fn metered_percent(self) -> u64 {
        match self {
            Self::MeterFrozen => 0,
            Self::MeterOffset(percent) => 100u64.saturating_add_signed(percent.into()),
            _ => 100,
        }
    }

    /// How much of its heat the driver holds \[% of what one with clean fins holds\].
    pub(super) fn heat_percent(self) -> u16 {
        if let Self::Overheating(percent) = self { 100 + percent } else { 100 }
    }
}

impl Glow {
    /// Whether there is light.
    pub(super) fn is_lit(self, drive: Drive) -> bool {
        match self {
            Self::Follows | Self::Part(_) | Self::Caps(_) => !drive.is_off(),
            Self::Holds(_) => true,
            Self::Standby | Self::Dead => false,
        }
    }

    /// Active power while the driver is at `level` \[fine steps → parts of a milliwatt\].
    #[inline]
    pub(super) fn parts(self, model: &LuminaireModel, drive: Drive, level: u32) -> u64 {
        match self {
            Self::Dead => 0,
            Self::Part(percent) => model.parts_lit(level, percent),
            lit if lit.is_lit(drive) => model.parts_lit(lit.output(level), 100),
            _ => model.parts_standby(),
        }
    }

    /// Output while the driver is at `level` \[fine steps\].
    #[inline]
    pub(super) fn output(self, level: u32) -> u32 {
        match self {
            Self::Follows => level,
            Self::Part(percent) => (u64::from(level) * u64::from(percent) / 100) as u32,
            Self::Caps(most) => level.min(most),
            Self::Holds(held) => held,
            Self::Standby | Self::Dead => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::LuminaireModelConfig;
    use super::*;
    use crate::Physics;

    fn model() -> LuminaireModel {
        let (rated_mw, standby_mw, physics) = (80_500, 500, Physics::default());
        let config =
            LuminaireModelConfig { rated_mw, standby_mw, fade_ms: 0, report_period_ms: 900_000, physics };
        LuminaireModel::new(config).unwrap()
    }

    #[test]
    fn by_day_only_a_stuck_relay_and_a_lost_supply_show() {
        let (model, now) = (model(), Timestamp::default());
        let off = Drive::resting(0, now);
        for fault in Fault::ALL {
            let glow = match fault {
                Fault::RelayStuckOn => Glow::Holds(100),
                Fault::SupplyLoss => Glow::Dead,
                _ => Glow::Follows,
            };
            assert_eq!(Defect::from_fault(fault, 0, &model, now).glow(off, &model, now), glow, "{fault:?}");
        }
    }

    #[test]
    fn by_night_each_shows_in_its_own_way() {
        let (model, now) = (model(), Timestamp::default());
        let half = Drive::resting(50, now);
        for (fault, glow) in [
            (Fault::LampOpen, Glow::Standby),
            (Fault::LedStringPartial(40), Glow::Part(60)),
            (Fault::RelayStuckOn, Glow::Follows),
            (Fault::RelayStuckOff, Glow::Dead),
            (Fault::DimmingStuck, Glow::Holds(50)),
            (Fault::Cycling, Glow::Standby),
            (Fault::DriverDead, Glow::Standby),
            (Fault::DriverDerate(30), Glow::Caps(30)),
            (Fault::DaliCommLoss, Glow::Holds(100)),
            (Fault::Overheating(80), Glow::Follows),
            (Fault::MeterOffset(10), Glow::Follows),
            (Fault::Brownout(190), Glow::Follows),
            (Fault::SupplyLoss, Glow::Dead),
        ] {
            let defect = Defect::from_fault(fault, 50, &model, now);
            assert_eq!(defect.glow(half, &model, now), glow, "{fault:?}");
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

    #[test]
    fn a_worn_driver_stops_following_where_it_can_give_no_more() {
        let at = Timestamp::from_millis;
        let up = Drive::resting(0, at(0)).towards(100, at(0));
        let worn = Defect::DriverDerate(60);
        assert_eq!(worn.next_change(up, at(0)), Some(at(60)));
        assert_eq!(worn.next_change(up, at(60)), None);
        assert_eq!(worn.next_change(Drive::resting(100, at(0)), at(0)), None);
        assert_eq!([0, 50, 60, 61, 100].map(|level| Glow::Caps(60).output(level)), [0, 50, 60, 60, 60]);
    }
}
