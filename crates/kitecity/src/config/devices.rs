//! `[[device]]`: devices that speak a dialect, and which luminaires they are.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;
use toml::Spanned;
use wire::Directory;
use wire::dialect::{Device, Dialect, Register};

use super::parse;

/// Devices as a file lists them.
#[derive(Clone, Debug, Default)]
pub(super) struct Listed {
    devices: Vec<Device>,
    /// Where each of them stands, such as `city.toml, line 30`.
    places: Vec<String>,
}

/// A file of nothing but devices.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceFile {
    #[serde(default)]
    device: Vec<Spanned<Device>>,
}

/// The devices of this file, which our luminaires are to a platform of this dialect.
///
/// # Errors
///
/// In words with file and line: what is wrong, another dialect, or a luminaire that is not in `directory`.
pub(crate) fn of_file(file: &Path, dialect: Dialect, directory: &Directory) -> Result<Register> {
    let place = file.display().to_string();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {place}"))?;
    of_text(&text, &place, dialect, directory)
}

/// The same of the text of a file.
pub(crate) fn of_text(text: &str, place: &str, dialect: Dialect, directory: &Directory) -> Result<Register> {
    let devices: DeviceFile = parse(text, place)?;
    let listed = Listed::new(devices.device, text, place);
    for (device, place) in listed.devices.iter().zip(&listed.places) {
        let id = &device.id;
        if device.dialect != dialect {
            bail!("{place}: device `{id}` speaks {}, the luminaires are to speak {dialect}", device.dialect);
        }
        if device.lamp.is_none() || !device.children.is_empty() {
            bail!("{place}: device `{id}`: a luminaire of ours is one `lamp` and no gateway");
        }
    }
    listed.register(directory, Register::new)
}

impl Listed {
    /// Notes where in `text` the devices stand.
    pub(super) fn new(devices: Vec<Spanned<Device>>, text: &str, place: &str) -> Self {
        let line = |device: &Spanned<Device>| text[..device.span().start].matches('\n').count() + 1;
        let places = devices.iter().map(|device| format!("{place}, line {}", line(device))).collect();
        Self { devices: devices.into_iter().map(Spanned::into_inner).collect(), places }
    }

    /// The devices that join the city.
    pub(super) fn joining(&self, directory: &Directory) -> Result<Register> {
        self.register(directory, Register::joining)
    }

    fn register<E: std::fmt::Display>(
        &self,
        directory: &Directory,
        make: impl Fn(Vec<Device>) -> Result<Register, (usize, E)>,
    ) -> Result<Register> {
        for (device, place) in self.devices.iter().zip(&self.places) {
            let lamps = device.lamp.iter().chain(device.children.iter().map(|child| &child.lamp));
            if let Some(lamp) = lamps.into_iter().find(|lamp| !directory.contains_key(lamp)) {
                bail!("{place}: device `{}`: no luminaire {lamp} in this city", device.id);
            }
        }
        make(self.devices.clone()).map_err(|(index, error)| anyhow!("{}: {error}", self.places[index]))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{BUILT_IN, read};
    use super::*;

    fn register(devices: &str) -> Result<Register> {
        let config = read(&format!("{BUILT_IN}{devices}"), "city.toml")?;
        let directory = (1..=9).map(|lamp| (types::LuminaireId(lamp), "kuiwen".parse().unwrap())).collect();
        config.devices(&directory)
    }

    #[test]
    fn a_wrong_device_is_refused_with_its_line() {
        let first = BUILT_IN.matches('\n').count() + 1;
        let good = "[[device]]\ndialect = \"iotda\"\nid = \"p_1\"\nsecret = \"s\"\nlamp = \"l-0001\"\n";
        for (bad, line, words) in [
            ("id = \"p_2\"\nsecret = \"s\"\nlamp = \"l-0042\"", 5, "no luminaire l-0042 in this city"),
            ("id = \"p_2\"\nsecret = \"s\"\nlamp = \"l-0001\"", 5, "luminaire l-0001 has two devices"),
            (
                "id = \"p_1\"\nsecret = \"s\"\nlamp = \"l-0002\"",
                5,
                "device `p_1` stands in the register twice",
            ),
            ("id = \"p_2\"\nsecret = \"s\"", 5, "neither a `lamp` nor `children`"),
            ("id = \"p_2\"\nlamp = \"l-0002\"", 5, "missing field `secret`"),
            ("id = \"p_2\"\nsecret = \"s\"\nlamp = \"42\"", 9, "is not an id like `l-0412`"),
            ("id = \"p_2\"\nsecret = \"s\"\nlampe = \"l-0002\"", 9, "did you mean `lamp`?"),
        ] {
            let refusal =
                register(&format!("{good}[[device]]\ndialect = \"iotda\"\n{bad}\n")).unwrap_err().to_string();
            assert!(refusal.starts_with(&format!("city.toml, line {}: ", first + line)), "{refusal}");
            assert!(refusal.contains(words), "{refusal}");
        }
        assert_eq!(register(good).unwrap().lamps().count(), 1);
    }

    #[test]
    fn the_table_of_before_is_refused_in_words() {
        let refusal = register("[[iotda.device]]\nid = \"p_1\"\nsecret = \"s\"\nlamp = \"l-0001\"\n");
        let refusal = refusal.unwrap_err().to_string();
        let line = BUILT_IN.matches('\n').count() + 1;
        let words = "write `[[device]]` with `dialect = \"iotda\"` instead of `[[iotda.device]]`";
        assert_eq!(refusal, format!("city.toml, line {line}: {words}"));
    }

    #[test]
    fn the_example_in_the_built_in_file_is_good_once_its_comment_signs_are_gone() {
        let example = BUILT_IN.lines().skip_while(|line| *line != "# [[device]]");
        let example: Vec<&str> = example.map(|line| line.trim_start_matches("# ")).collect();
        let error = register(&example.join("\n")).map(|register| register.devices().len());
        let refusal = error.unwrap_err().to_string();
        assert!(refusal.ends_with("no luminaire l-0042 in this city"), "{refusal}");
    }
}
