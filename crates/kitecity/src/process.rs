//! Processes of this and of other programs, which end with their owner.

use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result};

/// A process that is killed when nobody owns it any more.
#[derive(Debug)]
pub(crate) struct Process(Child);

/// What a process can be told, beside being killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Stand still.
    Stop,
    /// Go on.
    Continue,
    /// Please end.
    Terminate,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Process {
    /// Starts `command`.
    pub(crate) fn spawn(command: &mut Command) -> Result<Self> {
        Ok(Self(command.spawn().context("cannot start a process")?))
    }

    /// Its standard output, which must be piped, once.
    pub(crate) fn take_output(&mut self) -> Result<ChildStdout> {
        self.0.stdout.take().context("no output")
    }

    /// Takes the output back: whoever goes on talking must not find that nobody listens.
    pub(crate) fn keep_output(&mut self, output: ChildStdout) {
        self.0.stdout = Some(output);
    }

    /// Ends it at once, as `kill -9` does, and waits for that.
    pub(crate) fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }

    /// Tells it something.
    #[cfg(unix)]
    pub(crate) fn signal(&mut self, signal: Signal) {
        use nix::sys::signal::{Signal as Unix, kill};
        use nix::unistd::Pid;
        let signal = match signal {
            Signal::Stop => Unix::SIGSTOP,
            Signal::Continue => Unix::SIGCONT,
            Signal::Terminate => Unix::SIGTERM,
        };
        let Ok(id) = i32::try_from(self.0.id()) else { return };
        // One that has ended meanwhile hears nothing.
        let _ = kill(Pid::from_raw(id), signal);
    }

    /// Tells it something. Without signals, one that should end is killed, and none stands still.
    #[cfg(not(unix))]
    pub(crate) fn signal(&mut self, signal: Signal) {
        if signal == Signal::Terminate {
            let _ = self.0.kill();
        }
    }

    /// How much memory it has \[KB\]; 0 where the system does not tell.
    pub(crate) fn resident_kb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
    }

    /// How many descriptors it has open; 0 where the system does not tell.
    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.0.id())).map_or(0, Iterator::count)
    }
}

/// This program, to be started once more, without input and output.
pub(crate) fn this_program() -> Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("cannot find this program")?);
    quiet(&mut command);
    Ok(command)
}

/// Without input and output.
pub(crate) fn quiet(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}
