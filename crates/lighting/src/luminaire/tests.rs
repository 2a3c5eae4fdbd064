use std::mem::size_of;

use proptest::prelude::*;
use types::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};

use super::*;
use crate::{
    DimCommand, Fault, FirmwareAction, FirmwareImage, FirmwareOrder, FirmwareVersion, LightState, Nights,
    Programme, ProgrammeStep, Stamp, StepTime, SunDay,
};

/// A luminaire with a driver that calls it exactly in time: 80.5 W, 0.5 W in standby, a fade of 2 s, a report every
/// 15 min, sunrise at 06:00, sunset at 18:00.
struct Bench {
    luminaire: Luminaire,
    now: Timestamp,
    out: Vec<Output>,
}

fn bench() -> Bench {
    let (now, config) = (local(0, 12, 0), config(2_000));
    Bench { luminaire: Luminaire::new(config, now), now, out: vec![] }
}

fn config(fade_ms: u32) -> LuminaireConfig {
    let dimming = DimmingConfig { control: Control::Analogue, ..DimmingConfig::default() };
    config_with(fade_ms, Physics { dimming, ..Physics::default() })
}

fn config_with(fade_ms: u32, physics: Physics) -> LuminaireConfig {
    let sun = SunDay { sunrise_ms: 6 * HOUR_MS as u32, sunset_ms: 18 * HOUR_MS as u32 };
    let model = LuminaireModelConfig {
        rated_mw: 80_500,
        standby_mw: 500,
        fade_ms,
        report_period_ms: 15 * MINUTE_MS as u32,
        physics,
    };
    LuminaireConfig {
        model: Arc::new(LuminaireModel::new(model).unwrap()),
        astro: Arc::new(AstroTable::new(0, vec![sun]).unwrap()),
        astro_shift_ms: 0,
        report_offset_ms: 7_000,
        feeder_drop_mv: 8_000,
        burning_h: 0,
    }
}

fn local(day: i64, hour: i64, minute: i64) -> Timestamp {
    Timestamp::from_local(day, hour * HOUR_MS + minute * MINUTE_MS)
}

fn percent(percent: u8) -> DimLevel {
    DimLevel::from_percent(percent).unwrap()
}

fn command(id: &str, level: Option<u8>, until: Option<Timestamp>) -> Input {
    Input::Command(DimCommand { id: id.parse().unwrap(), level: level.map(percent), until })
}

/// Full light from sunset, 30 % from midnight, off at sunrise; 80 % while someone is near.
fn programme(version: u32) -> Programme {
    let step = |at, level| ProgrammeStep { at, level: percent(level) };
    Programme {
        version,
        steps: vec![
            step(StepTime::Sunset(0), 100),
            step(StepTime::Clock(0), 30),
            step(StepTime::Sunrise(0), 0),
        ]
        .into(),
        presence_level: Some(percent(80)),
        nights: Nights::default(),
    }
}

impl Bench {
    /// Everything told until `then`, in short.
    fn run_until(&mut self, then: Timestamp) -> Vec<String> {
        while let Some(at) = self.luminaire.next_timeout().filter(|&at| at <= then) {
            self.luminaire.handle_timeout(at, &mut self.out);
        }
        // One call too many is harmless, and brings the meter up to date.
        self.luminaire.handle_timeout(then, &mut self.out);
        self.now = then;
        self.told()
    }

    fn handle(&mut self, input: Input) -> Vec<String> {
        self.luminaire.handle(self.now, input, &mut self.out);
        self.told()
    }

    fn told(&mut self) -> Vec<String> {
        self.out.drain(..).map(in_short).collect()
    }
}

fn in_short(output: Output) -> String {
    match output {
        Output::State(Report { body: LightState { target, in_effect, actual, mode }, .. }) => {
            format!("{mode:?} {} {} {}", target.percent(), in_effect.percent(), actual.percent())
        }
        Output::Telemetry(Report { body, .. }) => format!("{} mW", body.power_mw),
        Output::Ack(Report { body, .. }) => format!("{} {:?}", body.command, body.result),
        Output::Firmware(Report { body, stamp }) => {
            let first = if stamp.seq == 1 { ", first" } else { "" };
            format!("{} {:?} in epoch {}{first}", body.version, body.phase, stamp.epoch)
        }
        Output::Online(online) => format!("online {online}"),
    }
}

