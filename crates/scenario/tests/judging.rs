//! What each form of expectation says about messages on the bus.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use lighting::{
    AckResult, Alarm, AlarmChange, AlarmKind, AstroTable, CommandAck, DimCommand, DimLevel, Fault,
    LightState, Mode, Report, Stamp,
};
use scenario::{Cast, Observer, Order, Outcome, Play, RunOptions, Script, Standing};
use types::{LuminaireId, SECOND_MS, Timestamp};
use wire::{Event, EventBody, FaultOrder, Light, Message};

static SUN: LazyLock<Arc<AstroTable>> = LazyLock::new(|| Arc::new(city::astro_table(2026).unwrap()));
const POLICY: &str = include_str!("../../../config/policies/demo.toml");

/// A scenario of one hour from 18:00 with 20 luminaires, shown what a test says.
struct Stage {
    play: Play,
    start: Timestamp,
}

impl Stage {
    fn new(body: &str) -> Self {
        let text = format!(
            "[scenario]\nname = \"t\"\ndate = \"2026-04-18\"\nstart = \"18:00\"\nlength = \"1h\"\n\
             [city]\nluminaires = 20\nresidents = 10\nclinics = 1\n{body}"
        );
        let script =
            Script::parse("t.toml", &text, &BTreeMap::new()).unwrap_or_else(|error| panic!("{error}"));
        let policy = toml::from_str(POLICY).unwrap();
        let cast = Cast::under_sun(script.cast_spec(1, policy), SUN.clone()).unwrap();
        let options = RunOptions { no_expect: true, ..RunOptions::default() };
        let play = script.play(&cast, &options).unwrap_or_else(|error| panic!("{error}"));
        Self { start: play.start(), play }
    }

    /// One expectation.
    fn expecting(form: &str) -> Self {
        Self::new(&format!("[[expect]]\nname = \"e\"\n{form}\n"))
    }

    fn at(&self, second: i64) -> Timestamp {
        self.start.plus_millis(second * SECOND_MS)
    }

    /// Lets time pass; returns the orders given on the way, with the second of each.
    fn pass(&mut self, second: i64) -> Vec<(i64, Order)> {
        let (now, mut given) = (self.at(second), Vec::new());
        while let Some(at) = self.play.wakes_at().filter(|at| *at <= now) {
            let mut orders = Vec::new();
            self.play.wake(at, &mut orders);
            given.extend(orders.into_iter().map(|order| (at.millis_since(self.start) / SECOND_MS, order)));
        }
        given
    }

    fn say(mut self, second: i64, message: &Message) -> Self {
        self.pass(second);
        self.play.observe(self.at(second), message);
        self
    }

    fn end(mut self) -> Outcome {
        self.pass(3_600);
        self.play.conclude().outcomes.remove(0)
    }

    #[track_caller]
    fn ends(self, standing: Standing) -> Outcome {
        let outcome = self.end();
        assert_eq!(outcome.standing, standing, "{outcome:?}");
        outcome
    }
}

fn light(lamp: u32, body: Light) -> Message {
    Message::Light { district: "kuiwen".parse().unwrap(), luminaire: LuminaireId(lamp), body }
}

fn gives(lamp: u32, percent: u8) -> Message {
    let level = DimLevel::from_percent(percent).unwrap();
    let body = LightState { target: level, in_effect: level, actual: level, mode: Mode::Programme };
    light(lamp, Light::State(Report { stamp: Stamp::default(), body }))
}

fn command(lamp: u32, id: &str) -> Message {
    light(lamp, Light::Command(DimCommand { id: id.parse().unwrap(), level: None, until: None }))
}

fn ack(lamp: u32, id: &str) -> Message {
    let body = CommandAck { command: id.parse().unwrap(), result: AckResult::Done, reason: None };
    light(lamp, Light::Ack(Report { stamp: Stamp::default(), body }))
}

fn broken(lamp: u32) -> Message {
    let order = FaultOrder::Break(Fault::LampOpen);
    Message::Fault { district: "kuiwen".parse().unwrap(), luminaire: LuminaireId(lamp), order }
}

fn alarm(lamp: u32, change: AlarmChange) -> Message {
    let alarm = Alarm { luminaire: LuminaireId(lamp), kind: AlarmKind::LampFailure, change };
    Message::Event(Event { id: uuid::Uuid::nil(), time: Timestamp::default(), body: EventBody::Alarm(alarm) })
}

