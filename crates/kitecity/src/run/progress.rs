//! How far a run is, on stderr: only for people who watch a terminal.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use scenario::{Observer, Order, Play, show_moment};
use types::Timestamp;
use wire::Message;

/// A run shorter than this has no bar.
const SILENT_FOR: Duration = Duration::from_secs(1);

/// A bar of `length` steps, if it is known how many there are. Draws nothing unless stderr is a terminal, and nothing in colour.
fn bar(length: Option<u64>, template: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template(template).expect("the templates of this file are well-formed");
    bar.set_style(style.progress_chars("━╸─"));
    bar
}

/// How many seeds are done.
#[derive(Debug)]
pub(super) struct SeedsBar(ProgressBar);

impl SeedsBar {
    /// Of so many; without end, or until time is up, if `None`.
    pub(super) fn new(seeds: Option<u64>) -> Self {
        let template = match seeds {
            Some(_) => "{bar:30} {pos} of {len} seeds, {msg}, {eta} to go",
            None => "{pos} seeds in {elapsed}, {msg}",
        };
        Self(bar(seeds, template).with_message("0 failed"))
    }

    /// One more is done; `failed` of all so far.
    pub(super) fn step(&self, failed: usize) {
        self.0.inc(1);
        self.0.set_message(format!("{failed} failed"));
    }
}

impl Drop for SeedsBar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// What the clock of the city shows.
#[derive(Debug)]
pub(super) struct CityBar {
    start: Timestamp,
    end: Timestamp,
    began: Instant,
    silent_for: Duration,
    /// Made when it is first seen: a quick run has none.
    bar: Option<ProgressBar>,
}

impl CityBar {
    /// For virtual time: from the first second on.
    pub(super) fn virtually(play: &Play) -> Self {
        Self::new(play, SILENT_FOR)
    }

    /// For the speed of the scenario: at once.
    pub(super) fn live(play: &Play) -> Self {
        Self::new(play, Duration::ZERO)
    }

    fn new(play: &Play, silent_for: Duration) -> Self {
        Self { start: play.start(), end: play.end(), began: Instant::now(), silent_for, bar: None }
    }

    /// The clock shows `now`.
    pub(super) fn show(&mut self, now: Timestamp) {
        if self.bar.is_none() && self.began.elapsed() < self.silent_for {
            return;
        }
        let seconds = |until: Timestamp| (until.millis_since(self.start) / types::SECOND_MS).max(0) as u64;
        let bar = self.bar.get_or_insert_with(|| bar(Some(seconds(self.end)), "{bar:30} {msg}"));
        if bar.position() != seconds(now) {
            // A whole second: the milliseconds of a city in a hurry only flicker.
            let whole = Timestamp::from_millis(now.as_millis() / types::SECOND_MS * types::SECOND_MS);
            bar.set_message(format!(
                "{} of {}",
                show_moment(whole, self.start),
                show_moment(self.end, self.start)
            ));
            bar.set_position(seconds(now));
        }
    }
}

impl Drop for CityBar {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A play whose wakes move a bar: there are some hundred in every run, at even distances.
pub(super) struct Watched<'a> {
    pub(super) play: &'a mut Play,
    pub(super) bar: CityBar,
}

impl Observer for Watched<'_> {
    fn observe(&mut self, now: Timestamp, message: &Message) {
        self.play.observe(now, message);
    }

    fn wakes_at(&self) -> Option<Timestamp> {
        self.play.wakes_at()
    }

    fn wake(&mut self, now: Timestamp, orders: &mut Vec<Order>) {
        self.bar.show(now);
        self.play.wake(now, orders);
    }
}
