//! `kitecity import`: what stands in a real city, for a simulated one around it.

mod cabinets;
mod columns;
mod gather;
mod geojson;
mod row;
mod source;
mod text;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use city::{Placed, RoadClass};
use clap::{Args, Subcommand};
use encoding_rs::Encoding;

use self::columns::Mapping;
use self::gather::{Gathered, MadeUp, Refusals};
use self::row::Draft;
use self::source::Source;
use crate::outfile::OutFile;
use crate::up::UsageError;
use crate::{lamps_file, out};

pub(crate) use self::columns::Field;

/// Refused rows that are told on stderr.
const TOLD_MAX: usize = 10;

/// What can be brought in.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Import {
    /// Luminaires from CSV or GeoJSON: makes a lamps file, for `kitecity up --lamps FILE`.
    ///
    /// Columns are known by their names, Chinese or English, or by what they hold; which is which is shown. A row
    /// without a position is refused; power, height, cabinet and circuit are made up where they are missing. Exit
    /// codes: 0 a lamps file was made, 2 it was not.
    Lamps(LampsArgs),
}

/// Which luminaires, and how to read them.
#[derive(Clone, Debug, Args)]
pub(crate) struct LampsArgs {
    /// CSV (`,` `;` tab or `|` between columns), or GeoJSON points.
    file: PathBuf,
    /// Which column holds a field, such as lat=Y, or class= for none (repeatable).
    #[arg(long = "column", value_name = "FIELD=NAME")]
    columns: Vec<String>,
    /// utf-8, gb18030 (also for GBK) or latin-1; otherwise found out.
    #[arg(long, value_parser = encoding)]
    encoding: Option<&'static Encoding>,
    /// Latitude and longitude are each in the other's column.
    #[arg(long)]
    swap: bool,
    /// Where the lamps file goes; otherwise to stdout.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write every refused row with its reason to this file, as CSV.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

fn encoding(name: &str) -> Result<&'static Encoding, String> {
    text::named(name).ok_or_else(|| "expected utf-8, utf-16le, utf-16be, gb18030 or latin-1".to_owned())
}

