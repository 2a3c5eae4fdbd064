//! Blows, and how they are mended.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result};
use services::proxy::Weather;
use tokio::time::{Instant, sleep_until};
use types::Seed;

use super::blows::{Blow, Blows, Deed, Part};
use super::{Chaos, LOOK_EVERY};
use crate::process::Signal;

impl Chaos {
    /// Strikes blow after blow, and mends what was struck, until the time is over; then mends the rest.
    pub(super) async fn strike(&mut self) -> Result<()> {
        let began = Instant::now();
        let most = Duration::from_secs_f64(self.args.minutes * 60.0);
        let every = Duration::from_secs_f64(self.args.every);
        let mut blows = Blows::new(Seed(self.report.seed), every, self.proxy.is_some()).peekable();
        let mut wounds: BTreeMap<(Duration, u64), Deed> = BTreeMap::new();
        let mut number = 0;
        loop {
            let is_over = self.args.kills.is_some_and(|kills| self.kills() >= kills);
            let blow = blows.peek().copied().filter(|blow| !is_over && blow.at < most);
            let mend = wounds.first_key_value().map(|((at, _), _)| *at);
            let Some(next) = blow.map(|blow| blow.at).into_iter().chain(mend).min() else { break };
            self.wait_until(began + next, &wounds).await?;
            if mend == Some(next) {
                let (_, deed) = wounds.pop_first().context("there is one")?;
                self.mend(deed)?;
            } else if let Some(Blow { at, deed, mended_after }) = blows.next() {
                self.inflict(deed);
                number += 1;
                wounds.insert((at + mended_after, number), deed);
            }
        }
        self.report.seconds = began.elapsed().as_secs_f64();
        Ok(())
    }

    /// Waits, and starts again what ends by itself meanwhile.
    async fn wait_until(&mut self, at: Instant, wounds: &BTreeMap<(Duration, u64), Deed>) -> Result<()> {
        let asked: BTreeSet<Part> = wounds
            .values()
            .filter_map(|deed| match deed {
                Deed::Kill(part) | Deed::Terminate(part) => Some(*part),
                Deed::Stop(_) | Deed::Storm(_) => None,
            })
            .collect();
        loop {
            self.town.revive(|part| asked.contains(&part))?;
            if Instant::now() >= at {
                return Ok(());
            }
            sleep_until(at.min(Instant::now() + LOOK_EVERY)).await;
        }
    }

    fn kills(&self) -> u64 {
        self.report.blows.get("kills").copied().unwrap_or(0)
    }

    fn inflict(&mut self, deed: Deed) {
        let (kind, done) = match deed {
            Deed::Kill(part) => ("kills", self.town.kill(part)),
            Deed::Stop(part) => ("stops", self.town.signal(part, Signal::Stop)),
            Deed::Terminate(part) => ("restarts", self.town.signal(part, Signal::Terminate)),
            Deed::Storm(weather) => {
                self.set_weather(weather);
                ("storms", true)
            }
        };
        // What is down already cannot be struck.
        *self.report.blows.entry(kind).or_default() += u64::from(done);
    }

    fn mend(&mut self, deed: Deed) -> Result<()> {
        match deed {
            Deed::Kill(part) => self.town.start(part)?,
            Deed::Terminate(part) => self.town.restart(part)?,
            Deed::Stop(part) => {
                self.town.signal(part, Signal::Continue);
            }
            Deed::Storm(_) => self.set_weather(Weather::Fair),
        }
        Ok(())
    }

    fn set_weather(&self, weather: Weather) {
        if let Some(proxy) = &self.proxy {
            proxy.set(weather);
        }
    }
}
