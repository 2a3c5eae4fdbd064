//! A real browser, driven from tests.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use crate::{PATIENCE, Process, free_port, needs, wait_for};

/// How every browser is started.
const ARGUMENTS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--lang=en",
    "--hide-scrollbars",
    "--window-size=1440,1043",
];

/// `chromedriver`, running.
#[derive(Debug)]
pub struct Driver {
    port: u16,
    _process: Process,
}

impl Driver {
    /// Starts it; `None` where browser or driver are missing, see [`needs`].
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start() -> Option<Self> {
        let (driver, _) = (needs("chromedriver")?, needs("chromium")?);
        let port = free_port();
        let mut command = Command::new(driver);
        command.arg(format!("--port={port}")).stdout(Stdio::null()).stderr(Stdio::null());
        let process = Process::spawn(&mut command);
        wait_for("chromedriver", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
        Some(Self { port, _process: process })
    }

    /// A browser of its own, with these arguments and preferences beside the usual ones.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn browser(&self, arguments: &[String], preferences: Value) -> Client {
        let all: Vec<&str> = ARGUMENTS.into_iter().chain(arguments.iter().map(String::as_str)).collect();
        let options = json!({
            "goog:chromeOptions": { "args": all, "prefs": preferences },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(options.as_object().cloned().expect("an object"));
        builder.connect(&format!("http://127.0.0.1:{}", self.port)).await.expect("a browser session")
    }

    /// Lets the page use the camera, as a person does beside its address.
    ///
    /// # Panics
    ///
    /// If the driver does not.
    pub async fn allow_camera(&self, page: &Client) {
        let session = page.session_id().await.expect("a session").expect("an open one");
        let url = format!("http://127.0.0.1:{}/session/{session}/permissions", self.port);
        let permission = json!({ "descriptor": { "name": "camera" }, "state": "granted" });
        ureq::post(url).send_json(permission).expect("a permission");
    }

    /// What the pages of a browser threw, or were forbidden, since this was last asked. A refusal by the city, which
    /// the browser logs as a failed load, is no trouble.
    ///
    /// # Panics
    ///
    /// If the driver does not tell.
    pub async fn trouble(&self, page: &Client) -> Vec<String> {
        let session = page.session_id().await.expect("a session").expect("an open one");
        // Chromedriver's own command, which the standard does not have.
        let url = format!("http://127.0.0.1:{}/session/{session}/se/log", self.port);
        let mut told = ureq::post(url).send_json(json!({ "type": "browser" })).expect("a log");
        let log: Value = told.body_mut().read_json().expect("JSON");
        let entries = log["value"].as_array().cloned().unwrap_or_default();
        let severe =
            entries.iter().filter(|entry| entry["level"] == "SEVERE" && entry["source"] != "network");
        severe.map(|entry| entry["message"].to_string()).collect()
    }
}

/// The text of the code on the phone's screen; empty while there is none.
pub const CODE: &str = "return document.querySelector('#code-text').value";

/// Opens the phone page of a resident at `place`, and waits for a code.
///
/// # Panics
///
/// If there is none within [`PATIENCE`].
pub async fn open_phone(page: &Client, place: &str, resident: &str) -> String {
    page.goto(&format!("{place}/phone?resident={resident}")).await.expect("the phone");
    next_code(page, "").await
}

/// Waits for a code other than `before`.
///
/// # Panics
///
/// If there is none within [`PATIENCE`].
pub async fn next_code(page: &Client, before: &str) -> String {
    let is_next = |code: &Value| code.as_str().is_some_and(|code| code.len() > 100 && code != before);
    until(page, CODE, is_next).await.as_str().expect("text").to_owned()
}

/// Clicks what may lie under the bar at the lower edge, as a person who scrolls to it.
///
/// # Panics
///
/// If it is not there within [`PATIENCE`], or cannot be clicked.
pub async fn press(page: &Client, selector: &str) {
    let script = format!("document.querySelector({}).scrollIntoView({{ block: 'center' }})", json!(selector));
    page.execute(&script, Vec::new()).await.expect("an element");
    click(page, selector).await;
}

/// Asks the page until `wanted` likes the answer.
///
/// # Panics
///
/// If it does not within [`PATIENCE`].
pub async fn until(page: &Client, script: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let value = page.execute(script, Vec::new()).await.expect("the script runs");
        if wanted(&value) {
            return value;
        }
        assert!(Instant::now() < deadline, "waited in vain for `{script}`, last {value}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until the text of an element has `wanted` in it; all of the text.
///
/// # Panics
///
/// If it does not come about within [`PATIENCE`].
pub async fn until_text(page: &Client, selector: &str, wanted: &str) -> String {
    let script = format!("return document.querySelector({})?.textContent ?? ''", json!(selector));
    let text = until(page, &script, |text| text.as_str().is_some_and(|text| text.contains(wanted))).await;
    text.as_str().expect("text").to_owned()
}

/// Clicks an element when it is there and enabled.
///
/// # Panics
///
/// If it is not within [`PATIENCE`], or cannot be clicked.
pub async fn click(page: &Client, selector: &str) {
    let script = format!("return document.querySelector({})?.disabled === false", json!(selector));
    let deadline = Instant::now() + PATIENCE;
    loop {
        until(page, &script, |there| there == true).await;
        let element = page.find(Locator::Css(selector)).await.expect("an element");
        match element.click().await {
            // The page drew it anew between the look and the click.
            Err(error) if error.is_stale_element_reference() && Instant::now() < deadline => {}
            clicked => return clicked.expect("a click"),
        }
    }
}

/// Sets the value of a field, as a person who types or chooses.
///
/// # Panics
///
/// If there is no such field.
pub async fn fill(page: &Client, selector: &str, value: &str) {
    let script = format!(
        "const field = document.querySelector({}); field.value = {}; \
         for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind, {{ bubbles: true }}))",
        json!(selector),
        json!(value)
    );
    page.execute(&script, Vec::new()).await.expect("a field");
}

/// How large a window is, its own frame of 143 pixels above the page included, for a picture of a desk \[pixels\].
pub const DESK: (u32, u32) = (1440, 1043);
/// The same for a phone.
pub const PHONE: (u32, u32) = (520, 1043);

/// Takes the picture `docs/pictures/{name}.png` for the README, if `KITECITY_PICTURES` is set; the window keeps that size.
/// `pngquant --force --ext .png docs/pictures/*.png` makes the files small.
///
/// # Panics
///
/// If it cannot be taken or written.
pub async fn picture(page: &Client, name: &str, (width, height): (u32, u32)) {
    if std::env::var_os("KITECITY_PICTURES").is_some() {
        page.set_window_size(width, height).await.expect("a window");
        page.execute("scrollTo(0, 0)", Vec::new()).await.expect("the script runs");
        // Two frames: one in the new size, and one with what the page draws for it.
        let drawn = "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 500)))";
        page.execute_async(drawn, Vec::new()).await.expect("frames");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/pictures");
        let picture = page.screenshot().await.expect("a picture");
        std::fs::write(folder.join(format!("{name}.png")), picture).expect("a file");
    }
}
