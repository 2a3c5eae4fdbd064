//! One CMS and one luminaire, joined by a bus that loses, repeats and reorders commands and their answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use lighting::{
    Asset, AstroTable, Cms, CmsConfig, CommandStatus, DimLevel, DimRequest, Luminaire, LuminaireConfig,
    LuminaireModel, LuminaireModelConfig, Mode, Physics, Programme, SunDay, cms, luminaire,
};
use proptest::prelude::*;
use types::{Core, HOUR_MS, LuminaireId, ReplyTo, Seed, Stream, Timestamp};

const LAMP: LuminaireId = LuminaireId(1);
const ACK_TIMEOUT_MS: i64 = 5_000;
/// No copy is under way for longer.
const DELAY_MS_MAX: u64 = 4_000;

#[derive(Clone)]
enum Letter {
    ToCms(cms::Input),
    ToLuminaire(luminaire::Input),
}

struct Bus {
    cms: Cms,
    luminaire: Luminaire,
    /// By time of arrival and a running number.
    letters: BTreeMap<(Timestamp, u64), Letter>,
    posted: u64,
    chance: Stream,
    loss_percent: u64,
    /// The newest word of the CMS on each request.
    answers: BTreeMap<ReplyTo, CommandStatus>,
    /// What the luminaire told last, by its own count.
    last_told: (Mode, DimLevel),
}

impl Bus {
    fn new(seed: u64, loss_percent: u64) -> Self {
        let asset = Asset {
            luminaire: LAMP,
            cabinet: types::CabinetId(1),
            rated_mw: 80_500,
            standby_mw: 500,
            calendar: 0,
        };
        let cms = Cms::new(CmsConfig {
            assets: vec![asset],
            calendars: vec![Programme::default()],
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
        let sun = SunDay { sunrise_ms: 6 * HOUR_MS as u32, sunset_ms: 18 * HOUR_MS as u32 };
        let config = LuminaireConfig {
            model: Arc::new(LuminaireModel::new(model).unwrap()),
            astro: Arc::new(AstroTable::new(0, vec![sun]).unwrap()),
            astro_shift_ms: 0,
            report_offset_ms: 0,
            feeder_drop_mv: 0,
            burning_h: 0,
        };
        Self {
            cms,
            luminaire: Luminaire::new(config, Timestamp::default()),
            letters: BTreeMap::new(),
            posted: 0,
            chance: Seed(seed).stream("bus", 0),
            loss_percent,
            answers: BTreeMap::new(),
            last_told: (Mode::Default, DimLevel::OFF),
        }
    }

    fn request(&mut self, at: Timestamp, number: usize, level: Option<DimLevel>) {
        let request = DimRequest { luminaire: LAMP, level, minutes: None };
        let input = cms::Input::Request { from: reply_to(number), request };
        self.posted += 1;
        self.letters.insert((at, self.posted), Letter::ToCms(input));
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
            let timeouts = [self.cms.next_timeout(), self.luminaire.next_timeout()];
            let Some(now) = timeouts.into_iter().chain([letter]).flatten().min().filter(|&at| at <= end)
            else {
                return;
            };
            let (mut from_cms, mut from_luminaire) = (vec![], vec![]);
            if letter == Some(now) {
                match self.letters.pop_first().unwrap().1 {
                    Letter::ToCms(input) => self.cms.handle(now, input, &mut from_cms),
                    Letter::ToLuminaire(input) => self.luminaire.handle(now, input, &mut from_luminaire),
                }
            } else {
                self.cms.handle_timeout(now, &mut from_cms);
                self.luminaire.handle_timeout(now, &mut from_luminaire);
            }
            for output in from_cms {
                self.carry_from_cms(now, output);
            }
            for output in from_luminaire {
                self.carry_from_luminaire(now, output);
            }
        }
    }

    fn carry_from_cms(&mut self, now: Timestamp, output: cms::Output) {
        match output {
            cms::Output::Command { command, .. } => {
                self.post_unreliably(now, &Letter::ToLuminaire(luminaire::Input::Command(command)));
            }
            cms::Output::Report { to, report } => {
                self.answers.insert(to, report.status);
            }
            other => panic!("unexpected: {other:?}"),
        }
    }

    fn carry_from_luminaire(&mut self, now: Timestamp, output: luminaire::Output) {
        match output {
            luminaire::Output::Ack(report) => {
                self.post_unreliably(now, &Letter::ToCms(cms::Input::Ack { luminaire: LAMP, report }));
            }
            // State is retained and delivered at least once: late, but never lost.
            luminaire::Output::State(report) => {
                self.last_told = (report.body.mode, report.body.target);
                self.post(now, Letter::ToCms(cms::Input::State { luminaire: LAMP, report }));
            }
            luminaire::Output::Telemetry(_) | luminaire::Output::Online(_) => {}
        }
    }
}

fn reply_to(number: usize) -> ReplyTo {
    ReplyTo { path: "operator".into(), correlation: number.to_string().into_bytes().into() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn in_the_end_the_luminaire_holds_the_last_request_or_its_asker_knows(
        seed: u64,
        loss_percent in 0u64..70,
        requests in prop::collection::vec((0i64..8_000, prop::option::of(1u8..=100)), 1..6),
    ) {
        let (mut bus, mut at) = (Bus::new(seed, loss_percent), Timestamp::default());
        for (number, &(pause_ms, percent)) in requests.iter().enumerate() {
            at = at.plus_millis(pause_ms);
            bus.request(at, number, percent.map(|percent| DimLevel::from_percent(percent).unwrap()));
        }
        bus.run_until(at.plus_millis(120_000));

        prop_assert_eq!(bus.cms.next_timeout(), None, "nothing is left under way");
        prop_assert_eq!(bus.answers.len(), requests.len());
        prop_assert!(bus.answers.values().all(|&status| status != CommandStatus::Sent), "every asker heard the end");
        let last = bus.answers[&reply_to(requests.len() - 1)];
        if last != CommandStatus::Timeout {
            let wanted = match requests.last().and_then(|&(_, percent)| percent) {
                Some(percent) => (Mode::Override, DimLevel::from_percent(percent).unwrap()),
                None => (Mode::Default, DimLevel::OFF),
            };
            prop_assert_eq!(bus.last_told, wanted);
        }
    }
}