fn install(id: &str) -> Input {
    let image = FirmwareImage { version: FirmwareVersion(1, 1, 0), bytes: 120_000, goes_dark: true };
    Input::Firmware(FirmwareOrder { id: id.parse().unwrap(), action: FirmwareAction::Install(image) })
}

#[test]
fn a_command_while_firmware_is_installed_is_refused() {
    let mut bench = bench();
    bench.handle(install("fw"));
    bench.run_until(bench.now.plus_millis(66 * SECOND_MS));
    assert_eq!(bench.handle(command("a", Some(40), None))[0], "a Failed");
    bench.run_until(bench.now.plus_millis(MINUTE_MS));
    assert_eq!(bench.handle(command("b", Some(40), None))[0], "b Done");
}

#[test]
fn an_update_starts_the_controller_again_and_keeps_counters_and_override() {
    let mut bench = bench();
    bench.handle(command("a", Some(40), None));
    bench.run_until(bench.now.plus_millis(HOUR_MS));
    let before = bench.luminaire.telemetry(bench.now);
    assert_eq!(bench.handle(install("fw")), ["1.0.0 Downloading in epoch 1"]);
    let told = bench.run_until(bench.now.plus_millis(2 * MINUTE_MS));
    let of_firmware: Vec<_> = told.iter().filter(|told| told.contains("epoch")).collect();
    assert_eq!(
        of_firmware,
        [
            "1.0.0 Verifying in epoch 1",
            "1.0.0 Installing in epoch 1",
            "1.0.0 Rebooting in epoch 1",
            "1.1.0 Idle in epoch 2, first",
        ]
    );
    assert!(told.contains(&"Override 40 40 40".to_owned()), "{told:?}");
    let after = bench.luminaire.telemetry(bench.now);
    assert!(after.energy_mwh > before.energy_mwh && after.burning_s > before.burning_s);
    // 55 of 120 s in the dark, and without power.
    assert_eq!(after.burning_s - before.burning_s, 65);
    assert_eq!(after.switch_count, before.switch_count);
}

#[test]
fn an_expired_command_is_refused_and_changes_nothing() {
    let mut bench = bench();
    let until = Some(bench.now);
    assert_eq!(bench.handle(command("a", Some(40), until)), ["a Expired", "Default 0 0 0"]);
    assert_eq!(bench.run_until(local(0, 12, 1)), ["500 mW"], "only the regular report");
}

#[test]
fn a_command_delivered_twice_is_acknowledged_twice_and_obeyed_once() {
    let mut bench = bench();
    let until = Some(local(0, 12, 10));
    assert_eq!(bench.handle(command("a", Some(40), until)), ["a Done", "Override 40 0 0"]);
    assert_eq!(bench.run_until(local(0, 12, 1)), ["Override 40 40 40", "34900 mW", "34900 mW"]);
    assert_eq!(bench.handle(command("b", None, None)), ["b Done", "Default 0 40 40"]);
    assert_eq!(bench.run_until(local(0, 12, 2)), ["Default 0 0 0", "500 mW"]);
    assert_eq!(bench.handle(command("a", Some(40), until)), ["a Done", "Default 0 0 0"]);
    // Also when its time is over by now: it was obeyed once.
    bench.run_until(local(0, 12, 11));
    assert_eq!(bench.handle(command("a", Some(40), until)), ["a Done", "Default 0 0 0"]);
}

