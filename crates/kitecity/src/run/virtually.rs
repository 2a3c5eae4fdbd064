//! A scenario in virtual time.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use lighting::AstroTable;
use medpay::Policy;
use scenario::{Cast, Play, RunOptions, Script};
use sim::Sim;
use types::RunId;

use super::{Log, Played};
use crate::up::UsageError;

/// What the topics of a virtual run begin with; nobody sees them.
const RUN: &str = "virtual";

/// The city of a script, and the script ready to be played in it.
pub(super) fn ready(
    script: &Script,
    seed: u64,
    policy: &Policy,
    options: &RunOptions,
    sun: &Arc<AstroTable>,
) -> Result<(Cast, Play)> {
    let cast = Cast::under_sun(script.cast_spec(seed, policy.clone()), sun.clone())
        .map_err(|error| UsageError(error.to_string()))?;
    let play = script.play(&cast, options).map_err(|mistake| UsageError(mistake.to_string()))?;
    Ok((cast, play))
}

/// Plays it.
pub(super) fn play(
    script: &Script,
    seed: u64,
    policy: &Policy,
    options: &RunOptions,
    sun: &Arc<AstroTable>,
) -> Result<Played> {
    let began = Instant::now();
    let (cast, mut play) = ready(script, seed, policy, options, sun)?;
    let run: RunId = RUN.parse()?;
    let mut sim = Sim::new(&cast, run, play.start())?;
    sim.run_until(play.end(), &mut play);
    let log = Log { events: sim.events(), digest: sim.digest() };
    Ok(Played {
        file: script.file_name().to_owned(),
        seed,
        live: false,
        wall_ms: began.elapsed().as_millis() as u64,
        log: Some(log),
        verdict: play.conclude(),
    })
}
