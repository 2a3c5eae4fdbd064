//! Runs and explorations as one HTML page.
//!
//! Everything that comes from a file or the bus goes through maud, which escapes it.

mod run;

use anyhow::Result;
use maud::{Markup, html};
use scenario::{Standing, Verdict};

use super::Section;
use super::tables::count;
use crate::report::page;
use crate::run::Played;
use crate::run::seeds::Explored;

/// The whole page.
pub(in crate::run) fn page(sections: &[Section]) -> Result<String> {
    let title = title(sections);
    let heading = if sections.len() == 1 { Heading::Page } else { Heading::Section };
    let told = sections.iter().enumerate().map(|(nth, section)| match section {
        Section::Run(played) => run::section(&anchor(nth), heading, played),
        Section::Seeds(explored) => seeds(&anchor(nth), heading, explored),
    });
    let told: Vec<Markup> = told.collect::<Result<_>>()?;
    Ok(page::page(
        &title,
        "no real person, luminaire or payment",
        &html! {
            @if sections.len() > 1 {
                h1 { (title) }
                (index(sections))
            }
            @for section in told { (section) }
        },
    ))
}

fn title(sections: &[Section]) -> String {
    match sections {
        [Section::Run(played)] => played.verdict.scenario.clone(),
        [Section::Seeds(explored)] => explored.scenario.clone(),
        _ => count(sections.len(), "scenario", "scenarios"),
    }
}

/// What the heading of a section is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heading {
    /// That of the page: there is only one section.
    Page,
    /// One of several.
    Section,
    /// One of many seeds.
    Seed,
}

impl Heading {
    fn of(self, played: &Played) -> Markup {
        let Verdict { scenario, .. } = &played.verdict;
        let seed = if self == Self::Seed { format!(", seed {}", played.seed) } else { String::new() };
        self.with(&html! { (scenario) (seed) }, played.verdict.standing())
    }

    fn with(self, words: &Markup, standing: Standing) -> Markup {
        let words = html! { (words) " " (badge(standing)) };
        match self {
            Self::Page => html! { h1 { (words) } },
            Self::Section | Self::Seed => html! { h2 { (words) } },
        }
    }
}

fn anchor(nth: usize) -> String {
    format!("run-{}", nth + 1)
}

/// A coloured word.
fn badge(standing: Standing) -> Markup {
    html! { span.badge.(class(standing)) { (sign(standing)) " " (word(standing)) } }
}

fn class(standing: Standing) -> &'static str {
    match standing {
        Standing::Passed => "passed",
        Standing::Inconclusive => "inconclusive",
        Standing::Failed => "failed",
    }
}

fn sign(standing: Standing) -> &'static str {
    match standing {
        Standing::Passed => "✓",
        Standing::Inconclusive => "?",
        Standing::Failed => "✗",
    }
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Passed => "passed",
        Standing::Inconclusive => "nothing was tested",
        Standing::Failed => "failed",
    }
}

/// All runs, with links to them.
fn index(sections: &[Section]) -> Markup {
    html! {
        nav aria-label="Runs" {
            ol.index {
                @for (nth, section) in sections.iter().enumerate() {
                    li { (badge(section.standing())) " " a href={ "#" (anchor(nth)) } { (section.scenario()) }
                        " " span.quiet { (section.summary()) } }
                }
            }
        }
    }
}

impl Section {
    fn scenario(&self) -> &str {
        match self {
            Self::Run(played) => &played.verdict.scenario,
            Self::Seeds(explored) => &explored.scenario,
        }
    }

    fn summary(&self) -> String {
        match self {
            Self::Run(played) => format!("{}, seed {}, {}", played.file, played.seed, passed(played)),
            Self::Seeds(explored) => {
                format!("{}, {} of {} seeds passed", explored.file, explored.passed, explored.seeds())
            }
        }
    }
}

/// How many expectations of a run came true.
fn passed(played: &Played) -> String {
    let outcomes = &played.verdict.outcomes;
    let passed = outcomes.iter().filter(|outcome| outcome.standing == Standing::Passed).count();
    format!("{passed} of {} came true", count(outcomes.len(), "expectation", "expectations"))
}

/// A scenario with many seeds: the numbers, and the run that tells most.
fn seeds(anchor: &str, title: Heading, explored: &Explored) -> Result<Markup> {
    let worst = explored.kept.first();
    let run = worst.map(|played| {
        let anchor = format!("{anchor}-seed-{}", played.seed);
        run::section(&anchor, Heading::Seed, played)
    });
    let run = run.transpose()?;
    Ok(html! {
        section id=(anchor) aria-label=(explored.scenario) {
            (title.with(&html! { (explored.scenario) }, explored.standing()))
            dl.facts {
                div { dt { "File" } dd { code { (explored.file) } } }
                div { dt { "Seeds" } dd { (explored.first_seed) " to " (explored.last_seed) } }
                div { dt { "Passed" } dd { (explored.passed) } }
                div { dt { "Failed" } dd { (explored.failed.len()) } }
                div { dt { "Nothing was tested" } dd { (explored.inconclusive.len()) } }
                div { dt { "Took" } dd { (scenario::show_duration(explored.wall_ms as i64)) } }
            }
            (listed("Seeds that failed", &explored.failed))
            (listed("Seeds with which nothing was tested", &explored.inconclusive))
            @if let Some(played) = worst {
                p { "Below: seed " (played.seed) ", the smallest that " (match played.verdict.standing() {
                    Standing::Failed => "failed",
                    Standing::Inconclusive => "tested nothing",
                    Standing::Passed => "was played",
                }) "." }
            }
        }
        @if let Some(run) = run { (run) }
    })
}

/// The most seeds that are listed one by one.
const SEEDS_LISTED_MAX: usize = 200;

fn listed(title: &str, seeds: &[u64]) -> Markup {
    let shown: Vec<String> = seeds.iter().take(SEEDS_LISTED_MAX).map(u64::to_string).collect();
    html! {
        @if !seeds.is_empty() {
            p { (title) ": " (shown.join(", "))
                @if seeds.len() > SEEDS_LISTED_MAX { " and " (seeds.len() - SEEDS_LISTED_MAX) " more" } }
        }
    }
}
