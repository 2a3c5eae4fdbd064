use types::{Core, SECOND_MS, Seed};

use super::*;
use crate::cms::tests::sun;
use crate::cms::{Asset, CmsConfig, Input};
use crate::{AckResult, CommandAck, DimRequest, LightState, Mode, Programme, Report, Stamp};

/// Luminaires of the group `all`.
const LAMPS: u32 = 200;

/// A CMS with two groups, and the time.
struct Bench {
    cms: Cms,
    now: Timestamp,
    seq: u32,
    /// Commands given to luminaires and not answered.
    given: Vec<(LuminaireId, DimCommand)>,
    /// The newest word on each request.
    told: BTreeMap<ReplyTo, GroupReply>,
    replies: usize,
}

fn config() -> CmsConfig {
    let asset = |id| Asset::sample(id, 0);
    CmsConfig {
        assets: (1..=LAMPS).map(asset).collect(),
        calendars: vec![Programme::default()],
        groups: vec![group("all", 1, LAMPS), group("list:few", 3, 5)],
        sun: sun(),
        ack_timeout_ms: 5 * SECOND_MS,
        ids: Seed(1).stream("command", 0),
    }
}

fn group(name: &str, first: u32, last: u32) -> Group {
    Group::new(name.parse().unwrap(), (first..=last).map(LuminaireId))
}

fn bench() -> Bench {
    let cms = Cms::new(config()).unwrap();
    Bench { cms, now: Timestamp::default(), seq: 0, given: vec![], told: BTreeMap::new(), replies: 0 }
}

fn from(name: &str) -> ReplyTo {
    ReplyTo { path: "operator".into(), correlation: name.as_bytes().into() }
}

impl Bench {
    fn handle(&mut self, input: Input) {
        let mut out = vec![];
        self.cms.handle(self.now, input, &mut out);
        self.take(out);
    }

    fn take(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Command { luminaire, command } => self.given.push((luminaire, command)),
                Output::GroupReply { to, reply } => {
                    self.replies += 1;
                    self.told.insert(to, reply);
                }
                _ => {}
            }
        }
    }

    fn ask(&mut self, name: &str, group: &str, minutes: Option<u32>) {
        let level = DimLevel::from_percent(40).ok();
        let request = GroupDimRequest { group: group.parse().unwrap(), level, minutes };
        self.handle(Input::GroupRequest { from: from(name), request });
    }

    fn answer(&mut self, luminaire: LuminaireId, command: &DimCommand, result: AckResult) {
        let ack = CommandAck { command: command.id.clone(), result, reason: None };
        let report = self.report(ack);
        self.handle(Input::Ack { luminaire, report });
        if result == AckResult::Done {
            let level = command.level.unwrap();
            let state = LightState { target: level, in_effect: level, actual: level, mode: Mode::Override };
            let report = self.report(state);
            self.handle(Input::State { luminaire, report });
        }
    }

    fn report<T>(&mut self, body: T) -> Report<T> {
        self.seq += 1;
        Report { stamp: Stamp { epoch: 1, seq: self.seq, ts: self.now }, body }
    }

    /// All that were given a command obey, until nobody is left.
    fn all_obey(&mut self) {
        while let Some((luminaire, command)) = self.given.pop() {
            self.answer(luminaire, &command, AckResult::Done);
        }
    }

    fn tally(&self, name: &str) -> Tally {
        match &self.told[&from(name)] {
            GroupReply::Running(report) | GroupReply::Finished(report) => report.tally,
            refused @ GroupReply::Refused { .. } => panic!("{refused:?}"),
        }
    }
}

#[test]
fn a_register_with_an_unknown_member_an_empty_or_a_second_group_is_refused() {
    let check = |groups, error| assert_eq!(Cms::new(CmsConfig { groups, ..config() }).unwrap_err(), error);
    let id = || "list:x".parse().unwrap();
    let unknown = CmsConfigError::NoMember { group: id(), luminaire: LuminaireId(LAMPS + 1) };
    check(vec![group("list:x", LAMPS, LAMPS + 1)], unknown);
    check(vec![Group::new(id(), [])], CmsConfigError::EmptyGroup(id()));
    check(vec![group("list:x", 1, 2), group("list:x", 3, 4)], CmsConfigError::GroupTwice(id()));
}

