//! `config/city.toml`: one struct per table, nothing unknown accepted.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use chrono::{Datelike, NaiveDate, NaiveTime, Timelike};
use city::CitySpec;
use eid::Readers;
use lighting::luminaire::{DimmingConfig, ElectricsConfig, PhotometryConfig, ThermalConfig};
use lighting::{AstroTable, Physics};
use medpay::Policies;
use serde::Deserialize;
use toml::Spanned;
use types::{RunId, SECOND_MS, Seed, Timestamp};
use wire::Directory;
use wire::dialect::home_assistant::SAMPLE_MAX;
use wire::dialect::{Device, Register};

mod devices;
mod readers;

use devices::Listed;
pub(crate) use devices::of_file;
#[cfg(test)]
pub(crate) use devices::of_text as devices_of;
use readers::Eid;
#[cfg(test)]
pub(crate) use readers::checked as checked_readers;
pub(crate) use readers::read_readers;

use crate::Settings;
use crate::up::UsageError;

/// The defaults, in the same file that users read.
pub(crate) const BUILT_IN: &str = include_str!("../../../config/city.toml");
/// The demo policy.
const DEMO_POLICY: &str = include_str!("../../../config/policies/demo.toml");
/// Where the file is looked for when none is named.
const USUAL_PLACE: &str = "config/city.toml";
/// How long before sunset a city that starts at dusk wakes \[ms of its clock\]: a third of a second at ×60.
const BEFORE_DUSK_MS: i64 = 20 * SECOND_MS;

/// All settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) city: City,
    pub(crate) broker: Broker,
    pub(crate) console: Console,
    pub(crate) payment: Payment,
    pub(crate) storage: Storage,
    #[serde(default)]
    pub(crate) tls: Tls,
    #[serde(default)]
    eid: Eid,
    #[serde(default)]
    luminaire: Luminaire,
    #[serde(default)]
    pub(crate) homeassistant: HomeAssistant,
    /// Taken out when the file is read.
    #[serde(default)]
    device: Vec<Spanned<Device>>,
    /// How `device` was called before.
    #[serde(default)]
    iotda: Option<Spanned<toml::Value>>,
    #[serde(skip)]
    listed: Listed,
}

/// What Home Assistant sees.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HomeAssistant {
    /// How many luminaires are shown.
    pub(crate) lights: u32,
}

/// The city itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct City {
    pub(crate) run: RunId,
    pub(crate) seed: u64,
    pub(crate) luminaires: u32,
    #[serde(default)]
    lamps: PathBuf,
    pub(crate) residents: u32,
    pub(crate) clinics: u32,
    date: NaiveDate,
    start: Start,
    pub(crate) speed: u32,
}

impl City {
    /// The file with real luminaires; `None` = streets are made up.
    pub(crate) fn lamps_file(&self) -> Option<&Path> {
        Some(self.lamps.as_path()).filter(|file| !file.as_os_str().is_empty())
    }
}

/// When the city wakes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Start {
    /// Just before sunset.
    Dusk,
    /// At a local time.
    At(NaiveTime),
}

impl TryFrom<String> for Start {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "dusk" {
            return Ok(Self::Dusk);
        }
        let time = NaiveTime::parse_from_str(&text, "%H:%M");
        time.map(Self::At).map_err(|_| format!("`{text}` is neither \"dusk\" nor a time such as \"21:30\""))
    }
}

/// The embedded broker.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Broker {
    pub(crate) listen: SocketAddr,
    pub(crate) websocket: SocketAddr,
    pub(crate) open: bool,
    /// Files of before this setting go on.
    #[serde(default)]
    pub(crate) guarded: bool,
}

/// The pages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Console {
    pub(crate) listen: SocketAddr,
    #[serde(default, deserialize_with = "address_if_any")]
    pub(crate) lan: Option<SocketAddr>,
}

/// An address; an empty text = none.
fn address_if_any<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(from)?;
    let parsed = (!text.is_empty()).then(|| text.parse()).transpose();
    parsed
        .map_err(|_| serde::de::Error::custom(format!("`{text}` is no address such as \"192.168.1.5:8090\"")))
}

