//! A file with luminaires, row by row: CSV, or GeoJSON points. Read as a stream, twice or more, so that a million rows
//! need no more memory than one.

use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use csv::StringRecord;
use encoding_rs::Encoding;

use super::geojson;
use super::text::{Decoding, detect};

/// Rows looked at to find out what columns hold.
pub(super) const SAMPLE_ROWS: usize = 1_000;
/// Columns, at most.
const COLUMNS_MAX: usize = 256;
/// What may stand between columns.
const DELIMITERS: [u8; 4] = *b",;\t|";

/// A file, and how to read it.
#[derive(Debug)]
pub(super) struct Source {
    path: PathBuf,
    encoding: &'static Encoding,
    pub(super) form: Form,
    /// Names of the columns.
    pub(super) heads: Vec<String>,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Columns with this byte between them.
    Csv(u8),
    /// A collection of points.
    GeoJson,
}

/// A row, or why there is none.
pub(super) type Row<'a> = Result<&'a StringRecord, String>;

impl Source {
    /// Finds out how `path` is written, and what its columns are called.
    ///
    /// # Errors
    ///
    /// In words, with the remedy: what cannot be read, is no text, or has no heading.
    pub(super) fn open(path: &Path, encoding: Option<&'static Encoding>) -> Result<Self> {
        let file = File::open(path)?;
        let encoding = encoding.map_or_else(|| detect(BufReader::new(file)), Ok)?;
        let mut source = Self { path: path.to_owned(), encoding, form: Form::GeoJson, heads: Vec::new() };
        let start = source.start()?;
        if start.trim_start().starts_with('{') {
            source.heads = geojson::heads(source.text()?, COLUMNS_MAX)?;
        } else {
            source.form = Form::Csv(delimiter(&start));
            source.heads = source.csv_heads()?;
        }
        Ok(source)
    }

    /// Visits every row with its place in the file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read to its end, or `visit` fails.
    pub(super) fn each(&self, mut visit: impl FnMut(u64, Row<'_>) -> Result<()>) -> Result<()> {
        match self.form {
            Form::GeoJson => geojson::each(self.text()?, &self.heads, &mut visit),
            Form::Csv(_) => self.each_csv(&mut visit),
        }
    }

    /// The first rows.
    pub(super) fn sample(&self) -> Result<Vec<StringRecord>> {
        let mut sample = Vec::new();
        let outcome = self.each(|_, row| {
            sample.extend(row.ok().cloned());
            if sample.len() == SAMPLE_ROWS { Err(Enough.into()) } else { Ok(()) }
        });
        match outcome {
            Err(error) if !error.is::<Enough>() => Err(error),
            _ => Ok(sample),
        }
    }

    /// What a place in the file is called.
    pub(super) fn place(&self, row: u64) -> String {
        match self.form {
            Form::Csv(_) => format!("line {row}"),
            Form::GeoJson => format!("feature {row}"),
        }
    }

    fn text(&self) -> Result<BufReader<Decoding<File>>> {
        Ok(BufReader::new(Decoding::new(File::open(&self.path)?, self.encoding)))
    }

    /// The first few thousand characters.
    fn start(&self) -> Result<String> {
        let mut start = Vec::new();
        self.text()?.take(16 * 1024).read_to_end(&mut start)?;
        Ok(String::from_utf8_lossy(&start).into_owned())
    }

    fn csv(&self) -> Result<csv::Reader<Decoding<File>>> {
        let Form::Csv(delimiter) = self.form else { bail!("this is GeoJSON") };
        let decoding = Decoding::new(File::open(&self.path)?, self.encoding);
        Ok(csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(decoding))
    }

    fn csv_heads(&self) -> Result<Vec<String>> {
        let mut csv = self.csv()?;
        let heads: Vec<String> = csv.headers()?.iter().map(|head| head.trim().to_owned()).collect();
        if heads.iter().all(String::is_empty) {
            bail!("the file is empty");
        }
        if heads.len() > COLUMNS_MAX {
            bail!("the first line has {} columns, at most {COLUMNS_MAX} are read", heads.len());
        }
        if heads.iter().all(|head| head.is_empty() || head.parse::<f64>().is_ok()) {
            bail!("the first line holds numbers: put a line with the names of the columns before it");
        }
        Ok(heads)
    }

    fn each_csv(&self, visit: &mut dyn FnMut(u64, Row<'_>) -> Result<()>) -> Result<()> {
        let mut csv = self.csv()?;
        let mut record = StringRecord::new();
        loop {
            let read = csv.read_record(&mut record).context("cannot read on")?;
            if !read {
                return Ok(());
            }
            // Counted back from its end, for the reader has skipped empty lines before it.
            let within = record.iter().flat_map(str::bytes).filter(|&byte| byte == b'\n').count() as u64;
            let line = csv.position().line() - within - 1;
            let (has, wants) = (record.len(), self.heads.len());
            if record.iter().all(|field| field.trim().is_empty()) {
                continue;
            }
            if has == wants {
                visit(line, Ok(&record))?;
            } else {
                visit(line, Err(format!("it has {has} fields, the heading has {wants}")))?;
            }
        }
    }
}

/// Stops a visit: enough was seen.
#[derive(Debug)]
struct Enough;

impl fmt::Display for Enough {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("enough was seen")
    }
}

impl std::error::Error for Enough {}

/// How the file is written, for people.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.form {
            Form::GeoJson => write!(f, "GeoJSON, {}", self.encoding.name()),
            Form::Csv(b'\t') => write!(f, "CSV with tabs, {}", self.encoding.name()),
            Form::Csv(delimiter) => {
                write!(f, "CSV with `{}`, {}", char::from(delimiter), self.encoding.name())
            }
        }
    }
}