#[test]
fn a_programme_with_a_lower_version_is_ignored() {
    let mut bench = bench();
    bench.run_until(local(0, 20, 0));
    assert_eq!(bench.handle(Input::Programme(programme(2))), ["Programme 100 0 0"]);
    let dark = Programme { version: 1, ..Programme::default() };
    assert_eq!(bench.handle(Input::Programme(dark)), [""; 0]);
    let dark = Programme { version: 2, ..Programme::default() };
    assert_eq!(bench.handle(Input::Programme(dark)), ["Programme 0 0 0", "500 mW"]);
}

#[test]
fn presence_by_day_or_below_the_programme_does_nothing() {
    let mut bench = bench();
    let near = Input::Presence { hold_ms: MINUTE_MS };
    bench.handle(Input::Programme(programme(1)));
    assert_eq!(bench.handle(near.clone()), [""; 0]);
    bench.run_until(local(0, 23, 0));
    assert_eq!(bench.handle(near), [""; 0]);
}

#[test]
fn presence_that_nothing_heeds_counts_when_something_does_unless_it_has_passed() {
    let mut bench = bench();
    bench.handle(Input::Programme(programme(1)));
    bench.run_until(local(0, 23, 0));
    bench.handle(command("a", Some(10), Some(local(1, 1, 0))));
    bench.run_until(local(1, 0, 59));
    assert_eq!(bench.handle(Input::Presence { hold_ms: 2 * MINUTE_MS }), [""; 0]);
    assert_eq!(bench.run_until(local(1, 1, 0))[0], "Sensor 80 10 10");
    assert_eq!(bench.run_until(local(1, 1, 1)).last().unwrap(), "Programme 30 80 80");
    bench.handle(command("b", Some(10), Some(local(1, 1, 9))));
    bench.handle(Input::Presence { hold_ms: MINUTE_MS });
    assert_eq!(bench.run_until(local(1, 1, 9)).last().unwrap(), "Programme 30 10 10");
}

#[test]
fn presence_that_ended_before_it_came_does_nothing() {
    let mut bench = bench();
    bench.handle(Input::Programme(programme(1)));
    bench.run_until(local(1, 1, 1));
    for hold_ms in [0, -1, i64::MIN] {
        assert_eq!(bench.handle(Input::Presence { hold_ms }), [""; 0]);
        assert!(bench.luminaire.next_timeout() > Some(bench.now), "{hold_ms}");
    }
}

#[test]
fn presence_raises_the_level_until_the_last_hold_ends() {
    let mut bench = bench();
    bench.handle(Input::Programme(programme(1)));
    bench.run_until(local(1, 1, 1));
    assert_eq!(bench.handle(Input::Presence { hold_ms: 60_000 }), ["Sensor 80 30 30"]);
    assert_eq!(bench.run_until(bench.now.plus_millis(30_000)), ["Sensor 80 80 80", "65300 mW"]);
    bench.handle(Input::Presence { hold_ms: 60_000 });
    bench.handle(Input::Presence { hold_ms: 10_000 });
    assert_eq!(bench.run_until(bench.now.plus_millis(59_999)), [""; 0]);
    assert_eq!(bench.run_until(bench.now.plus_millis(1)), ["Programme 30 80 80"]);
}

#[test]
fn an_override_stands_above_presence_and_programme_until_it_ends_by_itself() {
    let mut bench = bench();
    bench.handle(Input::Programme(programme(1)));
    bench.run_until(local(1, 1, 1));
    let until = Some(local(1, 1, 5));
    assert_eq!(bench.handle(command("a", Some(10), until)), ["a Done", "Override 10 30 30"]);
    assert_eq!(bench.handle(Input::Presence { hold_ms: HOUR_MS }), [""; 0]);
    assert_eq!(bench.run_until(local(1, 1, 4)), ["Override 10 10 10", "12100 mW"]);
    assert_eq!(bench.run_until(local(1, 1, 5)), ["Sensor 80 10 10"]);
}

