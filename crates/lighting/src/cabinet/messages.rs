//! What a segment controller and its CMS say to each other.

use serde::{Deserialize, Serialize};
use types::{CabinetId, CommandId, Timestamp};

use super::feeder::{CIRCUITS, Circuit, Leg, Phase, Phases};
use crate::AlarmChange;

/// Who says whether a contactor is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// The cabinet: always, or by its astro clock.
    #[default]
    Auto,
    /// A command: closed.
    On,
    /// A command: open.
    Off,
}

/// CMS → cabinet: hold a contactor, or leave it to the cabinet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwitchCommand {
    /// The same id is obeyed once and acknowledged every time.
    pub id: CommandId,
    /// Which circuit's contactor.
    pub circuit: Circuit,
    /// What to do with it.
    pub control: Control,
    /// When it is left to the cabinet again by itself; `None` = not before the next command.
    pub until: Option<Timestamp>,
}

/// How one circuit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircuitState {
    /// Who says what its contactor should do.
    pub control: Control,
    /// Whether its contactor should be closed now.
    pub wanted: bool,
    /// Whether it is, by its auxiliary contact.
    pub closed: bool,
    /// The phases whose breaker has tripped.
    pub tripped: Phases,
}

/// Cabinet → everyone, retained: contactors, breakers, door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CabinetState {
    /// Circuit 1 and circuit 2.
    pub circuits: [CircuitState; CIRCUITS],
    /// Whether the door is open.
    pub door_open: bool,
}

impl CabinetState {
    /// How one circuit stands.
    pub fn circuit(&self, circuit: Circuit) -> &CircuitState {
        &self.circuits[circuit.index()]
    }

    /// Whether there is mains voltage on a leg.
    pub fn is_live(&self, leg: Leg) -> bool {
        let circuit = self.circuit(leg.circuit);
        circuit.closed && !circuit.tripped.contains(leg.phase)
    }
}

/// What flows on one phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseReadings {
    /// Active power \[mW\].
    pub power_mw: u32,
    /// Voltage at the busbar \[mV\].
    pub voltage_mv: u32,
    /// Current \[mA\].
    pub current_ma: u32,
    /// Power factor \[‰\]; 1000 if nothing flows.
    pub power_factor_permille: u16,
}

/// Cabinet → everyone: the readings of its three-phase meter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CabinetTelemetry {
    /// Phases R, S, T.
    pub phases: [PhaseReadings; Phase::ALL.len()],
    /// Meter reading of all phases \[mWh\], only ever growing.
    pub energy_mwh: u64,
}

/// What happens to a simulated cabinet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CabinetEvent {
    /// Breakers trip.
    Trip {
        /// Of which circuit.
        circuit: Circuit,
        /// Of which phases.
        phases: Phases,
    },
    /// Breakers are closed again.
    Reclose {
        /// Of which circuit.
        circuit: Circuit,
        /// Of which phases.
        phases: Phases,
    },
    /// The contactor of a circuit stays as it is, whatever is wanted.
    Jam(Circuit),
    /// It moves again.
    Free(Circuit),
    /// The door is opened.
    OpenDoor,
    /// The door is closed.
    CloseDoor,
}

/// What is wrong with a cabinet, or with many of its luminaires at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentKind {
    /// At least half of its luminaires are not heard.
    CommunicationFailure,
    /// At least half of its luminaires said that their supply is gone, and the cabinet does not know why.
    SupplyLoss,
    /// At least half of its luminaires have too little voltage.
    SupplyVoltageTooLow,
    /// A breaker has tripped.
    CircuitBreakerTripped,
    /// The door is open.
    CabinetDoorOpen,
    /// A contactor that should be closed is not.
    SwitchingErrorOn,
    /// A contactor that should be open is not.
    SwitchingErrorOff,
}

impl IncidentKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::CommunicationFailure,
        Self::SupplyLoss,
        Self::SupplyVoltageTooLow,
        Self::CircuitBreakerTripped,
        Self::CabinetDoorOpen,
        Self::SwitchingErrorOn,
        Self::SwitchingErrorOff,
    ];
}

/// CMS → everyone: what concerns a cabinet, or at least half of its luminaires at once, is one incident of the cabinet,
/// not an alarm of each luminaire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Which cabinet.
    pub cabinet: CabinetId,
    /// What it is.
    pub kind: IncidentKind,
    /// Began or ended.
    pub change: AlarmChange,
    /// The circuit it is about; `None` = not one alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub circuit: Option<Circuit>,
    /// The phases it is about.
    #[serde(default, skip_serializing_if = "Phases::is_empty")]
    pub phases: Phases,
    /// How many luminaires it concerns now.
    pub luminaires: u32,
    /// The street that they light \[m\].
    #[serde(default)]
    pub street_m: u32,
}