/// What stands between the columns: whatever is most often in the first line outside quotes.
fn delimiter(start: &str) -> u8 {
    let mut quoted = false;
    let mut counts = [0; DELIMITERS.len()];
    for byte in start.lines().next().unwrap_or("").bytes() {
        quoted ^= byte == b'"';
        if let Some(which) = DELIMITERS.iter().position(|&delimiter| delimiter == byte && !quoted) {
            counts[which] += 1;
        }
    }
    // The first of those that are equally often.
    let best = (0..DELIMITERS.len()).rev().max_by_key(|&which| counts[which]).unwrap_or(0);
    DELIMITERS[best]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(text: &str) -> Result<Source> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let source = Source::open(file.path(), None);
        // Rows are read again and again: keep the file while the test runs.
        std::mem::forget(file);
        source
    }

    #[test]
    fn a_file_without_a_heading_is_refused_with_a_remedy() {
        assert!(opened("").unwrap_err().to_string().contains("empty"));
        let error = opened("1,36.7,119.1\n").unwrap_err().to_string();
        assert!(error.contains("names of the columns"), "{error}");
    }

    #[test]
    fn what_stands_between_columns_is_found_outside_quotes() {
        for (heads, form) in
            [("a,b", b','), ("a;b;\"c,d,e\"", b';'), ("a\tb", b'\t'), ("a|b", b'|'), ("a", b',')]
        {
            assert_eq!(opened(&format!("{heads}\n")).unwrap().form, Form::Csv(form), "{heads}");
        }
    }

    #[test]
    fn rows_are_visited_with_their_line_and_broken_ones_are_told() {
        let source = opened("id,name\r\n1,\"two\nlines\"\r\n\r\n2\r\n3,x").unwrap();
        let mut rows = Vec::new();
        source
            .each(|line, row| {
                rows.push((line, row.map(|record| record[0].to_owned())));
                Ok(())
            })
            .unwrap();
        let broken = Err("it has 1 fields, the heading has 2".to_owned());
        assert_eq!(rows, [(2, Ok("1".to_owned())), (5, broken), (6, Ok("3".to_owned()))]);
    }
}
