//! Everything that can be said on the bus, typed.

use std::num::NonZeroU8;

use eid::{
    AskReply, AskRequest, ConsentRequest, CredentialReply, CredentialRequest, EidEvent, EnrolReply,
    EnrolRequest, HolderReply, HolderRequest, IssueReply, IssueRequest, KeySet, KioskState, ManageReply,
    ManageRequest, OwnReply, OwnRequest, Verdict, VerifyRequest,
};
use lighting::{
    Alarm, AlarmSet, CabinetEvent, CabinetState, CabinetTelemetry, CampaignReply, CampaignRequest,
    CommandAck, CommandReport, ComplaintReply, ComplaintRequest, DimCommand, DimRequest, Fault,
    FirmwareOrder, FirmwareState, GroupDimRequest, GroupReply, Incident, LightState, Programme, Report,
    SwitchCommand, Telemetry,
};
use medpay::{
    BooksReply, BooksRequest, PayEvent, PayReply, PayRequest, PresettleReply, PresettleRequest, SettleReply,
    SettleRequest, VisitReply, VisitRequest,
};
use serde::{Deserialize, Serialize};
use types::{
    CabinetId, DistrictId, LuminaireId, Position, ProviderId, ReplyTo, ResidentId, Slug, Timestamp,
    VerifierId,
};
use uuid::Uuid;

use crate::{ClockChange, ClockState};

/// One message on the bus.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Traffic of one luminaire.
    Light {
        /// Where it stands.
        district: DistrictId,
        /// Which one.
        luminaire: LuminaireId,
        /// What is said.
        body: Light,
    },
    /// Traffic of one cabinet.
    Cabinet {
        /// Where it stands.
        district: DistrictId,
        /// Which one.
        cabinet: CabinetId,
        /// What is said.
        body: Segment,
    },
    /// Something happened in a service.
    Event(Event),
    /// A service is asked for something.
    Request(Request),
    /// A service answers.
    Reply(Reply),
    /// The keys to verify e-ID codes with, retained.
    EidKeys(KeySet),
    /// A reader asks for attributes: to the phones of the resident it names.
    EidConsent(ConsentRequest),
    /// How a reader at a counter stands, retained.
    EidKiosk {
        /// Which reader.
        reader: VerifierId,
        /// How.
        state: KioskState,
    },
    /// How the city's clock runs, retained.
    Clock(ClockState),
    /// Where people walk now.
    Presence(Vec<Walker>),
    /// A physical fault for a simulated luminaire.
    Fault {
        /// Where it stands.
        district: DistrictId,
        /// Which one.
        luminaire: LuminaireId,
        /// Break or repair.
        order: FaultOrder,
    },
    /// Something happens to a simulated cabinet.
    CabinetEvent {
        /// Where it stands.
        district: DistrictId,
        /// Which one.
        cabinet: CabinetId,
        /// What.
        event: CabinetEvent,
    },
    /// Something a consumer could not understand.
    DeadLetter {
        /// Which consumer.
        consumer: Slug,
        /// What it was.
        letter: DeadLetter,
    },
}

impl Message {
    /// Whether the bus may lose it for good: it goes out with QoS 0, and the next one of its kind makes up for it.
    pub fn is_lossy(&self) -> bool {
        matches!(
            self,
            Self::Light { body: Light::Telemetry(_), .. }
                | Self::Cabinet { body: Segment::Telemetry(_), .. }
                | Self::Presence(_)
        )
    }
}

/// What a luminaire and its CMS say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Light {
    /// Up: the three levels, retained.
    State(Report<LightState>),
    /// Up: readings.
    Telemetry(Report<Telemetry>),
    /// Up: an answer to a command.
    Ack(Report<CommandAck>),
    /// Up: connected or not, retained; the will says not.
    Online(bool),
    /// Down: hold a level, or end that.
    Command(DimCommand),
    /// Down: the programme, retained.
    Programme(Programme),
    /// Up: what firmware it runs, retained.
    Firmware(Report<FirmwareState>),
    /// Down: change the firmware.
    FirmwareOrder(FirmwareOrder),
    /// From the CMS to everyone: which alarms stand, retained.
    Alarms(AlarmSet),
}

/// What a cabinet's segment controller and its CMS say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Up: contactors, breakers, door, retained.
    State(Report<CabinetState>),
    /// Up: the three-phase meter.
    Telemetry(Report<CabinetTelemetry>),
    /// Up: an answer to a command.
    Ack(Report<CommandAck>),
    /// Up: connected or not, retained; the will says not.
    Online(bool),
    /// Down: hold a contactor, or end that.
    Command(SwitchCommand),
}

/// Something that happened, in a CloudEvents 1.0 envelope.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Unique; consumers act once per id.
    pub id: Uuid,
    /// When it happened, by its service's clock.
    pub time: Timestamp,
    /// What.
    pub body: EventBody,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum EventBody {
    /// In lighting: of a luminaire.
    Alarm(Alarm),
    /// In lighting: of a cabinet.
    Incident(Incident),
    /// In e-ID.
    Eid(EidEvent),
    /// In medical payment.
    Pay(PayEvent),
    /// In the streets.
    Walk(WalkEvent),
}

