//! Scenarios for the console: those of `config/scenarios` in the working folder, or those that came with the binary.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use include_dir::{Dir, include_dir};
use scenario::{Play, RunOptions, Script};
use services::runner::{Expectation, Listed, Played as Shown, Runner, Scene};
use sim::Sim;
use types::Timestamp;

use super::report::{Section, page};
use super::{FILE_BYTES_MAX, Log, Played, Rules, virtually};
use crate::config::Config;
use crate::ground::Ground;

/// Where a user's own scenarios are looked for, as `config/city.toml` is.
const FOLDER: &str = "config/scenarios";
/// Files read of that folder; more are left out.
const FILES_MAX: usize = 200;
/// How often a play is looked at from its beginning to its end.
const LOOKS: i64 = 500;

static SHIPPED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../config/scenarios");

/// Plays scenarios for the console, as `kitecity run` does.
#[derive(Debug)]
pub(crate) struct Stage {
    config: Config,
}

impl Stage {
    pub(crate) fn new(config: Config) -> Self {
        Self { config }
    }

    fn perform(
        &self,
        script: &Script,
        watch: &mut dyn FnMut(Scene) -> ControlFlow<()>,
    ) -> Result<Option<Shown>> {
        let began = Instant::now();
        let rules = Rules::of_config(&self.config)?;
        let mut ground = Ground::of(&self.config)?;
        let sun = ground.sun(script.year())?;
        let options = RunOptions { no_expect: true, ..RunOptions::default() };
        let (cast, mut play) = virtually::ready(script, script.seed(), &rules, &options, (&ground, &sun))?;
        let mut sim = Sim::new(&cast, virtually::RUN.parse()?, play.start())?;
        let length_ms = play.end().millis_since(play.start());
        for look in 0..=LOOKS {
            let now = play.start().plus_millis(length_ms * look / LOOKS);
            sim.run_until(now, &mut play);
            if watch(scene(&play, now)).is_break() {
                return Ok(None);
            }
        }
        let file = script.file_name();
        let again = format!("kitecity run {FOLDER}/{file} --seed {}", script.seed());
        shown(Played {
            file: file.to_owned(),
            seed: script.seed(),
            live: false,
            wall_ms: began.elapsed().as_millis() as u64,
            again,
            log: Some(Log { events: sim.events(), digest: sim.digest() }),
            verdict: play.conclude(),
        })
        .map(Some)
    }
}

impl Runner for Stage {
    fn scenarios(&self) -> Vec<Listed> {
        let listed = |(file, text): (String, String)| match parse(&file, &text) {
            Ok(script) => {
                let (title, about) = (script.title().to_owned(), script.about().to_owned());
                Listed { file, title, about, mistake: None }
            }
            Err(mistake) => {
                let (title, mistake) = (file.clone(), Some(mistake.to_string()));
                Listed { file, title, about: String::new(), mistake }
            }
        };
        texts().into_iter().map(listed).collect()
    }

    fn play(
        &self,
        file: &str,
        watch: &mut dyn FnMut(Scene) -> ControlFlow<()>,
    ) -> Result<Option<Shown>, String> {
        let text = texts().remove(file).ok_or_else(|| format!("{file} is not there any more"))?;
        let played = parse(file, &text).and_then(|script| self.perform(&script, watch));
        played.map_err(|error| format!("{error:#}"))
    }
}

fn shown(played: Played) -> Result<Shown> {
    let (standing, again) = (played.verdict.standing(), played.again.clone());
    let outcomes = played.verdict.outcomes.clone();
    let report = page(&[Section::Run(Box::new(played))])?;
    Ok(Shown { standing, outcomes, again, report })
}

fn scene(play: &Play, now: Timestamp) -> Scene {
    let expectations =
        play.so_far().map(|(name, so_far)| Expectation { name: name.to_owned(), so_far }).collect();
    Scene { start: play.start(), now, end: play.end(), expectations }
}

fn parse(file: &str, text: &str) -> Result<Script> {
    Ok(Script::parse(file, text, &BTreeMap::new())?)
}

/// The scenarios by the names of their files. A file that cannot be read as text is left out.
fn texts() -> BTreeMap<String, String> {
    let own = own(Path::new(FOLDER));
    if own.is_empty() { shipped() } else { own }
}

fn shipped() -> BTreeMap<String, String> {
    let named = SHIPPED
        .files()
        .filter_map(|file| Some((file.path().to_str()?.to_owned(), file.contents_utf8()?.to_owned())));
    named.collect()
}

fn own(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let scenarios = entries.filter(|entry| entry.path().extension().is_some_and(|ending| ending == "toml"));
    let small = scenarios.filter(|entry| entry.metadata().is_ok_and(|data| data.len() <= FILE_BYTES_MAX));
    let read = |entry: std::fs::DirEntry| {
        Some((entry.file_name().into_string().ok()?, std::fs::read_to_string(entry.path()).ok()?))
    };
    small.take(FILES_MAX).filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use scenario::{SoFar, Standing};

    use super::*;

    const DARK: &str = r#"
        [scenario]
        name = "Dark by day"
        about = "Nobody asked for light, and nobody gets any."
        date = "2026-04-18"
        start = "12:00"
        length = "30m"

        [city]
        luminaires = 10

        [[expect]]
        name = "it is dark"
        always = "count(lamps where actual > 0) == 0"

        [[expect]]
        name = "at noon there is light"
        eventually = "lamp.state where actual > 0"
    "#;

    #[test]
    fn a_file_with_a_mistake_is_listed_with_it_and_others_are_not_lost() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("dark.toml"), DARK).unwrap();
        std::fs::write(folder.path().join("wrong.toml"), "[scenario]\nnam = 3\n").unwrap();
        std::fs::write(folder.path().join("notes.md"), "no scenario").unwrap();
        let texts = own(folder.path());
        assert_eq!(texts.keys().collect::<Vec<_>>(), ["dark.toml", "wrong.toml"]);
        assert!(parse("wrong.toml", &texts["wrong.toml"]).is_err());
    }

    #[test]
    fn a_play_is_watched_to_its_end_and_reported_or_broken_off() {
        let settings = crate::Cli::parse_from(["kitecity"]).settings;
        let stage = Stage::new(Config::of(&settings).unwrap());
        let script = parse("dark.toml", DARK).unwrap();
        let mut seen = Vec::new();
        let watch = &mut |scene: Scene| {
            seen.push(scene.expectations.iter().map(|one| one.so_far).collect::<Vec<_>>());
            ControlFlow::Continue(())
        };
        let played = stage.perform(&script, watch).unwrap().unwrap();
        assert_eq!(seen.len() as i64, LOOKS + 1);
        assert!(seen.iter().all(|so_far| *so_far == [SoFar::Watching; 2]), "only the end can tell");
        assert_eq!(
            played.outcomes.iter().map(|outcome| outcome.standing).collect::<Vec<_>>(),
            [Standing::Passed, Standing::Failed]
        );
        assert!(played.report.contains("at noon there is light"));
        assert!(stage.perform(&script, &mut |_| ControlFlow::Break(())).unwrap().is_none());
    }

    #[test]
    fn every_scenario_that_came_with_the_binary_can_be_read() {
        let shipped = shipped();
        assert!(shipped.len() >= 20, "{}", shipped.len());
        for (file, text) in shipped {
            parse(&file, &text).unwrap_or_else(|mistake| panic!("{mistake}"));
        }
    }
}
