//! What a verifier without a network keeps: the issuer's keys, in a file.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use ::eid::{KeySet, ManageReply, ManageRequest, RootKey};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};
use services::operator::Operator;
use wire::{ReplyBody, RequestBody};

/// Where the keys are kept.
pub(super) const KEYS_FILE: &str = "eid-keys.json";
/// The largest file of keys that is read \[bytes\]: what the bus carries at most.
const KEYS_BYTES_MAX: u64 = 64 * 1024;

/// What `eid keys` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Keys {
    /// Where to keep them.
    #[arg(default_value = KEYS_FILE)]
    file: PathBuf,
    /// Take them although they are of another root than those in the file: another city, or one that was set up anew.
    #[arg(long)]
    new_root: bool,
    #[command(flatten)]
    pub(super) entry: super::Entry,
}

/// The file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cached {
    /// The root key, as it came the first time.
    root: String,
    pub(super) keys: KeySet,
}

impl Cached {
    pub(super) fn read(file: &Path) -> Result<Self> {
        let cached = Self::read_if_there(file)?;
        cached.with_context(|| format!("no keys in {}: fetch them with `kitecity eid keys`", file.display()))
    }

    fn read_if_there(file: &Path) -> Result<Option<Self>> {
        let length = match fs::metadata(file) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            metadata => metadata.with_context(|| format!("cannot read {}", file.display()))?.len(),
        };
        ensure!(length <= KEYS_BYTES_MAX, "{} is no file of keys: it is too long", file.display());
        let text = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let cached = serde_json::from_slice(&text);
        cached.map(Some).with_context(|| format!("{} is no file of keys", file.display()))
    }

    pub(super) fn root(&self) -> Result<RootKey> {
        RootKey::parse(&self.root).context("the root key is none")
    }

    /// A set of the same root and not an older one may take the place of this.
    fn check_successor(&self, next: &Self, new_root: bool) -> Result<()> {
        if self.root != next.root {
            ensure!(
                new_root,
                "the city has another root key than the file: if that is right, say --new-root"
            );
        } else if next.keys.version < self.keys.version {
            bail!("the city tells keys of version {}, the file has {}", next.keys.version, self.keys.version);
        }
        Ok(())
    }

    /// All or nothing: the file is replaced by a finished one.
    fn write(&self, file: &Path) -> Result<()> {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut unfinished = tempfile::NamedTempFile::new_in(folder).context("cannot write the keys")?;
        unfinished.write_all(&serde_json::to_vec_pretty(self)?)?;
        unfinished.persist(file).with_context(|| format!("cannot write {}", file.display()))?;
        Ok(())
    }
}

/// Fetches the keys into the file; says in words what it has done.
pub(super) async fn fetch(operator: &Operator, keys: &Keys) -> Result<String> {
    let reply = operator.ask(RequestBody::Manage(ManageRequest::TellKeys)).await?;
    let ReplyBody::Manage(ManageReply::Keys { root, keys: set }) = reply else {
        bail!("the issuer answers another question");
    };
    let next = Cached { root, keys: set };
    if let Some(present) = Cached::read_if_there(&keys.file)? {
        present.check_successor(&next, keys.new_root)?;
    }
    // What no verifier would take must not be kept.
    ::eid::Verifier::new(next.root()?).adopt(services::time::wall_now(), &next.keys)?;
    next.write(&keys.file)?;
    let count = next.keys.keys.len();
    Ok(format!("{count} keys of version {} are in {}", next.keys.version, keys.file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cached(root: &str, version: u32) -> Cached {
        Cached { root: root.to_owned(), keys: KeySet { version, ..KeySet::default() } }
    }

    #[test]
    fn an_older_set_and_another_root_are_refused() {
        let present = cached("a", 5);
        assert!(present.check_successor(&cached("a", 4), true).is_err());
        assert!(present.check_successor(&cached("b", 6), false).is_err());
        assert!(present.check_successor(&cached("b", 4), true).is_ok());
        assert!(present.check_successor(&cached("a", 5), false).is_ok());
    }

    #[test]
    fn a_file_is_read_back_and_what_is_none_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(KEYS_FILE);
        assert_eq!(Cached::read_if_there(&file).unwrap(), None);
        cached("a", 5).write(&file).unwrap();
        assert_eq!(Cached::read(&file).unwrap(), cached("a", 5));
        fs::write(&file, "{}").unwrap();
        assert!(Cached::read(&file).unwrap_err().to_string().ends_with("is no file of keys"));
    }
}
