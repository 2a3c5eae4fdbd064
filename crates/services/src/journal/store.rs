//! One writer for all roles of a process, and how a role comes back.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use std::vec::Drain;

use tokio::sync::{mpsc, oneshot};
use types::{RunId, Timestamp, fnv1a};
use wire::{BusInput, Frame, Message, Role, RoleName, decode, encode};

use super::city::{Founding, Identity, found};
use super::sqlite::Sqlite;
use super::{Batch, Entry, Journal, JournalError, KeyFile, Told};
use crate::metrics::metrics;

/// Batches in one commit, at most.
const GROUP_MAX: usize = 256;
/// Batches that wait for the writer, at most; then those who append wait too.
const WAITING_MAX: usize = 1_024;

/// A batch, and who waits for it.
struct Job {
    batch: Batch,
    done: oneshot::Sender<Result<(), JournalError>>,
}

/// The journal of a city. Cheap to clone; the writer thread ends with the last clone.
#[derive(Clone, Debug)]
pub struct Store {
    jobs: mpsc::Sender<Job>,
    readers: Arc<Mutex<Box<dyn Journal>>>,
}

impl std::fmt::Debug for dyn Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Journal")
    }
}

/// A role as it was when its journal ends.
#[derive(Debug)]
pub struct Recovered {
    /// How its journal goes on.
    pub journal: RoleJournal,
    /// What it said, without a proof that the broker got it.
    pub unpublished: Vec<Message>,
    /// When it was last told something; its clock must not go back behind that.
    pub last: Timestamp,
    /// How many entries there were.
    pub entries: u64,
}

impl Store {
    /// Opens the city's data folder, or founds the city there.
    ///
    /// `key` opens the city's secret, which is kept sealed; at the first start it is made if it is not there.
    /// `same_secret` – whether the offered secret was asked for, so that another one there is another city.
    ///
    /// # Errors
    ///
    /// [`JournalError`] if the folder cannot be used, or belongs to another city.
    pub fn open(
        folder: &Path,
        identity: &Identity,
        offered: &Founding,
        same_secret: bool,
        key: &KeyFile,
    ) -> Result<(Self, Founding), JournalError> {
        let mut journal = Sqlite::open(folder)?;
        let founding = found(&mut journal, folder, identity, offered, same_secret, key)
            .map_err(|error| error.of_folder(folder))?;
        Ok((Self::over(Box::new(journal))?, founding))
    }

    /// A store over any journal.
    ///
    /// # Errors
    ///
    /// [`JournalError`] if it has no reader.
    pub fn over(journal: Box<dyn Journal>) -> Result<Self, JournalError> {
        let readers = Arc::new(Mutex::new(journal.reader()?));
        let (jobs, waiting) = mpsc::channel(WAITING_MAX);
        std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || keep(journal, waiting))
            .map_err(|error| JournalError::Medium(error.to_string()))?;
        Ok(Self { jobs, readers })
    }

    /// Tells `role` once more everything it was told. Takes as long as it takes: not for an async thread.
    ///
    /// # Errors
    ///
    /// [`JournalError`] if an entry is missing or damaged, or the role says something else to it than it did.
    pub fn recover(&self, role: &mut dyn Role, run: RunId) -> Result<Recovered, JournalError> {
        let (mut entries, mut last) = (0, Timestamp::default());
        // By entry: only when all are read is it known which of them count.
        let mut said: Vec<(u64, Message)> = Vec::new();
        let published = self.replay(role, run, |seq, entry, out| {
            said.extend(out.map(|message| (seq, message)));
            if said.len() > UNPUBLISHED_MAX {
                said.drain(..said.len() - UNPUBLISHED_MAX / 2);
            }
            (entries, last) = (seq, last.max(entry.time));
        })?;
        let unpublished =
            said.into_iter().filter(|(seq, _)| *seq > published).map(|(_, message)| message).collect();
        let (name, jobs) = (role.name(), self.jobs.clone());
        let journal = RoleJournal { role: name, next: entries + 1, published, jobs };
        Ok(Recovered { journal, unpublished, last, entries })
    }

    /// The same, and shows to `each` the entries with their numbers and what `role` says to them, for whoever wants to
    /// look at what happened. The answer is the newest entry whose outputs the broker has all got, as far as is known.
    ///
    /// # Errors
    ///
    /// As in [`Store::recover`].
    pub fn replay(
        &self,
        role: &mut dyn Role,
        run: RunId,
        mut each: impl FnMut(u64, &Entry, Drain<'_, Message>),
    ) -> Result<u64, JournalError> {
        let name = role.name();
        let mut reader = self.readers.lock().unwrap_or_else(PoisonError::into_inner).reader()?;
        let mut out = Vec::new();
        reader.read(name, &mut |seq, entry| {
            tell(role, run, seq, &entry, &mut out)?;
            if digest(run, &out) != entry.said {
                return Err(JournalError::Diverged { role: name, seq });
            }
            each(seq, &entry, out.drain(..));
            Ok(())
        })
    }
}

