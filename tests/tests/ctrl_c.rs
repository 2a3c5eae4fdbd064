//! Ctrl-C at any moment: the process ends by itself, says so in a line, and leaves nothing behind.
#![cfg(target_os = "linux")]

use std::net::{TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};

use city_tests::{Process, SIGINT, free_port, kitecity, wait_for};

/// A city on its way up.
struct Starting {
    process: Process,
    mqtt: u16,
    http: u16,
}

impl Starting {
    fn of(luminaires: u32) -> Self {
        let (mqtt, http) = (free_port(), free_port());
        let mut command = kitecity();
        command.args(["--luminaires", &luminaires.to_string()]);
        command.args(["--mqtt-listen", &format!("127.0.0.1:{mqtt}")]);
        command.args(["--http-listen", &format!("127.0.0.1:{http}")]);
        let process = Process::spawn(command.stdout(Stdio::null()).stderr(Stdio::piped()));
        Self { process, mqtt, http }
    }

    /// How it ended, and what it said.
    fn interrupt(mut self) -> (ExitStatus, String) {
        let status = self.process.interrupt();
        for port in [self.mqtt, self.http] {
            TcpListener::bind(("127.0.0.1", port)).unwrap_or_else(|error| panic!("port {port}: {error}"));
        }
        (status, self.process.errors())
    }

    fn stops_cleanly(self) {
        let (status, words) = self.interrupt();
        assert_eq!(status.code(), Some(0), "{status}: {words}");
        let last = words.lines().last().unwrap_or_default();
        assert!(last.starts_with("stopped before") || last.starts_with("the city ran for"), "{words}");
        assert!(words.lines().count() <= 2 && !words.contains("panicked"), "{words}");
    }
}

fn answers(port: u16) -> Option<TcpStream> {
    TcpStream::connect(("127.0.0.1", port)).ok()
}

/// Whether a Ctrl-C before the program listens would be nothing: shells have their background jobs ignore it, and what
/// those start does so too.
fn is_background_job() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or_default();
    u64::from_str_radix(ignored.trim(), 16).is_ok_and(|ignored| ignored & 1 << (SIGINT - 1) != 0)
}

#[test]
fn ctrl_c_at_once_ends_it() {
    if is_background_job() {
        eprintln!("SKIPPED: this is a shell's background job, which ignores Ctrl-C");
        return;
    }
    let (status, words) = Starting::of(2_000).interrupt();
    // Before its first instruction it is any program: the system ends it.
    assert!(status.success() || status.signal() == Some(SIGINT), "{status}: {words}");
}

#[test]
fn ctrl_c_while_the_city_is_planned_ends_it_cleanly() {
    let city = Starting::of(100_000);
    wait_for("the city to listen for Ctrl-C", || city.process.listens_for_ctrl_c().then_some(()));
    assert!(answers(city.mqtt).is_none(), "the city was planned too fast for this test");
    city.stops_cleanly();
}

#[test]
fn ctrl_c_while_the_roles_come_up_ends_it_cleanly() {
    for port in [|city: &Starting| city.mqtt, |city: &Starting| city.http] {
        let city = Starting::of(2_000);
        wait_for("the port", || answers(port(&city)));
        city.stops_cleanly();
    }
}

#[test]
fn ctrl_c_ends_a_role_without_its_broker() {
    let mut command = kitecity();
    let nowhere = format!("mqtt://127.0.0.1:{}", free_port());
    command.args(["serve", "issuer", "--broker", &nowhere]).stderr(Stdio::piped());
    let mut role = Process::spawn(&mut command);
    wait_for("the role to listen for Ctrl-C", || role.listens_for_ctrl_c().then_some(()));
    assert!(role.interrupt().success(), "{}", role.errors());
}

#[test]
fn a_service_manager_ends_it_cleanly_too() {
    let mut city = Starting::of(20);
    wait_for("the port", || answers(city.http));
    let status = city.process.terminate();
    assert_eq!(status.code(), Some(0), "{status}: {}", city.process.errors());
}
