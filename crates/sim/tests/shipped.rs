//! The scenarios in `config/scenarios`: each passes, the same way every time, and each can fail.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};

use lighting::{
    Alarm, AlarmChange, AlarmKind, AstroTable, CampaignReply, DimLevel, FirmwareState, FirmwareVersion,
    GroupReply, GroupReport, UpdateResult,
};
use medpay::{PayEvent, PayReply};
use scenario::{Cast, Observer, Order, Play, RunOptions, Script, Standing, Verdict};
use sim::Sim;
use types::Timestamp;
use wire::{Event, EventBody, Light, Message, Reply, ReplyBody, Segment, WalkEvent};

const POLICY: &str = include_str!("../../../config/policies/demo.toml");
/// The digest of each file's event log. Debug and release builds are held to the same.
const DIGESTS: &str = include_str!("digests.toml");

fn sun(year: i32) -> Arc<AstroTable> {
    static SUNS: LazyLock<Mutex<BTreeMap<i32, Arc<AstroTable>>>> = LazyLock::new(Mutex::default);
    let mut suns = SUNS.lock().unwrap();
    suns.entry(year).or_insert_with(|| Arc::new(city::astro_table(year).unwrap())).clone()
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/scenarios");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 7, "{files:?}");
    files
}

fn name(file: &Path) -> String {
    file.file_stem().unwrap().to_string_lossy().into_owned()
}

/// Plays a file, with `change` between the bus and the judge.
fn play(file: &Path, change: impl Fn(&Message) -> Vec<Message>) -> (Verdict, u64) {
    let text = std::fs::read_to_string(file).unwrap();
    let script = Script::parse(&name(file), &text, &BTreeMap::new()).unwrap();
    let spec = script.cast_spec(script.seed(), toml::from_str(POLICY).unwrap());
    let cast = Cast::under_sun(spec, sun(script.year())).unwrap();
    let play = script.play(&cast, &RunOptions::default()).unwrap();
    let (start, end) = (play.start(), play.end());
    let mut observer = Changed { play, change };
    let mut sim = Sim::new(&cast, "virtual".parse().unwrap(), start).unwrap();
    sim.run_until(end, &mut observer);
    (observer.play.conclude(), sim.digest())
}

struct Changed<F> {
    play: Play,
    change: F,
}

impl<F: Fn(&Message) -> Vec<Message>> Observer for Changed<F> {
    fn observe(&mut self, now: Timestamp, message: &Message) {
        for message in (self.change)(message) {
            self.play.observe(now, &message);
        }
    }

    fn wakes_at(&self) -> Option<Timestamp> {
        self.play.wakes_at()
    }

    fn wake(&mut self, now: Timestamp, orders: &mut Vec<Order>) {
        self.play.wake(now, orders);
    }
}

fn same(message: &Message) -> Vec<Message> {
    vec![message.clone()]
}

#[test]
fn every_file_passes_and_gives_the_digest_that_is_written_down() {
    let known: BTreeMap<String, String> = toml::from_str(DIGESTS).unwrap();
    let mut seen = BTreeMap::new();
    for file in files() {
        let (verdict, digest) = play(&file, same);
        assert_eq!(verdict.standing(), Standing::Passed, "{verdict:#?}");
        seen.insert(name(&file), format!("{digest:016x}"));
    }
    assert_eq!(seen, known, "if the city changed on purpose, write the left side into digests.toml");
}

#[test]
fn two_cores_at_once_give_the_same_digests_as_one() {
    let file = &files()[0];
    let alone = play(file, same).1;
    let together: Vec<u64> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..2).map(|_| scope.spawn(|| play(file, same).1)).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert_eq!(together, [alone, alone]);
}

