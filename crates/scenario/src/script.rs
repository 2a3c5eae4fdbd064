//! A scenario file, read and checked.

use std::collections::BTreeMap;
use std::ops::Range;

use city::CitySpec;
use lighting::{AstroTable, Physics};
use medpay::Policies;
use types::{Seed, Timestamp};

use crate::file::{File, Text};
use crate::mistake::{Mistake, did_you_mean};
use crate::play::Play;
use crate::time::{self, Frame, duration_ms};
use crate::{Cast, CastSpec, bind};

/// The longest scenario file that is read \[bytes\].
const FILE_BYTES_MAX: usize = 1_000_000;
/// The longest scenario \[ms\].
const LENGTH_MAX_MS: i64 = 366 * types::DAY_MS;

/// How a scenario is run.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Time added to each `within` \[ms of the city's clock\]: a live run is never as punctual as a virtual one.
    pub slack_ms: i64,
    /// Whether it plays on a real broker, where networks and services cannot be disturbed.
    pub live: bool,
    /// Whether it may be without expectations.
    pub no_expect: bool,
}

/// A scenario file whose form is right. [`play`](Self::play) checks it against its city.
#[derive(Clone, Debug)]
pub struct Script {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) file: File,
    year: i32,
    day: i64,
}

impl Script {
    /// Reads the text of a file; `name` is for messages, `params` beat the file's.
    ///
    /// # Errors
    ///
    /// A [`Mistake`] names the place and the remedy.
    pub fn parse(name: &str, text: &str, params: &BTreeMap<String, String>) -> Result<Self, Mistake> {
        if text.len() > FILE_BYTES_MAX {
            let message =
                format!("a scenario has at most {FILE_BYTES_MAX} bytes, this file has {}", text.len());
            return Err(Mistake::at(name, text, &(0..0), message));
        }
        let text = fill_in(name, text, params)?;
        let file: File = toml::from_str(&text).map_err(|error| {
            let span = error.span().unwrap_or_default();
            Mistake::at(name, &text, &span, form_message(error.message()))
        })?;
        let mut script = Self { name: name.to_owned(), text, file, year: 0, day: 0 };
        (script.year, script.day) = script.read(&script.file.scenario.date, time::local_day)?;
        script.read(&script.file.scenario.length, length_ms)?;
        script.check_numbers()?;
        Ok(script)
    }

    /// The name of its file.
    pub fn file_name(&self) -> &str {
        &self.name
    }

    /// Its name.
    pub fn title(&self) -> &str {
        &self.file.scenario.name
    }

    /// What it shows.
    pub fn about(&self) -> &str {
        &self.file.scenario.about
    }

    /// Its city's seed.
    pub fn seed(&self) -> u64 {
        self.file.city.seed
    }

    /// City seconds per wall second when it plays live.
    pub fn speed(&self) -> u32 {
        *self.file.scenario.speed.get_ref()
    }

    /// The year whose sun shines.
    pub fn year(&self) -> i32 {
        self.year
    }

    /// Its city, from this seed.
    pub fn cast_spec(&self, seed: u64, policy: Policies) -> CastSpec {
        let city = &self.file.city;
        let spec = CitySpec {
            seed: Seed(seed),
            luminaires: *city.luminaires.get_ref(),
            residents: *city.residents.get_ref(),
            clinics: *city.clinics.get_ref(),
        };
        CastSpec {
            switched_cabinets: *city.switched_cabinets.get_ref(),
            physics: self.physics(),
            ..CastSpec::new(spec, self.year, policy)
        }
    }

    /// Luminaires of the usual kind, in its climate.
    fn physics(&self) -> Physics {
        let mut physics = Physics::default();
        physics.thermal.climate.heat_wave_k = *self.file.city.heat_wave.get_ref();
        physics
    }

    /// When it starts.
    ///
    /// # Errors
    ///
    /// A [`Mistake`] if that is no moment.
    pub fn start(&self, astro: &AstroTable) -> Result<Timestamp, Mistake> {
        self.read(&self.file.scenario.start, |text| time::start(text, self.day, astro))
    }

    /// Makes it ready to play in the city of `cast`.
    ///
    /// # Errors
    ///
    /// A [`Mistake`] names the place and the remedy.
    pub fn play(&self, cast: &Cast, options: &RunOptions) -> Result<Play, Mistake> {
        let start = self.start(cast.astro())?;
        let end = start.plus_millis(self.read(&self.file.scenario.length, length_ms)?);
        let frame = Frame { start, end, astro: cast.astro() };
        let mut bound = bind::Binder::new(self, cast.plan(), frame, options.clone());
        let acts = bound.timeline()?;
        let monitors = bound.expectations()?;
        let aggregates = bound.into_aggregates();
        Ok(Play::new(self.title(), cast, (start, end), acts, monitors, aggregates))
    }

