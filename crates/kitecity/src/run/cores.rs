//! The same work on every core at once.

use anyhow::{Result, anyhow};

/// Runs `work` once on each core, and waits for all. The workers share out what there is to do among themselves.
///
/// # Errors
///
/// Those of the first worker that had one, also if it panicked.
pub(super) fn on_all_cores(work: impl Fn() -> Result<()> + Sync) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(&work)).collect();
        let ended: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
        ended.into_iter().try_for_each(|worker| worker.unwrap_or_else(|_| Err(anyhow!("a run panicked"))))
    })
}
