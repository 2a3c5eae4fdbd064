//! Files that are never half-written.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tempfile::{Builder, NamedTempFile};

use crate::up::UsageError;

/// A file to be written at the end of a run.
#[derive(Debug)]
pub(crate) struct OutFile {
    /// Where to, symbolic links followed.
    path: PathBuf,
    flag: &'static str,
}

impl OutFile {
    /// Finds out whether `path` can be written.
    ///
    /// # Errors
    ///
    /// A usage error that names `flag`: its folder is missing or closed, or it is a folder itself.
    pub(crate) fn ready(flag: &'static str, path: &Path) -> Result<Self> {
        let wrong = |what: &str| UsageError(format!("{flag} {}: {what}", path.display()));
        if path.is_dir() || path.file_name().is_none() {
            return Err(wrong("this is a folder, not a file").into());
        }
        // Renaming would put a file in the place of a link.
        let file = Self { path: path.canonicalize().unwrap_or_else(|_| path.to_owned()), flag };
        if !file.folder().is_dir() {
            return Err(wrong(&format!("there is no folder `{}`", file.folder().display())).into());
        }
        if !file.is_special() {
            file.beside().map_err(|error| wrong(&format!("cannot write there: {error}")))?;
        }
        Ok(file)
    }

    /// Writes all of it, or nothing.
    pub(crate) fn write(&self, text: &str) -> Result<()> {
        let outcome = if self.is_special() { self.pour(text) } else { self.replace(text) };
        outcome.with_context(|| format!("{} {}: cannot write", self.flag, self.path.display()))
    }

    /// Whether it is a pipe or a device, in whose place no file must be put.
    fn is_special(&self) -> bool {
        self.path.metadata().is_ok_and(|there| !there.is_file())
    }

    fn pour(&self, text: &str) -> std::io::Result<()> {
        std::fs::write(&self.path, text)
    }

    fn replace(&self, text: &str) -> std::io::Result<()> {
        let mut file = self.beside()?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }

    fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        }
    }

    /// A new file in the same folder, gone when it is dropped.
    fn beside(&self) -> std::io::Result<NamedTempFile> {
        let mut builder = Builder::new();
        builder.prefix(".kitecity-");
        // As readable as any other file of this user, which temporary ones are not.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        builder.tempfile_in(self.folder())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_folder_and_a_folder_are_refused_by_the_name_of_the_flag() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().join("none/report.xml"), folder.path().to_owned(), PathBuf::from("/")] {
            let error = OutFile::ready("--junit", &path).unwrap_err().to_string();
            assert!(error.starts_with("--junit ") && error.contains("folder"), "{error}");
        }
    }

    #[test]
    fn getting_ready_leaves_nothing_behind_and_the_old_file_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        std::fs::write(&path, "old").unwrap();
        let file = OutFile::ready("--report", &path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        file.write("new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("real.xml"), folder.path().join("link.xml"));
        std::fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        OutFile::ready("--junit", &link).unwrap().write("new").unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
    }
}
