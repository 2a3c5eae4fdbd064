use types::{Core, Seed};

use super::*;
use crate::cms::tests::sun;
use crate::cms::{Asset, CmsConfig, Input};
use crate::firmware::{FirmwareImage, FirmwarePhase, FirmwareVersion};
use crate::{DimLevel, LightState, Programme, Report, Stamp};

const LAMPS: u32 = 200;
const NEW: FirmwareVersion = FirmwareVersion(1, 1, 0);

/// A CMS at 10 in the morning.
struct Bench {
    cms: Cms,
    now: Timestamp,
    seq: u32,
    /// Orders given and not answered.
    given: Vec<(LuminaireId, FirmwareOrder)>,
    /// All orders ever given to install.
    installs: Vec<LuminaireId>,
    last: Option<CampaignReply>,
}

fn bench() -> Bench {
    let asset = |id| Asset::sample(id, 0);
    let config = CmsConfig {
        assets: (1..=LAMPS).map(asset).collect(),
        calendars: vec![Programme::default()],
        groups: vec![Group::new("all".parse().unwrap(), (1..=LAMPS).map(LuminaireId))],
        sun: sun(),
        ack_timeout_ms: 5_000,
        ids: Seed(1).stream("command", 0),
    };
    let cms = Cms::new(config).unwrap();
    Bench { cms, now: at(10), seq: 0, given: vec![], installs: vec![], last: None }
}

fn at(hour: i64) -> Timestamp {
    Timestamp::from_local(100, hour * HOUR_MS)
}

fn request() -> CampaignRequest {
    CampaignRequest {
        group: "all".parse().unwrap(),
        image: FirmwareImage { version: NEW, bytes: 1_000, goes_dark: true },
        canary_percent: 1,
        wave: 40,
        failed_percent_max: 10,
    }
}

impl Bench {
    fn take(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Firmware { luminaire, order } => {
                    if matches!(order.action, FirmwareAction::Install(_)) {
                        self.installs.push(luminaire);
                    }
                    self.given.push((luminaire, order));
                }
                Output::CampaignReply { reply, .. } => self.last = Some(reply),
                _ => {}
            }
        }
    }

    fn handle(&mut self, input: Input) {
        let mut out = vec![];
        self.cms.handle(self.now, input, &mut out);
        self.take(out);
    }

    fn ask(&mut self, name: &str, request: CampaignRequest) {
        let from = ReplyTo { path: "operator".into(), correlation: name.as_bytes().into() };
        self.handle(Input::CampaignRequest { from, request });
    }

    /// Waits for the next deadline; whether there is one.
    fn wait(&mut self) -> bool {
        let Some(next) = self.cms.next_timeout() else { return false };
        self.now = next;
        let mut out = vec![];
        self.cms.handle_timeout(next, &mut out);
        self.take(out);
        true
    }

    fn answer(&mut self, luminaire: LuminaireId, order: &FirmwareOrder, result: UpdateResult) {
        self.seq += 1;
        let (version, phase) = (NEW, FirmwarePhase::Idle);
        let body = FirmwareState { version, phase, order: order.id.clone(), result: Some(result) };
        let stamp = Stamp { epoch: 1, seq: self.seq, ts: self.now };
        self.handle(Input::Firmware { luminaire, report: Report { stamp, body } });
    }

    /// Answers all orders, each as `result` says – or not at all – until none is left.
    fn run(&mut self, result: impl Fn(LuminaireId, &FirmwareOrder) -> Option<UpdateResult>) {
        loop {
            while let Some((luminaire, order)) = self.given.pop() {
                if let Some(result) = result(luminaire, &order) {
                    self.answer(luminaire, &order, result);
                }
            }
            if !self.wait() {
                return;
            }
        }
    }

    fn table(&self) -> CampaignTable {
        match self.last.as_ref().unwrap() {
            CampaignReply::Running(report)
            | CampaignReply::Finished(report)
            | CampaignReply::Halted(report) => {
                let table = report.table;
                let sum = table.waiting
                    + table.updating
                    + table.updated
                    + table.failed
                    + table.hung
                    + table.rolling_back
                    + table.rolled_back
                    + table.stuck
                    + table.left_out
                    + table.not_begun;
                assert_eq!(sum, report.luminaires, "every luminaire is in the table once");
                table
            }
            refused @ CampaignReply::Refused { .. } => panic!("{refused:?}"),
        }
    }
}

#[test]
fn an_impossible_plan_an_unknown_group_and_a_second_campaign_are_refused() {
    let mut bench = bench();
    let group = |name: &str| name.parse().unwrap();
    let impossible = [
        CampaignRequest { canary_percent: 0, ..request() },
        CampaignRequest { canary_percent: 101, ..request() },
        CampaignRequest { wave: 0, ..request() },
        CampaignRequest { failed_percent_max: 100, ..request() },
    ];
    for request in impossible {
        bench.ask("a", request);
        let (group, reason) = (group("all"), CampaignRefusal::ImpossiblePlan);
        assert_eq!(bench.last, Some(CampaignReply::Refused { group, reason }));
    }
    bench.ask("a", CampaignRequest { group: group("list:x"), ..request() });
    let reason = CampaignRefusal::UnknownGroup;
    assert_eq!(bench.last, Some(CampaignReply::Refused { group: group("list:x"), reason }));
    bench.ask("a", request());
    bench.ask("b", request());
    let reason = CampaignRefusal::CampaignRunning;
    assert_eq!(bench.last, Some(CampaignReply::Refused { group: group("all"), reason }));
    let given = bench.given.len();
    bench.ask("a", request());
    assert!(matches!(bench.last, Some(CampaignReply::Running(_))), "the same request again");
    assert_eq!(bench.given.len(), given);
}

