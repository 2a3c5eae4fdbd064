use types::{HOUR_MS, SECOND_MS, Timestamp};

use super::defect::Glow;
use super::drive::Drive;
use super::model::LuminaireModel;

/// Counts energy and time with light, exactly.
///
/// Power is linear in time between two changes of the drive, and a whole number of the model's parts at every whole
/// millisecond. So the area below it is a sum of trapezoids without remainder: however a stretch of time is cut into
/// pieces, the pieces add up to the whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meter {
    /// Energy taken out of `half_parts` in whole milliwatt hours.
    mwh: u64,
    /// The rest of the energy \[half of a model's part of a milliwatt · ms\]. Kept as one word, since it is read and
    /// written at every event of every luminaire; what would not fit becomes whole milliwatt hours.
    half_parts: u64,
    burning_ms: u64,
    counted_to: Timestamp,
}

impl Meter {
    /// Counts from `now` on, starting at no energy and so much time with light \[ms\].
    pub(super) fn new(burning_ms: u64, now: Timestamp) -> Self {
        Self { mwh: 0, half_parts: 0, burning_ms, counted_to: now }
    }

    /// The same by a clock that was set `by_ms` forward.
    pub(super) fn shifted(self, by_ms: i64) -> Self {
        Self { counted_to: self.counted_to.plus_millis(by_ms), ..self }
    }

    /// Up to when it has counted.
    #[inline]
    pub(super) fn counted_to(&self) -> Timestamp {
        self.counted_to
    }

    /// Counts up to `now` what `glow` draws: `percent` of the energy, and all of the time. Neither the drive nor the
    /// glow may have turned since the last count, except at `now`.
    #[inline]
    pub(super) fn count(
        &mut self,
        model: &LuminaireModel,
        drive: Drive,
        glow: Glow,
        percent: u64,
        now: Timestamp,
    ) {
        let Ok(passed_ms @ 1..) = u64::try_from(now.millis_since(self.counted_to)) else { return };
        let parts_at = |at| glow.parts(model, drive, drive.level(at));
        let start = parts_at(self.counted_to);
        let both_ends = start + if drive.is_moving() { parts_at(now) } else { start };
        // Whole, because parts are a hundred times finer than a sound luminaire needs.
        let counted = both_ends / 100 * percent;
        let half_parts = u128::from(self.half_parts) + u128::from(counted) * u128::from(passed_ms);
        self.half_parts = u64::try_from(half_parts).unwrap_or_else(|_| self.carry(half_parts, model));
        self.burning_ms += if glow.is_lit(drive) { passed_ms } else { 0 };
        self.counted_to = now;
    }

    /// Takes the whole milliwatt hours out of `half_parts`, and leaves the rest.
    #[cold]
    fn carry(&mut self, half_parts: u128, model: &LuminaireModel) -> u64 {
        let per_mwh = u128::from(half_parts_per_mwh(model));
        let mwh = u64::try_from(half_parts / per_mwh);
        self.mwh += mwh.expect("a luminaire is off before 10^13 years have passed");
        u64::try_from(half_parts % per_mwh).expect("less than there is in one milliwatt hour")
    }

    /// Whole milliwatt hours so far.
    pub(super) fn energy_mwh(&self, model: &LuminaireModel) -> u64 {
        self.mwh + self.half_parts / half_parts_per_mwh(model)
    }

    /// Time with light so far \[ms\].
    pub(super) fn burning_ms(&self) -> u64 {
        self.burning_ms
    }

    /// Whole seconds with light so far.
    pub(super) fn burning_s(&self) -> u64 {
        self.burning_ms / SECOND_MS as u64
    }

    #[cfg(test)]
    pub(super) fn exact(&self, model: &LuminaireModel) -> (u128, u64) {
        let whole = u128::from(self.mwh) * u128::from(half_parts_per_mwh(model));
        (whole + u128::from(self.half_parts), self.burning_ms)
    }
}

fn half_parts_per_mwh(model: &LuminaireModel) -> u64 {
    2 * model.parts_per_mw() * HOUR_MS as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{DimLevel, LuminaireModelConfig, Physics};

    fn model(fade_ms: u32) -> LuminaireModel {
        let (rated_mw, standby_mw, physics) = (80_500, 500, Physics::default());
        let config =
            LuminaireModelConfig { rated_mw, standby_mw, fade_ms, report_period_ms: 900_000, physics };
        LuminaireModel::new(config).unwrap()
    }

    #[test]
    fn one_hour_of_full_light_is_the_rated_power() {
        let (model, start) = (model(2_000), Timestamp::default());
        let mut meter = Meter::new(0, start);
        meter.count(&model, Drive::resting(2_000, start), Glow::Follows, 100, start.plus_millis(HOUR_MS));
        assert_eq!((meter.energy_mwh(&model), meter.burning_s()), (80_500, 3_600));
    }

    #[test]
    fn a_fade_from_off_takes_the_mean_of_its_ends() {
        let (model, start) = (model(2_000), Timestamp::default());
        let mut meter = Meter::new(0, start);
        meter.count(
            &model,
            Drive::resting(0, start).towards(2_000, start),
            Glow::Follows,
            100,
            start.plus_millis(2_000),
        );
        // From 4.5 W to 80.5 W in two seconds: 85 J.
        assert_eq!(meter.exact(&model), (85_000_000 * 2 * u128::from(model.parts_per_mw()), 2_000));
    }

    proptest! {
        #[test]
        fn the_pieces_add_up_to_the_whole_however_time_is_cut(
            (percent_from, percent_to) in (0u8..=100, 0u8..=100),
            fade_ms in (0u32..=6_000).prop_map(|hundreds| hundreds * 100),
            glow in glows(),
            metered_percent in 1u64..200,
            cuts in prop::collection::vec(0u32..700_000, 0..20),
        ) {
            let (model, start) = (model(fade_ms), Timestamp::default());
            let fine = |percent| model.fine(DimLevel::from_percent(percent).unwrap());
            let drive = Drive::resting(fine(percent_from), start).towards(fine(percent_to), start);
            let end = drive.arrival().unwrap_or(start.plus_millis(700_000));
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| start.plus_millis(cut.into()).min(end)).collect();
            cuts.sort();

            let (mut whole, mut pieces) = (Meter::new(0, start), Meter::new(0, start));
            whole.count(&model, drive, glow, metered_percent, end);
            let mut before = pieces.exact(&model);
            for cut in cuts.into_iter().chain([end]) {
                pieces.count(&model, drive, glow, metered_percent, cut);
                prop_assert!(before <= pieces.exact(&model), "went down");
                before = pieces.exact(&model);
            }
            prop_assert_eq!(whole.exact(&model), pieces.exact(&model));
        }
    }

    fn glows() -> impl Strategy<Value = Glow> {
        prop_oneof![
            Just(Glow::Follows),
            // Parts of LEDs and meters that count too much do not come together.
            Just(Glow::Holds(70)),
            Just(Glow::Standby),
            Just(Glow::Dead),
        ]
    }
}
