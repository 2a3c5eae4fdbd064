//! Reports of runs in files: JUnit XML for build servers, HTML for people.

mod html;
mod junit;
mod lanes;
mod marks;
mod tables;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
pub(super) use html::page;
use scenario::Standing;

use super::seeds::Explored;
use super::{Played, RunArgs};
use crate::outfile::OutFile;
use crate::up::UsageError;

/// Something a report tells about.
#[derive(Debug)]
pub(super) enum Section {
    /// One run.
    Run(Box<Played>),
    /// One scenario with many seeds.
    Seeds(Box<Explored>),
}

impl Section {
    /// The worst of it.
    pub(super) fn standing(&self) -> Standing {
        match self {
            Self::Run(played) => played.verdict.standing(),
            Self::Seeds(explored) => explored.standing(),
        }
    }
}

/// The files asked for. Nothing is written before [`write`](Self::write).
#[derive(Debug)]
pub(super) struct Reports {
    junit: Option<OutFile>,
    html: Option<OutFile>,
}

impl Reports {
    /// Finds out whether they can be written, before anything is played.
    ///
    /// # Errors
    ///
    /// A usage error that names the flag.
    pub(super) fn ready(args: &RunArgs) -> Result<Self> {
        let file =
            |flag, path: &Option<PathBuf>| path.as_deref().map(|path| OutFile::ready(flag, path)).transpose();
        let reports = Self { junit: file("--junit", &args.junit)?, html: file("--report", &args.report)? };
        if reports.junit.is_some() && args.junit == args.report {
            return Err(UsageError("--junit and --report: two reports need two files".to_owned()).into());
        }
        Ok(reports)
    }

    /// Whether any was asked for.
    pub(super) fn wanted(&self) -> bool {
        self.junit.is_some() || self.html.is_some()
    }

    /// Writes them: each is whole, or as it was before.
    pub(super) fn write(&self, sections: &[Section]) -> Result<()> {
        if let Some(file) = &self.junit {
            file.write(&junit::text(sections)?)?;
        }
        if let Some(file) = &self.html {
            file.write(&html::page(sections).context("a chart cannot be drawn")?)?;
        }
        Ok(())
    }
}
