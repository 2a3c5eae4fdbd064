//! A payer that is killed again and again: what it said it has done, it has done, and once.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use city_tests::{City, Outsider, Process, kitecity};
use serde_json::{Value, json};

/// The settings of the city, which the payer shares.
const SETTINGS: [&str; 4] = ["--luminaires", "120", "--secret", "kite"];
/// How often the payer is killed.
const KILLS: u64 = 10;
/// Bills that are being paid at any time.
const OPEN: usize = 6;
/// How long the bus may be quiet before everything unanswered is asked again.
const RETRY: Duration = Duration::from_millis(300);

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
    /// What events say about each bill.
    events: BTreeMap<String, String>,
    asked: u64,
}

impl<'a> Till<'a> {
    fn new(city: &'a City) -> Self {
        let mut bus = city.operator();
        bus.subscribe("kitecity/v1/demo/rsp/till/#");
        bus.subscribe("kitecity/v1/demo/evt/medpay/#");
        Self { city, bus, bills: BTreeMap::new(), events: BTreeMap::new(), asked: 0 }
    }

    fn ask(&mut self, method: &str, data: &Value) {
        self.asked += 1;
        let id = format!("019d9e2c-5b80-7000-8001-{:012x}", self.asked);
        let request = json!({
            "specversion": "1.0", "id": id, "source": "/till", "type": format!("city.kite.payer.{method}.v1"),
            "time": "2026-04-18T11:00:00Z", "replyto": "kitecity/v1/demo/rsp/till/1", "correlationid": id,
            "data": data,
        });
        self.bus.publish(&format!("kitecity/v1/demo/rpc/payer/s00/{method}"), request.to_string());
    }

    fn presettle(&mut self, bill: &str) {
        let resident = format!("r-{:04}", 1 + u64::from_str_radix(&bill[24..], 16).expect("hex") % 40);
        let line =
            json!({ "item": "consultation", "category": "A", "unit_price": 700, "quantity_milli": 1000 });
        self.ask("presettle", &json!({ "bill": {
            "id": bill, "provider": "h-0001", "level": 1, "beneficiary": resident, "lines": [line], "total": 700,
        } }));
    }

    /// Pays with a fresh code, or again with the one whose answer is still to come.
    fn settle(&mut self, bill: &str) {
        let Some(Stage::Payable(tried)) = self.bills.get(bill) else { return };
        let code = match tried {
            Some(code) => code.clone(),
            None => {
                let resident = 1 + u64::from_str_radix(&bill[24..], 16).expect("hex") % 40;
                let answer = self.city.get(&format!("/api/phone/r-{resident:04}/code"));
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
        while self.bills.values().filter(|stage| !matches!(stage, Stage::Paid(_))).count() < OPEN {
            let bill = format!("019d9e2c-5b80-7000-8002-{:012x}", self.bills.len());
            self.bills.insert(bill.clone(), Stage::New);
            self.presettle(&bill);
        }
    }

    fn take(&mut self, topic: &str, message: &Value) {
        let data = &message["data"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        if topic.ends_with("/settled") {
            self.note_event(&text(&data["bill"]), &text(&data["settlement"]));
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

    fn note_event(&mut self, bill: &str, settlement: &str) {
        let before = self.events.insert(bill.to_owned(), settlement.to_owned());
        assert!(before.is_none_or(|before| before == settlement), "bill {bill} is settled twice");
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
    fn work(&mut self, mut messages: u64, new_bills: bool) {
        let mut quiet = 0;
        while messages > 0 {
            if new_bills {
                self.open_bills();
            } else if self.paid() == self.bills.len() {
                return;
            }
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

#[test]
fn what_a_killed_payer_acknowledged_is_paid_and_paid_once() {
    let city = City::start(&[&SETTINGS[..], &["--without", "payer", "--without", "residents"]].concat());
    let data = tempfile::tempdir().expect("a folder");
    let mut till = Till::new(&city);
    for kill in 0..KILLS {
        let payer = payer(&city, data.path());
        till.work(5 + kill * 7919 % 43, true);
        // Killed, not asked to end.
        drop(payer);
    }
    let _payer = payer(&city, data.path());
    till.work(u64::MAX, false);
    assert!(till.paid() > 20, "only {} bills were paid between the kills", till.paid());

    // The last payer knows of every payment that was ever acknowledged, by the same name.
    let told: Vec<(String, String)> = till
        .bills
        .iter()
        .filter_map(|(bill, stage)| match stage {
            Stage::Paid(settlement) => Some((bill.clone(), settlement.clone())),
            _ => None,
        })
        .collect();
    for (bill, settlement) in told {
        till.ask("settle", &json!({ "bill": bill, "code": "HC1:ANY" }));
        loop {
            let (topic, answer) = till.bus.within(Duration::from_secs(20)).expect("an answer");
            let refused = &answer["data"]["refused"];
            if topic.contains("/rsp/") && refused["bill"] == bill.as_str() {
                assert_eq!(refused["refusal"]["settlement"], settlement.as_str(), "{answer}");
                break;
            }
            till.take(&topic, &answer);
        }
        assert_eq!(till.events.get(&bill), Some(&settlement), "every payment is told to everyone");
    }
}

#[test]
fn a_folder_of_another_city_is_refused_before_anything_starts() {
    let data = tempfile::tempdir().expect("a folder");
    let start = |seed: &str| {
        let mut command = kitecity();
        command.args(["serve", "payer", "--broker", "mqtt://127.0.0.1:9", "--seed", seed, "--data"]);
        Process::spawn(command.arg(data.path()).args(SETTINGS).stderr(Stdio::piped()))
    };
    let mut first = start("7");
    city_tests::wait_for("the city to be founded", || {
        let log = std::fs::read(data.path().join("city.sqlite-wal")).ok()?;
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
    let folder = data.path().to_str().expect("UTF-8");
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

    let city = start();
    assert_eq!(city.password, password);
    assert_eq!(run(&city, &["pay", "bills"]), before);
    assert_eq!(run(&city, &["pay", "statement", "r-0007"]), statement);
    assert!(run(&city, &["eid", "verify", code]).contains("token_replayed"));
    assert!(run(&city, &["pay", "settle", &bill, code]).contains("already settled"));
    assert!(run(&city, &["pay", "reconcile", "h-0001"]).contains("the books agree"));
}
