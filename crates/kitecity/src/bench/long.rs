//! `kitecity bench long`: a whole city in a hurry, for long, and whether its memory stays flat.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::process::{Process, this_program};
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
    let mut city = Process::spawn(command.env("KITECITY_LOG", "off").stdout(Stdio::piped()))?;
    let page = page_of(&mut city)?;
    let began = Instant::now();
    let mut looks = Vec::new();
    for look in 1..=LOOKS {
        let due = Duration::from_secs(seconds) * look / LOOKS;
        std::thread::sleep(due.saturating_sub(began.elapsed()));
        ensure!(!city.has_ended(), "the city ended by itself");
        let city_h = began.elapsed().as_secs_f64() * f64::from(speed) / 3_600.0;
        looks.push(look_at(&city, &page, city_h)?);
        tell(&looks[looks.len() - 1])?;
    }
    conclude(&looks)
}

/// Where the pages of a city are that has just been started: host and port.
fn page_of(city: &mut Process) -> Result<String> {
    let mut output = BufReader::new(city.take_output()?);
    let mut line = String::new();
    while output.read_line(&mut line)? > 0 {
        if let Some((_, rest)) = line.split_once("http://") {
            city.keep_output(output.into_inner());
            return Ok(rest.trim().trim_end_matches('/').to_owned());
        }
        line.clear();
    }
    anyhow::bail!("the city did not start")
}

fn look_at(city: &Process, page: &str, city_h: f64) -> Result<Look> {
    let metrics = metrics_of(page).context("the city does not tell its metrics")?;
    let sum = |name: &str| sum_of(&metrics, name);
    Ok(Look {
        city_h,
        resident_kb: city.resident_kb(),
        descriptors: city.descriptors(),
        messages: sum("kitecity_broker_messages_received_total"),
        settlements: sum("kitecity_settlements_total{outcome=\"settled\"}"),
        lost: LOSSES.into_iter().map(|name| (name, sum(name))).filter(|(_, count)| *count > 0.0).collect(),
    })
}

fn metrics_of(page: &str) -> Result<String> {
    let mut stream = TcpStream::connect(page)?;
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: {page}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "it said {}", answer.lines().next().unwrap_or("nothing"));
    Ok(answer)
}

/// The sum of all lines that begin like this.
fn sum_of(metrics: &str, name: &str) -> f64 {
    let lines = metrics.lines().filter(|line| line.starts_with(name));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_of_one_name_add_up_over_their_labels() {
        let metrics = "# HELP a_total x\na_total{b=\"1\"} 2\na_total{b=\"2\"} 3.5\nab_total 9\n";
        assert!((sum_of(metrics, "a_total") - 5.5).abs() < 1e-9);
        assert!((sum_of(metrics, "a_total{b=\"2\"}") - 3.5).abs() < 1e-9);
        assert!(sum_of(metrics, "c").abs() < 1e-9);
    }
}
