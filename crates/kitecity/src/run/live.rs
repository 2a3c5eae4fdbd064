//! A scenario on a real broker.

use std::time::Instant;

use anyhow::Result;
use scenario::{RunOptions, duration_ms};

use super::progress::CityBar;
use super::{Job, Played};
use crate::interrupt::{self, apart};
use crate::up::{City, Prepared, UsageError};

/// Plays it at its speed; `None` after Ctrl-C.
pub(super) fn play(job: Job<'_>) -> Result<Option<Played>> {
    let (began, seed) = (Instant::now(), job.seed());
    let speed = job.settings.speed.unwrap_or_else(|| job.script.speed());
    let slack_ms =
        duration_ms(&job.args.slack).map_err(|message| UsageError(format!("--slack: {message}")))?;
    let slack_ms = slack_ms * i64::from(speed);
    let options = RunOptions { slack_ms, live: true, no_expect: job.args.no_expect };
    let verdict = interrupt::run(async |mut interrupt| {
        let (script, settings) = (job.script.clone(), job.settings.clone());
        let prepared = interrupt.unless(apart(move || {
            let city = City::of_script(&script, seed, &settings)?;
            let play =
                script.play(&city.cast, &options).map_err(|mistake| UsageError(mistake.to_string()))?;
            Ok((Prepared::new(city, &settings)?, play))
        }));
        let Some((prepared, mut play)) = prepared.await? else { return Ok(None) };
        let mut bar = CityBar::live(&play);
        let ended = prepared.play(interrupt, &mut play, |now| bar.show(now)).await?;
        Ok(ended.then(|| play.conclude()))
    })?;
    Ok(verdict.map(|verdict| Played {
        file: job.script.file_name().to_owned(),
        seed,
        live: true,
        wall_ms: began.elapsed().as_millis() as u64,
        again: job.again(seed),
        log: None,
        verdict,
    }))
}
