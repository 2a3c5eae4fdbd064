//! The audit: who asked about which code and what was answered, in a file nobody can change unnoticed.
//!
//! Each line is a JSON object that holds the hash of the line before it. From time to time a line is a checkpoint: a
//! signature over all that stands above. Pseudonyms and ids of codes are kept, no attributes.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use types::{MINUTE_MS, Timestamp, VerifierId};

use crate::keys::{from_hex, to_hex};
use crate::signature::{Algorithm, SecretKey, VerifyKey};
use crate::{Pseudonym, RefusalReason, Verdict};

/// Lines between two checkpoints, at most.
pub const CHECKPOINT_LINES: u64 = 64;
/// Time between two checkpoints \[ms\], at most, while lines are written.
pub const CHECKPOINT_MS: i64 = MINUTE_MS;
/// The longest line that is read \[bytes\].
pub const LINE_BYTES_MAX: usize = 4_096;

type Hash = [u8; 32];

/// What a line tells, besides its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// A code was accepted.
    Accepted {
        /// By whom.
        verifier: VerifierId,
        /// Whose.
        holder: Pseudonym,
        /// The code's id, in hex.
        code_id: String,
    },
    /// A code was refused.
    Refused {
        /// By whom.
        verifier: VerifierId,
        /// Why.
        reason: RefusalReason,
    },
    /// All lines above were there.
    Checkpoint {
        /// Who says so: an Ed25519 key, 64 hex digits.
        key: String,
        /// Its signature over `prev`, 128 hex digits.
        signature: String,
    },
}

impl Entry {
    /// What is kept of a verdict.
    pub fn of(verifier: VerifierId, verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Accepted { pseudonym, code_id, .. } => {
                Self::Accepted { verifier, holder: *pseudonym, code_id: code_id.clone() }
            }
            Verdict::Refused(refusal) => Self::Refused { verifier, reason: refusal.reason },
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// Counted from 1.
    n: u64,
    at: Timestamp,
    entry: Entry,
    /// The SHA-256 of the line before, without its end; of nothing for the first line.
    prev: String,
}

/// A log that is being written.
#[derive(Debug)]
pub struct Log {
    key: SecretKey,
    lines: u64,
    last: Hash,
    /// Lines, and the time of the first of them, since the last checkpoint.
    unsealed: u64,
    unsealed_since: Option<Timestamp>,
}

impl Log {
    /// An empty log. `seed` – the secret that signs its checkpoints.
    pub fn new(seed: [u8; 32]) -> Self {
        Self::after(&Summary::default(), seed)
    }

    /// Goes on where a checked log ends.
    pub fn after(summary: &Summary, seed: [u8; 32]) -> Self {
        let key = SecretKey::from_seed(Algorithm::EdDsa, seed);
        let Summary { lines, last, unsealed, .. } = *summary;
        Self { key, lines, last, unsealed, unsealed_since: None }
    }

    /// The key that its checkpoints are signed with, 64 hex digits.
    pub fn key(&self) -> String {
        to_hex(&self.key.public().to_bytes())
    }

    /// The lines to append for this, each with its end: one, and a checkpoint if one is due.
    pub fn append(&mut self, now: Timestamp, entry: Entry) -> String {
        let mut text = self.line(now, entry);
        let since = *self.unsealed_since.get_or_insert(now);
        if self.unsealed >= CHECKPOINT_LINES || now.millis_since(since) >= CHECKPOINT_MS {
            text += &self.checkpoint(now);
        }
        text
    }

    /// A checkpoint over all that was written; nothing if there is one already.
    pub fn checkpoint(&mut self, now: Timestamp) -> String {
        if self.unsealed == 0 {
            return String::new();
        }
        let signature = to_hex(&self.key.sign(&sealed(self.lines, &self.last)));
        let line = self.line(now, Entry::Checkpoint { key: self.key(), signature });
        (self.unsealed, self.unsealed_since) = (0, None);
        line
    }

    fn line(&mut self, at: Timestamp, entry: Entry) -> String {
        self.lines += 1;
        self.unsealed += 1;
        let line = Line { n: self.lines, at, entry, prev: to_hex(&self.last) };
        let mut text = serde_json::to_string(&line).expect("a line is JSON");
        self.last = Sha256::digest(&text).into();
        text.push('\n');
        text
    }
}

/// What a checkpoint signs: how many lines, and the hash of the last of them.
fn sealed(lines: u64, last: &Hash) -> Vec<u8> {
    [b"kitecity audit ", &lines.to_be_bytes()[..], last].concat()
}

/// What a good log is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Lines, checkpoints among them.
    pub lines: u64,
    /// Checkpoints.
    pub checkpoints: u64,
    /// Lines after the last checkpoint: somebody could have cut off more of these.
    pub unsealed: u64,
    /// The key of the checkpoints, 64 hex digits, if there is one.
    pub key: Option<String>,
    last: Hash,
}

