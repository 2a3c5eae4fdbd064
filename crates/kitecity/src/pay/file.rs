//! Files that a request is made from.

use std::fs::File;
use std::io::{Read, stdin};
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;

/// The longest file that is read \[bytes\].
const BYTES_MAX: u64 = 64 * 1024;

/// What a file says; `-` = the standard input.
pub(super) fn read_text(file: &Path) -> Result<String> {
    let place = || format!("cannot read {}", file.display());
    let source: Box<dyn Read> = match file.as_os_str() == "-" {
        true => Box::new(stdin()),
        false => Box::new(File::open(file).with_context(place)?),
    };
    let mut text = String::new();
    source.take(BYTES_MAX + 1).read_to_string(&mut text).with_context(place)?;
    if text.len() as u64 > BYTES_MAX {
        bail!("{} has more than {BYTES_MAX} bytes: send it in several goes", file.display());
    }
    Ok(text)
}

/// A JSON list of `what`, as over HTTP.
pub(super) fn read_list<T: DeserializeOwned>(file: &Path, what: &str) -> Result<Vec<T>> {
    serde_json::from_str(&read_text(file)?).with_context(|| {
        format!("{} is no JSON list of {what}; `kitecity schema openapi` shows one", file.display())
    })
}

#[cfg(test)]
mod tests {
    use medpay::BillLine;

    use super::*;

    fn said(text: &[u8]) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        format!("{:#}", read_list::<BillLine>(file.path(), "lines").unwrap_err())
    }

    #[test]
    fn a_file_that_is_missing_too_long_or_something_else_is_refused_by_name() {
        let missing = read_list::<BillLine>(Path::new("/nowhere/lines.json"), "lines").unwrap_err();
        assert!(format!("{missing:#}").starts_with("cannot read /nowhere/lines.json: "));
        assert!(said(&[b' '; BYTES_MAX as usize + 1]).contains("more than 65536 bytes"));
        assert!(said(b"{}").contains("is no JSON list of lines"));
        assert!(said(br#"[{"item":"bed-day"}]"#).contains("missing field"));
    }
}
