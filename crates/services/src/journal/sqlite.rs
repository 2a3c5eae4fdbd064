//! The journal in SQLite: one file, a table of entries for each role.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, Row, TransactionBehavior, params};
use types::Timestamp;
use wire::RoleName;

use super::{Batch, Entry, JOURNALLED, Journal, JournalError, Told, tables};
use crate::bus::Received;

/// The file in the data folder.
pub const FILE: &str = "city.sqlite";
/// How long another process may hold the file.
const BUSY: Duration = Duration::from_secs(5);

/// What the column `told` says.
mod told {
    pub(super) const CONNECTED: i64 = 0;
    pub(super) const TIMEOUT: i64 = 1;
    pub(super) const MESSAGE: i64 = 2;
}

/// The journal in one SQLite file: write-ahead log, `synchronous = FULL`, so that a commit survives a power cut.
#[derive(Debug)]
pub struct Sqlite {
    file: PathBuf,
    connection: Connection,
}

impl Sqlite {
    /// Opens the file in `folder`; makes both if they are not there, for this user only.
    ///
    /// # Errors
    ///
    /// [`JournalError::Folder`] says what is wrong with it.
    pub fn open(folder: &Path) -> Result<Self, JournalError> {
        let trouble = |error: JournalError| error.of_folder(folder);
        let file = folder.join(FILE);
        prepare(folder, &file).map_err(|error| trouble(of_files(&error)))?;
        let opened = Self::at(file).and_then(|journal| journal.lay_out().map(|()| journal));
        opened.map_err(|error| trouble(medium(error)))
    }

    fn at(file: PathBuf) -> Result<Self, rusqlite::Error> {
        let connection = Connection::open(&file)?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        Ok(Self { file, connection })
    }

    fn lay_out(&self) -> Result<(), rusqlite::Error> {
        let entries = JOURNALLED.map(|role| {
            format!(
                "CREATE TABLE IF NOT EXISTS journal_{role} (
                     seq INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, told INTEGER NOT NULL, said INTEGER NOT NULL,
                     topic TEXT, payload BLOB, response_topic TEXT, correlation BLOB) STRICT;"
            )
        });
        // Each by itself: what is there already takes no lock, and what a crash left out is made up for.
        self.connection.execute_batch(&format!(
            "CREATE TABLE IF NOT EXISTS city (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
             CREATE TABLE IF NOT EXISTS published (role TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT;
             {}
             {}",
            entries.concat(),
            tables::LAYOUT
        ))
    }

    /// The file's connection, for what is kept beside the journal.
    pub(super) fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Lets the file grow no further than this, as a full disk does.
    #[cfg(test)]
    pub(super) fn limit(&self, pages: u32) {
        self.connection.pragma_update(None, "max_page_count", pages).expect("a pragma");
    }
}

/// Makes folder and file readable for this user alone, if they are new: codes and the secret are in there.
fn prepare(folder: &Path, file: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    let mut options = std::fs::OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
        builder.mode(0o700);
        options.mode(0o600);
    }
    builder.recursive(true).create(folder)?;
    options.read(true).append(true).create(true).open(file).map(drop)
}

impl Journal for Sqlite {
    fn append(&mut self, batches: &[Batch]) -> Result<(), JournalError> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(medium)?;
        for batch in batches {
            write(&transaction, batch)?;
        }
        transaction.commit().map_err(medium)
    }

    fn read(
        &mut self,
        role: RoleName,
        each: &mut dyn FnMut(u64, Entry) -> Result<(), JournalError>,
    ) -> Result<u64, JournalError> {
        // One view of both, also while another process appends.
        let transaction = self.connection.transaction().map_err(medium)?;
        let published = transaction
            .query_row("SELECT seq FROM published WHERE role = ?1", [role.as_str()], |row| {
                row.get::<_, i64>(0)
            })
            .or_else(|error| if error == rusqlite::Error::QueryReturnedNoRows { Ok(0) } else { Err(error) })
            .map_err(medium)?;
        let columns = "seq, time_ms, told, said, topic, payload, response_topic, correlation";
        let mut statement = transaction
            .prepare(&format!("SELECT {columns} FROM journal_{role} ORDER BY seq"))
            .map_err(medium)?;
        let mut rows = statement.query([]).map_err(medium)?;
        let mut expected = 1;
        while let Some(row) = rows.next().map_err(medium)? {
            let seq = number(row, 0);
            let damaged = |reason: &str| JournalError::Damaged { role, seq: expected, reason: reason.into() };
            if seq != Some(expected) {
                return Err(damaged("it is missing"));
            }
            each(expected, entry(row).map_err(|error| damaged(&error.to_string()))?)?;
            expected += 1;
        }
        Ok(published.cast_unsigned())
    }

    fn reader(&self) -> Result<Box<dyn Journal>, JournalError> {
        Ok(Box::new(Self::at(self.file.clone()).map_err(medium)?))
    }
}

