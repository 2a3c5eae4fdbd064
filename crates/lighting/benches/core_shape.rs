//! Two shapes of a core, driving the same 10,000 luminaires through the same night.
//!
//! - *caller's buffer*: [`Core`] as it is; all luminaires write into one `Vec` of the driver;
//! - *own queue*: four methods, with a `VecDeque` in every luminaire that the driver polls until it is empty.
//!
//! `docs/decisions/0001-core-shape.md` says what came of it. Run with `cargo bench -p lighting`.

#![expect(clippy::print_stdout, reason = "a bench reports on stdout")]

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::mem::{size_of, take};
use std::sync::Arc;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use lighting::luminaire::{Input, Output};
use lighting::{
    AstroTable, DimLevel, Luminaire, LuminaireConfig, LuminaireModel, LuminaireModelConfig, Physics,
    Programme, ProgrammeStep, StepTime, SunDay,
};
use types::{Core, DAY_MS, HOUR_MS, MINUTE_MS, Timestamp};

const LUMINAIRES: usize = 10_000;
const NOON: Timestamp = Timestamp::from_local(20_000, 12 * HOUR_MS);
const NEXT_NOON: Timestamp = NOON.plus_millis(DAY_MS);

/// The second shape: every luminaire keeps what it wants to tell until it is polled.
struct OwnQueue {
    core: Luminaire,
    outputs: VecDeque<Output>,
}

impl OwnQueue {
    fn handle_timeout(&mut self, now: Timestamp) {
        // Both conversions keep the allocation, so that the core writes straight into the queue.
        let mut outputs = Vec::from(take(&mut self.outputs));
        self.core.handle_timeout(now, &mut outputs);
        self.outputs = outputs.into();
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        self.core.next_timeout()
    }
}

/// What the driver needs of either shape.
trait Shape {
    fn new(core: Luminaire) -> Self;
    fn next(&self) -> Option<Timestamp>;
    /// Calls it, and carries away what it tells. How much that was.
    fn call(&mut self, now: Timestamp, buffer: &mut Vec<Output>) -> usize;
    /// What one takes of memory, without the shared parts and the programme \[B\].
    fn bytes(&self) -> usize;
}

impl Shape for Luminaire {
    fn new(core: Luminaire) -> Self {
        core
    }

    fn next(&self) -> Option<Timestamp> {
        self.next_timeout()
    }

    fn call(&mut self, now: Timestamp, buffer: &mut Vec<Output>) -> usize {
        self.handle_timeout(now, buffer);
        buffer.drain(..).map(black_box).count()
    }

    fn bytes(&self) -> usize {
        size_of::<Self>()
    }
}

impl Shape for OwnQueue {
    fn new(core: Luminaire) -> Self {
        Self { core, outputs: VecDeque::new() }
    }

    fn next(&self) -> Option<Timestamp> {
        self.poll_timeout()
    }

    fn call(&mut self, now: Timestamp, _: &mut Vec<Output>) -> usize {
        self.handle_timeout(now);
        std::iter::from_fn(|| self.poll_output()).map(black_box).count()
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.outputs.capacity() * size_of::<Output>()
    }
}

/// At noon: each with its programme, its own sun and its own place in the report period.
fn fleet<S: Shape>() -> Vec<S> {
    let model = LuminaireModelConfig {
        rated_mw: 80_500,
        standby_mw: 500,
        fade_ms: 2_000,
        report_period_ms: 900_000,
        physics: Physics::default(),
    };
    let model = Arc::new(LuminaireModel::new(model).expect("within the ranges"));
    let sun = SunDay { sunrise_ms: 6 * HOUR_MS as u32, sunset_ms: 18 * HOUR_MS as u32 };
    let astro = Arc::new(AstroTable::new(20_000, vec![sun]).expect("one good day"));
    let fleet = (0..LUMINAIRES as u32).map(|number| {
        let config = LuminaireConfig {
            model: model.clone(),
            astro: astro.clone(),
            astro_shift_ms: (number * 37 % 60_000) as i32,
            report_offset_ms: number * 7_919 % 900_000,
            feeder_drop_mv: 0,
            burning_h: 0,
        };
        let mut luminaire = Luminaire::new(config, NOON);
        luminaire.handle(NOON, Input::Programme(programme()), &mut Vec::new());
        S::new(luminaire)
    });
    fleet.collect()
}

fn programme() -> Programme {
    let step =
        |at, percent| ProgrammeStep { at, level: DimLevel::from_percent(percent).expect("at most 100") };
    let steps = vec![
        step(StepTime::Sunset(0), 100),
        step(StepTime::Clock(22 * 60), 70),
        step(StepTime::Clock(0), 50),
        step(StepTime::Clock(5 * 60), 70),
        step(StepTime::Sunrise(0), 0),
    ];
    Programme { version: 1, steps: steps.into(), presence_level: None, nights: lighting::Nights::default() }
}

/// One night in order of time across the fleet, as a driver does it. How many calls and outputs there were.
fn in_order_of_time<S: Shape>(fleet: &mut [S]) -> (usize, usize) {
    let (mut calls, mut outputs, mut buffer) = (0, 0, Vec::new());
    let mut queue: BinaryHeap<_> =
        fleet.iter().enumerate().filter_map(|(at, core)| Some(Reverse((core.next()?, at)))).collect();
    while let Some(Reverse((now, at))) = queue.pop().filter(|Reverse((now, _))| *now < NEXT_NOON) {
        outputs += fleet[at].call(now, &mut buffer);
        calls += 1;
        queue.extend(fleet[at].next().map(|next| Reverse((next, at))));
    }
    (calls, outputs)
}

/// One night of one luminaire after the other: the cores' own cost, without a queue and in a warm cache.
fn one_by_one<S: Shape>(fleet: &mut [S]) -> (usize, usize) {
    let (mut calls, mut outputs, mut buffer) = (0, 0, Vec::new());
    for core in fleet {
        while let Some(now) = core.next().filter(|now| *now < NEXT_NOON) {
            outputs += core.call(now, &mut buffer);
            calls += 1;
        }
    }
    (calls, outputs)
}

#[divan::bench(types = [Luminaire, OwnQueue], sample_count = 20, sample_size = 1)]
fn night_in_order_of_time<S: Shape>(bencher: Bencher<'_, '_>) {
    let calls = in_order_of_time(&mut fleet::<S>()).0;
    bencher
        .counter(ItemsCount::new(calls))
        .with_inputs(fleet::<S>)
        .bench_local_refs(|fleet| in_order_of_time(fleet));
}

#[divan::bench(types = [Luminaire, OwnQueue], sample_count = 20, sample_size = 1)]
fn night_one_by_one<S: Shape>(bencher: Bencher<'_, '_>) {
    let calls = one_by_one(&mut fleet::<S>()).0;
    bencher
        .counter(ItemsCount::new(calls))
        .with_inputs(fleet::<S>)
        .bench_local_refs(|fleet| one_by_one(fleet));
}

fn print_memory<S: Shape>(shape: &str) {
    let mut fleet = fleet::<S>();
    let (calls, outputs) = in_order_of_time(&mut fleet);
    let bytes = fleet.iter().map(Shape::bytes).sum::<usize>() / fleet.len();
    println!("{shape}: {bytes} B per luminaire after a night of {calls} calls and {outputs} outputs");
}

fn main() {
    println!("{LUMINAIRES} luminaires, one night, reports every {} min", 900_000 / MINUTE_MS);
    print_memory::<Luminaire>("caller's buffer (Luminaire)");
    print_memory::<OwnQueue>("own queue (OwnQueue)");
    divan::main();
}