/// The first line that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct Broken {
    /// Which, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub why: Why,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// It is not a line of an audit.
    #[error("not a line of an audit")]
    Unreadable,
    /// The line before it was changed, or lines before it are missing.
    #[error("does not follow the line before it")]
    Chain,
    /// It is older than the line before it.
    #[error("older than the line before it")]
    Time,
    /// The signature is not the key's.
    #[error("signature of the checkpoint is wrong")]
    Signature,
    /// Another key signed than the one expected, or than before.
    #[error("checkpoint is signed by another key")]
    Key,
}

/// Checks a log line by line, in whatever portions it comes.
#[derive(Debug, Default)]
pub struct Check {
    summary: Summary,
    at: Option<Timestamp>,
}

impl Check {
    /// A check that takes checkpoints of this key only (64 hex digits); without one, of the first key in the log.
    pub fn new(key: Option<String>) -> Self {
        Self { summary: Summary { key, ..Summary::default() }, at: None }
    }

    /// The next line, without its end.
    ///
    /// # Errors
    ///
    /// [`Broken`], if it is not as it was written, or if the one before it was not.
    pub fn line(&mut self, text: &[u8]) -> Result<(), Broken> {
        self.take(text).map_err(|why| Broken { line: self.summary.lines + 1, why })
    }

    /// All lines were good.
    pub fn finish(self) -> Summary {
        self.summary
    }

    fn take(&mut self, text: &[u8]) -> Result<(), Why> {
        if text.len() > LINE_BYTES_MAX {
            return Err(Why::Unreadable);
        }
        let line: Line = serde_json::from_slice(text).map_err(|_| Why::Unreadable)?;
        // Blanks or another order of members would make a second line of the same meaning.
        if serde_json::to_vec(&line).ok().as_deref() != Some(text) {
            return Err(Why::Unreadable);
        }
        if line.n != self.summary.lines + 1 || line.prev != to_hex(&self.summary.last) {
            return Err(Why::Chain);
        }
        if self.at.is_some_and(|before| line.at < before) {
            return Err(Why::Time);
        }
        match &line.entry {
            Entry::Checkpoint { key, signature } => {
                self.check_seal(key, signature)?;
                self.summary.checkpoints += 1;
                self.summary.unsealed = 0;
            }
            Entry::Accepted { .. } | Entry::Refused { .. } => self.summary.unsealed += 1,
        }
        self.summary.lines += 1;
        self.summary.last = Sha256::digest(text).into();
        self.at = Some(line.at);
        Ok(())
    }

