//! What the end-to-end tests stand on: a city in a process of its own, an outside broker, a plain MQTT client.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rumqttc::{Client, Connection, Event, Incoming, LastWill, MqttOptions, QoS};
use serde_json::Value;

pub mod browser;

/// How long a state may take to come about.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The number of the signal that Ctrl-C sends.
pub const SIGINT: i32 = 2;

/// Waits until `look` finds what it looks for.
///
/// # Panics
///
/// If it does not within [`PATIENCE`].
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

/// The path of a program the full run needs; where it is missing the test says so and passes, unless
/// `KITECITY_TEST_ALL=1` demands it.
///
/// # Panics
///
/// If it is demanded and missing.
pub fn needs(program: &str) -> Option<PathBuf> {
    let places = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&places)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|place| place.join(program))
        .find(|path| path.is_file());
    if found.is_none() {
        assert!(
            std::env::var_os("KITECITY_TEST_ALL").is_none(),
            "KITECITY_TEST_ALL is set and `{program}` is missing"
        );
        // Written past the test harness, which would keep it to itself.
        let _ = writeln!(std::io::stderr(), "SKIPPED: this test needs `{program}`, which is not installed");
    }
    found
}

/// A process that is killed when the test ends.
#[derive(Debug)]
pub struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// Starts `command`.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn spawn(command: &mut Command) -> Self {
        Self(command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    /// What it has in memory, as Linux knows \[KiB\].
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        resident.trim().trim_end_matches(" kB").parse().unwrap_or_default()
    }

    /// Whether it catches SIGINT, as Linux knows: before, Ctrl-C ends it as any other program.
    pub fn listens_for_ctrl_c(&self) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or_default();
        u64::from_str_radix(caught.trim(), 16).is_ok_and(|caught| caught & 1 << (SIGINT - 1) != 0)
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }

    /// What it wrote to its error output, which must be piped, until its end.
    ///
    /// # Panics
    ///
    /// If it is not.
    pub fn errors(&mut self) -> String {
        let mut bytes = Vec::new();
        let _ = self.0.stderr.as_mut().expect("piped").read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Stops it where it is: it answers nothing, and loses nothing.
    pub fn pause(&self) {
        let _ = Command::new("kill").args(["-STOP", &self.0.id().to_string()]).status();
    }

    /// Lets it go on after [`pause`](Self::pause).
    pub fn resume(&self) {
        let _ = Command::new("kill").args(["-CONT", &self.0.id().to_string()]).status();
    }

    /// Interrupts it as Ctrl-C does, and waits for its end.
    ///
    /// # Panics
    ///
    /// If it does not end within [`PATIENCE`].
    pub fn interrupt(&mut self) -> ExitStatus {
        self.end("-INT")
    }

    /// Asks it to end as service managers and containers do, and waits for its end.
    ///
    /// # Panics
    ///
    /// If it does not end within [`PATIENCE`].
    pub fn terminate(&mut self) -> ExitStatus {
        self.end("-TERM")
    }

    fn end(&mut self, signal: &str) -> ExitStatus {
        let _ = Command::new("kill").args([signal, &self.0.id().to_string()]).status();
        wait_for("the end of the process", || self.0.try_wait().ok().flatten())
    }
}

/// The `kitecity` binary, beside this test's own.
fn binary() -> PathBuf {
    let here = std::env::current_exe().expect("a test has a path");
    let folder = here.parent().and_then(Path::parent).expect("target/{profile}/deps/…");
    let binary = folder.join("kitecity");
    assert!(binary.is_file(), "{} is missing: run `cargo test` for the whole workspace", binary.display());
    binary
}

/// A command of the binary, away from any settings file.
pub fn kitecity() -> Command {
    let mut command = Command::new(binary());
    command.current_dir(std::env::temp_dir()).env_remove("KITECITY_CONFIG").stderr(Stdio::inherit());
    command
}

/// A running city.
#[derive(Debug)]
pub struct City {
    /// Its process.
    pub process: Process,
    /// Where its pages are, such as `http://127.0.0.1:8080`.
    pub page: String,
    /// The address of its broker.
    pub mqtt_host: String,
    /// The port of its broker.
    pub mqtt_port: u16,
    /// The operator's password; empty with an outside broker.
    pub password: String,
    /// What it printed since, line by line.
    lines: mpsc::Receiver<String>,
}

