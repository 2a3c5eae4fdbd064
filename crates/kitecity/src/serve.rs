//! `kitecity serve ROLE`: one role, on a broker that runs already.

use std::sync::Arc;

use anyhow::{Context, Result};
use services::bus::BusAddress;
use services::clock::ClockRole;
use services::console::Console;
use services::time::wall_now;
use services::{Link, fleet, host};
use tokio::sync::watch;
use wire::{ClockState, Role, RoleName};

use crate::Settings;
use crate::up::{self, City, UsageError};

/// Runs `role` until Ctrl-C.
pub(crate) fn run(role: RoleName, settings: &Settings) -> Result<()> {
    let city = City::plan(settings)?;
    let address = settings.broker.clone().unwrap_or(BusAddress { host: "127.0.0.1".to_owned(), port: 1883 });
    let secret = settings.secret.as_deref().map(services::access::Secret::from_words);
    let link = Link { address, run: city.config.city.run, secret, ready: None };
    up::runtime()?.block_on(async {
        let (stop, stopped) = watch::channel(false);
        eprintln!("{role} joins `{}` at mqtt://{}:{}", link.run, link.address.host, link.address.port);
        let role = start(role, &city, link, None, stopped);
        tokio::select! {
            outcome = role => return outcome,
            signal = tokio::signal::ctrl_c() => signal.context("cannot wait for Ctrl-C")?,
        }
        let _ = stop.send(true);
        Ok(())
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
    let cast = &city.cast;
    let boxed: Box<dyn Role> = match role {
        RoleName::Clock => {
            let speed = city.config.city.speed;
            let state = ClockState { city: city.start(), wall: wall_now(), speed, paused: false };
            Box::new(ClockRole::new(state))
        }
        RoleName::Lighting => Box::new(cast.cms()?),
        RoleName::Issuer => Box::new(cast.issuer()),
        RoleName::Verifier => Box::new(cast.verifier()),
        RoleName::Payer => Box::new(cast.payer()?),
        RoleName::Clinic => Box::new(cast.clinic()),
        RoleName::Residents => Box::new(cast.residents_role()),
        RoleName::Fleet => return Ok(fleet::run(link, (**cast).clone(), stopped).await?),
        RoleName::Console => {
            let (console, counters) = match console {
                Some(console) => console,
                None => {
                    let console = Console::bind(city.config.console.listen).await?;
                    eprintln!("console at http://{}", console.address());
                    (console, None)
                }
            };
            console.run(link, cast.clone(), counters, stopped).await;
            return Ok(());
        }
        RoleName::Scenario => return Err(UsageError("a scenario is not served".to_owned()).into()),
    };
    host::run(link, boxed, stopped).await;
    Ok(())
}