// `sim` skips the bytes: so nothing of any message may be lost between value and bytes.
#[test]
fn every_message_of_every_file_survives_its_bytes() {
    let kinds = Mutex::new(BTreeSet::new());
    for file in files() {
        let (verdict, _) = play(&file, |message| {
            let run = "virtual".parse().unwrap();
            let frame = wire::encode(run, message);
            let delivery = wire::Delivery {
                topic: &frame.topic,
                payload: &frame.payload,
                response_topic: frame.response_topic.as_deref(),
                correlation: frame.correlation.as_deref(),
            };
            assert_eq!(wire::decode(run, delivery).as_ref(), Ok(message));
            same(message)
        });
        kinds.lock().unwrap().extend(verdict.record.messages.iter().map(|(kind, _)| *kind));
    }
    let kinds = kinds.into_inner().unwrap();
    let missing: Vec<_> =
        scenario::KINDS.iter().map(|kind| kind.name).filter(|name| !kinds.contains(name)).collect();
    // What no virtual run says: a role of the live driver does, or nobody in these files.
    let elsewhere = [
        "bill.refused",
        "request.clock",
        "reply.clock",
        "clock",
        "dead_letter",
        "request.manage",
        "reply.manage",
        "bill.reversed",
        "bill.released",
        "account.credited",
        "risk.flagged",
        "recon.closed",
        "recon.diff",
        "request.books",
        "reply.books",
        "request.complain",
        "reply.complain",
        "request.own",
        "reply.own",
        "request.ask",
        "reply.ask",
        "request.holder",
        "reply.holder",
        "eid.consent",
        "eid.kiosk",
        "eid.revoked",
        "eid.key",
    ];
    assert!(missing.iter().all(|name| elsewhere.contains(name)), "in no file: {missing:?}");
}

/// One way in which a city can be wrong.
type Mutant = (&'static str, fn(&Message) -> Vec<Message>);

/// What each file guards against: it must notice each of these.
fn mutants(file: &str) -> &'static [Mutant] {
    match file {
        "first-night" => &[
            ("alarms are lost", no_alarms),
            ("acknowledgements are lost", no_acks),
            ("nobody arrives", nobody_arrives),
            ("bills are settled twice", settled_twice),
            ("a fen is lost", a_fen_is_lost),
            ("sensors are blind", no_sensor),
            ("dim steps are skipped", no_dimming),
        ],
        "lamp-outage" => &[
            ("alarms are lost", no_alarms),
            ("alarms come twice", alarms_twice),
            ("alarms never end", alarms_never_end),
            ("lamps stay dark", dark),
        ],
        "communication-loss" => &[
            ("lamps stay dark", never_burning),
            ("nobody goes offline", nobody_offline),
            ("incidents come twice", incidents_twice),
            ("alarms are lost", no_alarms),
            ("alarms never end", alarms_never_end),
        ],
        "cabinet-outage" => &[
            ("incidents are lost", no_incidents),
            ("incidents come twice", incidents_twice),
            ("lamps stay dark", dark),
            ("incidents never end", incidents_never_end),
            ("alarms are raised for its luminaires", losses_are_alarms),
            ("meters are silent", no_meters),
            ("nobody goes offline", nobody_offline),
        ],
        "over-temperature" => &[
            ("alarms are lost", no_alarms),
            ("alarms come twice", alarms_twice),
            ("alarms never end", alarms_never_end),
            ("hot drivers give full light", no_dimming),
            ("lamps stay dark", dark),
        ],
        "brownout" => &[
            ("incidents are lost", no_incidents),
            ("incidents come twice", incidents_twice),
            ("incidents never end", incidents_never_end),
            ("nobody goes offline", nobody_offline),
            ("lamps come back at full light", no_dimming),
            ("counters start anew", never_burning),
            ("lamps stay dark", dark),
        ],
        "day-burner" => &[
            ("alarms are lost", no_alarms),
            ("alarms never end", alarms_never_end),
            ("commands are lost", no_commands),
            ("commands come twice", commands_twice),
        ],
        "dimming-stuck" => &[
            ("alarms are lost", no_alarms),
            ("alarms come twice", alarms_twice),
            ("dim steps are skipped", no_dimming),
            ("alarms never end", alarms_never_end),
        ],
        "cycling-lamp" => &[
            ("alarms are lost", no_alarms),
            ("alarms come twice", alarms_twice),
            ("alarms never end", alarms_never_end),
        ],
        "storm-and-clone" => &[
            ("nobody goes offline", nobody_offline),
            ("alarms are lost", no_alarms),
            ("alarms come twice", alarms_twice),
            ("alarms never end", alarms_never_end),
            ("acknowledgements are lost", no_acks),
            ("lamps stay dark", dark),
        ],
        "clock-drift" => &[
            ("alarms are lost", no_alarms),
            ("alarms never end", alarms_never_end),
            ("lamps stay dark", dark),
        ],
        "frozen-meter" => &[("alarms are lost", no_alarms), ("alarms never end", alarms_never_end)],
        "mass-reconnect" => &[
            ("nobody goes offline", nobody_offline),
            ("acknowledgements come twice", acks_twice),
            ("acknowledgements are lost", no_acks),
            ("lamps stay dark", dark),
        ],
        "group-override" => &[
            ("the last report is lost", no_last_group_report),
            ("reports come twice", group_reports_twice),
            ("commands come twice", commands_twice),
            ("lamps stay dark", dark),
            ("who did not answer counts as successful", timeouts_are_successes),
            ("all luminaires are told at once", all_at_once),
        ],
        "firmware-campaign" => &[
            ("the last table is lost", no_last_table),
            ("hung luminaires are left out of the table", no_hung),
            ("orders come twice", firmware_orders_twice),
            ("nobody goes back", nobody_goes_back),
            ("a bad image is installed", bad_images_run),
            ("an alarm is raised", updates_are_alarms),
        ],
        "clinic-evening" => &[
            ("nobody arrives", nobody_arrives),
            ("bills are settled twice", settled_twice),
            ("a fen is lost", a_fen_is_lost),
            ("codes are not verified", nothing_verified),
        ],
        "copied-code" | "day-of-codes" | "five-readers" => &[
            ("copies are accepted", rejected_becomes_verified),
            ("nothing is accepted", nothing_verified),
            ("no answer comes", no_verdicts),
        ],
        "hospital-stay" => &[
            ("nobody pays a deposit", |message| without(message, is_answered(message, "deposited"))),
            ("a night is not billed", |message| without(message, is_answered(message, "interim"))),
            ("a night is billed twice", |message| twice(message, is_answered(message, "interim"))),
            ("somebody is in two stays", |message| without(message, is_answered(message, "refused"))),
            ("nobody is discharged", |message| without(message, is_answered(message, "discharged"))),
            ("bills are settled twice", settled_twice),
            ("a fen is lost", a_fen_is_lost),
        ],
        "settlement-outage" => {
            &[("bills are settled twice", settled_twice), ("a fen is lost", a_fen_is_lost)]
        }
        _ => &[],
    }
}

