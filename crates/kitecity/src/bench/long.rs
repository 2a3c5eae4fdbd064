//! `kitecity bench long`: a whole city in a hurry, for long, and whether its memory stays flat.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::started::Started;
use crate::process::this_program;
use crate::{Settings, out};

/// City seconds per wall second, unless asked otherwise.
const SPEED: u32 = 600;
/// Luminaires, unless asked otherwise.
const LUMINAIRES: u32 = 1_000;
/// How often it is looked at while it runs.
const LOOKS: u32 = 12;
/// Counters that say something had no place any more, or was not understood.
const LOSSES: [&str; 8] = [
    "kitecity_broker_deliveries_dropped_total",
    "kitecity_broker_unretained_total",
    "kitecity_broker_publishes_refused_total",
    "kitecity_broker_rate_limited_total",
    "kitecity_journal_commit_failures_total",
    "kitecity_questions_refused_total",
    "kitecity_questions_unanswered_total",
    "kitecity_dead_letters_total",
];

/// What one look at the city saw.
struct Look {
    city_h: f64,
    resident_kb: u64,
    descriptors: usize,
    messages: f64,
    settlements: f64,
    lost: Vec<(&'static str, f64)>,
}

/// Runs a city for so long, and prints what it holds.
pub(super) fn run(settings: &Settings, seconds: u64) -> Result<()> {
    let speed = settings.speed.unwrap_or(SPEED);
    let luminaires = settings.luminaires.unwrap_or(LUMINAIRES);
    out::line(&super::machine())?;
    out::line(&format!(
        "{luminaires} luminaires at {speed} times the speed of life, journal on, for {seconds} s"
    ))?;
    out::line("city hours  memory MiB  descriptors    messages  settlements")?;
    let folder = tempfile::tempdir()?;
    let mut command = this_program()?;
    command.args(["up", "--mqtt-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"]);
    command.args(["--speed", &speed.to_string(), "--luminaires", &luminaires.to_string()]);
    command.arg("--data").arg(folder.path().join("data"));
    command.args(settings.without.iter().flat_map(|role| ["--without", role.as_str()]));
    let mut city = Started::spawn(command.env("KITECITY_LOG", "off"))?;
    let began = Instant::now();
    let mut looks = Vec::new();
    for look in 1..=LOOKS {
        let due = Duration::from_secs(seconds) * look / LOOKS;
        std::thread::sleep(due.saturating_sub(began.elapsed()));
        ensure!(!city.process.has_ended(), "the city ended by itself");
        let city_h = began.elapsed().as_secs_f64() * f64::from(speed) / 3_600.0;
        looks.push(look_at(&city, city_h)?);
        tell(&looks[looks.len() - 1])?;
    }
    conclude(&looks)
}

fn look_at(city: &Started, city_h: f64) -> Result<Look> {
    let metrics = city.metrics()?;
    let sum = |name: &str| metrics.sum(name);
    Ok(Look {
        city_h,
        resident_kb: city.process.resident_kb(),
        descriptors: city.process.descriptors(),
        messages: sum("kitecity_broker_messages_received_total"),
        settlements: sum("kitecity_settlements_total{outcome=\"settled\"}"),
        lost: LOSSES.into_iter().map(|name| (name, sum(name))).filter(|(_, count)| *count > 0.0).collect(),
    })
}

fn tell(look: &Look) -> Result<()> {
    out::line(&format!(
        "{:>10.1} {:>11.1} {:>12} {:>11} {:>12}",
        look.city_h,
        look.resident_kb as f64 / 1_024.0,
        look.descriptors,
        look.messages,
        look.settlements
    ))
}

/// What the second half of the time added: in the first, stores fill that are bounded.
fn conclude(looks: &[Look]) -> Result<()> {
    let (middle, last) = (&looks[looks.len() / 2 - 1], &looks[looks.len() - 1]);
    let grown_kb = last.resident_kb as f64 - middle.resident_kb as f64;
    let (days, bills) = ((last.city_h - middle.city_h) / 24.0, last.settlements - middle.settlements);
    let each = if bills > 0.0 {
        format!(", {:.1} KiB for each settlement", grown_kb / bills)
    } else {
        String::new()
    };
    out::line(&format!("second half: {:+.0} KiB a city day{each}", grown_kb / days))?;
    match last.lost.as_slice() {
        [] => out::line("nothing was dropped, refused or left unanswered"),
        lost => lost.iter().try_for_each(|(name, count)| out::line(&format!("{name} {count}"))),
    }
}
