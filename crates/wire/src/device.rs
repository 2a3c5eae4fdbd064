//! The envelope of device traffic: compact JSON, `{"v":1,"seq":…,"epoch":…,"ts":…,"d":{…}}`, so that any small client
//! can join.

use lighting::{
    AlarmSet, Circuit, Control, DimCommand, DimLevel, FirmwareAction, FirmwareOrder, Report, Stamp,
    SwitchCommand,
};
use serde::{Deserialize, Serialize};
use types::{CommandId, Timestamp};

/// What a luminaire sends.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Up<T> {
    pub(crate) v: Version,
    pub(crate) seq: u32,
    #[serde(default)]
    pub(crate) epoch: u32,
    pub(crate) ts: Timestamp,
    pub(crate) d: T,
}

/// What is sent without an order of its own: status, programme, clock, presence, faults.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plain<T> {
    pub(crate) v: Version,
    pub(crate) d: T,
}

/// A command to a luminaire or cabinet.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Down<T> {
    pub(crate) v: Version,
    pub(crate) id: CommandId,
    pub(crate) d: T,
}

/// What a luminaire is asked for. A level must be given, be it `null`: a misspelt key must not end an override.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dim {
    #[serde(deserialize_with = "Option::deserialize")]
    level: Option<DimLevel>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

/// What a cabinet is asked for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Switch {
    circuit: Circuit,
    control: Control,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

/// Whether a luminaire or cabinet is connected.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) online: bool,
}

/// Which alarms of a luminaire stand.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Standing {
    pub(crate) standing: AlarmSet,
}

/// The one version of the envelope. Another one is not understood.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub(crate) struct Version;

impl TryFrom<u32> for Version {
    type Error = String;

    fn try_from(version: u32) -> Result<Self, String> {
        if version == 1 { Ok(Self) } else { Err(format!("envelope version {version}, expected 1")) }
    }
}

impl From<Version> for u32 {
    fn from(_: Version) -> Self {
        1
    }
}

impl<T> From<Up<T>> for Report<T> {
    fn from(up: Up<T>) -> Self {
        Self { stamp: Stamp { epoch: up.epoch, seq: up.seq, ts: up.ts }, body: up.d }
    }
}

impl<'a, T> From<&'a Report<T>> for Up<&'a T> {
    fn from(report: &'a Report<T>) -> Self {
        let Stamp { epoch, seq, ts } = report.stamp;
        Self { v: Version, seq, epoch, ts, d: &report.body }
    }
}

impl From<Down<FirmwareAction>> for FirmwareOrder {
    fn from(down: Down<FirmwareAction>) -> Self {
        Self { id: down.id, action: down.d }
    }
}

impl From<&FirmwareOrder> for Down<FirmwareAction> {
    fn from(order: &FirmwareOrder) -> Self {
        Self { v: Version, id: order.id.clone(), d: order.action }
    }
}

impl From<Down<Dim>> for DimCommand {
    fn from(down: Down<Dim>) -> Self {
        Self { id: down.id, level: down.d.level, until: down.d.until }
    }
}

impl From<&DimCommand> for Down<Dim> {
    fn from(command: &DimCommand) -> Self {
        let d = Dim { level: command.level, until: command.until };
        Self { v: Version, id: command.id.clone(), d }
    }
}

impl From<Down<Switch>> for SwitchCommand {
    fn from(down: Down<Switch>) -> Self {
        Self { id: down.id, circuit: down.d.circuit, control: down.d.control, until: down.d.until }
    }
}

impl From<&SwitchCommand> for Down<Switch> {
    fn from(command: &SwitchCommand) -> Self {
        let d = Switch { circuit: command.circuit, control: command.control, until: command.until };
        Self { v: Version, id: command.id.clone(), d }
    }
}
