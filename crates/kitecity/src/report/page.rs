//! One HTML file that needs nothing else: no network, no script.
//!
//! Everything that comes from a file or the bus goes through maud, which escapes it.

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// A whole page.
///
/// `simulated` – what in it is not real.
pub(crate) fn page(title: &str, simulated: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " – Kitecity" }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                p.simulated role="note" { strong { "SIMULATED / 模拟" } " – " (simulated) }
                main { (body) }
                footer { "Kitecity " (env!("CARGO_PKG_VERSION")) }
            }
        }
    };
    page.into_string()
}

/// A table in a fold; it can be scrolled sideways where it does not fit, also from the keyboard.
///
/// `heads` – names of the columns; those that begin with `#` hold numbers.
pub(crate) fn table(title: &str, open: bool, heads: &[&str], rows: &Markup) -> Markup {
    html! {
        details open[open] {
            summary { (title) }
            div.scroll tabindex="0" role="region" aria-label=(title) { (cells(heads, rows)) }
        }
    }
}

/// The same without a fold, in its whole height.
pub(crate) fn bare_table(title: &str, heads: &[&str], rows: &Markup) -> Markup {
    html! {
        div.scroll.whole tabindex="0" role="region" aria-label=(title) { (cells(heads, rows)) }
    }
}

fn cells(heads: &[&str], rows: &Markup) -> Markup {
    html! {
        table {
            thead { tr { @for head in heads {
                th.number[head.starts_with('#')] scope="col" { (head.trim_start_matches('#')) }
            } } }
            tbody { (rows) }
        }
    }
}
