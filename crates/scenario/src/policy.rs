use city::RoadClass;
use lighting::{DimLevel, Programme, ProgrammeStep, StepTime};
use serde::Deserialize;
use types::MINUTE_MS;

use crate::time::{split, time_of_day_ms};

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

/// `22:00`, `sunset`, `sunrise - 30m`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Moment(StepTime);

impl TryFrom<String> for Moment {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("expected \"22:00\", \"sunset\" or \"sunrise - 30m\", got \"{text}\"");
        let (base, shift_ms) = split(&text).map_err(|_| wrong())?;
        let minutes = i16::try_from(shift_ms / MINUTE_MS).map_err(|_| wrong())?;
        let at = match base {
            "sunset" => StepTime::Sunset(minutes),
            "sunrise" => StepTime::Sunrise(minutes),
            time if minutes == 0 => {
                let minute = time_of_day_ms(time).ok_or_else(wrong)? / MINUTE_MS;
                StepTime::Clock(u16::try_from(minute).map_err(|_| wrong())?)
            }
            _ => return Err(wrong()),
        };
        Ok(Self(at))
    }
}

impl LightingPolicy {
    /// Its profile: what each class of road is given from when on.
    pub fn profile(&self) -> [(RoadClass, String); RoadClass::ALL.len()] {
        let steps = [&self.steps.ring, &self.steps.arterial, &self.steps.branch];
        let told = |steps: &[Step]| {
            let step = |Step(at, level): &Step| format!("{} {} %", moment(at.0), level.0.percent());
            steps.iter().map(step).collect::<Vec<_>>().join(", ")
        };
        let raised = self
            .presence
            .map_or(String::new(), |level| format!("; {} % where someone is", level.0.percent()));
        std::array::from_fn(|nth| (RoadClass::ALL[nth], told(steps[nth]) + &raised))
    }

    /// A programme for each class of road.
    pub(crate) fn calendars(&self) -> [Programme; RoadClass::ALL.len()] {
        [&self.steps.ring, &self.steps.arterial, &self.steps.branch].map(|steps| Programme {
            version: 1,
            steps: steps.iter().map(|Step(at, level)| ProgrammeStep { at: at.0, level: level.0 }).collect(),
            presence_level: self.presence.map(|level| level.0),
        })
    }
}

/// As it is written in a file.
fn moment(at: StepTime) -> String {
    let shifted = |event: &str, minutes: i16| match minutes {
        0 => event.to_owned(),
        _ => format!("{event} {} {}m", if minutes < 0 { '-' } else { '+' }, minutes.unsigned_abs()),
    };
    match at {
        StepTime::Clock(minutes) => format!("{:02}:{:02}", minutes / 60, minutes % 60),
        StepTime::Sunset(minutes) => shifted("sunset", minutes),
        StepTime::Sunrise(minutes) => shifted("sunrise", minutes),
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
        for moment in ["25:00", "noon", "22:00 + 5m", "sunset +", "sunset + 5"] {
            assert!(
                read(&format!("[\"{moment}\", 5]")).unwrap_err().contains("expected \"22:00\""),
                "{moment}"
            );
        }
    }

    #[test]
    fn moments_are_read_as_they_are_written() {
        let steps = read("[\"22:00\", 5], [\"sunset + 10m\", 6], [\"sunrise - 1h\", 0]").unwrap().calendars()
            [2]
        .clone();
        let profile = read("[\"22:00\", 5], [\"sunset + 10m\", 6], [\"sunrise - 1h\", 0]").unwrap().profile();
        assert_eq!(
            profile[2],
            (RoadClass::Branch, "22:00 5 %, sunset + 10m 6 %, sunrise - 60m 0 %".to_owned())
        );
        let at: Vec<_> = steps.steps.iter().map(|step| step.at).collect();
        assert_eq!(at, [StepTime::Clock(1_320), StepTime::Sunset(10), StepTime::Sunrise(-60)]);
    }
}
