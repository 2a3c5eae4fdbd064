//! One CMS and some luminaires, joined by a bus that loses, repeats and reorders commands and their answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use lighting::{
    Asset, AstroTable, Cms, CmsConfig, CommandStatus, DimLevel, DimRequest, Group, GroupDimRequest,
    GroupReply, Luminaire, LuminaireConfig, LuminaireModel, LuminaireModelConfig, Mode, Physics, Programme,
    SunDay, cms, luminaire,
};
use proptest::prelude::*;
use types::{Core, HOUR_MS, LuminaireId, ReplyTo, Seed, Stream, Timestamp};

/// Luminaires on the bus: some more than may have a group's command under way at once.
const LAMPS: u32 = cms::IN_FLIGHT_MAX as u32 + 6;
/// The one that is also asked for alone.
const LAMP: LuminaireId = LuminaireId(1);
const ACK_TIMEOUT_MS: i64 = 5_000;
/// No copy is under way for longer.
const DELAY_MS_MAX: u64 = 4_000;

#[derive(Clone)]
enum Letter {
    ToCms(cms::Input),
    ToLuminaire(LuminaireId, luminaire::Input),
}

/// Where a request stands, as its asker knows.
#[derive(Clone, Debug, PartialEq)]
enum Answer {
    One(CommandStatus),
    Group(GroupReply),
}

impl Answer {
    fn is_final(&self) -> bool {
        match self {
            Self::One(status) => status.is_final(),
            Self::Group(reply) => !matches!(reply, GroupReply::Running(_)),
        }
    }

    /// Whether every luminaire of the request obeyed.
    fn is_success(&self) -> bool {
        match self {
            Self::One(status) => *status == CommandStatus::Successful,
            Self::Group(GroupReply::Finished(report)) => report.tally.successful == report.luminaires,
            Self::Group(_) => false,
        }
    }
}

struct Bus {
    cms: Cms,
    luminaires: BTreeMap<LuminaireId, Luminaire>,
    /// By time of arrival and a running number.
    letters: BTreeMap<(Timestamp, u64), Letter>,
    posted: u64,
    chance: Stream,
    loss_percent: u64,
    /// The newest word of the CMS on each request.
    answers: BTreeMap<ReplyTo, Answer>,
    /// What each luminaire told last, by its own count.
    last_told: BTreeMap<LuminaireId, (Mode, DimLevel)>,
}

impl Bus {
    fn new(seed: u64, loss_percent: u64) -> Self {
        let ids = (1..=LAMPS).map(LuminaireId);
        let asset = |luminaire| Asset {
            luminaire,
            cabinet: types::CabinetId(1),
            leg: lighting::Leg { circuit: lighting::Circuit::ALL[0], phase: lighting::Phase::R },
            street_m: 30,
            rated_mw: 80_500,
            standby_mw: 500,
            calendar: 0,
        };
        let sun = SunDay { sunrise_ms: 6 * HOUR_MS as u32, sunset_ms: 18 * HOUR_MS as u32 };
        let astro = Arc::new(AstroTable::new(0, vec![sun]).unwrap());
        let cms = Cms::new(CmsConfig {
            assets: ids.clone().map(asset).collect(),
            calendars: vec![Programme::default()],
            groups: vec![Group::new("all".parse().unwrap(), ids.clone())],
            sun: astro.clone(),
            ack_timeout_ms: ACK_TIMEOUT_MS,
            ids: Seed(seed).stream("command", 0),
        })
        .unwrap();
        let model = LuminaireModelConfig {
            rated_mw: 80_500,
            standby_mw: 500,
            fade_ms: 2_000,
            report_period_ms: 900_000,
            physics: Physics::default(),
        };
        let config = LuminaireConfig {
            model: Arc::new(LuminaireModel::new(model).unwrap()),
            astro,
            astro_shift_ms: 0,
            report_offset_ms: 0,
            feeder_drop_mv: 0,
            burning_h: 0,
        };
        let luminaire = |id| (id, Luminaire::new(config.clone(), Timestamp::default()));
        Self {
            cms,
            luminaires: ids.map(luminaire).collect(),
            letters: BTreeMap::new(),
            posted: 0,
            chance: Seed(seed).stream("bus", 0),
            loss_percent,
            answers: BTreeMap::new(),
            last_told: BTreeMap::new(),
        }
    }