#[test]
fn a_group_that_is_unknown_or_one_too_many_is_refused() {
    let mut bench = bench();
    bench.ask("a", "list:many", None);
    let refused = |group: &str, reason| GroupReply::Refused { group: group.parse().unwrap(), reason };
    assert_eq!(bench.told[&from("a")], refused("list:many", GroupRefusal::UnknownGroup));
    for number in 0..=RUNNING_MAX {
        bench.ask(&number.to_string(), "all", None);
    }
    let last = &bench.told[&from(&RUNNING_MAX.to_string())];
    assert_eq!(*last, refused("all", GroupRefusal::TooManyRunning));
    assert!(bench.given.len() <= RUNNING_MAX * IN_FLIGHT_MAX);
}

#[test]
fn the_next_turn_comes_only_when_one_has_an_end() {
    let mut bench = bench();
    bench.ask("a", "all", None);
    assert_eq!(bench.given.len(), IN_FLIGHT_MAX);
    let (luminaire, command) = bench.given[0].clone();
    let ack = bench.report(CommandAck { command: command.id.clone(), result: AckResult::Done, reason: None });
    bench.handle(Input::Ack { luminaire, report: ack });
    assert_eq!(bench.given.len(), IN_FLIGHT_MAX, "an answer is not yet an effect");
    bench.answer(bench.given[1].0, &bench.given[1].1.clone(), AckResult::Failed);
    assert_eq!(bench.given.len(), IN_FLIGHT_MAX + 1);
    bench.given.retain(|(lamp, _)| lamp.0 > 2);
    bench.all_obey();
    bench.ask("a", "all", None);
    let tally = bench.tally("a");
    assert_eq!((tally.successful, tally.failed, tally.delivered), (LAMPS - 2, 1, 1));
}

#[test]
fn a_request_that_comes_twice_is_one_command_and_gets_the_present_report() {
    let mut bench = bench();
    bench.ask("a", "list:few", None);
    let first = bench.told[&from("a")].clone();
    bench.ask("a", "list:few", None);
    assert_eq!(bench.given.len(), 3);
    bench.now = bench.now.plus_millis(700);
    bench.all_obey();
    bench.told.clear();
    bench.ask("a", "list:few", None);
    assert_eq!(bench.given, []);
    let (GroupReply::Running(first), GroupReply::Finished(last)) = (first, &bench.told[&from("a")]) else {
        panic!("{:?}", bench.told)
    };
    assert_eq!(
        (last.command.clone(), last.tally.successful, last.last_lamp_ms),
        (first.command, 3, Some(700))
    );
}

#[test]
fn progress_is_told_by_tenths_and_not_by_luminaires() {
    let mut bench = bench();
    bench.ask("a", "all", None);
    bench.all_obey();
    assert_eq!(bench.tally("a").successful, LAMPS);
    // One at the beginning, and one for each tenth.
    assert_eq!(bench.replies, 1 + PARTS as usize);
}

#[test]
fn whose_turn_comes_after_the_time_is_over_gets_no_command() {
    let mut bench = bench();
    bench.ask("a", "all", Some(1));
    let (luminaire, command) = bench.given.remove(0);
    bench.now = bench.now.plus_millis(MINUTE_MS);
    bench.answer(luminaire, &command, AckResult::Expired);
    assert_eq!(bench.given.len(), IN_FLIGHT_MAX - 1);
    assert_eq!(bench.tally("a").expired, LAMPS - IN_FLIGHT_MAX as u32 + 1);
}

#[test]
fn a_newer_request_is_not_undone_when_the_turn_of_the_older_one_comes() {
    let mut bench = bench();
    bench.ask("a", "all", None);
    let last = LuminaireId(LAMPS);
    let request = DimRequest { luminaire: last, level: DimLevel::from_percent(90).ok(), minutes: None };
    bench.handle(Input::Request { from: from("one"), request });
    bench.all_obey();
    assert_eq!(bench.tally("a").expired, 1);
    assert_eq!(bench.cms.luminaire(last).unwrap().state().unwrap().body.target.percent(), 90);
}

#[test]
fn a_luminaire_that_leaves_the_command_late_changes_the_report() {
    let mut bench = bench();
    bench.ask("a", "list:few", None);
    bench.all_obey();
    let gone = LightState { mode: Mode::Programme, ..LightState::default() };
    let report = bench.report(gone);
    bench.handle(Input::State { luminaire: LuminaireId(4), report });
    let [(luminaire, command)] = &bench.given[..] else { panic!("{:?}", bench.given) };
    let (luminaire, command) = (*luminaire, command.clone());
    bench.answer(luminaire, &command, AckResult::Failed);
    assert_eq!((bench.tally("a").successful, bench.tally("a").failed), (2, 1));
}