#[test]
fn every_file_fails_when_what_it_guards_is_broken() {
    for file in files() {
        let mutants = mutants(&name(&file));
        assert!(!mutants.is_empty(), "{} guards against nothing: add mutants", name(&file));
        for (what, change) in mutants {
            let (verdict, _) = play(&file, change);
            assert_eq!(verdict.standing(), Standing::Failed, "{}: not noticed that {what}", name(&file));
        }
    }
}

fn without(message: &Message, unwanted: bool) -> Vec<Message> {
    if unwanted { Vec::new() } else { same(message) }
}

fn twice(message: &Message, wanted: bool) -> Vec<Message> {
    vec![message.clone(); if wanted { 2 } else { 1 }]
}

fn event(message: &Message) -> Option<&EventBody> {
    if let Message::Event(event) = message { Some(&event.body) } else { None }
}

fn is_alarm(message: &Message, change: AlarmChange) -> bool {
    matches!(event(message), Some(EventBody::Alarm(alarm)) if alarm.change == change)
}

/// Whether the payer's desk answered with this word.
fn is_answered(message: &Message, word: &str) -> bool {
    let Message::Reply(Reply { body: ReplyBody::Pay(reply), .. }) = message else { return false };
    let named = match reply {
        PayReply::Deposited { .. } => "deposited",
        PayReply::Interim { .. } => "interim",
        PayReply::Discharged { .. } => "discharged",
        PayReply::Refused(_) => "refused",
        _ => return false,
    };
    named == word
}

fn is_settled(message: &Message) -> bool {
    matches!(event(message), Some(EventBody::Pay(PayEvent::BillSettled { .. })))
}

