//! Audits in files: written by a counter, checked by anybody.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ::eid::audit::{Broken, Check, Entry, LINE_BYTES_MAX, Log, Summary};
use anyhow::{Context, Result, bail};
use clap::Subcommand;
use services::access::Secret;
use types::Timestamp;

/// Exit code for an audit that is not as it was written.
const EXIT_BROKEN: u8 = 1;

/// What can be done with an audit.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Audit {
    /// Check that an audit is as it was written: exit code 0, or 1 and the number of the first broken line.
    Verify {
        /// The audit.
        file: PathBuf,
        /// The key of its checkpoints, 64 hex digits; otherwise that of the first of them.
        #[arg(long)]
        key: Option<String>,
    },
}

/// Does it.
pub(super) fn run(audit: &Audit) -> Result<ExitCode> {
    let Audit::Verify { file, key } = audit;
    match check(file, key.clone())? {
        Ok(summary) => {
            println!("{}", praise(&summary));
            Ok(ExitCode::SUCCESS)
        }
        Err(broken) => {
            println!("broken: {}: {broken}", file.display());
            Ok(ExitCode::from(EXIT_BROKEN))
        }
    }
}

fn praise(summary: &Summary) -> String {
    let Summary { lines, checkpoints, unsealed, key, .. } = summary;
    let key = key.as_deref().map_or(String::new(), |key| format!(", signed by {key}"));
    format!("intact: {lines} lines, {checkpoints} checkpoints{key}; {unsealed} lines after the last one")
}

fn check(file: &Path, key: Option<String>) -> Result<Result<Summary, Broken>> {
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut input = BufReader::new(opened);
    let mut check = Check::new(key);
    loop {
        let mut line = Vec::new();
        let read = input.by_ref().take(LINE_BYTES_MAX as u64 + 1).read_until(b'\n', &mut line);
        read.with_context(|| format!("cannot read {}", file.display()))?;
        if line.is_empty() {
            return Ok(Ok(check.finish()));
        }
        // A line without an end was not finished; the check finds it unreadable.
        let text = line.strip_suffix(b"\n").unwrap_or(&[]);
        if let Err(broken) = check.line(text) {
            return Ok(Err(broken));
        }
    }
}

/// An audit that is being written. Beside it, `FILE.key` holds the secret of its checkpoints.
#[derive(Debug)]
pub(super) struct AuditFile {
    file: File,
    log: Log,
}

impl AuditFile {
    /// Opens or makes one. What is broken is not written on.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let seed = secret_beside(path)?;
        let mut log = Log::new(seed);
        if path.exists() {
            match check(path, Some(log.key()))? {
                Ok(summary) => log = Log::after(&summary, seed),
                Err(broken) => bail!("audit {} is broken: {broken}", path.display()),
            }
        }
        let file = OpenOptions::new().create(true).append(true).open(path);
        Ok(Self { file: file.with_context(|| format!("cannot write {}", path.display()))?, log })
    }

    pub(super) fn append(&mut self, now: Timestamp, entry: Entry) -> Result<()> {
        let lines = self.log.append(now, entry);
        self.file.write_all(lines.as_bytes()).context("cannot write the audit")
    }

    /// Seals what was written.
    pub(super) fn close(mut self) -> Result<()> {
        let lines = self.log.checkpoint(services::time::wall_now());
        self.file.write_all(lines.as_bytes()).context("cannot write the audit")
    }
}

fn secret_beside(path: &Path) -> Result<[u8; 32]> {
    let mut name = path.as_os_str().to_owned();
    name.push(".key");
    let place = PathBuf::from(name);
    match fs::read(&place) {
        Ok(bytes) => {
            bytes.try_into().ok().with_context(|| format!("{} is no secret of an audit", place.display()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let seed = Secret::random().key_for("audit");
            let mut options = OpenOptions::new();
            options.create_new(true).write(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file =
                options.open(&place).with_context(|| format!("cannot write {}", place.display()))?;
            file.write_all(&seed)?;
            Ok(seed)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", place.display())),
    }
}

#[cfg(test)]
mod tests {
    use ::eid::RefusalReason;

    use super::*;

    fn write(path: &Path, count: i64) {
        let mut audit = AuditFile::open(path).unwrap();
        for n in 0..count {
            let verifier = "museum".parse().unwrap();
            let entry = Entry::Refused { verifier, reason: RefusalReason::TokenReplayed };
            audit.append(Timestamp::from_millis(n), entry).unwrap();
        }
        audit.close().unwrap();
    }

    #[test]
    fn an_unfinished_or_altered_line_is_named_and_not_written_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        write(&path, 5);
        let good = fs::read(&path).unwrap();
        fs::write(&path, &good[..good.len() - 1]).unwrap();
        assert_eq!(check(&path, None).unwrap().unwrap_err().line, 6);
        fs::write(&path, String::from_utf8(good).unwrap().replacen("museum", "museux", 1)).unwrap();
        assert_eq!(check(&path, None).unwrap().unwrap_err().line, 2);
        assert!(AuditFile::open(&path).unwrap_err().to_string().contains("is broken: line 2"));
    }

    #[test]
    fn an_audit_goes_on_where_it_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        write(&path, 3);
        // The checkpoint was made now, so the next lines must not be from 1970.
        let mut audit = AuditFile::open(&path).unwrap();
        let entry = Entry::Refused { verifier: "bus".parse().unwrap(), reason: RefusalReason::QrEmpty };
        audit.append(services::time::wall_now(), entry).unwrap();
        audit.close().unwrap();
        let summary = check(&path, None).unwrap().unwrap();
        assert_eq!((summary.lines, summary.checkpoints, summary.unsealed), (6, 2, 0));
    }
}
