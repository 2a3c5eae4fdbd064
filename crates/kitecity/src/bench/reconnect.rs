//! `kitecity bench reconnect`: the broker dies under a whole city, and comes back.
//!
//! Broker, clock, CMS and luminaires are processes of their own. Every luminaire holds a level by command before the
//! broker is killed. The new one knows nothing: what is heard after that, luminaires have said anew.

use std::net::TcpListener;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lighting::{DimLevel, GroupDimRequest, GroupReply};
use services::Link;
use services::bus::BusAddress;
use services::operator::Operator;
use tokio::time::{Instant, sleep};
use types::LuminaireId;
use wire::{ReplyBody, RequestBody, RoleName};

use crate::chaos::blows::Part;
use crate::chaos::streets::{Seen, Streets};
use crate::chaos::town::{Places, Town};
use crate::up::City;
use crate::{Settings, out};

/// Luminaires, unless asked otherwise.
const LUMINAIRES: u32 = 10_000;
/// What all luminaires hold \[%\]: no programme asks for it.
const LEVEL: u8 = 37;
/// How long luminaires may take to connect, or to connect again.
const CONNECT_WITHIN: Duration = Duration::from_secs(300);
/// How long the broker is away.
const DOWN: Duration = Duration::from_secs(1);
/// How often the city is tried until it lets an operator in.
const JOIN_EVERY: Duration = Duration::from_millis(200);
/// How many have to be back, of a thousand.
const BACK_PERMILLE: usize = 999;

/// Measures and prints.
pub(super) fn run(settings: &Settings) -> Result<()> {
    out::line(&super::machine())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(settings))
}

async fn measure(settings: &Settings) -> Result<()> {
    let settings = Settings {
        secret: Some("bench reconnect".to_owned()),
        luminaires: Some(settings.luminaires.unwrap_or(LUMINAIRES)),
        ..settings.clone()
    };
    let city = City::plan(&settings)?;
    let lamps: Vec<LuminaireId> = city.cast.directory().keys().copied().collect();
    let address = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr())?;
    let bus = BusAddress::plain(address.ip().to_string(), address.port());
    let logs = tempfile::tempdir()?;
    let places = Places { broker: bus.clone(), bus: bus.clone(), logs: logs.path().to_owned() };
    let link = Link { address: bus, ..settings.link(city.config.city.run) };
    let mut town = Town::new(settings, places);
    let streets = Streets::watch("streets", &link, city.secret(), town.lives());
    let began = Instant::now();
    for part in [Part::Broker, Part::Role(RoleName::Clock), Part::Role(RoleName::Lighting)] {
        town.start(part)?;
    }
    town.start(Part::Role(RoleName::Fleet))?;
    back(&streets, &lamps, |seen, id| seen.state(id).is_some()).await?;
    line("connected at first", &format!("{:.1} s", began.elapsed().as_secs_f64()))?;
    let held = hold(&link, lamps.len()).await?;
    line("hold a level by command", &format!("after {:.1} s", held.as_secs_f64()))?;
    back(&streets, &lamps, holds).await?;

    town.kill(Part::Broker);
    streets.lock().forget();
    sleep(DOWN).await;
    let restarted = Instant::now();
    town.start(Part::Broker)?;
    let times = back(&streets, &lamps, holds).await?;
    tell(&streets, &lamps, restarted, times)
}

fn line(what: &str, figure: &str) -> Result<()> {
    out::line(&format!("{what:<28} {figure}"))
}

/// Whether a luminaire has what it was told.
fn holds(seen: &Seen, id: LuminaireId) -> bool {
    let is_level = |level: DimLevel| level.percent() == LEVEL;
    seen.state(id).is_some_and(|state| is_level(state.target) && state.actual == state.target)
}

/// Waits until all luminaires are as they should be, and tells since when 99.9 % and all of them are.
async fn back(
    streets: &Streets,
    lamps: &[LuminaireId],
    is_so: impl Fn(&Seen, LuminaireId) -> bool,
) -> Result<[Instant; 2]> {
    let enough = lamps.len() * BACK_PERMILLE / 1_000;
    let (began, mut enough_at) = (Instant::now(), None);
    loop {
        let there = {
            let seen = streets.lock();
            lamps.iter().filter(|id| is_so(&seen, **id)).count()
        };
        if there >= enough {
            enough_at.get_or_insert_with(Instant::now);
        }
        if let Some(enough_at) = enough_at.filter(|_| there == lamps.len()) {
            return Ok([enough_at, Instant::now()]);
        }
        ensure!(began.elapsed() < CONNECT_WITHIN, "only {there} of {} luminaires are there", lamps.len());
        sleep(Duration::from_millis(50)).await;
    }
}

/// Dims all luminaires, until none of them has missed it.
async fn hold(link: &Link, luminaires: usize) -> Result<Duration> {
    let began = Instant::now();
    let operator = loop {
        match Operator::join(link, None).await {
            Ok(operator) => break operator,
            Err(error) => ensure!(began.elapsed() < CONNECT_WITHIN, "{error}"),
        }
        sleep(JOIN_EVERY).await;
    };
    let level = DimLevel::from_percent(LEVEL).ok();
    let group = "all".parse().map_err(anyhow::Error::msg)?;
    let body = RequestBody::DimGroup(GroupDimRequest { group, level, minutes: None });
    let is_last = |reply: &ReplyBody| !matches!(reply, ReplyBody::DimGroup(GroupReply::Running(_)));
    loop {
        let answer = operator.follow(body.clone(), is_last).await.context("the CMS is silent")?;
        if let ReplyBody::DimGroup(GroupReply::Finished(report)) = answer
            && report.tally.successful as usize == luminaires
        {
            operator.leave().await;
            return Ok(began.elapsed());
        }
        ensure!(began.elapsed() < CONNECT_WITHIN, "not all luminaires obey");
    }
}

fn tell(
    streets: &Streets,
    lamps: &[LuminaireId],
    restarted: Instant,
    [enough, all]: [Instant; 2],
) -> Result<()> {
    let seconds = |at: Instant| format!("{:.1} s", at.duration_since(restarted).as_secs_f64());
    let mut per_second: Vec<u32> = Vec::new();
    for id in lamps {
        let Some(at) = streets.lock().online_since(*id) else { continue };
        let second = at.duration_since(restarted).as_secs() as usize;
        per_second.resize(per_second.len().max(second + 1), 0);
        per_second[second] += 1;
    }
    let histogram: Vec<String> = per_second.iter().map(u32::to_string).collect();
    line("99.9 % actual = target after", &seconds(enough))?;
    // Whoever had lost its level would have been waited for in vain.
    line("all of them after", &seconds(all))?;
    line("back in each second", &histogram.join(" "))
}
