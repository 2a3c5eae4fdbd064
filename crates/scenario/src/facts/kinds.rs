use wire::Message;

use super::answers::{REASON, RESULT};
use super::bills::{BILL, PROVIDER};
use super::groups::GROUP;
use super::identity::{KEY_STATE, KIOSK, PROFILE, RESIDENT, STATUS, VERIFIER};
use super::luminaires::LAMP;
use super::{Type, Value, bills, cabinets, groups, luminaires, payment};

/// One kind of message on the bus, as scenarios name it.
#[derive(Debug)]
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub about: &'static str,
    pub(crate) fields: &'static [Field],
}

impl Kind {
    /// What can be asked about it.
    pub fn field_names(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().map(|field| field.name)
    }
}

/// Something a message says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) of_type: Type,
    pub(crate) read: fn(&Message) -> Value,
}

pub(super) const fn field(name: &'static str, of_type: Type, read: fn(&Message) -> Value) -> Field {
    Field { name, of_type, read }
}

const fn kind(name: &'static str, about: &'static str, fields: &'static [Field]) -> Kind {
    Kind { name, about, fields }
}

/// Reads a field of messages of one form: `read!(pattern => value)`.
macro_rules! read {
    ($pattern:pat => $value:expr) => {
        |message| match message {
            $pattern => $value,
            _ => Value::Missing,
        }
    };
}
pub(super) use read;

const NONE: &[Field] = &[];
const REPLY: &[Field] = &[RESULT, REASON];

