use serde::{Deserialize, Serialize};
use types::Seed;

/// How large a city to make. The same spec gives the same city on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CitySpec {
    /// Where all chance in the plan comes from.
    pub seed: Seed,
    /// Luminaires, `1..=200_000`.
    pub luminaires: u32,
    /// Residents, `1..=1_000_000`.
    pub residents: u32,
    /// Clinics and hospitals, `0..=100`.
    pub clinics: u32,
}

/// A number of the spec that no city can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` must be {min} to {max}, got {got}")]
pub struct SpecError {
    /// Which number.
    pub field: &'static str,
    /// The least it may be.
    pub min: u32,
    /// The most it may be.
    pub max: u32,
    /// What it was.
    pub got: u32,
}

impl CitySpec {
    /// Checks every number.
    ///
    /// # Errors
    ///
    /// [`SpecError`] naming the first number out of range.
    pub fn check(&self) -> Result<(), SpecError> {
        within("luminaires", self.luminaires, 1, 200_000)?;
        within("residents", self.residents, 1, 1_000_000)?;
        within("clinics", self.clinics, 0, 100)
    }
}

fn within(field: &'static str, got: u32, min: u32, max: u32) -> Result<(), SpecError> {
    if (min..=max).contains(&got) { Ok(()) } else { Err(SpecError { field, min, max, got }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_out_of_range_is_named_with_its_range() {
        let good = CitySpec { seed: Seed(1), luminaires: 1, residents: 1, clinics: 0 };
        let check =
            |spec: CitySpec, expected: &str| assert_eq!(spec.check().unwrap_err().to_string(), expected);
        check(CitySpec { luminaires: 0, ..good }, "`luminaires` must be 1 to 200000, got 0");
        check(CitySpec { residents: 1_000_001, ..good }, "`residents` must be 1 to 1000000, got 1000001");
        check(CitySpec { clinics: 101, ..good }, "`clinics` must be 0 to 100, got 101");
        assert_eq!(good.check(), Ok(()));
    }
}