/// What residents do in the streets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WalkEvent {
    /// A resident left for a provider.
    Departed {
        /// Who.
        resident: ResidentId,
        /// Where to.
        provider: ProviderId,
    },
    /// A resident is there.
    Arrived {
        /// Who.
        resident: ResidentId,
        /// Where.
        provider: ProviderId,
    },
}

/// A question to a service.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Unique for this question.
    pub id: Uuid,
    /// When it was asked.
    pub time: Timestamp,
    /// Where the answer goes.
    pub reply_to: ReplyTo,
    /// What is asked.
    pub body: RequestBody,
}

/// What a service can be asked.
#[derive(Clone, Debug, PartialEq)]
pub enum RequestBody {
    /// Lighting: override one luminaire.
    Dim(DimRequest),
    /// Lighting: override all luminaires of a group.
    DimGroup(GroupDimRequest),
    /// Lighting: update the firmware of a group.
    Firmware(CampaignRequest),
    /// Lighting: people complain of a luminaire, or it was seen to.
    Complain(ComplaintRequest),
    /// Issuer: put a resident on a phone.
    Enrol(EnrolRequest),
    /// Issuer: a code to show.
    Issue(IssueRequest),
    /// Issuer: credentials for a phone's own key.
    Credential(CredentialRequest),
    /// Issuer: what its clerks do.
    Manage(ManageRequest),
    /// Issuer: what holders do about their own phones and guardians.
    Own(OwnRequest),
    /// Verifier: is this code good?
    Verify(VerifyRequest),
    /// Verifier: what a reader asks a holder who is not there.
    Ask(AskRequest),
    /// Verifier: what holders ask about themselves, and answer.
    Holder(HolderRequest),
    /// Payer: how would this bill be paid?
    Presettle(PresettleRequest),
    /// Payer: pay it.
    Settle(SettleRequest),
    /// Payer: anything else.
    Pay(PayRequest),
    /// Clinic: a patient is here.
    Visit(VisitRequest),
    /// Clinic: pay at the till.
    Till(SettleRequest),
    /// Clinic: what is in its books?
    Books(BooksRequest),
    /// Clock: run faster, slower, or stop.
    SetClock(ClockChange),
    /// Residents: one should walk to a provider and be treated there.
    Walk(WalkRequest),
}

/// An answer of a service.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// Whose question it answers.
    pub to: ReplyTo,
    /// When.
    pub time: Timestamp,
    /// The answer.
    pub body: ReplyBody,
}

/// What a service can answer.
#[derive(Clone, Debug, PartialEq)]
pub enum ReplyBody {
    /// Lighting: where the command stands. Comes more than once.
    Dim(CommandReport),
    /// Lighting: there will be no command.
    DimRefused(DimRefused),
    /// Lighting: how far the command to a group is. Comes more than once.
    DimGroup(GroupReply),
    /// Lighting: how far the firmware campaign is. Comes more than once.
    Firmware(CampaignReply),
    /// Lighting: what became of a complaint.
    Complain(ComplaintReply),
    /// Issuer.
    Enrol(EnrolReply),
    /// Issuer.
    Issue(IssueReply),
    /// Issuer.
    Credential(CredentialReply),
    /// Issuer.
    Manage(ManageReply),
    /// Issuer.
    Own(OwnReply),
    /// Verifier.
    Verify(Verdict),
    /// Verifier.
    Ask(AskReply),
    /// Verifier.
    Holder(HolderReply),
    /// Payer.
    Presettle(PresettleReply),
    /// Payer.
    Settle(SettleReply),
    /// Payer.
    Pay(PayReply),
    /// Clinic.
    Visit(VisitReply),
    /// Clinic.
    Till(SettleReply),
    /// Clinic.
    Books(BooksReply),
    /// Clock: how it runs now.
    Clock(ClockState),
    /// Residents: whether they go.
    Walk(WalkReply),
}

/// Someone → residents: one should walk to a provider and be treated there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalkRequest {
    /// Who.
    pub resident: ResidentId,
    /// Where to.
    pub provider: ProviderId,
    /// How many nights they stay in hospital there; none = they are treated and go home.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nights: Option<NonZeroU8>,
}

/// Residents → someone: whether they go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WalkReply {
    /// On the way.
    Departed,
    /// No such resident or provider.
    Unknown,
    /// Too many people are in the streets.
    Busy,
}

/// Why there is no command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DimRefused {
    /// For which luminaire.
    pub luminaire: LuminaireId,
    /// Why, in words.
    pub reason: String,
}

/// Someone on foot. Numbered anew at each walk: no one is known by it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Walker {
    /// Which walk.
    pub walk: u32,
    /// Where, now.
    pub at: Position,
}

/// What to do to a simulated luminaire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultOrder {
    /// Put this fault into it.
    Break(Fault),
    /// Take all faults out.
    Repair,
    /// Clean its glass.
    Clean,
}

/// A message that could not be understood. Holds no payload: it may be secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Where it came in.
    pub topic: String,
    /// Which byte of the payload was wrong, from 0.
    pub offset: usize,
    /// What was wrong.
    pub reason: String,
}
