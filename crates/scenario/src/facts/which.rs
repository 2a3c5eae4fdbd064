use eid::EidEvent;
use lighting::AlarmChange;
use medpay::PayEvent;
use wire::{EventBody, Light, Message, ReplyBody, RequestBody, Segment, WalkEvent};

use super::KINDS;

/// Where a kind stands in [`KINDS`]; a name that does not stop the build.
const fn index(name: &str) -> usize {
    let mut at = 0;
    while at < KINDS.len() {
        if is_same(KINDS[at].name.as_bytes(), name.as_bytes()) {
            return at;
        }
        at += 1;
    }
    panic!("no kind has this name")
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// Which of [`KINDS`] a message is.
pub(crate) fn kind_of(message: &Message) -> usize {
    match message {
        Message::Light { body, .. } => match body {
            Light::State(_) => const { index("lamp.state") },
            Light::Telemetry(_) => const { index("lamp.telemetry") },
            Light::Ack(_) => const { index("lamp.ack") },
            Light::Online(_) => const { index("lamp.online") },
            Light::Command(_) => const { index("lamp.command") },
            Light::Programme(_) => const { index("lamp.programme") },
            Light::Firmware(_) => const { index("lamp.firmware") },
            Light::FirmwareOrder(_) => const { index("lamp.firmware_order") },
            Light::Alarms(_) => const { index("lamp.alarms") },
        },
        Message::Cabinet { body, .. } => match body {
            Segment::State(_) => const { index("cabinet.state") },
            Segment::Telemetry(_) => const { index("cabinet.telemetry") },
            Segment::Ack(_) => const { index("cabinet.ack") },
            Segment::Online(_) => const { index("cabinet.online") },
            Segment::Command(_) => const { index("cabinet.command") },
        },
        Message::CabinetEvent { .. } => const { index("cabinet.event") },
        Message::Fault { .. } => const { index("lamp.fault") },
        Message::Event(event) => event_kind(&event.body),
        Message::Request(request) => request_kind(&request.body),
        Message::Reply(reply) => reply_kind(&reply.body),
        Message::EidKeys(_) => const { index("eid.keys") },
        Message::EidConsent(_) => const { index("eid.consent") },
        Message::EidKiosk { .. } => const { index("eid.kiosk") },
        Message::Clock(_) => const { index("clock") },
        Message::Presence(_) => const { index("presence") },
        Message::DeadLetter { .. } => const { index("dead_letter") },
    }
}

fn event_kind(body: &EventBody) -> usize {
    match body {
        EventBody::Alarm(alarm) if alarm.change == AlarmChange::Raised => const { index("alarm.raised") },
        EventBody::Alarm(_) => const { index("alarm.cleared") },
        EventBody::Incident(incident) if incident.change == AlarmChange::Raised => {
            const { index("incident.raised") }
        }
        EventBody::Incident(_) => const { index("incident.cleared") },
        EventBody::Eid(EidEvent::Enrolled { .. }) => const { index("eid.enrolled") },
        EventBody::Eid(EidEvent::Issued { .. }) => const { index("eid.issued") },
        EventBody::Eid(EidEvent::Verified { .. }) => const { index("eid.verified") },
        EventBody::Eid(EidEvent::Rejected { .. }) => const { index("eid.rejected") },
        EventBody::Eid(EidEvent::Revoked { .. }) => const { index("eid.revoked") },
        EventBody::Eid(EidEvent::Key { .. }) => const { index("eid.key") },
        EventBody::Pay(PayEvent::BillCreated { .. }) => const { index("bill.created") },
        EventBody::Pay(PayEvent::BillPresettled { .. }) => const { index("bill.presettled") },
        EventBody::Pay(PayEvent::BillSettled { .. }) => const { index("bill.settled") },
        EventBody::Pay(PayEvent::SettlementRefused { .. }) => const { index("bill.refused") },
        EventBody::Pay(PayEvent::BillReversed { .. }) => const { index("bill.reversed") },
        EventBody::Pay(PayEvent::BillReleased { .. }) => const { index("bill.released") },
        EventBody::Pay(PayEvent::AccountDebited(_)) => const { index("account.debited") },
        EventBody::Pay(PayEvent::AccountCredited(_)) => const { index("account.credited") },
        EventBody::Pay(PayEvent::RiskFlagged { .. }) => const { index("risk.flagged") },
        EventBody::Pay(PayEvent::ReconClosed { .. }) => const { index("recon.closed") },
        EventBody::Pay(PayEvent::ReconDiff { .. }) => const { index("recon.diff") },
        EventBody::Walk(WalkEvent::Departed { .. }) => const { index("walk.departed") },
        EventBody::Walk(WalkEvent::Arrived { .. }) => const { index("walk.arrived") },
    }
}

fn request_kind(body: &RequestBody) -> usize {
    match body {
        RequestBody::Dim(_) => const { index("request.dim") },
        RequestBody::Firmware(_) => const { index("request.firmware") },
        RequestBody::DimGroup(_) => const { index("request.dim_group") },
        RequestBody::Complain(_) => const { index("request.complain") },
        RequestBody::Enrol(_) => const { index("request.enrol") },
        RequestBody::Issue(_) => const { index("request.issue") },
        RequestBody::Credential(_) => const { index("request.credential") },
        RequestBody::Manage(_) => const { index("request.manage") },
        RequestBody::Own(_) => const { index("request.own") },
        RequestBody::Verify(_) => const { index("request.verify") },
        RequestBody::Ask(_) => const { index("request.ask") },
        RequestBody::Holder(_) => const { index("request.holder") },
        RequestBody::Presettle(_) => const { index("request.presettle") },
        RequestBody::Settle(_) => const { index("request.settle") },
        RequestBody::Visit(_) => const { index("request.visit") },
        RequestBody::Till(_) => const { index("request.till") },
        RequestBody::Pay(_) => const { index("request.pay") },
        RequestBody::Books(_) => const { index("request.books") },
        RequestBody::SetClock(_) => const { index("request.clock") },
        RequestBody::Walk(_) => const { index("request.walk") },
    }
}

fn reply_kind(body: &ReplyBody) -> usize {
    match body {
        ReplyBody::Dim(_) | ReplyBody::DimRefused(_) => const { index("reply.dim") },
        ReplyBody::Firmware(_) => const { index("reply.firmware") },
        ReplyBody::DimGroup(_) => const { index("reply.dim_group") },
        ReplyBody::Complain(_) => const { index("reply.complain") },
        ReplyBody::Enrol(_) => const { index("reply.enrol") },
        ReplyBody::Issue(_) => const { index("reply.issue") },
        ReplyBody::Credential(_) => const { index("reply.credential") },
        ReplyBody::Manage(_) => const { index("reply.manage") },
        ReplyBody::Own(_) => const { index("reply.own") },
        ReplyBody::Verify(_) => const { index("reply.verify") },
        ReplyBody::Ask(_) => const { index("reply.ask") },
        ReplyBody::Holder(_) => const { index("reply.holder") },
        ReplyBody::Presettle(_) => const { index("reply.presettle") },
        ReplyBody::Settle(_) => const { index("reply.settle") },
        ReplyBody::Visit(_) => const { index("reply.visit") },
        ReplyBody::Till(_) => const { index("reply.till") },
        ReplyBody::Pay(_) => const { index("reply.pay") },
        ReplyBody::Books(_) => const { index("reply.books") },
        ReplyBody::Clock(_) => const { index("reply.clock") },
        ReplyBody::Walk(_) => const { index("reply.walk") },
    }
}

#[cfg(test)]
mod tests {
    use eid::{EnrolReply, KeySet, RefusalReason};
    use medpay::reconcile::{Class, Difference};
    use medpay::{AccountUse, Day, Entry, LimitRule, PayRefusal, PayReply, SettleReply, Split};
    use types::{BillId, LuminaireId, ProviderId, ReplyTo, ResidentId, Timestamp};
    use wire::{ClockChange, DeadLetter, Event, Reply, Request, WalkReply, WalkRequest};

    use super::super::Value;
    use super::*;

    #[track_caller]
    fn check(message: &Message, name: &str) {
        let kind = &KINDS[kind_of(message)];
        assert_eq!(kind.name, name);
        for field in kind.fields {
            let optional = ["reason", "resident", "level"].contains(&field.name);
            assert!(optional || (field.read)(message) != Value::Missing, "{name} has no {}", field.name);
        }
    }

    fn event(body: EventBody) -> Message {
        Message::Event(Event { id: uuid::Uuid::nil(), time: Timestamp::default(), body })
    }

    fn request(body: RequestBody) -> Message {
        let reply_to = ReplyTo { path: "x".into(), correlation: [].into() };
        Message::Request(Request { id: uuid::Uuid::nil(), time: Timestamp::default(), reply_to, body })
    }

    fn reply(body: ReplyBody) -> Message {
        let to = ReplyTo { path: "x".into(), correlation: [].into() };
        Message::Reply(Reply { to, time: Timestamp::default(), body })
    }

    #[test]
    fn each_message_has_its_name_and_its_fields() {
        let (resident, provider) = (ResidentId(1), ProviderId(1));
        let bill = BillId(uuid::Uuid::nil());
        check(&event(EventBody::Eid(EidEvent::Enrolled { resident })), "eid.enrolled");
        let rejected = EidEvent::Rejected { verifier: "x".parse().unwrap(), reason: RefusalReason::QrEmpty };
        check(&event(EventBody::Eid(rejected)), "eid.rejected");
        let created = PayEvent::BillCreated { bill, provider, total: types::Fen::new(5) };
        check(&event(EventBody::Pay(created)), "bill.created");
        let refused = PayEvent::SettlementRefused { bill, refusal: PayRefusal::Busy };
        check(&event(EventBody::Pay(refused)), "bill.refused");
        let (amount, settlement) = (types::Fen::new(5), uuid::Uuid::nil());
        let entry = Entry { beneficiary: resident, account: AccountUse::Family, amount, settlement };
        check(&event(EventBody::Pay(PayEvent::AccountDebited(entry))), "account.debited");
        check(&event(EventBody::Pay(PayEvent::AccountCredited(entry))), "account.credited");
        let flagged = PayEvent::RiskFlagged { beneficiary: resident, bill, rule: LimitRule::Daily };
        check(&event(EventBody::Pay(flagged)), "risk.flagged");
        let day = Day::default();
        let closed = PayEvent::ReconClosed { provider, day, paid_out: amount };
        check(&event(EventBody::Pay(closed)), "recon.closed");
        let difference = Difference { settlement, refund: false, class: Class::AmountDiff, amount: -5 };
        let diff = PayEvent::ReconDiff { provider, day, difference };
        check(&event(EventBody::Pay(diff)), "recon.diff");
        check(&event(EventBody::Walk(WalkEvent::Departed { resident, provider })), "walk.departed");
        check(&event(EventBody::Walk(WalkEvent::Arrived { resident, provider })), "walk.arrived");
        let dim = lighting::DimRequest { luminaire: LuminaireId(1), level: None, minutes: None };
        check(&request(RequestBody::Dim(dim)), "request.dim");
        let (group, level) = ("all".parse().unwrap(), None);
        let dim = lighting::GroupDimRequest { group, level, minutes: None };
        check(&request(RequestBody::DimGroup(dim)), "request.dim_group");
        check(&request(RequestBody::SetClock(ClockChange::default())), "request.clock");
        check(&request(RequestBody::Walk(WalkRequest { resident, provider, nights: None })), "request.walk");
        check(&reply(ReplyBody::Enrol(EnrolReply::Enrolled(resident))), "reply.enrol");
        let settled = SettleReply::Settled { bill, settlement: uuid::Uuid::nil(), split: Split::default() };
        check(&reply(ReplyBody::Till(settled)), "reply.till");
        check(&reply(ReplyBody::Walk(WalkReply::Busy)), "reply.walk");
        check(&Message::EidKeys(KeySet::default()), "eid.keys");
        let (reader, state) = ("x".parse().unwrap(), eid::KioskState::Offline);
        check(&Message::EidKiosk { reader, state }, "eid.kiosk");
        check(&Message::Presence(Vec::new()), "presence");
        check(&reply(ReplyBody::Pay(PayReply::Refused(PayRefusal::Busy))), "reply.pay");
        let letter = DeadLetter { topic: "t".to_owned(), offset: 0, reason: "r".to_owned() };
        let (district, cabinet) = ("x".parse().unwrap(), types::CabinetId(1));
        let segment = |body| Message::Cabinet { district, cabinet, body };
        check(&segment(Segment::Online(true)), "cabinet.online");
        let id = "x".parse().unwrap();
        let (circuit, control) = (lighting::Circuit::ALL[0], lighting::Control::Off);
        let switch = lighting::SwitchCommand { id, circuit, control, until: None };
        check(&segment(Segment::Command(switch)), "cabinet.command");
        let event = lighting::CabinetEvent::OpenDoor;
        check(&Message::CabinetEvent { district, cabinet, event }, "cabinet.event");
        check(&Message::DeadLetter { consumer: "x".parse().unwrap(), letter }, "dead_letter");
    }
}