    fn check_seal(&mut self, key: &str, signature: &str) -> Result<(), Why> {
        let expected = self.summary.key.get_or_insert_with(|| key.to_owned());
        if key != expected {
            return Err(Why::Key);
        }
        let key = from_hex::<32>(key).and_then(|key| VerifyKey::read(Algorithm::EdDsa, &key));
        let signature = from_hex::<64>(signature);
        let sealed = sealed(self.summary.lines, &self.summary.last);
        let good = key.zip(signature).is_some_and(|(key, signature)| key.has_signed(&sealed, &signature));
        if good { Ok(()) } else { Err(Why::Signature) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::now;

    fn entry(n: u64) -> Entry {
        let verifier = "museum".parse().unwrap();
        if n.is_multiple_of(3) {
            Entry::Refused { verifier, reason: RefusalReason::TokenReplayed }
        } else {
            let holder = format!("p-{n:032x}").parse().unwrap();
            Entry::Accepted { verifier, holder, code_id: format!("{n:016x}") }
        }
    }

    /// A log of that many entries, a second apart, and a checkpoint at its end.
    fn log(entries: u64) -> Vec<Vec<u8>> {
        let mut log = Log::new([5; 32]);
        let at = |n: u64| now().plus_millis(1_000 * n as i64);
        let mut text: String = (0..entries).map(|n| log.append(at(n), entry(n))).collect();
        text += &log.checkpoint(at(entries));
        text.lines().map(|line| line.as_bytes().to_vec()).collect()
    }

    fn check<'a>(lines: impl IntoIterator<Item = &'a Vec<u8>>) -> Result<Summary, Broken> {
        let mut check = Check::default();
        for line in lines {
            check.line(line)?;
        }
        Ok(check.finish())
    }

    fn broken(line: u64, why: Why) -> Result<Summary, Broken> {
        Err(Broken { line, why })
    }

    #[test]
    fn a_missing_a_doubled_and_a_swapped_line_are_found() {
        let lines = log(10);
        assert_eq!(check(lines.iter().skip(1)), broken(1, Why::Chain));
        let mut missing = lines.clone();
        missing.remove(4);
        assert_eq!(check(&missing), broken(5, Why::Chain));
        let mut doubled = lines.clone();
        doubled.insert(4, lines[4].clone());
        assert_eq!(check(&doubled), broken(6, Why::Chain));
        let mut swapped = lines;
        swapped.swap(4, 5);
        assert_eq!(check(&swapped), broken(5, Why::Chain));
    }

    #[test]
    fn a_changed_last_line_is_told_by_the_checkpoint_of_a_pinned_key_only() {
        let (mut ours, mut theirs) = (Log::new([5; 32]), Log::new([6; 32]));
        let key = ours.key();
        let text = ours.append(now(), entry(1)) + &ours.checkpoint(now());
        let forged = theirs.append(now(), entry(2)) + &theirs.checkpoint(now());
        let check = |text: &str, key: Option<String>| {
            let mut check = Check::new(key);
            text.lines().try_for_each(|line| check.line(line.as_bytes())).map(|()| check.finish())
        };
        assert_eq!(check(&forged, None).map(|summary| summary.lines), Ok(2), "a whole log of somebody else");
        assert_eq!(check(&forged, Some(key.clone())), broken(2, Why::Key));
        assert!(check(&text, Some(key)).is_ok());
    }

    #[test]
    fn an_older_line_and_a_wrong_seal_are_found() {
        let mut log = Log::new([5; 32]);
        let mut text = log.append(now(), entry(1));
        text += &log.append(now().plus_millis(-1), entry(2));
        let lines: Vec<Vec<u8>> = text.lines().map(|line| line.as_bytes().to_vec()).collect();
        assert_eq!(check(&lines), broken(2, Why::Time));
        let mut sealed = self::log(1);
        let last = sealed.len() - 1;
        let text = String::from_utf8(sealed[last].clone()).unwrap();
        let zeros = "0".repeat(128);
        let start = text.find("\"signature\":\"").unwrap() + 13;
        sealed[last] = format!("{}{zeros}{}", &text[..start], &text[start + 128..]).into_bytes();
        assert_eq!(check(&sealed), broken(2, Why::Signature));
    }

    #[test]
    fn a_checkpoint_comes_every_64_lines_or_every_minute() {
        let summary = check(&log(200)).unwrap();
        assert_eq!((summary.checkpoints, summary.unsealed), (4, 0));
        let mut log = Log::new([5; 32]);
        for _ in 0..CHECKPOINT_LINES - 1 {
            assert_eq!(log.append(now(), entry(1)).lines().count(), 1);
        }
        assert_eq!(log.append(now(), entry(1)).lines().count(), 2);
        assert_eq!(log.checkpoint(now()), "");
    }

    #[test]
    fn a_log_goes_on_after_a_restart() {
        let first = log(5);
        let mut more = Log::after(&check(&first).unwrap(), [5; 32]);
        let text = more.append(now().plus_millis(60_000), entry(9));
        let all: Vec<Vec<u8>> =
            first.into_iter().chain(text.lines().map(|line| line.as_bytes().to_vec())).collect();
        assert_eq!(check(&all).map(|summary| summary.lines), Ok(7));
    }

    proptest! {
        #[test]
        fn a_changed_byte_is_found_in_its_line_or_the_next(line: prop::sample::Index, byte: prop::sample::Index, change in 1u8..) {
            let mut lines = log(70);
            let line = line.index(lines.len());
            let byte = byte.index(lines[line].len());
            lines[line][byte] ^= change;
            let found = check(&lines).unwrap_err().line;
            prop_assert!(found == line as u64 + 1 || found == line as u64 + 2, "{found} for {}", line + 1);
        }

        #[test]
        fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(check(&[bytes]).is_err());
        }
    }
}