#[test]
fn always_fails_at_the_first_moment_it_does_not_hold() {
    let form = "always = \"count(lamps where actual > 50) >= 1\"\nfrom = \"18:10\"";
    let outcome =
        Stage::expecting(form).say(60, &gives(3, 80)).say(900, &gives(3, 40)).ends(Standing::Failed);
    let failure = outcome.failure.unwrap();
    assert_eq!(failure.entity.as_deref(), Some("l-0003"));
    assert_eq!(failure.seen, "count(lamps where actual > 50) = 0");
    assert!(
        failure.before.last().unwrap().starts_with("18:15:00  lamp.state lamp=l-0003"),
        "{:?}",
        failure.before
    );
    Stage::expecting(form).ends(Standing::Failed);
    Stage::expecting(form).say(60, &gives(3, 80)).ends(Standing::Passed);
    // Before its window anything goes.
    Stage::expecting(form).say(60, &gives(3, 40)).say(70, &gives(4, 80)).ends(Standing::Passed);
}

#[test]
fn never_fails_when_it_happens_within_its_window() {
    let form = "never = \"alarm.raised where lamp == l-0003\"\nto = \"18:30\"";
    Stage::expecting(form).say(60, &alarm(3, AlarmChange::Raised)).ends(Standing::Failed);
    Stage::expecting(form).say(60, &alarm(4, AlarmChange::Raised)).ends(Standing::Passed);
    Stage::expecting(form).say(2_000, &alarm(3, AlarmChange::Raised)).ends(Standing::Passed);
    Stage::expecting("never = \"l-0003.actual > 90\"").say(5, &gives(3, 91)).ends(Standing::Failed);
}

#[test]
fn eventually_fails_only_at_its_end() {
    let form = "eventually = \"share(lamps where actual > 0) >= 0.1\"\nby = \"18:30\"";
    Stage::expecting(form).say(60, &gives(1, 10)).ends(Standing::Failed);
    Stage::expecting(form)
        .say(60, &gives(1, 10))
        .say(61, &gives(2, 10))
        .say(62, &gives(2, 0))
        .ends(Standing::Passed);
    Stage::expecting(form).say(60, &gives(1, 10)).say(1_801, &gives(2, 10)).ends(Standing::Failed);
}

#[test]
fn what_must_follow_is_judged_for_each_trigger_by_its_own_fields() {
    let form =
        "after = \"lamp.command\"\nthen = \"lamp.ack where command == after.command\"\nwithin = \"30s\"";
    Stage::expecting(form).ends(Standing::Inconclusive);
    Stage::expecting(&format!("{form}\nmay_not_happen = true")).ends(Standing::Passed);
    let good = Stage::expecting(form).say(10, &command(1, "a")).say(11, &command(2, "b"));
    let outcome = good.say(20, &ack(2, "b")).say(40, &ack(1, "a")).ends(Standing::Passed);
    let spread = outcome.spread.unwrap();
    assert_eq!((spread.count, spread.p50_ms, spread.max_ms), (2, 9_000, 30_000));
    let crossed = Stage::expecting(form).say(10, &command(1, "a")).say(11, &command(2, "b"));
    let outcome = crossed.say(20, &ack(1, "a")).say(21, &ack(1, "a")).ends(Standing::Failed);
    assert_eq!(outcome.failure.unwrap().entity.as_deref(), Some("l-0002"));
    Stage::expecting(form).say(10, &command(1, "a")).say(41, &ack(1, "a")).ends(Standing::Failed);
}

#[test]
fn what_is_set_off_too_close_to_the_end_is_undecided() {
    let form = "after = \"lamp.command\"\nthen = \"lamp.ack\"\nwithin = \"30s\"";
    let outcome = Stage::expecting(form).say(3_590, &command(1, "a")).ends(Standing::Inconclusive);
    assert!(outcome.measured.contains("1 undecided"), "{outcome:?}");
}

#[test]
fn what_must_not_follow_fails_when_it_does() {
    let form =
        "after = \"lamp.fault\"\nthen_not = \"alarm.raised where lamp == after.lamp\"\nwithin = \"30s\"";
    Stage::expecting(form).say(1, &broken(1)).say(9, &alarm(1, AlarmChange::Raised)).ends(Standing::Failed);
    Stage::expecting(form).say(1, &broken(1)).say(40, &alarm(1, AlarmChange::Raised)).ends(Standing::Passed);
    Stage::expecting(form).say(1, &broken(1)).say(9, &alarm(2, AlarmChange::Raised)).ends(Standing::Passed);
}

#[test]
fn p99_is_a_limit_of_its_own() {
    let form = "after = \"lamp.command\"\nthen = \"lamp.ack\"\nwithin = \"30s\"\np99 = \"5s\"";
    Stage::expecting(form).say(1, &command(1, "a")).say(10, &ack(1, "a")).ends(Standing::Failed);
    Stage::expecting(form).say(1, &command(1, "a")).say(4, &ack(1, "a")).ends(Standing::Passed);
}

