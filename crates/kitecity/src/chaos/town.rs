//! The city that is tormented: a process for the broker, and one for each role.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use services::bus::BusAddress;
use services::journal::JOURNALLED;
use wire::RoleName;

use super::blows::Part;
use crate::Settings;
use crate::process::{Process, Signal, this_program};

/// Where the parts of the city meet.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// Where the broker listens.
    pub(crate) broker: BusAddress,
    /// Where all others find it: there, or at a bad network before it.
    pub(crate) bus: BusAddress,
    /// What they write about themselves.
    pub(crate) logs: PathBuf,
}

/// How often each part began or ceased to live. What was there before may be gone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lives(Arc<[AtomicU32; Part::ALL.len()]>);

impl Lives {
    fn turn(&self, part: Part) {
        self.of(part).fetch_add(1, Ordering::SeqCst);
    }

    /// The same number = the same life.
    pub(crate) fn number(&self, part: Part) -> u32 {
        self.of(part).load(Ordering::SeqCst)
    }

    fn of(&self, part: Part) -> &AtomicU32 {
        let place = Part::ALL.iter().position(|other| *other == part).unwrap_or_default();
        &self.0[place]
    }
}

/// The processes.
#[derive(Debug)]
pub(crate) struct Town {
    settings: Settings,
    places: Places,
    lives: Lives,
    running: BTreeMap<Part, Process>,
    /// Parts that ended though nobody struck them, each time.
    pub(crate) fallen: Vec<Part>,
}

impl Town {
    /// None of them runs yet. `settings` – with numbers, secret and data folder, which all share.
    pub(crate) fn new(settings: Settings, places: Places) -> Self {
        let (lives, running, fallen) = (Lives::default(), BTreeMap::new(), Vec::new());
        Self { settings, places, lives, running, fallen }
    }

    /// How often each part began or ceased to live.
    pub(crate) fn lives(&self) -> Lives {
        self.lives.clone()
    }

    /// Starts everything.
    pub(crate) fn start_all(&mut self) -> Result<()> {
        Part::ALL.into_iter().try_for_each(|part| self.start(part))
    }

    /// Starts a part anew, unless it lives; one that was asked to end and takes its time is killed first.
    pub(crate) fn restart(&mut self, part: Part) -> Result<()> {
        self.kill(part);
        self.start(part)
    }

    /// Starts a part, unless it lives.
    pub(crate) fn start(&mut self, part: Part) -> Result<()> {
        if self.running.contains_key(&part) {
            return Ok(());
        }
        self.lives.turn(part);
        let process = Process::spawn(&mut self.command(part)?)?;
        self.running.insert(part, process);
        Ok(())
    }

    /// Ends a part at once; tells whether it lived.
    pub(crate) fn kill(&mut self, part: Part) -> bool {
        let Some(mut process) = self.running.remove(&part) else { return false };
        process.kill();
        self.lives.turn(part);
        true
    }

    /// Tells a part something, if it lives.
    pub(crate) fn signal(&mut self, part: Part, signal: Signal) -> bool {
        self.running.get_mut(&part).map(|process| process.signal(signal)).is_some()
    }

    /// Starts again what has ended by itself, as a service manager does. Parts that were asked to end, `expected`, are
    /// not looked at.
    pub(crate) fn revive(&mut self, expected: impl Fn(Part) -> bool) -> Result<()> {
        for part in Part::ALL.into_iter().filter(|part| !expected(*part)) {
            if self.running.get_mut(&part).is_some_and(Process::has_ended) {
                self.fallen.push(part);
                self.restart(part)?;
            }
        }
        Ok(())
    }

    /// Asks all to end, and tells which have not yet.
    pub(crate) fn end(&mut self) -> Vec<Part> {
        for process in self.running.values_mut() {
            process.signal(Signal::Terminate);
        }
        self.running.retain(|_, process| !process.has_ended());
        self.running.keys().copied().collect()
    }

    fn command(&self, part: Part) -> Result<Command> {
        let mut command = this_program()?;
        let Settings { config, secret, seed, luminaires, speed, data, run, .. } = &self.settings;
        let mut flag = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                command.arg(name).arg(value);
            }
        };
        let path = |path: &Path| path.display().to_string();
        flag("--config", config.as_deref().map(path));
        flag("--secret", secret.clone());
        flag("--run", run.map(|run| run.to_string()));
        flag("--seed", seed.map(|seed| seed.to_string()));
        flag("--luminaires", luminaires.map(|number| number.to_string()));
        flag("--speed", speed.map(|speed| speed.to_string()));
        let Places { broker, bus, logs } = &self.places;
        match part {
            Part::Broker => {
                let listen = format!("{}:{}", broker.host, broker.port);
                command.args(["up", "--mqtt-listen", &listen, "--http-listen", "127.0.0.1:0"]);
                let roles = RoleName::ALL.into_iter().filter(|role| *role != RoleName::Scenario);
                command.args(roles.flat_map(|role| ["--without", role.as_str()]));
            }
            Part::Role(role) => {
                flag("--data", data.as_deref().map(path).filter(|_| JOURNALLED.contains(&role)));
                command.args(["serve", role.as_str()]);
                command.args(["--broker", &format!("mqtt://{}:{}", bus.host, bus.port)]);
            }
        }
        let file = logs.join(format!("{part}.log"));
        let log = OpenOptions::new().create(true).append(true).open(&file);
        command.stderr(log.with_context(|| format!("cannot write {}", file.display()))?);
        Ok(command)
    }
}
