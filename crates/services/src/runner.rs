//! Scenarios in virtual time, for the console. This crate knows no virtual time: whoever starts a console brings a
//! [`Runner`].

use std::ops::ControlFlow;

use scenario::{Outcome, SoFar, Standing};
use serde::Serialize;
use types::Timestamp;

/// Plays scenarios.
pub trait Runner: std::fmt::Debug + Send + Sync {
    /// What can be played, by the names of the files.
    fn scenarios(&self) -> Vec<Listed>;

    /// Plays one from beginning to end, and shows `watch` again and again how it stands; `None` if `watch` breaks it
    /// off. Takes its time: not for a thread that others wait for.
    ///
    /// # Errors
    ///
    /// What is wrong with the file, with its place and the remedy.
    fn play(
        &self,
        file: &str,
        watch: &mut dyn FnMut(Scene) -> ControlFlow<()>,
    ) -> Result<Option<Played>, String>;
}

/// A scenario that can be chosen.
#[derive(Clone, Debug, Serialize)]
pub struct Listed {
    /// The name of its file.
    pub file: String,
    /// Its name; that of the file if it cannot be read.
    pub title: String,
    /// What it shows.
    pub about: String,
    /// What is wrong with it: then it cannot be played.
    pub mistake: Option<String>,
}

/// How a play stands.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Scene {
    /// When it begins.
    #[serde(rename = "start_ms")]
    pub start: Timestamp,
    /// What its city's clock shows.
    #[serde(rename = "now_ms")]
    pub now: Timestamp,
    /// When it ends.
    #[serde(rename = "end_ms")]
    pub end: Timestamp,
    /// The expectations, in the order of the file.
    pub expectations: Vec<Expectation>,
}

/// One of its expectations.
#[derive(Clone, Debug, Serialize)]
pub struct Expectation {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub so_far: SoFar,
}

/// What came of a play.
#[derive(Clone, Debug, Serialize)]
pub struct Played {
    /// The worst of all.
    pub standing: Standing,
    /// Of each expectation.
    pub outcomes: Vec<Outcome>,
    /// The command that plays it once more.
    pub again: String,
    /// The report for people, an HTML page.
    #[serde(skip)]
    pub report: String,
}
