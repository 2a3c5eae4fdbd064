use city::RoadClass;
use serde::Serialize;
use types::{HOUR_MS, SECOND_MS, Timestamp};

use super::{Comparison, Meter, Minute, required_lx};
use crate::judge::Spread;

/// Price of energy \[yuan/kWh\]. A figure of the model.
const YUAN_PER_KWH: f64 = 0.60;
/// Carbon dioxide of the grid \[kg/kWh\]. A figure of the model.
const CO2_KG_PER_KWH: f64 = 0.57;
/// Hours with light in a year.
const NIGHTS_PER_YEAR: f64 = 365.0;

/// What one policy did to one city.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// Its name.
    pub policy: String,
    /// How many luminaires.
    pub luminaires: usize,
    /// The road they light \[m²\].
    pub area_m2: f64,
    /// How many days and nights were measured.
    pub nights: f64,
    /// Energy \[kWh\].
    pub energy_kwh: f64,
    /// What a city would use that knows where everyone is, and lights only there, as much as required \[kWh\].
    pub oracle_kwh: f64,
    /// Mean power of a luminaire, day and night \[W\].
    pub mean_w: f64,
    /// Annual energy consumption indicator, if every night were so \[kWh/m² a\].
    pub aeci_kwh_per_m2: f64,
    /// Cost \[yuan\].
    pub cost_yuan: f64,
    /// Carbon dioxide \[kg\].
    pub co2_kg: f64,
    /// Highest power \[kW\].
    pub peak_kw: f64,
    /// The steepest rise of power \[kW/min\]: at dusk.
    pub ramp_kw_per_min: f64,
    /// Energy for more light than required \[kWh\].
    pub over_lighting_kwh: f64,
    /// People on foot at night \[person hours\].
    pub person_hours: f64,
    /// Missing light, weighted by the people it is missing for \[person hours without any\].
    pub shortfall_person_hours: f64,
    /// The same in units of light \[lx person hours\].
    pub shortfall_lx_person_hours: f64,
    /// Share of their time with less light than required \[%\].
    pub below_class_percent: f64,
    /// Longest time someone walked in the dark \[s\].
    pub longest_dark_s: i64,
    /// How often a luminaire is switched on in a night.
    pub switchings: f64,
    /// How often it changes its level in a night.
    pub dim_changes: f64,
    /// How long a luminaire took to be bright after someone came near.
    pub response: Option<Spread>,
    /// Messages from and to a luminaire in a day.
    pub messages: f64,
    /// What the roads of each class have.
    pub classes: Vec<ClassFigures>,
    /// How the city stood in every minute.
    #[serde(skip)]
    pub curve: Vec<Minute>,
}

/// What the roads of one class have at full light: a matter of the plan, not of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ClassFigures {
    /// Which class.
    pub class: RoadClass,
    /// Mean illuminance \[lx\].
    pub mean_lx: f64,
    /// What is required in the evening \[lx\].
    pub required_lx: f64,
    /// Power density indicator \[mW/(lx m²)\].
    pub pdi_mw_per_lx_m2: f64,
    /// Lighting power density \[W/m²\].
    pub lpd_w_per_m2: f64,
    /// The most that CJJ 45 allows, as quoted elsewhere \[W/m²\].
    pub lpd_limit_w_per_m2: f64,
}

pub(super) fn figures(policy: &str, comparison: &Comparison, end: Timestamp) -> Figures {
    let meters = &comparison.meters;
    let walkers = &comparison.walkers;
    let nights = comparison.nights(end);
    let sum = |part: fn(&Meter) -> f64| meters.iter().map(part).sum::<f64>();
    let mean = |part: fn(&Meter) -> f64| sum(part) / (meters.len().max(1) as f64 * nights);
    let hours = |ms: f64| ms / HOUR_MS as f64;
    let energy_kwh = sum(|meter| meter.energy_mwh as f64) / 1e6;
    let standby_kwh = sum(|meter| meter.standby_w) * nights * 24.0 / 1e3;
    let area_m2 = sum(|meter| meter.road_m2);
    Figures {
        policy: policy.to_owned(),
        luminaires: meters.len(),
        area_m2,
        nights,
        energy_kwh,
        oracle_kwh: standby_kwh + comparison.oracle_wh / 1e3,
        mean_w: energy_kwh * 1e3 / (meters.len().max(1) as f64 * nights * 24.0),
        aeci_kwh_per_m2: energy_kwh / nights * NIGHTS_PER_YEAR / area_m2,
        cost_yuan: energy_kwh * YUAN_PER_KWH,
        co2_kg: energy_kwh * CO2_KG_PER_KWH,
        peak_kw: comparison.peak_mw as f64 / 1e6,
        ramp_kw_per_min: comparison.curve.steepest_kw_per_min(),
        over_lighting_kwh: sum(|meter| meter.over_wh) / 1e3,
        person_hours: hours(walkers.person_ms as f64),
        shortfall_person_hours: hours(walkers.deficit_ms),
        shortfall_lx_person_hours: hours(walkers.deficit_lx_ms),
        below_class_percent: 100.0 * walkers.below_ms as f64 / walkers.person_ms.max(1) as f64,
        longest_dark_s: walkers.dark_ms_max / SECOND_MS,
        switchings: mean(|meter| f64::from(meter.switch_count)),
        dim_changes: mean(|meter| f64::from(meter.changes)),
        response: Spread::of(&walkers.response_ms),
        messages: comparison.messages as f64 / (meters.len().max(1) as f64 * nights),
        curve: comparison.curve.minutes.clone(),
        classes: RoadClass::ALL.into_iter().filter_map(|class| class_figures(meters, class)).collect(),
    }
}

/// The limit of CJJ 45 for the lower illuminance of each class: arterial at 20 lx, secondary at 15 lx, branch at 8 lx.
///
/// Source: quoted from secondary literature; the standard itself was not read.
fn lpd_limit(class: RoadClass) -> f64 {
    match class {
        RoadClass::Ring => 0.70,
        RoadClass::Arterial => 0.60,
        RoadClass::Branch => 0.40,
    }
}

fn class_figures(meters: &[Meter], class: RoadClass) -> Option<ClassFigures> {
    let own = || meters.iter().filter(move |meter| meter.class == class);
    let area: f64 = own().map(|meter| meter.road_m2).sum();
    let flux: f64 = own().map(|meter| meter.full_lx * meter.road_m2).sum();
    let power: f64 = own().map(|meter| meter.rated_w).sum();
    (area > 0.0).then(|| ClassFigures {
        class,
        mean_lx: flux / area,
        // At 18:00 on any day: the evening.
        required_lx: required_lx(class, Timestamp::from_local(0, 18 * HOUR_MS)),
        pdi_mw_per_lx_m2: power * 1e3 / flux,
        lpd_w_per_m2: power / area,
        lpd_limit_w_per_m2: lpd_limit(class),
    })
}