impl City {
    /// `kitecity …` of someone who joins this city: exit code, and output followed by errors.
    ///
    /// # Panics
    ///
    /// If the binary does not run, or prints no UTF-8.
    pub fn ask(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = kitecity();
        command.args(arguments).args(["--broker", &self.broker()]);
        let Output { status, stdout, stderr } =
            command.stderr(Stdio::piped()).output().expect("the binary runs");
        let words = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (status.code(), format!("{}{}", words(stdout), words(stderr)))
    }

    /// Starts a city, on free ports where `arguments` name none, and waits until it says where it is.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_as(kitecity(), arguments)
    }

    /// The same by `command`, which may have an environment of its own.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start_as(mut command: Command, arguments: &[&str]) -> Self {
        for listener in ["--http-listen", "--mqtt-listen"] {
            if !arguments.contains(&listener) {
                command.args([listener, "127.0.0.1:0"]);
            }
        }
        command.args(arguments).stdout(Stdio::piped());
        let mut process = Process::spawn(&mut command);
        let lines = lines_of(process.0.stdout.take().expect("piped"));
        let next = |label: &str| next_of(&lines, label);
        let page = next("console").trim_end_matches('/').to_owned();
        let bus = next("bus");
        let user = next("");
        let mut parts = bus.split([':', ' ']).skip(1);
        let mqtt_host = parts.next().expect("mqtt://host:port").trim_start_matches('/').to_owned();
        let mqtt_port = parts.next().and_then(|port| port.parse().ok()).expect("mqtt://host:port");
        let password =
            user.split_once("password ").map(|(_, password)| password.to_owned()).unwrap_or_default();
        Self { process, page, mqtt_host, mqtt_port, password, lines }
    }

    /// What it prints next behind `label`.
    ///
    /// # Panics
    ///
    /// If it does not within [`PATIENCE`].
    pub fn printed(&self, label: &str) -> String {
        next_of(&self.lines, label)
    }

    /// Its broker, as `--broker` takes it.
    pub fn broker(&self) -> String {
        format!("mqtt://{}:{}", self.mqtt_host, self.mqtt_port)
    }

    /// `GET path`, as JSON.
    ///
    /// # Panics
    ///
    /// If the answer is no JSON.
    pub fn get(&self, path: &str) -> Value {
        let mut response = ureq::get(format!("{}{path}", self.page))
            .call()
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        response.body_mut().read_json().expect("JSON")
    }

    /// `POST path`, as JSON.
    ///
    /// # Panics
    ///
    /// If the answer is no JSON.
    pub fn post(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.page);
        let mut response = ureq::post(url).send_json(body).unwrap_or_else(|error| panic!("{path}: {error}"));
        response.body_mut().read_json().expect("JSON")
    }

    /// The data of the next server-sent event of this name.
    ///
    /// # Panics
    ///
    /// If the stream cannot be opened.
    pub fn next_event(&self, name: &str) -> Option<Value> {
        let events = ureq::get(format!("{}/api/events", self.page)).config().timeout_global(Some(PATIENCE));
        let events = events.build().call().expect("a stream of events");
        let wanted = format!("event: {name}");
        let mut lines = BufReader::new(events.into_body().into_reader()).lines().map_while(Result::ok);
        lines.find(|line| *line == wanted)?;
        serde_json::from_str(lines.next()?.strip_prefix("data: ")?).ok()
    }

    /// The level a lamp really gives, as the console knows it.
    pub fn actual(&self, lamp: &str) -> Option<u64> {
        self.get(&format!("/api/lamps/{lamp}"))["state"]["actual"].as_u64()
    }

    /// The topic of a lamp, from `kitecity/` on, with `rest` behind its id.
    ///
    /// # Panics
    ///
    /// If the lamp is unknown.
    pub fn lamp_topic(&self, lamp: &str, rest: &str) -> String {
        let district =
            self.get(&format!("/api/lamps/{lamp}"))["district"].as_str().expect("a district").to_owned();
        format!("kitecity/v1/demo/light/{district}/{lamp}/{rest}")
    }

    /// A plain MQTT 3.1.1 client with the operator's rights.
    pub fn operator(&self) -> Outsider {
        let credentials = (!self.password.is_empty()).then_some(("operator", self.password.as_str()));
        Outsider::connect(self.mqtt_port, "outside-client", credentials)
    }
}

