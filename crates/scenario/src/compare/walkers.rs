use std::collections::BTreeMap;

use types::Timestamp;

use super::STEP_MS_MAX;

/// From here on a lamp gives what presence asks for.
const BRIGHT: f64 = 0.999;
/// Below this share of the light that is required a road is dark.
const DARK: f64 = 0.1;
/// Below this share it is less light than required.
const ENOUGH: f64 = 0.95;

/// How people on foot fare at night.
#[derive(Debug, Default)]
pub(super) struct Walkers {
    seen_at: Option<Timestamp>,
    pub(super) person_ms: i64,
    /// Missing light, as a share of what is required, times time.
    pub(super) deficit_ms: f64,
    /// Missing light \[lx\], times time.
    pub(super) deficit_lx_ms: f64,
    pub(super) below_ms: i64,
    pub(super) dark_ms_max: i64,
    /// How long each walk has been in the dark.
    dark: BTreeMap<u32, i64>,
    /// Lamps that someone is near and that are not bright yet.
    waiting: BTreeMap<usize, Timestamp>,
    pub(super) response_ms: Vec<i64>,
}

impl Walkers {
    /// Time since people were last seen \[ms\].
    pub(super) fn step(&mut self, now: Timestamp) -> i64 {
        let before = self.seen_at.replace(now).unwrap_or(now);
        now.millis_since(before).min(STEP_MS_MAX)
    }

    /// Someone had so much light, and so much was required [lx], for this long.
    pub(super) fn saw(&mut self, walk: u32, (lx, required_lx): (f64, f64), step_ms: i64) {
        let share = lx / required_lx;
        self.deficit_lx_ms += (required_lx - lx).max(0.0) * step_ms as f64;
        self.person_ms += step_ms;
        self.deficit_ms += (1.0 - share).max(0.0) * step_ms as f64;
        self.below_ms += if share < ENOUGH { step_ms } else { 0 };
        if share < DARK {
            let dark = self.dark.entry(walk).or_default();
            *dark += step_ms;
            self.dark_ms_max = self.dark_ms_max.max(*dark);
        } else {
            self.dark.remove(&walk);
        }
    }

    /// Someone is near a lamp that gives this level. One that gives none waits for dusk, not for people.
    pub(super) fn came_near(&mut self, now: Timestamp, lamp: usize, level: f64) {
        if level > 0.0 && level < BRIGHT {
            self.waiting.entry(lamp).or_insert(now);
        }
    }

    /// A lamp changed its level: if it became bright, that was the answer to whoever came near.
    pub(super) fn lamp_changed(&mut self, now: Timestamp, lamp: usize, level: f64) {
        if let Some(since) = self.waiting.remove(&lamp)
            && level >= BRIGHT
        {
            self.response_ms.push(now.millis_since(since));
        }
    }
}
