//! The table of topics and payloads: refusals first, then that nothing is lost between message and bytes.

use eid::{
    Algorithm, AskRequest, CardStatus, ConsentRequest, CredentialRequest, Demand, EidEvent, Ended,
    HolderRequest, KeySet, KeyState, KioskState, LifeState, ManageRequest, Nonce, OwnRequest, Profile,
    PublicKey, QrText, RefusalReason, Scope, VerifyRequest,
};
use lighting::{
    AckResult, Alarm, AlarmChange, AlarmKind, CabinetEvent, CabinetState, CabinetTelemetry, CampaignRefusal,
    CampaignReply, CampaignReport, CampaignRequest, CampaignTable, Circuit, CircuitState, ClockAndSun,
    CommandAck, Control, DimCommand, DimLevel, Fault, FirmwareAction, FirmwareImage, FirmwareOrder,
    FirmwarePhase, FirmwareState, FirmwareVersion, Gear, GroupDimRequest, GroupRefusal, GroupReply,
    GroupReport, LightState, Mode, NightRule, Nights, Phase, PhaseReadings, Phases, Programme, ProgrammeStep,
    Report, Stamp, StepTime, SunTime, SwitchCommand, Tally, Telemetry, UpdateResult, Weekday,
};
use medpay::reconcile::{Class, Difference};
use medpay::{AccountUse, Day, Entry, LimitRule, PayEvent, PayRefusal};
use proptest::prelude::*;
use types::{
    BillId, CabinetId, DistrictId, Fen, GroupId, LuminaireId, Position, ProviderId, ReplyTo, ResidentId,
    RunId, Timestamp,
};
use uuid::Uuid;
use wire::{
    CHANNELS, Channel, ClockState, DeadLetter, DecodeError, Delivery, Event, EventBody, FaultOrder, Frame,
    Light, Message, PAYLOAD_BYTES_MAX, Reply, ReplyBody, Request, RequestBody, Segment, Walker, decode,
    encode,
};

fn run() -> RunId {
    "demo".parse().unwrap()
}

fn read(topic: &str, payload: &[u8]) -> Result<Message, DecodeError> {
    let topic = format!("kitecity/v1/demo/{topic}");
    decode(run(), Delivery { topic: &topic, payload, response_topic: None, correlation: None })
}

fn deliver(frame: &Frame) -> Result<Message, DecodeError> {
    decode(
        run(),
        Delivery {
            topic: &frame.topic,
            payload: &frame.payload,
            response_topic: frame.response_topic.as_deref(),
            correlation: frame.correlation.as_deref(),
        },
    )
}

#[test]
fn a_request_for_consent_on_another_residents_topic_is_refused() {
    let asked = r#"{"v":1,"d":{"request":"5d0b8f7c21aa9e34","resident":"r-0042","verifier":"bus","profile":"age","asked":1,"expires":2}}"#;
    assert!(read("eid/consent/r-0042", asked.as_bytes()).is_ok());
    let reason = "the payload is for another resident".to_owned();
    assert_eq!(read("eid/consent/r-0043", asked.as_bytes()), Err(DecodeError::Payload { offset: 0, reason }));
}

