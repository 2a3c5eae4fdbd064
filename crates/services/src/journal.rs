//! The journal: what a role was told, kept before anything it says to that leaves it.
//!
//! ```text
//! bus ─▶ host ─▶ role.handle ─▶ outputs wait ──────────────┐
//!          └─▶ entries ─▶ one writer thread ─▶ one commit ─┴─▶ bus
//! ```
//!
//! A role is a core: the same inputs at the same times make the same state and the same outputs. So nothing but inputs
//! is kept, and a role that starts again is told everything once more ([`Store::recover`]). With each entry goes a hash
//! of what the role said to it; if it says something else at replay, it is not the same role, and does not start.
//!
//! What was said before the crash, but perhaps not received by the broker, is said again, with the same ids.
//!
//! [`Journal`] is the one trait, batch first; [`Sqlite`](sqlite::Sqlite) is how it is kept on disk. [`Store`] is what a
//! city has of it: the folder's identity, one writer thread for all roles of the process, and a commit for all that
//! wait at the same time.

use std::path::Path;

use types::Timestamp;
use wire::RoleName;

use crate::bus::Received;

mod city;
mod seal;
pub mod sqlite;
mod store;
mod tables;

pub use city::{Founding, Identity};
pub use seal::KeyFile;
pub(crate) use store::digest;
pub use store::{Recovered, RoleJournal, Store};
pub use tables::Fact;
pub(crate) use tables::facts;

/// Raised whenever a role would make something else of the same inputs, so that a journal of before cannot be replayed; or
/// when something stands beside the journal that an older one has not.
pub const FORMAT: u32 = 4;

/// The roles that keep a journal: those that live by the wall's clock and have something to lose.
///
/// Lighting does not: the city's clock starts anew with each city, and telemetry is no state.
pub const JOURNALLED: [RoleName; 4] =
    [RoleName::Issuer, RoleName::Verifier, RoleName::Payer, RoleName::Clinic];

/// What a role was told.
#[derive(Clone, Debug)]
pub enum Told {
    /// The bus is there.
    Connected,
    /// A moment it had asked for has come.
    Timeout,
    /// A message, as its bytes came in.
    Message(Received),
}

/// What a role was told, when, and what it said.
#[derive(Clone, Debug)]
pub struct Entry {
    /// By the role's clock.
    pub time: Timestamp,
    /// What.
    pub told: Told,
    /// A hash of all that the role said to it.
    pub said: u64,
    /// What the role said that stands in tables for others to ask; empty when it is read back.
    pub facts: Vec<Fact>,
}

/// Entries of one role that are kept together.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Whose.
    pub role: RoleName,
    /// The number of the first; they count from 1, without gaps.
    pub first: u64,
    /// In order; may be none, to note `published` alone.
    pub entries: Vec<Entry>,
    /// The newest entry whose outputs the broker has all got, as far as is known.
    pub published: u64,
}

/// Keeps entries.
pub trait Journal: Send {
    /// Keeps all of `batches`, or nothing. When it returns, they survive a power cut.
    ///
    /// # Errors
    ///
    /// [`JournalError`], and nothing of them is kept.
    fn append(&mut self, batches: &[Batch]) -> Result<(), JournalError>;

    /// Hands over all entries of `role` with their numbers, in order; the answer is [`Batch::published`].
    ///
    /// # Errors
    ///
    /// [`JournalError`] of the medium, or of `each`.
    fn read(
        &mut self,
        role: RoleName,
        each: &mut dyn FnMut(u64, Entry) -> Result<(), JournalError>,
    ) -> Result<u64, JournalError>;

    /// Another way to the same entries, to read while the first writes.
    ///
    /// # Errors
    ///
    /// [`JournalError`] of the medium.
    fn reader(&self) -> Result<Box<dyn Journal>, JournalError>;
}

/// Why entries cannot be kept or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The folder or the file in it cannot be used.
    #[error("data folder {folder}: {reason}")]
    Folder {
        /// Which.
        folder: String,
        /// Why.
        reason: String,
    },
    /// What is kept there belongs to another city.
    #[error("data folder {folder} belongs to another city: its `{what}` is {there}, here it is {here}")]
    OtherCity {
        /// Which.
        folder: String,
        /// What differs.
        what: String,
        /// As it is kept.
        there: String,
        /// As it was asked for.
        here: String,
    },
    /// The key that opens the city's secret is missing, wrong, or cannot be made.
    #[error("key file {file}: {reason}")]
    KeyFile {
        /// Which.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// No room for more.
    #[error("the disk is full: make room, and start again; nothing that was acknowledged is lost")]
    Full,
    /// Nothing may be written.
    #[error("it is read-only, or on a read-only disk: let this user write there, and start again")]
    ReadOnly,
    /// The file is no longer what was written.
    #[error("city.sqlite is damaged ({0}): put back a copy of the folder, or give --data another one")]
    Corrupt(String),
    /// The medium fails.
    #[error("the journal cannot be kept: {0}")]
    Medium(String),
    /// Somebody else appends for the same role.
    #[error("{role}: another process keeps this journal too, entry {seq} is taken")]
    Fenced {
        /// Whose journal.
        role: RoleName,
        /// The number both wanted.
        seq: u64,
    },
    /// What is kept cannot be read back.
    #[error(
        "{role}: entry {seq} of the journal is damaged: {reason}; put back a copy of the folder, or give --data another one"
    )]
    Damaged {
        /// Whose journal.
        role: RoleName,
        /// Which entry.
        seq: u64,
        /// What is wrong.
        reason: String,
    },
    /// The role does not say what it said before.
    #[error(
        "{role}: at entry {seq} of the journal this program does something else than the one that kept it"
    )]
    Diverged {
        /// Whose journal.
        role: RoleName,
        /// Which entry.
        seq: u64,
    },
    /// The writer thread is gone.
    #[error("the journal is closed")]
    Closed,
}

impl JournalError {
    /// The same, with the folder it is about, if it does not say so itself.
    #[must_use]
    pub fn of_folder(self, folder: &Path) -> Self {
        match self {
            Self::Full | Self::ReadOnly | Self::Corrupt(_) | Self::Medium(_) => {
                Self::Folder { folder: folder.display().to_string(), reason: self.to_string() }
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests;
