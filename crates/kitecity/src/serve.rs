//! `kitecity serve ROLE`: one role, on a broker that runs already.

use std::pin::pin;
use std::sync::Arc;

use anyhow::Result;
use services::clock::ClockRole;
use services::console::Console;
use services::journal::JOURNALLED;
use services::time::wall_now;
use services::{Link, fleet, host, iotda};
use tokio::sync::watch;
use tokio::time::timeout;
use wire::iotda::Bridge;
use wire::{ClockState, Role, RoleName};

use crate::Settings;
use crate::interrupt::{self, apart};
use crate::up::{City, DRAIN_WITHIN, UsageError, start_number};

/// Runs `role` until Ctrl-C.
pub(crate) fn run(role: RoleName, settings: &Settings) -> Result<()> {
    interrupt::run(async |mut interrupt| {
        let planned = settings.clone();
        let Some(city) = interrupt.unless(apart(move || City::found(&planned))).await? else { return Ok(()) };
        let link = settings.link(city.config.city.run);
        let (stop, stopped) = watch::channel(false);
        eprintln!("{role} joins `{}` at mqtt://{}:{}", link.run, link.address.host, link.address.port);
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
    console: Option<(Console, Option<Arc<services::broker::Counters>>)>,
    stopped: watch::Receiver<bool>,
) -> Result<()> {
    let store = city.kept.clone().filter(|_| JOURNALLED.contains(&role));
    // With a journal, a role is what it was at the city's first start.
    let first = store.as_ref().map(|kept| city.cast.at_start(kept.start));
    let cast = first.as_ref().unwrap_or(&city.cast);
    let boxed: Box<dyn Role> = match role {
        RoleName::Clock => {
            let speed = city.config.city.speed;
            let state = ClockState { city: city.start, wall: wall_now(), speed, paused: false };
            Box::new(ClockRole::new(state))
        }
        RoleName::Lighting => Box::new(cast.cms()?),
        RoleName::Issuer => Box::new(cast.issuer()),
        RoleName::Verifier => Box::new(cast.verifier()),
        RoleName::Payer => Box::new(cast.payer()?),
        RoleName::Clinic => Box::new(cast.clinic()),
        RoleName::Residents => Box::new(cast.residents_role()),
        RoleName::Fleet => {
            let left_out = city.devices.lamps().collect();
            return Ok(fleet::run(link, (*city.cast).clone(), left_out, stopped).await?);
        }
        RoleName::Iotda if city.devices.is_empty() => {
            return Err(UsageError("no `[[iotda.device]]` in the settings".to_owned()).into());
        }
        RoleName::Iotda => {
            let directory = city.cast.directory();
            let bridge = Bridge::new((*city.devices).clone(), directory, start_number() as u32);
            iotda::run(link, bridge, directory, stopped).await;
            return Ok(());
        }
        RoleName::Console => {
            let (console, counters) = match console {
                Some(console) => console,
                None => {
                    let console = Console::bind(city.config.console.listen).await?;
                    eprintln!("console at http://{}", console.address());
                    (console, None)
                }
            };
            console.run(link, city.cast.clone(), counters, stopped).await;
            return Ok(());
        }
        RoleName::Scenario => return Err(UsageError("a scenario is not served".to_owned()).into()),
    };
    Ok(host::run(link, boxed, store.map(|kept| kept.store), stopped).await?)
}