/// TLS where the city listens. Empty paths = none.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    pub(crate) on: bool,
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) client_ca: PathBuf,
}

/// The rules of payment.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Payment {
    policy: String,
}

/// What all luminaires have in common.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Luminaire {
    burning_h: u32,
    dimming: DimmingConfig,
    electrics: ElectricsConfig,
    photometry: PhotometryConfig,
    thermal: ThermalConfig,
}

/// Where state is kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Storage {
    pub(crate) data: PathBuf,
}

impl Storage {
    /// The folder; `None` = nothing is kept.
    pub(crate) fn folder(&self) -> Option<&Path> {
        Some(self.data.as_path()).filter(|folder| !folder.as_os_str().is_empty())
    }
}

impl Config {
    /// The settings of `file`, or of the usual place, or the built-in ones.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self> {
        let usual = Path::new(USUAL_PLACE);
        match file.or(usual.exists().then_some(usual)) {
            Some(file) => {
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("cannot read {}", file.display()))?;
                read(&text, &file.display().to_string())
            }
            None => read(BUILT_IN, "built-in settings"),
        }
    }

    /// The settings that `settings` names, before its flags beat them; but for what the city is built on.
    ///
    /// # Errors
    ///
    /// In words, as a mistake of the user.
    pub(crate) fn of(settings: &Settings) -> Result<Self, UsageError> {
        let mut config = Self::load(settings.config.as_deref())?;
        match (&settings.lamps, settings.luminaires) {
            (Some(lamps), _) => config.city.lamps.clone_from(lamps),
            // Who asks for so many luminaires does not ask for those of the file.
            (None, Some(_)) => config.city.lamps = PathBuf::new(),
            (None, None) => {}
        }
        Ok(config)
    }

    /// Streets, luminaires, people.
    pub(crate) fn city_spec(&self) -> CitySpec {
        let City { seed, luminaires, residents, clinics, .. } = self.city;
        CitySpec { seed: Seed(seed), luminaires, residents, clinics }
    }

    /// How luminaires behave, and how long they have given light before \[h\].
    ///
    /// # Errors
    ///
    /// In words: the number that no luminaire can have.
    pub(crate) fn luminaires(&self) -> Result<(Physics, u32)> {
        let Luminaire { burning_h, dimming, electrics, photometry, thermal } = self.luminaire;
        let physics = Physics { dimming, electrics, photometry, thermal };
        physics.check().context("`[luminaire]`")?;
        Ok((physics, burning_h))
    }

    /// What no single key can say about itself.
    pub(crate) fn check(&self) -> Result<()> {
        let (speed, max) = (self.city.speed, wire::SPEED_MAX);
        ensure!((1..=max).contains(&speed), "`city.speed` must be 1 to {max}, got {speed}");
        let year = self.year();
        let (lights, max) = (self.homeassistant.lights, SAMPLE_MAX);
        ensure!(
            lights as usize <= max,
            "`homeassistant.lights` must be 0 to {max}, got {lights}: Home Assistant is made for a house"
        );
        ensure!((1970..2100).contains(&year), "`city.date` must be from 1970 to 2099, got {year}");
        Ok(())
    }

    /// The year whose sun shines.
    pub(crate) fn year(&self) -> i32 {
        self.city.date.year()
    }

    /// What the city's clock shows when it wakes.
    pub(crate) fn start(&self, astro: &AstroTable) -> Timestamp {
        let day = i64::from(self.city.date.num_days_from_ce()) - i64::from(epoch().num_days_from_ce());
        match self.city.start {
            Start::Dusk => astro.sunset(day).plus_millis(-BEFORE_DUSK_MS),
            Start::At(time) => {
                Timestamp::from_local(day, i64::from(time.num_seconds_from_midnight()) * SECOND_MS)
            }
        }
    }

    /// The devices from outside that join.
    ///
    /// # Errors
    ///
    /// In words with file and line: what contradicts itself, or a luminaire that is not in `directory`.
    pub(crate) fn devices(&self, directory: &Directory) -> Result<Register> {
        self.listed.joining(directory)
    }

    /// The readers of e-ID codes.
    ///
    /// # Errors
    ///
    /// In words with file and line.
    pub(crate) fn readers(&self) -> Result<Readers> {
        self.eid.readers()
    }

    /// The rules of payment.
    pub(crate) fn policy(&self) -> Result<Policies> {
        match self.payment.policy.as_str() {
            "builtin" => parse(DEMO_POLICY, "built-in policy"),
            file => {
                let file = PathBuf::from(file);
                let text = std::fs::read_to_string(&file)
                    .with_context(|| format!("`payment.policy`: cannot read {}", file.display()))?;
                parse(&text, &file.display().to_string())
            }
        }
    }
}