#[test]
fn a_campaign_without_trouble_updates_canaries_first_and_then_everyone_once() {
    let mut bench = bench();
    bench.ask("a", request());
    let canaries: Vec<_> = bench.given.iter().map(|(luminaire, _)| luminaire.0).collect();
    assert_eq!(canaries, [51, 151], "spread over the group");
    bench.run(|_, _| Some(UpdateResult::Done));
    assert_eq!(bench.table(), CampaignTable { updated: LAMPS, ..CampaignTable::default() });
    assert!(matches!(bench.last, Some(CampaignReply::Finished(_))));
    bench.installs.sort_unstable();
    assert!(bench.installs.iter().map(|luminaire| luminaire.0).eq(1..=LAMPS), "each once");
}

#[test]
fn too_many_failures_halt_it_and_take_it_back_without_a_second_try() {
    let mut bench = bench();
    bench.ask("a", request());
    bench.run(|luminaire, order| match (order.action, luminaire.0 % 20) {
        (FirmwareAction::RollBack, _) => Some(UpdateResult::Done),
        (_, 1..=6) => Some(UpdateResult::VerificationFailed),
        (_, 7) => None,
        _ => Some(UpdateResult::Done),
    });
    assert!(matches!(bench.last, Some(CampaignReply::Halted(_))), "{:?}", bench.last);
    let table = bench.table();
    assert_eq!((table.updated, table.waiting, table.updating), (0, 0, 0));
    assert!(table.failed > 0 && table.rolled_back > 0 && table.not_begun >= LAMPS - 42, "{table:?}");
    let begun = bench.installs.len();
    bench.installs.sort_unstable();
    bench.installs.dedup();
    assert_eq!(bench.installs.len(), begun, "nobody is told twice");
}

#[test]
fn one_canary_that_fails_is_enough() {
    let mut bench = bench();
    bench.ask("a", request());
    bench.run(|_, _| Some(UpdateResult::InstallFailed));
    assert_eq!(bench.table(), CampaignTable { failed: 2, not_begun: LAMPS - 2, ..CampaignTable::default() });
}

#[test]
fn a_luminaire_that_hangs_or_does_not_come_back_is_given_up() {
    let mut bench = bench();
    bench.ask("a", request());
    bench.run(|luminaire, order| match order.action {
        FirmwareAction::Install(_) => (luminaire.0 == 51).then_some(UpdateResult::Done),
        FirmwareAction::RollBack => None,
    });
    let expected = CampaignTable { hung: 1, stuck: 1, not_begun: LAMPS - 2, ..CampaignTable::default() };
    assert_eq!(bench.table(), expected);
    assert_eq!(bench.now, at(10).plus_millis(2 * UPDATE_MAX_MS));
}

#[test]
fn hardware_that_goes_dark_waits_for_the_day() {
    for (hour, begins) in [(3, at(7)), (7, at(7)), (16, at(16)), (17, at(31)), (22, at(31))] {
        let mut bench = bench();
        bench.now = at(hour);
        bench.ask("a", request());
        if bench.given.is_empty() {
            assert!(bench.wait());
        }
        assert_eq!((bench.now, bench.given.len()), (begins, 2), "asked at {hour}");
    }
    let mut bench = bench();
    bench.now = at(22);
    let image = FirmwareImage { goes_dark: false, ..request().image };
    bench.ask("a", CampaignRequest { image, ..request() });
    assert_eq!(bench.given.len(), 2, "what keeps its light need not wait");
}

#[test]
fn who_is_offline_or_lit_by_day_is_left_out() {
    let mut bench = bench();
    bench.handle(Input::Online { luminaire: LuminaireId(1), online: false });
    let body = LightState { in_effect: DimLevel::FULL, ..LightState::default() };
    let report = Report { stamp: Stamp { epoch: 1, seq: 1, ts: bench.now }, body };
    bench.handle(Input::State { luminaire: LuminaireId(2), report });
    bench.ask("a", request());
    bench.run(|_, _| Some(UpdateResult::Done));
    let expected = CampaignTable { updated: LAMPS - 2, left_out: 2, ..CampaignTable::default() };
    assert_eq!(bench.table(), expected);
}

#[test]
fn there_are_as_many_canaries_as_asked_for_and_at_least_one() {
    for (luminaires, percent, expected) in [(1, 1, 1), (7, 1, 1), (200, 1, 2), (201, 1, 3), (10, 100, 10)] {
        assert_eq!(canaries(luminaires, percent), expected);
        let group = Group::new("all".parse().unwrap(), (1..=luminaires).map(LuminaireId));
        let order = canaries_first(&group, expected);
        assert_eq!(order.len(), luminaires as usize);
        let first: Vec<_> = order.iter().take(expected as usize).collect();
        assert!(first.is_sorted() && order.iter().skip(expected as usize).is_sorted(), "{order:?}");
    }
}
