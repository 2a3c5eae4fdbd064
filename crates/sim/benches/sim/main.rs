//! How fast the simulation is, beside NeXosim in the same run. Run with `cargo bench -p sim`; `SIZES=1000,10000`
//! measures smaller cities only.

#![expect(clippy::print_stdout, reason = "a bench reports on stdout")]

mod peer;

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use city::CitySpec;
use scenario::{Cast, CastSpec};
use sim::bench::{self, Measured, Weather};
use types::Seed;

fn cast(luminaires: u32, residents: u32, clinics: u32) -> Cast {
    let city = CitySpec { seed: Seed(7), luminaires, residents, clinics };
    let policy = toml::from_str(include_str!("../../../../config/policies/demo.toml")).expect("a policy");
    Cast::new(CastSpec::new(city, 2026, policy)).expect("a city")
}

#[expect(clippy::disallowed_methods, reason = "a bench measures the wall's time")]
fn main() {
    let began = Instant::now();
    let wall: &dyn Fn() -> Duration = &|| began.elapsed();
    let core: &dyn Fn() -> Duration = &|| core_time().unwrap_or_else(|| began.elapsed());
    let sizes = std::env::var("SIZES").unwrap_or_else(|_| "1000,10000,100000".to_owned());
    println!("{}", machine());
    println!("half a day; M events per core-second, B of memory per luminaire beside its city's plan");
    println!(
        "{:>10}{:>10}{:>8}{:>9}{:>9}{:>9}{:>8}",
        "luminaires", "calm", "rough", "B", "NeXosim", "B", "ratio"
    );
    for luminaires in sizes.split(',').filter_map(|size| size.parse().ok()) {
        row(luminaires, core);
    }
    night("luminaires only", &cast(1_000, 1, 0), wall);
    night("people in the streets", &cast(1_000, 1_000, 3), wall);
    if sizes.contains("100000") {
        year(&cast(100_000, 1, 0), wall);
    }
}

fn row(luminaires: u32, core: bench::Stopwatch<'_>) {
    let cast = cast(luminaires, 1, 0);
    // Small cities fit into memory that this program has already.
    let per_luminaire = |bytes: u64| match bytes / u64::from(luminaires) {
        bytes if luminaires >= 100_000 => bytes.to_string(),
        _ => "-".to_owned(),
    };
    let bytes = per_luminaire(bench::memory(&cast, &resident).expect("a city"));
    let fast = |weather| bench::half_day(&cast, weather, core).expect("a city").events_per_s() / 1e6;
    let (calm, rough) = (fast(Weather::Calm), fast(Weather::Rough));
    let (peer, peer_bytes) = peer::run(luminaires, 400_000 / luminaires, core, &resident);
    let peer = peer.events_per_s() / 1e6;
    let peer_bytes = per_luminaire(peer_bytes);
    let ratio = calm / peer;
    println!("{luminaires:>10}{calm:>10.2}{rough:>8.2}{bytes:>9}{peer:>9.2}{peer_bytes:>9}{ratio:>7.1}x");
}

fn night(what: &str, cast: &Cast, wall: bench::Stopwatch<'_>) {
    let nights = (0..10).map(|_| bench::night(cast, wall).expect("a city"));
    let Measured { events, messages, took, .. } = nights.min_by_key(|night| night.took).expect("ten of them");
    println!(
        "a night of 1,000 luminaires, {what}: {took:.1?}, {events} events, {messages} messages (best of 10)"
    );
}

fn year(cast: &Cast, wall: bench::Stopwatch<'_>) {
    for cores in [1, 2] {
        let (energy, took) =
            bench::year(cast, NonZeroUsize::new(cores).expect("some"), wall).expect("a city");
        let (mwh, seconds) = (energy.energy_mwh / 1_000_000_000, took.as_secs_f64());
        println!("a year of 100,000 luminaires on {cores} of the cores: {seconds:.2} s, {mwh} MWh");
    }
}

/// How long this thread has had a core, if the system tells: other programs on the machine do not count.
fn core_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// How much memory this program has \[B\]; 0 where the system does not tell.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    status.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4_096
}

fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |line: &str| line.split(": ").nth(1).map(str::to_owned);
    let model = info.lines().find(|line| line.starts_with("model name")).and_then(value);
    let cores = std::thread::available_parallelism().map_or(0, NonZeroUsize::get);
    format!("{}, {cores} cores", model.unwrap_or_else(|| "unknown machine".to_owned()))
}