#[test]
fn the_night_follows_the_programme_with_the_shift_of_the_luminaire() {
    let (now, mut out) = (local(0, 12, 0), vec![]);
    let mut luminaire = Luminaire::new(LuminaireConfig { astro_shift_ms: 90_000, ..config(2_000) }, now);
    luminaire.handle(now, Input::Programme(programme(1)), &mut out);
    while let Some(at) = luminaire.next_timeout().filter(|&at| at <= local(1, 12, 0)) {
        luminaire.handle_timeout(at, &mut out);
    }
    let states: Vec<_> = out
        .into_iter()
        .filter_map(|output| match output {
            Output::State(report) => {
                Some((report.stamp.ts.millis_since(local(0, 0, 0)) / SECOND_MS, report.body))
            }
            _ => None,
        })
        .map(|(second, body)| (second, body.target.percent(), body.actual.percent()))
        .collect();
    let (dusk, midnight, dawn) = (18 * 3_600 + 90, 24 * 3_600, 30 * 3_600 + 90);
    let expected = [
        (12 * 3_600, 0, 0),
        (dusk, 100, 0),
        (dusk + 2, 100, 100),
        (midnight, 30, 100),
        (midnight + 1, 30, 30),
        (dawn, 0, 30),
        (dawn, 0, 0),
    ];
    assert_eq!(states, expected);
}

#[test]
fn an_open_lamp_by_day_shows_nothing_until_it_is_driven() {
    let mut bench = bench();
    bench.handle(Input::Programme(programme(1)));
    assert_eq!(bench.handle(Input::Fault(Fault::LampOpen)), [""; 0]);
    let by_day = bench.run_until(local(0, 17, 59));
    assert!(by_day.iter().all(|told| told == "500 mW"), "{by_day:?}");
    bench.run_until(local(0, 18, 0));
    let at_dusk = bench.run_until(local(0, 18, 0).plus_millis(2_000));
    assert_eq!(at_dusk, ["Programme 100 100 0", "500 mW"]);
}

#[test]
fn an_open_lamp_that_is_driven_is_told_at_once_and_every_minute_until_it_is_repaired() {
    let mut bench = bench();
    bench.handle(command("a", Some(100), None));
    bench.run_until(local(0, 12, 1));
    assert_eq!(bench.handle(Input::Fault(Fault::LampOpen)), ["Override 100 100 0", "500 mW"]);
    assert_eq!(bench.handle(Input::Fault(Fault::LampOpen)), [""; 0]);
    assert_eq!(bench.run_until(local(0, 12, 4)), ["500 mW"; 3]);
    let (energy, burning) = bench.luminaire.meter.exact(&bench.luminaire.model);
    assert_eq!(bench.handle(Input::Repair), ["Override 100 100 100", "80500 mW"]);
    assert_eq!(bench.run_until(local(0, 12, 15)), [""; 0]);
    let (energy_then, burning_then) = bench.luminaire.meter.exact(&bench.luminaire.model);
    assert_eq!(burning, 60_000);
    assert_eq!(burning_then - burning, 11 * 60_000);
    let parts = 2 * u128::from(bench.luminaire.model.parts_per_mw());
    assert_eq!(energy_then - energy, 80_500 * 11 * 60_000 * parts);
}

#[test]
fn a_fade_turned_back_reaches_the_new_level_at_the_same_speed() {
    let mut bench = bench();
    bench.handle(command("a", Some(100), None));
    bench.run_until(bench.now.plus_millis(1_000));
    assert_eq!(bench.handle(command("b", Some(25), None)), ["b Done", "Override 25 50 50"]);
    assert_eq!(bench.run_until(bench.now.plus_millis(499)), [""; 0]);
    assert_eq!(bench.run_until(bench.now.plus_millis(1)), ["Override 25 25 25", "23500 mW"]);
}

#[test]
fn without_a_fade_the_level_is_there_at_once() {
    let (now, mut out) = (local(0, 12, 0), vec![]);
    let mut luminaire = Luminaire::new(config(0), now);
    luminaire.handle(now, command("a", Some(40), None), &mut out);
    let told: Vec<_> = out.drain(..).map(in_short).collect();
    assert_eq!(told, ["a Done", "Override 40 40 40", "34900 mW"]);
}

