//! Two devices of one name.

use lighting::Luminaire;
use lighting::luminaire::{Input, Output};
use types::{Core, SECOND_MS, Timestamp};

/// A second device with the client id and the credentials of a luminaire.
///
/// A broker lets a client id have one connection, the newest. Who is thrown off comes again: so the two take it from each
/// other, in turns, and only who has it speaks and hears. What happens to the pole happens to the luminaire alone.
#[derive(Debug)]
pub(super) struct Namesake {
    core: Luminaire,
    period_ms: i64,
    /// When the other one takes the connection.
    turn_at: Timestamp,
    connected: bool,
}

impl Namesake {
    /// `core` takes the connection at once.
    pub(super) fn new(core: Luminaire, now: Timestamp) -> Self {
        Self { core, period_ms: SECOND_MS, turn_at: now, connected: false }
    }

    /// From the next turn on, who is thrown off comes again after so long \[s\].
    pub(super) fn set_period(&mut self, period_s: u16) {
        self.period_ms = i64::from(period_s) * SECOND_MS;
    }

    /// Itself, while it has the connection.
    pub(super) fn speaker(&self) -> Option<&Luminaire> {
        self.connected.then_some(&self.core)
    }

    /// What is for both goes to both, what is for one to that one.
    pub(super) fn handle(
        &mut self,
        own: &mut Luminaire,
        now: Timestamp,
        input: Input,
        out: &mut Vec<Output>,
    ) {
        match input {
            // The broker keeps it: who is not there gets it with the next connection.
            Input::Programme(_) => {
                let copy = input.clone();
                self.both(own, out, |core, out| core.handle(now, copy.clone(), out));
            }
            Input::Connected | Input::Command(_) | Input::Firmware(_) if self.connected => {
                self.core.handle(now, input, out);
            }
            _ => heard_if(!self.connected, out, |out| own.handle(now, input, out)),
        }
    }

    /// Lets both do what is due, and the other one take the connection when it is time.
    pub(super) fn handle_timeout(&mut self, own: &mut Luminaire, now: Timestamp, out: &mut Vec<Output>) {
        self.both(own, out, |core, out| core.handle_timeout(now, out));
        if self.turn_at > now {
            return;
        }
        self.turn_at = now.plus_millis(self.period_ms);
        let other = if self.connected { own } else { &mut self.core };
        if other.is_running() {
            self.connected = !self.connected;
            take_over(other, now, out);
        }
    }

    pub(super) fn next_timeout(&self) -> Timestamp {
        self.core.next_timeout().map_or(self.turn_at, |own| own.min(self.turn_at))
    }

    /// The driver keeps one clock for both.
    pub(super) fn step_clock(
        &mut self,
        own: &mut Luminaire,
        now: Timestamp,
        by_ms: i64,
        out: &mut Vec<Output>,
    ) {
        self.turn_at = self.turn_at.plus_millis(by_ms);
        self.both(own, out, |core, out| core.step_clock(now, by_ms, out));
    }

    /// Is taken away; the luminaire has its connection for itself.
    pub(super) fn leave(self, own: &mut Luminaire, now: Timestamp, out: &mut Vec<Output>) {
        if self.connected && own.is_running() {
            take_over(own, now, out);
        } else if self.connected {
            out.push(Output::Online(false));
        }
    }

    fn both(
        &mut self,
        own: &mut Luminaire,
        out: &mut Vec<Output>,
        act: impl Fn(&mut Luminaire, &mut Vec<Output>),
    ) {
        heard_if(!self.connected, out, |out| act(own, out));
        heard_if(self.connected, out, |out| act(&mut self.core, out));
    }
}

/// Drops what is said without a connection.
fn heard_if(connected: bool, out: &mut Vec<Output>, act: impl FnOnce(&mut Vec<Output>)) {
    let said = out.len();
    act(out);
    if !connected {
        out.truncate(said);
    }
}

