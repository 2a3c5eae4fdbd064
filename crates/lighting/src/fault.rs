use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A physical fault put into a simulated luminaire.
///
/// As a text, on the bus and in scenario files: its name, and for those that have one a severity after a colon:
/// `lamp_open`, `brownout:190`. Without it, the severity is the usual one of [`Fault::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Fault {
    /// The LED circuit is open: driven, but dark and without load.
    LampOpen,
    /// So many of the LEDs are dark, and draw nothing \[%\].
    LedStringPartial(u8),
    /// The relay does not open: full light and power also when there should be none, as by day.
    RelayStuckOn,
    /// The relay does not close: no light, and no power at all, when there should be some.
    RelayStuckOff,
    /// The dimming input is dead: the level stays what it is now, full if it is off now.
    DimmingStuck,
    /// The lamp goes out and comes on again, 45 s each.
    Cycling,
    /// The driver is dead: no light, and no answer to the controller.
    DriverDead,
    /// The driver is worn out: it gives no more than this level \[%\].
    DriverDerate(u8),
    /// The wires between controller and driver are broken: the driver gives full light whenever it has power.
    DaliCommLoss,
    /// The fins are dirty: the driver gets so much warmer than clean ones would let it \[%\].
    Overheating(u16),
    /// The energy meter stands still.
    MeterFrozen,
    /// The energy meter counts so much more (less, if negative) than there is \[%\].
    MeterOffset(i8),
    /// The mains have this voltage at the cabinet \[V\].
    Brownout(u8),
    /// No supply: it tells so with its last charge, and is silent until it is repaired.
    SupplyLoss,
    /// The controller has gone mad: it tells its readings again and again \[messages/s\].
    Flooding(u16),
    /// A second device has its client id and credentials: each takes the connection
    /// from the other after so long \[s\].
    IdClone(u16),
    /// Firmware that it downloads is not what was sent.
    FirmwareBadImage,
    /// A download of firmware never ends.
    FirmwareHang,
}

/// Why a text is no fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultError {
    /// There is no fault of this name.
    #[error("`{name}` is no fault; faults are {}", Fault::NAMES.join(", "))]
    Unknown {
        /// What was given.
        name: String,
    },
    /// The fault is there or not.
    #[error("`{name}` is there or not: write it without `:`")]
    NoSeverity {
        /// Which fault.
        name: &'static str,
    },
    /// The severity is out of range, or no whole number.
    #[error("`{given}` is not a severity of {name}: expected {min} to {max} [{unit}]")]
    Severity {
        /// Which fault.
        name: &'static str,
        /// What was given.
        given: String,
        /// The least.
        min: i32,
        /// The most.
        max: i32,
        /// The unit.
        unit: &'static str,
    },
}

/// What severities a fault can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Severities {
    /// The usual one.
    pub usual: i32,
    /// The least.
    pub min: i32,
    /// The most.
    pub max: i32,
    /// Their unit.
    pub unit: &'static str,
}

impl Fault {
    /// All of them, each with its usual severity.
    pub const ALL: [Self; 18] = [
        Self::LampOpen,
        Self::LedStringPartial(40),
        Self::RelayStuckOn,
        Self::RelayStuckOff,
        Self::DimmingStuck,
        Self::Cycling,
        Self::DriverDead,
        Self::DriverDerate(60),
        Self::DaliCommLoss,
        Self::Overheating(80),
        Self::MeterFrozen,
        Self::MeterOffset(25),
        Self::Brownout(190),
        Self::SupplyLoss,
        Self::Flooding(200),
        Self::IdClone(10),
        Self::FirmwareBadImage,
        Self::FirmwareHang,
    ];

    /// The names of all of them.
    pub const NAMES: [&'static str; Self::ALL.len()] = {
        let mut names = [""; Self::ALL.len()];
        let mut place = 0;
        while place < names.len() {
            names[place] = Self::ALL[place].name();
            place += 1;
        }
        names
    };

