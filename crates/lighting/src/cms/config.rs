use std::sync::Arc;

use types::{CabinetId, GroupId, LuminaireId, Stream};

use crate::{AstroTable, Group, Leg, Programme};

/// What a CMS is told about its luminaires.
#[derive(Clone, Debug)]
pub struct CmsConfig {
    /// The luminaires it manages, in any order, each once.
    pub assets: Vec<Asset>,
    /// The programmes that assets name by position.
    pub calendars: Vec<Programme>,
    /// Luminaires that can be commanded together; each name once, nobody unknown, none empty.
    pub groups: Vec<Group>,
    /// The sun at the city's reference point: hardware that goes dark is updated only by day.
    pub sun: Arc<AstroTable>,
    /// How long a luminaire may take to acknowledge a command \[ms of the wall's clock\], over 0.
    pub ack_timeout_ms: i64,
    /// Where command ids come from. Another one for each start, or ids repeat and luminaires ignore the commands.
    pub ids: Stream,
}

/// One luminaire in the register of a CMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Which one.
    pub luminaire: LuminaireId,
    /// The cabinet that feeds it.
    pub cabinet: CabinetId,
    /// What it hangs on there.
    pub leg: Leg,
    /// The street that it lights \[m\].
    pub street_m: u16,
    /// Active power at full output \[mW\].
    pub rated_mw: u32,
    /// Active power without light \[mW\], below `rated_mw`.
    pub standby_mw: u32,
    /// Its programme: a position in [`CmsConfig::calendars`].
    pub calendar: u16,
}

#[cfg(test)]
impl Asset {
    /// A luminaire of 80.5 W on the first circuit of the first cabinet.
    pub(super) fn sample(luminaire: u32, calendar: u16) -> Self {
        Self {
            luminaire: LuminaireId(luminaire),
            cabinet: CabinetId(1),
            leg: Leg { circuit: crate::Circuit::ALL[0], phase: crate::Phase::R },
            street_m: 30,
            rated_mw: 80_500,
            standby_mw: 500,
            calendar,
        }
    }
}

/// Why a register of luminaires makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CmsConfigError {
    /// A luminaire stands in it twice.
    #[error("luminaire {0} stands in the register twice")]
    Twice(LuminaireId),
    /// A luminaire names a programme that is not there.
    #[error("luminaire {luminaire}: calendar {calendar} of {calendars}")]
    NoCalendar {
        /// Which luminaire.
        luminaire: LuminaireId,
        /// The position it names.
        calendar: usize,
        /// How many there are.
        calendars: usize,
    },
    /// Two groups have one name.
    #[error("group {0} stands in the register twice")]
    GroupTwice(GroupId),
    /// A group without luminaires.
    #[error("group {0} has no luminaires")]
    EmptyGroup(GroupId),
    /// A group names a luminaire that is not in the register.
    #[error("group {group}: luminaire {luminaire} is not in the register")]
    NoMember {
        /// Which group.
        group: GroupId,
        /// The luminaire it names.
        luminaire: LuminaireId,
    },
    /// Commands would time out before they are sent.
    #[error("acknowledgement timeout of {0} ms is not over 0")]
    AckTimeout(i64),
}