    /// Reads a text of the file.
    pub(crate) fn read<T>(
        &self,
        text: &Text,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, Mistake> {
        read(text.get_ref()).map_err(|message| self.mistake(&text.span(), message))
    }

    pub(crate) fn mistake(&self, span: &Range<usize>, message: impl Into<String>) -> Mistake {
        Mistake::at(&self.name, &self.text, span, message)
    }

    fn check_numbers(&self) -> Result<(), Mistake> {
        let (city, speed) = (&self.file.city, &self.file.scenario.speed);
        let numbers = [
            ("luminaires", &city.luminaires, 1, 200_000),
            ("residents", &city.residents, 1, 1_000_000),
            ("clinics", &city.clinics, 0, 100),
            ("switched_cabinets", &city.switched_cabinets, 0, 200_000),
            ("speed", speed, 1, 3_600),
        ];
        for (name, number, min, max) in numbers {
            let got = *number.get_ref();
            if !(min..=max).contains(&got) {
                let message = format!("`{name}` must be {min} to {max}, got {got}");
                return Err(self.mistake(&number.span(), message));
            }
        }
        let heat_wave = &city.heat_wave;
        self.physics().check().map_err(|_| {
            let message = format!("`heat_wave` must be -20 to 30 [K], got {}", heat_wave.get_ref());
            self.mistake(&heat_wave.span(), message)
        })
    }
}

/// The JSON Schema of scenario files, which are TOML of the same shape.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(File).to_value()
}

fn length_ms(text: &str) -> Result<i64, String> {
    match duration_ms(text)? {
        0 => Err("a scenario of no length tests nothing".to_owned()),
        ms if ms > LENGTH_MAX_MS => Err("a scenario is at most 366 days long".to_owned()),
        ms => Ok(ms),
    }
}

/// Puts the values of `[params]` where `$name` stands.
fn fill_in(name: &str, text: &str, given: &BTreeMap<String, String>) -> Result<String, Mistake> {
    let mut values = params_of(text);
    for (key, value) in given {
        if !values.contains_key(key) {
            let hint = did_you_mean(key, values.keys().map(String::as_str));
            return Err(Mistake::at(name, text, &(0..0), format!("`[params]` has no `{key}`{hint}")));
        }
        values.insert(key.clone(), value.clone());
    }
    let mut filled = String::with_capacity(text.len());
    let mut at = 0;
    for (line_start, line) in lines(text) {
        // A comment may say what it likes, and a `[params]` line is not about another.
        let code = line.find('#').map_or(line, |hash| &line[..hash]);
        for (dollar, _) in code.match_indices('$') {
            let rest = &code[dollar + 1..];
            let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let start = line_start + dollar;
            let Some(value) = values.get(&rest[..length]) else {
                let hint = did_you_mean(&rest[..length], values.keys().map(String::as_str));
                let message = format!("`${}` is not in `[params]`{hint}", &rest[..length]);
                return Err(Mistake::at(name, text, &(start..start + 1 + length), message));
            };
            let alone = code[..dollar].ends_with('"') && rest[length..].starts_with('"');
            let bare = alone && value.parse::<f64>().is_ok();
            filled.push_str(&text[at..start - usize::from(bare)]);
            filled.push_str(value);
            at = start + 1 + length + usize::from(bare);
        }
    }
    filled.push_str(&text[at..]);
    Ok(filled)
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        at += line.len();
        (at - line.len(), line)
    })
}

/// The `[params]` of a file, if it can be read so far; if not, reading it whole says why.
fn params_of(text: &str) -> BTreeMap<String, String> {
    let table = text.parse::<toml::Table>().unwrap_or_default();
    let params = table.get("params").and_then(toml::Value::as_table);
    let show = |value: &toml::Value| match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    params.into_iter().flatten().map(|(key, value)| (key.clone(), show(value))).collect()
}

/// The reader's message, with a suggestion if it is about an unknown key.
fn form_message(message: &str) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    let unknown = names.next().filter(|_| message.starts_with("unknown field"));
    let hint = unknown.map_or(String::new(), |unknown| did_you_mean(unknown, names));
    if hint.is_empty() {
        return message.to_owned();
    }
    format!("unknown key `{}`{hint}", unknown.unwrap_or_default())
}
