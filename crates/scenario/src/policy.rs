use std::sync::Arc;

use city::RoadClass;
use lighting::{
    ClockAndSun, DimLevel, NightRule, Nights, Programme, ProgrammeStep, StepTime, SunTime, Weekday,
};
use serde::Deserialize;
use types::MINUTE_MS;

use crate::time::{local_day, split, time_of_day_ms};

/// When to give how much light on which class of road: `config/lighting/*.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LightingPolicy {
    /// Its name.
    pub name: String,
    /// What it does, in a sentence.
    pub about: String,
    /// What luminaires give while someone is near, if that is more \[%\].
    presence: Option<Level>,
    steps: Steps,
    /// Nights that are unlike the others; of those that fit a night the first counts.
    #[serde(default)]
    nights: Vec<Night>,
}

/// When which steps count instead.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "NightText")]
struct Night {
    name: String,
    from: Option<i64>,
    to: Option<i64>,
    weekdays: Vec<Weekday>,
    presence: Option<Level>,
    steps: Steps,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NightText {
    name: String,
    /// The first evening, such as `2026-04-18`.
    from: Option<String>,
    /// The last evening; `from` if only that is given.
    to: Option<String>,
    /// `mon` to `sun`; every day if none.
    #[serde(default)]
    weekdays: Vec<Weekday>,
    presence: Option<Level>,
    steps: Steps,
}

impl TryFrom<NightText> for Night {
    type Error = String;

    fn try_from(text: NightText) -> Result<Self, String> {
        let NightText { name, from, to, weekdays, presence, steps } = text;
        let day = |date: String| {
            local_day(&date).map(|(_, day)| day).map_err(|error| format!("nights \"{name}\": {error}"))
        };
        let from = from.map(day).transpose()?;
        let to = to.map(day).transpose()?.or(from);
        if from.is_none() && to.is_none() && weekdays.is_empty() {
            return Err(format!(
                "nights \"{name}\": give `from`, `to` or `weekdays`; for all nights there is [steps]"
            ));
        }
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            return Err(format!("nights \"{name}\": `to` is before `from`"));
        }
        Ok(Self { name, from, to, weekdays, presence, steps })
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Steps {
    ring: Vec<Step>,
    arterial: Vec<Step>,
    branch: Vec<Step>,
}

/// `["22:00", 70]`: from when on, and how much \[%\].
#[derive(Clone, Copy, Debug, Deserialize)]
struct Step(Moment, Level);

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "u8")]
struct Level(DimLevel);

impl TryFrom<u8> for Level {
    type Error = String;

    fn try_from(percent: u8) -> Result<Self, String> {
        DimLevel::from_percent(percent)
            .map(Self)
            .map_err(|_| format!("a level is 0 to 100 [%], got {percent}"))
    }
}

/// `22:00`, `sunset`, `sunrise - 30m`, `later of 18:00 and sunset`, `earlier of 06:00 and sunrise`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Moment(StepTime);

impl TryFrom<String> for Moment {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        moment(&text).map(Self).ok_or_else(|| {
            format!(
                "expected \"22:00\", \"sunset\", \"sunrise - 30m\", \"later of 18:00 and sunset\" or \"earlier of 06:00 and sunrise\", got \"{text}\""
            )
        })
    }
}

fn moment(text: &str) -> Option<StepTime> {
    let either = |rest: &str| {
        let (clock, sun) = rest.split_once(" and ")?;
        Some(ClockAndSun { clock: by_clock(clock)?, sun: by_sun(sun)? })
    };
    if let Some(rest) = text.strip_prefix("later of ") {
        return either(rest).map(StepTime::Later);
    }
    if let Some(rest) = text.strip_prefix("earlier of ") {
        return either(rest).map(StepTime::Earlier);
    }
    match by_sun(text) {
        Some(SunTime::Sunset(minutes)) => Some(StepTime::Sunset(minutes)),
        Some(SunTime::Sunrise(minutes)) => Some(StepTime::Sunrise(minutes)),
        None => by_clock(text).map(StepTime::Clock),
    }
}

fn by_clock(text: &str) -> Option<u16> {
    u16::try_from(time_of_day_ms(text.trim())? / MINUTE_MS).ok()
}

fn by_sun(text: &str) -> Option<SunTime> {
    let (base, shift_ms) = split(text).ok()?;
    let minutes = i16::try_from(shift_ms / MINUTE_MS).ok()?;
    match base {
        "sunset" => Some(SunTime::Sunset(minutes)),
        "sunrise" => Some(SunTime::Sunrise(minutes)),
        _ => None,
    }
}

impl Steps {
    /// Those of each class of road.
    fn of_classes(&self) -> [Arc<[ProgrammeStep]>; RoadClass::ALL.len()] {
        [&self.ring, &self.arterial, &self.branch].map(|steps| {
            steps.iter().map(|Step(at, level)| ProgrammeStep { at: at.0, level: level.0 }).collect()
        })
    }
}

