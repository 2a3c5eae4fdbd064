//! What the services said they have done, as their clients remember it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lighting::DimLevel;
use types::{BillId, LuminaireId};
use uuid::Uuid;

/// Broken promises that are kept word for word; all are counted.
const WORDS_MAX: usize = 100;

/// What clients were told, and what they did. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Record(Arc<Mutex<Told>>);

impl Record {
    /// The record, for as long as nobody else may look at it.
    pub(super) fn lock(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A promise is broken, as a client or an auditor sees it.
    pub(super) fn broken(&self, words: String) {
        let mut told = self.lock();
        told.broken += 1;
        if told.broken_words.len() < WORDS_MAX {
            told.broken_words.push(words);
        }
    }
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Bills, and as which settlement they are paid.
    pub(super) settled: BTreeMap<BillId, Uuid>,
    /// Codes that were accepted, by their id, and to which question.
    pub(super) accepted: BTreeMap<String, Box<[u8]>>,
    /// What each luminaire holds, and in which life of the fleet it obeyed.
    pub(super) levels: BTreeMap<LuminaireId, (DimLevel, u32)>,
    /// Luminaires that are broken.
    pub(super) vandalised: BTreeSet<LuminaireId>,
    /// Commands that were obeyed.
    pub(super) obeyed: u64,
    /// Used codes that were shown again, and refused.
    pub(super) replays_refused: u64,
    /// Questions that were asked again because there was no answer.
    pub(super) retries: u64,
    /// Bills, codes and commands that were given up, without an answer that promised anything.
    pub(super) given_up: u64,
    /// Promises that were broken.
    pub(super) broken: u64,
    /// How.
    pub(super) broken_words: Vec<String>,
}
