use types::HOUR_MS;

use super::*;
use crate::SunDay;

/// A cabinet, and the time: hours after local midnight of a day whose sun rises at six and sets at eighteen o'clock.
struct Bench {
    cabinet: Cabinet,
    now: Timestamp,
}

fn at(hours: f64) -> Timestamp {
    Timestamp::from_local(100, (hours * HOUR_MS as f64) as i64)
}

fn bench(style: FeederStyle, hours: f64) -> Bench {
    let sun = SunDay { sunrise_ms: 6 * HOUR_MS as u32, sunset_ms: 18 * HOUR_MS as u32 };
    let config = CabinetConfig {
        style,
        astro: Arc::new(AstroTable::new(0, vec![sun]).unwrap()),
        astro_shift_ms: 0,
        report_period_ms: HOUR_MS as u32,
        report_offset_ms: 0,
    };
    Bench { cabinet: Cabinet::new(config, at(hours)), now: at(hours) }
}

fn circuit(number: u8) -> Circuit {
    Circuit::from_number(number).unwrap()
}

impl Bench {
    fn handle(&mut self, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        self.cabinet.handle(self.now, input, &mut out);
        out
    }

    fn event(&mut self, event: CabinetEvent) -> String {
        in_short(&self.handle(Input::Event(event)))
    }

    fn command(&mut self, id: &str, number: u8, control: Control, until: Option<Timestamp>) -> Vec<Output> {
        let id = id.parse().unwrap();
        self.handle(Input::Command(SwitchCommand { id, circuit: circuit(number), control, until }))
    }

    /// Lets time pass; what is told on the way.
    fn until(&mut self, hours: f64) -> String {
        let mut out = Vec::new();
        while self.cabinet.next_timeout().unwrap() <= at(hours) {
            self.now = self.cabinet.next_timeout().unwrap();
            self.cabinet.handle_timeout(self.now, &mut out);
        }
        self.now = at(hours);
        in_short(&out)
    }
}

/// Which legs went on (`+`) or off (`-`), and how often state was told.
fn in_short(out: &[Output]) -> String {
    let supply = out.iter().filter_map(|output| match output {
        Output::Supply { leg, live } => {
            Some(format!("{}{}{}", if *live { '+' } else { '-' }, leg.circuit, leg.phase))
        }
        _ => None,
    });
    let supply = supply.collect::<Vec<_>>().join(" ");
    let told = out.iter().filter(|output| matches!(output, Output::State(_))).count();
    format!("{supply} told {told}")
}

fn acks(out: &[Output]) -> Vec<AckResult> {
    let ack =
        |output: &Output| if let Output::Ack(report) = output { Some(report.body.result) } else { None };
    out.iter().filter_map(ack).collect()
}

#[test]
fn an_expired_command_is_refused_and_changes_nothing() {
    let mut bench = bench(FeederStyle::AlwaysLive, 12.0);
    let out = bench.command("x", 1, Control::Off, Some(at(12.0)));
    assert_eq!((acks(&out), in_short(&out)), (vec![AckResult::Expired], " told 0".to_owned()));
}

#[test]
fn a_command_that_comes_twice_is_obeyed_once_and_acknowledged_twice() {
    let mut bench = bench(FeederStyle::AlwaysLive, 12.0);
    bench.command("x", 1, Control::Off, None);
    bench.command("y", 1, Control::Auto, None);
    let again = bench.command("x", 1, Control::Off, None);
    assert_eq!((acks(&again), in_short(&again)), (vec![AckResult::Done], " told 0".to_owned()));
}

#[test]
fn an_always_live_feeder_is_live_day_and_night() {
    let mut bench = bench(FeederStyle::AlwaysLive, 12.0);
    assert_eq!(bench.until(60.0), " told 0");
}

#[test]
fn a_switched_feeder_is_live_from_before_sunset_to_after_sunrise() {
    let mut bench = bench(FeederStyle::CabinetSwitched, 12.0);
    let (off, on) = ("-1R -1S -1T -2R -2S -2T told 1", "+1R +1S +1T +2R +2S +2T told 1");
    assert_eq!(bench.until(12.0), off);
    assert_eq!(bench.until(17.8), " told 0");
    assert_eq!(bench.until(18.0), on);
    assert_eq!(bench.until(30.1), " told 0");
    assert_eq!(bench.until(30.2), off);
    assert_eq!(bench.until(41.8), " told 0");
    assert_eq!(bench.until(41.9), on);
}

#[test]
fn a_command_holds_one_circuit_until_its_end() {
    let mut bench = bench(FeederStyle::AlwaysLive, 12.0);
    let out = bench.command("x", 2, Control::Off, Some(at(13.0)));
    assert_eq!((acks(&out), in_short(&out)), (vec![AckResult::Done], "-2R -2S -2T told 1".to_owned()));
    assert_eq!(bench.until(12.9), " told 0");
    assert_eq!(bench.until(13.0), "+2R +2S +2T told 1");
}

#[test]
fn a_breaker_takes_its_phase_alone_and_gives_it_back() {
    let mut bench = bench(FeederStyle::AlwaysLive, 12.0);
    let trip = CabinetEvent::Trip { circuit: circuit(1), phases: Phase::S.into() };
    assert_eq!(bench.event(trip), "-1S told 1");
    assert_eq!(bench.event(trip), " told 0", "it has tripped already");
    let reclose = CabinetEvent::Reclose { circuit: circuit(1), phases: Phases::ALL };
    assert_eq!(bench.event(reclose), "+1S told 1");
}

#[test]
fn a_tripped_breaker_on_a_dead_feeder_shows_when_the_feeder_should_be_live() {
    let mut bench = bench(FeederStyle::CabinetSwitched, 12.0);
    bench.until(12.0);
    assert_eq!(bench.event(CabinetEvent::Trip { circuit: circuit(1), phases: Phases::ALL }), " told 1");
    assert_eq!(bench.until(18.0), "+2R +2S +2T told 1");
}

#[test]
fn a_jammed_contactor_stays_and_follows_once_it_is_free() {
    let mut bench = bench(FeederStyle::CabinetSwitched, 20.0);
    assert_eq!(bench.until(20.0), " told 0");
    bench.event(CabinetEvent::Jam(circuit(1)));
    assert_eq!(bench.until(32.0), "-2R -2S -2T told 1");
    let state = bench.cabinet.state();
    assert!(state.circuits[0].closed && !state.circuits[0].wanted);
    assert_eq!(bench.event(CabinetEvent::Free(circuit(1))), "-1R -1S -1T told 1");
}

#[test]
fn the_meter_is_read_regularly_and_once_a_change_has_settled() {
    let mut bench = bench(FeederStyle::AlwaysLive, 12.0);
    assert_eq!(bench.cabinet.reports_at(), at(13.0));
    bench.event(CabinetEvent::OpenDoor);
    assert_eq!(bench.cabinet.reports_at(), at(12.0).plus_millis(SETTLE_MS));
    bench.until(12.5);
    assert_eq!(bench.cabinet.reports_at(), at(13.0));
}
