//! What events, requests and replies are called on topics and in envelopes.

use lighting::AlarmChange;
use serde::de::DeserializeOwned;
use serde_json::{Result, Value};

use crate::codec::{join_tag, split_tag};
use crate::{EventBody, ReplyBody, RequestBody, RoleName, WalkEvent};
use eid::EidEvent;
use medpay::PayEvent;

impl EventBody {
    /// Service, kind of thing, and which thing it is about.
    pub(crate) fn about(&self) -> (&'static str, &'static str, String) {
        match self {
            Self::Alarm(alarm) => ("lighting", "alarm", alarm.luminaire.to_string()),
            Self::Incident(incident) => ("lighting", "incident", incident.cabinet.to_string()),
            Self::Eid(event) => match event {
                EidEvent::Enrolled { resident }
                | EidEvent::Issued { resident, .. }
                | EidEvent::Verified { resident, .. } => ("eid", "code", resident.to_string()),
                EidEvent::Rejected { verifier, .. } => ("eid", "code", verifier.to_string()),
                EidEvent::Revoked { resident, .. } => ("eid", "code", resident.to_string()),
                EidEvent::Key { kid, .. } => ("eid", "key", kid.clone()),
            },
            Self::Pay(event) => match event {
                PayEvent::BillCreated { bill, .. }
                | PayEvent::BillPresettled { bill, .. }
                | PayEvent::BillSettled { bill, .. }
                | PayEvent::BillReversed { bill, .. }
                | PayEvent::BillReleased { bill, .. }
                | PayEvent::SettlementRefused { bill, .. } => ("medpay", "bill", bill.to_string()),
                PayEvent::AccountDebited(entry) | PayEvent::AccountCredited(entry) => {
                    ("medpay", "account", entry.beneficiary.to_string())
                }
                PayEvent::RiskFlagged { beneficiary, .. } => ("medpay", "risk", beneficiary.to_string()),
                PayEvent::ReconClosed { provider, .. } | PayEvent::ReconDiff { provider, .. } => {
                    ("medpay", "recon", provider.to_string())
                }
            },
            Self::Walk(WalkEvent::Departed { resident, .. } | WalkEvent::Arrived { resident, .. }) => {
                ("city", "walk", resident.to_string())
            }
        }
    }

    /// What happened, in one word, and its data.
    pub(crate) fn tagged(&self) -> (String, Value) {
        match self {
            Self::Alarm(alarm) => (change_name(alarm.change), write(alarm)),
            Self::Incident(incident) => (change_name(incident.change), write(incident)),
            Self::Eid(event) => split_tag(event),
            Self::Pay(event) => split_tag(event),
            Self::Walk(event) => split_tag(event),
        }
    }

    /// The opposite of the two above; `None` for names that are in no row of the table.
    pub(crate) fn from_tagged(names: (&str, &str, &str), data: Value) -> Option<Result<Self>> {
        Some(match names {
            ("lighting", "alarm", "raised" | "cleared") => read(data).map(Self::Alarm),
            ("lighting", "incident", "raised" | "cleared") => read(data).map(Self::Incident),
            ("eid", aggregate @ ("code" | "key"), name) => match join_tag(name, data).map(Self::Eid) {
                Ok(body) if body.about().1 != aggregate => return None,
                body => body,
            },
            ("medpay", aggregate @ ("bill" | "account" | "risk" | "recon"), name) => {
                match join_tag(name, data).map(Self::Pay) {
                    Ok(body) if body.about().1 != aggregate => return None,
                    body => body,
                }
            }
            ("city", "walk", name) => join_tag(name, data).map(Self::Walk),
            _ => return None,
        })
    }
}

fn change_name(change: AlarmChange) -> String {
    if change == AlarmChange::Raised { "raised" } else { "cleared" }.to_owned()
}

fn read<T: DeserializeOwned>(data: Value) -> Result<T> {
    serde_json::from_value(data)
}

fn write(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("domain types are JSON")
}

impl RequestBody {
    /// Which role is asked.
    pub fn service(&self) -> RoleName {
        match self {
            Self::Dim(_) | Self::DimGroup(_) | Self::Firmware(_) | Self::Complain(_) => RoleName::Lighting,
            Self::Enrol(_) | Self::Issue(_) | Self::Credential(_) | Self::Manage(_) | Self::Own(_) => {
                RoleName::Issuer
            }
            Self::Verify(_) | Self::Ask(_) | Self::Holder(_) => RoleName::Verifier,
            Self::Presettle(_) | Self::Settle(_) | Self::Pay(_) => RoleName::Payer,
            Self::Visit(_) | Self::Till(_) | Self::Books(_) => RoleName::Clinic,
            Self::SetClock(_) => RoleName::Clock,
            Self::Walk(_) => RoleName::Residents,
        }
    }