/// The lines of an output, as they come, until its end. A terminal may echo Ctrl-C in the middle of a character: a reader
/// that stopped there would close the pipe under whoever still writes.
pub fn lines_of(output: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let line = line.strip_suffix(b"\r").unwrap_or(&line);
            let _ = sender.send(String::from_utf8_lossy(line).into_owned());
        }
    });
    lines
}

fn next_of(lines: &mpsc::Receiver<String>, label: &str) -> String {
    loop {
        let line =
            lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("the city does not print `{label}`"));
        if let Some(rest) = line.trim_start().strip_prefix(label) {
            return rest.trim().to_owned();
        }
    }
}

/// A foreign MQTT client: plain `rumqttc`, MQTT 3.1.1, nothing of ours.
#[allow(missing_debug_implementations, reason = "the connection has none")]
pub struct Outsider {
    client: Client,
    connection: Connection,
    /// Messages that came while something else was waited for.
    inbox: VecDeque<(String, Value)>,
}

impl Outsider {
    /// Connects to a broker on this machine.
    pub fn connect(port: u16, client_id: &str, credentials: Option<(&str, &str)>) -> Self {
        Self::connect_to(("127.0.0.1", port), client_id, credentials)
    }

    /// Connects to a broker on this machine, which says `will` (a topic and a payload), retained, once the client is gone.
    pub fn connect_with_will(
        port: u16,
        client_id: &str,
        credentials: (&str, &str),
        (topic, payload): (&str, &str),
    ) -> Self {
        let mut options = MqttOptions::new(client_id, "127.0.0.1", port);
        options.set_credentials(credentials.0, credentials.1);
        options.set_last_will(LastWill::new(topic, payload, QoS::AtLeastOnce, true));
        Self::with(options)
    }

    /// Connects to a broker.
    pub fn connect_to((host, port): (&str, u16), client_id: &str, credentials: Option<(&str, &str)>) -> Self {
        let mut options = MqttOptions::new(client_id, host, port);
        if let Some((username, password)) = credentials {
            options.set_credentials(username, password);
        }
        Self::with(options)
    }

    fn with(mut options: MqttOptions) -> Self {
        options.set_max_packet_size(1 << 20, 1 << 20);
        let (client, mut connection) = Client::new(options, 64);
        let mut network = connection.eventloop.network_options();
        network.set_tcp_nodelay(true);
        connection.eventloop.set_network_options(network);
        Self { client, connection, inbox: VecDeque::new() }
    }

    /// Subscribes, and waits for the grant.
    ///
    /// # Panics
    ///
    /// If the broker refuses.
    pub fn subscribe(&mut self, filter: &str) {
        assert!(self.may_subscribe(filter), "{filter} refused");
    }

    /// Subscribes, and tells whether the broker grants it.
    ///
    /// # Panics
    ///
    /// If the broker does not answer.
    pub fn may_subscribe(&mut self, filter: &str) -> bool {
        self.client.subscribe(filter, QoS::AtLeastOnce).expect("room in the queue");
        self.until("SUBACK", |packet| match packet {
            Incoming::SubAck(ack) => Some(!ack.return_codes.contains(&rumqttc::SubscribeReasonCode::Failure)),
            _ => None,
        })
    }

