//! The alarms that stand, luminaire by luminaire: a state beside the events, for who comes later.

use std::collections::BTreeSet;

use types::{LuminaireId, Timestamp};

use super::losses::Why;
use super::traffic::Window;
use super::{Cms, Output, announce};
use crate::{AlarmKind, AlarmSet};

impl Cms {
    /// Tells anew what stands of each luminaire of which an alarm was told since `before`, a place in `out`.
    pub(super) fn tell_standing(&mut self, before: usize, out: &mut Vec<Output>) {
        let changed = |output: &Output| match output {
            Output::Alarm { alarm, .. } => Some(alarm.luminaire),
            _ => None,
        };
        let changed: BTreeSet<LuminaireId> = out[before..].iter().filter_map(changed).collect();
        for luminaire in changed {
            let standing = self.standing(luminaire);
            if let Some(view) = self.view_mut(luminaire) {
                view.tell_alarms();
                out.push(Output::Alarms { luminaire, standing });
            }
        }
    }

    /// Tells what stands to a bus that may know nothing.
    pub(super) fn publish_standing(&self, out: &mut Vec<Output>) {
        let ids = self.luminaires.iter().map(|view| view.asset().luminaire);
        let standing = ids.map(|luminaire| (luminaire, self.standing(luminaire)));
        let any = standing.filter(|(_, standing)| !standing.is_empty());
        out.extend(any.map(|(luminaire, standing)| Output::Alarms { luminaire, standing }));
    }

    /// Takes over what stood when the CMS before this one ended. Later this one knows better, and hears itself.
    pub(super) fn take_over(
        &mut self,
        now: Timestamp,
        luminaire: LuminaireId,
        standing: AlarmSet,
        out: &mut Vec<Output>,
    ) {
        let window = Window::at(now, self.pace);
        let Some(view) = self.view_mut(luminaire) else { return };
        if view.tell_alarms() {
            return;
        }
        let (asset, is_there, mut told) = (*view.asset(), view.online() == Some(true), Vec::new());
        for kind in standing.iter() {
            match (kind, Why::of(kind)) {
                (AlarmKind::Complaint, _) => self.complaints.take_over(now, luminaire),
                (_, Some(why)) => self.losses.take_over(now, &asset, why, &mut told),
                (_, None) => {
                    if let Some(view) = self.view_mut(luminaire) {
                        view.take_over(now, window, kind);
                    }
                }
            }
        }
        if is_there {
            self.losses.find_again(now, &asset, &mut told);
        }
        announce(now, told, out);
    }

    /// What is wrong with a luminaire now, by all that is told.
    fn standing(&self, luminaire: LuminaireId) -> AlarmSet {
        let judged = self.luminaire(luminaire).map_or_else(AlarmSet::default, |view| view.raised());
        let missing = self.losses.alarm_of(luminaire);
        let complaint = self.complaints.is_open(luminaire).then_some(AlarmKind::Complaint);
        judged.iter().chain(missing).chain(complaint).collect()
    }
}

#[cfg(test)]
mod tests {
    use types::{Core as _, MINUTE_MS, ReplyTo, ResidentId};

    use super::*;
    use crate::cms::tests::{LAMP, cms, readings};
    use crate::cms::{Input, Output};
    use crate::{
        Alarm, AlarmChange, Complaint, ComplaintRequest, DimLevel, LightState, Report, Stamp, Telemetry,
    };

    /// What it says of the lamp: alarms and their ends, and what stands after each input.
    #[derive(Debug, PartialEq, Eq)]
    enum Said {
        Alarm(AlarmKind, AlarmChange),
        Standing(Vec<AlarmKind>),
    }
    use AlarmChange::{Cleared, Raised};
    use AlarmKind::{
        CommunicationFailure, CyclingFailure, DimmingFailure, Flooding, LampFailure, SupplyLoss,
    };
    use Said::Standing;

    struct Bench {
        cms: Cms,
        now: Timestamp,
        seq: u32,
    }

    impl Bench {
        /// One that is new, a day later than the one before.
        fn new(day: i64) -> Self {
            let now = Timestamp::from_millis(20_000_000_000 + day * types::DAY_MS);
            Self { cms: cms(), now, seq: day as u32 * 1_000 }
        }

        fn handle(&mut self, input: Input) -> Vec<Said> {
            let mut out = vec![];
            self.cms.handle(self.now, input, &mut out);
            said(out)
        }

        fn hears(&mut self, standing: &[AlarmKind]) -> Vec<Said> {
            let standing = standing.iter().copied().collect();
            self.handle(Input::Alarms { luminaire: LAMP, standing })
        }

        fn online(&mut self, online: bool) -> Vec<Said> {
            self.handle(Input::Online { luminaire: LAMP, online })
        }

        fn report<T>(&mut self, body: T) -> Report<T> {
            self.seq += 1;
            Report { stamp: Stamp { epoch: 1, seq: self.seq, ts: self.now }, body }
        }

        fn state(&mut self, level: u8) -> Vec<Said> {
            let level = DimLevel::from_percent(level).unwrap();
            let state =
                LightState { target: level, in_effect: level, actual: level, ..LightState::default() };
            let report = self.report(state);
            self.handle(Input::State { luminaire: LAMP, report })
        }

