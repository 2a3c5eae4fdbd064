//! A counter without a network: verdicts from the keys in a file.

use std::io::BufRead;
use std::path::PathBuf;
use std::process::ExitCode;

use ::eid::audit::Entry as AuditEntry;
use ::eid::{QrText, Readers, Verdict, Verifier, VerifyRequest, verifier};
use anyhow::{Context, Result, bail};
use clap::Args;
use services::time::wall_now;
use types::{Core, ReplyTo};

use super::audit::AuditFile;
use super::cache::{Cached, KEYS_FILE};
use super::{CODE_BYTES_MAX, EXIT_REFUSED, Verify, words};
use crate::config::read_readers;
use crate::up::UsageError;

/// What `eid verify` takes for verifying without a network.
#[derive(Clone, Debug, Args)]
pub(crate) struct Offline {
    /// Ask nobody: use the keys in a file, and remember codes until the end. `-` then takes one code a line.
    #[arg(long)]
    pub(super) offline: bool,
    /// The keys, as `kitecity eid keys` fetched them.
    #[arg(long, default_value = KEYS_FILE, requires = "offline")]
    keys: PathBuf,
    /// Other readers than the built-in ones, such as config/readers.toml.
    #[arg(long, requires = "offline")]
    readers: Option<PathBuf>,
    /// Write every verdict to this audit.
    #[arg(long, requires = "offline")]
    audit: Option<PathBuf>,
}

impl Offline {
    fn verifier(&self) -> Result<Verifier> {
        let cached = Cached::read(&self.keys)?;
        let readers = match &self.readers {
            None => Readers::presets(),
            Some(file) => read_readers(file).map_err(UsageError::from)?,
        };
        let mut verifier = Verifier::new(cached.root()?).with_readers(readers);
        let adopted = verifier.adopt(wall_now(), &cached.keys);
        adopted.with_context(|| format!("cannot use {}", self.keys.display()))?;
        Ok(verifier)
    }
}

/// Prints a verdict for each code.
pub(super) fn verify(verify: &Verify) -> Result<ExitCode> {
    let offline = &verify.offline;
    let mut counter = Counter {
        verifier: offline.verifier()?,
        audit: offline.audit.as_deref().map(AuditFile::open).transpose()?,
        asked: 0,
    };
    let mut all_accepted = true;
    let mut judge = |code: String| -> Result<()> {
        let verdict = counter.judge(verify.asking.request(QrText(code)))?;
        println!("{}", if verify.json { serde_json::to_string(&verdict)? } else { words(&verdict) });
        all_accepted &= matches!(verdict, Verdict::Accepted { .. });
        Ok(())
    };
    if verify.code == "-" {
        lines(std::io::stdin().lock(), &mut judge)?;
    } else {
        judge(verify.code.clone())?;
    }
    counter.audit.map_or(Ok(()), AuditFile::close)?;
    Ok(if all_accepted { ExitCode::SUCCESS } else { ExitCode::from(EXIT_REFUSED) })
}

/// One code a line; no line at all is one code that is empty, as a scanner that scanned nothing sends it.
fn lines(mut input: impl BufRead, judge: &mut impl FnMut(String) -> Result<()>) -> Result<()> {
    let mut is_first = true;
    loop {
        let mut line = Vec::new();
        let read = std::io::Read::take(&mut input, CODE_BYTES_MAX).read_until(b'\n', &mut line);
        read.context("cannot read the code")?;
        if line.is_empty() && !is_first {
            return Ok(());
        }
        is_first = false;
        judge(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())?;
    }
}

/// The verifier, and what it leaves behind.
struct Counter {
    verifier: Verifier,
    audit: Option<AuditFile>,
    asked: u32,
}

impl Counter {
    fn judge(&mut self, request: VerifyRequest) -> Result<Verdict> {
        // Each showing is a request of its own.
        self.asked += 1;
        let from = ReplyTo { path: "offline".into(), correlation: self.asked.to_be_bytes().into() };
        let (now, name) = (wall_now(), request.verifier);
        let mut out = Vec::new();
        self.verifier.handle(now, verifier::Input::Verify { from, request }, &mut out);
        let Some(verifier::Output::Verdict { verdict, .. }) = out.into_iter().next() else {
            bail!("the verifier does not answer")
        };
        if let Some(audit) = &mut self.audit {
            audit.append(now, AuditEntry::of(name, &verdict))?;
        }
        Ok(verdict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_code_and_nothing_is_one_too() {
        let codes = |input: &str| {
            let mut codes = Vec::new();
            lines(input.as_bytes(), &mut |code| {
                codes.push(code);
                Ok(())
            })
            .unwrap();
            codes
        };
        assert_eq!(codes(""), [""]);
        assert_eq!(codes("A\r\nB \n\nC"), ["A", "B ", "", "C"]);
    }
}
