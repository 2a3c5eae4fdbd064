//! Keeps the programme for a device that cannot.

use std::collections::BTreeMap;
use std::sync::Arc;

use lighting::{AstroTable, DimLevel, Mode, Programme, Schedule, Sun};
use types::{DistrictId, LuminaireId, Timestamp};

/// What a bridge knows of a luminaire's place.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    /// Where it stands.
    pub district: DistrictId,
    /// Power at full output \[mW\].
    pub rated_mw: u32,
    /// Power without light \[mW\].
    pub standby_mw: u32,
    /// How much later (earlier, if negative) the sun sets there than the table says \[ms\].
    pub astro_shift_ms: i32,
}

/// The places of a city's luminaires, and its sun.
#[derive(Clone, Debug)]
pub struct Sites {
    /// When the sun rises and sets.
    pub astro: Arc<AstroTable>,
    /// Place by place.
    pub by_luminaire: BTreeMap<LuminaireId, Site>,
}

impl Sites {
    /// The sun over one luminaire.
    pub(crate) fn sun(&self, site: &Site) -> Sun<'_> {
        Sun { table: &self.astro, shift_ms: site.astro_shift_ms }
    }
}

/// What a luminaire should give now: the programme's level, or one that overrides it until its end.
///
/// All times are the city's.
#[derive(Debug, Default)]
pub struct Keeper {
    schedule: Option<Schedule>,
    held: Option<(DimLevel, Option<Timestamp>)>,
}

impl Keeper {
    /// Takes a programme, unless it has a newer one.
    pub fn take_programme(&mut self, programme: &Programme, sun: Sun<'_>, now: Timestamp) {
        if self.schedule.as_ref().is_none_or(|known| known.version() <= programme.version) {
            self.schedule = Some(Schedule::new(programme.clone(), sun, now));
        }
    }

    /// Holds a level until `until`; without a level, ends that.
    pub fn hold(&mut self, level: Option<DimLevel>, until: Option<Timestamp>) {
        self.held = level.map(|level| (level, until));
    }

    /// The level that counts at `now`, and why; `None` = nobody ever said.
    pub fn wanted(&mut self, sun: Sun<'_>, now: Timestamp) -> Option<(DimLevel, Mode)> {
        if self.held.is_some_and(|(_, until)| until.is_some_and(|until| until <= now)) {
            self.held = None;
        }
        if let Some(schedule) = self.schedule.as_mut().filter(|schedule| schedule.valid_until() <= now) {
            schedule.refresh(sun, now);
        }
        let held = self.held.map(|(level, _)| (level, Mode::Override));
        held.or(self.schedule.as_ref().map(|schedule| (schedule.level(), Mode::Programme)))
    }

    /// When that may change by itself.
    pub fn next_change(&self) -> Option<Timestamp> {
        let ends = self.held.and_then(|(_, until)| until);
        ends.into_iter().chain(self.schedule.as_ref().map(Schedule::valid_until)).min()
    }
}

#[cfg(test)]
mod tests {
    use lighting::{ProgrammeStep, StepTime, SunDay};
    use types::HOUR_MS;

    use super::*;

    #[test]
    fn an_override_beats_the_programme_until_its_end_and_a_programme_never_goes_back() {
        let day = SunDay { sunrise_ms: 6 * HOUR_MS as u32, sunset_ms: 18 * HOUR_MS as u32 };
        let table = AstroTable::new(0, vec![day]).unwrap();
        let sun = Sun { table: &table, shift_ms: 0 };
        let hour = |hour: i64| Timestamp::from_local(0, hour * HOUR_MS);
        let level = |percent| DimLevel::from_percent(percent).unwrap();
        let mut keeper = Keeper::default();
        assert_eq!((keeper.wanted(sun, hour(13)), keeper.next_change()), (None, None));

        let step = |at, percent| ProgrammeStep { at, level: level(percent) };
        let steps = vec![step(StepTime::Sunset(0), 80), step(StepTime::Sunrise(0), 0)];
        let programme = Programme {
            version: 2,
            steps: steps.into(),
            presence_level: None,
            nights: lighting::Nights::default(),
        };
        keeper.take_programme(&programme, sun, hour(13));
        keeper.take_programme(&Programme { version: 1, ..Programme::default() }, sun, hour(13));
        assert_eq!(keeper.wanted(sun, hour(17)), Some((level(0), Mode::Programme)));
        assert_eq!(keeper.next_change(), Some(hour(18)));
        assert_eq!(keeper.wanted(sun, hour(18)), Some((level(80), Mode::Programme)));

        keeper.hold(Some(level(30)), Some(hour(20)));
        assert_eq!(keeper.wanted(sun, hour(19)), Some((level(30), Mode::Override)));
        assert_eq!(keeper.next_change(), Some(hour(20)));
        assert_eq!(keeper.wanted(sun, hour(20)), Some((level(80), Mode::Programme)));
    }
}