fn epoch() -> NaiveDate {
    NaiveDate::from_ymd_opt(1970, 1, 1).expect("a day")
}

/// Reads the settings, and notes where in the text the devices stand.
pub(crate) fn read(text: &str, place: &str) -> Result<Config> {
    let mut config: Config = parse(text, place)?;
    if let Some(before) = &config.iotda {
        let line = text[..before.span().start].matches('\n').count() + 1;
        bail!(
            "{place}, line {line}: write `[[device]]` with `dialect = \"iotda\"` instead of `[[iotda.device]]`"
        );
    }
    config.listed = Listed::new(std::mem::take(&mut config.device), text, place);
    Ok(config)
}

/// Reads TOML, or says where it is wrong.
pub(crate) fn parse<T: for<'de> Deserialize<'de>>(text: &str, place: &str) -> Result<T> {
    toml::from_str(text).or_else(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        bail!("{place}, line {line}: {}{}", error.message(), suggestion(error.message()))
    })
}

/// "Did you mean", from a message that names the unknown key and the known ones.
fn suggestion(message: &str) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    let Some(unknown) = names.next().filter(|_| message.starts_with("unknown field")) else {
        return String::new();
    };
    let nearest = names.max_by(|a, b| strsim::jaro(unknown, a).total_cmp(&strsim::jaro(unknown, b)));
    match nearest.filter(|known| strsim::jaro(unknown, known) > 0.7) {
        Some(known) => format!("; did you mean `{known}`?"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(from: &str, to: &str) -> String {
        assert!(BUILT_IN.contains(from), "{from}");
        let text = BUILT_IN.replacen(from, to, 1);
        format!("{:#}", parse::<Config>(&text, "city.toml").expect_err(to))
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line_and_a_suggestion() {
        let message = refused("luminaires =", "lumnaires =");
        assert!(message.starts_with("city.toml, line 7: unknown field `lumnaires`"), "{message}");
        assert!(message.ends_with("did you mean `luminaires`?"), "{message}");
    }

    #[test]
    fn a_wrong_type_date_or_address_is_refused_with_its_line() {
        for (from, to, line) in [
            ("speed = 60", "speed = \"60x\"", "line 13"),
            ("\"2026-04-18\"", "\"2026-02-30\"", "line 11"),
            ("\"dusk\"", "\"25:00\"", "line 12"),
            ("\"127.0.0.1:8080\"", "\"8080\"", "line 22"),
            ("\"demo\"", "\"Demo City\"", "line 5"),
        ] {
            let message = refused(from, to);
            assert!(message.contains(line), "{message}");
        }
    }

    #[test]
    fn a_luminaire_that_cannot_be_is_refused_by_name() {
        let text = BUILT_IN.replacen("rise_k = 35", "rise_k = 900", 1);
        let config: Config = parse(&text, "city.toml").unwrap();
        let message = format!("{:#}", config.luminaires().unwrap_err());
        assert_eq!(message, "`[luminaire]`: `rise_k` is 900, expected 0 to 150");
    }

    #[test]
    fn the_built_in_files_are_good() {
        let config: Config = parse(BUILT_IN, "built-in").unwrap();
        config.check().unwrap();
        config.policy().unwrap();
        assert_eq!(config.luminaires().unwrap(), (Physics::default(), 0), "the file says the defaults");
    }
}
