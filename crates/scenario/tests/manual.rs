//! The manual says what the language has.

const MANUAL: &str = include_str!("../../../docs/scenarios.md");

#[test]
fn the_manual_lists_every_kind_of_message_and_every_field() {
    let rows: Vec<String> = scenario::KINDS
        .iter()
        .map(|kind| {
            let fields: Vec<_> = kind.field_names().map(|name| format!("`{name}`")).collect();
            format!("| `{}` | {} | {} |", kind.name, kind.about, fields.join(", "))
        })
        .collect();
    let rows = rows.join("\n");
    assert!(MANUAL.contains(&rows), "docs/scenarios.md must have these rows:\n{rows}");
    let lamp: Vec<_> = scenario::lamp_field_names().map(|name| format!("`{name}`")).collect();
    let lamp = lamp.join(", ");
    assert!(MANUAL.contains(&lamp), "docs/scenarios.md must have these fields of a luminaire: {lamp}");
}
