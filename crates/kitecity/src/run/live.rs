//! A scenario on a real broker.

use std::time::Instant;

use anyhow::Result;
use scenario::{RunOptions, Script, duration_ms};

use super::{Played, RunArgs};
use crate::Settings;
use crate::interrupt::{self, apart};
use crate::up::{City, Prepared, UsageError};

/// Plays it at its speed; `None` after Ctrl-C.
pub(super) fn play(
    script: &Script,
    seed: u64,
    args: &RunArgs,
    settings: &Settings,
) -> Result<Option<Played>> {
    let began = Instant::now();
    let speed = settings.speed.unwrap_or_else(|| script.speed());
    let slack_ms = duration_ms(&args.slack).map_err(|message| UsageError(format!("--slack: {message}")))?;
    let options = RunOptions { slack_ms: slack_ms * i64::from(speed), live: true, no_expect: args.no_expect };
    let verdict = interrupt::run(async |mut interrupt| {
        let (script, settings) = (script.clone(), settings.clone());
        let prepared = interrupt.unless(apart(move || {
            let city = City::of_script(&script, seed, &settings)?;
            let play =
                script.play(&city.cast, &options).map_err(|mistake| UsageError(mistake.to_string()))?;
            Ok((Prepared::new(city, &settings)?, play))
        }));
        let Some((prepared, mut play)) = prepared.await? else { return Ok(None) };
        Ok(prepared.play(interrupt, &mut play).await?.then(|| play.conclude()))
    })?;
    Ok(verdict.map(|verdict| Played {
        file: script.file_name().to_owned(),
        seed,
        live: true,
        wall_ms: began.elapsed().as_millis() as u64,
        log: None,
        verdict,
    }))
}