    /// Its name, without its severity.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LampOpen => "lamp_open",
            Self::LedStringPartial(_) => "led_string_partial",
            Self::RelayStuckOn => "relay_stuck_on",
            Self::RelayStuckOff => "relay_stuck_off",
            Self::DimmingStuck => "dimming_stuck",
            Self::Cycling => "cycling",
            Self::DriverDead => "driver_dead",
            Self::DriverDerate(_) => "driver_derate",
            Self::DaliCommLoss => "dali_comm_loss",
            Self::Overheating(_) => "overheating",
            Self::MeterFrozen => "meter_frozen",
            Self::MeterOffset(_) => "meter_offset",
            Self::Brownout(_) => "brownout",
            Self::SupplyLoss => "supply_loss",
            Self::Flooding(_) => "flooding",
            Self::IdClone(_) => "id_clone",
            Self::FirmwareBadImage => "firmware_bad_image",
            Self::FirmwareHang => "firmware_hang",
        }
    }

    fn severity(self) -> Option<i32> {
        match self {
            Self::LedStringPartial(percent) | Self::DriverDerate(percent) => Some(percent.into()),
            Self::Overheating(percent) => Some(percent.into()),
            Self::Flooding(per_second) => Some(per_second.into()),
            Self::IdClone(period_s) => Some(period_s.into()),
            Self::MeterOffset(percent) => Some(percent.into()),
            Self::Brownout(volts) => Some(volts.into()),
            _ => None,
        }
    }

    /// How severe it can be; `None` if it is there or not.
    pub fn severities(self) -> Option<Severities> {
        let (min, max, unit) = match self {
            Self::LedStringPartial(_) | Self::DriverDerate(_) => (1, 99, "%"),
            Self::Overheating(_) => (1, 500, "%"),
            Self::Flooding(_) => (1, 1_000, "messages/s"),
            Self::IdClone(_) => (1, 3_600, "s"),
            Self::MeterOffset(_) => (-99, 99, "%"),
            Self::Brownout(_) => (120, 210, "V"),
            _ => return None,
        };
        let same = |fault: &Self| fault.name() == self.name();
        let usual = Self::ALL.into_iter().find(same).and_then(Self::severity)?;
        Some(Severities { usual, min, max, unit })
    }

    /// The same fault, so severe; `None` if it cannot be.
    fn as_severe_as(self, severity: i32) -> Option<Self> {
        let Severities { min, max, .. } = self.severities()?;
        if !(min..=max).contains(&severity) {
            return None;
        }
        Some(match self {
            Self::LedStringPartial(_) => Self::LedStringPartial(severity as u8),
            Self::DriverDerate(_) => Self::DriverDerate(severity as u8),
            Self::Overheating(_) => Self::Overheating(severity as u16),
            Self::Flooding(_) => Self::Flooding(severity as u16),
            Self::IdClone(_) => Self::IdClone(severity as u16),
            Self::MeterOffset(_) => Self::MeterOffset(severity as i8),
            Self::Brownout(_) => Self::Brownout(severity as u8),
            other => other,
        })
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (name, given) = text.split_once(':').map_or((text, None), |(name, given)| (name, Some(given)));
        let usual = Self::ALL.into_iter().find(|fault| fault.name() == name);
        let usual = usual.ok_or_else(|| FaultError::Unknown { name: name.to_owned() })?;
        let (name, Some(given)) = (usual.name(), given) else { return Ok(usual) };
        let Severities { min, max, unit, .. } = usual.severities().ok_or(FaultError::NoSeverity { name })?;
        let severe = given.parse().ok().and_then(|severity| usual.as_severe_as(severity));
        severe.ok_or_else(|| FaultError::Severity { name, given: given.to_owned(), min, max, unit })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.severity() {
            Some(severity) => write!(f, "{}:{severity}", self.name()),
            None => f.write_str(self.name()),
        }
    }
}

impl TryFrom<String> for Fault {
    type Error = FaultError;

    fn try_from(text: String) -> Result<Self, FaultError> {
        text.parse()
    }
}

impl From<Fault> for String {
    fn from(fault: Fault) -> Self {
        fault.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_fault_is_refused_with_what_would_be() {
        let refusal = |text: &str| text.parse::<Fault>().unwrap_err().to_string();
        assert!(
            refusal("lamp_opne").starts_with("`lamp_opne` is no fault; faults are lamp_open, led_string")
        );
        assert_eq!(refusal("lamp_open:1"), "`lamp_open` is there or not: write it without `:`");
        assert_eq!(refusal("brownout:90"), "`90` is not a severity of brownout: expected 120 to 210 [V]");
        let too_many = "`1001` is not a severity of flooding: expected 1 to 1000 [messages/s]";
        assert_eq!(refusal("flooding:1001"), too_many);
        assert_eq!(refusal("id_clone:0"), "`0` is not a severity of id_clone: expected 1 to 3600 [s]");
        assert_eq!(refusal("brownout:190V"), "`190V` is not a severity of brownout: expected 120 to 210 [V]");
        assert_eq!(
            refusal("led_string_partial:"),
            "`` is not a severity of led_string_partial: expected 1 to 99 [%]"
        );
        assert_eq!(
            refusal("meter_offset:100"),
            "`100` is not a severity of meter_offset: expected -99 to 99 [%]"
        );
    }

    #[test]
    fn every_fault_survives_its_text() {
        for fault in Fault::ALL {
            assert_eq!(fault.to_string().parse(), Ok(fault));
            assert_eq!(fault.name().parse(), Ok(fault), "the usual severity");
            assert_eq!(serde_json::to_string(&fault).unwrap(), format!("\"{fault}\""));
        }
        assert_eq!("meter_offset:-7".parse(), Ok(Fault::MeterOffset(-7)));
        assert_eq!("overheating:500".parse(), Ok(Fault::Overheating(500)));
    }
}
