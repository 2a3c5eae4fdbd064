//! How fast the simulation is, for `cargo bench -p sim` and `kitecity bench sim`.
//!
//! Pure like the rest: who measures brings a stopwatch.

use std::num::NonZeroUsize;
use std::time::Duration;

use city::calendars;
use scenario::{
    Cast, CastError, Clients, Direction, Disturbance, Effect, Luminaires, Nobody, Observer, Order,
};
use types::{DAY_MS, HOUR_MS, LuminaireId, MINUTE_MS, Timestamp};
use wire::Message;

use crate::{Energy, Sim, energy};

/// Time that has passed since some moment, by the wall's clock.
pub type Stopwatch<'a> = &'a dyn Fn() -> Duration;

/// One run, measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Luminaires in the city.
    pub luminaires: usize,
    /// Inputs and timeouts of luminaires and services.
    pub events: u64,
    /// Messages that reached the broker.
    pub messages: u64,
    /// How long it took.
    pub took: Duration,
    /// What [`Sim::digest`] says at the end.
    pub digest: u64,
}

impl Measured {
    /// Events in one second of one core: the simulation runs on one.
    pub fn events_per_s(&self) -> f64 {
        self.events as f64 / self.took.as_secs_f64()
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Every message arrives as it was sent.
    Calm,
    /// Every link of every luminaire loses one message in a hundred, repeats one in a thousand, and delays all a
    /// little, each by its own draw.
    Rough,
}

/// Half a day from half an hour before sunset of the kite festival's Saturday, after the first ten minutes in which
/// everyone connects.
///
/// # Errors
///
/// [`CastError`] if the city cannot be made.
pub fn half_day(cast: &Cast, weather: Weather, stopwatch: Stopwatch<'_>) -> Result<Measured, CastError> {
    let start = cast.astro().sunset(FESTIVAL).plus_millis(-30 * MINUTE_MS);
    let mut sim = Sim::new(cast, run(), start)?;
    let mut observer = Disturber { at: Some(start), weather };
    sim.run_until(start.plus_millis(10 * MINUTE_MS), &mut observer);
    Ok(measure(&mut sim, start.plus_millis(12 * HOUR_MS), &mut observer, stopwatch))
}

/// A night from one hour before sunset to the next noon, with everything that belongs to it: making the city's roles,
/// and everyone connecting.
///
/// # Errors
///
/// [`CastError`] if the city cannot be made.
pub fn night(cast: &Cast, stopwatch: Stopwatch<'_>) -> Result<Measured, CastError> {
    let began = stopwatch();
    let start = cast.astro().sunset(FESTIVAL).plus_millis(-HOUR_MS);
    let mut sim = Sim::new(cast, run(), start)?;
    let noon = Timestamp::from_local(FESTIVAL + 1, 12 * HOUR_MS);
    let measured = measure(&mut sim, noon, &mut Nobody, stopwatch);
    Ok(Measured { took: stopwatch() - began, ..measured })
}

/// How much memory a simulation of `cast` takes an hour after its start \[B\], beside the plan and the tables that all
/// simulations of one cast share. `resident` tells how much the program has; call it early, in a program that has not
/// yet given much memory back.
///
/// # Errors
///
/// [`CastError`] if the city cannot be made.
pub fn memory(cast: &Cast, resident: &dyn Fn() -> u64) -> Result<u64, CastError> {
    let before = resident();
    let start = cast.astro().sunset(FESTIVAL).plus_millis(-30 * MINUTE_MS);
    let mut sim = Sim::new(cast, run(), start)?;
    sim.run_until(start.plus_millis(HOUR_MS), &mut Nobody);
    Ok(resident().saturating_sub(before))
}

/// The energy of a year, and how long it took to know.
///
/// # Errors
///
/// [`CastError`] if the city cannot be made.
pub fn year(
    cast: &Cast,
    cores: NonZeroUsize,
    stopwatch: Stopwatch<'_>,
) -> Result<(Energy, Duration), CastError> {
    let began = stopwatch();
    let from = Timestamp::from_local(FESTIVAL, 12 * HOUR_MS);
    let energy = energy(cast, &calendars(), from, from.plus_millis(365 * DAY_MS), cores)?;
    Ok((energy, stopwatch() - began))
}

/// The Saturday of the kite festival \[local day\].
const FESTIVAL: i64 = 20_561;

fn run() -> types::RunId {
    "bench".parse().expect("a slug")
}

fn measure(
    sim: &mut Sim,
    until: Timestamp,
    observer: &mut impl Observer,
    stopwatch: Stopwatch<'_>,
) -> Measured {
    let (events, messages, began) = (sim.events(), sim.messages(), stopwatch());
    sim.run_until(until, observer);
    Measured {
        luminaires: sim.luminaires(),
        events: sim.events() - events,
        messages: sim.messages() - messages,
        took: stopwatch() - began,
        digest: sim.digest(),
    }
}

/// Makes the weather once.
struct Disturber {
    at: Option<Timestamp>,
    weather: Weather,
}

impl Observer for Disturber {
    fn observe(&mut self, _: Timestamp, _: &Message) {}

    fn wakes_at(&self) -> Option<Timestamp> {
        self.at
    }

    fn wake(&mut self, now: Timestamp, orders: &mut Vec<Order>) {
        self.at = None;
        if self.weather == Weather::Rough {
            orders.push(Order::Disturb(Disturbance {
                who: Clients::Luminaires(Luminaires { first: LuminaireId(1), last: LuminaireId(u32::MAX) }),
                direction: Direction::Both,
                until: now.plus_millis(24 * HOUR_MS),
                effect: Effect {
                    loss_ppm: 10_000,
                    duplicate_ppm: 1_000,
                    delay_min_ms: 5,
                    delay_max_ms: 200,
                    reorder: true,
                },
            }));
        }
    }
}
