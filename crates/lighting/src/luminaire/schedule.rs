use std::sync::Arc;

use types::{DAY_MS, MINUTE_MS, Timestamp};

use crate::{AstroTable, DimLevel, Programme, ProgrammeStep, StepTime};

/// A programme as a luminaire keeps it: with the level it asks for now, and until when.
#[derive(Debug)]
pub struct Schedule {
    steps: Arc<[ProgrammeStep]>,
    /// The moment to [`refresh`](Self::refresh).
    valid_until: Timestamp,
    version: u32,
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
            version: programme.version,
            presence_level: programme.presence_level,
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

    /// Finds the level at `now`, and the moment of the next step or noon.
    ///
    /// Of two steps at the same moment, the later in the list counts.
    pub fn refresh(&mut self, sun: Sun<'_>, now: Timestamp) {
        let evening = now.plus_millis(-NOON_MS).local_day();
        let mut in_force = (Timestamp::from_millis(i64::MIN), DimLevel::OFF);
        let mut next = Timestamp::from_local(evening + 1, NOON_MS);
        for step in self.steps.iter() {
            let start = start_of(*step, sun, evening);
            if start > now {
                next = next.min(start);
            } else if start >= in_force.0 {
                in_force = (start, step.level);
            }
        }
        self.level = in_force.1;
        self.valid_until = next;
    }
}

/// Where one night ends and the next begins \[ms after local midnight\].
const NOON_MS: i64 = DAY_MS / 2;

/// When a step takes effect in the night that begins at noon of `evening` \[local day\].
fn start_of(step: ProgrammeStep, sun: Sun<'_>, evening: i64) -> Timestamp {
    let shifted = |event: Timestamp, minutes: i16| {
        event.plus_millis(i64::from(minutes) * MINUTE_MS + i64::from(sun.shift_ms))
    };
    match step.at {
        StepTime::Clock(minutes) => {
            let time_ms = i64::from(minutes) * MINUTE_MS;
            Timestamp::from_local(if time_ms < NOON_MS { evening + 1 } else { evening }, time_ms)
        }
        StepTime::Sunset(minutes) => shifted(sun.table.sunset(evening), minutes),
        StepTime::Sunrise(minutes) => shifted(sun.table.sunrise(evening + 1), minutes),
    }
}

#[cfg(test)]
mod tests {
    use types::HOUR_MS;

    use super::*;
    use crate::SunDay;

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
        let (table, programme) =
            (table(), Programme { version: 1, steps: steps.into(), presence_level: presence });
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
    fn presence_only_raises_and_only_while_the_programme_gives_light() {
        let steps =
            vec![step(StepTime::Sunset(0), 100), step(StepTime::Clock(0), 30), step(StepTime::Sunrise(0), 0)];
        let mut at = schedule(steps, DimLevel::from_percent(80).ok());
        assert_eq!(at(17, 0).1, None);
        assert_eq!(at(20, 0).1, None);
        assert_eq!(at(25, 0).1, Some(80));
        assert_eq!(at(31, 0).1, None);
    }
}