#[test]
fn hold_must_hold_until_something_ends_it() {
    let form = "hold = \"l-0001.actual == 0\"\nuntil = \"lamp.programme\"\nby = \"18:30\"";
    Stage::expecting(form).ends(Standing::Failed);
    Stage::expecting(form).say(5, &gives(1, 50)).ends(Standing::Failed);
    let programme = light(1, Light::Programme(lighting::Programme::default()));
    Stage::expecting(form).say(5, &programme).say(6, &gives(1, 50)).ends(Standing::Passed);
}

#[test]
fn counts_are_exact_and_none_else_means_it() {
    let form = "count = \"alarm.raised where lamp == l-0003\"\nexactly = 1";
    let raised = |lamp| alarm(lamp, AlarmChange::Raised);
    Stage::expecting(form).ends(Standing::Failed);
    Stage::expecting(form).say(5, &raised(3)).say(6, &raised(4)).ends(Standing::Passed);
    Stage::expecting(form).say(5, &raised(3)).say(6, &raised(3)).ends(Standing::Failed);
    let none_else = format!("{form}\nnone_else = true");
    Stage::expecting(&none_else).say(5, &raised(3)).say(6, &raised(4)).ends(Standing::Failed);
    Stage::expecting(&none_else).say(5, &raised(3)).ends(Standing::Passed);
}

#[test]
fn counts_for_each_are_kept_apart() {
    let form = "count = \"alarm.raised\"\nexactly = 1\nfor_each = \"lamp\"";
    let raised = |lamp| alarm(lamp, AlarmChange::Raised);
    Stage::expecting(form).say(5, &raised(3)).say(6, &raised(4)).ends(Standing::Passed);
    Stage::expecting(form).say(5, &raised(3)).say(6, &raised(3)).ends(Standing::Failed);
    Stage::expecting(form).ends(Standing::Failed);
}

#[test]
fn a_metric_is_taken_at_the_end() {
    let form = "metric = \"sum(lamps.actual)\"\nat_least = 100\nat_most = 120";
    Stage::expecting(form).say(5, &gives(1, 100)).say(6, &gives(2, 30)).ends(Standing::Failed);
    Stage::expecting(form)
        .say(5, &gives(1, 100))
        .say(6, &gives(2, 30))
        .say(7, &gives(2, 20))
        .ends(Standing::Passed);
}

#[test]
fn a_timeline_gives_its_orders_at_their_moments() {
    let mut stage = Stage::new(
        "[[timeline]]\nat = \"18:10\"\nevery = \"10m\"\nuntil = \"18:30\"\nbreak = { lamps = \"l-0002..l-0003\" }\n\
         [[timeline]]\nwhen = \"alarm.raised\"\ndelay = \"30s\"\nrepair = { lamp = \"l-0002\" }\n",
    );
    let seconds = |orders: &[(i64, Order)]| orders.iter().map(|(second, _)| *second).collect::<Vec<_>>();
    assert_eq!(seconds(&stage.pass(1_200)), [600, 600, 1_200, 1_200]);
    let mut stage =
        stage.say(1_300, &alarm(2, AlarmChange::Raised)).say(1_301, &alarm(2, AlarmChange::Raised));
    let orders = stage.pass(1_800);
    assert_eq!(seconds(&orders), [1_330, 1_800, 1_800], "`when` begins once");
    assert!(matches!(orders[0].1, Order::Send(Message::Fault { order: FaultOrder::Repair, .. })));
}

#[test]
fn a_step_that_never_begins_makes_a_run_inconclusive() {
    let body = "[[timeline]]\nwhen = \"alarm.raised\"\nrepair = { lamp = \"l-0002\" }\n[[expect]]\nname = \"e\"\nnever = \"dead_letter\"\n";
    let mut stage = Stage::new(body);
    stage.pass(3_600);
    assert_eq!(stage.play.conclude().standing(), Standing::Inconclusive);
    let mut stage = Stage::new(body).say(5, &alarm(1, AlarmChange::Raised));
    stage.pass(3_600);
    assert_eq!(stage.play.conclude().standing(), Standing::Passed);
}

#[test]
fn every_kind_of_message_has_its_name_and_only_its_fields() {
    let samples = [
        (gives(1, 5), "lamp.state"),
        (command(1, "a"), "lamp.command"),
        (ack(1, "a"), "lamp.ack"),
        (broken(1), "lamp.fault"),
        (alarm(1, AlarmChange::Raised), "alarm.raised"),
        (alarm(1, AlarmChange::Cleared), "alarm.cleared"),
    ];
    for (message, name) in samples {
        Stage::expecting(&format!("count = \"{name} where lamp == l-0001\"\nexactly = 1"))
            .say(5, &message)
            .ends(Standing::Passed);
    }
}
