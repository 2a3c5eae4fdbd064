//! What a lighting policy does, in the numbers of the trade.
//!
//! A photometric model of one line: the mean illuminance of a luminaire's stretch of road is its flux, less what misses
//! the road, spread evenly over the road. It compares policies on the same roads; it does
//! not design them.

mod curve;
mod figures;
mod walkers;

use std::sync::Arc;

use city::{Plan, RoadClass};
pub use curve::Minute;
pub use figures::{ClassFigures, Figures};
use lighting::{AstroTable, LightState, Telemetry};
use types::{DAY_MS, HOUR_MS, SECOND_MS, Timestamp};
use wire::{Light, Message, Walker};

use self::curve::Curve;
use self::walkers::Walkers;
use crate::facts::index_of;
use crate::{Observer, Order};

/// Light of a new LED luminaire per power \[lm/W\].
const EFFICACY_LM_PER_W: f64 = 140.0;
/// Share of the light that falls on the road.
const UTILISATION: f64 = 0.6;
/// How far a luminaire makes someone see and be seen \[m\].
const SEEN_WITHIN_M: f64 = 35.0;

/// Mean illuminance a road must have at least [lx]: in the evening that of classes C4 and P3 of EN 13201-2, as quoted
/// elsewhere; with less traffic a road falls into lower classes, by shares that are the model's.
///
/// The city's luminaires are new. They are dimensioned to give this with the 80 % that age and dirt leave.
fn required_lx(class: RoadClass, at: Timestamp) -> f64 {
    let evening = match class {
        RoadClass::Ring | RoadClass::Arterial => 10.0,
        RoadClass::Branch => 7.5,
    };
    let share = match at.local_time_ms() / HOUR_MS {
        22.. => 0.7,
        0..5 => 0.5,
        _ => 1.0,
    };
    evening * share
}

/// One luminaire, and what is counted of it.
#[derive(Clone, Copy, Debug)]
struct Meter {
    class: RoadClass,
    rated_w: f64,
    standby_w: f64,
    /// Illuminance of its road at full light \[lx\].
    full_lx: f64,
    road_m2: f64,
    level: f64,
    since: Timestamp,
    power_mw: u32,
    energy_mwh: u64,
    switch_count: u32,
    changes: u32,
    over_wh: f64,
}

impl Meter {
    fn power_w(&self, level: f64) -> f64 {
        let lit = if level > 0.0 { 0.05 + 0.95 * level } else { 0.0 };
        self.standby_w + (self.rated_w - self.standby_w) * lit
    }

    fn lx(&self) -> f64 {
        self.full_lx * self.level
    }
}

/// Watches a city and measures it. An [`Observer`] that gives no orders.
#[derive(Debug)]
pub struct Comparison {
    plan: Arc<Plan>,
    astro: Arc<AstroTable>,
    meters: Vec<Meter>,
    walkers: Walkers,
    start: Timestamp,
    power_mw: u64,
    peak_mw: u64,
    /// Levels of all luminaires, added up.
    levels: f64,
    /// People in the streets when they were last seen.
    people: usize,
    /// Messages from and to luminaires.
    messages: u64,
    curve: Curve,
    /// What a city would use that knows where everyone is \[Wh above standby\].
    oracle_wh: f64,
}

impl Comparison {
    /// Measures from `start` on.
    pub fn new(plan: Arc<Plan>, astro: Arc<AstroTable>, start: Timestamp) -> Self {
        let meters = plan.luminaires().iter().map(|site| {
            let rated_w = f64::from(site.rated_mw) / 1e3;
            Meter {
                class: site.class,
                rated_w,
                standby_w: f64::from(site.standby_mw) / 1e3,
                full_lx: rated_w * EFFICACY_LM_PER_W * UTILISATION / site.road_m2,
                road_m2: site.road_m2,
                level: 0.0,
                since: start,
                power_mw: 0,
                energy_mwh: 0,
                switch_count: 0,
                changes: 0,
                over_wh: 0.0,
            }
        });
        let meters = meters.collect();
        let walkers = Walkers::default();
        Self {
            plan,
            astro,
            meters,
            walkers,
            start,
            power_mw: 0,
            peak_mw: 0,
            levels: 0.0,
            people: 0,
            messages: 0,
            curve: Curve::new(start),
            oracle_wh: 0.0,
        }
    }

    /// What was measured until `end`.
    pub fn conclude(mut self, policy: &str, end: Timestamp) -> Figures {
        self.sample(end);
        for index in 0..self.meters.len() {
            let level = self.meters[index].level;
            self.set_level(end, index, level);
        }
        figures::figures(policy, &self, end)
    }