fn is_ack(message: &Message) -> bool {
    matches!(message, Message::Light { body: Light::Ack(_), .. })
}

fn no_alarms(message: &Message) -> Vec<Message> {
    without(message, is_alarm(message, AlarmChange::Raised))
}

fn alarms_twice(message: &Message) -> Vec<Message> {
    twice(message, is_alarm(message, AlarmChange::Raised))
}

fn alarms_never_end(message: &Message) -> Vec<Message> {
    without(message, is_alarm(message, AlarmChange::Cleared))
}

fn is_incident(message: &Message, change: AlarmChange) -> bool {
    matches!(event(message), Some(EventBody::Incident(incident)) if incident.change == change)
}

fn no_incidents(message: &Message) -> Vec<Message> {
    without(message, is_incident(message, AlarmChange::Raised))
}

fn incidents_twice(message: &Message) -> Vec<Message> {
    twice(message, is_incident(message, AlarmChange::Raised))
}

fn incidents_never_end(message: &Message) -> Vec<Message> {
    without(message, is_incident(message, AlarmChange::Cleared))
}

/// Each luminaire that goes offline has an alarm of its own.
fn losses_are_alarms(message: &Message) -> Vec<Message> {
    let mut messages = same(message);
    if let Message::Light { luminaire, body: Light::Online(false), .. } = message {
        let alarm = Alarm { luminaire: *luminaire, kind: AlarmKind::SupplyLoss, change: AlarmChange::Raised };
        let (id, time) = (uuid::Uuid::nil(), Timestamp::default());
        messages.push(Message::Event(Event { id, time, body: EventBody::Alarm(alarm) }));
    }
    messages
}

fn no_meters(message: &Message) -> Vec<Message> {
    without(message, matches!(message, Message::Cabinet { body: Segment::Telemetry(_), .. }))
}

fn is_command(message: &Message) -> bool {
    matches!(message, Message::Light { body: Light::Command(_), .. })
}

fn no_commands(message: &Message) -> Vec<Message> {
    without(message, is_command(message))
}

fn commands_twice(message: &Message) -> Vec<Message> {
    twice(message, is_command(message))
}

/// Changes every report on a group.
fn group_report(message: &Message, change: impl Fn(&mut GroupReport)) -> Vec<Message> {
    let mut message = message.clone();
    if let Message::Reply(reply) = &mut message
        && let ReplyBody::DimGroup(GroupReply::Running(report) | GroupReply::Finished(report)) =
            &mut reply.body
    {
        change(report);
    }
    vec![message]
}

fn is_last_group_report(message: &Message) -> bool {
    matches!(message, Message::Reply(reply)
        if matches!(reply.body, ReplyBody::DimGroup(GroupReply::Finished(_))))
}

fn no_last_group_report(message: &Message) -> Vec<Message> {
    without(message, is_last_group_report(message))
}

fn group_reports_twice(message: &Message) -> Vec<Message> {
    twice(message, is_last_group_report(message))
}

fn timeouts_are_successes(message: &Message) -> Vec<Message> {
    group_report(message, |report| report.tally.successful += std::mem::take(&mut report.tally.timeout))
}

fn all_at_once(message: &Message) -> Vec<Message> {
    group_report(message, |report| report.tally.sent += std::mem::take(&mut report.tally.pending))
}

fn no_last_table(message: &Message) -> Vec<Message> {
    without(
        message,
        matches!(message, Message::Reply(reply)
        if matches!(reply.body, ReplyBody::Firmware(CampaignReply::Halted(_)))),
    )
}

fn no_hung(message: &Message) -> Vec<Message> {
    let mut message = message.clone();
    if let Message::Reply(reply) = &mut message
        && let ReplyBody::Firmware(CampaignReply::Halted(report)) = &mut reply.body
    {
        report.table.hung = 0;
    }
    vec![message]
}

fn firmware_orders_twice(message: &Message) -> Vec<Message> {
    twice(message, matches!(message, Message::Light { body: Light::FirmwareOrder(_), .. }))
}

