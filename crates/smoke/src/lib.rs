//! Short runs of the fuzz targets in `cargo test`, on stable: each target stands its kept corpus, and what chance makes of it.
//!
//! `fuzz/` drives the same targets with coverage, for as long as one likes. Only tests stand on this crate.

mod change;

use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use self::change::{Change, change};

/// Examples that a corpus must have: fewer are no sample of a format.
const EXAMPLES_MIN: usize = 4;
/// Changes made to one example, at most.
const CHANGES_MAX: usize = 4;

/// Gives `target` every file of `fuzz/corpus/{name}`, then `cases` changed ones; the same ones in each run.
///
/// # Panics
///
/// If the target panics, with the shortest input found for which it does; or if there is no corpus.
pub fn run(name: &str, cases: u32, target: impl Fn(&[u8])) {
    let corpus = corpus(name);
    corpus.iter().for_each(|example| target(example));
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let chance = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, chance);
    let inputs = (any::<Index>(), vec(change(), 1..=CHANGES_MAX));
    let outcome = runner.run(&inputs, |(which, changes)| {
        target(&changed(&corpus, which, &changes));
        Ok::<_, TestCaseError>(())
    });
    if let Err(TestError::Fail(reason, (which, changes))) = outcome {
        panic!("{name}: {reason}: {}", changed(&corpus, which, &changes).escape_ascii());
    }
}

/// One of the corpus after these changes.
fn changed(corpus: &[Vec<u8>], which: Index, changes: &[Change]) -> Vec<u8> {
    changes.iter().fold(which.get(corpus).clone(), |bytes, change| change.apply(bytes, corpus))
}

/// The files of a corpus, ordered by name.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = files.map(|entry| entry.expect("a file of the corpus").path()).collect();
    files.sort();
    assert!(files.len() >= EXAMPLES_MIN, "{name}: a corpus has {EXAMPLES_MIN} files or more");
    files.into_iter().map(|file| std::fs::read(file).expect("a file of the corpus")).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    fn told(name: &str, target: impl Fn(&[u8])) -> String {
        let panic = catch_unwind(AssertUnwindSafe(|| run(name, 500, target))).expect_err("it panics");
        panic.downcast_ref::<String>().expect("a message").clone()
    }

    #[test]
    fn a_target_without_a_corpus_is_refused() {
        assert!(told("no-such-target", |_| ()).contains("no-such-target"));
    }

    #[test]
    fn a_target_that_panics_is_told_with_an_input() {
        let message = told("base45", |bytes| assert!(!bytes.starts_with(b"[]"), "a list"));
        assert!(message.starts_with("base45: a list: []"), "{message}");
    }

    #[test]
    fn a_run_is_the_same_each_time_and_changes_nearly_everything() {
        let sum = || {
            let (sum, count) = (Cell::new(0u64), Cell::new(0));
            run("base45", 300, |bytes| {
                let hash = bytes.iter().fold(7, |hash: u64, byte| hash.wrapping_mul(31) + u64::from(*byte));
                sum.set(sum.get().wrapping_mul(31).wrapping_add(hash));
                count.set(count.get() + 1);
            });
            (sum.get(), count.get())
        };
        assert_eq!(sum(), sum());
        assert_eq!(sum().1, 300 + corpus("base45").len());
    }
}