    fn sample(&mut self, now: Timestamp) {
        let level_percent = 100.0 * self.levels / self.meters.len().max(1) as f64;
        self.curve.stood_until(now, self.power_mw as f64 / 1e6, level_percent, self.people);
    }

    fn is_night(&self, at: Timestamp) -> bool {
        let day = at.local_day();
        at < self.astro.sunrise(day) || at >= self.astro.sunset(day)
    }

    fn state(&mut self, now: Timestamp, index: usize, state: &LightState) {
        let level = f64::from(state.actual.percent()) / 100.0;
        if self.meters.get(index).is_some_and(|meter| meter.level.total_cmp(&level).is_ne()) {
            self.set_level(now, index, level);
            self.meters[index].changes += 1;
            self.walkers.lamp_changed(now, index, level);
        }
    }

    /// Counts what was more than needed at the level until now, hour by hour, since what is needed changes on the hour.
    fn set_level(&mut self, now: Timestamp, index: usize, level: f64) {
        let meter = &mut self.meters[index];
        let lx = meter.lx();
        while meter.since < now {
            let next_hour = meter.since.plus_millis(HOUR_MS - meter.since.as_millis().rem_euclid(HOUR_MS));
            let until = next_hour.min(now);
            let required = required_lx(meter.class, meter.since);
            if lx > required {
                let hours = until.millis_since(meter.since) as f64 / HOUR_MS as f64;
                let light_w = meter.power_w(meter.level) - meter.standby_w;
                meter.over_wh += light_w * (1.0 - required / lx) * hours;
            }
            meter.since = until;
        }
        self.levels += level - meter.level;
        meter.level = level;
    }

    fn telemetry(&mut self, index: usize, readings: &Telemetry) {
        let Some(meter) = self.meters.get_mut(index) else { return };
        self.power_mw = self.power_mw - u64::from(meter.power_mw) + u64::from(readings.power_mw);
        self.peak_mw = self.peak_mw.max(self.power_mw);
        meter.power_mw = readings.power_mw;
        meter.energy_mwh = readings.energy_mwh;
        meter.switch_count = readings.switch_count;
    }

    fn presence(&mut self, now: Timestamp, walkers: &[Walker]) {
        let step_ms = self.walkers.step(now);
        self.people = walkers.len();
        if !self.is_night(now) {
            return;
        }
        let mut near_any = Vec::new();
        for walker in walkers {
            let (x, y) = self.plan.plane().point(walker.at);
            let near = self.plan.luminaires_near(x, y, SEEN_WITHIN_M);
            let near: Vec<usize> = near.map(|site| index_of(site.id)).collect();
            let Some(&first) = near.first() else { continue };
            let lx = near.iter().map(|&lamp| self.meters[lamp].lx()).sum::<f64>() / near.len() as f64;
            let required = required_lx(self.meters[first].class, now);
            self.walkers.saw(walker.walk, (lx, required), step_ms);
            for &lamp in &near {
                self.walkers.came_near(now, lamp, self.meters[lamp].level);
            }
            near_any.extend(near);
        }
        near_any.sort_unstable();
        near_any.dedup();
        for lamp in near_any {
            let meter = &self.meters[lamp];
            let needed = (required_lx(meter.class, now) / meter.full_lx).min(1.0);
            self.oracle_wh += (meter.power_w(needed) - meter.standby_w) * step_ms as f64 / HOUR_MS as f64;
        }
    }

    fn nights(&self, end: Timestamp) -> f64 {
        (end.millis_since(self.start) as f64 / DAY_MS as f64).max(f64::EPSILON)
    }
}

impl Observer for Comparison {
    fn observe(&mut self, now: Timestamp, message: &Message) {
        self.sample(now);
        self.messages += u64::from(matches!(message, Message::Light { .. }));
        match message {
            Message::Light { luminaire, body: Light::State(report), .. } => {
                self.state(now, index_of(*luminaire), &report.body);
            }
            Message::Light { luminaire, body: Light::Telemetry(report), .. } => {
                self.telemetry(index_of(*luminaire), &report.body);
            }
            Message::Presence(walkers) => self.presence(now, walkers),
            _ => {}
        }
    }

    fn wakes_at(&self) -> Option<Timestamp> {
        None
    }

    fn wake(&mut self, _: Timestamp, _: &mut Vec<Order>) {}
}

/// The longest step between two sights of the walkers that counts [ms]: after a pause nobody was anywhere.
const STEP_MS_MAX: i64 = 15 * SECOND_MS;