#[test]
fn a_reconnected_luminaire_tells_everything_and_its_messages_are_numbered() {
    let mut bench = bench();
    bench.luminaire = Luminaire::new(config(2_000), bench.now).with_epoch(3);
    bench.luminaire.handle(bench.now, Input::Connected, &mut bench.out);
    bench.luminaire.handle(bench.now, command("a", None, None), &mut bench.out);
    let stamps: Vec<_> = (bench.out.iter())
        .filter_map(|output| match output {
            Output::State(report) => Some(report.stamp),
            Output::Telemetry(report) => Some(report.stamp),
            Output::Ack(report) => Some(report.stamp),
            Output::Firmware(report) => Some(report.stamp),
            Output::Online(_) => None,
        })
        .collect();
    assert_eq!(stamps, [1, 2, 3, 4].map(|seq| Stamp { epoch: 3, seq, ts: bench.now }));
}

#[test]
fn a_late_call_tells_how_things_stand_once() {
    let mut bench = bench();
    bench.handle(Input::Programme(programme(1)));
    bench.luminaire.handle_timeout(local(3, 1, 0), &mut bench.out);
    assert_eq!(bench.told(), ["Programme 30 30 30", "27300 mW"]);
    assert!(bench.luminaire.next_timeout() > Some(local(3, 1, 0)));
}

#[test]
fn a_luminaire_on_a_dead_feeder_hears_nothing_says_nothing_and_draws_nothing() {
    let mut bench = bench();
    bench.handle(Input::Programme(programme(1)));
    bench.run_until(local(0, 20, 0));
    assert_eq!(bench.luminaire.draw(bench.now).power_mw, 80_500);
    assert_eq!(bench.handle(Input::Supply(false)).len(), 3, "its last words, and that it is gone");
    let before = bench.luminaire.draw(bench.now);
    assert_eq!(bench.handle(command("x", Some(10), None)), [""; 0]);
    assert_eq!(bench.handle(Input::Supply(false)), [""; 0], "it is dead already");
    assert_eq!(bench.run_until(local(0, 23, 0)), [""; 0]);
    assert_eq!(bench.luminaire.draw(bench.now), crate::Draw { power_mw: 0, apparent_mva: 0, ..before });
    assert_eq!(bench.handle(Input::Supply(true)), [""; 0], "its controller starts");
    let back = bench.run_until(local(0, 23, 1));
    assert_eq!(back[0], "online true", "{back:?}");
    assert_eq!(bench.handle(Input::Supply(true)), [""; 0], "it is live already");
}

#[test]
fn a_live_feeder_gives_nothing_to_a_luminaire_whose_own_supply_is_lost() {
    let mut bench = bench();
    bench.handle(Input::Fault(Fault::SupplyLoss));
    bench.handle(Input::Supply(false));
    assert_eq!(bench.handle(Input::Supply(true)), [""; 0]);
    assert_eq!(bench.run_until(local(1, 12, 0)), [""; 0]);
    bench.handle(Input::Repair);
    bench.run_until(local(1, 12, 1));
    assert!(bench.luminaire.is_running());
}

#[test]
fn a_luminaire_that_loses_its_feeder_is_as_broken_as_before_when_it_is_back() {
    let mut bench = bench();
    bench.handle(Input::Programme(programme(1)));
    bench.run_until(local(0, 20, 0));
    bench.handle(Input::Fault(Fault::LampOpen));
    bench.handle(Input::Supply(false));
    bench.handle(Input::Supply(true));
    bench.run_until(local(0, 20, 1));
    assert_eq!(bench.luminaire.draw(bench.now).power_mw, 500);
}

#[test]
fn a_controller_gone_mad_tells_its_readings_two_hundred_times_a_second_until_it_is_repaired() {
    let mut bench = bench();
    bench.handle(Input::Fault(Fault::Flooding(200)));
    let then = bench.now.plus_millis(10 * SECOND_MS);
    assert_eq!(bench.run_until(then).len(), 2_000);
    bench.handle(Input::Repair);
    assert!(bench.run_until(then.plus_millis(MINUTE_MS)).len() <= 1);
}