fn write(transaction: &Connection, batch: &Batch) -> Result<(), JournalError> {
    let role = batch.role;
    let mut insert = transaction
        .prepare_cached(&format!("INSERT INTO journal_{role} VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"))
        .map_err(medium)?;
    for (entry, seq) in batch.entries.iter().zip(batch.first..) {
        let (told, message) = match &entry.told {
            Told::Connected => (told::CONNECTED, None),
            Told::Timeout => (told::TIMEOUT, None),
            Told::Message(received) => (told::MESSAGE, Some(received.delivery())),
        };
        insert
            .execute(params![
                seq.cast_signed(),
                entry.time.as_millis(),
                told,
                entry.said.cast_signed(),
                message.map(|message| message.topic),
                message.map(|message| message.payload),
                message.and_then(|message| message.response_topic),
                message.and_then(|message| message.correlation),
            ])
            .map_err(|error| match error.sqlite_error_code() {
                Some(ErrorCode::ConstraintViolation) => JournalError::Fenced { role, seq },
                _ => medium(error),
            })?;
        tables::fill(transaction, &entry.facts).map_err(medium)?;
    }
    transaction
        .prepare_cached(
            "INSERT INTO published VALUES (?1, ?2)
             ON CONFLICT (role) DO UPDATE SET seq = max(seq, excluded.seq)",
        )
        .and_then(|mut note| note.execute(params![role.as_str(), batch.published.cast_signed()]))
        .map_err(medium)?;
    Ok(())
}

fn number(row: &Row<'_>, column: usize) -> Option<u64> {
    row.get::<_, i64>(column).ok().map(i64::cast_unsigned)
}

fn entry(row: &Row<'_>) -> Result<Entry, rusqlite::Error> {
    let told = match row.get(2)? {
        told::CONNECTED => Told::Connected,
        told::TIMEOUT => Told::Timeout,
        told::MESSAGE => Told::Message(Received::kept(
            row.get(4)?,
            row.get(5)?,
            row.get(6)?,
            match row.get_ref(7)? {
                ValueRef::Null => None,
                bytes => Some(bytes.as_blob()?.to_vec()),
            },
        )),
        other => return Err(rusqlite::Error::IntegralValueOutOfRange(2, other)),
    };
    let (time, said) = (Timestamp::from_millis(row.get(1)?), row.get::<_, i64>(3)?.cast_unsigned());
    Ok(Entry { time, told, said, facts: Vec::new() })
}

/// What the file system says, in our words where there are any.
fn of_files(error: &std::io::Error) -> JournalError {
    match error.kind() {
        ErrorKind::StorageFull => JournalError::Full,
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => JournalError::ReadOnly,
        _ => JournalError::Medium(error.to_string()),
    }
}

/// What SQLite says, in our words where there are any.
#[allow(clippy::needless_pass_by_value, reason = "map_err hands it over")]
pub(super) fn medium(error: rusqlite::Error) -> JournalError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => JournalError::Full,
        Some(ErrorCode::ReadOnly) => JournalError::ReadOnly,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            JournalError::Corrupt(error.to_string())
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            JournalError::Medium("another process holds the file".to_owned())
        }
        _ => JournalError::Medium(error.to_string()),
    }
}
