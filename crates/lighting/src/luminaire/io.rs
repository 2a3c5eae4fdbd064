use std::sync::Arc;

use super::model::LuminaireModel;
use crate::{
    AstroTable, CommandAck, DimCommand, Fault, FirmwareOrder, FirmwareState, LightState, Programme, Report,
    Telemetry,
};

/// What a luminaire is made of, and where it stands.
#[derive(Clone, Debug)]
pub struct LuminaireConfig {
    /// Its type.
    pub model: Arc<LuminaireModel>,
    /// The sun at the city's reference point.
    pub astro: Arc<AstroTable>,
    /// How much later (earlier, if negative) its sun steps are \[ms\]: its own longitude against the table's reference
    /// point, plus the stagger of its cabinet. Steps at a time of day are not shifted.
    pub astro_shift_ms: i32,
    /// Where its regular reports fall within the report period \[ms\], so that not all luminaires report at once.
    pub report_offset_ms: u32,
    /// How much of the cabinet's voltage is lost on the way to it when all on its phase give full light \[mV\].
    pub feeder_drop_mv: u32,
    /// How long it has given light before \[h\]: its age.
    pub burning_h: u32,
}

/// What can happen to a luminaire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// It has the bus again, and tells how it stands.
    Connected,
    /// Hold a level, or go back to the programme.
    Command(DimCommand),
    /// When to give how much light. One with a lower version than the present one is ignored.
    Programme(Programme),
    /// Change the firmware.
    Firmware(FirmwareOrder),
    /// Someone came near.
    Presence {
        /// How long this counts \[ms\]; at most 0 = not at all.
        hold_ms: i64,
    },
    /// Something broke.
    Fault(Fault),
    /// Everything works again.
    Repair,
    /// The glass is clean again.
    Clean,
    /// Its feeder is live from now on, or is not.
    Supply(bool),
}

impl Input {
    /// Whether it happens to the luminaire even when its controller does not run.
    pub(super) fn is_physical(&self) -> bool {
        matches!(self, Self::Fault(_) | Self::Repair | Self::Clean | Self::Supply(_))
    }
}

/// What a luminaire tells the bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// What it should do, does, and gives.
    State(Report<LightState>),
    /// Its readings.
    Telemetry(Report<Telemetry>),
    /// A command was obeyed or refused.
    Ack(Report<CommandAck>),
    /// How its firmware stands.
    Firmware(Report<FirmwareState>),
    /// It comes on the bus, having started, or goes: its last words.
    Online(bool),
}