impl LightingPolicy {
    /// Its profile: what each class of road is given from when on.
    pub fn profile(&self) -> [(RoadClass, String); RoadClass::ALL.len()] {
        let steps = [&self.steps.ring, &self.steps.arterial, &self.steps.branch];
        let told = |steps: &[Step]| {
            let step = |Step(at, level): &Step| format!("{} {} %", written(at.0), level.0.percent());
            steps.iter().map(step).collect::<Vec<_>>().join(", ")
        };
        let raised = self
            .presence
            .map_or(String::new(), |level| format!("; {} % where someone is", level.0.percent()));
        let nights: String = self.nights.iter().map(|night| format!("; otherwise: {}", night.name)).collect();
        std::array::from_fn(|nth| (RoadClass::ALL[nth], told(steps[nth]) + &raised + &nights))
    }

    /// A programme for each class of road.
    pub(crate) fn calendars(&self) -> [Programme; RoadClass::ALL.len()] {
        let mut rules: [Vec<NightRule>; RoadClass::ALL.len()] = Default::default();
        for night in &self.nights {
            for (of_class, steps) in rules.iter_mut().zip(night.steps.of_classes()) {
                of_class.push(NightRule {
                    from: night.from,
                    to: night.to,
                    weekdays: night.weekdays.clone(),
                    steps,
                    presence_level: night.presence.map(|level| level.0),
                });
            }
        }
        let mut rules = rules.into_iter();
        self.steps.of_classes().map(|steps| Programme {
            version: 1,
            steps,
            presence_level: self.presence.map(|level| level.0),
            nights: Nights::new(rules.next().unwrap_or_default()),
        })
    }
}

/// As it is written in a file.
fn written(at: StepTime) -> String {
    let clock = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    match at {
        StepTime::Clock(minutes) => clock(minutes),
        StepTime::Sunset(minutes) => written_sun(SunTime::Sunset(minutes)),
        StepTime::Sunrise(minutes) => written_sun(SunTime::Sunrise(minutes)),
        StepTime::Earlier(either) => {
            format!("earlier of {} and {}", clock(either.clock), written_sun(either.sun))
        }
        StepTime::Later(either) => {
            format!("later of {} and {}", clock(either.clock), written_sun(either.sun))
        }
    }
}

fn written_sun(at: SunTime) -> String {
    let (event, minutes) = match at {
        SunTime::Sunset(minutes) => ("sunset", minutes),
        SunTime::Sunrise(minutes) => ("sunrise", minutes),
    };
    match minutes {
        0 => event.to_owned(),
        _ => format!("{event} {} {}m", if minutes < 0 { '-' } else { '+' }, minutes.unsigned_abs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(steps: &str) -> Result<LightingPolicy, String> {
        let text =
            format!("name = \"x\"\nabout = \"x\"\n[steps]\nring = []\narterial = []\nbranch = [{steps}]");
        toml::from_str(&text).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn impossible_levels_and_moments_are_refused() {
        assert!(read("[\"22:00\", 101]").unwrap_err().contains("0 to 100"));
        for moment in [
            "25:00",
            "noon",
            "22:00 + 5m",
            "sunset +",
            "sunset + 5",
            "later of 18:00",
            "later of sunset and 18:00",
            "earlier of 24:00 and sunrise",
        ] {
            assert!(
                read(&format!("[\"{moment}\", 5]")).unwrap_err().contains("expected \"22:00\""),
                "{moment}"
            );
        }
    }

    #[test]
    fn nights_that_are_never_always_or_backwards_are_refused() {
        let nights = |when: &str| {
            let steps = "steps = { ring = [], arterial = [], branch = [] }";
            let head = "name = \"x\"\nabout = \"x\"\n[steps]\nring = []\narterial = []\nbranch = []";
            let text = format!("{head}\n[[nights]]\nname = \"fair\"\n{when}\n{steps}");
            toml::from_str::<LightingPolicy>(&text).map_err(|error| error.message().to_owned())
        };
        for (when, words) in [
            ("", "nights \"fair\": give `from`, `to` or `weekdays`"),
            ("from = \"2026-04-20\"\nto = \"2026-04-18\"", "`to` is before `from`"),
            ("from = \"2026-02-30\"", "expected a date such as"),
            ("weekdays = [\"friday\"]", "unknown variant `friday`, expected one of `mon`"),
        ] {
            let error = nights(when).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        let one_evening = nights("from = \"2026-04-18\"").unwrap().calendars();
        assert_eq!(one_evening[0].nights.rules()[0].to, Some(20_561));
    }

    #[test]
    fn moments_are_read_as_they_are_written() {
        let policy =
            read(r#"["22:00", 5], ["sunset + 10m", 6], ["sunrise - 1h", 0], ["later of 18:00 and sunset + 5m", 7]"#)
                .unwrap();
        let words = "22:00 5 %, sunset + 10m 6 %, sunrise - 60m 0 %, later of 18:00 and sunset + 5m 7 %";
        assert_eq!(policy.profile()[2], (RoadClass::Branch, words.to_owned()));
        let steps = policy.calendars()[2].clone();
        let at: Vec<_> = steps.steps.iter().map(|step| step.at).collect();
        let later = StepTime::Later(ClockAndSun { clock: 1_080, sun: SunTime::Sunset(5) });
        assert_eq!(at, [StepTime::Clock(1_320), StepTime::Sunset(10), StepTime::Sunrise(-60), later]);
    }
}