/// The broker tells the will of who is thrown off; who comes says how it stands.
fn take_over(core: &mut Luminaire, now: Timestamp, out: &mut Vec<Output>) {
    out.extend([Output::Online(false), Output::Online(true)]);
    core.handle(now, Input::Connected, out);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lighting::luminaire::{LuminaireConfig, LuminaireModel, LuminaireModelConfig, Physics};
    use lighting::{AstroTable, SunDay};
    use types::LuminaireId;

    use super::super::LuminaireRole;
    use crate::{BusInput, FaultOrder, Light, Message};

    use super::*;

    const LAMP: LuminaireId = LuminaireId(7);

    /// A luminaire that has told a few things, driven exactly in time.
    struct Bench {
        role: LuminaireRole,
        now: Timestamp,
    }

    fn bench() -> Bench {
        let model = LuminaireModelConfig {
            rated_mw: 80_500,
            standby_mw: 500,
            fade_ms: 0,
            report_period_ms: 900_000,
            physics: Physics::default(),
        };
        let sun = SunDay { sunrise_ms: 21_600_000, sunset_ms: 64_800_000 };
        let config = LuminaireConfig {
            model: Arc::new(LuminaireModel::new(model).unwrap()),
            astro: Arc::new(AstroTable::new(0, vec![sun]).unwrap()),
            astro_shift_ms: 0,
            report_offset_ms: 600_000,
            feeder_drop_mv: 8_000,
            burning_h: 0,
        };
        let now = Timestamp::from_local(0, 0);
        let role = LuminaireRole::new(Luminaire::new(config, now), "kuiwen".parse().unwrap(), LAMP);
        let mut bench = Bench { role, now };
        bench.takes(BusInput::Connected);
        bench.takes(BusInput::Connected);
        bench
    }

    impl Bench {
        fn takes(&mut self, input: BusInput) -> Vec<Said> {
            let mut out = Vec::new();
            self.role.handle(self.now, input, &mut out);
            out.into_iter().filter_map(said).collect()
        }

        fn suffers(&mut self, order: FaultOrder) -> Vec<Said> {
            self.takes(BusInput::Message(Message::Fault {
                district: self.role.district(),
                luminaire: LAMP,
                order,
            }))
        }

        fn waits(&mut self, seconds: i64) -> Vec<Said> {
            let (until, mut out) = (self.now.plus_millis(seconds * SECOND_MS), Vec::new());
            while let Some(at) = self.role.next_timeout().filter(|&at| at <= until) {
                self.role.handle_timeout(at, &mut out);
            }
            self.now = until;
            out.into_iter().filter_map(said).collect()
        }
    }

    /// What a message says of who speaks.
    #[derive(Debug, PartialEq, Eq)]
    enum Said {
        Online(bool),
        /// A report with this count.
        Count(u32),
    }

    fn said(message: Message) -> Option<Said> {
        let Message::Light { body, .. } = message else { return None };
        match body {
            Light::Online(online) => Some(Said::Online(online)),
            Light::State(report) => Some(Said::Count(report.stamp.seq)),
            Light::Telemetry(report) => Some(Said::Count(report.stamp.seq)),
            _ => None,
        }
    }

    /// One takes the connection from the other, and says how it stands with these counts.
    fn turn(counts: [u32; 2]) -> [Said; 4] {
        [Said::Online(false), Said::Online(true), Said::Count(counts[0]), Said::Count(counts[1])]
    }

    fn cloned() -> Bench {
        let mut bench = bench();
        assert_eq!(bench.suffers(FaultOrder::Break("id_clone:20".parse().unwrap())), []);
        assert_eq!(bench.waits(0), turn([1, 2]), "the clone comes at once");
        bench
    }

    #[test]
    fn two_of_one_name_take_the_connection_from_each_other_each_with_counts_of_its_own() {
        let mut bench = cloned();
        assert_eq!(bench.waits(19), []);
        assert_eq!(bench.waits(1), turn([5, 6]));
        assert_eq!(bench.waits(20), turn([3, 4]));
    }

    #[test]
    fn a_second_order_clones_it_no_second_time() {
        let mut bench = cloned();
        assert_eq!(bench.suffers(FaultOrder::Break("id_clone:5".parse().unwrap())), []);
        assert_eq!(bench.waits(20), turn([5, 6]));
        assert_eq!(bench.waits(5), turn([3, 4]));
    }

    #[test]
    fn repaired_it_has_its_name_for_itself() {
        let mut bench = cloned();
        assert_eq!(bench.suffers(FaultOrder::Repair), turn([5, 6]));
        assert_eq!(bench.waits(60), []);
        assert_eq!(bench.suffers(FaultOrder::Repair), []);
    }

    #[test]
    fn one_without_supply_takes_nothing_from_its_clone() {
        let mut bench = cloned();
        let mut out = Vec::new();
        bench.role.set_supply(bench.now, false, &mut out);
        assert_eq!(out, [], "it has no connection to say it with");
        assert_eq!(bench.waits(60), []);
        assert_eq!(bench.takes(BusInput::Connected), [Said::Online(true), Said::Count(3), Said::Count(4)]);
        assert_eq!(bench.suffers(FaultOrder::Repair), [Said::Online(false)]);
    }
}