        /// Readings, a minute after what was before.
        fn telemetry(&mut self, level: u8, power_mw: u32) -> Vec<Said> {
            self.now = self.now.plus_millis(MINUTE_MS);
            let report = self.report(Telemetry { ..readings(level, power_mw) });
            self.handle(Input::Telemetry { luminaire: LAMP, report })
        }
    }

    fn said(out: Vec<Output>) -> Vec<Said> {
        let said = |output| match output {
            Output::Alarm { alarm: Alarm { luminaire: LAMP, kind, change }, .. } => {
                Some(Said::Alarm(kind, change))
            }
            Output::Alarms { luminaire: LAMP, standing } => Some(Standing(standing.iter().collect())),
            _ => None,
        };
        out.into_iter().filter_map(said).collect()
    }

    /// A lamp that should burn and draws nothing.
    fn dark(bench: &mut Bench) -> Vec<Said> {
        bench.state(100);
        (0..3).flat_map(|_| bench.telemetry(100, 500)).collect()
    }

    #[test]
    fn where_nothing_is_wrong_nothing_stands() {
        let mut bench = Bench::new(1);
        bench.state(100);
        assert_eq!((0..5).flat_map(|_| bench.telemetry(100, 80_500)).collect::<Vec<_>>(), []);
        assert_eq!(bench.handle(Input::Connected), []);
    }

    #[test]
    fn what_stands_is_told_with_each_change_and_to_a_bus_that_may_have_forgotten_it() {
        let mut bench = Bench::new(1);
        assert_eq!(dark(&mut bench), [Said::Alarm(LampFailure, Raised), Standing(vec![LampFailure])]);
        let request =
            ComplaintRequest::File { luminaire: LAMP, resident: ResidentId(1), about: Complaint::Dark };
        let from = ReplyTo { path: "phone".into(), correlation: [].into() };
        let both = || Standing(vec![LampFailure, AlarmKind::Complaint]);
        assert_eq!(
            bench.handle(Input::Complaint { from, request }),
            [Said::Alarm(AlarmKind::Complaint, Raised), both()]
        );
        assert_eq!(bench.handle(Input::Connected), [both()]);
        let repaired = bench.telemetry(100, 80_500);
        assert!(repaired.contains(&Said::Alarm(LampFailure, Cleared)), "{repaired:?}");
        assert_eq!(repaired.last(), Some(&Standing(vec![])), "the complaint ends with what people saw");
        assert_eq!(bench.handle(Input::Connected), []);
    }

    #[test]
    fn one_that_comes_after_another_tells_the_end_of_what_stood_and_raises_nothing_twice() {
        let mut next = Bench::new(2);
        assert_eq!(next.hears(&[LampFailure]), []);
        assert_eq!(dark(&mut next), []);
        let over = [Said::Alarm(LampFailure, Cleared), Standing(vec![])];
        assert_eq!(next.telemetry(100, 80_500), over);
    }

    #[test]
    fn its_own_words_that_come_back_late_change_nothing() {
        let mut bench = Bench::new(1);
        dark(&mut bench);
        assert_eq!(bench.hears(&[]), []);
        bench.telemetry(100, 80_500);
        assert_eq!(bench.hears(&[LampFailure]), []);
        assert_eq!(bench.telemetry(100, 80_500), []);
    }

    #[test]
    fn who_was_missed_is_found_in_whatever_order_the_bus_tells() {
        let over = [Said::Alarm(CommunicationFailure, Cleared), Standing(vec![])];
        let mut next = Bench::new(2);
        assert_eq!(next.hears(&[CommunicationFailure]), []);
        assert_eq!(next.online(true), over);
        let mut next = Bench::new(2);
        assert_eq!(next.online(true), []);
        assert_eq!(next.hears(&[CommunicationFailure]), over);
        let mut next = Bench::new(2);
        assert_eq!(next.online(false), []);
        assert_eq!(next.hears(&[CommunicationFailure]), []);
        assert_eq!(next.online(true), over);
    }

    #[test]
    fn who_was_without_supply_is_missed_no_second_time_and_found_by_its_readings() {
        let mut next = Bench::new(2);
        next.online(false);
        assert_eq!(next.hears(&[SupplyLoss]), []);
        assert_eq!(next.cms.next_timeout(), None, "nobody waits to raise it again");
        assert_eq!(next.telemetry(0, 500), [Said::Alarm(SupplyLoss, Cleared), Standing(vec![])]);
    }

    #[test]
    fn what_needs_time_to_be_disproved_is_not_over_with_the_first_reading() {
        let mut next = Bench::new(2);
        next.hears(&[CyclingFailure, DimmingFailure, Flooding]);
        assert_eq!(next.state(100), []);
        let quiet = [Said::Alarm(Flooding, Cleared), Standing(vec![DimmingFailure, CyclingFailure])];
        assert_eq!(next.telemetry(100, 80_500), quiet, "a minute is a quiet window");
        assert_eq!(next.telemetry(100, 80_500), []);
    }
}
