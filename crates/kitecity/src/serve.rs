//! `kitecity serve ROLE`: one role, on a broker that runs already.

use std::collections::BTreeSet;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;

use anyhow::Result;
use services::clock::ClockRole;
use services::console::Console;
use services::fleet::World;
use services::journal::JOURNALLED;
use services::time::wall_now;
use services::{Link, bridge, fleet, host};
use tokio::sync::watch;
use tokio::time::timeout;
use wire::dialect::streetlights::StreetlightsBridge;
use wire::dialect::{Bridge, Dialect};
use wire::iotda::IotdaBridge;
use wire::{ClockState, Role, RoleName};

use crate::interrupt::{self, apart};
use crate::run::Stage;
use crate::secured::Shown;
use crate::up::greeting::{Lan, tell_pins};
use crate::up::{City, DRAIN_WITHIN, UsageError, start_number};
use crate::{Settings, descriptors};

/// Runs `role` until Ctrl-C.
pub(crate) fn run(role: RoleName, settings: &Settings) -> Result<()> {
    interrupt::run(async |mut interrupt| {
        let planned = settings.clone();
        let Some(city) = interrupt.unless(apart(move || City::join(&planned))).await? else { return Ok(()) };
        if role == RoleName::Fleet {
            descriptors::raise(descriptors::wanted(city.cast.plan().luminaires().len(), 1), "");
        }
        let link = settings.link(city.config.city.run);
        let (stop, stopped) = watch::channel(false);
        if let Some(outward) = &city.outward {
            let (platform, devices) = (&outward.platform, outward.devices.devices().len());
            eprintln!("{devices} luminaires join the platform at {platform}");
            let running = fleet::run(
                World::Alone(clock_of(&city)),
                (*city.cast).clone(),
                BTreeSet::new(),
                city.outward.clone(),
                stopped,
            );
            let mut running = pin!(running);
            tokio::select! {
                outcome = &mut running => return Ok(outcome?),
                () = interrupt.came() => {}
            }
            let _ = stop.send(true);
            return Ok(timeout(DRAIN_WITHIN, running).await.unwrap_or(Ok(()))?);
        }
        eprintln!("{role} joins `{}` at {}", link.run, link.address);
        let mut role = pin!(start(role, &city, link, None, stopped));
        tokio::select! {
            outcome = &mut role => return outcome,
            () = interrupt.came() => {}
        }
        let _ = stop.send(true);
        timeout(DRAIN_WITHIN, role).await.unwrap_or(Ok(()))
    })
}

/// Runs one role until `stopped`.
pub(crate) async fn start(
    role: RoleName,
    city: &City,
    link: Link,
    console: Option<(Console, Option<services::broker::Inside>)>,
    stopped: watch::Receiver<bool>,
) -> Result<()> {
    let store = city.kept.clone().filter(|_| JOURNALLED.contains(&role));
    // With a journal, a role is what it was at the city's first start.
    let first = store.as_ref().map(|kept| city.cast.at_start(kept.start));
    let cast = first.as_ref().unwrap_or(&city.cast);
    let boxed: Box<dyn Role> = match role {
        RoleName::Clock if city.joined => Box::new(ClockRole::joining(clock_of(city))),
        RoleName::Clock => Box::new(ClockRole::new(clock_of(city))),
        RoleName::Lighting => Box::new(cast.cms()?),
        RoleName::Issuer => Box::new(cast.issuer()),
        RoleName::Verifier => Box::new(cast.verifier()),
        RoleName::Payer => Box::new(cast.payer()?),
        RoleName::Clinic => Box::new(cast.clinic()),
        RoleName::Residents => Box::new(cast.residents_role()),
        RoleName::Fleet => {
            let (cast, left_out) = ((*city.cast).clone(), city.devices.lamps().collect());
            return Ok(fleet::run(World::Bus(link), cast, left_out, city.outward.clone(), stopped).await?);
        }
        RoleName::Iotda | RoleName::Streetlights | RoleName::HomeAssistant => {
            let folder = city.config.storage.folder().filter(|_| city.kept.is_some());
            let memory = folder.map(|folder| folder.join("shadows.json")).filter(|_| role == RoleName::Iotda);
            let running = bridge::run(link, bridge_of(role, city)?, city.cast.directory(), memory, stopped);
            return Ok(running.await?);
        }
        RoleName::Console => {
            match console {
                Some((console, broker)) => {
                    let console = console.with_runner(stage_of(city));
                    console.run(link, city.cast.clone(), broker, stopped).await;
                }
                None => console_alone(link, city, stopped).await?,
            }
            return Ok(());
        }
        RoleName::Scenario => return Err(UsageError("a scenario is not served".to_owned()).into()),
    };
    let running = host::run(link, boxed, store.map(|kept| kept.store), stopped).await;
    let folder = city.config.storage.folder().unwrap_or(Path::new(""));
    Ok(running.map_err(|error| error.of_folder(folder))?)
}

/// Where its console plays scenarios.
fn stage_of(city: &City) -> Arc<Stage> {
    Arc::new(Stage::new(city.config.clone()))
}

/// The console in a process of its own.
async fn console_alone(link: Link, city: &City, stopped: watch::Receiver<bool>) -> Result<()> {
    let settings = &city.config.console;
    let shown = Shown::of(city)?;
    let console = Console::bind(settings.listen, settings.lan, shown.as_ref().map(Shown::tls))?;
    eprintln!("console at {}", console.url());
    if let Some(shown) = &shown {
        eprintln!("{shown}");
    }
    let lan = Lan::of(&console);
    let console = console.with_runner(stage_of(city));
    tokio::select! {
        () = console.run(link, city.cast.clone(), None, stopped) => {}
        () = tell_pins(lan) => {}
    }
    Ok(())
}

/// How the city's clock runs from now on.
fn clock_of(city: &City) -> ClockState {
    ClockState::running(city.start, wall_now(), city.config.city.speed)
}

/// The bridge that this role is.
fn bridge_of(role: RoleName, city: &City) -> Result<Box<dyn Bridge>> {
    let speaking = |dialect| city.devices.speaking(dialect).next().is_some();
    let missing = |what: &str| Err(UsageError(format!("nothing for this role: {what}")).into());
    let epoch = start_number() as u32;
    match role {
        RoleName::Streetlights if !speaking(Dialect::Streetlights) => {
            missing("no `[[device]]` with `dialect = \"streetlights\"` in the settings")
        }
        RoleName::Streetlights => {
            Ok(Box::new(StreetlightsBridge::new(&city.devices, city.cast.sites(), epoch)))
        }
        RoleName::HomeAssistant if city.shown.is_empty() => {
            missing("`homeassistant.lights` is 0, give `--home-assistant 20`")
        }
        RoleName::HomeAssistant => Ok(Box::new(city.cast.home_assistant(city.config.city.run, &city.shown))),
        _ if !speaking(Dialect::Iotda) => {
            missing("no `[[device]]` with `dialect = \"iotda\"` in the settings")
        }
        _ => Ok(Box::new(IotdaBridge::new((*city.devices).clone(), city.cast.sites(), epoch))),
    }
}
