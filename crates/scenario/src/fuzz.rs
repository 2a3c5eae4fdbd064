//! What must hold for any file from outside, one function for each kind.
//!
//! `fuzz/` drives them with coverage; the tests below with the kept corpus, and with what chance makes of it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use city::CitySpec;
use types::Seed;

use crate::{Cast, CastSpec, LightingPolicy, Mistake, RunOptions, Script};

const POLICY: &str = include_str!("../../../config/policies/demo.toml");

/// A city whose ids the corpus knows: a file that asks for a large one must not make each run slow.
static CAST: LazyLock<Cast> = LazyLock::new(|| {
    let city = CitySpec { seed: Seed(1), luminaires: 60, residents: 40, clinics: 2 };
    let policy = toml::from_str(POLICY).expect("a policy");
    Cast::new(CastSpec::new(city, 2026, policy)).expect("a city")
});

/// A scenario is ready to play, or its mistake is at a place of the file.
pub fn scenario(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Err(mistake) = ready(&text) {
        assert!(!mistake.message.is_empty() && mistake.column > 0, "{mistake}");
        // What `$name` stands for may have lines of its own.
        let lines = text.matches('\n').count() + 1;
        assert!((1..=lines).contains(&mistake.line) || text.contains('$'), "{mistake}");
    }
}

fn ready(text: &str) -> Result<(), Mistake> {
    let script = Script::parse("any.toml", text, &BTreeMap::new())?;
    for live in [false, true] {
        script.play(&CAST, &RunOptions { live, ..RunOptions::default() })?;
    }
    Ok(())
}

/// A lighting policy that is read has a profile, and a programme for each class of road.
pub fn lighting_policy(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(policy) = toml::from_str::<LightingPolicy>(&text) {
        assert_eq!(policy.profile().len(), policy.calendars().len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_stands_its_corpus_and_what_is_nearly_right() {
        smoke::run("scenario", 1_000, scenario);
        smoke::run("lighting_policy", 2_000, lighting_policy);
    }
}