    /// A request for the lamp or for all of them; it reaches the CMS twice.
    fn request(&mut self, at: Timestamp, number: usize, of_group: bool, level: Option<DimLevel>) {
        let from = reply_to(number);
        let input = if of_group {
            let group = "all".parse().unwrap();
            cms::Input::GroupRequest { from, request: GroupDimRequest { group, level, minutes: None } }
        } else {
            cms::Input::Request { from, request: DimRequest { luminaire: LAMP, level, minutes: None } }
        };
        for _ in 0..2 {
            self.posted += 1;
            self.letters.insert((at, self.posted), Letter::ToCms(input.clone()));
        }
    }

    /// Puts one or two copies on their way, or none.
    fn post_unreliably(&mut self, now: Timestamp, letter: &Letter) {
        for _ in 0..2 {
            if self.chance.below(100) >= self.loss_percent {
                self.post(now, letter.clone());
            }
        }
    }

    fn post(&mut self, now: Timestamp, letter: Letter) {
        let arrival = now.plus_millis(self.chance.below(DELAY_MS_MAX) as i64);
        self.posted += 1;
        self.letters.insert((arrival, self.posted), letter);
    }

    fn run_until(&mut self, end: Timestamp) {
        loop {
            let letter = self.letters.keys().next().map(|(at, _)| *at);
            let timeouts = self.luminaires.values().map(Core::next_timeout).chain([self.cms.next_timeout()]);
            let Some(now) = timeouts.chain([letter]).flatten().min().filter(|&at| at <= end) else { return };
            let mut from_cms = vec![];
            if letter == Some(now) {
                match self.letters.pop_first().unwrap().1 {
                    Letter::ToCms(input) => self.cms.handle(now, input, &mut from_cms),
                    Letter::ToLuminaire(id, input) => {
                        self.with_luminaire(now, id, |core, out| core.handle(now, input, out));
                    }
                }
            } else {
                self.cms.handle_timeout(now, &mut from_cms);
                for id in (1..=LAMPS).map(LuminaireId) {
                    self.with_luminaire(now, id, |core, out| core.handle_timeout(now, out));
                }
            }
            for output in from_cms {
                self.carry_from_cms(now, output);
            }
        }
    }

    fn with_luminaire(
        &mut self,
        now: Timestamp,
        id: LuminaireId,
        act: impl FnOnce(&mut Luminaire, &mut Vec<luminaire::Output>),
    ) {
        let mut out = vec![];
        act(self.luminaires.get_mut(&id).unwrap(), &mut out);
        for output in out {
            self.carry_from_luminaire(now, id, output);
        }
    }

    fn carry_from_cms(&mut self, now: Timestamp, output: cms::Output) {
        match output {
            cms::Output::Command { luminaire, command } => {
                let letter = Letter::ToLuminaire(luminaire, luminaire::Input::Command(command));
                self.post_unreliably(now, &letter);
            }
            cms::Output::Report { to, report } => {
                self.answers.insert(to, Answer::One(report.status));
            }
            cms::Output::GroupReply { to, reply } => {
                let (GroupReply::Running(report) | GroupReply::Finished(report)) = &reply else {
                    panic!("refused: {reply:?}")
                };
                let tally = report.tally;
                let ended = tally.successful + tally.failed + tally.expired + tally.timeout;
                assert_eq!(ended + tally.open(), report.luminaires, "every luminaire counts once");
                self.answers.insert(to, Answer::Group(reply));
            }
            other => panic!("unexpected: {other:?}"),
        }
    }

