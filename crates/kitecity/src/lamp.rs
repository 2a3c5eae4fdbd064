//! `kitecity lamp compare`: lighting policies over the same city, people and nights.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use lighting::AstroTable;
use scenario::{Cast, CastSpec, Comparison, Figures, LightingPolicy, local_day, show_duration};
use sim::Sim;
use types::{DAY_MS, HOUR_MS, RunId, Seed, Timestamp};

use crate::config::{Config, parse};
use crate::up::UsageError;
use crate::{Settings, out};

/// The policies that are compared when none are named.
const BUILT_IN: [(&str, &str); 4] = [
    ("config/lighting/always-100.toml", include_str!("../../../config/lighting/always-100.toml")),
    ("config/lighting/midnight-dim.toml", include_str!("../../../config/lighting/midnight-dim.toml")),
    (
        "config/lighting/constant-light-dim.toml",
        include_str!("../../../config/lighting/constant-light-dim.toml"),
    ),
    (
        "config/lighting/presence-adaptive.toml",
        include_str!("../../../config/lighting/presence-adaptive.toml"),
    ),
];
/// When a day of comparison begins: at noon, so that a night stays whole.
const FIRST_HOUR: i64 = 12;

/// Street lighting.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Lamp {
    /// Run lighting policies over the same city, people and nights, and print what each costs and gives.
    Compare(CompareArgs),
}

/// What to compare.
#[derive(Clone, Debug, Args)]
pub(crate) struct CompareArgs {
    /// Policy files; otherwise the four in config/lighting.
    policies: Vec<PathBuf>,
    /// The first day, from noon on.
    #[arg(long, default_value = "2026-11-20")]
    date: String,
    /// How many days and nights, 1 to 31.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=31))]
    nights: u32,
    /// One line of JSON per policy instead of a table.
    #[arg(long)]
    json: bool,
}

