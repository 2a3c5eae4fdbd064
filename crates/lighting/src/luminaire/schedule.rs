use std::sync::Arc;

use types::{DAY_MS, MINUTE_MS, Timestamp};

use crate::{AstroTable, ClockAndSun, DimLevel, Nights, Programme, ProgrammeStep, StepTime, SunTime};

/// A programme as a luminaire keeps it: with the level it asks for now, and until when.
#[derive(Debug)]
pub struct Schedule {
    steps: Arc<[ProgrammeStep]>,
    /// The moment to [`refresh`](Self::refresh).
    valid_until: Timestamp,
    nights: Nights,
    version: u32,
    /// What someone near asks for in a night without a rule, and in this one.
    usual_presence: Option<DimLevel>,
    presence_level: Option<DimLevel>,
    level: DimLevel,
}

/// The sun over one luminaire.
#[derive(Clone, Copy, Debug)]
pub struct Sun<'a> {
    /// When it rises and sets at a reference point.
    pub table: &'a AstroTable,
    /// Later (earlier, if negative) than at the table's reference point \[ms\].
    pub shift_ms: i32,
}

impl Schedule {
    /// The schedule of a programme, as of `now`.
    pub fn new(programme: Programme, sun: Sun<'_>, now: Timestamp) -> Self {
        let mut schedule = Self {
            steps: programme.steps,
            valid_until: now,
            nights: programme.nights,
            version: programme.version,
            usual_presence: programme.presence_level,
            presence_level: None,
            level: DimLevel::OFF,
        };
        schedule.refresh(sun, now);
        schedule
    }

    /// Which version of the programme.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// What the programme asks for.
    pub fn level(&self) -> DimLevel {
        self.level
    }

    /// What someone near asks for, if that is more, and the programme gives light.
    pub(super) fn presence_level(&self) -> Option<DimLevel> {
        self.presence_level.filter(|&raised| self.level > DimLevel::OFF && raised > self.level)
    }

    /// The moment to [`refresh`](Self::refresh).
    #[inline]
    pub fn valid_until(&self) -> Timestamp {
        self.valid_until
    }

    /// Finds the level at `now`, by the rule of the night, and the moment of the next step or noon.
    ///
    /// Of two steps at the same moment, the later in the list counts.
    pub fn refresh(&mut self, sun: Sun<'_>, now: Timestamp) {
        let evening = now.plus_millis(-NOON_MS).local_day();
        let rule = self.nights.of(evening);
        let (steps, presence_level) =
            rule.map_or((&self.steps, self.usual_presence), |rule| (&rule.steps, rule.presence_level));
        let night = Night::new(evening, sun);
        let noon = Timestamp::from_local(evening, NOON_MS);
        let now_ms = now.millis_since(noon);
        let (mut in_force, mut next_ms) = ((i64::MIN, DimLevel::OFF), DAY_MS);
        for step in steps.iter() {
            let start_ms = night.start_ms(step.at);
            if start_ms > now_ms {
                next_ms = next_ms.min(start_ms);
            } else if start_ms >= in_force.0 {
                in_force = (start_ms, step.level);
            }
        }
        self.presence_level = presence_level;
        self.level = in_force.1;
        self.valid_until = noon.plus_millis(next_ms);
    }
}

/// Where one night ends and the next begins \[ms after local midnight\].
const NOON_MS: i64 = DAY_MS / 2;

/// The sun of one night over one luminaire, asked for once for all steps in it \[ms after the noon before\].
#[derive(Clone, Copy, Debug)]
struct Night {
    sunset_ms: i64,
    sunrise_ms: i64,
}

impl Night {
    /// The night that begins at noon of `evening` \[local day\].
    fn new(evening: i64, sun: Sun<'_>) -> Self {
        let shift_ms = i64::from(sun.shift_ms);
        Self {
            sunset_ms: i64::from(sun.table.day(evening).sunset_ms) - NOON_MS + shift_ms,
            sunrise_ms: i64::from(sun.table.day(evening + 1).sunrise_ms) + NOON_MS + shift_ms,
        }
    }