/// Messages said again after a crash, at most; beyond it the newest. More cannot have been on their way.
const UNPUBLISHED_MAX: usize = 600_000;

/// Tells a role one thing again.
fn tell(
    role: &mut dyn Role,
    run: RunId,
    seq: u64,
    entry: &Entry,
    out: &mut Vec<Message>,
) -> Result<(), JournalError> {
    match &entry.told {
        Told::Connected => role.handle(entry.time, BusInput::Connected, out),
        Told::Timeout => role.handle_timeout(entry.time, out),
        Told::Message(received) => {
            let message = decode(run, received.delivery()).map_err(|error| JournalError::Damaged {
                role: role.name(),
                seq,
                reason: error.to_string(),
            })?;
            role.handle(entry.time, BusInput::Message(message), out);
        }
    }
    Ok(())
}

/// A hash of messages, as they leave for the bus: FNV-1a, 64 bits. Tells a difference, and protects from nobody.
pub(crate) fn digest(run: RunId, messages: &[Message]) -> u64 {
    let parts = |message| {
        let Frame { topic, payload, response_topic, correlation, .. } = encode(run, message);
        let response_topic = response_topic.unwrap_or_default();
        [topic.into_bytes(), payload, response_topic.into_bytes(), correlation.unwrap_or_default()]
    };
    fnv1a(messages.iter().flat_map(parts).flat_map(|part| part.into_iter().chain([0xff])))
}

/// Keeps what one role is told from now on.
#[derive(Debug)]
pub struct RoleJournal {
    role: RoleName,
    next: u64,
    published: u64,
    jobs: mpsc::Sender<Job>,
}

impl RoleJournal {
    /// The number of the newest entry; 0 if there is none.
    pub fn newest(&self) -> u64 {
        self.next - 1
    }

    /// Takes note that the broker got everything said up to this entry; kept with the next entries.
    pub fn published(&mut self, seq: u64) {
        self.published = self.published.max(seq);
    }

    /// Keeps `entries`, together with what other roles append at the same time.
    ///
    /// # Errors
    ///
    /// [`JournalError`], and none of them is kept: nothing that was said to them may leave.
    pub async fn append(&mut self, entries: Vec<Entry>) -> Result<(), JournalError> {
        let count = entries.len() as u64;
        let batch = Batch { role: self.role, first: self.next, entries, published: self.published };
        let (done, kept) = oneshot::channel();
        self.jobs.send(Job { batch, done }).await.map_err(|_| JournalError::Closed)?;
        kept.await.map_err(|_| JournalError::Closed)??;
        self.next += count;
        Ok(())
    }
}

/// The writer: takes all that wait, commits once, answers all.
#[allow(clippy::needless_pass_by_value, reason = "the thread owns them")]
fn keep(mut journal: Box<dyn Journal>, mut waiting: mpsc::Receiver<Job>) {
    while let Some(first) = waiting.blocking_recv() {
        let (mut batches, mut done) = (vec![first.batch], vec![first.done]);
        while batches.len() < GROUP_MAX
            && let Ok(Job { batch, done: told }) = waiting.try_recv()
        {
            batches.push(batch);
            done.push(told);
        }
        match commit(journal.as_mut(), &batches) {
            Ok(()) => done.into_iter().for_each(|done| drop(done.send(Ok(())))),
            // One that fails must not take the others with it.
            Err(_) if batches.len() > 1 => {
                for (batch, done) in batches.iter().zip(done) {
                    let _ = done.send(commit(journal.as_mut(), std::slice::from_ref(batch)));
                }
            }
            Err(error) => done.into_iter().for_each(|done| drop(done.send(Err(error.clone())))),
        }
    }
}

/// One commit, counted.
fn commit(journal: &mut dyn Journal, batches: &[Batch]) -> Result<(), JournalError> {
    let began = Instant::now();
    let outcome = journal.append(batches);
    if outcome.is_ok() {
        let entries: usize = batches.iter().map(|batch| batch.entries.len()).sum();
        metrics().journal_commits.inc();
        metrics().journal_entries.observe(entries as f64);
        metrics().journal_commit.observe(began.elapsed().as_secs_f64());
    } else {
        metrics().journal_failures.inc();
    }
    outcome
}
