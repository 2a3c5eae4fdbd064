use types::Timestamp;

/// A clock that runs too fast or too slow: an affine function of the city's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalClock {
    city: Timestamp,
    local: Timestamp,
    ppm: i64,
}

/// Slower than this a clock stands still, and nothing would ever be due \[ppm\].
const PPM_MIN: i64 = -999_999;
const MILLION: i64 = 1_000_000;

impl LocalClock {
    /// Shows `local` at `city`, and runs `ppm` parts per million faster from then on.
    pub(crate) fn new(city: Timestamp, local: Timestamp, ppm: i32) -> Self {
        Self { city, local, ppm: i64::from(ppm).max(PPM_MIN) }
    }

    /// What it shows when the city's clock shows `city`.
    pub(crate) fn at(self, city: Timestamp) -> Timestamp {
        self.local.plus_millis(self.passed(city.millis_since(self.city)))
    }

    /// When it first shows `local` or later, by the city's clock.
    pub(crate) fn city_at(self, local: Timestamp) -> Timestamp {
        let wanted = local.millis_since(self.local);
        // One part of a million at most between the guess and the truth, and rounding.
        let guess = i128::from(wanted) * i128::from(MILLION) / i128::from(MILLION + self.ppm);
        let Ok(mut passed) = i64::try_from(guess) else { return Timestamp::from_millis(i64::MAX) };
        while self.passed(passed) < wanted {
            passed += 1;
        }
        while self.passed(passed - 1) >= wanted {
            passed -= 1;
        }
        self.city.plus_millis(passed)
    }

    /// What passes on it while `millis` pass in the city.
    fn passed(self, millis: i64) -> i64 {
        let more = (i128::from(millis) * i128::from(self.ppm)).div_euclid(i128::from(MILLION));
        millis.saturating_add(i64::try_from(more).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_fast_clock_gains() {
        let clock = LocalClock::new(ms(1_000), ms(5_000), 100_000);
        assert_eq!([1_000, 1_010, 2_000].map(|at| clock.at(ms(at))), [5_000, 5_011, 6_100].map(ms));
        assert_eq!(clock.city_at(ms(6_100)), ms(2_000));
    }

    #[test]
    fn the_end_of_time_stays_there() {
        assert_eq!(LocalClock::new(ms(0), ms(0), -500_000).city_at(ms(i64::MAX)), ms(i64::MAX));
    }

    proptest! {
        #[test]
        fn the_moment_found_is_the_first(
            local in -1_000_000..1_000_000i64,
            ppm in prop_oneof![-999_999..1_000_000, -200..200i32],
            wanted in 0..10_000_000i64,
        ) {
            let clock = LocalClock::new(ms(77), ms(local), ppm);
            let target = ms(local + wanted);
            let city = clock.city_at(target);
            prop_assert!(clock.at(city) >= target);
            prop_assert!(clock.at(city.plus_millis(-1)) < target);
        }
    }
}
