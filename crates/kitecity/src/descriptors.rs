//! How many files – connections, above all – this process may have open.

/// Descriptors beside those of luminaires.
const BESIDE: u64 = 512;

/// What a process needs that holds `ends` of each luminaire's connection: one is the luminaire's, the other the broker's.
pub(crate) fn wanted(luminaires: usize, ends: u64) -> u64 {
    ends * luminaires as u64 + BESIDE
}

/// Raises the limit to `wanted` where the system allows it. Otherwise says so, and what helps.
pub(crate) fn raise(wanted: u64, remedy: &str) {
    if let Some(limit) = raised(wanted).filter(|&limit| limit < wanted) {
        eprintln!("this process may open {limit} files, and may want {wanted}: raise `ulimit -n`{remedy}");
    }
}

/// The limit after it was raised as far as the system allows; `None` if it is unknown.
pub(crate) fn raised(wanted: u64) -> Option<u64> {
    rlimit::increase_nofile_limit(wanted).ok()
}
