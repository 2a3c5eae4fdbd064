//! The same population in NeXosim: luminaires that wake every fifteen minutes, each at its own moment, count their
//! energy, and send their readings to one CMS, which keeps the newest of each.
//!
//! Less work than here: no programme, no fade, no digest, no state, no delay on the way, no faults.

use std::time::Duration;

use nexosim::model::{Context, Model, schedulable};
use nexosim::ports::Output;
use nexosim::simulation::{Mailbox, SimInit};
use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};
use sim::bench::{Measured, Stopwatch};

const PERIOD: Duration = Duration::from_secs(900);

#[derive(Clone, Serialize, Deserialize)]
struct Readings {
    luminaire: u32,
    seq: u32,
    power_mw: u32,
    energy_mwh: u64,
}

#[derive(Serialize, Deserialize)]
struct Lamp {
    readings: Readings,
    offset_ms: u64,
    out: Output<Readings>,
}

#[Model]
impl Lamp {
    #[nexosim(init)]
    async fn init(&mut self, cx: &Context<Self>) {
        let first = Duration::from_millis(self.offset_ms + 1);
        cx.schedule_periodic_event(first, PERIOD, schedulable!(Self::tick), ()).expect("in the future");
    }

    #[nexosim(schedulable)]
    async fn tick(&mut self) {
        self.readings.seq += 1;
        self.readings.energy_mwh += u64::from(self.readings.power_mw) / 4;
        self.out.send(self.readings.clone()).await;
    }
}

#[derive(Serialize, Deserialize)]
struct Cms {
    newest: Vec<Readings>,
    heard: u64,
}

#[Model]
impl Cms {
    async fn hear(&mut self, readings: Readings) {
        self.heard += 1;
        let luminaire = readings.luminaire as usize;
        self.newest[luminaire] = readings;
    }
}

/// `periods` report periods of so many luminaires on one thread, after a first one in which everything warms up. Also
/// how much memory the whole took \[B\], by `resident`.
pub(crate) fn run(
    luminaires: u32,
    periods: u32,
    stopwatch: Stopwatch<'_>,
    resident: &dyn Fn() -> u64,
) -> (Measured, u64) {
    let before = resident();
    let newest =
        (0..luminaires).map(|luminaire| Readings { luminaire, seq: 0, power_mw: 80_000, energy_mwh: 0 });
    let cms = Cms { newest: newest.clone().collect(), heard: 0 };
    let cms_mailbox = Mailbox::new();
    let mut bench = SimInit::with_num_threads(1);
    for readings in newest {
        let offset_ms = u64::from(readings.luminaire) * 7_919 % PERIOD.as_millis() as u64;
        let mut lamp = Lamp { readings, offset_ms, out: Output::default() };
        lamp.out.connect(Cms::hear, &cms_mailbox);
        // As few places as there may be: the default of 16 would only take memory.
        bench = bench.add_model(lamp, Mailbox::with_capacity(1), "lamp");
    }
    let mut simulation =
        bench.add_model(cms, cms_mailbox, "cms").init(MonotonicTime::EPOCH).expect("a simulation");
    simulation.step_until(PERIOD).expect("a step");
    let bytes = resident().saturating_sub(before);
    let began = stopwatch();
    simulation.step_until(PERIOD * periods).expect("a step");
    let messages = u64::from(luminaires) * u64::from(periods);
    let measured = Measured {
        luminaires: luminaires as usize,
        events: 2 * messages,
        messages,
        took: stopwatch() - began,
        digest: 0,
    };
    (measured, bytes)
}