/// Changes everything a luminaire tells of its firmware.
fn firmware(message: &Message, change: impl Fn(&mut FirmwareState)) -> Vec<Message> {
    let mut message = message.clone();
    if let Message::Light { body: Light::Firmware(report), .. } = &mut message {
        change(&mut report.body);
    }
    vec![message]
}

fn nobody_goes_back(message: &Message) -> Vec<Message> {
    firmware(message, |state| {
        if state.result == Some(UpdateResult::Done) {
            state.version = FirmwareVersion(1, 1, 0);
        }
    })
}

fn bad_images_run(message: &Message) -> Vec<Message> {
    firmware(message, |state| {
        if state.result == Some(UpdateResult::VerificationFailed) {
            state.result = Some(UpdateResult::Done);
        }
    })
}

fn updates_are_alarms(message: &Message) -> Vec<Message> {
    let Message::Light { luminaire, body: Light::Firmware(report), .. } = message else {
        return same(message);
    };
    let alarm = Alarm { luminaire: *luminaire, kind: AlarmKind::LampFailure, change: AlarmChange::Raised };
    let (id, time) = (uuid::Uuid::nil(), report.stamp.ts);
    vec![message.clone(), Message::Event(Event { id, time, body: EventBody::Alarm(alarm) })]
}

fn no_acks(message: &Message) -> Vec<Message> {
    without(message, is_ack(message))
}

fn acks_twice(message: &Message) -> Vec<Message> {
    twice(message, is_ack(message))
}

fn nobody_arrives(message: &Message) -> Vec<Message> {
    without(message, matches!(event(message), Some(EventBody::Walk(WalkEvent::Arrived { .. }))))
}

fn nobody_offline(message: &Message) -> Vec<Message> {
    without(message, matches!(message, Message::Light { body: Light::Online(false), .. }))
        .into_iter()
        .filter(|message| !matches!(message, Message::Light { body: Light::Online(true), .. }))
        .collect()
}

fn nothing_verified(message: &Message) -> Vec<Message> {
    without(message, matches!(event(message), Some(EventBody::Eid(eid::EidEvent::Verified { .. }))))
}

fn no_verdicts(message: &Message) -> Vec<Message> {
    without(message, matches!(message, Message::Reply(reply) if matches!(reply.body, ReplyBody::Verify(_))))
}

fn rejected_becomes_verified(message: &Message) -> Vec<Message> {
    let mut message = message.clone();
    if let Message::Event(event) = &mut message
        && let EventBody::Eid(eid::EidEvent::Rejected { verifier, .. }) = event.body
    {
        let resident = types::ResidentId(42);
        event.body = EventBody::Eid(eid::EidEvent::Verified { resident, verifier });
    }
    vec![message]
}

fn settled_twice(message: &Message) -> Vec<Message> {
    twice(message, is_settled(message))
}

fn a_fen_is_lost(message: &Message) -> Vec<Message> {
    let mut message = message.clone();
    if let Message::Event(event) = &mut message
        && let EventBody::Pay(PayEvent::BillSettled { split, .. }) = &mut event.body
    {
        split.cash = types::Fen::new(split.cash.get() - 1);
    }
    vec![message]
}

/// Changes every state a luminaire tells.
fn state(message: &Message, change: impl Fn(&mut lighting::LightState)) -> Vec<Message> {
    let mut message = message.clone();
    if let Message::Light { body: Light::State(report), .. } = &mut message {
        change(&mut report.body);
    }
    vec![message]
}

fn dark(message: &Message) -> Vec<Message> {
    state(message, |state| state.actual = DimLevel::OFF)
}

fn never_burning(message: &Message) -> Vec<Message> {
    let mut message = message.clone();
    if let Message::Light { body: Light::Telemetry(report), .. } = &mut message {
        report.body.burning_s = 0;
    }
    vec![message]
}

fn no_sensor(message: &Message) -> Vec<Message> {
    state(message, |state| {
        if state.mode == lighting::Mode::Sensor {
            state.mode = lighting::Mode::Programme;
        }
    })
}

fn no_dimming(message: &Message) -> Vec<Message> {
    state(message, |state| {
        if state.actual > DimLevel::OFF {
            state.actual = DimLevel::FULL;
        }
    })
}
