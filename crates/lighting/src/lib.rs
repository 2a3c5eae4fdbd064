//! Street lighting: luminaires, and the central management system (CMS) that commands them.

mod level;
mod messages;

pub use level::{DimLevel, DimLevelTooHigh};
pub use messages::{
    AckResult, Alarm, AlarmChange, AlarmKind, CommandAck, CommandReport, CommandStatus, DimCommand, DimRequest, Fault,
    LightState, Mode, Programme, ProgrammeStep, Report, Stamp, StepTime, Telemetry,
};
