//! Which city a data folder belongs to.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use super::sqlite::{Sqlite, medium};
use super::{FORMAT, JournalError, KeyFile};
use crate::access::Secret;

/// What makes a city the same city, by name: whatever would make a role another one if it were changed.
pub type Identity = Vec<(&'static str, String)>;

/// What a city is given at its first start, and keeps.
#[derive(Clone, Debug)]
pub struct Founding {
    /// The number of that start: ids are made from it, and replay must make the same ones.
    pub start: u64,
    /// What keys and passwords are made from.
    pub secret: Secret,
}

/// Compares the folder's city with `identity`, or founds it there with `offered`.
///
/// `key` opens what is kept of the secret. `same_secret` – whether `offered.secret` was asked for, so that another one there is another city.
///
/// A city that is there already is only read: to open a key takes long, on purpose, and must not hold up the commits of
/// the city's other processes.
pub(super) fn found(
    journal: &mut Sqlite,
    folder: &Path,
    identity: &Identity,
    offered: &Founding,
    same_secret: bool,
    key: &KeyFile,
) -> Result<Founding, JournalError> {
    let city = journal.connection();
    let format = ("format", FORMAT.to_string());
    let identity: Vec<&(&str, String)> = std::iter::once(&format).chain(identity).collect();
    let is_complete = compare(city, folder, &identity)?;
    if !is_complete || kept(city, START)?.is_none() || kept(city, SEALED)?.is_none() {
        let sealed = match kept(city, SEALED)? {
            Some(sealed) => sealed,
            None => key.seal(&offered.secret)?,
        };
        complete(city, &identity, &offered.start.to_string(), &sealed)?;
        // Another process may have founded another city there meanwhile.
        compare(city, folder, &identity)?;
    }
    let unreadable = |what: &str| JournalError::Medium(format!("`{what}` of the city is damaged"));
    let start = kept(city, START)?.and_then(|start| start.parse().ok()).ok_or_else(|| unreadable(START))?;
    let secret = key.open(&kept(city, SEALED)?.ok_or_else(|| unreadable(SEALED))?)?;
    if same_secret && secret.to_bytes() != offered.secret.to_bytes() {
        return Err(differs(folder, "secret", "another one".to_owned(), "the one that was given".to_owned()));
    }
    Ok(Founding { start, secret })
}

/// The name of the first start's number.
const START: &str = "start";
/// The name of the secret, sealed.
const SEALED: &str = "sealed_secret";

/// Refuses another city, and tells whether all of `identity` is kept.
fn compare(
    city: &Connection,
    folder: &Path,
    identity: &[&(&'static str, String)],
) -> Result<bool, JournalError> {
    let mut is_complete = true;
    for (name, here) in identity {
        match kept(city, name)? {
            Some(there) if there != *here => return Err(differs(folder, name, there, here.clone())),
            Some(_) => {}
            None => is_complete = false,
        }
    }
    Ok(is_complete)
}

fn differs(folder: &Path, what: &str, there: String, here: String) -> JournalError {
    JournalError::OtherCity { folder: folder.display().to_string(), what: what.to_owned(), there, here }
}

/// Keeps whatever of the city is not kept yet.
fn complete(
    city: &mut Connection,
    identity: &[&(&'static str, String)],
    start: &str,
    sealed: &str,
) -> Result<(), JournalError> {
    let transaction = city.transaction_with_behavior(TransactionBehavior::Immediate).map_err(medium)?;
    let identity = identity.iter().map(|(name, value)| (*name, value.as_str()));
    for (name, value) in identity.chain([(START, start), (SEALED, sealed)]) {
        transaction
            .execute("INSERT INTO city VALUES (?1, ?2) ON CONFLICT DO NOTHING", params![name, value])
            .map_err(medium)?;
    }
    transaction.commit().map_err(medium)
}

/// What is kept under `name`, if anything is.
fn kept(city: &Connection, name: &str) -> Result<Option<String>, JournalError> {
    let value = city.query_row("SELECT value FROM city WHERE name = ?1", [name], |row| row.get(0));
    value.optional().map_err(medium)
}