#[test]
fn a_reader_that_is_neither_there_nor_gone_or_names_no_software_is_refused() {
    for state in [
        r#""offline""#,
        r#"{"online":true}"#,
        r#"{"state":"resting"}"#,
        r#"{"state":"online"}"#,
        r#"{"state":"online","software":""}"#,
        r#"{"state":"online","software":"a\nb"}"#,
        r#"{"state":"online","software":"gate","queued":-1}"#,
    ] {
        let read = read("eid/kiosk/bus/state", format!(r#"{{"v":1,"d":{state}}}"#).as_bytes());
        assert!(matches!(read, Err(DecodeError::Payload { .. })), "{state}: {read:?}");
    }
    assert!(read("eid/kiosk/bus/state", br#"{"v":1,"d":{"state":"online","software":"gate 2.1"}}"#).is_ok());
}

#[test]
fn a_topic_of_another_run_or_of_no_row_is_refused() {
    let delivery = Delivery {
        topic: "kitecity/v1/other/sim/clock",
        payload: b"{}",
        response_topic: None,
        correlation: None,
    };
    assert_eq!(decode(run(), delivery), Err(DecodeError::UnknownTopic));
    assert_eq!(read("light/kuiwen/l-0001/up/colour", b"{}"), Err(DecodeError::UnknownTopic));
    let event = br#"{"specversion":"1.0","id":"019d9e2c-5b80-7000-8000-000000000001","source":"x","type":"x","time":"2026-04-18T11:00:00Z","data":{}}"#;
    assert_eq!(read("evt/weather/rain/s00/fell", event), Err(DecodeError::UnknownTopic));
}

#[test]
fn a_whole_topic_of_any_run_has_a_row_or_none() {
    let row = |topic| wire::Channel::of_topic(topic).map(|channel| channel.name);
    for topic in ["", "kitecity/v1/", "kitecity/v1/demo", "kitecity/v1/demo/nowhere", "$oc/devices/x/sys/up"]
    {
        assert_eq!(row(topic), None, "{topic}");
    }
    assert_eq!(row("kitecity/v1/demo/light/kuiwen/l-0001/up/state"), Some("lightState"));
    assert_eq!(row("kitecity/v1/other/sim/clock"), Some("clock"));
}

#[test]
fn an_event_of_an_account_on_the_topic_of_a_bill_is_refused() {
    let debited = br#"{"specversion":"1.0","id":"019d9e2c-5b80-7000-8000-000000000001","source":"x","type":"x","time":"2026-04-18T11:00:00Z","data":{"beneficiary":"r-0042","account":"own","amount":500,"settlement":"019d9e2c-5b80-7000-8000-000000000002"}}"#;
    assert!(read("evt/medpay/account/s00/debited", debited).is_ok());
    for topic in ["evt/medpay/bill/s00/debited", "evt/medpay/risk/s00/debited", "evt/medpay/x/s00/debited"] {
        assert_eq!(read(topic, debited), Err(DecodeError::UnknownTopic));
    }
}

#[test]
fn a_payload_out_of_range_says_where_and_what() {
    let command = "light/kuiwen/l-0001/down/cmd";
    for (payload, offset, words) in [
        (&b"not json"[..], 1, "expected ident"),
        (br#"{"v":1,"id":"x","d":{"level":300}}"#, 32, "300"),
        (br#"{"v":1,"id":"x","d":{"level":101}}"#, 32, "over 100 %"),
        (br#"{"v":1,"id":"x","d":{"levle":40}}"#, 28, "unknown field `levle`"),
        (br#"{"v":1,"id":"x","d":{}}"#, 22, "missing field `level`"),
        (br#"{"v":2,"id":"x","d":{"level":4}}"#, 5, "expected 1"),
        (br#"{"v":1,"id":"","d":{"level":4}}"#, 13, "command id"),
    ] {
        let Err(DecodeError::Payload { offset: got, reason }) = read(command, payload) else {
            panic!("{} was understood", String::from_utf8_lossy(payload));
        };
        assert!(reason.contains(words), "{reason}");
        assert!(got.abs_diff(offset) <= 3, "{reason}: offset {got}, expected about {offset}");
    }
}

#[test]
fn a_command_to_a_cabinet_that_names_no_contactor_or_no_order_is_refused() {
    for (payload, words) in [
        (&br#"{"v":1,"id":"x","d":{"circuit":3,"control":"off"}}"#[..], "circuit 3"),
        (br#"{"v":1,"id":"x","d":{"circuit":1,"control":"of"}}"#, "unknown variant"),
        (br#"{"v":1,"id":"x","d":{"circuit":1}}"#, "missing field `control`"),
        (br#"{"v":1,"id":"x","d":{"circuit":1,"control":"off","for":5}}"#, "unknown field `for`"),
        (br#"{"v":1,"id":"x","d":{"level":40}}"#, "unknown field `level`"),
    ] {
        let Err(DecodeError::Payload { reason, .. }) = read("light/kuiwen/c-0001/down/cmd", payload) else {
            panic!("{} was understood", String::from_utf8_lossy(payload));
        };
        assert!(reason.contains(words), "{reason}");
    }
}

#[test]
fn a_moment_speed_place_or_time_of_day_out_of_range_is_refused() {
    let clock = r#"{"v":1,"d":{"city":1,"wall":2,"speed":60,"paused":false}}"#;
    let place = r#"{"v":1,"d":[{"walk":1,"at":{"lat":90,"lon":-180}}]}"#;
    let step = r#"{"v":1,"d":{"version":1,"steps":[{"at":{"clock":1439},"level":1}]}}"#;
    for (topic, good, from, to, words) in [
        ("sim/clock", clock, "60", "0", "speed 0, expected 1 to 3600"),
        ("sim/clock", clock, "60", "3601", "speed 3601"),
        ("sim/clock", clock, ":1,\"wall", ":4102444800000,\"wall", "from 1970 to 2099"),
        ("sim/clock", clock, ":2,", ":-1,", "from 1970 to 2099"),
        ("sim/presence", place, "90", "90.1", "90.1 degrees, expected -90 to 90"),
        ("sim/presence", place, "-180", "1e308", "expected -180 to 180"),
        ("light/kuiwen/l-0001/down/cfg", step, "1439", "1440", "minute 1440 of a day of 1440"),
    ] {
        assert!(read(topic, good.as_bytes()).is_ok(), "{good}");
        let error = read(topic, good.replacen(from, to, 1).as_bytes()).expect_err(to).to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_reason_longer_than_two_hundred_bytes_is_refused() {
    let ack = |length| {
        let reason = "x".repeat(length);
        let d = format!(r#"{{"command":"x1","result":"failed","reason":"{reason}"}}"#);
        read("light/kuiwen/l-0001/up/ack", format!(r#"{{"v":1,"seq":1,"ts":1,"d":{d}}}"#).as_bytes())
    };
    assert!(ack(200).is_ok());
    assert!(ack(201).unwrap_err().to_string().contains("reason of 201 bytes, at most 200"));
}

#[test]
fn a_request_for_a_group_without_a_level_or_with_an_unknown_key_is_refused() {
    let ask = |data: &str| {
        let topic = "kitecity/v1/demo/rpc/lighting/s00/dim-group";
        let payload = format!(
            r#"{{"specversion":"1.0","id":"019d9e2c-5b80-7000-8000-000000000001","source":"x","type":"x","time":"2026-04-18T11:00:00Z","data":{data}}}"#
        );
        let response_topic = Some("kitecity/v1/demo/rsp/me");
        decode(run(), Delivery { topic, payload: payload.as_bytes(), response_topic, correlation: None })
    };
    for (data, words) in [
        (r#"{"group":"all"}"#, "missing field `level`"),
        (r#"{"group":"all","levle":4}"#, "unknown field `levle`"),
        (r#"{"group":"district/kuiwen","level":4}"#, "is no group"),
    ] {
        let error = ask(data).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    assert!(ask(r#"{"group":"district:kuiwen","level":null}"#).is_ok());
}

#[test]
fn a_payload_that_is_too_long_is_refused_unread() {
    let payload = vec![b' '; PAYLOAD_BYTES_MAX + 1];
    assert_eq!(read("sim/clock", &payload), Err(DecodeError::TooLong(PAYLOAD_BYTES_MAX + 1)));
}

#[test]
fn an_answer_is_only_sent_below_rsp() {
    let payload = br#"{"specversion":"1.0","id":"019d9e2c-5b80-7000-8000-000000000001","source":"x","type":"x","time":"2026-04-18T11:00:00Z","data":{"luminaire":"l-0001","level":4}}"#;
    let ask = |response_topic| {
        let topic = "kitecity/v1/demo/rpc/lighting/s00/dim";
        decode(run(), Delivery { topic, payload, response_topic, correlation: None })
    };
    for elsewhere in [
        None,
        Some("kitecity/v1/demo/eid/keys"),
        Some("kitecity/v1/demo/rsp/"),
        Some("kitecity/v1/demo/rsp/#"),
    ] {
        assert_eq!(ask(elsewhere), Err(DecodeError::NoReplyTopic), "{elsewhere:?}");
    }
    assert!(ask(Some("kitecity/v1/demo/rsp/me")).is_ok());
}

#[test]
fn a_command_by_hand_needs_no_more_than_an_id_and_a_level() {
    let message = read("light/kuiwen/l-0001/down/cmd", br#"{"v":1,"id":"x1","d":{"level":40}}"#).unwrap();
    let Message::Light { body: Light::Command(command), .. } = message else { panic!("{message:?}") };
    assert_eq!((command.level, command.until), (DimLevel::from_percent(40).ok(), None));
}

/// The address of a row with a value for every parameter but the shard.
fn filled(address: &str) -> String {
    let values = [
        ("{district}", "kuiwen"),
        ("{luminaire}", "l-0412"),
        ("{cabinet}", "c-0012"),
        ("{service}", "lighting"),
        ("{aggregate}", "alarm"),
        ("{event}", "raised"),
        ("{method}", "dim"),
        ("{caller}", "operator/1"),
        ("{consumer}", "lighting"),
        ("{resident}", "r-0042"),
        ("{reader}", "bus"),
    ];
    values.iter().fold(address.to_owned(), |topic, (parameter, value)| topic.replace(parameter, value))
}

#[test]
fn every_example_of_the_table_is_read_and_written_back() {
    for channel in CHANNELS {
        let topic = filled(channel.address);
        let shards: Vec<String> =
            (0..16).map(|shard| topic.replace("{shard}", &format!("s{shard:02x}"))).collect();
        let message =
            read(&shards[0], channel.example.as_bytes()).unwrap_or_else(|error| panic!("{topic}: {error}"));
        let frame = encode(run(), &message);
        assert_eq!(message.is_lossy(), !frame.channel.at_least_once, "{}", frame.channel.name);
        assert_eq!(frame.channel.name, channel.name);
        assert!(shards.iter().any(|topic| frame.topic.ends_with(topic.as_str())), "{}", frame.topic);
        assert_eq!(deliver(&frame).as_ref(), Ok(&message));
    }
}

#[test]
fn every_further_example_is_read_on_its_topic_and_written_back() {
    let written = |payload: &[u8]| serde_json::from_slice::<serde_json::Value>(payload).unwrap();
    let further = |channel: &'static Channel| channel.more_examples.iter().map(move |one| (channel, *one));
    for (channel, example) in CHANNELS.iter().flat_map(further) {
        let topic = match written(example.as_bytes())["type"].as_str().map(|kind| kind.split('.').collect()) {
            Some::<Vec<_>>(kind) => format!("evt/{}/{}/s00/{}", kind[2], kind[3], kind[4]),
            None => filled(channel.address),
        };
        let message = read(&topic, example.as_bytes()).unwrap_or_else(|error| panic!("{topic}: {error}"));
        assert_eq!(written(&encode(run(), &message).payload), written(example.as_bytes()));
    }
}

prop_compose! {
    fn stamp()(epoch: u32, seq: u32, ts in 0i64..4_102_444_800_000) -> Stamp {
        Stamp { epoch, seq, ts: Timestamp::from_millis(ts) }
    }
}

fn gear() -> impl Strategy<Value = Option<Gear>> {
    let gear = (any::<(i16, bool, u16, u16)>(), level()).prop_map(|(numbers, limit)| {
        let (temperature_c, answers, derating_count, shutdown_count) = numbers;
        Gear { temperature_c, limit, answers, derating_count, shutdown_count }
    });
    prop::option::of(gear)
}

fn level() -> impl Strategy<Value = DimLevel> {
    (0u8..=100).prop_map(|percent| DimLevel::from_percent(percent).unwrap())
}

fn time() -> impl Strategy<Value = Timestamp> {
    (0i64..4_102_444_800_000).prop_map(Timestamp::from_millis)
}

fn clock_and_sun() -> impl Strategy<Value = ClockAndSun> {
    let sun = (any::<i16>(), any::<bool>()).prop_map(|(minutes, evening)| {
        if evening { SunTime::Sunset(minutes) } else { SunTime::Sunrise(minutes) }
    });
    (0u16..1_440, sun).prop_map(|(clock, sun)| ClockAndSun { clock, sun })
}

fn light() -> impl Strategy<Value = Light> {
    let mode =
        prop_oneof![Just(Mode::Default), Just(Mode::Programme), Just(Mode::Override), Just(Mode::Sensor)];
    let state =
        (stamp(), level(), level(), level(), mode).prop_map(|(stamp, target, in_effect, actual, mode)| {
            Light::State(Report { stamp, body: LightState { target, in_effect, actual, mode } })
        });
    let telemetry = (stamp(), any::<(u32, u32, u64, u64, u32)>(), level(), any::<(u32, u16, u32)>(), gear())
        .prop_map(|(stamp, numbers, in_effect, (current_ma, power_factor_pm, flux_lm), gear)| {
            let (power_mw, voltage_mv, energy_mwh, burning_s, switch_count) = numbers;
            let body = Telemetry {
                power_mw,
                voltage_mv,
                energy_mwh,
                burning_s,
                switch_count,
                in_effect,
                current_ma,
                power_factor_pm,
                flux_lm,
                gear,
            };
            Light::Telemetry(Report { stamp, body })
        });
    let result = prop_oneof![Just(AckResult::Done), Just(AckResult::Expired), Just(AckResult::Failed)];
    let reason = prop::option::of("[ -~]{0,200}");
    let ack = (stamp(), "[!-~]{1,64}", result, reason).prop_map(|(stamp, id, result, reason)| {
        let (command, reason) = (id.parse().unwrap(), reason.map(String::into_boxed_str));
        Light::Ack(Report { stamp, body: CommandAck { command, result, reason } })
    });
    let command = ("[!-~]{1,64}", prop::option::of(level()), prop::option::of(time()))
        .prop_map(|(id, level, until)| Light::Command(DimCommand { id: id.parse().unwrap(), level, until }));
    let at = prop_oneof![
        (0u16..1_440).prop_map(StepTime::Clock),
        any::<i16>().prop_map(StepTime::Sunset),
        any::<i16>().prop_map(StepTime::Sunrise),
        clock_and_sun().prop_map(StepTime::Earlier),
        clock_and_sun().prop_map(StepTime::Later),
    ];
    let step = (at, level()).prop_map(|(at, level)| ProgrammeStep { at, level });
    let steps = prop::collection::vec(step, 0..6).boxed();
    let weekdays = prop::sample::subsequence(&Weekday::ALL[..], 0..=7);
    let days = prop::option::of(0i64..40_000);
    let rule = (days.clone(), days, weekdays, steps.clone(), prop::option::of(level())).prop_map(
        |(from, to, weekdays, steps, presence_level)| NightRule {
            from,
            to,
            weekdays,
            steps: steps.into(),
            presence_level,
        },
    );
    let nights = prop::collection::vec(rule, 0..3).prop_map(Nights::new);
    let programme = (any::<u32>(), steps, prop::option::of(level()), nights).prop_map(
        |(version, steps, presence_level, nights)| {
            Light::Programme(Programme { version, steps: steps.into(), presence_level, nights })
        },
    );
    let firmware =
        (stamp(), version(), "[!-~]{1,64}", prop::option::of(prop::sample::select(&UpdateResult::ALL[..])))
            .prop_map(|(stamp, version, id, result)| {
                let (order, result) = (id.parse().unwrap(), result.map(|(_, result)| result));
                let body = FirmwareState { version, phase: FirmwarePhase::Verifying, order, result };
                Light::Firmware(Report { stamp, body })
            });
    let order = ("[!-~]{1,64}", prop::option::of(image())).prop_map(|(id, image)| {
        let action = image.map_or(FirmwareAction::RollBack, FirmwareAction::Install);
        Light::FirmwareOrder(FirmwareOrder { id: id.parse().unwrap(), action })
    });
    let online = any::<bool>().prop_map(Light::Online);
    let alarms = prop::collection::vec(prop::sample::select(&AlarmKind::ALL[..]), 0..5)
        .prop_map(|kinds| Light::Alarms(kinds.into_iter().collect()));
    prop_oneof![state, telemetry, ack, command, programme, firmware, order, online, alarms]
}

fn version() -> impl Strategy<Value = FirmwareVersion> {
    any::<(u16, u16, u16)>().prop_map(|(major, minor, patch)| FirmwareVersion(major, minor, patch))
}

fn image() -> impl Strategy<Value = FirmwareImage> {
    (version(), any::<u32>(), any::<bool>()).prop_map(|(version, bytes, goes_dark)| FirmwareImage {
        version,
        bytes,
        goes_dark,
    })
}

fn campaign_request() -> impl Strategy<Value = RequestBody> {
    (group(), image(), any::<u8>(), any::<u32>()).prop_map(|(group, image, percent, wave)| {
        let (canary_percent, failed_percent_max) = (percent, percent / 2);
        RequestBody::Firmware(CampaignRequest { group, image, canary_percent, wave, failed_percent_max })
    })
}

fn campaign_reply() -> impl Strategy<Value = CampaignReply> {
    (group(), version(), any::<[u32; 4]>(), 0u8..4).prop_map(|(group, version, numbers, which)| {
        let [luminaires, failed, hung, rolled_back] = numbers;
        let table = CampaignTable { failed, hung, rolled_back, ..CampaignTable::default() };
        let campaign = "c1".parse().unwrap();
        let report = CampaignReport { campaign, group: group.clone(), version, luminaires, table };
        match which {
            0 => CampaignReply::Running(report),
            1 => CampaignReply::Finished(report),
            2 => CampaignReply::Halted(report),
            _ => CampaignReply::Refused { group, reason: CampaignRefusal::CampaignRunning },
        }
    })
}

fn event_body() -> impl Strategy<Value = EventBody> {
    let change = prop_oneof![Just(AlarmChange::Raised), Just(AlarmChange::Cleared)];
    let alarm = (any::<u32>(), change).prop_map(|(luminaire, change)| {
        EventBody::Alarm(Alarm { luminaire: LuminaireId(luminaire), kind: AlarmKind::LampFailure, change })
    });
    let revoked = Just(EventBody::Eid(EidEvent::Revoked {
        resident: ResidentId(1),
        phone: Some("00".repeat(8)),
        card: None,
        status: CardStatus::Revoked,
    }));
    let key = Just(EventBody::Eid(EidEvent::Key { kid: "00".repeat(8), state: KeyState::Retired }));
    let rejected = Just(EventBody::Eid(EidEvent::Rejected {
        verifier: "museum".parse().unwrap(),
        reason: RefusalReason::TokenReplayed,
    }));
    let bill = (any::<u128>(), any::<u32>(), any::<i64>()).prop_map(|(bill, provider, total)| {
        let bill = BillId(Uuid::from_u128(bill));
        EventBody::Pay(PayEvent::BillCreated { bill, provider: ProviderId(provider), total: Fen::new(total) })
    });
    let refused = prop_oneof![
        (any::<i64>(), any::<i64>())
            .prop_map(|(expected, got)| PayRefusal::BillTotalMismatch { expected, got }),
        any::<u128>().prop_map(|id| PayRefusal::BillAlreadySettled { settlement: Uuid::from_u128(id) }),
        ".*".prop_map(|reason| PayRefusal::EidRefused { reason }),
        Just(PayRefusal::Busy),
    ];
    let refused = (any::<u128>(), refused).prop_map(|(bill, refusal)| {
        EventBody::Pay(PayEvent::SettlementRefused { bill: BillId(Uuid::from_u128(bill)), refusal })
    });
    prop_oneof![alarm, rejected, revoked, key, bill, refused, account_event(), payer_event()]
}

fn account_event() -> impl Strategy<Value = EventBody> {
    (any::<u32>(), any::<bool>(), any::<i64>(), any::<u128>(), any::<bool>()).prop_map(
        |(resident, own, amount, settlement, debit)| {
            let entry = Entry {
                beneficiary: ResidentId(resident),
                account: if own { AccountUse::Own } else { AccountUse::Family },
                amount: Fen::new(amount),
                settlement: Uuid::from_u128(settlement),
            };
            let event = if debit { PayEvent::AccountDebited } else { PayEvent::AccountCredited };
            EventBody::Pay(event(entry))
        },
    )
}

/// Limits that were exceeded, days that were closed, books that differ.
fn payer_event() -> impl Strategy<Value = EventBody> {
    let rule = prop::sample::select(vec![LimitRule::Daily, LimitRule::Hourly, LimitRule::Offline]);
    let flagged = (any::<u32>(), any::<u128>(), rule).prop_map(|(resident, bill, rule)| {
        let (beneficiary, bill) = (ResidentId(resident), BillId(Uuid::from_u128(bill)));
        PayEvent::RiskFlagged { beneficiary, bill, rule }
    });
    let book = || (any::<u32>().prop_map(ProviderId), (0..2_900_000_i64).prop_map(day));
    let closed = (book(), any::<i64>()).prop_map(|((provider, day), paid_out)| PayEvent::ReconClosed {
        provider,
        day,
        paid_out: Fen::new(paid_out),
    });
    let class = prop::sample::select(vec![Class::PlatformOnly, Class::SplitDiff, Class::RefundMissing]);
    let difference = (any::<u128>(), any::<bool>(), class, any::<i64>()).prop_map(
        |(settlement, refund, class, amount)| {
            let settlement = Uuid::from_u128(settlement);
            Difference { settlement, refund, class, amount }
        },
    );
    let diff = (book(), difference).prop_map(|((provider, day), difference)| PayEvent::ReconDiff {
        provider,
        day,
        difference,
    });
    prop_oneof![flagged, closed, diff].prop_map(EventBody::Pay)
}

fn day(number: i64) -> Day {
    Day::of(Timestamp::from_local(number, 0))
}

fn key_state() -> impl Strategy<Value = KeyState> {
    prop::sample::select(vec![KeyState::Next, KeyState::Active, KeyState::Retired, KeyState::Compromised])
}

fn tally() -> impl Strategy<Value = Tally> {
    any::<[u32; 7]>().prop_map(|[pending, sent, delivered, successful, failed, expired, timeout]| Tally {
        pending,
        sent,
        delivered,
        successful,
        failed,
        expired,
        timeout,
    })
}

fn group() -> impl Strategy<Value = GroupId> {
    "[a-km-z][a-z0-9:-]{0,31}".prop_map(|text| text.parse().unwrap())
}

fn group_request() -> impl Strategy<Value = RequestBody> {
    (group(), prop::option::of(level()), prop::option::of(any::<u32>()))
        .prop_map(|(group, level, minutes)| RequestBody::DimGroup(GroupDimRequest { group, level, minutes }))
}

fn group_reply() -> impl Strategy<Value = GroupReply> {
    let report = ("[!-~]{1,64}", group(), any::<u32>(), tally(), prop::option::of(any::<i64>())).prop_map(
        |(id, group, luminaires, tally, last_lamp_ms)| GroupReport {
            command: id.parse().unwrap(),
            group,
            luminaires,
            tally,
            last_lamp_ms,
        },
    );
    let reason = prop_oneof![Just(GroupRefusal::UnknownGroup), Just(GroupRefusal::TooManyRunning)];
    prop_oneof![
        (report, any::<bool>()).prop_map(|(report, over)| {
            if over { GroupReply::Finished(report) } else { GroupReply::Running(report) }
        }),
        (group(), reason).prop_map(|(group, reason)| GroupReply::Refused { group, reason }),
    ]
}

fn eid_request() -> impl Strategy<Value = RequestBody> {
    let demand =
        (prop::option::of(any::<[u8; 8]>()), prop::option::of(prop::sample::select(&Profile::ALL[..])))
            .prop_map(|(nonce, profile)| Demand { profile, challenge: nonce.map(Nonce) });
    let verify = (".*", demand).prop_map(|(code, demand)| {
        let verifier = "bus".parse().unwrap();
        RequestBody::Verify(VerifyRequest { code: QrText(code), verifier, reference: String::new(), demand })
    });
    let credential = (any::<u32>(), prop::option::of(any::<u32>()), any::<u8>(), time()).prop_map(
        |(resident, ward, count, asked)| {
            RequestBody::Credential(CredentialRequest {
                resident: ResidentId(resident),
                ward: ward.map(ResidentId),
                profile: Profile::Age,
                count,
                asked,
                key: "00".repeat(33),
                proof: "00".repeat(64),
            })
        },
    );
    let manage = (any::<u32>(), any::<u32>(), any::<u32>()).prop_flat_map(|(one, two, days)| {
        let (resident, ward) = (ResidentId(one), ResidentId(two));
        prop::sample::select(vec![
            ManageRequest::TellKeys,
            ManageRequest::CompromiseKey { kid: "00".repeat(8) },
            ManageRequest::SetLife { resident, life: LifeState::Moved },
            ManageRequest::PrintCard { resident, profile: Profile::Full, days },
            ManageRequest::RevokeCard { card: days },
            ManageRequest::Grant { guardian: resident, ward, scope: Scope::Medical, days },
        ])
        .prop_map(RequestBody::Manage)
    });
    prop_oneof![verify, credential, manage, holder_request()]
}

/// What holders ask, and what readers ask holders for.
fn holder_request() -> impl Strategy<Value = RequestBody> {
    (any::<u32>(), any::<[u8; 8]>(), any::<u32>()).prop_flat_map(|(resident, nonce, days)| {
        let (resident, nonce, verifier) = (ResidentId(resident), Nonce(nonce), "bus".parse().unwrap());
        let (key, proof, scope) = ("00".repeat(33), "00".repeat(64), Scope::School);
        let code = Some(QrText("6BF".to_owned()));
        prop::sample::select(vec![
            RequestBody::Own(OwnRequest::Nonce { resident }),
            RequestBody::Own(OwnRequest::Register { resident, key, nonce, proof }),
            RequestBody::Own(OwnRequest::Forget { resident, phone: "00".repeat(8) }),
            RequestBody::Own(OwnRequest::Entrust { resident, guardian: resident, scope, days }),
            RequestBody::Ask(AskRequest::Ask { verifier, resident, profile: Profile::Age }),
            RequestBody::Ask(AskRequest::Look { verifier, request: nonce }),
            RequestBody::Holder(HolderRequest::History { resident }),
            RequestBody::Holder(HolderRequest::Answer { resident, request: nonce, code }),
            RequestBody::Holder(HolderRequest::Answer { resident, request: nonce, code: None }),
            RequestBody::Holder(HolderRequest::Speak { resident, code: QrText("6BF".to_owned()) }),
        ])
    })
}

fn consent() -> impl Strategy<Value = Message> {
    (any::<u32>(), any::<[u8; 8]>(), time()).prop_map(|(resident, nonce, asked)| {
        Message::EidConsent(ConsentRequest {
            request: Nonce(nonce),
            resident: ResidentId(resident),
            verifier: "bus".parse().unwrap(),
            profile: Profile::Age,
            asked,
            expires: asked,
        })
    })
}

fn kiosk() -> impl Strategy<Value = Message> {
    let moment = || prop::option::of(time());
    let online = ("[ -~]{1,64}", moment(), moment(), any::<Option<u32>>()).prop_map(
        |(software, keys_issued, status_issued, queued)| {
            let software = software.try_into().unwrap();
            KioskState::Online { software, keys_issued, status_issued, queued }
        },
    );
    let state = prop_oneof![Just(KioskState::Offline), online];
    state.prop_map(|state| Message::EidKiosk { reader: "bus".parse().unwrap(), state })
}

fn message() -> impl Strategy<Value = Message> {
    let district: DistrictId = "kuiwen".parse().unwrap();
    let light = (any::<u32>(), light()).prop_map(move |(id, body)| Message::Light {
        district,
        luminaire: LuminaireId(id),
        body,
    });
    let event = (any::<u128>(), time(), event_body())
        .prop_map(|(id, time, body)| Message::Event(Event { id: Uuid::from_u128(id), time, body }));
    let request = (
        any::<u128>(),
        time(),
        "[a-z]{1,9}(/[a-z0-9]{1,9})?",
        prop::collection::vec(any::<u8>(), 0..64),
        prop_oneof![eid_request(), group_request(), campaign_request()],
    )
        .prop_map(|(id, time, path, correlation, body)| {
            let reply_to = ReplyTo { path: path.into(), correlation: correlation.into() };
            Message::Request(Request { id: Uuid::from_u128(id), time, reply_to, body })
        });
    let keys = (any::<u32>(), time(), prop::option::of("[0-9A-Z]{0,40}"), key_state()).prop_map(
        |(version, issued, status, state)| {
            let until = (state == KeyState::Retired).then_some(issued);
            let (kid, key) = ("00".repeat(8), "00".repeat(33));
            let keys = vec![PublicKey { kid, alg: Algorithm::Es256, key, state, until }];
            let phone = Some("00".repeat(8));
            let (holder, since) = ("11".repeat(8), issued);
            let ended = vec![Ended { phone, holder, status: CardStatus::Suspended, since }];
            Message::EidKeys(KeySet { version, issued, keys, status, ended, signature: "00".repeat(64) })
        },
    );
    let presence = (any::<u32>(), -90.0..90.0, -180.0..180.0)
        .prop_map(|(walk, lat, lon)| Message::Presence(vec![Walker { walk, at: Position { lat, lon } }]));
    let order = prop_oneof![
        prop::sample::select(&Fault::ALL[..]).prop_map(FaultOrder::Break),
        Just(FaultOrder::Repair),
        Just(FaultOrder::Clean),
    ];
    let fault = order.prop_map(move |order| Message::Fault { district, luminaire: LuminaireId(1), order });
    let clock = clock_state().prop_map(Message::Clock);
    let clock_reply = ("[a-z]{1,9}", clock_state()).prop_map(|(path, state)| {
        let to = ReplyTo { path: path.into(), correlation: [7].into() };
        Message::Reply(Reply { to, time: state.wall, body: ReplyBody::Clock(state) })
    });
    let group_body = prop_oneof![
        group_reply().prop_map(ReplyBody::DimGroup),
        campaign_reply().prop_map(ReplyBody::Firmware)
    ];
    let group_reply = group_body.prop_map(|body| {
        let to = ReplyTo { path: "operator/ask".into(), correlation: [7].into() };
        Message::Reply(Reply { to, time: Timestamp::default(), body })
    });
    let letter = (".*", any::<usize>(), ".*").prop_map(|(topic, offset, reason)| Message::DeadLetter {
        consumer: "lighting".parse().unwrap(),
        letter: DeadLetter { topic, offset, reason },
    });
    prop_oneof![
        light,
        segment(),
        cabinet_event(),
        event,
        request,
        keys,
        consent(),
        kiosk(),
        presence,
        fault,
        clock,
        clock_reply,
        group_reply,
        letter
    ]
}

prop_compose! {
    fn circuit()(place in 0..2usize) -> Circuit {
        Circuit::ALL[place]
    }
}

fn phases() -> impl Strategy<Value = Phases> {
    prop::collection::vec(0..3usize, 0..4)
        .prop_map(|places| places.into_iter().map(|place| Phase::ALL[place]).collect())
}

fn control() -> impl Strategy<Value = Control> {
    prop_oneof![Just(Control::Auto), Just(Control::On), Just(Control::Off)]
}

fn circuit_state() -> impl Strategy<Value = CircuitState> {
    (control(), any::<bool>(), any::<bool>(), phases())
        .prop_map(|(control, wanted, closed, tripped)| CircuitState { control, wanted, closed, tripped })
}

fn segment() -> impl Strategy<Value = Message> {
    let state = (stamp(), circuit_state(), circuit_state(), any::<bool>()).prop_map(
        |(stamp, one, two, door_open)| {
            Segment::State(Report { stamp, body: CabinetState { circuits: [one, two], door_open } })
        },
    );
    let readings = (any::<u32>(), any::<u32>(), any::<u32>(), 0..=1_000u16).prop_map(
        |(power_mw, voltage_mv, current_ma, power_factor_permille)| PhaseReadings {
            power_mw,
            voltage_mv,
            current_ma,
            power_factor_permille,
        },
    );
    let telemetry =
        (stamp(), prop::array::uniform3(readings), any::<u64>()).prop_map(|(stamp, phases, energy_mwh)| {
            Segment::Telemetry(Report { stamp, body: CabinetTelemetry { phases, energy_mwh } })
        });
    let command = ("[a-z0-9]{1,16}", circuit(), control(), prop::option::of(time())).prop_map(
        |(id, circuit, control, until)| {
            Segment::Command(SwitchCommand { id: id.parse().unwrap(), circuit, control, until })
        },
    );
    let ack = (stamp(), "[a-z0-9]{1,16}").prop_map(|(stamp, id)| {
        let body = CommandAck { command: id.parse().unwrap(), result: AckResult::Done, reason: None };
        Segment::Ack(Report { stamp, body })
    });
    let body = prop_oneof![state, telemetry, command, ack, any::<bool>().prop_map(Segment::Online)];
    (any::<u32>(), body).prop_map(|(id, body)| Message::Cabinet {
        district: "kuiwen".parse().unwrap(),
        cabinet: CabinetId(id),
        body,
    })
}

fn cabinet_event() -> impl Strategy<Value = Message> {
    let breakers = (circuit(), phases(), any::<bool>()).prop_map(|(circuit, phases, trips)| {
        if trips { CabinetEvent::Trip { circuit, phases } } else { CabinetEvent::Reclose { circuit, phases } }
    });
    let contactor = (circuit(), any::<bool>()).prop_map(|(circuit, jams)| {
        if jams { CabinetEvent::Jam(circuit) } else { CabinetEvent::Free(circuit) }
    });
    let door = prop_oneof![Just(CabinetEvent::OpenDoor), Just(CabinetEvent::CloseDoor)];
    prop_oneof![breakers, contactor, door].prop_map(|event| Message::CabinetEvent {
        district: "kuiwen".parse().unwrap(),
        cabinet: CabinetId(2),
        event,
    })
}

fn clock_state() -> impl Strategy<Value = ClockState> {
    let stop = prop::option::of(time());
    (time(), time(), 1u32..=3_600, any::<bool>(), stop).prop_map(|(city, wall, speed, paused, stands_at)| {
        ClockState { city, wall, speed, paused, stands_at }
    })
}

proptest! {
    #[test]
    fn decoding_what_was_encoded_gives_the_same_message(message in message()) {
        prop_assert_eq!(deliver(&encode(run(), &message)), Ok(message));
    }

    #[test]
    fn no_bytes_on_any_topic_make_the_reader_panic(
        payload in prop::collection::vec(any::<u8>(), 0..200),
        channel in 0..CHANNELS.len(),
    ) {
        let topic = CHANNELS[channel].address.replace("{district}", "kuiwen").replace("{luminaire}", "l-0001");
        let _ = read(&topic, &payload);
    }
}