/// Every kind of message.
pub const KINDS: &[Kind] = &[
    kind("lamp.state", "A luminaire tells its three levels.", luminaires::STATE),
    kind("lamp.telemetry", "A luminaire tells its readings.", luminaires::TELEMETRY),
    kind("lamp.ack", "A luminaire answers a command.", luminaires::ACK),
    kind("lamp.online", "A luminaire is connected, or not any more.", luminaires::ONLINE),
    kind(
        "lamp.command",
        "A luminaire is told to hold a level, or (without level) to go back to its programme.",
        luminaires::COMMAND,
    ),
    kind("lamp.programme", "A luminaire is given its programme.", luminaires::PROGRAMME),
    kind("lamp.fault", "A luminaire breaks, or is repaired.", luminaires::FAULT),
    kind("cabinet.state", "A cabinet tells of its contactors, breakers and door.", cabinets::STATE),
    kind("cabinet.telemetry", "A cabinet tells what its meter shows.", cabinets::TELEMETRY),
    kind("cabinet.ack", "A cabinet answers a command.", cabinets::ACK),
    kind("cabinet.online", "A cabinet is connected, or not any more.", cabinets::ONLINE),
    kind(
        "cabinet.command",
        "A cabinet is told to hold a contactor, or to see to it itself.",
        cabinets::COMMAND,
    ),
    kind("cabinet.event", "A breaker trips, a door is opened, …", cabinets::EVENT),
    kind("alarm.raised", "The CMS raises an alarm.", luminaires::ALARMED),
    kind("alarm.cleared", "The CMS takes an alarm back.", luminaires::ALARMED),
    kind(
        "incident.raised",
        "The CMS raises an incident: of a cabinet, or of at least half of its luminaires.",
        cabinets::INCIDENT_FIELDS,
    ),
    kind("incident.cleared", "The CMS takes an incident back.", cabinets::INCIDENT_FIELDS),
    kind("eid.enrolled", "A resident's phone is enrolled.", &[RESIDENT]),
    kind("eid.issued", "A code was issued.", &[RESIDENT, PROFILE]),
    kind("eid.verified", "A code was accepted.", &[RESIDENT, VERIFIER]),
    kind("eid.rejected", "A code was refused.", &[VERIFIER, REASON]),
    kind("eid.revoked", "What a resident has is not good any more, or not for now.", &[RESIDENT, STATUS]),
    kind("eid.key", "A key of the issuer has come to another state of its life.", &[KEY_STATE]),
    kind("bill.created", "A provider made a bill.", bills::CREATED),
    kind("bill.presettled", "The payer split a bill.", bills::PRESETTLED),
    kind("bill.settled", "A bill is paid.", bills::SETTLED),
    kind("bill.refused", "A bill was not paid.", &[BILL, REASON]),
    kind("walk.departed", "A resident left for a provider.", &[RESIDENT, PROVIDER]),
    kind("walk.arrived", "A resident is there.", &[RESIDENT, PROVIDER]),
    kind("request.dim", "The CMS is asked to override a luminaire.", luminaires::DIM),
    kind("request.enrol", "The issuer is asked to enrol a phone.", NONE),
    kind("request.issue", "The issuer is asked for a code.", &[RESIDENT, PROFILE]),
    kind("request.credential", "The issuer is asked for credentials for a phone's key.", NONE),
    kind("request.manage", "A clerk at the issuer's counter wants something done.", NONE),
    kind("request.own", "A holder asks the issuer about their own phones or guardians.", &[RESIDENT]),
    kind("request.verify", "The verifier is asked about a code.", &[VERIFIER]),
    kind("request.ask", "A reader asks for the attributes of somebody who is not there.", &[VERIFIER]),
    kind("request.holder", "A holder asks what was shown, or answers a reader.", &[RESIDENT]),
    kind("request.presettle", "The payer is asked to split a bill.", &[BILL]),
    kind("request.settle", "The payer is asked to pay a bill.", &[BILL]),
    kind("request.visit", "A patient is at a provider.", &[RESIDENT, PROVIDER]),
    kind("request.till", "A patient pays at the till.", &[BILL]),
    kind("request.clock", "The clock is asked to run otherwise.", NONE),
    kind("request.walk", "A resident is asked to walk to a provider.", &[RESIDENT, PROVIDER]),
    kind("reply.dim", "How far a command is.", &[LAMP, RESULT, REASON]),
    kind("reply.enrol", "The issuer's answer.", REPLY),
    kind("reply.issue", "The issuer's answer.", REPLY),
    kind("reply.credential", "The issuer's answer.", REPLY),
    kind("reply.manage", "The issuer's answer.", REPLY),
    kind("reply.own", "The issuer's answer.", REPLY),
    kind("reply.verify", "The verifier's answer.", &[RESULT, REASON, RESIDENT]),
    kind("reply.ask", "The verifier's answer.", REPLY),
    kind("reply.holder", "The verifier's answer.", REPLY),
    kind("reply.presettle", "The payer's answer.", &[RESULT, REASON, BILL]),
    kind("reply.settle", "The payer's answer.", &[RESULT, REASON, BILL]),
    kind("reply.visit", "The provider's answer.", &[RESULT, REASON, BILL]),
    kind("reply.till", "The till's answer.", &[RESULT, REASON, BILL]),
    kind("reply.clock", "The clock's answer.", REPLY),
    kind("reply.walk", "Whether the resident goes.", REPLY),
    kind("eid.keys", "The issuer tells its keys.", NONE),
    kind("eid.consent", "A phone is told what a reader asks its owner for.", &[RESIDENT, VERIFIER]),
    kind("eid.kiosk", "A reader tells how it stands; its will says that it is gone.", KIOSK),
    kind("clock", "How the city's clock runs.", NONE),
    kind("presence", "Where people walk.", NONE),
    kind(
        "dead_letter",
        "A consumer could not understand a message.",
        &[
            REASON,
            field("consumer", Type::Text, read!(Message::DeadLetter { consumer, .. } => Value::id(consumer))),
            field(
                "topic",
                Type::Text,
                read!(Message::DeadLetter { letter, .. } => Value::Text(letter.topic.clone().into())),
            ),
        ],
    ),
    kind("request.dim_group", "The CMS is asked to override a group.", groups::DIM),
    kind(
        "reply.dim_group",
        "How far the command to a group is: how many luminaires have which status, and when the last one obeyed.",
        groups::DIMMED,
    ),
    kind(
        "lamp.firmware",
        "A luminaire tells what firmware it runs, and how far an update is.",
        luminaires::FIRMWARE,
    ),
    kind("lamp.firmware_order", "A luminaire is told to change its firmware.", luminaires::FIRMWARE_ORDER),
    kind(
        "lamp.alarms",
        "The CMS tells which alarms of a luminaire stand; 0 = the last has ended.",
        luminaires::STANDING,
    ),
    kind("request.firmware", "The CMS is asked to update the firmware of a group.", &[GROUP]),
    kind(
        "reply.firmware",
        "How far a firmware campaign is: how many luminaires stand where.",
        groups::CAMPAIGN,
    ),
    kind("bill.reversed", "A settlement was taken back.", &[BILL, PROVIDER]),
    kind("bill.released", "The cash of a held settlement was not paid.", &[BILL]),
    kind("request.pay", "The payer is asked for something else.", NONE),
    kind("reply.pay", "The payer's answer.", REPLY),
    kind("request.complain", "People complain of a luminaire, or it was seen to.", &[LAMP]),
    kind("reply.complain", "What became of a complaint.", &[LAMP, RESULT, REASON]),
    kind("request.books", "The clinic is asked for a book.", NONE),
    kind("reply.books", "The clinic's answer.", &[RESULT]),
    kind("account.debited", "A personal account paid.", payment::ENTRY),
    kind("account.credited", "A personal account was given back what it had paid.", payment::ENTRY),
    kind("risk.flagged", "A limit kept a bill from being paid.", payment::FLAGGED),
    kind("recon.closed", "The payer's book of a day is closed.", payment::CLOSED),
    kind("recon.diff", "A difference of the two books of a day was put aside.", payment::DIFF),
];