/// Imports, or says why nothing can be.
pub(crate) fn run(what: &Import) -> Result<ExitCode> {
    let Import::Lamps(args) = what;
    let file =
        |flag, path: &Option<PathBuf>| path.as_deref().map(|path| OutFile::ready(flag, path)).transpose();
    let (to, report) = (file("--out", &args.out)?, file("--report", &args.report)?);
    let name = args.file.display().to_string();
    let imported = lamps(args, &name).map_err(|error| UsageError(format!("{name}: {error:#}")))?;
    if let Some(report) = &report {
        report.write(&imported.refusals_as_csv()?)?;
    }
    imported.tell();
    if imported.lamps.is_empty() {
        return Err(UsageError(format!("{name}: no row is a luminaire{}", imported.remedy())).into());
    }
    let mut text = Vec::new();
    lamps_file::write(&imported.lamps, &mut text)?;
    let text = String::from_utf8(text).context("a lamps file is UTF-8")?;
    match (&to, &args.out) {
        (Some(to), Some(path)) => {
            to.write(&text)?;
            eprintln!("written to {0}; a city around them: kitecity up --lamps {0}", path.display());
        }
        _ => out::line(text.trim_end())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads a lamps file, in which every row must be good.
///
/// # Errors
///
/// In words: the first row that is not, by its line.
pub(crate) fn read_lamps_file(path: &Path) -> Result<Vec<Placed>> {
    let source = Source::open(path, Some(encoding_rs::UTF_8))?;
    lamps_file::check_heads(&source.heads)?;
    let (lamps, _, refusals) = gather(&source, &Mapping::of_lamps_file(), false)?.complete();
    match refusals.kept.first() {
        Some((row, why)) => bail!("{}: {why}", source.place(*row)),
        None if lamps.is_empty() => bail!("there is no luminaire in it"),
        None => Ok(lamps),
    }
}

/// Imports whatever was exported, for the test that nothing is lost.
#[cfg(test)]
pub(crate) fn read_any(path: &Path) -> Result<Vec<Placed>> {
    let source = Source::open(path, None)?;
    let mapping = Mapping::guess(&source.heads, &source.sample()?, &[])?;
    Ok(gather(&source, &mapping, false)?.complete().0)
}

/// What came of an import.
#[derive(Debug)]
struct Imported {
    source: Source,
    mapping: Mapping,
    lamps: Vec<Placed>,
    made_up: MadeUp,
    refusals: Refusals,
}

fn lamps(args: &LampsArgs, name: &str) -> Result<Imported> {
    let source = Source::open(&args.file, args.encoding)?;
    let mapping = Mapping::guess(&source.heads, &source.sample()?, &args.columns)?;
    let mut gathered = gather(&source, &mapping, args.swap).with_context(|| format!("reading {name}"))?;
    gathered.refuse_strays();
    let (lamps, made_up, refusals) = gathered.complete();
    Ok(Imported { source, mapping, lamps, made_up, refusals })
}

fn gather(source: &Source, mapping: &Mapping, swap: bool) -> Result<Gathered> {
    let mut gathered = Gathered::default();
    source.each(|row, record| {
        let draft = record.and_then(|record| Draft::read(record, mapping, swap));
        gathered.take(row, draft).map_err(|why| anyhow!(why))
    })?;
    Ok(gathered)
}

impl Imported {
    /// Says on stderr what was read, what was made up, and what was refused.
    fn tell(&self) {
        let rows = self.lamps.len() as u64 + self.refusals.count;
        eprintln!("{rows} rows ({})", self.source);
        for field in Field::ALL {
            let column = self.mapping.column(field).map(|column| &self.source.heads[column]);
            match (column, self.made_up_of(field)) {
                (Some(head), (0, _)) => eprintln!("  {:<13} column `{head}`", field.name()),
                (Some(head), (count, how)) => {
                    eprintln!("  {:<13} column `{head}`; {count} without: {how}", field.name());
                }
                (None, (_, how)) => eprintln!("  {:<13} no column: {how}", field.name()),
            }
        }
        if self.refusals.count > 0 {
            eprintln!("{} rows are refused:", self.refusals.count);
            for (row, why) in self.refusals.kept.iter().take(TOLD_MAX) {
                eprintln!("  {}: {why}", self.source.place(*row));
            }
            if self.refusals.count > TOLD_MAX as u64 {
                eprintln!("  … and {} more; --report FILE lists them", self.refusals.count - TOLD_MAX as u64);
            }
        }
        let mut cabinets: Vec<&str> = self.lamps.iter().map(|lamp| &*lamp.cabinet).collect();
        cabinets.sort_unstable();
        cabinets.dedup();
        eprintln!("{} luminaires on {} cabinets", self.lamps.len(), cabinets.len());
    }

    /// For how many luminaires a field was made up, and how.
    fn made_up_of(&self, field: Field) -> (usize, String) {
        let by_class = |part: fn(RoadClass) -> f64, unit: &str| {
            let all = RoadClass::ALL.map(|class| format!("{class} {} {unit}", part(class)));
            format!("by class, {}", all.join(", "))
        };
        match field {
            Field::Id => (0, "named after their rows".to_owned()),
            Field::Lat | Field::Lon => (0, String::new()),
            Field::Class => (self.made_up.classes, "by power, else branch".to_owned()),
            Field::Watts => (self.made_up.watts, by_class(|class| f64::from(class.rated_mw()) / 1e3, "W")),
            Field::Standby => (0, by_class(|class| f64::from(class.standby_mw()) / 1e3, "W")),
            Field::Height => (self.made_up.heights, by_class(RoadClass::height_m, "m")),
            Field::Road => (0, by_class(|class| class.width_m() * class.spacing_m(), "m²")),
            Field::Street => (0, "numbered".to_owned()),
            Field::Cabinet => (self.made_up.cabinets, "one for up to 60 neighbours".to_owned()),
            Field::Circuit => (self.made_up.circuits, "two for each cabinet".to_owned()),
            Field::Phase => (0, "in turns".to_owned()),
        }
    }

    /// What may help if nothing could be read: the reason that came most often knows.
    fn remedy(&self) -> String {
        let kept = &self.refusals.kept;
        let all = |part: &str| !kept.is_empty() && kept.iter().all(|(_, why)| why.contains(part));
        match () {
            () if all("--swap") => ": latitude and longitude look swapped, try --swap".to_owned(),
            () if all("no position") => {
                ": none has a position. Without positions, `kitecity up --luminaires N` makes a city up"
                    .to_owned()
            }
            () => kept
                .first()
                .map_or(String::new(), |(row, why)| format!(": {}: {why}", self.source.place(*row))),
        }
    }

    fn refusals_as_csv(&self) -> Result<String> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(["row", "reason"])?;
        for (row, why) in &self.refusals.kept {
            csv.write_record([&row.to_string(), why])?;
        }
        let left_out = self.refusals.count - self.refusals.kept.len() as u64;
        if left_out > 0 {
            csv.write_record(["", &format!("{left_out} more rows are not listed")])?;
        }
        Ok(String::from_utf8(csv.into_inner()?)?)
    }
}
