//! The readers of e-ID codes in the settings.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use eid::Readers;
use serde::Deserialize;

use super::parse;

/// What says that the presets are meant.
const BUILT_IN: &str = "builtin";

/// As which reader the payer asks.
const PAYER: &str = "payment";

/// The rules of e-ID.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Eid {
    readers: String,
}

impl Default for Eid {
    fn default() -> Self {
        Self { readers: BUILT_IN.to_owned() }
    }
}

impl Eid {
    pub(super) fn readers(&self) -> Result<Readers> {
        match self.readers.as_str() {
            BUILT_IN => Ok(Readers::presets()),
            file => read_readers(Path::new(file)).context("`eid.readers`"),
        }
    }
}

/// Reads a file such as config/readers.toml.
pub(crate) fn read_readers(file: &Path) -> Result<Readers> {
    let place = file.display().to_string();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {place}"))?;
    checked(&text, &place)
}

pub(crate) fn checked(text: &str, place: &str) -> Result<Readers> {
    let readers: Readers = parse(text, place)?;
    for (name, reader) in readers.iter() {
        let asks = !reader.may_ask.is_empty();
        ensure!(asks, "{place}: `{name}` may ask for nothing: name a profile in `may_ask`, such as \"anon\"");
        let payer = name.to_string() != PAYER || reader.identifies;
        ensure!(payer, "{place}: `{name}` pays for people it must know: set `identifies = true`");
        let tries = reader.refusals_a_minute_max > 0;
        ensure!(tries, "{place}: `{name}` must be allowed a refusal: `refusals_a_minute_max` is at least 1");
    }
    Ok(readers)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = include_str!("../../../../config/readers.toml");

    #[test]
    fn a_reader_that_can_accept_nothing_or_is_misspelt_is_refused_with_its_name_or_line() {
        let refused = |from: &str, to: &str| {
            assert!(FILE.contains(from), "{from}");
            format!("{:#}", checked(&FILE.replacen(from, to, 1), "readers.toml").expect_err(to))
        };
        let message = refused(r#"may_ask = ["age"]"#, "may_ask = []");
        assert!(message.starts_with("readers.toml: `museum` may ask for nothing"), "{message}");
        let message = refused("refusals_a_minute_max = 120\n", "refusals_a_minute_max = 0\n");
        assert!(message.starts_with("readers.toml: `hospital` must be allowed"), "{message}");
        let message = refused(
            "purpose = \"medical\"\nidentifies = true\nstale_status = \"accept\"\nrefusals_a_minute_max = 12000",
            "purpose = \"medical\"\nstale_status = \"accept\"\nrefusals_a_minute_max = 12000",
        );
        assert!(message.starts_with("readers.toml: `payment` pays for people"), "{message}");
        let message = refused("assurance =", "asurance =");
        assert!(message.contains("did you mean `assurance`?") && message.contains("line "), "{message}");
        let message = refused("[school-gate]", "[\"School Gate\"]");
        assert!(message.contains("readers.toml, line "), "{message}");
    }

    #[test]
    fn the_file_of_the_project_says_the_presets() {
        assert_eq!(checked(FILE, "readers.toml").unwrap(), Readers::presets());
    }
}
