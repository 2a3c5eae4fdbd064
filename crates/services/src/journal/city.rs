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
pub(super) fn found(
    journal: &mut Sqlite,
    folder: &Path,
    identity: &Identity,
    offered: &Founding,
    same_secret: bool,
    key: &KeyFile,
) -> Result<Founding, JournalError> {
    let transaction =
        journal.connection().transaction_with_behavior(TransactionBehavior::Immediate).map_err(medium)?;
    let differs = |what: &str, there: String, here: String| JournalError::OtherCity {
        folder: folder.display().to_string(),
        what: what.to_owned(),
        there,
        here,
    };
    let format = ("format", FORMAT.to_string());
    for (name, here) in std::iter::once(&format).chain(identity) {
        let there = value(&transaction, name, here)?;
        if there != *here {
            return Err(differs(name, there, here.clone()));
        }
    }
    let start = value(&transaction, "start", &offered.start.to_string())?;
    let sealed = match kept(&transaction, "sealed_secret")? {
        Some(sealed) => sealed,
        None => value(&transaction, "sealed_secret", &key.seal(&offered.secret)?)?,
    };
    let unreadable = |what: &str| JournalError::Medium(format!("`{what}` of the city is damaged"));
    let founding =
        Founding { start: start.parse().map_err(|_| unreadable("start"))?, secret: key.open(&sealed)? };
    if same_secret && founding.secret.to_bytes() != offered.secret.to_bytes() {
        return Err(differs("secret", "another one".to_owned(), "the one that was given".to_owned()));
    }
    transaction.commit().map_err(medium)?;
    Ok(founding)
}

/// What is kept under `name`; if nothing is, `offered` from now on.
fn value(city: &Connection, name: &str, offered: &str) -> Result<String, JournalError> {
    city.execute("INSERT INTO city VALUES (?1, ?2) ON CONFLICT DO NOTHING", params![name, offered])
        .map_err(medium)?;
    kept(city, name)?.ok_or_else(|| JournalError::Medium(format!("`{name}` of the city is lost")))
}

/// What is kept under `name`, if anything is.
fn kept(city: &Connection, name: &str) -> Result<Option<String>, JournalError> {
    let value = city.query_row("SELECT value FROM city WHERE name = ?1", [name], |row| row.get(0));
    value.optional().map_err(medium)
}
