//! Being told to stop, listened to from the first moment.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::runtime::{Builder, Runtime};
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC as Signal, ctrl_c};

/// How long what is given up may take to notice.
const GIVE_UP_WITHIN: Duration = Duration::from_millis(100);

/// Hears of Ctrl-C and, on Unix, of SIGTERM, which service managers and containers send. One that came before anyone
/// waited for it is not lost.
#[derive(Debug)]
pub(crate) struct Interrupt {
    ctrl_c: Signal,
    #[cfg(unix)]
    terminate: Signal,
}

impl Interrupt {
    /// Listens from now on: what the signals would do to the process, they do no more.
    #[cfg(unix)]
    fn listen() -> std::io::Result<Self> {
        Ok(Self { ctrl_c: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Listens from now on: what Ctrl-C would do to the process, it does no more.
    #[cfg(windows)]
    fn listen() -> std::io::Result<Self> {
        Ok(Self { ctrl_c: ctrl_c()? })
    }

    /// Waits for either.
    #[cfg(unix)]
    pub(crate) async fn came(&mut self) {
        // `None` = no more can come: then nobody waits for one in vain.
        tokio::select! {
            _ = self.ctrl_c.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Waits for Ctrl-C.
    #[cfg(windows)]
    pub(crate) async fn came(&mut self) {
        let _ = self.ctrl_c.recv().await;
    }

    /// The outcome of `work`; `None` if Ctrl-C comes first. Then its end is not waited for.
    pub(crate) async fn unless<T>(&mut self, work: impl Future<Output = Result<T>>) -> Result<Option<T>> {
        tokio::select! {
            done = work => done.map(Some),
            () = self.came() => Ok(None),
        }
    }
}

/// Does what blocks on a thread of its own.
pub(crate) async fn apart<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.context("the start broke")?
}

/// Runs `work`, which hears of each Ctrl-C from before its first step.
pub(crate) fn run<T>(work: impl AsyncFnOnce(Interrupt) -> Result<T>) -> Result<T> {
    let interrupt = listen_alone()?;
    let runtime = runtime()?;
    let outcome = runtime.block_on(work(interrupt));
    runtime.shutdown_timeout(GIVE_UP_WITHIN);
    outcome
}

/// Listens while no other thread hands signals on, and while none comes: one between the handler and its first listener
/// would be lost.
fn listen_alone() -> Result<Interrupt> {
    let alone = Builder::new_current_thread().enable_all().build().context("cannot listen for signals")?;
    let held = Held::hold();
    let interrupt = alone.block_on(async { Interrupt::listen() }).context("cannot listen for signals");
    drop(held);
    interrupt
}

/// As long as it is there, signals to stop wait before this thread.
#[cfg(unix)]
struct Held(nix::sys::signal::SigSet);

#[cfg(unix)]
impl Held {
    fn hold() -> Self {
        use nix::sys::signal::{SigSet, Signal};
        let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM].into_iter().collect();
        // A system that refuses that only has the gap that all programs have.
        let _ = signals.thread_block();
        Self(signals)
    }
}

#[cfg(unix)]
impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.0.thread_unblock();
    }
}

#[cfg(not(unix))]
struct Held;

#[cfg(not(unix))]
impl Held {
    fn hold() -> Self {
        Self
    }
}

fn runtime() -> Result<Runtime> {
    Builder::new_multi_thread().enable_all().build().context("cannot start threads")
}