/// Compares, or says what is wrong with a file.
pub(crate) fn run(what: &Lamp, settings: &Settings) -> Result<ExitCode> {
    let Lamp::Compare(args) = what;
    let policies = policies(args)?;
    let (year, day) = local_day(&args.date).map_err(|message| UsageError(format!("--date: {message}")))?;
    let sun = Arc::new(city::astro_table(year).map_err(|error| UsageError(error.to_string()))?);
    let spec = cast_spec(settings, year)?;
    let start = Timestamp::from_local(day, FIRST_HOUR * HOUR_MS);
    let end = start.plus_millis(i64::from(args.nights) * DAY_MS);
    let mut all = Vec::new();
    for policy in &policies {
        let figures = measure(policy, spec.clone(), &sun, start, end)?;
        if args.json {
            out::line(&serde_json::to_string(&figures)?)?;
        }
        all.push(figures);
    }
    if !args.json {
        out::line(&table(&policies, &all, spec.city.seed, &args.date))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn policies(args: &CompareArgs) -> Result<Vec<LightingPolicy>> {
    let usage = UsageError::from;
    if args.policies.is_empty() {
        return BUILT_IN.iter().map(|(name, text)| Ok(parse(text, name).map_err(usage)?)).collect();
    }
    let read = |file: &PathBuf| -> Result<LightingPolicy> {
        let name = file.display().to_string();
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {name}"));
        Ok(parse(&text.map_err(usage)?, &name).map_err(usage)?)
    };
    args.policies.iter().map(read).collect()
}

fn cast_spec(settings: &Settings, year: i32) -> Result<CastSpec> {
    let mut config = Config::of(settings)?;
    config.city.seed = settings.seed.unwrap_or(config.city.seed);
    config.city.luminaires = settings.luminaires.unwrap_or(config.city.luminaires);
    let city = config.city_spec();
    let policy = config.policy().map_err(UsageError::from)?;
    let issuer_key = city.seed.stream("issuer key", 0).bytes();
    let (physics, burning_h) = config.luminaires().map_err(UsageError::from)?;
    Ok(CastSpec { city, year, policy, issuer_key, start: 1, physics, burning_h })
}

fn measure(
    policy: &LightingPolicy,
    spec: CastSpec,
    sun: &Arc<AstroTable>,
    start: Timestamp,
    end: Timestamp,
) -> Result<Figures> {
    let cast =
        Cast::under_sun(spec, sun.clone()).map_err(|error| UsageError(error.to_string()))?.lit_by(policy);
    let mut comparison = Comparison::new(cast.plan().clone(), sun.clone(), start);
    let run: RunId = "compare".parse()?;
    Sim::new(&cast, run, start)?.run_until(end, &mut comparison);
    Ok(comparison.conclude(&policy.name, end))
}

/// A row of the table: what, and how it is written for one policy.
type Row = (&'static str, fn(&Figures) -> String);

const ROWS: [Row; 15] = [
    ("energy [kWh]", |f| format!("{:.1}", f.energy_kwh)),
    ("energy per luminaire [kWh]", |f| format!("{:.3}", f.energy_kwh / f.luminaires.max(1) as f64)),
    ("AECI, every night so [kWh/m² a]", |f| format!("{:.2}", f.aeci_kwh_per_m2)),
    ("cost [yuan]", |f| format!("{:.0}", f.cost_yuan)),
    ("CO₂ [kg]", |f| format!("{:.0}", f.co2_kg)),
    ("peak [kW]", |f| format!("{:.1}", f.peak_kw)),
    ("over-lighting [kWh]", |f| format!("{:.1}", f.over_lighting_kwh)),
    ("shortfall [person h]", |f| format!("{:.2}", f.shortfall_person_hours)),
    ("time below class [%]", |f| format!("{:.1}", f.below_class_percent)),
    ("longest dark walk [s]", |f| f.longest_dark_s.to_string()),
    ("switchings per night", |f| format!("{:.1}", f.switchings)),
    ("dim changes per night", |f| format!("{:.1}", f.dim_changes)),
    ("presence response p50", |f| response(f, |spread| spread.p50_ms)),
    ("presence response p95", |f| response(f, |spread| spread.p95_ms)),
    ("oracle lower bound [kWh]", |f| format!("{:.1}", f.oracle_kwh)),
];

fn response(figures: &Figures, part: fn(&scenario::Spread) -> i64) -> String {
    figures.response.as_ref().map_or("–".to_owned(), |spread| show_duration(part(spread)))
}

fn table(policies: &[LightingPolicy], all: &[Figures], seed: Seed, date: &str) -> String {
    let Some(first) = all.first() else { return String::new() };
    let width = all.iter().map(|figures| figures.policy.chars().count()).max().unwrap_or(0).max(9);
    let mut lines = vec![format!(
        "{} luminaires on {:.0} m² of road, {} day(s) from {date} noon, seed {}, {:.1} person hours at night. SIMULATED / 模拟",
        first.luminaires, first.area_m2, first.nights, seed.0, first.person_hours
    )];
    let cells = |head: &str, cells: Vec<String>| {
        let row: Vec<_> = cells.iter().map(|cell| format!("{cell:>width$}")).collect();
        format!("{head:<33}{}", row.join("  "))
    };
    lines.push(cells("", all.iter().map(|figures| figures.policy.clone()).collect()));
    lines.extend(ROWS.iter().map(|(head, cell)| cells(head, all.iter().map(cell).collect())));
    lines.push("at full light".to_owned());
    lines.extend(first.classes.iter().map(|class| {
        format!(
            "  {:<9} {:>5.1} lx mean, {:>4.1} required   PDI {:>4.1} mW/(lx m²)   LPD {:.2} W/m²",
            class.class.to_string(),
            class.mean_lx,
            class.required_lx,
            class.pdi_mw_per_lx_m2,
            class.lpd_w_per_m2
        )
    }));
    lines.extend(policies.iter().map(|policy| format!("{}: {}", policy.name, policy.about)));
    lines.join("\n")
}
