//! A scenario in virtual time.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use lighting::AstroTable;
use scenario::{Cast, Play, RunOptions, Script};
use sim::Sim;
use types::RunId;

use super::progress::{CityBar, Watched};
use super::{Job, Log, Played, Rules};
use crate::ground::Ground;
use crate::up::UsageError;

/// What the topics of a virtual run begin with; nobody sees them.
pub(super) const RUN: &str = "virtual";

/// The city of a script, and the script ready to be played in it.
pub(super) fn ready(
    script: &Script,
    seed: u64,
    rules: &Rules,
    options: &RunOptions,
    (ground, sun): (&Ground, &Arc<AstroTable>),
) -> Result<(Cast, Play)> {
    let cast = ground.cast(script.cast_spec(seed, rules.policy.clone()), sun.clone())?;
    let cast = cast.with_readers(rules.readers.clone());
    let play = script.play(&cast, options).map_err(|mistake| UsageError(mistake.to_string()))?;
    Ok((cast, play))
}

/// Plays it.
pub(super) fn play(job: Job<'_>, seed: u64) -> Result<Played> {
    let began = Instant::now();
    let (cast, mut play) = ready(job.script, seed, job.rules, job.options, (job.ground, job.sun))?;
    let run: RunId = RUN.parse()?;
    let mut sim = Sim::new(&cast, run, play.start())?;
    // Many at once have a bar of their own.
    if job.args.seeds.is_some() {
        sim.run_until(play.end(), &mut play);
    } else {
        let bar = CityBar::virtually(&play);
        sim.run_until(play.end(), &mut Watched { play: &mut play, bar });
    }
    let log = Log { events: sim.events(), digest: sim.digest() };
    Ok(Played {
        file: job.script.file_name().to_owned(),
        seed,
        live: false,
        wall_ms: began.elapsed().as_millis() as u64,
        again: job.again(seed),
        log: Some(log),
        verdict: play.conclude(),
    })
}