#[test]
fn a_luminaire_is_small() {
    let (own, steps) = (size_of::<Luminaire>(), 6 * size_of::<ProgrammeStep>());
    assert!(own + steps <= 300, "{own} B and {steps} B for the steps of its programme");
}

fn inputs() -> impl Strategy<Value = Input> {
    let level = prop::option::of(0u8..=100);
    prop_oneof![
        (0u32..6, level, prop::option::of(0..3 * DAY_MS)).prop_map(|(id, level, until)| {
            command(&format!("c{id}"), level, until.map(|until| local(0, 12, 0).plus_millis(until)))
        }),
        (0..4 * HOUR_MS).prop_map(|hold_ms| Input::Presence { hold_ms }),
        prop::sample::select(&Fault::ALL[..]).prop_map(|fault| match fault {
            // Days of a flood take a test for ever.
            Fault::Flooding(_) => Input::Fault(Fault::LampOpen),
            other => Input::Fault(other),
        }),
        (1u16..500).prop_map(|percent| Input::Fault(Fault::Overheating(percent))),
        Just(Input::Repair),
        Just(Input::Clean),
        (1u32..4).prop_map(|version| Input::Programme(programme(version))),
        Just(Input::Connected),
    ]
}

proptest! {
    #[test]
    fn the_meter_and_the_light_do_not_depend_on_when_it_is_called(
        fade_ms in (0u32..6_000).prop_map(|hundreds| hundreds * 100),
        mut script in prop::collection::vec((0..3 * DAY_MS, inputs()), 0..12),
        extra_calls in prop::collection::vec(0..3 * DAY_MS, 0..12),
    ) {
        let (start, mut out) = (local(0, 12, 0), vec![]);
        let mut in_time = Luminaire::new(config(fade_ms), start);
        let mut late = Luminaire::new(config(fade_ms), start);
        script.sort_by_key(|&(at, _)| at);
        let calls = script.into_iter().map(|(at, input)| (at, Some(input)));
        let mut calls: Vec<_> = calls.chain(extra_calls.into_iter().map(|at| (at, None))).collect();
        calls.sort_by_key(|&(at, _)| at);

        let mut before = late.meter.exact(&late.model);
        for (at, input) in calls {
            let now = start.plus_millis(at);
            while let Some(at) = in_time.next_timeout().filter(|&at| at <= now) {
                in_time.handle_timeout(at, &mut out);
            }
            match input {
                Some(input) => {
                    in_time.handle(now, input.clone(), &mut out);
                    late.handle(now, input, &mut out);
                    // It may have found that there was nothing to do.
                    late.handle_timeout(now, &mut out);
                }
                None => late.handle_timeout(now, &mut out),
            }
            in_time.handle_timeout(now, &mut out);
            prop_assert!(before <= late.meter.exact(&late.model), "went down");
            before = late.meter.exact(&late.model);
            prop_assert_eq!(before, in_time.meter.exact(&in_time.model));
            prop_assert_eq!(late.state(now), in_time.state(now));
            prop_assert_eq!(late.switch_count, in_time.switch_count);
            prop_assert!(late.next_timeout() > Some(now), "it waits for what is past");
        }
    }
}

fn telemetry(outputs: &[Output]) -> crate::Telemetry {
    let told = outputs.iter().rev().find_map(|output| match output {
        Output::Telemetry(report) => Some(report.body),
        _ => None,
    });
    told.expect("readings were told")
}

/// What it tells when it is asked at `then`.
fn read(luminaire: &mut Luminaire, then: Timestamp) -> crate::Telemetry {
    let mut out = vec![];
    luminaire.handle_timeout(then, &mut out);
    luminaire.handle(then, Input::Connected, &mut out);
    telemetry(&out)
}

