//! The figures of a comparison, as text.

use scenario::{ClassFigures, Figures, Spread, show_duration};

use super::Compared;

/// A figure: what it is, how it is written, and, if less of it is better, the number that tells which policy is best.
pub(super) struct Row {
    pub(super) head: &'static str,
    pub(super) cell: fn(&Figures) -> String,
    pub(super) less_is_better: Option<fn(&Figures) -> f64>,
}

const fn row(head: &'static str, cell: fn(&Figures) -> String) -> Row {
    Row { head, cell, less_is_better: None }
}

const fn less(head: &'static str, cell: fn(&Figures) -> String, number: fn(&Figures) -> f64) -> Row {
    Row { head, cell, less_is_better: Some(number) }
}

/// All figures, in the order of the trade: what it takes, what it gives, what it wears.
pub(super) const ROWS: [Row; 21] = [
    less("energy [kWh]", |f| format!("{:.1}", f.energy_kwh), |f| f.energy_kwh),
    row("energy per luminaire [kWh]", |f| format!("{:.3}", f.energy_kwh / f.luminaires.max(1) as f64)),
    row("mean power per luminaire [W]", |f| format!("{:.1}", f.mean_w)),
    row("AECI, every night so [Wh/m² a]", |f| format!("{:.0}", f.aeci_kwh_per_m2 * 1e3)),
    less("cost [yuan]", |f| format!("{:.0}", f.cost_yuan), |f| f.cost_yuan),
    less("CO₂ [kg]", |f| format!("{:.0}", f.co2_kg), |f| f.co2_kg),
    less("peak [kW]", |f| format!("{:.1}", f.peak_kw), |f| f.peak_kw),
    less("ramp at dusk [kW/min]", |f| format!("{:.1}", f.ramp_kw_per_min), |f| f.ramp_kw_per_min),
    less("over-lighting [kWh]", |f| format!("{:.1}", f.over_lighting_kwh), |f| f.over_lighting_kwh),
    less(
        "shortfall [person h]",
        |f| format!("{:.2}", f.shortfall_person_hours),
        |f| f.shortfall_person_hours,
    ),
    less(
        "shortfall [lx person h]",
        |f| format!("{:.1}", f.shortfall_lx_person_hours),
        |f| f.shortfall_lx_person_hours,
    ),
    less("time below class [%]", |f| format!("{:.1}", f.below_class_percent), |f| f.below_class_percent),
    less("longest dark walk [s]", |f| f.longest_dark_s.to_string(), |f| f.longest_dark_s as f64),
    less("switchings per night", |f| format!("{:.1}", f.switchings), |f| f.switchings),
    less("dim changes per night", |f| format!("{:.1}", f.dim_changes), |f| f.dim_changes),
    row("presence responses", |f| f.response.map_or("–".to_owned(), |spread| spread.count.to_string())),
    row("presence response p50", |f| response(f, |spread| spread.p50_ms)),
    row("presence response p95", |f| response(f, |spread| spread.p95_ms)),
    row("presence response p99", |f| response(f, |spread| spread.p99_ms)),
    less("messages per luminaire and day", |f| format!("{:.0}", f.messages), |f| f.messages),
    row("oracle lower bound [kWh]", |f| format!("{:.1}", f.oracle_kwh)),
];

fn response(figures: &Figures, part: fn(&Spread) -> i64) -> String {
    figures.response.as_ref().map_or("–".to_owned(), |spread| show_duration(part(spread)))
}

/// On what city and nights, in a line: figures of other ones cannot be compared with these.
pub(super) fn setting(compared: &Compared) -> String {
    let Some(first) = compared.figures.first() else { return String::new() };
    format!(
        "{} luminaires on {:.0} m² of road, {} day(s) from {} noon, seed {}, {:.1} person hours at night",
        first.luminaires, first.area_m2, first.nights, compared.date, compared.seed, first.person_hours
    )
}

/// The whole comparison.
pub(super) fn text(compared: &Compared) -> String {
    let all = &compared.figures;
    let Some(first) = all.first() else { return String::new() };
    let width = all.iter().map(|figures| figures.policy.chars().count()).max().unwrap_or(0).max(9);
    let cells = |head: &str, cells: Vec<String>| {
        let row: Vec<_> = cells.iter().map(|cell| format!("{cell:>width$}")).collect();
        format!("{head:<33}{}", row.join("  "))
    };
    let mut lines = vec![format!("{}. SIMULATED / 模拟", setting(compared))];
    lines.push(cells("", all.iter().map(|figures| figures.policy.clone()).collect()));
    lines.extend(ROWS.iter().map(|row| cells(row.head, all.iter().map(row.cell).collect())));
    lines.push("at full light".to_owned());
    lines.extend(first.classes.iter().map(|class| format!("  {}", class_text(class))));
    for policy in &compared.policies {
        lines.push(format!("{}: {}", policy.name, policy.about));
        lines.extend(
            policy
                .profile()
                .into_iter()
                .map(|(class, profile)| format!("  {:<9} {profile}", class.to_string())),
        );
    }
    lines.join("\n")
}

fn class_text(class: &ClassFigures) -> String {
    format!(
        "{:<9} {:>5.1} lx mean, {:>4.1} required   PDI {:.4} W/(lx m²)   LPD {:.2} W/m², limit {:.2}",
        class.class.to_string(),
        class.mean_lx,
        class.required_lx,
        class.pdi_mw_per_lx_m2 / 1e3,
        class.lpd_w_per_m2,
        class.lpd_limit_w_per_m2
    )
}