    fn carry_from_luminaire(&mut self, now: Timestamp, id: LuminaireId, output: luminaire::Output) {
        match output {
            luminaire::Output::Ack(report) => {
                self.post_unreliably(now, &Letter::ToCms(cms::Input::Ack { luminaire: id, report }));
            }
            // State is retained and delivered at least once: late, but never lost.
            luminaire::Output::State(report) => {
                self.last_told.insert(id, (report.body.mode, report.body.target));
                self.post(now, Letter::ToCms(cms::Input::State { luminaire: id, report }));
            }
            luminaire::Output::Telemetry(_)
            | luminaire::Output::Firmware(_)
            | luminaire::Output::Online(_) => {}
        }
    }
}

fn reply_to(number: usize) -> ReplyTo {
    ReplyTo { path: "operator".into(), correlation: number.to_string().into_bytes().into() }
}

/// When is asked, whether all are meant, and for what.
type Asked = (i64, bool, Option<u8>);

fn percent(percent: Option<u8>) -> Option<DimLevel> {
    percent.map(|percent| DimLevel::from_percent(percent).unwrap())
}

/// Asks, and lets everything come to its end; gives the bus, and whether the last request was obeyed by all it meant.
fn run(seed: u64, loss_percent: u64, requests: &[Asked]) -> (Bus, bool) {
    let (mut bus, mut at) = (Bus::new(seed, loss_percent), Timestamp::default());
    for (number, &(pause_ms, of_group, level)) in requests.iter().enumerate() {
        at = at.plus_millis(pause_ms);
        bus.request(at, number, of_group, percent(level));
    }
    bus.run_until(at.plus_millis(600_000));
    let success = bus.answers[&reply_to(requests.len() - 1)].is_success();
    (bus, success)
}

fn wanted(level: Option<u8>) -> (Mode, DimLevel) {
    percent(level).map_or((Mode::Default, DimLevel::OFF), |level| (Mode::Override, level))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn in_the_end_the_luminaire_holds_the_last_request_or_its_asker_knows(
        seed: u64,
        loss_percent in 0u64..70,
        requests in prop::collection::vec((0i64..8_000, Just(false), prop::option::of(1u8..=100)), 1..6),
    ) {
        let (bus, success) = run(seed, loss_percent, &requests);
        prop_assert_eq!(bus.cms.next_timeout(), None, "nothing is left under way");
        prop_assert_eq!(bus.answers.len(), requests.len());
        prop_assert!(bus.answers.values().all(Answer::is_final), "every asker heard the end");
        if success {
            prop_assert_eq!(bus.last_told[&LAMP], wanted(requests.last().unwrap().2));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn in_the_end_a_group_holds_the_last_request_or_its_asker_knows(
        seed: u64,
        loss_percent in 0u64..50,
        before in prop::collection::vec((0i64..20_000, any::<bool>(), prop::option::of(1u8..=100)), 0..3),
        last in (0i64..20_000, Just(true), prop::option::of(1u8..=100)),
    ) {
        let requests: Vec<Asked> = before.into_iter().chain([last]).collect();
        let (bus, success) = run(seed, loss_percent, &requests);
        prop_assert_eq!(bus.cms.next_timeout(), None, "nothing is left under way");
        prop_assert!(bus.answers.values().all(Answer::is_final), "every asker heard the end");
        let held = bus.last_told.values().filter(|&&told| told == wanted(last.2)).count();
        let Answer::Group(GroupReply::Finished(report)) = &bus.answers[&reply_to(requests.len() - 1)] else {
            panic!("not finished")
        };
        // Who did not answer may have obeyed.
        prop_assert!(held >= report.tally.successful as usize, "{held} hold it: {report:?}");
        prop_assert!(!success || held == LAMPS as usize);
    }

    #[test]
    fn a_request_for_one_is_not_undone_by_an_older_one_for_its_group(
        seed: u64,
        loss_percent in 0u64..50,
        pause_ms in 0i64..5_000,
    ) {
        let (bus, success) = run(seed, loss_percent, &[(0, true, Some(40)), (pause_ms, false, Some(90))]);
        if success {
            prop_assert_eq!(bus.last_told[&LAMP], wanted(Some(90)));
        }
    }
}