    /// Method, the thing asked about, and the data.
    pub(crate) fn parts(&self) -> (&'static str, String, Value) {
        match self {
            Self::Dim(body) => ("dim", body.luminaire.to_string(), write(body)),
            Self::DimGroup(body) => ("dim-group", body.group.to_string(), write(body)),
            Self::Firmware(body) => ("firmware", body.group.to_string(), write(body)),
            Self::Complain(body) => ("complain", body.luminaire().to_string(), write(body)),
            Self::Enrol(body) => ("enrol", String::new(), write(body)),
            Self::Issue(body) => ("issue", body.resident.to_string(), write(body)),
            Self::Credential(body) => ("credential", body.resident.to_string(), write(body)),
            Self::Manage(body) => ("manage", String::new(), write(body)),
            Self::Own(body) => ("own", body.resident().to_string(), write(body)),
            Self::Verify(body) => ("verify", body.verifier.to_string(), write(body)),
            Self::Ask(body) => ("ask", body.verifier().to_string(), write(body)),
            Self::Holder(body) => ("holder", body.resident().to_string(), write(body)),
            Self::Presettle(body) => ("presettle", body.bill.id.to_string(), write(body)),
            Self::Settle(body) => ("settle", body.bill.to_string(), write(body)),
            Self::Pay(body) => ("pay", String::new(), write(body)),
            Self::Visit(body) => ("visit", body.provider.to_string(), write(body)),
            Self::Till(body) => ("till", body.bill.to_string(), write(body)),
            Self::Books(body) => ("books", body.provider.to_string(), write(body)),
            Self::SetClock(body) => ("set", String::new(), write(body)),
            Self::Walk(body) => ("walk", body.resident.to_string(), write(body)),
        }
    }

    /// The opposite; `None` for a method that no service has.
    pub(crate) fn from_parts(service: &str, method: &str, data: Value) -> Option<Result<Self>> {
        Some(match (service, method) {
            ("lighting", "dim") => read(data).map(Self::Dim),
            ("lighting", "dim-group") => read(data).map(Self::DimGroup),
            ("lighting", "firmware") => read(data).map(Self::Firmware),
            ("lighting", "complain") => read(data).map(Self::Complain),
            ("issuer", "enrol") => read(data).map(Self::Enrol),
            ("issuer", "issue") => read(data).map(Self::Issue),
            ("issuer", "credential") => read(data).map(Self::Credential),
            ("issuer", "manage") => read(data).map(Self::Manage),
            ("issuer", "own") => read(data).map(Self::Own),
            ("verifier", "verify") => read(data).map(Self::Verify),
            ("verifier", "ask") => read(data).map(Self::Ask),
            ("verifier", "holder") => read(data).map(Self::Holder),
            ("payer", "presettle") => read(data).map(Self::Presettle),
            ("payer", "settle") => read(data).map(Self::Settle),
            ("payer", "pay") => read(data).map(Self::Pay),
            ("clinic", "visit") => read(data).map(Self::Visit),
            ("clinic", "till") => read(data).map(Self::Till),
            ("clinic", "books") => read(data).map(Self::Books),
            ("clock", "set") => read(data).map(Self::SetClock),
            ("residents", "walk") => read(data).map(Self::Walk),
            _ => return None,
        })
    }
}

impl ReplyBody {
    /// Service, method and data.
    pub(crate) fn parts(&self) -> (&'static str, &'static str, Value) {
        match self {
            Self::Dim(body) => ("lighting", "dim", write(body)),
            Self::DimRefused(body) => ("lighting", "dim_refused", write(body)),
            Self::DimGroup(body) => ("lighting", "dim-group", write(body)),
            Self::Firmware(body) => ("lighting", "firmware", write(body)),
            Self::Complain(body) => ("lighting", "complain", write(body)),
            Self::Enrol(body) => ("issuer", "enrol", write(body)),
            Self::Issue(body) => ("issuer", "issue", write(body)),
            Self::Credential(body) => ("issuer", "credential", write(body)),
            Self::Manage(body) => ("issuer", "manage", write(body)),
            Self::Own(body) => ("issuer", "own", write(body)),
            Self::Verify(body) => ("verifier", "verify", write(body)),
            Self::Ask(body) => ("verifier", "ask", write(body)),
            Self::Holder(body) => ("verifier", "holder", write(body)),
            Self::Presettle(body) => ("payer", "presettle", write(body)),
            Self::Settle(body) => ("payer", "settle", write(body)),
            Self::Pay(body) => ("payer", "pay", write(body)),
            Self::Visit(body) => ("clinic", "visit", write(body)),
            Self::Till(body) => ("clinic", "till", write(body)),
            Self::Books(body) => ("clinic", "books", write(body)),
            Self::Clock(body) => ("clock", "set", write(body)),
            Self::Walk(body) => ("residents", "walk", write(body)),
        }
    }

    /// The opposite, by the `type` of the envelope; `None` for an unknown one.
    pub(crate) fn from_kind(kind: &str, data: Value) -> Option<Result<Self>> {
        let name = kind.strip_prefix("city.kite.")?.strip_suffix(".reply.v1")?;
        Some(match name {
            "lighting.dim" => read(data).map(Self::Dim),
            "lighting.dim_refused" => read(data).map(Self::DimRefused),
            "lighting.dim-group" => read(data).map(Self::DimGroup),
            "lighting.firmware" => read(data).map(Self::Firmware),
            "lighting.complain" => read(data).map(Self::Complain),
            "issuer.enrol" => read(data).map(Self::Enrol),
            "issuer.issue" => read(data).map(Self::Issue),
            "issuer.credential" => read(data).map(Self::Credential),
            "issuer.manage" => read(data).map(Self::Manage),
            "issuer.own" => read(data).map(Self::Own),
            "verifier.verify" => read(data).map(Self::Verify),
            "verifier.ask" => read(data).map(Self::Ask),
            "verifier.holder" => read(data).map(Self::Holder),
            "payer.presettle" => read(data).map(Self::Presettle),
            "payer.settle" => read(data).map(Self::Settle),
            "payer.pay" => read(data).map(Self::Pay),
            "clinic.visit" => read(data).map(Self::Visit),
            "clinic.till" => read(data).map(Self::Till),
            "clinic.books" => read(data).map(Self::Books),
            "clock.set" => read(data).map(Self::Clock),
            "residents.walk" => read(data).map(Self::Walk),
            _ => return None,
        })
    }
}