    /// Unsubscribes, and waits until the broker says so.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub fn unsubscribe(&mut self, filter: &str) {
        self.client.unsubscribe(filter).expect("room in the queue");
        self.until("UNSUBACK", |packet| matches!(packet, Incoming::UnsubAck(_)).then_some(()));
    }

    /// Waits until the broker has ended the connection.
    ///
    /// # Panics
    ///
    /// If it does not within [`PATIENCE`].
    pub fn end(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while let Some(left) = deadline.checked_duration_since(Instant::now()) {
            if let Ok(Err(_)) | Err(_) = self.connection.recv_timeout(left) {
                break;
            }
        }
        assert!(Instant::now() < deadline, "the connection still stands");
    }

    /// Publishes, and waits until the broker has it.
    ///
    /// # Panics
    ///
    /// If it does not take it.
    pub fn publish(&mut self, topic: &str, payload: impl Into<Vec<u8>>) {
        self.client.publish(topic, QoS::AtLeastOnce, false, payload).expect("room in the queue");
        self.until("PUBACK", |packet| matches!(packet, Incoming::PubAck(_)).then_some(()));
    }

    /// Waits for a message that `wanted` accepts: its payload.
    ///
    /// # Panics
    ///
    /// If none comes within [`PATIENCE`].
    pub fn receive(&mut self, what: &str, wanted: impl Fn(&str, &Value) -> bool) -> Value {
        self.next(what, wanted).1
    }

    /// Waits for a message that `wanted` accepts: topic and payload.
    ///
    /// # Panics
    ///
    /// If none comes within [`PATIENCE`].
    pub fn next(&mut self, what: &str, wanted: impl Fn(&str, &Value) -> bool) -> (String, Value) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < deadline, "waited in vain for {what}, among other messages");
            while let Some((topic, payload)) = self.inbox.pop_front() {
                if wanted(&topic, &payload) {
                    return (topic, payload);
                }
            }
            self.until(what, |packet| matches!(packet, Incoming::Publish(_)).then_some(()));
        }
    }

    /// Gathers messages, topic and payload, until `enough` finds in them what it looks for, in whatever order they came.
    ///
    /// # Panics
    ///
    /// If that does not happen within [`PATIENCE`].
    pub fn gather<T>(&mut self, what: &str, enough: impl Fn(&[(String, Value)]) -> Option<T>) -> T {
        let (mut messages, deadline) = (Vec::new(), Instant::now() + PATIENCE);
        loop {
            messages.extend(self.inbox.drain(..));
            if let Some(found) = enough(&messages) {
                return found;
            }
            assert!(
                Instant::now() < deadline,
                "waited in vain for {what}, among {} messages",
                messages.len()
            );
            self.until(what, |packet| matches!(packet, Incoming::Publish(_)).then_some(()));
        }
    }

    /// The error the connection ends with.
    ///
    /// # Panics
    ///
    /// If the broker lets it in.
    pub fn refusal(&mut self) -> String {
        match self.connection.recv_timeout(PATIENCE).expect("an answer") {
            Ok(event) => panic!("let in: {event:?}"),
            Err(error) => error.to_string(),
        }
    }

    /// The next message, if one comes within `wait`.
    ///
    /// # Panics
    ///
    /// If the connection breaks.
    pub fn within(&mut self, wait: Duration) -> Option<(String, Value)> {
        let deadline = Instant::now() + wait;
        loop {
            if let Some(message) = self.inbox.pop_front() {
                return Some(message);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            match self.connection.recv_timeout(left) {
                Ok(Ok(Event::Incoming(Incoming::Publish(publish)))) => {
                    let payload = serde_json::from_slice(&publish.payload).unwrap_or_default();
                    self.inbox.push_back((publish.topic.clone(), payload));
                }
                Ok(Ok(_)) => {}
                Ok(Err(error)) => panic!("waiting for any message: {error}"),
                Err(_) => return None,
            }
        }
    }

    fn until<T>(&mut self, what: &str, mut look: impl FnMut(Incoming) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        while let Some(left) = deadline.checked_duration_since(Instant::now()) {
            match self.connection.recv_timeout(left) {
                Ok(Ok(Event::Incoming(packet))) => {
                    if let Incoming::Publish(publish) = &packet {
                        let payload = serde_json::from_slice(&publish.payload).unwrap_or_default();
                        self.inbox.push_back((publish.topic.clone(), payload));
                    }
                    if let Some(found) = look(packet) {
                        return found;
                    }
                }
                Ok(Ok(Event::Outgoing(_))) => {}
                Ok(Err(error)) => panic!("{what}: {error}"),
                Err(_) => break,
            }
        }
        panic!("waited in vain for {what}");
    }
}

/// Mosquitto on a free port, without passwords.
///
/// # Panics
///
/// If it does not start.
pub fn mosquitto() -> Option<(Process, u16, tempfile::TempDir)> {
    let program = needs("mosquitto")?;
    let port = free_port();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mosquitto.conf");
    std::fs::write(
        &file,
        format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nset_tcp_nodelay true\n"
        ),
    )
    .expect("a file");
    let process = Process::spawn(Command::new(program).arg("-c").arg(&file).stderr(Stdio::null()));
    wait_for("Mosquitto", || TcpStream::connect(("127.0.0.1", port)).ok());
    Some((process, port, folder))
}

/// A port nobody listens on.
///
/// # Panics
///
/// If there is none.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}
