//! A comparison as one HTML page: the figures, and the curves of the night.

use anyhow::Result;
use maud::{Markup, html};
use scenario::{Figures, Minute, show_moment};
use types::Timestamp;

use super::Compared;
use super::table::{ROWS, Row, setting};
use crate::report::chart::{self, Line, Span};
use crate::report::page;

/// Minutes from one row of a table of a chart to the next.
const ROW_EACH: usize = 15;
/// Minutes from one point of a curve to the next: a pixel is wider.
const POINT_EACH: usize = 3;

/// A number that has a curve.
struct Curve {
    title: &'static str,
    about: &'static str,
    number: fn(&Minute) -> f64,
}

const CURVES: [Curve; 3] = [
    Curve {
        title: "Power [kW]",
        about: "What all luminaires draw, as far as they told.",
        number: |minute| minute.power_kw,
    },
    Curve {
        title: "Mean level [%]",
        about: "What luminaires give on average, of their full light.",
        number: |minute| minute.level_percent,
    },
    Curve {
        title: "Energy since the start [kWh]",
        about: "Power, added up minute by minute.",
        number: |minute| minute.energy_kwh,
    },
];

/// The whole page.
pub(super) fn page(compared: &Compared) -> Result<String> {
    let curves: Vec<Markup> = CURVES.iter().map(|which| curve(compared, which)).collect::<Result<_>>()?;
    let body = html! {
        section aria-label="Lighting policies compared" {
            h1 { "Lighting policies compared" }
            p.lead { (setting(compared)) "." }
            p.quiet { "The same roads, people and nights under each policy. It compares policies; it does not design \
                roads. The best of each figure is marked ✓." }
            h2 { "Figures" }
            (figures(compared))
            h2 { "Over the night" }
            @for curve in &curves { (curve) }
            (people(compared)?)
            h2 { "Roads at full light" }
            (classes(compared))
            h2 { "Policies" }
            (policies(compared))
        }
    };
    Ok(page::page("Lighting policies compared", "no real person or luminaire", &body))
}

fn figures(compared: &Compared) -> Markup {
    let all = &compared.figures;
    let names: Vec<String> = all.iter().map(|figures| format!("#{}", figures.policy)).collect();
    let heads: Vec<&str> = std::iter::once("figure").chain(names.iter().map(String::as_str)).collect();
    let rows = html! {
        @for row in &ROWS {
            tr {
                th scope="row" { (row.head) }
                @for figures in all {
                    @let best = is_best(row, figures, all);
                    td.number.best[best] { ((row.cell)(figures)) @if best { " ✓" } }
                }
            }
        }
    };
    page::bare_table("Figures of each policy", &heads, &rows)
}

/// Whether no other policy has less of what should be little, and one has more.
fn is_best(row: &Row, figures: &Figures, all: &[Figures]) -> bool {
    let Some(number) = row.less_is_better else { return false };
    all.iter().all(|other| number(figures) <= number(other))
        && all.iter().any(|other| number(figures) < number(other))
}

fn span(compared: &Compared) -> Span {
    Span { start: compared.start, end: compared.end }
}

fn points(figures: &Figures, number: fn(&Minute) -> f64, each: usize) -> Vec<(Timestamp, f64)> {
    figures.curve.iter().step_by(each).map(|minute| (minute.at, number(minute))).collect()
}

fn curve(compared: &Compared, which: &Curve) -> Result<Markup> {
    let lines: Vec<Line> = compared
        .figures
        .iter()
        .map(|figures| Line {
            name: figures.policy.clone(),
            points: points(figures, which.number, POINT_EACH),
        })
        .collect();
    let most = |line: &Line| line.points.iter().map(|point| point.1).fold(0.0, f64::max);
    let told: Vec<String> =
        lines.iter().map(|line| format!("{} at most {:.1}", line.name, most(line))).collect();
    let label = format!("{} over the night: {}", which.title, told.join(", "));
    Ok(html! {
        h3 { (which.title) }
        p.axis { (which.about) }
        (chart::lines(span(compared), &label, &lines)?)
        (as_table(compared, which))
    })
}