#[test]
fn what_lost_its_supply_starts_again_from_dark_with_its_counters_and_its_override() {
    let mut bench = bench();
    bench.handle(command("a", Some(60), None));
    bench.run_until(local(0, 13, 0));
    let before = read(&mut bench.luminaire, bench.now);
    assert_eq!(bench.handle(Input::Fault(Fault::SupplyLoss)), ["Override 60 60 0", "0 mW", "online false"]);
    bench.run_until(local(0, 14, 0));
    assert_eq!(bench.handle(Input::Repair), [""; 0], "it has to start first");
    // 2 s to start, and 7 s of its own.
    let back = bench.run_until(bench.now.plus_millis(9_000));
    assert_eq!(back, ["online true", "Override 60 60 60", "50100 mW"]);
    let after = read(&mut bench.luminaire, bench.now);
    assert_eq!(after.burning_s, before.burning_s + 9);
    assert_eq!(after.switch_count, before.switch_count + 1);
    assert!(after.energy_mwh > before.energy_mwh);
    assert_eq!(bench.luminaire.epoch, 2);
}

#[test]
fn too_little_voltage_is_told_every_ten_seconds_and_much_too_little_stops_it() {
    let mut bench = bench();
    bench.handle(command("a", Some(100), None));
    bench.run_until(local(0, 13, 0));
    assert_eq!(bench.handle(Input::Fault(Fault::Brownout(197))).len(), 2);
    assert_eq!(bench.run_until(bench.now.plus_millis(30_000)).len(), 3);
    // The feeder takes 8 V: it reads 189 V, and draws more current for the same power.
    let readings = read(&mut bench.luminaire, bench.now);
    assert_eq!((readings.voltage_mv, readings.power_mw, readings.current_ma), (189_000, 80_500, 439));
    assert_eq!(bench.handle(Input::Fault(Fault::Brownout(195))).last().unwrap(), "online false");
}

#[test]
fn a_hot_driver_gives_less_light_then_none_and_comes_back() {
    let mut bench = bench();
    bench.handle(command("a", Some(100), None));
    bench.run_until(local(0, 13, 0));
    bench.handle(Input::Fault(Fault::Overheating(500)));
    let told = bench.run_until(local(0, 15, 0));
    assert!(told.iter().any(|told| told == "Override 100 75 75"), "{told:?}");
    assert!(told.iter().any(|told| told == "Override 100 0 0"), "{told:?}");
    bench.handle(Input::Repair);
    bench.run_until(local(0, 20, 0));
    let gear = read(&mut bench.luminaire, bench.now).gear.unwrap();
    assert!(gear.limit == DimLevel::FULL && gear.shutdown_count >= 1 && gear.derating_count >= 1, "{gear:?}");
}

#[test]
fn constant_light_output_takes_less_power_when_new_for_the_flux_of_later() {
    let photometry = PhotometryConfig { constant_percent: 80, dirt_pm_per_year: 0, ..Default::default() };
    let at_age = |burning_h| {
        let config = config_with(2_000, Physics { photometry, ..Physics::default() });
        let mut luminaire = Luminaire::new(LuminaireConfig { burning_h, ..config }, local(0, 12, 0));
        luminaire.handle(local(0, 12, 0), command("a", Some(100), None), &mut vec![]);
        read(&mut luminaire, local(0, 12, 1))
    };
    let (new, old) = (at_age(0), at_age(100_000));
    assert_eq!((new.power_mw, old.power_mw), (65_300, 80_500));
    assert!(new.flux_lm.abs_diff(old.flux_lm) < 5, "{} {}", new.flux_lm, old.flux_lm);
}

#[test]
fn cleaning_gives_back_what_dirt_took() {
    let mut bench = bench();
    bench.handle(command("a", Some(100), None));
    let later = local(365, 12, 0);
    let dirty = read(&mut bench.luminaire, later).flux_lm;
    bench.luminaire.handle(later, Input::Clean, &mut bench.out);
    let clean = read(&mut bench.luminaire, later).flux_lm;
    assert!((0.965..0.975).contains(&(f64::from(dirty) / f64::from(clean))), "{dirty} {clean}");
}
