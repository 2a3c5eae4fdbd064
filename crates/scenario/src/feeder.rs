//! How much voltage is lost between a cabinet and its luminaires.

use city::{LuminaireSite, Plan};

/// Resistance of a feeder, there and back \[Ω/km\]: 16 mm² of aluminium, warm.
const OHM_PER_KM: f64 = 4.4;
/// A street is longer than the straight way along it, and cables go up and down poles.
const DETOUR: f64 = 1.1;
/// Luminaires whose current a feeder carries on the mean of its way: half of the ten on one phase of a full circuit.
/// Also where fewer stand, so that one more luminaire changes nothing for the others.
const CARRIED: f64 = 5.0;

/// What is lost on the way to a luminaire when its whole feeder gives full light \[mV\]: `I · R · distance`.
pub(crate) fn drop_mv(plan: &Plan, site: &LuminaireSite, nominal_mv: u32) -> u32 {
    let Some(cabinet) = plan.cabinet(site.cabinet) else { return 0 };
    let (x, y) = (site.x_m - cabinet.x_m, site.y_m - cabinet.y_m);
    let distance_m = DETOUR * (x * x + y * y).sqrt();
    let ampere = CARRIED * f64::from(site.rated_mw) / f64::from(nominal_mv);
    (ampere * OHM_PER_KM * distance_m) as u32
}

#[cfg(test)]
mod tests {
    use city::CitySpec;
    use types::Seed;

    use super::*;

    #[test]
    fn no_luminaire_loses_more_than_seven_percent_and_the_farthest_lose_most() {
        let spec = CitySpec { seed: Seed(7), luminaires: 5_000, residents: 1, clinics: 0 };
        let plan = Plan::generate(&spec).unwrap();
        let drops: Vec<u32> = plan.luminaires().iter().map(|site| drop_mv(&plan, site, 220_000)).collect();
        assert!(drops.iter().all(|&drop| drop <= 15_400), "{:?}", drops.iter().max());
        assert!(drops.iter().any(|&drop| drop > 2_000) && drops.iter().any(|&drop| drop < 500));
    }
}