/// What a chart is drawn from.
fn as_table(compared: &Compared, which: &Curve) -> Markup {
    let names: Vec<String> = compared.figures.iter().map(|figures| format!("#{}", figures.policy)).collect();
    let heads: Vec<&str> = std::iter::once("time").chain(names.iter().map(String::as_str)).collect();
    let columns: Vec<_> =
        compared.figures.iter().map(|figures| points(figures, which.number, ROW_EACH)).collect();
    let moments = columns.first().map_or(0, Vec::len);
    let rows = html! {
        @for nth in 0..moments {
            tr {
                th scope="row" { (show_moment(columns[0][nth].0, compared.start)) }
                @for column in &columns { td.number { (column.get(nth).map_or(String::new(), |point| format!("{:.2}", point.1))) } }
            }
        }
    };
    page::table(&format!("{}, as a table", which.title), false, &heads, &rows)
}

/// People in the streets: the same under each policy.
fn people(compared: &Compared) -> Result<Markup> {
    let Some(first) = compared.figures.first() else { return Ok(html! {}) };
    let people: fn(&Minute) -> f64 = |minute| minute.people as f64;
    let points = points(first, people, POINT_EACH);
    let most = points.iter().map(|point| point.1).fold(0.0, f64::max);
    Ok(html! {
        h3 { "People in the streets" }
        p.axis { "The same under each policy." }
        (chart::curve(span(compared), &format!("People in the streets over the night, at most {most}"), &points, true)?)
        (page::table("People in the streets, as a table", false, &["time", "#people"], &html! {
            @for minute in first.curve.iter().step_by(ROW_EACH) {
                tr { th scope="row" { (show_moment(minute.at, compared.start)) } td.number { (minute.people) } }
            }
        }))
    })
}

fn classes(compared: &Compared) -> Markup {
    let heads = [
        "class",
        "#mean [lx]",
        "#required [lx]",
        "#PDI [W/(lx m²)]",
        "#LPD [W/m²]",
        "#limit of CJJ 45 [W/m²]",
    ];
    let classes = compared.figures.first().map_or(&[][..], |first| &first.classes);
    page::bare_table(
        "What roads have at full light",
        &heads,
        &html! {
            @for class in classes {
                tr {
                    th scope="row" { (class.class) }
                    td.number { (format!("{:.1}", class.mean_lx)) }
                    td.number { (format!("{:.1}", class.required_lx)) }
                    td.number { (format!("{:.4}", class.pdi_mw_per_lx_m2 / 1e3)) }
                    td.number { (format!("{:.2}", class.lpd_w_per_m2)) }
                    td.number { (format!("{:.2}", class.lpd_limit_w_per_m2)) }
                }
            }
        },
    )
}

fn policies(compared: &Compared) -> Markup {
    html! {
        @for policy in &compared.policies {
            h3 { (policy.name) }
            p.lead { (policy.about) }
            dl.failure {
                @for (class, profile) in policy.profile() { dt { (class) } dd { (profile) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use city::{CitySpec, Plan};
    use scenario::{Comparison, LightingPolicy};
    use types::{HOUR_MS, Seed};

    use super::*;

    fn compared(policies: usize) -> Compared {
        let plan =
            Plan::generate(&CitySpec { seed: Seed(7), luminaires: 5, residents: 1, clinics: 0 }).unwrap();
        let (plan, sun) = (std::sync::Arc::new(plan), std::sync::Arc::new(city::astro_table(2026).unwrap()));
        let start = Timestamp::from_local(20_777, 12 * HOUR_MS);
        let end = start.plus_millis(HOUR_MS);
        let figures = (0..policies)
            .map(|nth| Comparison::new(plan.clone(), sun.clone(), start).conclude(&format!("<p{nth}>"), end))
            .collect();
        let policy: LightingPolicy =
            toml::from_str(include_str!("../../../../config/lighting/midnight-dim.toml")).unwrap();
        Compared {
            policies: vec![policy; policies],
            figures,
            seed: 7,
            date: "2026-11-20".to_owned(),
            start,
            end,
        }
    }

    #[test]
    fn names_of_policies_are_escaped_and_every_chart_has_its_table() {
        let page = page(&compared(2)).unwrap();
        assert!(page.contains("&lt;p1&gt;") && !page.contains("<p1>"));
        assert_eq!(page.matches("role=\"img\"").count(), 2 * page.matches("as a table</summary>").count());
        assert!(!page.contains("<script") && !page.contains("http"));
    }

    #[test]
    fn nothing_is_best_among_equals() {
        let compared = compared(2);
        assert!(ROWS.iter().all(|row| !is_best(row, &compared.figures[0], &compared.figures)));
    }
}
