use types::{CabinetId, LuminaireId, ReplyTo, Timestamp};

use crate::{
    Alarm, AlarmSet, CabinetState, CampaignReply, CampaignRequest, CommandAck, CommandReport, ComplaintReply,
    ComplaintRequest, DimCommand, DimRequest, FirmwareOrder, FirmwareState, GroupDimRequest, GroupReply,
    Incident, LightState, Programme, Report, Telemetry,
};

/// What can happen to a CMS. What it hears of a luminaire that is not in its register, it ignores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// It has the bus again, and publishes every luminaire's programme, and which alarms stand.
    Connected,
    /// A luminaire told what it should do, does, and gives.
    State {
        /// Which one.
        luminaire: LuminaireId,
        /// What it told.
        report: Report<LightState>,
    },
    /// A luminaire told its readings.
    Telemetry {
        /// Which one.
        luminaire: LuminaireId,
        /// What it told.
        report: Report<Telemetry>,
    },
    /// A luminaire answered a command.
    Ack {
        /// Which one.
        luminaire: LuminaireId,
        /// What it answered.
        report: Report<CommandAck>,
    },
    /// The bus says whether a luminaire is connected.
    Online {
        /// Which one.
        luminaire: LuminaireId,
        /// Whether it is.
        online: bool,
    },
    /// A cabinet told of its contactors, breakers and door.
    Cabinet {
        /// Which one.
        cabinet: CabinetId,
        /// What it told.
        report: Report<CabinetState>,
    },
    /// An operator asks for a level.
    Request {
        /// Who, and which request.
        from: ReplyTo,
        /// What for.
        request: DimRequest,
    },
    /// An operator asks for a level of a group.
    GroupRequest {
        /// Who, and which request.
        from: ReplyTo,
        /// What for.
        request: GroupDimRequest,
    },
    /// A luminaire told how its firmware stands.
    Firmware {
        /// Which one.
        luminaire: LuminaireId,
        /// What it told.
        report: Report<FirmwareState>,
    },
    /// An operator asks for new firmware.
    CampaignRequest {
        /// Who, and which request.
        from: ReplyTo,
        /// What for.
        request: CampaignRequest,
    },
    /// Somebody complains of a luminaire, or has seen to one.
    Complaint {
        /// Who asks, and which request.
        from: ReplyTo,
        /// What about.
        request: ComplaintRequest,
    },
    /// The bus says which alarms stand: in its own words, or in those of the CMS before.
    Alarms {
        /// Of which luminaire.
        luminaire: LuminaireId,
        /// Which.
        standing: AlarmSet,
    },
    /// The city's clock now runs this many times as fast as the wall's. Commands on their way get their whole time
    /// again. 0 (paused) counts as 1.
    Pace(u32),
}

/// What a CMS wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send a command.
    Command {
        /// To which luminaire.
        luminaire: LuminaireId,
        /// What to do.
        command: DimCommand,
    },
    /// Send an order to change the firmware.
    Firmware {
        /// To which luminaire.
        luminaire: LuminaireId,
        /// What to do.
        order: FirmwareOrder,
    },
    /// Publish a programme, retained.
    Programme {
        /// Whose.
        luminaire: LuminaireId,
        /// When to give how much light.
        programme: Programme,
    },
    /// Tell everyone that an alarm began or ended.
    Alarm {
        /// Which.
        alarm: Alarm,
        /// When it was noticed.
        at: Timestamp,
    },
    /// Publish which alarms stand, retained. Comes after each [`Alarm`](Self::Alarm).
    Alarms {
        /// Of which luminaire.
        luminaire: LuminaireId,
        /// Which; none = nothing is wrong with it.
        standing: AlarmSet,
    },
    /// Tell everyone that an incident of a cabinet began or ended.
    Incident {
        /// Which.
        incident: Incident,
        /// When it was noticed.
        at: Timestamp,
    },
    /// Tell an operator where the command stands.
    Report {
        /// Who asked.
        to: ReplyTo,
        /// Where it stands.
        report: CommandReport,
    },
    /// Tell an operator how far the command to a group is, or that there will be none.
    GroupReply {
        /// Who asked.
        to: ReplyTo,
        /// How far it is.
        reply: GroupReply,
    },
    /// Tell an operator how far the campaign is, or that there will be none.
    CampaignReply {
        /// Who asked.
        to: ReplyTo,
        /// How far it is.
        reply: CampaignReply,
    },
    /// Tell somebody what became of a complaint.
    ComplaintReply {
        /// Who asked.
        to: ReplyTo,
        /// What became of it.
        reply: ComplaintReply,
    },
    /// Tell an operator that there will be no command.
    Refused {
        /// Who asked.
        to: ReplyTo,
        /// For which luminaire.
        luminaire: LuminaireId,
        /// Why not.
        reason: Refusal,
    },
}

/// Why a request becomes no command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The luminaire is not in the register.
    UnknownLuminaire,
    /// Too many commands wait for their acknowledgement.
    TooManyPending,
}
