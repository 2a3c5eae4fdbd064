//! Data on stdout.

use std::io::{ErrorKind, Write as _};

use anyhow::{Context, Result};

/// Prints a line, or several. A reader who has read enough, such as `head`, is no trouble.
pub(crate) fn line(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.context("cannot write to stdout"),
    }
}
