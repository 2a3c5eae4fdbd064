use lighting::{AstroTable, FirmwareAction, FirmwareOrder, Programme, ProgrammeStep, StepTime, SunDay};
use types::HOUR_MS;

use super::*;
use crate::dialect::streetlights::{decode_action, measured_topic};
use crate::dialect::{Device, DeviceSecret};

/// What the wall's clock shows at first; the city's shows noon of its first day, and runs as fast.
const T0: Timestamp = Timestamp::from_millis(1_744_592_400_000);

struct Bench {
    bridge: StreetlightsBridge,
    now: Timestamp,
}

impl Bench {
    fn new() -> Self {
        let sun = SunDay { sunrise_ms: 6 * HOUR_MS as u32, sunset_ms: 18 * HOUR_MS as u32 };
        let site = Site {
            district: "kuiwen".parse().unwrap(),
            rated_mw: 100_500,
            standby_mw: 500,
            astro_shift_ms: 0,
        };
        let sites = Sites {
            astro: AstroTable::new(0, vec![sun]).unwrap().into(),
            by_luminaire: [(LuminaireId(1), site)].into(),
        };
        let device = Device {
            dialect: Dialect::Streetlights,
            id: "s1".to_owned(),
            secret: DeviceSecret("abcdefgh".to_owned()),
            lamp: Some(LuminaireId(1)),
            children: Vec::new(),
            lumens: Some(10_000),
        };
        let bridge = StreetlightsBridge::new(&Register::new(vec![device]).unwrap(), sites, 1);
        let mut bench = Self { bridge, now: T0 };
        let city = Timestamp::from_local(0, 12 * HOUR_MS);
        let clock = ClockState::running(city, T0, 1);
        assert_eq!(bench.bus(Message::Clock(clock)), ["online false"], "who never came");
        let step = |at, percent| ProgrammeStep { at, level: DimLevel::from_percent(percent).unwrap() };
        let steps = vec![step(StepTime::Sunset(0), 80), step(StepTime::Sunrise(0), 0)];
        let programme = Programme {
            version: 1,
            steps: steps.into(),
            presence_level: None,
            nights: lighting::Nights::default(),
        };
        assert_eq!(bench.light(Light::Programme(programme)), [""; 0]);
        bench
    }

    fn bus(&mut self, message: Message) -> Vec<String> {
        let mut out = Vec::new();
        self.bridge.on_bus(self.now, message, &mut out);
        out.into_iter().map(in_short).collect()
    }

    fn light(&mut self, body: Light) -> Vec<String> {
        let district = "kuiwen".parse().unwrap();
        self.bus(Message::Light { district, luminaire: LuminaireId(1), body })
    }

    fn measures(&mut self, lumens: u64) -> Vec<String> {
        let (mut out, payload) = (Vec::new(), format!(r#"{{"lumens":{lumens}}}"#));
        self.bridge.on_foreign(self.now, &measured_topic("s1"), payload.as_bytes(), false, &mut out).unwrap();
        out.into_iter().map(in_short).collect()
    }

    fn passes(&mut self, ms: i64) -> Vec<String> {
        let (end, mut out) = (self.now.plus_millis(ms), Vec::new());
        while let Some(due) = self.bridge.next_timeout().filter(|&due| due <= end) {
            self.bridge.handle_timeout(due, &mut out);
        }
        self.now = end;
        out.into_iter().map(in_short).collect()
    }
}

fn in_short(said: Said) -> String {
    match said {
        Said::Bus(Message::Light { body, .. }) => match body {
            Light::Online(online) => format!("online {online}"),
            Light::State(report) => {
                let LightState { target, actual, mode, .. } = report.body;
                format!("{target} {actual} {mode:?}")
            }
            Light::Telemetry(report) => format!("{} mW at {}", report.body.power_mw, report.body.in_effect),
            Light::Ack(report) => format!("{} {:?}", report.body.command, report.body.result),
            Light::Firmware(report) => format!("{} {:?}", report.body.order, report.body.result),
            other => panic!("{other:?}"),
        },
        Said::Frame(frame) => format!("{:?}", decode_action(&frame.topic, &frame.payload).unwrap().1),
        Said::Refused { reason, .. } => format!("refused: {reason}"),
        Said::Note(note) => note,
        Said::Bus(other) => panic!("{other:?}"),
    }
}

fn dim(id: &str, percent: u8) -> Light {
    let level = DimLevel::from_percent(percent).ok();
    Light::Command(DimCommand { id: id.parse().unwrap(), level, until: None })
}

#[test]
fn a_lamp_that_is_not_there_is_told_nothing() {
    let mut bench = Bench::new();
    assert_eq!(bench.light(dim("c1", 40)), ["l-0001: command c1 while it is not there, not sent"]);
    let mut out = Vec::new();
    let foreign = bench.bridge.on_foreign(T0, &measured_topic("s2"), br#"{"lumens":1}"#, false, &mut out);
    assert_eq!(foreign, Ok(()));
    assert_eq!(
        out.into_iter().map(in_short).collect::<Vec<_>>(),
        ["refused: no such device in the register"]
    );
}

#[test]
fn new_firmware_is_refused() {
    let order = FirmwareOrder { id: "f1".parse().unwrap(), action: FirmwareAction::RollBack };
    assert_eq!(Bench::new().light(Light::FirmwareOrder(order)), ["f1 Some(Unsupported)"]);
}

#[test]
fn a_lamp_is_there_with_its_first_measurement_and_gone_after_ten_minutes_of_silence() {
    let mut bench = Bench::new();
    assert_eq!(bench.measures(0), ["online true", "Off", "0 % 0 % Programme", "500 mW at 0 %"]);
    assert_eq!(bench.passes(SILENCE_MAX_MS - 1), [""; 0]);
    assert_eq!(bench.passes(1), ["online false"]);
    assert_eq!(bench.measures(0)[0], "online true");
}

#[test]
fn the_programme_is_kept_for_it_and_a_lamp_that_stays_dark_draws_standby() {
    let mut bench = Bench::new();
    bench.measures(0);
    for _ in 0..71 {
        bench.passes(5 * 60_000);
        assert_eq!(bench.measures(0), ["500 mW at 0 %"]);
    }
    assert_eq!(bench.passes(5 * 60_000), ["Dim(DimLevel(80))", "80 % 0 % Programme"], "sunset");
    assert_eq!(bench.measures(0), ["500 mW at 80 %"], "told to be lit, and dark");
    assert_eq!(bench.measures(8_000), ["80 % 80 % Programme", "81500 mW at 80 %"]);
}

#[test]
fn a_command_is_sent_once_and_acknowledged_each_time() {
    let mut bench = Bench::new();
    bench.measures(0);
    assert_eq!(bench.light(dim("c1", 40)), ["Dim(DimLevel(40))", "c1 Done", "40 % 0 % Override"]);
    assert_eq!(bench.light(dim("c1", 40)), ["c1 Done", "40 % 0 % Override"]);
    assert_eq!(bench.light(dim("c2", 100))[0], "On");
}
