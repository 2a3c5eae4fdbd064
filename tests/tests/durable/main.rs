//! A payer that is killed again and again: what it said it has done, it has done, and once.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use city_tests::{City, Outsider, Process, kitecity};
use serde_json::{Value, json};

/// The settings of the city, which the payer shares.
const SETTINGS: [&str; 4] = ["--luminaires", "120", "--secret", "kite"];
/// How often the payer is killed; with `KITECITY_TEST_ALL`, see [`kills`].
const KILLS: u64 = 30;
/// How often in the full run.
const KILLS_ALL: u64 = 300;
/// New bills for each payer, besides those that earlier ones left open: what it is at when it is killed is left to
/// chance.
const WAVE: usize = 12;
/// What each bill comes to \[fen\].
const PRICE: i64 = 700;
/// Residents whose bills are paid, in turn.
const RESIDENTS: u64 = 40;
/// How long the bus may be quiet before everything unanswered is asked again.
const RETRY: Duration = Duration::from_millis(300);

fn kills() -> u64 {
    if std::env::var_os("KITECITY_TEST_ALL").is_some() { KILLS_ALL } else { KILLS }
}

fn payer(city: &City, data: &Path) -> Process {
    let mut command = kitecity();
    command.args(["serve", "payer", "--broker", &city.broker(), "--data"]).arg(data).args(SETTINGS);
    Process::spawn(command.stderr(Stdio::null()))
}

/// How far a bill is.
enum Stage {
    /// Not known to be presettled.
    New,
    /// Presettled; the code that is being tried, if one is.
    Payable(Option<String>),
    /// Told to be paid, as this settlement.
    Paid(String),
}

/// A till of our own, with a plain MQTT client.
struct Till<'a> {
    city: &'a City,
    bus: Outsider,
    bills: BTreeMap<String, Stage>,
    /// What events say about each bill: its settlement, and how it was paid.
    events: BTreeMap<String, (String, Value)>,
    asked: u64,
}

impl<'a> Till<'a> {
    fn new(city: &'a City) -> Self {
        let mut bus = city.operator();
        bus.subscribe("kitecity/v1/demo/rsp/till/#");
        bus.subscribe("kitecity/v1/demo/evt/medpay/#");
        Self { city, bus, bills: BTreeMap::new(), events: BTreeMap::new(), asked: 0 }
    }

    /// Asks, and says under which id.
    fn ask(&mut self, method: &str, data: &Value) -> String {
        self.asked += 1;
        let id = format!("019d9e2c-5b80-7000-8001-{:012x}", self.asked);
        self.ask_as(&id, method, data);
        id
    }

    fn ask_as(&mut self, id: &str, method: &str, data: &Value) {
        let request = json!({
            "specversion": "1.0", "id": id, "source": "/till", "type": format!("city.kite.payer.{method}.v1"),
            "time": "2026-04-18T11:00:00Z", "replyto": "kitecity/v1/demo/rsp/till/1", "correlationid": id,
            "data": data,
        });
        self.bus.publish(&format!("kitecity/v1/demo/rpc/payer/s00/{method}"), request.to_string());
    }

    fn presettle(&mut self, bill: &str) {
        let resident = resident(bill);
        let line =
            json!({ "item": "consultation", "category": "A", "unit_price": PRICE, "quantity_milli": 1000 });
        self.ask(
            "presettle",
            &json!({ "bill": {
            "id": bill, "provider": "h-0001", "level": 1, "beneficiary": resident, "lines": [line],
            "total": PRICE,
        } }),
        );
    }

