//! Street lighting: luminaires, and the central management system (CMS) that commands them.
//!
//! ```text
//! operator ──request──▶ Cms ──command, programme──▶ Luminaire
//!          ◀──report───     ◀──ack, state, telemetry──
//!                         └──alarm──▶ everyone
//!                                        Cabinet ──supply──▶ its Luminaires
//! ```
//!
//! Read [`Luminaire`], [`Cabinet`] and [`Cms`] first. Each is a [`Core`](types::Core): it does no I/O and reads no clock, and meets
//! the other only in the messages of this crate, so that a real luminaire or another CMS can stand in for either.
//!
//! A luminaire keeps its programme by the sun ([`AstroTable`]) and the clock, obeys overrides until they end, answers
//! presence, fades, and meters energy exactly. The CMS hands out programmes, follows commands – to one
//! luminaire or a group – up until their effect is seen, updates firmware in campaigns, and tells a broken lamp from one
//! that is merely off.
//!
//! A cabinet switches its circuits, measures them, and tells of breakers and door; which luminaires then have mains
//! voltage is no message: whoever runs them hands it on, as the wire does.
//!
//! What a luminaire is made of – arc power levels, power factor, ageing, heat – is its type's [`Physics`]; what can break
//! in it is a [`Fault`].
//!
//! Not here yet: photocells, and surges.

mod alarm;
pub mod cabinet;
mod calendar;
pub mod cms;
mod complaint;
pub mod luminaire;

mod fault;
mod firmware;
mod group;
mod level;
mod messages;
mod sun;

pub use alarm::{Alarm, AlarmChange, AlarmKind, AlarmSet};
pub use cabinet::{
    Cabinet, CabinetConfig, CabinetEvent, CabinetState, CabinetTelemetry, Circuit, CircuitState, Control,
    Draw, FeederStyle, Incident, IncidentKind, Leg, Load, Phase, PhaseReadings, Phases, SwitchCommand,
};
pub use calendar::{NightRule, Nights, Weekday};
pub use cms::{Asset, Cms, CmsConfig, CmsConfigError, LuminaireView};
pub use complaint::{Complaint, ComplaintRefusal, ComplaintReply, ComplaintRequest};
pub use fault::{Fault, FaultError, Severities};
pub use firmware::{
    CampaignRefusal, CampaignReply, CampaignReport, CampaignRequest, CampaignTable, FirmwareAction,
    FirmwareImage, FirmwareOrder, FirmwarePhase, FirmwareState, FirmwareVersion, FirmwareVersionError,
    UpdateResult,
};
pub use group::{Group, GroupDimRequest, GroupRefusal, GroupReply, GroupReport, Tally};
pub use level::{DimLevel, DimLevelTooHigh};
pub use luminaire::{
    Luminaire, LuminaireConfig, LuminaireModel, LuminaireModelConfig, LuminaireModelError, Physics, Schedule,
    Sun,
};
pub use messages::{
    AckResult, ClockAndSun, CommandAck, CommandReport, CommandStatus, DimCommand, DimRequest, Gear,
    LightState, Mode, Programme, ProgrammeStep, REASON_BYTES_MAX, Report, Stamp, StepTime, SunTime,
    Telemetry,
};
pub use sun::{AstroTable, AstroTableError, SunDay};
