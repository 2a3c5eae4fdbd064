//! What a bridge knows that should outlast its process: one file, written anew when that changes.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use tokio::task::spawn_blocking;
use tokio::time::Instant;
use wire::dialect::Bridge;

/// How long changes are gathered before they are written: a crash forgets no more than that.
const GATHER: Duration = Duration::from_secs(1);
/// The longest sleep while nothing is to be written.
const IDLE: Duration = Duration::from_secs(3_600);

/// Why a bridge cannot be what it was, or what it is cannot be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// The file cannot be read or written.
    #[error("{file}: {what}")]
    File {
        /// Which.
        file: String,
        /// What was tried.
        what: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file is not what a bridge wrote.
    #[error("{file}: {reason}; move it away to begin without it")]
    Content {
        /// Which.
        file: String,
        /// What is wrong.
        reason: String,
    },
}

/// The file of one bridge.
#[derive(Debug)]
pub(super) struct Memory {
    file: PathBuf,
    /// The changes that are written.
    kept: u64,
    /// When that was.
    at: Instant,
}

impl Memory {
    /// Has `bridge` recall what `file` holds, if there is one.
    pub(super) fn recall(file: PathBuf, bridge: &mut dyn Bridge) -> Result<Self, MemoryError> {
        match fs::read(&file) {
            Ok(bytes) => bridge
                .recall(&bytes)
                .map_err(|reason| MemoryError::Content { file: file.display().to_string(), reason })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(MemoryError::of(&file, "cannot be read", source)),
        }
        Ok(Self { file, kept: bridge.changes(), at: Instant::now() })
    }

    /// How long until there is something to write.
    pub(super) fn wait(&self, bridge: &dyn Bridge) -> Duration {
        if bridge.changes() == self.kept { IDLE } else { GATHER.saturating_sub(self.at.elapsed()) }
    }

    /// Writes down what `bridge` is now, if that changed: all of it or nothing, whatever happens meanwhile.
    pub(super) async fn keep(&mut self, bridge: &dyn Bridge) -> Result<(), MemoryError> {
        let changes = bridge.changes();
        if changes == self.kept {
            return Ok(());
        }
        let (bytes, file) = (bridge.memory(), self.file.clone());
        let writing = spawn_blocking(move || write(&file, &bytes));
        let written = writing.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        written.map_err(|source| MemoryError::of(&self.file, "cannot be written", source))?;
        (self.kept, self.at) = (changes, Instant::now());
        Ok(())
    }
}

impl MemoryError {
    fn of(file: &Path, what: &'static str, source: io::Error) -> Self {
        Self::File { file: file.display().to_string(), what, source }
    }
}

fn write(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = file.with_extension("new");
    fs::write(&beside, bytes)?;
    fs::File::open(&beside)?.sync_all()?;
    fs::rename(&beside, file)
}
