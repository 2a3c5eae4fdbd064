//! `[[iotda.device]]`: devices from outside, and which luminaires they are.

use anyhow::{Result, anyhow, bail};
use serde::Deserialize;
use toml::Spanned;
use wire::Directory;
use wire::iotda::{Device, Register};

/// Devices that join by the protocol of Huawei IoTDA.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Iotda {
    #[serde(default)]
    device: Vec<Spanned<Device>>,
    /// Where each of them stands, such as `city.toml, line 30`.
    #[serde(skip)]
    places: Vec<String>,
}

impl Iotda {
    /// Notes where in `text` the devices stand.
    pub(super) fn locate(&mut self, text: &str, place: &str) {
        let line = |device: &Spanned<Device>| text[..device.span().start].matches('\n').count() + 1;
        self.places = self.device.iter().map(|device| format!("{place}, line {}", line(device))).collect();
    }

    pub(super) fn register(&self, directory: &Directory) -> Result<Register> {
        for (device, place) in self.device.iter().zip(&self.places) {
            let device = device.get_ref();
            let lamps = device.lamp.iter().chain(device.children.iter().map(|child| &child.lamp));
            if let Some(lamp) = lamps.into_iter().find(|lamp| !directory.contains_key(lamp)) {
                bail!("{place}: device `{}`: no luminaire {lamp} in this city", device.id);
            }
        }
        let devices = self.device.iter().map(|device| device.get_ref().clone()).collect();
        Register::new(devices).map_err(|(index, error)| anyhow!("{}: {error}", self.places[index]))
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
        let good = "[[iotda.device]]\nid = \"p_1\"\nsecret = \"s\"\nlamp = \"l-0001\"\n";
        for (bad, line, words) in [
            ("id = \"p_2\"\nsecret = \"s\"\nlamp = \"l-0042\"", 4, "no luminaire l-0042 in this city"),
            ("id = \"p_2\"\nsecret = \"s\"\nlamp = \"l-0001\"", 4, "luminaire l-0001 has two devices"),
            (
                "id = \"p_1\"\nsecret = \"s\"\nlamp = \"l-0002\"",
                4,
                "device `p_1` stands in the register twice",
            ),
            ("id = \"p_2\"\nsecret = \"s\"", 4, "neither a `lamp` nor `children`"),
            ("id = \"p_2\"\nlamp = \"l-0002\"", 4, "missing field `secret`"),
            ("id = \"p_2\"\nsecret = \"s\"\nlamp = \"42\"", 7, "is not an id like `l-0412`"),
            ("id = \"p_2\"\nsecret = \"s\"\nlampe = \"l-0002\"", 7, "did you mean `lamp`?"),
        ] {
            let refusal = register(&format!("{good}[[iotda.device]]\n{bad}\n")).unwrap_err().to_string();
            assert!(refusal.starts_with(&format!("city.toml, line {}: ", first + line)), "{refusal}");
            assert!(refusal.contains(words), "{refusal}");
        }
        assert_eq!(register(good).unwrap().lamps().count(), 1);
    }

    #[test]
    fn the_example_in_the_built_in_file_is_good_once_its_comment_signs_are_gone() {
        let example = BUILT_IN.lines().skip_while(|line| *line != "# [[iotda.device]]");
        let example: Vec<&str> = example.map(|line| line.trim_start_matches("# ")).collect();
        let error = register(&example.join("\n")).map(|register| register.devices().len());
        let refusal = error.unwrap_err().to_string();
        assert!(refusal.ends_with("no luminaire l-0042 in this city"), "{refusal}");
    }
}