    /// Pays with a fresh code, or again with the one whose answer is still to come.
    fn settle(&mut self, bill: &str) {
        let Some(Stage::Payable(tried)) = self.bills.get(bill) else { return };
        let code = match tried {
            Some(code) => code.clone(),
            None => {
                let answer = self.city.get(&format!("/api/phone/{}/code", resident(bill)));
                answer["code"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
            }
        };
        self.bills.insert(bill.to_owned(), Stage::Payable(Some(code.clone())));
        self.ask("settle", &json!({ "bill": bill, "code": code }));
    }

    fn again(&mut self) {
        let open: Vec<(String, bool)> = self
            .bills
            .iter()
            .filter(|(_, stage)| !matches!(stage, Stage::Paid(_)))
            .map(|(bill, stage)| (bill.clone(), matches!(stage, Stage::New)))
            .collect();
        for (bill, new) in open {
            if new { self.presettle(&bill) } else { self.settle(&bill) }
        }
    }

    fn open_bills(&mut self) {
        for _ in 0..WAVE {
            let bill = format!("019d9e2c-5b80-7000-8002-{:012x}", self.bills.len());
            self.bills.insert(bill.clone(), Stage::New);
            self.presettle(&bill);
        }
    }

    fn take(&mut self, topic: &str, message: &Value) {
        let data = &message["data"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        if topic.ends_with("/settled") {
            self.note_event(&text(&data["bill"]), &text(&data["settlement"]), &data["split"]);
        } else if let Some(presettled) = data.get("presettled") {
            let bill = text(&presettled["bill"]);
            if let Some(stage @ Stage::New) = self.bills.get_mut(&bill) {
                *stage = Stage::Payable(None);
                self.settle(&bill);
            }
        } else if let Some(settled) = data.get("settled") {
            self.note_paid(&text(&settled["bill"]), &text(&settled["settlement"]));
        } else if let Some(refused) = data.get("refused").filter(|refused| refused.get("bill").is_some()) {
            let (bill, refusal) = (text(&refused["bill"]), &refused["refusal"]);
            match refusal["code"].as_str() {
                Some("bill_already_settled") => self.note_paid(&bill, &text(&refusal["settlement"])),
                Some("settlement_in_progress") => {}
                Some("bill_unknown" | "presettlement_stale") => {
                    self.bills.insert(bill.clone(), Stage::New);
                    self.presettle(&bill);
                }
                // The code went with the payer that asked about it, or with the balance.
                _ => {
                    self.bills.insert(bill.clone(), Stage::Payable(None));
                    self.settle(&bill);
                }
            }
        }
    }

    fn note_event(&mut self, bill: &str, settlement: &str, split: &Value) {
        let told = (settlement.to_owned(), split.clone());
        let before = self.events.insert(bill.to_owned(), told.clone());
        assert!(before.is_none_or(|before| before == told), "bill {bill} is settled twice");
    }

    /// Asks the payer's desk, and waits for the answer of this name.
    fn desk(&mut self, request: &Value, answer: &str) -> Value {
        let id = self.ask("pay", request);
        loop {
            match self.bus.within(RETRY) {
                Some((_, message)) if message["correlationid"] == id.as_str() => {
                    return message["data"][answer].clone();
                }
                Some((topic, message)) => self.take(&topic, &message),
                // Nobody was there yet.
                None => self.ask_as(&id, "pay", request),
            }
        }
    }

    /// What is on the account of a resident \[fen\].
    fn balance(&mut self, resident: &str) -> i64 {
        let statement = self.desk(&json!({ "statement": { "beneficiary": resident } }), "statement");
        statement["balance"].as_i64().expect("fen")
    }

    /// What the payer has settled: the bill and the split of each settlement.
    fn settled(&mut self) -> BTreeMap<String, (String, Value)> {
        let mut all = BTreeMap::new();
        let mut after = Value::Null;
        loop {
            let page = self.desk(&json!({ "bills": { "after": after } }), "bills");
            for bill in page["bills"].as_array().expect("a list") {
                let text = |name: &str| bill[name].as_str().expect("a text").to_owned();
                let twice = all.insert(text("bill"), (text("settlement"), bill["split"].clone()));
                assert_eq!(twice, None, "{bill} is settled twice");
                after = bill["settlement"].clone();
            }
            if page["more"] == false {
                return all;
            }
        }
    }

    fn note_paid(&mut self, bill: &str, settlement: &str) {
        let before = self.bills.insert(bill.to_owned(), Stage::Paid(settlement.to_owned()));
        if let Some(Stage::Paid(before)) = before {
            assert_eq!(before, settlement, "bill {bill} is settled twice");
        }
    }

    fn paid(&self) -> usize {
        self.bills.values().filter(|stage| matches!(stage, Stage::Paid(_))).count()
    }

    /// Works until so many messages came, or all is paid.
    fn work(&mut self, mut messages: u64) {
        let mut quiet = 0;
        while messages > 0 && self.paid() < self.bills.len() {
            match self.bus.within(RETRY) {
                Some((topic, message)) => {
                    self.take(&topic, &message);
                    (messages, quiet) = (messages - 1, 0);
                }
                None => {
                    quiet += 1;
                    assert!(quiet < 100, "the payer is silent");
                    self.again();
                }
            }
        }
    }
}

/// Whose bill it is.
fn resident(bill: &str) -> String {
    format!("r-{:04}", 1 + u64::from_str_radix(&bill[24..], 16).expect("hex") % RESIDENTS)
}

#[test]
fn i12_what_a_killed_payer_acknowledged_is_paid_and_paid_once() {
    let city = City::start(&[&SETTINGS[..], &["--without", "payer", "--without", "residents"]].concat());
    let data = tempfile::tempdir().expect("a folder");
    let mut till = Till::new(&city);
    let mut opening = BTreeMap::new();
    for kill in 0..kills() {
        let payer = payer(&city, &data.path().join("city"));
        if kill == 0 {
            for number in 1..=RESIDENTS {
                let resident = format!("r-{number:04}");
                let balance = till.balance(&resident);
                opening.insert(resident, balance);
            }
        }
        till.open_bills();
        till.work(5 + kill * 7919 % 43);
        // Killed, not asked to end.
        drop(payer);
    }
    let _payer = payer(&city, &data.path().join("city"));
    till.work(u64::MAX);
    assert!(till.paid() > 20, "only {} bills were paid between the kills", till.paid());

    // Acknowledged = durable = told to everyone, by the same name and with the same parts.
    let settled = till.settled();
    assert_eq!(settled, till.events);
    let told = till.bills.iter().map(|(bill, stage)| match stage {
        Stage::Paid(settlement) => (bill, settlement),
        Stage::New | Stage::Payable(_) => panic!("{bill} is not paid"),
    });
    assert!(told.eq(settled.iter().map(|(bill, (settlement, _))| (bill, settlement))));
    // What can be asked in SQL was written together with it.
    let tables =
        rusqlite::Connection::open(data.path().join("city").join("city.sqlite")).expect("the folder");
    let mut rows = tables.prepare("SELECT bill, settlement FROM settlements ORDER BY bill").expect("a table");
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
    let rows: Vec<(String, String)> = rows.map(|row| row.expect("a row")).collect();
    assert!(rows.iter().map(|(bill, id)| (bill, id)).eq(settled.iter().map(|(bill, (id, _))| (bill, id))));
    // No half group, and nothing charged twice: every account has lost exactly its parts.
    for (resident, before) in opening {
        let parts = settled.iter().filter(|(bill, _)| self::resident(bill) == resident);
        let spent: i64 = parts.map(|(_, (_, split))| split["account"].as_i64().expect("fen")).sum();
        assert_eq!(till.balance(&resident), before - spent, "{resident}");
        let moved = "SELECT coalesce(sum(moved), 0) FROM accounts WHERE beneficiary = ?1";
        let moved: i64 = tables.query_row(moved, [&resident], |row| row.get(0)).expect("a sum");
        assert_eq!(moved, -spent, "{resident}");
    }
}

#[test]
fn a_folder_of_another_city_is_refused_before_anything_starts() {
    let data = tempfile::tempdir().expect("a folder");
    let start = |seed: &str| {
        let mut command = kitecity();
        command.args(["serve", "payer", "--broker", "mqtt://127.0.0.1:9", "--seed", seed, "--data"]);
        Process::spawn(command.arg(data.path().join("city")).args(SETTINGS).stderr(Stdio::piped()))
    };
    let mut first = start("7");
    city_tests::wait_for("the city to be founded", || {
        let log = std::fs::read(data.path().join("city/city.sqlite-wal")).ok()?;
        log.windows(9).any(|bytes| bytes == b"city.seed").then_some(())
    });
    first.interrupt();
    let mut second = start("8");
    let errors = second.errors();
    assert!(errors.contains("belongs to another city: its `city.seed` is 7, here it is 8"), "{errors}");
}

#[test]
fn a_city_that_was_killed_knows_its_bills_and_the_codes_that_were_used() {
    let data = tempfile::tempdir().expect("a folder");
    let folder = data.path().join("city");
    let folder = folder.to_str().expect("UTF-8");
    // Without a secret: the first one is kept, and so are keys and passwords.
    let start = || City::start(&["--luminaires", "120", "--without", "residents", "--data", folder]);
    let run = |city: &City, arguments: &[&str]| {
        let mut command = kitecity();
        command.args(arguments).args(["--luminaires", "120", "--broker", &city.broker()]);
        command.args(["--password", &city.password]).stderr(Stdio::null());
        String::from_utf8(command.output().expect("the binary runs").stdout).expect("UTF-8")
    };
    let city = start();
    let password = city.password.clone();
    let visit = run(&city, &["pay", "visit", "--provider", "h-0001", "--resident", "r-0007", "--json"]);
    let visit: Value = serde_json::from_str(&visit).expect("a bill");
    let bill = visit["billed"]["bill"].as_str().expect("an id").to_owned();
    let code = run(&city, &["eid", "show", "--resident", "r-0007"]);
    let code = code.trim_end_matches('\n');
    let paid = run(&city, &["pay", "settle", &bill, code]);
    assert!(paid.starts_with("settled as "), "{paid}");
    let before = run(&city, &["pay", "bills"]);
    let statement = run(&city, &["pay", "statement", "r-0007"]);
    // Killed, not asked to end.
    drop(city);

    let (key, away) = (data.path().join("city.key"), data.path().join("away.key"));
    std::fs::rename(&key, &away).expect("the key is beside the folder");
    let without =
        kitecity().args(["up", "--luminaires", "120", "--data", folder]).stderr(Stdio::piped()).output();
    let without = without.expect("the binary runs");
    let errors = String::from_utf8_lossy(&without.stderr);
    assert_eq!(without.status.code(), Some(2), "{errors}");
    assert!(
        errors.contains("city.key: the data folder is sealed") && errors.contains("--key-file"),
        "{errors}"
    );
    std::fs::rename(&away, &key).expect("it is put back");

    let city = start();
    assert_eq!(city.password, password);
    assert_eq!(run(&city, &["pay", "bills"]), before);
    assert_eq!(run(&city, &["pay", "statement", "r-0007"]), statement);
    assert!(run(&city, &["eid", "verify", code]).contains("token_replayed"));
    assert!(run(&city, &["pay", "settle", &bill, code]).contains("already settled"));
    assert!(run(&city, &["pay", "reconcile", "h-0001"]).contains("the books agree"));
}