    /// When a step takes effect.
    #[inline]
    fn start_ms(self, at: StepTime) -> i64 {
        match at {
            StepTime::Clock(minutes) => by_clock_ms(minutes),
            StepTime::Sunset(minutes) => self.after_sunset_ms(minutes),
            StepTime::Sunrise(minutes) => self.after_sunrise_ms(minutes),
            StepTime::Earlier(ClockAndSun { clock, sun }) => by_clock_ms(clock).min(self.by_sun_ms(sun)),
            StepTime::Later(ClockAndSun { clock, sun }) => by_clock_ms(clock).max(self.by_sun_ms(sun)),
        }
    }

    fn by_sun_ms(self, time: SunTime) -> i64 {
        match time {
            SunTime::Sunset(minutes) => self.after_sunset_ms(minutes),
            SunTime::Sunrise(minutes) => self.after_sunrise_ms(minutes),
        }
    }

    fn after_sunset_ms(self, minutes: i16) -> i64 {
        self.sunset_ms + i64::from(minutes) * MINUTE_MS
    }

    fn after_sunrise_ms(self, minutes: i16) -> i64 {
        self.sunrise_ms + i64::from(minutes) * MINUTE_MS
    }
}

fn by_clock_ms(minutes: u16) -> i64 {
    let time_ms = i64::from(minutes) * MINUTE_MS;
    if time_ms < NOON_MS { time_ms + NOON_MS } else { time_ms - NOON_MS }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use types::HOUR_MS;

    use super::*;
    use crate::{NightRule, SunDay, Weekday};

    /// Sunrise at 06:00 and sunset at 18:00.
    fn table() -> AstroTable {
        let sun = SunDay { sunrise_ms: 6 * HOUR_MS as u32, sunset_ms: 18 * HOUR_MS as u32 };
        AstroTable::new(0, vec![sun]).unwrap()
    }

    fn step(at: StepTime, percent: u8) -> ProgrammeStep {
        ProgrammeStep { at, level: DimLevel::from_percent(percent).unwrap() }
    }

    fn schedule(
        steps: Vec<ProgrammeStep>,
        presence: Option<DimLevel>,
    ) -> impl FnMut(i64, i64) -> (u8, Option<u8>, i64) {
        let programme = Programme {
            version: 1,
            steps: steps.into(),
            presence_level: presence,
            nights: Nights::default(),
        };
        of_programme(programme)
    }

    fn of_programme(programme: Programme) -> impl FnMut(i64, i64) -> (u8, Option<u8>, i64) {
        let table = table();
        let sun_of = |table| Sun { table, shift_ms: 60_000 };
        let mut schedule = Schedule::new(programme, sun_of(&table), Timestamp::default());
        move |hours, minutes| {
            let now = Timestamp::from_local(100, hours * HOUR_MS + minutes * MINUTE_MS);
            schedule.refresh(Sun { table: &table, shift_ms: 60_000 }, now);
            let raised = schedule.presence_level().map(DimLevel::percent);
            (schedule.level().percent(), raised, schedule.valid_until().millis_since(now) / MINUTE_MS)
        }
    }

    #[test]
    fn before_the_first_step_of_a_night_there_is_no_light() {
        let mut at = schedule(vec![step(StepTime::Sunset(0), 100)], None);
        assert_eq!(at(17, 0), (0, None, 61));
        assert_eq!(at(18, 1), (100, None, 17 * 60 + 59));
        // Nothing ends this light in the morning, but noon begins another night.
        assert_eq!(at(35, 59), (100, None, 1));
        assert_eq!(at(36, 0), (0, None, 6 * 60 + 1));
    }

    #[test]
    fn steps_take_effect_in_order_of_time_and_not_of_the_list() {
        let mut at = schedule(
            vec![
                step(StepTime::Clock(0), 50),
                step(StepTime::Sunrise(-30), 0),
                step(StepTime::Clock(22 * 60), 70),
                step(StepTime::Sunset(15), 100),
            ],
            None,
        );
        assert_eq!(at(18, 16), (100, None, 224));
        assert_eq!(at(22, 0), (70, None, 120));
        assert_eq!(at(24, 0), (50, None, 331));
        assert_eq!(at(29, 31), (0, None, 389));
    }

    #[test]
    fn the_first_rule_that_fits_a_night_counts_and_the_programme_in_all_others() {
        let rule = |from, to, percent, presence_level| NightRule {
            from,
            to,
            weekdays: vec![],
            steps: Arc::from([step(StepTime::Clock(20 * 60), percent)]),
            presence_level,
        };
        let festival = rule(Some(101), Some(101), 90, DimLevel::from_percent(95).ok());
        let nights = vec![festival, rule(Some(101), Some(102), 10, None)];
        let mut at = of_programme(Programme {
            version: 1,
            steps: Arc::from([step(StepTime::Clock(20 * 60), 50)]),
            presence_level: DimLevel::from_percent(60).ok(),
            nights: Nights::new(nights),
        });
        // At 21:00 of days 100 to 103; a night ends at noon of the next day.
        assert_eq!((at(21, 0).0, at(21, 0).1), (50, Some(60)));
        assert_eq!((at(45, 0).0, at(45, 0).1), (90, Some(95)));
        assert_eq!((at(59, 59).0, at(69, 0)), (90, (10, None, 15 * 60)));
        assert_eq!(at(93, 0).0, 50);
    }

    #[test]
    fn of_a_time_of_day_and_the_sun_the_earlier_or_the_later_counts() {
        let pair = |clock, sun| ClockAndSun { clock, sun };
        let later = pair(18 * 60 + 30, SunTime::Sunset(0));
        let earlier = pair(5 * 60, SunTime::Sunrise(0));
        let mut at =
            schedule(vec![step(StepTime::Later(later), 100), step(StepTime::Earlier(earlier), 0)], None);
        assert_eq!(at(18, 29).0, 0);
        assert_eq!(at(18, 30), (100, None, 10 * 60 + 30));
        assert_eq!(at(29, 0).0, 0);
        let later = pair(17 * 60, SunTime::Sunset(0));
        let mut at = schedule(vec![step(StepTime::Later(later), 100)], None);
        assert_eq!((at(17, 0).0, at(18, 1).0), (0, 100));
    }

    #[test]
    fn presence_only_raises_and_only_while_the_programme_gives_light() {
        let steps =
            vec![step(StepTime::Sunset(0), 100), step(StepTime::Clock(0), 30), step(StepTime::Sunrise(0), 0)];
        let mut at = schedule(steps, DimLevel::from_percent(80).ok());
        assert_eq!(at(17, 0).1, None);
        assert_eq!(at(20, 0).1, None);
        assert_eq!(at(25, 0).1, Some(80));
        assert_eq!(at(31, 0).1, None);
    }

    /// When a step takes effect in the night that begins at noon of `evening`, from its definition.
    fn defined_start(at: StepTime, sun: Sun<'_>, evening: i64) -> Timestamp {
        let by_sun = |at| match at {
            SunTime::Sunset(minutes) => (sun.table.sunset(evening), minutes),
            SunTime::Sunrise(minutes) => (sun.table.sunrise(evening + 1), minutes),
        };
        let start = |at| {
            let (event, minutes) = by_sun(at);
            event.plus_millis(i64::from(minutes) * MINUTE_MS + i64::from(sun.shift_ms))
        };
        let by_clock = |minutes: u16| {
            let night =
                [evening, evening + 1].map(|day| Timestamp::from_local(day, i64::from(minutes) * MINUTE_MS));
            if night[0] >= Timestamp::from_local(evening, NOON_MS) { night[0] } else { night[1] }
        };
        match at {
            StepTime::Clock(minutes) => by_clock(minutes),
            StepTime::Sunset(minutes) => start(SunTime::Sunset(minutes)),
            StepTime::Sunrise(minutes) => start(SunTime::Sunrise(minutes)),
            StepTime::Earlier(pair) => by_clock(pair.clock).min(start(pair.sun)),
            StepTime::Later(pair) => by_clock(pair.clock).max(start(pair.sun)),
        }
    }

    /// Level, presence level and the next moment to look, from their definition: the last step that has begun counts.
    fn defined(
        programme: &Programme,
        sun: Sun<'_>,
        now: Timestamp,
    ) -> (DimLevel, Option<DimLevel>, Timestamp) {
        let evening = now.plus_millis(-NOON_MS).local_day();
        let rule = programme.nights.of(evening);
        let steps = rule.map_or(&programme.steps, |rule| &rule.steps);
        let presence = rule.map_or(programme.presence_level, |rule| rule.presence_level);
        let mut starts: Vec<_> =
            steps.iter().map(|step| (defined_start(step.at, sun, evening), step.level)).collect();
        starts.sort_by_key(|(start, _)| *start);
        let level = starts.iter().rev().find(|(start, _)| *start <= now).map_or(DimLevel::OFF, |step| step.1);
        let noon = Timestamp::from_local(evening + 1, NOON_MS);
        let next =
            starts.iter().map(|(start, _)| *start).find(|&start| start > now).map_or(noon, |at| at.min(noon));
        (level, presence.filter(|&raised| level > DimLevel::OFF && raised > level), next)
    }

    fn levels() -> impl Strategy<Value = DimLevel> {
        (0u8..=100).prop_map(|percent| DimLevel::from_percent(percent).unwrap())
    }

    fn steps() -> impl Strategy<Value = Vec<ProgrammeStep>> {
        let sun =
            prop_oneof![(-600i16..600).prop_map(SunTime::Sunset), (-600i16..600).prop_map(SunTime::Sunrise)];
        let pair = (0u16..1_440, sun).prop_map(|(clock, sun)| ClockAndSun { clock, sun }).boxed();
        let at = prop_oneof![
            (0u16..1_440).prop_map(StepTime::Clock),
            (-600i16..600).prop_map(StepTime::Sunset),
            (-600i16..600).prop_map(StepTime::Sunrise),
            pair.clone().prop_map(StepTime::Earlier),
            pair.prop_map(StepTime::Later),
        ];
        prop::collection::vec((at, levels()).prop_map(|(at, level)| ProgrammeStep { at, level }), 0..6)
    }

    fn rules() -> impl Strategy<Value = NightRule> {
        let days = prop::collection::vec(prop::sample::select(&Weekday::ALL[..]), 0..3);
        let rule = (prop::option::of(95i64..105), 0i64..4, days, steps(), prop::option::of(levels()));
        rule.prop_map(|(from, length, weekdays, steps, presence_level)| NightRule {
            from,
            to: from.map(|from| from + length),
            weekdays,
            steps: steps.into(),
            presence_level,
        })
    }

    fn programmes() -> impl Strategy<Value = Programme> {
        let parts = (steps(), prop::option::of(levels()), prop::collection::vec(rules(), 0..4));
        parts.prop_map(|(steps, presence_level, nights)| Programme {
            version: 1,
            steps: steps.into(),
            presence_level,
            nights: Nights::new(nights),
        })
    }

    proptest! {
        #[test]
        fn at_any_moment_it_asks_for_what_is_defined_also_after_the_clock_was_set_or_the_programme_changed(
            programmes in prop::collection::vec(programmes(), 1..4),
            moments in prop::collection::vec((any::<prop::sample::Index>(), prop::option::of(0i64..12 * DAY_MS)), 1..60),
            shift_ms in -3_600_000i32..3_600_000,
        ) {
            let table = AstroTable::new(98, (0..5u32).map(|day| SunDay {
                sunrise_ms: 6 * HOUR_MS as u32 - day * 60_000,
                sunset_ms: 18 * HOUR_MS as u32 + day * 90_000,
            }).collect()).unwrap();
            let sun = Sun { table: &table, shift_ms };
            let mut now = Timestamp::from_local(97, 0);
            let (mut kept, mut schedule) = (&programmes[0], Schedule::new(programmes[0].clone(), sun, now));
            for (programme, set_ms) in moments {
                // A clock that is set goes anywhere; one that is not goes to the next moment.
                now = set_ms.map_or(schedule.valid_until(), |ms| Timestamp::from_local(94, ms));
                schedule.refresh(sun, now);
                let asked = (schedule.level(), schedule.presence_level(), schedule.valid_until());
                prop_assert_eq!(asked, defined(kept, sun, now));
                let other = programme.get(&programmes);
                if set_ms.is_some_and(|ms| ms % 3 == 0) {
                    (kept, schedule) = (other, Schedule::new(other.clone(), sun, now));
                }
            }
        }
    }
}
