use lighting::{DimLevel, Nights, Programme, ProgrammeStep, StepTime};

use crate::shape::distance;
use crate::sites::CabinetSite;
use crate::street::RoadClass;

/// When the morning begins on the streets [min after midnight]: before the earliest sunrise of the year, 04:45.
///
/// Steps take effect in order of time. Were this after sunrise on some days, the luminaires would come on in daylight.
const MORNING: u16 = 4 * 60 + 40;

/// The lighting programmes a city begins with, one per road class; [`calendar_of`] tells which.
///
/// Full light from sunset, less from 22:00, least from midnight, more again when the morning begins, none from sunrise.
pub fn calendars() -> [Programme; 3] {
    RoadClass::ALL.map(|class| match class {
        RoadClass::Ring | RoadClass::Arterial => programme([100, 70, 50, 80], None),
        RoadClass::Branch => programme([100, 60, 30, 60], Some(DimLevel::FULL)),
    })
}

/// Which of [`calendars`] the luminaires of a road class keep.
pub fn calendar_of(class: RoadClass) -> usize {
    match class {
        RoadClass::Ring => 0,
        RoadClass::Arterial => 1,
        RoadClass::Branch => 2,
    }
}

/// Longest time a cabinet waits after sunset or sunrise \[ms\], exclusive.
const STAGGER_MS_MAX: f64 = 90_000.0;
/// Part of it that differs from one cabinet to its neighbours \[ms\].
const STAGGER_UNEVEN_MS: u32 = 5_000;
/// At this distance from the origin a cabinet waits half of the rest \[m\].
const STAGGER_HALF_M: f64 = 1_800.0;

impl CabinetSite {
    /// How long after the sun its luminaires follow \[ms of the city's time\], `0..90_000`.
    ///
    /// It grows with the distance from the origin: dusk runs through the city as a wave from its middle outwards, and
    /// not all luminaires draw their inrush at once. A cabinet's stagger stays when the city grows.
    pub fn stagger_ms(&self) -> i32 {
        let out = distance((self.x_m, self.y_m), (0.0, 0.0));
        let wave = (STAGGER_MS_MAX - f64::from(STAGGER_UNEVEN_MS)) * out / (out + STAGGER_HALF_M);
        // 2 111 is prime to the modulus: neighbours in number are far apart in time.
        let uneven = self.id.0 % STAGGER_UNEVEN_MS * 2_111 % STAGGER_UNEVEN_MS;
        wave as i32 + uneven as i32
    }
}

fn programme(levels: [u8; 4], presence_level: Option<DimLevel>) -> Programme {
    let [evening, late, night, morning] = levels;
    let step = |at, percent| ProgrammeStep {
        at,
        level: DimLevel::from_percent(percent).expect("all levels here are at most 100"),
    };
    let steps = vec![
        step(StepTime::Sunset(0), evening),
        step(StepTime::Clock(22 * 60), late),
        step(StepTime::Clock(0), night),
        step(StepTime::Clock(MORNING), morning),
        step(StepTime::Sunrise(0), 0),
    ];
    Programme { version: 1, steps: steps.into(), presence_level, nights: Nights::default() }
}

#[cfg(test)]
mod tests {
    use types::{MINUTE_MS, Seed};

    use super::*;
    use crate::{CitySpec, ORIGIN, Plan, astro_shift_ms, astro_table};

    #[test]
    fn each_class_has_its_own_calendar() {
        assert_eq!(RoadClass::ALL.map(calendar_of), [0, 1, 2]);
        assert_eq!(calendars()[0].presence_level, None);
        assert_eq!(calendars()[2].presence_level, Some(DimLevel::FULL));
    }

    #[test]
    fn no_luminaire_of_the_largest_city_comes_on_after_sunrise() {
        let spec = CitySpec { seed: Seed(1), luminaires: 200_000, residents: 1, clinics: 0 };
        let plan = Plan::generate(&spec).unwrap();
        let earliest =
            plan.luminaires().iter().map(|site| astro_shift_ms(site.position, ORIGIN)).min().unwrap();
        let table = astro_table(2026).unwrap();
        for day in 20_454..20_454 + 365 {
            let sunrise = table.sunrise(day).local_time_ms() + i64::from(earliest);
            assert!(sunrise > i64::from(MORNING) * MINUTE_MS, "day {day}: {sunrise}");
            let sunset = table.sunset(day).local_time_ms() - i64::from(earliest) + 90_000;
            assert!(sunset < 22 * 60 * MINUTE_MS, "day {day}: {sunset}");
        }
    }

    #[test]
    fn dusk_runs_outwards_within_ninety_seconds() {
        let spec = CitySpec { seed: Seed(1), luminaires: 20_000, residents: 1, clinics: 0 };
        let plan = Plan::generate(&spec).unwrap();
        let staggers: Vec<i32> = plan.cabinets().iter().map(CabinetSite::stagger_ms).collect();
        assert!(staggers.iter().all(|stagger| (0..90_000).contains(stagger)));
        assert!(staggers[0] < 30_000 && staggers[staggers.len() - 1] > 60_000);
    }
}
